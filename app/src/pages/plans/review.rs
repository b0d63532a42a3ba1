//! Do I agree with exactly this?

use leptos::prelude::*;
use leptos_router::hooks::{use_navigate, use_params_map};
use requorum_shared::api::v1::{
    ApprovePlanRequest, GetPlanRequest, GetPlanResponse, PlanSummary, RejectPlanRequest,
    StartJobRequest,
};
use requorum_shared::finding::Finding;
use requorum_shared::plan::{Fact, Plan, Request, Undo};

use crate::client::grpc;
use crate::components::dialog::Dialog;
use crate::components::error_view::ErrorView;
use crate::components::findings::{Findings, ReportCount};
use crate::components::hash::Id;
use crate::components::lead::Lead;
use crate::components::load::load_page;
use crate::components::plan_steps::PlanSteps;
use crate::components::properties::Properties;
use crate::components::status::{self, Status};
use crate::components::time::Time;
use crate::failure::Failure;
use crate::format;
use crate::paths;
use crate::seal::{Seal, verify};

/// The review page.
#[component]
pub fn PlanReview() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|p| p.get("id")).unwrap_or_default());
    let plan = LocalResource::new(move || grpc::get_plan(GetPlanRequest { id: id.get() }));
    let again = Callback::new(move |()| plan.refetch());
    view! { <div class="page">{load_page(plan, crumbs(), move |response| show(response, again))}</div> }
}

fn crumbs() -> Vec<(String, String)> {
    vec![("Plans".to_owned(), paths::plans())]
}

fn show(response: GetPlanResponse, again: Callback<()>) -> impl IntoView {
    let summary = response.summary.unwrap_or_default();
    let drift = grpc::findings(response.drift);
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
        Seal::Same(plan) => {
            let sentence = plan.outcome.clone();
            let below = {
                let (summary, plan) = (summary.clone(), plan.clone());
                move || state_line(&summary, &plan)
            };
            view! {
                <Lead crumbs=crumbs() sentence=sentence below=below />
                {drifted(&drift, &summary, &plan)}
                <Decision summary=summary.clone() plan=(*plan).clone() drifted=!drift.is_empty() again />
                <div class="notice pass">
                    <p><strong>"Your browser recomputed this plan: same hash."</strong></p>
                    <p>"What you read here is exactly what was sealed, and what an approval names: " <Id value=summary.hash.clone() /></p>
                </div>
                {body(*plan)}
            }
            .into_any()
        }
    }
}

fn state_line(summary: &PlanSummary, plan: &Plan) -> impl IntoView + use<> {
    let lost = plan
        .steps
        .iter()
        .filter(|s| matches!(s.undo, Undo::PointOfNoReturn(_)))
        .count() as u64;
    let undo = match lost {
        0 => "Every step can be taken back.".to_owned(),
        n => format!("{} cannot be undone.", format::count(n, "step", "steps")),
    };
    let decided = (!summary.decided_by.is_empty()).then(|| {
        view! { " by " {summary.decided_by.clone()} ", " <Time ms=summary.decided_at_ms /> }
    });
    view! {
        <p>
            <Status is=status::plan(&summary.state) /> {decided} ". "
            {format!("{}. {undo} Sealed by {}, ", format::count(plan.steps.len() as u64, "step", "steps"), summary.author)}
            <Time ms=summary.sealed_at_ms /> "."
        </p>
        {(!summary.reason.is_empty()).then(|| view! { <p>"Reason: " {summary.reason.clone()}</p> })}
    }
}

fn snapshot_of(plan: &Plan) -> String {
    let Request::EtcdRestore(request) = &plan.request;
    request.snapshot.clone()
}

fn drifted(drift: &[Finding], summary: &PlanSummary, plan: &Plan) -> impl IntoView + use<> {
    let open = matches!(summary.state.as_str(), "sealed" | "approved" | "void");
    (open && !drift.is_empty()).then(|| {
        view! {
            <div class="notice fail" role="alert">
                <p><strong>"Something that this plan rests on has changed. It is void."</strong></p>
                <Findings findings=drift.to_vec() none="" />
                <div class="acts"><a class="button" href=paths::restore(&snapshot_of(plan))>"Make a new plan"</a></div>
            </div>
        }
    })
}

