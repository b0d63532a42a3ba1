//! What a page is: its header, and the sizes of what follows (spec 1.2, 1.5, 1.7).
//!
//! ```text
//!   0           8       10      12         16
//!   ┌───────────┬───────┬───────┬──────────┬───────────────────────────────────────────────┐
//!   │ id        │ flags │ count │ overflow │ elements and their keys and values, or ids     │
//!   │ u64       │ u16   │ u16   │ u32      │ up to the end of the last overflow page        │
//!   └───────────┴───────┴───────┴──────────┴───────────────────────────────────────────────┘
//!     flags: 0x01 branch, 0x02 leaf, 0x04 meta, 0x10 freelist
//!
//!   freelist      count < 65535: that many ids of free pages, u64 each, ascending
//!                 count = 65535: the first u64 is the count instead, and the ids follow
//! ```

use super::bytes::{u16_at, u32_at, u64_at};

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

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: PageHeader = PageHeader {
        id: 0x0102_0304_0506_0708,
        flags: 0x02,
        count: 0x1314,
        overflow: 0x2122_2324,
    };

    #[test]
    fn a_header_has_sixteen_bytes_and_not_one_less() {
        let bytes = HEADER.encode();
        assert_eq!(PageHeader::parse(&bytes), Some(HEADER));
        assert_eq!(PageHeader::parse(&bytes[..15]), None);
        assert_eq!(PageHeader::parse(&[]), None);
        // What follows is not part of it.
        let page = [&bytes[..], &[0xff; 4080]].concat();
        assert_eq!(PageHeader::parse(&page), Some(HEADER));
        assert_eq!(bytes[..8], [8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(bytes[8..], [2, 0, 0x14, 0x13, 0x24, 0x23, 0x22, 0x21]);
    }

    #[test]
    fn exactly_one_known_flag_is_a_type() {
        let known = [
            (0x01, PageType::Branch),
            (0x02, PageType::Leaf),
            (0x04, PageType::Meta),
            (0x10, PageType::Freelist),
        ];
        for flags in 0..=u16::MAX {
            let found = known.into_iter().find(|(own, _)| *own == flags);
            assert_eq!(PageType::from_flags(flags), found.map(|(_, of)| of));
        }
        for (flags, of) in known {
            assert_eq!(of.flags(), flags);
            let header = PageHeader { flags, ..HEADER };
            assert_eq!(header.page_type(), Some(of));
        }
    }

    #[test]
    fn a_page_spans_itself_and_what_flows_over() {
        for (overflow, span) in [(0, 1), (1, 2), (u32::MAX, 1 << 32)] {
            assert_eq!(PageHeader { overflow, ..HEADER }.span(), span);
        }
    }
}
