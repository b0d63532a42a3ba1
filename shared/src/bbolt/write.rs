//! Writing without touching what is there: new pages are appended behind the high-water mark, and one meta is
//! replaced (spec 1.11).

use thiserror::Error;

use super::bucket::BucketHeader;
use super::limits::MAX_PAGES;
use super::page::{BUCKET_FLAG, ELEMENT_SIZE, PAGE_HEADER_SIZE, PageHeader, PageType};

/// The most elements that a page of ours has; bbolt refuses 65535.
const MAX_ELEMENTS: usize = 65_534;

/// Why pages could not be laid out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WriteError {
    /// More pages than a file can have.
    #[error("the database would have more than {MAX_PAGES} pages")]
    TooManyPages,
    /// A node larger than its header can say.
    #[error("a node of {0} bytes does not fit in a page run")]
    TooLarge(usize),
}

/// A pair, or a bucket within a bucket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// The key.
    pub key: Vec<u8>,
    /// The value, or a bucket's header with its inline page.
    pub value: Vec<u8>,
    /// Whether the value is a bucket.
    pub is_bucket: bool,
}

impl Item {
    /// A plain pair.
    pub fn pair(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
            is_bucket: false,
        }
    }

    /// A bucket, by its encoded value.
    pub fn bucket(name: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Self {
            key: name.into(),
            value: value.into(),
            is_bucket: true,
        }
    }

    fn size(&self) -> usize {
        ELEMENT_SIZE + self.key.len() + self.value.len()
    }
}

/// A child of a branch: its separator and its page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Not above any key below it.
    pub key: Vec<u8>,
    /// Its page.
    pub page: u64,
}

impl Child {
    fn size(&self) -> usize {
        ELEMENT_SIZE + self.key.len()
    }
}

/// Bytes of a leaf with these items, without padding.
pub fn leaf_size(items: &[Item]) -> usize {
    PAGE_HEADER_SIZE + items.iter().map(Item::size).sum::<usize>()
}

/// Bytes of a branch with these children, without padding.
pub fn branch_size(children: &[Child]) -> usize {
    PAGE_HEADER_SIZE + children.iter().map(Child::size).sum::<usize>()
}

/// Whether a leaf with these items fits in one page.
pub fn leaf_fits(items: &[Item], page_size: u32) -> bool {
    items.len() <= MAX_ELEMENTS && leaf_size(items) <= page_size as usize
}

/// Whether a branch with these children fits in one page.
pub fn branch_fits(children: &[Child], page_size: u32) -> bool {
    children.len() <= MAX_ELEMENTS && branch_size(children) <= page_size as usize
}

/// Pages to be appended, in order.
#[derive(Debug, Clone)]
pub struct Appended {
    page_size: u32,
    first: u64,
    next: u64,
    bytes: Vec<u8>,
}

impl Appended {
    /// None yet. The first will have the id `high_water_mark`.
    pub fn new(page_size: u32, high_water_mark: u64) -> Self {
        Self {
            page_size,
            first: high_water_mark,
            next: high_water_mark,
            bytes: Vec::new(),
        }
    }

    /// The high-water mark with all of them.
    pub fn high_water_mark(&self) -> u64 {
        self.next
    }

    /// The byte of the file at which they start.
    pub fn offset(&self) -> u64 {
        self.first.saturating_mul(u64::from(self.page_size))
    }

