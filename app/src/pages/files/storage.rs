//! What takes room on the server, for which cluster, and how much is left.

use leptos::prelude::*;
use requorum_shared::api::v1::{ClusterStorage, GetStorageRequest, GetStorageResponse};

use crate::client::grpc;
use crate::components::bytes::Bytes;
use crate::components::load::load;
use crate::components::share_bar::{Share, ShareBar};
use crate::format;
use crate::pages::cluster_filter;

/// The section, fetched when it is opened.
#[component]
pub fn StorageUse() -> impl IntoView {
    let open = RwSignal::new(false);
    view! {
        <details class="storage" on:toggle=move |_| open.set(true)>
            <summary>"Storage use"</summary>
            {move || open.get().then(|| {
                let storage = LocalResource::new(|| grpc::call(GetStorageRequest {}));
                load(storage, shown)
            })}
        </details>
    }
}

fn total(of: &[ClusterStorage], part: impl Fn(&ClusterStorage) -> u64) -> u64 {
    of.iter().map(part).sum()
}

fn shown(storage: GetStorageResponse) -> impl IntoView {
    let of = &storage.clusters;
    let files = total(of, |c| c.files_bytes);
    let on_disk = if storage.files_elsewhere { 0 } else { files };
    let (uploads, downloads) = (
        total(of, |c| c.uploads_bytes),
        total(of, |c| c.downloads_bytes),
    );
    let restored = total(of, |c| c.restored_bytes);
    let known = on_disk + uploads + downloads + restored;
    let used = storage.size_bytes.saturating_sub(storage.free_bytes);
    let shares = vec![
        Share::new("Files", "files", on_disk),
        Share::new("Uploads", "uploads", uploads),
        Share::new("Downloads", "downloads", downloads),
        Share::new("Restored members", "restored", restored),
        Share::new("Other", "other", used.saturating_sub(known)),
        Share::new("Free", "free", storage.free_bytes),
    ];
    let notes = [
        storage.files_elsewhere.then(|| {
            format!(
                "Files are in a bucket ({}), not on this disk.",
                format::bytes(files)
            )
        }),
        storage
            .partly
            .then(|| "Restored members were not all counted: there are too many files.".to_owned()),
    ];
    let rows = storage.clusters.into_iter().map(|of| {
        view! {
            <tr>
                <th scope="row" data-label="Cluster">{cluster_filter::shown(&of.cluster)}</th>
                <td data-label="Files" class="number"><Bytes n=of.files_bytes /></td>
                <td data-label="Uploads" class="number"><Bytes n=of.uploads_bytes /></td>
                <td data-label="Downloads" class="number"><Bytes n=of.downloads_bytes /></td>
                <td data-label="Restored" class="number"><Bytes n=of.restored_bytes /></td>
            </tr>
        }
    });
    view! {
        <div class="stack">
            <ShareBar label="Disk of the data directory" shares />
            {notes.into_iter().flatten().map(|note| view! { <p class="small muted">{note}</p> }).collect_view()}
            <div class="table-wrap">
                <table class="table">
                    <thead><tr>
                        <th scope="col">"Cluster"</th><th scope="col" class="number">"Files"</th>
                        <th scope="col" class="number">"Unfinished uploads"</th><th scope="col" class="number">"Downloads"</th>
                        <th scope="col" class="number">"Restored members"</th>
                    </tr></thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
            <p class="small muted">"Downloads are restored members that the console keeps for download, below “downloads” in its data directory. Restored members are in the folders that their plans name. Both are removed on the page of their job."</p>
        </div>
    }
}
