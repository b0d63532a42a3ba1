//! Where a plan's approval stands, and what can be added to it. What would not help is not offered: the reason stands
//! there instead.

use leptos::prelude::*;
use leptos_router::hooks::use_navigate;
use requorum_shared::api::v1::{
    Approval, ApprovePlanRequest, BreakGlassRequest, PlanState, PlanSummary, RejectPlanRequest,
    Reversibility, StartJobRequest, Vote,
};
use requorum_shared::recovery::Plan;

use crate::client::grpc;
use crate::components::dialog::Dialog;
use crate::components::error_view::ErrorView;
use crate::components::properties::Properties;
use crate::components::status;
use crate::components::time::Time;
use crate::failure::Failure;
use crate::format;
use crate::paths;
use crate::pulse::Pulse;
use crate::systems;

/// The word that is typed before the glass is broken.
const GLASS_WORD: &str = "without approval";
/// The shortest reason for it, in characters; the server asks for as many.
const GLASS_REASON: usize = 10;

/// What this page knows beside the server's word on the approval.
#[derive(Clone)]
pub struct Case {
    /// The plan in lists.
    pub summary: PlanSummary,
    /// The plan.
    pub plan: Plan,
    /// Something it rests on has changed.
    pub drifted: bool,
    /// Nothing that this browser recomputed or looked at speaks against it.
    pub agrees: Signal<bool>,
}

impl Case {
    fn is_alive(&self) -> bool {
        status::is_open(self.summary.state()) && !self.drifted
    }
}

/// What is destroyed, as a person names it: the cluster, or else the place that is written to.
fn subject(plan: &Plan) -> String {
    if !plan.cluster.is_empty() {
        return plan.cluster.clone();
    }
    let target = plan.request.target();
    target.map_or_else(|| "download".into(), |target| target.path)
}

/// The section.
#[component]
pub fn Standing(
    /// The server's word.
    approval: Approval,
    /// The plan.
    case: Case,
    /// Asks for everything again.
    again: Callback<()>,
) -> impl IntoView {
    let alive = case.is_alive();
    let rows = vec![
        ("Agreed", votes(&approval.votes, &case.summary.hash)),
        ("Could agree", or_nobody(approval.could_approve.join(", "))),
        (
            "Good until",
            view! { <Time ms=case.summary.expires_at_ms /> }.into_any(),
        ),
    ];
    let sentence = if alive {
        approval.sentence.clone()
    } else {
        ended(&case)
    };
    view! {
        <section class="section panel" aria-labelledby="approval">
            <h2 id="approval">"Approval"</h2>
            <p><strong>{sentence}</strong></p>
            {alive.then(|| view! { <p class="small muted">{approval.rule_text.clone()}</p> })}
            {alive.then(|| view! { <Properties rows /> })}
            <Acts approval case again />
        </section>
    }
}

fn or_nobody(names: String) -> AnyView {
    match names.as_str() {
        "" => view! { <span class="muted">"nobody"</span> }.into_any(),
        _ => names.into_any(),
    }
}

/// What became of a plan that cannot be run any more.
fn ended(case: &Case) -> String {
    match case.summary.state() {
        PlanState::Used => "It was run, and a plan runs once.".into(),
        PlanState::Rejected => format!("{} rejected it.", case.summary.decided_by),
        PlanState::Expired => "It has expired, and no approval brings it back.".into(),
        _ => "It is invalidated, and no approval brings it back.".into(),
    }
}

fn votes(votes: &[Vote], hash: &str) -> AnyView {
    if votes.is_empty() {
        return or_nobody(String::new());
    }
    let now = js_sys::Date::now() as i64;
    let items = votes.iter().map(|vote| {
        let other = (vote.plan_hash != hash).then_some(", to another hash: it does not count");
        let when = format!(", {}", format::ago(vote.at_ms, now));
        view! { <li title=format::utc(vote.at_ms)>{vote.by.clone()} {when} {other}</li> }
    });
    view! { <ul>{items.collect_view()}</ul> }.into_any()
}

