//! Keys as the walk compares them: revisions as numbers, others as bytes.

use std::cmp::Ordering;

use crate::etcd::storage::schema::{REVISION_SIZE, Revision, TOMBSTONE_MARK, TOMBSTONE_SIZE};

/// A separator, or the first or last key of a leaf.
#[derive(Debug, Clone)]
pub(super) enum Key {
    Revision(Revision),
    Bytes(Box<[u8]>),
}

impl Key {
    /// Compares as bbolt does: byte by byte.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            // Numbers without sign, separator, mark last: their order is that of their bytes.
            (Self::Revision(a), Self::Revision(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            (Self::Revision(a), Self::Bytes(b)) => encoded(*a).as_slice().cmp(b),
            (Self::Bytes(a), Self::Revision(b)) => a.as_ref().cmp(encoded(*b).as_slice()),
        }
    }
}

fn encoded(revision: Revision) -> Vec<u8> {
    revision.encode()
}

impl From<&[u8]> for Key {
    fn from(bytes: &[u8]) -> Self {
        let odd = bytes.len() == TOMBSTONE_SIZE && bytes[REVISION_SIZE] != TOMBSTONE_MARK;
        match Revision::parse(bytes) {
            Some(revision) if !odd => Self::Revision(revision),
            _ => Self::Bytes(bytes.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_compare_like_their_bytes() {
        let revision = |main, sub, tombstone| {
            Revision {
                main,
                sub,
                tombstone,
            }
            .encode()
        };
        let keys = [
            revision(1, 0, false),
            revision(1, 0, true),
            revision(1, 1, false),
            revision(255, 0, false),
            revision(256, 0, true),
            b"".to_vec(),
            b"lease".to_vec(),
            [revision(1, 0, false), b"x".to_vec()].concat(),
        ];
        for a in &keys {
            for b in &keys {
                let compared = Key::from(a.as_slice()).compare(&Key::from(b.as_slice()));
                assert_eq!(compared, a.cmp(b), "{a:?} {b:?}");
            }
        }
    }
}
