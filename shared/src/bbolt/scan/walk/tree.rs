//! The walk through one tree: from page to page in key order, every page accounted for once.

use crate::bbolt::limits::{MAX_DEPTH, MAX_PAGES};
use crate::bbolt::page::{ELEMENT_SIZE, PAGE_HEADER_SIZE};
use crate::bbolt::scan::combine::Combiner;
use crate::bbolt::scan::examine::{BucketElement, Examiner, Extent};
use crate::bbolt::scan::findings::Findings;
use crate::bbolt::scan::key::Key;
use crate::bbolt::scan::page_map::{Class, LeafBytes};
use crate::bbolt::scan::records::{LeafKeys, LeafRecord, Records};
use crate::bbolt::scan::visitor::{CompactKey, Role, Visitor};
use crate::bbolt::{Database, Error, ErrorKind, PageHeader, PageType};

/// A branch larger than this with its overflow is not believed: bbolt splits branches of more than four keys.
const MAX_BRANCH_EXTENT: u64 = 1 << 20;

/// What a tree's leaves hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// The root's: buckets.
    Buckets,
    /// Those of a bucket.
    Pairs(Role),
}

impl Holds {
    pub(super) fn class(self) -> Class {
        match self {
            Self::Buckets => Class::leaf(Role::default().label),
            Self::Pairs(role) => Class::leaf(role.label),
        }
    }

    pub(super) fn visited(self) -> bool {
        matches!(self, Self::Pairs(role) if role.visited)
    }
}

/// What the walk through a bucket gave.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) crc: u32,
    pub(super) bytes: u64,
    pub(super) pairs: u64,
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

    pub(super) fn fail(&mut self, depth: usize) {
        if self.failed.len() <= depth {
            self.failed.resize(depth + 1, 0);
        }
        self.failed[depth] += 1;
    }
}

/// An element of a branch: its separator, and the page it leads to.
type Child<K> = (Key<K>, u64);

#[derive(Debug)]
enum Children<K> {
    /// Range in the records.
    Kept(std::ops::Range<usize>),
    Read(std::vec::IntoIter<Child<K>>),
}

#[derive(Debug)]
struct Frame<K> {
    page: u64,
    children: Children<K>,
    /// The child that comes next.
    next: Option<Child<K>>,
    upper: Option<Key<K>>,
}

impl<K: CompactKey> Frame<K> {
    fn new(page: u64, children: Children<K>, upper: Option<Key<K>>, records: &Records<K>) -> Self {
        let mut frame = Self {
            page,
            children,
            next: None,
            upper,
        };
        frame.next = frame.pull(records);
        frame
    }

    fn pull(&mut self, records: &Records<K>) -> Option<Child<K>> {
        match &mut self.children {
            Children::Kept(range) => {
                let entry = records.branch_entry(range.next()?)?;
                Some((Key::Compact(entry.separator), entry.child.into()))
            }
            Children::Read(children) => children.next(),
        }
    }

    /// The next child with the keys it may hold: from the first one to below the second.
    fn step(&mut self, records: &Records<K>) -> Option<(u64, Key<K>, Option<Key<K>>)> {
        let (lower, child) = self.next.take()?;
        self.next = self.pull(records);
        let upper = match &self.next {
            Some((key, _)) => Some(key.clone()),
            None => self.upper.clone(),
        };
        Some((child, lower, upper))
    }
}

/// What a reference leads to.
enum Shape<K> {
    /// A leaf that the pass has decoded, and its place among all of them.
    Leaf(usize, LeafRecord<K>),
    SlowLeaf(PageHeader),
    Branch(Children<K>, u64),
}

/// What a page may hold: from the first key on, below the second.
pub(super) type Bounds<K> = (Option<Key<K>>, Option<Key<K>>);

/// Walks the trees of a file.
pub(super) struct Walker<'s, V: Visitor> {
    pub(super) database: Database<'s>,
    pub(super) records: Records<V::Key>,
    pub(super) examiner: Examiner<'s>,
    pub(super) findings: Findings,
    pub(super) classes: Vec<Class>,
    pub(super) leaf_bytes: LeafBytes,
    pub(super) combiner: Combiner,
    pub(super) visitor: V,
    pub(super) taken: V::Taken,
}

