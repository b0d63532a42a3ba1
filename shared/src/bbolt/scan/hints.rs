//! What damage looks like, where that tells how it came about: a flipped bit, text in the place of a number, a program
//! that opened the file for writing.

use crate::bbolt::meta::NO_FREELIST;
use crate::bbolt::{ErrorKind, Metas};

/// A sentence about the cause of what is wrong with a page, where its number gives one away.
pub(super) fn hint(kind: &ErrorKind, page: Option<u64>) -> Option<String> {
    const FLIPPED: &str = "a bit that flipped in memory or on the disk is likely";
    match kind {
        ErrorKind::OutOfBounds { id, hwm } => text(*id)
            .map(|text| {
                format!("The id reads as the text `{text}`: something else was written over the page that refers to it.")
            })
            .or_else(|| {
                let neighbour = one_bit_away(*id, *hwm)?;
                Some(format!("It is one bit away from {neighbour}: {FLIPPED}."))
            }),
        ErrorKind::IdMismatch { found } => text(*found)
            .map(|text| {
                format!("The page begins with the text `{text}`: something else was written over it.")
            })
            .or_else(|| {
                let one_bit = (found ^ page?).count_ones() == 1;
                one_bit.then(|| format!("The two are one bit apart: {FLIPPED}."))
            }),
        ErrorKind::BadFlags { flags } => {
            let kinds = [(0x01u16, "branch"), (0x02, "leaf"), (0x10, "freelist")];
            let mut near = kinds
                .into_iter()
                .filter(|(kind, _)| (flags ^ kind).count_ones() == 1);
            let (_, name) = near.next()?;
            near.next()
                .is_none()
                .then(|| format!("They are one bit away from those of a {name}: {FLIPPED}."))
        }
        _ => None,
    }
}

/// A sentence about the last commit, where only a meta page and the freelist are newer than the one before. bbolt makes
/// such a commit when a file that stores no freelist is opened for writing: a commit that changes data moves the root.
pub(crate) fn only_bookkeeping_is_newer(metas: &Metas) -> Option<String> {
    let newer = metas.current().ok()?;
    let older = metas.other()?;
    let same_tree = (newer.root, newer.root_sequence) == (older.root, older.root_sequence);
    let same_list = newer.freelist == older.freelist;
    if newer.txid <= older.txid || !same_tree || same_list || newer.freelist == NO_FREELIST {
        return None;
    }
    Some(format!(
        "Only a meta page and the freelist are newer than transaction {}: a program such as etcdutl or bbolt opened \
         the file for writing, and wrote no data.",
        older.txid
    ))
}

/// The only data page that one flipped bit makes of an id.
fn one_bit_away(id: u64, hwm: u64) -> Option<u64> {
    let mut near = (0..u64::BITS)
        .map(|bit| id ^ (1 << bit))
        .filter(|id| (2..hwm).contains(id));
    let only = near.next()?;
    near.next().is_none().then_some(only)
}

/// A number whose eight bytes are all printable.
fn text(number: u64) -> Option<String> {
    let bytes = number.to_le_bytes();
    let printable = bytes
        .iter()
        .all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    printable.then(|| bytes.escape_ascii().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bbolt::{Meta, MetaError};

    #[test]
    fn numbers_that_give_their_cause_away() {
        let out = |id| hint(&ErrorKind::OutOfBounds { id, hwm: 9 }, Some(3));
        assert!(out(5 | 1 << 40).unwrap().contains("one bit away from 5"));
        assert_eq!(out(1 << 40 | 1 << 41 | 5), None);
        assert_eq!(out(u64::MAX), None);
        let words = u64::from_le_bytes(*b"GET / HT");
        assert!(out(words).unwrap().contains("`GET / HT`"));
        let mismatch = |found| hint(&ErrorKind::IdMismatch { found }, Some(4));
        assert!(mismatch(6).unwrap().contains("one bit apart"));
        assert_eq!(mismatch(3), None);
        assert!(mismatch(words).unwrap().contains("begins with the text"));
        let flags = |flags| hint(&ErrorKind::BadFlags { flags }, Some(4));
        assert!(flags(0x42).unwrap().contains("of a leaf"));
        assert_eq!(flags(0xffff), None);
        assert_eq!(hint(&ErrorKind::Zeroed, Some(4)), None);
    }

    #[test]
    fn a_commit_that_wrote_only_meta_and_freelist() {
        let older = Meta {
            page_size: 4096,
            flags: 0,
            root: 5,
            root_sequence: 0,
            freelist: NO_FREELIST,
            hwm: 18,
            txid: 14,
        };
        let newer = Meta {
            freelist: 18,
            hwm: 19,
            txid: 15,
            ..older
        };
        let seen = |newer: Meta| {
            only_bookkeeping_is_newer(&Metas {
                page_size: 4096,
                slots: [Ok(older), Ok(newer)],
            })
        };
        let said = seen(newer).unwrap();
        assert!(said.contains("newer than transaction 14"), "{said}");
        // In a freed page the list takes no new one.
        assert!(seen(Meta { hwm: 18, ..newer }).is_some());
        // A commit of data; a snapshot, which has one tree twice; one whose list was left out; the older meta.
        for other in [
            Meta { root: 6, ..newer },
            Meta { txid: 15, ..older },
            Meta { txid: 13, ..older },
            Meta {
                freelist: NO_FREELIST,
                ..newer
            },
        ] {
            assert_eq!(seen(other), None, "{other:?}");
        }
        let lost = Metas {
            page_size: 4096,
            slots: [Err(MetaError::Missing), Ok(newer)],
        };
        assert_eq!(only_bookkeeping_is_newer(&lost), None);
    }
}
