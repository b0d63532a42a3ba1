//! No page has this address.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::components::frame::places;
use crate::components::page_header::PageHeader;

/// Says so, and where to go instead.
#[component]
pub fn NotFound() -> impl IntoView {
    let path = use_location().pathname;
    let links = places()
        .into_iter()
        .map(|place| view! { <a class="button" href=place.path>{place.label}</a> })
        .collect_view();
    view! {
        <div class="page">
            <PageHeader
                sentence="Page not found"
                below=move || view! { <p><code>{path}</code></p> }
            />
            <p>
                "Check the address for typing mistakes. The pages of this console are:"
            </p>
            <div class="acts">{links}</div>
        </div>
    }
}
