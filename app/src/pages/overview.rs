//! Does anything need me, and what became of what I asked for?

mod outcomes;
mod recent;

use leptos::prelude::*;
use requorum_shared::api::upload::Upload;
use requorum_shared::api::v1::{
    FileOrigin, FileSummary, InboxItem, InboxKind, JobSummary, LedgerEntry, ListEntriesRequest,
    ListFilesRequest, ListInboxRequest, ListInboxResponse, ListJobsRequest, ListOutcomesRequest,
    ListPlansRequest, OutcomeItem, Trust,
};
use requorum_shared::job::fold::JobState;
use requorum_shared::job::text::phase_of;
use requorum_shared::permission::{Permission, Place};

use crate::client::{grpc, upload};
use crate::components::load::load;
use crate::components::page_header::PageHeader;
use crate::components::pager::{self, Pager};
use crate::components::status::{self, Status};
use crate::components::time::Ago;
use crate::failure::Failure;
use crate::format;
use crate::identity::Identity;
use crate::outcome_text;
use crate::pages::every;
use crate::pages::jobs::newest_jobs;
use crate::paths;

/// How many recent things are listed.
const RECENT: u32 = 5;
/// How many of those that wait are on one page.
const WAITING: u32 = 20;

/// What waits first, then what became of one's own, then what is there.
#[component]
pub fn Overview() -> impl IntoView {
    let place = pager::place();
    let may_upload = {
        let grants = Identity::expect().grants_now();
        grants.allow(Permission::Upload, Place::Anywhere).is_ok()
    };
    let state = LocalResource::new(move || fetch(place.get().after, may_upload));
    every(10_000, move || state.refetch());
    let sentence = Signal::derive(move || match state.get() {
        Some(Ok(state)) => headline(&state),
        _ => "Overview".into(),
    });
    view! { <div class="page"><PageHeader sentence />{load(state, move |state| show(state, may_upload))}</div> }
}

#[derive(Debug, Clone, Default, PartialEq)]
struct State {
    inbox: ListInboxResponse,
    outcomes: Vec<OutcomeItem>,
    unfinished: Vec<Upload>,
    files: Vec<FileSummary>,
    has_files: bool,
    plans: u64,
    jobs: Vec<JobSummary>,
    acts: Vec<LedgerEntry>,
}

impl State {
    fn is_new(&self) -> bool {
        !self.has_files && self.plans == 0 && self.jobs.is_empty()
    }
}

