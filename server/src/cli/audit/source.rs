//! Where a ledger is read from: a console's data directory, or tiles that were copied from somewhere.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use clap::Args;
use requorum_shared::ledger::checkpoint::VerifyingKey;
use requorum_shared::ledger::entry::Entry;
use requorum_shared::ledger::merkle::Frontier;
use requorum_shared::ledger::tiles::{self, Kind, Tile, WIDTH};
use requorum_shared::ledger::verify::{Audit, Remembered, Verified};
use zeroize::Zeroizing;

use super::super::location::DatabaseArguments;
use crate::app::ledger;
use crate::error::quoted;
use crate::ledger::store::{Columns, LedgerStore};
use crate::small_file;

/// Rows that are compared with their entries at once.
const COLUMNS_AT_ONCE: u64 = 1024;
/// What a key or a checkpoint may have at most, in bytes: many lines of other witnesses are on some.
const MAX_TEXT_BYTES: u64 = 256 << 10;
/// What a file of tiles may have at most, in bytes: 256 entries of 64 KiB.
const MAX_FILE_BYTES: u64 = 256 * (2 + 0xffff);

/// Which ledger, and what is known of it.
#[derive(Debug, Args)]
pub(super) struct From {
    /// A console's data directory. A server may be running on it.
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present_any = ["tiles", "database_url"],
        conflicts_with = "tiles"
    )]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    database: DatabaseArguments,
    /// Files named as the ledger serves them (checkpoint, key, tile/0/000, tile/entries/000, …), or folders of them;
    /// may be given several times.
    #[arg(long, value_name = "DIR_OR_FILE", num_args = 1..)]
    tiles: Vec<PathBuf>,
    /// The ledger's key as you know it (name+id+key), or a file that holds it. Without it, the key beside the ledger is
    /// trusted.
    #[arg(long, value_name = "KEY_OR_FILE")]
    key: Option<String>,
    /// A checkpoint that you kept: the ledger must be consistent with it.
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
}

impl From {
    /// Opens the ledger.
    pub(super) async fn open(&self) -> anyhow::Result<Source> {
        let console = match &self.data_dir {
            Some(data_dir) => Some(self.database.place(data_dir.clone())?),
            None if self.tiles.is_empty() => Some(self.database.place(PathBuf::new())?),
            None => None,
        };
        let place = match &console {
            Some(console) => LedgerSource::Store(ledger::read(console).await?),
            None => LedgerSource::Files(files(&self.tiles)?),
        };
        let key = match (&self.key, &console, &place) {
            (Some(key), ..) => self::key(key)?,
            (None, Some(console), _) => ledger::key_of(console)?,
            (None, None, LedgerSource::Files(files)) => {
                let file = files.get("key").context(
                    "the tiles have no file `key`: name the key that you trust with --key",
                )?;
                VerifyingKey::parse(&text(file, small_file::read)?)?
            }
            (None, None, LedgerSource::Store(_)) => bail!("no ledger is named"),
        };
        let remembered = match &self.checkpoint {
            Some(file) => Some(Remembered {
                key: key.to_string(),
                checkpoint: text(file, small_file::read_or_pipe)?,
            }),
            None => None,
        };
        let checkpoint = place.checkpoint().await?;
        Ok(Source {
            place,
            key,
            checkpoint,
            remembered,
        })
    }
}

/// A key, or the file that holds it.
pub(in crate::cli) fn key(given: &str) -> anyhow::Result<VerifyingKey> {
    match VerifyingKey::parse(given) {
        Ok(key) => Ok(key),
        Err(error) if !Path::new(given).exists() => Err(error).context("--key"),
        Err(_) => {
            let path = Path::new(given);
            let text = text(path, small_file::read_or_pipe)?;
            VerifyingKey::parse(&text).with_context(|| path.display().to_string())
        }
    }
}

/// A ledger to be read.
pub(super) struct Source {
    place: LedgerSource,
    /// The key that must have signed it.
    pub(super) key: VerifyingKey,
    /// Its newest checkpoint.
    pub(super) checkpoint: String,
    /// What the reader kept.
    pub(super) remembered: Option<Remembered>,
}

enum LedgerSource {
    Store(Arc<dyn LedgerStore>),
    /// By their names below the ledger's prefix.
    Files(BTreeMap<String, PathBuf>),
}

