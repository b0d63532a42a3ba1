//! One pass over a file: fed in order and in chunks of any size, it keeps what each page gives and knows at
//! the end whether the tree is sound and what it hashes to.
//!
//! A page whose header names its own place is decoded where it lies in the chunk; only what straddles chunks
//! is copied. Nobody knows yet which pages are in use: free pages and values can look like pages too, and may
//! claim others as their overflow. So every page is looked at for itself, and what is not in use is dropped by
//! the walk at the end, which goes through the tree in memory.

mod combine;
mod examine;
mod findings;
mod hints;
mod label;
mod leaf;
mod pages;
mod records;
mod user_key;
mod walk;
mod window;

use super::trailer::{Digests, Hasher};
use crate::bbolt::locate::{Located, locate};
use crate::source::Source;
use pages::Pages;

pub use findings::MAX_PER_CODE;
pub(super) use findings::merged;
pub(super) use label::Label;
pub(super) use records::Oddity;
pub use walk::{BucketSummary, KeyNumbers, KeySpace, Walk};

/// What a [`Scanner`] does beside accounting for the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Hash the file's bytes too. Off where another thread runs a [`Hasher`] over the same buffers and its
    /// result is handed to [`Scan::with_digests`].
    pub hash: bool,
    /// Remember a checksum per revision (8 bytes each), so that HashKV of the newest revision needs no second
    /// pass.
    pub hash_kv: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            hash: true,
            hash_kv: true,
        }
    }
}

/// Takes a file's bytes in order. `Send`, synchronous, and as large as the number of pages, not the file.
#[derive(Debug)]
pub struct Scanner {
    options: Options,
    fed: u64,
    hasher: Option<Hasher>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The first bytes, until they tell the page size.
    Detect(Vec<u8>),
    /// Page by page.
    Pages(Box<Pages>),
    /// No page size to be found: the rest is only hashed.
    Hopeless,
}

impl Scanner {
    /// A scanner that has seen nothing.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            fed: 0,
            hasher: options.hash.then(Hasher::new),
            stage: Stage::Detect(Vec::new()),
        }
    }

    /// Takes the next bytes of the file; chunks may have any size.
    pub fn feed(&mut self, chunk: &[u8]) {
        self.fed += chunk.len() as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.feed(chunk);
        }
        match &mut self.stage {
            Stage::Pages(pages) => pages.feed(chunk),
            Stage::Hopeless => {}
            Stage::Detect(held) => {
                let hash_kv = self.options.hash_kv;
                let next = if held.is_empty() {
                    detect(chunk, false, hash_kv, || chunk.to_vec())
                } else {
                    held.extend_from_slice(chunk);
                    let bytes = std::mem::take(held);
                    detect(&bytes, false, hash_kv, || bytes.clone())
                };
                self.stage = next;
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
    pub fn finish(mut self) -> Scan {
        if let Stage::Detect(held) = &self.stage {
            self.stage = detect(held, true, self.options.hash_kv, Vec::new);
        }
        Scan {
            size: self.fed,
            digests: self.hasher.map(Hasher::finish),
            pages: match self.stage {
                Stage::Pages(pages) => Some(pages),
                Stage::Detect(_) | Stage::Hopeless => None,
            },
        }
    }
}

/// Looks for the start of the database and its page size in the first bytes (spec 1.4).
fn detect(bytes: &[u8], all: bool, hash_kv: bool, hold: impl FnOnce() -> Vec<u8>) -> Stage {
    match locate(bytes, all) {
        Located::At(found) => {
            let mut pages = Pages::new(found.meta.page_size, hash_kv);
            let start = usize::try_from(found.start).unwrap_or(usize::MAX);
            pages.feed(bytes.get(start..).unwrap_or_default());
            Stage::Pages(Box::new(pages))
        }
        Located::NotYet => Stage::Detect(hold()),
        Located::Nowhere => Stage::Hopeless,
    }
}

/// What a [`Scanner`] saw: all that [`inspect`](super::inspect::inspect) needs beside random access.
#[derive(Debug)]
pub struct Scan {
    size: u64,
    digests: Option<Digests>,
    pages: Option<Box<Pages>>,
}

impl Scan {
    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The file's hashes, where they were computed.
    pub fn digests(&self) -> Option<&Digests> {
        self.digests.as_ref()
    }

    /// Adds hashes that were computed beside the scan.
    #[must_use]
    pub fn with_digests(mut self, digests: Digests) -> Self {
        self.digests = Some(digests);
        self
    }

    /// Walks the tree under the current meta. `source` is the same file: the few pages that are not plain are
    /// read again from it.
    pub fn walk(self, source: &dyn Source) -> Walk {
        walk::walk(self.size, self.pages.map(|p| *p), source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scanner_can_move_to_another_thread() {
        fn is_send<T: Send>() {}
        is_send::<Scanner>();
        is_send::<Scan>();
        is_send::<Walk>();
    }
}