/// Why what is missing here is missing, each reason once.
fn reasons(approval: &Approval) -> Vec<(&'static str, String)> {
    // Where the glass is broken, nothing more is asked for.
    let more = approval.review.is_none() && (approval.missing > 0 || approval.second_missing);
    let mut reasons = Vec::new();
    if !approval.you_can && more {
        reasons.push(("Approve", approval.why_not.clone()));
    }
    if !approval.you_can_run && approval.run_why_not != approval.sentence {
        reasons.push(("Run", approval.run_why_not.clone()));
    }
    // Whoever may not run it learns that above.
    if !approval.glass_can_break && more && !reasons.iter().any(|(act, _)| *act == "Run") {
        reasons.push(("Without approval", approval.glass_why_not.clone()));
    }
    reasons.retain(|(_, why)| !why.is_empty());
    reasons
}

/// What can be done with the plan in its state.
#[component]
fn Acts(approval: Approval, case: Case, again: Callback<()>) -> impl IntoView {
    let alive = case.is_alive();
    let agrees = case.agrees;
    let failure = RwSignal::new(None::<Failure>);
    let (rejecting, breaking, confirming) = (
        RwSignal::new(false),
        RwSignal::new(false),
        RwSignal::new(false),
    );
    let pulse = Pulse::expect();
    let ids = StoredValue::new((case.summary.id.clone(), case.summary.hash.clone()));
    let settle = move |result: Result<(), Failure>| match result {
        Ok(()) => {
            pulse.ask();
            again.run(());
        }
        Err(refused) => failure.set(Some(refused)),
    };
    let approve = Action::new_local(move |_: &()| async move {
        failure.set(None);
        let (id, hash) = ids.get_value();
        let answer = grpc::call(ApprovePlanRequest { id, hash }).await;
        settle(answer.map(drop));
    });
    let reason = RwSignal::new(String::new());
    let reject = Action::new_local(move |_: &()| async move {
        failure.set(None);
        rejecting.set(false);
        let (id, hash) = ids.get_value();
        let reason = reason.get_untracked();
        let answer = grpc::call(RejectPlanRequest { id, hash, reason }).await;
        settle(answer.map(drop));
    });
    let glass_reason = RwSignal::new(String::new());
    let break_glass = Action::new_local(move |_: &()| async move {
        failure.set(None);
        breaking.set(false);
        let (plan_id, plan_hash) = ids.get_value();
        let request = BreakGlassRequest {
            plan_id,
            plan_hash,
            reason: glass_reason.get_untracked(),
        };
        settle(grpc::call(request).await.map(drop));
    });
    let navigate = use_navigate();
    let run = Action::new_local(move |_: &()| {
        let navigate = navigate.clone();
        async move {
            failure.set(None);
            confirming.set(false);
            let (plan_id, plan_hash) = ids.get_value();
            match grpc::call(StartJobRequest { plan_id, plan_hash }).await {
                Ok(answer) => {
                    pulse.ask();
                    let job = answer.job.unwrap_or_default();
                    navigate(&paths::job(&job.id), Default::default());
                }
                Err(refused) => failure.set(Some(refused)),
            }
        }
    });
    let busy = move || {
        approve.pending().get()
            || reject.pending().get()
            || run.pending().get()
            || break_glass.pending().get()
    };
    let destructive = approval.reversibility() != Reversibility::Undoable;
    let run_words = format!(
        "Run {}",
        format::count(case.plan.steps.len() as u64, "step", "steps")
    );
    let buttons = {
        let (approval, run_words) = (approval.clone(), run_words.clone());
        move || {
            let agrees = agrees.get();
            let approve = (approval.you_can && agrees).then(|| view! {
                <button type="button" class="button primary" disabled=busy on:click=move |_| { approve.dispatch_local(()); }>"Approve this plan"</button>
            });
            let run = (approval.you_can_run && agrees).then(|| {
                let start = move |_| {
                    if destructive {
                        confirming.set(true);
                    } else {
                        run.dispatch_local(());
                    }
                };
                view! { <button type="button" class="button primary" disabled=busy on:click=start>{run_words.clone()}</button> }
            });
            let reject = approval.you_can_reject.then(|| view! {
                <button type="button" class="button" disabled=busy on:click=move |_| rejecting.set(true)>"Reject with a reason"</button>
            });
            let glass = (approval.glass_can_break && agrees).then(|| view! {
                <button type="button" class="button danger" disabled=busy on:click=move |_| breaking.set(true)>"Run it without approval"</button>
            });
            view! { {approve} {run} {reject} {glass} }
        }
    };
    let acts = if alive {
        view! { {buttons} }.into_any()
    } else if case.summary.state() == PlanState::Used && !case.summary.job_id.is_empty() {
        view! { <a class="button primary" href=paths::job(&case.summary.job_id)>"Open its job"</a> }
            .into_any()
    } else {
        let wizard = systems::wizard(&case.plan.request);
        view! { <a class="button" href=wizard>"Make a new plan"</a> }.into_any()
    };
    let rows = if alive {
        reasons(&approval)
    } else {
        Vec::new()
    };
    let why = (!rows.is_empty()).then(|| {
        let rows = rows
            .into_iter()
            .map(|(act, why)| view! { <dt>{act}</dt><dd>{why}</dd> });
        view! { <dl class="step-facts">{rows.collect_view()}</dl> }
    });
    let subject = subject(&case.plan);
    let outcome = case.plan.outcome.clone();
    view! {
        <div class="acts">{acts}</div>
        {move || (alive && !agrees.get()).then(|| view! { <p class="field-error">"This browser does not agree with the server about this plan: it offers neither to approve nor to run it."</p> })}
        {why}
        {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
        <Dialog open=rejecting label="Reject this plan">
            <form on:submit=move |ev| { ev.prevent_default(); reject.dispatch_local(()); }>
                <h2>"Reject this plan"</h2>
                <div class="field">
                    <label for="reason">"Why? Its author reads this."</label>
                    <textarea id="reason" rows="3" required autofocus prop:value=reason on:input=move |ev| reason.set(event_target_value(&ev))></textarea>
                </div>
                <div class="dialog-acts">
                    <button type="button" class="button" on:click=move |_| rejecting.set(false)>"Keep the plan"</button>
                    <button type="submit" class="button danger" disabled=move || reason.with(|r| r.trim().is_empty())>"Reject the plan"</button>
                </div>
            </form>
        </Dialog>
        <Dialog open=breaking label="Run it without approval">
            <Glass reason=glass_reason on_keep=Callback::new(move |()| breaking.set(false)) on_break=Callback::new(move |()| { break_glass.dispatch_local(()); }) />
        </Dialog>
        <Dialog open=confirming label="Run a plan that cannot be taken back">
            <Destructive
                subject=subject.clone()
                outcome=outcome.clone()
                words=run_words.clone()
                on_keep=Callback::new(move |()| confirming.set(false))
                on_run=Callback::new(move |()| { run.dispatch_local(()); })
            />
        </Dialog>
    }
}

/// Breaking the glass: what it means, why, and a word that nobody types by accident.
#[component]
fn Glass(reason: RwSignal<String>, on_keep: Callback<()>, on_break: Callback<()>) -> impl IntoView {
    let word = RwSignal::new(String::new());
    let ready = move || {
        reason.with(|r| r.trim().chars().count() >= GLASS_REASON)
            && word.with(|w| w.trim() == GLASS_WORD)
    };
    view! {
        <form on:submit=move |ev| { ev.prevent_default(); if ready() { on_break.run(()) } }>
            <h2>"Run it though nobody approved it?"</h2>
            <p>"The plan may be run at once, and this is told to everybody: every page of this console says so, the plan, its job and the ledger carry your name and your reason, and a review stays open until an approver who is not you has closed it. It cannot be taken back."</p>
            <div class="field">
                <label for="glass-reason">{format!("Why can it not wait? At least {GLASS_REASON} characters; others read this long after tonight.")}</label>
                <textarea id="glass-reason" rows="3" required autofocus prop:value=reason on:input=move |ev| reason.set(event_target_value(&ev))></textarea>
            </div>
            <Typed id="glass-word" word=GLASS_WORD.to_owned() typed=word />
            <div class="dialog-acts">
                <button type="button" class="button" on:click=move |_| on_keep.run(())>"Wait for approval"</button>
                <button type="submit" class="button danger" disabled=move || !ready()>"Break the glass"</button>
            </div>
        </form>
    }
}

/// A run that passes a point of no return asks for the name of what it changes for good.
#[component]
fn Destructive(
    subject: String,
    outcome: String,
    words: String,
    on_keep: Callback<()>,
    on_run: Callback<()>,
) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let name = subject.clone();
    let ready = Signal::derive(move || typed.with(|t| t.trim() == name));
    view! {
        <form on:submit=move |ev| { ev.prevent_default(); if ready.get_untracked() { on_run.run(()) } }>
            <h2>"This cannot be taken back. Run it?"</h2>
            <p>{outcome}</p>
            <Typed id="subject" word=subject typed />
            <div class="dialog-acts">
                <button type="button" class="button" on:click=move |_| on_keep.run(())>"Leave it"</button>
                <button type="submit" class="button danger" disabled=move || !ready.get()>{words}</button>
            </div>
        </form>
    }
}

