//! One pass over a bbolt file of any schema: fed in order and in chunks of any size, it keeps what each page gives and
//! knows at the end whether the tree is sound and what it adds up to.
//!
//! ```text
//!   bytes ──> Scanner ──> pages ──> leaves: checksum, count, first and last key ──> Scan
//!                           │                │
//!                           │                └──> Visitor: what the schema keeps of each pair
//!                           └──> branches: separators and children
//!
//!   Scan, Source ──> walk from the root of the current meta ──> Walk
//!                      every page once, every key in order,       ├── structure(): the verdict
//!                      checksums combined in key order            ├── buckets, sums, pages (the page map)
//!                           │                                     └── what the visitor kept and took
//!                           └──> Visitor: the leaves that are in use
//! ```
//!
//! A page whose header names its own place is decoded where it lies in the chunk; only what straddles chunks
//! is copied. Nobody knows yet which pages are in use: free pages and values can look like pages too, and may
//! claim others as their overflow. So every page is looked at for itself, and what is not in use is dropped by
//! the walk at the end, which goes through the tree in memory. Memory grows with the number of pages and with what
//! the visitor keeps, not with the file. Pages that are anything but plain and sound are read again from the source
//! when the walk reaches them, piece by piece, and all that is wrong with them is named.
//!
//! A schema of its own is a [`Visitor`]: it names the compact form of its keys, the buckets that it wants to see, what
//! it keeps of their pairs, and what to do about a damaged file. [`Plain`] has none of that and gives the verdict on
//! the structure of any bbolt file:
//!
//! ```
//! use requorum_shared::bbolt::scan::{Plain, Scanner};
//! use requorum_shared::finding::Outcome;
//!
//! let file: &[u8] = &[0; 8192];
//! let mut scanner = Scanner::new(Plain);
//! file.chunks(1 << 16).for_each(|chunk| scanner.feed(chunk));
//! let mut walk = scanner.finish().walk(&file);
//! let structure = walk.structure();
//! assert_eq!(structure.outcome, Outcome::Fail);
//! assert!(structure.report.find("meta.none-valid").is_some());
//! ```
//!
//! A log whose keys are indexes of eight bytes, as HashiCorp's Raft library keeps it:
//!
//! ```
//! use requorum_shared::bbolt::scan::{Pair, Role, TakenLeaf, Visitor};
//!
//! #[derive(Debug, Default)]
//! struct Log {
//!     /// Bytes of each entry, in the order of the file.
//!     lengths: Vec<u32>,
//! }
//!
//! #[derive(Debug, Default)]
//! struct Range {
//!     first: Option<u64>,
//!     last: Option<u64>,
//!     bytes: u64,
//! }
//!
//! impl Visitor for Log {
//!     type Key = [u8; 8];
//!     type Taken = Range;
//!     const LABELS: &'static [&'static str] = &["other", "logs"];
//!
//!     fn role(bucket: &[u8]) -> Role {
//!         let visited = bucket == b"logs";
//!         Role { visited, label: visited.into() }
//!     }
//!
//!     fn mark(&self) -> usize {
//!         self.lengths.len()
//!     }
//!
//!     fn rewind(&mut self, mark: usize) {
//!         self.lengths.truncate(mark);
//!     }
//!
//!     fn pair(&mut self, pair: Pair<'_, Self::Key>) {
//!         self.lengths.push(pair.value.len() as u32);
//!     }
//!
//!     fn take_leaf(&mut self, range: &mut Range, leaf: TakenLeaf<Self::Key>) {
//!         range.first.get_or_insert(u64::from_be_bytes(leaf.first));
//!         range.last = Some(u64::from_be_bytes(leaf.last));
//!         let lengths = &self.lengths[leaf.mark..][..leaf.count.into()];
//!         range.bytes += lengths.iter().map(|len| u64::from(*len)).sum::<u64>();
//!     }
//!     // And `take_pair`, for entries on leaves that the pass could not decode.
//! }
//! ```

mod combine;
mod decode;
mod examine;
mod findings;
mod hints;
mod key;
mod page_map;
mod pages;
mod records;
mod remedies;
mod structure;
mod visitor;
mod walk;
mod window;

use crate::source::Source;

use super::locate::{Located, locate};
use pages::Pages;

pub use combine::Combiner;
pub(crate) use findings::merged;
pub use findings::{Findings, MAX_PER_CODE};
pub(crate) use hints::only_bookkeeping_is_newer;
pub use page_map::{MAX_PAGE_RUNS, PageKind, PageRun};
pub use remedies::Remedies;
pub use structure::Structure;
pub use visitor::{
    BucketSummary, CompactKey, NoKey, Pair, Plain, Role, StreamedLeaf, StreamedPair, StreamedValue,
    TakenLeaf, UpTo, Visitor,
};
pub use walk::{Sums, Walk};

