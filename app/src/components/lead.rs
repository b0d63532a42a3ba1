//! The sentence that a page opens with, and where in the console it is.

use leptos::prelude::*;

/// The way here, then the page's sentence with its acts beside it.
#[component]
pub fn Lead(
    /// The way here: label and address, outermost first; the page itself is not in it.
    #[prop(optional)]
    crumbs: Vec<(String, String)>,
    /// The sentence.
    #[prop(into)]
    sentence: Signal<String>,
    /// Evidence in a line below it.
    #[prop(optional, into)]
    below: ViewFn,
    /// Buttons.
    #[prop(optional, into)]
    acts: ViewFn,
) -> impl IntoView {
    // The tab's title is the sentence, so that a person finds the tab again.
    Effect::new(move |_| document().set_title(&format!("{} – Requorum", sentence.get())));
    let crumbs = (!crumbs.is_empty()).then(|| {
        let items = crumbs
            .into_iter()
            .map(|(label, path)| view! { <li><a href=path>{label}</a></li> })
            .collect_view();
        view! { <nav class="crumbs" aria-label="You are here"><ol>{items}</ol></nav> }
    });
    view! {
        {crumbs}
        <div class="lead">
            <div class="lead-text">
                <h1>{sentence}</h1>
                {below.run()}
            </div>
            <div class="acts">{acts.run()}</div>
        </div>
    }
}