impl Source {
    /// Reads and verifies the whole ledger; `each` is given every bundle of entries before it is verified.
    pub(super) async fn audit(
        &self,
        mut each: impl FnMut(&[&[u8]]) -> anyhow::Result<()>,
    ) -> anyhow::Result<Verified> {
        let mut audit = Audit::begin(&self.key, &self.checkpoint, self.remembered.as_ref())?;
        while let Some((bundle, leaves)) = audit.next() {
            let bytes = self.tile(bundle).await?.unwrap_or_default();
            if let Ok(entries) = tiles::unpack(&bytes, bundle.width) {
                each(&entries)?;
            }
            audit.feed(&bytes, self.tile(leaves).await?.as_deref())?;
        }
        let verified = audit.finish()?;
        self.check_columns(verified.checkpoint.size).await?;
        self.check_the_rest(verified.checkpoint.size).await?;
        Ok(verified)
    }

    /// What entries are found by, and joined to their ends: it is not part of what is hashed, and must be what is.
    async fn check_columns(&self, size: u64) -> anyhow::Result<()> {
        let LedgerSource::Store(store) = &self.place else {
            return Ok(());
        };
        for start in (0..size).step_by(COLUMNS_AT_ONCE as usize) {
            let count = COLUMNS_AT_ONCE.min(size - start);
            let columns = store.columns(start, count).await?;
            let entries = store.entries(start, count).await?;
            ensure!(
                columns.len() as u64 == count && entries.len() as u64 == count,
                "Rows of the ledger between entry {start} and {} are gone.",
                start + count
            );
            for (found, stored) in columns.iter().zip(&entries) {
                let index = stored.index;
                let entry: Entry = serde_json::from_slice(&stored.canonical)
                    .with_context(|| format!("Entry {index} cannot be read"))?;
                if let Some(what) = differs(found, &Columns::of(&entry)) {
                    bail!(
                        "Entry {index} is intact, but the ledger's database lists it with {what}: lists and filters \
                         show it wrongly or not at all. The database was changed."
                    );
                }
            }
        }
        Ok(())
    }

    /// What lies beside the entries of the checkpoint: rows behind its last, and hashes that servers build upon.
    async fn check_the_rest(&self, size: u64) -> anyhow::Result<()> {
        let LedgerSource::Store(store) = &self.place else {
            return Ok(());
        };
        // Whoever writes meanwhile writes a newer checkpoint too.
        let head = store.head().await?;
        if let Some(head) = head {
            ensure!(
                head.end == head.size,
                "The ledger has entries that no checkpoint counts, from entry {} on: they were slipped in.",
                head.size
            );
        }
        for tile in Tile::all(size) {
            let Kind::Hashes { level: 1.. } = tile.kind else {
                continue;
            };
            let below = self.subtrees(tile).await?;
            ensure!(
                self.tile(tile).await?.as_deref() == Some(&below[..]),
                "The ledger's {} does not follow from the tiles below it: it was changed.",
                tile.path()
            );
        }
        Ok(())
    }

    /// What a tile of a higher level must be: the roots of the full tiles below it.
    async fn subtrees(&self, tile: Tile) -> anyhow::Result<Vec<u8>> {
        let Kind::Hashes { level } = tile.kind else {
            return Ok(Vec::new());
        };
        let mut roots = Vec::new();
        for index in tile.start()..tile.start() + tile.width {
            let full = Tile {
                kind: Kind::Hashes { level: level - 1 },
                index,
                width: WIDTH,
            };
            let bytes = self.tile(full).await?;
            let bytes = bytes.with_context(|| format!("The ledger's {} is gone.", full.path()))?;
            let mut subtree = Frontier::new();
            for hash in tiles::hashes_of(&bytes, WIDTH)? {
                subtree.push(hash, |_, _| {});
            }
            roots.extend_from_slice(&subtree.root().0);
        }
        Ok(roots)
    }

    /// The bytes of a tile, as far as they are there.
    pub(super) async fn tile(&self, tile: Tile) -> anyhow::Result<Option<Bytes>> {
        self.place.tile(tile).await
    }
}

impl LedgerSource {
    async fn checkpoint(&self) -> anyhow::Result<String> {
        match self {
            Self::Store(store) => {
                let head = store.head().await?;
                let head = head.context("the ledger is empty: the console was never started")?;
                ensure!(
                    !head.note.is_empty(),
                    "The ledger has entries and no checkpoint: all of them are gone."
                );
                Ok(head.note)
            }
            Self::Files(files) => {
                let file = files.get("checkpoint");
                let file = file.context("the tiles have no file `checkpoint`")?;
                text(file, small_file::read)
            }
        }
    }

