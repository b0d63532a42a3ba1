//! What is kept of each page: 48 bytes of a leaf, 16 of each branch element, 8 of each revision.
//!
//! Pages come in ascending order, so records are found by bisection. A page that is anything but plain and
//! sound is only noted as deferred: if the walk reaches it, it is read again, slowly and with an eye for
//! detail. Most such pages are free ones that the walk never reaches.

use hashbrown::HashMap;

use super::label::Labelled;
use super::user_key::UserKey;
use crate::etcd::storage::schema::{REVISION_SIZE, Revision, TOMBSTONE_MARK, TOMBSTONE_SIZE};

/// Bytes of keys kept of leaves whose keys are no revisions; beyond this such leaves are deferred.
const MAX_OTHER_KEY_BYTES: usize = 16 << 20;
/// Branch elements kept for each page of the file; beyond this branches are deferred.
const BRANCH_ELEMENTS_PER_PAGE: usize = 2;

/// What a record says of its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeafKind {
    /// A leaf to be read again when the walk reaches it.
    Deferred,
    /// A leaf whose keys are revisions in ascending order.
    Revisions,
    /// A leaf of other keys in ascending order.
    Other,
    /// A leaf without elements.
    Empty,
}

/// A leaf page.
#[derive(Debug, Clone, Copy)]
pub(super) struct LeafRecord {
    pub(super) page: u32,
    pub(super) overflow: u32,
    /// CRC-32C over its keys and values, in order.
    pub(super) crc: u32,
    /// First of its entries in [`Records::entries`]; index into [`Records::others`] for [`LeafKind::Other`].
    pub(super) start: u32,
    /// Bytes of its keys and values.
    pub(super) bytes: u64,
    first_main: u64,
    main_span: u32,
    first_sub: u32,
    last_sub: u32,
    pub(super) count: u16,
    flags: u8,
    pub(super) kind: LeafKind,
}

const FIRST_TOMBSTONE: u8 = 1;
const LAST_TOMBSTONE: u8 = 2;
const NOTED: u8 = 4;

impl LeafRecord {
    pub(super) fn deferred(page: u32, overflow: u32) -> Self {
        Self {
            page,
            overflow,
            crc: 0,
            start: 0,
            bytes: 0,
            first_main: 0,
            main_span: 0,
            first_sub: 0,
            last_sub: 0,
            count: 0,
            flags: 0,
            kind: LeafKind::Deferred,
        }
    }

    /// Keeps the first and last revision; `false` when they do not fit (more than 2^32 apart, which no page of
    /// a real store is).
    pub(super) fn set_revisions(&mut self, first: Revision, last: Revision) -> bool {
        let span = u32::try_from(last.main.saturating_sub(first.main));
        let (first_sub, last_sub) = (u32::try_from(first.sub), u32::try_from(last.sub));
        let (Ok(main_span), Ok(first_sub), Ok(last_sub)) = (span, first_sub, last_sub) else {
            return false;
        };
        self.first_main = first.main.cast_unsigned();
        self.main_span = main_span;
        self.first_sub = first_sub;
        self.last_sub = last_sub;
        self.set(FIRST_TOMBSTONE, first.tombstone);
        self.set(LAST_TOMBSTONE, last.tombstone);
        true
    }

    fn set(&mut self, flag: u8, on: bool) {
        if on {
            self.flags |= flag;
        }
    }

    pub(super) fn set_noted(&mut self) {
        self.flags |= NOTED;
    }

    /// Whether there are notes about its entries.
    pub(super) fn noted(&self) -> bool {
        self.flags & NOTED != 0
    }

    pub(super) fn first(&self) -> Revision {
        Revision {
            main: self.first_main.cast_signed(),
            sub: self.first_sub.into(),
            tombstone: self.flags & FIRST_TOMBSTONE != 0,
        }
    }

    pub(super) fn last(&self) -> Revision {
        Revision {
            main: self.first_main.cast_signed() + i64::from(self.main_span),
            sub: self.last_sub.into(),
            tombstone: self.flags & LAST_TOMBSTONE != 0,
        }
    }

    pub(super) fn entries(&self) -> std::ops::Range<usize> {
        let start = self.start as usize;
        start..start + usize::from(self.count)
    }
}

/// First and last key of a leaf whose keys are no revisions.
#[derive(Debug, Clone)]
pub(super) struct OtherKeys {
    pub(super) first: Box<[u8]>,
    pub(super) last: Box<[u8]>,
}

/// A branch page whose separators are revisions.
#[derive(Debug, Clone, Copy)]
pub(super) struct BranchRecord {
    page: u32,
    start: u32,
    count: u16,
}

/// An element of such a branch.
#[derive(Debug, Clone, Copy)]
pub(super) struct BranchEntry {
    main: u64,
    pub(super) child: u32,
    sub: u32,
}

const SUB_TOMBSTONE: u32 = 1 << 31;

impl BranchEntry {
    /// `None` when the separator or the child do not fit.
    #[inline]
    pub(super) fn new(key: &[u8], child: u64) -> Option<Self> {
        if key.len() == TOMBSTONE_SIZE && key[REVISION_SIZE] != TOMBSTONE_MARK {
            return None;
        }
        let revision = Revision::parse(key)?;
        let sub = u32::try_from(revision.sub)
            .ok()
            .filter(|sub| sub & SUB_TOMBSTONE == 0)?;
        let mark = if revision.tombstone { SUB_TOMBSTONE } else { 0 };
        Some(Self {
            main: revision.main.cast_unsigned(),
            child: u32::try_from(child).ok()?,
            sub: sub | mark,
        })
    }

