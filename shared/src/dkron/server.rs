//! One server, from all of its files: where its log ends, whom it knows, and which jobs it would have as a leader.
//!
//! The newest snapshot that can be used is taken, as a server does when it starts; what is damaged is a finding, and
//! what depends on it is unknown.

use std::collections::BTreeMap;

use serde::Serialize;
use thiserror::Error;

use super::jobs::Jobs;
use super::replay::{self, Replay};
use super::snapshots::{self, Snapshot, SnapshotFiles};
use super::terms::Terms;
use crate::bbolt::{Database, Error as BboltError};
use crate::canonical::sha256_hex;
use crate::finding::{Finding, Report, Severity};
use crate::number::grouped;
use crate::raft::store::{self, RaftDb};
use crate::raft::{self, peers};
use crate::source::Source;

/// What a server left on disk.
pub struct Files<'s> {
    /// Where it lies, as the operator named it.
    pub path: String,
    /// Whether a running server holds `raft.db`.
    pub running: bool,
    /// `raft.db`.
    pub db: &'s dyn Source,
    /// The folders in `snapshots`.
    pub snapshots: Vec<SnapshotFiles<'s>>,
    /// The `peers.json` beside `raft.db`, or why it cannot be read.
    pub peers_json: Option<Result<Vec<u8>, String>>,
}

impl std::fmt::Debug for Files<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut fields = f.debug_struct("Files");
        fields.field("path", &self.path).finish_non_exhaustive()
    }
}

/// A place in the history of a cluster. The order is that in which servers are elected: the term counts first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// The term.
    pub term: u64,
    /// The index.
    pub index: u64,
}

/// A server. What cannot be read is absent, never 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Server {
    /// Where its files lie. Its own ID is not in them.
    pub path: String,
    /// Whether it runs: then it was like this for a moment.
    pub running: bool,
    /// The newest term that it knows.
    pub current_term: Option<u64>,
    /// Its last vote; absent when it never voted.
    pub last_vote: Option<Vote>,
    /// Index of the first entry of its log; absent when the log is empty.
    pub first_log: Option<u64>,
    /// Index of the last entry of its log.
    pub last_log: Option<u64>,
    /// The last entry that it knows, of its log or in its newest snapshot.
    pub last: Option<Position>,
    /// Its snapshots, the newest first.
    pub snapshots: Vec<Snapshot>,
    /// Name of the snapshot that a start takes.
    pub snapshot: Option<String>,
    /// The servers of the cluster, as it knows them last.
    pub configuration: Option<Vec<raft::Server>>,
    /// Index of the entry that they are from.
    pub configuration_index: Option<u64>,
    /// How many entries of each type its log has.
    pub entries: BTreeMap<String, u64>,
    /// How many commands of each kind there are among them.
    pub commands: BTreeMap<&'static str, u64>,
    /// Its jobs, after all entries of the log.
    pub jobs: Option<Jobs>,
    /// Whether these are all of them, and none is there that was deleted.
    pub jobs_complete: bool,
    /// Whether jobs are stored in protobuf, as Dkron before 3.1.0 does.
    pub protobuf: bool,
    /// The `peers.json` that lies there already.
    pub peers_json: Option<PeersJson>,
    /// The terms of its entries.
    #[serde(skip)]
    pub terms: Terms,
    /// What is wrong, and what is worth knowing.
    pub findings: Report,
}

/// A vote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Vote {
    /// The term.
    pub term: u64,
    /// Address of the candidate; absent when it cannot be read.
    pub candidate: Option<String>,
}

/// A `peers.json` that lies beside `raft.db`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PeersJson {
    /// Its SHA-256; absent when it cannot be read.
    pub sha256: Option<String>,
    /// What a server says when it refuses it.
    pub refused: Option<String>,
}

/// Why a file is no `raft.db`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ServerError {
    /// It is no bbolt database.
    #[error(
        "it is not a BoltDB database ({0}): it is damaged, or of a store that is not read here, such as Dkron Pro's FastLog"
    )]
    Database(BboltError),
    /// It has not the buckets.
    #[error(
        "it is a BoltDB database without the buckets logs and conf: of another program, or damaged"
    )]
    Buckets,
}

/// Whether a file is a `raft.db`, by its content.
///
/// # Errors
/// Why it is none.
pub fn check_raft_db(source: &dyn Source) -> Result<Database<'_>, ServerError> {
    let database = Database::open(source).map_err(ServerError::Database)?;
    match store::is_raft_db(&database) {
        true => Ok(database),
        false => Err(ServerError::Buckets),
    }
}

