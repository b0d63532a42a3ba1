//! The newest entries, in memory, for viewers of the tail.

use std::collections::VecDeque;

use bytes::Bytes;

/// Entries that are kept.
const RECENT: usize = 4096;

/// The newest entries, for viewers of the tail.
#[derive(Default)]
pub(super) struct Recent {
    /// The index of the first.
    start: u64,
    entries: VecDeque<Bytes>,
}

impl Recent {
    /// Adds the entry at `index`, which follows the last.
    pub(super) fn push(&mut self, index: u64, canonical: Bytes) {
        if index != self.start + self.entries.len() as u64 {
            self.entries.clear();
            self.start = index;
        }
        if self.entries.len() == RECENT {
            self.entries.pop_front();
            self.start += 1;
        }
        self.entries.push_back(canonical);
    }

    /// Up to `count` entries from `index` on; `None` when it is no longer held.
    pub(super) fn from(&self, index: u64, count: usize) -> Option<Vec<(u64, Bytes)>> {
        let skip = usize::try_from(index.checked_sub(self.start)?).ok()?;
        if skip >= self.entries.len() {
            return None;
        }
        let taken = self.entries.iter().skip(skip).take(count).cloned();
        Some((index..).zip(taken).collect())
    }
}
