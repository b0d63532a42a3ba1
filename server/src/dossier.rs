//! Gathering what a console knows of a job, for its dossier. The same for a running server and for the command line,
//! which reads the stores beside it.

use std::collections::VecDeque;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use requorum_shared::canonical::sha256_hex;
use requorum_shared::dossier::{
    JobFacts, LedgerFacts, MAX_ENTRIES, PackError, ReviewFacts, Sources, pack,
};
use requorum_shared::job::events::{Body, Event};
use requorum_shared::ledger::about::About;
use requorum_shared::ledger::checkpoint::SigningKey;
use requorum_shared::ledger::entry::{Entry, Outcome, act};
use requorum_shared::recovery::{Input, Plan};
use thiserror::Error;

use crate::files::store::FileStore;
use crate::jobs::log::JobLog;
use crate::ledger::store::{Filter, LedgerStore, Stored};
use crate::ledger::tree;
use crate::plans::approvals::ApprovalStore;
use crate::plans::store::PlanStore;

/// What made it, as its parts say.
const CONSOLE: &str = concat!("requorum ", env!("CARGO_PKG_VERSION"));

/// Acts of the ledger that are read at once.
const PAGE: u32 = 1000;
/// Acts that changed nothing and that a dossier still has, the oldest of them.
const MAX_BESIDE: usize = 100;

/// Where it is all written.
pub struct Books {
    /// Jobs and their journals.
    pub jobs: Arc<dyn JobLog>,
    /// Plans and what was decided about them.
    pub plans: Arc<dyn PlanStore>,
    /// Reviews.
    pub approvals: Arc<dyn ApprovalStore>,
    /// Inspections of the snapshots.
    pub files: Arc<dyn FileStore>,
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
        let mut inspections_json = Vec::new();
        for Input::File(sha256) in plan.request.inputs() {
            let stored = self.files.file(&sha256).await?;
            inspections_json.extend(stored.map(|(_, inspection_json)| inspection_json));
        }
        let decided = self.plans.plan(&job.plan_id).await?;
        let review = self.approvals.review_of(&job.plan_id).await?;
        let about = Scope {
            plan_hash: sha256_hex(job.plan_json.as_bytes()),
            plan: &job.plan_id,
            job: &job.id,
            review: review.as_ref().map(|review| review.id.as_str()),
            policy: events.first().and_then(policy_of),
        };
        let ledger = self.ledger(&about).await?;
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
            inspections_json,
            ledger,
        })
    }

    /// The ledger's entries about it, as of the newest checkpoint.
    async fn ledger(&self, about: &Scope<'_>) -> Result<LedgerFacts, DossierError> {
        let store = &*self.ledger;
        let head = store.head().await?.context("the ledger is empty")?;
        let mut gathered = Gathered::default();
        let mut before = head.size;
        // All of them are looked at, however many there are, and few are kept: others may add to them.
        loop {
            let filter = Filter {
                before: Some(before),
                limit: PAGE,
                plan: about.plan_hash.clone(),
                acts_only: true,
                ..Filter::default()
            };
            let page = store.list(&filter).await?;
            for stored in &page {
                gathered.add(about, Act::read(stored, head.size)?)?;
                before = stored.index;
            }
            if page.len() < PAGE as usize {
                break;
            }
        }
        if let Some(policy) = about.policy {
            let filter = Filter {
                before: policy.checked_add(1),
                limit: 1,
                ..Filter::default()
            };
            let found = store.list(&filter).await?.pop();
            if let Some(stored) = found.filter(|stored| stored.index == policy) {
                gathered.kept.push(Act::read(&stored, head.size)?);
            }
        }
        let Gathered {
            kept,
            beside,
            left_out,
        } = gathered;
        let mut found: Vec<_> = kept
            .into_iter()
            .chain(beside)
            .flat_map(Act::bytes)
            .collect();
        found.sort_by_key(|(index, _)| *index);
        let mut entries = Vec::with_capacity(found.len());
        for (index, bytes) in found {
            let path = tree::way_to(store, index, head.size).await?;
            entries.push((index, bytes.to_vec(), path));
        }
        Ok(LedgerFacts {
            entries,
            checkpoint: head.note,
            left_out,
        })
    }
}

