//! The 32 bytes SHA-256 at the end of a snapshot, computed in the same pass that reads the file (spec 3.1).
//!
//! ```text
//!   ┌────────────┬──────────────────────────────────────────┬──────────┬─────────────┐
//!   │ other bytes│ database: high-water mark × page size     │ SHA-256  │ other bytes │
//!   └────────────┴──────────────────────────────────────────┴──────────┴─────────────┘
//!    mostly none  └──────────── of exactly these ──────────┘             mostly none
//! ```
//!
//! A snapshot is often kept with bytes around it that are not its own: padding to whole blocks, the output of the
//! program that moved it. So the digest is looked for in two places: at the end of the file, and where the metas
//! say that the database ends.

use sha2::{Digest, Sha256};

use crate::bbolt::Metas;
use crate::bbolt::locate::{LOCATE_BYTES, Located, Location, STRUCT_END, locate};

/// Bytes of the trailer.
pub const TRAILER_SIZE: usize = 32;

/// The code of a trailer that is not the SHA-256 of the rest.
pub const MISMATCH: &str = "trailer.mismatch";
/// The code of 32 zeros where the trailer belongs.
pub const ZERO: &str = "trailer.zero";
/// The code of a length that leaves no place for a trailer.
pub const LENGTH: &str = "trailer.length";
/// The codes of all findings that block because of the trailer.
pub const BROKEN: [&str; 3] = [MISMATCH, ZERO, LENGTH];

/// Hashes a file fed in order: the whole of it, all but its last 32 bytes, and the database in it.
#[derive(Debug, Clone)]
pub struct Hasher {
    body: Sha256,
    /// The last bytes fed, at most 32: they may turn out to be the trailer.
    held: Vec<u8>,
    size: u64,
    /// The first bytes, until they tell where the database lies.
    first: Option<Vec<u8>>,
    image: Option<ImageHasher>,
}

/// Hashes the database within the file.
#[derive(Debug, Clone)]
struct ImageHasher {
    image: Image,
    /// Only where bytes are in front of the database; otherwise the file's own hash is taken at its end.
    own: Option<Sha256>,
    done: bool,
}

impl Default for Hasher {
    fn default() -> Self {
        Self {
            body: Sha256::new(),
            held: Vec::new(),
            size: 0,
            first: Some(Vec::new()),
            image: None,
        }
    }
}

impl Hasher {
    /// A new one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the file.
    pub fn feed(&mut self, chunk: &[u8]) {
        let Some(mut first) = self.first.take() else {
            return self.take(chunk);
        };
        first.extend_from_slice(chunk);
        match image_in(&first, false) {
            Some(image) => {
                self.image = image.map(ImageHasher::new);
                self.take(&first);
            }
            None => self.first = Some(first),
        }
    }

    /// Takes bytes once it is known where the database lies.
    fn take(&mut self, mut chunk: &[u8]) {
        if let Some(image) = self.image.as_mut().filter(|image| !image.is_complete()) {
            // Up to the end of the database, and the 32 bytes behind it.
            let size = self.size;
            let end = image.image.end();
            let before = end.saturating_sub(size).min(chunk.len() as u64) as usize;
            let (inside, behind) = chunk.split_at(before);
            image.inside(size, inside);
            self.update(inside);
            chunk = behind;
            if self.size >= end
                && let Some(image) = self.image.as_mut()
            {
                if !image.done {
                    let file = self.body.clone().chain_update(&self.held);
                    image.finish(file);
                }
                image.behind(chunk);
            }
        }
        self.update(chunk);
    }

    fn update(&mut self, chunk: &[u8]) {
        self.size += chunk.len() as u64;
        if chunk.len() >= TRAILER_SIZE {
            let (body, tail) = chunk.split_at(chunk.len() - TRAILER_SIZE);
            self.body.update(&self.held);
            self.body.update(body);
            self.held.clear();
            self.held.extend_from_slice(tail);
            return;
        }
        self.held.extend_from_slice(chunk);
        let old = self.held.len().saturating_sub(TRAILER_SIZE);
        self.body.update(&self.held[..old]);
        self.held.drain(..old);
    }

    /// The digests, once all bytes were fed.
    pub fn finish(mut self) -> Digests {
        if let Some(first) = self.first.take() {
            self.image = image_in(&first, true).flatten().map(ImageHasher::new);
            self.take(&first);
        }
        let mut whole = self.body.clone();
        whole.update(&self.held);
        let mut tail = [0; TRAILER_SIZE];
        if let Some(held) = self.held.first_chunk() {
            tail = *held;
        }
        Digests {
            size: self.size,
            whole: whole.finalize().into(),
            body: self.body.finalize().into(),
            tail,
            image: self.image.filter(|image| image.done).map(|done| done.image),
        }
    }
}

