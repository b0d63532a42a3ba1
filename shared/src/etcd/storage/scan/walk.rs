//! The walk through the whole tree, in memory: what is in use, whether it is sound, what it hashes to.

mod freelist;
mod head_hash;
mod key;
mod live;
mod strip;
mod tally;
mod tree;

use crc32c::crc32c_append;

use crate::bbolt::limits::{MAX_BUCKET_DEPTH, MAX_BUCKETS};
use crate::bbolt::page::PAGE_HEADER_SIZE;
use crate::bbolt::reader::BUCKET_HEADER_SIZE;
use crate::bbolt::{BucketHeader, Database, Error, ErrorKind, Meta, MetaError, Metas, PageType};
use crate::etcd::storage::inspection::PageRun;
use crate::etcd::storage::schema;
use crate::finding::{Finding, Report};
use crate::source::Source;

use super::combine::Combiner;
use super::examine::{BucketElement, Examiner, Extent};
use super::findings::{Findings, from_error};
use super::label::Label;
use super::pages::Pages;
use super::records::{LeafRecord, Oddity, Records};
use live::Live;
use strip::Class;
pub(crate) use tally::{OddPlace, Tally};
use tree::{Holds, Totals, Walker};

/// What the walk through a file's tree gave.
#[derive(Debug)]
pub struct Walk {
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
    /// The numbers of the whole; absent when some page could not be read.
    pub key_space: Option<KeySpace>,
    /// The numbers of bucket `key`; absent when some page of it could not be read, or when there is none.
    pub keys: Option<KeyNumbers>,
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
    /// About how many revisions of bucket `key` are lost with them.
    pub revisions_lost: u64,
    /// The file page by page.
    pub pages: Vec<PageRun>,
    pub(crate) findings: Findings,
    tally: Tally,
    /// Leases that live keys are attached to, with the number of keys.
    pub(crate) leased: Vec<(i64, u64)>,
    /// Labels of live keys, with the number of keys.
    pub(crate) labels: Vec<(Label, u64)>,
    head: HeadState,
}

impl Walk {
    /// What the structure check found.
    pub fn into_report(self) -> Report {
        let mut report = Report::default();
        self.findings.into_report(&mut report);
        report
    }

    /// How many entries of bucket `key` cannot be decoded, and the page of the first: with any, the count of live
    /// keys is not to be relied on, and etcdutl 3.6 prints no status at all.
    pub fn undecodable(&self) -> Option<(u64, u64)> {
        let kinds = [Oddity::RevisionKey, Oddity::Undecodable];
        let mut seen = kinds.into_iter().filter_map(|kind| self.tally.seen(kind));
        let (count, place) = seen.next()?;
        Some((count + seen.map(|(n, _)| n).sum::<u64>(), place.page))
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
        (self.key_space.is_some() && self.pages_unreached == 0).then_some(self.pages_free)
    }

    /// How often an oddity was seen in bucket `key`, and where first.
    pub(in crate::etcd) fn seen(&self, oddity: Oddity) -> Option<(u64, OddPlace)> {
        self.tally.seen(oddity)
    }
}

/// What HashKV of the newest revision is made of.
#[derive(Debug)]
struct HeadState {
    records: Records,
    examined: Vec<LeafRecord>,
    order: Vec<u32>,
    live: Live,
    complete: bool,
}

/// A top-level bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketSummary {
    /// Its name.
    pub name: Vec<u8>,
    /// Pairs in it.
    pub pairs: u64,
    /// Bytes of its keys and values.
    pub bytes: u64,
    /// Whether it lies inline in its parent's page.
    pub inline: bool,
    /// Whether every page of it could be read.
    pub complete: bool,
    /// Whether nothing of it could be read.
    pub lost: bool,
}

/// The numbers of bucket `key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyNumbers {
    /// Main revision of its last entry; 0 when it is empty.
    pub revision: i64,
    /// Its pairs.
    pub revisions: u64,
    /// Tombstones among them.
    pub tombstones: u64,
}

