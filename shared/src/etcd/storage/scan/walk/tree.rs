//! The walk through one tree: from page to page in key order, every page accounted for once.

use crate::bbolt::limits::{MAX_BUCKETS, MAX_DEPTH, MAX_PAGES};
use crate::bbolt::page::PAGE_HEADER_SIZE;
use crate::bbolt::{Database, Error, ErrorKind, PageHeader, PageType};
use crate::etcd::storage::schema::Revision;

use super::super::combine::Combiner;
use super::super::examine::{BucketElement, Examined, Examiner, Extent};
use super::super::findings::Findings;
use super::super::records::{LeafKind, LeafRecord, Records};
use super::key::Key;
use super::live::Live;
use super::strip::Class;
use super::tally::Tally;

/// A branch larger than this with its overflow is not believed: bbolt splits branches of more than four keys.
const MAX_BRANCH_EXTENT: u64 = 1 << 20;
/// Marks an index of [`Walker::order`] as one into [`Walker::examined`].
pub(super) const EXAMINED: u32 = 1 << 31;

/// What a tree's leaves hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    Buckets,
    Revisions,
    Pairs,
}

/// What the walk through a bucket gave.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) crc: u32,
    pub(super) bytes: u64,
    pub(super) pairs: u64,
    pub(super) tombstones: u64,
    /// Main revision of the last key.
    pub(super) last_main: i64,
    pub(super) buckets: Vec<BucketElement>,
    /// Buckets beyond the maximum that is looked at.
    pub(super) lost_buckets: u64,
    pub(super) leaves: u64,
    children: u64,
    branches: u64,
    leaf_depth: usize,
    /// Pages that could not be read, by depth.
    failed: Vec<u64>,
    /// Elements on readable pages that could not be read.
    pub(super) broken: u64,
    /// References to pages that another reference has led to.
    shared: u64,
}

impl Totals {
    /// Whether all of it could be read, and no page of it is another's too.
    pub(super) fn complete(&self) -> bool {
        self.failed_pages() + self.broken + self.shared == 0
    }

    /// Pages that could not be read.
    pub(super) fn failed_pages(&self) -> u64 {
        self.failed.iter().sum()
    }

    /// About how many pairs were on the pages that could not be read, judging by those that could.
    pub(super) fn lost_pairs(&self) -> u64 {
        let per_leaf = self.pairs as f64 / self.leaves.max(1) as f64;
        let per_branch = self.children as f64 / self.branches.max(1) as f64;
        let lost = self.failed.iter().enumerate().map(|(depth, pages)| {
            let above = self.leaf_depth.saturating_sub(depth).min(8) as i32;
            *pages as f64 * per_branch.powi(above) * per_leaf
        });
        // Saturates; a guess anyway.
        lost.sum::<f64>().round() as u64 + self.broken
    }

    fn fail(&mut self, depth: usize) {
        if self.failed.len() <= depth {
            self.failed.resize(depth + 1, 0);
        }
        self.failed[depth] += 1;
    }
}

#[derive(Debug)]
enum Children {
    /// Range in the records.
    Kept(std::ops::Range<usize>),
    Read(std::vec::IntoIter<(Key, u64)>),
}

#[derive(Debug)]
struct Frame {
    page: u64,
    children: Children,
    /// The child that comes next.
    next: Option<(Key, u64)>,
    upper: Option<Key>,
}

impl Frame {
    fn new(page: u64, children: Children, upper: Option<Key>, records: &Records) -> Self {
        let mut frame = Self {
            page,
            children,
            next: None,
            upper,
        };
        frame.next = frame.pull(records);
        frame
    }

    fn pull(&mut self, records: &Records) -> Option<(Key, u64)> {
        match &mut self.children {
            Children::Kept(range) => {
                let entry = records.branch_entry(range.next()?)?;
                Some((Key::Revision(entry.separator()), entry.child.into()))
            }
            Children::Read(children) => children.next(),
        }
    }

    /// The next child with the keys it may hold: from the first one to below the second.
    fn step(&mut self, records: &Records) -> Option<(u64, Key, Option<Key>)> {
        let (lower, child) = self.next.take()?;
        self.next = self.pull(records);
        let upper = match &self.next {
            Some((key, _)) => Some(key.clone()),
            None => self.upper.clone(),
        };
        Some((child, lower, upper))
    }
}

/// What stands where a reference leads.
enum Shape {
    Leaf(LeafRecord),
    SlowLeaf(PageHeader),
    Branch(Children, u64),
}

