//! Where the focus goes when what had it is gone.

use leptos::prelude::document;
use wasm_bindgen::JsCast as _;

/// Moves the focus to the element with this id, where it is there.
pub fn focus(id: &str) {
    let element = document().get_element_by_id(id);
    if let Some(element) = element.and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = element.focus();
    }
}
