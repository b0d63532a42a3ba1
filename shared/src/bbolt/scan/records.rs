//! What is kept of each page: with a key of 12 bytes 48 bytes of a leaf, and 16 of each branch element.
//!
//! Pages come in ascending order, so records are found by bisection. A page that is anything but plain and
//! sound is only noted as deferred: if the walk reaches it, it is read again, slowly and with an eye for
//! detail. Most such pages are free ones that the walk never reaches.

use super::visitor::{CompactKey, Visitor};

/// Bytes of keys kept of leaves whose keys are not compact; beyond this such leaves are deferred.
const MAX_OTHER_KEY_BYTES: usize = 16 << 20;
/// Branch elements kept for each page of the file; beyond this branches are deferred.
const BRANCH_ELEMENTS_PER_PAGE: usize = 2;

/// A leaf page.
#[derive(Debug, Clone, Copy)]
pub(super) struct LeafRecord<K> {
    pub(super) page: u32,
    pub(super) overflow: u32,
    /// CRC-32C over its keys and values, in order.
    pub(super) crc: u32,
    /// Bytes of its keys and values: no page that is decoded in the pass has 4 GiB.
    pub(super) bytes: u32,
    pub(super) keys: LeafKeys<K>,
}

/// What a record says of its leaf's keys.
#[derive(Debug, Clone, Copy)]
pub(super) enum LeafKeys<K> {
    /// To be read again when the walk reaches it.
    Deferred,
    /// There are none.
    Empty,
    /// Compact ones in ascending order.
    Compact {
        count: u16,
        /// The visitor's mark before them.
        mark: u32,
        first: K,
        last: K,
    },
    /// Other ones in ascending order.
    Other {
        count: u16,
        /// Index into [`Records::others`].
        at: u32,
    },
}

impl<K> LeafRecord<K> {
    pub(super) fn new(page: u32, overflow: u32, keys: LeafKeys<K>) -> Self {
        Self {
            page,
            overflow,
            crc: 0,
            bytes: 0,
            keys,
        }
    }
}

/// First and last key of a leaf whose keys are not compact.
#[derive(Debug, Clone)]
pub(super) struct OtherKeys {
    pub(super) first: Box<[u8]>,
    pub(super) last: Box<[u8]>,
}

/// A branch page whose separators are compact.
#[derive(Debug, Clone, Copy)]
struct BranchRecord {
    page: u32,
    start: u32,
    count: u16,
}

/// An element of such a branch.
#[derive(Debug, Clone, Copy)]
pub(super) struct BranchEntry<K> {
    pub(super) separator: K,
    pub(super) child: u32,
}

/// All that is kept of the pages.
#[derive(Debug)]
pub(super) struct Records<K> {
    pub(super) leaves: Vec<LeafRecord<K>>,
    branches: Vec<BranchRecord>,
    branch_entries: Vec<BranchEntry<K>>,
    pub(super) others: Vec<OtherKeys>,
    other_key_bytes: usize,
}

/// What one visitor has seen, and what is kept of the pages that it has seen.
#[derive(Debug)]
pub(super) struct Seen<V: Visitor> {
    pub(super) visitor: V,
    pub(super) records: Records<V::Key>,
}

impl<V: Visitor> Seen<V> {
    pub(super) fn new(visitor: V) -> Self {
        Self {
            visitor,
            records: Records::default(),
        }
    }
}

impl<K> Default for Records<K> {
    fn default() -> Self {
        Self {
            leaves: Vec::new(),
            branches: Vec::new(),
            branch_entries: Vec::new(),
            others: Vec::new(),
            other_key_bytes: 0,
        }
    }
}

impl<K: Copy> Records<K> {
    /// A leaf, and its place among all of them.
    pub(super) fn leaf(&self, page: u32) -> Option<(usize, &LeafRecord<K>)> {
        let index = self.leaves.binary_search_by_key(&page, |l| l.page).ok()?;
        Some((index, self.leaves.get(index)?))
    }

