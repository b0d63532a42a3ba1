//! What can be wrong with a bbolt file, on which page and at which byte.

use std::fmt;

use crate::source::SourceError;

/// A problem with its place in the file. One word wide, so that results stay cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    page: Option<u64>,
    offset: u64,
}

impl Error {
    /// A problem at a byte of the file that belongs to no page in particular.
    #[cold]
    pub fn new(kind: ErrorKind, offset: u64) -> Self {
        Self(Box::new(Inner {
            kind,
            page: None,
            offset,
        }))
    }

    /// A problem with a page, at a byte of the file.
    #[cold]
    pub fn on_page(kind: ErrorKind, page: u64, offset: u64) -> Self {
        Self(Box::new(Inner {
            kind,
            page: Some(page),
            offset,
        }))
    }

    /// What is wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The page it is about.
    pub fn page(&self) -> Option<u64> {
        self.0.page
    }

    /// The byte of the file where it was seen.
    pub fn offset(&self) -> u64 {
        self.0.offset
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, page, offset } = &*self.0;
        match page {
            Some(page) => write!(f, "{kind} (page {page}, at offset {offset:#x})"),
            None => write!(f, "{kind} (at offset {offset:#x})"),
        }
    }
}

impl std::error::Error for Error {}

/// Why a meta page cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MetaError {
    /// The bytes end before it does.
    #[error("missing: the file ends before it")]
    Missing,
    /// Not bbolt.
    #[error("invalid database: magic is {0:#010x}")]
    Magic(u32),
    /// The magic of a big-endian file.
    #[error("written by a big-endian machine")]
    BigEndian,
    /// Another format.
    #[error("version mismatch: {0} instead of 2")]
    Version(u32),
    /// The bytes are not those that were written.
    #[error("checksum error: {found:#018x} stored, {computed:#018x} computed")]
    Checksum {
        /// As stored.
        found: u64,
        /// Over the bytes that are there.
        computed: u64,
    },
    /// The checksum agrees, but the page size is none.
    #[error("page size {0} is not a power of two from 1024 to 16777216")]
    PageSize(u32),
    /// The checksum agrees, but the two pages of the file do not have one size.
    #[error("page size {0} differs from the other meta's")]
    OtherPageSize(u32),
    /// The checksum agrees, but the high-water mark cannot be.
    #[error("high-water mark {0} is impossible")]
    HighWaterMark(u64),
    /// The checksum agrees, but the root page cannot be.
    #[error("root page {root} is not in 2..{hwm}")]
    Root {
        /// As found.
        root: u64,
        /// High-water mark.
        hwm: u64,
    },
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Shorter than two pages.
    #[error("the file has {size} bytes, less than two pages")]
    TooSmall {
        /// Its length in bytes.
        size: u64,
    },
    /// Neither meta page can be used.
    #[error("no usable meta page: meta 0: {first}; meta 1: {second}")]
    NoMeta {
        /// What is wrong with the one on page 0.
        first: MetaError,
        /// What is wrong with the one on page 1.
        second: MetaError,
    },
    /// Written by a big-endian machine.
    #[error("the file was written by a big-endian machine (s390x), which is not supported")]
    BigEndian,
    /// A reference to a page that cannot hold data.
    #[error("page id {id} is out of bounds: data pages are 2 to {}", hwm.saturating_sub(1))]
    OutOfBounds {
        /// The id referred to.
        id: u64,
        /// The high-water mark: first id never allocated.
        hwm: u64,
    },
    /// A page that lies at least partly beyond the end of the file.
    #[error("the file ends at {size}, before the page's end at {end}")]
    Truncated {
        /// Length of the file's image in bytes.
        size: u64,
        /// Where the page would end.
        end: u64,
    },
    /// A page reached twice.
    #[error("the page is referenced more than once")]
    Revisited,
    /// Too many levels.
    #[error("the tree is deeper than {limit} levels")]
    TooDeep {
        /// The maximum.
        limit: usize,
    },
    /// The header's own id is another one.
    #[error("the page identifies itself as {found}")]
    IdMismatch {
        /// The id in the header.
        found: u64,
    },
    /// A page full of zeros where data should be.
    #[error("the page is all zeros where a branch or leaf should be: a lost write")]
    Zeroed,
    /// Flags that no page may have.
    #[error("the page's flags {flags:#06x} are not those of a page")]
    BadFlags {
        /// As found.
        flags: u16,
    },
    /// A page of another kind than the place demands.
    #[error("a {found} page is where a {wanted} belongs")]
    WrongType {
        /// What it is.
        found: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// The overflow reaches beyond the high-water mark.
    #[error("its {overflow} overflow pages reach beyond the high-water mark {hwm}")]
    Overflow {
        /// As found.
        overflow: u32,
        /// First page id never allocated.
        hwm: u64,
    },
    /// A page larger than is loaded at once.
    #[error("the page spans {bytes} bytes, more than the {limit} that are loaded at once")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The maximum.
        limit: u64,
    },
    /// More elements than fit.
    #[error("{count} elements do not fit in {len} bytes")]
    ElementTable {
        /// How many it claims.
        count: u64,
        /// Bytes of the page with its overflow.
        len: u64,
    },
    /// An element that points outside its page.
    #[error("element {index} points outside its page")]
    ElementBounds {
        /// Which one.
        index: u16,
    },
    /// An element that points into the table of elements.
    #[error("element {index} points into the element table")]
    ElementOverlap {
        /// Which one.
        index: u16,
    },
    /// A key without bytes.
    #[error("element {index} has an empty key")]
    EmptyKey {
        /// Which one.
        index: u16,
    },
    /// A key longer than bbolt writes.
    #[error("the key of element {index} has {len} bytes, more than bbolt writes")]
    KeyTooLong {
        /// Which one.
        index: u16,
        /// As found.
        len: u32,
    },
    /// Elements that together claim more bytes than their page has.
    #[error("the elements from {index} on claim more bytes than the page has")]
    ElementSum {
        /// The first one that is too much.
        index: u16,
    },
    /// A key not above the one before.
    #[error("the key of element {index} is not above the one before it")]
    KeyOrder {
        /// Which one.
        index: u16,
    },
    /// The same key twice.
    #[error("the key of element {index} is the same as the one before it")]
    DuplicateKey {
        /// Which one.
        index: u16,
    },
    /// A key below the separator that leads to its page.
    #[error("the page's first key is below the separator that leads to it")]
    BelowSeparator,
    /// A key not below the next separator.
    #[error("the page's last key is not below the next separator above it")]
    AboveSeparator,
    /// A branch without children.
    #[error("the branch has no elements")]
    EmptyBranch,
    /// A leaf element whose flags are not known.
    #[error("element {index} has unknown flags {flags:#x}")]
    ElementFlags {
        /// Which one.
        index: u16,
        /// As found.
        flags: u32,
    },
    /// A bucket's value too short for its header.
    #[error("a bucket's value has {len} bytes, too few for its header")]
    BucketHeader {
        /// As found.
        len: u64,
    },
    /// An inline bucket whose page is not a plain leaf.
    #[error(
        "the inline bucket's page has flags {flags:#06x} and overflow {overflow}; it must be one leaf"
    )]
    InlinePage {
        /// As found.
        flags: u16,
        /// As found.
        overflow: u32,
    },
    /// Buckets within buckets, too deep.
    #[error("buckets are nested deeper than {limit}")]
    BucketsTooDeep {
        /// The maximum.
        limit: usize,
    },
    /// A bucket too large for what is asked.
    #[error("the bucket holds more than {limit} bytes")]
    BucketTooLarge {
        /// The maximum.
        limit: u64,
    },
    /// More ids than fit.
    #[error("a freelist of {count} ids does not fit in {len} bytes")]
    FreelistCount {
        /// How many it claims.
        count: u64,
        /// Bytes of the page with its overflow.
        len: u64,
    },
    /// The bytes could not be had.
    #[error("{0}")]
    Read(SourceError),
}

