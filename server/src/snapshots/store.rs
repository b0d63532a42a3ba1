//! What is remembered of snapshots and of uploads that have not ended.

use async_trait::async_trait;
use requorum_shared::kinds::Inspection;
use serde::{Deserialize, Serialize};

/// A stored snapshot, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// SHA-256 of the file, hexadecimal.
    pub id: String,
    /// The file's name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Milliseconds since the Unix epoch.
    pub stored_ms: i64,
    /// Who brought it.
    pub stored_by: String,
    /// How it came: `upload`, or `evidence` for a file that is no etcd database and is kept all the same.
    pub origin: String,
    /// The cluster that it is kept as one of; empty for none.
    pub cluster: String,
    /// What a list shows of the inspection.
    pub headline: Headline,
}

/// What a list shows of an inspection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headline {
    /// The verdict's sentence.
    pub sentence: String,
    /// `whole`, `damaged`, `unproven`, `no-snapshot`: [`Trust::word`](requorum_shared::inspection::Trust::word).
    pub verdict: String,
    /// The revision that a restore starts at, where that is known.
    pub revision: Option<i64>,
    /// Live user keys, where they could be counted.
    pub total_key: Option<u64>,
    /// HASH, where it could be computed.
    pub hash: Option<u32>,
    /// storageVersion, or the minor that wrote the file; empty when unknown.
    pub version: String,
}

impl From<&Inspection> for Headline {
    fn from(inspection: &Inspection) -> Self {
        let etcd = inspection.etcd();
        let status = etcd.and_then(|etcd| etcd.status.as_ref());
        let contents = etcd.and_then(|etcd| etcd.contents.as_ref());
        Self {
            sentence: inspection.verdict.sentence.clone(),
            verdict: inspection.trust().word().into(),
            revision: etcd.and_then(|etcd| etcd.start_revision()),
            total_key: status.map(|s| s.total_key),
            hash: status.map(|s| s.hash),
            version: contents
                .and_then(|c| c.storage_version.clone().or_else(|| c.written_by.clone()))
                .unwrap_or_default(),
        }
    }
}

/// An upload that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadRow {
    /// Random.
    pub id: String,
    /// The file's name.
    pub name: String,
    /// The cluster that it is of; empty for none.
    pub cluster: String,
    /// How long the file is, as claimed.
    pub length: u64,
    /// Bytes that are on the medium.
    pub safe_bytes: u64,
    /// Whose it is.
    pub owner_id: String,
    /// The owner's name.
    pub owner: String,
    /// The data directory that has the bytes, by its name. Empty: the only one there is.
    pub place: String,
    /// Whether it is kept even if it is no etcd database.
    pub evidence: bool,
    /// When it was begun, milliseconds since the Unix epoch.
    pub started_ms: i64,
    /// When bytes last arrived.
    pub touched_ms: i64,
    /// The entry of the ledger that opened the act that brought the last bytes; none before.
    pub entry: Option<u64>,
    /// Set once all bytes have arrived and were looked at.
    pub finished: Option<Finished>,
}

/// What an upload turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// The inspection as JSON.
    pub inspection_json: String,
}

/// Rows of snapshots and uploads.
#[async_trait]
pub trait SnapshotStore: Send + Sync {
    /// All snapshots, newest first.
    async fn snapshots(&self) -> anyhow::Result<Vec<Snapshot>>;
    /// One snapshot with its inspection as JSON.
    async fn snapshot(&self, id: &str) -> anyhow::Result<Option<(Snapshot, String)>>;
    /// Says which cluster a snapshot belongs to; `false` when it is not one of `from` any more, or is not there.
    async fn set_snapshot_cluster(&self, id: &str, from: &str, to: &str) -> anyhow::Result<bool>;

    /// Adds an upload, unless its owner has `at_most` already; whether it was added.
    async fn add_upload(&self, upload: &UploadRow, at_most: usize) -> anyhow::Result<bool>;
    /// One upload.
    async fn upload(&self, id: &str) -> anyhow::Result<Option<UploadRow>>;
    /// All uploads, newest first.
    async fn uploads(&self) -> anyhow::Result<Vec<UploadRow>>;
    /// Notes that it is kept even if it is no etcd database.
    async fn upload_is_evidence(&self, id: &str) -> anyhow::Result<()>;
    /// Notes how many bytes are on the medium.
    async fn upload_is_at(&self, id: &str, safe_bytes: u64, now_ms: i64) -> anyhow::Result<()>;
    /// Notes what the upload turned out to be, before its file is moved.
    async fn upload_finished(&self, id: &str, finished: &Finished) -> anyhow::Result<()>;
    /// Turns a finished upload, whose file was moved, into a snapshot. A snapshot with the same bytes stays as
    /// it was.
    async fn upload_becomes(&self, id: &str, snapshot: &Snapshot) -> anyhow::Result<()>;
    /// Forgets an upload.
    async fn remove_upload(&self, id: &str) -> anyhow::Result<()>;
}
