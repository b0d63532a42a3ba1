//! The walk through the whole tree, in memory: what is in use, whether it is sound, what it hashes to.

mod buckets;
mod freelist;
mod leaves;
mod metas;
mod tree;

use crate::bbolt::{Database, Error, Meta, Metas};
use crate::finding::{Finding, Report};
use crate::number::{self, grouped};
use crate::source::Source;

use super::combine::Combiner;
use super::examine::Examiner;
use super::findings::{Findings, from_error};
use super::page_map::{Class, LeafBytes, PageRun};
use super::records::{Records, Seen};
use super::visitor::{BucketSummary, Role, TakenLeaf, Visitor};
use buckets::Sum;
use tree::Walker;

/// What the walk through a file's tree gave.
#[derive(Debug)]
pub struct Walk<V: Visitor> {
    /// Why there was no tree to walk.
    pub error: Option<Error>,
    /// Both metas.
    pub metas: Option<Metas>,
    /// The meta in use.
    pub meta: Option<Meta>,
    /// Top-level buckets that could be opened, in byte order of their names.
    pub buckets: Vec<BucketSummary>,
    /// Whether the list of buckets could be read whole: what is not in [`Walk::buckets`] is not in the file then.
    pub buckets_complete: bool,
    /// What all buckets add up to; absent when some page could not be read.
    pub sums: Option<Sums>,
    /// Pages of the image, metas included, that are in use.
    pub pages_used: u64,
    /// Pages of the image that nothing refers to. Not all of them are free where `pages_unreached` is above 0.
    pub pages_free: u64,
    /// Pages among them that may be in use: what would refer to them cannot be read, and no freelist has them.
    pub pages_unreached: u64,
    /// Pages below the high-water mark that are not in the file.
    pub pages_missing: u64,
    /// References to pages that could not be read.
    pub pages_unreadable: u64,
    /// The file page by page, as far as the meta page in use declares it.
    pub pages: Vec<PageRun>,
    /// Pages of a stretch: within one the order of [`Walk::pages`] may not be that of the file.
    pub stretch: u64,
    /// Bytes that the leaves of each stretch use, headers included.
    pub leaf_bytes: Vec<u64>,
    /// What is wrong with it.
    pub findings: Findings,
    /// What the visitor kept in the pass.
    pub visitor: V,
    /// What it gathered in the walk.
    pub taken: V::Taken,
    records: Records<V::Key>,
}

/// What all top-level buckets add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sums {
    /// CRC-32C over each bucket's name and its keys and values, in order (spec 3.2: HASH).
    pub crc: u32,
    /// Pairs.
    pub pairs: u64,
}

impl<V: Visitor> Walk<V> {
    pub(super) fn take_findings(&mut self) -> Findings {
        std::mem::replace(&mut self.findings, Findings::new(V::REMEDIES))
    }

    /// What the structure check found.
    pub fn into_report(self) -> Report {
        let mut report = Report::default();
        self.findings.into_report(&mut report);
        report
    }

    /// A top-level bucket.
    pub fn bucket(&self, name: &[u8]) -> Option<&BucketSummary> {
        self.buckets.iter().find(|bucket| bucket.name == name)
    }

    /// Whether all of a bucket was read, or it is certain that there is none.
    pub fn is_known(&self, name: &[u8]) -> bool {
        self.bucket(name)
            .map_or(self.buckets_complete, |bucket| bucket.complete)
    }

    /// Pages that are free, where that is known of every page.
    pub fn free(&self) -> Option<u64> {
        (self.sums.is_some() && self.pages_unreached == 0).then_some(self.pages_free)
    }

    /// A leaf that [`Visitor::take_leaf`] was given, by its index. `None` where the tree of another commit was
    /// walked since.
    pub fn leaf(&self, index: u32) -> Option<TakenLeaf<V::Key>> {
        let index = index as usize;
        TakenLeaf::new(index, self.records.leaves.get(index)?)
    }
}

