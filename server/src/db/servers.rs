//! Processes at work on the database.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::Row as _;

use super::Database;
use super::sql::Sql;
use crate::servers::ServerStore;

#[async_trait]
impl ServerStore for Database {
    async fn beat(&self, id: &str) -> anyhow::Result<()> {
        let mut sql = Sql::new("INSERT INTO servers (id, seen_ms) VALUES (");
        sql.bind(id)?.push(", ").push(self.dialect.now_ms());
        sql.push(") ON CONFLICT (id) DO UPDATE SET seen_ms = excluded.seen_ms");
        sql.query().execute(&self.pool).await?;
        Ok(())
    }

    async fn leave(&self, id: &str) -> anyhow::Result<()> {
        // Whoever leaves acts open has not ended well, and is found to be gone.
        sqlx::query(
            "DELETE FROM servers WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM ledger_open WHERE writer = $1)",
        )
        .bind(id)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn gone(&self, after: Duration) -> anyhow::Result<Vec<String>> {
        let mut sql = Sql::new("DELETE FROM servers WHERE seen_ms < ");
        sql.push(self.dialect.now_ms()).push(" - ");
        sql.bind(i64::try_from(after.as_millis())?)?;
        sql.query().execute(&self.pool).await?;
        sqlx::query(
            "SELECT DISTINCT writer FROM ledger_open WHERE writer NOT IN (SELECT id FROM servers)",
        )
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(|row| Ok(row.try_get(0)?))
        .collect()
    }
}
