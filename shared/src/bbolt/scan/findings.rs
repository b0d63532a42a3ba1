//! Findings, bounded in number: those of one kind become one, with a count and the first places.

use hashbrown::HashMap;

use crate::bbolt::{Error, ErrorKind};
use crate::finding::{Finding, Report, Severity};

use super::hints::hint;
use super::remedies::Remedies;

/// Findings of one code that are kept; more are only counted.
pub const MAX_PER_CODE: u64 = 20;
/// Places that a finding about many of them names.
const MAX_NAMED: usize = 8;

/// Collects findings and counts those that are too many to list.
#[derive(Debug)]
pub struct Findings {
    remedies: &'static Remedies,
    list: Vec<Finding>,
    counts: HashMap<String, u64, std::hash::RandomState>,
    blocking: u64,
}

impl Findings {
    pub(super) fn new(remedies: &'static Remedies) -> Self {
        Self {
            remedies,
            list: Vec::new(),
            counts: HashMap::default(),
            blocking: 0,
        }
    }

    /// Adds a finding, unless its code has had its share.
    pub(crate) fn push(&mut self, finding: Finding) {
        self.blocking += u64::from(finding.severity == Severity::Blocking);
        if self.admit(&finding.code) {
            self.list.push(finding);
        }
    }

    /// Adds what explains the others in front of them.
    pub(crate) fn push_first(&mut self, finding: Finding) {
        self.blocking += u64::from(finding.severity == Severity::Blocking);
        if self.admit(&finding.code) {
            self.list.insert(0, finding);
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
        self.blocking += 1;
        if self.admit(code) {
            self.list.push(from_error(error, page_size, self.remedies));
        }
    }

    /// How many of them block, listed or not.
    pub(crate) fn faults(&self) -> u64 {
        self.blocking
    }

    /// Whether one of this code is there.
    pub(crate) fn has(&self, code: &str) -> bool {
        self.counts.contains_key(code)
    }

    /// Whether any of them blocks.
    pub(crate) fn blocks(&self) -> bool {
        self.blocking > 0
    }

    /// Moves all of them into a report, one for each kind.
    pub(crate) fn into_report(self, report: &mut Report) {
        let counts = self.counts;
        let uncounted = |code: &str| {
            let count = counts.get(code).copied().unwrap_or_default();
            count.saturating_sub(MAX_PER_CODE)
        };
        report.findings.append(&mut merged(self.list, uncounted));
    }
}

/// One finding for each kind: those with the same code, severity, reason and remedy are told as the first of them, with
/// how many more there are and where. `uncounted` is how many of a code are not in the list.
pub(crate) fn merged(list: Vec<Finding>, uncounted: impl Fn(&str) -> u64) -> Vec<Finding> {
    let mut kinds: Vec<(Finding, Vec<Other>)> = Vec::new();
    let mut index: HashMap<_, usize, std::hash::RandomState> = HashMap::default();
    for finding in list {
        let kind = (
            finding.code.clone(),
            finding.severity,
            finding.why.clone(),
            finding.todo.clone(),
        );
        match index.get(&kind).and_then(|at| kinds.get_mut(*at)) {
            Some((_, others)) => others.push(Other::from(finding)),
            None => {
                index.insert(kind, kinds.len());
                kinds.push((finding, Vec::new()));
            }
        }
    }
    let mut told = Vec::with_capacity(kinds.len());
    let mut counted: Vec<String> = Vec::new();
    for (mut finding, others) in kinds {
        let first_of_code = !counted.contains(&finding.code);
        let more = if first_of_code {
            counted.push(finding.code.clone());
            uncounted(&finding.code)
        } else {
            0
        };
        let more = more + others.len() as u64;
        if more > 0 {
            let sentence = finding.what.trim_end_matches('.');
            finding.what = format!(
                "{sentence}; {more} more like this{}.",
                places(&finding.subject, &others, more)
            );
        }
        told.push(finding);
    }
    told
}

/// Where another finding of the same kind lies.
struct Other {
    subject: String,
    page: Option<u64>,
}

impl From<Finding> for Other {
    fn from(finding: Finding) -> Self {
        Self {
            page: finding.place.and_then(|place| place.page),
            subject: finding.subject,
        }
    }
}

/// `: pages 4, 5 and 12 others`, unless they are all at the same place as the first.
fn places(first: &str, others: &[Other], more: u64) -> String {
    if others.iter().all(|other| other.subject == first) {
        return String::new();
    }
    let shown = &others[..others.len().min(MAX_NAMED)];
    let pages: Option<Vec<String>> = shown
        .iter()
        .map(|other| Some(other.page?.to_string()))
        .collect();
    let named = match pages {
        Some(pages) if pages.len() == 1 => format!("page {}", pages.concat()),
        Some(pages) => format!("pages {}", pages.join(", ")),
        None => {
            let subjects: Vec<&str> = shown.iter().map(|other| other.subject.as_str()).collect();
            subjects.join(", ")
        }
    };
    match more - shown.len() as u64 {
        0 => format!(": {named}"),
        1 => format!(": {named} and one other"),
        rest => format!(": {named} and {rest} others"),
    }
}

/// A finding about a page, in words for an operator.
pub(super) fn from_error(error: &Error, page_size: u32, remedies: &Remedies) -> Finding {
    let kind = error.kind();
    let subject = match error.page() {
        Some(page) => format!("page {page}"),
        None => "file".to_owned(),
    };
    let (why, todo) = advice(kind, remedies);
    let mut what = sentence(kind);
    if let Some(hint) = hint(kind, error.page()) {
        what = format!("{what} {hint}");
    }
    let finding = Finding::blocking(kind.code(), subject, what);
    let finding = finding.because(why).todo(todo).at_offset(error.offset());
    match error.page() {
        Some(page) => finding.at_page(page, page_size),
        None => finding,
    }
}

/// The kind's text as a sentence.
pub(super) fn sentence(kind: &ErrorKind) -> String {
    let text = kind.to_string();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), chars.as_str()),
        None => text,
    }
}

