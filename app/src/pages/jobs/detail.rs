//! Where are we, is it going well, what does it need from me, and what comes next?

mod acts;
mod after;
mod host_settings;
mod left;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use requorum_shared::api::v1::{GetApprovalRequest, GetJobRequest, GetJobResponse, JobSummary};
use requorum_shared::handover;
use requorum_shared::job::fold::{JobState, JobView};
use requorum_shared::job::history::History;
use requorum_shared::matrix::Expected;
use requorum_shared::nouns::Nouns;
use requorum_shared::recovery::{self, Plan};

use self::acts::acts;
use self::after::{Handing, dossier};
use self::left::{left_behind, results};
use super::follow::{Followed, Link, fold, read};
use super::question::Ask;
use crate::client::grpc;
use crate::components::break_glass::BreakGlassNotice;
use crate::components::check_matrix::CheckMatrix;
use crate::components::error_view::ErrorView;
use crate::components::history::HistoryList;
use crate::components::job_steps::JobSteps;
use crate::components::load::{load, load_page};
use crate::components::page_header::PageHeader;
use crate::components::status::{self, Status};
use crate::format;
use crate::job_text::{self, took};
use crate::pages::every;
use crate::paths;

/// The job's page.
#[component]
pub fn JobDetail() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|p| p.get("id")).unwrap_or_default());
    // The first answer begins the page; from then on the stream keeps it up to date.
    let job = LocalResource::new(move || grpc::call(GetJobRequest { id: id.get() }));
    view! { <div class="page job-page">{load_page(job, crumbs(), show)}</div> }
}

fn crumbs() -> Vec<(String, String)> {
    vec![("Jobs".to_owned(), paths::jobs())]
}

/// What the page knows of the job beside its journal.
struct Job {
    summary: JobSummary,
    plan: Option<Plan>,
    /// The folder on the server that the result lies in; empty where it is downloaded.
    place: String,
}

impl Job {
    fn titles(&self) -> Vec<String> {
        let steps = self.plan.iter().flat_map(|plan| &plan.steps);
        steps.map(|step| step.title.clone()).collect()
    }

    fn expected(&self) -> Expected {
        let request = self.plan.as_ref().map(|plan| &plan.request);
        request
            .map(|request| request.verification())
            .unwrap_or_default()
    }

    fn parts(&self) -> Vec<String> {
        let request = self.plan.as_ref().map(|plan| &plan.request);
        request.map(|request| request.parts()).unwrap_or_default()
    }

    fn nouns(&self) -> Nouns {
        let request = self.plan.as_ref().map(|plan| &plan.request);
        request.map(|request| request.nouns()).unwrap_or_default()
    }

    /// The hand-over's steps by id and title, before there is one: the history names them.
    fn handover_titles(&self) -> Vec<(String, String)> {
        let none = handover::Context::default();
        let plan = self.plan.as_ref();
        plan.map(|plan| recovery::handover(plan, &[], &none).titles())
            .unwrap_or_default()
    }
}

type JobRef = StoredValue<Job>;

fn show(response: GetJobResponse) -> impl IntoView {
    let job = Job {
        plan: serde_json::from_str::<Plan>(&response.plan_json).ok(),
        place: response.place.clone(),
        summary: response.job.clone().unwrap_or_default(),
    };
    let titles = job.titles();
    let mut view = JobView::new(titles.len());
    let mut history = History::new(&titles, job.handover_titles(), job.nouns().leftovers);
    for event in response.events.iter().filter_map(read) {
        fold(&mut view, &event);
        history.apply(&event);
    }
    let summary = job.summary.clone();
    let job = StoredValue::new(job);
    let followed = Followed::new(view, history);
    followed.follow(summary.id.clone());
    let Followed { view, link, .. } = followed;
    let now = RwSignal::new(js_sys::Date::now() as i64);
    every(1_000, move || now.set(js_sys::Date::now() as i64));

    let state = Memo::new(move |_| view.with(|v| v.state));
    let over = Memo::new(move |_| state.get().is_over());
    let lost = Memo::new(move |_| followed.is_lost());
    let handing = Handing::new(job, followed);
    let headline = Memo::new(move |_| {
        let next = handing.headline();
        if next.is_empty() {
            view.with(|v| job_text::headline(v, &titles))
        } else {
            next
        }
    });
    let question = Memo::new(move |_| view.with(|v| v.question.clone()));
    let below = {
        let summary = summary.clone();
        move || {
            let plan = paths::plan(&summary.plan_id);
            let by = format!("Started by {}", summary.started_by);
            let cluster = (!summary.cluster.is_empty()).then(|| format!(" · {}", summary.cluster));
            let written = paths::ledger_with(&format!("job={}", paths::encode(&summary.id)));
            // While the server does not answer, time passes here and not there.
            let clock = move || match lost.get() {
                true => followed.heard_ms.get(),
                false => now.get(),
            };
            view! {
                <p class="job-now tabular">
                    {move || view! { <Status is=view.with(status::of_view) /> }} " "
                    <span>{move || view.with(|v| took(v, clock()))}</span> " · "
                    <span role="status">{move || link_words(&link.get(), followed.resumed_ms.get())}</span>
                </p>
                <p>{by} " · " <a href=plan>"Plan"</a> {cluster} " · " <a href=written>"Ledger entries"</a></p>
            }
        }
    };
    let ask = StoredValue::new((summary.id.clone(), summary.cluster.clone()));
    let body = move || {
        if over.get() {
            view! { <AfterTheEnd job followed handing /> }.into_any()
        } else {
            view! { <WhileItRuns job followed lost /> }.into_any()
        }
    };
    view! {
        <PageHeader crumbs=crumbs() sentence=headline below=below />
        {summary.broke_glass.then(|| view! { <GlassOf plan=summary.plan_id.clone() /> })}
        {move || match link.get() {
            Link::Refused(failure) => Some(view! { <ErrorView failure /> }),
            _ => None,
        }}
        {acts(job, followed)}
        {move || question.get().map(|question| {
            let (id, cluster) = ask.get_value();
            view! { <Ask job=id cluster question lost /> }
        })}
        {body}
        <p class="job-lost notice warning" role="status" hidden=move || !lost.get()>
            {move || match link.get() {
                Link::Lost(retry_s) => job_text::lost(followed.heard_ms.get(), now.get(), retry_s),
                _ => String::new(),
            }}
        </p>
    }
}