/// What a dossier is about.
struct Scope<'a> {
    plan_hash: String,
    plan: &'a str,
    job: &'a str,
    review: Option<&'a str>,
    /// The entry that opened the act of setting the policy in force.
    policy: Option<u64>,
}

/// An act of the ledger: its beginning and its end.
struct Act {
    opened: (Entry, Bytes),
    closed: Option<(Entry, Bytes)>,
}

impl Act {
    /// As the first `size` entries have it: an end that comes later is none.
    fn read(stored: &Stored, size: u64) -> Result<Self, PackError> {
        let index = stored.index;
        let read = |bytes: &Bytes| {
            serde_json::from_slice::<Entry>(bytes)
                .map_err(|error| PackError::Entry { index, error })
        };
        let closed = match &stored.closing {
            Some(bytes) => Some((read(bytes)?, bytes.clone())),
            None => None,
        };
        Ok(Self {
            opened: (read(&stored.canonical)?, stored.canonical.clone()),
            closed: closed.filter(|(end, _)| end.closes == Some(index) && end.index < size),
        })
    }

    fn bytes(self) -> impl Iterator<Item = (u64, Bytes)> {
        [Some(self.opened), self.closed]
            .into_iter()
            .flatten()
            .map(|(entry, bytes)| (entry.index, bytes))
    }

    /// Whether it is about this plan or this job. What is not may name the plan all the same.
    fn is_of(&self, about: &Scope<'_>) -> bool {
        let entry = &self.opened.0;
        let job = self.closed.as_ref().and_then(|(end, _)| end.job.as_deref());
        match job.or(entry.job.as_deref()) {
            Some(job) => job == about.job,
            None => match &entry.about {
                Some(About::Review { id }) => about.review == Some(id),
                Some(of) => of.is_plan(about.plan),
                None => false,
            },
        }
    }

    /// Whether the recovery went on by it, as far as is known.
    fn counts(&self) -> bool {
        let entry = &self.opened.0;
        let by_the_engine = matches!(entry.act.as_str(), act::JOB_STEP | act::JOB_UNDO);
        let outcome = match &self.closed {
            Some((end, _)) => end.outcome,
            None => entry.outcome,
        };
        match outcome {
            Some(Outcome::Failed | Outcome::Refused) => by_the_engine,
            _ => entry.act != act::JOB_DOWNLOAD,
        }
    }
}

/// The acts of a dossier, while they are looked for, newest first.
#[derive(Default)]
struct Gathered {
    kept: Vec<Act>,
    /// The oldest of those that changed nothing.
    beside: VecDeque<Act>,
    left_out: u64,
}

impl Gathered {
    fn add(&mut self, about: &Scope<'_>, act: Act) -> Result<(), PackError> {
        // That somebody took a dossier says nothing about the recovery, or no two dossiers would be the same.
        if !act.is_of(about) || act.opened.0.act == act::JOB_DOSSIER {
            return Ok(());
        }
        if !act.counts() {
            self.beside.push_back(act);
            if self.beside.len() > MAX_BESIDE {
                self.beside.pop_front();
                self.left_out += 1;
            }
            return Ok(());
        }
        self.kept.push(act);
        if self.kept.len() > MAX_ENTRIES {
            return Err(PackError::TooLarge {
                what: "acts in the ledger",
                found: self.kept.len(),
                most: MAX_ENTRIES,
            });
        }
        Ok(())
    }
}

/// The entry of the policy that a job was started under.
fn policy_of(first: &Event) -> Option<u64> {
    match &first.body {
        Body::Started { grounds, .. } => grounds.as_ref()?.policy.as_ref()?.entry,
        _ => None,
    }
}

fn is_end(event: &Event) -> bool {
    matches!(event.body, Body::Ended { .. })
}
