//! A page of a tree as a reader walks it: small ones are held whole; of a large one only the header and the
//! table of elements, and its keys and values are read when they are asked for. So a value may have any size.
//!
//! ```text
//!   ┌────────┬───────────┬───────────┬─ ─ ─┬───────┬─────────┬───────┬─────────┬─ ─ ─ ─┐
//!   │ header │ element 0 │ element 1 │  …  │ key 0 │ value 0 │ key 1 │ value 1 │   …    │
//!   └────────┴─────┬─────┴───────────┴─ ─ ─┴───────┴─────────┴───────┴─────────┴─ ─ ─ ─┘
//!                  └── position, from the element's own first byte ──┘
//!
//!   leaf element     flags u32, 0x01: the value is a bucket │ position u32 │ key length u32 │ value length u32
//!   branch element   position u32 │ key length u32 │ child page u64               (its key: the least below it)
//!
//!   bucket's value   root page u64, 0: inline │ sequence u64 │ where inline: its leaf, header and all
//! ```

use super::bytes::{u32_at, u64_at};
use super::error::{Error, ErrorKind};
use super::limits::{MAX_KEY_SIZE, MAX_SMALL_BUCKET};
use super::page::{BUCKET_FLAG, ELEMENT_SIZE, PAGE_HEADER_SIZE, PageHeader, PageType};
use super::reader::{Database, Extent};
use crate::source::{Source, SourceError};

/// Pages up to this size, overflow included, are held whole.
const HELD_WHOLE: u64 = 1 << 20;
/// Bytes of a value that are read at once.
const PIECE: usize = 256 << 10;

/// A branch or leaf.
#[derive(Debug, Clone)]
pub struct Node<'s> {
    database: Database<'s>,
    extent: Extent,
    header: PageHeader,
    is_leaf: bool,
    /// All of it, or its header and table.
    bytes: Vec<u8>,
}

/// An element, with everything inside its page.
#[derive(Debug, Clone, Copy)]
pub struct NodeElement {
    flags: u32,
    child: u64,
    /// Where its key starts, from the start of the page.
    start: u64,
    key: u32,
    value: u32,
}

impl NodeElement {
    /// Whether its value is a bucket.
    pub fn is_bucket(&self) -> bool {
        self.flags & BUCKET_FLAG != 0
    }

    /// The child, for an element of a branch.
    pub fn child(&self) -> u64 {
        self.child
    }
}

impl<'s> Database<'s> {
    /// Reads a branch or leaf.
    ///
    /// # Errors
    /// As [`Database::read_header`]; [`ErrorKind::WrongType`], [`ErrorKind::ElementTable`].
    pub fn node(&self, id: u64) -> Result<Node<'s>, Error> {
        Node::read(*self, self.extent(id)?)
    }
}

impl<'s> Node<'s> {
    /// Reads a branch or leaf.
    pub(super) fn read(database: Database<'s>, extent: Extent) -> Result<Self, Error> {
        let fail = |kind, at| Error::on_page(kind, extent.page, extent.offset + at);
        let no_table = |count| {
            let len = extent.len;
            fail(ErrorKind::ElementTable { count, len }, 10)
        };
        let first = extent.len.min(HELD_WHOLE.max(PAGE_HEADER_SIZE as u64));
        let whole = first == extent.len;
        // What is allocated was found to lie within the file, and is limited where it is not all of it.
        let held = if whole {
            first
        } else {
            PAGE_HEADER_SIZE as u64
        };
        let mut bytes = vec![0; usize::try_from(held).unwrap_or(PAGE_HEADER_SIZE)];
        database.read_at(extent.page, extent.offset, &mut bytes)?;
        let header = PageHeader::parse(&bytes).ok_or_else(|| no_table(0))?;
        let is_leaf = match header.page_type() {
            Some(PageType::Leaf) => true,
            Some(PageType::Branch) => false,
            Some(other) => {
                let (found, wanted) = (other.name(), PageType::Branch.name());
                return Err(fail(ErrorKind::WrongType { found, wanted }, 8));
            }
            None => {
                let flags = header.flags;
                return Err(fail(ErrorKind::BadFlags { flags }, 8));
            }
        };
        let table_end = table_end(header);
        if table_end > extent.len {
            return Err(no_table(header.count.into()));
        }
        if !whole {
            bytes.resize(table_end as usize, 0);
            database.read_at(extent.page, extent.offset, &mut bytes)?;
        }
        Ok(Self {
            database,
            extent,
            header,
            is_leaf,
            bytes,
        })
    }

