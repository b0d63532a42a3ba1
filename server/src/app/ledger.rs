//! The ledger with its key: written to by a server or by the command line, or only read.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use requorum_shared::ledger::checkpoint::{Checkpoint, CheckpointError, SigningKey, VerifyingKey};
use requorum_shared::ledger::entry::{CONSOLE, Draft, Outcome, act, named};

use super::location::ConsoleLocation;
use crate::clock::Clock;
use crate::db::Database;
use crate::files::store::UploadRow;
use crate::ledger::store::LedgerStore;
use crate::ledger::{Ledger, OpenActs, key};
use crate::small_file;

/// More than the file of a ledger's key has, in bytes.
const MAX_KEY_BYTES: u64 = 64 << 10;

/// Takes up the ledger in this database, or begins it with a new key.
pub(super) async fn take_up(
    place: &ConsoleLocation,
    db: &Database,
    clock: Arc<dyn Clock>,
    left: OpenActs,
) -> anyhow::Result<Ledger> {
    let store: Arc<dyn LedgerStore> = Arc::new(db.clone());
    let key_file = place.key_file();
    look_at(&key_file)?;
    let key = match key::read(&key_file)? {
        Some(key) => key,
        None => {
            // A second key for a ledger that has one would look like a forgery, and be one.
            ensure!(
                store.head().await?.is_none(),
                "the ledger's key {} is missing: put it back from a backup, or take it from another server of this \
                 database, so that browsers that have seen the ledger keep trusting it",
                key_file.display()
            );
            key::make(&key_file)?
        }
    };
    let ledger = Ledger::take_up(store.clone(), key, clock, left).await?;
    if let Some(head) = store.head().await?
        && let Err(error @ CheckpointError::OtherKey { .. }) =
            Checkpoint::open(&head.note, ledger.key())
    {
        // Going on without writing would do for reading; but a console that cannot act is not what was asked for.
        return Err(error).with_context(|| {
            format!(
                "the ledger in {place} is signed with another key than the one in {}; bring the key that belongs to \
                 it, which every server of a database shares (--ledger-key-file)",
                key_file.display()
            )
        });
    }
    Ok(ledger)
}

/// Of the uploads that a start brought to their end, those whose act is not open any more: its end will not say it.
pub(super) async fn unclosed(
    db: &Database,
    stored: Vec<(UploadRow, String)>,
) -> anyhow::Result<Vec<(UploadRow, String)>> {
    if stored.is_empty() {
        return Ok(stored);
    }
    let open = db.effects().await?;
    let is_open = |entry| open.iter().any(|effect| effect.index == entry);
    let mut stored = stored;
    stored.retain(|(upload, _)| !upload.entry.is_some_and(is_open));
    Ok(stored)
}

/// Writes down that the console brought these uploads to their end.
pub(super) async fn note_stored(ledger: &Ledger, stored: Vec<(UploadRow, String)>) {
    for (upload, snapshot) in stored {
        let draft = Draft {
            who: CONSOLE.to_owned(),
            from: CONSOLE.to_owned(),
            act: act::FILE_UPLOAD.to_owned(),
            subject: format!("file {snapshot}"),
            cluster: named(&upload.cluster),
            ..Draft::default()
        };
        let reason = format!(
            "{} had uploaded all of it before the console stopped",
            upload.owner
        );
        if let Err(error) = ledger.note(draft, Outcome::Done, &reason).await {
            tracing::error!(%snapshot, "that an upload was finished is not in the ledger: {error}");
        }
    }
}

/// The ledger of a console, to be read beside whoever has it.
///
/// # Errors
/// When there is no console there, or its database cannot be read.
pub async fn read(place: &ConsoleLocation) -> anyhow::Result<Arc<dyn LedgerStore>> {
    place.look()?;
    Ok(Arc::new(Database::open_to_read(&place.database()).await?))
}

/// The key that signs the ledger of a console; none where it is missing.
pub(super) fn signing_key(place: &ConsoleLocation) -> anyhow::Result<Option<SigningKey>> {
    let key_file = place.key_file();
    look_at(&key_file)?;
    key::read(&key_file)
}

/// Before the key is read: a pipe or a device of that name would be read without end.
fn look_at(key_file: &Path) -> anyhow::Result<()> {
    match small_file::look(key_file, MAX_KEY_BYTES) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("reading the ledger's key {}", key_file.display()))
        }
        _ => Ok(()),
    }
}

/// The key that the ledger of a console is signed with.
///
/// # Errors
/// When it cannot be read.
pub fn key_of(place: &ConsoleLocation) -> anyhow::Result<VerifyingKey> {
    let key = signing_key(place)?.with_context(|| {
        format!(
            "the ledger's key {} is missing: name the key that you trust with --key",
            place.key_file().display()
        )
    })?;
    Ok(key.verifying())
}
