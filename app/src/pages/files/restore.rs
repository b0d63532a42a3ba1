//! What will come out, and what am I forgetting? The right column is alive while the left one is typed.

pub mod editor;
pub mod live;
pub mod members;

use std::sync::Arc;

use leptos::prelude::*;
use leptos_router::hooks::{use_navigate, use_params_map};
use requorum_shared::api::v1::{AboutRequest, GetFileRequest, SealPlanRequest};
use requorum_shared::etcd::storage::inspection::Inspection;
use requorum_shared::finding::{Report, Severity};
use requorum_shared::kinds;
use requorum_shared::permission::Permission;
use requorum_shared::recovery::Request;

use super::cluster::ClusterOf;
use crate::client::grpc;
use crate::components::error_view::ErrorView;
use crate::components::lead::Lead;
use crate::components::load::load_page;
use crate::failure::{Failure, Kind};
use crate::format;
use crate::forms::etcd_restore::{RestoreForm, RootChoice};
use crate::identity::{Identity, Of, permitted};
use crate::paths;

/// The wizard's page.
#[component]
pub fn Restore() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|p| p.get("id")).unwrap_or_default());
    let basis = LocalResource::new(move || basis(id.get()));
    let again = Callback::new(move |()| basis.refetch());
    view! { <div class="page">{load_page(basis, super::detail::crumbs(), move |basis| wizard(basis, again))}</div> }
}

/// The kind of the requests that this wizard makes.
const ETCD_RESTORE: &str = "etcd.restore";

/// What the wizard rests on.
#[derive(Clone, PartialEq)]
struct Basis {
    inspection: Arc<Inspection>,
    roots: Vec<RootChoice>,
    cluster: String,
}

async fn basis(id: String) -> Result<Basis, Failure> {
    let snapshot = grpc::call(GetFileRequest { id }).await?;
    let about = grpc::call(AboutRequest {}).await?;
    let inspection = kinds::etcd_from_json(&snapshot.inspection_json).map_err(|_| Failure {
        next: "Reload the page; it may be older than the server.".into(),
        ..Failure::new(Kind::Other, "What the server found in this snapshot is written in a form that this page does not know.")
    })?;
    let cluster = snapshot.file.unwrap_or_default().cluster;
    let roots = about
        .roots
        .into_iter()
        .filter(|root| root.all_clusters || root.clusters.contains(&cluster))
        .map(|root| RootChoice {
            name: root.name,
            path: root.path,
            free_bytes: root.free_bytes,
        })
        .collect();
    Ok(Basis {
        inspection: Arc::new(inspection),
        cluster,
        roots,
    })
}

fn wizard(basis: Basis, again: Callback<()>) -> impl IntoView {
    let Basis {
        inspection,
        roots,
        cluster,
    } = basis;
    let id = inspection.file.sha256.clone();
    let form = kept_form(&id, || suggested(&inspection, &roots));
    let here = {
        let (inspection, roots) = (inspection.clone(), roots.clone());
        Memo::new(move |_| form.with(|form| form.report(&inspection, &roots)))
    };
    let author = Identity::expect().name();
    let live = live::Live::new(form, here, inspection.clone(), roots.clone(), author);
    let of = id.clone();
    let failure = RwSignal::new(None::<Failure>);
    let navigate = use_navigate();
    let seal = {
        let id = id.clone();
        Action::new_local(move |_: &()| {
            let (request, _) = form.with_untracked(|form| form.request(&id));
            let request = Request::EtcdRestore(request);
            let (navigate, id) = (navigate.clone(), id.clone());
            async move {
                failure.set(None);
                let request_json = serde_json::to_string(&request).unwrap_or_default();
                match grpc::call(SealPlanRequest {
                    kind: ETCD_RESTORE.into(),
                    request_json,
                })
                .await
                {
                    Ok(response) => {
                        forget_form(&id);
                        let plan = response.plan.unwrap_or_default();
                        navigate(&paths::plan(&plan.id), Default::default());
                    }
                    Err(refused) => failure.set(Some(refused)),
                }
            }
        })
    };
    let why_not = Memo::new(move |_| why_not(&live.report.get()));
    let revision = inspection.details.status.as_ref().map_or(0, |s| s.revision);
    let sentence = format!(
        "Restore {} from revision {}.",
        inspection.file.name,
        format::signed(revision)
    );
    let mut crumbs = super::detail::crumbs();
    crumbs.push((inspection.file.name.clone(), paths::file(&id)));
    let verdict = inspection.verdict.sentence.clone();
    let wanted = Of::Cluster(cluster.clone());
    view! {
        <Lead crumbs sentence=sentence below=move || view! {
            <p>{verdict.clone()} " Making a plan changes nothing."</p>
            <p>"The plan belongs to the cluster that the snapshot is of: " <ClusterOf id=of.clone() cluster=cluster.clone() again /></p>
        } />
        <div class="wizard">
            <editor::Editor form inspection=inspection.clone() roots report=live.report />
            <live::LiveColumn live form inspection=inspection.clone() />
        </div>
        {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
        <div class="seal">
            <p class="why-not" role="status" id="why-not">{move || why_not.get()}</p>
            {permitted(Permission::Plan, wanted, move || view! {
                <button
                    type="button"
                    class="button primary"
                    aria-describedby="why-not"
                    disabled=move || !why_not.with(String::is_empty) || seal.pending().get()
                    on:click=move |_| { seal.dispatch_local(()); }
                >
                    "Seal plan"
                </button>
            })}
        </div>
    }
}

/// Why the plan cannot be sealed; empty when it can.
fn why_not(report: &Report) -> String {
    match report.count(Severity::Blocking) {
        0 => String::new(),
        n => format!(
            "{} the plan.",
            format::count(n as u64, "finding blocks", "findings block")
        ),
    }
}

fn suggested(inspection: &Inspection, roots: &[RootChoice]) -> RestoreForm {
    let today: String = format::utc(js_sys::Date::now() as i64)
        .chars()
        .take(10)
        .collect();
    let dice = (js_sys::Math::random() * 65_536.0) as u16;
    RestoreForm::suggested(inspection, roots, &today, dice)
}

fn storage() -> Option<web_sys::Storage> {
    window().session_storage().ok().flatten()
}

fn storage_key(id: &str) -> String {
    format!("requorum.restore.{id}")
}

/// The form, kept for this tab: a reload loses nothing that was typed.
fn kept_form(id: &str, fresh: impl FnOnce() -> RestoreForm) -> RwSignal<RestoreForm> {
    let key = storage_key(id);
    let kept = storage()
        .and_then(|s| s.get_item(&key).ok().flatten())
        .and_then(|text| serde_json::from_str(&text).ok());
    let form = RwSignal::new(kept.unwrap_or_else(fresh));
    Effect::new(move |first: Option<()>| {
        let text = form.with(|form| serde_json::to_string(form).unwrap_or_default());
        if first.is_some()
            && let Some(storage) = storage()
        {
            // A full or forbidden storage costs no more than the reload's comfort.
            let _ = storage.set_item(&key, &text);
        }
    });
    form
}

fn forget_form(id: &str) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(&storage_key(id));
    }
}