    /// Where the elements of a branch are, for [`Records::branch_entry`].
    pub(super) fn branch(&self, page: u32) -> Option<std::ops::Range<usize>> {
        let index = self.branches.binary_search_by_key(&page, |b| b.page).ok()?;
        let branch = self.branches.get(index)?;
        let start = branch.start as usize;
        Some(start..start + usize::from(branch.count))
    }

    pub(super) fn branch_entry(&self, index: usize) -> Option<BranchEntry<K>> {
        self.branch_entries.get(index).copied()
    }

    /// Keeps a branch, and whether it was kept: not where one of its elements is odd or there are too many.
    pub(super) fn push_branch(
        &mut self,
        page: u32,
        entries: impl Iterator<Item = Option<BranchEntry<K>>>,
    ) -> bool {
        let start = self.branch_entries.len();
        let limit = (page as usize + 2048).saturating_mul(BRANCH_ELEMENTS_PER_PAGE);
        for entry in entries {
            match entry {
                Some(entry) if self.branch_entries.len() < limit => self.branch_entries.push(entry),
                _ => {
                    self.branch_entries.truncate(start);
                    return false;
                }
            }
        }
        let (count, start32) = (self.branch_entries.len() - start, u32::try_from(start));
        let (Ok(count), Ok(start32)) = (u16::try_from(count), start32) else {
            self.branch_entries.truncate(start);
            return false;
        };
        self.branches.push(BranchRecord {
            page,
            start: start32,
            count,
        });
        true
    }

    /// Keeps the ends of a leaf of keys that are not compact; `None` when there are too many.
    pub(super) fn push_other(&mut self, first: &[u8], last: &[u8]) -> Option<u32> {
        let bytes = first.len() + last.len() + 64;
        if self.other_key_bytes + bytes > MAX_OTHER_KEY_BYTES {
            return None;
        }
        let index = u32::try_from(self.others.len()).ok()?;
        self.other_key_bytes += bytes;
        self.others.push(OtherKeys {
            first: first.into(),
            last: last.into(),
        });
        Some(index)
    }
}

impl<K: CompactKey> Records<K> {
    /// Adds what was kept of other leaves by keys of another form, as of leaves whose keys are not compact. Branches
    /// of such keys are read again.
    pub(super) fn absorb<L: CompactKey>(&mut self, other: Records<L>) {
        if other.leaves.is_empty() {
            return;
        }
        let known = |count, at: Option<u32>| match at {
            Some(at) => LeafKeys::Other { count, at },
            None => LeafKeys::Deferred,
        };
        for leaf in other.leaves {
            let keys = match leaf.keys {
                LeafKeys::Deferred => LeafKeys::Deferred,
                LeafKeys::Empty => LeafKeys::Empty,
                LeafKeys::Compact {
                    count, first, last, ..
                } => known(count, self.push_other(&first.bytes(), &last.bytes())),
                LeafKeys::Other { count, at } => {
                    let keys = other.others.get(at as usize);
                    known(
                        count,
                        keys.and_then(|keys| self.push_other(&keys.first, &keys.last)),
                    )
                }
            };
            self.leaves.push(LeafRecord {
                page: leaf.page,
                overflow: leaf.overflow,
                crc: leaf.crc,
                bytes: leaf.bytes,
                keys,
            });
        }
        // A leaf with overflow may be deferred in the one and known in the other: that it is known counts.
        self.leaves
            .sort_unstable_by_key(|leaf| (leaf.page, matches!(leaf.keys, LeafKeys::Deferred)));
        self.leaves.dedup_by_key(|leaf| leaf.page);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As large as the key that most files are full of: etcd's revision.
    type Key = [u32; 3];

    #[test]
    fn records_are_as_small_as_promised() {
        assert_eq!(size_of::<LeafRecord<Key>>(), 48);
        assert_eq!(size_of::<BranchEntry<Key>>(), 16);
    }
}
