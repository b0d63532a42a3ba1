//! What administrators did to accounts.

use anyhow::Context as _;
use async_trait::async_trait;
use sqlx::Row as _;

use super::Database;
use super::write_tx::WriteTx;
use crate::auth::store::{AccountAct, HandStore};

#[async_trait]
impl HandStore for Database {
    async fn account_acts(&self, since_ms: i64) -> anyhow::Result<Vec<AccountAct>> {
        let rows = sqlx::query(
            "SELECT user_id, by_id, at_ms, binds, before FROM account_acts WHERE at_ms > $1 ORDER BY at_ms",
        )
        .bind(since_ms)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let before: String = row.try_get(4)?;
                Ok(AccountAct {
                    account: row.try_get(0)?,
                    by: row.try_get(1)?,
                    at_ms: row.try_get(2)?,
                    binds: row.try_get::<i64, _>(3)? != 0,
                    before: before.parse().context("the roles of before")?,
                })
            })
            .collect()
    }
}

/// Keeps one, with the change that it is.
pub(super) async fn keep(tx: &mut WriteTx, act: &AccountAct) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO account_acts (user_id, by_id, at_ms, binds, before) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&act.account)
    .bind(&act.by)
    .bind(act.at_ms)
    .bind(i64::from(act.binds))
    .bind(act.before.to_string())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Forgets those of an account.
pub(super) async fn forget(tx: &mut WriteTx, account: &str) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM account_acts WHERE user_id = $1")
        .bind(account)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
