//! Dialogs: they trap the focus and give it back.

use leptos::prelude::*;

/// A modal dialog. Escape closes it; the focus goes back to where it was.
#[component]
pub fn Dialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// Its name.
    #[prop(into)]
    label: String,
    /// Another class.
    #[prop(optional)]
    class: &'static str,
    /// What is in it; made anew each time it opens.
    children: ChildrenFn,
) -> impl IntoView {
    let node = NodeRef::<leptos::html::Dialog>::new();
    Effect::new(move |_| {
        let Some(dialog) = node.get() else { return };
        if open.get() && !dialog.open() {
            let _ = dialog.show_modal();
        } else if !open.get() && dialog.open() {
            dialog.close();
        }
    });
    // A press on the backdrop reaches the dialog itself, never a child.
    let on_click = move |ev: web_sys::MouseEvent| {
        let outside = node.get_untracked().is_some_and(|dialog| {
            ev.target()
                .is_some_and(|target| *target == **AsRef::<web_sys::EventTarget>::as_ref(&dialog))
        });
        if outside {
            open.set(false);
        }
    };
    let children = StoredValue::new(children);
    view! {
        <dialog node_ref=node class=class aria-label=label on:close=move |_| open.set(false) on:mousedown=on_click>
            {move || open.get().then(|| children.with_value(|children| children()))}
        </dialog>
    }
}
