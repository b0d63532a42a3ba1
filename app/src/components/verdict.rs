//! The three parts of a verdict.

use leptos::prelude::*;
use requorum_shared::etcd::storage::inspection::{Part, Verdict};
use requorum_shared::finding::Outcome;

use crate::components::status::{self, Status};
use crate::format;

/// Bytes, structure and meaning, side by side.
#[component]
pub fn VerdictParts(
    /// The verdict.
    verdict: Verdict,
    /// Where the findings are.
    #[prop(into)]
    findings: Signal<String>,
) -> impl IntoView {
    view! {
        <div class="parts">
            {part("Bytes", verdict.bytes, findings)}
            {part("Structure", verdict.structure, findings)}
            {part("Meaning", verdict.meaning, findings)}
        </div>
    }
}

fn part(name: &'static str, part: Part, findings: Signal<String>) -> impl IntoView {
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
