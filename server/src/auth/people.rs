//! Accounts: invited, given roles, disabled, brought back. Used by the API and by the command line alike, which
//! both have asked first whether they may.

mod hands;

use std::sync::Arc;

use requorum_shared::permission::{Grants, Role};

pub use self::hands::Late;
use super::names::{self, account_name};
use super::password::{self, Passwords};
use super::store::{By, Changed, PasswordLink, PeopleStore, User, UserChange};
use crate::clock::Clock;
use crate::error::{ApiError, Result, conflict, not_found, precondition};
use crate::random;

/// How long a link that sets a password is good, in milliseconds: over a weekend.
pub const LINK_MS: i64 = 3 * 24 * 60 * 60_000;

/// Accounts.
#[derive(Clone)]
pub struct People {
    store: Arc<dyn PeopleStore>,
    clock: Arc<dyn Clock>,
    passwords: Passwords,
}

/// A link that was just made: the token is kept nowhere.
pub struct NewLink {
    /// The secret.
    pub token: String,
    /// When it is void, milliseconds since the Unix epoch.
    pub expires_ms: i64,
}

impl People {
    /// People in this store.
    pub fn new(store: Arc<dyn PeopleStore>, clock: Arc<dyn Clock>, passwords: Passwords) -> Self {
        Self {
            store,
            clock,
            passwords,
        }
    }