fn link_words(link: &Link, resumed_ms: Option<i64>) -> String {
    match link {
        Link::Connecting => "Connecting".into(),
        Link::Live => match resumed_ms {
            Some(at_ms) => format!(
                "Live. The server was restarted; the job resumed at {} {}",
                format::clock(at_ms),
                format::zone_name(at_ms)
            ),
            None => "Live".into(),
        },
        Link::Lost(_) => "No connection".into(),
        Link::Over => "Finished".into(),
        Link::Refused(_) => "No longer live".into(),
    }
}

/// The steps first; everything has its place from the beginning.
#[component]
fn WhileItRuns(job: JobRef, followed: Followed, lost: Memo<bool>) -> impl IntoView {
    let Followed { view, history, .. } = followed;
    let (steps, parts, nouns, expected, id) = job.with_value(|job| {
        let steps = job.plan.as_ref().map(|plan| plan.steps.clone());
        (
            steps.unwrap_or_default(),
            job.parts(),
            job.nouns(),
            job.expected(),
            job.summary.id.clone(),
        )
    });
    let checks = Memo::new(move |_| view.with(|v| v.checks.clone()));
    let lines = Memo::new(move |_| history.with(|h| h.lines.clone()));
    let invalid = Memo::new(move |_| view.with(|v| v.checks_are_invalid()));
    view! {
        <div class="job-columns">
            <section class="section"><h2>"Steps"</h2><JobSteps steps parts nouns view live=true stale=lost /></section>
            <section class="section"><h2>"History"</h2><HistoryList lines /></section>
        </div>
        <section class="section">
            <h2>{move || if invalid.get() { "Verification (invalid: its subject is being rolled back)" } else { "Verification" }}</h2>
            <CheckMatrix expected nouns checks live=true />
        </section>
        <p class="small">
            <a href=paths::dossier(&id) rel="external" download="">"Download an interim dossier"</a>
            ": the record so far."
        </p>
    }
}

/// What came of it, and what comes next.
#[component]
fn AfterTheEnd(job: JobRef, followed: Followed, handing: Handing) -> impl IntoView {
    let Followed { view, history, .. } = followed;
    let (steps, parts, nouns, expected, id) = job.with_value(|job| {
        let steps = job.plan.as_ref().map(|plan| plan.steps.clone());
        (
            steps.unwrap_or_default(),
            job.parts(),
            job.nouns(),
            job.expected(),
            job.summary.id.clone(),
        )
    });
    let checks = Memo::new(move |_| view.with(|v| v.checks.clone()));
    let lines = Memo::new(move |_| history.with(|h| h.lines.clone()));
    let invalid = view.with_untracked(|v| v.checks_are_invalid());
    let verified = view.with_untracked(|v| !v.checks.is_empty() || v.state == JobState::Completed);
    let verification = verified.then(|| {
        let matrix = view! { <CheckMatrix expected nouns checks live=false /> };
        if invalid {
            let count = checks.with_untracked(Vec::len) as u64;
            let were = format::count(count, "check", "checks");
            view! {
                <section class="section">
                    <h2>"Verification (invalid)"</h2>
                    <p>"These results applied to what was rolled back. They say nothing about the present state."</p>
                    <details class="command">
                        <summary>{format!("{were} of what was rolled back")}</summary>
                        <div class="command-body">{matrix}</div>
                    </details>
                </section>
            }
            .into_any()
        } else {
            view! { <section class="section"><h2>"Verification"</h2>{matrix}</section> }.into_any()
        }
    });
    view! {
        {handing.steps()}
        {results(id.clone(), nouns, followed)}
        {verification}
        <div class="job-columns">
            <div class="stack">
                {dossier(id)}
                {left_behind(job, followed)}
            </div>
            <section class="section"><h2>"History"</h2><HistoryList lines /></section>
        </div>
        <section class="section"><h2>"Steps"</h2><JobSteps steps parts nouns view live=false stale=Signal::stored(false) /></section>
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
        review.map(|review| view! { <BreakGlassNotice review /> })
    })
}