    async fn tile(&self, tile: Tile) -> anyhow::Result<Option<Bytes>> {
        match self {
            Self::Store(store) => {
                let (start, width) = (tile.start(), tile.width);
                let hashes = match tile.kind {
                    Kind::Entries => {
                        let entries = store.entries(start, width).await?;
                        // A row that is gone leaves its place empty: what follows is not moved up.
                        let there = (start..)
                            .zip(&entries)
                            .take_while(|(index, e)| e.index == *index);
                        return Ok(Some(
                            tiles::pack(there.map(|(_, e)| &e.canonical[..])).into(),
                        ));
                    }
                    Kind::Hashes { level: 0 } => store.leaves(start, width).await?,
                    Kind::Hashes { level } => store.nodes(level, start, width).await?,
                };
                let whole = hashes.len() as u64 == width;
                Ok(whole.then(|| {
                    hashes
                        .iter()
                        .flat_map(|hash| hash.0)
                        .collect::<Vec<_>>()
                        .into()
                }))
            }
            Self::Files(files) => {
                if let Some(file) = files.get(&tile.path()) {
                    return Ok(Some(read(file)?.into()));
                }
                // Once a tile is full, its partial forms need not be kept.
                let full = Tile {
                    width: WIDTH,
                    ..tile
                };
                match files.get(&full.path()) {
                    Some(file) => Ok(Some(first(read(file)?, tile)?)),
                    None => Ok(None),
                }
            }
        }
    }
}

/// The first column that is not what the entry says.
fn differs(found: &Columns, said: &Columns) -> Option<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    let number = |number: Option<u64>| number.map_or_else(|| "none".to_owned(), |n| n.to_string());
    let columns = [
        ("index", found.index.to_string(), said.index.to_string()),
        ("time", found.at_ms.to_string(), said.at_ms.to_string()),
        ("other half", number(found.closes), number(said.closes)),
        ("person", found.who.clone(), said.who.clone()),
        ("act", found.act.clone(), said.act.clone()),
        ("cluster", text(&found.cluster), text(&said.cluster)),
        ("plan", text(&found.plan), text(&said.plan)),
        ("job", text(&found.job), text(&said.job)),
    ];
    if found == said {
        return None;
    }
    let (name, found, said) = columns.into_iter().find(|(_, found, said)| found != said)?;
    Some(format!(
        "the {name} {} instead of {}",
        quoted(&found),
        quoted(&said)
    ))
}

/// The part of a full tile that a partial one was.
fn first(full: Vec<u8>, tile: Tile) -> anyhow::Result<Bytes> {
    match tile.kind {
        Kind::Entries => {
            let entries = tiles::unpack(&full, WIDTH)?;
            Ok(tiles::pack(entries.into_iter().take(tile.width as usize)).into())
        }
        Kind::Hashes { .. } => {
            let length = 32 * tile.width as usize;
            ensure!(full.len() >= length, "{} is too short", tile.path());
            Ok(Bytes::from(full).slice(..length))
        }
    }
}

/// The ledger's files among these paths, by their names below the ledger's prefix.
fn files(paths: &[PathBuf]) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    for path in paths {
        let found = path
            .metadata()
            .with_context(|| path.display().to_string())?;
        if found.is_dir() {
            walk(path, &mut files)?;
        } else {
            add(path, &mut files);
        }
    }
    Ok(files)
}

fn walk(folder: &Path, files: &mut BTreeMap<String, PathBuf>) -> anyhow::Result<()> {
    let context = || folder.display().to_string();
    for entry in folder.read_dir().with_context(context)? {
        let entry = entry.with_context(context)?;
        // Links are not followed: a folder may be anybody's.
        let kind = entry.file_type().with_context(context)?;
        if kind.is_dir() {
            walk(&entry.path(), files)?;
        } else if kind.is_file() {
            add(&entry.path(), files);
        }
    }
    Ok(())
}

fn add(path: &Path, files: &mut BTreeMap<String, PathBuf>) {
    let Some(text) = path.to_str() else { return };
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let name = match text.rfind("tile/") {
        Some(at) if Tile::parse(&text[at..]).is_ok() => &text[at..],
        _ if matches!(name, "checkpoint" | "key") => name,
        _ => return,
    };
    files.insert(name.to_owned(), path.to_owned());
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = small_file::read(path, MAX_FILE_BYTES);
    Ok(bytes.with_context(|| path.display().to_string())?.to_vec())
}

fn text(
    path: &Path,
    read: impl Fn(&Path, u64) -> io::Result<Zeroizing<Vec<u8>>>,
) -> anyhow::Result<String> {
    let bytes = read(path, MAX_TEXT_BYTES).with_context(|| path.display().to_string())?;
    String::from_utf8(bytes.to_vec()).with_context(|| format!("{} is not text", path.display()))
}
