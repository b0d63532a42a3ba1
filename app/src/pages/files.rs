//! Stored files: which are there, how they came, and more of them coming.

pub mod cluster;
pub mod detail;
pub mod restore;
pub mod sending;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_query_map};
use requorum_shared::api::v1::{
    FileOrigin, FileSummary, ListFilesRequest, ListFilesResponse, Trust,
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
use crate::pages::of_cluster;
use crate::paths;
use crate::uploads::UploadQueue;

/// The list, and uploads.
#[component]
pub fn Files() -> impl IntoView {
    let uploads = UploadQueue::expect();
    let query = use_query_map();
    let sort =
        Memo::new(move |_| Sort::parse(query.with(|q| q.get("sort")).as_deref(), "-uploaded"));
    let filter = Memo::new(move |_| query.with(|q| q.get("q")).unwrap_or_default());
    let (cluster, place) = (of_cluster::chosen(), pager::place());
    let list = LocalResource::new(move || {
        uploads.arrived();
        grpc::call(ListFilesRequest {
            page_token: place.get().after,
            cluster: of_cluster::asked(&cluster.get()),
            query: filter.get(),
            order_by: sort.get().word(),
            ..ListFilesRequest::default()
        })
    });
    let sentence = Signal::derive(move || match list.get() {
        Some(Ok(list)) => headline(&counts(&list)),
        _ => "Files kept by this console.".into(),
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
                        <label for="filter">"Filter by name, kind, id or trust"</label>
                        <input id="filter" type="search" prop:value=filter on:input=move |ev| on_filter.run(event_target_value(&ev)) />
                    </div>
                    {of_cluster::choice(clusters)}
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

fn headline(counts: &[(Trust, u64)]) -> String {
    let of = |wanted: Option<Trust>| -> u64 {
        let fits = |trust| wanted.is_none_or(|wanted| wanted == trust);
        let counts = counts.iter().filter(|(trust, _)| fits(*trust));
        counts.map(|(_, count)| count).sum()
    };
    match (of(None), of(Some(Trust::Verified))) {
        (0, _) => "No file is kept here yet.".into(),
        (1, 1) => "One file is kept here, and it is verified.".into(),
        (all, verified) if all == verified => format!(
            "{} files are kept here, all of them verified.",
            format::number(all)
        ),
        (all, verified) => format!(
            "{} kept here; {} verified.",
            format::count(all, "file is", "files are"),
            format::count(verified, "is", "are")
        ),
    }
}

fn table(list: ListFilesResponse, sort: Memo<Sort>) -> impl IntoView {
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
            <p class="muted" role="status">"No file fits. " <a href=paths::files()>"All files"</a></p>
        }
        .into_any();
    }
    let shown = list.files.len();
    let rows = list.files.into_iter().map(row).collect_view();
    let used = format::bytes(list.used_bytes);
    view! {
        <section class="section">
            <div class="table-wrap">
                <table class="table">
                    <thead>
                        <tr>
                            <SortHeading key="name" label="Name" sort />
                            <SortHeading key="cluster" label="Cluster" sort />
                            <SortHeading key="kind" label="Kind" sort />
                            <SortHeading key="trust" label="Trust" sort />
                            <th scope="col">"Headline"</th>
                            <SortHeading key="size" label="Size" sort number=true />
                            <SortHeading key="uploaded" label="Uploaded" sort />
                            <th scope="col">"From"</th>
                            <th scope="col">"SHA-256"</th>
                        </tr>
                    </thead>
                    <tbody on:keydown=arrows>{rows}</tbody>
                </table>
            </div>
            <Pager shown total=list.total next=list.next_page_token one="file" many="files" />
            <p class="small muted">{format!("All that are kept use {used}.")}</p>
        </section>
    }
    .into_any()
}

fn row(file: FileSummary) -> impl IntoView {
    let trust = status::trust(file.trust());
    let from = came_by(&file);
    let values = file.headline.into_iter().map(|of| {
        view! { <span class="nowrap">{of.label} " " {format::visible(&of.value)}</span> " " }
    });
    view! {
        <tr>
            <th scope="row" data-label="Name"><a href=paths::file(&file.id)>{format::visible(&file.name)}</a></th>
            <td data-label="Cluster">{of_cluster::shown(&file.cluster)}</td>
            <td data-label="Kind">{file.kind}</td>
            <td data-label="Trust"><Status is=trust /></td>
            <td data-label="Headline" class="small">{values.collect_view()}</td>
            <td data-label="Size" class="number"><Bytes n=file.size /></td>
            <td data-label="Uploaded"><Time ms=file.uploaded_at_ms /></td>
            <td data-label="From">{from}</td>
            <td data-label="SHA-256"><Id value=file.id /></td>
        </tr>
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
        assert_eq!(headline(&[]), "No file is kept here yet.");
        assert_eq!(
            headline(&[(Trust::Verified, 1)]),
            "One file is kept here, and it is verified."
        );
        assert_eq!(
            headline(&[(Trust::Verified, 2)]),
            "2 files are kept here, all of them verified."
        );
        assert_eq!(
            headline(&[(Trust::Damaged, 1), (Trust::Verified, 1)]),
            "2 files are kept here; 1 is verified."
        );
    }
}
