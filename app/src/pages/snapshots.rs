//! Stored snapshots: which are there, how they came, and more of them coming.

pub mod cluster;
pub mod detail;
pub mod restore;
pub mod sending;

use std::cmp::Ordering;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_query_map};
use requorum_shared::api::v1::{ListSnapshotsRequest, ListSnapshotsResponse, SnapshotSummary};
use requorum_shared::permission::Permission;

use crate::client::grpc;
use crate::components::bytes::Bytes;
use crate::components::hash::Id;
use crate::components::lead::Lead;
use crate::components::load::load;
use crate::components::status::{self, Status};
use crate::components::table::{Sort, SortHeading, arrows};
use crate::components::time::Time;
use crate::format;
use crate::identity::{Identity, Of, permitted, reason};
use crate::pages::of_cluster;
use crate::paths;
use crate::uploads::UploadQueue;

/// The list, and uploads.
#[component]
pub fn Snapshots() -> impl IntoView {
    let uploads = UploadQueue::expect();
    let list = LocalResource::new(move || {
        uploads.arrived();
        grpc::list_snapshots(ListSnapshotsRequest {})
    });
    let sentence = Signal::derive(move || match list.get() {
        Some(Ok(list)) => headline(&list),
        _ => "Snapshots kept by this console.".into(),
    });
    let grants = Identity::expect().grants_now();
    let known = Signal::derive(move || match list.get() {
        Some(Ok(list)) => cluster::known(&list.snapshots, &grants),
        _ => Vec::new(),
    });
    view! {
        <div class="page">
            <Lead sentence />
            {permitted(Permission::Upload, Of::Any, move || view! { <sending::Sending known /> })}
            {load(list, table)}
        </div>
    }
}

