//! The sentence that a page opens with, and where in the console it is.

use leptos::prelude::*;

use crate::arrival::Arrival;
use crate::title::Title;

/// The way here, then the page's sentence with its acts beside it.
#[component]
pub fn PageHeader(
    /// Names for the steps of the way here, and steps that the address does not show: label and address.
    #[prop(optional)]
    crumbs: Vec<(String, String)>,
    /// The sentence.
    #[prop(into)]
    sentence: Signal<String>,
    /// The same, where a part of it stands out.
    #[prop(optional, into)]
    headline: Option<ViewFn>,
    /// A verdict that the sentence gives: `verdict pass`, `verdict warning` or `verdict fail`.
    #[prop(optional)]
    tone: &'static str,
    /// Evidence in a line below it.
    #[prop(optional, into)]
    below: ViewFn,
    /// Buttons.
    #[prop(optional, into)]
    acts: ViewFn,
) -> impl IntoView {
    let title = Title::expect();
    Effect::new(move |_| title.page(sentence.get()));
    let heading = NodeRef::<leptos::html::H1>::new();
    Arrival::expect().at(heading);
    title.set_way(crumbs);
    view! {
        <div class=format!("page-header {tone}")>
            <div class="page-header-text">
                <h1 node_ref=heading tabindex="-1">{match headline { Some(headline) => headline.run(), None => sentence.into_any() }}</h1>
                {below.run()}
            </div>
            <div class="acts">{acts.run()}</div>
        </div>
    }
}