/// Walks the tree under the current meta; where it is broken, tries the one under the other meta too.
pub(super) fn walk<V: Visitor>(
    size: u64,
    seen: Option<(u32, Seen<V>)>,
    source: &dyn Source,
) -> Walk<V> {
    let database = match Database::open(source) {
        Ok(database) => database,
        Err(error) => return unopened(error),
    };
    // Without records of this page size every page is read from the source: slow, and right.
    let same = seen.filter(|(page_size, _)| *page_size == database.page_size());
    let Seen {
        mut visitor,
        records,
    } = same.map_or_else(|| Seen::new(V::default()), |(_, seen)| seen);
    visitor.pass_end();
    let mut walk = walk_under(database, visitor, records, source);
    metas::check(&mut walk, &database);
    if size != source.size() {
        let (before, after) = number::sizes(size, source.size());
        let what = format!("The file had {before} while it was read and has {after} now.");
        let finding = Finding::blocking("file.changed", "file", what);
        let todo = "Copy it to a place where nothing writes to it, and check the copy.";
        walk.findings.push(
            finding
                .because("Something writes to it, so what was read mixes two states of the file.")
                .todo(todo),
        );
    }
    if walk.findings.blocks() {
        metas::try_older(&mut walk, database, source);
    }
    walk
}

fn unopened<V: Visitor>(error: Error) -> Walk<V> {
    let mut findings = Findings::new(V::REMEDIES);
    findings.push(from_error(&error, 0, V::REMEDIES));
    Walk {
        error: Some(error),
        metas: None,
        meta: None,
        buckets: Vec::new(),
        buckets_complete: false,
        sums: None,
        pages_used: 0,
        pages_free: 0,
        pages_unreached: 0,
        pages_missing: 0,
        pages_unreadable: 0,
        pages: Vec::new(),
        stretch: 1,
        leaf_bytes: Vec::new(),
        findings,
        visitor: V::default(),
        taken: V::Taken::default(),
        records: Records::default(),
    }
}

fn walk_under<V: Visitor>(
    database: Database<'_>,
    visitor: V,
    records: Records<V::Key>,
    source: &dyn Source,
) -> Walk<V> {
    let meta = *database.meta();
    let page_size = database.page_size();
    let image = database.image_size();
    let whole_pages = (image / u64::from(page_size)).min(meta.hwm);
    // No more than one byte per page that the file really has.
    let mut classes = vec![Class::FREE; usize::try_from(whole_pages).unwrap_or(usize::MAX)];
    for class in classes.iter_mut().take(2) {
        *class = Class::META;
    }
    let mut walker = Walker {
        database,
        records,
        examiner: Examiner::new(source, page_size),
        findings: Findings::new(V::REMEDIES),
        leaf_bytes: LeafBytes::new(classes.len()),
        classes,
        combiner: Combiner::new(),
        visitor,
        taken: V::Taken::default(),
    };
    let root = walker.tree(meta.root, walker.meta_page(), tree::Holds::Buckets);
    let mut sum = Sum::new(&root);
    if root.lost_buckets > 0 {
        sum.complete = false;
        sum.buckets_complete = false;
        let finding = buckets::too_many(root.lost_buckets, V::REMEDIES);
        walker.findings.push(finding);
    }
    let mut nested = Vec::new();
    for element in root.buckets {
        walker.bucket(element, &mut sum, &mut nested);
    }
    walker.nested(nested, &mut sum);
    let listed = freelist::check(&mut walker);
    if image < meta.logical_size() {
        let missing = missing_pages(&walker, image, meta.hwm - whole_pages, sum.complete);
        walker.findings.push_first(missing);
    }
    sum.into_walk(walker, listed)
}

/// The last pages are not in the file. Where the whole tree was walked, none of them is in use.
fn missing_pages<V: Visitor>(
    walker: &Walker<'_, V>,
    image: u64,
    missing: u64,
    complete: bool,
) -> Finding {
    let meta = walker.database.meta();
    let end = walker.database.start().saturating_add(image);
    let pages = format!(
        "the last {} of {} pages are missing or cut",
        grouped(missing),
        grouped(meta.hwm)
    );
    let (size, image) = number::sizes(meta.logical_size(), image);
    let finding = if complete {
        let what = format!(
            "The database has {size} and the file ends after {image}: {pages}, none of them in use."
        );
        Finding::warning("file.free-tail", "file", what)
            .because("The tree reaches every page that it needs: nothing is lost. A server may refuse the file as it is.")
            .todo(V::REMEDIES.free_tail)
    } else {
        let what = format!(
            "The file was cut off: its database has {size} and the file ends after {image}; {pages}."
        );
        Finding::blocking("file.truncated", "file", what)
            .because("A server would crash as soon as it touches a missing page.")
            .todo(V::REMEDIES.cut_off)
    };
    finding.at_offset(end)
}
