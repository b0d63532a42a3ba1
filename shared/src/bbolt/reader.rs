//! Random access: the pages of a file, read when asked for.

use crate::source::Source;

use super::error::{Error, ErrorKind, MetaError};
use super::locate::{self, LOCATE_BYTES, Located, Location, STRUCT_END};
use super::meta::{self, Meta, Metas};
use super::page::PageHeader;

/// Bytes that a server sends behind the database: its SHA-256.
const SENT_WITH: u64 = 32;

/// Where a page of a tree lies in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Its id, or that of the page which contains it when it is inline.
    pub page: u64,
    /// Its first byte in the file.
    pub offset: u64,
    /// Its bytes, overflow included.
    pub len: u64,
}

/// A bbolt file under one of its metas.
#[derive(Clone, Copy)]
pub struct Database<'s> {
    source: &'s dyn Source,
    metas: Metas,
    meta: Meta,
    start: u64,
    image_size: u64,
}

impl std::fmt::Debug for Database<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("metas", &self.metas)
            .field("meta", &self.meta)
            .finish_non_exhaustive()
    }
}

impl<'s> Database<'s> {
    /// Opens a file under its current meta. Nothing but the metas is read.
    ///
    /// # Errors
    /// [`ErrorKind::Empty`], [`ErrorKind::TooSmall`], [`ErrorKind::BigEndian`], [`ErrorKind::NoMeta`],
    /// [`ErrorKind::Read`].
    pub fn open(source: &'s dyn Source) -> Result<Self, Error> {
        let (start, metas) = read_metas(source)?;
        let meta = metas.current()?;
        Ok(Self {
            source,
            metas,
            meta,
            start,
            image_size: image_size(source.size().saturating_sub(start)),
        })
    }

    /// The same file under another of its metas: [`Metas::other`] describes the commit before.
    #[must_use]
    pub fn under(self, meta: Meta) -> Self {
        Self { meta, ..self }
    }

    /// Both metas.
    pub fn metas(&self) -> &Metas {
        &self.metas
    }

    /// The meta in use.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Bytes per page.
    pub fn page_size(&self) -> u32 {
        self.meta.page_size
    }

    /// Bytes of the file in front of the database, which are no part of it.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// Where a page starts in the file.
    pub fn offset_of(&self, page: u64) -> u64 {
        page.saturating_mul(u64::from(self.page_size()))
            .saturating_add(self.start)
    }

    /// Bytes of the file from the start of the database on, but for a trailer: less than
    /// [`Meta::logical_size`] where the last pages are missing, more where other bytes follow.
    pub fn image_size(&self) -> u64 {
        self.image_size
    }

    /// The bytes that are the database's and in the file, from its start on.
    pub fn present_size(&self) -> u64 {
        self.image_size.min(self.meta.logical_size())
    }

    pub(super) fn source(&self) -> &'s dyn Source {
        self.source
    }

    /// Whether a meta page that cannot be used may have been the one that counts. It was not where it says so
    /// itself, or where the file is exactly what a server sends: the meta of the moment first, then its spare.
    pub fn may_be_newer(&self, slot: u64) -> bool {
        let mut page = [0; STRUCT_END];
        let newer = self
            .read_at(slot, self.offset_of(slot), &mut page)
            .ok()
            .and_then(|()| self.meta.is_followed_by(&page));
        newer.unwrap_or_else(|| {
            let sent = self.meta.logical_size().saturating_add(SENT_WITH);
            slot == 0 || self.source.size().saturating_sub(self.start) != sent
        })
    }

    /// The header of any page as it stands, unchecked.
    ///
    /// # Errors
    /// [`ErrorKind::Read`].
    pub fn raw_header(&self, id: u64) -> Result<PageHeader, Error> {
        let offset = self.offset_of(id);
        let mut bytes = [0; 16];
        self.read_at(id, offset, &mut bytes)?;
        PageHeader::parse(&bytes).ok_or_else(|| Error::on_page(ErrorKind::Zeroed, id, offset))
    }

    /// Reads only the header of a data page, and checks that the page lies within the file and says it is
    /// the one asked for.
    ///
    /// # Errors
    /// [`ErrorKind::OutOfBounds`], [`ErrorKind::Truncated`], [`ErrorKind::Zeroed`],
    /// [`ErrorKind::IdMismatch`], [`ErrorKind::BadFlags`], [`ErrorKind::Overflow`], [`ErrorKind::Read`].
    pub fn read_header(&self, id: u64) -> Result<PageHeader, Error> {
        let offset = self.offset_of(id);
        let fail = |kind| Error::on_page(kind, id, offset);
        let hwm = self.meta.hwm;
        if id < 2 || id >= hwm {
            return Err(fail(ErrorKind::OutOfBounds { id, hwm }));
        }
        let size = self.start.saturating_add(self.image_size);
        let end = offset.saturating_add(u64::from(self.page_size()));
        if end > size {
            return Err(fail(ErrorKind::Truncated { size, end }));
        }
        let mut bytes = [0; 16];
        self.read_at(id, offset, &mut bytes)?;
        let Some(header) = PageHeader::parse(&bytes) else {
            return Err(fail(ErrorKind::Zeroed));
        };
        if bytes == [0; 16] {
            return Err(fail(ErrorKind::Zeroed));
        }
        if header.id != id {
            return Err(fail(ErrorKind::IdMismatch { found: header.id }));
        }
        if header.page_type().is_none() {
            let flags = header.flags;
            return Err(fail(ErrorKind::BadFlags { flags }));
        }
        let overflow = header.overflow;
        if id.saturating_add(header.span()) > hwm {
            return Err(fail(ErrorKind::Overflow { overflow, hwm }));
        }
        let end = offset.saturating_add(header.span() * u64::from(self.page_size()));
        if end > size {
            return Err(fail(ErrorKind::Truncated { size, end }));
        }
        Ok(header)
    }

    /// Where a data page lies with its overflow, all of it within the file.
    ///
    /// # Errors
    /// As [`Database::read_header`].
    pub fn extent(&self, id: u64) -> Result<Extent, Error> {
        let header = self.read_header(id)?;
        Ok(Extent {
            page: id,
            offset: self.offset_of(id),
            len: header.span() * u64::from(self.page_size()),
        })
    }

    pub(super) fn read_at(&self, id: u64, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        self.source
            .read_at(offset, out)
            .map_err(|e| Error::on_page(ErrorKind::Read(e), id, offset))
    }
}

