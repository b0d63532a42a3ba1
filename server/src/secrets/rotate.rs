//! Changing the master key, so that a crash at any point leaves every credential readable.
//!
//! The new key is on the medium beside the old one before anything is sealed under it; all credentials change in
//! one transaction; then the new key takes the old one's name. Whoever opens the store in between finds by the
//! stored key ids how far it came.

use std::fs::{File, OpenOptions, remove_file, rename};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::master_key::{KeyPlace, Keys, MasterKey, next_path, read, sync_folder, write_new};
use super::seal;
use super::store::SecretStore;

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// How many credentials were sealed again.
    pub secrets: u64,
    /// The id of the key from before.
    pub old_key: String,
    /// The id of the key from now on.
    pub new_key: String,
}

/// Seals all credentials again: under a new key in the file's place, or under the one that is given.
///
/// # Errors
/// When another change of keys is under way, the present key does not open a credential, or a file or the store
/// cannot be written. Nothing has changed then, or [`recover`] finishes it.
pub async fn rotate(
    store: &dyn SecretStore,
    place: &KeyPlace,
    given: Option<MasterKey>,
) -> anyhow::Result<Rotated> {
    let sealed_under = store.key_ids().await?;
    match (place, given) {
        (KeyPlace::File(path), None) => {
            let _lock = lock(path, FlockOperation::NonBlockingLockExclusive)?.context(
                "another change of the master key is under way; wait for it, or end that process",
            )?;
            let keys = recover_locked(path, &sealed_under)?;
            let new = MasterKey::random();
            write_new(&next_path(path), &new)?;
            let rotated = reseal(store, &keys, new).await?;
            take_over(path)?;
            Ok(rotated)
        }
        (KeyPlace::Given(_), Some(new)) => reseal(store, &Keys::read(place)?, new).await,
        (KeyPlace::File(_), Some(_)) => bail!(
            "the master key is in a file: it is replaced there, and none is given in the environment"
        ),
        (KeyPlace::Given(_), None) => bail!(
            "the master key is in REQUORUM_MASTER_KEY: give the one that follows in REQUORUM_NEW_MASTER_KEY, and \
             start the server with it afterwards"
        ),
    }
}

async fn reseal(store: &dyn SecretStore, keys: &Keys, new: MasterKey) -> anyhow::Result<Rotated> {
    ensure!(
        new.id() != keys.current().id(),
        "the new master key is the present one"
    );
    let (old_key, new_key) = (keys.current().id().to_owned(), new.id().to_owned());
    let keys = keys.clone();
    let secrets = store
        .reseal(Arc::new(move |id, sealed| {
            let key = keys
                .get(&sealed.key_id)
                .with_context(|| format!("the credential {id} is sealed under an unknown key"))?;
            seal::seal(&new, id, &seal::open(key, id, sealed)?)
        }))
        .await?;
    Ok(Rotated {
        secrets,
        old_key,
        new_key,
    })
}

/// Finds the keys; makes the first one; finishes or takes back a change that was cut short.
///
/// # Errors
/// When a key is missing that credentials are sealed under, or a file cannot be read or written.
pub fn recover(place: &KeyPlace, sealed_under: &[String]) -> anyhow::Result<Keys> {
    let KeyPlace::File(path) = place else {
        return Keys::read(place);
    };
    match lock(path, FlockOperation::NonBlockingLockExclusive)? {
        Some(_lock) => recover_locked(path, sealed_under),
        // Somebody is at it right now, and both keys are there.
        None => Keys::read(place),
    }
}

fn recover_locked(path: &Path, sealed_under: &[String]) -> anyhow::Result<Keys> {
    let place = KeyPlace::File(path.to_owned());
    if let Some(next) = read(&next_path(path))? {
        if sealed_under.iter().any(|id| id == next.id()) {
            take_over(path)?;
        } else {
            // Nothing was ever sealed under it.
            remove_file(next_path(path))?;
            sync_folder(path)?;
        }
    }
    if read(path)?.is_none() {
        ensure!(
            sealed_under.is_empty(),
            "there is no master key in {}, and credentials are sealed under the key {}; bring it back",
            path.display(),
            sealed_under.join(", ")
        );
        write_new(path, &MasterKey::random())?;
        tracing::info!("made a master key in {}", path.display());
    }
    Keys::read(&place)
}

fn take_over(path: &Path) -> anyhow::Result<()> {
    rename(next_path(path), path)
        .with_context(|| format!("putting the new master key in {}", path.display()))?;
    sync_folder(path)
}

/// What keeps the key from being changed, until it is dropped.
#[must_use]
pub struct Held {
    _lock: Option<File>,
}

/// Keeps the key as it is, as any number may at once; none while somebody changes it.
///
/// # Errors
/// When the lock cannot be made.
pub fn hold(place: &KeyPlace) -> anyhow::Result<Option<Held>> {
    match place {
        KeyPlace::File(path) => {
            let lock = lock(path, FlockOperation::NonBlockingLockShared)?;
            Ok(lock.map(|lock| Held { _lock: Some(lock) }))
        }
        KeyPlace::Given(_) => Ok(Some(Held { _lock: None })),
    }
}

/// Locks the key, to change it or against a change; none when somebody has it.
fn lock(path: &Path, how: FlockOperation) -> anyhow::Result<Option<File>> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&name)
        .with_context(|| format!("locking {}", path.display()))?;
    match flock(&file, how) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("locking {}", path.display())),
    }
}
