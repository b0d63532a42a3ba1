//! Where a console's rows and the key of its ledger are.

use std::fmt;
use std::path::PathBuf;

use anyhow::ensure;

use crate::config::DatabaseUrl;
use crate::data_dir::{DATABASE, DataDir, LEDGER_KEY, UPLOADS};
use crate::db::At;

/// The data directory, and what lies outside of it.
#[derive(Debug, Clone)]
pub struct ConsoleLocation {
    /// The data directory.
    pub data_dir: PathBuf,
    /// The database, where it is not the file in the data directory.
    pub database: Option<DatabaseUrl>,
    /// The file with the ledger's key, where it is not in the data directory.
    pub ledger_key: Option<PathBuf>,
}

impl ConsoleLocation {
    pub(super) fn database(&self) -> At {
        match &self.database {
            Some(url) => At::Url(url.clone()),
            None => At::File(self.data_dir.join(DATABASE)),
        }
    }

    pub(super) fn key_file(&self) -> PathBuf {
        self.ledger_key
            .clone()
            .unwrap_or_else(|| self.data_dir.join(LEDGER_KEY))
    }

    /// Where the uploads lie that have not ended.
    pub(super) fn uploads(&self) -> PathBuf {
        self.data_dir.join(UPLOADS)
    }

    /// Looks whether there is a console, as far as that can be seen without asking a database.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn look(&self) -> anyhow::Result<()> {
        ensure!(
            self.database.is_some() || self.data_dir.join(DATABASE).exists(),
            "there is no console in {}: name its data directory with --data-dir",
            self.data_dir.display()
        );
        Ok(())
    }

    /// Makes the data directory as a server would make it, where it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn make(&self) -> anyhow::Result<()> {
        if self.look().is_err() || !self.data_dir.exists() {
            // The lock is given back at once.
            DataDir::open(&self.data_dir)?;
        }
        Ok(())
    }
}

impl fmt::Display for ConsoleLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.database().fmt(f)
    }
}
