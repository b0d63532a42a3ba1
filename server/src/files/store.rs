//! What is remembered of files and of uploads that have not ended.

use std::collections::BTreeSet;

use async_trait::async_trait;
use requorum_shared::inspection::Trust;
use requorum_shared::kinds::Inspection;
use serde::{Deserialize, Serialize};

/// A stored file, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// SHA-256 of the file, hexadecimal.
    pub id: String,
    /// The file's name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Milliseconds since the Unix epoch.
    pub uploaded_ms: i64,
    /// Who brought it.
    pub uploaded_by: String,
    /// How it came: `upload`, or `evidence` for a file that no recovery can use and that is kept all the same.
    pub origin: String,
    /// The cluster that it is kept as one of; empty for none.
    pub cluster: String,
    /// What it is: `etcd-snapshot`.
    pub kind: String,
    /// How far it can be trusted.
    pub trust: Trust,
    /// What else a list shows of the inspection.
    pub headline: Headline,
    /// When it was removed, milliseconds since the Unix epoch; 0 while it is kept.
    pub removed_ms: i64,
    /// Who removed it; empty while it is kept.
    pub removed_by: String,
}

/// What a list shows of an inspection: of every kind of file the same shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headline {
    /// The verdict's sentence.
    pub sentence: String,
    /// What matters most about a file of its kind, in the order to show it in.
    pub values: Vec<LabelledValue>,
}

impl Headline {
    /// Its values one after the other, to look for words in.
    pub fn text(&self) -> String {
        let values: Vec<_> = self.values.iter().map(|v| v.value.as_str()).collect();
        values.join(" ")
    }
}

/// A value of a headline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelledValue {
    /// For programs: `revision`.
    pub key: String,
    /// For people: `Revision`.
    pub label: String,
    /// For people, where it is how many and that is one. Empty where it is no count.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub one: String,
    /// The value, as it is shown.
    pub value: String,
}

/// What is kept of an inspection beside the document itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// As in [`StoredFile`].
    pub kind: String,
    /// As in [`StoredFile`].
    pub trust: Trust,
    /// As in [`StoredFile`].
    pub headline: Headline,
}

impl From<&Inspection> for Summary {
    fn from(inspection: &Inspection) -> Self {
        let shown = inspection.headline.iter();
        // The size of a file is a column of its own.
        let values = shown.filter(|of| of.key != "size").map(|of| LabelledValue {
            key: of.key.clone(),
            label: of.label.clone(),
            one: of.one.clone(),
            value: match &of.value {
                Some(value) => value.to_string(),
                None => "unknown".to_owned(),
            },
        });
        Self {
            kind: inspection.kind.to_string(),
            trust: inspection.trust(),
            headline: Headline {
                sentence: inspection.verdict.sentence.clone(),
                values: values.collect(),
            },
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

/// Rows of files and uploads.
#[async_trait]
pub trait FileStore: Send + Sync {
    /// All files that are kept, newest first.
    async fn files(&self) -> anyhow::Result<Vec<StoredFile>>;
    /// One file with its inspection as JSON.
    async fn file(&self, id: &str) -> anyhow::Result<Option<(StoredFile, String)>>;
    /// Says which cluster a file belongs to; `false` when it is not one of `from` any more, or is not there.
    async fn set_file_cluster(&self, id: &str, from: &str, to: &str) -> anyhow::Result<bool>;

    /// Adds an upload, unless its owner has `at_most` already; whether it was added.
    async fn add_upload(&self, upload: &UploadRow, at_most: usize) -> anyhow::Result<bool>;
    /// One upload.
    async fn upload(&self, id: &str) -> anyhow::Result<Option<UploadRow>>;
    /// All uploads, newest first.
    async fn uploads(&self) -> anyhow::Result<Vec<UploadRow>>;
    /// The ids of uploads whose owner is disabled.
    async fn uploads_of_disabled(&self) -> anyhow::Result<BTreeSet<String>>;
    /// Notes that it is kept even if it is no etcd database.
    async fn upload_is_evidence(&self, id: &str) -> anyhow::Result<()>;
    /// Notes how many bytes are on the medium.
    async fn upload_is_at(&self, id: &str, safe_bytes: u64, now_ms: i64) -> anyhow::Result<()>;
    /// Notes what the upload turned out to be, before its file is moved. `false`, and nothing is noted, while the same
    /// content is being deleted.
    async fn upload_finished(&self, id: &str, finished: &Finished) -> anyhow::Result<bool>;
    /// Turns a finished upload, whose bytes were moved, into a stored file. One with the same bytes stays as it was,
    /// unless it was removed.
    async fn upload_becomes(&self, id: &str, file: &StoredFile) -> anyhow::Result<()>;
    /// Forgets an upload.
    async fn remove_upload(&self, id: &str) -> anyhow::Result<()>;
}
