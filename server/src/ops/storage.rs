//! What takes room on this server, for whom, and how much is left.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use requorum_shared::api::v1::{ClusterStorage, GetStorageResponse};
use requorum_shared::permission::{Permission, Place};

use super::authorize::{authorize, where_allowed};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{Result, internal};

/// The most files that are looked at of what jobs made.
const MOST_FILES: usize = 200_000;

/// Bytes by cluster and by what they are, of clusters that the actor may see.
pub async fn storage(app: &App, actor: &Actor) -> Result<GetStorageResponse> {
    authorize(app, actor, Permission::See, Place::Anywhere).await?;
    let seen = where_allowed(actor, Permission::See);
    let mut clusters = BTreeMap::<String, ClusterStorage>::new();
    for (tally, bytes) in app.lists.files.tally_files().await? {
        let of = clusters.entry(tally.cluster).or_default();
        of.files_bytes += bytes;
    }
    for upload in app.store.uploads().await? {
        let arrived = app.uploads.written(&upload);
        clusters.entry(upload.cluster).or_default().uploads_bytes += arrived;
    }
    let mut places = Vec::new();
    for made in app.lists.jobs.made().await? {
        places.push(Looked {
            cluster: made.cluster.clone(),
            path: app.data_dir.downloads().join(&made.id),
            download: true,
        });
        if let Some(root) = app.roots.find(&made.root).filter(|_| !made.path.is_empty()) {
            places.push(Looked {
                cluster: made.cluster,
                path: root.path.join(&made.path),
                download: false,
            });
        }
    }
    let look = move || Ok(measured(places));
    let (made, partly) = app.work.run(&actor.user_id, look).await?;
    for (cluster, download, bytes) in made {
        let of = clusters.entry(cluster).or_default();
        match download {
            true => of.downloads_bytes += bytes,
            false => of.restored_bytes += bytes,
        }
    }
    clusters.retain(|name, of| {
        seen.have(name)
            && (
                of.files_bytes,
                of.uploads_bytes,
                of.downloads_bytes,
                of.restored_bytes,
            ) != (0, 0, 0, 0)
    });
    let clusters = clusters.into_iter();
    Ok(GetStorageResponse {
        clusters: clusters
            .map(|(cluster, of)| ClusterStorage { cluster, ..of })
            .collect(),
        free_bytes: app.uploads.free_bytes().map_err(internal)?,
        size_bytes: app.uploads.disk_bytes().map_err(internal)?,
        files_elsewhere: app.config.objects.is_some(),
        partly,
    })
}

/// A folder that a job made.
struct Looked {
    cluster: String,
    path: PathBuf,
    /// It waits to be downloaded; otherwise it is where a restore was asked to put it.
    download: bool,
}

/// The bytes below each folder, and whether some were left out. Folders that two jobs used count once, for the first.
fn measured(places: Vec<Looked>) -> (Vec<(String, bool, u64)>, bool) {
    let (mut seen, mut left, mut all) = (std::collections::BTreeSet::new(), MOST_FILES, Vec::new());
    for place in places {
        if !seen.insert(place.path.clone()) {
            continue;
        }
        let bytes = below(&place.path, &mut left);
        if bytes > 0 {
            all.push((place.cluster, place.download, bytes));
        }
    }
    (all, left == 0)
}

/// Bytes on the disk below a folder; links are not followed. What cannot be read counts as nothing.
fn below(path: &Path, left: &mut usize) -> u64 {
    use std::os::unix::fs::MetadataExt as _;

    let Ok(entries) = std::fs::read_dir(path) else {
        return 0;
    };
    let mut bytes = 0;
    for entry in entries.flatten() {
        if *left == 0 {
            break;
        }
        *left -= 1;
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        bytes += if metadata.is_dir() {
            below(&entry.path(), left)
        } else {
            metadata.blocks().saturating_mul(512)
        };
    }
    bytes
}
