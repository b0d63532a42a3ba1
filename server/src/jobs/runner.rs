//! What a system gives the engine: for each step, how to look, how to do, how to take back.

use std::sync::Arc;

use async_trait::async_trait;
use requorum_shared::events::EndState;
use requorum_shared::finding::Check;
use requorum_shared::plan::{Plan, Step};
use thiserror::Error;

use super::context::Context;

/// What looking at a step found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// It is done.
    Done(Seen),
    /// It is not done, or half-done in a way that its effect clears up by itself.
    NotDone,
}

/// What was seen once a step was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// In a sentence.
    pub evidence: String,
    /// What was proven by it.
    pub checks: Vec<Check>,
}

impl Seen {
    /// Evidence without checks.
    pub fn new(evidence: impl Into<String>) -> Self {
        Self {
            evidence: evidence.into(),
            checks: Vec::new(),
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
}

impl From<String> for StepError {
    fn from(message: String) -> Self {
        Self {
            message,
            checks: Vec::new(),
        }
    }
}

impl From<anyhow::Error> for StepError {
    fn from(error: anyhow::Error) -> Self {
        format!("{error:#}").into()
    }
}

/// Carries out the steps of one kind of plan.
///
/// Each of the three may be called again after it was interrupted at any point, by another process: `probe`
/// looks at the world and not at what was remembered, `effect` clears up what an earlier attempt left, `undo` of
/// what was never done, or only in part, succeeds.
#[async_trait]
pub trait StepRunner: Send + Sync {
    /// Is the step done?
    async fn probe(&self, step: &Step, context: &Context) -> Result<Probe, StepError>;
    /// Does it, and looks again.
    async fn effect(&self, step: &Step, context: &Context) -> Result<Seen, StepError>;
    /// Takes it back; says what was done.
    async fn undo(&self, step: &Step, context: &Context) -> Result<String, StepError>;
    /// The job ends like this, and nothing is taken back any more: clears away what no step needs, and what says whose
    /// its things are. Says what stays beside the result, if anything does. May be called again, as the others may.
    async fn finish(&self, _end: EndState, _context: &Context) -> Result<String, StepError> {
        Ok(String::new())
    }
}

/// Finds the runner for a plan.
pub trait Runners: Send + Sync {
    /// The runner for plans of this kind.
    fn of(&self, plan: &Plan) -> Arc<dyn StepRunner>;
}
