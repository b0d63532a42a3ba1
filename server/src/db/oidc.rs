//! Sign-ins that were begun at the identity provider.

use async_trait::async_trait;
use sqlx::Row as _;

use super::Database;
use crate::auth::oidc::store::{SignInStore, Started};

#[async_trait]
impl SignInStore for Database {
    async fn start_sign_in(
        &self,
        id: &str,
        started: &Started,
        per_address: u32,
        in_all: u32,
    ) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM oidc_sign_ins WHERE expires_ms <= $1")
            .bind(started.started_ms)
            .execute(&mut *tx)
            .await?;
        let there: i64 = sqlx::query("SELECT COUNT(*) FROM oidc_sign_ins WHERE address = $1")
            .bind(&started.address)
            .fetch_one(&mut *tx)
            .await?
            .try_get(0)?;
        if there >= i64::from(per_address) {
            return Ok(false);
        }
        sqlx::query(
            "DELETE FROM oidc_sign_ins WHERE id NOT IN \
             (SELECT id FROM oidc_sign_ins ORDER BY started_ms DESC LIMIT $1)",
        )
        .bind(i64::from(in_all) - 1)
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "INSERT INTO oidc_sign_ins (id, return_to, address, started_ms, expires_ms) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(id)
        .bind(&started.return_to)
        .bind(&started.address)
        .bind(started.started_ms)
        .bind(started.expires_ms)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn take_sign_in(&self, id: &str, now_ms: i64) -> anyhow::Result<Option<Started>> {
        let row = sqlx::query(
            "DELETE FROM oidc_sign_ins WHERE id = $1 AND expires_ms > $2 \
             RETURNING return_to, address, started_ms, expires_ms",
        )
        .bind(id)
        .bind(now_ms)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            Ok(Started {
                return_to: row.try_get(0)?,
                address: row.try_get(1)?,
                started_ms: row.try_get(2)?,
                expires_ms: row.try_get(3)?,
            })
        })
        .transpose()
    }
}
