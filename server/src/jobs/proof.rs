//! What people asked of a job, as the ledger has it. The engine does nothing for a row or an event that a person with
//! write access to the database could have put there.

use async_trait::async_trait;
use requorum_shared::canonical::sha256_hex;
use requorum_shared::job::events::Wish;
use requorum_shared::ledger::entry::{Outcome, act, tidy};

use super::log::JobRow;
use crate::error;
use crate::ledger::Ledger;
use crate::ledger::proven::{LookupError, ProvenAct};
use crate::ledger::store::Filter;

/// Whether a person asked for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proven {
    /// They did.
    Yes,
    /// They are doing it: the ledger has the beginning and not the end.
    Open,
    /// As far as the ledger is known here, they did not.
    No,
}

/// What says so.
#[async_trait]
pub trait Proof: Send + Sync {
    /// Whether the job was started from its plan by the person whom its row names.
    ///
    /// # Errors
    /// When that cannot be told.
    async fn started(&self, job: &JobRow) -> Result<Proven, LookupError>;

    /// Whether a person asked this of the job.
    ///
    /// # Errors
    /// When that cannot be told.
    async fn asked(&self, job: &JobRow, wish: &Wish<'_>) -> Result<Proven, LookupError>;

    /// Looks for what other processes have written since.
    fn look(&self);
}

/// Whether the act is known to have had no effect.
fn came_to_nothing(found: &ProvenAct) -> bool {
    match (found.outcome(), &found.closed) {
        (Some(Outcome::Refused), _) => true,
        (Some(Outcome::Failed), Some(end)) => !error::leaves_open(&end.reason),
        _ => false,
    }
}

#[async_trait]
impl Proof for Ledger {
    async fn started(&self, job: &JobRow) -> Result<Proven, LookupError> {
        let (plan, who) = (sha256_hex(job.plan_json.as_bytes()), tidy(&job.started_by));
        let filter = Filter {
            act: act::JOB_START.to_owned(),
            who: who.clone(),
            plan: plan.clone(),
            ..Filter::default()
        };
        let of_it = |found: &ProvenAct| {
            let opened = &found.opened;
            let end = found.closed.as_ref().and_then(|end| end.job.as_deref());
            opened.act == act::JOB_START
                && opened.who == who
                && opened.plan.as_deref() == Some(&*plan)
                && end.is_none_or(|end| end == job.id)
        };
        // A plan is run once. Which job it became is known at the end of the act; where the console was stopped before
        // that, the plan tells it.
        let was_started = |found: &ProvenAct| match found.outcome() {
            Some(Outcome::Done) => {
                of_it(found) && found.closed.as_ref().is_some_and(|end| end.job.is_some())
            }
            Some(Outcome::Unknown) => of_it(found),
            _ => false,
        };
        if self.find_act(filter.clone(), was_started).await?.is_some() {
            return Ok(Proven::Yes);
        }
        // An act that failed may have had its effect: a commit whose answer was lost. A person has to look.
        let may_be = |found: &ProvenAct| !came_to_nothing(found) && of_it(found);
        match self.find_act(filter, may_be).await? {
            Some(_) => Ok(Proven::Open),
            None => self.no(),
        }
    }

    async fn asked(&self, job: &JobRow, wish: &Wish<'_>) -> Result<Proven, LookupError> {
        let who = tidy(wish.by);
        let filter = Filter {
            act: wish.act.to_owned(),
            who: who.clone(),
            job: job.id.clone(),
            ..Filter::default()
        };
        // The act has its end a moment after the event. It was opened for somebody who may do it, and one that failed may
        // have had its effect all the same.
        let fits = |found: &ProvenAct| {
            found.opened.act == wish.act
                && found.opened.who == who
                && found.opened.job.as_deref() == Some(&*job.id)
                // Entries of earlier versions do not say what was answered.
                && (found.opened.about.is_none() || found.opened.about == wish.about)
                && !came_to_nothing(found)
        };
        match self.find_act(filter, fits).await? {
            Some(_) => Ok(Proven::Yes),
            None => self.no(),
        }
    }

    fn look(&self) {
        Self::look(self);
    }
}

impl Ledger {
    /// That something is not in it, which only a sound ledger says.
    fn no(&self) -> Result<Proven, LookupError> {
        match self.status().damaged {
            true => Err(LookupError::Tree),
            false => Ok(Proven::No),
        }
    }
}
