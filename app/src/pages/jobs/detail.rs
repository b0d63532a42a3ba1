//! Where are we, is it going well, what does it need from me?

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use requorum_shared::api::v1::{
    AbortJobRequest, Artifact, GetApprovalRequest, GetJobRequest, GetJobResponse, PauseJobRequest,
    ResumeJobRequest,
};
use requorum_shared::dossier::left_overs;
use requorum_shared::job::fold::{JobState, JobView, StepState};
use requorum_shared::job::text::sentence;
use requorum_shared::permission::Permission;
use requorum_shared::plan::Undo;
use requorum_shared::recovery::{Plan, Step};

use super::follow::{Line, fold, follow};
use super::question::Ask;
use crate::client::grpc;
use crate::components::checks::Checks;
use crate::components::dialog::Dialog;
use crate::components::error_view::ErrorView;
use crate::components::glass::Broken;
use crate::components::job_steps::JobSteps;
use crate::components::lead::Lead;
use crate::components::load::{load, load_page};
use crate::components::log::Log;
use crate::components::status::{self, Status};
use crate::failure::Failure;
use crate::identity::{Of, permitted};
use crate::job_text::took;
use crate::pages::every;
use crate::paths;

/// The job's page.
#[component]
pub fn JobDetail() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|p| p.get("id")).unwrap_or_default());
    // The first answer begins the page; from then on the stream keeps it up to date.
    let job = LocalResource::new(move || grpc::call(GetJobRequest { id: id.get() }));
    view! { <div class="page">{load_page(job, crumbs(), show)}</div> }
}

fn crumbs() -> Vec<(String, String)> {
    vec![("Jobs".to_owned(), paths::jobs())]
}

fn show(response: GetJobResponse) -> impl IntoView {
    let summary = response.job.clone().unwrap_or_default();
    let plan = serde_json::from_str::<Plan>(&response.plan_json).ok();
    let steps = plan
        .as_ref()
        .map(|plan| plan.steps.clone())
        .unwrap_or_default();
    let titles: Vec<String> = steps.iter().map(|s| s.title.clone()).collect();
    let mut first = JobView::new(steps.len());
    for event in &response.events {
        fold(&mut first, event);
    }
    let view = RwSignal::new(first);
    let line = RwSignal::new(Line::Connecting);
    follow(summary.id.clone(), view, line);
    let now = RwSignal::new(js_sys::Date::now() as i64);
    every(1_000, move || now.set(js_sys::Date::now() as i64));

    let state = Memo::new(move |_| view.with(|v| v.state));
    let over = Memo::new(move |_| state.get().is_over());
    let headline = Memo::new(move |_| view.with(|v| sentence(v, &titles)));
    let question = Memo::new(move |_| view.with(|v| v.question.clone()));
    let checks = Memo::new(move |_| view.with(|v| v.checks.clone()));
    let lines = Memo::new(move |_| view.with(|v| v.log.clone()));
    let job_id = StoredValue::new(summary.id.clone());
    let cluster = StoredValue::new(summary.cluster.clone());
    let below = {
        let summary = summary.clone();
        move || {
            let plan = paths::plan(&summary.plan_id);
            let by = format!("started by {}", summary.started_by);
            let cluster = (!summary.cluster.is_empty()).then(|| format!(" · {}", summary.cluster));
            let written = paths::ledger_with(&format!("job={}", paths::encode(&summary.id)));
            view! {
                <p>
                    {move || view! { <Status is=status::job(state.get()) /> }} " "
                    {move || took(&view.get(), now.get())} " · " {by} " · " <a href=plan>"its plan"</a> {cluster}
                    " · " <a href=written>"in the ledger"</a>
                </p>
                <p class="reserve" role="status">{move || line_words(&line.get())}</p>
            }
        }
    };
    let steps_for_acts = StoredValue::new(steps.clone());
    view! {
        <Lead crumbs=crumbs() sentence=headline below=below />
        {summary.broke_glass.then(|| view! { <GlassOf plan=summary.plan_id.clone() /> })}
        {move || match line.get() {
            Line::Refused(failure) => Some(view! { <ErrorView failure /> }),
            _ => None,
        }}
        <Acts id=summary.id.clone() cluster=cluster.get_value() state view steps=steps_for_acts.get_value() />
        {move || question.get().map(|question| view! { <Ask job=job_id.get_value() cluster=cluster.get_value() question /> })}
        {move || over.get().then(|| view! { <Results id=job_id.get_value() /> })}
        <Record id=job_id.get_value() over plan view />
        {move || (!checks.with(Vec::is_empty)).then(|| view! {
            <section class="section"><h2>"Verification"</h2><Checks checks=checks.get() /></section>
        })}
        <section class="section"><h2>"Steps"</h2><JobSteps steps view /></section>
        <section class="section"><h2>"Log"</h2><Log lines /></section>
    }
}

