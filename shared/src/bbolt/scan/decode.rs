//! The quick decoder: takes leaves and branches that are plain and sound, as a program writes them, and leaves
//! everything else to [`examine`](super::examine).

use crc32c::{crc32c, crc32c_append};

use crate::bbolt::page::{ELEMENT_SIZE, PAGE_HEADER_SIZE};
use crate::bbolt::{PageHeader, u32_at, u64_at};

use super::records::{BranchEntry, LeafKeys, LeafRecord, Records, Seen};
use super::visitor::{CompactKey, Pair, UpTo, Visitor};

/// Where an element's key and value lie in the page.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    key_end: usize,
    end: usize,
}

/// The element, if it is a plain pair inside the page.
#[inline]
fn span(index: usize, element: &[u8; ELEMENT_SIZE], len: usize) -> Option<Span> {
    let field = |at: usize| u32_at(element, at).map(|n| n as usize);
    let [flags, pos, key, value] = [field(0)?, field(4)?, field(8)?, field(12)?];
    let start = (PAGE_HEADER_SIZE + index * ELEMENT_SIZE).checked_add(pos)?;
    let key_end = start.checked_add(key)?;
    let end = key_end.checked_add(value)?;
    (flags == 0 && end <= len).then_some(Span {
        start,
        key_end,
        end,
    })
}

/// Which of two visitors a leaf is for, and what is kept of it.
#[derive(Debug)]
pub(super) enum Decoded<K, L> {
    First(LeafRecord<K>),
    Second(LeafRecord<L>),
}

/// Decodes a leaf with all of its overflow. The record says [`LeafKeys::Deferred`] when it is not plain.
pub(super) fn leaf<V: Visitor, W: Visitor>(
    first: &mut Seen<V>,
    second: &mut Seen<W>,
    page: u32,
    header: PageHeader,
    bytes: &[u8],
) -> Decoded<V::Key, W::Key> {
    let overflow = header.overflow;
    if header.count == 0 {
        return Decoded::First(LeafRecord::new(page, overflow, LeafKeys::Empty));
    }
    let deferred = LeafRecord::new(page, overflow, LeafKeys::Deferred);
    let Some(leaf) = Leaf::new(header.count, bytes) else {
        return Decoded::First(deferred);
    };
    let record = if V::Key::parse(leaf.first_key).is_some() {
        leaf.visit(&mut first.visitor, deferred)
    } else {
        if W::Key::parse(leaf.first_key).is_some() {
            let deferred = LeafRecord::new(page, overflow, LeafKeys::Deferred);
            if let Some(record) = leaf.visit(&mut second.visitor, deferred) {
                return Decoded::Second(record);
            }
        }
        leaf.others(&mut first.records, deferred)
    };
    Decoded::First(record.unwrap_or(deferred))
}

/// A leaf that is plain so far.
struct Leaf<'a> {
    elements: &'a [[u8; ELEMENT_SIZE]],
    bytes: &'a [u8],
    first: Span,
    first_key: &'a [u8],
}

impl<'a> Leaf<'a> {
    fn new(count: u16, bytes: &'a [u8]) -> Option<Self> {
        let table_end = PAGE_HEADER_SIZE + usize::from(count) * ELEMENT_SIZE;
        let table = bytes.get(PAGE_HEADER_SIZE..table_end)?;
        let (elements, _) = table.as_chunks::<ELEMENT_SIZE>();
        let first = span(0, elements.first()?, bytes.len())?;
        if first.start < table_end {
            return None;
        }
        Some(Self {
            elements,
            bytes,
            first,
            first_key: bytes.get(first.start..first.key_end)?,
        })
    }

    /// The record with the content that ends at `end`, and has this checksum where it is known already.
    fn filled<K>(
        &self,
        mut record: LeafRecord<K>,
        end: usize,
        crc: Option<u32>,
    ) -> Option<LeafRecord<K>> {
        let content = self.bytes.get(self.first.start..end)?;
        record.bytes = u32::try_from(content.len()).ok()?;
        record.crc = crc.unwrap_or_else(|| crc32c(content));
        Some(record)
    }

    /// Shows the pairs to a visitor, who forgets them where they are not to be kept.
    #[inline]
    fn visit<V: Visitor>(
        &self,
        visitor: &mut V,
        mut record: LeafRecord<V::Key>,
    ) -> Option<LeafRecord<V::Key>> {
        let mark = visitor.mark();
        let compact = self.compact(visitor, &mut record);
        let filled = compact.and_then(|(end, crc)| self.filled(record, end, crc));
        if filled.is_none() {
            visitor.rewind(mark);
        }
        filled
    }

