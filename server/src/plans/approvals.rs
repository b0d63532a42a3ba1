//! What is remembered of approvals: votes, policies, and reviews of what was run without.

use async_trait::async_trait;
use requorum_shared::approval::{AcceptedWarning, Policy};

use super::store::{Decision, PlanState};

/// Somebody's approval of exactly one plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    /// The account's id.
    pub user_id: String,
    /// The account's name, then.
    pub user: String,
    /// The hash of the plan as it was read.
    pub plan_hash: String,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The entry of the ledger that opened the act; none for a vote of an earlier version.
    pub entry: Option<u64>,
    /// The plan's warnings that were accepted with it; none for a vote of an earlier version, which did not ask.
    pub accepted: Option<Vec<AcceptedWarning>>,
}

/// A policy and who set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetPolicy {
    /// The cluster it is for; empty for all that has none of its own.
    pub cluster: String,
    /// What it says.
    pub policy: Policy,
    /// Who set it.
    pub by: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The entry of the ledger that opened the act; none for a policy of an earlier version.
    pub entry: Option<u64>,
}

/// A change of the policy of one cluster, or of the one for everything.
#[derive(Debug, Clone)]
pub struct PolicyChange {
    /// The cluster; empty for all that has none of its own.
    pub cluster: String,
    /// What is set; none to take the cluster's own away.
    pub set: Option<SetPolicy>,
    /// What the change was judged against: the policies that bear on the cluster, as they were read.
    pub judged: Vec<SetPolicy>,
    /// What is listed with it until a second person has confirmed it.
    pub listed: Option<Proposal>,
}

/// What became of a change of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyChanged {
    /// It counts.
    Done,
    /// The cluster has no policy of its own that could be taken away.
    Missing,
    /// Other policies are there than those it was judged against.
    Meanwhile,
}

/// A policy that asks for less than the one in force, until a second person has confirmed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Random.
    pub id: String,
    /// The cluster it is for; empty for all that has none of its own. One for each
    /// waits at most, and one counts and is not confirmed.
    pub cluster: String,
    /// What it would be; none to take the cluster's own away.
    pub policy: Option<Policy>,
    /// The id of the account that wants it.
    pub by_id: String,
    /// That account's name.
    pub by: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Whether it counts already.
    pub in_force: bool,
}

/// A plan that was let run without approval, until somebody has looked into it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Review {
    /// Random.
    pub id: String,
    /// The plan.
    pub plan_id: String,
    /// Its hash.
    pub plan_hash: String,
    /// The plan's cluster; empty for none.
    pub cluster: String,
    /// The plan's number.
    pub number: u64,
    /// What the plan does, one sentence.
    pub outcome: String,
    /// The job that ran it; empty before.
    pub job_id: String,
    /// Who overrode the approval.
    pub broken_by_id: String,
    /// That account's name.
    pub broken_by: String,
    /// When, milliseconds since the Unix epoch.
    pub broken_ms: i64,
    /// Why, in that person's words.
    pub reason: String,
    /// Who closed the review; empty while it is open.
    pub closed_by: String,
    /// When; 0 while it is open.
    pub closed_ms: i64,
    /// What was found.
    pub note: String,
    /// The entry of the ledger that opened the act of breaking it; none for a review of an earlier version.
    pub entry: Option<u64>,
    /// The plan's warnings that were accepted with it; none for a review of an earlier version, which did not ask.
    pub accepted: Option<Vec<AcceptedWarning>>,
}

/// Approvals.
#[async_trait]
pub trait ApprovalStore: Send + Sync {
    /// Keeps a vote; `false` when that person has voted on that plan.
    async fn add_vote(&self, plan_id: &str, vote: &Vote) -> anyhow::Result<bool>;
    /// The votes on a plan, oldest first.
    async fn votes(&self, plan_id: &str) -> anyhow::Result<Vec<Vote>>;
    /// All policies that were set.
    async fn policies(&self) -> anyhow::Result<Vec<SetPolicy>>;
    /// Those that bear on a cluster: its own, and the one for everything.
    async fn policies_on(&self, cluster: &str) -> anyhow::Result<Vec<SetPolicy>>;
    /// Sets one or takes it away, if what it was judged against is still what is there. The proposal that waits for
    /// the cluster is forgotten with it.
    async fn change_policy(&self, change: &PolicyChange) -> anyhow::Result<PolicyChanged>;
    /// All proposals.
    async fn proposals(&self) -> anyhow::Result<Vec<Proposal>>;
    /// Keeps one, instead of another for the same cluster that waits or counts as it does.
    async fn propose(&self, proposal: &Proposal) -> anyhow::Result<()>;
    /// Forgets a proposal, and sets the policy, or where there is none takes the cluster's own away; both or neither.
    /// One that counts already is only forgotten. `false` when it is gone.
    async fn adopt_proposal(
        &self,
        proposal: &Proposal,
        set: Option<&SetPolicy>,
    ) -> anyhow::Result<bool>;
    /// Forgets the one with this id; `false` when it is gone.
    async fn drop_proposal(&self, id: &str) -> anyhow::Result<bool>;
    /// Lets a plan be run and opens its review, both or neither; `false` when the plan is not in state `from` any
    /// more.
    async fn break_glass(
        &self,
        from: PlanState,
        decision: &Decision,
        review: &Review,
    ) -> anyhow::Result<bool>;
    /// The review of a plan.
    async fn review_of(&self, plan_id: &str) -> anyhow::Result<Option<Review>>;
    /// Closes a review, and rejects its plan if that can still be run; `false` when it is closed already, or there is
    /// none.
    async fn close_review(
        &self,
        id: &str,
        by: &str,
        at_ms: i64,
        note: &str,
    ) -> anyhow::Result<bool>;
}
