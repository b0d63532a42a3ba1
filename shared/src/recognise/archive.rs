//! Packed files, each by its own module.

use super::{Recognised, frames, gzip, tar, zip};
use crate::source::Source;

pub(super) fn recognise(source: &dyn Source, head: &[u8], depth: u8) -> Option<Recognised> {
    zip::recognise(source, head, depth)
        .or_else(|| gzip::recognise(source, head, depth))
        .or_else(|| frames::recognise(source, head))
        .or_else(|| tar::recognise(source, head, depth))
}
