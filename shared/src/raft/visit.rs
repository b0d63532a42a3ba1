//! The log as a visitor of bbolt's scan: `raft.db` is read in the one pass in which its pages are checked.
//!
//! ```text
//!   the pass   a leaf of entries that follow one another ──> first and last term, how many there are of each type
//!   the walk   leaves in use, in key order ──> the facts of the log
//! ```
//! Whatever is not that plain is not kept: leaves with a gap, with an entry that cannot be decoded or with a
//! configuration are read again entry by entry when the walk reaches them. A log has few of them, and memory grows with
//! the number of pages, not of entries.

use std::cell::RefCell;

use super::entry::{Entry, EntryType};
use super::store::{self, At, RaftDb, Reading, Run};
use crate::bbolt::scan::{
    Pair, Role, StreamedLeaf, StreamedPair, StreamedValue, TakenLeaf, Visitor,
};
use crate::bbolt::{Database, Error};
use crate::finding::Report;
use crate::source::{Source, SourceError};

/// What the pass keeps of leaves whose keys have eight bytes.
#[derive(Debug, Default)]
pub struct Log {
    leaves: Vec<Leaf>,
    current: Current,
}

/// A leaf of entries that follow one another.
#[derive(Debug, Clone, Copy, Default)]
struct Leaf {
    first_term: u64,
    last_term: u64,
    /// How many entries of each type: a leaf has no more than its count says.
    types: [u16; EntryType::ALL.len()],
}

/// The leaf at hand.
#[derive(Debug, Default)]
enum Current {
    /// It has begun.
    #[default]
    Empty,
    /// Entries up to an index.
    Entries(Leaf, u64),
    /// It is to be read again.
    NotPlain,
}

impl Current {
    fn and(self, index: u64, value: &[u8]) -> Self {
        let last = match &self {
            Self::Empty => None,
            Self::Entries(leaf, last) => Some((leaf.last_term, *last)),
            Self::NotPlain => return self,
        };
        let Ok(entry) = Entry::decode(&value) else {
            return Self::NotPlain;
        };
        let follows = last
            .is_none_or(|(term, last)| last.checked_add(1) == Some(index) && entry.term >= term);
        if !follows || entry.index != index || entry.entry_type == EntryType::Configuration {
            return Self::NotPlain;
        }
        let mut leaf = match self {
            Self::Entries(leaf, _) => leaf,
            _ => Leaf {
                first_term: entry.term,
                ..Leaf::default()
            },
        };
        leaf.last_term = entry.term;
        leaf.types[entry.entry_type as usize] += 1;
        Self::Entries(leaf, index)
    }
}

/// What the walk gathers.
#[derive(Debug, Default)]
pub struct Taken {
    reading: Reading,
    /// Elements of the leaf at hand that were taken one by one.
    streamed: u64,
}

impl Visitor for Log {
    type Key = [u8; 8];
    type Taken = Taken;

    const LABELS: &'static [&'static str] = &["other", "logs", "conf"];

    fn role(bucket: &[u8]) -> Role {
        match bucket {
            store::LOGS => Role {
                label: 1,
                visited: true,
            },
            store::CONF => Role {
                label: 2,
                visited: false,
            },
            _ => Role::default(),
        }
    }

    fn mark(&self) -> usize {
        self.leaves.len()
    }

    fn rewind(&mut self, mark: usize) {
        self.leaves.truncate(mark);
        self.current = Current::Empty;
    }

    #[inline]
    fn pair(&mut self, pair: Pair<'_, [u8; 8]>) {
        let index = u64::from_be_bytes(pair.key);
        self.current = std::mem::take(&mut self.current).and(index, pair.value);
    }

    fn keeps_leaf(&self) -> bool {
        matches!(self.current, Current::Entries(..))
    }

    fn leaf_end(&mut self, _: u32) {
        if let Current::Entries(leaf, _) = std::mem::take(&mut self.current) {
            self.leaves.push(leaf);
        }
    }

    fn take_leaf(&mut self, taken: &mut Taken, leaf: TakenLeaf<[u8; 8]>) {
        let Some(kept) = self.leaves.get(leaf.mark) else {
            return;
        };
        let run = Run {
            first: u64::from_be_bytes(leaf.first),
            last: u64::from_be_bytes(leaf.last),
            first_term: kept.first_term,
            last_term: kept.last_term,
            types: kept.types.map(u64::from),
        };
        taken.reading.run(&run, At::FirstOf(leaf.page));
    }

    fn take_pair(
        &mut self,
        taken: &mut Taken,
        pair: StreamedPair<'_, '_>,
    ) -> Result<(), SourceError> {
        let value = Streamed {
            len: pair.value.len(),
            value: RefCell::new(pair.value),
        };
        taken.streamed += 1;
        taken.reading.pair(pair.key, &value, pair.offset);
        Ok(())
    }

    fn take_streamed_leaf(&mut self, taken: &mut Taken, leaf: StreamedLeaf<'_>) {
        let pairs = std::mem::take(&mut taken.streamed);
        taken
            .reading
            .buckets(leaf.count.saturating_sub(pairs), leaf.page);
    }

    fn take_error(&mut self, taken: &mut Taken, error: &Error) {
        taken.reading.page(error);
    }
}

/// A value that is read when it is decoded.
struct Streamed<'p, 's> {
    value: RefCell<StreamedValue<'p, 's>>,
    len: u64,
}

impl Source for Streamed<'_, '_> {
    fn size(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), SourceError> {
        out.copy_from_slice(self.value.borrow_mut().get(offset, out.len())?);
        Ok(())
    }
}

/// The facts of a file whose tree was walked. `source` is the same file, for the server's vote.
pub(super) fn read(taken: Taken, source: &dyn Source) -> (RaftDb, Report) {
    let mut reading = taken.reading;
    let database = match Database::open(source) {
        Ok(database) => database,
        Err(error) => {
            reading.unreadable("logs", &error.to_string());
            return reading.finish(|_| None);
        }
    };
    match database.bucket(store::LOGS) {
        Ok(Some(_)) => {}
        Ok(None) => reading.unreadable("logs", "there is none"),
        Err(error) => reading.unreadable("logs", &error.to_string()),
    }
    reading.conf(&database);
    reading.finish(|page| {
        let leaf = database.node(page.into()).ok()?;
        let first = leaf.element(0).ok()?;
        Some(leaf.offset_of(&first))
    })
}