impl ErrorKind {
    /// A stable name for reports, most general part first.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "file.empty",
            Self::TooSmall { .. } => "file.too-small",
            Self::NoMeta { .. } => "meta.none-valid",
            Self::BigEndian => "file.big-endian",
            Self::OutOfBounds { .. } => "page.out-of-bounds",
            Self::Truncated { .. } => "page.missing",
            Self::Revisited => "page.multiple-references",
            Self::TooDeep { .. } => "tree.too-deep",
            Self::IdMismatch { .. } => "page.id-mismatch",
            Self::Zeroed => "page.zeroed",
            Self::BadFlags { .. } => "page.bad-flags",
            Self::WrongType { .. } => "page.wrong-type",
            Self::Overflow { .. } => "page.overflow",
            Self::TooLarge { .. } => "page.too-large",
            Self::ElementTable { .. } => "page.element-table",
            Self::ElementBounds { .. } => "element.out-of-bounds",
            Self::ElementOverlap { .. } => "element.overlap",
            Self::EmptyKey { .. } => "key.empty",
            Self::KeyTooLong { .. } => "key.too-long",
            Self::ElementSum { .. } => "element.sum",
            Self::KeyOrder { .. } => "key.order",
            Self::DuplicateKey { .. } => "key.duplicate",
            Self::BelowSeparator => "key.below-separator",
            Self::AboveSeparator => "key.above-separator",
            Self::EmptyBranch => "page.empty-branch",
            Self::ElementFlags { .. } => "element.flags",
            Self::BucketHeader { .. } => "bucket.header",
            Self::InlinePage { .. } => "bucket.inline-page",
            Self::BucketsTooDeep { .. } => "bucket.too-deep",
            Self::BucketTooLarge { .. } => "bucket.too-large",
            Self::FreelistCount { .. } => "freelist.count",
            Self::Read(_) => "file.read",
        }
    }
}