impl<V: Visitor> Walker<'_, V> {
    /// The page of the meta in use.
    pub(super) fn meta_page(&self) -> u64 {
        let slots = self.database.metas().slots;
        u64::from(slots[0].ok().as_ref() != Some(self.database.meta()))
    }

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
        bounds: Bounds<V::Key>,
        holds: Holds,
        totals: &mut Totals,
        stack: &mut Vec<Frame<V::Key>>,
    ) {
        let depth = stack.len();
        let shape = match self.shape(id, from, depth, holds) {
            Ok(shape) => shape,
            Err(error) => {
                self.report(&error);
                self.take_error(&error, holds);
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
            Shape::Leaf(index, record) => {
                self.mark(id, u64::from(record.overflow) + 1, holds.class());
                totals.leaf_depth = depth;
                self.take_record(index, &record, &bounds, depth, holds, totals);
            }
            Shape::SlowLeaf(header) => {
                self.mark(id, header.span(), holds.class());
                totals.leaf_depth = depth;
                let page_size = u64::from(self.database.page_size());
                let extent = Extent {
                    page: id,
                    offset: self.database.offset_of(id),
                    len: header.span() * page_size,
                    header,
                };
                self.take_slowly(extent, &bounds, depth, holds, totals);
            }
            Shape::Branch(children, span) => {
                self.mark(id, span, Class::BRANCH);
                let (lower, upper) = bounds;
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
    fn shape(
        &mut self,
        id: u64,
        from: u64,
        depth: usize,
        holds: Holds,
    ) -> Result<Shape<V::Key>, Error> {
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
            Some(&Class::FREE) => {}
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
        if let Some((index, record)) = self.records.leaf(page) {
            let overflow = record.overflow;
            if id + u64::from(overflow) >= hwm {
                return Err(fail(ErrorKind::Overflow { overflow, hwm }));
            }
            let plain = match record.keys {
                LeafKeys::Deferred => false,
                LeafKeys::Compact { .. } | LeafKeys::Empty => holds != Holds::Buckets,
                LeafKeys::Other { .. } => holds != Holds::Buckets && !holds.visited(),
            };
            if plain {
                return Ok(Shape::Leaf(index, *record));
            }
        } else if let Some(range) = self.records.branch(page) {
            return Ok(Shape::Branch(Children::Kept(range), 1));
        }
        let header = self.database.read_header(id)?;
        match header.page_type() {
            Some(PageType::Leaf) => Ok(Shape::SlowLeaf(header)),
            Some(PageType::Branch) => {
                let children = self.read_branch(id, header, holds)?;
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
    fn read_branch(
        &mut self,
        id: u64,
        header: PageHeader,
        holds: Holds,
    ) -> Result<Vec<Child<V::Key>>, Error> {
        let page_size = u64::from(self.database.page_size());
        let offset = self.database.offset_of(id);
        let bytes = header.span() * page_size;
        let limit = MAX_BRANCH_EXTENT.max(page_size);
        if bytes > limit {
            let kind = ErrorKind::TooLarge { bytes, limit };
            return Err(Error::on_page(kind, id, offset));
        }
        let branch = self.database.node(id)?;
        let mut children: Vec<Child<V::Key>> = Vec::new();
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
                    self.take_error(&error, holds);
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
                    let offset = self.database.offset_of(id);
                    let error = Error::on_page(ErrorKind::ElementSum { index }, id, offset);
                    self.report(&error);
                    self.take_error(&error, holds);
                    break;
                }
            }
            children.push((Key::new(&key), child));
            last = Some(key);
        }
        Ok(children)
    }

    pub(super) fn check_lower(
        &mut self,
        id: u64,
        lower: &Option<Key<V::Key>>,
        first: &Key<V::Key>,
    ) {
        if lower
            .as_ref()
            .is_some_and(|lower| first.compare(lower).is_lt())
        {
            self.report_on(id, ErrorKind::BelowSeparator);
        }
    }

    pub(super) fn check_upper(&mut self, id: u64, upper: &Option<Key<V::Key>>, last: &Key<V::Key>) {
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
                Some(slot) if *slot == Class::FREE => *slot = class,
                // Going on would let overlapping claims cost the square of the file.
                Some(_) => return self.report_on(page, ErrorKind::Revisited),
                None => return,
            }
        }
    }

    /// Notes how much of its pages a leaf uses: `elements` of `bytes` together.
    pub(super) fn fill(&mut self, id: u64, span: u64, elements: u64, bytes: u64) {
        let element = ELEMENT_SIZE as u64;
        let used = PAGE_HEADER_SIZE as u64 + elements.saturating_mul(element).saturating_add(bytes);
        let page_size = u64::from(self.database.page_size());
        self.leaf_bytes.add(id, span, used, page_size);
    }

    pub(super) fn damaged(&mut self, id: u64) {
        if let Some(slot) = usize::try_from(id)
            .ok()
            .and_then(|i| self.classes.get_mut(i))
            && *slot != Class::META
        {
            *slot = Class::DAMAGED;
        }
    }

    /// Tells the visitor what cannot be read of a bucket that it visits.
    pub(super) fn take_error(&mut self, error: &Error, holds: Holds) {
        if holds.visited() {
            self.visitor.take_error(&mut self.taken, error);
        }
    }

    pub(super) fn report(&mut self, error: &Error) {
        self.findings.push_error(error, self.database.page_size());
    }

    pub(super) fn report_on(&mut self, id: u64, kind: ErrorKind) {
        self.report(&Error::on_page(kind, id, self.database.offset_of(id)));
    }
}
