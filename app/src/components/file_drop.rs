//! The drop target: also a button, also a place to paste.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use crate::dropped::Dropped;

/// A large target for files. Files can also be pasted anywhere on the page while it is shown.
#[component]
pub fn FileDrop(
    /// What it asks for.
    #[prop(into)]
    title: String,
    /// One line below.
    #[prop(into)]
    hint: String,
    /// A row instead of a large area.
    #[prop(into)]
    slim: Signal<bool>,
    /// Told what came.
    #[prop(into)]
    on_files: UnsyncCallback<Dropped>,
) -> impl IntoView {
    let over = RwSignal::new(false);
    let input = NodeRef::<leptos::html::Input>::new();
    let give = move |dropped: Dropped| {
        if !dropped.is_empty() {
            on_files.run(dropped);
        }
    };
    let on_drop = move |ev: web_sys::DragEvent| {
        ev.prevent_default();
        over.set(false);
        if let Some(transfer) = ev.data_transfer() {
            give(Dropped::from_transfer(&transfer));
        }
    };
    let on_change = move |ev: web_sys::Event| {
        let Some(input) = ev
            .target()
            .and_then(|t| t.dyn_into::<HtmlInputElement>().ok())
        else {
            return;
        };
        let files = input
            .files()
            .map(|list| (0..list.length()).filter_map(|i| list.get(i)).collect());
        give(Dropped {
            files: files.unwrap_or_default(),
            folders: Vec::new(),
        });
        // The same file may be chosen again.
        input.set_value("");
    };
    // A file dropped beside the target would make the browser leave the page.
    let stay = |ev: web_sys::DragEvent| ev.prevent_default();
    let handles = [
        window_event_listener(leptos::ev::dragover, stay),
        window_event_listener(leptos::ev::drop, stay),
    ];
    let paste = window_event_listener(leptos::ev::paste, move |ev| {
        let ev: web_sys::ClipboardEvent = ev.unchecked_into();
        if let Some(transfer) = ev.clipboard_data() {
            give(Dropped::from_transfer(&transfer));
        }
    });
    on_cleanup(move || {
        paste.remove();
        for handle in handles {
            handle.remove();
        }
    });
    view! {
        <button
            type="button"
            class="drop"
            class:slim=slim
            class:over=over
            on:click=move |_| if let Some(input) = input.get() { input.click() }
            on:dragenter=move |ev| { ev.prevent_default(); over.set(true) }
            on:dragover=move |ev| { ev.prevent_default(); over.set(true) }
            on:dragleave=move |_| over.set(false)
            on:drop=on_drop
        >
            <strong>{title}</strong>
            <span class="muted small">{hint}</span>
        </button>
        <input node_ref=input type="file" multiple hidden aria-label="Choose files" on:change=on_change />
    }
}
