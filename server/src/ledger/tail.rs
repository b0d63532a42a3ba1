//! The ledger live: many viewers follow what is written, each at its own pace.
//!
//! A viewer is a position. The writer wakes all of them; each takes what is new from memory, or from the store
//! where it is far behind. Nobody waits for a slow viewer and nothing is dropped for one.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::watch;
use tokio::time::Instant;

use super::recorder::Ledger;
use super::status::LedgerStatus;

/// Entries sent at once.
const MAX_PIECE: usize = 256;
/// A viewer is sent to at most so often: entries in a burst travel together.
const AT_MOST_EVERY: Duration = Duration::from_millis(40);

/// Entries that a viewer has not seen yet.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Index and bytes, in order.
    pub entries: Vec<(u64, Bytes)>,
    /// The checkpoint that covers them, when nothing newer is there.
    pub note: Option<Arc<str>>,
}

struct Viewer {
    ledger: Ledger,
    standing: watch::Receiver<LedgerStatus>,
    next: u64,
    sent: Option<Instant>,
}

impl Ledger {
    /// All entries from `since` on, then new ones as they are written, until the ledger is closed or the store
    /// cannot be read.
    pub fn tail(&self, since: u64) -> impl Stream<Item = anyhow::Result<Piece>> + Send + use<> {
        let viewer = Viewer {
            ledger: self.clone(),
            standing: self.shared.status.clone(),
            next: since,
            sent: None,
        };
        stream::unfold(Some(viewer), |viewer| async {
            let mut viewer = viewer?;
            match viewer.piece().await {
                Ok(Some(piece)) => Some((Ok(piece), Some(viewer))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
    }
}

impl Viewer {
    /// Waits for something new; `None` when nothing will come any more.
    async fn piece(&mut self) -> anyhow::Result<Option<Piece>> {
        if let Some(sent) = self.sent {
            tokio::time::sleep_until(sent + AT_MOST_EVERY).await;
        }
        let next = self.next;
        let seen = self
            .standing
            .wait_for(|standing| standing.size > next)
            .await;
        let Some((size, note)) = seen
            .ok()
            .map(|standing| (standing.size, standing.note.clone()))
        else {
            return Ok(None);
        };
        let recent = {
            let recent = self
                .ledger
                .shared
                .recent
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            recent.from(next, MAX_PIECE)
        };
        let entries = match recent {
            Some(entries) => entries,
            None => {
                let stored = self
                    .ledger
                    .shared
                    .store
                    .entries(next, MAX_PIECE as u64)
                    .await?;
                anyhow::ensure!(!stored.is_empty(), "entry {next} of the ledger is missing");
                stored
                    .into_iter()
                    .map(|stored| (stored.index, stored.canonical))
                    .collect()
            }
        };
        self.next += entries.len() as u64;
        // Right behind the newest, what comes next is worth waiting for; far behind, it is not.
        self.sent = (self.next >= size).then(Instant::now);
        Ok(Some(Piece {
            entries,
            note: (self.next == size).then_some(note),
        }))
    }
}