/// What can be done with the plan in its state.
#[component]
fn Decision(summary: PlanSummary, plan: Plan, drifted: bool, again: Callback<()>) -> impl IntoView {
    let failure = RwSignal::new(None::<Failure>);
    let rejecting = RwSignal::new(false);
    let reason = RwSignal::new(String::new());
    let (id, hash) = (summary.id.clone(), summary.hash.clone());
    let ids = StoredValue::new((id, hash));
    let settle = move |result: Result<PlanSummary, Failure>| match result {
        Ok(_) => again.run(()),
        Err(refused) => failure.set(Some(refused)),
    };
    let approve = Action::new_local(move |_: &()| async move {
        failure.set(None);
        let (id, hash) = ids.get_value();
        settle(grpc::approve_plan(ApprovePlanRequest { id, hash }).await);
    });
    let reject = Action::new_local(move |_: &()| async move {
        failure.set(None);
        rejecting.set(false);
        let (id, hash) = ids.get_value();
        settle(
            grpc::reject_plan(RejectPlanRequest {
                id,
                hash,
                reason: reason.get_untracked(),
            })
            .await,
        );
    });
    let navigate = use_navigate();
    let run = Action::new_local(move |_: &()| {
        let navigate = navigate.clone();
        async move {
            failure.set(None);
            let (plan_id, plan_hash) = ids.get_value();
            match grpc::start_job(StartJobRequest { plan_id, plan_hash }).await {
                Ok(job) => navigate(&paths::job(&job.id), Default::default()),
                Err(refused) => failure.set(Some(refused)),
            }
        }
    });
    let busy = move || approve.pending().get() || reject.pending().get() || run.pending().get();
    let steps = plan.steps.len() as u64;
    let new_plan = paths::restore(&snapshot_of(&plan));
    let reject_button = move || {
        view! {
            <button type="button" class="button" disabled=busy on:click=move |_| rejecting.set(true)>"Reject with a reason"</button>
        }
    };
    let acts = match summary.state.as_str() {
        "sealed" if !drifted => view! {
            <button type="button" class="button primary" disabled=busy on:click=move |_| { approve.dispatch_local(()); }>"Approve this plan"</button>
            {reject_button()}
        }
        .into_any(),
        "approved" if !drifted => view! {
            <button type="button" class="button primary" disabled=busy on:click=move |_| { run.dispatch_local(()); }>
                {format!("Run {}", format::count(steps, "step", "steps"))}
            </button>
            {reject_button()}
        }
        .into_any(),
        "used" if !summary.job_id.is_empty() => view! {
            <a class="button primary" href=paths::job(&summary.job_id)>"Open its job"</a>
        }
        .into_any(),
        _ if drifted => ().into_any(),
        _ => view! { <a class="button" href=new_plan>"Make a new plan"</a> }.into_any(),
    };
    view! {
        <div class="acts">{acts}</div>
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
    }
}

fn body(plan: Plan) -> impl IntoView {
    let Request::EtcdRestore(request) = &plan.request;
    let members = request
        .members
        .iter()
        .map(|m| view! { <tr><th scope="row" data-label="Name">{m.name.clone()}</th><td data-label="Peer URLs" class="mono">{m.peer_urls.join(", ")}</td></tr> })
        .collect_view();
    let bump = match (request.bump_revision, request.mark_compacted) {
        (0, _) => "not raised".to_owned(),
        (n, true) => format!(
            "raised by {}, older ones marked compacted",
            format::number(n)
        ),
        (n, false) => format!("raised by {}", format::number(n)),
    };
    let choices = vec![
        ("Snapshot", view! { <a href=paths::snapshot(&request.snapshot)>{format::short_id(&request.snapshot)}</a> }.into_any()),
        ("Token", view! { <span class="mono">{request.token.clone()}</span> }.into_any()),
        ("Revision", bump.into_any()),
        ("For etcd", request.target_version.to_string().into_any()),
        ("Clean-ups", clean_ups(request).into_any()),
        ("SHA-256 trailer", if request.skip_hash_check { "not required" } else { "must agree" }.into_any()),
    ];
    view! {
        <section class="section">
            <h2>{format!("What is done, in {}", format::count(plan.steps.len() as u64, "step", "steps"))}</h2>
            <PlanSteps steps=plan.steps.clone() />
        </section>
        <section class="section"><h2>"What it rests on"</h2>{facts(plan.facts.clone())}</section>
        <section class="section">
            <h2>"What was chosen"</h2>
            <Properties rows=choices />
            <div class="table-wrap">
                <table class="table">
                    <thead><tr><th scope="col">"New member"</th><th scope="col">"Peer URLs"</th></tr></thead>
                    <tbody>{members}</tbody>
                </table>
            </div>
        </section>
        <section class="section">
            <h2>"What the check said when it was sealed"</h2>
            <ReportCount report=plan.report.clone() />
            <Findings findings=plan.report.findings none="Nothing spoke against it." />
        </section>
    }
}

fn clean_ups(request: &requorum_shared::etcd::restore::RestoreRequest) -> String {
    let all = [
        (request.clean_up.alarms, "alarms cleared"),
        (request.clean_up.auth, "authentication turned off"),
        (request.clean_up.downgrade, "downgrade state deleted"),
        (request.clean_up.versions, "recorded versions lowered"),
    ];
    let chosen: Vec<_> = all
        .iter()
        .filter(|(on, _)| *on)
        .map(|(_, what)| *what)
        .collect();
    if chosen.is_empty() {
        "none".into()
    } else {
        chosen.join(", ")
    }
}

fn facts(facts: Vec<Fact>) -> impl IntoView {
    let rows = facts
        .into_iter()
        .map(|fact| {
            let seen = match format::parse_rfc3339(&fact.seen_at) {
                Some(ms) => view! { <Time ms /> }.into_any(),
                None => fact.seen_at.into_any(),
            };
            view! {
                <tr>
                    <th scope="row" data-label="About">{fact.subject}</th>
                    <td data-label="Fact">{fact.statement}</td>
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
