//! Findings, bounded in number: of each code the first ones in full, the rest as a count.

use hashbrown::HashMap;

use crate::bbolt::{Error, ErrorKind};
use crate::finding::{Finding, Report, Severity};

/// Findings of one code that are listed.
pub const MAX_PER_CODE: u64 = 20;

/// Collects findings and counts those that are too many to list.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Finding>,
    counts: HashMap<String, u64, std::hash::RandomState>,
}

impl Findings {
    /// Adds a finding, unless its code has had its share.
    pub(crate) fn push(&mut self, finding: Finding) {
        if self.admit(&finding.code) {
            self.list.push(finding);
        }
    }

    /// Counts one more of a code; whether it is to be listed.
    fn admit(&mut self, code: &str) -> bool {
        match self.counts.get_mut(code) {
            Some(count) => {
                *count += 1;
                *count <= MAX_PER_CODE
            }
            None => {
                self.counts.insert(code.to_owned(), 1);
                true
            }
        }
    }

    /// Adds what is wrong with a page.
    pub(crate) fn push_error(&mut self, error: &Error, page_size: u32) {
        let code = error.kind().code();
        if self.admit(code) {
            self.list.push(from_error(error, page_size));
        }
    }

    /// How many there are, listed or not.
    pub(crate) fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Whether any of the listed ones blocks.
    pub(crate) fn blocks(&self) -> bool {
        self.list.iter().any(|f| f.severity == Severity::Blocking)
    }

    /// Moves all of them into a report; where some were too many to list, says how many.
    pub(crate) fn into_report(self, report: &mut Report) {
        let mut list = self.list;
        for (code, count) in self.counts.iter().filter(|(_, n)| **n > MAX_PER_CODE) {
            let more = count - MAX_PER_CODE;
            let last = list.iter().rposition(|f| f.code == *code);
            if let Some(finding) = last.and_then(|at| list.get_mut(at)) {
                let sentence = finding.what.trim_end_matches('.').to_owned();
                finding.what = format!("{sentence}; and {more} more like this.");
            }
        }
        report.findings.append(&mut list);
    }
}

/// A finding about a page, in words for an operator.
pub(crate) fn from_error(error: &Error, page_size: u32) -> Finding {
    let kind = error.kind();
    let subject = match error.page() {
        Some(page) => format!("page {page}"),
        None => "file".to_owned(),
    };
    let (why, todo) = advice(kind);
    let finding = Finding::blocking(kind.code(), subject, sentence(kind));
    let finding = finding.because(why).todo(todo).at_offset(error.offset());
    match error.page() {
        Some(page) => finding.at_page(page, page_size),
        None => finding,
    }
}

/// The kind's text as a sentence.
fn sentence(kind: &ErrorKind) -> String {
    let text = kind.to_string();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), chars.as_str()),
        None => text,
    }
}

/// Why it matters and what to do.
fn advice(kind: &ErrorKind) -> (&'static str, &'static str) {
    const OTHER_FILE: &str = "Use another snapshot, or the database of another member; this one cannot be restored as it is.";
    match kind {
        ErrorKind::Empty | ErrorKind::TooSmall { .. } => (
            "There is no database in it.",
            "Save or copy the snapshot again, and compare the sizes.",
        ),
        ErrorKind::NoMeta { .. } => (
            "Without a meta page nobody can tell where the tree starts.",
            "Check that this is an etcd snapshot or a copy of member/snap/db; if it is, use another member's.",
        ),
        ErrorKind::BigEndian => (
            "All numbers in it are in the other byte order.",
            "Restore it with etcdutl on a machine of the same kind.",
        ),
        ErrorKind::Truncated { .. } => (
            "The file was cut short: what was on this page is gone.",
            "Save or copy the snapshot again, and compare the sizes.",
        ),
        ErrorKind::Zeroed => (
            "Zeros in the middle are typical of writes lost in a power failure.",
            OTHER_FILE,
        ),
        ErrorKind::KeyOrder { .. }
        | ErrorKind::DuplicateKey { .. }
        | ErrorKind::BelowSeparator
        | ErrorKind::AboveSeparator => (
            "Lookups in this part of the tree find the wrong keys or none.",
            OTHER_FILE,
        ),
        ErrorKind::Revisited => (
            "Two parts of the tree share a page: one of them was overwritten.",
            OTHER_FILE,
        ),
        ErrorKind::Read(_) => (
            "What was on these bytes is unknown.",
            "Check the disk, copy the file elsewhere and try again.",
        ),
        _ => (
            "A server would refuse to start from it, or read the wrong data.",
            OTHER_FILE,
        ),
    }
}
