//! What is remembered of people: accounts, the links that give them passwords, sessions, tokens.

use std::collections::HashMap;

use super::seen::Use;
use crate::clock::kept::FROM_THE_FUTURE_MS;
use async_trait::async_trait;
use requorum_shared::permission::{Grants, Role};

/// An account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// Random, never reused.
    pub id: String,
    /// Unique without regard to case.
    pub name: String,
    /// The argon2id hash in PHC form; empty while there is no password.
    pub password_hash: String,
    /// Milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// What the account may do.
    pub grants: Grants,
    /// Since when it may not be used, milliseconds since the Unix epoch; 0 while it may.
    pub disabled_ms: i64,
    /// The identity provider that knows this person; empty for a local account.
    pub issuer: String,
    /// What that provider calls this person.
    pub subject: String,
}

impl User {
    /// Whether somebody can come in with this account.
    pub fn is_usable(&self) -> bool {
        self.disabled_ms == 0 && (!self.password_hash.is_empty() || !self.subject.is_empty())
    }

    /// The account and its roles, as entries about an invitation name them.
    pub fn with_roles(&self) -> String {
        format!("{} as {}", self.name, self.grants)
    }
}

/// One thing about an account.
#[derive(Debug, Clone)]
pub enum UserChange {
    /// What it may do.
    Grants(Grants),
    /// What administrators did to it of late is forgotten: it is in its owner's hands.
    Confirmed,
    /// It may do nothing any more, and its sessions end.
    NoGrants,
    /// Since when it may not be used: its sessions and its link end, its tokens are revoked. 0: it may be used again,
    /// and nothing of that comes back.
    Disabled(i64),
    /// A new password: the account's link ends, and its sessions do.
    Password {
        /// The hash of the password.
        hash: String,
        /// The one session that stays, by its id; empty for none.
        keep: String,
        /// When the account's tokens are revoked; none to leave them.
        end_tokens_ms: Option<i64>,
        /// The hash of the password that it is to take the place of; none for whatever there is.
        instead_of: Option<String>,
        /// Whether the account is confirmed by it as well.
        confirm: bool,
    },
}

/// Who changes an account that may be another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// Their account's id.
    pub id: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// How a change ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// It is made; the account as it is now.
    Made(User),
    /// There is no such account.
    Missing,
    /// The rule that came with it does not allow it.
    AgainstTheRule,
}

/// What must hold for all accounts after a change.
pub type Rule = fn(&[User]) -> bool;

/// A link that gives an account its password, found by the hash of its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordLink {
    /// Whose password it sets.
    pub user_id: String,
    /// Who made it.
    pub made_by: String,
    /// The id of the account that made it; empty for the command line on the server's machine.
    pub made_by_id: String,
    /// Milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// When it is void.
    pub expires_ms: i64,
}

impl PasswordLink {
    /// Whether it has ended, or was made by a clock that was far ahead.
    pub fn is_void(&self, now_ms: i64) -> bool {
        self.expires_ms <= now_ms || self.created_ms > now_ms.saturating_add(FROM_THE_FUTURE_MS)
    }
}

/// A session, found by the hash of its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// What lists call it.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// Milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// When it ends.
    pub expires_ms: i64,
    /// When it was last used, to a few minutes.
    pub seen_ms: i64,
    /// Where it was opened from.
    pub address: String,
    /// What the browser calls itself.
    pub agent: String,
    /// How it was opened: password, link, setup, oidc.
    pub by: String,
}

/// A token for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredToken {
    /// What lists call it.
    pub id: String,
    /// What it is for, in its owner's words.
    pub name: String,
    /// Whose it is.
    pub user_id: String,
    /// What it may do, at most.
    pub grants: Grants,
    /// Milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// When it ends.
    pub expires_ms: i64,
    /// When it was last used, to a few minutes; 0 for never.
    pub used_ms: i64,
    /// When it was revoked; 0 while it was not.
    pub revoked_ms: i64,
}

