//! A verdict: how its headline looks, and its parts.

use leptos::prelude::*;
use requorum_shared::finding::{Outcome, Severity};
use requorum_shared::inspection::{Part, Trust, Verdict};
use requorum_shared::kinds::Inspection;

use crate::components::status::{self, Status};
use crate::format;

/// The look of a headline that says how far a file can be trusted, for [`PageHeader`]'s `tone`.
///
/// [`PageHeader`]: crate::components::page_header::PageHeader
pub fn tone(inspection: &Inspection) -> &'static str {
    match inspection.trust() {
        Trust::Damaged => "verdict fail",
        Trust::Verified if inspection.report.count(Severity::Warning) == 0 => "verdict pass",
        Trust::Unknown | Trust::Unproven | Trust::Verified => "verdict warning",
    }
}

/// What a file is judged by, side by side.
#[component]
pub fn VerdictParts(
    /// The verdict.
    verdict: Verdict,
    /// Where the findings are.
    #[prop(into)]
    findings: Signal<String>,
) -> impl IntoView {
    let parts = verdict.parts.into_iter();
    let parts = parts.map(|one| part(one, findings)).collect_view();
    view! { <div class="parts">{parts}</div> }
}

fn part(part: Part, findings: Signal<String>) -> impl IntoView {
    let name = part.name.label();
    // A part can hold and still have something to say: that is amber, not green.
    let class = match (part.outcome, part.findings) {
        (Outcome::Pass, 1..) => "warning",
        (outcome, _) => status::outcome(outcome).0,
    };
    let more = (part.findings > 0).then(|| {
        let more = format!(
            "View {}",
            format::count(part.findings.into(), "finding", "findings")
        );
        view! { <p class="more"><a href=findings data-noscroll="">{more}</a></p> }
    });
    view! {
        <section class=format!("part {class}")>
            <h2>{name}</h2>
            <p><Status is=status::outcome(part.outcome) /></p>
            <p>{format::visible(&part.evidence)}</p>
            {more}
        </section>
    }
}
