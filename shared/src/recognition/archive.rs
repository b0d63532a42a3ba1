//! Packed files, each by its own module.

use super::{Recognized, frames, gzip, tar, zip};
use crate::source::Source;

pub(super) fn recognize(source: &dyn Source, head: &[u8], depth: u8) -> Option<Recognized> {
    zip::recognize(source, head, depth)
        .or_else(|| gzip::recognize(source, head, depth))
        .or_else(|| frames::recognize(source, head))
        .or_else(|| tar::recognize(source, head, depth))
}
