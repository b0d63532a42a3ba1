//! Failed attempts to come in.

use async_trait::async_trait;
use sqlx::Row as _;

use super::Database;
use crate::auth::store::{FailureStore, Failures};

#[async_trait]
impl FailureStore for Database {
    async fn failures(&self, who: &str, now_ms: i64) -> anyhow::Result<Failures> {
        let row = sqlx::query("SELECT count, last_ms FROM login_failures WHERE who = $1")
            .bind(who)
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else {
            return Ok(Failures::default());
        };
        let last_ms: i64 = row.try_get(1)?;
        if last_ms > now_ms {
            sqlx::query("UPDATE login_failures SET last_ms = $1 WHERE who = $2 AND last_ms > $1")
                .bind(now_ms)
                .bind(who)
                .execute(&self.pool)
                .await?;
        }
        Ok(Failures {
            count: u32::try_from(row.try_get::<i64, _>(0)?)?,
            last_ms: last_ms.min(now_ms),
        })
    }

    async fn add_failure(&self, who: &str, now_ms: i64, old_ms: i64) -> anyhow::Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM login_failures WHERE last_ms <= $1")
            .bind(old_ms)
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO login_failures (who, count, last_ms) VALUES ($1, 1, $2) ON CONFLICT (who) DO UPDATE SET \
             count = login_failures.count + 1, last_ms = excluded.last_ms",
        )
        .bind(who)
        .bind(now_ms)
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }

    async fn forget_failures(&self, who: &str) -> anyhow::Result<()> {
        sqlx::query("DELETE FROM login_failures WHERE who = $1")
            .bind(who)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
