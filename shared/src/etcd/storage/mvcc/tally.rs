//! Counts what is odd about the entries of bucket `key`, and remembers where it was seen first.

/// Something about the meaning of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::etcd::storage) enum Oddity {
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

/// Where an oddity was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::etcd::storage) struct OddPlace {
    /// The page of the leaf.
    pub(in crate::etcd::storage) page: u64,
    /// The element in it.
    pub(in crate::etcd::storage) index: u16,
    /// Where the element's key starts in the file, where that is known.
    pub(in crate::etcd::storage) offset: Option<u64>,
}

/// Oddities by kind.
#[derive(Debug, Default)]
pub(in crate::etcd::storage) struct Tally {
    kinds: Vec<(Oddity, u64, OddPlace)>,
}

impl Tally {
    /// Counts one.
    pub(super) fn add(&mut self, oddity: Oddity, page: u64, index: u16, offset: u64) {
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

    /// Counts those that the pass noted of a page.
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
