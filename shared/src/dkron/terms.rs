//! Which term each entry of a log is of: all that tells two histories apart.
//!
//! Where two servers have an entry of the same index and term, all entries before it are the same too. A term has one
//! leader and most entries follow one of their own term, so a log is a few runs.

/// Runs that are kept at most; a log has one for each election.
pub const MAX_RUNS: usize = 1 << 20;

/// Entries that follow each other and are of one term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    first: u64,
    last: u64,
    term: u64,
}

/// The terms of a server's entries, as far as they are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// In ascending order of their indexes.
    runs: Vec<Run>,
}

impl Terms {
    /// Adds an entry behind all that are known. One that is not behind them is left out, as is one beyond
    /// [`MAX_RUNS`].
    pub fn push(&mut self, index: u64, term: u64) {
        let full = self.runs.len() >= MAX_RUNS;
        match self.runs.last_mut() {
            Some(run) if index <= run.last => {}
            Some(run) if run.term == term && run.last.checked_add(1) == Some(index) => {
                run.last = index;
            }
            _ if full => {}
            _ => self.runs.push(Run {
                first: index,
                last: index,
                term,
            }),
        }
    }

    /// Adds the last entry of a snapshot, unless the log has it.
    pub fn add_snapshot(&mut self, index: u64, term: u64) {
        let place = self.runs.partition_point(|run| run.last < index);
        if self.runs.get(place).is_some_and(|run| run.first <= index) {
            return;
        }
        let run = Run {
            first: index,
            last: index,
            term,
        };
        self.runs.insert(place, run);
    }

    /// The term of an entry; `None` where it is unknown.
    pub fn term_at(&self, index: u64) -> Option<u64> {
        let place = self.runs.partition_point(|run| run.last < index);
        let run = self.runs.get(place).filter(|run| run.first <= index)?;
        Some(run.term)
    }

    /// The greatest index at which both have the same entry; `None` when none is known.
    pub fn agreement(&self, other: &Self) -> Option<u64> {
        let (mut ours, mut theirs) = (self.runs.iter().rev(), other.runs.iter().rev());
        let (mut a, mut b) = (ours.next()?, theirs.next()?);
        loop {
            let last = a.last.min(b.last);
            if a.term == b.term && a.first.max(b.first) <= last {
                return Some(last);
            }
            // Nothing before the later run can meet it again.
            if a.first >= b.first {
                a = ours.next()?;
            } else {
                b = theirs.next()?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn terms(entries: &[(u64, u64)]) -> Terms {
        let mut terms = Terms::default();
        for (index, term) in entries {
            terms.push(*index, *term);
        }
        terms
    }

    #[test]
    fn histories_part_where_their_terms_do() {
        let log = |from: u64, to: u64, term| (from..=to).map(move |index| (index, term));
        let older: Vec<_> = log(1, 2, 1).chain(log(3, 169, 2)).collect();
        let newer: Vec<_> = log(1, 2, 1)
            .chain(log(3, 129, 2))
            .chain(log(130, 132, 3))
            .collect();
        let (older, newer) = (terms(&older), terms(&newer));
        assert_eq!(older.agreement(&newer), Some(129));
        assert_eq!(newer.agreement(&older), Some(129));
        assert_eq!(newer.agreement(&newer), Some(132));
        assert_eq!(older.agreement(&Terms::default()), None);
        // Only the snapshot of one is left, and the log of the other holds its last entry.
        let mut recovered = terms(&[(133, 4), (134, 4)]);
        recovered.add_snapshot(132, 3);
        assert_eq!(recovered.agreement(&newer), Some(132));
        assert_eq!(recovered.agreement(&older), None, "unknown");
        assert_eq!(recovered.term_at(132), Some(3));
        assert_eq!(
            (recovered.term_at(131), recovered.term_at(135)),
            (None, None)
        );
    }

    #[test]
    fn gaps_and_what_is_out_of_order() {
        let terms = terms(&[(1, 1), (2, 1), (5, 1), (4, 9), (u64::MAX, 2)]);
        let known = |index| terms.term_at(index);
        assert_eq!(
            (known(2), known(3), known(4), known(5)),
            (Some(1), None, None, Some(1))
        );
        assert_eq!(known(u64::MAX), Some(2));
        let mut with = terms.clone();
        with.add_snapshot(5, 7);
        assert_eq!(with, terms, "the log has it");
        with.add_snapshot(3, 1);
        assert_eq!(with.term_at(3), Some(1));
    }

    proptest! {
        /// As a search from entry to entry finds it.
        #[test]
        fn agreement_is_the_greatest_index_of_one_term(
            a in prop::collection::btree_map(0u64..30, 0u64..4, 0..12),
            b in prop::collection::btree_map(0u64..30, 0u64..4, 0..12),
        ) {
            let of = |map: &std::collections::BTreeMap<u64, u64>| {
                terms(&map.iter().map(|(index, term)| (*index, *term)).collect::<Vec<_>>())
            };
            let (ours, theirs) = (of(&a), of(&b));
            let slow = (0..30).rev().find(|index| a.contains_key(index) && a.get(index) == b.get(index));
            prop_assert_eq!(ours.agreement(&theirs), slow);
        }
    }
}
