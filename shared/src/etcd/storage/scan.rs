//! One pass over a snapshot or a copy of a database: the pages by [bbolt's scan](crate::bbolt::scan), the bytes by
//! the trailer's hash.

use super::mvcc::{Records, Walk};
use super::trailer::{Digests, Hasher};
use crate::bbolt::scan::{self, Plain, Visitor};
use crate::source::Source;

/// What a [`Scanner`] does beside accounting for the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Hash the file's bytes too. Off where another thread runs a [`Hasher`] over the same buffers and its
    /// result is handed to [`Scan::with_digests`].
    pub hash: bool,
    /// Remember a checksum per revision (8 bytes each), so that HashKV of the newest revision needs no second
    /// pass.
    pub hash_kv: bool,
    /// Remember the folder and the size of each revision (6 bytes each), so that the live keys are told by prefix.
    pub prefixes: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            hash: true,
            hash_kv: true,
            prefixes: true,
        }
    }
}

/// Takes the bytes of a file that may be an etcd database.
pub type Scanner = ScannerWith<Plain>;
/// What such a [`Scanner`] saw.
pub type Scan = ScanWith<Plain>;

/// Takes a file's bytes in order. `Send`, synchronous, and as large as the number of pages and revisions, not the file.
/// `W` watches the same pass for a file of another schema: what the file is, its buckets tell at the end.
#[derive(Debug)]
pub struct ScannerWith<W: Visitor> {
    hasher: Option<Hasher>,
    pages: scan::Scanner<Records, W>,
}

impl<W: Visitor> ScannerWith<W> {
    /// A scanner that has seen nothing.
    pub fn new(options: Options) -> Self {
        Self {
            hasher: options.hash.then(Hasher::new),
            pages: scan::Scanner::with_second(
                Records::new(options.hash_kv, options.prefixes),
                W::default(),
            ),
        }
    }

    /// Takes the next bytes of the file; chunks may have any size.
    pub fn feed(&mut self, chunk: &[u8]) {
        if let Some(hasher) = &mut self.hasher {
            hasher.feed(chunk);
        }
        self.pages.feed(chunk);
    }

    /// Whether the first bytes have shown that this is no bbolt file: what follows cannot change that.
    pub fn is_hopeless(&self) -> bool {
        self.pages.is_hopeless()
    }

    /// How many bytes were fed.
    pub fn bytes_fed(&self) -> u64 {
        self.pages.bytes_fed()
    }

    /// What was seen, once all bytes were fed.
    pub fn finish(self) -> ScanWith<W> {
        ScanWith {
            digests: self.hasher.map(Hasher::finish),
            pages: self.pages.finish(),
        }
    }
}

/// What a [`ScannerWith`] saw: all that [`inspect`](crate::etcd::inspect::inspect) needs beside random access.
#[derive(Debug)]
pub struct ScanWith<W: Visitor> {
    digests: Option<Digests>,
    pages: scan::Scan<Records, W>,
}

impl<W: Visitor> ScanWith<W> {
    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.pages.size()
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
        Walk::new(self.pages.walk(source))
    }

    /// Walks the tree of a file that is of the other schema.
    pub fn walk_second(self, source: &dyn Source) -> scan::Walk<W> {
        self.pages.walk_second(source)
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
