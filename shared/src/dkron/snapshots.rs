//! A server's snapshots: which there are, which of them a start takes, and the jobs in it.
//!
//! ```text
//! snapshots/<term>-<index>-<ms>/      meta.json, state.bin
//! snapshots/….tmp/                    not finished, ignored
//! ```
//! A start tries them from the newest to the oldest, and takes the first whose `state.bin` is what was written.

use serde::Serialize;

use super::jobs::Jobs;
use super::state::{self, State};
use crate::finding::{Finding, Report};
use crate::raft;
use crate::raft::snapshot::Meta;
use crate::source::Source;

/// Snapshots of one server that are read at most, the newest of them. A server keeps three.
pub const MAX_SNAPSHOTS: usize = 64;

/// A folder in `snapshots`.
pub struct SnapshotFiles<'s> {
    /// Its name.
    pub folder: String,
    /// `meta.json`, or why it cannot be read.
    pub meta: Result<Vec<u8>, String>,
    /// `state.bin`, or why it cannot be read.
    pub state: Result<Box<dyn Source + 's>, String>,
}

impl std::fmt::Debug for SnapshotFiles<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut fields = f.debug_struct("SnapshotFiles");
        fields.field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Its name.
    pub id: String,
    /// Term of its last entry.
    pub term: u64,
    /// Index of its last entry.
    pub index: u64,
    /// Whether `state.bin` is what was written; absent when it cannot be read.
    pub crc_ok: Option<bool>,
    /// Bytes of `state.bin`.
    pub size: u64,
    /// The servers; absent in snapshots of version 0.
    pub configuration: Option<Vec<raft::Server>>,
    /// Index of the entry that they are from; 1 after a recovery by `peers.json`.
    pub configuration_index: u64,
}

/// What the snapshot that a start takes holds.
#[derive(Debug)]
pub struct Taken {
    /// Its place among all.
    pub place: usize,
    /// Its jobs.
    pub jobs: Jobs,
    /// Whether some are stored in protobuf.
    pub protobuf: bool,
}

/// Reads the snapshots, the newest first, and the one that a start takes.
pub fn read(
    files: Vec<SnapshotFiles<'_>>,
    findings: &mut Report,
) -> (Vec<Snapshot>, Option<Taken>) {
    let mut found: Vec<_> = files
        .into_iter()
        .filter_map(|files| Some((meta(&files.folder, files.meta, findings)?, files.state)))
        .collect();
    found.sort_by(|(a, _), (b, _)| b.order().cmp(&a.order()));
    if let more @ 1.. = found.len().saturating_sub(MAX_SNAPSHOTS) {
        let what = format!("{more} of the oldest were not read.");
        findings.push(Finding::note("dkron.snapshots", "snapshots", what));
    }
    found.truncate(MAX_SNAPSHOTS);
    let (mut snapshots, mut taken) = (Vec::new(), None);
    for (place, (meta, source)) in found.into_iter().enumerate() {
        let checked = source.and_then(|source| match &taken {
            None => load(&meta, &*source, findings),
            Some(_) => check(&meta, &*source, findings).map(|ok| (ok, None)),
        });
        let crc_ok = match checked {
            Ok((ok, state)) => {
                if let Some((jobs, protobuf)) = state {
                    taken = Some(Taken {
                        place,
                        jobs,
                        protobuf,
                    });
                }
                Some(ok)
            }
            Err(why) => {
                findings.push(unusable(&meta, &format!("it cannot be read: {why}")));
                None
            }
        };
        snapshots.push(Snapshot {
            id: meta.id,
            term: meta.term,
            index: meta.index,
            crc_ok,
            size: meta.size,
            configuration: meta
                .configuration
                .map(|configuration| configuration.servers),
            configuration_index: meta.configuration_index,
        });
    }
    (snapshots, taken)
}

