//! Credentials: sealed under a master key, put in and never read out again over the API.
//!
//! The store holds ciphertext, a nonce and the id of the key; the key is in a file that only the server's account
//! reads, or in its environment. Whoever has the database alone has nothing.

pub mod master_key;
pub mod rotate;
pub mod seal;
pub mod secret;
pub mod store;

use std::sync::{Arc, PoisonError, RwLock};

use anyhow::Context as _;
use requorum_shared::escape::is_hidden;

use self::master_key::{KeyPlace, Keys};
use self::secret::Secret;
use self::store::{Kept, SealedSecret, SecretStore, SecretView};
use crate::clock::Clock;
use crate::error::{ApiError, Kind, Result, bad_request, conflict, internal, not_found};
use crate::random;

/// The largest credential, in bytes: a key with its chain of certificates fits.
pub const MAX_SECRET_BYTES: usize = 48 * 1024;
/// The longest name, in characters.
const MAX_NAME_CHARS: usize = 100;
/// What a credential can be.
pub const KINDS: [&str; 5] = ["password", "token", "private-key", "certificate", "other"];

/// The sealed store.
#[derive(Clone)]
pub struct Secrets {
    store: Arc<dyn SecretStore>,
    clock: Arc<dyn Clock>,
    place: KeyPlace,
    keys: Arc<RwLock<Keys>>,
}

impl Secrets {
    /// Opens the store: finds the master key, makes one where there never was one, and finishes a change of keys
    /// that was cut short.
    ///
    /// # Errors
    /// When the key is missing or is not the one that the credentials are sealed under.
    pub async fn open(
        store: Arc<dyn SecretStore>,
        clock: Arc<dyn Clock>,
        place: KeyPlace,
    ) -> anyhow::Result<Self> {
        let sealed_under = store.key_ids().await?;
        let keys = rotate::recover(&place, &sealed_under)?;
        for id in &sealed_under {
            keys.get(id).with_context(|| {
                format!(
                    "credentials are sealed under the master key {id}, and {place} is {}; bring that key back, or \
                     restore the database that belongs to this one",
                    keys.current().id()
                )
            })?;
        }
        Ok(Self {
            store,
            clock,
            place,
            keys: Arc::new(RwLock::new(keys)),
        })
    }

    /// Names and ages.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(&self) -> Result<Vec<SecretView>> {
        Ok(self.store.secrets().await?)
    }

    /// Puts a credential in, or replaces the one with this id.
    ///
    /// # Errors
    /// When name, kind or value cannot be accepted, the name is taken, or there is nothing to replace.
    pub async fn put(
        &self,
        id: &str,
        name: &str,
        kind: &str,
        value: &Secret,
        by: &str,
    ) -> Result<SecretView> {
        let name = name.trim();
        check(name, kind, value)?;
        let now = self.clock.now_ms();
        let known = match id {
            "" => None,
            id => Some(self.view(id).await?),
        };
        let id = known.as_ref().map_or_else(random::id, |v| v.id.clone());
        // While this is held, nobody changes the key: nothing is sealed under one that is about to go.
        let _held = rotate::hold(&self.place)
            .map_err(|error| internal(format_args!("{error:#}")))?
            .ok_or_else(busy)?;
        let keys = self.fresh_keys()?;
        let view = SecretView {
            id: id.clone(),
            name: name.into(),
            kind: kind.into(),
            created_ms: known.map_or(now, |view| view.created_ms),
            changed_ms: now,
            changed_by: by.into(),
        };
        let sealed = SealedSecret {
            sealed: seal::seal(keys.current(), &id, value)?,
            view: view.clone(),
        };
        match self.store.put_secret(&sealed).await? {
            Kept::Yes => Ok(view),
            Kept::OtherKey => Err(busy()),
            Kept::NameTaken => Err(conflict(
                "secret.exists",
                format!(
                    "A credential named {name} already exists. Replace it, or choose another name."
                ),
            )),
        }
    }

    /// Takes a credential away.
    ///
    /// # Errors
    /// When there is none such.
    pub async fn remove(&self, id: &str) -> Result<()> {
        if self.store.remove_secret(id).await? {
            return Ok(());
        }
        Err(missing())
    }

    /// What the list says of one.
    ///
    /// # Errors
    /// When there is none such.
    pub async fn view(&self, id: &str) -> Result<SecretView> {
        let sealed = self.store.secret(id).await?.ok_or_else(missing)?;
        Ok(sealed.view)
    }

    /// What tells the master key that is sealed with from others.
    pub fn key_id(&self) -> String {
        self.keys().current().id().to_owned()
    }

    /// Where that key is.
    pub fn key_place(&self) -> String {
        match &self.place {
            KeyPlace::File(path) => path.display().to_string(),
            KeyPlace::Given(_) => "REQUORUM_MASTER_KEY, in the server's environment".into(),
        }
    }

    /// The value, for the server's own use: no answer of the API is made from it.
    ///
    /// # Errors
    /// When there is none such, or it cannot be opened.
    pub async fn reveal(&self, id: &str) -> Result<Secret> {
        let row = self.store.secret(id).await?.ok_or_else(missing)?;
        let known = self.keys().get(&row.sealed.key_id).cloned();
        let key = match known {
            Some(key) => key,
            // The key was changed while the server ran.
            None => self
                .fresh_keys()?
                .get(&row.sealed.key_id)
                .cloned()
                .with_context(|| format!("no master key {}", row.sealed.key_id))?,
        };
        Ok(seal::open(&key, id, &row.sealed)?)
    }

    fn fresh_keys(&self) -> Result<Keys> {
        let keys = Keys::read(&self.place).map_err(|error| internal(format_args!("{error:#}")))?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys.clone();
        Ok(keys)
    }

    fn keys(&self) -> std::sync::RwLockReadGuard<'_, Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check(name: &str, kind: &str, value: &Secret) -> Result<(), ApiError> {
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(is_hidden) {
        return Err(bad_request(
            "secret.name",
            format!(
                "A credential has a name of 1 to {MAX_NAME_CHARS} characters, without control or invisible characters."
            ),
        ));
    }
    if !KINDS.contains(&kind) {
        // What was sent as the kind is not repeated: it may be the value, in the wrong field.
        return Err(bad_request(
            "secret.kind",
            format!("The kind of a credential is one of: {}.", KINDS.join(", ")),
        ));
    }
    if !(1..=MAX_SECRET_BYTES).contains(&value.expose().len()) {
        return Err(bad_request(
            "secret.size",
            format!("A credential has 1 to {MAX_SECRET_BYTES} bytes."),
        ));
    }
    Ok(())
}

fn busy() -> ApiError {
    ApiError::new(
        Kind::Unavailable,
        "secret.key-changes",
        "The master key is being changed. Try again in a moment; if it stays so, the server has to be started \
         again with the new key.",
    )
}

fn missing() -> ApiError {
    not_found(
        "secret.missing",
        "No credential with this name. See the list of credentials.",
    )
}
