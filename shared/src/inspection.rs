//! What looking at a file gave, whatever the file is: its kind, a headline, a verdict in named parts, findings, and
//! something to read. Page, server and command line show and store it, and know nothing of the kind's details.
//!
//! Plain data. What knows all kinds, and closes [`Inspection`] over their details, is [`crate::kinds`].

mod recognised;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::bbolt::scan::PageRun;
use crate::document::Section;
use crate::finding::{Finding, Outcome, Report};
use crate::value::Value;

pub(crate) use recognised::quoted;
pub use recognised::{Recognised, State};

/// The value of [`Inspection::format`] in this version.
pub const FORMAT: &str = "requorum.inspection/2";

/// All that is known of one file. `D` is what only its kind has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection<D> {
    /// [`FORMAT`].
    pub format: String,
    /// What it is.
    pub kind: Kind,
    /// The same for people, with its article: `an etcd snapshot`.
    pub label: String,
    /// The file itself.
    pub file: FileFacts,
    /// The packed file that it was in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unpacked_from: Option<PackedFile>,
    /// What it was recognised as before anything was parsed: packed, encrypted, of another program, cut off or
    /// translated. The verdict's sentence and the first finding say so too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recognised: Option<Recognised>,
    /// Values that tell one file of the kind from another, the most telling first.
    pub headline: Vec<Labelled>,
    /// May it be trusted?
    pub verdict: Verdict,
    /// All findings, in the order of the verdict's parts; each part says how many are its own.
    pub report: Report,
    /// What else there is to read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<Section>,
    /// The file page by page; empty where it has no pages.
    #[serde(default, skip_serializing_if = "PageMap::is_empty")]
    pub page_map: PageMap,
    /// What only its kind has.
    pub details: D,
}

impl<D> Inspection<D> {
    /// The inspection of a file of a known system, judged in these parts.
    pub fn judged(
        kind: Kind,
        label: &str,
        file: FileFacts,
        sentence: String,
        parts: impl IntoIterator<Item = (PartName, Judgement)>,
        details: D,
    ) -> Self {
        let mut report = Report::default();
        let parts = parts.into_iter().map(|(name, judgement)| {
            let (part, found) = judgement.part(name);
            report.findings.extend(found.findings);
            part
        });
        let parts = parts.collect();
        Self {
            format: FORMAT.to_owned(),
            kind,
            label: label.to_owned(),
            file,
            unpacked_from: None,
            recognised: None,
            headline: Vec::new(),
            verdict: Verdict {
                sentence,
                advice: String::new(),
                judged: true,
                parts,
            },
            report,
            sections: Vec::new(),
            page_map: PageMap::default(),
            details,
        }
    }

    /// Adds a finding to those that there are. It counts as one of the last part, whose findings are the last.
    pub fn push(&mut self, finding: Finding) {
        self.report.push(finding);
        if let Some(part) = self.verdict.parts.last_mut() {
            part.findings += 1;
        }
    }

    /// The same with other details.
    pub fn map<E>(self, details: impl FnOnce(D) -> E) -> Inspection<E> {
        Inspection {
            format: self.format,
            kind: self.kind,
            label: self.label,
            file: self.file,
            unpacked_from: self.unpacked_from,
            recognised: self.recognised,
            headline: self.headline,
            verdict: self.verdict,
            report: self.report,
            sections: self.sections,
            page_map: self.page_map,
            details: details(self.details),
        }
    }

    /// How far the file can be trusted: one answer for page, server and command line.
    pub fn trust(&self) -> Trust {
        let has = |outcome| {
            self.verdict
                .parts
                .iter()
                .any(|part| part.outcome == outcome)
        };
        if !self.verdict.judged {
            Trust::Unknown
        } else if has(Outcome::Fail) || self.report.blocks() {
            Trust::Damaged
        } else if has(Outcome::NotChecked) {
            Trust::Unproven
        } else {
            Trust::Verified
        }
    }

    /// A value of the headline, by its key.
    pub fn value(&self, key: &str) -> Option<&Value> {
        let labelled = self.headline.iter().find(|labelled| labelled.key == key);
        labelled.and_then(|labelled| labelled.value.as_ref())
    }
}

/// What a file is: a name for programs, such as `etcd-snapshot` or `zip`. Each kind is named where it is read;
/// [`crate::kinds`] lists them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kind(Cow<'static, str>);

impl Kind {
    /// A kind that is known in advance.
    pub const fn new(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// A bbolt database of no system that is known here.
    pub const BBOLT: Self = Self::new("bbolt");
    /// Nothing that is known here.
    pub const UNKNOWN: Self = Self::new("unknown");

    /// A kind by its name.
    pub fn named(name: impl Into<String>) -> Self {
        Self(Cow::Owned(name.into()))
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The file itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Its name, without folders.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// SHA-256 of all of it, hexadecimal; the id under which the server stores it. Empty when it was not hashed.
    pub sha256: String,
}

/// A file page by page, as far as its meta page declares it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageMap {
    /// Bytes per page; 0 when unknown.
    pub page_size: u32,
    /// Run-length coded, in file order; in a file of very many runs to within a stretch.
    pub runs: Vec<PageRun>,
    /// Pages of a stretch; 0 in documents from before there were stretches.
    #[serde(default)]
    pub stretch: u64,
    /// Bytes that the leaves of each stretch use, headers included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaf_bytes: Vec<u64>,
}

impl PageMap {
    /// The map, or none where there are no pages: what is not written down is the same when it is read again.
    pub fn or_none(self) -> Self {
        if self.is_empty() {
            return Self::default();
        }
        self
    }

