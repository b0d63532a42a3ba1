//! One stored file: as Inspect, and where it came from and what uses it.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_params_map;
use requorum_shared::api::v1::{FileOrigin, GetFileRequest, GetFileResponse, PlanSummary};
use requorum_shared::kinds::Inspection;
use requorum_shared::permission::Permission;

use super::cluster::ClusterOf;
use crate::client::grpc;
use crate::clipboard::copy;
use crate::components::bytes::Bytes;
use crate::components::hash::Id;
use crate::components::inspection::{InspectionView, summary};
use crate::components::lead::Lead;
use crate::components::load::load_page;
use crate::components::properties::Properties;
use crate::components::status::{self, Status};
use crate::components::table::arrows;
use crate::components::time::Time;
use crate::format;
use crate::identity::{Of, permitted};
use crate::paths;
use crate::strip::{CELLS, Strip};
use crate::systems;

/// The detail page.
#[component]
pub fn FileDetail() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|p| p.get("id")).unwrap_or_default());
    let snapshot = LocalResource::new(move || grpc::call(GetFileRequest { id: id.get() }));
    let again = Callback::new(move |()| snapshot.refetch());
    view! { <div class="page">{load_page(snapshot, crumbs(), move |response| show(response, again))}</div> }
}

/// The way to this page.
pub(super) fn crumbs() -> Vec<(String, String)> {
    vec![("Files".into(), paths::files())]
}

fn show(response: GetFileResponse, again: Callback<()>) -> impl IntoView {
    let stored = response.file.clone().unwrap_or_default();
    let acts = {
        let (restore, file) = (paths::restore(&stored.id), paths::file_content(&stored.id));
        let of = Of::Cluster(stored.cluster.clone());
        let evidence = stored.origin() == FileOrigin::Evidence;
        move || {
            view! {
                {(!evidence).then(|| permitted(Permission::Plan, of.clone(), {
                    let restore = restore.clone();
                    move || view! { <a class="button primary" href=restore.clone()>"Plan a restore"</a> }
                }))}
                {permitted(Permission::ReadValues, of.clone(), {
                    let file = file.clone();
                    move || view! { <a class="button" href=file.clone() rel="external" download="">"Download"</a> }
                })}
            }
        }
    };
    let origin = vec![
        (
            "Cluster",
            view! { <ClusterOf id=stored.id.clone() cluster=stored.cluster.clone() again /> }
                .into_any(),
        ),
        (
            "Kept since",
            view! { <Time ms=stored.uploaded_at_ms /> }.into_any(),
        ),
        ("From", super::came_by(&stored).into_any()),
        ("Size", view! { <Bytes n=stored.size /> }.into_any()),
        (
            "SHA-256, its id here",
            view! { <Id value=stored.id.clone() /> }.into_any(),
        ),
    ];
    let plans = plans(&stored.id, response.plans, response.plans_total);
    match serde_json::from_str::<Inspection>(&response.inspection_json) {
        Ok(inspection) => {
            let strip = Strip::fold(&inspection.page_map.runs, inspection.page_map.page_size, CELLS);
            let below = summary(&inspection);
            let json = StoredValue::new(response.inspection_json);
            let on_copy_json = Callback::new(move |()| {
                let text = json.get_value();
                spawn_local(async move { copy(&text).await; });
            });
            let tabs = systems::tabs(&inspection, on_copy_json);
            view! {
                <Lead
                    crumbs=crumbs()
                    sentence=inspection.verdict.sentence.clone()
                    below=move || view! { <p>{below.clone()}</p> }
                    acts=acts
                />
                <InspectionView inspection=Arc::new(inspection) strip tabs on_copy_json />
                <section class="section"><h2>"Where it came from"</h2><Properties rows=origin /></section>
                {plans}
            }
            .into_any()
        }
        Err(_) => view! {
            <Lead crumbs=crumbs() sentence=stored.sentence.clone() acts=acts />
            <div class="notice warning">
                <p>"What this server found in the file is written in a form that this page does not know. Reload the page; it may be older than the server."</p>
            </div>
            <section class="section"><h2>"Where it came from"</h2><Properties rows=origin /></section>
            {plans}
        }
        .into_any(),
    }
}

fn plans(snapshot: &str, plans: Vec<PlanSummary>, total: u64) -> impl IntoView + use<> {
    if plans.is_empty() {
        return view! {
            <section class="section"><h2>"Plans that use it"</h2><p class="muted">"None yet."</p></section>
        }
        .into_any();
    }
    let others = (total > plans.len() as u64).then(|| {
        let all = format!("All {} plans", format::number(total));
        view! { <div class="acts"><a class="button" href=paths::plans_of(snapshot)>{all}</a></div> }
    });
    let rows = plans
        .into_iter()
        .map(|plan| {
            let state = status::plan(plan.state());
            view! {
                <tr>
                    <th scope="row" data-label="Outcome"><a href=paths::plan(&plan.id)>{plan.outcome}</a></th>
                    <td data-label="State"><Status is=state /></td>
                    <td data-label="Author">{plan.author}</td>
                    <td data-label="Sealed"><Time ms=plan.sealed_at_ms /></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="section">
            <h2>"Plans that use it"</h2>
            <div class="table-wrap">
                <table class="table">
                    <thead>
                        <tr><th scope="col">"Outcome"</th><th scope="col">"State"</th><th scope="col">"Author"</th><th scope="col">"Sealed"</th></tr>
                    </thead>
                    <tbody on:keydown=arrows>{rows}</tbody>
                </table>
            </div>
            {others}
        </section>
    }
    .into_any()
}
