//! All of the console but Inspect: its pages by address, and what the frame asks it for. Fetched after the first
//! load (see [`crate::console_loader`]); nothing that is needed before names this module.

use std::collections::BTreeSet;

use futures_util::future::LocalBoxFuture;
use leptos::prelude::*;
use leptos_router::components::{FlatRoutes, Route};
use leptos_router::{StaticSegment, path};
use requorum_shared::api::v1::{
    FileSummary, GetFileRequest, InboxItem, InboxKind, JobSummary, ListFilesRequest,
    ListInboxRequest, ListInboxResponse, ListJobsRequest, ListOutcomesRequest,
    ListOutcomesResponse, ListPeopleRequest, ListPlansRequest, OutcomeItem, OutcomeKind,
    PlanSummary,
};
use requorum_shared::permission::{Grants, Permission, Place};

use crate::client::grpc;
use crate::client::whole::MOST;
use crate::components::ledger_badge::{LedgerAlarm, LedgerBadge};
use crate::components::palette::{Entry, Group};
use crate::console_loader::Console;
use crate::failure::{Failure, Kind};
use crate::guarded::guarded;
use crate::ledger::watch::LedgerWatch;
use crate::outcome_text;
use crate::pages::{
    files, help, jobs, join, ledger, not_found, overview, plans, reviews, settings, setup,
};
use crate::paths;
use crate::times::Times;
use crate::waiting::{Item, Waiting, Yours};

/// The console's functions.
pub fn console() -> Console {
    Console {
        pages,
        alarm,
        corner,
        entries,
        is_stored,
        waiting,
        find,
    }
}

fn pages() -> AnyView {
    view! {
        <FlatRoutes fallback=not_found::NotFound>
            <Route path=StaticSegment("") view=|| guarded(overview::Overview) />
            <Route path=path!("/help") view=help::Help />
            <Route path=path!("/setup") view=setup::Setup />
            <Route path=path!("/join") view=join::Join />
            <Route path=path!("/files") view=|| guarded(files::Files) />
            <Route path=path!("/files/:id") view=|| guarded(files::detail::FileDetail) />
            <Route path=path!("/new-plan") view=|| guarded(plans::new::NewPlan) />
            <Route path=path!("/plans") view=|| guarded(plans::Plans) />
            <Route path=path!("/plans/:id") view=|| guarded(plans::review::PlanReview) />
            <Route path=path!("/reviews") view=|| guarded(reviews::Reviews) />
            <Route path=path!("/jobs") view=|| guarded(jobs::Jobs) />
            <Route path=path!("/jobs/:id") view=|| guarded(jobs::detail::JobDetail) />
            <Route path=path!("/ledger") view=|| guarded(ledger::Ledger) />
            <Route path=path!("/ledger/verification") view=|| guarded(ledger::verification::Verification) />
            <Route path=path!("/ledger/:index") view=|| guarded(ledger::entry::LedgerEntryPage) />
            <Route path=path!("/settings") view=|| guarded(settings::Settings) />
            <Route path=path!("/settings/people/:id") view=|| guarded(settings::PersonSettings) />
            <Route path=path!("/settings/:section") view=|| guarded(settings::SettingsSection) />
        </FlatRoutes>
    }
    .into_any()
}

fn alarm() -> AnyView {
    let watch = LedgerWatch::expect();
    let wrong = Memo::new(move |_| watch.state().with(|state| state.wrong().cloned()));
    let trouble = Memo::new(move |_| watch.state().with(|state| state.trouble.clone()));
    view! { <LedgerAlarm wrong trouble /> }.into_any()
}

fn corner() -> AnyView {
    let watch = LedgerWatch::expect();
    let times = Times::expect();
    let badge = Memo::new(move |_| {
        times.zone();
        watch.badge()
    });
    view! { <LedgerBadge badge /> }.into_any()
}

/// The newest files, plans and jobs, clusters, people and sections. What cannot be had is left out: the palette is a
/// shortcut, not a page.
fn entries(grants: Grants) -> LocalBoxFuture<'static, Vec<Entry>> {
    Box::pin(async move {
        let mut entries = settings::entries(&grants);
        entries.push(Entry::to(Group::Actions, "Upload files", paths::files()));
        let mut clusters = BTreeSet::new();
        if let Ok(list) = grpc::call(ListFilesRequest {
            page_size: MOST,
            ..ListFilesRequest::default()
        })
        .await
        {
            clusters.extend(list.clusters);
            entries.extend(list.files.into_iter().flat_map(of_file));
        }
        if let Ok(list) = grpc::call(ListPlansRequest {
            page_size: MOST,
            ..ListPlansRequest::default()
        })
        .await
        {
            clusters.extend(list.clusters);
            entries.extend(list.plans.into_iter().map(of_plan));
        }
        if let Ok(list) = grpc::call(ListJobsRequest {
            page_size: MOST,
            ..ListJobsRequest::default()
        })
        .await
        {
            entries.extend(list.jobs.into_iter().map(of_job));
        }
        clusters.remove("");
        entries.extend(clusters.into_iter().map(|name| {
            let files = paths::with_query(&paths::files(), "", "cluster", &name);
            Entry::to(Group::Clusters, name, files)
        }));
        // Administrators alone see everybody; a refusal is no news.
        let people = ListPeopleRequest {
            page_size: MOST,
            ..ListPeopleRequest::default()
        };
        if grants.allow(Permission::People, Place::Console).is_ok()
            && let Ok(list) = grpc::call(people).await
        {
            entries.extend(list.people.into_iter().map(|person| {
                Entry::to(Group::People, person.name, paths::person(&person.id)).with_ids(person.id)
            }));
        }
        entries
    })
}

