//! What is said of a file that is something else where an etcd snapshot is needed. What the file *is* it says itself.

use super::log_files::{ETCD_SNAP, ETCD_WAL};
use super::storage::inspection::{CHOOSE, ETCD_DB};
use crate::inspection::{Kind, Recognised};

/// The same file, said to whoever needs an etcd snapshot: that one is needed, and where to find it.
#[must_use]
pub fn snapshot_needed(mut found: Recognised) -> Recognised {
    let kind = found.kind();
    if kind == ETCD_DB {
        // It is one, and says what became of it.
        return found;
    }
    let what = found.sentence.trim_end_matches('.');
    found.sentence = format!("{what}; an etcd snapshot is needed here.");
    found.todo = todo(&kind, &found);
    found
}

fn todo(kind: &Kind, found: &Recognised) -> String {
    if *kind == ETCD_WAL {
        return "The database of that member is member/snap/db, beside the folder member/wal: use that file, or save a snapshot with etcdctl.".to_owned();
    }
    if *kind == ETCD_SNAP {
        return "The database of that member is the file db in the same folder, member/snap/db: use that file, or save a snapshot with etcdctl.".to_owned();
    }
    let holds = found.holds.as_ref().map(Kind::as_str);
    if found.todo.is_empty() || holds == Some("bbolt") {
        return CHOOSE.to_owned();
    }
    // Its own way leads to another system.
    let of_another = |kind| matches!(kind, "raft-db" | "raft-snapshot" | "peers-json" | "sqlite");
    if of_another(kind.as_str()) || holds.is_some_and(of_another) {
        let choose = CHOOSE.replacen('C', "c", 1);
        return format!("{} For etcd, {choose}", found.todo);
    }
    found.todo.clone()
}
