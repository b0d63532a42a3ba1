//! Accounts without a server around them: what the command line opens.

use std::path::PathBuf;
use std::sync::Arc;

use super::ledger;
use super::location::ConsoleLocation;
use super::shared::Among;
use crate::auth::password::Passwords;
use crate::auth::people::People;
use crate::auth::store::PeopleStore;
use crate::auth::token::Tokens;
use crate::clock::SystemClock;
use crate::config::LEASE;
use crate::db::Database;
use crate::error::{Result, precondition};
use crate::files::store::{FileStore as _, UploadRow};
use crate::files::uploads;
use crate::ledger::{Ledger, OpenActs};
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
    among: Among,
    db: Database,
    uploads: PathBuf,
}

impl Accounts {
    /// Opens the accounts there, and makes a console where there is none if it `may_make` one.
    ///
    /// # Errors
    /// When there is none, it cannot be opened, or it was written by a newer version.
    pub async fn open(place: &ConsoleLocation, may_make: bool) -> anyhow::Result<Self> {
        if may_make {
            place.make()?;
        } else {
            place.look()?;
        }
        let db = Database::open(&place.database()).await?;
        let store: Arc<dyn PeopleStore> = Arc::new(db.clone());
        let clock = Arc::new(SystemClock);
        let ledger = ledger::take_up(place, &db, clock.clone(), OpenActs::OfOthers).await?;
        let among = Among::begin(&db, &ledger, LEASE).await?;
        Ok(Self {
            people: People::new(store.clone(), clock.clone(), Passwords::default()),
            tokens: Tokens::new(store, clock),
            ledger,
            among,
            db,
            uploads: place.uploads(),
        })
    }

    /// What this account has not finished uploading.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn uploads_of(&self, user_id: &str) -> Result<Vec<UploadRow>> {
        let mut uploads = self.db.uploads().await?;
        uploads.retain(|upload| upload.owner_id == user_id);
        Ok(uploads)
    }

    /// Ends an upload. A server that is taking its bytes finds out.
    ///
    /// # Errors
    /// When store or file system refuse.
    pub async fn cancel_upload(&self, upload: &UploadRow) -> Result<()> {
        uploads::discard(&self.db, &self.uploads, &upload.id).await
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

    pub(super) fn database(&self) -> &Database {
        &self.db
    }

    /// Closes the file, with all of the write-ahead log in it.
    pub async fn close(self) {
        self.ledger.close().await;
        self.among.end().await;
        self.db.close().await;
    }
}
