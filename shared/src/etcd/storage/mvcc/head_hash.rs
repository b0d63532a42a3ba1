//! HashKV of the newest revision from the checksums of the pass, without reading the file again.
//!
//! At the newest revision a page above the compact revision counts as a whole. Below it, only the latest
//! revision of each key counts, and the checksum of a stretch of entries follows from those up to its ends.

use crc32c::crc32c;

use crate::bbolt::Database;
use crate::bbolt::scan::{Combiner, StreamedLeaf, TakenLeaf};
use crate::etcd::storage::schema::{self, Revision};

use super::Walk;
use super::revision_key::RevisionKey;

/// Marks an index into the leaves in key order as one into those that were streamed.
pub(super) const STREAMED: u32 = 1 << 31;

/// A leaf of bucket `key`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaf {
    page: u64,
    /// Its first entry.
    start: usize,
    count: u16,
    first_main: i64,
    last_main: i64,
    crc: u32,
    bytes: u64,
}

impl From<TakenLeaf<RevisionKey>> for Leaf {
    fn from(leaf: TakenLeaf<RevisionKey>) -> Self {
        Self {
            page: leaf.page.into(),
            start: leaf.mark,
            count: leaf.count,
            first_main: leaf.first.revision().main,
            last_main: leaf.last.revision().main,
            crc: leaf.crc,
            bytes: leaf.bytes.into(),
        }
    }
}

impl Leaf {
    /// `None` where not every element of it is a revision, so that HashKV has to be computed from the file.
    pub(super) fn streamed(leaf: &StreamedLeaf<'_>) -> Option<Self> {
        let main = |key| Revision::parse(key).map(|revision| revision.main);
        Some(Self {
            page: leaf.page,
            start: leaf.mark,
            count: u16::try_from(leaf.count).ok().filter(|_| leaf.whole)?,
            first_main: leaf.first.and_then(main)?,
            last_main: leaf.last.and_then(main)?,
            crc: leaf.crc,
            // Beyond this, what is kept of its entries has not their lengths.
            bytes: Some(leaf.bytes).filter(|bytes| *bytes < u64::from(u32::MAX))?,
        })
    }
}

impl Walk {
    /// HashKV at the newest revision under this compact revision (spec 3.5). `None` when it was not wanted or
    /// does not follow from what the pass kept; [`hash_kv`](crate::etcd::storage::hashkv::hash_kv) then reads the
    /// bucket.
    pub(in crate::etcd::storage) fn head_hash_kv(
        &self,
        compact: i64,
        database: &Database<'_>,
    ) -> Option<u32> {
        let (records, taken) = (&self.tree.visitor, &self.tree.taken);
        let revision = self.key_space?.revision;
        // At or above the last revision, what one transaction did to a key twice matters; and when no key is
        // alive, nothing is left out at all.
        if !records.hash_kv || taken.no_order || compact >= revision || taken.live.len() == 0 {
            return None;
        }
        let live = taken.live.bitmap(records.entries.len());
        let mut combiner = Combiner::new();
        let mut crc = crc32c(schema::KEY);
        for index in &taken.order {
            let leaf = if index & STREAMED == 0 {
                self.tree.leaf(*index)?.into()
            } else {
                *taken.streamed.get((index & !STREAMED) as usize)?
            };
            if leaf.first_main > compact {
                crc = combiner.join(crc, leaf.crc, leaf.bytes);
            } else {
                crc = self.old_page(crc, &leaf, compact, &live, &mut combiner, database)?;
            }
        }
        Some(crc)
    }

    /// Goes on with those entries of a page that count.
    fn old_page(
        &self,
        mut crc: u32,
        leaf: &Leaf,
        compact: i64,
        live: &[u64],
        combiner: &mut Combiner,
        database: &Database<'_>,
    ) -> Option<u32> {
        let above = if leaf.last_main <= compact {
            usize::MAX
        } else {
            first_above(leaf, compact, database)?
        };
        let range = leaf.start..leaf.start + usize::from(leaf.count);
        let up_to = self.tree.visitor.up_to.get(range.clone())?;
        // Checksum and length up to the end of the entry before.
        let (mut crc_before, mut bytes_before) = (0, 0);
        for (index, (entry, up_to)) in range.zip(up_to).enumerate() {
            let alive = live.get(entry / 64)? >> (entry % 64) & 1 == 1;
            if alive || index >= above {
                let len = u64::from(up_to.bytes.checked_sub(bytes_before)?);
                let own = combiner.remove(up_to.crc, crc_before, len);
                crc = combiner.join(crc, own, len);
            }
            (crc_before, bytes_before) = (up_to.crc, up_to.bytes);
        }
        Some(crc)
    }
}

/// The first element of a leaf above the compact revision: one page of the file lies on both sides of it.
fn first_above(leaf: &Leaf, compact: i64, database: &Database<'_>) -> Option<usize> {
    let node = database.node(leaf.page).ok()?;
    if node.count() != leaf.count {
        return None;
    }
    for index in 0..node.count() {
        let element = node.element(index).ok()?;
        let revision = Revision::parse(&node.key_of(&element).ok()?)?;
        if revision.main > compact {
            return Some(index.into());
        }
    }
    None
}