impl ImageHasher {
    fn new(image: Image) -> Self {
        Self {
            image,
            own: (image.start > 0).then(Sha256::new),
            done: false,
        }
    }

    /// Whether the bytes behind the database are known too.
    fn is_complete(&self) -> bool {
        self.done && usize::from(self.image.behind_len) == TRAILER_SIZE
    }

    /// Takes bytes in front of the end of the database; the first of them is at `offset` of the file.
    fn inside(&mut self, offset: u64, bytes: &[u8]) {
        if let Some(own) = &mut self.own {
            let skip = self.image.start.saturating_sub(offset);
            let skip = usize::try_from(skip).map_or(bytes.len(), |skip| skip.min(bytes.len()));
            own.update(&bytes[skip..]);
        }
    }

    fn finish(&mut self, file: Sha256) {
        let hash = self.own.take().unwrap_or(file);
        self.image.digest = hash.finalize().into();
        self.done = true;
    }

    fn behind(&mut self, bytes: &[u8]) {
        let have = usize::from(self.image.behind_len);
        let more = (TRAILER_SIZE - have).min(bytes.len());
        self.image.behind[have..have + more].copy_from_slice(&bytes[..more]);
        self.image.behind_len += more as u8;
    }
}

/// Where the database lies, by the first bytes of a file: nothing while more may tell, and then perhaps none.
fn image_in(first: &[u8], all: bool) -> Option<Option<Image>> {
    let all = all || first.len() >= LOCATE_BYTES;
    let Location { start, meta } = match locate(first, all) {
        Located::At(location) => location,
        Located::NotYet => return None,
        Located::Nowhere => return Some(None),
    };
    // The other meta may be the one that counts.
    let page = |slot: u64| {
        let at = usize::try_from(start + slot * u64::from(meta.page_size)).ok()?;
        first.get(at..at + STRUCT_END)
    };
    let (Some(zero), Some(one)) = (page(0), page(1)) else {
        if !all {
            return None;
        }
        return Some(Some(Image::new(start, meta.logical_size())));
    };
    let counts = Metas::parse(meta.page_size, zero, one).current();
    let len = counts.map_or(meta.logical_size(), |meta| meta.logical_size());
    Some(Some(Image::new(start, len)))
}

/// What the bytes of a file hash to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digests {
    /// Bytes of the file.
    pub size: u64,
    /// SHA-256 of the whole file.
    pub whole: [u8; 32],
    /// SHA-256 of all but the last 32 bytes (of nothing, for a shorter file).
    pub body: [u8; 32],
    /// The last 32 bytes (zeros, for a shorter file).
    pub tail: [u8; TRAILER_SIZE],
    /// The database in it, where it is there to its end.
    pub image: Option<Image>,
}

/// A database within a file: from its first page to its high-water mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image {
    /// Bytes of the file in front of it.
    pub start: u64,
    /// Its own bytes.
    pub len: u64,
    /// Their SHA-256.
    pub digest: [u8; 32],
    /// The bytes that follow it, zeros where there are fewer.
    pub behind: [u8; TRAILER_SIZE],
    /// How many of them there are.
    pub behind_len: u8,
}

impl Image {
    fn new(start: u64, len: u64) -> Self {
        Self {
            start,
            len,
            digest: [0; 32],
            behind: [0; TRAILER_SIZE],
            behind_len: 0,
        }
    }

    /// The byte of the file behind its last.
    fn end(&self) -> u64 {
        self.start.saturating_add(self.len)
    }

    /// Whether its SHA-256 follows it.
    pub fn is_sealed(&self) -> bool {
        usize::from(self.behind_len) == TRAILER_SIZE && self.behind == self.digest
    }
}

/// What the end of a file says about its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trailer {
    /// The last 32 bytes are the SHA-256 of the rest.
    Intact,
    /// The SHA-256 of the database follows it; the file has other bytes in front of it, or behind.
    Within {
        /// Bytes in front of the database.
        before: u64,
        /// Bytes behind its SHA-256.
        after: u64,
    },
    /// They are where a trailer belongs, and differ.
    Wrong,
    /// They are where a trailer belongs, and are all zero: a preallocated tail.
    Zero,
    /// The length is a multiple of 512: a database without trailer, which proves nothing.
    Absent,
    /// The length is neither: a truncated or padded file.
    BadLength,
}

