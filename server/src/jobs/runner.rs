//! What a system gives the engine: for each step, how to look, how to do, how to take back.

use std::sync::Arc;

use async_trait::async_trait;
use requorum_shared::finding::Check;
use requorum_shared::job::events::{EndState, Failure, Kept, KeptFolder};
use requorum_shared::recovery::{Carrier, Step};
use thiserror::Error;

use super::context::Context;
use crate::leftovers::{Remaining, Removal};

/// What looking at a step found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// It is done.
    Done(StepEvidence),
    /// It is not done, or half-done in a way that its effect clears up by itself.
    NotDone,
    /// It could not be told, and doing it twice would not be harmless. A person decides.
    CannotTell(String),
}

/// What was seen once a step was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepEvidence {
    /// In a sentence.
    pub evidence: String,
    /// What was proven by it.
    pub checks: Vec<Check>,
}

impl StepEvidence {
    /// Evidence without checks.
    pub fn new(evidence: impl Into<String>) -> Self {
        Self {
            evidence: evidence.into(),
            checks: Vec::new(),
        }
    }
}

/// What usually waits before a step is tried again without asking, in milliseconds.
pub const RETRY_AFTER_MS: &[u64] = &[1_000, 4_000, 15_000];

/// What the engine does about a step that failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Remedy {
    /// It tries again after each of these times, in milliseconds, and asks then: for what often passes, such as a store
    /// that does not answer.
    Retry(&'static [u64]),
    /// It asks a person whether to try again, undo or leave.
    #[default]
    Ask,
    /// It asks, and does not offer to try again: that could not succeed.
    Stop,
    /// The plan does not fit what is there, and the step did nothing. It takes back what was done without asking where
    /// nothing was, and asks otherwise.
    Refuse,
}

impl Remedy {
    /// What the journal says that can be done, once no further retry follows.
    pub(super) fn failure(self) -> Failure {
        match self {
            Self::Retry(_) | Self::Ask => Failure::Ask,
            Self::Stop => Failure::Stop,
            Self::Refuse => Failure::Refuse,
        }
    }
}

/// Folders that a job left, and what its journal says of their removal.
#[derive(Debug, Clone, Default)]
pub struct Leftovers {
    /// The folders.
    pub folders: Vec<KeptFolder>,
    /// The paths of those whose removal was begun: some of what was in them may be gone.
    pub begun: Vec<String>,
}

impl Leftovers {
    /// Of these folders those with one of these paths.
    pub fn only(&self, paths: &[String]) -> Self {
        let folders = self.folders.iter();
        let folders = folders.filter(|folder| paths.contains(&folder.path));
        Self {
            folders: folders.cloned().collect(),
            begun: self.begun.clone(),
        }
    }
}

/// Why a step, or taking it back, failed: what happened, why, what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct StepError {
    /// For a person.
    pub message: String,
    /// What was checked, where that is what failed.
    pub checks: Vec<Check>,
    /// What the engine does about it.
    pub remedy: Remedy,
}

impl StepError {
    /// A failure that a person decides about.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            checks: Vec::new(),
            remedy: Remedy::Ask,
        }
    }

    /// A failure that often passes.
    pub fn retry(message: impl Into<String>) -> Self {
        Self::new(message).with(Remedy::Retry(RETRY_AFTER_MS))
    }

    /// The plan does not fit what is there. Only before the step did anything.
    pub fn refuse(message: impl Into<String>) -> Self {
        Self::new(message).with(Remedy::Refuse)
    }

    /// The same, with another remedy.
    #[must_use]
    pub fn with(self, remedy: Remedy) -> Self {
        Self { remedy, ..self }
    }
}

impl From<String> for StepError {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

impl From<anyhow::Error> for StepError {
    fn from(error: anyhow::Error) -> Self {
        Self::new(format!("{error:#}"))
    }
}

/// Carries out the steps of one carrier: a system's, a host's. All that it needs of a plan is in the step.
///
/// Each of the three may be called again after it was interrupted at any point, by another process: `probe`
/// looks at the world and not at what was remembered, `effect` clears up what an earlier attempt left, `undo` of
/// what was never done, or only in part, succeeds.
#[async_trait]
pub trait StepRunner: Send + Sync {
    /// Is the step done?
    async fn probe(&self, step: &Step, context: &Context) -> Result<Probe, StepError>;
    /// Does it, and looks again.
    async fn effect(&self, step: &Step, context: &Context) -> Result<StepEvidence, StepError>;
    /// Takes it back; says what was done.
    async fn undo(&self, step: &Step, context: &Context) -> Result<String, StepError>;
    /// The job ends like this, and nothing is taken back any more: clears away what no step needs, and what says whose
    /// its things are. `steps` are this runner's. Says what stays beside the result, if anything does. May be called
    /// again, as the others may.
    async fn finish(
        &self,
        _end: EndState,
        _steps: &[&Step],
        _context: &Context,
    ) -> Result<String, StepError> {
        Ok(String::new())
    }
    /// What stays of a job that is about to end like this: asked before [`StepRunner::finish`], whose marks tell it.
    async fn kept(
        &self,
        _end: EndState,
        _steps: &[&Step],
        _context: &Context,
    ) -> Result<Option<Kept>, StepError> {
        Ok(None)
    }
    /// What there is where these folders of a job that is over were. Those of `begun` may be deleted in part.
    async fn remains(
        &self,
        _steps: &[&Step],
        _left: &Leftovers,
        _context: &Context,
    ) -> Result<Vec<Remaining>, StepError> {
        Ok(Vec::new())
    }
    /// Renames them to where nobody else looks, if each that is there is exactly as the job left it; which ones are there
    /// now. Nothing is renamed otherwise.
    async fn set_aside(
        &self,
        _steps: &[&Step],
        _left: &Leftovers,
        _context: &Context,
    ) -> Result<Vec<String>, StepError> {
        Ok(Vec::new())
    }
    /// Gives those that were set aside their names back, but for those of `begun`.
    async fn put_back(
        &self,
        _steps: &[&Step],
        _left: &Leftovers,
        _context: &Context,
    ) -> Result<(), StepError> {
        Ok(())
    }
    /// Deletes those that were set aside, and nothing else. Those of `begun` are an earlier removal's: they stay aside
    /// where it stops before anything was deleted.
    async fn remove_aside(
        &self,
        _steps: &[&Step],
        _left: &Leftovers,
        _context: &Context,
    ) -> Result<Removal, StepError> {
        Ok(Removal::default())
    }
}

/// Finds the runner for a step.
pub trait Runners: Send + Sync {
    /// The one for this carrier; none for what a person does.
    fn of(&self, carrier: Carrier) -> Option<Arc<dyn StepRunner>>;
}
