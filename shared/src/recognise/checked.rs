//! Files without any format: zeros, and bytes that look random.

use super::{Recognised, State, grouped, read};
use crate::source::Source;

/// Bytes of a sample.
const SAMPLE: usize = 4096;
/// Samples of a file that is too large to be read whole.
const SAMPLES: u64 = 256;
/// Up to this size all of a file is read.
const READ_WHOLE: u64 = 64 << 20;

pub(super) fn recognise(source: &dyn Source) -> Option<Recognised> {
    zeros(source).or_else(|| random(source))
}

fn zeros(source: &dyn Source) -> Option<Recognised> {
    let size = source.size();
    let whole = size <= READ_WHOLE;
    let step = if whole {
        SAMPLE as u64
    } else {
        size.div_euclid(SAMPLES)
    };
    let mut offset = 0;
    while offset < size {
        if read(source, offset, SAMPLE)?.iter().any(|byte| *byte != 0) {
            return None;
        }
        offset += step;
    }
    let inside = if whole {
        format!("All of its {} bytes are zero.", grouped(size))
    } else {
        format!(
            "All of its {} bytes that were looked at are zero.",
            grouped(size)
        )
    };
    Some(
        Recognised {
            sentence: "This file holds nothing but zeros.".to_owned(),
            ..Recognised::new("zeros", "a file of zeros", State::Damaged)
        }
        .inside(inside)
        .todo("Space was set aside for it and the content never arrived: save or copy it again."),
    )
}

/// Every part that is looked at has all bytes about equally often: encrypted or compressed, without a header.
fn random(source: &dyn Source) -> Option<Recognised> {
    let size = source.size();
    if size < SAMPLE as u64 {
        return None;
    }
    let last = size - SAMPLE as u64;
    for offset in [0, last / 4, last / 2, last / 4 * 3, last] {
        if !looks_random(&read(source, offset, SAMPLE)?) {
            return None;
        }
    }
    let label = "a file whose bytes look random";
    Some(
        Recognised {
            sentence: "This file has no known format, and its bytes look random: it is encrypted, or packed without a header."
                .to_owned(),
            ..Recognised::new("random", label, State::Encrypted)
        }
        .todo("Ask how the backup is made; decrypt or unpack it the same way, and use what comes out."),
    )
}

/// Chi-squared of the byte counts against an even distribution: 255 on average, with a deviation of 23.
fn looks_random(bytes: &[u8]) -> bool {
    let mut counts = [0u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let expected = bytes.len() as f64 / 256.0;
    let chi: f64 = counts
        .iter()
        .map(|count| (f64::from(*count) - expected).powi(2) / expected)
        .sum();
    (130.0..400.0).contains(&chi)
}