/// Reads a server.
///
/// # Errors
/// When its `raft.db` is none.
pub fn read(files: Files<'_>) -> Result<Server, ServerError> {
    let database = check_raft_db(files.db)?;
    let mut findings = Report::default();
    if files.running {
        findings.push(running());
    }
    meta_pages(&database, &mut findings);
    cut_short(&database, &mut findings);
    let (facts, log) = store::read(&database);
    let logged = findings.findings.len();
    findings.findings.extend(log.findings);
    let logged = logged..findings.findings.len();
    let (snapshots, taken) = snapshots::read(files.snapshots, &mut findings);
    let chosen = taken.as_ref().and_then(|taken| snapshots.get(taken.place));
    let start = chosen.map_or(0, |snapshot| snapshot.index);
    let covered = facts.after_gap.is_some_and(|first| first <= start + 1);
    if covered {
        cover_gaps(&mut findings.findings[logged], start);
    }
    let protobuf = taken.as_ref().is_some_and(|taken| taken.protobuf);
    let mut jobs = match taken {
        Some(taken) => Some(taken.jobs),
        None if snapshots.is_empty() => Some(Jobs::default()),
        None => {
            findings.push(no_usable_snapshot());
            None
        }
    };
    let replay = replay::read(&database, start, jobs.as_mut());
    let mut complete = facts.complete && log_follows(&facts, start, &mut findings);
    complete &= facts.after_gap.is_none() || covered;
    complete &= undecodable(&replay, &mut findings);
    if let Some(jobs) = &jobs {
        complete &= all_held(jobs, &mut findings);
    }
    let in_log = facts.last_term.zip(facts.last_index);
    let in_log = in_log.map(|(term, index)| Position { term, index });
    let in_snapshot = chosen.map(|s| Position {
        term: s.term,
        index: s.index,
    });
    let (configuration, configuration_index) = configuration(&facts, chosen);
    if facts.entries == 0 && snapshots.is_empty() && facts.current_term.unwrap_or_default() == 0 {
        findings.push(no_state());
    }
    let mut terms = replay.terms;
    if let Some(last) = in_snapshot {
        terms.add_snapshot(last.index, last.term);
    }
    let peers_json = files.peers_json.map(|read| beside(read, &mut findings));
    Ok(Server {
        path: files.path,
        running: files.running,
        current_term: facts.current_term,
        last_vote: facts.last_vote_term.map(|term| Vote {
            term,
            candidate: facts.last_vote_candidate.clone(),
        }),
        first_log: facts.first_index,
        last_log: facts.last_index,
        last: in_log.max(in_snapshot),
        snapshot: chosen.map(|snapshot| snapshot.id.clone()),
        configuration,
        configuration_index,
        entries: facts.entries_by_type,
        commands: replay.commands,
        jobs_complete: complete && jobs.is_some(),
        jobs,
        protobuf,
        peers_json,
        terms,
        snapshots,
        findings,
    })
}

/// The servers as raft takes them at a start: those of the snapshot, unless an entry behind it changes them.
fn configuration(
    facts: &RaftDb,
    snapshot: Option<&Snapshot>,
) -> (Option<Vec<raft::Server>>, Option<u64>) {
    let start = snapshot.map_or(0, |snapshot| snapshot.index);
    match (&facts.configuration, snapshot) {
        (Some(logged), _) if logged.index > start => {
            let servers = logged.configuration.servers.clone();
            (Some(servers), Some(logged.index))
        }
        (_, Some(snapshot)) => match &snapshot.configuration {
            Some(servers) => (Some(servers.clone()), Some(snapshot.configuration_index)),
            None => (None, None),
        },
        _ => (None, None),
    }
}

/// Whether every command could be decoded.
fn undecodable(replay: &Replay, findings: &mut Report) -> bool {
    for (index, why) in &replay.undecodable {
        let what = format!("Its command cannot be decoded: {why}.");
        findings.push(
            Finding::blocking("dkron.command", format!("entry {index}"), what)
                .because("What it did to the jobs is unknown.")
                .todo("Use another server's data."),
        );
    }
    let listed = replay.undecodable.len() as u64;
    if let more @ 1.. = replay.undecodable_count.saturating_sub(listed) {
        let what = format!("{more} more commands that cannot be decoded are not listed.");
        findings.push(Finding::blocking("dkron.command", "bucket logs", what));
    }
    if let Some(count) = replay.commands.get("unknown") {
        let what = format!("{count} commands are of a kind that Dkron does not have.");
        findings.push(
            Finding::warning("dkron.foreign", "bucket logs", what)
                .because("They are Dkron Pro's: a recovery by peers.json skips them.")
                .todo("Ask its vendor before you recover this cluster."),
        );
    }
    if replay.commands.contains_key("DeleteExecutions") {
        let what = "Runs of jobs were deleted.";
        findings.push(
            Finding::note("dkron.counters", "bucket logs", what).because(
                "Dkron 4.1 and later set the counters of these jobs to 0, older ones do not.",
            ),
        );
    }
    replay.undecodable_count == 0
}

