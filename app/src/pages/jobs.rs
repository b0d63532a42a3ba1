//! Jobs: what runs, what waits, what ran.

pub mod detail;
mod follow;
pub mod question;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use requorum_shared::api::v1::{self, JobSummary, ListJobsRequest, ListJobsResponse};
use requorum_shared::job::fold::JobState;
use requorum_shared::job::text::phase_of;

use crate::client::grpc;
use crate::columns::{Column, Columns};
use crate::components::columns::ColumnChoice;
use crate::components::empty::Empty;
use crate::components::load::load;
use crate::components::page_header::PageHeader;
use crate::components::pager::{self, Pager};
use crate::components::short_name::{ShortName, files, target};
use crate::components::status::{self, Status};
use crate::components::table::{Clipped, Sort, SortHeading, arrows};
use crate::components::time::Ago;
use crate::failure::Failure;
use crate::format;
use crate::pages::{cluster_filter, every, search_filter, state_filter};
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
fn counts(list: &ListJobsResponse) -> state_filter::Counts {
    let word = |state: v1::JobState| state_filter::word(state.as_str_name(), PREFIX);
    let counts = list.counts.iter();
    counts.map(|of| (word(of.state()), of.count)).collect()
}

/// Class and word of it.
pub(super) fn status_of(job: &JobSummary) -> (&'static str, &'static str) {
    state_of(job).map_or(("not-checked", "unknown"), |state| {
        status::phase(phase_of(state, job.working))
    })
}

/// Class and word of a state, as addresses have it.
fn named(state: &str) -> (&'static str, &'static str) {
    read(state).map_or(("not-checked", "unknown"), status::job)
}

/// The columns after the name.
const COLUMNS: &[Column] = &[
    ("file", "Snapshot"),
    ("target", "Target"),
    ("state", "State"),
    ("progress", "Progress"),
    ("by", "Started by"),
    ("started", "Started"),
];

/// The list.
#[component]
pub fn Jobs() -> impl IntoView {
    let (cluster, state, place, search) = (
        cluster_filter::chosen(),
        state_filter::chosen(),
        pager::place(),
        search_filter::chosen(),
    );
    let query = use_query_map();
    let sort =
        Memo::new(move |_| Sort::parse(query.with(|q| q.get("sort")).as_deref(), "-started"));
    let list = LocalResource::new(move || {
        grpc::call(ListJobsRequest {
            page_token: place.get().after,
            cluster: cluster_filter::asked(&cluster.get()),
            states: state_filter::asked(&state.get(), PREFIX, v1::JobState::from_str_name),
            query: search.get(),
            order_by: sort.get().word(),
            ..ListJobsRequest::default()
        })
    });
    let columns = Columns::remembered("jobs", COLUMNS);
    every(5_000, move || list.refetch());
    let sentence = Signal::derive(move || match list.get() {
        Some(Ok(list)) => headline(&counts(&list)),
        _ => "Jobs".into(),
    });
    view! {
        <div class="page">
            <PageHeader sentence />
            {filters(list, columns)}
            {load(list, move |list| table(list, sort, columns))}
        </div>
    }
}

/// Outside of what is drawn anew with each page, so that whoever is in a field stays there.
fn filters(
    list: LocalResource<Result<ListJobsResponse, Failure>>,
    columns: Columns,
) -> impl IntoView {
    let last =
        Memo::new(
            move |last: Option<&(Vec<String>, state_filter::Counts)>| match list.get() {
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
                    {search_filter::field("Search jobs: name, id, file, person")}
                    {cluster_filter::choice(clusters)}
                    {state_filter::choice(counts, |state| named(state).1)}
                    <ColumnChoice columns />
                </div>
            }
        })
    }
}

fn headline(counts: &[(String, u64)]) -> String {
    let waiting = state_filter::count(counts, |state| read(state) == Some(JobState::Waiting));
    let running = state_filter::count(counts, |state| read(state).is_none_or(|s| !s.is_over()));
    match (counts.is_empty(), waiting, running) {
        (true, ..) => "No jobs yet".into(),
        (_, 0, 0) => "No running jobs".into(),
        (_, 0, running) => format!("{} running", format::count(running, "job", "jobs")),
        (_, waiting, _) => format!(
            "{} for an answer",
            format::count(waiting, "job waiting", "jobs waiting")
        ),
    }
}

