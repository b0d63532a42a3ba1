//! The latest time that was seen, and what ends for good by it.

use async_trait::async_trait;
use sqlx::Row as _;

use super::Database;
use crate::clock::kept::TimeStore;

#[async_trait]
impl TimeStore for Database {
    async fn latest_time(&self) -> anyhow::Result<Option<i64>> {
        let row = sqlx::query("SELECT at_ms FROM latest_time")
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    async fn set_latest_time(&self, ms: i64) -> anyhow::Result<()> {
        sqlx::query(
            "INSERT INTO latest_time (only_one, at_ms) VALUES (1, $1) ON CONFLICT (only_one) DO UPDATE SET at_ms = $1",
        )
        .bind(ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn end_by(&self, ms: i64) -> anyhow::Result<()> {
        let mut tx = self.begin().await?;
        for statement in [
            "DELETE FROM sessions WHERE expires_ms <= $1",
            "DELETE FROM password_links WHERE expires_ms <= $1",
            "UPDATE api_tokens SET over = 1 WHERE expires_ms <= $1 AND over = 0",
            "UPDATE plans SET state = 'expired', decided_by = '', decided_ms = $1, reason = 'It was not run in time, \
             and the clock was set back since.' WHERE expires_ms <= $1 AND state IN ('sealed', 'approved')",
        ] {
            sqlx::query(statement).bind(ms).execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }
}
