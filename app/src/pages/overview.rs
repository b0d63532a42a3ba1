//! Does anything need me?

use leptos::prelude::*;

use crate::components::lead::Lead;

/// What waits first, then what is there.
#[component]
pub fn Overview() -> impl IntoView {
    view! { <div class="page"><Lead sentence="Nothing waits for you." /></div> }
}
