//! One stored file: as Inspect, and where it came from and what uses it.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_params_map;
use requorum_shared::api::v1::{
    FileOrigin, FileSummary, GetFileRequest, GetFileResponse, PlanSummary, Trust as StoredTrust,
};
use requorum_shared::inspection::PackedFile;
use requorum_shared::kinds::Inspection;
use requorum_shared::permission::{Permission, Place};

use super::cluster::ClusterOf;
use super::removal::RemoveFile;
use crate::client::grpc;
use crate::clipboard::copy;
use crate::components::bytes::Bytes;
use crate::components::hash::Id;
use crate::components::inspection::{InspectionView, summary};
use crate::components::load::load_page;
use crate::components::page_header::PageHeader;
use crate::components::properties::Properties;
use crate::components::short_name::ShortName;
use crate::components::status::{self, Status};
use crate::components::table::arrows;
use crate::components::time::{Ago, Time};
use crate::components::verdict::tone;
use crate::format;
use crate::identity::{Identity, Of, permitted};
use crate::page_map::{CELLS, PageMapView};
use crate::paths;
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
    let asked = RwSignal::new(None::<FileSummary>);
    let acts = {
        let to_remove = stored.clone();
        let file = paths::file_content(&stored.id);
        let offers: Vec<_> = systems::offers(&stored.kind)
            .into_iter()
            .map(|offer| (offer.title, offer.path([stored.id.as_str()])))
            .collect();
        let of = Of::Cluster(stored.cluster.clone());
        let evidence = stored.origin() == FileOrigin::Evidence;
        let removed = stored.removed_at_ms > 0;
        let class = match stored.trust() {
            StoredTrust::Verified | StoredTrust::Unproven => "button primary",
            _ => "button",
        };
        let may_remove = Identity::expect()
            .grants_now()
            .allow(Permission::RemoveFiles, Place::Cluster(&stored.cluster))
            .is_ok();
        move || {
            if removed {
                return ().into_any();
            }
            view! {
                {(!evidence).then(|| permitted(Permission::Plan, of.clone(), {
                    let offers = offers.clone();
                    move || offers.iter().map(|(title, path)| view! { <a class=class href=path.clone()>{*title}</a> }).collect_view()
                }))}
                {permitted(Permission::ReadValues, of.clone(), {
                    let file = file.clone();
                    move || view! { <a class="button" href=file.clone() rel="external" download="">"Download"</a> }
                })}
                {may_remove.then(|| {
                    let file = to_remove.clone();
                    view! { <button type="button" class="button" on:click=move |_| asked.set(Some(file.clone()))>"Remove"</button> }
                })}
            }
            .into_any()
        }
    };
    let mut origin = vec![
        (
            "Cluster",
            view! { <ClusterOf id=stored.id.clone() cluster=stored.cluster.clone() again /> }
                .into_any(),
        ),
        (
            "Uploaded",
            view! { <Time ms=stored.uploaded_at_ms /> }.into_any(),
        ),
        ("From", super::came_by(&stored).into_any()),
        ("Size", view! { <Bytes n=stored.size /> }.into_any()),
        (
            "SHA-256 (ID)",
            view! { <Id value=stored.id.clone() /> }.into_any(),
        ),
    ];
    let gone = (stored.removed_at_ms > 0).then(|| {
        let by = format!(" by {}: its content was deleted, what was found in it is kept.", format::visible(&stored.removed_by));
        view! { <div class="notice warning"><p>"Removed " <Ago ms=stored.removed_at_ms /> {by}</p></div> }
    });
    let plans = plans(&stored.id, response.plans, response.plans_total);
    let entries = super::entries::entries(&stored);
    match serde_json::from_str::<Inspection>(&response.inspection_json) {
        Ok(inspection) => {
            origin.extend(inspection.unpacked_from.iter().flat_map(unpacked_from));
            let map = PageMapView::fold(&inspection.page_map, CELLS);
            let words = summary(&inspection);
            let below = move || view! {
                <p>{words.clone()}</p>
                <p class="reserve">{super::newest::line(stored.clone())}</p>
            };
            let json = StoredValue::new(response.inspection_json);
            let on_copy_json = Callback::new(move |()| {
                let text = json.get_value();
                spawn_local(async move { copy(&text).await; });
            });
            let tabs = systems::tabs(&inspection, on_copy_json);
            view! {
                <PageHeader
                    crumbs=crumbs()
                    sentence=inspection.verdict.sentence.clone()
                    tone=tone(&inspection)
                    below
                    acts=acts
                />
                {gone}
                <InspectionView inspection=Arc::new(inspection) map tabs on_copy_json />
                <section class="section"><h2>"Where it came from"</h2><Properties rows=origin /></section>
                {plans}
                {entries}
                <RemoveFile asked removed=again />
            }
            .into_any()
        }
        Err(_) => view! {
            <PageHeader crumbs=crumbs() sentence=stored.sentence.clone() acts=acts />
            {gone}
            <div class="notice warning">
                <p>"This page cannot read the server's inspection of the file. Reload the page: it may be older than the server."</p>
            </div>
            <section class="section"><h2>"Where it came from"</h2><Properties rows=origin /></section>
            {plans}
            {entries}
            <RemoveFile asked removed=again />
        }
        .into_any(),
    }
}

/// The packed file that it was sent as, by which a person finds it again.
fn unpacked_from(packed: &PackedFile) -> Vec<(&'static str, AnyView)> {
    let entry = packed.entry.as_ref().map_or(String::new(), |entry| {
        format!(", entry {}", format::visible(entry))
    });
    let name = format!(
        "{} ({}, {}{entry})",
        format::visible(&packed.name),
        packed.kind,
        format::bytes(packed.size)
    );
    let mut rows = vec![("Unpacked from", name.into_any())];
    if !packed.sha256.is_empty() {
        let sha256 = view! { <Id value=packed.sha256.clone() /> };
        rows.push(("SHA-256 of the packed file", sha256.into_any()));
    }
    rows
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
                    <th scope="row" data-label="Name"><ShortName to=paths::plan(&plan.id) name=plan.name headline=plan.headline /></th>
                    <td data-label="State"><Status is=state /></td>
                    <td data-label="Author">{plan.author}</td>
                    <td data-label="Sealed"><Ago ms=plan.sealed_at_ms /></td>
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
                        <tr><th scope="col">"Name"</th><th scope="col">"State"</th><th scope="col">"Author"</th><th scope="col">"Sealed"</th></tr>
                    </thead>
                    <tbody on:keydown=arrows>{rows}</tbody>
                </table>
            </div>
            {others}
        </section>
    }
    .into_any()
}
