//! Stored files: which are there, how they came, and more of them coming.

pub mod cluster;
pub mod detail;
mod entries;
mod newest;
pub mod removal;
pub mod sending;
pub mod storage;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use requorum_shared::api::v1::{
    FileOrigin, FileSummary, ListFilesRequest, ListFilesResponse, Trust,
};
use requorum_shared::permission::{Grants, Permission, Place};

use crate::client::grpc;
use crate::columns::{Column, Columns};
use crate::components::bytes::Bytes;
use crate::components::columns::ColumnChoice;
use crate::components::load::load;
use crate::components::page_header::PageHeader;
use crate::components::pager::{self, Pager};
use crate::components::status::{self, Status};
use crate::components::table::{Clipped, Sort, SortHeading, arrows};
use crate::components::time::Ago;
use crate::format;
use crate::identity::{Identity, Of, permitted, reason};
use crate::pages::{cluster_filter, search_filter, state_filter};
use crate::paths;
use crate::systems::{self, Offer};
use crate::uploads::UploadQueue;

/// What the API's names of trust begin with.
const PREFIX: &str = "TRUST_";
/// What stands in the address for files that were removed.
const REMOVED: &str = "removed";
/// The columns between the name and the buttons.
const COLUMNS: &[Column] = &[
    ("cluster", "Cluster"),
    ("kind", "Kind"),
    ("trust", "State"),
    ("content", "Content"),
    ("size", "Size"),
    ("uploaded", "Uploaded"),
];

/// The list, and uploads.
#[component]
pub fn Files() -> impl IntoView {
    let uploads = UploadQueue::expect();
    let query = use_query_map();
    let sort =
        Memo::new(move |_| Sort::parse(query.with(|q| q.get("sort")).as_deref(), "-uploaded"));
    let (search, state) = (search_filter::chosen(), state_filter::chosen());
    let (cluster, place) = (cluster_filter::chosen(), pager::place());
    let list = LocalResource::new(move || {
        uploads.arrived();
        let state = state.get();
        let removed = state == REMOVED;
        let trusts = if removed { String::new() } else { state };
        let asked = ListFilesRequest {
            page_token: place.get().after,
            cluster: cluster_filter::asked(&cluster.get()),
            query: search.get(),
            order_by: sort.get().word(),
            trusts: state_filter::asked(&trusts, PREFIX, Trust::from_str_name),
            removed,
            ..ListFilesRequest::default()
        };
        grpc::call(asked)
    });
    // The rows are not kept waiting for what they are compared with.
    let answer = Memo::new(move |_| list.get().and_then(Result::ok));
    let newest = LocalResource::new(move || {
        let files = answer.get().map(|list| list.files).unwrap_or_default();
        async move { newest::of_all(&files).await }
    });
    let sentence = Signal::derive(move || match list.get() {
        Some(Ok(list)) => headline(&counts(&list)),
        _ => "Files".into(),
    });
    let last =
        Memo::new(
            move |last: Option<&(Vec<String>, state_filter::Counts)>| match list.get() {
                Some(Ok(list)) => (list.clusters.clone(), states(&list)),
                _ => last.cloned().unwrap_or_default(),
            },
        );
    let grants = Identity::expect().grants_now();
    let known = Signal::derive(move || last.with(|(names, _)| cluster::known(names, &grants)));
    let asked = RwSignal::new(None::<FileSummary>);
    let columns = Columns::remembered("files", COLUMNS);
    let removed = Callback::new(move |()| list.refetch());
    view! {
        <div class="page">
            <PageHeader sentence />
            {permitted(Permission::Upload, Of::Any, move || view! { <sending::Sending known /> })}
            {filters(last, columns)}
            {load(list, move |list| table(list, newest, sort, columns, asked))}
            <removal::RemoveFile asked removed />
            <storage::StorageUse />
        </div>
    }
}

/// Outside of what is drawn anew with each page, so that whoever types stays in the field.
fn filters(last: Memo<(Vec<String>, state_filter::Counts)>, columns: Columns) -> impl IntoView {
    let clusters = Signal::derive(move || last.get().0);
    let counts = Signal::derive(move || last.get().1);
    let any = Memo::new(move |_| !counts.with(Vec::is_empty));
    let word = |state: &str| match state {
        REMOVED => "removed",
        state => {
            let name = format!("{PREFIX}{}", state.to_ascii_uppercase());
            status::stored_trust(Trust::from_str_name(&name).unwrap_or_default()).1
        }
    };
    move || {
        any.get().then(|| {
            view! {
                <div class="filter">
                    {search_filter::field("Search files: name, kind, SHA-256, person")}
                    {cluster_filter::choice(clusters)}
                    {state_filter::choice(counts, word)}
                    <ColumnChoice columns />
                </div>
            }
        })
    }
}

