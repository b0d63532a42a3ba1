//! Stored snapshots: which are there, how they came, and more of them coming.

pub mod cluster;
pub mod detail;
pub mod restore;
pub mod sending;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_query_map};
use requorum_shared::api::v1::{
    ListSnapshotsRequest, ListSnapshotsResponse, SnapshotSummary, StateCount,
};
use requorum_shared::permission::Permission;

use crate::client::grpc;
use crate::components::bytes::Bytes;
use crate::components::hash::Id;
use crate::components::lead::Lead;
use crate::components::load::load;
use crate::components::pager::{self, Pager};
use crate::components::status::{self, Status};
use crate::components::table::{Sort, SortHeading, arrows};
use crate::components::time::Time;
use crate::format;
use crate::identity::{Identity, Of, permitted, reason};
use crate::pages::{of_cluster, of_state};
use crate::paths;
use crate::uploads::UploadQueue;

/// The list, and uploads.
#[component]
pub fn Snapshots() -> impl IntoView {
    let uploads = UploadQueue::expect();
    let query = use_query_map();
    let sort = Memo::new(move |_| Sort::parse(query.with(|q| q.get("sort")).as_deref(), "-stored"));
    let filter = Memo::new(move |_| query.with(|q| q.get("q")).unwrap_or_default());
    let (cluster, place) = (of_cluster::chosen(), pager::place());
    let list = LocalResource::new(move || {
        uploads.arrived();
        grpc::list_snapshots(ListSnapshotsRequest {
            page_token: place.get().after,
            cluster: of_cluster::asked(&cluster.get()),
            query: filter.get(),
            order: sort.get().word(),
            ..ListSnapshotsRequest::default()
        })
    });
    let sentence = Signal::derive(move || match list.get() {
        Some(Ok(list)) => headline(&list.counts),
        _ => "Snapshots kept by this console.".into(),
    });
    let clusters = Memo::new(move |last: Option<&Vec<String>>| match list.get() {
        Some(Ok(list)) => list.clusters,
        _ => last.cloned().unwrap_or_default(),
    });
    let grants = Identity::expect().grants_now();
    let known = Signal::derive(move || clusters.with(|names| cluster::known(names, &grants)));
    view! {
        <div class="page">
            <Lead sentence />
            {permitted(Permission::Upload, Of::Any, move || view! { <sending::Sending known /> })}
            {filters(filter, clusters.into())}
            {load(list, move |list| table(list, sort))}
        </div>
    }
}

/// Outside of what is drawn anew with each page, so that whoever types stays in the field.
fn filters(filter: Memo<String>, clusters: Signal<Vec<String>>) -> impl IntoView {
    let location = use_location();
    let navigate = use_navigate();
    let on_filter = Callback::new(move |text: String| {
        let to = paths::narrowed(
            &location.pathname.get_untracked(),
            &location.search.get_untracked(),
            "q",
            &text,
        );
        navigate(
            &to,
            NavigateOptions {
                replace: true,
                scroll: false,
                ..Default::default()
            },
        );
    });
    let any = Memo::new(move |_| !clusters.with(Vec::is_empty) || !filter.with(String::is_empty));
    move || {
        any.get().then(|| {
            view! {
                <div class="filter">
                    <div class="field">
                        <label for="filter">"Filter by name, id, verdict or version"</label>
                        <input id="filter" type="search" prop:value=filter on:input=move |ev| on_filter.run(event_target_value(&ev)) />
                    </div>
                    {of_cluster::choice(clusters)}
                </div>
            }
        })
    }
}

fn headline(counts: &[StateCount]) -> String {
    let whole = of_state::count(counts, |verdict| verdict == "whole");
    let all = of_state::count(counts, |_| true);
    match (all, whole) {
        (0, _) => "No snapshot is kept here yet.".into(),
        (1, 1) => "One snapshot is kept here, and it is whole.".into(),
        (all, whole) if all == whole => format!(
            "{} snapshots are kept here, all of them whole.",
            format::number(all)
        ),
        (all, whole) => format!(
            "{} kept here; {} whole.",
            format::count(all, "snapshot is", "snapshots are"),
            format::count(whole, "is", "are")
        ),
    }
}

