//! Keys as the walk compares them: compact ones as such, others as bytes.

use std::cmp::Ordering;

use super::visitor::CompactKey;

/// A separator, or the first or last key of a leaf.
#[derive(Debug, Clone)]
pub(super) enum Key<K> {
    Compact(K),
    Bytes(Box<[u8]>),
}

impl<K: CompactKey> Key<K> {
    pub(super) fn new(bytes: &[u8]) -> Self {
        match K::parse(bytes) {
            Some(key) => Self::Compact(key),
            None => Self::Bytes(bytes.into()),
        }
    }

    /// Compares as bbolt does: byte by byte.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Compact(a), Self::Compact(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            (Self::Compact(a), Self::Bytes(b)) => a.bytes().as_slice().cmp(b),
            (Self::Bytes(a), Self::Compact(b)) => a.as_ref().cmp(b.bytes().as_slice()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_compare_like_their_bytes() {
        let keys: [&[u8]; 7] = [b"", b"a", b"ab", b"abc", b"abcd", b"b", &[255, 0]];
        for a in keys {
            for b in keys {
                let compared = Key::<[u8; 2]>::new(a).compare(&Key::new(b));
                assert_eq!(compared, a.cmp(b), "{a:?} {b:?}");
            }
        }
    }
}