/// Whether the log begins where the snapshot ends, or before.
fn log_follows(facts: &RaftDb, start: u64, findings: &mut Report) -> bool {
    let Some(first) = facts
        .first_index
        .filter(|first| *first > start.saturating_add(1))
    else {
        return true;
    };
    let before = match start {
        0 => "no snapshot holds what came before".to_owned(),
        start => format!("the newest snapshot that can be used ends at entry {start}"),
    };
    findings.push(
        Finding::blocking(
            "dkron.gap",
            "bucket logs",
            format!("The log begins at entry {first}, and {before}."),
        )
        .because(
            "The server stops at the gap when it starts, and so does a recovery by peers.json.",
        )
        .todo("Use another server's data."),
    );
    false
}

fn all_held(jobs: &Jobs, findings: &mut Report) -> bool {
    if jobs.left_out() == 0 {
        return true;
    }
    let what = format!(
        "{} changes were left out: more jobs than are held.",
        jobs.left_out()
    );
    findings.push(Finding::blocking("dkron.jobs", "the jobs", what));
    false
}

/// Says of gaps that a snapshot covers them: a follower that was far behind took it, and kept what it had before.
fn cover_gaps(findings: &mut [Finding], snapshot: u64) {
    for finding in findings
        .iter_mut()
        .filter(|finding| finding.code == "raft.gap")
    {
        finding.severity = Severity::Note;
        finding.why = format!(
            "The snapshot of entry {} covers them: the server reads what follows it.",
            grouped(snapshot)
        );
        finding.todo.clear();
    }
}

fn meta_pages(database: &Database<'_>, findings: &mut Report) {
    let metas = database.metas();
    let Some(current) = metas.current_slot().filter(|_| metas.other().is_none()) else {
        return;
    };
    let spare = 1 - current as u64;
    let what = format!("Meta page {spare} of raft.db cannot be used.");
    let mut finding = Finding::warning("dkron.meta", "raft.db", what);
    if database.may_be_newer(spare) {
        finding =
            finding.because("It may have been the newer one: then the last commit is missing.");
    }
    findings.push(finding.todo("Prefer another server's data where it is as recent."));
}

/// Pages that a commit freed may be all that is missing: then everything can be read, and a server still crashes.
fn cut_short(database: &Database<'_>, findings: &mut Report) {
    let (present, all) = (database.image_size(), database.meta().logical_size());
    if present >= all {
        return;
    }
    let what = format!("It is cut short: {present} bytes of {all} are there.");
    findings.push(
        Finding::blocking("dkron.cut", "raft.db", what)
            .because("A server crashes when it needs a page that is missing.")
            .todo("Copy it again from the server, or use another server's data."),
    );
}

fn running() -> Finding {
    let what = "A running server holds this raft.db: what follows is of a moment, and it may have changed since.";
    Finding::warning("dkron.running", "raft.db", what)
        .because("Pages that are replaced while they are read look damaged.")
        .todo("Stop the server to read its files for a recovery.")
}

fn no_usable_snapshot() -> Finding {
    let what = "None of the snapshots can be used.";
    Finding::blocking("dkron.no-snapshot", "snapshots", what)
        .because("A server with snapshots that starts without one says “failed to restore any of the available snapshots” and ends.")
        .todo("Use another server's data.")
}

fn no_state() -> Finding {
    let what = "It holds no term, no entry and no snapshot.";
    Finding::blocking("dkron.no-state", "raft.db", what)
        .because("A server without state refuses peers.json: “refused to recover cluster with no initial state”.")
        .todo("Start it without a peers.json; it joins and is filled by the others.")
}

fn beside(read: Result<Vec<u8>, String>, findings: &mut Report) -> PeersJson {
    let (sha256, parsed) = match &read {
        Ok(bytes) => (Some(sha256_hex(bytes)), peers::parse(bytes)),
        Err(why) => (None, Err(why.clone())),
    };
    let finding = match &parsed {
        Ok(peers) => {
            findings.findings.extend(peers::check(peers).findings);
            let ids: Vec<&str> = peers.configuration.servers.iter().map(|s| &*s.id).collect();
            let what = format!("It is there already, for {}.", ids.join(", "));
            Finding::warning("dkron.peers-json", "peers.json", what)
                .because("The server takes it at its next start, deletes its log, and forgets every other server.")
                .todo("Remove it unless it is the one that you want.")
        }
        Err(said) => {
            let what = format!("It is there already, and a server refuses it: {said}.");
            Finding::warning("dkron.peers-json", "peers.json", what)
                .because("The server does not start while it is there.")
                .todo("Remove it.")
        }
    };
    findings.push(finding);
    PeersJson {
        sha256,
        refused: parsed.err(),
    }
}
