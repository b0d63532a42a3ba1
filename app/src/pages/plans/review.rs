//! The page of one plan, read from its risks: outcome, risks, what changes, steps, proof; the decision comes last.

pub mod acts;
mod body;
pub mod file;
mod loss;
pub mod rail;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use requorum_shared::api::v1::{
    Approval, GetApprovalRequest, GetPlanRequest, GetPlanResponse, PlanState, PlanSummary,
};
use requorum_shared::approval::{AcceptedWarning, accepted};
use requorum_shared::finding::{Finding, Outcome, Report};
use requorum_shared::plan::Undo;
use requorum_shared::recovery::{self, Observation, Plan};
use requorum_shared::replan::{Difference, Part, Recheck};

use self::acts::Acts;
use self::file::Own;
use self::rail::Rail;
use crate::client::grpc;
use crate::components::break_glass::BreakGlassNotice;
use crate::components::error_view::ErrorView;
use crate::components::findings::Findings;
use crate::components::load::load_page;
use crate::components::page_header::PageHeader;
use crate::components::recheck::Differences;
use crate::components::risks::{Acceptance, Read, Risks};
use crate::components::status::{self, PlanStatus};
use crate::components::time::Time;
use crate::failure::Failure;
use crate::format;
use crate::pages::every;
use crate::paths;
use crate::plan_integrity::{Seal, verify};
use crate::systems;

/// How often the approval is asked for while the page is seen, in milliseconds: others decide meanwhile.
const EVERY_MS: u64 = 2_500;
/// Of a plan that is decided, only every so many times: its review may be closed.
const SELDOM: u32 = 8;

/// What outlives a redrawing of the page: what the person did on it, and the server's last word on the approval.
#[derive(Clone, Copy)]
pub struct Desk {
    /// The file that was dropped to be compared.
    own: RwSignal<Own>,
    /// The warnings that were ticked.
    read: RwSignal<Read>,
    /// The last answer; none before the first.
    approval: Memo<Option<Approval>>,
    /// Why the last question was not answered.
    failure: Memo<Option<Failure>>,
    /// The dialog of an override is open.
    overriding: RwSignal<bool>,
    /// Asks for everything again.
    again: Callback<()>,
}

/// The page.
#[component]
pub fn PlanReview() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|p| p.get("id")).unwrap_or_default());
    let plan = LocalResource::new(move || grpc::call(GetPlanRequest { id: id.get() }));
    let asked = LocalResource::new(move || {
        let id = id.get();
        async move {
            let answer = grpc::call(GetApprovalRequest {
                plan_id: id.clone(),
            });
            let answer = answer.await;
            (id, answer.map(|answer| answer.approval.unwrap_or_default()))
        }
    });
    // What was said of another plan is not said of this one.
    let approval = Memo::new(
        move |last: Option<&Option<(String, Approval)>>| match asked.get() {
            Some((of, Ok(approval))) if of == id.get() => Some((of, approval)),
            _ => last.cloned().flatten().filter(|(of, _)| *of == id.get()),
        },
    );
    let approval = Memo::new(move |_| approval.get().map(|(_, approval)| approval));
    let failure = Memo::new(move |_| asked.get().and_then(|(_, answer)| answer.err()));
    // What else changed shows in the plan itself.
    Effect::new(move |before: Option<Option<Approval>>| {
        let now = approval.get();
        if before.flatten().is_some_and(|before| Some(before) != now) {
            plan.refetch();
        }
        now
    });
    let open = Memo::new(move |_| match plan.get() {
        Some(Ok(response)) => response
            .plan
            .is_some_and(|plan| status::is_open(plan.state())),
        _ => true,
    });
    let rounds = StoredValue::new(0_u32);
    every(EVERY_MS, move || {
        rounds.update_value(|rounds| *rounds = rounds.wrapping_add(1));
        let due = open.get_untracked() || rounds.get_value().is_multiple_of(SELDOM);
        if due && !document().hidden() {
            asked.refetch();
        }
    });
    let seen_again = window_event_listener_untyped("visibilitychange", move |_| {
        if !document().hidden() {
            asked.refetch();
        }
    });
    on_cleanup(move || seen_again.remove());
    let desk = Desk {
        own: RwSignal::new(Own::None),
        read: RwSignal::new(Read::new()),
        approval,
        failure,
        overriding: RwSignal::new(false),
        again: Callback::new(move |()| {
            plan.refetch();
            asked.refetch();
        }),
    };
    // Of another plan, nothing is read yet.
    Effect::new(move |before: Option<String>| {
        let now = id.get();
        if before.is_some_and(|before| before != now) {
            desk.own.set(Own::None);
            desk.read.set(Read::new());
        }
        now
    });
    view! {
        <div class="page plan-page">
            {load_page(plan, crumbs(), move |response| show(response, desk))}
        </div>
    }
}

