//! Backing a console up and putting it back: what belongs to its state, and in which order it is copied.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};

use super::accounts::Accounts;
use super::key_path::KEY_FILE;
use super::location::ConsoleLocation;
use crate::auth::store::SessionStore as _;
use crate::backup::{Copied, Filling, Manifest};
use crate::clock::{Clock as _, SystemClock};
use crate::data_dir::{DATABASE, LEDGER_KEY};
use crate::db::{At, Database};
use crate::error::{Result, precondition};
use crate::files::objects;
use crate::files::store::FileStore as _;
use crate::ledger::store::LedgerStore as _;

/// What a backup is to hold beside the rows.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The stored files lie in a bucket: they are listed, and not copied.
    pub files_elsewhere: bool,
    /// The master key of the sealed credentials too.
    pub master_key: bool,
}

impl Accounts {
    /// Backs the console up to a new folder, beside a server that goes on.
    ///
    /// # Errors
    /// When something that belongs to it is missing or cannot be copied; then there is no backup.
    pub async fn back_up(
        &self,
        place: &ConsoleLocation,
        to: &Path,
        wanted: Wanted,
    ) -> Result<Manifest> {
        self.copy(place, to, wanted)
            .await
            .map_err(|error| precondition("console.backup", format!("{error:#}")))
    }

    async fn copy(
        &self,
        place: &ConsoleLocation,
        to: &Path,
        wanted: Wanted,
    ) -> anyhow::Result<Manifest> {
        let folder = Filling::begin(to)?;
        let mut manifest = Manifest::new(SystemClock.now_text());
        let copy = folder.path().join(DATABASE);
        self.database().copy_to(&copy).await?;
        manifest.files.push(folder.list(DATABASE)?);
        manifest
            .files
            .push(folder.copy(&place.key_file(), LEDGER_KEY)?);
        if wanted.master_key {
            let from = place.data_dir.join(KEY_FILE);
            manifest.files.push(folder.copy(&from, KEY_FILE)?);
        }
        // The rows first: files come before their rows, so each row of the copy has its file, unless it is removed
        // meanwhile.
        let rows = Database::open_to_read(&At::File(copy)).await?;
        let head = rows.head().await?;
        manifest.ledger_entries = head.map_or(0, |head| head.size);
        let files = rows.files().await?;
        rows.close().await;
        for file in files {
            let path = format!("objects/{}", objects::name_of(&file.id));
            let wanted_file = Copied {
                path: path.clone(),
                size: file.size,
                sha256: file.id,
            };
            if wanted.files_elsewhere {
                manifest.elsewhere.push(wanted_file);
                continue;
            }
            let from = place.data_dir.join(&path);
            if !from.exists() {
                let now = self.database().file(&wanted_file.sha256).await?;
                ensure!(
                    now.is_none_or(|(file, _)| file.removed_ms == 0),
                    "the stored file {} was removed while the backup was made: make the backup again",
                    wanted_file.sha256
                );
            }
            ensure!(
                from.exists(),
                "the stored file {} is missing; if the files lie in a bucket, name it with --objects",
                from.display()
            );
            let copied = folder.copy(&from, &path)?;
            ensure!(
                copied == wanted_file,
                "the stored file {} is damaged: its SHA-256 is {}. Download what can be saved, and repair the store \
                 before it is backed up",
                from.display(),
                copied.sha256
            );
            manifest.files.push(copied);
        }
        folder.describe(&manifest)?;
        folder.finish()?;
        Ok(manifest)
    }

    /// Ends all sessions: a backup knows some that were ended since.
    ///
    /// # Errors
    /// When the rows cannot be written.
    pub async fn end_all_sessions(&self) -> Result<u64> {
        Ok(self.database().remove_all_sessions().await?)
    }
}

/// A backup on its way into an empty data directory.
#[derive(Debug)]
pub struct PuttingBack {
    folder: Filling,
    /// What is in the backup.
    pub manifest: Manifest,
}

impl PuttingBack {
    /// Copies the backup beside `data_dir`, and compares every file with the manifest.
    ///
    /// # Errors
    /// When the backup is not whole, or something stands in the way.
    pub fn begin(backup: &Path, data_dir: &Path) -> anyhow::Result<Self> {
        let manifest = Manifest::read(backup)?;
        // The manifest is not signed. What it names is held against what a backup of a console can have in it.
        if let Some(file) = manifest.files.iter().find(|file| !belongs(file)) {
            bail!(
                "the manifest of {} names {}, which does not belong in a backup of a console",
                backup.display(),
                file.path.escape_debug()
            );
        }
        let folder = Filling::begin(data_dir)?;
        for wanted in &manifest.files {
            folder.take(backup, wanted)?;
        }
        Ok(Self { folder, manifest })
    }

    /// The console as long as it is not in its place.
    pub fn place(&self) -> ConsoleLocation {
        ConsoleLocation {
            data_dir: self.folder.path().to_owned(),
            database: None,
            ledger_key: None,
        }
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// When something is there by now.
    pub fn finish(self) -> anyhow::Result<()> {
        self.folder.finish()
    }
}

/// Whether a backup of a console has this file in it: the rows, the keys, and stored files under their own hash.
fn belongs(file: &Copied) -> bool {
    match file.path.strip_prefix("objects/") {
        Some(name) => objects::is_sha256(&file.sha256) && name == objects::name_of(&file.sha256),
        None => [DATABASE, LEDGER_KEY, KEY_FILE].contains(&file.path.as_str()),
    }
}

/// Where the master key of a console lies that must be kept beside its backup; `None` when nothing is sealed with
/// one in the data directory.
pub fn master_key_of(place: &ConsoleLocation) -> Option<PathBuf> {
    let path = place.data_dir.join(KEY_FILE);
    path.exists().then_some(path)
}

/// Refuses a folder inside of the data directory: a backup there would be lost with it.
///
/// # Errors
/// When `to` is inside.
pub fn is_apart(to: &Path, place: &ConsoleLocation) -> anyhow::Result<()> {
    let to = std::path::absolute(to).context("the backup's folder")?;
    let data_dir = std::path::absolute(&place.data_dir).context("the data directory")?;
    ensure!(
        !to.starts_with(&data_dir),
        "{} is inside of the data directory: choose a place that is not lost with it",
        to.display()
    );
    Ok(())
}
