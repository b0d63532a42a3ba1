//! Names and values.

use leptos::prelude::*;

/// A list of names and values; `big` for the numbers a page is about.
#[component]
pub fn Properties(
    /// Name and value, in order.
    rows: Vec<(&'static str, AnyView)>,
    /// Larger values.
    #[prop(optional)]
    big: bool,
) -> impl IntoView {
    let rows = rows
        .into_iter()
        .map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> })
        .collect_view();
    view! { <dl class=if big { "properties big" } else { "properties" }>{rows}</dl> }
}
