//! What is remembered of sign-ins that were begun: where they end, and that each ends once. Never a secret.

use async_trait::async_trait;

/// A sign-in that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Where the browser goes afterwards: one of our own paths.
    pub return_to: String,
    /// Where it was begun from.
    pub address: String,
    /// Milliseconds since the Unix epoch.
    pub started_ms: i64,
    /// When it is void.
    pub expires_ms: i64,
}

/// Sign-ins that were begun.
#[async_trait]
pub trait SignInStore: Send + Sync {
    /// Remembers one, and forgets those that are void; `false` when there are `per_address` from there already.
    /// The oldest make room when there would be more than `in_all`.
    async fn start_sign_in(
        &self,
        id: &str,
        started: &Started,
        per_address: u32,
        in_all: u32,
    ) -> anyhow::Result<bool>;
    /// Takes one, unless it is void or was taken.
    async fn take_sign_in(&self, id: &str, now_ms: i64) -> anyhow::Result<Option<Started>>;
}