    /// Where it lies.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// Its page, or that which contains it.
    pub fn id(&self) -> u64 {
        self.extent.page
    }

    /// Its header.
    pub fn header(&self) -> PageHeader {
        self.header
    }

    /// Whether it is a leaf.
    pub fn is_leaf(&self) -> bool {
        self.is_leaf
    }

    /// How many elements there are.
    pub fn count(&self) -> u16 {
        self.header.count
    }

    #[cold]
    fn error(&self, kind: ErrorKind, at: u64) -> Error {
        let offset = self.extent.offset.saturating_add(at);
        Error::on_page(kind, self.extent.page, offset)
    }

    /// Checks that the elements together claim no more bytes than the page has: sound ones share none, and
    /// without this a small file could make a reader go over the same bytes without end.
    ///
    /// # Errors
    /// [`ErrorKind::ElementSum`].
    pub fn check_sum(&self) -> Result<(), Error> {
        let mut left = self.extent.len;
        for index in 0..self.count() {
            let at = at(index);
            let len = |field| u64::from(u32_at(&self.bytes, at + field).unwrap_or_default());
            left = left
                .checked_sub(len(8) + len(12))
                .ok_or_else(|| self.error(ErrorKind::ElementSum { index }, at as u64))?;
        }
        Ok(())
    }

    /// One element.
    ///
    /// # Errors
    /// [`ErrorKind::ElementBounds`] when it points outside the page or does not exist, and
    /// [`ErrorKind::ElementOverlap`] when it points into the element table.
    pub fn element(&self, index: u16) -> Result<NodeElement, Error> {
        let at = at(index);
        let bounds = || self.error(ErrorKind::ElementBounds { index }, at as u64);
        let field = |field: usize| {
            (index < self.count())
                .then(|| u32_at(&self.bytes, at + field))
                .flatten()
                .ok_or_else(bounds)
        };
        let (flags, pos, key, value, child) = if self.is_leaf {
            (field(0)?, field(4)?, field(8)?, field(12)?, 0)
        } else {
            let child = u64_at(&self.bytes, at + 8).ok_or_else(bounds)?;
            (0, field(0)?, field(4)?, 0, child)
        };
        let start = at as u64 + u64::from(pos);
        let len = u64::from(key) + u64::from(value);
        if start + len > self.extent.len {
            return Err(bounds());
        }
        if start < table_end(self.header) && len > 0 {
            return Err(self.error(ErrorKind::ElementOverlap { index }, at as u64));
        }
        if !self.is_whole() && key > MAX_KEY_SIZE {
            let len = key;
            return Err(self.error(ErrorKind::KeyTooLong { index, len }, at as u64));
        }
        Ok(NodeElement {
            flags,
            child,
            start,
            key,
            value,
        })
    }

