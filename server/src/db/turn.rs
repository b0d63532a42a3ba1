//! Taking turns to write: within the process, and then among all that share the database.

use std::ops::{Deref, DerefMut};

use anyhow::Context as _;
use sqlx::{Any, AnyConnection, Transaction};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::Database;

/// A transaction that may write, and that nobody else writes beside. Dropped, it has changed nothing.
pub(super) struct Turn {
    // In this order: the transaction is over before the next of this process begins.
    tx: Transaction<'static, Any>,
    _turn: OwnedSemaphorePermit,
}

impl Database {
    /// Takes the one write lock at once, so that a transaction cannot fail half-way for having read before another
    /// wrote, and a rule that was looked at still holds when the row is written.
    ///
    /// Of one process only one connection waits for that lock. The others stay free for those who read, however
    /// long another process keeps it.
    ///
    /// # Errors
    /// When the lock is not given in time, or the database does not answer.
    pub(super) async fn begin(&self) -> anyhow::Result<Turn> {
        let db = self.clone();
        // On its own: a caller that is cut off would leave a connection that goes on waiting, and the next another.
        tokio::spawn(async move { db.wait_for_turn().await }).await?
    }

    async fn wait_for_turn(self) -> anyhow::Result<Turn> {
        let waited = timeout(self.dialect.lock_within(), self.turns.acquire_owned()).await;
        let turn = waited
            .map_err(|_| sqlx::Error::PoolTimedOut)
            .context("waiting for others of this server to have written")?
            .context("the database is closed")?;
        let mut tx = self.pool.begin_with(self.dialect.begin_to_write()).await?;
        // Not in the statement that begins the transaction: if that fails, the driver does not know of a transaction,
        // and would hand out the connection with it still open, or broken.
        if let Some(lock) = self.dialect.lock() {
            sqlx::raw_sql(lock).execute(&mut *tx).await?;
        }
        Ok(Turn { tx, _turn: turn })
    }
}

impl Turn {
    /// Makes it true: it is on the medium when this returns.
    pub(super) async fn commit(self) -> sqlx::Result<()> {
        self.tx.commit().await
    }
}

impl Deref for Turn {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.tx
    }
}

impl DerefMut for Turn {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.tx
    }
}
