//! Jobs: what runs, what waits, what ran.

pub mod detail;
mod follow;
pub mod question;

use leptos::prelude::*;
use requorum_shared::api::v1::{JobSummary, ListJobsRequest, ListJobsResponse};
use requorum_shared::job_view::JobState;

use crate::client::grpc;
use crate::components::empty::Empty;
use crate::components::lead::Lead;
use crate::components::load::load;
use crate::components::status::{self, Status};
use crate::components::table::arrows;
use crate::components::time::Time;
use crate::format;
use crate::pages::{every, of_cluster};
use crate::paths;

/// The state of a job as the API names it; `None` for one that this page does not know.
pub(super) fn state_of(job: &JobSummary) -> Option<JobState> {
    serde_json::from_value(serde_json::Value::String(job.state.clone())).ok()
}

/// Class and word of it.
pub(super) fn status_of(job: &JobSummary) -> (&'static str, &'static str) {
    state_of(job).map_or(("not-checked", "unknown"), status::job)
}

/// The list.
#[component]
pub fn Jobs() -> impl IntoView {
    let list = LocalResource::new(|| grpc::list_jobs(ListJobsRequest {}));
    every(5_000, move || list.refetch());
    let sentence = Signal::derive(move || match list.get() {
        Some(Ok(list)) => headline(&list),
        _ => "Jobs of this console.".into(),
    });
    view! { <div class="page"><Lead sentence />{load(list, table)}</div> }
}

fn headline(list: &ListJobsResponse) -> String {
    let states: Vec<_> = list.jobs.iter().map(state_of).collect();
    let waiting = states
        .iter()
        .filter(|s| **s == Some(JobState::Waiting))
        .count() as u64;
    let running = states
        .iter()
        .filter(|s| s.is_none_or(|s| !s.is_over()))
        .count() as u64;
    match (list.jobs.len(), waiting, running) {
        (0, ..) => "No job has run yet.".into(),
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
    if list.jobs.is_empty() {
        return view! {
            <Empty text="A job carries out an approved plan, step by step.">
                <a class="button" href=paths::plans()>"See the plans"</a>
            </Empty>
        }
        .into_any();
    }
    let names = of_cluster::names(list.jobs.iter().map(|job| job.cluster.as_str()));
    let chosen = of_cluster::chosen();
    let shown = move || {
        let mut jobs = list.jobs.clone();
        chosen.with(|chosen| jobs.retain(|job| of_cluster::fits(chosen, &job.cluster)));
        job_table(jobs)
    };
    view! { {of_cluster::filter(names)} {shown} }.into_any()
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
        let list = |states: &[&str]| ListJobsResponse {
            jobs: states
                .iter()
                .map(|s| JobSummary {
                    state: (*s).into(),
                    ..Default::default()
                })
                .collect(),
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
                state: "odd".into(),
                ..Default::default()
            }),
            None
        );
    }
}
