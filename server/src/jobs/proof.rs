//! What people asked of a job, as the ledger has it. The engine does nothing for a row or an event that a person with
//! write access to the database could have put there.

use async_trait::async_trait;
use requorum_shared::canonical::sha256_hex;
use requorum_shared::job::events::Wish;
use requorum_shared::ledger::entry::{Outcome, act, tidy};

use super::log::JobRow;
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
        // A plan is run once. Which job it became is known at the end of the act; where the console was stopped before
        // that, the plan tells it.
        let fits = |found: &ProvenAct| {
            let end = found.closed.as_ref().and_then(|end| end.job.as_deref());
            found.opened.act == act::JOB_START
                && found.opened.who == who
                && found.opened.plan.as_deref() == Some(&*plan)
                && match found.outcome() {
                    Some(Outcome::Done) => end == Some(&*job.id),
                    None | Some(Outcome::Unknown) => end.is_none_or(|end| end == job.id),
                    Some(Outcome::Failed | Outcome::Refused) => false,
                }
        };
        let found = self.find_act(filter, fits).await?;
        Ok(match found {
            None => Proven::No,
            Some(act) if act.outcome().is_none() => Proven::Open,
            Some(_) => Proven::Yes,
        })
    }

    async fn asked(&self, job: &JobRow, wish: &Wish<'_>) -> Result<Proven, LookupError> {
        let who = tidy(wish.by);
        let filter = Filter {
            act: wish.act.to_owned(),
            who: who.clone(),
            job: job.id.clone(),
            ..Filter::default()
        };
        // The act has its end a moment after the event. It was opened for somebody who may do it.
        let fits = |found: &ProvenAct| {
            found.opened.act == wish.act
                && found.opened.who == who
                && found.opened.job.as_deref() == Some(&*job.id)
                && found.opened.about == wish.about
                && !matches!(found.outcome(), Some(Outcome::Failed | Outcome::Refused))
        };
        let found = self.find_act(filter, fits).await?;
        Ok(match found {
            None => Proven::No,
            Some(_) => Proven::Yes,
        })
    }

    fn look(&self) {
        Self::look(self);
    }
}
