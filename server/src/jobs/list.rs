//! Jobs as lists show them.

use async_trait::async_trait;

use super::digest::Summary;
use crate::paging::{Clusters, Slice, Tally};

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
}

/// Jobs in lists.
#[async_trait]
pub trait JobList: Send + Sync {
    /// Some of them, the newest first.
    async fn job_lines(&self, filter: &JobFilter, slice: &Slice) -> anyhow::Result<Vec<JobLine>>;
    /// How many fit.
    async fn count_jobs(&self, filter: &JobFilter) -> anyhow::Result<u64>;
    /// How many there are of each cluster and state.
    async fn tally_jobs(&self) -> anyhow::Result<Vec<Tally>>;
    /// How many of these clusters are not over.
    async fn count_open_jobs(&self, clusters: &Clusters) -> anyhow::Result<u64>;
    /// The jobs that are not over, the oldest first.
    async fn open_job_lines(&self) -> anyhow::Result<Vec<JobLine>>;
}
