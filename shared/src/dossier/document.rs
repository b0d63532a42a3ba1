//! What a person reads of a dossier, as data: rendered to `dossier.html`, and by the page when a dossier is dropped
//! on it. Nothing here escapes anything; whoever shows it does.

mod facts;
mod run;
mod who;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::manifest::PartFacts;
use super::record::Approvals;
use super::words;
use crate::etcd::storage::inspection::Inspection;
use crate::finding::Outcome;
use crate::job::events::Event;
use crate::job::fold::JobView;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::entry::Entry;
use crate::recovery::Plan;

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

/// All that the readable parts are made of.
pub(super) struct Content<'a> {
    pub(super) job: &'a str,
    pub(super) console: &'a str,
    pub(super) plan: &'a Plan,
    pub(super) events: &'a [Event],
    pub(super) view: &'a JobView,
    pub(super) approvals: &'a Approvals,
    pub(super) inspection: Option<Inspection>,
    pub(super) entries: &'a [Entry],
    pub(super) checkpoint: &'a Checkpoint,
    /// Acts that changed nothing and are left out.
    pub(super) left_out: u64,
    pub(super) key: String,
    /// The parts that were there before the readable ones.
    pub(super) files: BTreeMap<String, PartFacts>,
}

/// The document of a dossier.
pub(super) fn of(content: &Content<'_>) -> Document {
    let view = content.view;
    let mut notices = Vec::new();
    if !view.state.is_over() {
        notices.push((
            Mark::Warning,
            "INTERIM: the job was not over when this was made. What follows is how it stood then; make another \
             dossier when it is over."
                .to_owned(),
        ));
    }
    notices.extend(who::glass_notice(content));
    let failed = view.checks.iter().any(|c| c.outcome == Outcome::Fail);
    if failed {
        notices.push((
            Mark::Fail,
            format!(
                "Of the checks of the result, {}.",
                words::tally(&view.checks)
            ),
        ));
    }
    Document {
        title: format!("Recovery dossier of job {}", content.job),
        sentence: words::sentence(view, &content.plan.titles()),
        below: format!("Job {}, made by {}.", content.job, content.console),
        notices,
        sections: vec![
            facts::in_short(content),
            run::left(content),
            who::approvals(content),
            run::timeline(content),
            run::steps(content),
            run::verification(content),
            facts::rests_on(content),
            facts::commands(content),
            run::log(content),
            facts::ledger(content),
            facts::files(content),
        ],
    }
}

fn section(title: &str, blocks: Vec<Block>) -> Section {
    Section {
        title: title.to_owned(),
        blocks,
    }
}

fn table(columns: &[&str], rows: Vec<Vec<Cell>>) -> Block {
    Block::Table {
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        rows,
    }
}

fn text(text: impl Into<String>) -> Cell {
    Cell::Text(text.into())
}

fn id(id: impl Into<String>) -> Cell {
    Cell::Id(id.into())
}

fn number(number: impl ToString) -> Cell {
    Cell::Number(number.to_string())
}

fn status(mark: Mark, word: &str) -> Cell {
    Cell::Status(mark, word.to_owned())
}

/// A time that may not be known.
fn when(at_ms: Option<i64>) -> Cell {
    at_ms.map_or_else(|| text("–"), Cell::When)
}

fn outcome(outcome: Outcome) -> Cell {
    match outcome {
        Outcome::Pass => status(Mark::Pass, "pass"),
        Outcome::Fail => status(Mark::Fail, "FAIL"),
        Outcome::NotChecked => status(Mark::NotChecked, "not checked"),
    }
}
