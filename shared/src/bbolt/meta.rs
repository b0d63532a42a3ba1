//! The two meta pages: which of them is valid, which one counts, and the page size (spec 1.3, 1.4).
//!
//! ```text
//!   0                16      20        24          28      32      40        48         56     64     72         80
//!   ┌────────────────┬───────┬─────────┬───────────┬───────┬───────┬─────────┬──────────┬──────┬──────┬──────────┐
//!   │ page header    │ magic │ version │ page size │ flags │ root  │ sequence│ freelist │ hwm  │ txid │ checksum │
//!   │ (flags 0x04)   │ u32   │ u32: 2  │ u32       │ u32   │ u64   │ u64     │ u64      │ u64  │ u64  │ u64      │
//!   └────────────────┴───────┴─────────┴───────────┴───────┴───────┴─────────┴──────────┴──────┴──────┴──────────┘
//!                    └───────────────────────── FNV-1a of these 56 bytes ──────────────────────────────┘
//! ```

use super::bytes::{u32_at, u64_at};
use super::error::{Error, ErrorKind, MetaError};
use super::limits::{MAX_PAGE_SIZE, MAX_PAGES, MIN_PAGE_SIZE};

/// `ED DA 0C ED` in the file.
pub const MAGIC: u32 = 0xED0C_DAED;
/// The only version of the format.
pub const VERSION: u32 = 2;
/// `freelist` of a file whose freelist is not stored.
pub const NO_FREELIST: u64 = u64::MAX;
/// Bytes of the struct that follows the page header.
pub const META_SIZE: usize = 64;
/// Where the struct starts in its page.
pub const META_OFFSET: usize = 16;

/// The struct of a meta page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// Bytes per page.
    pub page_size: u32,
    /// Unused, 0.
    pub flags: u32,
    /// Root page of the root bucket.
    pub root: u64,
    /// Sequence of the root bucket; 0 in etcd.
    pub root_sequence: u64,
    /// Page of the freelist, or [`NO_FREELIST`].
    pub freelist: u64,
    /// High-water mark: first page id never allocated.
    pub hwm: u64,
    /// The transaction that wrote it.
    pub txid: u64,
}

impl Meta {
    /// Decodes and validates the struct in a meta page; `page` starts at the page's first byte.
    ///
    /// # Errors
    /// In the order of the reference: magic, version, checksum; then what a sound file cannot have (spec 1.4).
    pub fn parse(page: &[u8]) -> Result<Self, MetaError> {
        let bytes = page
            .get(META_OFFSET..META_OFFSET + META_SIZE)
            .ok_or(MetaError::Missing)?;
        let word = |at| u32_at(bytes, at).unwrap_or_default();
        let long = |at| u64_at(bytes, at).unwrap_or_default();
        match word(0) {
            MAGIC => {}
            magic if magic.swap_bytes() == MAGIC => return Err(MetaError::BigEndian),
            magic => return Err(MetaError::Magic(magic)),
        }
        if word(4) != VERSION {
            return Err(MetaError::Version(word(4)));
        }
        let (found, computed) = (long(56), fnv1a(bytes.get(..56).unwrap_or_default()));
        if found != computed {
            return Err(MetaError::Checksum { found, computed });
        }
        let meta = Self {
            page_size: word(8),
            flags: word(12),
            root: long(16),
            root_sequence: long(24),
            freelist: long(32),
            hwm: long(40),
            txid: long(48),
        };
        if !valid_page_size(meta.page_size) {
            return Err(MetaError::PageSize(meta.page_size));
        }
        if meta.hwm < 4 || meta.hwm > MAX_PAGES {
            return Err(MetaError::HighWaterMark(meta.hwm));
        }
        if meta.root < 2 || meta.root >= meta.hwm {
            return Err(MetaError::Root {
                root: meta.root,
                hwm: meta.hwm,
            });
        }
        Ok(meta)
    }

    /// Whether a meta page that cannot be used is of a later commit than this one: by its transaction id, where that
    /// can be told. Two metas are of commits that follow each other, so its checksum tells even when the id itself is
    /// what was damaged. `None` when too little of it is what a meta page has.
    pub fn is_followed_by(&self, page: &[u8]) -> Option<bool> {
        let bytes = page.get(META_OFFSET..)?.first_chunk::<META_SIZE>()?;
        let is = |at, wanted| u32_at(bytes, at) == Some(wanted);
        let signs = [is(0, MAGIC), is(4, VERSION), is(8, self.page_size)];
        if signs.into_iter().filter(|sign| *sign).count() < 2 {
            return None;
        }
        let (later, earlier) = (self.txid.wrapping_add(1), self.txid.wrapping_sub(1));
        let with = |txid: u64| {
            let mut repaired = *bytes;
            repaired[48..56].copy_from_slice(&txid.to_le_bytes());
            u64_at(bytes, 56) == Some(fnv1a(&repaired[..56]))
        };
        let claimed = u64_at(bytes, 48)?;
        match claimed {
            _ if with(later) => Some(true),
            _ if with(earlier) => Some(false),
            txid if txid == later => Some(true),
            txid if txid == earlier => Some(false),
            _ => None,
        }
    }

