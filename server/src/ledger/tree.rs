//! The tree of the ledger, from the rows that it is kept in: tiles, proofs, the right edge.

use anyhow::Context as _;
use bytes::Bytes;
use requorum_shared::ledger::merkle::{self, Frontier, Hash, Node, Run};
use requorum_shared::ledger::tiles::{self, Kind, Tile, Tiles};

use super::store::LedgerStore;

/// The way of an entry to the checkpoint of `size` entries.
///
/// # Errors
/// When the store cannot be read, or does not have what the checkpoint counts.
pub async fn way_to(store: &dyn LedgerStore, index: u64, size: u64) -> anyhow::Result<Vec<Hash>> {
    prove(store, &merkle::inclusion_path(index, size), size).await
}

/// The bytes of a tile that exists; `None` when rows of it are missing.
pub(super) async fn read(store: &dyn LedgerStore, tile: Tile) -> anyhow::Result<Option<Bytes>> {
    let bytes = match tile.kind {
        Kind::Entries => {
            let entries = store.entries(tile.start(), tile.width).await?;
            let bundle = || tiles::pack(entries.iter().map(|entry| &entry.canonical[..]));
            (entries.len() as u64 == tile.width).then(bundle)
        }
        Kind::Hashes { level } => {
            let hashes = hashes(store, level, tile).await?;
            let bytes = || hashes.iter().flat_map(|hash| hash.0).collect();
            (hashes.len() as u64 == tile.width).then(bytes)
        }
    };
    Ok(bytes.map(Bytes::from))
}

async fn hashes(store: &dyn LedgerStore, level: u8, tile: Tile) -> anyhow::Result<Vec<Hash>> {
    match level {
        0 => store.leaves(tile.start(), tile.width).await,
        _ => store.nodes(level, tile.start(), tile.width).await,
    }
}

/// The right edge of the first `size` entries, from the stored hashes; `None` when some are missing.
pub(super) async fn frontier(
    store: &dyn LedgerStore,
    size: u64,
) -> anyhow::Result<Option<Frontier>> {
    let tiles = load(store, Frontier::nodes(size), size).await?;
    Ok(Frontier::load(size, &tiles))
}

pub(super) async fn prove(
    store: &dyn LedgerStore,
    path: &[Run],
    size: u64,
) -> anyhow::Result<Vec<Hash>> {
    let nodes = path.iter().flat_map(|run| run.nodes());
    let tiles = load(store, nodes, size).await?;
    merkle::prove(path, &tiles).context("hashes of the ledger are missing")
}

/// The tiles that hold `nodes`, as far as they are there.
async fn load(
    store: &dyn LedgerStore,
    nodes: impl IntoIterator<Item = Node>,
    size: u64,
) -> anyhow::Result<Tiles> {
    let mut loaded = Tiles::default();
    for tile in tiles::tiles_of(nodes, size) {
        if let Kind::Hashes { level } = tile.kind {
            loaded.add(level, tile.index, hashes(store, level, tile).await?);
        }
    }
    Ok(loaded)
}