    /// Where its content ends, and the checksum of it where the visitor wants one for each pair.
    #[inline]
    fn compact<V: Visitor>(
        &self,
        visitor: &mut V,
        record: &mut LeafRecord<V::Key>,
    ) -> Option<(usize, Option<u32>)> {
        let wants_checksums = visitor.wants_checksums();
        let mark = u32::try_from(visitor.mark()).ok()?;
        let mut at = self.first.start;
        let mut up_to = UpTo::default();
        let mut ends: Option<(V::Key, V::Key)> = None;
        for (index, element) in self.elements.iter().enumerate() {
            let span = span(index, element, self.bytes.len())?;
            if span.start != at {
                return None;
            }
            at = span.end;
            let pair = self.bytes.get(span.start..span.end)?;
            let (key, value) = pair.split_at_checked(span.key_end - span.start)?;
            let key = V::Key::parse(key)?;
            ends = match ends {
                Some((_, last)) if last >= key => return None,
                Some((first, _)) => Some((first, key)),
                None => Some((key, key)),
            };
            if wants_checksums {
                up_to = UpTo {
                    crc: crc32c_append(up_to.crc, pair),
                    bytes: u32::try_from(at - self.first.start).ok()?,
                };
            }
            visitor.pair(Pair {
                // No more than the header's count.
                index: index as u16,
                key,
                value,
                up_to,
            });
        }
        let (first, last) = ends?;
        if !visitor.keeps_leaf() {
            return None;
        }
        visitor.leaf_end(record.page);
        record.keys = LeafKeys::Compact {
            count: self.elements.len() as u16,
            mark,
            first,
            last,
        };
        Some((at, wants_checksums.then_some(up_to.crc)))
    }

    fn others<K: CompactKey>(
        &self,
        records: &mut Records<K>,
        mut record: LeafRecord<K>,
    ) -> Option<LeafRecord<K>> {
        let mut at = self.first.start;
        let mut previous: &[u8] = &[];
        for (index, element) in self.elements.iter().enumerate() {
            let span = span(index, element, self.bytes.len())?;
            let key = self.bytes.get(span.start..span.key_end)?;
            // An empty key is not above the empty slice before the first.
            if span.start != at || key <= previous {
                return None;
            }
            previous = key;
            at = span.end;
        }
        record.keys = LeafKeys::Other {
            count: self.elements.len() as u16,
            at: records.push_other(self.first_key, previous)?,
        };
        self.filled(record, at, None)
    }
}