/// The numbers over all buckets (spec 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySpace {
    /// HASH.
    pub hash: u32,
    /// REVISION.
    pub revision: i64,
    /// TOTAL KEYS as 3.6 counts: live user keys.
    pub live_keys: u64,
    /// TOTAL KEYS as 3.4 and 3.5 count: pairs of all buckets.
    pub pairs: u64,
    /// Pairs of bucket `key`.
    pub revisions: u64,
    /// Tombstones among them.
    pub tombstones: u64,
}

/// Walks the tree under the current meta; where it is broken, tries the one under the other meta too.
pub(super) fn walk(size: u64, pages: Option<Pages>, source: &dyn Source) -> Walk {
    let database = match Database::open(source) {
        Ok(database) => database,
        Err(error) => return unopened(error),
    };
    // Without records of this page size every page is read from the source: slow, and right.
    let same = pages.filter(|pages| pages.page_size == database.page_size());
    let hash_kv = same.as_ref().is_some_and(|pages| pages.hash_kv());
    let mut records = same.map(|pages| pages.records).unwrap_or_default();
    records.notes.sort_unstable_by_key(|note| note.page);
    let mut walk = walk_under(database, records, hash_kv, source);
    meta_findings(&mut walk, &database);
    if size != source.size() {
        let what = format!(
            "The file had {size} bytes while it was read and has {} now.",
            source.size()
        );
        let finding = Finding::blocking("file.changed", "file", what);
        let todo = "Copy it where nobody writes to it, and check the copy.";
        walk.findings.push(
            finding
                .because("Something writes to it, so what was read is of two moments.")
                .todo(todo),
        );
    }
    if walk.findings.blocks() {
        try_older(&mut walk, database, source);
    }
    walk
}

fn unopened(error: Error) -> Walk {
    let mut findings = Findings::default();
    findings.push(from_error(&error, 0));
    Walk {
        error: Some(error),
        metas: None,
        meta: None,
        buckets: Vec::new(),
        buckets_complete: false,
        key_space: None,
        keys: None,
        pages_used: 0,
        pages_free: 0,
        pages_unreached: 0,
        pages_missing: 0,
        pages_unreadable: 0,
        revisions_lost: 0,
        pages: Vec::new(),
        findings,
        tally: Tally::default(),
        leased: Vec::new(),
        labels: Vec::new(),
        head: HeadState {
            records: Records::default(),
            examined: Vec::new(),
            order: Vec::new(),
            live: Live::default(),
            complete: false,
        },
    }
}

