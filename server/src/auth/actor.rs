//! The person or program on whose behalf something is done; every operation takes one.

/// Somebody who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The account's id.
    pub user_id: String,
    /// The account's name, as the journal and lists show it.
    pub name: String,
    /// When the session ends, milliseconds since the Unix epoch.
    pub session_expires_ms: i64,
}
