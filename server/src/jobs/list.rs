//! Jobs as lists show them.

use async_trait::async_trait;
use requorum_shared::job::fold::JobState;

use super::digest::Summary;
use crate::paging::{Clusters, Cursor, Order, Slice, Tally, sort_name};
use crate::plans::brief::Brief;

/// A row of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobLine {
    /// The job's id.
    pub id: String,
    /// The plan that it carries out.
    pub plan_id: String,
    /// What the plan does, one sentence.
    pub title: String,
    /// The plan's cluster; empty for none.
    pub cluster: String,
    /// Whether somebody let the plan be run without approval.
    pub broke_glass: bool,
    /// Who started it.
    pub started_by: String,
    /// Milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// What its journal says.
    pub summary: Summary,
    /// That of its plan.
    pub brief: Brief,
}

/// What a list of jobs is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// When they were started.
    Started,
    /// Their clusters, then their numbers.
    Name,
    /// The files that they rest on.
    File,
    /// What they are at, by [`rank`].
    State,
    /// Who started them.
    By,
    /// When they ended.
    Ended,
}

impl Column {
    /// All of them, as the API names them.
    pub const ALL: [(&'static str, Self); 6] = [
        ("started", Self::Started),
        ("name", Self::Name),
        ("file", Self::File),
        ("state", Self::State),
        ("by", Self::By),
        ("ended", Self::Ended),
    ];
    /// The order where none is asked for.
    pub const USUAL: &'static str = "-started";
}

/// Where a state is in a list by state: what waits for a person first, what is over last.
pub fn rank(state: JobState) -> i64 {
    match state {
        JobState::Waiting => 0,
        JobState::Paused => 1,
        JobState::Undoing => 2,
        JobState::Running => 3,
        JobState::Queued => 4,
        JobState::Left => 5,
        JobState::Undone => 6,
        JobState::Completed => 7,
    }
}

/// Where a row is in a list of this order.
pub fn cursor(order: Order<Column>, line: &JobLine) -> Cursor {
    let id = &line.id;
    match order.by {
        Column::Started => Cursor::at(line.created_ms, id),
        Column::Name => Cursor::named(&sort_name(&line.cluster, line.brief.number), id),
        Column::File => Cursor::named(&line.brief.files(), id),
        Column::State => Cursor::at(rank(line.summary.state), id),
        Column::By => Cursor::named(&line.started_by, id),
        Column::Ended => Cursor::at(line.summary.ended_ms, id),
    }
}

/// Which jobs.
#[derive(Debug, Clone)]
pub struct JobFilter {
    /// Of these clusters.
    pub clusters: Clusters,
    /// In one of these states; all when there is none.
    pub states: Vec<String>,
    /// Where it is set: only those that ended at this time or later and have a verification that failed.
    pub failed_since_ms: Option<i64>,
    /// Where there are any: only those of these plans.
    pub plan_ids: Vec<String>,
    /// Only those that have each of these in what there is to read of them, in small letters.
    pub words: Vec<String>,
    /// In which order.
    pub order: Order<Column>,
}

impl JobFilter {
    /// All of these clusters, the newest first.
    pub fn of(clusters: Clusters) -> Self {
        Self {
            clusters,
            states: Vec::new(),
            failed_since_ms: None,
            plan_ids: Vec::new(),
            words: Vec::new(),
            order: Order {
                by: Column::Started,
                descending: true,
            },
        }
    }

    /// Whether it is the usual order of what need not be looked for.
    pub fn is_usual(&self) -> bool {
        self.words.is_empty() && self.order.by == Column::Started && self.order.descending
    }
}

/// Where a job puts what it makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The job's id.
    pub id: String,
    /// Its cluster; empty for none.
    pub cluster: String,
    /// The root of its target; empty for a download.
    pub root: String,
    /// The target below it.
    pub path: String,
}

/// What jobs that are not over are counted under.
pub const UNDER_WAY: &str = "under-way";
/// What jobs are counted under whose verification failed.
pub const FAILED: &str = "failed";

/// Jobs in lists.
#[async_trait]
pub trait JobList: Send + Sync {
    /// Some of them, in their order.
    async fn job_lines(&self, filter: &JobFilter, slice: &Slice) -> anyhow::Result<Vec<JobLine>>;
    /// Some of them, in their order, with how many fit in all: for a search, which looks at all of them anyway.
    async fn find_jobs(
        &self,
        filter: &JobFilter,
        slice: &Slice,
    ) -> anyhow::Result<(Vec<JobLine>, u64)>;
    /// How many fit.
    async fn count_jobs(&self, filter: &JobFilter) -> anyhow::Result<u64>;
    /// How many there are of each cluster and state.
    async fn tally_jobs(&self) -> anyhow::Result<Vec<Tally>>;
    /// How many of each cluster are not over ([`UNDER_WAY`]), are held by a person (by their states), and failed a check
    /// since this time ([`FAILED`]).
    async fn tally_attention(&self, failed_since_ms: i64) -> anyhow::Result<Vec<Tally>>;
    /// Where all jobs that did something put it, the newest first.
    async fn made(&self) -> anyhow::Result<Vec<Made>>;
    /// The jobs that are not over, the oldest first.
    async fn open_job_lines(&self) -> anyhow::Result<Vec<JobLine>>;
}
