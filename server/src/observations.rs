//! What was seen outside of the console: dated, with what each source gave. An observation is never changed; another look
//! is another row.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// One look at one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Random.
    pub id: String,
    /// The kind of the requests that rest on it: `etcd.restore`.
    pub kind: String,
    /// What was looked at.
    pub subject: String,
    /// When, milliseconds since the Unix epoch.
    pub taken_ms: i64,
    /// The data directory whose server looked, by its name: another server may see another disk.
    pub place: String,
    /// What each source gave.
    pub sources: Vec<Source>,
    /// All that was seen, as the kind's own JSON.
    pub body_json: String,
}

/// What one source gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// `target`, an endpoint, a host.
    pub name: String,
    /// Why it could not be looked at; none where it was.
    pub failure: Option<String>,
}

/// Observations.
#[async_trait]
pub trait ObservationStore: Send + Sync {
    /// Keeps one, and forgets those of its subject that are minutes older and that no plan rests on.
    async fn add_observation(&self, observation: &Observation) -> anyhow::Result<()>;
    /// The newest of a subject.
    async fn newest_observation(
        &self,
        kind: &str,
        subject: &str,
    ) -> anyhow::Result<Option<Observation>>;
    /// One of them.
    async fn observation(&self, id: &str) -> anyhow::Result<Option<Observation>>;
}
