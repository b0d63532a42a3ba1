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
use crate::ledger::{Ledger, Left};

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

    /// Closes the file, with all of the write-ahead log in it.
    pub async fn close(self) {
        self.ledger.close().await;
        self.db.close().await;
    }
}
