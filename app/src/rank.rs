//! Several files side by side: which one to restore from, and why.

use std::cmp::Ordering;

use requorum_shared::etcd::inspection::{FileKind, Inspection};
use requorum_shared::finding::Outcome;

use crate::format::signed;

/// How far a file can be trusted; better ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// Not a file of etcd at all.
    None,
    /// Something in it is broken.
    Broken,
    /// Nothing is broken, but not everything could be proven.
    Unproven,
    /// Bytes, structure and meaning all hold.
    Whole,
}

/// How far `inspection` can be trusted.
pub fn trust(inspection: &Inspection) -> Trust {
    let verdict = &inspection.verdict;
    let outcomes = [
        verdict.bytes.outcome,
        verdict.structure.outcome,
        verdict.meaning.outcome,
    ];
    if !matches!(
        inspection.file.kind,
        FileKind::Snapshot | FileKind::DatabaseCopy
    ) {
        Trust::None
    } else if outcomes.contains(&Outcome::Fail) || inspection.report.blocks() {
        Trust::Broken
    } else if outcomes.contains(&Outcome::NotChecked) {
        Trust::Unproven
    } else {
        Trust::Whole
    }
}

/// The revision that a restore from this file would begin with.
pub fn revision(inspection: &Inspection) -> i64 {
    let status = inspection.status.as_ref().map_or(0, |s| s.revision);
    inspection
        .contents
        .as_ref()
        .map_or(status, |c| c.current_revision.max(status))
}

/// A file's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Index into the list that was ranked.
    pub index: usize,
    /// Why it stands there, one sentence.
    pub why: String,
}

/// The files from best to worst: trust first, then the newest revision, then the consistent index. What is equal
/// keeps its order.
pub fn rank(files: &[&Inspection]) -> Vec<Placed> {
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by(|a, b| compare(files[*b], files[*a]));
    let best = order.first().map(|i| files[*i]);
    order
        .iter()
        .enumerate()
        .map(|(place, index)| Placed {
            index: *index,
            why: why(place, files[*index], best),
        })
        .collect()
}

fn consistent_index(inspection: &Inspection) -> u64 {
    inspection
        .contents
        .as_ref()
        .and_then(|c| c.consistent_index)
        .unwrap_or(0)
}

fn compare(a: &Inspection, b: &Inspection) -> Ordering {
    trust(a)
        .cmp(&trust(b))
        .then(revision(a).cmp(&revision(b)))
        .then(consistent_index(a).cmp(&consistent_index(b)))
}

fn why(place: usize, file: &Inspection, best: Option<&Inspection>) -> String {
    let at = format!("revision {}", signed(revision(file)));
    let state = match trust(file) {
        Trust::None => return "Not a snapshot of etcd.".into(),
        Trust::Broken => {
            return format!("Damaged, {at}: use it only if every other file is worse.");
        }
        Trust::Unproven => "nothing broken, but not everything could be proven",
        Trust::Whole => "whole",
    };
    let Some(best) = best.filter(|_| place > 0) else {
        return format!("Best: {state}, {at}.");
    };
    let behind = revision(best) - revision(file);
    if file.file.sha256 == best.file.sha256 {
        "The same bytes as the best.".into()
    } else if behind > 0 {
        format!(
            "{}, {at}: {} revision{} behind the best.",
            crate::format::capital(state),
            signed(behind),
            if behind == 1 { "" } else { "s" }
        )
    } else if behind < 0 {
        format!("Newer ({at}), but {state}.")
    } else if trust(file) < trust(best) {
        format!("The same revision as the best, but {state}.")
    } else if consistent_index(file) < consistent_index(best) {
        "The same revision as the best, fewer raft entries applied.".into()
    } else {
        "As good as the best.".into()
    }
}

#[cfg(test)]
mod tests;