/// How many are trusted how far.
fn counts(list: &ListFilesResponse) -> Vec<(Trust, u64)> {
    let counts = list.counts.iter();
    counts.map(|of| (of.trust(), of.count)).collect()
}

/// The same by the words of addresses, with those that were removed.
fn states(list: &ListFilesResponse) -> state_filter::Counts {
    let word = |trust: Trust| state_filter::word(trust.as_str_name(), PREFIX);
    let counts = list.counts.iter();
    let mut states: Vec<_> = counts.map(|of| (word(of.trust()), of.count)).collect();
    if list.removed_count > 0 {
        states.push((REMOVED.to_owned(), list.removed_count));
    }
    states
}

/// `4 files: 2 verified, 2 damaged`.
fn headline(counts: &[(Trust, u64)]) -> String {
    let total = counts.iter().map(|(_, count)| count).sum();
    let mut parts = Vec::new();
    for trust in [
        Trust::Verified,
        Trust::Unproven,
        Trust::Damaged,
        Trust::Unknown,
    ] {
        let of: u64 = counts
            .iter()
            .filter(|(this, _)| *this == trust)
            .map(|(_, n)| n)
            .sum();
        if of > 0 {
            parts.push(format!(
                "{} {}",
                format::number(of),
                status::stored_trust(trust).1
            ));
        }
    }
    match total {
        0 => "No files yet".into(),
        total => format!(
            "{}: {}",
            format::count(total, "file", "files"),
            parts.join(", ")
        ),
    }
}

fn table(
    list: ListFilesResponse,
    newest: LocalResource<newest::Newest>,
    sort: Memo<Sort>,
    columns: Columns,
    asked: RwSignal<Option<FileSummary>>,
) -> impl IntoView {
    if list.counts.is_empty() && list.removed_count == 0 {
        let why_not = reason(Permission::Upload, Of::Any);
        let first = move || {
            if why_not.with(String::is_empty) {
                "Upload a snapshot above: it is checked while it arrives."
            } else {
                "Operators upload snapshots here. Each is listed with what was found in it."
            }
        };
        return view! {
            <p class="muted">
                {first} " To check a file without sending it anywhere, use "
                <a href=paths::inspect()>"Inspect"</a> "."
            </p>
        }
        .into_any();
    }
    if list.total == 0 {
        return search_filter::nothing("files").into_any();
    }
    let shown = list.files.len();
    let grants = Identity::expect().grants_now();
    let rows = list
        .files
        .into_iter()
        .map(|file| row(file, newest, &grants, asked))
        .collect_view();
    let used = format::bytes(list.used_bytes);
    view! {
        <section class="section" aria-label="Files">
            <div class="table-wrap">
                <table class="table lines files" data-without=move || columns.without()>
                    <thead>
                        <tr>
                            <SortHeading key="name" label="Name" sort />
                            <SortHeading key="cluster" label="Cluster" sort />
                            <SortHeading key="kind" label="Kind" sort />
                            <SortHeading key="trust" label="State" sort />
                            <th scope="col">"Content"</th>
                            <SortHeading key="size" label="Size" sort number=true />
                            <SortHeading key="uploaded" label="Uploaded" sort />
                            <th scope="col"><span class="visually-hidden">"Actions"</span></th>
                        </tr>
                    </thead>
                    <tbody on:keydown=arrows>{rows}</tbody>
                </table>
            </div>
            <Pager shown total=list.total next=list.next_page_token one="file" many="files" />
            <p class="small muted">{format!("{used} in total.")}</p>
        </section>
    }
    .into_any()
}

