//! Something that is shown this once and kept nowhere: a link, a token.

use leptos::prelude::*;

use crate::components::button::CopyButton;

/// The value with a button that copies it, until it is put away.
#[component]
pub fn OneTimeValue(
    /// What it is and what to do with it.
    #[prop(into)]
    title: String,
    /// The value.
    value: String,
    /// What the button says: `Copy the link`.
    label: &'static str,
    /// Puts it away.
    #[prop(into)]
    on_done: Callback<()>,
    /// More about it.
    children: Children,
) -> impl IntoView {
    let text = value.clone();
    view! {
        <div class="notice pass once" role="status">
            <p><strong>{title}</strong></p>
            <p><code class="once-value">{value}</code></p>
            {children()}
            <div class="acts">
                <CopyButton label=label text=Signal::derive(move || text.clone()) />
                <button type="button" class="button small" on:click=move |_| on_done.run(())>"Done"</button>
            </div>
        </div>
    }
}
