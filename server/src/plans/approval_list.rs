//! Votes and reviews of many plans at once.

use async_trait::async_trait;

use super::approvals::{Review, Vote};
use crate::paging::{Clusters, Slice};

/// Which reviews.
#[derive(Debug, Clone)]
pub struct ReviewFilter {
    /// Of plans of these clusters.
    pub clusters: Clusters,
    /// Those that are closed; otherwise those that are open.
    pub closed: bool,
}

/// Open reviews of one cluster and of what one person did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewGroup {
    /// The plans' cluster; empty for none.
    pub cluster: String,
    /// Who overrode the approval.
    pub broken_by_id: String,
    /// How many.
    pub count: u64,
}

/// Votes and reviews in lists.
#[async_trait]
pub trait ApprovalList: Send + Sync {
    /// The votes on these plans, each with its plan's id, oldest first.
    async fn votes_on(&self, plan_ids: &[String]) -> anyhow::Result<Vec<(String, Vote)>>;
    /// The reviews of these plans.
    async fn reviews_on(&self, plan_ids: &[String]) -> anyhow::Result<Vec<Review>>;
    /// Some reviews, the newest first.
    async fn review_rows(
        &self,
        filter: &ReviewFilter,
        slice: &Slice,
    ) -> anyhow::Result<Vec<Review>>;
    /// How many fit.
    async fn count_reviews(&self, filter: &ReviewFilter) -> anyhow::Result<u64>;
    /// One review.
    async fn review(&self, id: &str) -> anyhow::Result<Option<Review>>;
    /// All that are open.
    async fn open_reviews(&self) -> anyhow::Result<Vec<ReviewGroup>>;
}