    pub(super) fn separator(&self) -> Revision {
        Revision {
            main: self.main.cast_signed(),
            sub: i64::from(self.sub & !SUB_TOMBSTONE),
            tombstone: self.sub & SUB_TOMBSTONE != 0,
        }
    }
}

/// Something about the meaning of a leaf's entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::etcd) enum Oddity {
    /// The value is no KeyValue.
    Undecodable,
    /// `mod_revision` is not the revision's own.
    ModRevision,
    /// A version below 1 on a put.
    Version,
    /// Made after it was last written.
    CreateRevision,
    /// A put of the empty key, as a revision bump leaves it.
    EmptyKey,
    /// A malformed revision key.
    RevisionKey,
    /// An 18th byte that is not `t`.
    Mark,
}

/// How often an oddity was seen on a page, and where first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Note {
    pub(super) page: u32,
    pub(super) oddity: Oddity,
    pub(super) first: u16,
    pub(super) count: u16,
}

/// Where an entry ends within its leaf's keys and values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prefix {
    /// CRC-32C up to and including the entry.
    pub(super) crc: u32,
    /// Bytes up to and including the entry.
    pub(super) bytes: u32,
}

/// All that is kept of the pages.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) leaves: Vec<LeafRecord>,
    branches: Vec<BranchRecord>,
    branch_entries: Vec<BranchEntry>,
    pub(super) entries: Vec<UserKey>,
    /// Parallel to `entries`; empty when HashKV is not wanted.
    pub(super) prefixes: Vec<Prefix>,
    pub(super) others: Vec<OtherKeys>,
    other_key_bytes: usize,
    pub(super) notes: Vec<Note>,
    /// Entry and index into `leases`, for every entry with a lease.
    pub(super) leased: Vec<(u32, u32)>,
    pub(super) leases: Vec<i64>,
    pub(super) labelled: Labelled,
    lease_index: HashMap<i64, u32, std::hash::RandomState>,
}

impl Records {
    pub(super) fn leaf(&self, page: u32) -> Option<&LeafRecord> {
        let index = self.leaves.binary_search_by_key(&page, |l| l.page).ok()?;
        self.leaves.get(index)
    }

    /// Where the elements of a branch are, for [`Records::branch_entry`].
    pub(super) fn branch(&self, page: u32) -> Option<std::ops::Range<usize>> {
        let index = self.branches.binary_search_by_key(&page, |b| b.page).ok()?;
        let branch = self.branches.get(index)?;
        let start = branch.start as usize;
        Some(start..start + usize::from(branch.count))
    }

    pub(super) fn branch_entry(&self, index: usize) -> Option<BranchEntry> {
        self.branch_entries.get(index).copied()
    }

    /// Keeps a branch, unless one of its elements is odd or there are too many.
    pub(super) fn push_branch(
        &mut self,
        page: u32,
        entries: impl Iterator<Item = Option<BranchEntry>>,
    ) {
        let start = self.branch_entries.len();
        let limit = (page as usize + 2048).saturating_mul(BRANCH_ELEMENTS_PER_PAGE);
        for entry in entries {
            match entry {
                Some(entry) if self.branch_entries.len() < limit => self.branch_entries.push(entry),
                _ => {
                    self.branch_entries.truncate(start);
                    return;
                }
            }
        }
        let (count, start32) = (self.branch_entries.len() - start, u32::try_from(start));
        match (u16::try_from(count), start32) {
            (Ok(count), Ok(start)) => self.branches.push(BranchRecord { page, start, count }),
            _ => self.branch_entries.truncate(start),
        }
    }

    /// Keeps the keys of a leaf of another bucket; `None` when there are too many.
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

    /// Remembers that an entry has a lease.
    pub(super) fn push_lease(&mut self, entry: usize, lease: i64) {
        let Ok(entry) = u32::try_from(entry) else {
            return;
        };
        let next = self.leases.len() as u32;
        let index = *self.lease_index.entry(lease).or_insert(next);
        if index == next {
            self.leases.push(lease);
        }
        self.leased.push((entry, index));
    }

    /// Takes back the entries from `start` on.
    pub(super) fn truncate(&mut self, start: usize) {
        self.entries.truncate(start);
        self.prefixes.truncate(start);
        self.labelled.truncate(start);
        while self
            .leased
            .last()
            .is_some_and(|(e, _)| *e as usize >= start)
        {
            self.leased.pop();
        }
    }

    /// Notes about a page.
    pub(super) fn notes_of(&self, page: u32) -> impl Iterator<Item = &Note> {
        let start = self.notes.partition_point(|n| n.page < page);
        self.notes[start..]
            .iter()
            .take_while(move |n| n.page == page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_as_small_as_promised() {
        assert_eq!(size_of::<LeafRecord>(), 48);
        assert_eq!(size_of::<BranchEntry>(), 16);
        assert_eq!(size_of::<UserKey>(), 8);
        assert_eq!(size_of::<Prefix>(), 8);
        assert_eq!(size_of::<Note>(), 12);
    }
}
