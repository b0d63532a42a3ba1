//! Tokens for programs.

use anyhow::Context as _;
use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::Database;
use super::users::{self, account};
use crate::auth::seen::Use;
use crate::auth::store::{StoredToken, TokenStore, User};

/// What [`token`] reads.
macro_rules! columns {
    () => {
        "api_tokens.id, api_tokens.name, api_tokens.user_id, api_tokens.grants, api_tokens.created_ms, \
         api_tokens.expires_ms, api_tokens.used_ms, \
         CASE WHEN api_tokens.over = 1 AND api_tokens.revoked_ms = 0 THEN api_tokens.expires_ms \
         ELSE api_tokens.revoked_ms END"
    };
}
const ACCOUNT_COLUMNS: usize = 8;

/// A token that can be used, of an account that may be used, by one of its columns.
macro_rules! open_where {
    ($column:literal) => {
        concat!("SELECT ", account!(), ", ", columns!(), " FROM api_tokens JOIN users ON users.id = api_tokens.user_id WHERE api_tokens.", $column, " = $1 AND api_tokens.expires_ms > $2 AND api_tokens.revoked_ms = 0 AND api_tokens.over = 0 AND users.disabled_ms = 0")
    };
}

impl Database {
    async fn open_token(
        &self,
        query: &'static str,
        by: &str,
        now_ms: i64,
    ) -> anyhow::Result<Option<(StoredToken, User)>> {
        let row = sqlx::query(query)
            .bind(by)
            .bind(now_ms)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| Ok((token(&row, ACCOUNT_COLUMNS)?, users::user(&row)?)))
            .transpose()
    }
}

#[async_trait]
impl TokenStore for Database {
    async fn add_token(&self, token_hash: &str, token: &StoredToken) -> anyhow::Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO api_tokens (id, token_hash, name, user_id, grants, created_ms, expires_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&token.id)
        .bind(token_hash)
        .bind(&token.name)
        .bind(&token.user_id)
        .bind(token.grants.to_string())
        .bind(token.created_ms)
        .bind(token.expires_ms)
        .execute(&mut *tx)
        .await?;
        tx.mark(None, None).await?;
        Ok(tx.commit().await?)
    }

    async fn find_token(
        &self,
        token_hash: &str,
        now_ms: i64,
    ) -> anyhow::Result<Option<(StoredToken, User)>> {
        self.open_token(open_where!("token_hash"), token_hash, now_ms)
            .await
    }

    async fn usable_token(
        &self,
        id: &str,
        now_ms: i64,
    ) -> anyhow::Result<Option<(StoredToken, User)>> {
        self.open_token(open_where!("id"), id, now_ms).await
    }

    async fn touch_tokens(&self, uses: &[Use]) -> anyhow::Result<()> {
        let mut tx = self.begin().await?;
        for Use { id, at_ms, .. } in uses {
            sqlx::query("UPDATE api_tokens SET used_ms = $1 WHERE id = $2")
                .bind(at_ms)
                .bind(id)
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    async fn token(&self, id: &str) -> anyhow::Result<Option<StoredToken>> {
        let row = sqlx::query(concat!(
            "SELECT ",
            columns!(),
            " FROM api_tokens WHERE id = $1"
        ))
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| token(&row, 0)).transpose()
    }

    async fn tokens(&self, user_id: Option<&str>) -> anyhow::Result<Vec<StoredToken>> {
        let rows = sqlx::query(concat!(
            "SELECT ",
            columns!(),
            " FROM api_tokens WHERE $1 IS NULL OR user_id = $1 ORDER BY created_ms DESC, id"
        ))
        .bind(user_id)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| token(row, 0)).collect()
    }

    async fn revoke_token(&self, id: &str, now_ms: i64) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        let done =
            sqlx::query("UPDATE api_tokens SET revoked_ms = $1 WHERE id = $2 AND revoked_ms = 0")
                .bind(now_ms)
                .bind(id)
                .execute(&mut *tx)
                .await?;
        tx.mark(None, None).await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }
}

/// A token from the columns above, which begin at `from`.
fn token(row: &AnyRow, from: usize) -> anyhow::Result<StoredToken> {
    let id: String = row.try_get(from)?;
    let grants: String = row.try_get(from + 3)?;
    Ok(StoredToken {
        name: row.try_get(from + 1)?,
        user_id: row.try_get(from + 2)?,
        grants: grants
            .parse()
            .with_context(|| format!("the stored roles of token {id}"))?,
        created_ms: row.try_get(from + 4)?,
        expires_ms: row.try_get(from + 5)?,
        used_ms: row.try_get(from + 6)?,
        revoked_ms: row.try_get(from + 7)?,
        id,
    })
}
