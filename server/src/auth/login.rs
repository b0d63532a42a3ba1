//! Signing in and out, and the one-time link that makes the first administrator.

use std::net::IpAddr;
use std::sync::Arc;

use requorum_shared::api::login::{JoinRequest, LoginRequest, PasswordRequest, SetupRequest};
use requorum_shared::permission::Grants;
use tokio::sync::OnceCell;

use super::actor::{Actor, Via};
use super::device::Devices;
use super::names::{account_name, composed};
use super::password::{self, Passwords};
use super::session::{Caller, Opened, Proof, Sessions};
use super::store::{Changed, PasswordLink, PeopleStore, User, UserChange};
use super::throttle::{Attempt, Throttle, Wait};
use crate::address::Network;
use crate::clock::Clock;
use crate::error::{ApiError, Kind, Result, conflict};
use crate::random;

/// The code of an attempt that counted, may have been looked at, and had no turn to be answered.
pub const SLOWED: &str = "login.slowed";

/// Accounts, sessions, and who may try.
pub struct Login {
    users: Arc<dyn PeopleStore>,
    sessions: Sessions,
    clock: Arc<dyn Clock>,
    passwords: Passwords,
    /// Names and passwords.
    throttle: Throttle,
    /// The passwords of people who signed in.
    current: Throttle,
    /// One-time links.
    links: Throttle,
    devices: OnceCell<Devices>,
}

/// A link that sets a password, while it can be used.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Whose password it sets.
    pub owner: User,
    /// The link.
    pub link: PasswordLink,
}

impl Login {
    /// Login over these accounts.
    pub fn new(users: Arc<dyn PeopleStore>, clock: Arc<dyn Clock>, passwords: Passwords) -> Self {
        Self {
            sessions: Sessions::new(users.clone(), clock.clone()),
            throttle: Throttle::new(users.clone(), "login"),
            current: Throttle::new(users.clone(), "password"),
            links: Throttle::new(users.clone(), "link"),
            devices: OnceCell::new(),
            users,
            clock,
            passwords,
        }
    }

