//! Accounts without a server around them: what the command line opens.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::ledger;
use crate::auth::password::Passwords;
use crate::auth::people::People;
use crate::auth::store::PeopleStore;
use crate::auth::token::Tokens;
use crate::clock::SystemClock;
use crate::data_dir::LEDGER_KEY;
use crate::db::Sqlite;
use crate::error::{Result, precondition};
use crate::ledger::{Ledger, Left};
use crate::secrets::master_key::{KeyPlace, MasterKey};
use crate::secrets::rotate::{self, Rotated};

/// The opened accounts. A server may be at work on the same database.
pub struct Accounts {
    /// Accounts.
    pub people: People,
    /// Tokens for programs.
    pub tokens: Tokens,
    /// Who did what.
    pub ledger: Ledger,
    db: Sqlite,
}

impl Accounts {
    /// Opens the accounts in this database, and makes it where it is missing.
    ///
    /// # Errors
    /// When the file cannot be opened, or was written by a newer version.
    pub async fn open(database: &Path) -> anyhow::Result<Self> {
        let db = Sqlite::open(database)
            .await
            .with_context(|| format!("opening {}", database.display()))?;
        let store: Arc<dyn PeopleStore> = Arc::new(db.clone());
        let clock = Arc::new(SystemClock);
        let key = database.with_file_name(LEDGER_KEY);
        let ledger = ledger::take_up(&key, &db, clock.clone(), Left::ByOthers).await?;
        Ok(Self {
            people: People::new(store.clone(), clock.clone(), Passwords::default()),
            tokens: Tokens::new(store, clock),
            ledger,
            db,
        })
    }

    /// Seals all credentials again, under a new key in the key's place or under the one that is given.
    ///
    /// # Errors
    /// As [`rotate::rotate`].
    pub async fn rotate_master_key(
        &self,
        place: &KeyPlace,
        new: Option<MasterKey>,
    ) -> Result<Rotated> {
        rotate::rotate(&self.db, place, new)
            .await
            .map_err(|error| precondition("secrets.rotate", format!("{error:#}")))
    }

    /// Closes the file, with all of the write-ahead log in it.
    pub async fn close(self) {
        self.ledger.close().await;
        self.db.close().await;
    }
}
