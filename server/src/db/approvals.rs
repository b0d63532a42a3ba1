//! Votes, policies and reviews.

use anyhow::Context as _;
use async_trait::async_trait;
use requorum_shared::approval::AcceptedWarning;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::Database;
use super::ledger::signed;
use super::write_tx::WriteTx;
use crate::plans::approvals::{
    ApprovalStore, PolicyChange, PolicyChanged, Proposal, Review, SetPolicy, Vote,
};
use crate::plans::store::{Decision, PlanState};

/// What [`review`] reads.
macro_rules! reviews {
    () => {
        "SELECT reviews.id, reviews.plan_id, plans.hash, plans.outcome, COALESCE(jobs.id, ''), broken_by_id, \
         broken_by, broken_ms, reviews.reason, closed_by, closed_ms, note, plans.cluster, reviews.entry, \
         reviews.accepted_json, plans.number FROM reviews \
         JOIN plans ON plans.id = reviews.plan_id LEFT JOIN jobs ON jobs.plan_id = reviews.plan_id "
    };
}

pub(super) const REVIEWS: &str = reviews!();

/// The policies that bear on one cluster, as [`policy`] reads them.
const POLICIES_ON: &str = "SELECT cluster, policy_json, set_by, set_ms, entry FROM policies \
                           WHERE cluster IN ($1, '') ORDER BY cluster";

#[async_trait]
impl ApprovalStore for Database {
    async fn add_vote(&self, plan_id: &str, vote: &Vote) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "INSERT INTO plan_votes (plan_id, user_id, \"user\", plan_hash, at_ms, entry, accepted_json) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        )
        .bind(plan_id)
        .bind(&vote.user_id)
        .bind(&vote.user)
        .bind(&vote.plan_hash)
        .bind(vote.at_ms)
        .bind(vote.entry.map(signed))
        .bind(json(vote.accepted.as_deref())?)
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() != 1 {
            return Ok(false);
        }
        tx.mark(None, None).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn votes(&self, plan_id: &str) -> anyhow::Result<Vec<Vote>> {
        sqlx::query(
            "SELECT user_id, \"user\", plan_hash, at_ms, entry, accepted_json FROM plan_votes WHERE plan_id = $1 \
             ORDER BY at_ms, user_id",
        )
        .bind(plan_id)
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(vote)
        .collect()
    }

    async fn policies(&self) -> anyhow::Result<Vec<SetPolicy>> {
        sqlx::query(
            "SELECT cluster, policy_json, set_by, set_ms, entry FROM policies ORDER BY cluster",
        )
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(policy)
        .collect()
    }

    async fn policies_on(&self, cluster: &str) -> anyhow::Result<Vec<SetPolicy>> {
        sqlx::query(POLICIES_ON)
            .bind(cluster)
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(policy)
            .collect()
    }

    async fn change_policy(&self, change: &PolicyChange) -> anyhow::Result<PolicyChanged> {
        let mut tx = self.begin().await?;
        // Whether it asks for less was judged before the lock was taken: another change may have come first.
        let there: Vec<_> = sqlx::query(POLICIES_ON)
            .bind(&change.cluster)
            .fetch_all(&mut *tx)
            .await?
            .iter()
            .map(policy)
            .collect::<anyhow::Result<_>>()?;
        if there != change.judged {
            return Ok(PolicyChanged::Meanwhile);
        }
        match &change.set {
            Some(set) => upsert(&mut tx, set).await?,
            None => {
                let done = sqlx::query("DELETE FROM policies WHERE cluster = $1")
                    .bind(&change.cluster)
                    .execute(&mut *tx)
                    .await?;
                if done.rows_affected() != 1 {
                    return Ok(PolicyChanged::Missing);
                }
            }
        }
        sqlx::query("DELETE FROM policy_proposals WHERE cluster = $1 AND in_force = 0")
            .bind(&change.cluster)
            .execute(&mut *tx)
            .await?;
        if let Some(listed) = &change.listed {
            list_proposal(&mut tx, listed).await?;
        }
        tx.mark(None, None).await?;
        tx.commit().await?;
        Ok(PolicyChanged::Done)
    }

