//! What takes room on the server, for which cluster, and how much is left.

use leptos::prelude::*;
use requorum_shared::api::v1::{ClusterStorage, GetStorageRequest, GetStorageResponse};

use crate::client::grpc;
use crate::components::bytes::Bytes;
use crate::components::load::load;
use crate::components::share_bar::{Share, ShareBar};
use crate::components::time::Time;
use crate::format;
use crate::pages::cluster_filter;

/// The section, fetched when it is opened.
#[component]
pub fn StorageUse() -> impl IntoView {
    let open = RwSignal::new(false);
    view! {
        <details class="storage" on:toggle=move |_| if !open.get_untracked() { open.set(true) }>
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

/// The parts of the data directory's disk.
fn shares(storage: &GetStorageResponse) -> Vec<Share> {
    let of = &storage.clusters;
    let on_disk = match storage.files_elsewhere {
        true => 0,
        false => total(of, |c| c.files_bytes),
    };
    let (uploads, downloads) = (
        total(of, |c| c.uploads_bytes),
        total(of, |c| c.downloads_bytes),
    );
    // What jobs left may be on any disk that a restore root is on: none of them is counted as this one's.
    let known = on_disk + uploads + downloads;
    let mut all = vec![
        Share::new("Files", "files", on_disk),
        Share::new("Uploads", "uploads", uploads),
        Share::new("Downloads", "downloads", downloads),
    ];
    // Of a disk that does not answer, only what lies on it is known.
    if let (Some(size), Some(free)) = (storage.size_bytes, storage.free_bytes) {
        let used = size.saturating_sub(free);
        all.push(Share::new("Other", "other", used.saturating_sub(known)));
        all.push(Share::new("Free", "free", free));
    }
    all
}

fn shown(storage: GetStorageResponse) -> impl IntoView {
    let of = &storage.clusters;
    let files = total(of, |c| c.files_bytes);
    let left = total(of, |c| c.leftovers_bytes);
    let shares = shares(&storage);
    let measured = match storage.measured_at_ms {
        0 => "The disks have not been measured yet: reload in a minute.".into_any(),
        ms => view! { "Measured " <Time ms /> "." }.into_any(),
    };
    let notes = [
        storage.free_bytes.is_none().then(|| {
            "How much is free on the disk of the data directory is unknown.".to_owned()
        }),
        storage.files_elsewhere.then(|| {
            format!(
                "Files are in a bucket ({}), not on this disk.",
                format::bytes(files)
            )
        }),
        (left > 0).then(|| {
            format!(
                "What jobs left takes {} in the folders that their plans name. Where those are on this disk, it counts as “Other”.",
                format::bytes(left)
            )
        }),
        storage
            .partly
            .then(|| "Not all that jobs left was counted: there are too many files, or some cannot be read.".to_owned()),
    ];
    let rows = storage.clusters.into_iter().map(|of| {
        view! {
            <tr>
                <th scope="row" data-label="Cluster">{cluster_filter::shown(&of.cluster)}</th>
                <td data-label="Files" class="number"><Bytes n=of.files_bytes /></td>
                <td data-label="Uploads" class="number"><Bytes n=of.uploads_bytes /></td>
                <td data-label="Downloads" class="number"><Bytes n=of.downloads_bytes /></td>
                <td data-label="Left by jobs" class="number"><Bytes n=of.leftovers_bytes /></td>
            </tr>
        }
    });
    view! {
        <div class="stack">
            <ShareBar label="Disk of the data directory" shares />
            <p class="small muted">{measured}</p>
            {notes.into_iter().flatten().map(|note| view! { <p class="small muted">{note}</p> }).collect_view()}
            <div class="table-wrap">
                <table class="table">
                    <thead><tr>
                        <th scope="col">"Cluster"</th><th scope="col" class="number">"Files"</th>
                        <th scope="col" class="number">"Unfinished uploads"</th><th scope="col" class="number">"Downloads"</th>
                        <th scope="col" class="number">"Left by jobs"</th>
                    </tr></thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
            <p class="small muted">"Downloads are what jobs made for download, below “downloads” in the console's data directory. What else jobs left is in the folders that their plans name. Both are removed on the page of their job."</p>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_jobs_left_is_not_taken_for_a_part_of_the_data_disk() {
        let mut storage = GetStorageResponse {
            clusters: vec![ClusterStorage {
                cluster: "prod".into(),
                files_bytes: 20,
                uploads_bytes: 3,
                downloads_bytes: 7,
                // On a larger disk.
                leftovers_bytes: 5_000,
            }],
            free_bytes: Some(40),
            size_bytes: Some(100),
            files_elsewhere: false,
            partly: false,
            measured_at_ms: 1,
        };
        let bar = |files, other| {
            [
                Share::new("Files", "files", files),
                Share::new("Uploads", "uploads", 3),
                Share::new("Downloads", "downloads", 7),
                Share::new("Other", "other", other),
                Share::new("Free", "free", 40),
            ]
        };
        assert_eq!(shares(&storage), bar(20, 30));
        storage.files_elsewhere = true;
        assert_eq!(shares(&storage), bar(0, 50));
        storage.free_bytes = None;
        assert_eq!(shares(&storage), bar(0, 0)[..3]);
    }
}
