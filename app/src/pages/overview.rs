//! Does anything need me?

use leptos::prelude::*;
use requorum_shared::api::v1::{
    FileSummary, InboxItem, InboxKind, JobSummary, ListFilesRequest, ListInboxRequest,
    ListInboxResponse, ListJobsRequest, ListPlansRequest,
};

use crate::client::grpc;
use crate::components::bytes::Bytes;
use crate::components::lead::Lead;
use crate::components::load::load;
use crate::components::pager::{self, Pager};
use crate::components::status::{self, Status};
use crate::components::table::arrows;
use crate::components::time::Time;
use crate::failure::Failure;
use crate::format;
use crate::pages::every;
use crate::pages::jobs::job_table;
use crate::paths;

/// How many recent things are listed.
const RECENT: u32 = 5;
/// How many of those that wait are on one page.
const WAITING: u32 = 20;

/// What waits first, then what is there.
#[component]
pub fn Overview() -> impl IntoView {
    let place = pager::place();
    let state = LocalResource::new(move || fetch(place.get().after));
    every(10_000, move || state.refetch());
    let sentence = Signal::derive(move || match state.get() {
        Some(Ok(state)) => headline(&state),
        _ => "Requorum, a recovery console for quorum systems.".into(),
    });
    view! { <div class="page"><Lead sentence />{load(state, show)}</div> }
}

#[derive(Debug, Clone, Default, PartialEq)]
struct State {
    inbox: ListInboxResponse,
    files: Vec<FileSummary>,
    plans: u64,
    jobs: Vec<JobSummary>,
}

impl State {
    fn is_new(&self) -> bool {
        self.files.is_empty() && self.plans == 0 && self.jobs.is_empty()
    }
}

async fn fetch(page_token: String) -> Result<State, Failure> {
    let files = ListFilesRequest {
        page_size: RECENT,
        ..ListFilesRequest::default()
    };
    let inbox = ListInboxRequest {
        page_size: WAITING,
        page_token,
        ..ListInboxRequest::default()
    };
    let plans = ListPlansRequest {
        page_size: 1,
        ..ListPlansRequest::default()
    };
    let jobs = ListJobsRequest {
        page_size: RECENT,
        ..ListJobsRequest::default()
    };
    Ok(State {
        files: grpc::call(files).await?.files,
        inbox: grpc::call(inbox).await?,
        plans: grpc::call(plans).await?.total,
        jobs: grpc::call(jobs).await?.jobs,
    })
}

fn headline(state: &State) -> String {
    let running = u64::from(state.inbox.jobs_under_way);
    match (state.inbox.total, running) {
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
    view! { {waiting(&state)} {jobs(&state)} {files(&state)} }.into_any()
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
                    <p><a href=paths::files()>"Upload one"</a></p>
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

/// Where a person goes for it, what to do there, and its mark.
fn way(waiting: &InboxItem) -> (String, &'static str, (&'static str, &'static str)) {
    match waiting.kind() {
        InboxKind::Answer => (
            paths::job(&waiting.id),
            "Answer its question.",
            ("warning", "waits for an answer"),
        ),
        InboxKind::Resume => (
            paths::job(&waiting.id),
            "Go on with it, or stop it.",
            ("warning", "paused"),
        ),
        InboxKind::Approve => (
            paths::plan(&waiting.id),
            "Read it, then approve or reject it.",
            ("waits", "waits for approval"),
        ),
        InboxKind::Run => (paths::plan(&waiting.id), "Run it.", ("pass", "approved")),
        InboxKind::Verification => (
            paths::job(&waiting.id),
            "Look at what was seen.",
            ("fail", "verification failed"),
        ),
        InboxKind::Review => (
            paths::reviews(),
            "Look into it, and close its review.",
            ("fail", "ran without approval"),
        ),
        InboxKind::Unspecified => (paths::plans(), "", ("not-checked", "unknown")),
    }
}

fn waiting(state: &State) -> impl IntoView + use<> {
    let items: Vec<_> = state
        .inbox
        .items
        .iter()
        .cloned()
        .map(|waiting| {
            let (to, act, is) = way(&waiting);
            let cluster = (!waiting.cluster.is_empty()).then(|| format!(" · {}", waiting.cluster));
            view! {
                <li class="file-row">
                    <div class="file-row-head"><a href=to>{waiting.title}</a><Status is /></div>
                    <p>{waiting.sentence}</p>
                    <p class="small muted">{act} " By " {waiting.by} ", " <Time ms=waiting.since_ms /> {cluster}</p>
                </li>
            }
        })
        .collect();
    let (shown, total, next) = (
        items.len(),
        state.inbox.total,
        state.inbox.next_page_token.clone(),
    );
    (total > 0).then(|| {
        view! {
            <section class="section">
                <h2>"What waits for you"</h2>
                <ul class="waiting-list">{items}</ul>
                <Pager shown total next one="thing" many="things" />
            </section>
        }
    })
}

fn jobs(state: &State) -> impl IntoView + use<> {
    let recent: Vec<_> = state.jobs.clone();
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

fn files(state: &State) -> impl IntoView + use<> {
    let rows = state
        .files
        .iter()
        .cloned()
        .map(|s| {
            let trust = status::trust(s.trust());
            view! {
                <tr>
                    <th scope="row" data-label="Name"><a href=paths::file(&s.id)>{s.name}</a></th>
                    <td data-label="Kind">{s.kind.clone()}</td>
                    <td data-label="Trust"><Status is=trust /></td>
                    <td data-label="Size" class="number"><Bytes n=s.size /></td>
                    <td data-label="Uploaded"><Time ms=s.uploaded_at_ms /></td>
                </tr>
            }
        })
        .collect_view();
    let none = state.files.is_empty();
    view! {
        <section class="section">
            <h2>"Newest files"</h2>
            {if none {
                view! { <p class="muted">"None is kept here. " <a href=paths::files()>"Upload one"</a> "."</p> }.into_any()
            } else {
                view! {
                    <div class="table-wrap">
                        <table class="table">
                            <thead>
                                <tr>
                                    <th scope="col">"Name"</th><th scope="col">"Kind"</th><th scope="col">"Trust"</th>
                                    <th scope="col" class="number">"Size"</th><th scope="col">"Uploaded"</th>
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
        state.files.push(FileSummary::default());
        assert_eq!(headline(&state), "Nothing waits for you.");
        state.inbox.jobs_under_way = 1;
        assert_eq!(
            headline(&state),
            "Nothing waits for you; 1 job is under way."
        );
        // Of which a page has the first alone.
        state.inbox.items.push(InboxItem::default());
        state.inbox.total = 2;
        assert_eq!(headline(&state), "2 things wait for you.");
    }
}
