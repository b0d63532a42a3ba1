//! Where the keyboard is after going to another page: at its heading, so that it is read, and the next Tab goes on from
//! there. Once a person does something on the new page, the focus is theirs.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// What is pressed so soon after an address has changed is what changed it, in milliseconds.
const SAME_PRESS_MS: f64 = 100.0;

/// Whether a page was just gone to.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    is_new: RwSignal<bool>,
    since_ms: StoredValue<f64>,
}

impl Arrival {
    /// Gives it to all pages below.
    pub fn provide() -> Self {
        let arrival = Self {
            is_new: RwSignal::new(false),
            since_ms: StoredValue::new(0.0),
        };
        provide_context(arrival);
        let over = move || {
            let age = js_sys::Date::now() - arrival.since_ms.get_value();
            if arrival.is_new.get_untracked() && age >= SAME_PRESS_MS {
                arrival.is_new.set(false);
            }
        };
        let keys = window_event_listener(leptos::ev::keydown, move |_| over());
        let pointer = window_event_listener(leptos::ev::pointerdown, move |_| over());
        on_cleanup(move || {
            keys.remove();
            pointer.remove();
        });
        arrival
    }

    /// The one given by [`Arrival::provide`].
    pub fn expect() -> Self {
        expect_context()
    }

    /// The address has changed.
    pub fn begin(self) {
        self.since_ms.set_value(js_sys::Date::now());
        self.is_new.set(true);
    }

    /// Puts the focus on the page's heading, now and when it is drawn anew, until the person does something.
    pub fn at(self, heading: NodeRef<leptos::html::H1>) {
        Effect::new(move |_| {
            if let (true, Some(heading)) = (self.is_new.get(), heading.get())
                && is_free()
            {
                let _ = heading.unchecked_into::<HtmlElement>().focus();
            }
        });
    }
}

/// Nobody types anywhere, and no dialog is open.
fn is_free() -> bool {
    let typing = document()
        .active_element()
        .is_some_and(|el| matches!(el.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"));
    !typing && matches!(document().query_selector("dialog[open]"), Ok(None))
}
