//! Taking a leaf that the walk has reached: from what the pass kept of it, or by reading it again.

use crate::bbolt::limits::MAX_BUCKETS;
use crate::bbolt::page::PAGE_HEADER_SIZE;
use crate::bbolt::scan::examine::{Examined, Extent};
use crate::bbolt::scan::key::Key;
use crate::bbolt::scan::records::{LeafKeys, LeafRecord};
use crate::bbolt::scan::visitor::{CompactKey, StreamedLeaf, TakenLeaf, Visitor};
use crate::bbolt::{Error, ErrorKind, PageHeader};
use crate::finding::Finding;

use super::tree::{Bounds, Holds, Totals, Walker};

impl<K: CompactKey> TakenLeaf<K> {
    pub(super) fn new(index: usize, record: &LeafRecord<K>) -> Option<Self> {
        let LeafKeys::Compact {
            count,
            mark,
            first,
            last,
        } = record.keys
        else {
            return None;
        };
        Some(Self {
            page: record.page,
            index: u32::try_from(index).ok()?,
            mark: mark as usize,
            count,
            first,
            last,
            crc: record.crc,
            bytes: record.bytes,
        })
    }
}

impl<V: Visitor> Walker<'_, V> {
    /// Takes a leaf that the pass has decoded.
    pub(super) fn take_record(
        &mut self,
        index: usize,
        record: &LeafRecord<V::Key>,
        (lower, upper): &Bounds<V::Key>,
        depth: usize,
        holds: Holds,
        totals: &mut Totals,
    ) {
        let id = u64::from(record.page);
        totals.leaves += 1;
        let (first, last, count) = match record.keys {
            LeafKeys::Compact {
                first, last, count, ..
            } => (Key::Compact(first), Key::Compact(last), count),
            LeafKeys::Other { at, count } => match self.records.others.get(at as usize) {
                Some(keys) => (
                    Key::Bytes(keys.first.clone()),
                    Key::Bytes(keys.last.clone()),
                    count,
                ),
                None => return,
            },
            LeafKeys::Empty | LeafKeys::Deferred => {
                if depth > 0 {
                    self.empty_leaf(id);
                }
                return;
            }
        };
        self.check_lower(id, lower, &first);
        self.check_upper(id, upper, &last);
        let bytes = u64::from(record.bytes);
        totals.crc = self.combiner.join(totals.crc, record.crc, bytes);
        totals.bytes += bytes;
        totals.pairs += u64::from(count);
        self.fill(id, u64::from(record.overflow) + 1, u64::from(count), bytes);
        if holds.visited()
            && let Some(leaf) = TakenLeaf::new(index, record)
        {
            self.visitor.take_leaf(&mut self.taken, leaf);
        }
    }

    /// Examines a leaf that is not plain.
    pub(super) fn take_slowly(
        &mut self,
        extent: Extent,
        (lower, upper): &Bounds<V::Key>,
        depth: usize,
        holds: Holds,
        totals: &mut Totals,
    ) {
        let visit = holds
            .visited()
            .then_some((&mut self.visitor, &mut self.taken));
        let examined = match self.examiner.leaf(extent, &mut self.findings, visit) {
            Ok(examined) => examined,
            Err(error) => {
                self.report(&error);
                self.take_error(&error, holds);
                self.damaged(extent.page);
                return totals.fail(depth);
            }
        };
        totals.leaves += 1;
        totals.broken += examined.broken;
        if examined.broken > 0 {
            self.damaged(extent.page);
        }
        if examined.count == 0 && depth > 0 && examined.broken == 0 {
            self.empty_leaf(extent.page);
        }
        if let (Some(first), Some(last)) = (&examined.first, &examined.last) {
            self.check_lower(extent.page, lower, &Key::new(first));
            self.check_upper(extent.page, upper, &Key::new(last));
        }
        totals.crc = self.combiner.join(totals.crc, examined.crc, examined.bytes);
        totals.bytes += examined.bytes;
        totals.pairs += examined.count;
        // An inline bucket has no page of its own.
        if extent.offset == self.database.offset_of(extent.page) {
            let span = extent.header.span();
            self.fill(extent.page, span, examined.count, examined.bytes);
        }
        if holds.visited() {
            self.visitor
                .take_streamed_leaf(&mut self.taken, streamed(extent, &examined));
        }
        let plain = examined.count - examined.buckets.len() as u64 - examined.lost_buckets;
        if holds == Holds::Buckets && plain > 0 {
            let finding = V::plain_in_root(extent.page, plain);
            self.findings
                .push(finding.at_page(extent.page, self.database.page_size()));
        }
        totals.lost_buckets += examined.lost_buckets;
        for bucket in examined.buckets {
            if totals.buckets.len() < MAX_BUCKETS {
                totals.buckets.push(bucket);
            } else {
                totals.lost_buckets += 1;
            }
        }
    }

    /// Walks an inline bucket, whose leaf lies in a value.
    pub(super) fn inline(&mut self, extent: Extent, holds: Holds) -> Totals {
        let mut totals = Totals::default();
        self.take_slowly(extent, &(None, None), 0, holds, &mut totals);
        totals
    }

    /// The header of a page inside a value.
    pub(super) fn inline_header(&mut self, page: u64, offset: u64) -> Result<PageHeader, Error> {
        let header = self.examiner.header(offset);
        let header = header.map_err(|e| Error::on_page(ErrorKind::Read(e), page, offset))?;
        let len = PAGE_HEADER_SIZE as u64;
        header.ok_or_else(|| Error::on_page(ErrorKind::BucketHeader { len }, page, offset))
    }

    fn empty_leaf(&mut self, page: u64) {
        let what = "A leaf inside a tree has no elements.";
        self.findings.push(
            Finding::note("page.empty-leaf", format!("page {page}"), what)
                .because("Old versions of bbolt left such leaves; readers skip them.")
                .at_page(page, self.database.page_size()),
        );
    }
}

fn streamed(extent: Extent, examined: &Examined) -> StreamedLeaf<'_> {
    StreamedLeaf {
        page: extent.page,
        mark: examined.mark,
        count: examined.count,
        first: examined.first.as_deref(),
        last: examined.last.as_deref(),
        crc: examined.crc,
        bytes: examined.bytes,
        whole: examined.broken == 0 && examined.buckets.is_empty(),
    }
}