    /// A token that makes the first administrator, once; none when there is an account already. It is good as long as
    /// that server lives; without a name, as long as no other is offered.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn offer_setup(&self, server: &str) -> anyhow::Result<Option<String>> {
        if self.users.any_user().await? {
            return Ok(None);
        }
        let token = random::token();
        let hash = random::token_hash(&token);
        self.users.add_setup_link(&hash, server).await?;
        Ok(Some(token))
    }

    /// Whether there is no administrator yet.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn waits_for_setup(&self) -> Result<bool> {
        Ok(!self.users.any_user().await?)
    }

    /// The name of the account that somebody means, when there is one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn account(&self, typed: &str) -> Result<Option<String>> {
        let user = self.users.find_user(&composed(typed)).await?;
        Ok(user.map(|user| user.name))
    }

    /// Whether this makes the first administrator, as far as that can be seen before it is tried.
    ///
    /// # Errors
    /// When the link was used or is another server's, and when name or password cannot be accepted; the link
    /// stays good then.
    pub async fn may_set_up(&self, request: &SetupRequest, caller: &Caller) -> Result<()> {
        let hash = random::token_hash(&request.token);
        if !self.users.has_setup_link(&hash).await? {
            self.bad_link(caller.address).await?;
            return Err(ApiError::new(
                Kind::Forbidden,
                "setup.link-invalid",
                "This link no longer works: it was used, or the server has been restarted since. Use the link that \
                 the server printed last, or sign in.",
            ));
        }
        // What is not taken is told first: it is no guess.
        let name = account_name(&request.name)?;
        password::check(&request.password, &name)
    }

    /// Makes the first administrator and signs in.
    ///
    /// # Errors
    /// As [`Self::may_set_up`], and when another was quicker.
    pub async fn setup(&self, request: SetupRequest, caller: &Caller) -> Result<Opened> {
        self.may_set_up(&request, caller).await?;
        let hash = random::token_hash(&request.token);
        let name = account_name(&request.name)?;
        let attempt = self.try_link(&hash).await?;
        let user = User {
            id: random::id(),
            name,
            password_hash: self.passwords.hash(request.password).await?,
            created_ms: self.clock.now_ms(),
            grants: Grants::everything(),
            ..User::default()
        };
        if !self.users.add_first_user(&user).await? {
            return Err(conflict(
                "setup.done",
                "This console already has an administrator. Sign in.",
            ));
        }
        tracing::info!(user = %user.name, "the first administrator was made");
        self.links.succeeded(attempt).await?;
        let opened = self.sessions.open(&user, Proof::Link, caller).await?;
        self.known(opened, &user).await
    }

    /// Signs in.
    ///
    /// # Errors
    /// When name and password do not belong together, and when there were too many failures.
    pub async fn login(&self, request: LoginRequest, caller: &Caller) -> Result<Opened> {
        let (address, now) = (caller.address, self.clock.now_ms());
        let user = self.users.find_user(&composed(&request.name)).await?;
        let device = match (&caller.device, &user) {
            (Some(cookie), Some(user)) => self.devices().await?.find(cookie, user, now),
            _ => None,
        };
        let hash = user
            .as_ref()
            .filter(|user| user.disabled_ms == 0 && !user.password_hash.is_empty())
            .map(|user| user.password_hash.clone());
        let attempt = match &device {
            // What others have tried does not keep a browser waiting with which this account came in before.
            Some(device) => self.throttle.attempt_of(device.name(), now).await?,
            None => {
                let throttle = &self.throttle;
                let attempt = throttle.attempt(&request.name, hash.is_some(), address, now);
                attempt.await?
            }
        };
        let attempt = attempt.map_err(throttled)?;
        let verify = || {
            self.passwords
                .verify(request.password.clone(), hash.clone())
        };
        let looked = self.throttle.look(&attempt, verify).await?;
        let Some(user) = user.filter(|_| looked == Ok(true)) else {
            self.throttle.failed(attempt, self.clock.now_ms()).await?;
            tracing::warn!(%address, "a login failed");
            return Err(match looked {
                Err(wait) => told_to_wait(SLOWED, wait),
                Ok(_) => ApiError::new(
                    Kind::Unauthenticated,
                    "login.failed",
                    "Wrong name or password.",
                ),
            });
        };
        self.throttle.succeeded(attempt).await?;
        let opened = self.sessions.open(&user, Proof::Password, caller).await?;
        match device {
            Some(_) => Ok(opened),
            None => self.known(opened, &user).await,
        }
    }

    /// Whose link this is, which can be used now.
    ///
    /// # Errors
    /// When the link was used, replaced, is too old or another console's, and when the account is disabled.
    pub async fn joins(&self, token: &str, caller: &Caller) -> Result<Invitation> {
        let hash = random::token_hash(token);
        let link = self.users.find_link(&hash).await?;
        let now = self.clock.now_ms();
        let Some(link) = link.filter(|link| !link.is_void(now)) else {
            self.bad_link(caller.address).await?;
            return Err(no_such_link());
        };
        let owner = self.users.user(&link.user_id).await?;
        let owner = owner.filter(|user| user.disabled_ms == 0);
        Ok(Invitation {
            owner: owner.ok_or_else(no_such_link)?,
            link,
        })
    }

    /// Sets a password by a one-time link and signs in. Other sessions of the account end.
    ///
    /// # Errors
    /// When the link was used, replaced, is too old or another console's, when the account is disabled, and when
    /// the password cannot be accepted; the link stays good then.
    pub async fn join(&self, request: JoinRequest, caller: &Caller) -> Result<Opened> {
        let invitation = self.joins(&request.token, caller).await?;
        password::check(&request.password, &invitation.owner.name)?;
        let hash = random::token_hash(&request.token);
        let attempt = self.try_link(&hash).await?;
        let password_hash = self.passwords.hash(request.password).await?;
        let user = self
            .users
            .use_link(
                &hash,
                &password_hash,
                request.end_tokens,
                self.clock.now_ms(),
            )
            .await?
            .filter(|user| user.disabled_ms == 0)
            .ok_or_else(no_such_link)?;
        self.links.succeeded(attempt).await?;
        let opened = self.sessions.open(&user, Proof::Link, caller).await?;
        self.known(opened, &user).await
    }

    /// Changes one's own password; all other sessions of the account end, its link does, and its tokens unless they are
    /// to stay.
    ///
    /// # Errors
    /// When the current password is wrong, or there is none here, or the new one cannot be accepted.
    pub async fn change_password(
        &self,
        actor: &Actor,
        request: PasswordRequest,
        caller: &Caller,
    ) -> Result<()> {
        let attempt = self.current.attempt_of(&actor.user_id, self.clock.now_ms());
        let attempt = attempt.await?.map_err(throttled)?;
        let user = self.users.user(&actor.user_id).await?;
        let before = user.map(|u| u.password_hash).filter(|h| !h.is_empty());
        let wrong = || {
            ApiError::new(
                Kind::Forbidden,
                "password.wrong",
                "This is not your current password. Nothing was changed.",
            )
        };
        if !self
            .passwords
            .verify(request.current, before.clone())
            .await?
        {
            self.current.failed(attempt, self.clock.now_ms()).await?;
            tracing::warn!(address = %caller.address, "a current password was wrong");
            return Err(wrong());
        }
        self.current.succeeded(attempt).await?;
        password::check(&request.new, &actor.name)?;
        let keep = match &actor.via {
            Via::Session(id) => id.clone(),
            Via::Token(_) => String::new(),
        };
        let change = UserChange::Password {
            hash: self.passwords.hash(request.new).await?,
            keep,
            end_tokens_ms: request.end_tokens.then(|| self.clock.now_ms()),
            // Of two changes at once the second knows the password of before only.
            instead_of: before,
            confirm: false,
        };
        match self
            .users
            .change_user(&actor.user_id, &change, None, |_| true)
            .await?
        {
            Changed::Made(_) => Ok(()),
            Changed::Missing | Changed::AgainstTheRule => Err(wrong()),
        }
    }

    /// A link that is none. Whoever brings many is not looked at for a while; who has a good one comes in meanwhile.
    async fn bad_link(&self, address: IpAddr) -> Result<()> {
        let (network, now) = (Network::of(address).to_string(), self.clock.now_ms());
        let attempt = self.links.attempt_of(&network, now).await?;
        let attempt = attempt.map_err(throttled)?;
        Ok(self.links.failed(attempt, now).await?)
    }

    /// A link that is good has attempts of its own: each is worth a hash.
    async fn try_link(&self, hash: &str) -> Result<Attempt> {
        let attempt = self.links.attempt_of(hash, self.clock.now_ms()).await?;
        attempt.map_err(throttled)
    }

    /// This browser is known as one that the account came in with.
    async fn known(&self, opened: Opened, user: &User) -> Result<Opened> {
        let device = self.devices().await?.cookie(user, self.clock.now_ms());
        Ok(Opened {
            device: Some(device),
            ..opened
        })
    }

    async fn devices(&self) -> Result<&Devices> {
        let open = async || {
            let key = self.users.console_key("devices", random::seed()).await?;
            anyhow::Ok(Devices::new(key))
        };
        Ok(self.devices.get_or_try_init(open).await?)
    }
}

fn throttled(wait: Wait) -> ApiError {
    told_to_wait("login.throttled", wait)
}

fn told_to_wait(code: &'static str, Wait(wait): Wait) -> ApiError {
    let seconds = wait.unsigned_abs().div_ceil(1000);
    ApiError::new(
        Kind::TooMany,
        code,
        format!("Too many attempts failed. Wait {seconds} s and try again."),
    )
    .retry_after(seconds)
}

fn no_such_link() -> ApiError {
    ApiError::new(
        Kind::Forbidden,
        "join.link-invalid",
        "This link no longer works: it was used, replaced by a newer one, or has expired. Ask an administrator for a \
         new one.",
    )
}