impl Digests {
    /// Classifies the end of the file.
    pub fn trailer(&self) -> Trailer {
        let start = self.image.map_or(0, |image| image.start);
        let of_the_rest = start == 0 && self.tail == self.body;
        match self.image.filter(Image::is_sealed) {
            Some(image) if !(of_the_rest && self.size % 512 == 32) => {
                let sealed = image.end().saturating_add(TRAILER_SIZE as u64);
                return Trailer::Within {
                    before: image.start,
                    after: self.size.saturating_sub(sealed),
                };
            }
            _ => {}
        }
        match self.size.saturating_sub(start) % 512 {
            32 if of_the_rest => Trailer::Intact,
            32 if self.tail == [0; TRAILER_SIZE] => Trailer::Zero,
            32 => Trailer::Wrong,
            0 => Trailer::Absent,
            _ => Trailer::BadLength,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_chunking_gives_the_same_digests() {
        let bytes: Vec<u8> = (0..700u32).map(|i| (i * 7) as u8).collect();
        let whole = |chunk: usize| {
            let mut hasher = Hasher::new();
            bytes.chunks(chunk).for_each(|c| hasher.feed(c));
            hasher.finish()
        };
        for chunk in 1..=700 {
            assert_eq!(whole(chunk), whole(700), "chunks of {chunk}");
        }
        assert_eq!(whole(1).whole[..], Sha256::digest(&bytes)[..]);
        assert_eq!(whole(1).body[..], Sha256::digest(&bytes[..668])[..]);
        assert_eq!(whole(1).tail[..], bytes[668..]);
    }

    #[test]
    fn short_files_have_digests_too() {
        let mut hasher = Hasher::new();
        hasher.feed(b"abc");
        let digests = hasher.finish();
        assert_eq!(digests.whole[..], Sha256::digest(b"abc")[..]);
        assert_eq!(digests.trailer(), Trailer::BadLength);
    }

    /// A snapshot of four pages, of which only the metas are filled in.
    fn snapshot() -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..4096u32).map(|i| (i * 7) as u8).collect();
        for slot in 0..2 {
            let meta = crate::bbolt::Meta {
                page_size: 1024,
                flags: 0,
                root: 2,
                root_sequence: 0,
                freelist: u64::MAX,
                hwm: 4,
                txid: 8 - slot as u64,
            };
            let at = slot * 1024;
            bytes[at..at + 8].copy_from_slice(&(slot as u64).to_le_bytes());
            bytes[at + 16..at + 80].copy_from_slice(&meta.encode());
        }
        bytes.extend(Sha256::digest(&bytes));
        bytes
    }

    fn trailer(bytes: &[u8], chunk: usize) -> Trailer {
        let mut hasher = Hasher::new();
        bytes.chunks(chunk).for_each(|c| hasher.feed(c));
        let digests = hasher.finish();
        assert_eq!(digests.whole[..], Sha256::digest(bytes)[..]);
        digests.trailer()
    }

    #[test]
    fn a_whole_snapshot_is_found_whatever_is_around_it() {
        let whole = snapshot();
        for chunk in [1, 7, 32, 100, 1024, 4096, 4100, 100_000] {
            assert_eq!(trailer(&whole, chunk), Trailer::Intact, "{chunk}");
            for before in [0, 1, 100, 512, 1024, 3000, 65_000] {
                for after in [0, 1, 31, 32, 480, 512, 5000] {
                    if before + after == 0 || chunk == 1 && before + after > 5000 {
                        continue;
                    }
                    let front = vec![b'#'; before];
                    let bytes = [&front, whole.as_slice(), &vec![0; after]].concat();
                    let found = Trailer::Within {
                        before: before as u64,
                        after: after as u64,
                    };
                    assert_eq!(trailer(&bytes, chunk), found, "{before} {after} {chunk}");
                }
            }
        }
    }

    #[test]
    fn a_wrong_digest_is_never_found_within() {
        let mut bytes = snapshot();
        bytes[3000] ^= 1;
        assert_eq!(trailer(&bytes, 1000), Trailer::Wrong);
        for after in [480, 512, 5000] {
            let padded = [bytes.as_slice(), &vec![0; after]].concat();
            let trailer = trailer(&padded, 1000);
            assert!(!matches!(trailer, Trailer::Within { .. } | Trailer::Intact));
        }
    }
}