fn headline(list: &ListSnapshotsResponse) -> String {
    let whole = list
        .snapshots
        .iter()
        .filter(|s| s.verdict == "whole")
        .count() as u64;
    let all = list.snapshots.len() as u64;
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

fn table(list: ListSnapshotsResponse) -> impl IntoView {
    if list.snapshots.is_empty() {
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
    let query = use_query_map();
    let location = use_location();
    let navigate = use_navigate();
    let sort = Memo::new(move |_| Sort::parse(query.with(|q| q.get("sort")).as_deref(), "-stored"));
    let filter = Memo::new(move |_| query.with(|q| q.get("q")).unwrap_or_default());
    let on_filter = move |ev| {
        let to = paths::with_query(
            &location.pathname.get_untracked(),
            &location.search.get_untracked(),
            "q",
            &event_target_value(&ev),
        );
        navigate(
            &to,
            NavigateOptions {
                replace: true,
                scroll: false,
                ..Default::default()
            },
        );
    };
    let all = list.snapshots;
    let count = all.len();
    let names = of_cluster::names(all.iter().map(|s| s.cluster.as_str()));
    let chosen = of_cluster::chosen();
    let shown = Memo::new(move |_| {
        let mut rows = arranged(&all, &filter.get(), &sort.get());
        chosen.with(|chosen| rows.retain(|s| of_cluster::fits(chosen, &s.cluster)));
        rows
    });
    let rows = move || shown.get().into_iter().map(row).collect_view();
    let used = format::bytes(list.used_bytes);
    view! {
        <section class="section">
            <div class="filter">
                <div class="field">
                    <label for="filter">"Filter by name, id, verdict or version"</label>
                    <input id="filter" type="search" prop:value=filter on:input=on_filter />
                </div>
                {of_cluster::choice(names)}
                <p class="muted" role="status">
                    {move || format!("{} of {} shown · {used} used", shown.with(Vec::len), count)}
                </p>
            </div>
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
        </section>
    }
    .into_any()
}

fn row(snapshot: SnapshotSummary) -> impl IntoView {
    view! {
        <tr>
            <th scope="row" data-label="Name"><a href=paths::snapshot(&snapshot.id)>{snapshot.name}</a></th>
            <td data-label="Cluster">{of_cluster::shown(&snapshot.cluster)}</td>
            <td data-label="Verdict"><Status is=status::snapshot(&snapshot.verdict) /></td>
            <td data-label="Revision" class="number">{snapshot.revision.map_or_else(|| "unknown".to_owned(), format::signed)}</td>
            <td data-label="Keys" class="number">{snapshot.total_key.map_or_else(|| "unknown".to_owned(), format::number)}</td>
            <td data-label="Size" class="number"><Bytes n=snapshot.size /></td>
            <td data-label="Stored"><Time ms=snapshot.stored_at_ms /></td>
            <td data-label="From">{format!("{} by {}", snapshot.origin, snapshot.stored_by)}</td>
            <td data-label="SHA-256"><Id value=snapshot.id /></td>
        </tr>
    }
}

/// The rows that match, in order. What is equal keeps the server's order.
fn arranged(all: &[SnapshotSummary], filter: &str, sort: &Sort) -> Vec<SnapshotSummary> {
    let words: Vec<String> = filter
        .to_lowercase()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let mut rows: Vec<_> = all
        .iter()
        .filter(|s| {
            let text = format!(
                "{} {} {} {} {} {}",
                s.name, s.cluster, s.id, s.verdict, s.version, s.stored_by
            )
            .to_lowercase();
            words.iter().all(|word| text.contains(word))
        })
        .cloned()
        .collect();
    rows.sort_by(|a, b| sort.apply(by(&sort.key, a, b)));
    rows
}

fn by(key: &str, a: &SnapshotSummary, b: &SnapshotSummary) -> Ordering {
    match key {
        "name" => a.name.to_lowercase().cmp(&b.name.to_lowercase()),
        "cluster" => a.cluster.cmp(&b.cluster),
        "verdict" => a.verdict.cmp(&b.verdict),
        "revision" => a.revision.cmp(&b.revision),
        "keys" => a.total_key.cmp(&b.total_key),
        "size" => a.size.cmp(&b.size),
        _ => a.stored_at_ms.cmp(&b.stored_at_ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(name: &str, verdict: &str, size: u64, stored: i64) -> SnapshotSummary {
        SnapshotSummary {
            name: name.into(),
            verdict: verdict.into(),
            size,
            stored_at_ms: stored,
            ..SnapshotSummary::default()
        }
    }

    #[test]
    fn rows_are_filtered_by_every_word_and_sorted_by_the_column() {
        let all = [
            snapshot("prod-a.db", "whole", 3, 1),
            snapshot("Prod-b.db", "damaged", 1, 2),
            snapshot("test.db", "whole", 2, 3),
        ];
        let names = |filter: &str, sort: &str| {
            arranged(&all, filter, &Sort::parse(Some(sort), "-stored"))
                .into_iter()
                .map(|s| s.name)
                .collect::<Vec<_>>()
        };
        assert_eq!(names("", "-stored"), ["test.db", "Prod-b.db", "prod-a.db"]);
        assert_eq!(names("prod whole", "name"), ["prod-a.db"]);
        assert_eq!(names("PROD", "name"), ["prod-a.db", "Prod-b.db"]);
        assert_eq!(names("", "size"), ["Prod-b.db", "test.db", "prod-a.db"]);
    }

    #[test]
    fn the_headline_counts_what_is_whole() {
        let list = |verdicts: &[&str]| ListSnapshotsResponse {
            snapshots: verdicts.iter().map(|v| snapshot("x", v, 1, 1)).collect(),
            used_bytes: 0,
        };
        assert_eq!(headline(&list(&[])), "No snapshot is kept here yet.");
        assert_eq!(
            headline(&list(&["whole"])),
            "One snapshot is kept here, and it is whole."
        );
        assert!(
            headline(&list(&["whole", "damaged"])).contains("2\u{202f}snapshots")
                || headline(&list(&["whole", "damaged"]))
                    .contains("2 snapshots are kept here; 1 is whole")
        );
    }
}
