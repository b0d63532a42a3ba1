//! What a restore rests on, as the server sees it: the stored snapshot, and the place where the result would go.

use std::io;
use std::path::Path;

use anyhow::Context as _;
use requorum_shared::etcd::recovery::restore::observation::{
    Observation, SourceFacts, StoredState, TargetFacts, TargetState,
};
use requorum_shared::etcd::recovery::restore::{RestoreRequest, Target};
use rustix::fs::statvfs;

use crate::roots::{Roots, There, is_plain};
use crate::systems::Sight;

/// What a restore rests on.
///
/// # Errors
/// When the file is of another kind.
pub(in crate::systems) fn restore(
    request: &RestoreRequest,
    sight: &Sight<'_>,
) -> anyhow::Result<Observation> {
    let snapshot = sight.files.first().context("a restore without a file")?;
    let inspection = snapshot.inspection.clone().into_etcd();
    let inspection = inspection.context("a restore of a file that is not an etcd database")?;
    let cluster = &snapshot.cluster;
    Ok(Observation {
        source: SourceFacts {
            stored: Some(stored(snapshot.size, &snapshot.found)),
            ..SourceFacts::from(&inspection)
        },
        target: target(sight.roots, sight.downloads, &request.target, cluster),
        cluster: cluster.clone(),
    })
}

/// What the store says now of a file that had so many bytes.
fn stored(was: u64, found: &Result<Option<u64>, String>) -> StoredState {
    match found {
        Ok(Some(size)) if *size == was => StoredState::Kept,
        Ok(Some(size)) => StoredState::OtherSize { size: *size },
        Ok(None) => StoredState::Missing,
        Err(why) => StoredState::Unknown { why: why.clone() },
    }
}

/// Looks at the target of a restore of `cluster`, where a root of that cluster has it. Nothing is changed.
fn target(roots: &Roots, downloads: &Path, target: &Target, cluster: &str) -> TargetFacts {
    match target {
        Target::Download => TargetFacts {
            place: "a download".into(),
            root_known: true,
            state: TargetState::Missing,
            free_bytes: statvfs(downloads)
                .ok()
                .map(|stat| stat.f_bavail.saturating_mul(stat.f_frsize)),
        },
        Target::Folder { root, path } => folder(roots, root, path, cluster),
    }
}

fn folder(roots: &Roots, root: &str, path: &str, cluster: &str) -> TargetFacts {
    // Of another cluster's root nothing is said, not even that there is one.
    let Some(root) = roots.find_for(root, cluster) else {
        return TargetFacts {
            place: format!("{root}/{path}"),
            root_known: false,
            state: TargetState::Unknown { why: None },
            free_bytes: None,
        };
    };
    if !is_plain(path) {
        // The check says what is wrong with it; nothing is looked up that may lie elsewhere.
        return TargetFacts {
            place: format!("{}/{path}", root.path.display()),
            root_known: true,
            state: TargetState::Unknown { why: None },
            free_bytes: root.free_bytes("").ok(),
        };
    }
    TargetFacts {
        place: root.shown(path),
        root_known: true,
        state: state(root.look(path)),
        free_bytes: root.free_bytes(path).ok(),
    }
}

fn state(looked: io::Result<There>) -> TargetState {
    match looked {
        Ok(There::Missing) => TargetState::Missing,
        Ok(There::Empty) => TargetState::Empty,
        Ok(There::Occupied) => TargetState::Occupied,
        Ok(There::NotAFolder) => TargetState::NotAFolder,
        Ok(There::Unwritable(why)) => TargetState::Unwritable { why },
        Err(error) => match error.kind() {
            // The folder's own answer. Anything else, like a disk that cannot be read, says nothing about it.
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                TargetState::Unwritable {
                    why: error.to_string(),
                }
            }
            _ => TargetState::Unknown {
                why: Some(error.to_string()),
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_says_nothing_about_the_folder_leaves_it_unknown() {
        let of = |errno: rustix::io::Errno| state(Err(errno.into()));
        for errno in [
            rustix::io::Errno::IO,
            rustix::io::Errno::STALE,
            rustix::io::Errno::MFILE,
        ] {
            let TargetState::Unknown { why: Some(why) } = of(errno) else {
                panic!("{errno}: {:?}", of(errno));
            };
            assert!(!why.is_empty());
        }
        for errno in [rustix::io::Errno::ACCESS, rustix::io::Errno::ROFS] {
            assert!(
                matches!(of(errno), TargetState::Unwritable { .. }),
                "{errno}"
            );
        }
    }

    #[test]
    fn what_the_store_says_is_told_apart() {
        assert_eq!(stored(9, &Ok(Some(9))), StoredState::Kept);
        assert_eq!(stored(9, &Ok(None)), StoredState::Missing);
        let other = StoredState::OtherSize { size: 8 };
        assert_eq!(stored(9, &Ok(Some(8))), other);
        let why = "It does not answer.".to_owned();
        let unknown = StoredState::Unknown { why: why.clone() };
        assert_eq!(stored(9, &Err(why)), unknown);
    }
}
