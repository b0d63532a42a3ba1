//! From what a console knows to an archive.

use std::collections::BTreeMap;

use serde::Serialize;
use thiserror::Error;

use super::document::{Content, Inspected};
use super::manifest::{FORMAT, Manifest, PartFacts, RENDERING, sums};
use super::record::{
    Approvals, JobFacts, LedgerFacts, Proof, Proofs, ReviewFacts, Timings, Verification, grounds,
    view,
};
use super::{document, html, name, readme, seal, zip};
use crate::canonical::{sha256_hex, to_canonical_json};
use crate::job::events::Event;
use crate::job::fold::JobView;
use crate::ledger::checkpoint::{Checkpoint, CheckpointError, SigningKey};
use crate::ledger::entry::Entry;
use crate::recovery::Plan;

/// The longest journal, in events.
pub const MAX_EVENTS: usize = 100_000;
/// The most entries of the ledger.
pub const MAX_ENTRIES: usize = 10_000;
/// The most files that a plan uses.
pub(super) const MAX_INPUTS: usize = 1_000;

/// All that a console knows of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// The console and its version: `requorum 1.2.0`.
    pub console: String,
    /// The job.
    pub job: JobFacts,
    /// What the console remarked when the plan was approved.
    pub remark: String,
    /// The review of a break-glass override.
    pub review: Option<ReviewFacts>,
    /// The stored inspections of the files that the plan uses, in its order, without those of files that are not known
    /// any more.
    pub inspections_json: Vec<String>,
    /// The ledger.
    pub ledger: LedgerFacts,
}

/// Why no dossier can be made.
#[derive(Debug, Error)]
pub enum PackError {
    /// The stored plan is damaged.
    #[error("the stored plan cannot be read: {0}")]
    Plan(serde_json::Error),
    /// An entry of the ledger is damaged.
    #[error("entry {index} of the ledger cannot be read: {error}")]
    Entry {
        /// Which.
        index: u64,
        /// Why not.
        error: serde_json::Error,
    },
    /// The checkpoint is not this key's.
    #[error("the ledger's checkpoint cannot be read: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// There is too much of it.
    #[error("it would have {found} {what}, and a dossier has at most {most}")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How much there is.
        found: usize,
        /// How much there may be.
        most: usize,
    },
}

