//! bbolt databases of other programs, told by their buckets.

use super::{Recognised, State, quoted};
use crate::bbolt::Database;
use crate::etcd::storage::schema;

/// Buckets that are named; the rest is counted.
const SHOWN: usize = 8;

/// Names the owner of a database that both meta pages describe and that has no bucket of etcd.
pub(super) fn recognise(database: &Database<'_>) -> Option<Recognised> {
    // With one meta page lost, what is missing may be missing from the older state only.
    if database.metas().slots.iter().any(Result::is_err) {
        return None;
    }
    let (buckets, errors) = database.buckets();
    if !errors.is_empty() {
        return None;
    }
    let names: Vec<&[u8]> = buckets.iter().map(|(name, _)| name.as_slice()).collect();
    let of_etcd = [schema::KEY, schema::META, schema::MEMBERS, schema::AUTH];
    if names.iter().any(|name| of_etcd.contains(name)) {
        return None;
    }
    let listed = list(&names);
    const NOT_HERE: &str = "It contains nothing that this console could restore; choose a file that etcdctl snapshot save wrote, or a member's member/snap/db.";
    if names.is_empty() {
        let label = "a bbolt database without any bucket";
        return Some(Recognised::other("bbolt", label, State::Complete).todo(NOT_HERE));
    }
    if names.contains(&b"conf".as_slice()) && names.contains(&b"logs".as_slice()) {
        let label =
            "the Raft log of another system (Dkron, Consul, Nomad or Vault keep theirs like this)";
        return Some(
            Recognised::other("raft-db", label, State::Complete)
                .inside(format!(
                    "It is a bbolt database of HashiCorp's Raft library with the buckets {listed}."
                ))
                .todo("Recover that system with its own snapshots or peers.json; for etcd, choose a file that etcdctl snapshot save wrote, or a member's member/snap/db."),
        );
    }
    let label = "a bbolt database of another program";
    Some(
        Recognised::other("bbolt", label, State::Complete)
            .inside(format!("It has no bucket `key`; its buckets are {listed}."))
            .todo(NOT_HERE),
    )
}

fn list(names: &[&[u8]]) -> String {
    let mut shown: Vec<String> = names.iter().take(SHOWN).map(|name| quoted(name)).collect();
    if names.len() > SHOWN {
        shown.push(format!("{} more", names.len() - SHOWN));
    }
    match shown.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}
