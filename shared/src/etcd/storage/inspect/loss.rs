//! What is lost with the pages that cannot be read, in a sentence: buckets by name, keys before all else.

use crate::etcd::storage::mvcc::Walk;
use crate::etcd::storage::schema;

use crate::number::grouped;

/// What a damaged tree has lost, as it follows `Do not restore this file:`; `pages` says how many of its pages cannot be
/// read. `None` where everything could be read.
pub(super) fn loss(walk: &Walk, pages: &str) -> Option<String> {
    let key = walk.tree.bucket(schema::KEY);
    let all_keys = match key {
        Some(bucket) => bucket.lost,
        None => !walk.tree.buckets_complete,
    };
    let others = others(walk);
    if all_keys {
        let mut text = match key {
            Some(_) => "bucket `key` cannot be read, so all keys are lost".to_owned(),
            None if walk.tree.buckets.is_empty() => {
                "the list of buckets cannot be read, so all keys are lost, and everything else with them"
                    .to_owned()
            }
            None => {
                "bucket `key` is not among the buckets that can be read, so all keys are lost"
                    .to_owned()
            }
        };
        if !others.is_empty() {
            text += &format!("; {} too", cannot_be_read(&others));
        }
        return Some(format!("{text} ({pages})"));
    }
    let keys = key
        .filter(|bucket| !bucket.complete)
        .map(|_| match walk.revisions_lost() {
            0 => format!("{pages}, some of them of bucket `key`"),
            1 => format!("{pages}; about one key revision is lost with them"),
            lost => format!(
                "{pages}; about {} key revisions are lost with them",
                grouped(lost)
            ),
        });
    match (keys, others.is_empty()) {
        (None, true) => None,
        (Some(keys), true) => Some(keys),
        (Some(keys), false) => Some(format!("{keys}; {} whole either", cannot_be_read(&others))),
        (None, false) => Some(format!(
            "{}{} ({pages})",
            cannot_be_read(&others),
            meaning(&others)
        )),
    }
}

/// Buckets other than `key` that cannot be read whole.
fn others(walk: &Walk) -> Vec<String> {
    let damaged = walk
        .tree
        .buckets
        .iter()
        .filter(|bucket| !bucket.complete && bucket.name != schema::KEY);
    damaged
        .map(|bucket| bucket.name.escape_ascii().to_string())
        .collect()
}

fn cannot_be_read(names: &[String]) -> String {
    match names {
        [one] => format!("bucket `{one}` cannot be read"),
        many => format!("buckets `{}` cannot be read", many.join("`, `")),
    }
}

/// What is unknown without them.
fn meaning(names: &[String]) -> &'static str {
    let has = |name: &str| names.iter().any(|n| n == name);
    match names {
        _ if has("auth") => ": whether authentication is on is unknown",
        _ if has("authUsers") || has("authRoles") => {
            ": users and what they may do are lost in part or all"
        }
        _ if has("meta") => ": the compaction and the position in the log are unknown",
        _ if has("lease") => ": which keys expire is unknown",
        _ if has("alarm") => ": which alarms are active is unknown",
        _ => "",
    }
}
