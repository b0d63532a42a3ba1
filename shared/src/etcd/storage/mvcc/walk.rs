//! What the walk through an etcd database gave: the tree, and the numbers of its key space.

use crate::bbolt;
use crate::etcd::storage::schema;
use crate::finding::Report;

use super::label::Label;
use super::live::Live;
use super::records::Records;
use super::tally::{OddPlace, Oddity};

/// The walk through the pages.
pub(in crate::etcd::storage) type Tree = bbolt::scan::Walk<Records>;

/// What the walk through a file's tree gave.
#[derive(Debug)]
pub struct Walk {
    /// Pages, buckets, structure.
    pub(in crate::etcd::storage) tree: Tree,
    /// The numbers of the whole; absent when some page could not be read.
    pub key_space: Option<KeySpace>,
    /// The numbers of bucket `key`; absent when some page of it could not be read, or when there is none.
    pub keys: Option<KeyNumbers>,
    /// Leases that live keys are attached to, with the number of keys.
    pub(in crate::etcd::storage) leased: Vec<(i64, u64)>,
    /// Labels of live keys, with the number of keys.
    pub(in crate::etcd::storage) labels: Vec<(Label, u64)>,
    /// What the keys of each folder add up to, where it was asked for.
    pub(in crate::etcd::storage) folders: Option<Vec<FolderTotals>>,
}

/// What the keys of a folder add up to, without those of folders within it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::etcd::storage) struct FolderTotals {
    /// Its name from the top, with the slash at its end; empty for the top itself.
    pub(in crate::etcd::storage) name: Box<[u8]>,
    /// Live keys.
    pub(in crate::etcd::storage) keys: u64,
    /// Bytes of live keys and their values.
    pub(in crate::etcd::storage) bytes: u64,
    /// Revisions, tombstones among them.
    pub(in crate::etcd::storage) revisions: u64,
    /// Bytes of user keys and values of all revisions.
    pub(in crate::etcd::storage) stored_bytes: u64,
}

/// The numbers of bucket `key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyNumbers {
    /// Main revision of its last entry; 0 when it is empty.
    pub revision: i64,
    /// Its pairs.
    pub revisions: u64,
    /// Tombstones among them.
    pub tombstones: u64,
}

/// The numbers over all buckets (spec 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySpace {
    /// HASH.
    pub hash: u32,
    /// REVISION.
    pub revision: i64,
    /// TOTAL KEYS as 3.6 counts: live user keys.
    pub live_keys: u64,
    /// TOTAL KEYS as 3.4 and 3.5 count: pairs of all buckets.
    pub pairs: u64,
    /// Pairs of bucket `key`.
    pub revisions: u64,
    /// Tombstones among them.
    pub tombstones: u64,
}

impl Walk {
    pub(in crate::etcd::storage) fn new(tree: Tree) -> Self {
        let (leased, labels) = live_keys(&tree.visitor, &tree.taken.live);
        let keys = tree.bucket(schema::KEY).filter(|bucket| bucket.complete);
        Self {
            key_space: key_space(&tree),
            keys: keys.map(|bucket| KeyNumbers {
                revision: tree.taken.last_main,
                revisions: bucket.pairs,
                tombstones: tree.taken.tombstones,
            }),
            leased,
            labels,
            folders: folders(&tree),
            tree,
        }
    }

    /// The meta in use.
    pub fn meta(&self) -> Option<&bbolt::Meta> {
        self.tree.meta.as_ref()
    }

    /// What the structure check found.
    pub fn into_report(self) -> Report {
        self.tree.into_report()
    }

    /// How many entries of bucket `key` cannot be decoded, and the page of the first: with any, the count of live
    /// keys is not to be relied on, and etcdutl 3.6 prints no status at all.
    pub fn undecodable(&self) -> Option<(u64, u64)> {
        let kinds = [Oddity::RevisionKey, Oddity::Undecodable];
        let mut seen = kinds.into_iter().filter_map(|kind| self.seen(kind));
        let (count, place) = seen.next()?;
        Some((count + seen.map(|(n, _)| n).sum::<u64>(), place.page))
    }

