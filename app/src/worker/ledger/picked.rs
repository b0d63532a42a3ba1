//! The lines of an export of acts that came out in some way: an act is wanted or not when it ends.

use std::collections::BTreeMap;

use requorum_shared::ledger::entry::Entry;

use crate::entry_filter::{Filter, OPEN};

/// Lines by their indexes.
#[derive(Debug, Default)]
pub(super) struct Picked {
    /// Of acts that came out as wanted.
    wanted: BTreeMap<u64, Vec<u8>>,
    /// Of acts that have not ended.
    open: BTreeMap<u64, Vec<u8>>,
}

impl Picked {
    /// Takes an entry, in the order of the ledger.
    pub(super) fn add(&mut self, filter: &Filter, entry: &Entry, line: Vec<u8>) {
        let index = entry.index;
        match entry.closes {
            Some(opened) => {
                let opening = self.open.remove(&opened);
                if let Some(opening) = opening.filter(|_| filter.is_outcome(entry)) {
                    self.wanted.insert(opened, opening);
                    self.wanted.insert(index, line);
                }
            }
            None if !filter.lets(entry) => {}
            None if entry.outcome.is_none() => {
                self.open.insert(index, line);
            }
            None if filter.is_outcome(entry) => {
                self.wanted.insert(index, line);
            }
            None => {}
        }
    }

    /// What is wanted once all entries were taken, in the order of the ledger.
    pub(super) fn lines(&self, filter: &Filter) -> &BTreeMap<u64, Vec<u8>> {
        match filter.outcome.as_str() {
            OPEN => &self.open,
            _ => &self.wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use requorum_shared::ledger::entry::{Draft, Outcome, Place};

    use super::*;

    #[test]
    fn an_act_is_exported_with_the_entry_that_closes_it() {
        let place = |index| Place {
            index,
            at_ms: 0,
            previous_ms: None,
        };
        let of = |who: &str| Draft {
            who: who.into(),
            ..Draft::default()
        };
        let (ada, ben) = (of("ada"), of("ben"));
        let entries = [
            Entry::opened(place(0), &ada),
            Entry::opened(place(1), &ada),
            Entry::noted(place(2), &ada, Outcome::Failed, ""),
            Entry::closed(place(3), &ada, 1, Outcome::Done, ""),
            Entry::opened(place(4), &ben),
            Entry::closed(place(5), &ben, 4, Outcome::Failed, ""),
            Entry::closed(place(6), &ada, 0, Outcome::Failed, ""),
            Entry::opened(place(7), &ada),
        ];
        let picked = |outcome: &str, who: &str| {
            let filter = Filter {
                outcome: outcome.into(),
                who: who.into(),
                ..Filter::default()
            };
            let mut picked = Picked::default();
            for entry in &entries {
                picked.add(&filter, entry, Vec::new());
            }
            picked.lines(&filter).keys().copied().collect::<Vec<_>>()
        };
        assert_eq!(picked("failed", "ada"), [0, 2, 6]);
        assert_eq!(picked("failed", ""), [0, 2, 4, 5, 6]);
        assert_eq!(picked("done", ""), [1, 3]);
        assert_eq!(picked("open", ""), [7]);
        assert_eq!(picked("refused", ""), [0; 0]);
    }
}
