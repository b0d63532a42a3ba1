//! Files that are removed: their rows stay, their bytes go.

use async_trait::async_trait;
use sqlx::Row as _;

use super::Database;
use crate::files::removals::{Removal, RemovalStore, Removing};

/// A deletion that began so long ago is not under way any more, in milliseconds.
const DELETION_ENDS_MS: i64 = 5 * 60_000;

#[async_trait]
impl RemovalStore for Database {
    async fn remove_file(&self, removing: &Removing<'_>) -> anyhow::Result<Removal> {
        let mut tx = self.begin().await?;
        let row = sqlx::query("SELECT cluster, removed_ms FROM files WHERE id = $1")
            .bind(removing.id)
            .fetch_optional(&mut *tx)
            .await?;
        let Some(row) = row else {
            return Ok(Removal::Unknown);
        };
        if row.try_get::<i64, _>(1)? > 0 {
            return Ok(Removal::Already);
        }
        if row.try_get::<&str, _>(0)? != removing.cluster {
            return Ok(Removal::OtherCluster);
        }
        // Whoever seals a plan or starts a job takes the same lock: what is not there now cannot come to be before the
        // row says that the file is removed, and is refused then.
        let needed: i64 = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM plans WHERE state IN ('sealed', 'approved') AND expires_ms > $2 \
             AND id IN (SELECT plan_id FROM plan_inputs WHERE id = $1)) + (SELECT COUNT(*) FROM jobs WHERE over = 0 \
             AND plan_id IN (SELECT plan_id FROM plan_inputs WHERE id = $1))",
        )
        .bind(removing.id)
        .bind(removing.now_ms)
        .fetch_one(&mut *tx)
        .await?
        .try_get(0)?;
        if needed > 0 {
            return Ok(Removal::Needed);
        }
        sqlx::query("UPDATE files SET removed_ms = $1, removed_by = $2 WHERE id = $3")
            .bind(removing.now_ms.max(1))
            .bind(removing.by)
            .bind(removing.id)
            .execute(&mut *tx)
            .await?;
        tx.mark(Some(&format!("file {}", removing.id)), None)
            .await?;
        tx.commit().await?;
        Ok(Removal::Done)
    }

    async fn to_release(&self) -> anyhow::Result<Vec<String>> {
        sqlx::query("SELECT id FROM files WHERE removed_ms > 0 AND has_bytes = 1 ORDER BY id")
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(|row| Ok(row.try_get(0)?))
            .collect()
    }

    async fn begin_release(&self, id: &str, now_ms: i64) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE files SET releasing_ms = $2 WHERE id = $1 AND removed_ms > 0 AND has_bytes = 1 \
             AND releasing_ms < $3 AND NOT EXISTS (SELECT 1 FROM uploads WHERE uploads.sha256 = $1)",
        )
        .bind(id)
        .bind(now_ms.max(1))
        .bind(now_ms.saturating_sub(DELETION_ENDS_MS).max(1))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    async fn end_release(&self, id: &str, deleted: bool) -> anyhow::Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE files SET releasing_ms = 0, has_bytes = $2 WHERE id = $1")
            .bind(id)
            .bind(i64::from(!deleted))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}