/// Why it matters and what to do.
fn advice<'r>(kind: &ErrorKind, remedies: &'r Remedies) -> (&'static str, &'r str) {
    match kind {
        ErrorKind::Empty | ErrorKind::TooSmall { .. } => {
            ("It contains no database.", remedies.cut_off)
        }
        ErrorKind::NoMeta { .. } => (
            "No valid meta page: the database cannot be opened.",
            remedies.no_meta,
        ),
        ErrorKind::BigEndian => (
            "All numbers in it are in the other byte order.",
            remedies.big_endian,
        ),
        ErrorKind::Truncated { .. } => (
            "The file was cut short: what was on this page is gone.",
            remedies.cut_off,
        ),
        ErrorKind::Zeroed => (
            "Zeros in the middle are typical of writes lost in a power failure.",
            remedies.damaged,
        ),
        ErrorKind::KeyOrder { .. }
        | ErrorKind::DuplicateKey { .. }
        | ErrorKind::BelowSeparator
        | ErrorKind::AboveSeparator => (
            "Lookups in this part of the tree find the wrong keys or none.",
            remedies.damaged,
        ),
        ErrorKind::Revisited => (
            "Two parts of the tree share a page: one of them was overwritten.",
            remedies.damaged,
        ),
        ErrorKind::Read(_) => (
            "What these bytes held is unknown.",
            "Check the disk, copy the file elsewhere and try again.",
        ),
        _ => (
            "A server would refuse to start from it, or read the wrong data.",
            remedies.damaged,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_page(page: u64) -> Finding {
        Finding::blocking("page.zeroed", format!("page {page}"), "It is all zeros.")
            .at_page(page, 4096)
    }

    fn told(list: Vec<Finding>, uncounted: u64) -> String {
        let mut told = merged(list, |_| uncounted);
        assert_eq!(told.len(), 1);
        told.remove(0).what
    }

    #[test]
    fn several_of_a_kind_are_told_with_their_pages() {
        let pages = |pages: &[u64]| pages.iter().copied().map(at_page).collect();
        assert_eq!(told(pages(&[3]), 0), "It is all zeros.");
        assert_eq!(
            told(pages(&[3, 4]), 0),
            "It is all zeros; 1 more like this: page 4."
        );
        assert_eq!(
            told(pages(&[3, 4, 5]), 12),
            "It is all zeros; 14 more like this: pages 4, 5 and 12 others."
        );
        assert_eq!(
            told(pages(&[3, 3, 3]), 0),
            "It is all zeros; 2 more like this."
        );
    }

    /// A subject is text: what it begins with is no number's noun.
    #[test]
    fn what_is_not_about_pages_is_told_by_its_subjects() {
        let of = |subject: &str| {
            Finding::warning("member.name-case", subject, "It differs only in case.")
        };
        let list = ["member a b", "member c d", "member e f"].map(of).to_vec();
        assert_eq!(
            told(list, 1),
            "It differs only in case; 3 more like this: member c d, member e f and one other."
        );
    }
}