/// The image without its trailer: a snapshot's length modulo 512 is 32 (spec 3.1).
fn image_size(size: u64) -> u64 {
    if size % 512 == 32 { size - 32 } else { size }
}

/// Finds where the database starts and its page size, and reads both metas.
fn read_metas(source: &dyn Source) -> Result<(u64, Metas), Error> {
    let size = source.size();
    if size == 0 {
        return Err(Error::new(ErrorKind::Empty, 0));
    }
    let read_at = |offset: u64, page: &mut [u8]| {
        source
            .read_at(offset, page)
            .map_err(|e| Error::new(ErrorKind::Read(e), offset))
    };
    // Empty where the file ends before it.
    let read = |offset: u64| -> Result<Vec<u8>, Error> {
        if offset.saturating_add(STRUCT_END as u64) > size {
            return Ok(Vec::new());
        }
        let mut page = vec![0; STRUCT_END];
        read_at(offset, &mut page)?;
        Ok(page)
    };
    let first = read(0)?;
    let mut found = locate::locate(&first, first.is_empty());
    if !matches!(found, Located::At(_)) && !first.is_empty() {
        let all = size <= LOCATE_BYTES as u64;
        let len = usize::try_from(size).map_or(LOCATE_BYTES, |size| size.min(LOCATE_BYTES));
        let mut bytes = vec![0; len];
        read_at(0, &mut bytes)?;
        found = locate::locate(&bytes, all);
    }
    if found == Located::NotYet {
        for offset in locate::far_probes(size) {
            if let Some(location) = locate::probed(offset, &read(offset)?) {
                found = Located::At(location);
                break;
            }
        }
    }
    let Located::At(Location { start, meta }) = found else {
        if size < 2 * u64::from(super::limits::MIN_PAGE_SIZE) {
            return Err(Error::new(ErrorKind::TooSmall { size }, 0));
        }
        let failed = |page: &[u8]| Meta::parse(page).err().unwrap_or(MetaError::Missing);
        // Nobody knows where meta 1 lies: where it would with the usual page size.
        return Err(meta::no_meta(failed(&first), failed(&read(4096)?)));
    };
    let page_size = meta.page_size;
    if size.saturating_sub(start) < 2 * u64::from(page_size) {
        return Err(Error::new(ErrorKind::TooSmall { size }, 0));
    }
    let (first, second) = (read(start)?, read(start + u64::from(page_size))?);
    Ok((start, Metas::parse(page_size, &first, &second)))
}

#[cfg(test)]
mod tests {
    use super::super::meta::NO_FREELIST;
    use super::*;

    const PAGE: usize = 4096;
    /// First page id never allocated.
    const HWM: u64 = 6;

