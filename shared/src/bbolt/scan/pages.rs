//! Cuts the stream into pages and gathers the overflow of those that have some.

use crate::bbolt::limits::MAX_PAGES;
use crate::bbolt::meta::{META_OFFSET, META_SIZE};
use crate::bbolt::{Meta, PageHeader, PageType};

use super::decode;
use super::records::{LeafKeys, LeafRecord, Records};
use super::visitor::Visitor;

/// A leaf larger than this with its overflow is not gathered: the walk streams it from the source. etcd
/// refuses requests above 1.5 MiB unless told otherwise.
const MAX_GATHERED: u64 = 2 << 20;
/// Leaves with overflow that may lie over one page. More than one means that all but one are stale; without a
/// maximum, stale claims could make the work grow with the square of the file.
const MAX_OVERLAP: usize = 4;

/// A leaf whose overflow is still coming.
#[derive(Debug)]
struct Gathering {
    /// Of its reserved record.
    index: usize,
    header: PageHeader,
    bytes: Vec<u8>,
    len: usize,
}

/// The pages so far.
#[derive(Debug)]
pub(super) struct Pages<V: Visitor> {
    pub(super) page_size: u32,
    /// First page that no meta claims.
    limit: u64,
    metas: [Option<Meta>; 2],
    next: u64,
    /// The start of page `next`, where it straddles chunks.
    partial: Vec<u8>,
    gathering: Vec<Gathering>,
    /// Where leaves with overflow end that lie over the next page.
    ends: Vec<u64>,
    pub(super) visitor: V,
    pub(super) records: Records<V::Key>,
}

impl<V: Visitor> Pages<V> {
    pub(super) fn new(page_size: u32, visitor: V) -> Self {
        Self {
            page_size,
            limit: MAX_PAGES,
            metas: [None; 2],
            next: 0,
            partial: Vec::new(),
            gathering: Vec::new(),
            ends: Vec::new(),
            visitor,
            records: Records::default(),
        }
    }

    pub(super) fn feed(&mut self, mut chunk: &[u8]) {
        if self.next >= self.limit {
            return;
        }
        let size = self.page_size as usize;
        if !self.partial.is_empty() {
            let missing = size - self.partial.len();
            let (head, rest) = chunk.split_at(missing.min(chunk.len()));
            self.partial.extend_from_slice(head);
            chunk = rest;
            if self.partial.len() < size {
                return;
            }
            let mut page = std::mem::take(&mut self.partial);
            self.page(&page);
            page.clear();
            self.partial = page;
        }
        while chunk.len() >= size {
            self.page(chunk);
            chunk = &chunk[size..];
        }
        self.partial.extend_from_slice(chunk);
    }

    /// Takes page `next`; what is behind it in the chunk is there for its overflow.
    fn page(&mut self, available: &[u8]) {
        let id = self.next;
        self.next += 1;
        if id >= self.limit {
            return;
        }
        let (bytes, _) = available.split_at(self.page_size as usize);
        if !self.gathering.is_empty() {
            self.gather(bytes);
        }
        if let Some(slot) = self.metas.get_mut(id as usize) {
            *slot = bytes
                .get(..META_OFFSET + META_SIZE)
                .and_then(|page| Meta::parse(page).ok());
            if id == 1 {
                let marks = self.metas.iter().flatten().map(|meta| meta.hwm);
                self.limit = marks.max().unwrap_or(MAX_PAGES);
            }
            return;
        }
        let Some(header) = PageHeader::parse(bytes).filter(|header| header.id == id) else {
            return;
        };
        // Below the limit, which fits.
        let page = id as u32;
        match header.page_type() {
            Some(PageType::Leaf) if header.overflow == 0 => {
                let record = self.decode(page, header, bytes);
                self.records.leaves.push(record);
            }
            Some(PageType::Leaf) => self.large_leaf(page, header, available),
            Some(PageType::Branch) => decode::branch(&mut self.records, page, header, bytes),
            _ => {}
        }
    }

    fn decode(&mut self, page: u32, header: PageHeader, bytes: &[u8]) -> LeafRecord<V::Key> {
        decode::leaf(&mut self.visitor, &mut self.records, page, header, bytes)
    }

    fn large_leaf(&mut self, page: u32, header: PageHeader, available: &[u8]) {
        let index = self.records.leaves.len();
        let id = u64::from(page);
        self.records
            .leaves
            .push(LeafRecord::new(page, header.overflow, LeafKeys::Deferred));
        self.ends.retain(|end| *end > id);
        let end = id + header.span();
        let bytes = header.span() * u64::from(self.page_size);
        if end > self.limit || bytes > MAX_GATHERED || self.ends.len() >= MAX_OVERLAP {
            return;
        }
        self.ends.push(end);
        let len = bytes as usize;
        if let Some(extent) = available.get(..len) {
            self.records.leaves[index] = self.decode(page, header, extent);
            return;
        }
        let mut bytes = Vec::with_capacity(len);
        bytes.extend_from_slice(&available[..self.page_size as usize]);
        self.gathering.push(Gathering {
            index,
            header,
            bytes,
            len,
        });
    }

    fn gather(&mut self, page: &[u8]) {
        for gathering in &mut self.gathering {
            gathering.bytes.extend_from_slice(page);
        }
        while let Some(at) = self.gathering.iter().position(|g| g.bytes.len() >= g.len) {
            let done = self.gathering.swap_remove(at);
            let page = self.records.leaves[done.index].page;
            self.records.leaves[done.index] = self.decode(page, done.header, &done.bytes);
        }
    }
}
