//! What a file was recognised as, before anything in it was parsed.

use serde::{Deserialize, Serialize};

use super::Kind;
use crate::finding::{Finding, Severity};

/// A file that was recognised by a few of its bytes. It says what the file is, whatever somebody wanted it to be: whoever
/// needs another kind says so beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recognised {
    /// A stable name for programs: `zip`, `gzip`, `etcd-wal`.
    pub code: String,
    /// The kind that it is all the same, where something happened to a file of a kind that is judged: `etcd-db` of one
    /// that was cut off. Otherwise its code is its kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub still: Option<Kind>,
    /// What it is, with its article: `a ZIP archive`.
    pub label: String,
    /// Whether all of it is there, and readable.
    pub state: State,
    /// The headline, one sentence.
    pub sentence: String,
    /// The kind of what is packed in it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<Kind>,
    /// What is inside, and how that is known; sentences, possibly none.
    pub inside: String,
    /// What to do, one sentence; empty where that depends on what the file was wanted for.
    pub todo: String,
}

/// Whether all of a recognised file is there, and can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its end was found where it belongs.
    Complete,
    /// It ends too early.
    CutOff,
    /// It cannot be read without a key.
    Encrypted,
    /// All of it may be there, and its bytes were changed.
    Damaged,
    /// Not told by what was looked at.
    Unknown,
}

impl Recognised {
    /// A file that is this. The sentence says no more than that.
    pub(crate) fn new(code: &str, label: impl Into<String>, state: State) -> Self {
        let label = label.into();
        let sentence = match state {
            State::CutOff => format!("This is {label} that was cut off."),
            State::Damaged => format!("This is {label}, and it is damaged."),
            State::Complete | State::Encrypted | State::Unknown => format!("This is {label}."),
        };
        Self {
            code: code.to_owned(),
            still: None,
            label,
            state,
            sentence,
            holds: None,
            inside: String::new(),
            todo: String::new(),
        }
    }

    /// The kind of what is packed in it.
    #[must_use]
    pub(crate) fn holding(mut self, kind: Option<Kind>) -> Self {
        self.holds = kind;
        self
    }

    /// What is inside.
    #[must_use]
    pub(crate) fn inside(mut self, inside: impl Into<String>) -> Self {
        self.inside = inside.into();
        self
    }

    /// What to do.
    #[must_use]
    pub(crate) fn todo(mut self, todo: impl Into<String>) -> Self {
        self.todo = todo.into();
        self
    }

    /// The kind of the file.
    pub fn kind(&self) -> Kind {
        let named = || Kind::named(&self.code);
        self.still.clone().unwrap_or_else(named)
    }

    /// As a finding with the code `file.` and [`Recognised::code`].
    pub fn finding(&self, severity: Severity) -> Finding {
        Finding::new(
            severity,
            format!("file.{}", self.code),
            "file",
            &self.sentence,
        )
        .because(&self.inside)
        .todo(&self.todo)
    }

    /// All that is to be said, one sentence after the other.
    pub fn words(&self) -> String {
        let parts = [&self.sentence, &self.inside, &self.todo];
        let said: Vec<&str> = parts
            .into_iter()
            .map(String::as_str)
            .filter(|part| !part.is_empty())
            .collect();
        said.join(" ")
    }
}

/// A name from the file, cut and escaped, between backticks.
pub(crate) fn quoted(name: &[u8]) -> String {
    const LONGEST: usize = 80;
    let text = String::from_utf8_lossy(name);
    let cut: String = text.chars().take(LONGEST).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    format!("`{}{dots}`", crate::escape::value(&cut))
}
