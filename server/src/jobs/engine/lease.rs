//! Being the one who carries a job out: claimed, renewed, and given up before another server may take over.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::super::log::Claim;
use super::{JobRun, Released};
use crate::clock::Clock;

/// As whom this process owns jobs.
#[derive(Debug, Clone)]
pub struct Owner {
    /// This process.
    pub id: String,
    /// How long a claim lasts without being renewed.
    pub lease: Duration,
    /// Whether other servers take a job over once its claim has run out.
    pub shared: bool,
}

impl Owner {
    /// The wish to own a job from now on.
    pub(super) fn claim(&self, clock: &dyn Clock) -> Claim<'_> {
        Claim {
            owner: &self.id,
            now_ms: clock.now_ms(),
            lease_ms: i64::try_from(self.lease.as_millis()).unwrap_or(i64::MAX),
        }
    }

    /// How often a claim is renewed. One renewal may fail and the next still comes in time.
    pub(super) fn renew_every(&self) -> Duration {
        self.lease / 3
    }
}

/// When a claim was last asked for, and given.
pub(super) struct Lease(Mutex<Instant>);

impl Lease {
    pub(super) fn since(asked: Instant) -> Self {
        Self(Mutex::new(asked))
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl JobRun {
    /// Renews the claim; goes on when that cannot be asked for now.
    pub(super) async fn renew(&self) -> Result<(), Released> {
        match self.ask().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.taken()),
            Err(error) => {
                tracing::warn!(job = %self.job.id, "renewing the claim: {error:#}");
                Ok(())
            }
        }
    }

    /// Renews the claim, and does not go on before it is renewed.
    pub(super) async fn renew_for_sure(&self) -> Result<(), Released> {
        loop {
            match self.ask().await {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(self.taken()),
                Err(error) => self.pause_after(&error).await?,
            }
        }
    }

    /// Renews the claim while something is being done. Ends when that has to stop: another server has the job, or
    /// will have it before long, because the claim could not be renewed.
    pub(super) async fn keep(&self) -> Released {
        let owner = &self.engine.owner;
        loop {
            tokio::time::sleep(owner.renew_every()).await;
            match tokio::time::timeout(owner.renew_every(), self.renew()).await {
                Ok(Ok(())) => {}
                Ok(Err(lost)) => return lost,
                Err(_) => {
                    tracing::warn!(job = %self.job.id, "the claim could not be renewed in time")
                }
            }
            let since = self.lease.asked().elapsed();
            if owner.shared && since + owner.renew_every() >= owner.lease {
                tracing::warn!(job = %self.job.id, "the claim runs out: what is being done stops, before another server does it too");
                return Released;
            }
        }
    }

    async fn ask(&self) -> anyhow::Result<bool> {
        let engine = &self.engine;
        let asked = Instant::now();
        let claim = engine.owner.claim(&*engine.clock);
        let given = engine.log.claim(&self.job.id, claim).await?;
        if given {
            *self.lease.asked() = asked;
        }
        Ok(given)
    }

    fn taken(&self) -> Released {
        tracing::warn!(job = %self.job.id, "another server took the job");
        Released
    }
}
