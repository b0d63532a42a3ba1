//! A new plan: what will come out, and what am I forgetting? The right column is alive while the left one is typed.
//! The fields are those of the recovery; all the rest is the same for every kind.

mod earlier;
mod live;

use leptos::prelude::*;
use leptos_router::hooks::{use_navigate, use_query_map};
use requorum_shared::api::v1::{AboutRequest, GetFileRequest, SealPlanRequest};
use requorum_shared::finding::{Report, Severity};
use requorum_shared::permission::Permission;
use requorum_shared::recovery::Request;

use self::earlier::EarlierPlan;
use crate::client::grpc;
use crate::components::error_view::ErrorView;
use crate::components::load::load_page;
use crate::components::loss::LossAxis;
use crate::components::page_header::PageHeader;
use crate::failure::{Failure, Kind};
use crate::format;
use crate::identity::{Identity, Of, permitted};
use crate::pages::every;
use crate::pages::files::cluster::ClusterOf;
use crate::paths;
use crate::plan_form::{Fields, Given, GivenFile, PlanForm, RootChoice, forget};
use crate::systems::{self, Offer};

/// How often what is lost is told anew, in milliseconds.
const MINUTE_MS: u64 = 60_000;

/// The page. Its address names the kind of recovery, the files, and a plan to begin from.
#[component]
pub fn NewPlan() -> impl IntoView {
    let query = use_query_map();
    let kind = Memo::new(move |_| query.with(|q| q.get("recovery")).unwrap_or_default());
    let files = Memo::new(move |_| query.with(|q| q.get_all("file")).unwrap_or_default());
    let from = Memo::new(move |_| query.with(|q| q.get("from")).unwrap_or_default());
    let basis = LocalResource::new(move || basis(kind.get(), files.get(), from.get()));
    let again = Callback::new(move |()| basis.refetch());
    let crumbs = vec![("Files".into(), paths::files())];
    view! { <div class="page">{load_page(basis, crumbs, move |basis| form(basis, again))}</div> }
}

/// What the page rests on.
#[derive(Clone, PartialEq)]
struct Basis {
    offer: Offer,
    /// The ids of the files, as in the address.
    ids: Vec<String>,
    cluster: String,
    roots: Vec<RootChoice>,
    files: Vec<GivenFile>,
    earlier: EarlierPlan,
}

async fn basis(kind: String, ids: Vec<String>, from: String) -> Result<Basis, Failure> {
    let unusable = |what: String| Failure {
        next: "Choose a file in the list of files, and plan from there.".into(),
        ..Failure::new(Kind::NotFound, what)
    };
    let offer = systems::offer(&kind)
        .ok_or_else(|| unusable("This address names no kind of recovery that is known.".into()))?;
    let mut files = Vec::new();
    let mut cluster = None;
    for id in &ids {
        let stored = grpc::call(GetFileRequest { id: id.clone() }).await?;
        let inspection = serde_json::from_str(&stored.inspection_json).map_err(|_| Failure {
            next: "Reload the page; it may be older than the server.".into(),
            ..Failure::new(
                Kind::Other,
                "The server's inspection of this file is in a format that this page does not know.",
            )
        })?;
        let file = stored.file.unwrap_or_default();
        cluster.get_or_insert(file.cluster);
        files.push(GivenFile {
            inspection,
            uploaded_ms: Some(file.uploaded_at_ms).filter(|ms| *ms > 0),
        });
    }
    let cluster = cluster.ok_or_else(|| unusable("This address names no file.".into()))?;
    let about = grpc::call(AboutRequest {}).await?;
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
        earlier: earlier::find(&from, &kind, &ids).await,
        offer,
        ids,
        cluster,
        roots,
        files,
    })
}

