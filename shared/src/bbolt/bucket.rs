//! Buckets: a tree of pages, or one leaf in the parent's value; and buckets within them.

use super::bytes::u64_at;
use super::cursor::{Cursor, Entry};
use super::error::{Error, ErrorKind};
use super::limits::{MAX_BUCKET_DEPTH, MAX_BUCKETS, MAX_DEPTH, MAX_SMALL_BUCKET};
use super::node::Node;
use super::page::{PAGE_HEADER_SIZE, PageHeader, PageType};
use super::reader::{Database, Extent};

/// Bytes of a bucket's header at the start of its value.
pub const BUCKET_HEADER_SIZE: usize = 16;

/// A pair of a bucket, owned.
pub type Pair = (Vec<u8>, Vec<u8>);

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BucketRoot {
    /// In the tree below this page.
    Page(u64),
    /// In this leaf, which lies in the parent's value.
    Inline(Extent),
}

/// A bucket of a [`Database`].
#[derive(Debug, Clone)]
pub struct Bucket<'s> {
    database: Database<'s>,
    header: BucketHeader,
    root: BucketRoot,
    depth: usize,
}

impl<'s> Database<'s> {
    /// The bucket that holds all others.
    pub fn root(&self) -> Bucket<'s> {
        let meta = self.meta();
        Bucket {
            header: BucketHeader {
                root: meta.root,
                sequence: meta.root_sequence,
            },
            root: BucketRoot::Page(meta.root),
            depth: 0,
            database: *self,
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
            BucketRoot::Inline(extent) => Cursor::inline(self.database, *extent),
        }
    }

    /// The bucket that an entry of this one holds.
    ///
    /// # Errors
    /// [`ErrorKind::BucketHeader`], [`ErrorKind::InlinePage`], [`ErrorKind::BucketsTooDeep`].
    pub fn open(&self, entry: &Entry<'_>) -> Result<Bucket<'s>, Error> {
        let fail = |kind| Error::on_page(kind, entry.page, entry.offset);
        let depth = self.depth + 1;
        if depth > MAX_BUCKET_DEPTH {
            let limit = MAX_BUCKET_DEPTH;
            return Err(fail(ErrorKind::BucketsTooDeep { limit }));
        }
        let len = entry.value.len();
        let too_short = || fail(ErrorKind::BucketHeader { len });
        let mut start = [0; BUCKET_HEADER_SIZE];
        if len < BUCKET_HEADER_SIZE as u64 {
            return Err(too_short());
        }
        entry.value.read(0, &mut start)?;
        let header = BucketHeader::parse(&start).ok_or_else(too_short)?;
        let root = if header.root == 0 {
            let mut start = [0; PAGE_HEADER_SIZE];
            if len < (BUCKET_HEADER_SIZE + PAGE_HEADER_SIZE) as u64 {
                return Err(too_short());
            }
            entry.value.read(BUCKET_HEADER_SIZE as u64, &mut start)?;
            let page = PageHeader::parse(&start).ok_or_else(too_short)?;
            if page.page_type() != Some(PageType::Leaf) || page.overflow != 0 {
                let (flags, overflow) = (page.flags, page.overflow);
                return Err(fail(ErrorKind::InlinePage { flags, overflow }));
            }
            BucketRoot::Inline(Extent {
                page: entry.page,
                offset: entry.value.offset() + BUCKET_HEADER_SIZE as u64,
                len: len - BUCKET_HEADER_SIZE as u64,
            })
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
    /// What is wrong with the pages on the way to it; [`ErrorKind::BucketTooLarge`] for a value that is not to
    /// be loaded whole.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let mut cursor = self.cursor();
        cursor.seek(key)?;
        match cursor.next()? {
            Some(entry) if entry.key == key && !entry.is_bucket => entry.value.to_vec().map(Some),
            _ => Ok(None),
        }
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
                    bytes = bytes.saturating_add(entry.size());
                    if bytes > MAX_SMALL_BUCKET {
                        let kind = ErrorKind::BucketTooLarge {
                            limit: MAX_SMALL_BUCKET,
                        };
                        errors.push(Error::on_page(kind, entry.page, entry.offset));
                        break;
                    }
                    if !entry.is_bucket {
                        match entry.value.to_vec() {
                            Ok(value) => pairs.push((entry.key.to_vec(), value)),
                            Err(error) => errors.push(error),
                        }
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
    pub fn rightmost_path(&self) -> Result<Vec<Node<'s>>, Error> {
        let mut id = match self.root {
            BucketRoot::Inline(extent) => return Ok(vec![Node::read(self.database, extent)?]),
            BucketRoot::Page(id) => id,
        };
        let mut path = Vec::new();
        loop {
            let offset = self.database.offset_of(id);
            if path.len() >= MAX_DEPTH {
                let limit = MAX_DEPTH;
                return Err(Error::on_page(ErrorKind::TooDeep { limit }, id, offset));
            }
            let node = self.database.node(id)?;
            let next = if node.is_leaf() {
                None
            } else {
                let last = node
                    .count()
                    .checked_sub(1)
                    .ok_or_else(|| Error::on_page(ErrorKind::EmptyBranch, id, offset))?;
                Some(node.element(last)?.child())
            };
            path.push(node);
            match next {
                Some(child) => id = child,
                None => return Ok(path),
            }
        }
    }
}
