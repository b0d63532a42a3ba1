//! User keys as 63-bit hashes: enough to count live keys without keeping them.
//!
//! Of ten million keys, two share a hash with a probability of about five in a million.

/// What is kept of an entry of bucket `key`: the hash of its user key, and whether it is a tombstone in the
/// lowest bit. 0 stands for an entry whose user key could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UserKey(u64);

impl UserKey {
    pub(super) const UNREADABLE: Self = Self(0);

    #[inline]
    pub(super) fn new(key: &[u8], tombstone: bool) -> Self {
        Self::of(hash(key), tombstone)
    }

    #[inline]
    fn of(hash: u64, tombstone: bool) -> Self {
        let hash = hash.max(2) & !1;
        Self(hash | u64::from(tombstone))
    }

    #[inline]
    pub(super) fn hash(self) -> u64 {
        self.0 & !1
    }

    #[inline]
    pub(super) fn tombstone(self) -> bool {
        self.0 & 1 == 1
    }
}

const A: u64 = 0x9E37_79B9_7F4A_7C15;
const B: u64 = 0xD6E8_FEB8_6659_FD93;

/// Folds eight bytes at a time with a 64 by 64 bit multiplication.
#[inline]
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    finish(words_into(start(bytes.len() as u64), words), rest)
}

#[inline]
fn start(len: u64) -> u64 {
    A ^ len.wrapping_mul(B)
}

#[inline]
fn words_into(mut state: u64, words: &[[u8; 8]]) -> u64 {
    for word in words {
        state = fold(state ^ u64::from_le_bytes(*word), B);
    }
    state
}

/// With the last bytes, fewer than eight.
#[inline]
fn finish(state: u64, rest: &[u8]) -> u64 {
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    fold(fold(state ^ u64::from_le_bytes(last), A), B)
}

/// The same of a key that comes in pieces, each but the last a multiple of eight bytes long.
#[derive(Debug)]
pub(super) struct LongUserKey {
    state: u64,
    last: Vec<u8>,
}

impl LongUserKey {
    /// For a key of this many bytes.
    pub(super) fn new(len: u64) -> Self {
        Self {
            state: start(len),
            last: Vec::new(),
        }
    }

    pub(super) fn feed(&mut self, piece: &[u8]) {
        let (words, rest) = piece.as_chunks::<8>();
        self.state = words_into(self.state, words);
        self.last.extend_from_slice(rest);
    }

    pub(super) fn finish(self, tombstone: bool) -> UserKey {
        UserKey::of(finish(self.state, &self.last), tombstone)
    }
}

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_pieces_is_the_same_key() {
        let key: Vec<u8> = (0..100u8).collect();
        for len in 0..100 {
            let mut long = LongUserKey::new(len as u64);
            key[..len].chunks(16).for_each(|piece| long.feed(piece));
            assert_eq!(long.finish(true), UserKey::new(&key[..len], true));
        }
    }

    #[test]
    fn keys_that_differ_in_one_bit_or_in_length_differ() {
        let mut seen = std::collections::HashSet::new();
        for len in 0..40usize {
            let zeros = vec![0; len];
            assert!(seen.insert(UserKey::new(&zeros, false).hash()));
            for bit in 0..len * 8 {
                let mut key = zeros.clone();
                key[bit / 8] ^= 1 << (bit % 8);
                assert!(seen.insert(UserKey::new(&key, false).hash()), "{key:?}");
            }
        }
        let (put, tombstone) = (UserKey::new(b"a", false), UserKey::new(b"a", true));
        assert_eq!(put.hash(), tombstone.hash());
        assert!(tombstone.tombstone() && !put.tombstone());
    }
}
