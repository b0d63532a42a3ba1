//! Plans as lists show them.

use async_trait::async_trait;
use requorum_shared::approval::Weight;

use super::store::{PlanRow, PlanState};
use crate::paging::{Clusters, Slice, Tally};

/// Which plans. One whose time is over counts as expired.
#[derive(Debug, Clone)]
pub struct PlanFilter {
    /// Of these clusters.
    pub clusters: Clusters,
    /// In one of these states; all when there is none.
    pub states: Vec<PlanState>,
    /// Where it is not empty: only those that rest on the file or observation with this id.
    pub input: String,
    /// Where it is not empty: only the one with this hash.
    pub hash: String,
    /// Where it is not empty: only those that this account sealed.
    pub author_id: String,
    /// Where it is not empty: only those whose sealed text has this in it. Letters and digits, nothing else.
    pub naming: String,
    /// Only those that a job carries out now.
    pub under_way: bool,
    /// The time, milliseconds since the Unix epoch.
    pub now_ms: i64,
}

impl PlanFilter {
    /// All that belong to these clusters.
    pub fn of(clusters: Clusters, now_ms: i64) -> Self {
        Self {
            clusters,
            states: Vec::new(),
            input: String::new(),
            hash: String::new(),
            author_id: String::new(),
            naming: String::new(),
            under_way: false,
            now_ms,
        }
    }

    /// Whether it asks for nothing but what they rest on, and their clusters.
    pub fn is_by_input_alone(&self) -> bool {
        let empty = [&self.hash, &self.author_id, &self.naming];
        !self.input.is_empty()
            && self.states.is_empty()
            && !self.under_way
            && empty.into_iter().all(String::is_empty)
    }

    /// Those that a job carries out now.
    pub fn under_way(clusters: Clusters, now_ms: i64) -> Self {
        Self {
            under_way: true,
            ..Self::of(clusters, now_ms)
        }
    }

    /// Those that can still come to be run.
    pub fn open(clusters: Clusters, now_ms: i64) -> Self {
        Self {
            states: vec![PlanState::Sealed, PlanState::Approved],
            ..Self::of(clusters, now_ms)
        }
    }
}

/// Plans that can still come to be run and that wait for the same people: whatever is judged of one holds for all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenGroup {
    /// Their cluster; empty for none.
    pub cluster: String,
    /// What they can do that nobody can take back.
    pub weight: Weight,
    /// Who sealed them.
    pub author_id: String,
    /// The accounts that approved each of them, in order.
    pub voters: Vec<String>,
    /// Whether they were let run without approval.
    pub broke_glass: bool,
    /// How many.
    pub count: u64,
}

/// Plans in lists.
#[async_trait]
pub trait PlanList: Send + Sync {
    /// Some of them, the newest first.
    async fn plan_rows(&self, filter: &PlanFilter, slice: &Slice) -> anyhow::Result<Vec<PlanRow>>;
    /// How many fit.
    async fn count_plans(&self, filter: &PlanFilter) -> anyhow::Result<u64>;
    /// How many there are of each cluster and state.
    async fn tally_plans(&self, now_ms: i64) -> anyhow::Result<Vec<Tally>>;
    /// All that can still come to be run, by what they wait for.
    async fn open_groups(&self, now_ms: i64) -> anyhow::Result<Vec<OpenGroup>>;
    /// Some of those in these groups, the newest first. `most`: that is most of what can still come to be run, which
    /// says how to look for them.
    async fn rows_of_groups(
        &self,
        groups: &[OpenGroup],
        most: bool,
        now_ms: i64,
        slice: &Slice,
    ) -> anyhow::Result<Vec<PlanRow>>;
}
