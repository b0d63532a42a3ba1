//! The parts of a verdict.

use leptos::prelude::*;
use requorum_shared::finding::Outcome;
use requorum_shared::inspection::{Part, Verdict};

use crate::components::status::{self, Status};
use crate::format;

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
        view! { <p class="more"><a href=findings data-noscroll="">{format!("{name}: what was found, and what to do")}</a></p> }
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
