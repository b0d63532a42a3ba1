//! Gathering what a console knows of a job, for its dossier. The same for a running server and for the command line,
//! which reads the stores beside it.

use std::sync::Arc;

use anyhow::Context as _;
use requorum_shared::canonical::sha256_hex;
use requorum_shared::dossier::{
    JobFacts, LedgerFacts, MAX_ENTRIES, PackError, ReviewFacts, Sources, pack,
};
use requorum_shared::events::{Body, Event};
use requorum_shared::ledger::checkpoint::SigningKey;
use requorum_shared::ledger::entry::{Entry, act};
use requorum_shared::plan::{Plan, Request};
use thiserror::Error;

use crate::jobs::log::JobLog;
use crate::ledger::reader;
use crate::ledger::store::LedgerStore;
use crate::plans::approvals::ApprovalStore;
use crate::plans::store::PlanStore;
use crate::snapshots::store::SnapshotStore;

/// What made it, as its parts say.
const CONSOLE: &str = concat!("requorum ", env!("CARGO_PKG_VERSION"));

/// Where it is all written.
pub struct Books {
    /// Jobs and their journals.
    pub jobs: Arc<dyn JobLog>,
    /// Plans and what was decided about them.
    pub plans: Arc<dyn PlanStore>,
    /// Reviews.
    pub approvals: Arc<dyn ApprovalStore>,
    /// Inspections of the snapshots.
    pub snapshots: Arc<dyn SnapshotStore>,
    /// The ledger.
    pub ledger: Arc<dyn LedgerStore>,
    /// What signs it.
    pub key: SigningKey,
}

/// A dossier, packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dossier {
    /// The file name to suggest.
    pub name: String,
    /// The archive.
    pub bytes: Vec<u8>,
}

/// Why there is no dossier.
#[derive(Debug, Error)]
pub enum DossierError {
    /// There is no such job.
    #[error("there is no job with this id")]
    NoJob,
    /// It cannot be packed.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The stores cannot be read.
    #[error(transparent)]
    Store(#[from] anyhow::Error),
}

impl Books {
    /// The dossier of a job, as of the newest checkpoint of the ledger.
    ///
    /// # Errors
    /// When there is no such job, something stored cannot be read, or there is too much of it.
    pub async fn dossier(&self, job_id: &str) -> Result<Dossier, DossierError> {
        let sources = self.gather(job_id).await?;
        let key = self.key.clone();
        let over = sources.job.events.last().is_some_and(is_end);
        let bytes = tokio::task::spawn_blocking(move || pack(&sources, &key))
            .await
            .context("packing a dossier")??;
        let interim = if over { "" } else { "-interim" };
        Ok(Dossier {
            name: format!("dossier-{job_id}{interim}.zip"),
            bytes,
        })
    }

    async fn gather(&self, job_id: &str) -> Result<Sources, DossierError> {
        let job = self.jobs.job(job_id).await?.ok_or(DossierError::NoJob)?;
        // The journal first: what it says was written into the ledger before.
        let events = self.jobs.events(job_id, 0).await?;
        let plan: Plan = serde_json::from_str(&job.plan_json).map_err(PackError::Plan)?;
        let Request::EtcdRestore(request) = &plan.request;
        let stored = self.snapshots.snapshot(&request.snapshot).await?;
        let decided = self.plans.plan(&job.plan_id).await?;
        let review = self.approvals.review_of(&job.plan_id).await?;
        let ledger = self.ledger(&sha256_hex(job.plan_json.as_bytes())).await?;
        Ok(Sources {
            console: CONSOLE.to_owned(),
            job: JobFacts {
                id: job.id,
                plan_json: job.plan_json,
                events,
            },
            remark: match &review {
                // The reason is told by the broken glass itself.
                Some(_) => String::new(),
                None => decided.map(|(row, _)| row.reason).unwrap_or_default(),
            },
            review: review.map(|review| ReviewFacts {
                id: review.id,
                closed_by: review.closed_by,
                closed_at_ms: review.closed_ms,
                note: review.note,
            }),
            inspection_json: stored.map(|(_, inspection_json)| inspection_json),
            ledger,
        })
    }

    /// The ledger's entries about a plan. That somebody took a dossier says nothing about the recovery: those are left
    /// out, or no two dossiers would be the same.
    async fn ledger(&self, plan_hash: &str) -> Result<LedgerFacts, DossierError> {
        let (proven, checkpoint) =
            reader::about_plan(&*self.ledger, plan_hash, 2 * MAX_ENTRIES).await?;
        let mut entries = Vec::new();
        for (index, bytes, path) in proven {
            let entry: Entry = serde_json::from_slice(&bytes)
                .map_err(|error| PackError::Entry { index, error })?;
            if entry.act != act::JOB_DOSSIER {
                entries.push((index, bytes.to_vec(), path));
            }
        }
        Ok(LedgerFacts {
            entries,
            checkpoint,
        })
    }
}

fn is_end(event: &Event) -> bool {
    matches!(event.body, Body::Ended { .. })
}