fn crumbs() -> Vec<(String, String)> {
    vec![("Plans".to_owned(), paths::plans())]
}

fn show(response: GetPlanResponse, desk: Desk) -> impl IntoView {
    let summary = response.plan.clone().unwrap_or_default();
    match verify(&response.plan_json, &summary.hash) {
        Seal::Broken(why) => view! {
            <PageHeader crumbs=crumbs() sentence="Do not approve or run this plan: it is not the plan that was sealed." />
            <div class="notice fail" role="alert">
                <p><strong>"Your browser recomputed this plan, and refuses it."</strong></p>
                <p>{why}</p>
                <p>"Tell the operators of this server, and create a new plan from the snapshot."</p>
            </div>
        }
        .into_any(),
        Seal::Same(plan) => sealed(response, summary, *plan, desk).into_any(),
    }
}

/// What the parts of the page know of the plan, beside the approval.
#[derive(Clone)]
pub struct Case {
    /// The plan in lists.
    summary: PlanSummary,
    /// The plan.
    plan: Plan,
    /// The warnings that are accepted with it.
    warnings: Vec<AcceptedWarning>,
    /// It may still be run: it is open, and nothing it rests on has changed.
    alive: bool,
    /// This browser found nothing that differs.
    agrees: Signal<bool>,
}

fn sealed(
    response: GetPlanResponse,
    summary: PlanSummary,
    plan: Plan,
    desk: Desk,
) -> impl IntoView {
    let drift: Vec<_> = response.drift.into_iter().map(Finding::from).collect();
    let alive = status::is_open(summary.state()) && drift.is_empty();
    let observation = response.observation.unwrap_or_default();
    let seen_ms = observation.taken_at_ms;
    let look = alive.then(|| {
        let told = Report {
            findings: response.check.into_iter().map(Finding::from).collect(),
        };
        Look::of(&plan, &observation.body_json, told)
    });
    let same = look.as_ref().is_none_or(Look::agrees);
    let case = Case {
        summary: summary.clone(),
        warnings: accepted::warnings(&plan.report),
        plan: plan.clone(),
        alive,
        agrees: Signal::derive(move || same && !desk.own.with(Own::differs)),
    };
    let seen = look.as_ref().and_then(|look| look.observation.clone());
    let needed = {
        let case = case.clone();
        Signal::derive(move || needed(&case, desk.approval.get().as_ref()))
    };
    let accepted = Signal::derive(move || acceptances(desk.approval.get().as_ref()));
    let mark = mark(&case, same);
    let headline = {
        let plan = plan.clone();
        move || {
            let caveat = plan
                .caveat
                .clone()
                .map(|caveat| view! { " " <strong class="forced">{caveat}</strong> });
            view! { <span class=format!("mark {mark}") aria-hidden="true"></span> {plan.outcome.clone()} {caveat} }
        }
    };
    let below = {
        let (summary, plan) = (summary.clone(), plan.clone());
        move || below(&summary, &plan)
    };
    let refused = look.as_ref().and_then(refused);
    let hindered = look.as_ref().and_then(|look| hindered(&look.look));
    let proof = body::proof(
        &case,
        look,
        (alive && seen_ms != 0).then_some(seen_ms),
        desk.own,
    );
    view! {
        <PageHeader crumbs=crumbs() sentence=plan.whole_outcome() headline below />
        {refused}
        {move || desk.own.with(Own::differs).then(|| view! {
            <div class="notice fail" role="alert">
                <p><strong>"Your file does not match the plan: do not approve it."</strong></p>
                <p>"The differences are listed under Proof. If it was the wrong file, choose the right one or remove it there."</p>
            </div>
        })}
        {drifted(&drift, &summary, &plan)}
        {hindered}
        {move || {
            let review = desk.approval.get().and_then(|approval| approval.review);
            review.map(|review| view! { <BreakGlassNotice review /> })
        }}
        <div class="plan-columns">
            <div class="plan-risks">
                <Risks report=plan.report.clone() needed read=desk.read accepted />
            </div>
            <Rail case=case.clone() needed desk />
            <div class="plan-body">
                {body::changes(&plan, &summary, seen.as_ref())}
                {body::steps(&plan)}
                {proof}
            </div>
        </div>
        {move || desk.failure.get().map(|failure| view! { <ErrorView failure retry=desk.again /> })}
        <Acts case needed desk />
    }
}

/// The page to create a new plan like this one.
fn new_plan(plan: &Plan) -> String {
    systems::form_from(plan)
}

