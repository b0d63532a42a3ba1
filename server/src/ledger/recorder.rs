//! Writing down what is done: an entry before an act and an entry after it.
//!
//! [`Ledger::open`] returns when the entry is on the medium; when it cannot be written, it fails and the act must
//! not run. An [`Opened`] that is dropped, because its task was cut off, is closed as "unknown"; one that a killed
//! server left behind is closed so when the next one starts.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use requorum_shared::ledger::checkpoint::{SigningKey, VerifyingKey};
use requorum_shared::ledger::entry::{Draft, Outcome};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::decisions::Decisions;
use super::recent::Recent;
use super::status::{LedgerError, LedgerStatus, OpenActs};
use super::store::LedgerStore;
use super::writer::{Nudge, What, Write, Writer};
use crate::clock::Clock;

#[cfg(test)]
mod tests;

/// Entries that may wait to be written. Beyond that, acts wait to be taken up.
const QUEUE: usize = 4096;
/// How long acts that are going on may take to end once the ledger is closed.
const END_WITHIN: Duration = Duration::from_secs(5);

/// The ledger. Clones share it.
#[derive(Clone)]
pub struct Ledger {
    pub(super) shared: Arc<Shared>,
}

/// What the writer and everybody else share.
pub(super) struct Shared {
    pub(super) store: Arc<dyn LedgerStore>,
    key: VerifyingKey,
    signing: SigningKey,
    pub(super) status: watch::Receiver<LedgerStatus>,
    pub(super) recent: Arc<Mutex<Recent>>,
    pub(super) decisions: tokio::sync::Mutex<Decisions>,
    /// The process that writes, as the store knows it.
    writer: String,
    queue: Mutex<Option<mpsc::Sender<Write>>>,
    nudges: mpsc::UnboundedSender<Nudge>,
    writing: Mutex<Option<JoinHandle<()>>>,
}

impl Ledger {
    /// Takes up the ledger in `store`, or begins it, and closes what was left open.
    ///
    /// # Errors
    /// When the store cannot be read. A ledger that can be read and is damaged is taken up: it can be looked at,
    /// and nothing is written to it.
    pub async fn take_up(
        store: Arc<dyn LedgerStore>,
        key: SigningKey,
        clock: Arc<dyn Clock>,
        left: OpenActs,
    ) -> anyhow::Result<Self> {
        let (verifying, signing) = (key.verifying(), key.clone());
        let recent = Arc::new(Mutex::new(Recent::default()));
        let (writer, status) =
            Writer::take_up(store.clone(), key, clock, recent.clone(), left).await?;
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (nudges, nudged) = mpsc::unbounded_channel();
        let id = writer.id().to_owned();
        let writing = tokio::spawn(writer.run(waiting, nudged));
        Ok(Self {
            shared: Arc::new(Shared {
                store,
                key: verifying,
                signing,
                status,
                recent,
                decisions: tokio::sync::Mutex::default(),
                writer: id,
                queue: Mutex::new(Some(queue)),
                nudges,
                writing: Mutex::new(Some(writing)),
            }),
        })
    }

    /// The key that readers need.
    pub fn key(&self) -> &VerifyingKey {
        &self.shared.key
    }

    /// The key that signs it, for what else the console vouches for.
    pub fn signing_key(&self) -> &SigningKey {
        &self.shared.signing
    }

    /// The rows that it is kept in.
    pub fn store(&self) -> Arc<dyn LedgerStore> {
        self.shared.store.clone()
    }

    /// This process, as the one who will close what it opens.
    pub fn writer(&self) -> &str {
        &self.shared.writer
    }

    /// Looks soon at what another process has written.
    pub fn look(&self) {
        // Nobody is there any more once the ledger is closed.
        let _ = self.shared.nudges.send(Nudge::Look);
    }

    /// Closes what a process left open that is gone.
    pub fn end_for(&self, writer: String) {
        let _ = self.shared.nudges.send(Nudge::Gone(writer));
    }