/// Takes a file's bytes in order. `Send`, synchronous, and as large as the number of pages, not the file.
///
/// Two schemas can share a pass: what a file is, its buckets tell at the end. A leaf is shown to the first visitor where
/// its keys have the form that this one names, else to the second, which may refuse it by [`Visitor::keeps_leaf`].
#[derive(Debug)]
pub struct Scanner<V: Visitor, W: Visitor = Plain> {
    fed: u64,
    stage: Stage<V, W>,
}

#[derive(Debug)]
enum Stage<V: Visitor, W: Visitor> {
    /// The first bytes, until they tell the page size.
    Detect(Vec<u8>, (V, W)),
    /// Page by page.
    Pages(Box<Pages<V, W>>),
    /// No page size to be found: the rest is of no use.
    Hopeless,
}

impl<V: Visitor> Scanner<V> {
    /// A scanner that has seen nothing.
    pub fn new(visitor: V) -> Self {
        Self::with_second(visitor, Plain)
    }
}

impl<V: Visitor, W: Visitor> Scanner<V, W> {
    /// A scanner that has seen nothing, for two schemas.
    pub fn with_second(visitor: V, second: W) -> Self {
        Self {
            fed: 0,
            stage: Stage::Detect(Vec::new(), (visitor, second)),
        }
    }

    /// Takes the next bytes of the file; chunks may have any size.
    pub fn feed(&mut self, chunk: &[u8]) {
        self.fed += chunk.len() as u64;
        match &mut self.stage {
            Stage::Pages(pages) => pages.feed(chunk),
            Stage::Hopeless => {}
            Stage::Detect(held, visitors) => {
                let visitors = std::mem::take(visitors);
                self.stage = if held.is_empty() {
                    detect(chunk, false, visitors, || chunk.to_vec())
                } else {
                    held.extend_from_slice(chunk);
                    let bytes = std::mem::take(held);
                    detect(&bytes, false, visitors, || bytes.clone())
                };
            }
        }
    }

    /// Whether the first bytes have shown that this is no bbolt file: what follows cannot change that.
    pub fn is_hopeless(&self) -> bool {
        matches!(self.stage, Stage::Hopeless)
    }

    /// How many bytes were fed.
    pub fn bytes_fed(&self) -> u64 {
        self.fed
    }

    /// What was seen, once all bytes were fed.
    pub fn finish(self) -> Scan<V, W> {
        let stage = match self.stage {
            Stage::Detect(held, visitors) => detect(&held, true, visitors, Vec::new),
            stage => stage,
        };
        Scan {
            size: self.fed,
            pages: match stage {
                Stage::Pages(pages) => Some(pages),
                Stage::Detect(..) | Stage::Hopeless => None,
            },
        }
    }
}

/// Looks for the start of the database and its page size in the first bytes (spec 1.4).
fn detect<V: Visitor, W: Visitor>(
    bytes: &[u8],
    all: bool,
    visitors: (V, W),
    hold: impl FnOnce() -> Vec<u8>,
) -> Stage<V, W> {
    match locate(bytes, all) {
        Located::At(found) => {
            let (first, second) = visitors;
            let mut pages = Pages::new(found.meta.page_size, first, second);
            let start = usize::try_from(found.start).unwrap_or(usize::MAX);
            pages.feed(bytes.get(start..).unwrap_or_default());
            Stage::Pages(Box::new(pages))
        }
        Located::NotYet => Stage::Detect(hold(), visitors),
        Located::Nowhere => Stage::Hopeless,
    }
}

/// What a [`Scanner`] saw.
#[derive(Debug)]
pub struct Scan<V: Visitor, W: Visitor = Plain> {
    size: u64,
    pages: Option<Box<Pages<V, W>>>,
}

impl<V: Visitor, W: Visitor> Scan<V, W> {
    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Walks the tree under the current meta. `source` is the same file: the few pages that are not plain are
    /// read again from it.
    pub fn walk(self, source: &dyn Source) -> Walk<V> {
        let seen = self.pages.map(|pages| {
            let (mut seen, page_size) = (pages.first, pages.page_size);
            seen.records.absorb(pages.second.records);
            (page_size, seen)
        });
        walk::walk(self.size, seen, source)
    }

    /// The same for the second schema.
    pub fn walk_second(self, source: &dyn Source) -> Walk<W> {
        let seen = self.pages.map(|pages| {
            let (mut seen, page_size) = (pages.second, pages.page_size);
            seen.records.absorb(pages.first.records);
            (page_size, seen)
        });
        walk::walk(self.size, seen, source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scanner_can_move_to_another_thread() {
        fn is_send<T: Send>() {}
        is_send::<Scanner<Plain>>();
        is_send::<Scan<Plain>>();
        is_send::<Walk<Plain>>();
    }
}
