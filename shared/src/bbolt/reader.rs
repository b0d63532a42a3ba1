//! Random access: pages and buckets of a file, read when asked for.

use crate::source::Source;

use super::bytes::u64_at;
use super::cursor::Cursor;
use super::error::{Error, ErrorKind};
use super::limits::{
    MAX_BUCKET_DEPTH, MAX_BUCKETS, MAX_DEPTH, MAX_LOADED_EXTENT, MAX_SMALL_BUCKET,
};
use super::meta::{self, META_OFFSET, META_SIZE, Meta, MetaError, Metas};
use super::page::{Page, PageHeader, PageType};

/// Bytes of a bucket's header at the start of its value.
pub const BUCKET_HEADER_SIZE: usize = 16;

/// A pair of a bucket, owned.
pub type Pair = (Vec<u8>, Vec<u8>);

/// A bbolt file under one of its metas.
#[derive(Clone, Copy)]
pub struct Database<'s> {
    source: &'s dyn Source,
    metas: Metas,
    meta: Meta,
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
        let metas = read_metas(source)?;
        let meta = metas.current()?;
        Ok(Self {
            source,
            metas,
            meta,
            image_size: image_size(source.size()),
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

    /// Where a page starts in the file.
    pub fn offset_of(&self, page: u64) -> u64 {
        page.saturating_mul(u64::from(self.page_size()))
    }

    /// Bytes of the database in the file: all of it but a trailer.
    pub fn image_size(&self) -> u64 {
        self.image_size
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
        let size = self.image_size;
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

    /// Reads a data page with its overflow.
    ///
    /// # Errors
    /// As [`Database::read_header`], and [`ErrorKind::TooLarge`].
    pub fn read_page(&self, id: u64) -> Result<OwnedPage, Error> {
        let offset = self.offset_of(id);
        let header = self.read_header(id)?;
        let bytes = header.span() * u64::from(self.page_size());
        let limit = MAX_LOADED_EXTENT;
        // The range was found to lie within the file, so this allocates no more than the file has.
        let len = usize::try_from(bytes)
            .ok()
            .filter(|_| bytes <= limit)
            .ok_or_else(|| Error::on_page(ErrorKind::TooLarge { bytes, limit }, id, offset))?;
        let mut bytes = vec![0; len];
        self.read_at(id, offset, &mut bytes)?;
        Ok(OwnedPage { id, offset, bytes })
    }

    fn read_at(&self, id: u64, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        self.source
            .read_at(offset, out)
            .map_err(|e| Error::on_page(ErrorKind::Read(e), id, offset))
    }

    /// The bucket that holds all others.
    pub fn root(&self) -> Bucket<'s> {
        Bucket {
            database: *self,
            header: BucketHeader {
                root: self.meta.root,
                sequence: self.meta.root_sequence,
            },
            root: BucketRoot::Page(self.meta.root),
            depth: 0,
        }
    }

    /// A top-level bucket; `None` when the file has none of this name.
    ///
    /// # Errors
    /// What is wrong with the pages on the way to it.
    pub fn bucket(&self, name: &[u8]) -> Result<Option<Bucket<'s>>, Error> {
        self.root().bucket(name)
    }

    /// All top-level buckets that can be read, in byte order of their names, and what is wrong with the rest.
    pub fn buckets(&self) -> (Vec<(Vec<u8>, Bucket<'s>)>, Vec<Error>) {
        let root = self.root();
        let (mut buckets, mut errors) = (Vec::new(), Vec::new());
        let mut cursor = root.cursor();
        while buckets.len() < MAX_BUCKETS && errors.len() < MAX_BUCKETS {
            match cursor.next() {
                Ok(None) => break,
                Ok(Some(entry)) if entry.is_bucket => match root.open(&entry) {
                    Ok(bucket) => buckets.push((entry.key.to_vec(), bucket)),
                    Err(error) => errors.push(error),
                },
                Ok(Some(_)) => {}
                Err(error) => errors.push(error),
            }
        }
        (buckets, errors)
    }
}

/// The image without its trailer: a snapshot's length modulo 512 is 32 (spec 3.1).
fn image_size(size: u64) -> u64 {
    if size % 512 == 32 { size - 32 } else { size }
}

/// Finds the page size and reads both metas.
fn read_metas(source: &dyn Source) -> Result<Metas, Error> {
    const STRUCT_END: usize = META_OFFSET + META_SIZE;
    let size = source.size();
    if size == 0 {
        return Err(Error::new(ErrorKind::Empty, 0));
    }
    let read = |offset: u64| -> Result<Result<[u8; STRUCT_END], MetaError>, Error> {
        let mut page = [0; STRUCT_END];
        if offset.saturating_add(STRUCT_END as u64) > size {
            return Ok(Err(MetaError::Missing));
        }
        source
            .read_at(offset, &mut page)
            .map_err(|e| Error::new(ErrorKind::Read(e), offset))?;
        Ok(Ok(page))
    };
    let parse = |page: &Result<_, _>| -> Result<Meta, MetaError> {
        page.as_ref()
            .map_err(|e| *e)
            .and_then(|p: &[u8; STRUCT_END]| Meta::parse(p))
    };
    let first = read(0)?;
    let found = match parse(&first) {
        Ok(meta) => Some(meta),
        Err(_) => {
            let mut found = None;
            for offset in meta::probe_offsets(size) {
                if let Ok(meta) = parse(&read(offset)?) {
                    found = Some(meta);
                    break;
                }
            }
            found
        }
    };
    let Some(found) = found else {
        if size < 2 * u64::from(super::limits::MIN_PAGE_SIZE) {
            return Err(Error::new(ErrorKind::TooSmall { size }, 0));
        }
        let failed = |page: &_| parse(page).err().unwrap_or(MetaError::Missing);
        // Nobody knows where meta 1 lies: where it would with the usual page size.
        let second = read(4096)?;
        return Err(meta::no_meta(failed(&first), failed(&second)));
    };
    if size < 2 * u64::from(found.page_size) {
        return Err(Error::new(ErrorKind::TooSmall { size }, 0));
    }
    let second = read(u64::from(found.page_size))?;
    let bytes = |page: &Result<[u8; STRUCT_END], MetaError>| match page {
        Ok(page) => page.to_vec(),
        Err(_) => Vec::new(),
    };
    Ok(Metas::parse(
        found.page_size,
        &bytes(&first),
        &bytes(&second),
    ))
}

/// A page with its overflow, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedPage {
    id: u64,
    offset: u64,
    bytes: Vec<u8>,
}

