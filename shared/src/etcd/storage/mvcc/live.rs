//! The set of live user keys, counted as 3.6 does: in key order, a put adds the key, a tombstone takes it out.

use hashbrown::HashTable;

use super::user_key::UserKey;

/// Indexes into the list of entries, found by the hash of the user key: four bytes a key instead of eight.
#[derive(Debug, Default)]
pub(super) struct Live(HashTable<u32>);

impl Live {
    /// Takes the next entry, in key order; `index` is its place in `entries`.
    #[inline]
    pub(super) fn take(&mut self, entries: &[UserKey], index: usize) {
        let (Some(entry), Ok(index)) = (entries.get(index), u32::try_from(index)) else {
            return;
        };
        if *entry == UserKey::UNREADABLE {
            return;
        }
        let hash_of = |i: u32| {
            entries
                .get(i as usize)
                .map(|e| e.hash())
                .unwrap_or_default()
        };
        let hash = entry.hash();
        if entry.tombstone() {
            if let Ok(found) = self.0.find_entry(hash, |i| hash_of(*i) == hash) {
                found.remove();
            }
            return;
        }
        self.0
            .entry(hash, |i| hash_of(*i) == hash, |i| hash_of(*i))
            .and_modify(|i| *i = index)
            .or_insert(index);
    }

    /// How many keys are alive.
    pub(super) fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// The entries that are the latest of their key, and no tombstone, in no order.
    pub(super) fn entries(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|index| *index as usize)
    }

    /// One bit per entry: whether it is the latest of its key, and no tombstone.
    pub(super) fn bitmap(&self, entries: usize) -> Vec<u64> {
        let mut bits = vec![0; entries.div_ceil(64)];
        for index in &self.0 {
            if let Some(word) = bits.get_mut(*index as usize / 64) {
                *word |= 1 << (index % 64);
            }
        }
        bits
    }
}
