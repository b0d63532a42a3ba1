//! Pages as they lie in the file: header, element tables of leaves and branches, freelist (spec 1.2, 1.5, 1.7).
//!
//! Decoding only: whether what is found is sound is for others to judge. Every access is bounds-checked and
//! works at any alignment, because pages of inline buckets lie anywhere.

use super::bytes::{u16_at, u32_at, u64_at};
use super::error::{Error, ErrorKind};

/// Bytes of a page header.
pub const PAGE_HEADER_SIZE: usize = 16;
/// Bytes of an entry of the element table, in leaves and branches alike.
pub const ELEMENT_SIZE: usize = 16;
/// Flag of a leaf element whose value is a bucket.
pub const BUCKET_FLAG: u32 = 0x01;

/// What a page is, by its flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageType {
    /// 0x01
    Branch,
    /// 0x02
    Leaf,
    /// 0x04
    Meta,
    /// 0x10
    Freelist,
}

impl PageType {
    /// By the flags of a header; exactly one of the four bits must be set.
    #[inline]
    pub fn from_flags(flags: u16) -> Option<Self> {
        match flags {
            0x01 => Some(Self::Branch),
            0x02 => Some(Self::Leaf),
            0x04 => Some(Self::Meta),
            0x10 => Some(Self::Freelist),
            _ => None,
        }
    }

    /// The flags in a header.
    pub fn flags(self) -> u16 {
        match self {
            Self::Branch => 0x01,
            Self::Leaf => 0x02,
            Self::Meta => 0x04,
            Self::Freelist => 0x10,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::Leaf => "leaf",
            Self::Meta => "meta",
            Self::Freelist => "freelist",
        }
    }
}

/// The 16 bytes at the start of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageHeader {
    /// Its own id.
    pub id: u64,
    /// What it is: see [`PageType`].
    pub flags: u16,
    /// Elements, or ids in a freelist.
    pub count: u16,
    /// Pages that follow and belong to it.
    pub overflow: u32,
}

impl PageHeader {
    /// Decodes the first 16 bytes.
    #[inline]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let header = bytes.first_chunk::<PAGE_HEADER_SIZE>()?;
        Some(Self {
            id: u64_at(header, 0)?,
            flags: u16_at(header, 8)?,
            count: u16_at(header, 10)?,
            overflow: u32_at(header, 12)?,
        })
    }

    /// The 16 bytes.
    pub fn encode(&self) -> [u8; PAGE_HEADER_SIZE] {
        let mut out = [0; PAGE_HEADER_SIZE];
        out[..8].copy_from_slice(&self.id.to_le_bytes());
        out[8..10].copy_from_slice(&self.flags.to_le_bytes());
        out[10..12].copy_from_slice(&self.count.to_le_bytes());
        out[12..].copy_from_slice(&self.overflow.to_le_bytes());
        out
    }

    /// What it is.
    #[inline]
    pub fn page_type(&self) -> Option<PageType> {
        PageType::from_flags(self.flags)
    }

    /// Pages it spans, itself included.
    #[inline]
    pub fn span(&self) -> u64 {
        u64::from(self.overflow) + 1
    }
}

/// A page with its overflow, in memory.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    id: u64,
    offset: u64,
    bytes: &'a [u8],
    header: PageHeader,
}

impl<'a> Page<'a> {
    /// A page whose bytes (overflow included) were read from `offset` of the file. For an inline bucket `id`
    /// is the page that contains it.
    ///
    /// # Errors
    /// [`ErrorKind::ElementTable`] when not even the header is there.
    pub fn new(id: u64, offset: u64, bytes: &'a [u8]) -> Result<Self, Error> {
        let header = PageHeader::parse(bytes).ok_or_else(|| {
            let len = bytes.len() as u64;
            Error::on_page(ErrorKind::ElementTable { count: 0, len }, id, offset)
        })?;
        Ok(Self {
            id,
            offset,
            bytes,
            header,
        })
    }

    /// The page id under which it was read.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Where it starts in the file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Its header.
    pub fn header(&self) -> PageHeader {
        self.header
    }

