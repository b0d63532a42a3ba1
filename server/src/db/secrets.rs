//! Sealed credentials.

use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::Database;
use crate::secrets::seal::Sealed;
use crate::secrets::store::{Kept, Reseal, SealedSecret, SecretStore, SecretView};

#[async_trait]
impl SecretStore for Database {
    async fn secrets(&self) -> anyhow::Result<Vec<SecretView>> {
        sqlx::query(
            "SELECT id, name, kind, created_ms, changed_ms, changed_by FROM secrets ORDER BY name",
        )
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(view)
        .collect()
    }

    async fn secret(&self, id: &str) -> anyhow::Result<Option<SealedSecret>> {
        let row = sqlx::query(
            "SELECT id, name, kind, created_ms, changed_ms, changed_by, key_id, nonce, ciphertext FROM secrets \
             WHERE id = $1",
        )
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            Ok(SealedSecret {
                view: view(&row)?,
                sealed: sealed(&row, 6)?,
            })
        })
        .transpose()
    }

    async fn put_secret(&self, secret: &SealedSecret) -> anyhow::Result<Kept> {
        let mut tx = self.begin().await?;
        let SealedSecret { view, sealed } = secret;
        let taken = sqlx::query("SELECT 1 FROM secrets WHERE name = $1 AND id <> $2")
            .bind(&view.name)
            .bind(&view.id)
            .fetch_optional(&mut *tx)
            .await?;
        if taken.is_some() {
            return Ok(Kept::NameTaken);
        }
        let other = sqlx::query("SELECT 1 FROM secrets WHERE key_id <> $1 LIMIT 1")
            .bind(&sealed.key_id)
            .fetch_optional(&mut *tx)
            .await?;
        if other.is_some() {
            return Ok(Kept::OtherKey);
        }
        sqlx::query(
            "INSERT INTO secrets (id, name, kind, created_ms, changed_ms, changed_by, key_id, nonce, ciphertext) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO UPDATE SET name = $2, kind = $3, \
             changed_ms = $5, changed_by = $6, key_id = $7, nonce = $8, ciphertext = $9",
        )
        .bind(&view.id)
        .bind(&view.name)
        .bind(&view.kind)
        .bind(view.created_ms)
        .bind(view.changed_ms)
        .bind(&view.changed_by)
        .bind(&sealed.key_id)
        .bind(&sealed.nonce)
        .bind(&sealed.ciphertext)
        .execute(&mut *tx)
        .await?;
        tx.mark(None, None).await?;
        tx.commit().await?;
        Ok(Kept::Yes)
    }

    async fn remove_secret(&self, id: &str) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query("DELETE FROM secrets WHERE id = $1")
            .bind(id)
            .execute(&mut *tx)
            .await?;
        tx.mark(None, None).await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    async fn key_ids(&self) -> anyhow::Result<Vec<String>> {
        let rows = sqlx::query("SELECT DISTINCT key_id FROM secrets ORDER BY key_id")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    async fn reseal(&self, reseal: Reseal) -> anyhow::Result<u64> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query("SELECT id, key_id, nonce, ciphertext FROM secrets")
            .fetch_all(&mut *tx)
            .await?;
        let mut count = 0;
        for row in rows {
            let id: String = row.try_get(0)?;
            let again = reseal(&id, &sealed(&row, 1)?)?;
            sqlx::query(
                "UPDATE secrets SET key_id = $1, nonce = $2, ciphertext = $3 WHERE id = $4",
            )
            .bind(&again.key_id)
            .bind(&again.nonce)
            .bind(&again.ciphertext)
            .bind(&id)
            .execute(&mut *tx)
            .await?;
            count += 1;
        }
        // Where nothing is sealed, the key alone changes, and that comes after this.
        if count > 0 {
            tx.mark(None, None).await?;
        }
        tx.commit().await?;
        Ok(count)
    }
}

fn view(row: &AnyRow) -> anyhow::Result<SecretView> {
    Ok(SecretView {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        kind: row.try_get(2)?,
        created_ms: row.try_get(3)?,
        changed_ms: row.try_get(4)?,
        changed_by: row.try_get(5)?,
    })
}

/// Columns from `from` on: key, nonce, ciphertext.
fn sealed(row: &AnyRow, from: usize) -> anyhow::Result<Sealed> {
    Ok(Sealed {
        key_id: row.try_get(from)?,
        nonce: row.try_get(from + 1)?,
        ciphertext: row.try_get(from + 2)?,
    })
}
