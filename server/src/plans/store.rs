//! What is remembered of plans.

use async_trait::async_trait;
use requorum_shared::approval::Reversibility;

use super::brief::Brief;

/// Where a plan is in its life. It moves forward only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanState {
    /// Waits for approval.
    Sealed,
    /// May be run, once.
    Approved,
    /// A person said no.
    Rejected,
    /// Its author took it back.
    Withdrawn,
    /// Something that it rests on has changed.
    Invalidated,
    /// It was not run in time. That follows from the time; a row says so only where the clock was set back since.
    Expired,
    /// A job has it.
    Used,
}

impl PlanState {
    /// As the store writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Invalidated => "invalidated",
            Self::Expired => "expired",
            Self::Used => "used",
        }
    }

    /// As people read it: `the plan is executed`.
    pub fn text(self) -> &'static str {
        match self {
            Self::Sealed => "waiting for approval",
            Self::Used => "executed",
            decided => decided.word(),
        }
    }

    /// Reads it back.
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::Sealed,
            Self::Approved,
            Self::Rejected,
            Self::Withdrawn,
            Self::Invalidated,
            Self::Expired,
            Self::Used,
        ]
        .into_iter()
        .find(|state| state.word() == word)
    }

    /// Whether the plan may still come to be run.
    pub fn is_alive(self) -> bool {
        matches!(self, Self::Sealed | Self::Approved)
    }
}

/// A plan and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRow {
    /// Random.
    pub id: String,
    /// SHA-256 of its canonical JSON, hexadecimal.
    pub hash: String,
    /// The cluster that it belongs to; empty for none.
    pub cluster: String,
    /// What comes out, one sentence.
    pub outcome: String,
    /// Who sealed it.
    pub author_id: String,
    /// The author's name.
    pub author: String,
    /// Milliseconds since the Unix epoch.
    pub sealed_ms: i64,
    /// When it expires.
    pub expires_ms: i64,
    /// Where it is in its life.
    pub state: PlanState,
    /// Who approved, rejected or withdrew it; empty before.
    pub decided_by: String,
    /// When; 0 before.
    pub decided_ms: i64,
    /// Why it was rejected, withdrawn or invalidated.
    pub reason: String,
    /// What it rests on, in its order. Not read for lists.
    pub inputs: Vec<PlanInput>,
    /// The job that has it; empty before.
    pub job_id: String,
    /// Who started that job; empty before.
    pub run_by: String,
    /// Whether somebody let it be run without approval.
    pub broke_glass: bool,
    /// The entry of the ledger that opened its sealing; none for a plan of an earlier version.
    pub entry: Option<u64>,
    /// What it can do that nobody can take back.
    pub weight: Reversibility,
    /// What its line in a list says.
    pub brief: Brief,
}

/// Something that a plan rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanInput {
    /// What kind of thing.
    pub kind: InputKind,
    /// Its id: the SHA-256 of a file.
    pub id: String,
}

/// What a plan can rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// A stored file.
    File,
    /// What was observed outside of the console.
    Observation,
}

impl InputKind {
    /// As the store writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Observation => "observation",
        }
    }

    /// Reads it back.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::File, Self::Observation]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

/// A decision about a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What it becomes.
    pub state: PlanState,
    /// Who decided; empty for the console itself.
    pub by: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Why.
    pub reason: String,
}

/// What keeping a sealed plan came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// It is kept, and has this number.
    Sealed(u64),
    /// Its author has too many that can still be run.
    TooMany,
    /// A file that it rests on was removed meanwhile: its id.
    FileRemoved(String),
}

/// Plans.
#[async_trait]
pub trait PlanStore: Send + Sync {
    /// Keeps a sealed plan with its canonical JSON and gives it the next number, unless its author has so many that can
    /// still be run, or a file that it rests on is not kept any more.
    async fn add_plan(
        &self,
        plan: &PlanRow,
        plan_json: &str,
        most_open: u32,
    ) -> anyhow::Result<Added>;
    /// One plan with its canonical JSON.
    async fn plan(&self, id: &str) -> anyhow::Result<Option<(PlanRow, String)>>;
    /// Decides, if the plan is still in state `from`.
    async fn decide_plan(
        &self,
        id: &str,
        from: PlanState,
        decision: &Decision,
    ) -> anyhow::Result<bool>;
}
