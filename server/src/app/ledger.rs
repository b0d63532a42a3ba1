//! The ledger with its key: written to by a server or by the command line, or only read.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use requorum_shared::ledger::checkpoint::VerifyingKey;

use crate::clock::Clock;
use crate::data_dir::{DATABASE, LEDGER_KEY};
use crate::db::Sqlite;
use crate::ledger::store::LedgerStore;
use crate::ledger::{Ledger, Left, key};

/// Takes up the ledger in this database, or begins it with a new key.
pub(super) async fn take_up(
    key_file: &Path,
    db: &Sqlite,
    clock: Arc<dyn Clock>,
    left: Left,
) -> anyhow::Result<Ledger> {
    let store: Arc<dyn LedgerStore> = Arc::new(db.clone());
    let key = match key::read(key_file)? {
        Some(key) => key,
        None => {
            // A second key for a ledger that has one would look like a forgery, and be one.
            ensure!(
                store.head().await?.is_none(),
                "the ledger's key {} is missing: put it back from a backup, so that those who have seen the ledger \
                 can go on believing it",
                key_file.display()
            );
            key::make(key_file)?
        }
    };
    Ledger::take_up(store, key, clock, left).await
}

/// The ledger in a data directory, to be read beside whoever has it.
///
/// # Errors
/// When there is no console in that directory, or its database cannot be read.
pub async fn read(data_dir: &Path) -> anyhow::Result<Arc<dyn LedgerStore>> {
    let database = data_dir.join(DATABASE);
    ensure!(
        database.exists(),
        "there is no console in {}: name its data directory with --data-dir",
        data_dir.display()
    );
    let db = Sqlite::open_to_read(&database)
        .await
        .with_context(|| format!("opening {}", database.display()))?;
    Ok(Arc::new(db))
}

/// The key that the ledger in a data directory is signed with.
///
/// # Errors
/// When it cannot be read.
pub fn key_of(data_dir: &Path) -> anyhow::Result<VerifyingKey> {
    let path = data_dir.join(LEDGER_KEY);
    let key = key::read(&path)?;
    let key = key.with_context(|| {
        format!(
            "the ledger's key {} is missing: name the key that you know with --key",
            path.display()
        )
    })?;
    Ok(key.verifying())
}
