//! Joining CRC-32C values: the checksum of `a ‖ b` from those of `a` and `b` and the length of `b`.
//!
//! Appending n bytes multiplies a checksum by x^8n modulo the Castagnoli polynomial. The factor for a length is
//! kept, because the pages of a file have few distinct lengths; with it, joining costs one multiplication.

/// Castagnoli, reflected.
const POLYNOMIAL: u32 = 0x82F6_3B78;
/// x^0, reflected.
const ONE: u32 = 1 << 31;
/// Factors kept; a power of two.
const KEPT: usize = 1024;

/// Multiplies two polynomials modulo the Castagnoli polynomial, both reflected.
#[inline]
fn multiply(a: u32, mut b: u32) -> u32 {
    let mut product = 0;
    for bit in (0..32).rev() {
        // All ones where the bit is set: no branch to mispredict.
        product ^= b & (a >> bit & 1).wrapping_neg();
        b = (b >> 1) ^ (POLYNOMIAL & (b & 1).wrapping_neg());
    }
    product
}

/// x^(8 * 2^i), reflected, for i from 0.
const fn powers() -> [u32; 64] {
    let mut powers = [0; 64];
    let mut power = ONE >> 8;
    let mut i = 0;
    while i < 64 {
        powers[i] = power;
        // `multiply` by itself, which a const fn cannot call because of its loop over a range.
        let (mut product, mut b, mut bit) = (0, power, 32);
        while bit > 0 {
            bit -= 1;
            if power >> bit & 1 == 1 {
                product ^= b;
            }
            b = (b >> 1) ^ (if b & 1 == 1 { POLYNOMIAL } else { 0 });
        }
        power = product;
        i += 1;
    }
    powers
}

const POWERS: [u32; 64] = powers();

/// The factor for `len` bytes.
fn factor(mut len: u64) -> u32 {
    let mut product = ONE;
    while len != 0 {
        product = multiply(product, POWERS[len.trailing_zeros() as usize]);
        len &= len - 1;
    }
    product
}

/// Joins checksums, and remembers the factors of the lengths it met.
#[derive(Debug)]
pub struct Combiner {
    kept: Box<[(u64, u32)]>,
}

impl Default for Combiner {
    fn default() -> Self {
        Self::new()
    }
}

impl Combiner {
    /// One that remembers none.
    pub fn new() -> Self {
        // The factor of 0 bytes is right for length 0, so a fresh slot is never wrong.
        Self {
            kept: vec![(0, ONE); KEPT].into_boxed_slice(),
        }
    }

    /// The checksum `crc` after `len` more bytes, without what they add.
    #[inline]
    pub fn shift(&mut self, crc: u32, len: u64) -> u32 {
        let slot = &mut self.kept[len as usize % KEPT];
        if slot.0 != len {
            *slot = (len, factor(len));
        }
        multiply(crc, slot.1)
    }

    /// The checksum of `a ‖ b`.
    #[inline]
    pub fn join(&mut self, a: u32, b: u32, b_len: u64) -> u32 {
        self.shift(a, b_len) ^ b
    }

    /// The checksum of `b` from those of `a ‖ b` and `a`.
    #[inline]
    pub fn remove(&mut self, a_b: u32, a: u32, b_len: u64) -> u32 {
        self.shift(a, b_len) ^ a_b
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_like_reading_on() {
        let bytes: Vec<u8> = (0..5000u32).map(|i| ((i * i) >> 3) as u8).collect();
        let mut combiner = Combiner::new();
        for split in [0, 1, 2, 7, 1023, 1024, 4095, 4999, 5000] {
            let (a, b) = bytes.split_at(split);
            let (crc_a, crc_b) = (crc32c::crc32c(a), crc32c::crc32c(b));
            let whole = crc32c::crc32c(&bytes);
            assert_eq!(combiner.join(crc_a, crc_b, b.len() as u64), whole);
            assert_eq!(combiner.remove(whole, crc_a, b.len() as u64), crc_b);
        }
    }

    #[test]
    fn lengths_beyond_32_bits() {
        let mut combiner = Combiner::new();
        let long = (1u64 << 33) + 12345;
        let twice = combiner.shift(combiner_shift(0xdead_beef, 1 << 33), 12345);
        assert_eq!(combiner.shift(0xdead_beef, long), twice);
    }

    fn combiner_shift(crc: u32, len: u64) -> u32 {
        Combiner::new().shift(crc, len)
    }
}
