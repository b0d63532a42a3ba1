//! What takes room on this server, for whom, and how much is left.

use std::collections::BTreeMap;
use std::io;
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
    let made = app.lists.jobs.made().await?.into_iter();
    for made in made.filter(|made| seen.have(&made.cluster)) {
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
            false => of.leftovers_bytes += bytes,
        }
    }
    clusters.retain(|name, of| {
        seen.have(name)
            && (
                of.files_bytes,
                of.uploads_bytes,
                of.downloads_bytes,
                of.leftovers_bytes,
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
    let (mut seen, mut all) = (std::collections::BTreeSet::new(), Vec::new());
    let mut look = Look::new();
    for place in places {
        if !seen.insert(place.path.clone()) {
            continue;
        }
        let bytes = look.below(&place.path);
        if bytes > 0 {
            all.push((place.cluster, place.download, bytes));
        }
    }
    (all, look.partly)
}

/// A look at what lies on the disk.
struct Look {
    /// How many more files are looked at.
    left: usize,
    /// Whether something was left out: what is too much, and what cannot be read.
    partly: bool,
}

impl Look {
    fn new() -> Self {
        Self {
            left: MOST_FILES,
            partly: false,
        }
    }

    /// Bytes on the disk below a folder; links are not followed. What is not there takes none.
    fn below(&mut self, path: &Path) -> u64 {
        use std::os::unix::fs::MetadataExt as _;

        let mut bytes = 0;
        let Some(entries) = self.read(std::fs::read_dir(path)) else {
            return 0;
        };
        for entry in entries {
            if self.left == 0 {
                self.partly = true;
                break;
            }
            self.left -= 1;
            let Some(entry) = self.read(entry) else {
                continue;
            };
            let Some(metadata) = self.read(entry.metadata()) else {
                continue;
            };
            bytes += match metadata.is_dir() {
                true => self.below(&entry.path()),
                false => metadata.blocks().saturating_mul(512),
            };
        }
        bytes
    }

    fn read<T>(&mut self, read: io::Result<T>) -> Option<T> {
        match read {
            Ok(read) => Some(read),
            Err(error) => {
                // It may be removed meanwhile.
                self.partly |= error.kind() != io::ErrorKind::NotFound;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_looked_at_is_said_and_what_is_not_there_takes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("m1")).unwrap();
        let file = dir.path().join("m1/db");
        std::fs::write(&file, vec![1; 10_000]).unwrap();
        let mut look = Look::new();
        assert!(look.below(dir.path()) >= 10_000);
        assert_eq!(look.below(&dir.path().join("gone")), 0);
        assert!(!look.partly);
        // It cannot be listed.
        assert_eq!(look.below(&file), 0);
        assert!(look.partly);
        let mut few = Look {
            left: 1,
            partly: false,
        };
        assert_eq!(few.below(dir.path()), 0);
        assert!(few.partly);
    }
}
