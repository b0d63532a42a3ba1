//! Sessions.

use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::Database;
use super::users::{self, account};
use crate::auth::seen::Use;
use crate::auth::store::{SessionStore, StoredSession, User};

/// What [`session`] reads.
macro_rules! columns {
    () => {
        "sessions.id, sessions.created_ms, sessions.expires_ms, sessions.seen_ms, sessions.address, \
         sessions.agent, sessions.by"
    };
}
const ACCOUNT_COLUMNS: usize = 8;

/// A session that is open, of an account that may be used, by one of its columns.
macro_rules! open_where {
    ($column:literal) => {
        concat!(
            "SELECT ",
            account!(),
            ", ",
            columns!(),
            " FROM sessions JOIN users ON users.id = sessions.user_id WHERE sessions.",
            $column,
            " = $1 AND sessions.expires_ms > $2 AND users.disabled_ms = 0"
        )
    };
}

impl Database {
    async fn open_session(
        &self,
        query: &'static str,
        by: &str,
        now_ms: i64,
    ) -> anyhow::Result<Option<(StoredSession, User)>> {
        let row = sqlx::query(query)
            .bind(by)
            .bind(now_ms)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| {
            let user = users::user(&row)?;
            Ok((session(&row, user.id.clone())?, user))
        })
        .transpose()
    }
}

#[async_trait]
impl SessionStore for Database {
    async fn add_session(&self, token_hash: &str, session: &StoredSession) -> anyhow::Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM sessions WHERE expires_ms <= $1")
            .bind(session.created_ms)
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO sessions (id, token_hash, user_id, created_ms, expires_ms, seen_ms, address, agent, by) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&session.id)
        .bind(token_hash)
        .bind(&session.user_id)
        .bind(session.created_ms)
        .bind(session.expires_ms)
        .bind(session.seen_ms)
        .bind(&session.address)
        .bind(&session.agent)
        .bind(&session.by)
        .execute(&mut *tx)
        .await?;
        sqlx::query("UPDATE users SET seen_ms = $1 WHERE id = $2")
            .bind(session.seen_ms)
            .bind(&session.user_id)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    async fn find_session(
        &self,
        token_hash: &str,
        now_ms: i64,
    ) -> anyhow::Result<Option<(StoredSession, User)>> {
        self.open_session(open_where!("token_hash"), token_hash, now_ms)
            .await
    }

    async fn session(
        &self,
        id: &str,
        now_ms: i64,
    ) -> anyhow::Result<Option<(StoredSession, User)>> {
        self.open_session(open_where!("id"), id, now_ms).await
    }

    async fn touch_sessions(&self, uses: &[Use]) -> anyhow::Result<()> {
        let mut tx = self.begin().await?;
        for Use { id, owner, at_ms } in uses {
            for (update, whose) in [
                ("UPDATE sessions SET seen_ms = $1 WHERE id = $2", id),
                ("UPDATE users SET seen_ms = $1 WHERE id = $2", owner),
            ] {
                let update = sqlx::query(update).bind(at_ms).bind(whose);
                update.execute(&mut *tx).await?;
            }
        }
        Ok(tx.commit().await?)
    }

    async fn last_seen(&self) -> anyhow::Result<HashMap<String, i64>> {
        let rows = sqlx::query("SELECT id, seen_ms FROM users")
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect()
    }

    async fn sessions(&self, user_id: &str, now_ms: i64) -> anyhow::Result<Vec<StoredSession>> {
        let rows = sqlx::query(concat!("SELECT ", account!(), ", ", columns!(), " FROM sessions JOIN users ON users.id = sessions.user_id WHERE sessions.user_id = $1 AND sessions.expires_ms > $2 ORDER BY sessions.created_ms DESC"))
        .bind(user_id)
        .bind(now_ms)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| session(row, user_id.to_owned()))
            .collect()
    }

    async fn forget_sessions(&self, now_ms: i64, idle_since_ms: i64) -> anyhow::Result<()> {
        sqlx::query("DELETE FROM sessions WHERE expires_ms <= $1 OR seen_ms <= $2")
            .bind(now_ms)
            .bind(idle_since_ms)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn remove_session(&self, user_id: &str, id: &str) -> anyhow::Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND id = $2")
            .bind(user_id)
            .bind(id)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() != 1 {
            return Ok(false);
        }
        tx.mark(None, None).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn remove_sessions(&self, user_id: &str, except: &str) -> anyhow::Result<u64> {
        let mut tx = self.begin().await?;
        let done = sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND id <> $2")
            .bind(user_id)
            .bind(except)
            .execute(&mut *tx)
            .await?;
        // Where there was none to end, it is done all the same.
        tx.mark(None, None).await?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }

    async fn remove_all_sessions(&self) -> anyhow::Result<u64> {
        let mut tx = self.begin().await?;
        let done = sqlx::query("DELETE FROM sessions")
            .execute(&mut *tx)
            .await?;
        tx.mark(None, None).await?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }
}

fn session(row: &AnyRow, user_id: String) -> anyhow::Result<StoredSession> {
    let at = |n: usize| ACCOUNT_COLUMNS + n;
    Ok(StoredSession {
        id: row.try_get(at(0))?,
        user_id,
        created_ms: row.try_get(at(1))?,
        expires_ms: row.try_get(at(2))?,
        seen_ms: row.try_get(at(3))?,
        address: row.try_get(at(4))?,
        agent: row.try_get(at(5))?,
        by: row.try_get(at(6))?,
    })
}
