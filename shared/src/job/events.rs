//! What happens to a job, as data: the journal's entries, the page's live stream.
//!
//! [`Body::StepProgress`] is the one ephemeral event: it is streamed with [`EPHEMERAL`] as its number and never
//! written to the journal. Everything else is numbered and durable.

use serde::{Deserialize, Serialize};

use crate::approval::Authorization;
use crate::finding::Check;
use crate::ledger::about::About;
use crate::ledger::entry::act;

/// The number of events that are not in the journal.
pub const EPHEMERAL: u64 = 0;

/// One entry of a job's journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Counts from 1 within the job, without gaps; [`EPHEMERAL`] for progress.
    pub seq: u64,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The host that it is about, where that is not the console's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub body: Body,
}

impl Event {
    /// What happened, with its number and its time.
    pub fn new(seq: u64, at_ms: i64, what: Occurrence) -> Self {
        let Occurrence { host, body } = what;
        Self {
            seq,
            at_ms,
            host,
            body,
        }
    }

    /// What happened, without its number and its time.
    pub fn occurrence(&self) -> Occurrence {
        Occurrence {
            host: self.host.clone(),
            body: self.body.clone(),
        }
    }
}

/// What happened, and where: an event that the journal has not numbered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// As [`Event::host`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub body: Body,
}

impl From<Body> for Occurrence {
    /// Of no host in particular.
    fn from(body: Body) -> Self {
        Self { host: None, body }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Body {
    /// The job was created from an approved plan.
    Started {
        /// Who started it.
        by: String,
        /// What let that person start it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grounds: Option<Box<Authorization>>,
    },
    /// A server took (or took over) the job.
    Adopted {
        /// Why: `start`, `restart after a crash`.
        reason: String,
    },
    /// A step begins; written before its effect.
    StepStarted {
        /// The step's number.
        step: u32,
    },
    /// How far a step is, or its undo. At most a few per second, never in the journal.
    StepProgress {
        /// The step's number.
        step: u32,
        /// How much is done, in `unit`.
        done: u64,
        /// How much there is, in `unit`.
        total: u64,
        /// `bytes` or a plural noun.
        unit: String,
        /// How much was done in the last second, in `unit`; absent in the first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        per_second: Option<u64>,
        /// The part of the target that it is about, by its name; absent for the step as a whole.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        part: Option<String>,
    },
    /// A line a person may want to read.
    StepLog {
        /// The step's number.
        step: u32,
        /// The line.
        line: String,
    },
    /// A step failed in a way that often passes. It is tried again after a while, without asking.
    StepRetried {
        /// The step's number.
        step: u32,
        /// Which failure this was, from 1.
        attempt: u32,
        /// What happened.
        error: String,
        /// Milliseconds until it is tried again.
        after_ms: u64,
    },
    /// A step ended; written after its effect.
    StepEnded {
        /// The step's number.
        step: u32,
        /// How.
        outcome: StepOutcome,
    },
    /// The plan does not fit what a step found, and nothing was changed: the job goes back without asking.
    Refused {
        /// The step's number.
        step: u32,
        /// What it found.
        why: String,
    },
    /// The job needs a person.
    Asked {
        /// The question.
        question: Question,
    },
    /// A person answered.
    Answered {
        /// The question's id.
        question: String,
        /// The choice's id.
        choice: String,
        /// Who.
        by: String,
    },
    /// A person asked for a pause before the next step.
    Paused {
        /// Who.
        by: String,
    },
    /// The pause is over.
    Resumed {
        /// Who.
        by: String,
    },
    /// A person asked to stop and undo.
    AbortRequested {
        /// Who.
        by: String,
    },
    /// A step is being taken back.
    UndoStarted {
        /// The step's number.
        step: u32,
    },
    /// Taking a step back failed, and is tried again by itself.
    UndoRetried {
        /// The step's number.
        step: u32,
        /// Which attempt failed, from 1.
        attempt: u32,
        /// Why.
        error: String,
        /// When it is tried again, counted from this event, in milliseconds.
        after_ms: u64,
    },
    /// A step was taken back.
    UndoEnded {
        /// The step's number.
        step: u32,
        /// What was done, or why it could not be.
        result: Result<String, String>,
        /// What can be done about it where it could not be.
        #[serde(default, skip_serializing_if = "Failure::is_usual")]
        failure: Failure,
    },
    /// What was proven. A check of the same name that came earlier is replaced.
    Verified {
        /// Each thing that must be true.
        checks: Vec<Check>,
    },
    /// What stays of the job on the server that ran it; written just before its end.
    Kept {
        /// What.
        kept: Kept,
    },
    /// The job is over.
    Ended {
        /// How.
        state: EndState,
        /// One sentence.
        sentence: String,
    },
    /// A person did a step of the hand-over. It follows the end of a completed job.
    HandedOver {
        /// The step's id: `start`, `member:m1`.
        step: String,
        /// Who.
        by: String,
        /// What that person remarked; empty for nothing.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    },
    /// Folders that stayed of the job are about to be deleted: written before the first of their files is.
    RemovalBegun {
        /// Who has them removed.
        by: String,
        /// The folders, as [`KeptFolder::path`] calls them.
        paths: Vec<String>,
    },
    /// A removal stopped before anything of these folders was deleted: they are where they were.
    RemovalStopped {
        /// Who wanted them removed.
        by: String,
        /// The folders, as [`KeptFolder::path`] calls them.
        paths: Vec<String>,
    },
    /// A person had what stayed of the job removed. It follows the end.
    LeftoversRemoved {
        /// Who.
        by: String,
        /// The folders that were removed, as [`KeptFolder::path`] calls them; empty for all.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        paths: Vec<String>,
    },
}

/// What a person asked of a job that was under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish<'a> {
    /// The ledger's name for it, one of [`act`].
    pub act: &'static str,
    /// The person's name.
    pub by: &'a str,
    /// What the ledger's entry is about, where it says more than the job.
    pub about: Option<About>,
}

impl Body {
    /// What a person asked for by this event, if it is such an event. The ledger has an act for each.
    pub fn wish(&self) -> Option<Wish<'_>> {
        let (act, by, about) = match self {
            Self::Paused { by } => (act::JOB_PAUSE, by, None),
            Self::Resumed { by } => (act::JOB_RESUME, by, None),
            Self::AbortRequested { by } => (act::JOB_ABORT, by, None),
            Self::Answered {
                question,
                choice,
                by,
            } => (act::JOB_ANSWER, by, Some(About::answer(question, choice))),
            _ => return None,
        };
        Some(Wish { act, by, about })
    }
}

/// What stays of a job that is over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The folders that it made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<KeptFolder>,
    /// What can be downloaded of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub archives: Vec<KeptArchive>,
}

