//! A plan that was let run without approval: said wherever it is named, until somebody has looked into it.

use leptos::prelude::*;
use requorum_shared::api::v1::Review;

use crate::components::time::Time;
use crate::paths;

/// What happened, and what came of it.
#[component]
pub fn Broken(
    /// The review.
    review: Review,
) -> impl IntoView {
    let open = review.closed_at_ms == 0;
    let class = if open {
        "notice fail glass"
    } else {
        "notice warning"
    };
    let closed = (!open).then(|| {
        view! { <p>{review.closed_by.clone()} " looked into it, " <Time ms=review.closed_at_ms /> ": " {review.note.clone()}</p> }
    });
    let way = open.then(|| {
        view! { <p>"Its review is open: " <a href=paths::reviews()>"an approver closes it with what was found"</a> "."</p> }
    });
    view! {
        <div class=class role="alert">
            <p><strong>"The glass was broken: this was let run without approval."</strong></p>
            <p>{review.broken_by.clone()} ", " <Time ms=review.broken_at_ms /> ": " {review.reason.clone()}</p>
            {closed}
            {way}
        </div>
    }
}
