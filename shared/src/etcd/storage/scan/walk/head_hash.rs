//! HashKV of the newest revision from the checksums of the pass, without reading the file again.
//!
//! At the newest revision a page above the compact revision counts as a whole. Below it, only the latest
//! revision of each key counts, and the checksum of a stretch of entries follows from those up to its ends.

use crc32c::crc32c;

use crate::bbolt::Database;
use crate::etcd::storage::schema::{self, Revision};

use super::super::combine::Combiner;
use super::super::records::LeafRecord;
use super::Walk;
use super::tree::EXAMINED;

impl Walk {
    /// HashKV at the newest revision under this compact revision (spec 3.5). `None` when it was not wanted or
    /// does not follow from what the pass kept; [`hash_kv`](crate::etcd::storage::hashkv::hash_kv) then reads the
    /// bucket.
    pub(crate) fn head_hash_kv(&self, compact: i64, database: &Database<'_>) -> Option<u32> {
        let head = &self.head;
        let revision = self.key_space?.revision;
        // At or above the last revision, what one transaction did to a key twice matters; and when no key is
        // alive, nothing is left out at all.
        if !head.complete || compact >= revision || head.live.len() == 0 {
            return None;
        }
        let live = head.live.bitmap(head.records.entries.len());
        let mut combiner = Combiner::new();
        let mut crc = crc32c(schema::KEY);
        for index in &head.order {
            let record = if index & EXAMINED == 0 {
                head.records.leaves.get(*index as usize)?
            } else {
                head.examined.get((index & !EXAMINED) as usize)?
            };
            if record.first().main > compact {
                crc = combiner.join(crc, record.crc, record.bytes);
            } else {
                crc = self.old_page(crc, record, compact, &live, &mut combiner, database)?;
            }
        }
        Some(crc)
    }

    /// Goes on with those entries of a page that count.
    fn old_page(
        &self,
        mut crc: u32,
        record: &LeafRecord,
        compact: i64,
        live: &[u64],
        combiner: &mut Combiner,
        database: &Database<'_>,
    ) -> Option<u32> {
        let above = if record.last().main <= compact {
            usize::MAX
        } else {
            first_above(record, compact, database)?
        };
        let range = record.entries();
        let prefixes = self.head.records.prefixes.get(range.clone())?;
        // Checksum and length up to the end of the entry before.
        let (mut crc_before, mut bytes_before) = (0, 0);
        for (index, (entry, prefix)) in range.zip(prefixes).enumerate() {
            let alive = live.get(entry / 64)? >> (entry % 64) & 1 == 1;
            if alive || index >= above {
                let len = u64::from(prefix.bytes.checked_sub(bytes_before)?);
                let own = combiner.remove(prefix.crc, crc_before, len);
                crc = combiner.join(crc, own, len);
            }
            (crc_before, bytes_before) = (prefix.crc, prefix.bytes);
        }
        Some(crc)
    }
}

/// The first element of a leaf above the compact revision: one page of the file lies on both sides of it.
fn first_above(record: &LeafRecord, compact: i64, database: &Database<'_>) -> Option<usize> {
    let leaf = database.node(record.page.into()).ok()?;
    if leaf.count() != record.count {
        return None;
    }
    for index in 0..leaf.count() {
        let element = leaf.element(index).ok()?;
        let revision = Revision::parse(&leaf.key_of(&element).ok()?)?;
        if revision.main > compact {
            return Some(index.into());
        }
    }
    None
}
