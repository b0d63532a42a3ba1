//! What bbolt allows and etcd does not have, and what to do about a damaged file of etcd.

use crate::bbolt::scan::{BucketSummary, Remedies};
use crate::etcd::storage::schema;
use crate::finding::{Finding, Severity};
use crate::number::grouped;

pub(super) const REMEDIES: Remedies = Remedies {
    damaged: "Use another snapshot, or the database of another member; this one cannot be restored as it is.",
    cut_off: "Save or copy the snapshot again, and compare the sizes.",
    no_meta: "Check that this is an etcd snapshot or a copy of member/snap/db; if it is, use another member's.",
    big_endian: "Restore it with etcdutl on a machine of the same kind.",
    free_tail: "A restore leaves them out.",
    fallback: "Compare the revision with what the cluster last served before relying on it; a restore takes it only with “Accept the older meta page” (--accept-older-meta).",
    spare_meta: "A restore rewrites it.",
    meta_header: "Servers ignore it; etcdutl snapshot status crashes on it.",
    older: "Reverting to it loses one commit: at most 100 ms or 10 000 operations of writes.",
    older_todo: "If no other member's file is sound, have bbolt surgery revert the meta page on a copy, and check that copy.",
    too_many_buckets: "etcd has ten buckets; this file was not made by etcd or is damaged.",
    // etcd stores none; old or post-processed files have one, and a restore writes a file without.
    freelist: Severity::Warning,
    freelist_wrong: "A restore does not need it; a server that opens this file itself does.",
    freelist_unusable: "The freelist only tells which pages may be overwritten: no data is lost with it, and a restore does not need it. A server that opens this file itself does, and may crash.",
    freelist_todo: "A restore writes a file without a stored freelist.",
};

pub(super) fn nested(bucket: &[u8], many: u64) -> Finding {
    let subject = format!("bucket {}", bucket.escape_ascii());
    let what = format!("It holds {many} buckets of its own; etcd has none within its buckets.");
    if bucket == schema::KEY {
        Finding::blocking("bucket.nested", subject, what)
            .because("A server takes each of them for a key without a value, and crashes or serves what was never written.")
            .todo("Use another snapshot, or another member's database.")
    } else {
        Finding::warning("bucket.nested", subject, what)
            .because("They are not part of the data that etcd serves.")
    }
}

pub(super) fn plain_in_root(page: u64, many: u64) -> Finding {
    let what =
        format!("{many} entries of the root bucket are plain pairs; etcd has only buckets there.");
    Finding::warning("bucket.plain-in-root", format!("page {page}"), what)
        .because("etcd's tools crash on such a file.")
}

pub(super) fn amount(buckets: &[BucketSummary]) -> String {
    let many = buckets.len();
    match buckets.iter().find(|bucket| bucket.name == schema::KEY) {
        Some(keys) => format!("{many} buckets, {} revisions", grouped(keys.pairs)),
        None => format!("{many} buckets, none of them `key`"),
    }
}