    /// All accounts, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(&self) -> Result<Vec<User>> {
        Ok(self.store.users().await?)
    }

    /// The links that were not used yet, void ones included.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn links(&self) -> Result<Vec<PasswordLink>> {
        Ok(self.store.links().await?)
    }

    /// One account.
    ///
    /// # Errors
    /// When there is none such, or the store cannot be read.
    pub async fn get(&self, id: &str) -> Result<User> {
        self.store.user(id).await?.ok_or_else(missing)
    }

    /// One account, by its name without regard to case.
    ///
    /// # Errors
    /// When there is none such, or the store cannot be read.
    pub async fn by_name(&self, name: &str) -> Result<User> {
        self.store
            .find_user(&names::composed(name))
            .await?
            .ok_or_else(missing)
    }

    /// Adds an account that has no password yet, with the one link that sets it.
    ///
    /// # Errors
    /// When the name cannot be accepted or is taken.
    pub async fn invite(
        &self,
        name: &str,
        grants: Grants,
        made_by: &str,
        made_by_id: &str,
    ) -> Result<(User, NewLink)> {
        let user = User {
            id: random::id(),
            name: account_name(name)?,
            created_ms: self.clock.now_ms(),
            grants,
            ..User::default()
        };
        self.not_taken(&user.name).await?;
        let (link, new) = self.new_link(&user.id, made_by, made_by_id);
        let hash = random::token_hash(&new.token);
        if self.store.invite_user(&user, &hash, &link).await? {
            return Ok((user, new));
        }
        Err(taken(&user.name))
    }

    /// Adds an account with a password.
    ///
    /// # Errors
    /// When the name or the password cannot be accepted, or the name is taken.
    pub async fn add_with_password(
        &self,
        name: &str,
        grants: Grants,
        password: String,
    ) -> Result<User> {
        let name = account_name(name)?;
        password::check(&password, &name)?;
        let user = User {
            id: random::id(),
            name,
            password_hash: self.passwords.hash(password).await?,
            created_ms: self.clock.now_ms(),
            grants,
            ..User::default()
        };
        self.not_taken(&user.name).await?;
        if self.store.add_user(&user).await? {
            return Ok(user);
        }
        Err(taken(&user.name))
    }

    /// Looks for other accounts of this name.
    ///
    /// # Errors
    /// When there is one, or one whose name looks like it.
    async fn not_taken(&self, name: &str) -> Result<()> {
        let all = self.store.users().await?;
        match names::alike(name, &all) {
            Some(other) => Err(taken(&other.name)),
            None => Ok(()),
        }
    }

    /// Makes the one link that sets this account's password; an older one is void. The account's old password, if
    /// it has one, stays good until the link is used.
    ///
    /// # Errors
    /// When there is no such account, it is disabled, or it belongs to the identity provider.
    pub async fn link(&self, id: &str, made_by: &str, made_by_id: &str) -> Result<NewLink> {
        let (link, new) = self.new_link(id, made_by, made_by_id);
        let hash = random::token_hash(&new.token);
        if self.store.set_link(&hash, &link).await? {
            return Ok(new);
        }
        let user = self.get(id).await?;
        if !user.subject.is_empty() {
            return Err(precondition(
                "person.oidc",
                format!(
                    "{} signs in at the identity provider and has no password here.",
                    user.name
                ),
            ));
        }
        Err(precondition(
            "person.disabled",
            format!("{} is disabled. Enable the account first.", user.name),
        ))
    }

    /// A link for this account: as it is kept, and as it is handed out.
    fn new_link(&self, user_id: &str, made_by: &str, made_by_id: &str) -> (PasswordLink, NewLink) {
        let now = self.clock.now_ms();
        let link = PasswordLink {
            user_id: user_id.into(),
            made_by: made_by.into(),
            made_by_id: made_by_id.into(),
            created_ms: now,
            expires_ms: now + LINK_MS,
        };
        let new = NewLink {
            token: random::token(),
            expires_ms: link.expires_ms,
        };
        (link, new)
    }

    /// Gives an account exactly these roles. They count from its next request on. Here and below, `by` is the id of the
    /// administrator who does it in the console; none on the command line.
    ///
    /// # Errors
    /// When there is no such account, and when nobody would be left to administer.
    pub async fn set_grants(&self, id: &str, grants: Grants, by: Option<&str>) -> Result<User> {
        self.change(id, UserChange::Grants(grants), by).await
    }

    /// Disables an account: its sessions and links end, its tokens are revoked.
    ///
    /// # Errors
    /// When there is no such account, and when nobody would be left to administer.
    pub async fn disable(&self, id: &str, by: Option<&str>) -> Result<User> {
        let now = self.clock.now_ms();
        self.change(id, UserChange::Disabled(now), by).await
    }

    /// Lets an account be used again. Its sessions and tokens stay ended.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn enable(&self, id: &str, by: Option<&str>) -> Result<User> {
        self.change(id, UserChange::Disabled(0), by).await
    }

    /// Sets an account's password, ends its sessions, its link and, where that is wanted, its tokens, and confirms it:
    /// for those who have the data directory.
    ///
    /// # Errors
    /// When there is no such account or the password cannot be accepted.
    pub async fn set_password(&self, id: &str, password: String, end_tokens: bool) -> Result<User> {
        let user = self.store.user(id).await?.ok_or_else(missing)?;
        password::check(&password, &user.name)?;
        let change = UserChange::Password {
            hash: self.passwords.hash(password).await?,
            keep: String::new(),
            end_tokens_ms: end_tokens.then(|| self.clock.now_ms()),
            instead_of: None,
            confirm: true,
        };
        self.change(id, change, None).await
    }

    /// Changes an account; `by` is the id of the administrator who does it in the console.
    async fn change(&self, id: &str, change: UserChange, by: Option<&str>) -> Result<User> {
        // A password takes nothing away, and enabling takes nobody's place.
        let rule = match change {
            UserChange::Grants(_) | UserChange::NoGrants | UserChange::Disabled(1..) => {
                somebody_administers
            }
            _ => |_: &[User]| true,
        };
        let by = by.map(|id| By {
            id: id.to_owned(),
            at_ms: self.clock.now_ms(),
        });
        match self
            .store
            .change_user(id, &change, by.as_ref(), rule)
            .await?
        {
            Changed::Made(user) => Ok(user),
            Changed::Missing => Err(missing()),
            Changed::AgainstTheRule => Err(precondition(
                "person.last-admin",
                "This is the last administrator of the console. Give another person the role admin first, and have \
                 them sign in.",
            )),
        }
    }
}

/// Whether an account that can be used has the role admin.
fn somebody_administers(users: &[User]) -> bool {
    users
        .iter()
        .any(|user| user.is_usable() && user.grants.has(Role::Admin))
}

fn taken(name: &str) -> ApiError {
    conflict(
        "person.exists",
        format!(
            "An account named {name} already exists. Names are compared without case, and letters that look alike \
             count as the same; choose another."
        ),
    )
}

fn missing() -> ApiError {
    not_found("person.missing", "No such account. See the list of people.")
}