    async fn proposals(&self) -> anyhow::Result<Vec<Proposal>> {
        sqlx::query(
            "SELECT id, cluster, policy_json, by_id, by_name, at_ms, in_force FROM policy_proposals ORDER BY cluster, in_force",
        )
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(|row| {
            let policy: Option<String> = row.try_get(2)?;
            let policy = policy.map(|json| serde_json::from_str(&json)).transpose();
            Ok(Proposal {
                id: row.try_get(0)?,
                cluster: row.try_get(1)?,
                policy: policy.context("a proposed policy")?,
                by_id: row.try_get(3)?,
                by: row.try_get(4)?,
                at_ms: row.try_get(5)?,
                in_force: row.try_get::<i64, _>(6)? != 0,
            })
        })
        .collect()
    }

    async fn propose(&self, proposal: &Proposal) -> anyhow::Result<()> {
        let mut tx = self.begin().await?;
        list_proposal(&mut tx, proposal).await?;
        tx.mark(None, None).await?;
        Ok(tx.commit().await?)
    }

    async fn adopt_proposal(
        &self,
        proposal: &Proposal,
        set: Option<&SetPolicy>,
    ) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query("DELETE FROM policy_proposals WHERE id = $1")
            .bind(&proposal.id)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() != 1 {
            return Ok(false);
        }
        match set {
            _ if proposal.in_force => {}
            Some(set) => upsert(&mut tx, set).await?,
            None => {
                sqlx::query("DELETE FROM policies WHERE cluster = $1")
                    .bind(&proposal.cluster)
                    .execute(&mut *tx)
                    .await?;
            }
        }
        tx.mark(None, None).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn drop_proposal(&self, id: &str) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query("DELETE FROM policy_proposals WHERE id = $1")
            .bind(id)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() != 1 {
            return Ok(false);
        }
        tx.mark(None, None).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn break_glass(
        &self,
        from: PlanState,
        decision: &Decision,
        review: &Review,
    ) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE plans SET state = $1, decided_by = $2, decided_ms = $3, reason = $4 WHERE id = $5 AND state = $6",
        )
        .bind(decision.state.word())
        .bind(&decision.by)
        .bind(decision.at_ms)
        .bind(&decision.reason)
        .bind(&review.plan_id)
        .bind(from.word())
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() != 1 {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO reviews (id, plan_id, broken_by_id, broken_by, broken_ms, reason, entry, accepted_json) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&review.id)
        .bind(&review.plan_id)
        .bind(&review.broken_by_id)
        .bind(&review.broken_by)
        .bind(review.broken_ms)
        .bind(&review.reason)
        .bind(review.entry.map(signed))
        .bind(json(review.accepted.as_deref())?)
        .execute(&mut *tx)
        .await?;
        tx.mark(None, None).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn review_of(&self, plan_id: &str) -> anyhow::Result<Option<Review>> {
        sqlx::query(concat!(reviews!(), "WHERE reviews.plan_id = $1"))
            .bind(plan_id)
            .fetch_optional(&self.pool)
            .await?
            .as_ref()
            .map(review)
            .transpose()
    }

    async fn close_review(
        &self,
        id: &str,
        by: &str,
        at_ms: i64,
        note: &str,
    ) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE reviews SET closed_by = $1, closed_ms = $2, note = $3 WHERE id = $4 AND closed_ms = 0",
        )
        .bind(by)
        .bind(at_ms)
        .bind(note)
        .bind(id)
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() != 1 {
            return Ok(false);
        }
        // In the same moment: nobody starts what was looked into and found not to have been run.
        sqlx::query(
            "UPDATE plans SET state = 'rejected', decided_by = $1, decided_ms = $2, reason = $3 \
             WHERE id = (SELECT plan_id FROM reviews WHERE reviews.id = $4) AND state IN ('sealed', 'approved')",
        )
        .bind(by)
        .bind(at_ms)
        .bind(format!("Its review was closed before it was run: {note}"))
        .bind(id)
        .execute(&mut *tx)
        .await?;
        tx.mark(None, None).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// The index of an entry of the ledger.
