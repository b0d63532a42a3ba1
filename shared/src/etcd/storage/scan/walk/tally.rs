//! Counts what is odd about the entries of bucket `key`, and remembers where it was seen first.

use super::super::records::{Note, Oddity};

/// Where an oddity was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OddPlace {
    /// The page of the leaf.
    pub(crate) page: u64,
    /// The element in it.
    pub(crate) index: u16,
    /// Where the element's key starts in the file, where that is known.
    pub(crate) offset: Option<u64>,
}

/// Oddities by kind.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    kinds: Vec<(Oddity, u64, OddPlace)>,
}

impl Tally {
    /// Counts one.
    pub(in super::super) fn add(&mut self, oddity: Oddity, page: u64, index: u16, offset: u64) {
        let offset = Some(offset);
        self.count(
            oddity,
            1,
            OddPlace {
                page,
                index,
                offset,
            },
        );
    }

    /// Counts those that the scan noted of a page.
    pub(super) fn add_note(&mut self, note: &Note) {
        let place = OddPlace {
            page: note.page.into(),
            index: note.first,
            offset: None,
        };
        self.count(note.oddity, note.count.into(), place);
    }

    fn count(&mut self, oddity: Oddity, n: u64, place: OddPlace) {
        match self.kinds.iter_mut().find(|(kind, ..)| *kind == oddity) {
            Some((_, count, _)) => *count += n,
            None => self.kinds.push((oddity, n, place)),
        }
    }

    /// How often an oddity was seen, and where first.
    pub(super) fn seen(&self, oddity: Oddity) -> Option<(u64, OddPlace)> {
        let found = self.kinds.iter().find(|(kind, ..)| *kind == oddity);
        found.map(|(_, count, place)| (*count, *place))
    }
}
