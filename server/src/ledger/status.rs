//! Where the ledger is, and why it cannot be written.

use std::sync::Arc;

use thiserror::Error;

/// Why something was not written down, and so must not be done.
#[derive(Debug, Clone, Error)]
pub enum LedgerError {
    /// The database failed.
    #[error("the ledger cannot be written: {0}")]
    Unwritable(Arc<str>),
    /// What is there contradicts itself; nothing is appended to it.
    #[error("the ledger is damaged, and nothing is added to it: {0}")]
    Damaged(Arc<str>),
    /// The server is stopping.
    #[error("the ledger is closed: the server is stopping")]
    Closed,
}

/// Whose the acts are that are open when a ledger is taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenActs {
    /// They were left by processes that are dead: no other can be alive, as the lock on the data directory says.
    Orphaned,
    /// They belong to others, who are at work.
    OfOthers,
}

/// The ledger as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerStatus {
    /// How many entries it has.
    pub size: u64,
    /// Its newest checkpoint, a signed note. Empty while the ledger could not be begun.
    pub note: Arc<str>,
    /// Why nothing can be written, when that is so.
    pub trouble: Option<Arc<str>>,
    /// What is there contradicts itself: that is the trouble.
    pub damaged: bool,
}
