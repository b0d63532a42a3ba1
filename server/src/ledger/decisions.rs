//! Decisions that a run must not miss: whether a plan was closed, and which policy was set last.
//!
//! Nothing is looked up by a column here, because a person who can write to the database can change what a row is found
//! by. Each entry is read once, in order, and held against its hash, and the hashes against the newest signed
//! checkpoint; the few entries that decide are kept in memory.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use requorum_shared::ledger::checkpoint::{Checkpoint, VerifyingKey};
use requorum_shared::ledger::entry::{Entry, Outcome, act};
use requorum_shared::ledger::merkle::{Frontier, leaf_hash};
use serde::Deserialize;

use super::proven::{LookupError, ProvenAct};
use super::status::LedgerStatus;
use super::store::LedgerStore;

#[cfg(test)]
mod tests;

/// Entries that are read at once.
const AT_ONCE: u64 = 1024;
/// The acts that are kept.
const DECIDING: [&str; 5] = [
    act::PLAN_REJECT,
    act::PLAN_WITHDRAW,
    act::REVIEW_CLOSE,
    act::POLICY_SET,
    act::POLICY_REMOVE,
];

/// The decisions among the entries that were read.
#[derive(Default)]
pub(super) struct Decisions {
    /// The right edge of the entries that were read.
    edge: Frontier,
    /// By the entry that opened them, without those that failed or were refused.
    acts: BTreeMap<u64, ProvenAct>,
    /// Entries whose text does not have the hash that was signed: each may have been any act.
    changed: BTreeSet<u64>,
}

/// What is read of entries that do not decide.
#[derive(Deserialize)]
struct OnlyAct<'a> {
    #[serde(borrow)]
    act: Cow<'a, str>,
}

impl Decisions {
    /// Reads up to the newest checkpoint. Nothing of it is kept unless all of it leads there.
    pub(super) async fn read_on(
        &mut self,
        store: &dyn LedgerStore,
        key: &VerifyingKey,
        status: &LedgerStatus,
    ) -> Result<(), LookupError> {
        if status.size <= self.edge.size() {
            return Ok(());
        }
        let mut edge = self.edge.clone();
        let (mut found, mut changed) = (Vec::new(), Vec::new());
        while edge.size() < status.size {
            let start = edge.size();
            let end = status.size.min(start + AT_ONCE);
            let entries = store.entries(start, end - start).await?;
            let leaves = store.leaves(start, end - start).await?;
            for (stored, leaf) in entries.iter().zip(leaves) {
                let index = edge.size();
                if stored.index != index {
                    break;
                }
                edge.push(leaf, |_, _| {});
                if leaf_hash(&stored.canonical) != leaf {
                    changed.push(index);
                } else if let Some(entry) = deciding(index, &stored.canonical)? {
                    found.push(entry);
                }
            }
            if edge.size() < end {
                return Err(LookupError::Changed(edge.size()));
            }
        }
        match Checkpoint::open(&status.note, key) {
            Ok(signed) if signed.size == edge.size() && signed.root == edge.root() => {}
            _ => return Err(LookupError::Tree),
        }
        for index in &changed {
            tracing::error!(index, "an entry of the ledger was changed");
        }
        self.edge = edge;
        self.changed.extend(changed);
        for entry in found {
            self.add(entry);
        }
        Ok(())
    }

    fn add(&mut self, entry: Entry) {
        let came_to_nothing = matches!(entry.outcome, Some(Outcome::Failed | Outcome::Refused));
        match entry.closes {
            Some(opened) if came_to_nothing => {
                self.acts.remove(&opened);
            }
            Some(opened) => {
                if let Some(act) = self.acts.get_mut(&opened) {
                    act.closed = Some(entry);
                }
            }
            None if came_to_nothing => {}
            None => {
                let act = ProvenAct {
                    opened: entry,
                    closed: None,
                };
                self.acts.insert(act.opened.index, act);
            }
        }
    }

    /// The newest from entry `since` on of which `is_it` says so.
    pub(super) fn newest(
        &self,
        since: u64,
        is_it: impl Fn(&ProvenAct) -> bool,
    ) -> Result<Option<ProvenAct>, LookupError> {
        let mut newest_first = self.acts.range(since..).rev();
        let found = newest_first.find(|(_, act)| is_it(act));
        let since = found.map_or(since, |(index, _)| *index);
        // It may be a newer one, or the end of this one.
        if let Some(index) = self.changed.range(since..).next() {
            return Err(LookupError::Changed(*index));
        }
        Ok(found.map(|(_, act)| act.clone()))
    }
}

/// The entry with this text, if it opens or closes a decision.
fn deciding(index: u64, canonical: &[u8]) -> anyhow::Result<Option<Entry>> {
    let unreadable = || format!("entry {index} of the ledger cannot be read");
    let only: OnlyAct<'_> = serde_json::from_slice(canonical).with_context(unreadable)?;
    if !DECIDING.contains(&&*only.act) {
        return Ok(None);
    }
    serde_json::from_slice(canonical)
        .map(Some)
        .with_context(unreadable)
}