/// The warnings that the person who looks has to accept with what they can do next.
fn needed(case: &Case, approval: Option<&Approval>) -> Vec<AcceptedWarning> {
    let Some(approval) = approval.filter(|_| case.alive) else {
        return Vec::new();
    };
    if approval.you_can || approval.glass_can_break {
        return case.warnings.clone();
    }
    if approval.you_can_run {
        let open = approval.unaccepted_warnings.iter().cloned();
        return open.map(AcceptedWarning::from).collect();
    }
    Vec::new()
}

/// Who accepted which warning, in words.
fn acceptances(approval: Option<&Approval>) -> Vec<Acceptance> {
    let Some(approval) = approval else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for vote in &approval.votes {
        let names = vote.accepted_warnings.iter().cloned();
        all.extend(names.map(|name| Acceptance {
            warning: name.into(),
            by: format!("Accepted by {}, ", vote.by),
            at_ms: vote.at_ms,
        }));
    }
    if let Some(review) = &approval.review {
        let names = review.accepted_warnings.iter().cloned();
        all.extend(names.map(|name| Acceptance {
            warning: name.into(),
            by: format!("Accepted by {} with the override, ", review.broken_by),
            at_ms: review.broken_at_ms,
        }));
    }
    all
}

/// The mark before the outcome: what the person should expect of the page, before reading.
fn mark(case: &Case, same: bool) -> &'static str {
    let forced = case.plan.caveat.is_some();
    match case.summary.state() {
        _ if !same => "fail",
        PlanState::Rejected
        | PlanState::Withdrawn
        | PlanState::Invalidated
        | PlanState::Expired => "fail",
        PlanState::Sealed | PlanState::Approved if !case.alive => "fail",
        _ if case.summary.broke_glass => "override",
        PlanState::Used => "note",
        _ if forced => "fail",
        _ if !case.warnings.is_empty() => "warning",
        PlanState::Approved => "pass",
        _ => "waits",
    }
}

fn below(summary: &PlanSummary, plan: &Plan) -> impl IntoView + use<> {
    let lost = plan
        .steps
        .iter()
        .filter(|s| matches!(s.undo, Undo::PointOfNoReturn(_)))
        .count() as u64;
    let steps = format::count(plan.steps.len() as u64, "step", "steps");
    let undo = match lost {
        0 => view! { {format!("{steps}, all reversible. ")} }.into_any(),
        n => view! { <strong>{format!("{} of {steps} cannot be undone. ", format::number(n))}</strong> }.into_any(),
    };
    let why = match summary.state() {
        PlanState::Rejected => "Reason for the rejection: ",
        PlanState::Withdrawn => "Reason for the withdrawal: ",
        PlanState::Invalidated => "Invalidated: ",
        PlanState::Expired => "Expired: ",
        // What an override says is told by its notice.
        _ if summary.broke_glass => "",
        _ => "Note: ",
    };
    let reason = (!summary.reason.is_empty() && !why.is_empty()).then(|| {
        view! { <p>{why} {summary.reason.clone()}</p> }
    });
    let withdrawn = (summary.state() == PlanState::Withdrawn).then(|| {
        let (by, ms) = (summary.decided_by.clone(), summary.decided_at_ms);
        view! { {format!(" Withdrawn by {by}, ")} <Time ms /> "." }
    });
    view! {
        <p>
            <PlanStatus plan=summary.clone() /> " "
            {undo}
            {format!("Created by {}, ", plan.author)} <Time ms=summary.sealed_at_ms /> "."
            {withdrawn}
        </p>
        {reason}
    }
}

fn drifted(drift: &[Finding], summary: &PlanSummary, plan: &Plan) -> impl IntoView + use<> {
    let open = status::is_open(summary.state()) || summary.state() == PlanState::Invalidated;
    let to = new_plan(plan);
    (open && !drift.is_empty()).then(|| {
        view! {
            <div class="notice fail" role="alert">
                <p><strong>"Facts have changed since the plan was sealed: it cannot run."</strong></p>
                <Findings findings=drift.to_vec() none="" />
                <div class="acts"><a class="button" href=to>"Create a new plan"</a></div>
            </div>
        }
    })
}

/// What keeps a valid plan from running for now.
fn hindered(look: &Recheck) -> Option<AnyView> {
    let hindrances = look.hindrances().findings;
    (!hindrances.is_empty()).then(|| {
        view! {
            <div class="notice warning" role="status">
                <p><strong>"The plan is valid, but cannot be approved or run at the moment."</strong></p>
                <Findings findings=hindrances none="" />
            </div>
        }
        .into_any()
    })
}

/// This browser's own check of a plan that can still run.
struct Look {
    /// The facts that the server names; none where they cannot be read.
    observation: Option<Observation>,
    told: Report,
    look: Recheck,
    steps: usize,
}

