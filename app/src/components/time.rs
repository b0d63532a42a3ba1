//! Points in time: how long ago in lists, the date and time where a fact is told. Each has the other on hover and in
//! its accessible name; the zone is the one that the header names.

use leptos::prelude::*;
use wasm_bindgen::JsValue;

use crate::times::Times;

/// A point in time as `2026-11-21 14:02:11`; a dash when it is 0.
#[component]
pub fn Time(
    /// Milliseconds since the Unix epoch.
    ms: i64,
) -> impl IntoView {
    if ms == 0 {
        return none().into_any();
    }
    let times = Times::expect();
    view! {
        <time class="nowrap" datetime=iso(ms) title=move || format!("{}, {}", times.full(ms), times.ago(ms))>
            {move || times.stamp(ms)}
            <span class="visually-hidden">{move || format!(" {}, {}", times.name(), times.ago(ms))}</span>
        </time>
    }
    .into_any()
}

/// A point in time as `4 min ago`, for lists; a dash when it is 0.
#[component]
pub fn Ago(
    /// Milliseconds since the Unix epoch.
    ms: i64,
) -> impl IntoView {
    if ms == 0 {
        return none().into_any();
    }
    let times = Times::expect();
    view! {
        <time class="nowrap" datetime=iso(ms) title=move || times.full(ms)>
            {move || times.ago(ms)}
            <span class="visually-hidden">{move || format!(", {}", times.full(ms))}</span>
        </time>
    }
    .into_any()
}

/// The time of day as `14:02:11`, for lines of one run.
#[component]
pub fn Clock(
    /// Milliseconds since the Unix epoch.
    ms: i64,
) -> impl IntoView {
    let times = Times::expect();
    view! {
        <time datetime=iso(ms) title=move || times.full(ms)>{move || times.clock(ms)}</time>
    }
}

fn none() -> impl IntoView {
    view! { <span class="muted">"–"</span> }
}

fn iso(ms: i64) -> String {
    // A date that JavaScript cannot hold is no reason to show none.
    let date = js_sys::Date::new(&JsValue::from_f64(
        ms.clamp(-8_640_000_000_000_000, 8_640_000_000_000_000) as f64,
    ));
    String::from(date.to_iso_string())
}
