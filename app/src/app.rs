//! Contexts and routes: where the page's parts meet.

use leptos::prelude::*;
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::{StaticSegment, path};
use requorum_shared::api::v1::{ListJobsRequest, ListPlansRequest, ListSnapshotsRequest};

use crate::bench::Bench;
use crate::client::grpc;
use crate::components::frame::Frame;
use crate::components::palette::Entry;
use crate::identity::{Identity, guarded};
use crate::pages::{inspect, jobs, login, not_found, overview, plans, settings, setup, snapshots};
use crate::paths;
use crate::theme;
use crate::uploads::UploadQueue;

/// The whole page.
#[component]
pub fn App() -> impl IntoView {
    let theme = theme::provide();
    let identity = Identity::provide();
    Bench::provide();
    let uploads = UploadQueue::provide();
    let busy = Signal::derive(move || match uploads.under_way() {
        0 => String::new(),
        1 => "1 upload".into(),
        n => format!("{n} uploads"),
    });
    let opened = RwSignal::new(0_u32);
    // What the palette can go to is asked for when it opens, and by nobody else.
    let entries = LocalResource::new(move || async move {
        if opened.get() == 0 || !identity.is_person() {
            return Vec::new();
        }
        entries().await
    });
    view! {
        <Router>
            <Frame
                theme
                user=Signal::derive(move || identity.name())
                busy
                entries=Signal::derive(move || entries.get().unwrap_or_default())
                on_palette=Callback::new(move |()| opened.update(|n| *n += 1))
                on_sign_out=Callback::new(move |()| identity.sign_out())
            >
                <FlatRoutes fallback=not_found::NotFound>
                    <Route path=StaticSegment("") view=|| guarded(overview::Overview) />
                    <Route path=path!("/login") view=login::Login />
                    <Route path=path!("/setup") view=setup::Setup />
                    <Route path=path!("/inspect") view=inspect::Inspect />
                    <Route path=path!("/snapshots") view=|| guarded(snapshots::Snapshots) />
                    <Route path=path!("/snapshots/:id") view=|| guarded(snapshots::detail::SnapshotDetail) />
                    <Route path=path!("/snapshots/:id/restore") view=|| guarded(snapshots::restore::Restore) />
                    <Route path=path!("/plans") view=|| guarded(plans::Plans) />
                    <Route path=path!("/plans/:id") view=|| guarded(plans::review::PlanReview) />
                    <Route path=path!("/jobs") view=|| guarded(jobs::Jobs) />
                    <Route path=path!("/jobs/:id") view=|| guarded(jobs::detail::JobDetail) />
                    <Route path=path!("/settings") view=|| guarded(settings::Settings) />
                </FlatRoutes>
            </Frame>
        </Router>
    }
}

/// Snapshots, plans and jobs by name. What cannot be had is left out: the palette is a shortcut, not a page.
async fn entries() -> Vec<Entry> {
    let mut entries = Vec::new();
    if let Ok(list) = grpc::list_snapshots(ListSnapshotsRequest {}).await {
        entries.extend(list.snapshots.into_iter().flat_map(|s| {
            let restore = Entry {
                label: format!("Plan a restore of {}", s.name),
                kind: "act",
                path: paths::restore(&s.id),
            };
            [
                Entry {
                    path: paths::snapshot(&s.id),
                    label: s.name,
                    kind: "snapshot",
                },
                restore,
            ]
        }));
    }
    if let Ok(list) = grpc::list_plans(ListPlansRequest {}).await {
        entries.extend(list.plans.into_iter().map(|plan| Entry {
            path: paths::plan(&plan.id),
            label: plan.outcome,
            kind: "plan",
        }));
    }
    if let Ok(list) = grpc::list_jobs(ListJobsRequest {}).await {
        entries.extend(list.jobs.into_iter().map(|job| Entry {
            path: paths::job(&job.id),
            label: job.title,
            kind: "job",
        }));
    }
    entries
}
