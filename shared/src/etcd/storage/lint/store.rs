//! Oddities of the store: revisions, buckets, leases, the compaction, the quota.

use crate::bbolt::Database;
use crate::etcd::storage::hashkv::user_key;
use crate::etcd::storage::mvcc::Oddity;
use crate::etcd::storage::schema::{self, Revision};
use crate::finding::{Finding, Report};
use crate::number::{bytes, grouped, signed};

use super::{Seen, contents, plural};

/// Above this etcd's default quota is exceeded, in bytes.
const DEFAULT_QUOTA: u64 = 2 << 30;
/// Entries of the compact revision that are looked at for an operation of two halves.
const MAX_ENTRIES_OF_REVISION: usize = 10_000;

/// What the entries of bucket `key` should not be (spec 2.2).
pub(super) fn oddities(seen: &Seen<'_>, report: &mut Report) {
    type Make = fn(String, String, String) -> Finding;
    let kinds: [(Oddity, Make, &str, &str, &str, &str); 7] = [
        (
            Oddity::RevisionKey,
            Finding::blocking,
            "mvcc.revision-key",
            "keys in bucket `key` are not revisions",
            "Servers crash at start on such a key; etcdutl 3.6 refuses the file.",
            "Use another snapshot, or another member's database.",
        ),
        (
            Oddity::Undecodable,
            Finding::blocking,
            "mvcc.undecodable",
            "values in bucket `key` cannot be decoded",
            "Servers crash at start on such a value; etcdutl 3.6 refuses the file.",
            "Use another snapshot, or another member's database.",
        ),
        (
            Oddity::Mark,
            Finding::warning,
            "mvcc.mark",
            "revisions have an 18th byte that is not `t`",
            "etcd reads them as puts, but never writes them: the byte was damaged, perhaps a deletion's.",
            "Compare HashKV with another member's file.",
        ),
        (
            Oddity::ModRevision,
            Finding::warning,
            "mvcc.mod-revision",
            "values name another mod_revision than the revision they are stored under",
            "The store contradicts itself: clients that compare revisions will misbehave.",
            "Compare HashKV with another member's file.",
        ),
        (
            Oddity::Version,
            Finding::warning,
            "mvcc.version",
            "puts have a version below 1",
            "etcd counts versions from 1; transactions that compare versions take such a key for absent.",
            "Compare HashKV with another member's file.",
        ),
        (
            Oddity::CreateRevision,
            Finding::warning,
            "mvcc.create-revision",
            "keys were made after they were last written",
            "The store contradicts itself.",
            "Compare HashKV with another member's file.",
        ),
        (
            Oddity::EmptyKey,
            Finding::note,
            "mvcc.empty-key",
            "puts have an empty key",
            "A revision bump of an earlier restore leaves one such marker; etcdutl 3.6 counts it as a key, and clients do not see it.",
            "",
        ),
    ];
    for (oddity, make, code, what, why, todo) in kinds {
        let Some((count, place)) = seen.walk.seen(oddity) else {
            continue;
        };
        let what = format!(
            "{count} {what}; the first on page {}, element {}.",
            place.page, place.index
        );
        let mut finding = make(code.to_owned(), "bucket key".to_owned(), what);
        finding = finding.because(why).todo(todo);
        if let Some(offset) = place.offset {
            finding = finding.at_offset(offset);
        }
        report.push(finding.at_page(place.page, seen.database.page_size()));
    }
}

pub(super) fn missing_buckets(seen: &Seen<'_>, report: &mut Report) {
    if !seen.read.has_meta && seen.walk.tree.buckets_complete {
        let what = "The file has no bucket `meta`.";
        let finding = Finding::warning("bucket.meta-missing", "bucket meta", what);
        report.push(
            finding
                .because("etcdutl 3.6 and 3.7 crash on it, and nothing says which revisions are compacted.")
                .todo("Find out how this file was made; a server's own file always has it."),
        );
    }
}

