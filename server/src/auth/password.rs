//! Passwords: argon2id, a few at a time, never on the threads that answer requests.

mod memory;

use std::sync::{Arc, OnceLock};

use anyhow::anyhow;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use requorum_shared::api::login::{MAX_PASSWORD_BYTES, MIN_PASSWORD_CHARS};
use requorum_shared::password::weakness;
use tokio::sync::Semaphore;

use self::memory::{InMemory, Memory};

use crate::error::{ApiError, Result, bad_request, internal};

/// Hashing takes memory and a processor each: strangers must not be able to ask for more than this at once.
const AT_ONCE: usize = 2;

/// Hashes and verifies passwords.
#[derive(Debug, Clone)]
pub struct Passwords {
    slots: Arc<Semaphore>,
    memory: Memory,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            slots: Arc::new(Semaphore::new(AT_ONCE)),
            memory: Memory::default(),
        }
    }
}

impl Passwords {
    /// The PHC string to keep.
    ///
    /// # Errors
    /// When the password is too short or too long.
    pub async fn hash(&self, password: String) -> Result<String> {
        check_length(&password)?;
        self.blocking(move |argon2| {
            argon2
                .hash_password(password.as_bytes())
                .map(|hash| hash.to_string())
                .map_err(|error| anyhow!("hashing a password: {error}"))
        })
        .await
    }

    /// Whether the password is the one behind `hash`. Without a hash (no such account) the same work is done and
    /// the answer is no, so that the time taken tells nothing.
    ///
    /// # Errors
    /// When the hash in the store cannot be read.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool> {
        if password.len() > MAX_PASSWORD_BYTES {
            return Ok(false);
        }
        self.blocking(move |argon2| {
            let known = hash.is_some();
            let text = hash.unwrap_or_else(|| nobody(argon2).to_owned());
            let parsed =
                PasswordHash::new(&text).map_err(|error| anyhow!("a stored hash: {error}"))?;
            let matches = argon2.verify_password(password.as_bytes(), &parsed).is_ok();
            Ok(known && matches)
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&InMemory) -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T> {
        let slots = self.slots.clone();
        let slot = slots.acquire_owned().await.map_err(internal)?;
        let memory = self.memory.clone();
        // The slot goes along: whoever hangs up does not make room for the next before the work is over.
        let work = move || {
            let _slot = slot;
            work(&memory.lend())
        };
        Ok(tokio::task::spawn_blocking(work)
            .await
            .map_err(internal)??)
    }
}

/// Whether a new password can be accepted for the account `name`.
///
/// # Errors
/// When it is too short, too long or among those that are guessed first.
pub(super) fn check(password: &str, name: &str) -> Result<(), ApiError> {
    check_length(password)?;
    match weakness(password, name) {
        None => Ok(()),
        Some(why) => Err(bad_request(
            "password.weak",
            format!(
                "This password is too easy to guess. {why} Several unrelated words make a good one."
            ),
        )),
    }
}

fn check_length(password: &str) -> Result<(), ApiError> {
    if password.chars().count() < MIN_PASSWORD_CHARS {
        return Err(bad_request(
            "password.short",
            format!(
                "The password has fewer than {MIN_PASSWORD_CHARS} characters. Choose a longer one."
            ),
        ));
    }
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(bad_request(
            "password.long",
            format!("The password has more than {MAX_PASSWORD_BYTES} bytes. Choose a shorter one."),
        ));
    }
    Ok(())
}

/// The hash of a password that nobody has.
fn nobody(argon2: &InMemory) -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| {
        argon2
            .hash_password(crate::random::token().as_bytes())
            .map(|hash| hash.to_string())
            .unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn whoever_hangs_up_does_not_make_room_for_more_at_once() {
        let passwords = Passwords::default();
        for _ in 0..20 {
            let verify = passwords.verify("a password".into(), None);
            let hung_up = tokio::time::timeout(Duration::from_millis(2), verify).await;
            hung_up.unwrap_err();
        }
        let all = passwords.slots.acquire_many(AT_ONCE as u32).await.unwrap();
        assert!(passwords.memory.pieces() <= AT_ONCE);
        drop(all);
        assert!(!passwords.verify("a password".into(), None).await.unwrap());
    }
}