    /// All its bytes, header and overflow included.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What it is.
    ///
    /// # Errors
    /// [`ErrorKind::BadFlags`].
    pub fn page_type(&self) -> Result<PageType, Error> {
        self.header.page_type().ok_or_else(|| {
            let flags = self.header.flags;
            self.error(ErrorKind::BadFlags { flags }, 8)
        })
    }

    /// Its elements, for a leaf.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`], [`ErrorKind::ElementTable`].
    pub fn leaf(self) -> Result<Leaf<'a>, Error> {
        self.expect(PageType::Leaf)?;
        self.check_table()?;
        Ok(Leaf(self))
    }

    /// Its elements, for a branch.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`], [`ErrorKind::ElementTable`].
    pub fn branch(self) -> Result<Branch<'a>, Error> {
        self.expect(PageType::Branch)?;
        self.check_table()?;
        Ok(Branch(self))
    }

    /// Its ids, for a freelist.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`], [`ErrorKind::FreelistCount`].
    pub fn freelist(self) -> Result<Freelist<'a>, Error> {
        self.expect(PageType::Freelist)?;
        let len = self.bytes.len() as u64;
        let (count, start) = if self.header.count == u16::MAX {
            // The count did not fit: it is the first id instead.
            (
                u64_at(self.bytes, PAGE_HEADER_SIZE).unwrap_or(u64::MAX),
                PAGE_HEADER_SIZE + 8,
            )
        } else {
            (u64::from(self.header.count), PAGE_HEADER_SIZE)
        };
        let ids = usize::try_from(count)
            .ok()
            .and_then(|n| n.checked_mul(8))
            .and_then(|n| n.checked_add(start))
            .and_then(|end| self.bytes.get(start..end))
            .ok_or_else(|| self.error(ErrorKind::FreelistCount { count, len }, 10))?;
        Ok(Freelist { ids })
    }

    fn expect(&self, wanted: PageType) -> Result<(), Error> {
        let found = self.page_type()?;
        if found == wanted {
            return Ok(());
        }
        Err(self.error(
            ErrorKind::WrongType {
                found: found.name(),
                wanted: wanted.name(),
            },
            8,
        ))
    }

    fn check_table(&self) -> Result<(), Error> {
        let (count, len) = (u64::from(self.header.count), self.bytes.len() as u64);
        if PAGE_HEADER_SIZE as u64 + count * ELEMENT_SIZE as u64 > len {
            return Err(self.error(ErrorKind::ElementTable { count, len }, 10));
        }
        Ok(())
    }

    #[cold]
    fn error(&self, kind: ErrorKind, at: u64) -> Error {
        Error::on_page(kind, self.id, self.offset.saturating_add(at))
    }

    /// Where the element table ends.
    fn table_end(&self) -> usize {
        PAGE_HEADER_SIZE + usize::from(self.header.count) * ELEMENT_SIZE
    }

    /// The bytes an element points to, `pos` counted from the element's own start.
    fn pointed(&self, index: u16, pos: u32, len: u64) -> Result<&'a [u8], Error> {
        let element = PAGE_HEADER_SIZE + usize::from(index) * ELEMENT_SIZE;
        let bounds = || self.error(ErrorKind::ElementBounds { index }, element as u64);
        let start = (element as u64) + u64::from(pos);
        let range = usize::try_from(start)
            .ok()
            .zip(usize::try_from(start + len).ok());
        let (start, end) = range.ok_or_else(bounds)?;
        let bytes = self.bytes.get(start..end).ok_or_else(bounds)?;
        if start < self.table_end() && len > 0 {
            return Err(self.error(ErrorKind::ElementOverlap { index }, element as u64));
        }
        Ok(bytes)
    }
}

/// The elements of a leaf.
#[derive(Debug, Clone, Copy)]
pub struct Leaf<'a>(Page<'a>);

/// A pair, or a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeafElement<'a> {
    /// [`BUCKET_FLAG`] for a bucket, else 0.
    pub flags: u32,
    /// Where its key starts in the file.
    pub offset: u64,
    /// The key.
    pub key: &'a [u8],
    /// The value, or the bucket's header and inline page.
    pub value: &'a [u8],
}

impl LeafElement<'_> {
    /// Whether the value is a bucket.
    pub fn is_bucket(&self) -> bool {
        self.flags & BUCKET_FLAG != 0
    }
}

