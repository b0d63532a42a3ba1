//! Acts as the ledger proves them: not what a row of the database says, but what the key has signed.

use anyhow::Context as _;
use requorum_shared::ledger::entry::{Entry, Outcome};
use requorum_shared::ledger::merkle;
use requorum_shared::ledger::verify::entry_is_in;

use super::decisions::Decisions;
use super::proven::{LookupError, ProvenAct};
use super::recorder::Ledger;
use super::status::LedgerStatus;
use super::store::{Filter, Stored};
use super::tree::prove;

/// Acts that are read at once while one is looked for, newest first.
const AT_ONCE: u32 = 200;
/// Acts that are looked through for one before it is given up.
const MOST_LOOKED_THROUGH: usize = 100_000;

/// Whether the act's end says that it was refused: it is not worth a proof, and there may be many.
fn is_refused(stored: &Stored) -> bool {
    let end = stored.closing.as_ref();
    let end = end.and_then(|bytes| serde_json::from_slice::<Entry>(bytes).ok());
    end.is_some_and(|end| end.outcome == Some(Outcome::Refused))
}

impl Ledger {
    /// The act that this entry opened. None where there is no such entry, or it is not in the newest checkpoint yet.
    ///
    /// # Errors
    /// When the store cannot be read, or the entry is not the one that was signed.
    pub async fn proven_act(&self, index: u64) -> Result<Option<ProvenAct>, LookupError> {
        let filter = Filter {
            before: index.checked_add(1),
            limit: 1,
            ..Filter::default()
        };
        let found = self.shared.store.list(&filter).await?.pop();
        match found.filter(|stored| stored.index == index) {
            Some(stored) => Ok(self
                .prove_act(&stored)
                .await?
                // The end of an act is not one.
                .filter(|act| act.opened.closes.is_none())),
            None => Ok(None),
        }
    }

    /// The newest act that fits the filter, was not refused, and of which `is_it` says so. A person who can write to the database can
    /// hide one from this; [`Ledger::newest_decision`] misses none.
    ///
    /// # Errors
    /// When the store cannot be read, an act that fits the filter is not the one that was signed, or there are too many.
    pub async fn find_act(
        &self,
        filter: Filter,
        is_it: impl Fn(&ProvenAct) -> bool,
    ) -> Result<Option<ProvenAct>, LookupError> {
        let mut filter = Filter {
            limit: AT_ONCE,
            acts_only: true,
            ..filter
        };
        for _ in 0..MOST_LOOKED_THROUGH / AT_ONCE as usize {
            let page = self.shared.store.list(&filter).await?;
            for stored in page.iter().filter(|stored| !is_refused(stored)) {
                if let Some(act) = self.prove_act(stored).await?
                    && act.opened.closes.is_none()
                    && is_it(&act)
                {
                    return Ok(Some(act));
                }
            }
            match page.last() {
                Some(last) if page.len() == AT_ONCE as usize => filter.before = Some(last.index),
                _ => return Ok(None),
            }
        }
        let error = anyhow::anyhow!("too many acts to look through for one");
        Err(LookupError::Store(error))
    }

    /// The newest decision from entry `since` on of which `is_it` says so: a rejection or withdrawal of a plan, the
    /// closing of a review, a change of a policy. One that failed or was refused is none.
    ///
    /// # Errors
    /// When the store cannot be read, or an entry that may be a newer decision is not what was signed.
    pub async fn newest_decision(
        &self,
        since: u64,
        is_it: impl Fn(&ProvenAct) -> bool,
    ) -> Result<Option<ProvenAct>, LookupError> {
        let mut decisions = self.shared.decisions.lock().await;
        self.read_on(&mut decisions).await?;
        let newest = decisions.newest(since, is_it);
        if let Err(LookupError::Changed(_)) = newest {
            // It may be repaired by the next time: then all of it is read and proven anew.
            *decisions = Decisions::default();
        }
        newest
    }

    /// Reads all decisions ahead of the first run that asks for one, which then reads only what is newer.
    ///
    /// # Errors
    /// When the store cannot be read, or does not add up to the newest checkpoint. A run says so again.
    pub async fn read_decisions(&self) -> Result<(), LookupError> {
        let mut decisions = self.shared.decisions.lock().await;
        self.read_on(&mut decisions).await
    }

    async fn read_on(&self, decisions: &mut Decisions) -> Result<(), LookupError> {
        let status = self.status();
        decisions
            .read_on(&*self.shared.store, self.key(), &status)
            .await
    }

    async fn prove_act(&self, stored: &Stored) -> Result<Option<ProvenAct>, LookupError> {
        let standing = self.status();
        let changed = || LookupError::Changed(stored.index);
        let Some(opened) = self
            .proven(&standing, stored.index, &stored.canonical)
            .await?
        else {
            return Ok(None);
        };
        let closed = match &stored.closing {
            None => None,
            Some(bytes) => {
                let closing: Entry = serde_json::from_slice(bytes).map_err(|_| changed())?;
                if closing.closes != Some(opened.index) {
                    return Err(changed());
                }
                // Until its end is signed too, the act is open.
                self.proven(&standing, closing.index, bytes).await?
            }
        };
        Ok(Some(ProvenAct { opened, closed }))
    }

    /// The entry with these bytes; none while no checkpoint has it.
    async fn proven(
        &self,
        standing: &LedgerStatus,
        index: u64,
        canonical: &[u8],
    ) -> Result<Option<Entry>, LookupError> {
        if index >= standing.size {
            return Ok(None);
        }
        let path = merkle::inclusion_path(index, standing.size);
        let path = prove(&*self.shared.store, &path, standing.size).await?;
        if let Err(broken) = entry_is_in(self.key(), &standing.note, index, canonical, &path) {
            tracing::error!(index, "an entry of the ledger was changed: {broken}");
            return Err(LookupError::Changed(index));
        }
        let entry =
            serde_json::from_slice(canonical).context("an entry that was signed cannot be read")?;
        Ok(Some(entry))
    }
}
