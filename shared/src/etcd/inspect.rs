//! What a file is worth to whoever has to recover from it: what it holds, and whether a restore could use it.

use crate::bbolt::scan::Visitor;
use crate::inspection::Recognised;
use crate::source::Source;

use super::recovery::restore::trial;
use super::storage::inspect as storage;
use super::storage::inspection::Inspection;
use super::storage::scan::ScanWith;

/// Looks at a file that was scanned, and tries a restore of it in memory where it is sound. `source` is the same
/// file, for the few small buckets that are read at random; `recognised` is what it was found to be before.
pub fn inspect<W: Visitor>(
    scan: ScanWith<W>,
    name: &str,
    source: &dyn Source,
    recognised: Option<Recognised>,
) -> Inspection {
    storage::inspect(scan, name, source, recognised, trial::obstacle)
}
