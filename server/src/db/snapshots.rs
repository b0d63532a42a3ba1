//! Snapshots and uploads.

use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::Database;
use super::ledger::signed;
use crate::ledger;
use crate::snapshots::list::or_below;
use crate::snapshots::store::{Finished, Snapshot, SnapshotStore, UploadRow};

#[async_trait]
impl SnapshotStore for Database {
    async fn snapshots(&self) -> anyhow::Result<Vec<Snapshot>> {
        sqlx::query(
            "SELECT id, name, size, stored_ms, stored_by, origin, cluster, headline_json FROM snapshots \
             ORDER BY stored_ms DESC, id",
        )
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(snapshot)
        .collect()
    }

    async fn snapshot(&self, id: &str) -> anyhow::Result<Option<(Snapshot, String)>> {
        let row = sqlx::query(
            "SELECT id, name, size, stored_ms, stored_by, origin, cluster, headline_json, inspection_json \
             FROM snapshots WHERE id = $1",
        )
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| Ok((snapshot(&row)?, row.try_get(8)?)))
            .transpose()
    }

    async fn set_snapshot_cluster(&self, id: &str, from: &str, to: &str) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query("UPDATE snapshots SET cluster = $1 WHERE id = $2 AND cluster = $3")
            .bind(to)
            .bind(id)
            .bind(from)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() != 1 {
            return Ok(false);
        }
        tx.mark(None, None).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn add_upload(&self, upload: &UploadRow, at_most: usize) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        let there: i64 = sqlx::query("SELECT COUNT(*) FROM uploads WHERE owner_id = $1")
            .bind(&upload.owner_id)
            .fetch_one(&mut *tx)
            .await?
            .try_get(0)?;
        if there >= i64::try_from(at_most)? {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO uploads (id, name, length, safe_bytes, owner_id, owner, started_ms, touched_ms, cluster, \
             place, evidence) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(&upload.id)
        .bind(&upload.name)
        .bind(i64::try_from(upload.length)?)
        .bind(i64::try_from(upload.safe_bytes)?)
        .bind(&upload.owner_id)
        .bind(&upload.owner)
        .bind(upload.started_ms)
        .bind(upload.touched_ms)
        .bind(&upload.cluster)
        .bind(&upload.place)
        .bind(i64::from(upload.evidence))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn upload(&self, id: &str) -> anyhow::Result<Option<UploadRow>> {
        let row = sqlx::query(
            "SELECT id, name, length, safe_bytes, owner_id, owner, started_ms, touched_ms, sha256, \
             inspection_json, cluster, place, entry, evidence FROM uploads WHERE id = $1",
        )
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(upload).transpose()
    }

    async fn uploads(&self) -> anyhow::Result<Vec<UploadRow>> {
        sqlx::query(
            "SELECT id, name, length, safe_bytes, owner_id, owner, started_ms, touched_ms, sha256, \
             inspection_json, cluster, place, entry, evidence FROM uploads ORDER BY started_ms DESC, id",
        )
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(upload)
        .collect()
    }

    async fn upload_is_evidence(&self, id: &str) -> anyhow::Result<()> {
        sqlx::query("UPDATE uploads SET evidence = 1 WHERE id = $1")
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn upload_is_at(&self, id: &str, safe_bytes: u64, now_ms: i64) -> anyhow::Result<()> {
        sqlx::query(
            "UPDATE uploads SET safe_bytes = $1, touched_ms = $2, entry = COALESCE($4, entry) WHERE id = $3",
        )
        .bind(i64::try_from(safe_bytes)?)
        .bind(now_ms)
        .bind(id)
        .bind(ledger::under_way().map(signed))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn upload_finished(&self, id: &str, finished: &Finished) -> anyhow::Result<()> {
        sqlx::query(
            "UPDATE uploads SET sha256 = $1, inspection_json = $2, entry = COALESCE($4, entry) WHERE id = $3",
        )
        .bind(&finished.sha256)
        .bind(&finished.inspection_json)
        .bind(id)
        .bind(ledger::under_way().map(signed))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn upload_becomes(&self, id: &str, snapshot: &Snapshot) -> anyhow::Result<()> {
        let headline = serde_json::to_string(&snapshot.headline)?;
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO snapshots (id, name, size, stored_ms, stored_by, origin, cluster, headline_json, \
             verdict, version, revision, total_key, inspection_json) \
             SELECT $1, $2, $3, $4, $5, $6, $7, $8, $10, $11, $12, $13, inspection_json FROM uploads WHERE id = $9 \
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(&snapshot.id)
        .bind(&snapshot.name)
        .bind(i64::try_from(snapshot.size)?)
        .bind(snapshot.stored_ms)
        .bind(&snapshot.stored_by)
        .bind(&snapshot.origin)
        .bind(&snapshot.cluster)
        .bind(headline)
        .bind(id)
        .bind(&snapshot.headline.verdict)
        .bind(&snapshot.headline.version)
        .bind(or_below(snapshot.headline.revision))
        .bind(or_below(snapshot.headline.total_key))
        .execute(&mut *tx)
        .await?;
        sqlx::query("DELETE FROM uploads WHERE id = $1")
            .bind(id)
            .execute(&mut *tx)
            .await?;
        let stored = format!("snapshot {}", snapshot.id);
        tx.mark(Some(&stored), None).await?;
        Ok(tx.commit().await?)
    }

    async fn remove_upload(&self, id: &str) -> anyhow::Result<()> {
        sqlx::query("DELETE FROM uploads WHERE id = $1")
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

pub(super) fn snapshot(row: &AnyRow) -> anyhow::Result<Snapshot> {
    Ok(Snapshot {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        size: u64::try_from(row.try_get::<i64, _>(2)?)?,
        stored_ms: row.try_get(3)?,
        stored_by: row.try_get(4)?,
        origin: row.try_get(5)?,
        cluster: row.try_get(6)?,
        headline: serde_json::from_str(row.try_get(7)?)?,
    })
}

fn upload(row: &AnyRow) -> anyhow::Result<UploadRow> {
    let sha256: Option<String> = row.try_get(8)?;
    let inspection_json: Option<String> = row.try_get(9)?;
    Ok(UploadRow {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        length: u64::try_from(row.try_get::<i64, _>(2)?)?,
        safe_bytes: u64::try_from(row.try_get::<i64, _>(3)?)?,
        owner_id: row.try_get(4)?,
        owner: row.try_get(5)?,
        started_ms: row.try_get(6)?,
        touched_ms: row.try_get(7)?,
        cluster: row.try_get(10)?,
        place: row.try_get(11)?,
        entry: row
            .try_get::<Option<i64>, _>(12)?
            .map(u64::try_from)
            .transpose()?,
        evidence: row.try_get::<i64, _>(13)? != 0,
        finished: sha256
            .zip(inspection_json)
            .map(|(sha256, inspection_json)| Finished {
                sha256,
                inspection_json,
            }),
    })
}