/// Walks the trees of a file.
pub(super) struct Walker<'s> {
    pub(super) database: Database<'s>,
    pub(super) records: Records,
    pub(super) examiner: Examiner<'s>,
    pub(super) findings: Findings,
    pub(super) classes: Vec<Class>,
    pub(super) combiner: Combiner,
    pub(super) tally: Tally,
    pub(super) live: Live,
    /// The leaves of bucket `key` in key order, where HashKV is wanted.
    pub(super) order: Vec<u32>,
    pub(super) examined: Vec<LeafRecord>,
    pub(super) hash_kv: bool,
}

impl Walker<'_> {
    /// Walks the tree below `root`, which the page `from` refers to.
    pub(super) fn tree(&mut self, root: u64, from: u64, holds: Holds) -> Totals {
        let mut totals = Totals::default();
        let mut stack = Vec::new();
        self.visit(root, from, (None, None), holds, &mut totals, &mut stack);
        while let Some(frame) = stack.last_mut() {
            let page = frame.page;
            match frame.step(&self.records) {
                Some((child, lower, upper)) => {
                    let bounds = (Some(lower), upper);
                    self.visit(child, page, bounds, holds, &mut totals, &mut stack);
                }
                None => {
                    stack.pop();
                }
            }
        }
        totals
    }

    fn visit(
        &mut self,
        id: u64,
        from: u64,
        (lower, upper): (Option<Key>, Option<Key>),
        holds: Holds,
        totals: &mut Totals,
        stack: &mut Vec<Frame>,
    ) {
        let depth = stack.len();
        let shape = match self.shape(id, from, depth, holds) {
            Ok(shape) => shape,
            Err(error) => {
                self.report(&error);
                self.damaged(id);
                if *error.kind() == ErrorKind::Revisited {
                    // It can be read; whose it is, nobody can tell.
                    totals.shared += 1;
                } else {
                    totals.fail(depth);
                }
                return;
            }
        };
        match shape {
            Shape::Leaf(record) => {
                self.mark(id, u64::from(record.overflow) + 1, leaf_class(holds));
                totals.leaf_depth = depth;
                self.take_record(&record, &lower, &upper, depth, holds, totals);
            }
            Shape::SlowLeaf(header) => {
                self.mark(id, header.span(), leaf_class(holds));
                totals.leaf_depth = depth;
                let page_size = u64::from(self.database.page_size());
                let extent = Extent {
                    page: id,
                    offset: self.database.offset_of(id),
                    len: header.span() * page_size,
                    header,
                };
                self.take_slowly(extent, &lower, &upper, depth, holds, totals);
            }
            Shape::Branch(children, span) => {
                self.mark(id, span, Class::Branch);
                let frame = Frame::new(id, children, upper, &self.records);
                totals.branches += 1;
                match &frame.next {
                    Some((first, _)) => self.check_lower(id, &lower, first),
                    None => self.report_on(id, ErrorKind::EmptyBranch),
                }
                stack.push(frame);
            }
        }
        if depth > 0 {
            totals.children += 1;
        }
    }

    /// Looks at what a reference leads to.
    fn shape(&mut self, id: u64, from: u64, depth: usize, holds: Holds) -> Result<Shape, Error> {
        let offset = self.database.offset_of(id);
        let fail = |kind| Error::on_page(kind, id, offset);
        let hwm = self.database.meta().hwm;
        if id < 2 || id >= hwm {
            // The page to look at is the one that refers to it.
            let kind = ErrorKind::OutOfBounds { id, hwm };
            return Err(Error::on_page(kind, from, self.database.offset_of(from)));
        }
        if depth >= MAX_DEPTH {
            let limit = MAX_DEPTH;
            return Err(fail(ErrorKind::TooDeep { limit }));
        }
        match usize::try_from(id).ok().and_then(|i| self.classes.get(i)) {
            Some(Class::Free) => {}
            Some(_) => return Err(fail(ErrorKind::Revisited)),
            // Beyond the end: the reader knows what to say.
            None => {
                return Err(self
                    .database
                    .read_header(id)
                    .err()
                    .unwrap_or_else(|| fail(ErrorKind::Zeroed)));
            }
        }
        // Below the number of pages, which is limited.
        let page = u32::try_from(id).unwrap_or(u32::MAX);
        if let Some(record) = self.records.leaf(page) {
            let overflow = record.overflow;
            if id + u64::from(overflow) >= hwm {
                return Err(fail(ErrorKind::Overflow { overflow, hwm }));
            }
            let plain = match record.kind {
                LeafKind::Deferred => false,
                LeafKind::Revisions | LeafKind::Empty => holds != Holds::Buckets,
                LeafKind::Other => holds == Holds::Pairs,
            };
            if plain {
                return Ok(Shape::Leaf(*record));
            }
        } else if let Some(range) = self.records.branch(page) {
            return Ok(Shape::Branch(Children::Kept(range), 1));
        }
        let header = self.database.read_header(id)?;
        match header.page_type() {
            Some(PageType::Leaf) => Ok(Shape::SlowLeaf(header)),
            Some(PageType::Branch) => {
                let children = self.read_branch(id, header)?;
                Ok(Shape::Branch(
                    Children::Read(children.into_iter()),
                    header.span(),
                ))
            }
            other => Err(fail(ErrorKind::WrongType {
                found: other.map_or("unknown", PageType::name),
                wanted: "branch or leaf",
            })),
        }
    }

    /// Reads a branch from the source, and names what is wrong with its elements.
    fn read_branch(&mut self, id: u64, header: PageHeader) -> Result<Vec<(Key, u64)>, Error> {
        let page_size = u64::from(self.database.page_size());
        let offset = self.database.offset_of(id);
        let bytes = header.span() * page_size;
        let limit = MAX_BRANCH_EXTENT.max(page_size);
        if bytes > limit {
            let kind = ErrorKind::TooLarge { bytes, limit };
            return Err(Error::on_page(kind, id, offset));
        }
        let branch = self.database.node(id)?;
        let mut children: Vec<(Key, u64)> = Vec::new();
        let mut last: Option<Vec<u8>> = None;
        let mut budget = bytes;
        for index in 0..branch.count() {
            let found = branch
                .element(index)
                .and_then(|element| Ok((branch.key_of(&element)?, element.child())));
            let (key, child) = match found {
                Ok(found) => found,
                Err(error) => {
                    self.report(&error);
                    continue;
                }
            };
            let wrong = match &last {
                _ if key.is_empty() => Some(ErrorKind::EmptyKey { index }),
                Some(last) if *last == key => Some(ErrorKind::DuplicateKey { index }),
                Some(last) if *last > key => Some(ErrorKind::KeyOrder { index }),
                _ => None,
            };
            if let Some(kind) = wrong {
                self.report_on(id, kind);
            }
            match budget.checked_sub(key.len() as u64) {
                Some(rest) => budget = rest,
                None => {
                    self.report_on(id, ErrorKind::ElementSum { index });
                    break;
                }
            }
            children.push((Key::from(key.as_slice()), child));
            last = Some(key);
        }
        Ok(children)
    }

    /// Takes a leaf that the scan has decoded.
    fn take_record(
        &mut self,
        record: &LeafRecord,
        lower: &Option<Key>,
        upper: &Option<Key>,
        depth: usize,
        holds: Holds,
        totals: &mut Totals,
    ) {
        let id = u64::from(record.page);
        totals.leaves += 1;
        let (first, last) = match record.kind {
            LeafKind::Revisions => (Key::Revision(record.first()), Key::Revision(record.last())),
            LeafKind::Other => match self.records.others.get(record.start as usize) {
                Some(keys) => (
                    Key::Bytes(keys.first.clone()),
                    Key::Bytes(keys.last.clone()),
                ),
                None => return,
            },
            LeafKind::Empty | LeafKind::Deferred => {
                if depth > 0 {
                    self.empty_leaf(id);
                }
                return;
            }
        };
        self.check_lower(id, lower, &first);
        self.check_upper(id, upper, &last);
        totals.crc = self.combiner.join(totals.crc, record.crc, record.bytes);
        totals.bytes += record.bytes;
        totals.pairs += u64::from(record.count);
        if holds == Holds::Revisions {
            totals.last_main = record.last().main;
            self.take_entries(record.entries(), totals);
            if record.noted() {
                for note in self.records.notes_of(record.page) {
                    self.tally.add_note(note);
                }
            }
            if self.hash_kv {
                let found = self
                    .records
                    .leaves
                    .binary_search_by_key(&record.page, |l| l.page);
                let index = found.ok().and_then(|index| u32::try_from(index).ok());
                match index.filter(|index| index & EXAMINED == 0) {
                    Some(index) => self.order.push(index),
                    None => self.hash_kv = false,
                }
            }
        }
    }

    fn take_entries(&mut self, range: std::ops::Range<usize>, totals: &mut Totals) {
        for index in range {
            if self
                .records
                .entries
                .get(index)
                .is_some_and(|e| e.tombstone())
            {
                totals.tombstones += 1;
            }
            self.live.take(&self.records.entries, index);
        }
    }

    /// Examines a leaf that is not plain.
    fn take_slowly(
        &mut self,
        extent: Extent,
        lower: &Option<Key>,
        upper: &Option<Key>,
        depth: usize,
        holds: Holds,
        totals: &mut Totals,
    ) {
        let tally = (holds == Holds::Revisions).then_some(&mut self.tally);
        let examined =
            match self
                .examiner
                .leaf(extent, &mut self.records, &mut self.findings, tally)
            {
                Ok(examined) => examined,
                Err(error) => {
                    self.report(&error);
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
            self.check_lower(extent.page, lower, &Key::from(first.as_slice()));
            self.check_upper(extent.page, upper, &Key::from(last.as_slice()));
        }
        totals.crc = self.combiner.join(totals.crc, examined.crc, examined.bytes);
        totals.bytes += examined.bytes;
        totals.pairs += examined.count;
        if holds == Holds::Revisions {
            self.take_revisions(extent, &examined, totals);
        }
        let plain = examined.count - examined.buckets.len() as u64 - examined.lost_buckets;
        if holds == Holds::Buckets && plain > 0 {
            self.findings.push(super::plain_in_root(
                extent.page,
                plain,
                self.database.page_size(),
            ));
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

    fn take_revisions(&mut self, extent: Extent, examined: &Examined, totals: &mut Totals) {
        let end = self.records.entries.len();
        self.take_entries(examined.start..end, totals);
        let main = |key: &[u8]| key.first_chunk().map(|main| i64::from_be_bytes(*main));
        if let Some(main) = examined.last.as_deref().and_then(main) {
            totals.last_main = main;
        }
        if !self.hash_kv || examined.count == 0 {
            return;
        }
        let revision = |key: &Option<Vec<u8>>| key.as_deref().and_then(Revision::parse);
        let mut record = LeafRecord::deferred(extent.page as u32, extent.header.overflow);
        let kept = revision(&examined.first)
            .zip(revision(&examined.last))
            .is_some_and(|(first, last)| record.set_revisions(first, last));
        let sound = kept
            && examined.broken == 0
            && examined.buckets.is_empty()
            && examined.bytes < u64::from(u32::MAX);
        match (u32::try_from(examined.start), u16::try_from(examined.count)) {
            (Ok(start), Ok(count)) if sound => {
                record.start = start;
                record.count = count;
                record.crc = examined.crc;
                record.bytes = examined.bytes;
                record.kind = LeafKind::Revisions;
                self.order.push(EXAMINED | self.examined.len() as u32);
                self.examined.push(record);
            }
            _ => self.hash_kv = false,
        }
    }

    /// Walks an inline bucket, whose leaf lies in a value.
    pub(super) fn inline(&mut self, extent: Extent, holds: Holds) -> Totals {
        let mut totals = Totals::default();
        self.take_slowly(extent, &None, &None, 0, holds, &mut totals);
        totals
    }

    /// The header of a page inside a value.
    pub(super) fn inline_header(&mut self, page: u64, offset: u64) -> Result<PageHeader, Error> {
        let header = self.examiner.header(offset);
        let header = header.map_err(|e| Error::on_page(ErrorKind::Read(e), page, offset))?;
        let len = PAGE_HEADER_SIZE as u64;
        header.ok_or_else(|| Error::on_page(ErrorKind::BucketHeader { len }, page, offset))
    }

    fn check_lower(&mut self, id: u64, lower: &Option<Key>, first: &Key) {
        if lower
            .as_ref()
            .is_some_and(|lower| first.compare(lower).is_lt())
        {
            self.report_on(id, ErrorKind::BelowSeparator);
        }
    }

    fn check_upper(&mut self, id: u64, upper: &Option<Key>, last: &Key) {
        if upper
            .as_ref()
            .is_some_and(|upper| last.compare(upper).is_ge())
        {
            self.report_on(id, ErrorKind::AboveSeparator);
        }
    }

    /// Accounts for a page with its overflow.
    pub(super) fn mark(&mut self, id: u64, span: u64, class: Class) {
        for page in id..id.saturating_add(span).min(MAX_PAGES) {
            match usize::try_from(page)
                .ok()
                .and_then(|i| self.classes.get_mut(i))
            {
                Some(slot) if *slot == Class::Free => *slot = class,
                // Going on would let overlapping claims cost the square of the file.
                Some(_) => return self.report_on(page, ErrorKind::Revisited),
                None => return,
            }
        }
    }

    fn damaged(&mut self, id: u64) {
        if let Some(slot) = usize::try_from(id)
            .ok()
            .and_then(|i| self.classes.get_mut(i))
            && *slot != Class::Meta
        {
            *slot = Class::Damaged;
        }
    }

    fn empty_leaf(&mut self, id: u64) {
        self.findings
            .push(super::empty_leaf(id, self.database.page_size()));
    }

    pub(super) fn report(&mut self, error: &Error) {
        self.findings.push_error(error, self.database.page_size());
    }

    pub(super) fn report_on(&mut self, id: u64, kind: ErrorKind) {
        self.report(&Error::on_page(kind, id, self.database.offset_of(id)));
    }
}

fn leaf_class(holds: Holds) -> Class {
    match holds {
        Holds::Revisions => Class::KeyLeaf,
        Holds::Buckets | Holds::Pairs => Class::OtherLeaf,
    }
}
