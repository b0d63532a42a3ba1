//! Packed files, each by its own module.

use super::{Recognised, Within, frames, gzip, tar, zip};
use crate::source::Source;

pub(super) fn recognise(source: &dyn Source, head: &[u8], within: Within) -> Option<Recognised> {
    zip::recognise(source, head, within)
        .or_else(|| gzip::recognise(source, head, within))
        .or_else(|| frames::recognise(source, head))
        .or_else(|| tar::recognise(source, head, within))
}
