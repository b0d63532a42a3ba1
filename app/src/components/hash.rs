//! Ids, hashes, paths and addresses: one press copies the whole of them, by mouse, touch or keyboard.

use leptos::prelude::*;

use crate::components::button::Copied;
use crate::components::icon::{COPY, DONE, Icon};
use crate::format::{short_id, visible};

/// An id in monospace, shortened in the middle where it is long. It is a button: focused, it shows itself whole;
/// pressed, it is copied whole.
#[component]
pub fn Id(
    /// The whole id.
    #[prop(into)]
    value: String,
) -> impl IntoView {
    let short = short_id(&value);
    let shown = if short == value {
        view! { <span aria-hidden="true">{value.clone()}</span> }.into_any()
    } else {
        view! {
            <span class="short" aria-hidden="true">{short}</span>
            <span class="whole" aria-hidden="true">{value.clone()}</span>
        }
        .into_any()
    };
    let copied = Copied::default();
    let (title, label, text) = (value.clone(), value.clone(), value);
    view! {
        <button type="button" class="id" title=title on:click=move |_| copied.copy(text.clone())>
            <span class="visually-hidden">"Copy " {label}</span>
            {shown}
            {mark(copied)}
        </button>
        <span class="visually-hidden" role="status">{move || copied.words()}</span>
    }
}

/// A path, an address or a name that is shown whole, with a button that copies it.
#[component]
pub fn Copyable(
    /// The text.
    #[prop(into)]
    value: String,
) -> impl IntoView {
    let copied = Copied::default();
    let shown = visible(&value);
    let (label, text) = (format!("Copy {shown}"), value);
    view! {
        <span class="copyable">
            <code>{shown}</code>
            " "
            <button type="button" class="copy" aria-label=label title="Copy" on:click=move |_| copied.copy(text.clone())>
                {mark(copied)}
            </button>
            <span class="visually-hidden" role="status">{move || copied.words()}</span>
        </span>
    }
}

fn mark(copied: Copied) -> impl IntoView {
    move || {
        let drawing = if copied.is_done() { DONE } else { COPY };
        view! { <Icon is=drawing /> }
    }
}
