//! The small buckets that a restore rewrites.

use super::super::cluster::Cluster;
use super::super::{RestoreRequest, TargetVersion, member_json, wal};
use super::{put, revision_key};
use crate::bbolt::write::Item;
use crate::etcd::storage::version::Recorded;

/// What happens to a bucket.
pub(super) struct Change {
    /// Whether all that was in it goes.
    empties: bool,
    removes: Vec<&'static str>,
    /// Lowered where they are above this, as major and minor.
    lowers: Vec<(&'static str, (u64, u64))>,
    /// Set where they are there already.
    replaces: Vec<Item>,
    puts: Vec<Item>,
}

impl Change {
    fn none() -> Self {
        Self {
            empties: false,
            removes: Vec::new(),
            lowers: Vec::new(),
            replaces: Vec::new(),
            puts: Vec::new(),
        }
    }

    /// Carries it out on the bucket's items.
    pub(super) fn apply(self, items: &mut Vec<Item>) {
        if self.empties {
            items.clear();
        }
        items.retain(|item| !self.removes.iter().any(|name| item.key == name.as_bytes()));
        for (name, limit) in self.lowers {
            let found = items.iter_mut().find(|item| item.key == name.as_bytes());
            if let Some(item) = found.filter(|item| is_above(&item.value, limit)) {
                item.value = format!("{}.{}.0", limit.0, limit.1).into_bytes();
            }
        }
        for item in self.replaces {
            if items.iter().any(|old| old.key == item.key) {
                put(items, item);
            }
        }
        for item in self.puts {
            put(items, item);
        }
    }
}

/// Whether a recorded version has to go for a server of this one: it is newer, or none that we know.
fn is_above(version: &[u8], limit: (u64, u64)) -> bool {
    let version = String::from_utf8_lossy(version);
    match Recorded::of(&version) {
        Recorded::Known(minor) => minor > limit,
        Recorded::Newer | Recorded::Older | Recorded::Nothing => true,
    }
}

/// The changes by bucket, in byte order of their names. `raised` is the revision that everything before is
/// marked compacted at.
pub(super) fn changes(
    cluster: &Cluster,
    request: &RestoreRequest,
    raised: Option<i64>,
) -> Vec<(&'static [u8], Change)> {
    let clean_up = request.clean_up;
    let mut changes = Vec::new();
    if clean_up.alarms {
        changes.push((
            &b"alarm"[..],
            Change {
                empties: true,
                ..Change::none()
            },
        ));
    }
    if clean_up.auth {
        changes.push((
            b"auth",
            Change {
                replaces: vec![Item::pair("authEnabled", [0])],
                ..Change::none()
            },
        ));
    }
    changes.push((b"cluster", cluster_bucket(request)));
    changes.push((
        b"members",
        Change {
            empties: true,
            puts: cluster
                .members()
                .iter()
                .map(|member| Item::pair(member.id.to_string(), member_json::member(member)))
                .collect(),
            ..Change::none()
        },
    ));
    changes.push((
        b"members_removed",
        Change {
            empties: true,
            ..Change::none()
        },
    ));
    changes.push((b"meta", meta_bucket(cluster, request, raised)));
    changes
}

fn cluster_bucket(request: &RestoreRequest) -> Change {
    let mut change = Change::none();
    if request.clean_up.downgrade {
        change.removes.push("downgrade");
    }
    if request.clean_up.versions {
        change
            .lowers
            .push(("clusterVersion", request.target_version.minor()));
    }
    change
}

fn meta_bucket(cluster: &Cluster, request: &RestoreRequest, raised: Option<i64>) -> Change {
    let mut change = Change::none();
    let target = request.target_version;
    let index = cluster.members().len() as u64;
    change
        .puts
        .push(Item::pair("consistent_index", index.to_be_bytes()));
    let term = Item::pair("term", wal::TERM.to_be_bytes());
    let voters: Vec<String> = cluster.voters().iter().map(|id| id.0.to_string()).collect();
    let conf_state = Item::pair(
        "confState",
        format!(r#"{{"voters":[{}],"auto_leave":false}}"#, voters.join(",")),
    );
    let lower = request.clean_up.versions;
    if target == TargetVersion::V3_4 && lower {
        // A 3.4 server takes a database with these for one of 3.5.
        change.removes.extend(["term", "confState"]);
    } else if target == TargetVersion::V3_4 {
        change.puts.push(term);
        change.replaces.push(conf_state);
    } else {
        change.puts.push(term);
        change.puts.push(conf_state);
    }
    if lower {
        match target {
            // Before 3.6 there was none.
            TargetVersion::V3_4 | TargetVersion::V3_5 => change.removes.push("storageVersion"),
            TargetVersion::V3_6 | TargetVersion::V3_7 => {
                change.lowers.push(("storageVersion", target.minor()));
            }
        }
    }
    if let Some(revision) = raised {
        change
            .puts
            .push(Item::pair("scheduledCompactRev", revision_key(revision)));
    }
    change
}
