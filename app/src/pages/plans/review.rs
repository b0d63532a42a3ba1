//! Do I agree with exactly this?

pub mod approval;
mod body;
pub mod file;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use requorum_shared::api::v1::{
    Approval, GetApprovalRequest, GetPlanRequest, GetPlanResponse, PlanState, PlanSummary,
};
use requorum_shared::finding::{Finding, Outcome, Report};
use requorum_shared::plan::Undo;
use requorum_shared::recovery::{self, Observation, Plan};
use requorum_shared::replan::{Difference, Part, Recheck};

use self::approval::{Case, Standing};
use self::file::{Own, OwnFile};
use crate::client::grpc;
use crate::components::findings::Findings;
use crate::components::glass::Broken;
use crate::components::hash::Id;
use crate::components::lead::Lead;
use crate::components::load::{load, load_page};
use crate::components::recheck::{BothSides, Differences, brief};
use crate::components::status::{self, Status};
use crate::components::time::Time;
use crate::format;
use crate::pages::every;
use crate::paths;
use crate::plan_integrity::{Seal, verify};
use crate::systems;

/// The review page.
#[component]
pub fn PlanReview() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|p| p.get("id")).unwrap_or_default());
    let plan = LocalResource::new(move || grpc::call(GetPlanRequest { id: id.get() }));
    let approval = LocalResource::new(move || async move {
        let answer = grpc::call(GetApprovalRequest { plan_id: id.get() }).await;
        answer.map(|answer| answer.approval.unwrap_or_default())
    });
    // Somebody else may decide meanwhile; the plan itself is asked for again when that shows.
    every(10_000, move || approval.refetch());
    let standing = Memo::new(move |_| approval.get().and_then(Result::ok));
    Effect::new(move |before: Option<Option<Approval>>| {
        let now = standing.get();
        if before.flatten().is_some_and(|before| Some(before) != now) {
            plan.refetch();
        }
        now
    });
    let again = Callback::new(move |()| {
        plan.refetch();
        approval.refetch();
    });
    let own = RwSignal::new(Own::None);
    view! {
        <div class="page">
            {load_page(plan, crumbs(), move |response| show(response, approval, own, again))}
        </div>
    }
}

fn crumbs() -> Vec<(String, String)> {
    vec![("Plans".to_owned(), paths::plans())]
}

type Asked = LocalResource<Result<Approval, crate::failure::Failure>>;

fn show(
    response: GetPlanResponse,
    approval: Asked,
    own: RwSignal<Own>,
    again: Callback<()>,
) -> impl IntoView {
    let summary = response.plan.clone().unwrap_or_default();
    match verify(&response.plan_json, &summary.hash) {
        Seal::Broken(why) => view! {
            <Lead crumbs=crumbs() sentence="Do not approve or run this plan: it is not what was sealed." />
            <div class="notice fail" role="alert">
                <p><strong>"Your browser recomputed this plan, and refuses it."</strong></p>
                <p>{why}</p>
                <p>"Tell whoever runs this server, and make a new plan from the snapshot."</p>
            </div>
        }
        .into_any(),
        Seal::Same(plan) => sealed(response, summary, *plan, approval, own, again).into_any(),
    }
}