/// Makes the archive. The same sources give the same bytes.
///
/// # Errors
/// When something stored is damaged, or there is too much for one archive.
pub fn pack(sources: &Sources, key: &SigningKey) -> Result<Vec<u8>, PackError> {
    let JobFacts {
        id,
        plan_json,
        events,
    } = &sources.job;
    limit("events", events.len(), MAX_EVENTS)?;
    limit("ledger entries", sources.ledger.entries.len(), MAX_ENTRIES)?;
    limit("files", sources.inspections_json.len(), MAX_INPUTS)?;
    let plan: Plan = serde_json::from_str(plan_json).map_err(PackError::Plan)?;
    let view = view(&plan, events);
    let interim = !view.state.is_over();
    let approvals = Approvals {
        interim,
        plan_hash: sha256_hex(plan_json.as_bytes()),
        grounds: grounds(events).cloned(),
        remark: sources.remark.clone(),
        review: sources.review.clone(),
    };
    let ledger_key = key.verifying();
    let checkpoint = Checkpoint::open(&sources.ledger.checkpoint, &ledger_key)?;
    let entries = parse_entries(&sources.ledger)?;

    let mut parts = derived(&plan, events, &view, &approvals);
    parts.insert(name::PLAN, plan_json.clone().into_bytes());
    parts.insert(name::JOURNAL, lines(events));
    if !sources.inspections_json.is_empty() {
        let mut lines = sources.inspections_json.join("\n");
        lines.push('\n');
        parts.insert(name::INSPECTIONS, lines.into_bytes());
    }
    let mut ledger_lines = Vec::new();
    for (_, bytes, _) in &sources.ledger.entries {
        ledger_lines.extend_from_slice(bytes);
        ledger_lines.push(b'\n');
    }
    parts.insert(name::ENTRIES, ledger_lines);
    let proofs = proofs(&sources.ledger, &checkpoint);
    parts.insert(name::PROOFS, json(&proofs));
    parts.insert(
        name::CHECKPOINT,
        sources.ledger.checkpoint.clone().into_bytes(),
    );
    parts.insert(name::KEY, format!("{ledger_key}\n").into_bytes());

    let inspections = sources.inspections_json.iter();
    let content = Content {
        job: id,
        console: &sources.console,
        plan: &plan,
        events,
        view: &view,
        approvals: &approvals,
        inspections: inspections
            .filter_map(|json| serde_json::from_str::<Inspected>(json).ok())
            .collect(),
        entries: &entries,
        checkpoint: &checkpoint,
        left_out: sources.ledger.left_out,
        key: ledger_key.to_string(),
        files: parts
            .iter()
            .map(|(name, bytes)| ((*name).to_owned(), PartFacts::of(bytes)))
            .collect(),
    };
    let page = html::render(&document::of(&content));
    let readme = readme::render(&content);
    parts.insert(name::PAGE, page.into_bytes());
    parts.insert(name::README, readme.into_bytes());

    let manifest = Manifest {
        format: FORMAT.to_owned(),
        rendering: RENDERING,
        console: sources.console.clone(),
        job: id.clone(),
        plan: plan.id.clone(),
        plan_hash: approvals.plan_hash.clone(),
        state: view.state,
        interim,
        events: events.len() as u64,
        checkpoint: (&checkpoint).into(),
        parts: parts
            .iter()
            .map(|(name, bytes)| ((*name).to_owned(), PartFacts::of(bytes)))
            .collect(),
    };
    let manifest_json = json(&manifest);
    let seal = seal::sign(id, &sha256_hex(&manifest_json), key);
    parts.insert(name::SUMS, sums(&manifest, &manifest_json).into_bytes());
    parts.insert(name::SEAL, seal.into_bytes());

    let mut in_order = vec![(name::MANIFEST, manifest_json.as_slice())];
    in_order.extend(parts.iter().map(|(name, bytes)| (*name, bytes.as_slice())));
    let length = in_order.iter().map(|(_, bytes)| bytes.len()).sum();
    // What stands around the parts is less than a kilobyte for each.
    limit(
        "bytes",
        length,
        zip::MAX_ARCHIVE_BYTES - (zip::MAX_PARTS << 10),
    )?;
    Ok(zip::write(&in_order))
}

/// The parts that follow from others.
pub(super) fn derived(
    plan: &Plan,
    events: &[Event],
    view: &JobView,
    approvals: &Approvals,
) -> BTreeMap<&'static str, Vec<u8>> {
    BTreeMap::from([
        (name::APPROVALS, json(approvals)),
        (name::VERIFICATION, json(&Verification::of(view))),
        (name::TIMINGS, json(&Timings::of(plan, events))),
        (name::REPORT, json(&plan.report)),
    ])
}

/// The journal, an event per line.
pub(super) fn lines(events: &[Event]) -> Vec<u8> {
    let mut lines = Vec::new();
    for event in events {
        lines.extend_from_slice(&json(event));
        lines.push(b'\n');
    }
    lines
}

fn json(value: &impl Serialize) -> Vec<u8> {
    to_canonical_json(value).into_bytes()
}

fn parse_entries(ledger: &LedgerFacts) -> Result<Vec<Entry>, PackError> {
    let parse = |(index, bytes, _): &(u64, Vec<u8>, _)| {
        let index = *index;
        serde_json::from_slice(bytes).map_err(|error| PackError::Entry { index, error })
    };
    ledger.entries.iter().map(parse).collect()
}

fn proofs(ledger: &LedgerFacts, checkpoint: &Checkpoint) -> Proofs {
    Proofs {
        size: checkpoint.size,
        root: checkpoint.root.to_base64(),
        left_out: ledger.left_out,
        proofs: ledger
            .entries
            .iter()
            .map(|(index, _, path)| Proof {
                index: *index,
                path: path.iter().map(|hash| hash.to_base64()).collect(),
            })
            .collect(),
    }
}

fn limit(what: &'static str, found: usize, most: usize) -> Result<(), PackError> {
    if found <= most {
        return Ok(());
    }
    Err(PackError::TooLarge { what, found, most })
}
