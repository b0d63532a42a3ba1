//! Something to read, as data: sections of paragraphs, facts and tables. What shows it, in HTML, in the page or on a
//! terminal, needs to know nothing of what it is about. Nothing here escapes anything; whoever shows it does.

use serde::{Deserialize, Serialize};

use crate::finding::Outcome;

/// The whole of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// What it is, for a window's title.
    pub title: String,
    /// What came out, in a sentence.
    pub sentence: String,
    /// The line below it.
    pub below: String,
    /// What must not be overlooked.
    pub notices: Vec<(Mark, String)>,
    /// The rest, in order.
    pub sections: Vec<Section>,
}

/// A part with its own heading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// What is in it.
    pub blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// Names and values.
    Facts(Vec<(String, Cell)>),
    /// A table.
    Table {
        /// The headings.
        columns: Vec<String>,
        /// The rows, as wide as the headings.
        rows: Vec<Vec<Cell>>,
    },
    /// Commands for a shell, each as it is typed.
    Commands(Vec<String>),
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cell {
    /// Words.
    Text(String),
    /// An id or hash.
    Id(String),
    /// A number or length of time.
    Number(String),
    /// A point in time, milliseconds since the Unix epoch.
    When(i64),
    /// An outcome: its kind and its word.
    Status(Mark, String),
}

/// What kind of news it is. Never told by colour alone: there is a word beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// Good.
    Pass,
    /// Bad.
    Fail,
    /// To be known.
    Warning,
    /// Nobody looked.
    NotChecked,
    /// Neither.
    Note,
}

impl Mark {
    /// The mark as a class of the style sheets.
    pub fn class(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Warning => "warning",
            Self::NotChecked => "not-checked",
            Self::Note => "note",
        }
    }
}

/// A section.
pub(crate) fn section(title: &str, blocks: Vec<Block>) -> Section {
    Section {
        title: title.to_owned(),
        blocks,
    }
}

/// A table.
pub(crate) fn table(columns: &[&str], rows: Vec<Vec<Cell>>) -> Block {
    Block::Table {
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        rows,
    }
}

/// Words.
pub(crate) fn text(text: impl Into<String>) -> Cell {
    Cell::Text(text.into())
}

/// An id or hash.
pub(crate) fn id(id: impl Into<String>) -> Cell {
    Cell::Id(id.into())
}

/// A number.
pub(crate) fn number(number: impl ToString) -> Cell {
    Cell::Number(number.to_string())
}

/// An outcome and its word.
pub(crate) fn status(mark: Mark, word: &str) -> Cell {
    Cell::Status(mark, word.to_owned())
}

/// A time that may not be known.
pub(crate) fn when(at_ms: Option<i64>) -> Cell {
    at_ms.map_or_else(|| text("–"), Cell::When)
}

/// An outcome in its own word.
pub(crate) fn outcome(outcome: Outcome) -> Cell {
    match outcome {
        Outcome::Pass => status(Mark::Pass, "pass"),
        Outcome::Fail => status(Mark::Fail, "FAIL"),
        Outcome::NotChecked => status(Mark::NotChecked, "not checked"),
    }
}