fn row(
    file: FileSummary,
    newest: LocalResource<newest::Newest>,
    grants: &Grants,
    asked: RwSignal<Option<FileSummary>>,
) -> impl IntoView + use<> {
    let is_removed = file.removed_at_ms > 0;
    let is = if is_removed {
        ("not-checked", REMOVED)
    } else {
        status::stored_trust(file.trust())
    };
    let why = if is_removed {
        format!("Removed by {}", format::visible(&file.removed_by))
    } else {
        file.sentence.clone()
    };
    let from = came_by(&file);
    let compared = file.clone();
    let place = move || {
        let (short, words) = newest.with(|newest| {
            let newest = newest.as_ref()?.get(&compared.cluster)?;
            let place = newest::Recency::of(&compared, Some(newest))?;
            Some((place.short(), place.words(newest)))
        })?;
        let title = words.clone();
        Some(view! {
            <span class="muted small nowrap" title=title>
                <span aria-hidden="true">" · " {short}</span>
                <span class="visually-hidden">{words}</span>
            </span>
        })
    };
    let values = file
        .headline
        .iter()
        .map(|of| format!("{} {}", of.label, format::visible(&of.value)));
    let values = values.collect::<Vec<_>>().join(", ");
    let here = Place::Cluster(&file.cluster);
    let may_plan = grants.allow(Permission::Plan, here).is_ok();
    let offer = offers(&file).into_iter().next().filter(|_| may_plan);
    let may_remove = !is_removed && grants.allow(Permission::RemoveFiles, here).is_ok();
    let first = if let Some(offer) = offer {
        let path = offer.path([file.id.as_str()]);
        view! { <a class="button small" href=path>{offer.verb}</a> }.into_any()
    } else if !is_removed && file.trust() != Trust::Verified {
        view! { <a class="button small" href=paths::file(&file.id)>"View findings"</a> }.into_any()
    } else {
        ().into_any()
    };
    let asked_file = file.clone();
    view! {
        <tr>
            <th scope="row" data-label="Name"><span class="clip"><a href=paths::file(&file.id)>{format::visible(&file.name)}</a></span></th>
            <td data-label="Cluster">{cluster_filter::shown(&file.cluster)}</td>
            <td data-label="Kind" class="wide-only">{file.kind}</td>
            <td data-label="State" class="state"><span title=why><Status is /></span></td>
            <td data-label="Content" class="wide-only"><Clipped text=values /></td>
            <td data-label="Size" class="number"><Bytes n=file.size /></td>
            <td data-label="Uploaded"><span title=from><Ago ms=file.uploaded_at_ms /></span>{place}</td>
            <td data-label="Actions" class="row-acts">
                {first}
                {may_remove.then(|| view! {
                    <button type="button" class="button small" on:click=move |_| asked.set(Some(asked_file.clone()))>"Remove"</button>
                })}
            </td>
        </tr>
    }
}

/// The recoveries that are offered for a stored file: none for one that is damaged, whose page still has them.
pub(crate) fn offers(file: &FileSummary) -> Vec<Offer> {
    let is_offered = file.removed_at_ms == 0
        && file.origin() == FileOrigin::Upload
        && matches!(file.trust(), Trust::Verified | Trust::Unproven);
    match is_offered {
        true => systems::offers(&file.kind),
        false => Vec::new(),
    }
}

/// How a file came, and by whom.
fn came_by(file: &FileSummary) -> String {
    let how = match file.origin() {
        FileOrigin::Upload => "upload",
        FileOrigin::Evidence => "evidence",
        FileOrigin::Unspecified => "unknown",
    };
    format!("{how} by {}", format::visible(&file.uploaded_by))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headline_counts_what_is_verified() {
        assert_eq!(headline(&[]), "No files yet");
        assert_eq!(headline(&[(Trust::Verified, 1)]), "1 file: 1 verified");
        assert_eq!(
            headline(&[(Trust::Damaged, 2), (Trust::Verified, 2)]),
            "4 files: 2 verified, 2 damaged"
        );
    }

    #[test]
    fn a_restore_is_offered_of_what_can_be_restored_alone() {
        let file = |trust: Trust, kind: &str, origin: FileOrigin, removed| {
            let offers = offers(&FileSummary {
                trust: trust.into(),
                kind: kind.into(),
                origin: origin.into(),
                removed_at_ms: removed,
                ..FileSummary::default()
            });
            offers.iter().any(|offer| offer.recovery == "etcd.restore")
        };
        let (good, upload) = ("etcd-snapshot", FileOrigin::Upload);
        assert!(file(Trust::Verified, good, upload, 0));
        assert!(file(Trust::Unproven, "etcd-db", upload, 0));
        assert!(!file(Trust::Damaged, good, upload, 0));
        assert!(!file(Trust::Verified, "etcd-wal", upload, 0));
        assert!(!file(Trust::Verified, "raft-db", upload, 0));
        assert!(!file(Trust::Verified, good, FileOrigin::Evidence, 0));
        assert!(!file(Trust::Verified, good, upload, 1));
    }
}