    /// Their bytes, padded to whole pages.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Appends a leaf and gives its page. One that is larger than a page gets overflow pages.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn leaf(&mut self, items: &[Item]) -> Result<u64, WriteError> {
        let id = self.next;
        let page = encode_leaf(id, items, self.overflow(leaf_size(items))?)?;
        self.append(page)?;
        Ok(id)
    }

    /// Appends a branch and gives its page.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn branch(&mut self, children: &[Child]) -> Result<u64, WriteError> {
        let id = self.next;
        let size = branch_size(children);
        let header = header(id, PageType::Branch, children.len(), self.overflow(size)?)?;
        let mut page = Vec::with_capacity(size);
        page.extend_from_slice(&header);
        let mut data = PAGE_HEADER_SIZE + children.len() * ELEMENT_SIZE;
        for (index, child) in children.iter().enumerate() {
            let element = PAGE_HEADER_SIZE + index * ELEMENT_SIZE;
            page.extend_from_slice(&small(data - element)?.to_le_bytes());
            page.extend_from_slice(&small(child.key.len())?.to_le_bytes());
            page.extend_from_slice(&child.page.to_le_bytes());
            data += child.key.len();
        }
        for child in children {
            page.extend_from_slice(&child.key);
        }
        self.append(page)?;
        Ok(id)
    }

    /// Appends a whole tree of these items, which are sorted, and gives its root. Without items the root is an
    /// empty leaf.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn tree(&mut self, items: &[Item]) -> Result<u64, WriteError> {
        let page_size = self.page_size;
        if items.is_empty() {
            return self.leaf(&[]);
        }
        let mut level = Vec::new();
        for chunk in pack(items, page_size, 1, Item::size) {
            level.push(Child {
                key: chunk[0].key.clone(),
                page: self.leaf(chunk)?,
            });
        }
        while level.len() > 1 {
            let mut above = Vec::new();
            // Two at least, even where long keys make the branch overflow: levels of one never end.
            for chunk in pack(&level, page_size, 2, Child::size) {
                above.push(Child {
                    key: chunk[0].key.clone(),
                    page: self.branch(chunk)?,
                });
            }
            level = above;
        }
        Ok(level[0].page)
    }

    /// The value of a bucket with these items: inline where bbolt would have it inline, else a tree.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn bucket(&mut self, items: &[Item], sequence: u64) -> Result<Vec<u8>, WriteError> {
        let nested = items.iter().any(|item| item.is_bucket);
        if !nested && leaf_size(items) <= self.page_size as usize / 4 {
            let mut value = BucketHeader { root: 0, sequence }.encode().to_vec();
            value.extend(encode_leaf(0, items, 0)?);
            return Ok(value);
        }
        let root = self.tree(items)?;
        Ok(BucketHeader { root, sequence }.encode().to_vec())
    }

    fn overflow(&self, size: usize) -> Result<u32, WriteError> {
        let pages = size.div_ceil(self.page_size as usize).max(1);
        u32::try_from(pages - 1).map_err(|_| WriteError::TooLarge(size))
    }

    fn append(&mut self, page: Vec<u8>) -> Result<(), WriteError> {
        let pages = page.len().div_ceil(self.page_size as usize);
        self.next += pages as u64;
        if self.next > MAX_PAGES {
            return Err(WriteError::TooManyPages);
        }
        self.bytes.extend(page);
        let padded = self.bytes.len().next_multiple_of(self.page_size as usize);
        self.bytes.resize(padded, 0);
        Ok(())
    }
}

/// Cuts a sorted level into nodes of as many as fit in a page, but at least `least` while there are so many.
fn pack<T>(items: &[T], page_size: u32, least: usize, size: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let mut nodes = Vec::new();
    let mut start = 0;
    while start < items.len() {
        let mut end = start;
        let mut bytes = PAGE_HEADER_SIZE;
        while end < items.len() && end - start < MAX_ELEMENTS {
            bytes += size(&items[end]);
            if end - start >= least && bytes > page_size as usize {
                break;
            }
            end += 1;
        }
        nodes.push(&items[start..end]);
        start = end;
    }
    nodes
}

fn encode_leaf(id: u64, items: &[Item], overflow: u32) -> Result<Vec<u8>, WriteError> {
    let mut page = Vec::with_capacity(leaf_size(items));
    page.extend_from_slice(&header(id, PageType::Leaf, items.len(), overflow)?);
    let mut data = PAGE_HEADER_SIZE + items.len() * ELEMENT_SIZE;
    for (index, item) in items.iter().enumerate() {
        let element = PAGE_HEADER_SIZE + index * ELEMENT_SIZE;
        let flags = if item.is_bucket { BUCKET_FLAG } else { 0 };
        page.extend_from_slice(&flags.to_le_bytes());
        page.extend_from_slice(&small(data - element)?.to_le_bytes());
        page.extend_from_slice(&small(item.key.len())?.to_le_bytes());
        page.extend_from_slice(&small(item.value.len())?.to_le_bytes());
        data += item.key.len() + item.value.len();
    }
    for item in items {
        page.extend_from_slice(&item.key);
        page.extend_from_slice(&item.value);
    }
    Ok(page)
}

fn header(
    id: u64,
    page_type: PageType,
    count: usize,
    overflow: u32,
) -> Result<[u8; PAGE_HEADER_SIZE], WriteError> {
    let count = u16::try_from(count)
        .ok()
        .filter(|count| usize::from(*count) <= MAX_ELEMENTS)
        .ok_or(WriteError::TooLarge(count))?;
    Ok(PageHeader {
        id,
        flags: page_type.flags(),
        count,
        overflow,
    }
    .encode())
}

fn small(length: usize) -> Result<u32, WriteError> {
    u32::try_from(length).map_err(|_| WriteError::TooLarge(length))
}

#[cfg(test)]
mod tests;
