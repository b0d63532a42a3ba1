//! What is kept of each revision: 8 bytes, 8 more where HashKV is wanted, and 6 more where prefixes are; more of the few that have a lease or a
//! label, or something odd about them.

use hashbrown::HashMap;

use crate::bbolt::scan::{Pair, UpTo};
use crate::etcd::storage::schema::{KeyValue, Revision};

use super::folders::Folders;
use super::label::{Label, Labelled, renewal};
use super::revision_key::RevisionKey;
use super::tally::{Note, Oddity};
use super::user_key::UserKey;

/// All that is kept of the revisions that the pass saw, whether they are in use or not.
#[derive(Debug, Default)]
pub(in crate::etcd::storage) struct Records {
    /// Whether `up_to` is kept.
    pub(super) hash_kv: bool,
    pub(super) entries: Vec<UserKey>,
    /// Parallel to `entries`; empty when HashKV is not wanted.
    pub(super) up_to: Vec<UpTo>,
    pub(super) notes: Vec<Note>,
    /// Entry and index into `leases`, for every entry with a lease.
    pub(super) leased: Vec<(u32, u32)>,
    pub(super) leases: Vec<i64>,
    pub(super) labelled: Labelled,
    /// Where live keys are wanted by prefix.
    pub(super) placed: Option<Placed>,
    /// The last time at which a lease of Kubernetes was renewed: seconds since 1970.
    pub(super) renewed: Option<i64>,
    lease_index: HashMap<i64, u32, std::hash::RandomState>,
    /// Of the leaf at hand.
    seen: Seen,
}

/// The folder and the size of each revision, parallel to [`Records::entries`].
#[derive(Debug, Default)]
pub(super) struct Placed {
    pub(super) folders: Folders,
    pub(super) folder: Vec<u16>,
    /// Bytes of user key and value.
    pub(super) bytes: Vec<u32>,
}

impl Placed {
    #[inline]
    pub(super) fn push(&mut self, folder: u16, bytes: u64) {
        self.folder.push(folder);
        self.bytes.push(u32::try_from(bytes).unwrap_or(u32::MAX));
    }
}

/// How often each oddity was seen on one page, and where first, without allocating.
#[derive(Debug, Default)]
struct Seen {
    any: bool,
    kinds: [(u16, u16); 5],
}

impl Seen {
    const KINDS: [Oddity; 5] = [
        Oddity::Undecodable,
        Oddity::ModRevision,
        Oddity::Version,
        Oddity::CreateRevision,
        Oddity::EmptyKey,
    ];

    #[cold]
    fn add(&mut self, kind: usize, index: u16) {
        self.any = true;
        let (first, count) = &mut self.kinds[kind];
        if *count == 0 {
            *first = index;
        }
        *count += 1;
    }

    /// Notes what a healthy store never has (spec 2.2).
    #[inline]
    fn put(&mut self, index: u16, revision: Revision, kv: &KeyValue<'_>) {
        if kv.key.is_empty() {
            // What a revision bump leaves is all empty; the rest of the rules is not for it.
            self.add(4, index);
            return;
        }
        if kv.mod_revision != revision.main {
            self.add(1, index);
        }
        if kv.version < 1 {
            self.add(2, index);
        }
        if kv.create_revision > kv.mod_revision {
            self.add(3, index);
        }
    }
}

impl Records {
    /// Records of nothing; with `hash_kv`, HashKV of the newest revision can be computed from them, with `prefixes`
    /// they tell live keys by prefix.
    pub(in crate::etcd::storage) fn new(hash_kv: bool, prefixes: bool) -> Self {
        Self {
            hash_kv,
            placed: prefixes.then(Placed::default),
            ..Self::default()
        }
    }

    /// Takes a revision of a plain leaf.
    #[inline]
    pub(super) fn push(&mut self, pair: Pair<'_, RevisionKey>) {
        let revision = pair.key.revision();
        let (mut folder, mut bytes) = (0, 0);
        let user_key = match KeyValue::decode(pair.value) {
            Ok(kv) => {
                if !revision.tombstone {
                    self.seen.put(pair.index, revision, &kv);
                    if kv.lease != 0 {
                        self.push_lease(kv.lease);
                    }
                    if let Some(label) = Label::of(kv.key, kv.value) {
                        self.labelled.push(self.entries.len(), label);
                    }
                }
                if let Some(placed) = &mut self.placed {
                    folder = placed.folders.of(kv.key);
                    bytes = (kv.key.len() + kv.value.len()) as u64;
                    self.renewed = self.renewed.max(renewal(kv.key, kv.value));
                }
                UserKey::new(kv.key, revision.tombstone)
            }
            Err(_) => {
                self.seen.add(0, pair.index);
                UserKey::UNREADABLE
            }
        };
        self.entries.push(user_key);
        if self.hash_kv {
            self.up_to.push(pair.up_to);
        }
        if let Some(placed) = &mut self.placed {
            placed.push(folder, bytes);
        }
    }

    /// Remembers that the entry which comes next has a lease.
    pub(super) fn push_lease(&mut self, lease: i64) {
        let Ok(entry) = u32::try_from(self.entries.len()) else {
            return;
        };
        let next = self.leases.len() as u32;
        let index = *self.lease_index.entry(lease).or_insert(next);
        if index == next {
            self.leases.push(lease);
        }
        self.leased.push((entry, index));
    }

    /// Keeps what was odd about a leaf that has ended.
    pub(super) fn leaf_end(&mut self, page: u32) {
        if !self.seen.any {
            return;
        }
        let seen = std::mem::take(&mut self.seen);
        for (oddity, (first, count)) in Seen::KINDS.into_iter().zip(seen.kinds) {
            if count > 0 {
                self.notes.push(Note {
                    page,
                    oddity,
                    first,
                    count,
                });
            }
        }
    }

    /// Takes back the entries from `start` on.
    pub(super) fn truncate(&mut self, start: usize) {
        self.seen = Seen::default();
        self.entries.truncate(start);
        self.up_to.truncate(start);
        self.labelled.truncate(start);
        if let Some(placed) = &mut self.placed {
            placed.folder.truncate(start);
            placed.bytes.truncate(start);
        }
        while self
            .leased
            .last()
            .is_some_and(|(e, _)| *e as usize >= start)
        {
            self.leased.pop();
        }
    }

    /// Notes about a page, once all of them are sorted by page.
    pub(super) fn notes_of(&self, page: u32) -> &[Note] {
        let start = self.notes.partition_point(|n| n.page < page);
        let notes = &self.notes[start..];
        let end = notes.iter().take_while(|n| n.page == page).count();
        &notes[..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_as_small_as_promised() {
        assert_eq!(size_of::<UserKey>(), 8);
        assert_eq!(size_of::<UpTo>(), 8);
        assert_eq!(size_of::<Note>(), 12);
    }
}
