//! Signing in and out, and the one-time link that makes the first administrator.

use std::net::IpAddr;
use std::sync::Arc;

use requorum_shared::api::login::{JoinRequest, LoginRequest, PasswordRequest, SetupRequest};
use requorum_shared::permission::Grants;

use super::actor::{Actor, Via};
use super::names::{account_name, composed};
use super::password::Passwords;
use super::session::{Caller, Opened, Proof, Sessions};
use super::store::{Changed, PeopleStore, User, UserChange};
use super::throttle::Throttle;
use crate::clock::Clock;
use crate::error::{ApiError, Kind, Result, conflict};
use crate::random;

/// Accounts, sessions, and who may try.
pub struct Login {
    users: Arc<dyn PeopleStore>,
    sessions: Sessions,
    clock: Arc<dyn Clock>,
    passwords: Passwords,
    throttle: Throttle,
}

impl Login {
    /// Login over these accounts.
    pub fn new(users: Arc<dyn PeopleStore>, clock: Arc<dyn Clock>, passwords: Passwords) -> Self {
        Self {
            sessions: Sessions::new(users.clone(), clock.clone()),
            throttle: Throttle::new(users.clone(), "login"),
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

    /// Makes the first administrator and signs in.
    ///
    /// # Errors
    /// When the link was used or is another server's, and when name or password cannot be accepted; the link
    /// stays good then.
    pub async fn setup(&self, request: SetupRequest, caller: &Caller) -> Result<Opened> {
        let address = caller.address;
        self.may_try("", address).await?;
        let hash = random::token_hash(&request.token);
        if !self.users.has_setup_link(&hash).await? {
            self.failed("", address).await?;
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
            grants: Grants::everything(),
            ..User::default()
        };
        if !self.users.add_first_user(&user).await? {
            return Err(conflict(
                "setup.done",
                "There is an administrator already. Sign in.",
            ));
        }
        tracing::info!(user = %user.name, "the first administrator was made");
        self.sessions.open(&user, Proof::Link, caller).await
    }

    /// Signs in.
    ///
    /// # Errors
    /// When name and password do not belong together, and when there were too many failures.
    pub async fn login(&self, request: LoginRequest, caller: &Caller) -> Result<Opened> {
        let address = caller.address;
        self.may_try(&request.name, address).await?;
        let user = self.users.find_user(&composed(&request.name)).await?;
        let hash = user
            .as_ref()
            .filter(|user| user.disabled_ms == 0 && !user.password_hash.is_empty())
            .map(|user| user.password_hash.clone());
        let matches = self.passwords.verify(request.password, hash).await?;
        let Some(user) = user.filter(|_| matches) else {
            self.failed(&request.name, address).await?;
            tracing::warn!(%address, "a login failed");
            return Err(ApiError::new(
                Kind::Unauthenticated,
                "login.failed",
                "Name and password do not belong together. Check both and try again.",
            ));
        };
        self.throttle.succeeded(&request.name, address).await?;
        self.sessions.open(&user, Proof::Password, caller).await
    }

    /// Whose link this is, which can be used now.
    ///
    /// # Errors
    /// When the link was used, replaced, is too old or another console's, and when the account is disabled.
    pub async fn joins(&self, request: &JoinRequest, caller: &Caller) -> Result<User> {
        self.may_try("", caller.address).await?;
        let hash = random::token_hash(&request.token);
        let link = self.users.find_link(&hash).await?;
        let now = self.clock.now_ms();
        let Some(link) = link.filter(|link| !link.is_void(now)) else {
            self.failed("", caller.address).await?;
            return Err(no_such_link());
        };
        let owner = self.users.user(&link.user_id).await?;
        owner
            .filter(|user| user.disabled_ms == 0)
            .ok_or_else(no_such_link)
    }

    /// Sets a password by a one-time link and signs in. Other sessions of the account end.
    ///
    /// # Errors
    /// When the link was used, replaced, is too old or another console's, when the account is disabled, and when
    /// the password cannot be accepted; the link stays good then.
    pub async fn join(&self, request: JoinRequest, caller: &Caller) -> Result<Opened> {
        self.joins(&request, caller).await?;
        let hash = random::token_hash(&request.token);
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
        self.sessions.open(&user, Proof::Link, caller).await
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
        let address = caller.address;
        self.may_try(&actor.name, address).await?;
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
            self.failed(&actor.name, address).await?;
            return Err(wrong());
        }
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
        };
        match self
            .users
            .change_user(&actor.user_id, &change, |_| true)
            .await?
        {
            Changed::Made(_) => Ok(()),
            Changed::Missing | Changed::AgainstTheRule => Err(wrong()),
        }
    }

    async fn failed(&self, account: &str, address: IpAddr) -> Result<()> {
        let now = self.clock.now_ms();
        Ok(self.throttle.failed(account, address, now).await?)
    }

    async fn may_try(&self, account: &str, address: IpAddr) -> Result<()> {
        let now = self.clock.now_ms();
        let Some(wait) = self.throttle.wait_ms(account, address, now).await? else {
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
}

fn no_such_link() -> ApiError {
    ApiError::new(
        Kind::Forbidden,
        "join.link-invalid",
        "This link sets no password: it was used, a newer one was made, or it is too old. Ask whoever gave it to you \
         for a new one.",
    )
}
