//! What will come out, and what am I forgetting? The right column is alive while the left one is typed.

pub mod context;
mod earlier;
pub mod editor;
pub mod live;
pub mod members;

use std::sync::Arc;

use leptos::prelude::*;
use leptos_router::hooks::{use_navigate, use_params_map, use_query_map};
use requorum_shared::api::v1::{AboutRequest, GetFileRequest, SealPlanRequest};
use requorum_shared::etcd::storage::inspection::Inspection;
use requorum_shared::finding::{Report, Severity};
use requorum_shared::kinds;
use requorum_shared::permission::Permission;
use requorum_shared::recovery::Request;

use self::context::FormContext;
use self::earlier::EarlierPlan;
use super::cluster::ClusterOf;
use crate::client::grpc;
use crate::components::error_view::ErrorView;
use crate::components::load::load_page;
use crate::components::loss::{Loss, LossAxis, Until};
use crate::components::page_header::PageHeader;
use crate::failure::{Failure, Kind};
use crate::format;
use crate::forms::etcd_restore::{RestoreForm, RootChoice, earlier as form_of, fresh_token};
use crate::identity::{Identity, Of, permitted};
use crate::pages::every;
use crate::paths;
use crate::systems;

/// The page with the restore form.
#[component]
pub fn Restore() -> impl IntoView {
    let params = use_params_map();
    let query = use_query_map();
    let id = Memo::new(move |_| params.with(|p| p.get("id")).unwrap_or_default());
    let from = Memo::new(move |_| query.with(|q| q.get("from")).unwrap_or_default());
    let basis = LocalResource::new(move || basis(id.get(), from.get()));
    let again = Callback::new(move |()| basis.refetch());
    view! { <div class="page">{load_page(basis, super::detail::crumbs(), move |basis| wizard(basis, again))}</div> }
}

/// How often what is lost is told anew, in milliseconds.
const MINUTE_MS: u64 = 60_000;
/// The kind of the requests that this form makes.
const ETCD_RESTORE: &str = "etcd.restore";

/// What the form rests on.
#[derive(Clone, PartialEq)]
struct Basis {
    inspection: Arc<Inspection>,
    roots: Vec<RootChoice>,
    cluster: String,
    /// When the snapshot was uploaded.
    uploaded_ms: i64,
    earlier: EarlierPlan,
}

async fn basis(id: String, from: String) -> Result<Basis, Failure> {
    let snapshot = grpc::call(GetFileRequest { id: id.clone() }).await?;
    let about = grpc::call(AboutRequest {}).await?;
    let inspection = kinds::etcd_from_json(&snapshot.inspection_json).map_err(|_| Failure {
        next: "Reload the page; it may be older than the server.".into(),
        ..Failure::new(
            Kind::Other,
            "The server's inspection of this snapshot is in a format that this page does not know.",
        )
    })?;
    let file = snapshot.file.unwrap_or_default();
    let (cluster, uploaded_ms) = (file.cluster, file.uploaded_at_ms);
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
        uploaded_ms,
        roots,
        earlier: earlier::find(&from, &id).await,
    })
}

fn wizard(basis: Basis, again: Callback<()>) -> impl IntoView {
    let Basis {
        inspection,
        roots,
        cluster,
        uploaded_ms,
        earlier,
    } = basis;
    let id = inspection.file.sha256.clone();
    let key = storage_key(&Identity::expect().user_id_now(), &id, earlier.plan());
    let form = kept_form(&key, || match &earlier {
        EarlierPlan::Read(earlier) => RestoreForm::of(&earlier.request),
        _ => RestoreForm::suggested(&inspection, &roots, &token()),
    });
    let here = {
        let (inspection, roots) = (inspection.clone(), roots.clone());
        Memo::new(move |_| form.with(|form| form.report(&inspection, &roots)))
    };
    let author = Identity::expect().name();
    let live = live::Live::new(form, here, inspection.clone(), roots.clone(), author);
    let drift = match &earlier {
        EarlierPlan::Read(earlier) => form_of::drifted(&earlier.drift),
        _ => Vec::new(),
    };
    let context = FormContext::new(form, live.report, inspection.clone(), roots, token(), drift);
    let failure = RwSignal::new(None::<Failure>);
    let navigate = use_navigate();
    let seal = {
        let id = id.clone();
        Action::new_local(move |_: &()| {
            let (request, _) = form.with_untracked(|form| form.request(&id));
            let request = Request::EtcdRestore(request);
            let (navigate, key) = (navigate.clone(), key.clone());
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
                        forget_form(&key);
                        let plan = response.plan.unwrap_or_default();
                        navigate(&paths::plan(&plan.id), Default::default());
                    }
                    Err(refused) => failure.set(Some(refused)),
                }
            }
        })
    };
    let blocked = Memo::new(move |_| live.report.with(Report::blocks));
    let busy = Signal::derive(move || blocked.get() || seal.pending().get());
    let dispatch = Callback::new(move |()| {
        seal.dispatch_local(());
    });
    let sentence = sentence(&inspection);
    let loss = {
        let known = Loss {
            revision: inspection.start_revision(),
            written_ms: systems::written_ms(&inspection.details),
            uploaded_ms: Some(uploaded_ms).filter(|ms| *ms > 0),
            seen: None,
            until_ms: 0,
            until: Until::Now,
        };
        let id = id.clone();
        // The old cluster goes on while the form is filled.
        let now = RwSignal::new(now_ms());
        every(MINUTE_MS, move || now.set(now_ms()));
        Memo::new(move |_| Loss {
            until_ms: now.get(),
            seen: form.with(|form| form.request(&id).0.last_seen.map(|seen| seen.revision)),
            ..known
        })
    };
    let mut crumbs = super::detail::crumbs();
    crumbs.push((inspection.file.name.clone(), paths::file(&id)));
    let verdict = inspection.verdict.sentence.clone();
    let wanted = Of::Cluster(cluster.clone());
    let may = wanted.clone();
    view! {
        <PageHeader crumbs sentence=sentence below=move || view! {
            <p>{verdict.clone()} " Sealing a plan changes nothing."</p>
            <p>"Cluster: " <ClusterOf id=id.clone() cluster=cluster.clone() again /></p>
        } />
        {earlier::notice(earlier, form, busy, blocked, may, dispatch)}
        <section class="panel" aria-label="What is lost"><LossAxis loss /></section>
        <div class="restore-form">
            <div class="wizard">
                <editor::Editor context />
                <live::LiveColumn live context />
            </div>
            <div class="seal-bar">
                {move || failure.get().map(|failure| view! { <ErrorView failure /> })}
                <div class="seal-row">
                    <p class="seal-count tabular" role="status" id="why-not">{move || live.report.with(counts)}</p>
                    <button type="button" class="button small seal-jump" on:click=|_| live::show_report()>"Findings"</button>
                    {permitted(Permission::Plan, wanted, move || view! {
                        <button
                            type="button"
                            class="button primary"
                            aria-describedby="why-not"
                            disabled=busy
                            on:click=move |_| dispatch.run(())
                        >
                            "Seal plan"
                        </button>
                    })}
                </div>
            </div>
        </div>
    }
}

