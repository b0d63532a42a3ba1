//! All of the console but Inspect: its pages by address, and what the frame asks it for. Fetched after the first
//! load (see [`crate::later`]); nothing that is needed before names this module.

use futures_util::future::LocalBoxFuture;
use leptos::prelude::*;
use leptos_router::components::{FlatRoutes, Route};
use leptos_router::{StaticSegment, path};
use requorum_shared::api::v1::{
    FileOrigin, GetFileRequest, ListFilesRequest, ListInboxRequest, ListInboxResponse,
    ListJobsRequest, ListPlansRequest,
};

use crate::client::grpc;
use crate::client::whole::MOST;
use crate::components::ledger_badge::{LedgerAlarm, LedgerBadge};
use crate::components::palette::Entry;
use crate::failure::{Failure, Kind};
use crate::guarded::guarded;
use crate::later::Console;
use crate::ledger::watch::LedgerWatch;
use crate::pages::{
    files, jobs, join, ledger, login, not_found, overview, plans, reviews, settings, setup,
};
use crate::paths;

/// The console's functions.
pub fn console() -> Console {
    Console {
        pages,
        alarm,
        corner,
        entries,
        is_stored,
        waiting,
    }
}

fn pages() -> AnyView {
    view! {
        <FlatRoutes fallback=not_found::NotFound>
            <Route path=StaticSegment("") view=|| guarded(overview::Overview) />
            <Route path=path!("/login") view=login::Login />
            <Route path=path!("/setup") view=setup::Setup />
            <Route path=path!("/join") view=join::Join />
            <Route path=path!("/files") view=|| guarded(files::Files) />
            <Route path=path!("/files/:id") view=|| guarded(files::detail::FileDetail) />
            <Route path=path!("/files/:id/restore") view=|| guarded(files::restore::Restore) />
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
    let badge = Memo::new(move |_| watch.badge());
    view! { <LedgerBadge badge /> }.into_any()
}

/// The newest files, plans and jobs by name. What cannot be had is left out: the palette is a shortcut, not a page.
fn entries() -> LocalBoxFuture<'static, Vec<Entry>> {
    Box::pin(async {
        let mut entries = Vec::new();
        if let Ok(list) = grpc::call(ListFilesRequest {
            page_size: MOST,
            ..ListFilesRequest::default()
        })
        .await
        {
            entries.extend(list.files.into_iter().flat_map(|file| {
                let restore = (file.origin() == FileOrigin::Upload).then(|| Entry {
                    label: format!("Plan a restore of {}", file.name),
                    kind: "act",
                    path: paths::restore(&file.id),
                });
                let file = Entry {
                    path: paths::file(&file.id),
                    label: file.name,
                    kind: "file",
                };
                [Some(file), restore].into_iter().flatten()
            }));
        }
        if let Ok(list) = grpc::call(ListPlansRequest {
            page_size: MOST,
            ..ListPlansRequest::default()
        })
        .await
        {
            entries.extend(list.plans.into_iter().map(|plan| Entry {
                path: paths::plan(&plan.id),
                label: plan.outcome,
                kind: "plan",
            }));
        }
        if let Ok(list) = grpc::call(ListJobsRequest {
            page_size: MOST,
            ..ListJobsRequest::default()
        })
        .await
        {
            entries.extend(list.jobs.into_iter().map(|job| Entry {
                path: paths::job(&job.id),
                label: job.title,
                kind: "job",
            }));
        }
        entries
    })
}

fn is_stored(sha256: String) -> LocalBoxFuture<'static, Result<bool, Failure>> {
    Box::pin(async {
        match grpc::call(GetFileRequest { id: sha256 }).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.kind == Kind::NotFound => Ok(false),
            Err(failure) => Err(failure),
        }
    })
}

fn waiting() -> LocalBoxFuture<'static, Result<ListInboxResponse, Failure>> {
    // What is listed is the overview's; every page says how much there is.
    Box::pin(grpc::call(ListInboxRequest {
        page_size: 1,
        ..ListInboxRequest::default()
    }))
}
