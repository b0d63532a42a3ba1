//! Revisions as the scan keeps them: 12 bytes that compare as the key's own 17 or 18.

use crate::bbolt::scan::CompactKey;
use crate::etcd::storage::schema::{REVISION_SIZE, Revision, TOMBSTONE_MARK, TOMBSTONE_SIZE};

/// A key of bucket `key` that is a revision as servers write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(Rust, packed(4))]
pub(in crate::etcd::storage) struct RevisionKey {
    /// Numbers of the key have no sign.
    main: u64,
    /// Twice the operation's number, and one more for a tombstone, whose key is the longer one.
    sub: u32,
}

impl RevisionKey {
    pub(super) fn revision(self) -> Revision {
        Revision {
            main: self.main.cast_signed(),
            sub: i64::from(self.sub >> 1),
            tombstone: self.sub & 1 == 1,
        }
    }
}

impl CompactKey for RevisionKey {
    /// `None` also where the operation's number is beyond 2^31, which no transaction has, and where the 18th byte is
    /// not the mark of a tombstone.
    #[inline]
    fn parse(key: &[u8]) -> Option<Self> {
        if key.len() == TOMBSTONE_SIZE && key[REVISION_SIZE] != TOMBSTONE_MARK {
            return None;
        }
        let revision = Revision::parse(key)?;
        let sub = u32::try_from(revision.sub).ok()?;
        Some(Self {
            main: revision.main.cast_unsigned(),
            sub: sub.checked_mul(2)? | u32::from(revision.tombstone),
        })
    }

    fn bytes(self) -> Vec<u8> {
        self.revision().encode()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_as_small_as_promised() {
        assert_eq!(size_of::<RevisionKey>(), 12);
        assert_eq!(align_of::<RevisionKey>(), 4);
    }

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
            revision(1, (1 << 31) - 1, true),
            revision(255, 0, false),
            revision(256, 0, true),
            revision(i64::MAX, 0, false),
        ];
        for a in &keys {
            let parsed = RevisionKey::parse(a).unwrap();
            assert_eq!(&parsed.bytes(), a);
            for b in &keys {
                assert_eq!(
                    parsed.cmp(&RevisionKey::parse(b).unwrap()),
                    a.cmp(b),
                    "{a:?} {b:?}"
                );
            }
        }
    }

    #[test]
    fn what_servers_never_write_is_not_compact() {
        let put = Revision {
            main: 7,
            sub: 0,
            tombstone: false,
        };
        let far = Revision {
            sub: 1 << 31,
            ..put
        };
        assert_eq!(RevisionKey::parse(&far.encode()), None);
        assert_eq!(
            RevisionKey::parse(&[put.encode(), b"x".to_vec()].concat()),
            None
        );
        assert_eq!(RevisionKey::parse(b"lease"), None);
        assert_eq!(RevisionKey::parse(b""), None);
    }
}
