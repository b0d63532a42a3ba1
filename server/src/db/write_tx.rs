//! Taking turns to write: within the process, and then among all that share the database.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use sqlx::{Any, AnyConnection, Transaction};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::Database;
use crate::counts::Writes;

/// No turn takes longer, statements and all. What still waits then waits for a database that is not there any more,
/// on a connection that nobody has closed.
const LONGEST: Duration = Duration::from_secs(70);

/// A transaction that may write, and that nobody else writes beside. Dropped, it has changed nothing.
pub(super) struct WriteTx {
    // In this order: the transaction is over before the next of this process begins.
    tx: Transaction<'static, Any>,
    writes: Writes,
    _turn: Turn,
}

/// This transaction's turn in the queue of this process. It is given up in any case after [`LONGEST`]: the lock at the database is
/// what keeps writers apart, and one lost connection must not keep the others from writing.
struct Turn {
    held: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
    watch: JoinHandle<()>,
}

impl Turn {
    fn new(permit: OwnedSemaphorePermit) -> Self {
        let held = Arc::new(Mutex::new(Some(permit)));
        let late = held.clone();
        let watch = tokio::spawn(async move {
            sleep(LONGEST).await;
            if take(&late).is_some() {
                tracing::error!("a turn to write has not ended: the database may be gone");
            }
        });
        Self { held, watch }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.watch.abort();
        take(&self.held);
    }
}

fn take(held: &Mutex<Option<OwnedSemaphorePermit>>) -> Option<OwnedSemaphorePermit> {
    held.lock().unwrap_or_else(PoisonError::into_inner).take()
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
    pub(super) async fn begin(&self) -> anyhow::Result<WriteTx> {
        let within = self.dialect.lock_within();
        let permit = timeout(within, self.turns.clone().acquire_owned())
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)
            .context("waiting for others of this server to have written")?
            .context("the database is closed")?;
        let (db, turn) = (self.clone(), Turn::new(permit));
        // On its own: a caller that is cut off would leave a connection that goes on waiting, and the next another.
        // Getting a connection and the lock have limits of their own; this is for one that does not answer at all.
        let lock = tokio::spawn(timeout(within * 2, db.lock(turn)));
        lock.await?
            .map_err(|_| sqlx::Error::PoolTimedOut)
            .context("waiting for the lock of the database")?
    }

    async fn lock(self, turn: Turn) -> anyhow::Result<WriteTx> {
        let mut tx = self.pool.begin_with(self.dialect.begin_to_write()).await?;
        // Not in the statement that begins the transaction: if that fails, the driver does not know of a transaction,
        // and would hand out the connection with it still open, or broken.
        if let Some(lock) = self.dialect.lock() {
            sqlx::raw_sql(lock).execute(&mut *tx).await?;
        }
        Ok(WriteTx {
            tx,
            writes: self.writes,
            _turn: turn,
        })
    }
}

impl WriteTx {
    /// Makes it true: it is on the medium when this returns.
    pub(super) async fn commit(self) -> sqlx::Result<()> {
        let committed = self.tx.commit().await;
        // Even where it failed: nobody knows then.
        self.writes.more();
        committed
    }
}

impl Deref for WriteTx {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.tx
    }
}

impl DerefMut for WriteTx {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.tx
    }
}
