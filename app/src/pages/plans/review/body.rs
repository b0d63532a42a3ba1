//! What a plan rests on, what changes, what is done.

use leptos::prelude::*;
use requorum_shared::plan::Fact;
use requorum_shared::recovery::{Observation, Plan};

use crate::components::findings::{Findings, ReportCount};
use crate::components::hash::Id;
use crate::components::plan_steps::PlanSteps;
use crate::components::time::Time;
use crate::format;
use crate::systems;

/// All of it. `seen` is what it rests on as it is now, where that is known.
pub(super) fn body(plan: Plan, hash: String, seen: Option<&Observation>) -> impl IntoView + use<> {
    let changes = systems::changes(&plan.request, seen);
    view! {
        <section class="section"><h2>"What it rests on"</h2>{facts(plan.facts.clone())}</section>
        <section class="section">
            <h2>"What changes"</h2>
            {changes}
        </section>
        <section class="section">
            <h2>{format!("What is done, in {}", format::count(plan.steps.len() as u64, "step", "steps"))}</h2>
            <PlanSteps steps=plan.steps.clone() />
        </section>
        <section class="section">
            <h2>"What the check said when it was sealed"</h2>
            <ReportCount report=plan.report.clone() />
            <Findings findings=plan.report.findings none="Nothing spoke against it." />
        </section>
        <section class="section">
            <h2>"What an approval names"</h2>
            <p>"The hash of all of the above, SHA-256 of its canonical JSON: " <Id value=hash /></p>
        </section>
    }
}

fn facts(facts: Vec<Fact>) -> impl IntoView {
    let now = js_sys::Date::now() as i64;
    let rows = facts
        .into_iter()
        .map(|fact| {
            let seen = match format::parse_rfc3339(&fact.seen_at) {
                Some(ms) => view! { <span><Time ms /> <span class="muted">{format!(", {}", format::ago(ms, now))}</span></span> }.into_any(),
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
        <div class="table-wrap">
            <table class="table">
                <thead><tr><th scope="col">"About"</th><th scope="col">"Fact"</th><th scope="col">"Source"</th><th scope="col">"Seen"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}