/// `Restore weekly.db from revision 1 200 007`.
fn sentence(inspection: &Inspection) -> String {
    let name = format::visible(&inspection.file.name);
    match &inspection.details.status {
        Some(status) => format!(
            "Restore {name} from revision {}",
            format::signed(status.revision)
        ),
        None => format!("Restore {name} (revision unknown)"),
    }
}

/// `0 blocking · 2 warnings`.
fn counts(report: &Report) -> String {
    let warnings = report.count(Severity::Warning) as u64;
    format!(
        "{} blocking · {}",
        format::number(report.count(Severity::Blocking) as u64),
        format::count(warnings, "warning", "warnings")
    )
}

/// A token that was never used.
fn token() -> String {
    let today: String = format::utc(now_ms()).chars().take(10).collect();
    let dice = (js_sys::Math::random() * 65_536.0) as u16;
    fresh_token(&today, dice)
}

fn now_ms() -> i64 {
    js_sys::Date::now() as i64
}

fn storage() -> Option<web_sys::Storage> {
    window().session_storage().ok().flatten()
}

/// A form that was filled from a plan is kept apart from one that was begun anew, and one person's from another's, who
/// may sign in in the same tab.
fn storage_key(person: &str, id: &str, plan: &str) -> String {
    match plan {
        "" => format!("requorum.restore.{person}.{id}"),
        plan => format!("requorum.restore.{person}.{id}.{plan}"),
    }
}

/// The form, kept for this tab: a reload loses nothing that was typed.
fn kept_form(key: &str, fresh: impl FnOnce() -> RestoreForm) -> RwSignal<RestoreForm> {
    let key = key.to_owned();
    let kept = storage()
        .and_then(|s| s.get_item(&key).ok().flatten())
        .and_then(|text| serde_json::from_str(&text).ok());
    let form = RwSignal::new(kept.unwrap_or_else(fresh));
    Effect::new(move |first: Option<()>| {
        let text = form.with(|form| serde_json::to_string(form).unwrap_or_default());
        if first.is_some()
            && let Some(storage) = storage()
        {
            // Where storage is full or forbidden, a reload loses what was typed, and nothing else.
            let _ = storage.set_item(&key, &text);
        }
    });
    form
}

fn forget_form(key: &str) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(key);
    }
}

#[cfg(test)]
mod tests {
    use requorum_shared::etcd::storage::inspection::{
        DatabaseDetails, ETCD_SNAPSHOT, FileKind, Status,
    };
    use requorum_shared::finding::Outcome;
    use requorum_shared::inspection::{FileFacts, Judgement, PartName};

    use super::*;

    #[test]
    fn what_one_person_typed_is_not_filled_in_for_another() {
        let keys = [
            storage_key("ada", "f1", ""),
            storage_key("ben", "f1", ""),
            storage_key("ada", "f1", "p1"),
            storage_key("ada", "f2", ""),
        ];
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len(), "{keys:?}");
    }

    #[test]
    fn a_revision_that_is_unknown_is_not_called_0() {
        let parts = [PartName::Bytes, PartName::Structure, PartName::Meaning]
            .map(|name| (name, Judgement::clean(Outcome::Fail, "")));
        let file = FileFacts {
            name: "prod.db".into(),
            size: 20_512,
            sha256: "ab".repeat(32),
        };
        let details = DatabaseDetails {
            kind: FileKind::Snapshot,
            page_size: 4096,
            high_water_mark: 5,
            txid: 3,
            status: None,
            hash_kv: None,
            contents: None,
        };
        let label = "an etcd snapshot";
        let mut inspection =
            Inspection::judged(ETCD_SNAPSHOT, label, file, String::new(), parts, details);
        assert_eq!(sentence(&inspection), "Restore prod.db (revision unknown)");
        inspection.details.status = Some(Status {
            hash: 1,
            revision: 0,
            total_key: 0,
            total_key_35: 0,
            total_size: 1,
            version: "3.5.0".into(),
        });
        assert_eq!(sentence(&inspection), "Restore prod.db from revision 0");
    }
}