    /// A database of six pages: two metas, and leaves that begin with their ids.
    fn database() -> Vec<u8> {
        let mut bytes = vec![0; PAGE * HWM as usize];
        for id in 0..HWM {
            let header = PageHeader {
                id,
                flags: if id < 2 { 4 } else { 2 },
                count: 0,
                overflow: 0,
            };
            let meta = Meta {
                page_size: PAGE as u32,
                flags: 0,
                root: 2,
                root_sequence: 0,
                freelist: NO_FREELIST,
                hwm: HWM,
                txid: 8 - id,
            };
            let page = &mut bytes[id as usize * PAGE..];
            page[..16].copy_from_slice(&header.encode());
            if id < 2 {
                page[16..80].copy_from_slice(&meta.encode());
            }
        }
        bytes
    }

    fn with_overflow(page: usize, overflow: u32) -> Vec<u8> {
        let mut bytes = database();
        bytes[page * PAGE + 12..][..4].copy_from_slice(&overflow.to_le_bytes());
        bytes
    }

    fn header(bytes: &[u8], id: u64) -> Result<PageHeader, ErrorKind> {
        let source: &dyn Source = &bytes;
        let database = Database::open(source).unwrap();
        database
            .read_header(id)
            .map_err(|error| error.kind().clone())
    }

    #[test]
    fn data_pages_lie_between_the_metas_and_the_high_water_mark() {
        let bytes = database();
        for id in [2, 3, 5] {
            assert_eq!(header(&bytes, id).unwrap().id, id);
        }
        for id in [0, 1, 6, 7, u64::MAX] {
            let refused = ErrorKind::OutOfBounds { id, hwm: HWM };
            assert_eq!(header(&bytes, id), Err(refused));
        }
    }

    #[test]
    fn a_page_is_in_the_file_to_its_last_byte() {
        let bytes = database();
        let end = bytes.len() as u64;
        assert!(header(&bytes, 5).is_ok());
        let size = end - 1;
        let short = header(&bytes[..size as usize], 5);
        assert_eq!(short, Err(ErrorKind::Truncated { size, end }));
        assert!(header(&bytes[..size as usize], 4).is_ok());
        // With its overflow pages too.
        let long = with_overflow(3, 2);
        assert_eq!(header(&long, 3).unwrap().span(), 3);
        let short = header(&long[..size as usize], 3);
        assert_eq!(short, Err(ErrorKind::Truncated { size, end }));
    }

    #[test]
    fn overflow_ends_at_the_high_water_mark() {
        assert!(header(&with_overflow(3, 2), 3).is_ok());
        assert!(header(&with_overflow(5, 0), 5).is_ok());
        for (page, overflow) in [(3, 3), (5, 1), (2, u32::MAX)] {
            let refused = ErrorKind::Overflow { overflow, hwm: HWM };
            let bytes = with_overflow(page, overflow);
            assert_eq!(header(&bytes, page as u64), Err(refused));
        }
        let bytes = with_overflow(3, 2);
        let source: &dyn Source = &bytes.as_slice();
        let extent = Database::open(source).unwrap().extent(3).unwrap();
        let lies = (extent.offset, extent.len);
        assert_eq!(lies, (3 * PAGE as u64, 3 * PAGE as u64));
    }

    #[test]
    fn a_page_says_itself_which_one_and_what_it_is() {
        let mut bytes = database();
        let at = 4 * PAGE;
        bytes[at] = 5;
        assert_eq!(header(&bytes, 4), Err(ErrorKind::IdMismatch { found: 5 }));
        bytes[at] = 4;
        bytes[at + 8] = 3;
        assert_eq!(header(&bytes, 4), Err(ErrorKind::BadFlags { flags: 3 }));
        bytes[at..at + 16].fill(0);
        assert_eq!(header(&bytes, 4), Err(ErrorKind::Zeroed));
    }

    #[test]
    fn a_trailer_is_no_page_of_the_image() {
        for (size, image) in [(512, 512), (543, 543), (544, 512), (545, 545), (0, 0)] {
            assert_eq!(image_size(size), image);
        }
        let sent = [database(), vec![7; 32]].concat();
        let source: &dyn Source = &sent.as_slice();
        let database = Database::open(source).unwrap();
        assert_eq!(database.image_size(), sent.len() as u64 - 32);
        assert_eq!(database.present_size(), sent.len() as u64 - 32);
    }

    #[test]
    fn a_file_has_room_for_two_metas() {
        let bytes = database();
        let open = |len: usize| {
            let source: &dyn Source = &&bytes[..len];
            Database::open(source)
                .map(|_| ())
                .map_err(|error| error.kind().clone())
        };
        assert_eq!(open(2 * PAGE), Ok(()));
        let size = 2 * PAGE as u64 - 1;
        assert_eq!(open(2 * PAGE - 1), Err(ErrorKind::TooSmall { size }));
        assert_eq!(open(0), Err(ErrorKind::Empty));
    }
}