/// What is typed, searched for on the server, however old it is.
fn find(typed: String) -> LocalBoxFuture<'static, Vec<Entry>> {
    Box::pin(async move {
        let mut entries = Vec::new();
        let files = ListFilesRequest {
            page_size: 8,
            query: typed.clone(),
            ..ListFilesRequest::default()
        };
        if let Ok(list) = grpc::call(files).await {
            entries.extend(list.files.into_iter().flat_map(of_file));
        }
        let plans = ListPlansRequest {
            page_size: 8,
            query: typed.clone(),
            ..ListPlansRequest::default()
        };
        if let Ok(list) = grpc::call(plans).await {
            entries.extend(list.plans.into_iter().map(of_plan));
        }
        let jobs = ListJobsRequest {
            page_size: 8,
            query: typed,
            ..ListJobsRequest::default()
        };
        if let Ok(list) = grpc::call(jobs).await {
            entries.extend(list.jobs.into_iter().map(of_job));
        }
        entries
    })
}

fn of_plan(plan: PlanSummary) -> Entry {
    let label = label(&plan.name, &plan.file_names.join(", "), &plan.outcome);
    Entry::to(Group::Plans, label, paths::plan(&plan.id))
        .with_ids(format!("{} {}", plan.id, plan.hash))
}

fn of_job(job: JobSummary) -> Entry {
    let label = label(&job.name, &job.file_names.join(", "), &job.title);
    Entry::to(Group::Jobs, label, paths::job(&job.id)).with_ids(job.id)
}

/// `prod-etcd #7 · weekly.db`; what has no name of its own: what it does.
fn label(name: &str, file: &str, does: &str) -> String {
    match (name, file) {
        ("", _) => does.to_owned(),
        (name, "") => name.to_owned(),
        (name, file) => format!("{name} · {file}"),
    }
}

fn of_file(file: FileSummary) -> Vec<Entry> {
    let plans = files::offers(&file).into_iter().map(|offer| {
        let label = format!("New plan: {} {}", offer.verb.to_lowercase(), file.name);
        Entry::to(Group::Actions, label, offer.path([file.id.as_str()]))
    });
    let mut entries: Vec<_> = plans.collect();
    entries.push(Entry::to(Group::Files, file.name, paths::file(&file.id)).with_ids(file.id));
    entries
}

fn is_stored(sha256: String) -> LocalBoxFuture<'static, Result<bool, Failure>> {
    Box::pin(async {
        match grpc::call(GetFileRequest { id: sha256 }).await {
            Ok(found) => Ok(found.file.is_some_and(|file| file.removed_at_ms == 0)),
            Err(failure) if failure.kind == Kind::NotFound => Ok(false),
            Err(failure) => Err(failure),
        }
    })
}

/// What waits now. What became of the person's plans is told besides: without it, `former` is what is known of it.
fn waiting(former: Vec<Yours>) -> LocalBoxFuture<'static, Result<Waiting, Failure>> {
    Box::pin(async {
        let list = grpc::call(ListInboxRequest {
            page_size: INBOX_ROWS,
            ..ListInboxRequest::default()
        })
        .await?;
        let outcomes = grpc::call(ListOutcomesRequest {
            page_size: outcome_text::MOST,
            ..ListOutcomesRequest::default()
        })
        .await
        .ok();
        Ok(told(list, outcomes, former))
    })
}

fn told(
    list: ListInboxResponse,
    outcomes: Option<ListOutcomesResponse>,
    former: Vec<Yours>,
) -> Waiting {
    Waiting {
        items: list.items.into_iter().map(item).collect(),
        total: list.total,
        jobs: list.jobs_under_way,
        open_reviews: list.open_reviews,
        yours: outcomes.map_or(former, |answer| {
            answer.items.into_iter().map(yours).collect()
        }),
    }
}

/// So many items does the frame show; the overview has the rest.
const INBOX_ROWS: u32 = 5;

fn yours(outcome: OutcomeItem) -> Yours {
    let (is, words) = outcome_text::words(&outcome);
    Yours {
        is,
        words,
        path: outcome_text::path(&outcome),
        at_ms: outcome.at_ms,
        waits: outcome.kind() == OutcomeKind::Approved,
        name: outcome.name,
    }
}

fn item(waiting: InboxItem) -> Item {
    let (what, path) = match waiting.kind() {
        InboxKind::Approve => ("Approve or reject", paths::plan(&waiting.id)),
        InboxKind::Run => ("Ready to run", paths::plan(&waiting.id)),
        InboxKind::Review => ("Review an override", paths::reviews()),
        InboxKind::Verification => ("Verification failed", paths::job(&waiting.id)),
        InboxKind::Resume => ("Paused", paths::job(&waiting.id)),
        InboxKind::Answer => ("Answer a question", paths::job(&waiting.id)),
        _ => ("New", paths::overview()),
    };
    Item {
        what: what.into(),
        title: label(&waiting.name, "", &waiting.title),
        path,
        since_ms: waiting.since_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_told_where_what_became_of_plans_cannot_be_had() {
        let list = ListInboxResponse {
            items: vec![InboxItem {
                kind: InboxKind::Approve.into(),
                ..InboxItem::default()
            }],
            total: 1,
            ..ListInboxResponse::default()
        };
        let former = vec![Yours {
            name: "prod #1".into(),
            ..Yours::default()
        }];
        let without = told(list.clone(), None, former.clone());
        assert_eq!((without.items.len(), without.total), (1, 1));
        assert_eq!(without.yours, former);
        // An answer replaces what was known, and may be empty.
        let with = told(list, Some(ListOutcomesResponse::default()), former);
        assert!(with.yours.is_empty());
    }
}