    /// The key of an element; `scratch` holds it where the page is not held whole.
    ///
    /// # Errors
    /// [`ErrorKind::Read`].
    pub fn key<'a>(
        &'a self,
        element: &NodeElement,
        scratch: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], Error> {
        if let Some(key) = self.held(element.start, element.key.into()) {
            return Ok(key);
        }
        // Limited by `element`.
        scratch.resize(element.key as usize, 0);
        let offset = self.extent.offset + element.start;
        self.database.read_at(self.extent.page, offset, scratch)?;
        Ok(scratch)
    }

    /// The same as owned bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Read`].
    pub fn key_of(&self, element: &NodeElement) -> Result<Vec<u8>, Error> {
        self.key(element, &mut Vec::new()).map(<[u8]>::to_vec)
    }

    /// The value of an element.
    pub fn value(&self, element: &NodeElement) -> Value<'_> {
        Value {
            node: self,
            start: element.start + u64::from(element.key),
            len: element.value.into(),
        }
    }

    /// Where the key of an element starts in the file.
    pub fn offset_of(&self, element: &NodeElement) -> u64 {
        self.extent.offset + element.start
    }

    fn is_whole(&self) -> bool {
        self.bytes.len() as u64 == self.extent.len
    }

    /// Bytes of the page, if they are in memory.
    fn held(&self, start: u64, len: u64) -> Option<&[u8]> {
        let start = usize::try_from(start).ok()?;
        let end = start.checked_add(usize::try_from(len).ok()?)?;
        self.bytes.get(start..end)
    }
}

fn at(index: u16) -> usize {
    PAGE_HEADER_SIZE + usize::from(index) * ELEMENT_SIZE
}

fn table_end(header: PageHeader) -> u64 {
    at(header.count) as u64
}

/// A value in the file, of any size. As a [`Source`] it is read at any of its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Value<'n> {
    node: &'n Node<'n>,
    start: u64,
    len: u64,
}

impl<'n> Value<'n> {
    /// Its bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All of it, where it is in memory already.
    pub fn held(&self) -> Option<&'n [u8]> {
        self.node.held(self.start, self.len)
    }

    /// Where it starts in the file.
    pub fn offset(&self) -> u64 {
        self.node.extent.offset + self.start
    }

    /// All of it, for the small buckets.
    ///
    /// # Errors
    /// [`ErrorKind::BucketTooLarge`] above [`MAX_SMALL_BUCKET`], [`ErrorKind::Read`].
    pub fn to_vec(&self) -> Result<Vec<u8>, Error> {
        if let Some(held) = self.held() {
            return Ok(held.to_vec());
        }
        let limit = MAX_SMALL_BUCKET;
        let len = usize::try_from(self.len).ok().filter(|_| self.len <= limit);
        let kind = ErrorKind::BucketTooLarge { limit };
        let len = len.ok_or_else(|| self.node.error(kind, self.start))?;
        let mut bytes = vec![0; len];
        self.read(0, &mut bytes)?;
        Ok(bytes)
    }

    /// Calls with one piece after another.
    ///
    /// # Errors
    /// [`ErrorKind::Read`].
    pub fn pieces(&self, mut f: impl FnMut(&[u8])) -> Result<(), Error> {
        if let Some(held) = self.held() {
            f(held);
            return Ok(());
        }
        let mut buffer = vec![0; PIECE];
        let mut done = 0;
        while done < self.len {
            let len = usize::try_from(self.len - done).map_or(PIECE, |rest| rest.min(PIECE));
            let piece = &mut buffer[..len];
            self.read(done, piece)?;
            f(piece);
            done += len as u64;
        }
        Ok(())
    }

    /// Fills `out` with the bytes from `at` on, which must lie within it.
    ///
    /// # Errors
    /// [`ErrorKind::Read`].
    pub fn read(&self, at: u64, out: &mut [u8]) -> Result<(), Error> {
        let offset = self.offset().saturating_add(at);
        self.read_at(at, out)
            .map_err(|error| Error::on_page(ErrorKind::Read(error), self.node.id(), offset))
    }
}

