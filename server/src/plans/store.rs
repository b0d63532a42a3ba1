//! What is remembered of plans.

use async_trait::async_trait;
use requorum_shared::approval::Weight;

/// Where a plan is in its life. It moves forward only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanState {
    /// Waits for approval.
    Sealed,
    /// May be run, once.
    Approved,
    /// A person said no.
    Rejected,
    /// A fact changed, or time passed.
    Void,
    /// A job has it.
    Used,
}

impl PlanState {
    /// As the store and the API write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Void => "void",
            Self::Used => "used",
        }
    }

    /// Reads it back.
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::Sealed,
            Self::Approved,
            Self::Rejected,
            Self::Void,
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
    /// When it is void by itself.
    pub expires_ms: i64,
    /// Where it is in its life.
    pub state: PlanState,
    /// Who approved or rejected it, or why it is void; empty before.
    pub decided_by: String,
    /// When; 0 before.
    pub decided_ms: i64,
    /// Why it was rejected or is void.
    pub reason: String,
    /// The snapshot that it restores.
    pub snapshot_id: String,
    /// The job that has it; empty before.
    pub job_id: String,
    /// Whether somebody let it be run without approval.
    pub broke_glass: bool,
    /// The entry of the ledger that opened its sealing; none for a plan of an earlier version.
    pub entry: Option<u64>,
    /// What it can do that nobody can take back.
    pub weight: Weight,
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

/// Plans.
#[async_trait]
pub trait PlanStore: Send + Sync {
    /// Keeps a sealed plan with its canonical JSON, unless its author has so many that can still come to be run;
    /// then it is `false`.
    async fn add_plan(
        &self,
        plan: &PlanRow,
        plan_json: &str,
        most_open: u32,
    ) -> anyhow::Result<bool>;
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
