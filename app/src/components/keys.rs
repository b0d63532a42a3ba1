//! The list of keys, opened by `?`.

use leptos::prelude::*;

use crate::components::dialog::Dialog;

const KEYS: [(&str, &str); 7] = [
    ("/", "search: the filter of this page, or the palette"),
    ("Ctrl K", "palette of pages and acts"),
    ("?", "this list"),
    ("↑ ↓", "move between the rows of a table"),
    ("← →", "move along the page strip"),
    (
        "Tab",
        "to the next thing that can be pressed; ids show themselves whole",
    ),
    ("Esc", "close what is open"),
];

/// The dialog with all keys.
#[component]
pub fn Keys(
    /// Whether it is open.
    open: RwSignal<bool>,
) -> impl IntoView {
    view! {
        <Dialog open label="Keys">
            <h2>"Keys"</h2>
            <dl class="keys">
                {KEYS.map(|(key, what)| view! { <dt><kbd>{key}</kbd></dt><dd>{what}</dd> }).collect_view()}
            </dl>
            <div class="dialog-acts">
                <button type="button" class="button" autofocus on:click=move |_| open.set(false)>"Close"</button>
            </div>
        </Dialog>
    }
}
