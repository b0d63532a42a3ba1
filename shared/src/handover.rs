//! The hand-over: what people do once a job has completed, so that what it made comes to run. The recovery of each
//! system says what its steps are; this is the shape that the page, the API and the dossier share.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::finding::Finding;

/// The longest remark on a step, in characters.
pub const MAX_NOTE_CHARS: usize = 500;

/// What is left to people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// What is there and what comes next: `3 members are ready. Next: start them`.
    pub headline: String,
    /// What was known when the plan was sealed and is still true of the result.
    pub warnings: Vec<Finding>,
    /// What the commands depend on and the console cannot know, with the values that they are written with.
    pub settings: Vec<Setting>,
    /// The steps, in order.
    pub steps: Vec<HandoverStep>,
}

/// Something that only people know: where a host keeps its data, who runs the process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Unique within the hand-over: `data-dir`.
    pub key: String,
    /// What a form calls it.
    pub label: String,
    /// What can be written, in a sentence.
    pub hint: String,
    /// What the commands use.
    pub value: String,
    /// Why what was given cannot be used; the commands are written with the usual value then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One step, which a person does and ticks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoverStep {
    /// Unique within the hand-over, and the same for every reader of the plan: `stop-old`, `member:m1`.
    pub id: String,
    /// What to do, in the imperative.
    pub title: String,
    /// Why, and what to mind; a few sentences.
    pub text: String,
    /// The part of the target that it is about, by its name, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// What to type or to write into files, in order. Some are alternatives: their labels say so.
    pub commands: Vec<HandoverCommand>,
    /// What must be seen afterwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<Expectation>,
}

/// Something to copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoverCommand {
    /// What it is and where it is for: `On 10.0.0.1`.
    pub label: String,
    /// What it is.
    pub kind: CommandKind,
    /// The text, whole.
    pub text: String,
    /// Whether it is folded at first: one of several ways, or a file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub folded: bool,
}

/// What a text to copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommandKind {
    /// Commands for a POSIX shell.
    Shell,
    /// A file's content.
    File,
}

/// Something that must be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// What is looked at: `Revision`.
    pub name: String,
    /// What it must be.
    pub value: String,
}

/// What the commands need that is not in the plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// The job's id.
    pub job: String,
    /// The folder on the console's host that the result lies in; empty where it is downloaded.
    pub place: String,
    /// The console's address without a slash at the end: `https://console:8420`. Empty where it is not known: commands
    /// take it from `$REQUORUM_URL` then.
    pub console: String,
    /// Values of [`Handover::settings`] by their keys; what is not here has its usual value.
    pub settings: BTreeMap<String, String>,
}

impl Handover {
    /// The step with this id.
    pub fn step(&self, id: &str) -> Option<&HandoverStep> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// The steps' ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|step| step.id.as_str())
    }

    /// The steps' titles by their ids, in order.
    pub fn titles(&self) -> Vec<(String, String)> {
        let titles = self.steps.iter();
        titles.map(|s| (s.id.clone(), s.title.clone())).collect()
    }
}
