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
