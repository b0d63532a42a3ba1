//! The latest time that was ever seen here. A clock that is set back must open nothing: what had ended by then is made
//! to end for good before anything is answered by the earlier time. Nothing else depends on the latest time, so that a
//! clock that was far ahead for a while locks nobody out.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::{Clock, text};

/// The latest time is written down this often, in milliseconds.
const WRITE_EVERY_MS: i64 = 10_000;
/// Clocks that are kept by others over the network jump by less, in milliseconds: no word is said of it.
const JUMPS_MS: i64 = 5_000;
/// What was made later than this from now, in milliseconds, was made by a clock that was wrong.
pub const FROM_THE_FUTURE_MS: i64 = 24 * 3_600_000;

/// What is remembered of time.
#[async_trait]
pub trait TimeStore: Send + Sync {
    /// The latest time that was written down; none before the first.
    async fn latest_time(&self) -> anyhow::Result<Option<i64>>;
    /// Writes it down.
    async fn set_latest_time(&self, ms: i64) -> anyhow::Result<()>;
    /// Ends for good all that ended at `ms` or before: sessions, tokens, links, plans, sign-ins under way.
    async fn end_by(&self, ms: i64) -> anyhow::Result<()>;
}

/// Looks at the clock.
pub struct KeptTime {
    clock: Arc<dyn Clock>,
    store: Arc<dyn TimeStore>,
    latest: AtomicI64,
    written: AtomicI64,
    /// Who sees the clock set back ends what must end, and all others wait for that.
    turn: tokio::sync::Mutex<()>,
    told: Mutex<String>,
}

impl KeptTime {
    /// Looks at the clock for the first time.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn open(clock: Arc<dyn Clock>, store: Arc<dyn TimeStore>) -> anyhow::Result<Self> {
        let written = store.latest_time().await?.unwrap_or(i64::MIN);
        let kept = Self {
            clock,
            store,
            latest: AtomicI64::new(written),
            written: AtomicI64::new(written),
            turn: tokio::sync::Mutex::new(()),
            told: Mutex::new(String::new()),
        };
        kept.look().await?;
        Ok(kept)
    }

    /// Before every request: sees to it that what had ended stays ended.
    ///
    /// # Errors
    /// When the clock was set back and the store cannot be written: nothing may be answered then.
    pub async fn look(&self) -> anyhow::Result<()> {
        let now = self.clock.now_ms();
        if now < self.latest.load(Ordering::Acquire) {
            return self.set_back().await;
        }
        self.latest.fetch_max(now, Ordering::AcqRel);
        let written = self.written.load(Ordering::Relaxed);
        if now.saturating_sub(written) >= WRITE_EVERY_MS
            && self
                .written
                .compare_exchange(written, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        {
            let store = self.store.clone();
            tokio::spawn(async move {
                if let Err(error) = store.set_latest_time(now).await {
                    tracing::warn!("writing down what time it is: {error:#}");
                }
            });
        }
        Ok(())
    }

    async fn set_back(&self) -> anyhow::Result<()> {
        let _turn = self.turn.lock().await;
        let (now, latest) = (self.clock.now_ms(), self.latest.load(Ordering::Acquire));
        if now >= latest {
            return Ok(());
        }
        self.store.end_by(latest).await?;
        self.store.set_latest_time(now).await?;
        self.written.store(now, Ordering::Relaxed);
        self.latest.store(now, Ordering::Release);
        if latest - now >= JUMPS_MS {
            tracing::warn!(from = %text(latest), to = %text(now), "the clock was set back; what had ended stays ended");
            let words = format!(
                "The server's clock was set back from {} to {}. What had ended by then stays ended: sessions, tokens, \
                 links and plans. Create new ones.",
                text(latest),
                text(now)
            );
            *self.told.lock().unwrap_or_else(PoisonError::into_inner) = words;
        }
        Ok(())
    }

    /// That the clock was set back since the server was started, in words; empty when it was not.
    pub fn told(&self) -> String {
        self.told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Writes down how late it is, for the next start.
    pub async fn close(&self) {
        let latest = self.latest.load(Ordering::Acquire);
        if let Err(error) = self.store.set_latest_time(latest).await {
            tracing::warn!("writing down what time it is: {error:#}");
        }
    }
}