/// Accounts.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Whether there is any account.
    async fn any_user(&self) -> anyhow::Result<bool>;
    /// Keeps a link that makes the first administrator, by the hash of its token. It is good as long as that server
    /// lives; one without a server replaces all others.
    async fn add_setup_link(&self, token_hash: &str, server: &str) -> anyhow::Result<()>;
    /// Whether there is such a link.
    async fn has_setup_link(&self, token_hash: &str) -> anyhow::Result<bool>;
    /// Adds the first account, and makes all links void that would; `false` when there is one already, however close
    /// the race.
    async fn add_first_user(&self, user: &User) -> anyhow::Result<bool>;
    /// Adds an account; `false` when the name or the provider's subject is taken.
    async fn add_user(&self, user: &User) -> anyhow::Result<bool>;
    /// Adds an account together with the link that gives it a password: both or neither. `false`, and nothing is added,
    /// when the name is taken.
    async fn invite_user(
        &self,
        user: &User,
        token_hash: &str,
        link: &PasswordLink,
    ) -> anyhow::Result<bool>;
    /// The account with this name, without regard to case.
    async fn find_user(&self, name: &str) -> anyhow::Result<Option<User>>;
    /// The account with this id.
    async fn user(&self, id: &str) -> anyhow::Result<Option<User>>;
    /// The account that a provider knows by this subject.
    async fn find_subject(&self, issuer: &str, subject: &str) -> anyhow::Result<Option<User>>;
    /// All accounts, by name.
    async fn users(&self) -> anyhow::Result<Vec<User>>;
    /// Changes an account, with all that ends by it, unless `rule` says no to what all accounts would be then. All of
    /// it or nothing is done, and nobody else changes an account in between.
    ///
    /// What it is as an administrator's act on another's account is kept with it, where `by` says whose.
    async fn change_user(
        &self,
        id: &str,
        change: &UserChange,
        by: Option<&By>,
        rule: Rule,
    ) -> anyhow::Result<Changed>;
    /// Keeps a link; an older one of the same account is void. `false`, and nothing is kept, when there is no such
    /// account, it is disabled, or it belongs to an identity provider.
    async fn set_link(&self, token_hash: &str, link: &PasswordLink) -> anyhow::Result<bool>;
    /// The link with this token.
    async fn find_link(&self, token_hash: &str) -> anyhow::Result<Option<PasswordLink>>;
    /// When the account's link is void, if it has one.
    async fn links(&self) -> anyhow::Result<Vec<PasswordLink>>;
    /// Uses a link up: sets the password, ends the account's sessions and its tokens where `end_tokens` says so, and keeps what that is: an act of whoever made
    /// the link. Nothing when the link is gone.
    async fn use_link(
        &self,
        token_hash: &str,
        password_hash: &str,
        end_tokens: bool,
        now_ms: i64,
    ) -> anyhow::Result<Option<User>>;
    /// Makes an account's link void.
    async fn remove_link(&self, user_id: &str) -> anyhow::Result<()>;
}

/// Sessions.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Opens a session and forgets those that have ended.
    async fn add_session(&self, token_hash: &str, session: &StoredSession) -> anyhow::Result<()>;
    /// The session with this token and its account, unless the session has ended or the account is disabled.
    async fn find_session(
        &self,
        token_hash: &str,
        now_ms: i64,
    ) -> anyhow::Result<Option<(StoredSession, User)>>;
    /// The session with this id and its account, under the same conditions.
    async fn session(&self, id: &str, now_ms: i64)
    -> anyhow::Result<Option<(StoredSession, User)>>;
    /// Notes when sessions were used, and so that their accounts were seen: those too whose session has ended since.
    async fn touch_sessions(&self, uses: &[Use]) -> anyhow::Result<()>;
    /// When each account was last seen in a browser, to a few minutes, by its id; 0 for never. This stays known when
    /// the sessions have ended.
    async fn last_seen(&self) -> anyhow::Result<HashMap<String, i64>>;
    /// The open sessions of an account, newest first.
    async fn sessions(&self, user_id: &str, now_ms: i64) -> anyhow::Result<Vec<StoredSession>>;
    /// Forgets all sessions that have ended, and those that were last used at `idle_since_ms` or before.
    async fn forget_sessions(&self, now_ms: i64, idle_since_ms: i64) -> anyhow::Result<()>;
    /// Ends the session with this id; `false` when that account has none such.
    async fn remove_session(&self, user_id: &str, id: &str) -> anyhow::Result<bool>;
    /// Ends all sessions of an account but one, and says how many.
    async fn remove_sessions(&self, user_id: &str, except: &str) -> anyhow::Result<u64>;
    /// Ends all sessions of all accounts, and says how many.
    async fn remove_all_sessions(&self) -> anyhow::Result<u64>;
}