/// What a folder is of, unless a server skips it.
fn meta(folder: &str, bytes: Result<Vec<u8>, String>, findings: &mut Report) -> Option<Meta> {
    let subject = format!("snapshot {folder}");
    if folder.ends_with(".tmp") {
        let what = "It was not finished, and a server ignores it.";
        findings.push(Finding::note("dkron.snapshot-unfinished", subject, what));
        return None;
    }
    match bytes.and_then(|bytes| Meta::parse(&bytes).map_err(|error| error.to_string())) {
        Ok(meta) => {
            if meta.id != folder {
                let what = format!("Its meta.json is of another snapshot, {}.", meta.id);
                findings.push(
                    Finding::warning("dkron.snapshot-name", subject, what)
                        .because("A server opens a snapshot by the name in meta.json.")
                        .todo("Use a copy of the folder as the server had it."),
                );
            }
            Some(meta)
        }
        Err(why) => {
            let what = format!("Its meta.json cannot be used: {why}.");
            findings.push(
                Finding::warning("dkron.snapshot-meta", subject, what)
                    .because("A server skips it and takes an older one."),
            );
            None
        }
    }
}

/// The jobs of a snapshot, and whether some are in protobuf.
type Loaded = (Jobs, bool);

/// Whether the checksum agrees, and the state where a server would take it.
fn load(
    meta: &Meta,
    source: &dyn Source,
    findings: &mut Report,
) -> Result<(bool, Option<Loaded>), String> {
    let state = state::read(source).map_err(|error| error.to_string())?;
    if !agrees(meta, source.size(), state.crc, findings) {
        return Ok((false, None));
    }
    undecodable(meta, &state, findings);
    let jobs = state.jobs;
    let jobs = jobs.map_err(|why| findings.push(unusable(meta, &why.to_string())));
    Ok((true, jobs.ok().map(|jobs| (jobs, state.protobuf))))
}

/// Whether the checksum agrees.
fn check(meta: &Meta, source: &dyn Source, findings: &mut Report) -> Result<bool, String> {
    let crc = state::checksum(source).map_err(|error| error.to_string())?;
    Ok(agrees(meta, source.size(), crc, findings))
}

fn agrees(meta: &Meta, size: u64, crc: u64, findings: &mut Report) -> bool {
    let why = if size != meta.size {
        format!("it has {size} bytes, and {} were written", meta.size)
    } else if crc != meta.crc {
        "its checksum differs".to_owned()
    } else {
        return true;
    };
    findings.push(unusable(meta, &why));
    false
}

fn unusable(meta: &Meta, why: &str) -> Finding {
    let subject = format!("snapshot {}", meta.id);
    let what = format!("Its state.bin cannot be used: {why}.");
    Finding::warning("dkron.snapshot-state", subject, what)
        .because("A server skips it and takes an older one, if the log reaches back so far.")
        .todo("Keep a copy of the folder, and use another server where you can.")
}

fn undecodable(meta: &Meta, state: &State, findings: &mut Report) {
    let subject = format!("snapshot {}", meta.id);
    for (name, why) in &state.undecodable {
        let what = format!("The value of job {name} cannot be decoded: {why}.");
        findings.push(
            Finding::blocking("dkron.job", &subject, what)
                .because("A server ends its list of jobs there, or stops.")
                .todo("Use another server's data."),
        );
    }
    let listed = state.undecodable.len() as u64;
    if let more @ 1.. = state.undecodable_count.saturating_sub(listed) {
        let what = format!("{more} more jobs that cannot be decoded are not listed.");
        findings.push(Finding::blocking("dkron.job", &subject, what));
    }
    if state.expiring > 0 {
        let what = match state.expiring {
            1 => "1 job has a time at which it expires.".to_owned(),
            n => format!("{n} jobs have a time at which they expire."),
        };
        findings.push(
            Finding::note("dkron.expiring", subject, what)
                .because("Dkron writes none; whether they have expired depends on the clock."),
        );
    }
}