fn table(list: ListJobsResponse, sort: Memo<Sort>, columns: Columns) -> impl IntoView {
    if list.counts.is_empty() {
        return view! {
            <Empty text="A job carries out an approved plan, step by step.">
                <a class="button" href=paths::plans()>"View plans"</a>
            </Empty>
        }
        .into_any();
    }
    if list.total == 0 {
        return search_filter::nothing("jobs").into_any();
    }
    let shown = list.jobs.len();
    let headings = view! {
        <SortHeading key="name" label="Name" sort />
        <SortHeading key="file" label="Snapshot" sort />
        <th scope="col">"Target"</th>
        <SortHeading key="state" label="State" sort />
        <th scope="col">"Progress"</th>
        <SortHeading key="by" label="Started by" sort />
        <SortHeading key="started" label="Started" sort />
    };
    view! {
        {job_table(headings.into_any(), list.jobs, Some(columns))}
        <Pager shown total=list.total next=list.next_page_token one="job" many="jobs" />
    }
    .into_any()
}

/// The newest jobs, in the order that they come in.
pub(super) fn newest_jobs(jobs: Vec<JobSummary>) -> impl IntoView {
    let headings = view! {
        <th scope="col">"Name"</th><th scope="col">"Snapshot"</th><th scope="col">"Target"</th><th scope="col">"State"</th>
        <th scope="col">"Progress"</th><th scope="col">"Started by"</th><th scope="col">"Started"</th>
    };
    job_table(headings.into_any(), jobs, None)
}

fn job_table(headings: AnyView, jobs: Vec<JobSummary>, columns: Option<Columns>) -> impl IntoView {
    let row = |job: JobSummary| {
        let (status, progress) = (status_of(&job), progress(&job));
        // What a running job does, or what it asks; of one that is over, its plan's sentence, which its page has.
        let sentence = (job.sentence != job.title).then(|| job.sentence.clone());
        view! {
            <tr>
                <th scope="row" data-label="Name"><ShortName to=paths::job(&job.id) name=job.name headline=job.headline /></th>
                <td data-label="Snapshot"><Clipped text=files(&job.file_names) /></td>
                <td data-label="Target" class="wide-only"><Clipped text=target(&job.target) /></td>
                <td data-label="State" class="state">
                    <span title=sentence><Status is=status /> " " {job.broke_glass.then(status::without_approval)}</span>
                </td>
                <td data-label="Progress" class="nowrap wide-only">{progress}</td>
                <td data-label="Started by"><Clipped text=job.started_by /></td>
                <td data-label="Started"><Ago ms=job.started_at_ms /></td>
            </tr>
        }
    };
    view! {
        <div class="table-wrap">
            <table class="table lines" data-without=move || columns.map(Columns::without)>
                <thead><tr>{headings}</tr></thead>
                <tbody on:keydown=arrows>{jobs.into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
}

/// How far a job is, or how long it took.
fn progress(job: &JobSummary) -> String {
    let steps = format!("{} of {}", job.steps_done, job.steps_total);
    match job.ended_at_ms {
        0 => format!("step {steps}"),
        ended => format!(
            "{steps} in {}",
            format::duration((ended - job.started_at_ms) as f64)
        ),
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
        assert_eq!(headline(&list(&[])), "No jobs yet");
        assert_eq!(
            headline(&list(&["completed", "undone", "left"])),
            "No running jobs"
        );
        assert!(headline(&list(&["running", "completed"])).starts_with("1 job running"));
        assert!(headline(&list(&["running", "waiting"])).starts_with("1 job waiting"));
        let paused = |working| {
            status_of(&JobSummary {
                state: v1::JobState::Paused.into(),
                working,
                ..Default::default()
            })
        };
        assert_eq!(paused(true), ("warning", "pausing"));
        assert_eq!(paused(false), ("warning", "paused"));
        assert_eq!(
            state_of(&JobSummary {
                state: 99,
                ..Default::default()
            }),
            None
        );
    }
}
