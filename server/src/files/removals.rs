//! Removing files. The row of a removed file stays, with what was found in it: plans, jobs and dossiers name it. Its
//! bytes are deleted, unless the same content is just being uploaded again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::objects::Objects;
use crate::clock::Clock;

/// How often it is looked for what is removed and still has bytes.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// A store that has not deleted an object by then does not answer. Shorter than others wait for who deletes.
const DELETE_WITHIN: Duration = Duration::from_secs(60);

/// A file to remove.
#[derive(Debug, Clone, Copy)]
pub struct Removing<'a> {
    /// Its id.
    pub id: &'a str,
    /// The cluster that it belongs to, as whoever removes it saw it.
    pub cluster: &'a str,
    /// Who removes it.
    pub by: &'a str,
    /// The time, milliseconds since the Unix epoch.
    pub now_ms: i64,
}

/// What removing a file came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It is removed.
    Done,
    /// There is no such file.
    Unknown,
    /// It was removed before.
    Already,
    /// It belongs to another cluster by now.
    OtherCluster,
    /// A plan that can still be run, or a job that is not over, needs it.
    Needed,
}

/// Rows of removed files.
#[async_trait]
pub trait RemovalStore: Send + Sync {
    /// Marks a file as removed, if nothing needs it at that moment.
    async fn remove_file(&self, removing: &Removing<'_>) -> anyhow::Result<Removal>;
    /// The ids of removed files that still have bytes.
    async fn to_release(&self) -> anyhow::Result<Vec<String>>;
    /// Claims the deletion of a removed file's bytes. `false` while they are needed by an upload of the same content,
    /// or another server deletes them.
    async fn begin_release(&self, id: &str, now_ms: i64) -> anyhow::Result<bool>;
    /// Notes how the deletion went.
    async fn end_release(&self, id: &str, deleted: bool) -> anyhow::Result<()>;
}

/// What deletes the bytes of removed files.
#[derive(Clone)]
pub struct Releases {
    store: Arc<dyn RemovalStore>,
    objects: Objects,
    clock: Arc<dyn Clock>,
}

impl Releases {
    /// Over these rows and objects.
    pub fn new(store: Arc<dyn RemovalStore>, objects: Objects, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            objects,
            clock,
        }
    }

    /// Deletes what a removed file's bytes are, where nothing needs them. What cannot be deleted now is tried again by
    /// [`Releases::watch_over`].
    ///
    /// # Errors
    /// When the rows cannot be read or written.
    pub async fn release(&self, id: &str) -> anyhow::Result<()> {
        if !self.store.begin_release(id, self.clock.now_ms()).await? {
            return Ok(());
        }
        let deleted = match tokio::time::timeout(DELETE_WITHIN, self.objects.delete(id)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(file = %id, "deleting a removed file: {error}");
                false
            }
            Err(_) => {
                // It may still come to be deleted: nobody stores the same content before that is over.
                tracing::warn!(file = %id, "deleting a removed file takes too long");
                return Ok(());
            }
        };
        self.store.end_release(id, deleted).await
    }

    /// Deletes what was removed and still has bytes, now and then.
    pub async fn watch_over(&self) {
        loop {
            if let Err(error) = self.release_all().await {
                tracing::warn!("looking for removed files: {error:#}");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Deletes all that was removed and still has bytes.
    ///
    /// # Errors
    /// When the rows cannot be read or written.
    pub async fn release_all(&self) -> anyhow::Result<()> {
        for id in self.store.to_release().await? {
            self.release(&id).await?;
        }
        Ok(())
    }
}