/// A word to be typed as it stands there.
#[component]
fn Typed(id: &'static str, word: String, typed: RwSignal<String>) -> impl IntoView {
    view! {
        <div class="field">
            <label for=id>"Type " <code>{word}</code> " to go on"</label>
            <input id=id type="text" autocomplete="off" spellcheck="false" autocapitalize="none" prop:value=typed on:input=move |ev| typed.set(event_target_value(&ev)) />
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_stands_there_once() {
        let author = Approval {
            missing: 1,
            sentence: "One more approval is needed. It can come from: Ben.".into(),
            why_not: "You made this plan.".into(),
            run_why_not: "One more approval is needed. It can come from: Ben.".into(),
            glass_can_break: true,
            ..Approval::default()
        };
        assert_eq!(
            reasons(&author),
            [("Approve", "You made this plan.".to_owned())]
        );
        let viewer = Approval {
            why_not: "To approve you need a role.".into(),
            run_why_not: "To run you need a role.".into(),
            glass_why_not: "To break you need a role.".into(),
            ..author.clone()
        };
        let acts: Vec<_> = reasons(&viewer).into_iter().map(|(act, _)| act).collect();
        assert_eq!(acts, ["Approve", "Run"]);
        let no_glass = Approval {
            glass_can_break: false,
            glass_why_not: "The policy allows none.".into(),
            ..author
        };
        let acts: Vec<_> = reasons(&no_glass).into_iter().map(|(act, _)| act).collect();
        assert_eq!(acts, ["Approve", "Without approval"]);
        let ready = Approval {
            you_can_run: true,
            why_not: "It may be run.".into(),
            glass_why_not: "The plan may be run as it is.".into(),
            ..Approval::default()
        };
        assert!(reasons(&ready).is_empty());
    }

    #[test]
    fn what_is_destroyed_has_a_name() {
        let plan = |cluster: &str, target: serde_json::Value| -> Plan {
            serde_json::from_value(serde_json::json!({
                "format": "requorum.plan/2", "id": "p", "author": "ak", "sealed_at": "", "cluster": cluster,
                "outcome": "", "facts": [], "report": [], "steps": [],
                "request": {
                    "kind": "etcd.restore", "snapshot": "", "members": [], "token": "", "bump_revision": 0,
                    "mark_compacted": false, "skip_hash_check": false, "target_version": "3.6",
                    "clean_up": {"alarms": false, "auth": false, "downgrade": false, "versions": false},
                    "target": target,
                },
            }))
            .unwrap()
        };
        let folder = serde_json::json!({"kind": "folder", "root": "r", "path": "new/prod"});
        assert_eq!(subject(&plan("prod-etcd", folder.clone())), "prod-etcd");
        assert_eq!(subject(&plan("", folder)), "new/prod");
        let download = serde_json::json!({"kind": "download"});
        assert_eq!(subject(&plan("", download)), "download");
    }
}
