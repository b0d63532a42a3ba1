//! The one shape of "what is wrong": findings in a report, and checks with three outcomes.

use serde::{Deserialize, Serialize};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know; nothing needs doing.
    Note,
    /// The operator should decide knowingly.
    Warning,
    /// Nothing may be run, or trusted, while this stands.
    Blocking,
}

/// Where in a file a finding lies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// The page id, where the finding is about a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u64>,
    /// Bytes from the start of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

/// One thing that a check noticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// A stable name for programs and tests, dotted, most general part first: `trailer.missing`.
    pub code: String,
    /// What it is about, as a person would point at it: `page 17`, `member m2`, `--bump-revision`.
    pub subject: String,
    /// What was seen, one sentence.
    pub what: String,
    /// Why it matters, one sentence; empty where `what` says it all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// What to do about it, one sentence; empty where there is nothing to do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub todo: String,
    /// Where in the file it lies, for findings about a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Location>,
    /// Which part of a request it is about, as a path into its JSON: `members[2].peer_urls`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Whether it is about what changes by itself, like free space, or about what could not be looked at. It blocks for
    /// as long as that lasts; a sealed plan does not become void for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub volatile: bool,
}

impl Finding {
    /// A finding with no more than its first sentence.
    pub fn new(
        severity: Severity,
        code: impl Into<String>,
        subject: impl Into<String>,
        what: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            code: code.into(),
            subject: subject.into(),
            what: what.into(),
            why: String::new(),
            todo: String::new(),
            place: None,
            field: None,
            volatile: false,
        }
    }

    /// A finding that blocks.
    pub fn blocking(
        code: impl Into<String>,
        subject: impl Into<String>,
        what: impl Into<String>,
    ) -> Self {
        Self::new(Severity::Blocking, code, subject, what)
    }

    /// A finding to decide on knowingly.
    pub fn warning(
        code: impl Into<String>,
        subject: impl Into<String>,
        what: impl Into<String>,
    ) -> Self {
        Self::new(Severity::Warning, code, subject, what)
    }

    /// A finding that is only good to know.
    pub fn note(
        code: impl Into<String>,
        subject: impl Into<String>,
        what: impl Into<String>,
    ) -> Self {
        Self::new(Severity::Note, code, subject, what)
    }

    /// Adds why it matters.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn todo(mut self, todo: impl Into<String>) -> Self {
        self.todo = todo.into();
        self
    }

    /// Adds the part of a request that it is about, as a path into its JSON.
    #[must_use]
    pub fn in_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says that it may pass by itself.
    #[must_use]
    pub fn volatile(mut self) -> Self {
        self.volatile = true;
        self
    }

    /// Whether it blocks, and will not pass by itself.
    pub fn blocks_for_good(&self) -> bool {
        self.severity == Severity::Blocking && !self.volatile
    }

    /// Adds the byte offset in the file.
    #[must_use]
    pub fn at_offset(mut self, offset: u64) -> Self {
        self.place.get_or_insert_default().offset = Some(offset);
        self
    }

    /// Adds the page, and with it the offset of the page's first byte.
    #[must_use]
    pub fn at_page(mut self, page: u64, page_size: u32) -> Self {
        let place = self.place.get_or_insert_default();
        place.page = Some(page);
        place
            .offset
            .get_or_insert(page.saturating_mul(u64::from(page_size)));
        self
    }
}

/// All that a check noticed, in the order in which it looked. Checks never stop at the first problem.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Report {
    /// The findings.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Adds a finding.
    pub fn push(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Adds what `check` finds, as being about a part of the request where it does not say which itself.
    pub fn in_field(&mut self, field: &str, check: impl FnOnce(&mut Self)) {
        let before = self.findings.len();
        check(self);
        for finding in &mut self.findings[before..] {
            finding.field.get_or_insert_with(|| field.to_owned());
        }
    }

    /// What first blocks in this part of the request, or in a part of it.
    pub fn blocking_in(&self, field: &str) -> Option<&Finding> {
        self.findings.iter().find(|finding| {
            let rest = finding.field.as_deref().and_then(|f| f.strip_prefix(field));
            let within = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
            within && finding.severity == Severity::Blocking
        })
    }

    /// How many findings have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|f| f.severity == severity)
            .count()
    }

    /// Whether anything blocks.
    pub fn blocks(&self) -> bool {
        self.findings
            .iter()
            .any(|f| f.severity == Severity::Blocking)
    }

    /// Whether anything blocks that will not pass by itself.
    pub fn blocks_for_good(&self) -> bool {
        self.findings.iter().any(Finding::blocks_for_good)
    }

    /// The finding with this code, if there is one.
    pub fn find(&self, code: &str) -> Option<&Finding> {
        self.findings.iter().find(|f| f.code == code)
    }
}

/// The outcome of one check. Unknown is never good: what could not be looked at is [`Outcome::NotChecked`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is true.
    Pass,
    /// It is not true.
    Fail,
    /// Nobody looked; the check's evidence says why.
    NotChecked,
}

/// One thing that must be true, and what was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What must be true: `HashKV is equal on all members`.
    pub name: String,
    /// The part of the target that it is about, by its name; absent where it is about all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Whether it is.
    pub outcome: Outcome,
    /// What was seen, or why nobody looked.
    pub evidence: String,
}

impl Check {
    /// A check with its outcome and evidence.
    pub fn new(name: impl Into<String>, outcome: Outcome, evidence: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            part: None,
            outcome,
            evidence: evidence.into(),
        }
    }

    /// The same check, about one part of the target.
    #[must_use]
    pub fn of_part(self, part: impl Into<String>) -> Self {
        Self {
            part: Some(part.into()),
            ..self
        }
    }

    /// Its name in a list of checks of all parts: `m1: Database opens`.
    pub fn full_name(&self) -> String {
        match &self.part {
            Some(part) => format!("{part}: {}", self.name),
            None => self.name.clone(),
        }
    }

    /// Whether both are about the same thing.
    pub fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.part == other.part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_found_by_the_field_it_is_about_and_by_those_around_it() {
        let mut report = Report::default();
        report.in_field("members", |report| {
            report.push(Finding::warning("a", "x", "A warning."));
            report.push(Finding::blocking("b", "x", "Blocks.").in_field("members[2].peer_urls"));
        });
        assert_eq!(report.findings[0].field.as_deref(), Some("members"));
        let code = |field: &str| report.blocking_in(field).map(|f| f.code.as_str());
        assert_eq!(code("members"), Some("b"));
        assert_eq!(code("members[2]"), Some("b"));
        assert_eq!(code("members[2].peer_urls"), Some("b"));
        assert_eq!(code("members[2].peer"), None);
        assert_eq!(code("members[20]"), None);
        assert_eq!(code("member"), None);
    }
}
