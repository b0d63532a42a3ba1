//! A button that copies.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::clipboard::copy;

/// A button that copies text and says that it did.
#[component]
pub fn CopyButton(
    /// What the button says: `copy command`.
    #[prop(into)]
    label: String,
    /// What is copied, asked for at the press.
    #[prop(into)]
    text: Signal<String>,
) -> impl IntoView {
    let said = RwSignal::new("");
    let on_click = move |_| {
        let text = text.get_untracked();
        spawn_local(async move {
            said.set(if copy(&text).await {
                "Copied"
            } else {
                "The browser refused: select and copy by hand"
            });
            gloo_timers::future::TimeoutFuture::new(2_500).await;
            said.try_set("");
        });
    };
    view! {
        <span class="nowrap">
            <button type="button" class="button small" on:click=on_click>
                {label}
            </button>
            " "
            <span class="small muted" role="status">
                {said}
            </span>
        </span>
    }
}