    /// Whether there were too many folders to tell all apart.
    pub(in crate::etcd::storage) fn folders_merged(&self) -> bool {
        let placed = self.tree.visitor.placed.as_ref();
        placed.is_some_and(|placed| placed.folders.merged)
    }

    /// The last time at which a lease of Kubernetes was renewed: seconds since 1970.
    pub(in crate::etcd::storage) fn renewed(&self) -> Option<i64> {
        self.tree.visitor.renewed
    }

    /// How often an oddity was seen in bucket `key`, and where first.
    pub(in crate::etcd::storage) fn seen(&self, oddity: Oddity) -> Option<(u64, OddPlace)> {
        self.tree.taken.tally.seen(oddity)
    }

    /// About how many revisions of bucket `key` are lost with pages that cannot be read.
    pub(in crate::etcd::storage) fn revisions_lost(&self) -> u64 {
        self.tree
            .bucket(schema::KEY)
            .map_or(0, |bucket| bucket.pairs_lost)
    }
}

/// The numbers over all buckets; `None` when some page could not be read.
fn key_space(tree: &Tree) -> Option<KeySpace> {
    let sums = tree.sums?;
    Some(KeySpace {
        hash: sums.crc,
        revision: tree.taken.last_main,
        live_keys: tree.taken.live.len(),
        pairs: sums.pairs,
        revisions: tree.bucket(schema::KEY).map_or(0, |bucket| bucket.pairs),
        tombstones: tree.taken.tombstones,
    })
}

/// What the keys of each folder add up to, of folders that have any.
fn folders(tree: &Tree) -> Option<Vec<FolderTotals>> {
    let records = &tree.visitor;
    let placed = records.placed.as_ref()?;
    let mut live = vec![(0u64, 0u64); placed.folders.names().len()];
    for entry in tree.taken.live.entries() {
        let folder = placed.folder.get(entry).copied().unwrap_or_default();
        let bytes = placed.bytes.get(entry).copied().unwrap_or_default();
        if let Some((keys, sum)) = live.get_mut(usize::from(folder)) {
            *keys += 1;
            *sum += u64::from(bytes);
        }
    }
    let all = tree.taken.folders.iter();
    let folders = placed.folders.names().iter().zip(live).zip(all);
    let folders = folders.filter(|(_, (revisions, _))| *revisions > 0);
    let folders = folders.map(
        |((name, (keys, bytes)), (revisions, stored_bytes))| FolderTotals {
            name: name.clone(),
            keys,
            bytes,
            revisions: *revisions,
            stored_bytes: *stored_bytes,
        },
    );
    Some(folders.collect())
}

/// Things that keys belong to, each with the number of its live keys.
type Counts<T> = Vec<(T, u64)>;

/// Counts the live keys of each lease and of each label.
fn live_keys(records: &Records, live: &Live) -> (Counts<i64>, Counts<Label>) {
    let labelled = &records.labelled;
    if records.leased.is_empty() && labelled.entries.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let bits = live.bitmap(records.entries.len());
    let is_live = |entry: u32| {
        let word = bits.get(entry as usize / 64).copied().unwrap_or_default();
        word >> (entry % 64) & 1 == 1
    };
    let mut leases = vec![0u64; records.leases.len()];
    for (entry, lease) in &records.leased {
        if is_live(*entry)
            && let Some(count) = leases.get_mut(*lease as usize)
        {
            *count += 1;
        }
    }
    let mut labels = vec![0u64; labelled.labels.len()];
    for (entry, label) in &labelled.entries {
        if is_live(*entry)
            && let Some(count) = labels.get_mut(usize::from(*label))
        {
            *count += 1;
        }
    }
    let leases = records.leases.iter().copied().zip(leases);
    let labels = labelled.labels.iter().cloned().zip(labels);
    (
        leases.filter(|(_, count)| *count > 0).collect(),
        labels.filter(|(_, count)| *count > 0).collect(),
    )
}
