//! The JSON of uploads: resumable, one offset each, in the manner of tus 1.0.
//!
//! `POST /api/uploads` makes one, `HEAD /api/uploads/{id}` says its offset (`Upload-Offset`), `PATCH` adds bytes
//! at that offset (`Upload-Offset` of the request must be the server's), `DELETE` cancels it, `GET /api/uploads`
//! lists what the signed-in person left unfinished. `PATCH` answers with [`Upload`]; when the last byte has
//! arrived, [`Upload::snapshot`] names the stored snapshot.
//!
//! A packed file (ZIP with one entry, gzip, Zstandard) is announced and sent as it is: lengths and offsets are those of
//! the packed file. What is in it is stored, once the last byte has arrived, under the SHA-256 of what came out; the
//! answer has that of the packed file in [`Upload::unpacked_from`].

use serde::{Deserialize, Serialize};

use crate::inspection::PackedFile;

/// Body of `POST /api/uploads`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateUpload {
    /// The file's name, without folders.
    pub name: String,
    /// Its length in bytes.
    pub length: u64,
    /// The cluster that it is of; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cluster: String,
    /// Whether the file is kept even if no recovery uses its kind: as evidence, which none is offered for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub evidence: bool,
}

/// The code of the refusal of a file that no recovery uses. All of it has arrived then; a last `PATCH` without
/// bytes and with the header [`EVIDENCE_HEADER`] keeps it as evidence.
pub const FOREIGN: &str = "upload.foreign";
/// The header of a `PATCH` that asks to keep the file as evidence, with any value.
pub const EVIDENCE_HEADER: &str = "upload-evidence";
/// How a snapshot came that is kept as evidence: its `origin` in lists.
pub const EVIDENCE_ORIGIN: &str = "evidence";

/// An upload, finished or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// Its id, part of its address.
    pub id: String,
    /// The file's name.
    pub name: String,
    /// The file's length in bytes, as claimed.
    pub length: u64,
    /// The cluster that it is of; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cluster: String,
    /// Bytes that have arrived and are safe.
    pub offset: u64,
    /// Who began it, where that is not whoever asks.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// When it was begun, RFC 3339 in UTC.
    pub started_at: String,
    /// The id of the snapshot it became, once all bytes have arrived: the SHA-256 of what is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// What was sent, where that was packed and what was in it is stored: with the SHA-256 of what was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unpacked_from: Option<PackedFile>,
}

/// Unfinished uploads that one person may have: no more than a page of a list has when its size is not said.
pub const MAX_UNFINISHED: usize = 50;

/// Query of `GET /api/uploads` and `GET /api/people/uploads`, as every list of the typed API has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListUploads {
    /// How many are wanted at most: 50 when it is 0, and never more than 200.
    pub page_size: u32,
    /// The [`Uploads::next_page_token`] of the page before; empty for the first.
    pub page_token: String,
}

/// Answer of `GET /api/uploads`, and to administrators of `GET /api/people/uploads`, which has everybody's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uploads {
    /// What is unfinished, newest first.
    pub uploads: Vec<Upload>,
    /// Where the next page begins; empty after the last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub next_page_token: String,
    /// How many there are on all pages.
    #[serde(default)]
    pub total: u64,
}