fn entry(row: &AnyRow, column: usize) -> anyhow::Result<Option<u64>> {
    let index: Option<i64> = row.try_get(column)?;
    Ok(index.map(u64::try_from).transpose()?)
}

/// Accepted warnings as they are kept.
fn json(accepted: Option<&[AcceptedWarning]>) -> serde_json::Result<Option<String>> {
    accepted.map(serde_json::to_string).transpose()
}

fn accepted(row: &AnyRow, column: usize) -> anyhow::Result<Option<Vec<AcceptedWarning>>> {
    let json: Option<String> = row.try_get(column)?;
    let read = json.map(|json| serde_json::from_str(&json)).transpose();
    read.context("the warnings that were accepted with an approval")
}

async fn upsert(tx: &mut WriteTx, policy: &SetPolicy) -> anyhow::Result<()> {
    sqlx::query(
        "INSERT INTO policies (cluster, policy_json, set_by, set_ms, entry) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (cluster) DO UPDATE SET policy_json = $2, set_by = $3, set_ms = $4, entry = $5",
    )
    .bind(&policy.cluster)
    .bind(serde_json::to_string(&policy.policy)?)
    .bind(&policy.by)
    .bind(policy.at_ms)
    .bind(policy.entry.map(signed))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn list_proposal(tx: &mut WriteTx, proposal: &Proposal) -> anyhow::Result<()> {
    let policy = proposal.policy.as_ref().map(serde_json::to_string);
    sqlx::query(
        "INSERT INTO policy_proposals (cluster, id, policy_json, by_id, by_name, at_ms, in_force) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (cluster, in_force) DO UPDATE SET id = $2, \
         policy_json = $3, by_id = $4, by_name = $5, at_ms = $6",
    )
    .bind(&proposal.cluster)
    .bind(&proposal.id)
    .bind(policy.transpose()?)
    .bind(&proposal.by_id)
    .bind(&proposal.by)
    .bind(proposal.at_ms)
    .bind(i64::from(proposal.in_force))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn policy(row: &AnyRow) -> anyhow::Result<SetPolicy> {
    let cluster: String = row.try_get(0)?;
    let policy: &str = row.try_get(1)?;
    Ok(SetPolicy {
        policy: serde_json::from_str(policy)
            .with_context(|| format!("the stored policy of `{cluster}`"))?,
        cluster,
        by: row.try_get(2)?,
        at_ms: row.try_get(3)?,
        entry: entry(row, 4)?,
    })
}

pub(super) fn vote(row: &AnyRow) -> anyhow::Result<Vote> {
    Ok(Vote {
        user_id: row.try_get(0)?,
        user: row.try_get(1)?,
        plan_hash: row.try_get(2)?,
        at_ms: row.try_get(3)?,
        entry: entry(row, 4)?,
        accepted: accepted(row, 5)?,
    })
}

pub(super) fn review(row: &AnyRow) -> anyhow::Result<Review> {
    Ok(Review {
        id: row.try_get(0)?,
        plan_id: row.try_get(1)?,
        plan_hash: row.try_get(2)?,
        outcome: row.try_get(3)?,
        job_id: row.try_get(4)?,
        broken_by_id: row.try_get(5)?,
        broken_by: row.try_get(6)?,
        broken_ms: row.try_get(7)?,
        reason: row.try_get(8)?,
        closed_by: row.try_get(9)?,
        closed_ms: row.try_get(10)?,
        note: row.try_get(11)?,
        cluster: row.try_get(12)?,
        entry: entry(row, 13)?,
        accepted: accepted(row, 14)?,
        number: u64::try_from(row.try_get::<i64, _>(15)?)?,
    })
}