fn walk_under(
    database: Database<'_>,
    records: Records,
    hash_kv: bool,
    source: &dyn Source,
) -> Walk {
    let meta = *database.meta();
    let page_size = database.page_size();
    let image = database.image_size();
    let whole_pages = (image / u64::from(page_size)).min(meta.hwm);
    // No more than one byte per page that the file really has.
    let mut classes = vec![Class::Free; usize::try_from(whole_pages).unwrap_or(usize::MAX)];
    for class in classes.iter_mut().take(2) {
        *class = Class::Meta;
    }
    let mut walker = Walker {
        database,
        records,
        examiner: Examiner::new(source, page_size, hash_kv),
        findings: Findings::default(),
        classes,
        combiner: Combiner::new(),
        tally: Tally::default(),
        live: Live::default(),
        order: Vec::new(),
        examined: Vec::new(),
        hash_kv,
    };
    let root = walker.tree(meta.root, walker.meta_page(), Holds::Buckets);
    let mut sum = Sum::new(&root);
    if root.lost_buckets > 0 {
        sum.complete = false;
        sum.buckets_complete = false;
        walker.findings.push(too_many_buckets(root.lost_buckets));
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
fn missing_pages(walker: &Walker<'_>, image: u64, missing: u64, complete: bool) -> Finding {
    let meta = walker.database.meta();
    let end = walker.database.start().saturating_add(image);
    let pages = format!(
        "the last {missing} of {} pages are missing or cut",
        meta.hwm
    );
    let size = meta.logical_size();
    let finding = if complete {
        let what = format!(
            "The database has {size} bytes and the file ends after {image} of them: {pages}, none of them in use."
        );
        Finding::warning("file.free-tail", "file", what)
            .because("The tree reaches every page that it needs: nothing is lost. A server may refuse the file as it is.")
            .todo("A restore leaves them out.")
    } else {
        let what = format!(
            "The file was cut off: its database has {size} bytes and the file ends after {image} of them; {pages}."
        );
        Finding::blocking("file.truncated", "file", what)
            .because("A server would crash as soon as it touches a missing page.")
            .todo("Save or copy the snapshot again, and compare the sizes.")
    };
    finding.at_offset(end)
}

/// What adds up over the buckets.
struct Sum {
    hash: u32,
    pairs: u64,
    complete: bool,
    buckets_complete: bool,
    unreadable: u64,
    lost: u64,
    buckets: Vec<BucketSummary>,
    key: Option<Totals>,
}

impl Sum {
    fn new(root: &Totals) -> Self {
        Self {
            hash: 0,
            pairs: 0,
            complete: root.complete(),
            buckets_complete: root.complete(),
            unreadable: root.failed_pages(),
            lost: 0,
            buckets: Vec::new(),
            key: None,
        }
    }

    fn into_walk(self, mut walker: Walker<'_>, listed: Option<Vec<u64>>) -> Walk {
        let meta = *walker.database.meta();
        let known = |bucket: &&BucketSummary| bucket.name == schema::KEY && bucket.complete;
        let keys = self.buckets.iter().find(known).zip(self.key.as_ref());
        let keys = keys.map(|(_, key)| KeyNumbers {
            revision: key.last_main,
            revisions: key.pairs,
            tombstones: key.tombstones,
        });
        let key = self.key.unwrap_or_default();
        let mut pages_unreached = 0;
        if !self.complete {
            let mut classes = walker.classes.iter_mut().enumerate();
            let free = classes.by_ref().filter(|(_, class)| **class == Class::Free);
            for (page, class) in free {
                let word = listed.as_ref().and_then(|listed| listed.get(page / 64));
                if word.is_none_or(|word| word >> (page % 64) & 1 == 0) {
                    *class = Class::Unreached;
                    pages_unreached += 1;
                }
            }
        }
        let count = |wanted: Class| walker.classes.iter().filter(|c| **c == wanted).count() as u64;
        let pages_free = count(Class::Free) + pages_unreached;
        let (leased, labels) = live_keys(&walker.records, &walker.live);
        Walk {
            error: None,
            metas: Some(*walker.database.metas()),
            meta: Some(meta),
            key_space: self.complete.then(|| KeySpace {
                hash: self.hash,
                revision: key.last_main,
                live_keys: walker.live.len(),
                pairs: self.pairs,
                revisions: key.pairs,
                tombstones: key.tombstones,
            }),
            keys,
            buckets: self.buckets,
            buckets_complete: self.buckets_complete,
            pages_used: walker.classes.len() as u64 - pages_free,
            pages_free,
            pages_unreached,
            pages_missing: meta.hwm - walker.classes.len() as u64,
            // References beyond the file may be more than it has pages.
            pages_unreadable: self.unreadable.min(meta.hwm),
            revisions_lost: self.lost,
            pages: strip::runs(&walker.classes),
            findings: walker.findings,
            tally: walker.tally,
            leased,
            labels,
            head: HeadState {
                complete: self.complete && walker.hash_kv,
                records: walker.records,
                examined: walker.examined,
                order: walker.order,
                live: walker.live,
            },
        }
    }
}

/// Things that keys belong to, each with the number of its live keys.
type Counts<T> = Vec<(T, u64)>;

/// Counts the live keys of each lease and of each label.
fn live_keys(records: &Records, live: &Live) -> (Counts<i64>, Counts<Label>) {
    let labelled = &records.labelled;
    if records.leased.is_empty() && labelled.entries.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let bits = live.bitmap(records.entries.len());
    let is_live = |entry: u32| {
        let word = bits.get(entry as usize / 64).copied().unwrap_or_default();
        word >> (entry % 64) & 1 == 1
    };
    let mut leases = vec![0u64; records.leases.len()];
    for (entry, lease) in &records.leased {
        if is_live(*entry)
            && let Some(count) = leases.get_mut(*lease as usize)
        {
            *count += 1;
        }
    }
    let mut labels = vec![0u64; labelled.labels.len()];
    for (entry, label) in &labelled.entries {
        if is_live(*entry)
            && let Some(count) = labels.get_mut(usize::from(*label))
        {
            *count += 1;
        }
    }
    let leases = records.leases.iter().copied().zip(leases);
    let labels = labelled.labels.iter().cloned().zip(labels);
    (
        leases.filter(|(_, count)| *count > 0).collect(),
        labels.filter(|(_, count)| *count > 0).collect(),
    )
}

/// Where a bucket's pairs are.
enum Place {
    Tree(u64),
    Inline(Extent),
}

impl Walker<'_> {
    /// The page of the meta in use.
    fn meta_page(&self) -> u64 {
        let slots = self.database.metas().slots;
        u64::from(slots[0].ok().as_ref() != Some(self.database.meta()))
    }

    fn place(&mut self, element: &BucketElement) -> Result<Place, Error> {
        let fail = |kind| Error::on_page(kind, element.page, element.offset);
        let len = element.len;
        let value = self.examiner.bytes(
            element.offset,
            BUCKET_HEADER_SIZE.min(usize::try_from(len).unwrap_or(usize::MAX)),
        );
        let value = value.map_err(|e| fail(ErrorKind::Read(e)))?;
        let header =
            BucketHeader::parse(value).ok_or_else(|| fail(ErrorKind::BucketHeader { len }))?;
        if header.root != 0 {
            return Ok(Place::Tree(header.root));
        }
        if len < (BUCKET_HEADER_SIZE + PAGE_HEADER_SIZE) as u64 {
            return Err(fail(ErrorKind::BucketHeader { len }));
        }
        let offset = element.offset + BUCKET_HEADER_SIZE as u64;
        let header = self.inline_header(element.page, offset)?;
        if header.page_type() != Some(PageType::Leaf) || header.overflow != 0 {
            let (flags, overflow) = (header.flags, header.overflow);
            return Err(fail(ErrorKind::InlinePage { flags, overflow }));
        }
        Ok(Place::Inline(Extent {
            page: element.page,
            offset,
            len: len - BUCKET_HEADER_SIZE as u64,
            header,
        }))
    }

    /// Walks a top-level bucket.
    fn bucket(&mut self, element: BucketElement, sum: &mut Sum, nested: &mut Vec<Nested>) {
        let holds = if element.name == schema::KEY {
            Holds::Revisions
        } else {
            Holds::Pairs
        };
        let (totals, inline) = match self.place(&element) {
            Ok(Place::Tree(root)) => (self.tree(root, element.page, holds), false),
            Ok(Place::Inline(extent)) => (self.inline(extent, holds), true),
            Err(error) => {
                self.report(&error);
                sum.complete = false;
                sum.unreadable += 1;
                sum.buckets.push(BucketSummary {
                    name: element.name,
                    pairs: 0,
                    bytes: 0,
                    inline: false,
                    complete: false,
                    lost: true,
                });
                return;
            }
        };
        let complete = totals.complete();
        sum.complete &= complete;
        sum.unreadable += totals.failed_pages() + u64::from(totals.broken > 0);
        sum.hash = crc32c_append(sum.hash, &element.name);
        sum.hash = self.combiner.join(sum.hash, totals.crc, totals.bytes);
        sum.pairs += totals.pairs;
        if holds == Holds::Revisions {
            sum.lost += totals.lost_pairs();
        }
        if let Some(first) = totals.buckets.first() {
            let many = totals.buckets.len() as u64 + totals.lost_buckets;
            self.findings.push(nested_bucket(
                &element.name,
                first,
                many,
                self.database.page_size(),
            ));
        }
        let inner = totals.buckets.iter().cloned();
        nested.extend(inner.map(|element| Nested {
            element,
            depth: 2,
            inline,
        }));
        sum.buckets.push(BucketSummary {
            name: element.name,
            pairs: totals.pairs,
            bytes: totals.bytes,
            inline,
            complete,
            lost: !complete && totals.leaves == 0,
        });
        if holds == Holds::Revisions {
            sum.key = Some(totals);
        }
    }

    /// Accounts for the pages of buckets within buckets. etcd has none, and none of them is hashed.
    fn nested(&mut self, mut queue: Vec<Nested>, sum: &mut Sum) {
        while let Some(Nested {
            element,
            depth,
            inline,
        }) = queue.pop()
        {
            let place = if depth > MAX_BUCKET_DEPTH {
                let limit = MAX_BUCKET_DEPTH;
                let kind = ErrorKind::BucketsTooDeep { limit };
                Err(Error::on_page(kind, element.page, element.offset))
            } else {
                self.place(&element)
            };
            let (totals, is_inline) = match place {
                // An inline bucket is a leaf without buckets; following one could go round in circles.
                Ok(Place::Inline(_)) if inline => continue,
                Ok(Place::Tree(root)) => (self.tree(root, element.page, Holds::Pairs), false),
                Ok(Place::Inline(extent)) => (self.inline(extent, Holds::Pairs), true),
                Err(error) => {
                    self.report(&error);
                    sum.complete = false;
                    continue;
                }
            };
            let complete = totals.complete();
            sum.complete &= complete;
            sum.unreadable += totals.failed_pages();
            for element in totals.buckets {
                if queue.len() >= MAX_BUCKETS {
                    self.findings.push(too_many_buckets(1));
                    break;
                }
                queue.push(Nested {
                    element,
                    depth: depth + 1,
                    inline: is_inline,
                });
            }
        }
    }
}

struct Nested {
    element: BucketElement,
    depth: usize,
    /// Whether the bucket it is in lies inline.
    inline: bool,
}

/// Says what is wrong with a meta, and never falls back to the other in silence.
fn meta_findings(walk: &mut Walk, database: &Database<'_>) {
    let metas = database.metas();
    let page_size = database.page_size();
    for (slot, meta) in metas.slots.iter().enumerate() {
        let Err(error) = meta else { continue };
        if !database.may_be_newer(slot as u64) {
            walk.findings.push(spare_meta(slot, error, database));
            continue;
        }
        let keys = walk.buckets.iter().find(|b| b.name == schema::KEY);
        let seen = match keys {
            Some(bucket) => format!("{} buckets, {} revisions", walk.buckets.len(), bucket.pairs),
            None => format!("{} buckets, none of them `key`", walk.buckets.len()),
        };
        let finding = Finding::warning(
            "meta.fallback",
            format!("page {slot}"),
            format!(
                "Meta {slot} cannot be used ({error}); the file is read under meta {} (transaction {}): {seen}.",
                1 - slot,
                database.meta().txid
            ),
        );
        walk.findings.push(
            finding
                .because("If the lost meta was the newer one, the last commit is missing here, or much more in a file rewritten by other means.")
                .todo("Compare the revision with what the cluster last served before relying on it; a restore takes it with --accept-older-meta only.")
                .at_page(slot as u64, page_size),
        );
    }
    for (slot, meta) in metas.slots.iter().enumerate() {
        if meta.is_ok() && !header_is_meta(database, slot) {
            walk.findings.push(
                Finding::warning(
                    "meta.header",
                    format!("page {slot}"),
                    format!("Meta {slot} is valid, but the header of its page is not that of a meta page."),
                )
                .because("Servers ignore it; etcdutl snapshot status crashes on it.")
                .at_page(slot as u64, page_size),
            );
        }
    }
}

/// The meta page that does not count.
fn spare_meta(slot: usize, error: &MetaError, database: &Database<'_>) -> Finding {
    let what = format!(
        "Meta {slot}, the older of the two, cannot be used ({error}); meta {} (transaction {}) counts and is sound.",
        1 - slot,
        database.meta().txid
    );
    Finding::warning("meta.spare", format!("page {slot}"), what)
        .because("Nothing is lost: the older one is only there in case the newer is damaged.")
        .todo("A restore writes it anew.")
        .at_offset(database.offset_of(slot as u64))
        .at_page(slot as u64, database.page_size())
}

fn header_is_meta(database: &Database<'_>, slot: usize) -> bool {
    let header = database.raw_header(slot as u64);
    header.is_ok_and(|h| h.id == slot as u64 && h.page_type() == Some(PageType::Meta))
}

/// Where the newest tree is broken: is the one of the commit before sound?
fn try_older(walk: &mut Walk, database: Database<'_>, source: &dyn Source) {
    let newer = *database.meta();
    let Some(older) = database.metas().other() else {
        return;
    };
    if (older.root, older.hwm) == (newer.root, newer.hwm) {
        // A snapshot has the same tree twice.
        return;
    }
    let records = std::mem::take(&mut walk.head.records);
    let other = walk_under(database.under(older), records, false, source);
    walk.head.complete = false;
    let Some(seen) = other.key_space.filter(|_| !other.findings.blocks()) else {
        return;
    };
    let what = format!(
        "The tree of the commit before (transaction {} instead of {}) is sound: revision {}, {} keys.",
        older.txid, newer.txid, seen.revision, seen.live_keys
    );
    walk.findings.push(
        Finding::note("meta.older-sound", "file", what)
            .because("Reverting to it loses one commit: at most 100 ms or 10 000 operations of writes.")
            .todo("If no other member's file is sound, have bbolt surgery revert the meta page on a copy, and check that copy."),
    );
}

fn too_many_buckets(more: u64) -> Finding {
    let what = format!("{more} or more buckets beyond the first {MAX_BUCKETS} were not looked at.");
    Finding::blocking("bucket.too-many", "file", what)
        .because("etcd has ten buckets; this file was not made by etcd or is damaged.")
}

fn nested_bucket(name: &[u8], first: &BucketElement, many: u64, page_size: u32) -> Finding {
    let subject = format!("bucket {}", name.escape_ascii());
    let what = format!("It holds {many} buckets of its own; etcd has none within its buckets.");
    let finding = if name == schema::KEY {
        Finding::blocking("bucket.nested", subject, what)
            .because("A server takes each of them for a key without a value, and crashes or serves what was never written.")
            .todo("Use another snapshot, or another member's database.")
    } else {
        Finding::warning("bucket.nested", subject, what)
            .because("They are no part of the data that etcd serves.")
    };
    finding
        .at_offset(first.offset)
        .at_page(first.page, page_size)
}

/// A pair where only buckets belong.
fn plain_in_root(page: u64, many: u64, page_size: u32) -> Finding {
    let what =
        format!("{many} entries of the root bucket are plain pairs; etcd has only buckets there.");
    Finding::warning("bucket.plain-in-root", format!("page {page}"), what)
        .because("etcd's tools crash on such a file.")
        .at_page(page, page_size)
}

fn empty_leaf(page: u64, page_size: u32) -> Finding {
    let what = "A leaf inside a tree has no elements.";
    Finding::note("page.empty-leaf", format!("page {page}"), what)
        .because("Old versions of bbolt left such leaves; readers skip them.")
        .at_page(page, page_size)
}
