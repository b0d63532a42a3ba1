//! From a [`Scan`] to the document about a file: verdict, status, contents, findings.

use crate::finding::{Outcome, Report};
use crate::source::Source;

use super::inspection::{FORMAT, FileFacts, FileKind, Inspection, Part, Verdict};
use super::scan::Scan;

/// Looks at a file that was scanned. `source` is the same file, for the few small buckets that are read at
/// random.
pub fn inspect(scan: Scan, name: &str, source: &dyn Source) -> Inspection {
    let not_checked = |evidence: &str| Part {
        outcome: Outcome::NotChecked,
        evidence: evidence.to_owned(),
        findings: 0,
    };
    Inspection {
        format: FORMAT.to_owned(),
        file: FileFacts {
            name: name.to_owned(),
            size: source.size(),
            sha256: scan
                .digests()
                .map(|d| hex::encode(d.whole))
                .unwrap_or_default(),
            kind: FileKind::Unknown,
            page_size: 0,
            high_water_mark: 0,
            txid: 0,
        },
        verdict: Verdict {
            sentence: "This file has not been checked.".to_owned(),
            bytes: not_checked("the check is not there yet"),
            structure: not_checked("the check is not there yet"),
            meaning: not_checked("the check is not there yet"),
        },
        status: None,
        hash_kv: None,
        contents: None,
        report: Report::default(),
        pages: Vec::new(),
    }
}