impl OwnedPage {
    /// A page of bytes that came from elsewhere than a [`Database`].
    pub fn new(id: u64, offset: u64, bytes: Vec<u8>) -> Self {
        Self { id, offset, bytes }
    }

    /// Its view.
    ///
    /// # Errors
    /// As [`Page::new`].
    pub fn page(&self) -> Result<Page<'_>, Error> {
        Page::new(self.id, self.offset, &self.bytes)
    }
}

/// The 16 bytes at the start of a bucket's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketHeader {
    /// Its root page; 0 when it lies inline, right behind this header.
    pub root: u64,
    /// Its sequence; 0 in etcd.
    pub sequence: u64,
}

impl BucketHeader {
    /// Decodes the start of a value.
    pub fn parse(value: &[u8]) -> Option<Self> {
        Some(Self {
            root: u64_at(value, 0)?,
            sequence: u64_at(value, 8)?,
        })
    }

    /// The 16 bytes.
    pub fn encode(&self) -> [u8; BUCKET_HEADER_SIZE] {
        let mut out = [0; BUCKET_HEADER_SIZE];
        out[..8].copy_from_slice(&self.root.to_le_bytes());
        out[8..].copy_from_slice(&self.sequence.to_le_bytes());
        out
    }
}

/// Where a bucket's pairs are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketRoot {
    /// In the tree below this page.
    Page(u64),
    /// In this leaf, which lies in the parent's value.
    Inline(OwnedPage),
}

/// A bucket of a [`Database`].
#[derive(Debug, Clone)]
pub struct Bucket<'s> {
    database: Database<'s>,
    header: BucketHeader,
    root: BucketRoot,
    depth: usize,
}

impl<'s> Bucket<'s> {
    /// Its header as stored in its parent.
    pub fn header(&self) -> BucketHeader {
        self.header
    }

    /// Where its pairs are.
    pub fn root(&self) -> &BucketRoot {
        &self.root
    }

