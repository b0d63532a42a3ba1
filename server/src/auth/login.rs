//! Signing in and out, and the one-time link that makes the first administrator.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use requorum_shared::api::login::{LoginRequest, SetupRequest};
use subtle::ConstantTimeEq as _;

use super::actor::Actor;
use super::password::Passwords;
use super::store::{User, UserStore};
use super::throttle::Throttle;
use crate::clock::Clock;
use crate::error::{ApiError, Kind, Result, bad_request, conflict};
use crate::random;

/// How long a session lasts, in milliseconds: one long night.
const SESSION_MS: i64 = 12 * 60 * 60_000;
/// The longest account name, in characters.
const MAX_NAME_CHARS: usize = 64;

/// A session that was just opened: the token goes into a cookie and is kept nowhere.
pub struct Opened {
    /// The secret.
    pub token: String,
    /// Who it stands for.
    pub actor: Actor,
}

/// Accounts, sessions, and who may try.
pub struct Login {
    users: Arc<dyn UserStore>,
    clock: Arc<dyn Clock>,
    passwords: Passwords,
    throttle: Throttle,
    setup_hash: Mutex<Option<String>>,
}

impl Login {
    /// Login over these accounts.
    pub fn new(users: Arc<dyn UserStore>, clock: Arc<dyn Clock>) -> Self {
        Self {
            users,
            clock,
            passwords: Passwords::default(),
            throttle: Throttle::default(),
            setup_hash: Mutex::new(None),
        }
    }

    /// A token that makes the first administrator, once, as long as this process lives; none when there is an
    /// account already.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn offer_setup(&self) -> anyhow::Result<Option<String>> {
        if self.users.any_user().await? {
            return Ok(None);
        }
        let token = random::token();
        *self.setup_hash() = Some(random::token_hash(&token));
        Ok(Some(token))
    }

    /// Makes the first administrator and signs in.
    ///
    /// # Errors
    /// When the link was used or is another server's, and when name or password cannot be accepted; the link
    /// stays good then.
    pub async fn setup(&self, request: SetupRequest, address: IpAddr) -> Result<Opened> {
        self.may_try("", address)?;
        let matches = self.setup_hash().as_ref().is_some_and(|hash| {
            hash.as_bytes()
                .ct_eq(random::token_hash(&request.token).as_bytes())
                .into()
        });
        if !matches {
            self.throttle.failed("", address, self.clock.now_ms());
            return Err(ApiError::new(
                Kind::Forbidden,
                "setup.link-invalid",
                "This link does not make an administrator: it was used already, or the server was started again \
                 since. Sign in, or take the link that the server printed last.",
            ));
        }
        let user = User {
            id: random::id(),
            name: account_name(&request.name)?,
            password_hash: self.passwords.hash(request.password).await?,
            created_ms: self.clock.now_ms(),
        };
        if !self.users.add_first_user(&user).await? {
            *self.setup_hash() = None;
            return Err(conflict(
                "setup.done",
                "There is an administrator already. Sign in.",
            ));
        }
        *self.setup_hash() = None;
        tracing::info!(user = %user.name, "the first administrator was made");
        self.open(&user).await
    }

    /// Signs in.
    ///
    /// # Errors
    /// When name and password do not belong together, and when there were too many failures.
    pub async fn login(&self, request: LoginRequest, address: IpAddr) -> Result<Opened> {
        self.may_try(&request.name, address)?;
        let user = self.users.find_user(request.name.trim()).await?;
        let hash = user.as_ref().map(|u| u.password_hash.clone());
        let matches = self.passwords.verify(request.password, hash).await?;
        let Some(user) = user.filter(|_| matches) else {
            self.throttle
                .failed(&request.name, address, self.clock.now_ms());
            tracing::warn!(%address, "a login failed");
            return Err(ApiError::new(
                Kind::Unauthenticated,
                "login.failed",
                "Name and password do not belong together. Check both and try again.",
            ));
        };
        self.throttle.succeeded(&request.name, address);
        self.open(&user).await
    }

    /// Who holds this token.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn session(&self, token: &str) -> Result<Option<Actor>> {
        let found = self
            .users
            .find_session(&random::token_hash(token), self.clock.now_ms())
            .await?;
        Ok(found.map(|session| Actor {
            user_id: session.user_id,
            name: session.user_name,
            session_expires_ms: session.expires_ms,
        }))
    }

    /// Ends the session with this token.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn logout(&self, token: &str) -> Result<()> {
        Ok(self
            .users
            .remove_session(&random::token_hash(token))
            .await?)
    }

    async fn open(&self, user: &User) -> Result<Opened> {
        let token = random::token();
        let now = self.clock.now_ms();
        let expires_ms = now + SESSION_MS;
        self.users
            .add_session(&random::token_hash(&token), &user.id, now, expires_ms)
            .await?;
        Ok(Opened {
            token,
            actor: Actor {
                user_id: user.id.clone(),
                name: user.name.clone(),
                session_expires_ms: expires_ms,
            },
        })
    }

    fn may_try(&self, account: &str, address: IpAddr) -> Result<()> {
        let Some(wait) = self.throttle.wait_ms(account, address, self.clock.now_ms()) else {
            return Ok(());
        };
        let seconds = wait.unsigned_abs().div_ceil(1000);
        Err(ApiError::new(
            Kind::TooMany,
            "login.throttled",
            format!("Too many attempts failed. Wait {seconds} s and try again."),
        )
        .retry_after(seconds))
    }

    fn setup_hash(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.setup_hash
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn account_name(name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty()
        || name.chars().count() > MAX_NAME_CHARS
        || name.chars().any(char::is_control)
    {
        return Err(bad_request(
            "account.name",
            format!(
                "An account name has 1 to {MAX_NAME_CHARS} characters and no control characters."
            ),
        ));
    }
    Ok(name.into())
}
