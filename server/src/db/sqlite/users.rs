//! Accounts and sessions in SQLite.

use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::Sqlite;
use crate::auth::store::{StoredSession, User, UserStore};

#[async_trait]
impl UserStore for Sqlite {
    async fn any_user(&self) -> anyhow::Result<bool> {
        let row = sqlx::query("SELECT EXISTS (SELECT 1 FROM users)")
            .fetch_one(&self.pool)
            .await?;
        Ok(row.try_get::<i64, _>(0)? != 0)
    }

    async fn add_first_user(&self, user: &User) -> anyhow::Result<bool> {
        let done = sqlx::query(
            "INSERT INTO users (id, name, password_hash, created_ms) \
             SELECT ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM users)",
        )
        .bind(&user.id)
        .bind(&user.name)
        .bind(&user.password_hash)
        .bind(user.created_ms)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn find_user(&self, name: &str) -> anyhow::Result<Option<User>> {
        let row =
            sqlx::query("SELECT id, name, password_hash, created_ms FROM users WHERE name = ?")
                .bind(name)
                .fetch_optional(&self.pool)
                .await?;
        row.map(|row| user(&row)).transpose()
    }

    async fn add_session(
        &self,
        token_hash: &str,
        user_id: &str,
        now_ms: i64,
        expires_ms: i64,
    ) -> anyhow::Result<()> {
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM sessions WHERE expires_ms <= ?")
            .bind(now_ms)
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO sessions (token_hash, user_id, created_ms, expires_ms) VALUES (?, ?, ?, ?)",
        )
        .bind(token_hash)
        .bind(user_id)
        .bind(now_ms)
        .bind(expires_ms)
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }

    async fn find_session(
        &self,
        token_hash: &str,
        now_ms: i64,
    ) -> anyhow::Result<Option<StoredSession>> {
        let row = sqlx::query(
            "SELECT users.id, users.name, sessions.expires_ms FROM sessions \
             JOIN users ON users.id = sessions.user_id \
             WHERE token_hash = ? AND expires_ms > ?",
        )
        .bind(token_hash)
        .bind(now_ms)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            Ok(StoredSession {
                user_id: row.try_get(0)?,
                user_name: row.try_get(1)?,
                expires_ms: row.try_get(2)?,
            })
        })
        .transpose()
    }

    async fn remove_session(&self, token_hash: &str) -> anyhow::Result<()> {
        sqlx::query("DELETE FROM sessions WHERE token_hash = ?")
            .bind(token_hash)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

fn user(row: &SqliteRow) -> anyhow::Result<User> {
    Ok(User {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        password_hash: row.try_get(2)?,
        created_ms: row.try_get(3)?,
    })
}
