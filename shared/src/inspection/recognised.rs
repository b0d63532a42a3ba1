//! What a file was recognised as, before anything in it was parsed.

use serde::{Deserialize, Serialize};

use super::Kind;
use crate::finding::Finding;
use crate::number::{grouped, part_of};

/// A file that was recognised as something else than a sound etcd snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recognised {
    /// A stable name for programs: `zip`, `gzip`, `etcd-wal`.
    pub code: String,
    /// What it is, with its article: `a ZIP archive`.
    pub label: String,
    /// Whether all of it is there, and readable.
    pub state: State,
    /// The headline, one sentence.
    pub sentence: String,
    /// What is inside, and how that is known; sentences, possibly none.
    pub inside: String,
    /// What to do, one sentence.
    pub todo: String,
    /// Whether it is an etcd database that lost a part, as opposed to something else.
    pub etcd: bool,
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
    /// Something that is not of etcd, or not its database.
    pub(crate) fn other(code: &str, label: impl Into<String>, state: State) -> Self {
        let label = label.into();
        let sentence = match state {
            State::CutOff => format!("This is {label} that was cut off, not an etcd snapshot."),
            State::Damaged => format!("This is {label}, damaged, not an etcd snapshot."),
            State::Complete | State::Encrypted | State::Unknown => {
                format!("This is {label}, not an etcd snapshot.")
            }
        };
        Self {
            code: code.to_owned(),
            label,
            state,
            sentence,
            inside: String::new(),
            todo: String::new(),
            etcd: false,
        }
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
        Kind::named(&self.code)
    }

    /// As a finding that blocks, with the code `file.` and [`Recognised::code`].
    pub fn finding(&self) -> Finding {
        Finding::blocking(format!("file.{}", self.code), "file", &self.sentence)
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

/// A database that ends before its last page, as its meta pages declare it. Only its walk can tell whether anything
/// of value was on the pages that are missing.
pub(crate) fn cut_off(size: u64, declared: u64, name: &str) -> Recognised {
    let on_save = name.ends_with(".part");
    let when = if on_save {
        "was cut off while it was saved"
    } else {
        "is cut off"
    };
    let declares = format!(
        "Its meta pages declare {} bytes, and the file has {}.",
        grouped(declared),
        grouped(size)
    );
    let inside = if on_save {
        format!("{declares} etcdctl calls a snapshot .part until all of it has arrived.")
    } else {
        declares
    };
    Recognised {
        sentence: format!("The file {when}: {} are there.", part_of(size, declared)),
        etcd: true,
        ..Recognised::other(
            "cut-off",
            "an etcd database that was cut off",
            State::CutOff,
        )
    }
    .inside(inside)
    .todo("Save the snapshot again, or get the complete file.")
}

/// A name from the file, cut and escaped, between backticks.
pub(crate) fn quoted(name: &[u8]) -> String {
    const LONGEST: usize = 80;
    let text = String::from_utf8_lossy(name);
    let cut: String = text.chars().take(LONGEST).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    format!("`{}{dots}`", crate::escape::value(&cut))
}
