//! A plan that an override let run without approval: shown with the plan and its job.

use leptos::prelude::*;
use requorum_shared::api::v1::Review;

use crate::components::time::Time;
use crate::format;
use crate::paths;

/// Whether the plan of a review ran: `allowed this plan to run`, `ran this plan`.
pub fn what_happened(review: &Review) -> &'static str {
    match (review.job_id.is_empty(), review.closed_at_ms) {
        (false, _) => "This plan ran without approval.",
        (true, 0) => "This plan is allowed to run without approval.",
        (true, _) => "This plan was allowed to run without approval. It did not run.",
    }
}

/// What happened, and what the review found.
#[component]
pub fn BreakGlassNotice(
    /// The review.
    review: Review,
) -> impl IntoView {
    let open = review.closed_at_ms == 0;
    let class = if open {
        "notice override glass"
    } else {
        "notice override"
    };
    let closed = (!open).then(|| {
        view! { <p>"Review closed by " {review.closed_by.clone()} ", " <Time ms=review.closed_at_ms /> ": " {review.note.clone()}</p> }
    });
    let way = open.then(|| {
        view! { <p>"The review is open: " <a href=paths::reviews()>"an approver closes it"</a> "."</p> }
    });
    let accepted = review.accepted_warnings.len() as u64;
    let accepted = (accepted > 0).then(|| {
        let names: Vec<_> = review
            .accepted_warnings
            .iter()
            .map(|warning| warning.code.clone())
            .collect();
        let n = format::count(accepted, "warning", "warnings");
        view! { <p>{format!("Accepted {n}: {}.", names.join(", "))}</p> }
    });
    view! {
        <div class=class role="alert">
            <p><strong>{format!("Break-glass override by {}. {}", review.broken_by, what_happened(&review))}</strong></p>
            <p><Time ms=review.broken_at_ms /> ". Reason: " {review.reason.clone()}</p>
            {accepted}
            {closed}
            {way}
        </div>
    }
}
