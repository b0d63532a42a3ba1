//! A panel under a button: the browser closes it at Escape and at a press elsewhere, and gives the focus back.

use js_sys::{Function, Reflect};
use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// The panel of the button with `popovertarget=id`. A press on a link in it closes it.
#[component]
pub fn Popover(
    /// Its id.
    id: &'static str,
    /// Its name.
    label: &'static str,
    /// Whether it opens at its button, and not under the bar.
    #[prop(optional)]
    at_button: bool,
    /// What is in it.
    children: Children,
) -> impl IntoView {
    let on_click = move |ev: web_sys::MouseEvent| {
        let target = ev
            .target()
            .and_then(|t| t.dyn_into::<web_sys::Element>().ok());
        if target.is_some_and(|el| matches!(el.closest("a[href], [data-closes]"), Ok(Some(_)))) {
            close(id);
        }
    };
    view! {
        <div id=id class="popover" class:at-button=at_button popover="auto" role="group" aria-label=label on:click=on_click>
            {children()}
        </div>
    }
}

/// Closes the panel where it is open.
pub fn close(id: &str) {
    let Some(panel) = document().get_element_by_id(id) else {
        return;
    };
    let hide = Reflect::get(&panel, &"hidePopover".into());
    if let Some(hide) = hide.ok().and_then(|hide| hide.dyn_into::<Function>().ok()) {
        // Refused where it is closed already.
        let _ = hide.call0(&panel);
    }
}
