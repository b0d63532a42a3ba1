//! What dossiers are gathered from: the parts of a server, or its data directory read beside it.

use std::sync::Arc;

use anyhow::Context as _;

use super::App;
use super::ledger::signing_key;
use super::location::ConsoleLocation;
use crate::db::Database;
use crate::dossier::Books;

impl App {
    /// What a dossier is gathered from.
    pub fn books(&self) -> Books {
        Books {
            jobs: self.jobs.clone(),
            plans: self.plans.clone(),
            approvals: self.approvals.clone(),
            files: self.store.clone(),
            ledger: self.ledger.store(),
            key: self.ledger.signing_key().clone(),
        }
    }
}

/// What a dossier is gathered from, of a console that others may be at work on; nothing is written.
///
/// # Errors
/// When there is no console there, or its database or key cannot be read.
pub async fn read(place: &ConsoleLocation) -> anyhow::Result<Books> {
    place.look()?;
    let db = Arc::new(Database::open_to_read(&place.database()).await?);
    let key = signing_key(place)?.with_context(|| {
        format!(
            "the ledger's key {} is missing, and a dossier is signed with it",
            place.key_file().display()
        )
    })?;
    Ok(Books {
        jobs: db.clone(),
        plans: db.clone(),
        approvals: db.clone(),
        files: db.clone(),
        ledger: db,
        key,
    })
}