/// A folder that a job made. The mark that says whose it is while the job works is gone at its end: from then on it is
/// the job's only while all that is in it is as it was written down here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFolder {
    /// Where it is, as the server's operator would call it.
    pub path: String,
    /// Bytes that it takes on the disk.
    pub bytes: u64,
    /// The folder itself and all that is in it, what is around before what is inside. Empty where that is too much, or
    /// where the file system does not tell enough: then only a person can say that the folder is still the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<KeptEntry>,
}

impl KeptFolder {
    /// Whether the console can tell that it is still the same, and may remove it.
    pub fn is_known(&self) -> bool {
        !self.entries.is_empty()
    }
}

/// A file or folder as it was at the end of the job that made it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptEntry {
    /// Below the folder; empty for the folder itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// Whether it is a folder; a file otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub folder: bool,
    /// The disk, as the system numbers it: `259:2`. Text, like the others, because canonical JSON has no exact numbers
    /// of this size.
    pub device: String,
    /// Its number on the disk.
    pub inode: String,
    /// When it was made, in seconds since the Unix epoch with nine digits behind the point.
    pub born: String,
    /// A file's length; 0 for a folder.
    pub bytes: u64,
    /// When it was changed, in the same form; empty for the folder itself, which loses its mark after this was written
    /// down.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub modified: String,
}

/// An archive that can be downloaded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptArchive {
    /// Its name: `m1.tar`.
    pub name: String,
    /// Bytes of it.
    pub bytes: u64,
    /// SHA-256 of it, hexadecimal.
    pub sha256: String,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum StepOutcome {
    /// Its effect was carried out; the text says what was seen afterwards.
    Done {
        /// What was seen.
        evidence: String,
    },
    /// The probe found it done.
    AlreadyDone {
        /// What was seen.
        evidence: String,
    },
    /// It failed; nothing half-done is believed done.
    Failed {
        /// What happened, why, and what to do.
        error: String,
        /// What can be done about it.
        #[serde(default, skip_serializing_if = "Failure::is_usual")]
        failure: Failure,
    },
    /// The probe could not tell whether it is done. Nothing was carried out.
    Unclear {
        /// Why it could not be told.
        why: String,
    },
}

/// What can be done about a step that failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// A person decides whether it is tried again.
    #[default]
    Ask,
    /// Trying again makes no sense: what was done is taken back, or left.
    Stop,
    /// The plan does not fit what is there. The step did nothing; a new plan is needed.
    Refuse,
}

impl Failure {
    fn is_usual(&self) -> bool {
        *self == Self::Ask
    }
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndState {
    /// Every step is done.
    Completed,
    /// Every effect was taken back.
    Undone,
    /// A person decided to leave it as it was; the sentence names what remains.
    Left,
}

/// A question to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Unique within the job.
    pub id: String,
    /// The step it arose in.
    pub step: u32,
    /// The question, exact.
    pub text: String,
    /// What was seen that led to it.
    pub evidence: String,
    /// What can be chosen.
    pub choices: Vec<Choice>,
}

/// One answer a person can give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Unique within the question: `retry`, `undo`, `leave`.
    pub id: String,
    /// What the button says.
    pub label: String,
    /// What follows from it.
    pub consequence: String,
    /// What follows from it, for the engine.
    pub then: Then,
    /// What has to be typed to choose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
}

/// What an answer leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// The step, or its undo, is tried again: it looks first.
    Retry,
    /// The step is carried out without looking whether it is done.
    CarryOut,
    /// The step counts as done, on the word of the person who answers.
    Done,
    /// What was done is taken back.
    Undo,
    /// What is there is kept: the job ends, or, on the way back, passes this step over.
    Leave,
}