impl Source for Value<'_> {
    fn size(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), SourceError> {
        let len = out.len() as u64;
        if offset.checked_add(len).is_none_or(|end| end > self.len) {
            return Err(SourceError::OutOfBounds {
                offset,
                len,
                size: self.len,
            });
        }
        if let Some(held) = self.node.held(self.start + offset, len) {
            out.copy_from_slice(held);
            return Ok(());
        }
        let source = self.node.database.source();
        source.read_at(self.offset() + offset, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = include_bytes!("../../testdata/etcd/3.6.14-empty.db");
    /// A leaf of it with ten elements, and the size of a page.
    const LEAF: usize = 4;
    const PAGE: usize = 4096;
    /// Where the table of its ten elements ends.
    const TABLE_END: u32 = 16 + 10 * 16;

    /// Looks at the leaf with one element set to this: position from the start of the page, lengths of key and value.
    fn set(index: u16, [start, key, value]: [u32; 3]) -> Result<NodeElement, ErrorKind> {
        let mut bytes = FILE.to_vec();
        let element = &mut bytes[LEAF * PAGE + at(index)..][..ELEMENT_SIZE];
        let position = start - at(index) as u32;
        for (field, value) in [(4, position), (8, key), (12, value)] {
            element[field..field + 4].copy_from_slice(&value.to_le_bytes());
        }
        let source = bytes.as_slice();
        let database = Database::open(&source).unwrap();
        let node = database.node(LEAF as u64).unwrap();
        assert!(node.is_leaf() && node.count() == 10);
        node.element(index).map_err(|error| error.kind().clone())
    }

    #[test]
    fn an_element_lies_within_its_page_to_the_byte() {
        for index in [0, 9] {
            let bounds = Err(ErrorKind::ElementBounds { index });
            let overlap = Err(ErrorKind::ElementOverlap { index });
            let ok = |place: [u32; 3]| {
                let element = set(index, place).unwrap();
                assert_eq!(element.start, u64::from(place[0]), "{place:?}");
                assert_eq!([element.key, element.value], place[1..], "{place:?}");
            };
            let refused = |place: [u32; 3]| set(index, place).map(|_| ());
            // Up to the last byte, and not one further.
            ok([4000, 40, 56]);
            ok([4096, 0, 0]);
            assert_eq!(refused([4000, 40, 57]), bounds);
            assert_eq!(refused([4000, 41, 56]), bounds);
            assert_eq!(refused([4001, 40, 56]), bounds);
            assert_eq!(refused([4097, 0, 0]), bounds);
            assert_eq!(refused([4000, u32::MAX, u32::MAX]), bounds);
            // From the first byte behind the table, and not one before; what has no bytes lies anywhere.
            ok([TABLE_END, 4, 4]);
            assert_eq!(refused([TABLE_END - 1, 4, 4]), overlap);
            assert_eq!(refused([TABLE_END - 1, 0, 1]), overlap);
            ok([TABLE_END - 1, 0, 0]);
        }
    }

    #[test]
    fn there_is_no_element_behind_the_last() {
        let database = Database::open(&FILE).unwrap();
        let node = database.node(LEAF as u64).unwrap();
        assert!(node.element(9).is_ok());
        let kind = node.element(10).unwrap_err().kind().clone();
        assert_eq!(kind, ErrorKind::ElementBounds { index: 10 });
    }

    #[test]
    fn elements_claim_together_what_the_page_has_and_no_more() {
        let claiming = |value: u32| {
            let mut bytes = FILE.to_vec();
            for index in 0..10 {
                let element = &mut bytes[LEAF * PAGE + at(index)..][..ELEMENT_SIZE];
                let [key, value] = if index == 9 { [96, value] } else { [100, 300] };
                element[8..12].copy_from_slice(&key.to_le_bytes());
                element[12..16].copy_from_slice(&value.to_le_bytes());
            }
            let source = bytes.as_slice();
            let database = Database::open(&source).unwrap();
            let node = database.node(LEAF as u64).unwrap();
            node.check_sum().map_err(|error| error.kind().clone())
        };
        assert_eq!(claiming(400), Ok(()));
        assert_eq!(claiming(401), Err(ErrorKind::ElementSum { index: 9 }));
    }
}
