//! Plans.

use anyhow::Context;
use async_trait::async_trait;
use requorum_shared::approval::Reversibility;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::Database;
use super::ledger::signed;
use super::pages::brief;
use crate::plans::store::{Added, Decision, InputKind, PlanInput, PlanRow, PlanState, PlanStore};

/// What [`plan`] reads.
macro_rules! plan_columns {
    () => {
        "SELECT plans.id, hash, outcome, plans.author_id, author, sealed_ms, expires_ms, plans.state, decided_by, \
         decided_ms, plans.reason, COALESCE((SELECT jobs.id FROM jobs WHERE jobs.plan_id = plans.id), ''), \
         CASE WHEN EXISTS (SELECT 1 FROM reviews WHERE reviews.plan_id = plans.id) THEN 1 ELSE 0 END, \
         plans.cluster, plans.entry, plans.weight, COALESCE((SELECT jobs.started_by FROM jobs \
         WHERE jobs.plan_id = plans.id), ''), plans.number, plans.file_names, plans.headline_json, \
         plans.target"
    };
}
pub(super) use plan_columns;

/// All of them.
pub(super) const PLANS: &str = concat!(plan_columns!(), " FROM plans ");

#[async_trait]
impl PlanStore for Database {
    async fn add_plan(
        &self,
        plan: &PlanRow,
        plan_json: &str,
        most_open: u32,
    ) -> anyhow::Result<Added> {
        let mut tx = self.begin().await?;
        let open = sqlx::query(
            "SELECT COUNT(*) FROM plans WHERE author_id = $1 AND state IN ('sealed', 'approved') AND expires_ms > $2",
        )
        .bind(&plan.author_id)
        .bind(plan.sealed_ms)
        .fetch_one(&mut *tx)
        .await?;
        if open.try_get::<i64, _>(0)? >= i64::from(most_open) {
            return Ok(Added::TooMany);
        }
        for input in plan.inputs.iter().filter(|i| i.kind == InputKind::File) {
            let removed: i64 =
                sqlx::query("SELECT COUNT(*) FROM files WHERE id = $1 AND removed_ms > 0")
                    .bind(&input.id)
                    .fetch_one(&mut *tx)
                    .await?
                    .try_get(0)?;
            if removed > 0 {
                return Ok(Added::FileRemoved(input.id.clone()));
            }
        }
        let number: i64 =
            sqlx::query("SELECT COALESCE(MAX(number), 0) + 1 FROM plans WHERE number > 0")
                .fetch_one(&mut *tx)
                .await?
                .try_get(0)?;
        sqlx::query(
            "INSERT INTO plans (id, hash, outcome, author_id, author, sealed_ms, expires_ms, state, cluster, entry, \
             weight, number, file_names, headline_json, headline_number, target) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        )
        .bind(&plan.id)
        .bind(&plan.hash)
        .bind(&plan.outcome)
        .bind(&plan.author_id)
        .bind(&plan.author)
        .bind(plan.sealed_ms)
        .bind(plan.expires_ms)
        .bind(plan.state.word())
        .bind(&plan.cluster)
        .bind(plan.entry.map(signed))
        .bind(plan.weight.word())
        .bind(number)
        .bind(plan.brief.files())
        .bind(serde_json::to_string(&plan.brief.outline.headline)?)
        .bind(plan.brief.headline_number())
        .bind(&plan.brief.outline.target)
        .execute(&mut *tx)
        .await?;
        sqlx::query("INSERT INTO plan_documents (plan_id, plan_json) VALUES ($1, $2)")
            .bind(&plan.id)
            .bind(plan_json)
            .execute(&mut *tx)
            .await?;
        for (position, input) in (0_i64..).zip(&plan.inputs) {
            sqlx::query(
                "INSERT INTO plan_inputs (plan_id, position, kind, id, sealed_ms, cluster) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(&plan.id)
            .bind(position)
            .bind(input.kind.word())
            .bind(&input.id)
            .bind(plan.sealed_ms)
            .bind(&plan.cluster)
            .execute(&mut *tx)
            .await?;
        }
        tx.mark(None, None).await?;
        tx.commit().await?;
        Ok(Added::Sealed(u64::try_from(number)?))
    }

    async fn plan(&self, id: &str) -> anyhow::Result<Option<(PlanRow, String)>> {
        let row = sqlx::query(
            "SELECT plans.id, hash, outcome, plans.author_id, author, sealed_ms, expires_ms, plans.state, decided_by, \
             decided_ms, plans.reason, COALESCE(jobs.id, ''), \
             CASE WHEN EXISTS (SELECT 1 FROM reviews WHERE reviews.plan_id = plans.id) THEN 1 ELSE 0 END, \
             plans.cluster, plans.entry, plans.weight, COALESCE(jobs.started_by, ''), plans.number, plans.file_names, \
             plans.headline_json, plans.target, plan_json FROM plans \
             JOIN plan_documents ON plan_documents.plan_id = plans.id LEFT JOIN jobs ON jobs.plan_id = plans.id WHERE plans.id = $1",
        )
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let mut plan = plan(&row)?;
        plan.inputs = self.inputs(id).await?;
        Ok(Some((plan, row.try_get(21)?)))
    }

    async fn decide_plan(
        &self,
        id: &str,
        from: PlanState,
        decision: &Decision,
    ) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE plans SET state = $1, decided_by = $2, decided_ms = $3, reason = $4 WHERE id = $5 AND state = $6",
        )
        .bind(decision.state.word())
        .bind(&decision.by)
        .bind(decision.at_ms)
        .bind(&decision.reason)
        .bind(id)
        .bind(from.word())
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() != 1 {
            return Ok(false);
        }
        // What else is decided about a plan follows from something else.
        if matches!(
            decision.state,
            PlanState::Rejected | PlanState::Withdrawn | PlanState::Invalidated
        ) {
            tx.mark(None, None).await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}

pub(super) fn plan(row: &AnyRow) -> anyhow::Result<PlanRow> {
    let state: &str = row.try_get(7)?;
    Ok(PlanRow {
        id: row.try_get(0)?,
        hash: row.try_get(1)?,
        outcome: row.try_get(2)?,
        author_id: row.try_get(3)?,
        author: row.try_get(4)?,
        sealed_ms: row.try_get(5)?,
        expires_ms: row.try_get(6)?,
        state: PlanState::from_word(state)
            .with_context(|| format!("a plan is in the unknown state `{state}`"))?,
        decided_by: row.try_get(8)?,
        decided_ms: row.try_get(9)?,
        reason: row.try_get(10)?,
        inputs: Vec::new(),
        job_id: row.try_get(11)?,
        broke_glass: row.try_get::<i64, _>(12)? != 0,
        cluster: row.try_get(13)?,
        entry: row
            .try_get::<Option<i64>, _>(14)?
            .map(u64::try_from)
            .transpose()?,
        weight: Reversibility::from_word(row.try_get(15)?).unwrap_or(Reversibility::Destructive),
        run_by: row.try_get(16)?,
        brief: brief(row, 17)?,
    })
}

impl Database {
    async fn inputs(&self, plan_id: &str) -> anyhow::Result<Vec<PlanInput>> {
        sqlx::query("SELECT kind, id FROM plan_inputs WHERE plan_id = $1 ORDER BY position")
            .bind(plan_id)
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(|row| {
                let kind: &str = row.try_get(0)?;
                Ok(PlanInput {
                    kind: InputKind::from_word(kind)
                        .with_context(|| format!("a plan rests on the unknown kind `{kind}`"))?,
                    id: row.try_get(1)?,
                })
            })
            .collect()
    }
}
