//! The journal as the engine needs it: append-only, one owner per job.

use async_trait::async_trait;
use requorum_shared::job::events::{Body, Event, Occurrence};
use requorum_shared::recovery::{Request, TargetDir};
use serde::Deserialize;

use crate::plans::brief::Brief;

/// A job's row. What happened to it is in its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRow {
    /// Random.
    pub id: String,
    /// The plan that it carries out.
    pub plan_id: String,
    /// The sealed plan.
    pub plan_json: String,
    /// The hash under which it was sealed and approved.
    pub plan_hash: String,
    /// The plan's cluster; empty for none.
    pub cluster: String,
    /// Whether somebody let the plan be run without approval.
    pub broke_glass: bool,
    /// Who started it.
    pub started_by: String,
    /// Milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// That of its plan.
    pub brief: Brief,
}

/// What creating a job came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// The job is there.
    Yes,
    /// The plan has a job already; this is its id.
    HasJob(String),
    /// The plan is not approved any more.
    NotApproved,
    /// A job that is not over works on the same target.
    TargetTaken(Holder),
}

/// A job that works on a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The job's id.
    pub id: String,
    /// Its plan's cluster; empty for none.
    pub cluster: String,
    /// Who started it.
    pub started_by: String,
    /// Its target.
    pub target: TargetDir,
}

/// Where the job of a sealed plan puts something, if that is a folder that other jobs could reach.
pub fn target_of(plan_json: &str) -> Option<TargetDir> {
    #[derive(Deserialize)]
    struct Asked {
        request: Request,
    }
    let plan: Asked = serde_json::from_str(plan_json).ok()?;
    plan.request.target()
}

/// Whether two targets are the same, or one lies in the other.
pub type Same<'a> = &'a (dyn Fn(&TargetDir, &TargetDir) -> bool + Sync);

/// A part of a job's journal, and whether it is the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The entries, oldest first.
    pub events: Vec<Event>,
    /// Whether the job was over: nothing comes after these.
    pub over: bool,
}

/// The wish to be the one who carries a job out.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// Who.
    pub owner: &'a str,
    /// The time, in milliseconds since the Unix epoch. A database that is shared goes by its own clock instead.
    pub now_ms: i64,
    /// For how long from now.
    pub lease_ms: i64,
}

/// Who writes an entry.
#[derive(Debug, Clone, Copy)]
pub enum Writer<'a> {
    /// The server that carries the job out; refused once it is no longer the owner.
    Owner(&'a str),
    /// The same, after attempts at these times, in milliseconds since the Unix epoch, that nobody confirmed: a database
    /// that goes away may have written what it did not confirm. Such an entry is given, and not written again.
    OwnerAgain(&'a str, &'a [i64]),
    /// The same server, for what it decided by the journal up to an entry; refused when there are newer ones.
    OwnerWhoSaw {
        /// The server.
        owner: &'a str,
        /// The last entry that it knew.
        saw: u64,
        /// Earlier attempts that nobody confirmed, as with [`Writer::OwnerAgain`].
        tried_ms: &'a [i64],
    },
    /// A person who saw the journal up to this entry; refused when there are newer ones, and once it is closed.
    PersonWhoSaw(u64),
    /// The same after the job's end, for the hand-over; refused when there are newer entries, and before the end.
    PersonAfterEnd(u64),
}

/// Jobs and their journals.
#[async_trait]
pub trait JobLog: Send + Sync {
    /// Makes the job of an approved plan, with its first entry and its first owner, and marks the plan as used: all
    /// or nothing. Refused while a job that is not over has a target that is the `same`.
    async fn create(
        &self,
        job: &JobRow,
        first: &Body,
        claim: Claim<'_>,
        same: Same<'_>,
    ) -> anyhow::Result<Created>;
    /// The job that is not over and has the same target.
    async fn holder(&self, target: &TargetDir, same: Same<'_>) -> anyhow::Result<Option<Holder>>;
    /// One job.
    async fn job(&self, id: &str) -> anyhow::Result<Option<JobRow>>;
    /// The ids of jobs that are not over.
    async fn open_jobs(&self) -> anyhow::Result<Vec<String>>;
    /// The entries newer than `since`, oldest first.
    async fn events(&self, id: &str, since: u64) -> anyhow::Result<Vec<Event>>;
    /// The entries newer than `since`, and whether the job is over, as of one moment: an entry that is written
    /// meanwhile is among them, or the job is not over. A job that is not there is over.
    async fn read(&self, id: &str, since: u64) -> anyhow::Result<Read> {
        // The state first: a job that is over stays over, and has all its entries by then.
        let over = self.is_over(id).await?;
        let events = self.events(id, since).await?;
        Ok(Read { events, over })
    }
    /// Whether the job is over, or not there.
    async fn is_over(&self, id: &str) -> anyhow::Result<bool>;
    /// Appends an entry. `None` when the writer may not.
    async fn append(
        &self,
        id: &str,
        at_ms: i64,
        what: &Occurrence,
        writer: Writer<'_>,
    ) -> anyhow::Result<Option<Event>>;
    /// Makes somebody the one who carries the job out, if nobody else is.
    async fn claim(&self, id: &str, claim: Claim<'_>) -> anyhow::Result<bool>;
    /// The ids of jobs that are not over and that nobody carries out.
    async fn abandoned(&self, now_ms: i64) -> anyhow::Result<Vec<String>>;
    /// Tells other servers of an event that is not kept. It may be lost.
    fn notify_ephemeral(&self, id: &str, event: &Event);
    /// Takes no more entries of persons from now on, if the owner is this one and the journal ends at `saw`; whether
    /// that is so now.
    async fn close_journal(&self, id: &str, owner: &str, saw: u64) -> anyhow::Result<bool>;
    /// Gives the job up.
    async fn release(&self, id: &str, owner: &str) -> anyhow::Result<()>;
    /// Takes all jobs from whoever had them. Only right when nobody else can be alive, as the lock on the data
    /// directory says.
    async fn release_all(&self) -> anyhow::Result<()>;
}
