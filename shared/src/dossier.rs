//! The dossier: one archive per recovery, that a team keeps, prints, and verifies years later without a console.
//!
//! It is a ZIP archive whose parts are stored as they are. Every desktop opens one by a double click; without
//! compression, the same parts give the same bytes whoever packs them and whenever. [`zip`] reads only what it would
//! have written itself, so that no two programs see different parts in one file.
//!
//! [`Sources`] is what a console knows of a job. [`pack`] makes the archive of it: a pure function, so the same
//! recovery at the same checkpoint of the ledger is the same file. Everything hangs from `manifest.json`, which names
//! every part by its SHA-256 and is signed by the key of the ledger. [`verify`] takes an archive apart again and
//! believes nothing that does not follow.

mod document;
mod html;
mod inspection;
mod leftovers;
mod manifest;
mod parts;
mod readme;
mod record;
#[cfg(test)]
mod samples;
mod seal;
#[cfg(test)]
mod tests;
mod verify;
mod words;
pub mod zip;

pub use self::inspection::{DOSSIER, inspect, is_dossier};
pub use self::leftovers::{LeftOver, left_overs};
pub use self::manifest::{FORMAT, Manifest, RENDERING};
pub use self::parts::{MAX_ENTRIES, MAX_EVENTS, PackError, Sources, pack};
pub use self::record::{Approvals, JobFacts, LedgerFacts, ReviewFacts};
pub use self::verify::{Verdict, sentence, verify};

/// The names of the parts.
pub mod name {
    /// What everything hangs from; the first in the archive.
    pub const MANIFEST: &str = "manifest.json";
    /// The manifest's signature, a signed note.
    pub const SEAL: &str = "manifest.note";
    /// For `sha256sum -c`.
    pub const SUMS: &str = "SHA256SUMS";
    /// What this is, and how it is verified by hand.
    pub const README: &str = "README.txt";
    /// What a person reads.
    pub const PAGE: &str = "dossier.html";
    /// The sealed bytes of the plan.
    pub const PLAN: &str = "plan.json";
    /// What let it be run.
    pub const APPROVALS: &str = "approvals.json";
    /// Everything that happened, an event per line.
    pub const JOURNAL: &str = "journal.jsonl";
    /// What was proven.
    pub const VERIFICATION: &str = "verification.json";
    /// When, and how long.
    pub const TIMINGS: &str = "timings.json";
    /// What was found in each of the plan's files when it was stored, one per line.
    pub const INSPECTIONS: &str = "evidence/inspections.jsonl";
    /// The report of the check when the plan was sealed.
    pub const REPORT: &str = "evidence/report.json";
    /// The ledger's entries about this plan and job, as they are hashed, one per line.
    pub const ENTRIES: &str = "ledger/entries.jsonl";
    /// Their way to the checkpoint.
    pub const PROOFS: &str = "ledger/proofs.json";
    /// The checkpoint, a signed note.
    pub const CHECKPOINT: &str = "ledger/checkpoint";
    /// The key that signed it.
    pub const KEY: &str = "ledger/key";
}
