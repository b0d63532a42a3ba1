//! What a sound file means for whoever restores it: oddities of the store, membership, and what survives.
//!
//! Each check is a small function, all of them run, and each finding says why it matters and what to do.

mod cluster;
mod members;
mod state;
mod store;

use crate::bbolt::Database;
use crate::finding::Report;

use super::contents::Read;
use super::inspection::Contents;
use super::mvcc::Walk;

/// Everything that was read of a file.
pub(super) struct Seen<'a> {
    pub(super) database: &'a Database<'a>,
    pub(super) walk: &'a Walk,
    pub(super) read: &'a Read,
    /// The file's name.
    pub(super) name: &'a str,
}

/// Runs all checks.
pub(super) fn lint(seen: &Seen<'_>, report: &mut Report) {
    let checks: [fn(&Seen<'_>, &mut Report); 17] = [
        store::oddities,
        store::missing_buckets,
        store::unknown_leases,
        store::leased_keys,
        store::deleted_and_made_again,
        state::alarms,
        state::auth,
        state::downgrade,
        state::versions,
        store::compaction,
        members::membership,
        members::duplicate_members,
        members::learners,
        store::quota,
        cluster::bootstrap,
        cluster::encryption,
        cluster::name,
    ];
    for check in checks {
        check(seen, report);
    }
}

fn contents<'a>(seen: &Seen<'a>) -> &'a Contents {
    &seen.read.contents
}

fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
