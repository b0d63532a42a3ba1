//! What changes, the steps, and the proof: facts, the independent check of this browser, and the hash.

use leptos::prelude::*;
use requorum_shared::api::v1::PlanSummary;
use requorum_shared::plan::Fact;
use requorum_shared::recovery::{Observation, Plan};

use super::file::{Own, OwnFile};
use super::loss::loss;
use super::{Case, Look, file_words};
use crate::components::hash::{Copyable, Id};
use crate::components::plan_steps::PlanSteps;
use crate::components::recheck::{BothSides, brief};
use crate::components::space::Space;
use crate::components::status::Status;
use crate::components::time::{Ago, Time};
use crate::format;
use crate::systems;

/// `seen` has the facts as they are now, where they are known.
pub(super) fn changes(
    plan: &Plan,
    summary: &PlanSummary,
    seen: Option<&Observation>,
) -> impl IntoView + use<> {
    let changes = systems::changes(&plan.request, seen);
    let space = seen.map(|seen| {
        let (need, free) = systems::space(&plan.request, seen);
        let place = systems::place(seen).to_owned();
        view! {
            <div class="stack">
                <p class="small">"Destination: " <Copyable value=place /></p>
                <Space need free />
            </div>
        }
    });
    view! {
        <section class="section">
            <h2>"What changes"</h2>
            <div class="figures">{loss(plan, summary)} {space}</div>
            {changes}
        </section>
    }
}

pub(super) fn steps(plan: &Plan) -> impl IntoView + use<> {
    view! {
        <section class="section">
            <h2>{format::count(plan.steps.len() as u64, "step", "steps")}</h2>
            <PlanSteps steps=plan.steps.clone() />
        </section>
    }
}

/// `seen_ms` is when the facts were last looked at.
pub(super) fn proof(
    case: &Case,
    look: Option<Look>,
    seen_ms: Option<i64>,
    own: RwSignal<Own>,
) -> impl IntoView + use<> {
    let hash = case.summary.hash.clone();
    let check = match look {
        Some(look) => look.agrees().then(|| checked(look, &hash, own)).flatten(),
        None => Some(
            view! { <p><Status is=("pass", "same hash") /> " Your browser recomputed this plan: same hash."</p> }.into_any(),
        ),
    };
    let again = seen_ms.map(|ms| {
        view! { <p class="small muted">"Facts last checked " <Time ms /> ". Approving and running check them again."</p> }
    });
    view! {
        <section class="section" aria-labelledby="proof">
            <h2 id="proof">"Proof"</h2>
            {check}
            {facts(case.plan.facts.clone())}
            {again}
            <p class="small">"Approved hash (SHA-256 of the plan as canonical JSON): " <Id value=hash /></p>
        </section>
    }
}

/// This browser's check, in one line; the rest is folded.
fn checked(look: Look, hash: &str, own: RwSignal<Own>) -> Option<AnyView> {
    let observation = look.observation?;
    let verdict = file_words(&observation);
    let snapshot = Signal::derive(move || {
        let (here, compared) = own.with(Own::words);
        (here, verdict.clone(), compared)
    });
    let here = brief(&look.look.report);
    let same = move || own.with(|own| matches!(own, Own::Same(_)));
    let line = move || match same() {
        true => "Your browser recomputed this plan: same hash, same check, same file.",
        false => "Your browser recomputed this plan: same hash, same check.",
    };
    let mark = move || match own.with(Own::differs) {
        true => ("fail", "file differs"),
        false => ("pass", "matches"),
    };
    Some(
        view! {
            <details class="fold own-check">
                <summary>{move || view! { <Status is=mark() /> }} " " {line}</summary>
                <div class="stack">
                    <p class="small muted">{format!("Independent check in your browser, from the facts that the server names: {here}.")}</p>
                    <BothSides hash=hash.to_owned() here=look.look.report told=look.told steps=look.steps snapshot />
                    <OwnFile told=observation own />
                </div>
            </details>
        }
        .into_any(),
    )
}

fn facts(facts: Vec<Fact>) -> impl IntoView {
    let summary = format!(
        "{} the plan rests on, each with its source and age",
        format::count(facts.len() as u64, "fact", "facts")
    );
    let rows = facts
        .into_iter()
        .map(|fact| {
            let seen = match format::parse_rfc3339(&fact.seen_at) {
                Some(ms) => view! { <Ago ms /> }.into_any(),
                None => fact.seen_at.into_any(),
            };
            view! {
                <tr>
                    <th scope="row" data-label="About">{fact.subject}</th>
                    <td data-label="Fact" class="wrap">{fact.statement}</td>
                    <td data-label="Source">{fact.source}</td>
                    <td data-label="Seen">{seen}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <details class="fold">
            <summary>{summary}</summary>
            <div class="table-wrap">
                <table class="table compact">
                    <thead><tr><th scope="col">"About"</th><th scope="col">"Fact"</th><th scope="col">"Source"</th><th scope="col">"Seen"</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </details>
    }
}
