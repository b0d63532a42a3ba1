//! A size, exact on hover.

use leptos::prelude::*;

use crate::format;

/// `1.54 GiB`, with the exact count in its title.
#[component]
pub fn Bytes(
    /// Bytes.
    n: u64,
) -> impl IntoView {
    view! { <span class="nowrap" title=format::exact_bytes(n)>{format::bytes(n)}</span> }
}
