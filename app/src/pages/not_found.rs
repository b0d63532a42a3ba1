//! Nothing has this address.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::components::frame::places;
use crate::components::lead::Lead;

/// Says so, and where to go instead.
#[component]
pub fn NotFound() -> impl IntoView {
    let path = use_location().pathname;
    let links = places()
        .into_iter()
        .map(|(label, to)| view! { <a class="button" href=to>{label}</a> })
        .collect_view();
    view! {
        <div class="page">
            <Lead
                sentence="There is no page at this address."
                below=move || view! { <p><code>{path}</code></p> }
            />
            <p>
                "The link may be mistyped, or what it names may have been removed. Requorum's pages are:"
            </p>
            <div class="acts">{links}</div>
        </div>
    }
}