fn form(basis: Basis, again: Callback<()>) -> AnyView {
    let Basis {
        offer,
        ids,
        cluster,
        roots,
        files,
        earlier,
    } = basis;
    let mut crumbs = vec![("Files".to_owned(), paths::files())];
    crumbs.extend(ids.iter().zip(&files).map(|(id, file)| {
        let name = file.inspection.file.name.clone();
        (name, paths::file(id))
    }));
    crumbs.push((offer.title.into(), paths::new_plan_page()));
    let verdicts: Vec<_> = files
        .iter()
        .map(|file| file.inspection.verdict.sentence.clone())
        .collect();
    let key = key(
        &Identity::expect().user_id_now(),
        offer.recovery,
        &ids,
        earlier.plan(),
    );
    let given = Given {
        files,
        roots,
        earlier: earlier.request(),
        drift: earlier.drift(),
        key: key.clone(),
    };
    let PlanForm {
        sentence,
        request,
        here,
        seen,
        unchanged,
        loss,
        commands,
        fields,
    } = match systems::plan_form(offer.recovery, given) {
        Ok(form) => form,
        Err(failure) => {
            return view! { <PageHeader crumbs sentence=offer.title /> <ErrorView failure /> }
                .into_any();
        }
    };
    let author = Identity::expect().name();
    let live = live::Live::new(offer.recovery, request, here, seen, author);
    let Fields { view, fixes } = fields(live.report);
    let failure = RwSignal::new(None::<Failure>);
    let seal = seal(request, key, failure);
    let blocked = Memo::new(move |_| live.report.with(Report::blocks));
    let busy = Signal::derive(move || blocked.get() || seal.pending().get());
    let dispatch = Callback::new(move |()| {
        seal.dispatch_local(());
    });
    let loss = loss.map(|loss| {
        // The old cluster is still being written to while the form is filled.
        let now = RwSignal::new(now_ms());
        every(MINUTE_MS, move || now.set(now_ms()));
        let loss = Memo::new(move |_| loss.run(now.get()));
        view! { <section class="panel" aria-label="What is lost"><LossAxis loss /></section> }
    });
    // Which cluster it is of can be changed where that is a matter of one file.
    let of_cluster = match ids.as_slice() {
        [id] => {
            let (id, cluster) = (id.clone(), cluster.clone());
            ViewFn::from(
                move || view! { <ClusterOf id=id.clone() cluster=cluster.clone() again /> },
            )
        }
        _ => {
            let cluster = cluster.clone();
            ViewFn::from(move || format::visible(&cluster))
        }
    };
    let wanted = Of::Cluster(cluster);
    let may = wanted.clone();
    view! {
        <PageHeader crumbs sentence=sentence below=move || view! {
            <p>{verdicts.join(" ")} " Sealing a plan changes nothing."</p>
            <p>"Cluster: " {of_cluster.run()}</p>
        } />
        {earlier::notice(earlier, unchanged, busy, blocked, may, dispatch)}
        {loss}
        <div class="plan-form">
            <div class="wizard">
                {view}
                {live::column(live, fixes, commands)}
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
    .into_any()
}

/// Seals the request, and shows the plan.
fn seal(request: Memo<Request>, key: String, failure: RwSignal<Option<Failure>>) -> Action<(), ()> {
    let navigate = use_navigate();
    Action::new_local(move |_: &()| {
        let request = request.get_untracked();
        let (navigate, key) = (navigate.clone(), key.clone());
        async move {
            failure.set(None);
            let request_json = serde_json::to_string(&request).unwrap_or_default();
            match grpc::call(SealPlanRequest {
                kind: request.kind().into(),
                request_json,
            })
            .await
            {
                Ok(response) => {
                    forget(&key);
                    let plan = response.plan.unwrap_or_default();
                    navigate(&paths::plan(&plan.id), Default::default());
                }
                Err(refused) => failure.set(Some(refused)),
            }
        }
    })
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

fn now_ms() -> i64 {
    js_sys::Date::now() as i64
}

/// What is typed is kept under this key. A form that was filled from a plan is kept apart from one that was begun anew,
/// and one person's from another's, who may sign in in the same tab.
fn key(person: &str, recovery: &str, files: &[String], plan: &str) -> String {
    let mut key = format!("requorum.plan.{recovery}.{person}.{}", files.join("+"));
    if !plan.is_empty() {
        key.push('.');
        key.push_str(plan);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_person_typed_is_not_filled_in_for_another() {
        let files = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        let keys = [
            key("ada", "etcd.restore", &files(&["f1"]), ""),
            key("ben", "etcd.restore", &files(&["f1"]), ""),
            key("ada", "etcd.restore", &files(&["f1"]), "p1"),
            key("ada", "etcd.restore", &files(&["f2"]), ""),
            key("ada", "etcd.restore", &files(&["f1", "f2"]), ""),
            key("ada", "dkron.peers", &files(&["f1"]), ""),
        ];
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len(), "{keys:?}");
    }
}
