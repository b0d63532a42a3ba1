//! Ids and hashes: shortened in the middle, whole on focus.

use leptos::prelude::*;

use crate::format::short_id;

/// An id in monospace. When shortened it can be focused, and shows itself whole then.
#[component]
pub fn Id(
    /// The whole id.
    #[prop(into)]
    value: String,
) -> impl IntoView {
    let short = short_id(&value);
    if short == value {
        return view! { <span class="id">{value}</span> }.into_any();
    }
    let (title, label) = (value.clone(), value.clone());
    view! {
        <span class="id" tabindex="0" role="note" title=title aria-label=label>
            <span class="short" aria-hidden="true">{short}</span>
            <span class="whole" aria-hidden="true">{value}</span>
        </span>
    }
    .into_any()
}
