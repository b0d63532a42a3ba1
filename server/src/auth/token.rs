//! Tokens for programs: shown once, kept as a hash, never worth more than their owner.

use std::sync::Arc;

use requorum_shared::escape::is_hidden;
use requorum_shared::permission::Grants;

use super::actor::{Actor, NOWHERE, Via};
use super::seen::{Seen, Use};
use super::session::SEEN_EVERY_MS;
use super::store::{PeopleStore, StoredToken, User};
use crate::clock::Clock;
use crate::clock::kept::FROM_THE_FUTURE_MS;
use crate::error::{ApiError, Kind};
use crate::error::{Result, bad_request, not_found};
use crate::random;

/// What every token begins with, so that people and scanners of leaked secrets know it.
pub const PREFIX: &str = "rq_";
/// The longest life of a token, in days.
pub const MAX_DAYS: u32 = 366;
/// The longest name, in characters.
const MAX_NAME_CHARS: usize = 64;
const DAY_MS: i64 = 24 * 60 * 60_000;

/// Tokens.
#[derive(Clone)]
pub struct Tokens {
    store: Arc<dyn PeopleStore>,
    clock: Arc<dyn Clock>,
    seen: Seen,
}

impl Tokens {
    /// Tokens in this store.
    pub fn new(store: Arc<dyn PeopleStore>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            seen: Seen::default(),
        }
    }

    /// Makes a token for an account: the secret, which is kept nowhere, and what is kept.
    ///
    /// # Errors
    /// When the token has no name, no role, too long a life, a role that needs a person, or one that its owner
    /// does not hold.
    pub async fn create(
        &self,
        owner: &User,
        name: &str,
        grants: Grants,
        days: u32,
    ) -> Result<(String, StoredToken)> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(is_hidden) {
            return Err(bad_request(
                "token.name",
                format!(
                    "Say what the token is for, in 1 to {MAX_NAME_CHARS} characters: it is how you find it again."
                ),
            ));
        }
        if !(1..=MAX_DAYS).contains(&days) {
            return Err(bad_request(
                "token.days",
                format!("A token lasts 1 to {MAX_DAYS} days."),
            ));
        }
        may_hold(&grants, owner)?;
        let now = self.clock.now_ms();
        let secret = format!("{PREFIX}{}", random::token());
        let token = StoredToken {
            id: random::id(),
            name: name.into(),
            user_id: owner.id.clone(),
            grants,
            created_ms: now,
            expires_ms: now + i64::from(days) * DAY_MS,
            used_ms: 0,
            revoked_ms: 0,
        };
        self.store
            .add_token(&random::token_hash(&secret), &token)
            .await?;
        Ok((secret, token))
    }

    /// The program that holds this token, with the rights that the token and its owner have in common now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find(&self, secret: &str) -> Result<Option<Actor>> {
        if !secret.starts_with(PREFIX) {
            return Ok(None);
        }
        let now = self.clock.now_ms();
        let found = self
            .store
            .find_token(&random::token_hash(secret), now)
            .await?;
        let Some((token, owner)) = found.filter(|(token, _)| is_of_this_time(token, now)) else {
            return Ok(None);
        };
        if now - token.used_ms >= SEEN_EVERY_MS {
            let store = self.store.clone();
            let seen = Use {
                id: token.id.clone(),
                owner: owner.id.clone(),
                at_ms: now,
            };
            self.seen.note(seen, move |uses| {
                let store = store.clone();
                async move { store.touch_tokens(&uses).await }
            });
        }
        Ok(Some(actor(token, owner)))
    }

    /// The program that holds the token with this id, for what goes on longer than a request.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn again(&self, id: &str) -> Result<Option<Actor>> {
        let now = self.clock.now_ms();
        let found = self.store.usable_token(id, now).await?;
        let found = found.filter(|(token, _)| is_of_this_time(token, now));
        Ok(found.map(|(token, owner)| actor(token, owner)))
    }

    /// The tokens of an account, or of all, newest first, ended ones included.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(&self, user_id: Option<&str>) -> Result<Vec<StoredToken>> {
        let mut tokens = self.store.tokens(user_id).await?;
        for token in &mut tokens {
            token.used_ms = token.used_ms.max(self.seen.of(&token.id).unwrap_or(0));
        }
        Ok(tokens)
    }

    /// One token.
    ///
    /// # Errors
    /// When there is none such, or the store cannot be read.
    pub async fn get(&self, id: &str) -> Result<StoredToken> {
        self.store.token(id).await?.ok_or_else(|| {
            not_found(
                "token.missing",
                "No token with this id. See the list of tokens.",
            )
        })
    }

    /// Makes a token worthless at once; `false` when it was already.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn revoke(&self, id: &str) -> Result<bool> {
        Ok(self.store.revoke_token(id, self.clock.now_ms()).await?)
    }
}

/// Whether it was made by a clock that was right: one that was far ahead made tokens that last for too long.
fn is_of_this_time(token: &StoredToken, now: i64) -> bool {
    token.created_ms <= now.saturating_add(FROM_THE_FUTURE_MS)
}

fn actor(token: StoredToken, owner: User) -> Actor {
    Actor {
        name: format!("{} ({})", owner.name, token.name),
        user_id: owner.id,
        session_expires_ms: token.expires_ms,
        grants: token.grants.within(&owner.grants),
        via: Via::Token(token.id),
        address: NOWHERE,
    }
}

fn may_hold(grants: &Grants, owner: &User) -> Result<()> {
    if grants.is_empty() {
        return Err(bad_request(
            "token.roles",
            "A token without a role can do nothing. Give it at least the role viewer.",
        ));
    }
    if let Some(grant) = grants.iter().find(|grant| !grant.role.is_for_programs()) {
        return Err(bad_request(
            "token.person-role",
            format!(
                "A token cannot hold the role {}: that takes a person.",
                grant.role
            ),
        ));
    }
    if grants.within(&owner.grants) != *grants {
        return Err(bad_request(
            "token.beyond-owner",
            format!(
                "The token would hold more than its owner. {} has: {}; the token was to have: {grants}.",
                owner.name, owner.grants
            ),
        ));
    }
    Ok(())
}

/// What a token that opens nothing is answered.
pub(crate) fn no_token() -> ApiError {
    ApiError::new(
        Kind::Unauthenticated,
        "token.invalid",
        "This token is not valid: it is not from this console, has expired, was revoked, or its owner was \
         disabled. Create a new one under Settings, Tokens, and send it as `Authorization: Bearer rq_…`.",
    )
}