    /// The 64 bytes of the struct, checksum included, as bbolt writes them.
    pub fn encode(&self) -> [u8; META_SIZE] {
        let mut out = [0; META_SIZE];
        let fields: [(usize, &[u8]); 9] = [
            (0, &MAGIC.to_le_bytes()),
            (4, &VERSION.to_le_bytes()),
            (8, &self.page_size.to_le_bytes()),
            (12, &self.flags.to_le_bytes()),
            (16, &self.root.to_le_bytes()),
            (24, &self.root_sequence.to_le_bytes()),
            (32, &self.freelist.to_le_bytes()),
            (40, &self.hwm.to_le_bytes()),
            (48, &self.txid.to_le_bytes()),
        ];
        for (at, field) in fields {
            out[at..at + field.len()].copy_from_slice(field);
        }
        let checksum = fnv1a(&out[..56]);
        out[56..].copy_from_slice(&checksum.to_le_bytes());
        out
    }

    /// Bytes that belong to the database: high-water mark times page size.
    pub fn logical_size(&self) -> u64 {
        // Both are limited: 2^32 pages of 2^24 bytes.
        self.hwm.saturating_mul(u64::from(self.page_size))
    }
}

/// Both metas of a file, as far as they could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metas {
    /// Bytes per page.
    pub page_size: u32,
    /// The ones on page 0 and page 1.
    pub slots: [Result<Meta, MetaError>; 2],
}

impl Metas {
    /// Decodes both from the bytes of their pages, once the page size is known.
    pub fn parse(page_size: u32, first: &[u8], second: &[u8]) -> Self {
        let parse = |page| match Meta::parse(page) {
            Ok(meta) if meta.page_size != page_size => {
                Err(MetaError::OtherPageSize(meta.page_size))
            }
            other => other,
        };
        Self {
            page_size,
            slots: [parse(first), parse(second)],
        }
    }

    /// The page of the meta that counts: the valid one with the greater transaction id, page 0 when equal.
    pub fn current_slot(&self) -> Option<usize> {
        match self.slots {
            [Ok(first), Ok(second)] => Some(usize::from(second.txid > first.txid)),
            [Ok(_), Err(_)] => Some(0),
            [Err(_), Ok(_)] => Some(1),
            [Err(_), Err(_)] => None,
        }
    }

    /// The meta that counts.
    ///
    /// # Errors
    /// [`ErrorKind::BigEndian`], or [`ErrorKind::NoMeta`] with what is wrong with each.
    pub fn current(&self) -> Result<Meta, Error> {
        match self.slots {
            [Err(first), Err(second)] => Err(no_meta(first, second)),
            [Ok(meta), Err(_)] | [Err(_), Ok(meta)] => Ok(meta),
            [Ok(first), Ok(second)] => Ok(if second.txid > first.txid {
                second
            } else {
                first
            }),
        }
    }

    /// The other meta, where it is valid too.
    pub fn other(&self) -> Option<Meta> {
        let slot = 1 - self.current_slot()?;
        self.slots[slot].ok()
    }
}

#[cold]
pub(crate) fn no_meta(first: MetaError, second: MetaError) -> Error {
    if first == MetaError::BigEndian || second == MetaError::BigEndian {
        return Error::new(ErrorKind::BigEndian, META_OFFSET as u64);
    }
    Error::new(ErrorKind::NoMeta { first, second }, 0)
}

/// Whether a page can have this size.
pub fn valid_page_size(size: u32) -> bool {
    size.is_power_of_two() && (MIN_PAGE_SIZE..=MAX_PAGE_SIZE).contains(&size)
}

/// Where meta 1 is looked for when meta 0 is unreadable: at every page size, smallest first (spec 1.4).
pub fn probe_offsets(file_size: u64) -> impl Iterator<Item = u64> {
    (0..15)
        .map(|i| u64::from(MIN_PAGE_SIZE) << i)
        .take_while(move |offset| *offset < file_size.saturating_sub(1024))
}

/// FNV-1a, 64 bits: the checksum of a meta.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn initial(txid: u64) -> Meta {
        Meta {
            page_size: 4096,
            flags: 0,
            root: 3,
            root_sequence: 0,
            freelist: 2,
            hwm: 4,
            txid,
        }
    }

    #[test]
    fn fnv_vectors() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
    }

    #[test]
    fn checksums_of_a_new_file() {
        let checksum = |txid| u64_at(&initial(txid).encode(), 56);
        assert_eq!(checksum(0), Some(0x0751_6e11_4689_fdee));
        assert_eq!(checksum(1), Some(0x264c_351a_5179_480f));
    }

    #[test]
    fn the_greater_transaction_counts_and_page_0_when_equal() {
        let page = |txid| [vec![0; 16], initial(txid).encode().to_vec()].concat();
        let slot = |a, b| Metas::parse(4096, &page(a), &page(b)).current_slot();
        assert_eq!(slot(7, 6), Some(0));
        assert_eq!(slot(7, 8), Some(1));
        assert_eq!(slot(7, 7), Some(0));
    }
}
