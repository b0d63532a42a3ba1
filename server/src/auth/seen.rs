//! When sessions and tokens were last used: collected, and written down a little later. Nobody waits for that. On a full
//! disk, or while another server holds the database up, somebody has to be able to come in and look.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long uses are collected.
const WITHIN: Duration = Duration::from_secs(1);

/// How long it takes until they are tried again that could not be written.
const AGAIN: Duration = Duration::from_secs(10);

/// That a session or token was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The session's or token's id.
    pub id: String,
    /// The id of the account that it stands for.
    pub owner: String,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// Uses that are not written down yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen(Arc<Mutex<HashMap<String, Use>>>);

impl Seen {
    /// Takes note of a use. What has come together after a moment is given to one of the `write`s.
    pub(super) fn note<F, W>(&self, seen: Use, write: F)
    where
        F: Fn(Vec<Use>) -> W + Send + Sync + 'static,
        W: Future<Output = anyhow::Result<()>> + Send,
    {
        let mut uses = self.uses();
        let first = uses.is_empty();
        uses.insert(seen.id.clone(), seen);
        drop(uses);
        if !first {
            return;
        }
        let seen = self.clone();
        tokio::spawn(async move {
            while !seen.uses().is_empty() {
                tokio::time::sleep(WITHIN).await;
                let uses = seen.pending();
                if let Err(error) = write(uses.clone()).await {
                    // They stay noted here: who is at work is not idle because that cannot be written down.
                    tracing::warn!("noting that sessions and tokens are used: {error:#}");
                    tokio::time::sleep(AGAIN).await;
                    continue;
                }
                // What came meanwhile is written with the next.
                seen.uses().retain(|_, one| !uses.contains(one));
            }
        });
    }

    /// All that is not written down.
    pub(super) fn pending(&self) -> Vec<Use> {
        self.uses().values().cloned().collect()
    }

    /// When this session or token was used, where that is not written down.
    pub(super) fn of(&self, id: &str) -> Option<i64> {
        self.uses().get(id).map(|seen| seen.at_ms)
    }

    /// The same, for all of an account's.
    pub(super) fn of_owner(&self, owner: &str) -> Option<i64> {
        let uses = self.uses();
        let of_owner = uses.values().filter(|seen| seen.owner == owner);
        of_owner.map(|seen| seen.at_ms).max()
    }

    fn uses(&self) -> MutexGuard<'_, HashMap<String, Use>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
