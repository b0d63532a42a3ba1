//! What the ledger proves of an act, and why it may not.

use requorum_shared::ledger::entry::{Entry, Outcome};
use thiserror::Error;

/// An act whose entries were proven to be in the tree of the ledger's newest checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenAct {
    /// The entry that was written before it, or the only one.
    pub opened: Entry,
    /// The entry that was written after it; none while it is open.
    pub closed: Option<Entry>,
}

impl ProvenAct {
    /// How it came out; none while it is open.
    pub fn outcome(&self) -> Option<Outcome> {
        match &self.closed {
            Some(closed) => closed.outcome,
            None => self.opened.outcome,
        }
    }
}

/// Why it is not known whether an act was done.
#[derive(Debug, Error)]
pub enum LookupError {
    /// What is stored of an entry, or of the act that it opened, is not what was signed.
    #[error("entry {0} of the ledger is not what was signed")]
    Changed(u64),
    /// What is stored of the tree is not what was signed, and it is not known of which entry.
    #[error("the entries of the ledger do not add up to its newest signed checkpoint")]
    Tree,
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] anyhow::Error),
}
