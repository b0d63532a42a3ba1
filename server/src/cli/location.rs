//! Where a command finds the console's rows: a data directory, or a PostgreSQL database beside it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use crate::app::location::ConsoleLocation;

/// The data directory and what may lie outside of it.
#[derive(Debug, Args)]
pub(super) struct LocationArguments {
    /// The console's data directory. A server may be running on it.
    #[arg(
        long,
        env = "REQUORUM_DATA_DIR",
        value_name = "DIR",
        default_value = "requorum-data"
    )]
    data_dir: PathBuf,
    #[command(flatten)]
    database: DatabaseArguments,
}

impl LocationArguments {
    pub(super) fn folder(&self) -> &Path {
        &self.data_dir
    }

    pub(super) fn place(&self) -> anyhow::Result<ConsoleLocation> {
        self.database.place(self.data_dir.clone())
    }
}

/// Which database, and the key that belongs to it.
#[derive(Debug, Args)]
pub(super) struct DatabaseArguments {
    /// A PostgreSQL database, postgres://USER:PASSWORD@HOST/DATABASE, instead of the SQLite file in the data
    /// directory. Others on this machine can read arguments: give a URL with a password as REQUORUM_DATABASE_URL.
    #[arg(
        long,
        env = "REQUORUM_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    database_url: Option<Unread>,
    /// The file with the key that signs the ledger, the same for all servers of a database. Created if it is missing
    /// and the ledger is still empty. By default it lies in the data directory.
    #[arg(long, env = "REQUORUM_LEDGER_KEY_FILE", value_name = "FILE")]
    ledger_key_file: Option<PathBuf>,
}

impl DatabaseArguments {
    pub(super) fn place(&self, data_dir: PathBuf) -> anyhow::Result<ConsoleLocation> {
        let url = self.database_url.as_ref().filter(|url| !url.0.is_empty());
        Ok(ConsoleLocation {
            data_dir,
            database: url
                .map(|url| url.0.parse().context("--database-url"))
                .transpose()?,
            ledger_key: self.ledger_key_file.clone(),
        })
    }
}

/// A URL that was not looked at yet. The parser of arguments would quote it in its errors, password and all.
#[derive(Clone)]
struct Unread(String);

impl From<String> for Unread {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a URL")
    }
}