    /// Whether there are no pages.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }
}

/// A packed file that another one was in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedFile {
    /// `zip`, `gzip` or `zstd`.
    pub kind: Kind,
    /// Its name, without folders.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// SHA-256 of the packed file, hexadecimal; the inspection's own is that of what is in it. Empty when the packed
    /// file was not hashed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sha256: String,
    /// What an archive calls the entry: text, never a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
}

/// A value with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labelled {
    /// For programs: `revision`.
    pub key: String,
    /// For people: `Revision`.
    pub label: String,
    /// For people, where it is how many and that is one: `Member`. Empty where it is no count.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub one: String,
    /// The value; absent where the file should tell and it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

impl Labelled {
    /// A value with its name.
    pub fn new(key: &str, label: &str, value: impl Into<Option<Value>>) -> Self {
        Self {
            key: key.to_owned(),
            label: label.to_owned(),
            one: String::new(),
            value: value.into(),
        }
    }

    /// How many there are, with the names of one and of many.
    pub fn count(key: &str, one: &str, many: &str, n: u64) -> Self {
        Self {
            one: one.to_owned(),
            ..Self::new(key, many, Value::Count(n))
        }
    }

    /// The name for so many.
    pub fn noun(&self, n: u64) -> &str {
        match n == 1 && !self.one.is_empty() {
            true => &self.one,
            false => &self.label,
        }
    }
}

/// May the file be trusted, in a sentence and in parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The headline: `Snapshot OK: checksum, structure and content verified.`
    pub sentence: String,
    /// What to do, once for the whole file; empty where nothing needs doing, or only what single findings say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub advice: String,
    /// Whether it is a file of a system that is known here. Of others it is only said what they are.
    pub judged: bool,
    /// What was looked at, in this order.
    pub parts: Vec<Part>,
}

impl Verdict {
    /// A part by its name.
    pub fn part(&self, name: PartName) -> Option<&Part> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// The evidence of a part; empty for what the kind does not have.
    pub fn evidence(&self, name: PartName) -> &str {
        self.part(name).map_or("", |part| &part.evidence)
    }

    /// The outcome of a part; what the kind does not have was not checked.
    pub fn outcome(&self, name: PartName) -> Outcome {
        self.part(name)
            .map_or(Outcome::NotChecked, |part| part.outcome)
    }
}

/// One part of a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which one.
    pub name: PartName,
    /// Pass, fail or not checked.
    pub outcome: Outcome,
    /// The evidence in one sentence: `403 783 pages, each reached once`.
    pub evidence: String,
    /// How many findings of the report belong to this part.
    pub findings: u32,
}

/// What was found of one part.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// Pass, fail or not checked.
    pub outcome: Outcome,
    /// The evidence in one sentence.
    pub evidence: String,
    /// What was found.
    pub report: Report,
}

impl Judgement {
    /// What was found of one part.
    pub fn new(outcome: Outcome, evidence: impl Into<String>, report: Report) -> Self {
        Self {
            outcome,
            evidence: evidence.into(),
            report,
        }
    }

    /// A part that nothing was found of.
    pub fn clean(outcome: Outcome, evidence: impl Into<String>) -> Self {
        Self::new(outcome, evidence, Report::default())
    }

    /// As a part of a verdict, and its findings.
    pub fn part(self, name: PartName) -> (Part, Report) {
        let findings = u32::try_from(self.report.findings.len()).unwrap_or(u32::MAX);
        let part = Part {
            name,
            outcome: self.outcome,
            evidence: self.evidence,
            findings,
        };
        (part, self.report)
    }
}

/// What a file is judged by. The name of a part is the same everywhere: here, in JSON, and, with a capital, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartName {
    /// Whether its bytes are those that were written: a digest or checksums agree.
    Checksum,
    /// Whether it is laid out as its format wants it.
    Structure,
    /// Whether the program that it belongs to could use what is in it.
    Content,
}

impl PartName {
    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Checksum => "Checksum",
            Self::Structure => "Structure",
            Self::Content => "Content",
        }
    }
}

/// How far a file can be trusted; better ones are greater. The store, the API, the lists and the page use these words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// It is of no kind that can be judged.
    Unknown,
    /// Something in it is broken.
    Damaged,
    /// Nothing is broken, but not everything could be proven.
    Unproven,
    /// All parts hold.
    Verified,
}

impl Trust {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Unknown, Self::Damaged, Self::Unproven, Self::Verified];

    /// A word for it, as the store writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Damaged => "damaged",
            Self::Unproven => "unproven",
            Self::Verified => "verified",
        }
    }

    /// Reads it back. What is not known is not trusted.
    pub fn from_word(word: &str) -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|trust| trust.word() == word)
            .unwrap_or(Self::Unknown)
    }

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            // Not that nobody looked: of such a file there is nothing to verify.
            Self::Unknown => "unknown kind",
            trust => trust.word(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_a_name_of_its_own() {
        let entries = |n| Labelled::count("entries", "Entry", "Entries", n);
        assert_eq!(entries(1).noun(1), "Entry");
        assert_eq!(entries(0).noun(0), "Entries");
        assert_eq!(entries(2).noun(2), "Entries");
        // A document from before counts had one.
        let old = Labelled::new("keys", "Keys", Value::Count(1));
        assert_eq!(old.noun(1), "Keys");
    }

    #[test]
    fn names_are_spelled_in_one_way() {
        for part in [PartName::Checksum, PartName::Structure, PartName::Content] {
            let json = serde_json::to_value(part).unwrap();
            assert_eq!(json, part.label().to_lowercase());
        }
        for trust in Trust::ALL {
            assert_eq!(Trust::from_word(trust.word()), trust);
            assert!(trust.label().starts_with(trust.word()));
        }
        assert_eq!(Trust::from_word("of a later version"), Trust::Unknown);
    }
}
