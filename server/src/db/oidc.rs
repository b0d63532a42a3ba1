//! Sign-ins that have come back from the identity provider.

use async_trait::async_trait;

use super::Database;
use crate::auth::oidc::store::SignInStore;

#[async_trait]
impl SignInStore for Database {
    async fn take_sign_in(&self, id: &str, now_ms: i64, expires_ms: i64) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM oidc_used WHERE expires_ms <= $1")
            .bind(now_ms)
            .execute(&mut *tx)
            .await?;
        let taken = sqlx::query(
            "INSERT INTO oidc_used (id, expires_ms) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
        )
        .bind(id)
        .bind(expires_ms)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(taken.rows_affected() == 1)
    }
}
