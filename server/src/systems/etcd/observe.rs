//! What a restore rests on, as the server sees it: the stored snapshot, and the place where the result would go.

use std::path::Path;

use anyhow::Context as _;
use requorum_shared::etcd::recovery::restore::observation::{
    Observation, SourceFacts, TargetFacts, TargetState,
};
use requorum_shared::etcd::recovery::restore::{RestoreRequest, Target};
use requorum_shared::kinds;
use rustix::fs::statvfs;

use crate::roots::{Roots, There, is_plain};
use crate::systems::Sight;

/// What a restore rests on.
///
/// # Errors
/// When the stored inspection cannot be read.
pub(in crate::systems) fn restore(
    request: &RestoreRequest,
    sight: &Sight<'_>,
) -> anyhow::Result<Observation> {
    let snapshot = sight.files.first().context("a restore without a file")?;
    let inspection = kinds::etcd_from_json(&snapshot.inspection_json)
        .context("reading the stored inspection")?;
    let cluster = &snapshot.cluster;
    Ok(Observation {
        source: SourceFacts::from(&inspection),
        target: target(sight.roots, sight.downloads, &request.target, cluster),
        cluster: cluster.clone(),
    })
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
            state: TargetState::Unknown,
            free_bytes: None,
        };
    };
    if !is_plain(path) {
        // The check says what is wrong with it; nothing is looked up that may lie elsewhere.
        return TargetFacts {
            place: format!("{}/{path}", root.path.display()),
            root_known: true,
            state: TargetState::Unknown,
            free_bytes: root.free_bytes("").ok(),
        };
    }
    let state = match root.look(path) {
        Ok(There::Missing) => TargetState::Missing,
        Ok(There::Empty) => TargetState::Empty,
        Ok(There::Occupied) => TargetState::Occupied,
        Ok(There::NotAFolder) => TargetState::NotAFolder,
        Ok(There::Unwritable(why)) => TargetState::Unwritable { why },
        Err(error) => TargetState::Unwritable {
            why: error.to_string(),
        },
    };
    TargetFacts {
        place: root.shown(path),
        root_known: true,
        state,
        free_bytes: root.free_bytes(path).ok(),
    }
}