impl Look {
    fn of(plan: &Plan, observation_json: &str, told: Report) -> Self {
        let steps = plan.steps.len();
        match serde_json::from_str::<Observation>(observation_json) {
            Ok(observation) => Self {
                look: recovery::recheck(plan, &observation).against(&told),
                observation: Some(observation),
                told,
                steps,
            },
            Err(_) => Self {
                look: Recheck {
                    report: Report::default(),
                    differences: vec![Difference {
                        part: Part::Rest,
                        fact: String::new(),
                        what: "the facts of the plan".into(),
                        told: Some("nothing that this page can read".into()),
                        here: Some("needed to check and to recompute it".into()),
                    }],
                },
                observation: None,
                told,
                steps,
            },
        }
    }

    fn agrees(&self) -> bool {
        self.look.differences.is_empty()
    }
}

/// A loud refusal, where this browser comes to something else than the server says.
fn refused(look: &Look) -> Option<AnyView> {
    if look.agrees() {
        return None;
    }
    let differences = look.look.differences.clone();
    Some(
        view! {
            <section class="section notice fail" role="alert">
                <p><strong>"Your browser recomputed this plan and its check, and refuses it: the result differs."</strong></p>
                <p>"The hash is that of the sealed plan, but the plan does not follow from the facts that the server names, or the server's check differs from a check of these facts. Do not approve it elsewhere. Tell the operators of this server."</p>
                <Differences differences told="Sealed, or the server's" />
            </section>
        }
        .into_any(),
    )
}

/// What the server says of the files, in a few words. Where there are several, each is named.
fn file_words(observation: &Observation) -> String {
    let files = observation.files();
    let several = files.len() > 1;
    let words = files.iter().map(|file| {
        let parts = file.outcomes;
        let words = match parts.iter().all(|(_, outcome)| *outcome == Outcome::Pass) {
            true => "OK: checksum, structure and content".to_owned(),
            false => parts
                .map(|(part, outcome)| format!("{} {}", part.label(), status::outcome(outcome).1))
                .join(", "),
        };
        match several {
            true => format!("{}: {words}", format::visible(file.name)),
            false => words,
        }
    });
    words.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use requorum_shared::api::v1;
    use serde_json::json;

    use super::*;

    pub(super) fn plan(cluster: &str, target: serde_json::Value) -> Plan {
        serde_json::from_value(json!({
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
    }

    pub(super) fn case(state: PlanState) -> Case {
        let mut plan = plan("prod", json!({"kind": "download"}));
        plan.report
            .push(Finding::warning("alarms.active", "alarms", "NOSPACE."));
        Case {
            summary: PlanSummary {
                state: state.into(),
                ..PlanSummary::default()
            },
            warnings: accepted::warnings(&plan.report),
            plan,
            alive: status::is_open(state),
            agrees: Signal::stored(true),
        }
    }

    #[test]
    fn whoever_can_act_accepts_and_nobody_else_is_asked() {
        let owner = Owner::new();
        owner.set();
        let open = case(PlanState::Sealed);
        let all = open.warnings.clone();
        let may = |you_can, run, glass| Approval {
            you_can,
            you_can_run: run,
            glass_can_break: glass,
            unaccepted_warnings: all.iter().cloned().map(v1::AcceptedWarning::from).collect(),
            ..Approval::default()
        };
        assert!(needed(&open, None).is_empty());
        assert!(needed(&open, Some(&may(false, false, false))).is_empty());
        assert_eq!(needed(&open, Some(&may(true, false, false))), all);
        assert_eq!(needed(&open, Some(&may(false, false, true))), all);
        assert_eq!(needed(&open, Some(&may(false, true, false))), all);
        let accepted = Approval {
            unaccepted_warnings: Vec::new(),
            ..may(false, true, false)
        };
        assert!(needed(&open, Some(&accepted)).is_empty());
        let ran = case(PlanState::Used);
        assert!(needed(&ran, Some(&may(true, true, true))).is_empty());
    }

    #[test]
    fn an_override_is_never_green_and_a_warning_shows_before_it_is_read() {
        let owner = Owner::new();
        owner.set();
        assert_eq!(mark(&case(PlanState::Sealed), true), "warning");
        assert_eq!(mark(&case(PlanState::Sealed), false), "fail");
        for closed in [PlanState::Invalidated, PlanState::Withdrawn] {
            assert_eq!(mark(&case(closed), true), "fail");
        }
        let mut glass = case(PlanState::Approved);
        glass.summary.broke_glass = true;
        assert_eq!(mark(&glass, true), "override");
        let mut quiet = case(PlanState::Approved);
        quiet.warnings.clear();
        assert_eq!(mark(&quiet, true), "pass");
    }
}