/// Keys that no lease will ever expire (spec 7.4).
pub(super) fn unknown_leases(seen: &Seen<'_>, report: &mut Report) {
    if seen.walk.leased.is_empty() {
        return;
    }
    let Some(known) = &seen.read.lease_ids else {
        let what = "Whether all keys with a lease have one in the file was not checked.";
        report.push(
            Finding::note("lease.not-checked", "bucket lease", what).because(
                "Bucket `lease` could not be read whole, or has more than a million leases.",
            ),
        );
        return;
    };
    let mut unknown = seen.walk.leased.clone();
    unknown.retain(|(lease, _)| known.binary_search(lease).is_err());
    let keys: u64 = unknown.iter().map(|(_, count)| count).sum();
    if keys == 0 {
        return;
    }
    unknown.sort_unstable();
    let ids: Vec<_> = unknown
        .iter()
        .take(5)
        .map(|(id, _)| format!("{id:x}"))
        .collect();
    let more = if unknown.len() > 5 { ", …" } else { "" };
    let what = format!(
        "{} attached to leases that are not in the file: {}{more}.",
        plural(keys, "key is", "keys are"),
        ids.join(", ")
    );
    report.push(
        Finding::warning("lease.unknown", "bucket lease", what)
            .because("Such keys never expire: the server logs that it failed to attach a lease and keeps them.")
            .todo("After the restore, delete those that should have expired."),
    );
}

/// Keys that a restore gives another life (spec 7.4).
pub(super) fn leased_keys(seen: &Seen<'_>, report: &mut Report) {
    let Some(known) = &seen.read.lease_ids else {
        return;
    };
    let attached = seen.walk.leased.iter();
    let attached = attached.filter(|(lease, _)| known.binary_search(lease).is_ok());
    let (mut leases, mut keys) = (0, 0);
    for (_, count) in attached {
        leases += 1;
        keys += count;
    }
    if keys == 0 {
        return;
    }
    let what = format!(
        "{} attached to {}.",
        plural(keys, "key is", "keys are"),
        plural(leases, "lease", "leases")
    );
    report.push(
        Finding::note("lease.keys", "bucket lease", what)
            .because("After a restore each lease runs again from its full time to live, or from its last checkpoint: keys whose lease no client renews are deleted then, also those that had expired by now."),
    );
}

/// A key deleted and made again in the transaction at which the store was compacted can vanish: etcd #22376.
pub(super) fn deleted_and_made_again(seen: &Seen<'_>, report: &mut Report) {
    let Some(compact) = seen.read.marks.map(|marks| marks.compact()) else {
        return;
    };
    if compact < 0 {
        return;
    }
    let Some(page) = find_both_halves(seen.database, compact) else {
        return;
    };
    let what = format!(
        "Revision {} deletes a key and creates it again, and the store is compacted at exactly that revision.",
        signed(compact)
    );
    report.push(
        Finding::warning(
            "mvcc.deleted-and-made-again",
            format!("revision {compact}"),
            what,
        )
        .because("etcd can lose the key's live value at such a compaction (etcd issue 22376).")
        .todo("Check that key after the restore.")
        .at_page(page, seen.database.page_size()),
    );
}

fn find_both_halves(database: &Database<'_>, main: i64) -> Option<u64> {
    let bucket = database.bucket(schema::KEY).ok()??;
    let mut cursor = bucket.cursor();
    let start = Revision {
        main,
        sub: 0,
        tombstone: false,
    };
    cursor.seek(&start.encode()).ok()?;
    let mut deleted: Vec<Vec<u8>> = Vec::new();
    let mut scratch = Vec::new();
    for _ in 0..MAX_ENTRIES_OF_REVISION {
        let entry = cursor.next().ok()??;
        let revision = Revision::parse(entry.key)?;
        if revision.main != main {
            return None;
        }
        let key = user_key(&entry, &mut scratch).ok()?;
        if revision.tombstone {
            deleted.push(key.to_vec());
        } else if deleted.iter().any(|deleted| deleted == key) {
            return Some(entry.page);
        }
    }
    None
}

pub(super) fn compaction(seen: &Seen<'_>, report: &mut Report) {
    let Some(scheduled) = contents(seen).scheduled_compact_revision else {
        return;
    };
    let what = format!(
        "A compaction at revision {} was requested and has not finished.",
        signed(scheduled)
    );
    report.push(
        Finding::note("compaction.pending", "bucket meta", what)
            .because("The first server to start from this file carries it out: older revisions are gone then."),
    );
}

pub(super) fn quota(seen: &Seen<'_>, report: &mut Report) {
    let Some(meta) = seen.walk.tree.meta else {
        return;
    };
    let size = meta.logical_size();
    if size <= DEFAULT_QUOTA {
        return;
    }
    let free = match contents(seen).free_bytes {
        Some(free) => format!("{} of them free", grouped(free)),
        None => "how many of them are free is unknown".to_owned(),
    };
    let what = format!(
        "The database has {}, {free}; the default quota is 2 GiB.",
        bytes(size)
    );
    report.push(
        Finding::warning("quota.default", "file", what)
            .because("A restore does not make it smaller: at the first write the servers raise NOSPACE unless their quota is higher.")
            .todo("Set --quota-backend-bytes above the size on every member, or defragment after the start."),
    );
}