    /// The file it is in.
    pub fn database(&self) -> &Database<'s> {
        &self.database
    }

    /// Its pairs, in key order.
    pub fn cursor(&self) -> Cursor<'s> {
        match &self.root {
            BucketRoot::Page(root) => Cursor::new(self.database, *root),
            BucketRoot::Inline(page) => Cursor::inline(self.database, page.clone()),
        }
    }

    /// The bucket that an entry of this one holds.
    ///
    /// # Errors
    /// [`ErrorKind::BucketHeader`], [`ErrorKind::InlinePage`], [`ErrorKind::BucketsTooDeep`].
    pub fn open(&self, entry: &super::cursor::Entry<'_>) -> Result<Bucket<'s>, Error> {
        let fail = |kind| Error::on_page(kind, entry.page, entry.offset);
        let depth = self.depth + 1;
        if depth > MAX_BUCKET_DEPTH {
            let limit = MAX_BUCKET_DEPTH;
            return Err(fail(ErrorKind::BucketsTooDeep { limit }));
        }
        let len = entry.value.len() as u64;
        let header = BucketHeader::parse(entry.value)
            .ok_or_else(|| fail(ErrorKind::BucketHeader { len }))?;
        let root = if header.root == 0 {
            let image = entry.value.get(BUCKET_HEADER_SIZE..).unwrap_or_default();
            let offset = entry.offset + entry.key.len() as u64 + BUCKET_HEADER_SIZE as u64;
            let page =
                PageHeader::parse(image).ok_or_else(|| fail(ErrorKind::BucketHeader { len }))?;
            if page.page_type() != Some(PageType::Leaf) || page.overflow != 0 {
                let (flags, overflow) = (page.flags, page.overflow);
                return Err(fail(ErrorKind::InlinePage { flags, overflow }));
            }
            BucketRoot::Inline(OwnedPage::new(entry.page, offset, image.to_vec()))
        } else {
            BucketRoot::Page(header.root)
        };
        Ok(Bucket {
            database: self.database,
            header,
            root,
            depth,
        })
    }

    /// A bucket within this one; `None` when there is none of this name.
    ///
    /// # Errors
    /// What is wrong with the pages on the way to it.
    pub fn bucket(&self, name: &[u8]) -> Result<Option<Bucket<'s>>, Error> {
        let mut cursor = self.cursor();
        cursor.seek(name)?;
        match cursor.next()? {
            Some(entry) if entry.key == name && entry.is_bucket => self.open(&entry).map(Some),
            _ => Ok(None),
        }
    }

    /// The value of a key; `None` when it is not there or holds a bucket.
    ///
    /// # Errors
    /// What is wrong with the pages on the way to it.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let mut cursor = self.cursor();
        cursor.seek(key)?;
        Ok(cursor
            .next()?
            .filter(|entry| entry.key == key && !entry.is_bucket)
            .map(|entry| entry.value.to_vec()))
    }

    /// All pairs of a small bucket, in order; nested buckets are left out.
    ///
    /// # Errors
    /// The first thing that is wrong, or [`ErrorKind::BucketTooLarge`] above [`MAX_SMALL_BUCKET`] bytes.
    pub fn pairs(&self) -> Result<Vec<Pair>, Error> {
        let (pairs, errors) = self.salvage();
        match errors.into_iter().next() {
            Some(error) => Err(error),
            None => Ok(pairs),
        }
    }

    /// All pairs of a small bucket that can be read, in order, and what is wrong with the rest.
    pub fn salvage(&self) -> (Vec<Pair>, Vec<Error>) {
        let (mut pairs, mut errors, mut bytes) = (Vec::new(), Vec::new(), 0u64);
        let mut cursor = self.cursor();
        loop {
            match cursor.next() {
                Ok(None) => break,
                Ok(Some(entry)) => {
                    bytes = bytes.saturating_add((entry.key.len() + entry.value.len()) as u64 + 64);
                    if bytes > MAX_SMALL_BUCKET {
                        let kind = ErrorKind::BucketTooLarge {
                            limit: MAX_SMALL_BUCKET,
                        };
                        errors.push(Error::on_page(kind, entry.page, entry.offset));
                        break;
                    }
                    if !entry.is_bucket {
                        pairs.push((entry.key.to_vec(), entry.value.to_vec()));
                    }
                }
                Err(error) => errors.push(error),
            }
            if errors.len() >= MAX_BUCKETS {
                break;
            }
        }
        (pairs, errors)
    }

    /// The pages from the root to the last leaf, root first. An inline bucket has one.
    ///
    /// # Errors
    /// What is wrong with a page on the way; [`ErrorKind::TooDeep`] for a cycle.
    pub fn rightmost_path(&self) -> Result<Vec<OwnedPage>, Error> {
        let mut id = match &self.root {
            BucketRoot::Inline(page) => return Ok(vec![page.clone()]),
            BucketRoot::Page(id) => *id,
        };
        let mut path = Vec::new();
        loop {
            let offset = self.database.offset_of(id);
            if path.len() >= MAX_DEPTH {
                let limit = MAX_DEPTH;
                return Err(Error::on_page(ErrorKind::TooDeep { limit }, id, offset));
            }
            let owned = self.database.read_page(id)?;
            let page = owned.page()?;
            let next = match page.page_type()? {
                PageType::Leaf => {
                    page.leaf()?;
                    None
                }
                _ => {
                    let branch = page.branch()?;
                    let last = branch
                        .count()
                        .checked_sub(1)
                        .ok_or_else(|| Error::on_page(ErrorKind::EmptyBranch, id, offset))?;
                    Some(branch.get(last)?.child)
                }
            };
            path.push(owned);
            match next {
                Some(child) => id = child,
                None => return Ok(path),
            }
        }
    }
}
