//! What is remembered of credentials: ciphertext, and what a list may show.

use std::sync::Arc;

use async_trait::async_trait;

use super::seal::Sealed;

/// What a list shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretView {
    /// Random.
    pub id: String,
    /// Unique.
    pub name: String,
    /// One of [`super::KINDS`].
    pub kind: String,
    /// Milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// When the value was last replaced.
    pub changed_ms: i64,
    /// Who did that.
    pub changed_by: String,
}

/// A credential as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// What a list shows.
    pub view: SecretView,
    /// The value, sealed.
    pub sealed: Sealed,
}

/// Opens a value and seals it again.
pub type Reseal = Arc<dyn Fn(&str, &Sealed) -> anyhow::Result<Sealed> + Send + Sync>;

/// How keeping a credential ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is kept.
    Yes,
    /// Another one has its name.
    NameTaken,
    /// The others are sealed under another master key by now.
    OtherKey,
}

/// Sealed credentials.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// All, by name.
    async fn secrets(&self) -> anyhow::Result<Vec<SecretView>>;
    /// One.
    async fn secret(&self, id: &str) -> anyhow::Result<Option<SealedSecret>>;
    /// Keeps one, or replaces the one with its id.
    async fn put_secret(&self, secret: &SealedSecret) -> anyhow::Result<Kept>;
    /// Removes one; `false` when there is none such.
    async fn remove_secret(&self, id: &str) -> anyhow::Result<bool>;
    /// The ids of the master keys that anything is sealed under.
    async fn key_ids(&self) -> anyhow::Result<Vec<String>>;
    /// Seals all again, or none, while nobody else writes; gives how many.
    async fn reseal(&self, reseal: Reseal) -> anyhow::Result<u64>;
}
