//! Buckets: the top-level ones add up to the whole, and those within them are accounted for.

use crc32c::crc32c_append;

use crate::bbolt::bucket::BUCKET_HEADER_SIZE;
use crate::bbolt::limits::{MAX_BUCKET_DEPTH, MAX_BUCKETS};
use crate::bbolt::page::PAGE_HEADER_SIZE;
use crate::bbolt::{BucketHeader, Error, ErrorKind, PageType};
use crate::finding::Finding;

use super::tree::{Holds, Totals, Walker};
use super::{BucketSummary, Class, Role, Sums, Visitor, Walk};
use crate::bbolt::scan::examine::{BucketElement, Extent};
use crate::bbolt::scan::page_map;
use crate::bbolt::scan::remedies::Remedies;

/// What adds up over the buckets.
pub(super) struct Sum {
    crc: u32,
    pairs: u64,
    pub(super) complete: bool,
    pub(super) buckets_complete: bool,
    unreadable: u64,
    buckets: Vec<BucketSummary>,
}

impl Sum {
    pub(super) fn new(root: &Totals) -> Self {
        Self {
            crc: 0,
            pairs: 0,
            complete: root.complete(),
            buckets_complete: root.complete(),
            unreadable: root.failed_pages(),
            buckets: Vec::new(),
        }
    }

    /// The result, with the pages that a freelist has, one bit each.
    pub(super) fn into_walk<V: Visitor>(
        self,
        mut walker: Walker<'_, V>,
        listed: Option<Vec<u64>>,
    ) -> Walk<V> {
        let meta = *walker.database.meta();
        let mut pages_unreached = 0;
        if !self.complete {
            let mut classes = walker.classes.iter_mut().enumerate();
            let free = classes.by_ref().filter(|(_, class)| **class == Class::FREE);
            for (page, class) in free {
                let word = listed.as_ref().and_then(|listed| listed.get(page / 64));
                if word.is_none_or(|word| word >> (page % 64) & 1 == 0) {
                    *class = Class::UNREACHED;
                    pages_unreached += 1;
                }
            }
        }
        let count = |wanted: Class| walker.classes.iter().filter(|c| **c == wanted).count() as u64;
        let pages_free = count(Class::FREE) + pages_unreached;
        let missing = meta.hwm - walker.classes.len() as u64;
        let (pages, used) = page_map::runs(&walker.classes, missing, walker.leaf_bytes, V::LABELS);
        Walk {
            error: None,
            metas: Some(*walker.database.metas()),
            meta: Some(meta),
            sums: self.complete.then_some(Sums {
                crc: self.crc,
                pairs: self.pairs,
            }),
            buckets: self.buckets,
            buckets_complete: self.buckets_complete,
            pages_used: walker.classes.len() as u64 - pages_free,
            pages_free,
            pages_unreached,
            pages_missing: missing,
            // References beyond the file may be more than it has pages.
            pages_unreadable: self.unreadable.min(meta.hwm),
            pages,
            stretch: used.stretch as u64,
            leaf_bytes: used.bytes,
            findings: walker.findings,
            visitor: walker.visitor,
            taken: walker.taken,
            records: walker.records,
        }
    }
}

/// Where a bucket's pairs are.
enum BucketPairs {
    Tree(u64),
    Inline(Extent),
}

/// A bucket within a bucket.
pub(super) struct Nested {
    element: BucketElement,
    depth: usize,
    /// Whether the bucket it is in lies inline.
    inline: bool,
}

impl<V: Visitor> Walker<'_, V> {
    fn pairs(&mut self, element: &BucketElement) -> Result<BucketPairs, Error> {
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
            return Ok(BucketPairs::Tree(header.root));
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
        Ok(BucketPairs::Inline(Extent {
            page: element.page,
            offset,
            len: len - BUCKET_HEADER_SIZE as u64,
            header,
        }))
    }

    /// Walks a top-level bucket.
    pub(super) fn bucket(
        &mut self,
        element: BucketElement,
        sum: &mut Sum,
        nested: &mut Vec<Nested>,
    ) {
        let holds = Holds::Pairs(V::role(&element.name));
        let (totals, inline) = match self.pairs(&element) {
            Ok(BucketPairs::Tree(root)) => (self.tree(root, element.page, holds), false),
            Ok(BucketPairs::Inline(extent)) => (self.inline(extent, holds), true),
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
                    pairs_lost: 0,
                });
                return;
            }
        };
        let complete = totals.complete();
        sum.complete &= complete;
        sum.unreadable += totals.failed_pages() + u64::from(totals.broken > 0);
        sum.crc = crc32c_append(sum.crc, &element.name);
        sum.crc = self.combiner.join(sum.crc, totals.crc, totals.bytes);
        sum.pairs += totals.pairs;
        if let Some(first) = totals.buckets.first() {
            let many = totals.buckets.len() as u64 + totals.lost_buckets;
            if let Some(finding) = V::nested(&element.name, many) {
                self.findings.push(
                    finding
                        .at_offset(first.offset)
                        .at_page(first.page, self.database.page_size()),
                );
            }
        }
        let pairs_lost = totals.lost_pairs();
        sum.buckets.push(BucketSummary {
            name: element.name,
            pairs: totals.pairs,
            bytes: totals.bytes,
            inline,
            complete,
            lost: !complete && totals.leaves == 0,
            pairs_lost,
        });
        nested.extend(totals.buckets.into_iter().map(|element| Nested {
            element,
            depth: 2,
            inline,
        }));
    }

    /// Accounts for the pages of buckets within buckets, none of which is hashed.
    pub(super) fn nested(&mut self, mut queue: Vec<Nested>, sum: &mut Sum) {
        let holds = Holds::Pairs(Role::default());
        while let Some(Nested {
            element,
            depth,
            inline,
        }) = queue.pop()
        {
            let pairs = if depth > MAX_BUCKET_DEPTH {
                let limit = MAX_BUCKET_DEPTH;
                let kind = ErrorKind::BucketsTooDeep { limit };
                Err(Error::on_page(kind, element.page, element.offset))
            } else {
                self.pairs(&element)
            };
            let (totals, is_inline) = match pairs {
                // An inline bucket is a leaf without buckets; following one could go round in circles.
                Ok(BucketPairs::Inline(_)) if inline => continue,
                Ok(BucketPairs::Tree(root)) => (self.tree(root, element.page, holds), false),
                Ok(BucketPairs::Inline(extent)) => (self.inline(extent, holds), true),
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
                    self.findings.push(too_many(1, V::REMEDIES));
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

pub(super) fn too_many(more: u64, remedies: &Remedies) -> Finding {
    let what = format!("{more} or more buckets beyond the first {MAX_BUCKETS} were not checked.");
    Finding::blocking("bucket.too-many", "file", what).because(remedies.too_many_buckets)
}