/// Tokens.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// Keeps a token.
    async fn add_token(&self, token_hash: &str, token: &StoredToken) -> anyhow::Result<()>;
    /// The token with this hash and its owner, unless it has ended, was revoked, or the owner is disabled.
    async fn find_token(
        &self,
        token_hash: &str,
        now_ms: i64,
    ) -> anyhow::Result<Option<(StoredToken, User)>>;
    /// The token with this id and its owner, under the same conditions.
    async fn usable_token(
        &self,
        id: &str,
        now_ms: i64,
    ) -> anyhow::Result<Option<(StoredToken, User)>>;
    /// Notes when tokens were used.
    async fn touch_tokens(&self, uses: &[Use]) -> anyhow::Result<()>;
    /// One token.
    async fn token(&self, id: &str) -> anyhow::Result<Option<StoredToken>>;
    /// The tokens of an account, or of all, newest first.
    async fn tokens(&self, user_id: Option<&str>) -> anyhow::Result<Vec<StoredToken>>;
    /// Revokes a token; `false` when it was already, or there is none.
    async fn revoke_token(&self, id: &str, now_ms: i64) -> anyhow::Result<bool>;
}

/// How often somebody failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Failures {
    /// How often in a row.
    pub count: u32,
    /// When it was last, milliseconds since the Unix epoch.
    pub last_ms: i64,
}

/// Failed attempts to come in, under names that tell nothing of what was typed.
#[async_trait]
pub trait FailureStore: Send + Sync {
    /// How often this one failed. A failure of the future is one of now from then on: the clock was set back, and a
    /// wait goes on from here rather than until the clock is where it was.
    async fn failures(&self, who: &str, now_ms: i64) -> anyhow::Result<Failures>;
    /// Counts one more. What is older than `old_ms` does not count, and is forgotten, whoever's it is.
    async fn add_failure(&self, who: &str, now_ms: i64, old_ms: i64) -> anyhow::Result<()>;
    /// Counts one more if what there is allows it, and gives what there was. Two at once are one after the other.
    async fn add_failure_if(
        &self,
        who: &str,
        now_ms: i64,
        old_ms: i64,
        may: &(dyn Fn(Failures) -> bool + Send + Sync),
    ) -> anyhow::Result<Failures>;
    /// Forgets this one's.
    async fn forget_failures(&self, who: &str) -> anyhow::Result<()>;
}

/// What an administrator did to another's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountAct {
    /// The account's id.
    pub account: String,
    /// The administrator's.
    pub by: String,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Whether it puts the account into the administrator's hands for a while.
    pub binds: bool,
    /// What the account could do before; nothing where it could not be used.
    pub before: Grants,
}

impl AccountAct {
    /// What a change is as an act on an account, as it was before. None when one changes one's own.
    pub fn of(by: &By, before: &User, change: &UserChange) -> Option<Self> {
        if by.id == before.id {
            return None;
        }
        let more = |grants: &Grants| {
            let more = |grant| !before.grants.covers(grant);
            grants
                .iter()
                .any(|grant| grant.role != Role::Viewer && more(grant))
        };
        Some(Self {
            account: before.id.clone(),
            by: by.id.clone(),
            at_ms: by.at_ms,
            binds: match change {
                UserChange::Grants(grants) => more(grants),
                UserChange::Disabled(..=0) => before.disabled_ms != 0,
                UserChange::Password { .. } => true,
                UserChange::NoGrants | UserChange::Disabled(_) | UserChange::Confirmed => false,
            },
            before: if before.is_usable() {
                before.grants.clone()
            } else {
                Grants::default()
            },
        })
    }
}

/// What administrators did to accounts.
#[async_trait]
pub trait HandStore: Send + Sync {
    /// Those that are newer.
    async fn account_acts(&self, since_ms: i64) -> anyhow::Result<Vec<AccountAct>>;
}

/// Keys that no person handles.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// The key with this name: `fresh`, where there was none.
    async fn console_key(&self, name: &str, fresh: [u8; 32]) -> anyhow::Result<[u8; 32]>;
}

/// All of it.
pub trait PeopleStore:
    UserStore + SessionStore + TokenStore + FailureStore + HandStore + KeyStore
{
}

impl<T: UserStore + SessionStore + TokenStore + FailureStore + HandStore + KeyStore> PeopleStore
    for T
{
}
