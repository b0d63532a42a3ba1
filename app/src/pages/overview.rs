//! Does anything need me?

use leptos::prelude::*;
use requorum_shared::api::v1::{
    JobSummary, ListJobsRequest, ListPlansRequest, ListSnapshotsRequest, PlanSummary,
    SnapshotSummary,
};
use requorum_shared::job_view::JobState;

use crate::client::grpc;
use crate::components::bytes::Bytes;
use crate::components::lead::Lead;
use crate::components::load::load;
use crate::components::status::{self, Status};
use crate::components::table::arrows;
use crate::components::time::Time;
use crate::failure::Failure;
use crate::format;
use crate::pages::every;
use crate::pages::jobs::{job_table, state_of, status_of};
use crate::paths;

/// How many recent things are listed.
const RECENT: usize = 5;

/// What waits first, then what is there.
#[component]
pub fn Overview() -> impl IntoView {
    let state = LocalResource::new(fetch);
    every(10_000, move || state.refetch());
    let sentence = Signal::derive(move || match state.get() {
        Some(Ok(state)) => headline(&state),
        _ => "Requorum, a recovery console for quorum systems.".into(),
    });
    view! { <div class="page"><Lead sentence />{load(state, show)}</div> }
}

#[derive(Debug, Clone, Default, PartialEq)]
struct State {
    snapshots: Vec<SnapshotSummary>,
    plans: Vec<PlanSummary>,
    jobs: Vec<JobSummary>,
}

impl State {
    fn waiting_jobs(&self) -> impl Iterator<Item = &JobSummary> {
        self.jobs
            .iter()
            .filter(|job| matches!(state_of(job), Some(JobState::Waiting | JobState::Paused)))
    }

    fn waiting_plans(&self) -> impl Iterator<Item = &PlanSummary> {
        self.plans
            .iter()
            .filter(|plan| plan.state == "sealed" || plan.state == "approved")
    }

    fn is_new(&self) -> bool {
        self.snapshots.is_empty() && self.plans.is_empty() && self.jobs.is_empty()
    }
}

async fn fetch() -> Result<State, Failure> {
    Ok(State {
        snapshots: grpc::list_snapshots(ListSnapshotsRequest {})
            .await?
            .snapshots,
        plans: grpc::list_plans(ListPlansRequest {}).await?.plans,
        jobs: grpc::list_jobs(ListJobsRequest {}).await?.jobs,
    })
}

fn headline(state: &State) -> String {
    let waits = state.waiting_jobs().count() as u64 + state.waiting_plans().count() as u64;
    let running = state
        .jobs
        .iter()
        .filter(|j| state_of(j).is_none_or(|s| !s.is_over()))
        .count() as u64;
    match (waits, running) {
        _ if state.is_new() => "This console is new: begin with a snapshot.".into(),
        (0, 0) => "Nothing waits for you.".into(),
        (0, n) => format!(
            "Nothing waits for you; {} under way.",
            format::count(n, "job is", "jobs are")
        ),
        (n, _) => format!(
            "{} for you.",
            format::count(n, "thing waits", "things wait")
        ),
    }
}

fn show(state: State) -> impl IntoView {
    if state.is_new() {
        return first_steps().into_any();
    }
    view! { {waiting(&state)} {jobs(&state)} {snapshots(&state)} }.into_any()
}

fn first_steps() -> impl IntoView {
    view! {
        <ol class="steps">
            <li class="step">
                <span class="step-number">"1"</span>
                <div class="step-body">
                    <p><a href=paths::inspect()>"Look at a snapshot"</a></p>
                    <p class="small muted">"In this browser, nothing is sent. There is a sample to try."</p>
                </div>
            </li>
            <li class="step">
                <span class="step-number">"2"</span>
                <div class="step-body">
                    <p><a href=paths::snapshots()>"Upload one"</a></p>
                    <p class="small muted">"The server checks it while it arrives, and keeps it."</p>
                </div>
            </li>
            <li class="step">
                <span class="step-number">"3"</span>
                <div class="step-body">
                    <p>"Plan a restore from it, have it approved, run it"</p>
                    <p class="small muted">"Planning changes nothing. Every step says how it is undone."</p>
                </div>
            </li>
        </ol>
    }
}

