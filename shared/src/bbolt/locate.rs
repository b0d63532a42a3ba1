//! Where a database starts in a file: at its first byte, or behind bytes that do not belong to it.

use super::bytes::u64_at;
use super::meta::{MAGIC, META_OFFSET, META_SIZE, Meta, probe_offsets};

/// Bytes in front of a database that are looked through for its start: a line or a header that another
/// program wrote into the same file.
pub const MAX_PREFIX: u64 = 64 << 10;

/// First bytes of a file that tell where its database starts, if meta 0 can be used or meta 1 lies within them.
pub const LOCATE_BYTES: usize = MAX_PREFIX as usize + STRUCT_END;

/// Where the struct of a meta page ends.
pub(crate) const STRUCT_END: usize = META_OFFSET + META_SIZE;

/// Where a database starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    /// Bytes in front of it.
    pub start: u64,
    /// One of its metas; not always the one that counts.
    pub meta: Meta,
}

/// What the first bytes of a file tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Located {
    /// The database starts here.
    At(Location),
    /// More bytes may tell.
    NotYet,
    /// There is no meta page at any place where one is looked for.
    Nowhere,
}

/// Looks for the start of a database in the first bytes of a file; `all` when there are no more.
///
/// Meta 0 at the first byte is believed at once. Where it cannot be used, the header of any other meta page
/// within [`MAX_PREFIX`] tells whether it is meta 0 of a database that starts there or meta 1 of one that starts
/// a page before; behind that, meta 1 is looked for at every page size (spec 1.4).
pub fn locate(bytes: &[u8], all: bool) -> Located {
    if bytes.len() < STRUCT_END && !all {
        return Located::NotYet;
    }
    if let Ok(meta) = Meta::parse(bytes) {
        return Located::At(Location { start: 0, meta });
    }
    if bytes.len() < LOCATE_BYTES && !all {
        return Located::NotYet;
    }
    let probe = |offset: u64| probed(offset, bytes.get(usize::try_from(offset).ok()?..)?);
    let near = probe_offsets(u64::MAX).filter(|offset| *offset <= MAX_PREFIX);
    let found = { near }
        .find_map(probe)
        .or_else(|| behind_prefix(bytes))
        .or_else(|| far_probes(u64::MAX).find_map(probe));
    let last = far_probes(u64::MAX).last().unwrap_or_default();
    match found {
        Some(location) => Located::At(location),
        None if all || bytes.len() as u64 >= last + STRUCT_END as u64 => Located::Nowhere,
        None => Located::NotYet,
    }
}

/// Where meta 1 is looked for behind the bytes that [`locate`] wants at once.
pub(super) fn far_probes(file_size: u64) -> impl Iterator<Item = u64> {
    probe_offsets(file_size).filter(|offset| *offset > MAX_PREFIX)
}

/// A meta page at a place where meta 1 is looked for.
pub(super) fn probed(offset: u64, page: &[u8]) -> Option<Location> {
    let meta = Meta::parse(page).ok()?;
    let start = match u64_at(page, 0) {
        // A meta 0 here is that of a database which starts here.
        Some(0) => offset,
        Some(1) => offset.saturating_sub(meta.page_size.into()),
        _ => 0,
    };
    Some(Location { start, meta })
}

/// A meta page at any byte, whose header says which of the two it is.
fn behind_prefix(bytes: &[u8]) -> Option<Location> {
    let magic = MAGIC.to_le_bytes();
    let end = bytes.len().min(LOCATE_BYTES);
    let mut from = META_OFFSET + 1;
    loop {
        let rest = bytes.get(from..end)?;
        let at = from + rest.windows(magic.len()).position(|four| four == magic)?;
        from = at + 1;
        let page = at - META_OFFSET;
        let Some(Ok(meta)) = bytes.get(page..).map(Meta::parse) else {
            continue;
        };
        let start = match u64_at(bytes, page) {
            Some(0) => Some(page as u64),
            Some(1) => (page as u64).checked_sub(meta.page_size.into()),
            _ => None,
        };
        if let Some(start) = start {
            return Some(Location { start, meta });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::meta::NO_FREELIST;
    use super::super::page::PageHeader;
    use super::*;

    /// A database of four pages of which only the metas are filled in.
    fn database(page_size: u32) -> Vec<u8> {
        let mut bytes = vec![0; page_size as usize * 4];
        for slot in 0..2u64 {
            let header = PageHeader {
                id: slot,
                flags: 4,
                count: 0,
                overflow: 0,
            };
            let meta = Meta {
                page_size,
                flags: 0,
                root: 2,
                root_sequence: 0,
                freelist: NO_FREELIST,
                hwm: 4,
                txid: 8 - slot,
            };
            let at = slot as usize * page_size as usize;
            bytes[at..at + 16].copy_from_slice(&header.encode());
            bytes[at + 16..at + 80].copy_from_slice(&meta.encode());
        }
        bytes
    }

    fn start(bytes: &[u8]) -> Option<u64> {
        match locate(bytes, true) {
            Located::At(location) => Some(location.start),
            _ => None,
        }
    }

    #[test]
    fn bytes_in_front_are_counted_whichever_meta_can_be_used() {
        for page_size in [1024, 4096, 65536] {
            let whole = database(page_size);
            let mut second_only = whole.clone();
            second_only[16..80].fill(0xff);
            let mut first_only = whole.clone();
            let at = page_size as usize;
            first_only[at + 16..at + 80].fill(0);
            for prefix in [0, 1, 7, 512, 1023, 1024, 4096, 5000, 60_000] {
                for database in [&whole, &first_only, &second_only] {
                    let bytes = [&vec![b'#'; prefix], database.as_slice()].concat();
                    // Meta 1 must lie within the bytes that are looked through.
                    let reach = prefix + page_size as usize <= MAX_PREFIX as usize;
                    if *database != second_only || prefix == 0 || reach {
                        assert_eq!(start(&bytes), Some(prefix as u64), "{page_size} {prefix}");
                    }
                }
            }
        }
    }

    #[test]
    fn it_is_told_as_soon_as_it_can_be() {
        let bytes = database(4096);
        assert_eq!(locate(&bytes[..79], false), Located::NotYet);
        assert!(matches!(locate(&bytes[..80], false), Located::At(_)));
        assert_eq!(locate(&[7; 100], true), Located::Nowhere);
        assert_eq!(locate(&[7; 70_000], false), Located::NotYet);
        let far = vec![7; (16 << 20) + 80];
        assert_eq!(locate(&far, false), Located::Nowhere);
    }

    #[test]
    fn the_magic_alone_is_no_meta() {
        let mut bytes = vec![0; 70_000];
        for at in [16, 17, 500, 4096, 65_000] {
            bytes[at..at + 4].copy_from_slice(&MAGIC.to_le_bytes());
        }
        assert_eq!(start(&bytes), None);
    }
}
