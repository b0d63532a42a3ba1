//! A job is run, and what people asked of it is done, only where the ledger has it. What a step did is the engine's own
//! entry: a person with write access to the database who forges that is seen by the dossier, and not here.
//!
//! Where the ledger cannot be asked, or is damaged, the job stands still. It ends only where a sound ledger says no.

use std::sync::PoisonError;
use std::time::Duration;

use requorum_shared::canonical::sha256_hex;
use requorum_shared::job::events::{Body, EndState, Event, Occurrence};
use requorum_shared::ledger::entry::act;
use tokio::time::Instant;

use super::{Engine, JobRun, Released};
use crate::jobs::log::{JobRow, Writer};
use crate::jobs::proof::Proven;

/// How long the ledger may take to have what the journal has: another server wrote it, or the act ends right now.
const PROVEN_WITHIN: Duration = Duration::from_secs(5);
/// Between two looks at it.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(20);

const OTHER_PLAN: &str = "The plan in the database was changed after it was approved: it does not have the hash that \
                          was approved.";
const NOTHING_MORE: &str = "Nothing more was done; the results of earlier steps are still in place, and folders that \
                            carry the job's id in their names may be left at the target. Find out who can write to \
                            the database.";

impl Engine {
    /// Why the job is not one that a person started from the plan that people agreed to, if it is not: a person who can
    /// write to the database could put it there, or another plan in its place.
    pub(super) async fn is_not_what_was_started(
        &self,
        job: &JobRow,
    ) -> anyhow::Result<Option<String>> {
        if !self.has_its_plan(job).await? {
            return Ok(Some(OTHER_PLAN.to_owned()));
        }
        let until = Instant::now() + PROVEN_WITHIN.min(self.owner.renew_every());
        loop {
            let proven = self.proof.started(job).await?;
            if proven == Proven::Yes {
                return Ok(None);
            }
            if Instant::now() >= until {
                anyhow::ensure!(
                    proven == Proven::No,
                    "the ledger does not have the end of its start yet"
                );
                return Ok(Some(format!(
                    "According to the database, {} started this job; the ledger has no such start.",
                    job.started_by
                )));
            }
            self.look_again()
                .await
                .ok_or_else(|| anyhow::anyhow!("the server stops"))?;
        }
    }

    /// Gives the ledger a moment to know of what another process wrote. None when the server stops.
    async fn look_again(&self) -> Option<()> {
        self.proof.look();
        let wait = tokio::time::sleep(LOOK_AGAIN_AFTER);
        self.stop.run_until_cancelled(wait).await
    }

    /// Whether the plan is the one that people agreed to.
    async fn has_its_plan(&self, job: &JobRow) -> anyhow::Result<bool> {
        let hash = sha256_hex(job.plan_json.as_bytes());
        let first = self.log.events(&job.id, 0).await?.into_iter().next();
        let agreed = match first.map(|event| event.body) {
            Some(Body::Started { grounds, .. }) => grounds.map_or_else(Vec::new, |g| g.votes),
            _ => Vec::new(),
        };
        Ok(hash == job.plan_hash && agreed.iter().all(|vote| vote.plan_hash == hash))
    }

    /// Ends a job that is not what people started.
    pub(super) async fn refuse(&self, job: &JobRow, reason: &str, why: &str) -> anyhow::Result<()> {
        let adopted = Body::Adopted {
            reason: reason.into(),
        };
        self.write_refusal(job, Some(adopted), why).await
    }

    pub(super) async fn write_refusal(
        &self,
        job: &JobRow,
        first: Option<Body>,
        why: &str,
    ) -> anyhow::Result<()> {
        tracing::error!(job = %job.id, "{why}");
        let ended = Body::Ended {
            state: EndState::Left,
            sentence: format!("{why} {NOTHING_MORE}"),
        };
        for what in first.into_iter().chain([ended]).map(Occurrence::from) {
            let (now, writer) = (self.clock.now_ms(), Writer::Owner(&self.owner.id));
            if let Some(event) = self.log.append(&job.id, now, &what, writer).await? {
                self.feed.publish(&job.id, &event);
            }
        }
        Ok(())
    }
}

impl JobRun {
    /// Holds an event that a person caused against the ledger. Where the ledger does not have it the job is let go, and
    /// refused once nothing of it runs any more.
    pub(super) async fn prove(&self, event: &Event) -> Result<(), Released> {
        let Some(wish) = event.body.wish() else {
            return Ok(());
        };
        let engine = &self.engine;
        let soon = || Instant::now() + PROVEN_WITHIN.min(engine.owner.renew_every());
        let mut until = soon();
        loop {
            match engine.proof.asked(&self.job, &wish).await {
                Ok(Proven::Yes | Proven::Open) => return Ok(()),
                Ok(Proven::No) if Instant::now() >= until => break,
                Ok(Proven::No) => engine.look_again().await.ok_or(Released)?,
                Err(error) => {
                    self.pause_after(&error.into()).await?;
                    until = soon();
                }
            }
        }
        let why = format!(
            "The database has a request by {} (“{}”) that is not in the ledger.",
            wish.by,
            act::phrase(wish.act)
        );
        *self.unproven.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        Err(Released)
    }

    /// Why the job is not continued, if that is for something that the ledger does not have.
    pub(super) fn unproven(&self) -> Option<String> {
        let mut why = self.unproven.lock().unwrap_or_else(PoisonError::into_inner);
        why.take()
    }
}
