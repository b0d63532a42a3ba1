//! The list of keys, opened by `?`.

use leptos::prelude::*;

use crate::components::dialog::Dialog;

const KEYS: [(&str, &str); 7] = [
    ("/", "search: the filter of this page, or the palette"),
    (
        "Ctrl K",
        "command palette: pages, ids, people, clusters, actions",
    ),
    ("?", "this list"),
    ("↑ ↓", "move between the rows of a table"),
    ("← →", "move along the page map"),
    ("Tab", "next control; ids show in full, Enter copies them"),
    ("Esc", "close what is open"),
];

/// All keys.
#[component]
pub fn KeyList() -> impl IntoView {
    view! {
        <dl class="keys">
            {KEYS.map(|(key, what)| view! { <dt><kbd>{key}</kbd></dt><dd>{what}</dd> }).collect_view()}
        </dl>
    }
}

/// The dialog with all keys.
#[component]
pub fn Keys(
    /// Whether it is open.
    open: RwSignal<bool>,
) -> impl IntoView {
    view! {
        <Dialog open label="Keyboard shortcuts">
            <h2>"Keyboard shortcuts"</h2>
            <KeyList />
            <div class="dialog-acts">
                <button type="button" class="button" autofocus on:click=move |_| open.set(false)>"Close"</button>
            </div>
        </Dialog>
    }
}
