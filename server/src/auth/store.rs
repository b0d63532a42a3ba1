//! What login needs to remember.

use async_trait::async_trait;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Random, never reused.
    pub id: String,
    /// Unique without regard to case.
    pub name: String,
    /// The argon2id hash in PHC form.
    pub password_hash: String,
    /// Milliseconds since the Unix epoch.
    pub created_ms: i64,
}

/// A session, found by the hash of its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// Whose it is.
    pub user_id: String,
    /// The account's name.
    pub user_name: String,
    /// When it ends, milliseconds since the Unix epoch.
    pub expires_ms: i64,
}

/// Accounts and sessions.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Whether there is any account.
    async fn any_user(&self) -> anyhow::Result<bool>;
    /// Adds the first account; `false` when there is one already, however close the race.
    async fn add_first_user(&self, user: &User) -> anyhow::Result<bool>;
    /// The account with this name, without regard to case.
    async fn find_user(&self, name: &str) -> anyhow::Result<Option<User>>;
    /// Opens a session and forgets those that have ended.
    async fn add_session(
        &self,
        token_hash: &str,
        user_id: &str,
        now_ms: i64,
        expires_ms: i64,
    ) -> anyhow::Result<()>;
    /// The session with this token, if it has not ended.
    async fn find_session(
        &self,
        token_hash: &str,
        now_ms: i64,
    ) -> anyhow::Result<Option<StoredSession>>;
    /// Ends a session.
    async fn remove_session(&self, token_hash: &str) -> anyhow::Result<()>;
}