fn table(list: ListSnapshotsResponse, sort: Memo<Sort>) -> impl IntoView {
    if list.counts.is_empty() {
        let why_not = reason(Permission::Upload, Of::Any);
        let first = move || {
            if why_not.with(String::is_empty) {
                "Upload one above: it is checked while it arrives."
            } else {
                "Here stand those that somebody uploaded, each with what was found in it."
            }
        };
        return view! {
            <p class="muted">
                {first} " To look at a file without sending it anywhere, use "
                <a href=paths::inspect()>"Inspect"</a> ", which also has a sample."
            </p>
        }
        .into_any();
    }
    if list.total == 0 {
        return view! {
            <p class="muted" role="status">"No snapshot fits. " <a href=paths::snapshots()>"All snapshots"</a></p>
        }
        .into_any();
    }
    let shown = list.snapshots.len();
    let rows = list.snapshots.into_iter().map(row).collect_view();
    let used = format::bytes(list.used_bytes);
    view! {
        <section class="section">
            <div class="table-wrap">
                <table class="table">
                    <thead>
                        <tr>
                            <SortHeading key="name" label="Name" sort />
                            <SortHeading key="cluster" label="Cluster" sort />
                            <SortHeading key="verdict" label="Verdict" sort />
                            <SortHeading key="revision" label="Revision" sort number=true />
                            <SortHeading key="keys" label="Keys" sort number=true />
                            <SortHeading key="size" label="Size" sort number=true />
                            <SortHeading key="stored" label="Stored" sort />
                            <th scope="col">"From"</th>
                            <th scope="col">"SHA-256"</th>
                        </tr>
                    </thead>
                    <tbody on:keydown=arrows>{rows}</tbody>
                </table>
            </div>
            <Pager shown total=list.total next=list.next_page_token one="snapshot" many="snapshots" />
            <p class="small muted">{format!("All that are kept use {used}.")}</p>
        </section>
    }
    .into_any()
}

fn row(snapshot: SnapshotSummary) -> impl IntoView {
    view! {
        <tr>
            <th scope="row" data-label="Name"><a href=paths::snapshot(&snapshot.id)>{format::visible(&snapshot.name)}</a></th>
            <td data-label="Cluster">{of_cluster::shown(&snapshot.cluster)}</td>
            <td data-label="Verdict"><Status is=status::snapshot(&snapshot.verdict) /></td>
            <td data-label="Revision" class="number">{snapshot.revision.map_or_else(|| "unknown".to_owned(), format::signed)}</td>
            <td data-label="Keys" class="number">{snapshot.total_key.map_or_else(|| "unknown".to_owned(), format::number)}</td>
            <td data-label="Size" class="number"><Bytes n=snapshot.size /></td>
            <td data-label="Stored"><Time ms=snapshot.stored_at_ms /></td>
            <td data-label="From">{format!("{} by {}", snapshot.origin, format::visible(&snapshot.stored_by))}</td>
            <td data-label="SHA-256"><Id value=snapshot.id /></td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headline_counts_what_is_whole() {
        let list = |verdicts: &[(&str, u64)]| {
            let count = |(state, count): &(&str, u64)| StateCount {
                state: (*state).into(),
                count: *count,
            };
            verdicts.iter().map(count).collect::<Vec<_>>()
        };
        assert_eq!(headline(&list(&[])), "No snapshot is kept here yet.");
        assert_eq!(
            headline(&list(&[("whole", 1)])),
            "One snapshot is kept here, and it is whole."
        );
        assert_eq!(
            headline(&list(&[("whole", 2)])),
            "2 snapshots are kept here, all of them whole."
        );
        assert_eq!(
            headline(&list(&[("damaged", 1), ("whole", 1)])),
            "2 snapshots are kept here; 1 is whole."
        );
    }
}
