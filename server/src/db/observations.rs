//! Observations.

use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::Database;
use crate::observations::{Observation, ObservationStore};

/// For how long those are kept that a newer one follows and no plan rests on, in milliseconds.
const KEPT_MS: i64 = 10 * 60_000;

#[async_trait]
impl ObservationStore for Database {
    async fn add_observation(&self, observation: &Observation) -> anyhow::Result<()> {
        let sources = serde_json::to_string(&observation.sources)?;
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO observations (id, kind, subject, taken_ms, place, sources_json, body_json) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&observation.id)
        .bind(&observation.kind)
        .bind(&observation.subject)
        .bind(observation.taken_ms)
        .bind(&observation.place)
        .bind(sources)
        .bind(&observation.body_json)
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            // A plan that is being sealed may be about to rest on one that is hardly older.
            "DELETE FROM observations WHERE subject = $1 AND kind = $2 AND taken_ms < $3 \
             AND NOT EXISTS (SELECT 1 FROM plan_inputs WHERE plan_inputs.id = observations.id)",
        )
        .bind(&observation.subject)
        .bind(&observation.kind)
        .bind(observation.taken_ms.saturating_sub(KEPT_MS))
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }

    async fn newest_observation(
        &self,
        kind: &str,
        subject: &str,
    ) -> anyhow::Result<Option<Observation>> {
        let row = sqlx::query(
            "SELECT id, kind, subject, taken_ms, place, sources_json, body_json FROM observations \
             WHERE subject = $1 AND kind = $2 ORDER BY taken_ms DESC, id LIMIT 1",
        )
        .bind(subject)
        .bind(kind)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(observation).transpose()
    }

    async fn observation(&self, id: &str) -> anyhow::Result<Option<Observation>> {
        let row = sqlx::query(
            "SELECT id, kind, subject, taken_ms, place, sources_json, body_json FROM observations WHERE id = $1",
        )
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(observation).transpose()
    }
}

fn observation(row: &AnyRow) -> anyhow::Result<Observation> {
    Ok(Observation {
        id: row.try_get(0)?,
        kind: row.try_get(1)?,
        subject: row.try_get(2)?,
        taken_ms: row.try_get(3)?,
        place: row.try_get(4)?,
        sources: serde_json::from_str(row.try_get(5)?)?,
        body_json: row.try_get(6)?,
    })
}
