//! Cuts the stream into pages and gathers the overflow of those that have some.

use crate::bbolt::limits::MAX_PAGES;
use crate::bbolt::meta::{META_OFFSET, META_SIZE};
use crate::bbolt::{Meta, PageHeader, PageType};

use super::decode::{self, Decoded};
use super::records::{LeafKeys, LeafRecord, Seen};
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

/// The pages so far. The second visitor sees leaves whose keys do not have the form that the first one names.
#[derive(Debug)]
pub(super) struct Pages<V: Visitor, W: Visitor> {
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
    pub(super) first: Seen<V>,
    pub(super) second: Seen<W>,
}

impl<V: Visitor, W: Visitor> Pages<V, W> {
    pub(super) fn new(page_size: u32, first: V, second: W) -> Self {
        Self {
            page_size,
            limit: MAX_PAGES,
            metas: [None; 2],
            next: 0,
            partial: Vec::new(),
            gathering: Vec::new(),
            ends: Vec::new(),
            first: Seen::new(first),
            second: Seen::new(second),
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
                if let Some(record) = self.decode(page, header, bytes) {
                    self.first.records.leaves.push(record);
                }
            }
            Some(PageType::Leaf) => self.large_leaf(page, header, available),
            Some(PageType::Branch) => self.branch(page, header, bytes),
            _ => {}
        }
    }

    fn branch(&mut self, page: u32, header: PageHeader, bytes: &[u8]) {
        if !decode::branch(&mut self.first.records, page, header, bytes) {
            decode::branch(&mut self.second.records, page, header, bytes);
        }
    }

    /// What is kept of a leaf among the records of the first visitor, if it is not the second's.
    fn decode(
        &mut self,
        page: u32,
        header: PageHeader,
        bytes: &[u8],
    ) -> Option<LeafRecord<V::Key>> {
        match decode::leaf(&mut self.first, &mut self.second, page, header, bytes) {
            Decoded::First(record) => Some(record),
            Decoded::Second(record) => {
                self.second.records.leaves.push(record);
                None
            }
        }
    }

    fn large_leaf(&mut self, page: u32, header: PageHeader, available: &[u8]) {
        let index = self.first.records.leaves.len();
        let id = u64::from(page);
        self.first
            .records
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
            self.decode_reserved(index, header, extent);
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
            self.decode_reserved(done.index, done.header, &done.bytes);
        }
    }

    /// Decodes a leaf that has a record already. One that is the second visitor's keeps it, as deferred.
    fn decode_reserved(&mut self, index: usize, header: PageHeader, bytes: &[u8]) {
        let page = self.first.records.leaves[index].page;
        if let Some(record) = self.decode(page, header, bytes) {
            self.first.records.leaves[index] = record;
        }
    }
}
