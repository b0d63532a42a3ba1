//! Failed attempts to come in.

use async_trait::async_trait;
use sqlx::Row as _;

use super::Database;
use super::write_tx::WriteTx;
use crate::auth::store::{FailureStore, Failures, KeyStore};

#[async_trait]
impl FailureStore for Database {
    async fn failures(&self, who: &str, now_ms: i64) -> anyhow::Result<Failures> {
        let row = sqlx::query("SELECT count, last_ms FROM login_failures WHERE who = $1")
            .bind(who)
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else {
            return Ok(Failures::default());
        };
        let last_ms: i64 = row.try_get(1)?;
        if last_ms > now_ms {
            sqlx::query("UPDATE login_failures SET last_ms = $1 WHERE who = $2 AND last_ms > $1")
                .bind(now_ms)
                .bind(who)
                .execute(&self.pool)
                .await?;
        }
        Ok(Failures {
            count: u32::try_from(row.try_get::<i64, _>(0)?)?,
            last_ms: last_ms.min(now_ms),
        })
    }

    async fn add_failure_if(
        &self,
        who: &str,
        now_ms: i64,
        old_ms: i64,
        may: &(dyn Fn(Failures) -> bool + Send + Sync),
    ) -> anyhow::Result<Failures> {
        let mut tx = self.begin().await?;
        let row = sqlx::query(
            "SELECT count, last_ms FROM login_failures WHERE who = $1 AND last_ms > $2",
        )
        .bind(who)
        .bind(old_ms)
        .fetch_optional(&mut *tx)
        .await?;
        let before = match row {
            Some(row) => Failures {
                count: u32::try_from(row.try_get::<i64, _>(0)?)?,
                last_ms: row.try_get::<i64, _>(1)?.min(now_ms),
            },
            None => Failures::default(),
        };
        if !may(before) {
            // The clock was set back: the wait goes on from here.
            sqlx::query("UPDATE login_failures SET last_ms = $1 WHERE who = $2 AND last_ms > $1")
                .bind(now_ms)
                .bind(who)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            return Ok(before);
        }
        count(&mut tx, who, now_ms, old_ms).await?;
        tx.commit().await?;
        Ok(before)
    }

    async fn add_failure(&self, who: &str, now_ms: i64, old_ms: i64) -> anyhow::Result<()> {
        let mut tx = self.begin().await?;
        count(&mut tx, who, now_ms, old_ms).await?;
        Ok(tx.commit().await?)
    }

    async fn forget_failures(&self, who: &str) -> anyhow::Result<()> {
        sqlx::query("DELETE FROM login_failures WHERE who = $1")
            .bind(who)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

async fn count(tx: &mut WriteTx, who: &str, now_ms: i64, old_ms: i64) -> anyhow::Result<()> {
    sqlx::query("DELETE FROM login_failures WHERE last_ms <= $1")
        .bind(old_ms)
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "INSERT INTO login_failures (who, count, last_ms) VALUES ($1, 1, $2) ON CONFLICT (who) DO UPDATE SET \
         count = login_failures.count + 1, last_ms = excluded.last_ms",
    )
    .bind(who)
    .bind(now_ms)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[async_trait]
impl KeyStore for Database {
    async fn console_key(&self, name: &str, fresh: [u8; 32]) -> anyhow::Result<[u8; 32]> {
        let there = "SELECT key FROM console_keys WHERE name = $1";
        let row = sqlx::query(there)
            .bind(name)
            .fetch_optional(&self.pool)
            .await?;
        let row = match row {
            Some(row) => row,
            None => {
                sqlx::query(
                    "INSERT INTO console_keys (name, key) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
                )
                .bind(name)
                .bind(fresh.to_vec())
                .execute(&self.pool)
                .await?;
                sqlx::query(there).bind(name).fetch_one(&self.pool).await?
            }
        };
        let key: Vec<u8> = row.try_get(0)?;
        key.try_into()
            .map_err(|_| anyhow::anyhow!("the console's key {name} has another length"))
    }
}
