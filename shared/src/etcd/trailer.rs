//! The 32 bytes SHA-256 at the end of a snapshot, computed in the same pass that reads the file (spec 3.1).

use sha2::{Digest, Sha256};

/// Bytes of the trailer.
pub const TRAILER_SIZE: usize = 32;

/// Hashes a file fed in order: the whole of it, and all but its last 32 bytes.
#[derive(Debug, Clone, Default)]
pub struct Hasher {
    body: Sha256,
    /// The last bytes fed, at most 32: they may turn out to be the trailer.
    held: Vec<u8>,
    size: u64,
}

impl Hasher {
    /// A new one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the file.
    pub fn feed(&mut self, chunk: &[u8]) {
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
    pub fn finish(self) -> Digests {
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
        }
    }
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
}

/// What the end of a file says about its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trailer {
    /// The last 32 bytes are the SHA-256 of the rest.
    Intact,
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
        match self.size % 512 {
            32 if self.tail == self.body => Trailer::Intact,
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
}
