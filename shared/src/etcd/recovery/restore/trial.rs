//! A restore tried in memory: what it would stumble over is said when a file is inspected, not when it is under way.

use super::cluster::Cluster;
use super::edit::{EditError, edit};
use super::{CleanUp, MemberRequest, RestoreRequest, Target, TargetVersion};
use crate::bbolt::Database;
use crate::finding::Finding;

/// What keeps any restore from rewriting this file.
pub(in crate::etcd) fn obstacle(database: &Database<'_>) -> Option<Finding> {
    let error = try_all(database).err()?;
    let what = format!("A restore cannot rewrite what it has to: {error}.");
    Some(
        Finding::blocking("restore.impossible", "file", what)
            .because("The rest may be sound; a restored server would not have its own members, log index and versions.")
            .todo("Use another snapshot, or another member's database."),
    )
}

/// Tries all that any restore would do with `database`, raising the revision included; nothing comes of it.
///
/// # Errors
/// [`EditError`], but for a revision so great that it cannot be raised: that depends on the request.
fn try_all(database: &Database<'_>) -> Result<(), EditError> {
    let members = [MemberRequest {
        name: "m1".to_owned(),
        peer_urls: vec!["http://localhost:2380".to_owned()],
    }];
    let Ok(cluster) = Cluster::new(&members, "") else {
        return Ok(());
    };
    let mut request = RestoreRequest {
        snapshot: String::new(),
        members: members.to_vec(),
        token: String::new(),
        bump_revision: 0,
        mark_compacted: false,
        skip_hash_check: true,
        accept_older_meta: true,
        target_version: TargetVersion::default(),
        clean_up: CleanUp {
            alarms: true,
            auth: true,
            downgrade: true,
            versions: true,
        },
        target: Target::Download,
        last_seen: None,
    };
    edit(database, &cluster, &request)?;
    request.bump_revision = 1;
    match edit(database, &cluster, &request) {
        Ok(_) | Err(EditError::Overflow { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
