//! The manifest's signature: a signed note by the key of the ledger. Its first line is not the ledger's name, so it
//! can never pass for a checkpoint.

use super::manifest::FORMAT;
use crate::ledger::checkpoint::{CheckpointError, SigningKey, VerifyingKey, open_note, sign_note};

/// What is signed: the format, the job, and the manifest's SHA-256.
fn text(job: &str, manifest_sha256: &str) -> String {
    format!("{FORMAT}\n{job}\n{manifest_sha256}\n")
}

/// Signs.
pub(super) fn sign(job: &str, manifest_sha256: &str, key: &SigningKey) -> String {
    sign_note(&text(job, manifest_sha256), key)
}

/// Whether `key` signed this manifest of this job.
pub(super) fn open(
    seal: &str,
    job: &str,
    manifest_sha256: &str,
    key: &VerifyingKey,
) -> Result<bool, CheckpointError> {
    Ok(open_note(seal, key)? == text(job, manifest_sha256))
}