impl<'a> Leaf<'a> {
    /// How many elements there are.
    pub fn count(&self) -> u16 {
        self.0.header.count
    }

    /// The page itself.
    pub fn page(&self) -> &Page<'a> {
        &self.0
    }

    /// Checks that the elements together claim no more bytes than the page has: sound ones share none, and
    /// without this a small file could make a reader go over the same bytes without end.
    ///
    /// # Errors
    /// [`ErrorKind::ElementSum`].
    pub fn check_sum(&self) -> Result<(), Error> {
        let mut left = self.0.bytes.len() as u64;
        for index in 0..self.count() {
            let at = PAGE_HEADER_SIZE + usize::from(index) * ELEMENT_SIZE;
            let len = |field| u64::from(u32_at(self.0.bytes, at + field).unwrap_or_default());
            left = left
                .checked_sub(len(8) + len(12))
                .ok_or_else(|| self.0.error(ErrorKind::ElementSum { index }, at as u64))?;
        }
        Ok(())
    }

    /// One element.
    ///
    /// # Errors
    /// [`ErrorKind::ElementBounds`] when it points outside the page or does not exist, and
    /// [`ErrorKind::ElementOverlap`] when it points into the element table.
    pub fn get(&self, index: u16) -> Result<LeafElement<'a>, Error> {
        let at = PAGE_HEADER_SIZE + usize::from(index) * ELEMENT_SIZE;
        let field = |offset| {
            (index < self.count())
                .then(|| u32_at(self.0.bytes, at + offset))
                .flatten()
                .ok_or_else(|| self.0.error(ErrorKind::ElementBounds { index }, at as u64))
        };
        let (flags, pos, key_len, value_len) = (field(0)?, field(4)?, field(8)?, field(12)?);
        let len = u64::from(key_len) + u64::from(value_len);
        let bytes = self.0.pointed(index, pos, len)?;
        let (key, value) = bytes.split_at(key_len as usize);
        Ok(LeafElement {
            flags,
            offset: self.0.offset + at as u64 + u64::from(pos),
            key,
            value,
        })
    }

    /// All elements, in the order of the table.
    pub fn elements(self) -> impl Iterator<Item = Result<LeafElement<'a>, Error>> {
        (0..self.count()).map(move |index| self.get(index))
    }
}

/// The elements of a branch.
#[derive(Debug, Clone, Copy)]
pub struct Branch<'a>(Page<'a>);

/// A child and the smallest key that may be in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BranchElement<'a> {
    /// The separator.
    pub key: &'a [u8],
    /// The child's page.
    pub child: u64,
}

impl<'a> Branch<'a> {
    /// How many elements there are.
    pub fn count(&self) -> u16 {
        self.0.header.count
    }

    /// The page itself.
    pub fn page(&self) -> &Page<'a> {
        &self.0
    }

    /// One element.
    ///
    /// # Errors
    /// As [`Leaf::get`].
    pub fn get(&self, index: u16) -> Result<BranchElement<'a>, Error> {
        let at = PAGE_HEADER_SIZE + usize::from(index) * ELEMENT_SIZE;
        let missing = || self.0.error(ErrorKind::ElementBounds { index }, at as u64);
        if index >= self.count() {
            return Err(missing());
        }
        let pos = u32_at(self.0.bytes, at).ok_or_else(missing)?;
        let len = u32_at(self.0.bytes, at + 4).ok_or_else(missing)?;
        let child = u64_at(self.0.bytes, at + 8).ok_or_else(missing)?;
        let key = self.0.pointed(index, pos, u64::from(len))?;
        Ok(BranchElement { key, child })
    }

    /// All elements, in the order of the table.
    pub fn elements(self) -> impl Iterator<Item = Result<BranchElement<'a>, Error>> {
        (0..self.count()).map(move |index| self.get(index))
    }
}

/// The ids of a freelist page.
#[derive(Debug, Clone, Copy)]
pub struct Freelist<'a> {
    ids: &'a [u8],
}

impl<'a> Freelist<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ids.len() / 8
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The ids as listed, in order, unchecked.
    pub fn ids(self) -> impl Iterator<Item = u64> + 'a {
        let (ids, _) = self.ids.as_chunks::<8>();
        ids.iter().map(|id| u64::from_le_bytes(*id))
    }
}
