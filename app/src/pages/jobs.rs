//! Jobs: what runs, what waits, what ran.

pub mod detail;
mod follow;
pub mod question;

use leptos::prelude::*;
use requorum_shared::api::v1::{self, JobSummary, ListJobsRequest, ListJobsResponse};
use requorum_shared::job::fold::JobState;

use crate::client::grpc;
use crate::components::empty::Empty;
use crate::components::lead::Lead;
use crate::components::load::load;
use crate::components::pager::{self, Pager};
use crate::components::status::{self, Status};
use crate::components::table::arrows;
use crate::components::time::Time;
use crate::failure::Failure;
use crate::format;
use crate::pages::{every, of_cluster, of_state};
use crate::paths;

/// The state of a job; `None` for one that this page does not know.
pub(super) fn state_of(job: &JobSummary) -> Option<JobState> {
    job.state().try_into().ok()
}

/// What the API's names of states begin with.
const PREFIX: &str = "JOB_STATE_";

fn read(word: &str) -> Option<JobState> {
    let name = format!("{PREFIX}{}", word.to_ascii_uppercase());
    v1::JobState::from_str_name(&name)?.try_into().ok()
}

/// How many have each state.
fn counts(list: &ListJobsResponse) -> of_state::Counts {
    let word = |state: v1::JobState| of_state::word(state.as_str_name(), PREFIX);
    let counts = list.counts.iter();
    counts.map(|of| (word(of.state()), of.count)).collect()
}

/// Class and word of it.
pub(super) fn status_of(job: &JobSummary) -> (&'static str, &'static str) {
    state_of(job).map_or(("not-checked", "unknown"), status::job)
}

/// Class and word of a state, as addresses have it.
fn named(state: &str) -> (&'static str, &'static str) {
    read(state).map_or(("not-checked", "unknown"), status::job)
}

/// The list.
#[component]
pub fn Jobs() -> impl IntoView {
    let (cluster, state, place) = (of_cluster::chosen(), of_state::chosen(), pager::place());
    let list = LocalResource::new(move || {
        grpc::call(ListJobsRequest {
            page_token: place.get().after,
            cluster: of_cluster::asked(&cluster.get()),
            states: of_state::asked(&state.get(), PREFIX, v1::JobState::from_str_name),
            ..ListJobsRequest::default()
        })
    });
    every(5_000, move || list.refetch());
    let sentence = Signal::derive(move || match list.get() {
        Some(Ok(list)) => headline(&counts(&list)),
        _ => "Jobs of this console.".into(),
    });
    view! { <div class="page"><Lead sentence />{filters(list)}{load(list, table)}</div> }
}

/// Outside of what is drawn anew with each page, so that whoever is in a field stays there.
fn filters(list: LocalResource<Result<ListJobsResponse, Failure>>) -> impl IntoView {
    let last = Memo::new(
        move |last: Option<&(Vec<String>, of_state::Counts)>| match list.get() {
            Some(Ok(list)) => (list.clusters.clone(), counts(&list)),
            _ => last.cloned().unwrap_or_default(),
        },
    );
    let clusters = Signal::derive(move || last.get().0);
    let counts = Signal::derive(move || last.get().1);
    let any = Memo::new(move |_| !counts.with(Vec::is_empty));
    move || {
        any.get().then(|| {
            view! {
                <div class="filter">
                    {of_cluster::choice(clusters)}
                    {of_state::choice(counts, |state| named(state).1)}
                </div>
            }
        })
    }
}

fn headline(counts: &[(String, u64)]) -> String {
    let waiting = of_state::count(counts, |state| read(state) == Some(JobState::Waiting));
    let running = of_state::count(counts, |state| read(state).is_none_or(|s| !s.is_over()));
    match (counts.is_empty(), waiting, running) {
        (true, ..) => "No job has run yet.".into(),
        (_, 0, 0) => "No job is running.".into(),
        (_, 0, running) => format!(
            "{} under way.",
            format::count(running, "job is", "jobs are")
        ),
        (_, waiting, _) => format!(
            "{} for an answer.",
            format::count(waiting, "job waits", "jobs wait")
        ),
    }
}

fn table(list: ListJobsResponse) -> impl IntoView {
    if list.counts.is_empty() {
        return view! {
            <Empty text="A job carries out an approved plan, step by step.">
                <a class="button" href=paths::plans()>"See the plans"</a>
            </Empty>
        }
        .into_any();
    }
    if list.total == 0 {
        return view! {
            <p class="muted">"No job fits. " <a href=paths::jobs()>"All jobs"</a></p>
        }
        .into_any();
    }
    let shown = list.jobs.len();
    view! {
        {job_table(list.jobs)}
        <Pager shown total=list.total next=list.next_page_token one="job" many="jobs" />
    }
    .into_any()
}

/// A table of jobs.
pub(super) fn job_table(jobs: Vec<JobSummary>) -> impl IntoView {
    let rows = jobs
        .into_iter()
        .map(|job| {
            let status = status_of(&job);
            // Once over, a job's sentence can be its title: nobody reads that twice.
            let words = if job.sentence == job.title { String::new() } else { job.sentence };
            view! {
                <tr>
                    <th scope="row" data-label="Job"><a href=paths::job(&job.id)>{job.title}</a></th>
                    <td data-label="Cluster">{of_cluster::shown(&job.cluster)}</td>
                    <td data-label="State"><span><Status is=status /> {job.broke_glass.then(status::without_approval)}</span></td>
                    <td data-label="Steps" class="number">{format!("{} of {}", job.steps_done, job.steps_total)}</td>
                    <td data-label="In words">{words}</td>
                    <td data-label="Started"><Time ms=job.started_at_ms /></td>
                    <td data-label="By">{job.started_by}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-wrap">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Job"</th><th scope="col">"Cluster"</th><th scope="col">"State"</th><th scope="col" class="number">"Steps"</th>
                        <th scope="col">"In words"</th><th scope="col">"Started"</th><th scope="col">"By"</th>
                    </tr>
                </thead>
                <tbody on:keydown=arrows>{rows}</tbody>
            </table>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_a_person_comes_first() {
        let list = |states: &[&str]| {
            let one = |state: &&str| ((*state).to_owned(), 1);
            states.iter().map(one).collect::<Vec<_>>()
        };
        assert_eq!(headline(&list(&[])), "No job has run yet.");
        assert_eq!(
            headline(&list(&["completed", "undone", "left"])),
            "No job is running."
        );
        assert!(headline(&list(&["running", "completed"])).starts_with("1 job is under way"));
        assert!(headline(&list(&["running", "waiting"])).starts_with("1 job waits"));
        assert_eq!(
            state_of(&JobSummary {
                state: 99,
                ..Default::default()
            }),
            None
        );
    }
}