/// Keeps a branch of compact keys, and whether it was kept; any other is read again when the walk reaches it.
pub(super) fn branch<K: CompactKey>(
    records: &mut Records<K>,
    page: u32,
    header: PageHeader,
    bytes: &[u8],
) -> bool {
    let table_end = PAGE_HEADER_SIZE + usize::from(header.count) * ELEMENT_SIZE;
    let Some(table) = bytes.get(PAGE_HEADER_SIZE..table_end) else {
        return false;
    };
    let (elements, _) = table.as_chunks::<ELEMENT_SIZE>();
    let mut previous: Option<K> = None;
    let entries = elements.iter().enumerate().map(|(index, element)| {
        let pos = u32_at(element, 0)? as usize;
        let len = u32_at(element, 4)? as usize;
        let start = (PAGE_HEADER_SIZE + index * ELEMENT_SIZE).checked_add(pos)?;
        if start < table_end {
            return None;
        }
        let separator = K::parse(bytes.get(start..start.checked_add(len)?)?)?;
        if previous.is_some_and(|p| p >= separator) {
            return None;
        }
        previous = Some(separator);
        let child = u32::try_from(u64_at(element, 8)?).ok()?;
        Some(BranchEntry { separator, child })
    });
    header.count > 0 && header.overflow == 0 && records.push_branch(page, entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bbolt::scan::visitor::Plain;

    #[test]
    fn a_branch_whose_keys_begin_behind_its_table_is_kept() {
        let header = PageHeader {
            id: 3,
            flags: 1,
            count: 1,
            overflow: 0,
        };
        let kept = |pos: u32| {
            let mut page = [7; 64];
            page[..16].copy_from_slice(&header.encode());
            page[16..20].copy_from_slice(&pos.to_le_bytes());
            page[20..24].copy_from_slice(&4u32.to_le_bytes());
            page[24..32].copy_from_slice(&5u64.to_le_bytes());
            let mut records = Records::<[u8; 4]>::default();
            branch(&mut records, 3, header, &page);
            records.branch(3).is_some()
        };
        assert!(kept(16));
        assert!(!kept(15));
    }

    /// Keeps every pair.
    #[derive(Debug, Default)]
    struct Kept(Vec<(Vec<u8>, Vec<u8>)>);

    impl Visitor for Kept {
        type Key = [u8; 4];
        type Taken = ();

        fn mark(&self) -> usize {
            self.0.len()
        }

        fn rewind(&mut self, mark: usize) {
            self.0.truncate(mark);
        }

        fn pair(&mut self, pair: Pair<'_, Self::Key>) {
            self.0.push((pair.key.to_vec(), pair.value.to_vec()));
        }
    }

    /// Flags, position, and the lengths of key and value, of each of two elements.
    type Table = [[u32; 4]; 2];

    /// Two pairs, one right behind the other and both right behind the table of elements, up to the end of the page.
    const PAIRS: Table = [[0, 32, 4, 1], [0, 21, 4, 2]];
    const CONTENT: &[u8] = b"aaaavbbbbww";

    /// What is made of a leaf, and how many pairs the visitor has then.
    fn decoded(table: Table, content: &[u8]) -> (LeafRecord<[u8; 4]>, usize) {
        let header = PageHeader {
            id: 3,
            flags: 2,
            count: 2,
            overflow: 0,
        };
        let mut page = header.encode().to_vec();
        page.extend(table.into_iter().flatten().flat_map(u32::to_le_bytes));
        page.extend(content);
        let mut first = Seen::new(Kept::default());
        // One that was seen before stays, whatever becomes of this leaf.
        first.visitor.0.push((b"0000".to_vec(), Vec::new()));
        let decoded = leaf(&mut first, &mut Seen::new(Plain), 3, header, &page);
        let Decoded::First(record) = decoded else {
            panic!("{decoded:?}");
        };
        (record, first.visitor.0.len() - 1)
    }

    #[test]
    fn a_leaf_that_fills_its_page_to_the_byte_is_decoded() {
        let (record, pairs) = decoded(PAIRS, CONTENT);
        let LeafKeys::Compact {
            count, first, last, ..
        } = record.keys
        else {
            panic!("{record:?}");
        };
        assert_eq!((count, &first, &last), (2, b"aaaa", b"bbbb"));
        assert_eq!((record.bytes as usize, pairs), (CONTENT.len(), 2));
        assert_eq!(record.crc, crc32c(CONTENT));
        // Keys of another length are kept by the first and the last.
        let (record, pairs) = decoded([[0, 32, 3, 2], [0, 21, 3, 3]], CONTENT);
        assert!(matches!(record.keys, LeafKeys::Other { count: 2, .. }));
        assert_eq!((record.bytes as usize, pairs), (CONTENT.len(), 0));
    }

    #[test]
    fn a_leaf_that_is_a_byte_off_is_left_to_be_read_again() {
        let with = |element: usize, field: usize, value: u32| {
            let mut table = PAIRS;
            table[element][field] = value;
            table
        };
        let short = &CONTENT[..CONTENT.len() - 1];
        let beside = [CONTENT, b"x"].concat();
        let cases: [(&str, Table, &[u8]); 15] = [
            ("the last value ends behind the page", PAIRS, short),
            ("a key begins in the table", with(0, 1, 31), CONTENT),
            (
                "a key begins behind the first place",
                with(0, 1, 33),
                &beside,
            ),
            ("two pairs share a byte", with(1, 1, 20), CONTENT),
            ("a byte lies between two pairs", with(1, 1, 22), &beside),
            ("a value is a byte longer", with(1, 3, 3), CONTENT),
            ("a value has 4 GiB", with(1, 3, u32::MAX), CONTENT),
            ("a key has 4 GiB", with(0, 2, u32::MAX), CONTENT),
            ("a key lies at 4 GiB", with(1, 1, u32::MAX), CONTENT),
            ("a value is a bucket", with(1, 0, 1), CONTENT),
            ("a key of another length among them", with(1, 2, 3), CONTENT),
            ("the same key twice", PAIRS, b"aaaavaaaaww"),
            ("keys in another order", PAIRS, b"bbbbvaaaaww"),
            (
                "other keys in another order",
                [[0, 32, 3, 2], [0, 21, 3, 3]],
                b"bbbbvaaaaww",
            ),
            ("an empty key", [[0, 32, 0, 5], [0, 21, 3, 3]], CONTENT),
        ];
        for (what, table, content) in cases {
            let (record, pairs) = decoded(table, content);
            assert!(
                matches!(record.keys, LeafKeys::Deferred),
                "{what}: {record:?}"
            );
            assert_eq!((pairs, record.bytes, record.crc), (0, 0, 0), "{what}");
        }
    }
}
