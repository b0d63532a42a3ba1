//! Beside the plan: its state, who approved and who can, when it expires, and its hash.

use leptos::prelude::*;
use requorum_shared::api::v1::{Approval, PlanState, Vote};
use requorum_shared::approval::AcceptedWarning;

use super::{Case, Desk, new_plan};
use crate::components::hash::Id;
use crate::components::risks::unread;
use crate::components::status::{PlanStatus, Status};
use crate::components::time::{Ago, Time};
use crate::format;
use crate::paths;

/// The rail.
#[component]
pub fn Rail(
    /// The plan.
    case: Case,
    /// The warnings that are accepted with the next act.
    needed: Signal<Vec<AcceptedWarning>>,
    /// What outlives a redrawing.
    desk: Desk,
) -> impl IntoView {
    let summary = case.summary.clone();
    let sentence = {
        let case = case.clone();
        move || match case.alive {
            true => desk
                .approval
                .with(|approval| approval.as_ref().map(|approval| approval.sentence.clone()))
                .unwrap_or_default(),
            false => ended(&case),
        }
    };
    let people = {
        let case = case.clone();
        move || desk.approval.get().map(|approval| people(&approval, &case))
    };
    let why = {
        let alive = case.alive;
        move || {
            let approval = desk.approval.get().filter(|_| alive)?;
            let rows = reasons(&approval);
            let rows = rows
                .into_iter()
                .map(|(act, why)| view! { <dt>{act}</dt><dd>{why}</dd> });
            Some(view! { <dl class="rail-facts">{rows.collect_view()}</dl> })
        }
    };
    let (alive, agrees) = (case.alive, case.agrees);
    let may_override = Memo::new(move |_| {
        let may = |approval: &Approval| approval.glass_can_break;
        alive
            && agrees.get()
            && desk
                .approval
                .with(|approval| approval.as_ref().is_some_and(may))
    });
    let open = Memo::new(move |_| {
        desk.read
            .with(|read| needed.with(|needed| unread(needed, read)))
    });
    let override_ = move || {
        may_override.get().then(|| {
            let why = move || match open.get() {
                0 => "For emergencies: everyone is notified, and a review stays open.".to_owned(),
                n => format!("{} not read.", format::count(n as u64, "warning", "warnings")),
            };
            view! {
                <div class="rail-override">
                    <button type="button" class="button danger small" disabled=move || open.get() != 0 aria-describedby="override-why" on:click=move |_| desk.overriding.set(true)>"Run without approval"</button>
                    <p class="small muted" id="override-why">{why}</p>
                </div>
            }
        })
    };
    let check = case.alive.then(|| {
        view! {
            <div><dt>"Independent check"</dt><dd>{move || match agrees.get() {
                true => view! { <Status is=("pass", "matches") /> },
                false => view! { <Status is=("fail", "does not match") /> },
            }}</dd></div>
        }
    });
    let expires = case.alive.then(|| {
        let ms = summary.expires_at_ms;
        view! { <div><dt>"Expires"</dt><dd><Ago ms /> ", " <Time ms /></dd></div> }
    });
    let cluster = (!case.plan.cluster.is_empty())
        .then(|| view! { <div><dt>"Cluster"</dt><dd>{case.plan.cluster.clone()}</dd></div> });
    let next = (!case.alive).then(|| {
        let run = (summary.state() == PlanState::Used && !summary.job_id.is_empty()).then(
            || view! { <a class="button primary" href=paths::job(&summary.job_id)>"Open the job"</a> },
        );
        let other = run.is_none().then(
            || view! { <a class="button" href=new_plan(&case.plan)>"Create a new plan"</a> },
        );
        view! { <div class="acts">{run} {other}</div> }
    });
    view! {
        <section class="plan-rail panel" aria-labelledby="approval">
            <h2 id="approval">"Approval"</h2>
            <p><PlanStatus plan=summary.clone() /></p>
            <p role="status">{sentence}</p>
            {people}
            {why}
            <dl class="rail-facts">
                {expires}
                {cluster}
                <div><dt>"Hash"</dt><dd><Id value=summary.hash.clone() /></dd></div>
                {check}
            </dl>
            {next}
            {override_}
        </section>
    }
}

