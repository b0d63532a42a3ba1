//! How a whole is shared: a bar, and the same in numbers.

use leptos::prelude::*;

use crate::components::bytes::Bytes;

/// A part of the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    label: &'static str,
    class: &'static str,
    bytes: u64,
}

impl Share {
    /// So many bytes, with a class of the sheet.
    pub fn new(label: &'static str, class: &'static str, bytes: u64) -> Self {
        Self {
            label,
            class,
            bytes,
        }
    }
}

/// The bar. What is nothing is only in the numbers.
#[component]
pub fn ShareBar(
    /// What is shared.
    #[prop(into)]
    label: String,
    /// Its parts, in order.
    shares: Vec<Share>,
) -> impl IntoView {
    let parts: Vec<_> = shares
        .iter()
        .filter(|share| share.bytes > 0)
        .cloned()
        .collect();
    let bar = parts.into_iter().map(|share| {
        view! { <span class=format!("share {}", share.class) style:flex-grow=share.bytes.to_string()></span> }
    });
    let numbers = shares.into_iter().map(|share| {
        view! {
            <li><span class=format!("share-mark {}", share.class) aria-hidden="true"></span>{share.label} " " <Bytes n=share.bytes /></li>
        }
    });
    view! {
        <figure class="shares">
            <figcaption>{label}</figcaption>
            <div class="share-bar" aria-hidden="true">{bar.collect_view()}</div>
            <ul>{numbers.collect_view()}</ul>
        </figure>
    }
}
