//! What is remembered of sign-ins: that each ends once. What was begun is in the browser's cookie.

use async_trait::async_trait;

/// Sign-ins that have come back.
#[async_trait]
pub trait SignInStore: Send + Sync {
    /// Takes one, until it would be void anyway, and forgets those that are; `false` when it was taken before.
    async fn take_sign_in(&self, id: &str, now_ms: i64, expires_ms: i64) -> anyhow::Result<bool>;
}