fn sealed(
    response: GetPlanResponse,
    summary: PlanSummary,
    plan: Plan,
    approval: Asked,
    own: RwSignal<Own>,
    again: Callback<()>,
) -> impl IntoView {
    let drift: Vec<_> = response.drift.into_iter().map(Finding::from).collect();
    let alive = status::is_open(summary.state()) && drift.is_empty();
    let observation = response.observation.unwrap_or_default();
    let seen_at = alive.then_some(observation.taken_at_ms);
    let look = alive.then(|| {
        let told = Report {
            findings: response.check.into_iter().map(Finding::from).collect(),
        };
        Look::of(&plan, &observation.body_json, told)
    });
    let same = look.as_ref().is_none_or(Look::agrees);
    let case = Case {
        summary: summary.clone(),
        plan: plan.clone(),
        drifted: !drift.is_empty(),
        agrees: Signal::derive(move || same && !own.with(Own::differs)),
    };
    let seen = look.as_ref().and_then(|look| look.observation.clone());
    let below = {
        let (summary, plan) = (summary.clone(), plan.clone());
        move || below(&summary, &plan)
    };
    view! {
        <Lead crumbs=crumbs() sentence=plan.outcome.clone() below=below />
        {drifted(&drift, &summary, &plan)}
        {seen_at.map(|ms| view! {
            <p class="small muted">"What it rests on was last looked at " <Time ms /> ". Approving and running look again."</p>
        })}
        {load(approval, move |approval| {
            let review = approval.review.clone();
            view! {
                {review.map(|review| view! { <Broken review /> })}
                <Standing approval case=case.clone() again />
            }
        })}
        {look.map(|look| looked(look, &summary.hash, own))}
        {(!alive).then(|| view! {
            <div class="notice pass">
                <p><strong>"Your browser recomputed this plan: same hash."</strong></p>
                <p>"What you read here is exactly what was sealed, and what an approval names: " <Id value=summary.hash.clone() /></p>
            </div>
        })}
        {body::body(plan, summary.hash.clone(), seen.as_ref())}
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
        0 => view! { {format!("{steps}, and every one can be taken back.")} }.into_any(),
        n => view! { <strong>{format!("{} of {steps} cannot be undone.", format::number(n))}</strong> }.into_any(),
    };
    let decided = (!summary.decided_by.is_empty()).then(|| {
        view! { " by " {summary.decided_by.clone()} ", " <Time ms=summary.decided_at_ms /> }
    });
    let cluster = (!plan.cluster.is_empty()).then(|| format!(" For {}.", plan.cluster));
    view! {
        <p>{undo}</p>
        <p>
            <Status is=status::plan(summary.state()) /> {decided} ". " {format!("Sealed by {}, ", plan.author)}
            <Time ms=summary.sealed_at_ms /> "." {cluster}
        </p>
        {(!summary.reason.is_empty()).then(|| view! { <p>"Reason: " {summary.reason.clone()}</p> })}
    }
}

fn drifted(drift: &[Finding], summary: &PlanSummary, plan: &Plan) -> impl IntoView + use<> {
    let open = status::is_open(summary.state()) || summary.state() == PlanState::Invalidated;
    let to = systems::wizard(&plan.request);
    (open && !drift.is_empty()).then(|| {
        view! {
            <div class="notice fail" role="alert">
                <p><strong>"Something that this plan rests on has changed: it cannot be run."</strong></p>
                <Findings findings=drift.to_vec() none="" />
                <div class="acts"><a class="button" href=to>"Make a new plan"</a></div>
            </div>
        }
    })
}

/// The second look at a plan that may still be run.
struct Look {
    /// What the server says that the plan rests on; none where it does not say so in a way that can be read.
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
                        what: "what the plan rests on".into(),
                        told: "nothing that this page can read".into(),
                        here: "needed to check it and to make it again".into(),
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

fn looked(look: Look, hash: &str, own: RwSignal<Own>) -> AnyView {
    if !look.agrees() {
        return view! {
            <section class="section notice fail" role="alert">
                <p><strong>"Your browser checked this plan and made it again, and refuses it: what came out is not the same."</strong></p>
                <p>"The hash is that of the sealed plan, and the plan does not follow from what the server says that it rests on, or the server's check is not what a check of that gives. Do not approve it elsewhere. Tell whoever runs this server."</p>
                <Differences differences=look.look.differences told="As sealed, or as the server says" />
            </section>
        }
        .into_any();
    }
    let Some(observation) = look.observation else {
        return ().into_any();
    };
    let verdict = file_words(&observation);
    let snapshot = Signal::derive(move || {
        let (here, compared) = own.with(Own::words);
        (here, verdict.clone(), compared)
    });
    let here = brief(&look.look.report);
    let told = match look.look.report == look.told {
        true => "the same".to_owned(),
        false => brief(&look.told),
    };
    view! {
        <section class="section" aria-labelledby="second-look">
            <h2 id="second-look">"What your browser found by itself"</h2>
            <div class="notice pass">
                <p><strong>"Your browser recomputed this plan: same hash."</strong></p>
                <p>{format!("Your browser's check: {here}; the server's: {told}. Made again from what it rests on, the plan comes out the same.")}</p>
            </div>
            <BothSides hash=hash.to_owned() here=look.look.report told=look.told steps=look.steps snapshot />
            <OwnFile told=observation own />
        </section>
    }
    .into_any()
}

/// What the server says of the file, in a few words.
fn file_words(observation: &Observation) -> String {
    let parts = observation.file_outcomes();
    if parts.iter().all(|(_, outcome)| *outcome == Outcome::Pass) {
        return "This snapshot is whole.".into();
    }
    let parts = parts.map(|(part, outcome)| format!("{part} {}", status::outcome(outcome).1));
    parts.join(", ")
}