async fn fetch(page_token: String, may_upload: bool) -> Result<State, Failure> {
    let usable = ListFilesRequest {
        page_size: RECENT,
        trusts: vec![Trust::Verified.into(), Trust::Unproven.into()],
        origins: vec![FileOrigin::Upload.into()],
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
    let acts = ListEntriesRequest {
        page_size: RECENT,
        acts_only: true,
        ..ListEntriesRequest::default()
    };
    let outcomes = ListOutcomesRequest {
        page_size: outcome_text::MOST,
        ..ListOutcomesRequest::default()
    };
    let inbox = grpc::call(inbox).await?;
    let files = grpc::call(usable).await?;
    Ok(State {
        inbox,
        outcomes: grpc::call(outcomes).await?.items,
        unfinished: match may_upload {
            true => upload::unfinished().await?.uploads,
            false => Vec::new(),
        },
        has_files: !files.counts.is_empty(),
        files: files.files,
        plans: grpc::call(plans).await?.total,
        jobs: grpc::call(jobs).await?.jobs,
        acts: grpc::call(acts).await?.entries,
    })
}

fn headline(state: &State) -> String {
    let running = u64::from(state.inbox.jobs_under_way);
    match (state.inbox.total, running) {
        (0, 0) => "You're all caught up".into(),
        (0, n) => format!(
            "You're all caught up; {} running",
            format::count(n, "job", "jobs")
        ),
        (n, _) => format!(
            "{} your attention",
            format::count(n, "item needs", "items need")
        ),
    }
}

fn show(state: State, may_upload: bool) -> impl IntoView {
    if state.is_new() && state.unfinished.is_empty() {
        return first_steps(may_upload).into_any();
    }
    view! {
        {waiting(&state)}
        {outcomes::outcomes(state.outcomes.clone())}
        {recent::unfinished(&state.unfinished)}
        {jobs(&state)}
        {recent::files(&state.files, may_upload)}
        {recent::acts(&state.acts)}
    }
    .into_any()
}

fn first_steps(may_upload: bool) -> impl IntoView {
    let second = match may_upload {
        true => view! { <p><a href=paths::files()>"Upload a snapshot"</a></p> }.into_any(),
        false => view! { <p>"An operator uploads a snapshot"</p> }.into_any(),
    };
    view! {
        <ol class="steps">
            <li class="step">
                <span class="step-number">"1"</span>
                <div class="step-body">
                    <p><a href=paths::inspect()>"Inspect a snapshot"</a></p>
                    <p class="small muted">"In this browser: nothing is sent. A sample is included."</p>
                </div>
            </li>
            <li class="step">
                <span class="step-number">"2"</span>
                <div class="step-body">
                    {second}
                    <p class="small muted">"The server checks it while it arrives."</p>
                </div>
            </li>
            <li class="step">
                <span class="step-number">"3"</span>
                <div class="step-body">
                    <p>"Plan a restore, get it approved, run it"</p>
                    <p class="small muted">"Planning changes nothing. Every step says how it is rolled back."</p>
                </div>
            </li>
        </ol>
    }
}

/// Where a person goes for it, what to do there, and its mark.
fn target_of(waiting: &InboxItem) -> (String, &'static str, (&'static str, &'static str)) {
    match waiting.kind() {
        InboxKind::Answer => (
            paths::job(&waiting.id),
            "Answer",
            ("warning", "waiting for an answer"),
        ),
        InboxKind::Resume => (
            paths::job(&waiting.id),
            "Resume or stop",
            status::phase(phase_of(JobState::Paused, waiting.working)),
        ),
        InboxKind::Approve => (
            paths::plan(&waiting.id),
            "Review",
            ("waits", "waiting for approval"),
        ),
        InboxKind::Run => (paths::plan(&waiting.id), "Run", ("pass", "ready to run")),
        InboxKind::Verification => (
            paths::job(&waiting.id),
            "View",
            ("fail", "verification failed"),
        ),
        InboxKind::Review => (
            paths::reviews(),
            "Review",
            ("fail", "released without approval"),
        ),
        InboxKind::Unspecified => (paths::plans(), "View", ("not-checked", "unknown")),
    }
}

fn waiting(state: &State) -> impl IntoView + use<> {
    let items: Vec<_> = state
        .inbox
        .items
        .iter()
        .cloned()
        .map(|waiting| {
            let (to, act, is) = target_of(&waiting);
            let to_act = to.clone();
            // An approval's sentence says how many more are needed, which the mark says already.
            let why = match waiting.kind() {
                InboxKind::Approve | InboxKind::Run => format!("by {}", waiting.by),
                _ => waiting.sentence,
            };
            view! {
                <li class="line">
                    <a class="line-name" href=to title=waiting.title>{waiting.name}</a>
                    <Status is />
                    <span class="line-words">{why}</span>
                    <span class="muted small"><Ago ms=waiting.since_ms /></span>
                    <a class="button small" href=to_act>{act}</a>
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
                <h2>"Needs your attention"</h2>
                <ul class="line-list">{items}</ul>
                <Pager shown total next one="item" many="items" />
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
                view! { <p class="muted">"No jobs yet."</p> }.into_any()
            } else {
                newest_jobs(recent).into_any()
            }}
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_pauses_is_not_called_paused_before_it_is() {
        let mark = |working| {
            target_of(&InboxItem {
                kind: InboxKind::Resume.into(),
                working,
                ..InboxItem::default()
            })
            .2
        };
        assert_eq!(mark(true), ("warning", "pausing"));
        assert_eq!(mark(false), ("warning", "paused"));
    }

    #[test]
    fn the_headline_says_what_needs_a_person() {
        let mut state = State::default();
        assert!(state.is_new());
        state.has_files = true;
        assert!(!state.is_new());
        assert_eq!(headline(&state), "You're all caught up");
        state.inbox.jobs_under_way = 1;
        assert_eq!(headline(&state), "You're all caught up; 1 job running");
        // Of which a page has the first alone.
        state.inbox.items.push(InboxItem::default());
        state.inbox.total = 1;
        assert_eq!(headline(&state), "1 item needs your attention");
        state.inbox.total = 2;
        assert_eq!(headline(&state), "2 items need your attention");
    }
}
