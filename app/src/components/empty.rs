//! An empty place: what belongs here and how to get the first one.

use leptos::prelude::*;

/// Says what belongs here; the children are the first acts.
#[component]
pub fn Empty(
    /// What belongs here and why it is empty.
    #[prop(into)]
    text: String,
    /// The first acts.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="empty">
            <p>{text}</p>
            <div class="acts">{children()}</div>
        </div>
    }
}
