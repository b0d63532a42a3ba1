//! What readers of the ledger get: tiles, proofs, lists.

use anyhow::Context as _;
use bytes::Bytes;
use requorum_shared::ledger::merkle::{self, Hash};
use requorum_shared::ledger::tiles::{self, Kind, Tile};

use super::recorder::Ledger;
use super::store::{Filter, Stored};
use super::tree::{prove, read};

/// An entry with its way to a checkpoint.
#[derive(Debug, Clone)]
pub struct Proof {
    /// The entry.
    pub entry: Stored,
    /// RFC 6962 audit path, from the leaf upwards.
    pub path: Vec<Hash>,
    /// The checkpoint that it leads to, a signed note.
    pub note: String,
}

impl Ledger {
    /// The bytes of a tile or bundle; `None` when the ledger does not have that many entries, or lost them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn tile(&self, tile: Tile) -> anyhow::Result<Option<Bytes>> {
        if !exists(tile, self.status().size) {
            return Ok(None);
        }
        let bytes = read(&*self.shared.store, tile).await?;
        if bytes.is_none() {
            tracing::error!("the ledger has lost rows of {}", tile.path());
        }
        Ok(bytes)
    }

    /// The bytes of bundles that follow each other: of exactly so many entries from `start` on, whatever was written
    /// since. `None` when the ledger does not have them, or that is more than is given at once.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn together(&self, start: u64, count: u64) -> anyhow::Result<Option<Bytes>> {
        let end = start.saturating_add(count);
        if !(1..=tiles::MAX_TOGETHER).contains(&count) || end > self.status().size {
            return Ok(None);
        }
        let entries = self.shared.store.entries(start, count).await?;
        if entries.len() as u64 != count {
            tracing::error!("the ledger has lost rows between {start} and {end}");
            return Ok(None);
        }
        let packed = tiles::pack(entries.iter().map(|entry| &entry.canonical[..]));
        Ok(Some(Bytes::from(packed)))
    }

    /// Entries that fit the filter, newest first, with what closes them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(&self, filter: &Filter) -> anyhow::Result<Vec<Stored>> {
        self.shared.store.list(filter).await
    }

    /// An entry and its proof; `None` when there is no such entry.
    ///
    /// # Errors
    /// When the store cannot be read, or does not have what the checkpoint counts.
    pub async fn prove_entry(&self, index: u64) -> anyhow::Result<Option<Proof>> {
        let standing = self.status();
        if index >= standing.size {
            return Ok(None);
        }
        let store = &*self.shared.store;
        let entry = store.entries(index, 1).await?.pop();
        let entry = entry.with_context(|| format!("entry {index} of the ledger is missing"))?;
        let path = prove(
            store,
            &merkle::inclusion_path(index, standing.size),
            standing.size,
        )
        .await?;
        Ok(Some(Proof {
            entry,
            path,
            note: standing.note.to_string(),
        }))
    }

    /// The proof that the ledger goes on from its first `old` entries, and the checkpoint it leads to; `None` when
    /// it has fewer.
    ///
    /// # Errors
    /// When the store cannot be read, or does not have what the checkpoint counts.
    pub async fn prove_consistency(&self, old: u64) -> anyhow::Result<Option<(Vec<Hash>, String)>> {
        let standing = self.status();
        if old > standing.size {
            return Ok(None);
        }
        let path = merkle::consistency_path(old, standing.size);
        let proof = prove(&*self.shared.store, &path, standing.size).await?;
        Ok(Some((proof, standing.note.to_string())))
    }
}

/// Whether a ledger of `size` entries has had this tile at some size: full, or partial up to where it is now.
fn exists(tile: Tile, size: u64) -> bool {
    let now = match tile.kind {
        Kind::Entries => Tile::entries(tile.index, size),
        Kind::Hashes { level } => Tile::hashes(level, tile.index, size),
    };
    now.is_some_and(|now| tile.width <= now.width)
}
