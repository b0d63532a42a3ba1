//! Acts as the ledger proves them: not what a row of the database says, but what the key has signed.

use anyhow::Context as _;
use requorum_shared::ledger::entry::{Entry, Outcome};
use requorum_shared::ledger::merkle;
use requorum_shared::ledger::verify::entry_is_in;

use super::recorder::Ledger;
use super::status::LedgerStatus;
use super::store::{Filter, Stored};
use super::tree::prove;

/// Acts that are looked through for one, newest first, before it counts as not there.
const MOST_LOOKED_THROUGH: u32 = 200;

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

impl Ledger {
    /// The act that this entry opened. None where there is no such entry, or it is not the one that was signed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn proven_act(&self, index: u64) -> anyhow::Result<Option<ProvenAct>> {
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

    /// The newest act that fits the filter and of which `is_it` says so.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find_act(
        &self,
        filter: Filter,
        is_it: impl Fn(&ProvenAct) -> bool,
    ) -> anyhow::Result<Option<ProvenAct>> {
        let filter = Filter {
            limit: MOST_LOOKED_THROUGH,
            acts_only: true,
            ..filter
        };
        let page = self.shared.store.list(&filter).await?;
        self.first_of(&page, &is_it).await
    }

    /// The same, however many others lie before it: for what must not be hidden behind them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find_act_of_all(
        &self,
        filter: Filter,
        is_it: impl Fn(&ProvenAct) -> bool,
    ) -> anyhow::Result<Option<ProvenAct>> {
        let mut filter = Filter {
            limit: MOST_LOOKED_THROUGH,
            acts_only: true,
            ..filter
        };
        loop {
            let page = self.shared.store.list(&filter).await?;
            let Some(last) = page.last() else {
                return Ok(None);
            };
            filter.before = Some(last.index);
            if let Some(found) = self.first_of(&page, &is_it).await? {
                return Ok(Some(found));
            }
        }
    }

    async fn first_of(
        &self,
        page: &[Stored],
        is_it: impl Fn(&ProvenAct) -> bool,
    ) -> anyhow::Result<Option<ProvenAct>> {
        for stored in page {
            if let Some(act) = self.prove_act(stored).await?
                && act.opened.closes.is_none()
                && is_it(&act)
            {
                return Ok(Some(act));
            }
        }
        Ok(None)
    }

    async fn prove_act(&self, stored: &Stored) -> anyhow::Result<Option<ProvenAct>> {
        let standing = self.status();
        let Some(opened) = self
            .proven(&standing, stored.index, &stored.canonical)
            .await?
        else {
            return Ok(None);
        };
        let Some(bytes) = &stored.closing else {
            return Ok(Some(ProvenAct {
                opened,
                closed: None,
            }));
        };
        let closing: Entry = match serde_json::from_slice(bytes) {
            Ok(closing) => closing,
            Err(_) => return Ok(None),
        };
        if closing.closes != Some(opened.index) {
            return Ok(None);
        }
        let closed = self.proven(&standing, closing.index, bytes).await?;
        Ok(closed.map(|closed| ProvenAct {
            opened,
            closed: Some(closed),
        }))
    }

    /// The entry with these bytes, if that is what was signed.
    async fn proven(
        &self,
        standing: &LedgerStatus,
        index: u64,
        canonical: &[u8],
    ) -> anyhow::Result<Option<Entry>> {
        if index >= standing.size {
            return Ok(None);
        }
        let path = merkle::inclusion_path(index, standing.size);
        let path = prove(&*self.shared.store, &path, standing.size).await?;
        match entry_is_in(self.key(), &standing.note, index, canonical, &path) {
            Ok(_) => serde_json::from_slice(canonical)
                .map(Some)
                .context("an entry that was signed cannot be read"),
            Err(broken) => {
                tracing::error!(index, "an entry of the ledger was changed: {broken}");
                Ok(None)
            }
        }
    }
}
