//! A point in time: UTC on the page, local time and age on hover and in the accessible name.

use leptos::prelude::*;
use wasm_bindgen::JsValue;

use crate::format;

/// A time in milliseconds since the Unix epoch; nothing when it is 0.
#[component]
pub fn Time(
    /// Milliseconds since the Unix epoch.
    ms: i64,
) -> impl IntoView {
    if ms == 0 {
        return view! { <span class="muted">"–"</span> }.into_any();
    }
    let utc = format::utc(ms);
    let date = js_sys::Date::new(&JsValue::from_f64(ms as f64));
    let local = String::from(date.to_locale_string("sv-SE", &JsValue::UNDEFINED));
    let age = format::ago(ms, js_sys::Date::now() as i64);
    let title = format!("{local} local time, {age}");
    view! {
        <time class="nowrap" datetime=String::from(date.to_iso_string()) title=title>
            {utc}
            <span class="visually-hidden">{format!(", {age}")}</span>
        </time>
    }
    .into_any()
}
