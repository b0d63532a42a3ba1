//! Files and uploads.

use std::collections::BTreeSet;

use async_trait::async_trait;
use requorum_shared::inspection::Trust;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::Database;
use super::ledger::signed;
use crate::files::store::{FileStore, Finished, StoredFile, UploadRow};
use crate::ledger;

#[async_trait]
impl FileStore for Database {
    async fn files(&self) -> anyhow::Result<Vec<StoredFile>> {
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {FILE} FROM files WHERE removed_ms = 0 ORDER BY uploaded_ms DESC, id"
        )))
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(file)
        .collect()
    }

    async fn file(&self, id: &str) -> anyhow::Result<Option<(StoredFile, String)>> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {FILE}, inspection_json FROM files WHERE id = $1"
        )))
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| Ok((file(&row)?, row.try_get(12)?)))
            .transpose()
    }

    async fn set_file_cluster(&self, id: &str, from: &str, to: &str) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query("UPDATE files SET cluster = $1 WHERE id = $2 AND cluster = $3")
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
        tx.mark(None, None).await?;
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

    async fn uploads_of_disabled(&self) -> anyhow::Result<BTreeSet<String>> {
        let rows = sqlx::query(
            "SELECT uploads.id FROM uploads JOIN users ON users.id = uploads.owner_id WHERE users.disabled_ms <> 0",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    async fn upload_is_evidence(&self, id: &str) -> anyhow::Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE uploads SET evidence = 1 WHERE id = $1")
            .bind(id)
            .execute(&mut *tx)
            .await?;
        tx.mark(None, None).await?;
        Ok(tx.commit().await?)
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

    async fn upload_finished(&self, id: &str, finished: &Finished) -> anyhow::Result<bool> {
        // In a turn of its own: whoever deletes a removed file's bytes looks for uploads of them in one, too.
        let mut tx = self.begin().await?;
        let going: i64 =
            sqlx::query("SELECT COUNT(*) FROM files WHERE id = $1 AND releasing_ms > 0")
                .bind(&finished.sha256)
                .fetch_one(&mut *tx)
                .await?
                .try_get(0)?;
        if going > 0 {
            return Ok(false);
        }
        sqlx::query(
            "UPDATE uploads SET sha256 = $1, inspection_json = $2, entry = COALESCE($4, entry) WHERE id = $3",
        )
        .bind(&finished.sha256)
        .bind(&finished.inspection_json)
        .bind(id)
        .bind(ledger::under_way().map(signed))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn upload_becomes(&self, id: &str, file: &StoredFile) -> anyhow::Result<()> {
        let headline = serde_json::to_string(&file.headline)?;
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO files (id, name, size, uploaded_ms, uploaded_by, origin, cluster, kind, trust, headline_json, \
             headline_text, inspection_json) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, inspection_json \
             FROM uploads WHERE id = $12 ON CONFLICT (id) DO UPDATE SET name = excluded.name, \
             uploaded_ms = excluded.uploaded_ms, uploaded_by = excluded.uploaded_by, origin = excluded.origin, \
             cluster = excluded.cluster, removed_ms = 0, removed_by = '', has_bytes = 1 WHERE files.removed_ms > 0",
        )
        .bind(&file.id)
        .bind(&file.name)
        .bind(i64::try_from(file.size)?)
        .bind(file.uploaded_ms)
        .bind(&file.uploaded_by)
        .bind(&file.origin)
        .bind(&file.cluster)
        .bind(&file.kind)
        .bind(file.trust.word())
        .bind(headline)
        .bind(file.headline.text())
        .bind(id)
        .execute(&mut *tx)
        .await?;
        sqlx::query("DELETE FROM uploads WHERE id = $1")
            .bind(id)
            .execute(&mut *tx)
            .await?;
        let stored = format!("file {}", file.id);
        tx.mark(Some(&stored), None).await?;
        Ok(tx.commit().await?)
    }

    async fn remove_upload(&self, id: &str) -> anyhow::Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM uploads WHERE id = $1")
            .bind(id)
            .execute(&mut *tx)
            .await?;
        tx.mark(None, None).await?;
        Ok(tx.commit().await?)
    }
}

/// What [`file`] reads.
pub(super) const FILE: &str = "id, name, size, uploaded_ms, uploaded_by, origin, cluster, kind, trust, headline_json, removed_ms, removed_by";

pub(super) fn file(row: &AnyRow) -> anyhow::Result<StoredFile> {
    Ok(StoredFile {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        size: u64::try_from(row.try_get::<i64, _>(2)?)?,
        uploaded_ms: row.try_get(3)?,
        uploaded_by: row.try_get(4)?,
        origin: row.try_get(5)?,
        cluster: row.try_get(6)?,
        kind: row.try_get(7)?,
        trust: Trust::from_word(row.try_get(8)?),
        headline: serde_json::from_str(row.try_get(9)?)?,
        removed_ms: row.try_get(10)?,
        removed_by: row.try_get(11)?,
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
