//! A button that copies.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::clipboard::copy;

/// How long it is told that a copy was made, in milliseconds.
const TOLD_MS: u32 = 2_500;

/// What became of the last press of a button that copies.
#[derive(Debug, Clone, Copy, Default)]
pub struct Copied(RwSignal<Option<bool>>);

impl Copied {
    /// Copies `text`, and tells for a while whether that worked.
    pub fn copy(self, text: String) {
        spawn_local(async move {
            let done = copy(&text).await;
            // The page may be gone meanwhile.
            self.0.try_set(Some(done));
            gloo_timers::future::TimeoutFuture::new(TOLD_MS).await;
            self.0.try_set(None);
        });
    }

    /// Whether a copy was just made.
    pub fn is_done(self) -> bool {
        self.0.get() == Some(true)
    }

    /// What became of it, for a status line; empty when nothing was pressed lately.
    pub fn words(self) -> &'static str {
        match self.0.get() {
            None => "",
            Some(true) => "Copied",
            Some(false) => "The browser refused: select the text and copy it",
        }
    }
}

/// A button that copies text and says that it did.
#[component]
pub fn CopyButton(
    /// What the button says: `Copy command`.
    #[prop(into)]
    label: String,
    /// What is copied, asked for at the press.
    #[prop(into)]
    text: Signal<String>,
) -> impl IntoView {
    let copied = Copied::default();
    view! {
        <span class="nowrap">
            <button type="button" class="button small" on:click=move |_| copied.copy(text.get_untracked())>
                {label}
            </button>
            " "
            <span class="small muted" role="status">
                {move || copied.words()}
            </span>
        </span>
    }
}