    /// The ledger as it stands.
    pub fn status(&self) -> LedgerStatus {
        self.shared.status.borrow().clone()
    }

    /// The ledger as it goes on from now.
    pub fn watch(&self) -> watch::Receiver<LedgerStatus> {
        self.shared.status.clone()
    }

    /// Writes down that an act is about to be done.
    ///
    /// # Errors
    /// When it cannot be written: the act must not run.
    pub async fn open(&self, draft: Draft) -> Result<Opened, LedgerError> {
        let queue = self.queue().ok_or(LedgerError::Closed)?;
        let (written, answer) = oneshot::channel();
        let write = Write {
            draft: draft.clone(),
            what: What::Open,
            written: Some(written),
        };
        queue.send(write).await.map_err(|_| LedgerError::Closed)?;
        // A caller that is cut off here leaves an entry that nobody holds; the writer sees that the answer cannot
        // be given and closes it.
        let index = answer.await.map_err(|_| LedgerError::Closed)??;
        Ok(Opened {
            index,
            draft,
            queue: Some(queue),
        })
    }

    /// Writes down an act that changed nothing, outcome and all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn note(
        &self,
        draft: Draft,
        outcome: Outcome,
        reason: &str,
    ) -> Result<u64, LedgerError> {
        let queue = self.queue().ok_or(LedgerError::Closed)?;
        let what = What::Note {
            outcome,
            reason: reason.to_owned(),
        };
        send(&queue, draft, what).await
    }

    /// Writes what is still to be written, stops, and ends the tail for its viewers.
    pub async fn close(&self) {
        let queue = self
            .shared
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(queue);
        let writing = self
            .shared
            .writing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(writing) = writing else { return };
        match tokio::time::timeout(END_WITHIN, writing).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!("the ledger's writer ended badly: {error}"),
            Err(_) => tracing::warn!("acts that are still going on will end as unknown"),
        }
    }

    fn queue(&self) -> Option<mpsc::Sender<Write>> {
        self.shared
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

async fn send(queue: &mpsc::Sender<Write>, draft: Draft, what: What) -> Result<u64, LedgerError> {
    let (written, answer) = oneshot::channel();
    let write = Write {
        draft,
        what,
        written: Some(written),
    };
    queue.send(write).await.map_err(|_| LedgerError::Closed)?;
    answer.await.map_err(|_| LedgerError::Closed)?
}

/// An act that is written down as begun. Close it; dropping it says that its outcome is unknown.
#[must_use = "an act that is not closed ends as unknown"]
pub struct Opened {
    index: u64,
    draft: Draft,
    queue: Option<mpsc::Sender<Write>>,
}

impl Opened {
    /// The index of its entry.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// What its closing entry will say of it: for what is only known once it is done.
    pub fn draft(&mut self) -> &mut Draft {
        &mut self.draft
    }

    /// Writes down how it came out, durably.
    ///
    /// The act is over whether or not this can be written: what could not is kept and written as soon as it can
    /// be, and is "unknown" when the server ends before that.
    pub async fn close(mut self, outcome: Outcome, reason: &str) {
        let Some(queue) = self.queue.take() else {
            return;
        };
        let what = What::Close {
            opened: self.index,
            outcome,
            reason: reason.to_owned(),
        };
        if let Err(error) = send(&queue, std::mem::take(&mut self.draft), what).await {
            tracing::error!(
                entry = self.index,
                "the end of an act is not written down yet: {error}"
            );
        }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let Some(queue) = self.queue.take() else {
            return;
        };
        let write = Write {
            draft: std::mem::take(&mut self.draft),
            what: What::Close {
                opened: self.index,
                outcome: Outcome::Unknown,
                reason: "it was cut off".to_owned(),
            },
            written: None,
        };
        if let Err(mpsc::error::TrySendError::Full(write)) = queue.try_send(write)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move { queue.send(write).await.ok() });
        }
    }
}