/// What became of a plan that cannot run.
fn ended(case: &Case) -> String {
    match case.summary.state() {
        PlanState::Used => "A plan runs once.".into(),
        PlanState::Rejected => "Rejected. Create a new plan.".into(),
        PlanState::Withdrawn => "Withdrawn by its author. Create a new plan.".into(),
        PlanState::Expired => "Expired: it was not run in time. Create a new plan.".into(),
        _ => "This plan is no longer valid. Create a new plan.".into(),
    }
}

/// Those who approved and those who can, each with a mark; then the rule.
fn people(approval: &Approval, case: &Case) -> impl IntoView + use<> {
    let voted = approval
        .votes
        .iter()
        .map(|vote| voter(vote, &case.summary.hash))
        .collect_view();
    let eligible = case.alive.then(|| {
        let names = approval.could_approve.iter().cloned();
        names
            .map(|name| view! { <li class="person waits"><span>{name}</span> <span class="muted">"eligible"</span></li> })
            .collect_view()
    });
    let none = (approval.votes.is_empty() && approval.could_approve.is_empty())
        .then(|| view! { <li class="muted">"No approval"</li> });
    let rule = case
        .alive
        .then(|| view! { <p class="small muted">{approval.rule_text.clone()}</p> });
    view! {
        <ul class="approvers">{voted} {eligible} {none}</ul>
        {rule}
    }
}

fn voter(vote: &Vote, hash: &str) -> impl IntoView + use<> {
    let counts = vote.plan_hash == hash;
    let class = if counts { "person pass" } else { "person fail" };
    let other = (!counts).then_some(": another hash, does not count");
    let accepted = match vote.accepted_warnings.len() {
        0 => String::new(),
        n => format!(
            ", accepted {}",
            format::count(n as u64, "warning", "warnings")
        ),
    };
    view! {
        <li class=class>
            <span>{vote.by.clone()} {other}</span>
            <span class="muted">"approved " <Ago ms=vote.at_ms /> {accepted}</span>
        </li>
    }
}

/// Why an act is missing, each reason once.
fn reasons(approval: &Approval) -> Vec<(&'static str, String)> {
    // With an override, nothing more is asked for.
    let more = approval.review.is_none() && (approval.missing > 0 || approval.second_missing);
    let mut reasons = Vec::new();
    if !approval.you_can && more {
        reasons.push(("Approve", approval.why_not.clone()));
    }
    if !approval.you_can_run && approval.run_why_not != approval.sentence {
        reasons.push(("Run", approval.run_why_not.clone()));
    }
    // Whoever may not run it is told so above.
    if !approval.glass_can_break && more && !reasons.iter().any(|(act, _)| *act == "Run") {
        reasons.push(("Override", approval.glass_why_not.clone()));
    }
    reasons.retain(|(_, why)| !why.is_empty());
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_given_once() {
        let author = Approval {
            missing: 1,
            sentence: "Waiting for 1 approval. Eligible: Ben".into(),
            why_not: "You created this plan.".into(),
            run_why_not: "Waiting for 1 approval. Eligible: Ben".into(),
            glass_can_break: true,
            ..Approval::default()
        };
        assert_eq!(
            reasons(&author),
            [("Approve", "You created this plan.".to_owned())]
        );
        let viewer = Approval {
            why_not: "To approve you need a role.".into(),
            run_why_not: "To run you need a role.".into(),
            glass_why_not: "To override you need a role.".into(),
            ..author.clone()
        };
        let acts: Vec<_> = reasons(&viewer).into_iter().map(|(act, _)| act).collect();
        assert_eq!(acts, ["Approve", "Run"]);
        let no_glass = Approval {
            glass_can_break: false,
            glass_why_not: "The policy does not allow overrides.".into(),
            ..author
        };
        let acts: Vec<_> = reasons(&no_glass).into_iter().map(|(act, _)| act).collect();
        assert_eq!(acts, ["Approve", "Override"]);
        let ready = Approval {
            you_can_run: true,
            why_not: "Approved. Ready to run.".into(),
            glass_why_not: "This plan needs no override.".into(),
            ..Approval::default()
        };
        assert!(reasons(&ready).is_empty());
    }
}