fn line_words(line: &Line) -> String {
    match line {
        Line::Connecting => "Connecting to the server.".into(),
        Line::Live => "Live.".into(),
        Line::Lost(left) => format!(
            "The connection was lost. The job goes on without this page; what is new is fetched in {left} s."
        ),
        Line::Over => "Over; nothing more will happen.".into(),
        Line::Refused(_) => String::new(),
    }
}

/// What can be done with the job in its state.
#[component]
fn Acts(
    id: String,
    cluster: String,
    state: Memo<JobState>,
    view: RwSignal<JobView>,
    steps: Vec<Step>,
) -> impl IntoView {
    let failure = RwSignal::new(None::<Failure>);
    let stopping = RwSignal::new(false);
    let id = StoredValue::new(id);
    let of = StoredValue::new(Of::Cluster(cluster));
    let settle = move |result: Result<(), Failure>| failure.set(result.err());
    let pause = Action::new_local(move |_: &()| async move {
        let request = PauseJobRequest { id: id.get_value() };
        settle(grpc::call(request).await.map(drop));
    });
    let resume = Action::new_local(move |_: &()| async move {
        let request = ResumeJobRequest { id: id.get_value() };
        settle(grpc::call(request).await.map(drop));
    });
    let abort = Action::new_local(move |_: &()| async move {
        stopping.set(false);
        let request = AbortJobRequest { id: id.get_value() };
        settle(grpc::call(request).await.map(drop));
    });
    let busy = move || pause.pending().get() || resume.pending().get() || abort.pending().get();
    let buttons = move || {
        let stop = move || {
            view! {
                <button type="button" class="button danger" disabled=busy on:click=move |_| stopping.set(true)>"Stop and undo"</button>
            }
        };
        match state.get() {
            JobState::Queued | JobState::Running => {
                permitted(Permission::Run, of.get_value(), move || {
                    view! {
                        <button type="button" class="button" disabled=busy on:click=move |_| { pause.dispatch_local(()); }>"Pause before the next step"</button>
                        {stop()}
                    }
                })
            }
            JobState::Paused => permitted(Permission::Run, of.get_value(), move || {
                view! {
                    <button type="button" class="button primary" disabled=busy on:click=move |_| { resume.dispatch_local(()); }>"Go on"</button>
                    {stop()}
                }
            }),
            JobState::Waiting
            | JobState::Undoing
            | JobState::Completed
            | JobState::Undone
            | JobState::Left => ().into_any(),
        }
    };
    let steps = StoredValue::new(steps);
    let undone = move || {
        let states: Vec<_> = view.with_untracked(|v| v.steps.iter().map(|s| s.state).collect());
        steps.with_value(|steps| {
            steps
                .iter()
                .zip(states)
                .filter(|(_, state)| matches!(state, StepState::Done | StepState::Running))
                .rev()
                .map(|(step, _)| {
                    let how = match &step.undo {
                        Undo::Nothing => "changed nothing".to_owned(),
                        Undo::Back(how) => how.clone(),
                        Undo::PointOfNoReturn(why) => format!("cannot be undone: {why}"),
                    };
                    view! { <li><p>{format!("{}. {}", step.number, step.title)}</p><p class="small muted">{how}</p></li> }
                })
                .collect_view()
        })
    };
    view! {
        <div class="acts">{buttons}</div>
        {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
        <Dialog open=stopping label="Stop and undo">
            <h2>"Stop, and take back what was done?"</h2>
            <p>"The step that runs is stopped. Then, last first:"</p>
            <ul class="stack">{undone}</ul>
            <div class="dialog-acts">
                <button type="button" class="button" autofocus on:click=move |_| stopping.set(false)>"Let it run"</button>
                <button type="button" class="button danger" on:click=move |_| { abort.dispatch_local(()); }>"Stop and undo"</button>
            </div>
        </Dialog>
    }
}

/// That its plan was let run without approval.
#[component]
fn GlassOf(plan: String) -> impl IntoView {
    let approval = LocalResource::new(move || {
        grpc::call(GetApprovalRequest {
            plan_id: plan.clone(),
        })
    });
    load(approval, |approval| {
        let review = approval.approval.unwrap_or_default().review;
        review.map(|review| view! { <Broken review /> })
    })
}

/// What came out, to download.
#[component]
fn Results(id: String) -> impl IntoView {
    let job = LocalResource::new({
        let id = id.clone();
        move || grpc::call(GetJobRequest { id: id.clone() })
    });
    move || {
        let (artifacts, cluster) = match job.get() {
            Some(Ok(job)) => (job.artifacts, job.job.unwrap_or_default().cluster),
            _ => Default::default(),
        };
        let (id, made) = (id.clone(), artifacts.clone());
        let links = move || {
            let link = |artifact: &Artifact| {
                let href = paths::artifact(&id, &artifact.name);
                view! { <a class="button" href=href rel="external" download="">{format!("Download {}", artifact.name)}</a> }
            };
            made.iter().map(link).collect_view()
        };
        (!artifacts.is_empty()).then(|| {
            view! {
                <section class="section">
                    <h2>"Restored members"</h2>
                    <p class="muted">"Each archive holds one member's data directory. Unpack it on that member's machine, owned by the user that runs etcd."</p>
                    <div class="acts">{permitted(Permission::ReadValues, Of::Cluster(cluster), links)}</div>
                </section>
            }
        })
    }
}

/// What stays when the job is over: its record, and what somebody has to clean up.
#[component]
fn Record(
    id: String,
    over: Memo<bool>,
    plan: Option<Plan>,
    view: RwSignal<JobView>,
) -> impl IntoView {
    let left = move || {
        let left = plan
            .as_ref()
            .map(|plan| view.with_untracked(|view| left_overs(plan, view)))
            .unwrap_or_default();
        if left.is_empty() {
            return view! { <p>"Nothing of this job is left to clean up."</p> }.into_any();
        }
        let items = left
            .into_iter()
            .map(|left| view! { <li><p>{left.what}</p><p class="small muted">{left.how}</p></li> })
            .collect_view();
        view! { <ul class="stack">{items}</ul> }.into_any()
    };
    move || {
        let href = paths::dossier(&id);
        if !over.get() {
            return view! {
                <p class="small">
                    <a href=href rel="external" download="">"Download an interim dossier"</a>
                    ": the record as it stands."
                </p>
            }
            .into_any();
        }
        view! {
            <section class="section">
                <h2>"Dossier"</h2>
                <p class="muted">
                    "The record of this recovery in one archive: plan, approvals, journal, verification and the ledger's \
                     proofs. Anybody can read, print and verify it without this console."
                </p>
                <div class="acts">
                    <a class="button primary" href=href rel="external" download="">"Download dossier"</a>
                    <a class="button" href=paths::inspect()>"Verify a dossier"</a>
                </div>
            </section>
            <section class="section"><h2>"Left to clean up"</h2>{left()}</section>
        }
        .into_any()
    }
}
