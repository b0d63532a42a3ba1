//! Which processes are at work on a shared database, and which of them are gone.
//!
//! Each renews a row. One whose row has not been renewed for the length of a lease is gone, but only somebody who has
//! reached the database all that time may say so: when the database itself was away, nobody could renew anything.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Rows of processes. Times are by the database's clock: those of several machines differ.
#[async_trait]
pub trait ServerStore: Send + Sync {
    /// Notes that the process with this id lives.
    async fn beat(&self, id: &str) -> anyhow::Result<()>;
    /// Notes that it has ended, and left nothing behind.
    async fn leave(&self, id: &str) -> anyhow::Result<()>;
    /// Forgets processes that were not heard of for so long. Gives those, not known any more, that have acts open in
    /// the ledger.
    async fn gone(&self, after: Duration) -> anyhow::Result<Vec<String>>;
}

/// This process among those that share a database.
pub struct Presence {
    store: Arc<dyn ServerStore>,
    id: String,
    lease: Duration,
}

impl Presence {
    /// Says that this process is here, for the first time.
    ///
    /// # Errors
    /// When that cannot be written.
    pub async fn begin(
        store: Arc<dyn ServerStore>,
        id: &str,
        lease: Duration,
    ) -> anyhow::Result<Self> {
        store.beat(id).await?;
        Ok(Self {
            store,
            id: id.to_owned(),
            lease,
        })
    }

    /// Goes on saying so until `stop`, and tells `gone` about each that is.
    pub async fn go_on(self, stop: CancellationToken, gone: impl Fn(String) + Send) {
        let mut since = Instant::now();
        let mut last = since;
        while stop
            .run_until_cancelled(tokio::time::sleep(self.lease / 3))
            .await
            .is_some()
        {
            if let Err(error) = self.store.beat(&self.id).await {
                tracing::warn!("this server cannot say that it lives: {error:#}");
                continue;
            }
            let now = Instant::now();
            if now - last >= self.lease {
                since = now;
            }
            last = now;
            if now - since < self.lease {
                continue;
            }
            match self.store.gone(self.lease).await {
                Ok(ids) => ids.into_iter().for_each(&gone),
                Err(error) => tracing::warn!("looking for servers that are gone: {error:#}"),
            }
        }
        if let Err(error) = self.store.leave(&self.id).await {
            tracing::warn!("this server cannot say that it ends: {error:#}");
        }
    }
}