fn waiting(state: &State) -> impl IntoView + use<> {
    let jobs = state.waiting_jobs().cloned().map(|job| {
        view! {
            <li class="file-row">
                <div class="file-row-head"><a href=paths::job(&job.id)>{job.title.clone()}</a><Status is=status_of(&job) /></div>
                <p class="small">{job.sentence}</p>
            </li>
        }
        .into_any()
    });
    let plans = state.waiting_plans().cloned().map(|plan| {
        let what = if plan.state == "sealed" { "Read it, then approve or reject it." } else { "Approved: it can be run." };
        view! {
            <li class="file-row">
                <div class="file-row-head"><a href=paths::plan(&plan.id)>{plan.outcome.clone()}</a><Status is=status::plan(&plan.state) /></div>
                <p class="small">{what} " Sealed by " {plan.author} ", " <Time ms=plan.sealed_at_ms /> "."</p>
            </li>
        }
        .into_any()
    });
    let all: Vec<_> = jobs.chain(plans).collect();
    (!all.is_empty()).then(|| view! { <section class="section"><h2>"Waits for you"</h2><ul class="waiting-list">{all}</ul></section> })
}

fn jobs(state: &State) -> impl IntoView + use<> {
    let recent: Vec<_> = state.jobs.iter().take(RECENT).cloned().collect();
    view! {
        <section class="section">
            <h2>"Recent jobs"</h2>
            {if recent.is_empty() {
                view! { <p class="muted">"No job has run yet."</p> }.into_any()
            } else {
                job_table(recent).into_any()
            }}
        </section>
    }
}

fn snapshots(state: &State) -> impl IntoView + use<> {
    let rows = state
        .snapshots
        .iter()
        .take(RECENT)
        .cloned()
        .map(|s| {
            view! {
                <tr>
                    <th scope="row" data-label="Name"><a href=paths::snapshot(&s.id)>{s.name}</a></th>
                    <td data-label="Verdict"><Status is=status::snapshot(&s.verdict) /></td>
                    <td data-label="Revision" class="number">{format::signed(s.revision)}</td>
                    <td data-label="Size" class="number"><Bytes n=s.size /></td>
                    <td data-label="Stored"><Time ms=s.stored_at_ms /></td>
                </tr>
            }
        })
        .collect_view();
    let none = state.snapshots.is_empty();
    view! {
        <section class="section">
            <h2>"Newest snapshots"</h2>
            {if none {
                view! { <p class="muted">"None is kept here. " <a href=paths::snapshots()>"Upload one"</a> "."</p> }.into_any()
            } else {
                view! {
                    <div class="table-wrap">
                        <table class="table">
                            <thead>
                                <tr>
                                    <th scope="col">"Name"</th><th scope="col">"Verdict"</th><th scope="col" class="number">"Revision"</th>
                                    <th scope="col" class="number">"Size"</th><th scope="col">"Stored"</th>
                                </tr>
                            </thead>
                            <tbody on:keydown=arrows>{rows}</tbody>
                        </table>
                    </div>
                }
                .into_any()
            }}
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headline_says_what_needs_a_person() {
        let mut state = State::default();
        assert!(headline(&state).contains("new"));
        state.snapshots.push(SnapshotSummary::default());
        assert_eq!(headline(&state), "Nothing waits for you.");
        state.jobs.push(JobSummary {
            state: "running".into(),
            ..Default::default()
        });
        assert_eq!(
            headline(&state),
            "Nothing waits for you; 1 job is under way."
        );
        state.jobs.push(JobSummary {
            state: "waiting".into(),
            ..Default::default()
        });
        state.plans.push(PlanSummary {
            state: "sealed".into(),
            ..Default::default()
        });
        assert_eq!(headline(&state), "2 things wait for you.");
    }
}
