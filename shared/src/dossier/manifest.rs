//! What everything hangs from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::canonical;
use crate::job::fold::JobState;
use crate::ledger::checkpoint::Checkpoint;

/// The value of [`Manifest::format`] in this version.
pub const FORMAT: &str = "requorum.dossier/2";

/// The value of [`Manifest::rendering`] in this version. It goes up with every change of what the readable parts say
/// or look like: a later version must not call a page false for being older.
pub const RENDERING: u32 = 9;

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// [`RENDERING`].
    pub rendering: u32,
    /// What made it.
    pub console: String,
    /// The job's id.
    pub job: String,
    /// The plan's id.
    pub plan: String,
    /// The plan's hash, 64 hexadecimal digits.
    pub plan_hash: String,
    /// Where the job was.
    pub state: JobState,
    /// Whether the job was not over.
    pub interim: bool,
    /// How many events its journal had.
    pub events: u64,
    /// The ledger, when this was made.
    pub checkpoint: CheckpointFacts,
    /// Every part that this names, by its name.
    pub parts: BTreeMap<String, PartFacts>,
}

/// A checkpoint, without its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointFacts {
    /// Which ledger.
    pub origin: String,
    /// How many entries it had.
    pub size: u64,
    /// The root of its tree, base64.
    pub root: String,
}

impl From<&Checkpoint> for CheckpointFacts {
    fn from(checkpoint: &Checkpoint) -> Self {
        Self {
            origin: checkpoint.origin.clone(),
            size: checkpoint.size,
            root: checkpoint.root.to_base64(),
        }
    }
}

/// A part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartFacts {
    /// Its hash, 64 hexadecimal digits.
    pub sha256: String,
    /// Its length in bytes.
    pub size: u64,
}

impl PartFacts {
    /// Of these bytes.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self {
            sha256: canonical::sha256_hex(bytes),
            size: bytes.len() as u64,
        }
    }
}

/// `SHA256SUMS`: the manifest and all that it names, as `sha256sum -c` reads it.
pub(super) fn sums(manifest: &Manifest, manifest_bytes: &[u8]) -> String {
    let mut sums = format!(
        "{}  {}\n",
        canonical::sha256_hex(manifest_bytes),
        super::name::MANIFEST
    );
    for (name, part) in &manifest.parts {
        sums.push_str(&format!("{}  {name}\n", part.sha256));
    }
    sums
}
