//! One pass over a file: fed in order and in chunks of any size, it keeps what each page gives and knows at
//! the end whether the tree is sound and what it hashes to.

use super::trailer::{Digests, Hasher};

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
    fed: u64,
    hasher: Option<Hasher>,
}

impl Scanner {
    /// A scanner that has seen nothing.
    pub fn new(options: Options) -> Self {
        Self {
            fed: 0,
            hasher: options.hash.then(Hasher::new),
        }
    }

    /// Takes the next bytes of the file; chunks may have any size.
    pub fn feed(&mut self, chunk: &[u8]) {
        self.fed += chunk.len() as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.feed(chunk);
        }
    }

    /// How many bytes were fed.
    pub fn bytes_fed(&self) -> u64 {
        self.fed
    }

    /// What was seen, once all bytes were fed.
    pub fn finish(self) -> Scan {
        Scan {
            size: self.fed,
            digests: self.hasher.map(Hasher::finish),
        }
    }
}

/// What a [`Scanner`] saw: all that [`inspect`](super::inspect::inspect) needs beside random access.
#[derive(Debug)]
pub struct Scan {
    size: u64,
    digests: Option<Digests>,
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
}
