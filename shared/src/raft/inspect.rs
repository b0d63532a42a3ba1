//! The inspections of a `raft.db`, of a snapshot's `meta.json`, and of a `peers.json`.

use super::configuration::Configuration;
use super::peers::{self, Peers};
use super::snapshot::{Meta, MetaError};
use super::store::RaftDb;
use super::visit::{self, Log};
use crate::bbolt::scan::Walk;
use crate::document::{Block, Section, id, number, section, table, text};
use crate::escape;
use crate::finding::{Finding, Outcome, Report};
use crate::inspection::{FileFacts, Inspection, Judgement, Kind, Labelled, PageMap, PartName};
use crate::number::grouped;
use crate::source::Source;
use crate::value::Value;

/// A server's log and vote.
pub const RAFT_DB: Kind = Kind::new("raft-db");
/// The same for people.
pub const RAFT_DB_LABEL: &str = "the Raft log of a server (Dkron, Consul, Nomad)";
/// How it is known, where it is not read.
pub const RAFT_DB_IS: &str =
    "It is a bbolt database of HashiCorp's Raft library with the buckets `conf` and `logs`.";
/// What to do with a file of a server, whichever of the three it is.
pub const RECOVER: &str = "Recover that system with its own snapshots or peers.json.";
/// What a snapshot is of.
pub const RAFT_SNAPSHOT: Kind = Kind::new("raft-snapshot");
/// The same for people.
pub const RAFT_SNAPSHOT_LABEL: &str = "a snapshot of a Raft server (Dkron, Consul, Nomad)";
/// The servers that a cluster is to consist of.
pub const PEERS_JSON: Kind = Kind::new("peers-json");
/// The same for people.
pub const PEERS_JSON_LABEL: &str =
    "a peers.json, which recovers a Raft server (Dkron, Consul, Nomad)";

/// Servers that a table shows.
const SHOWN: usize = 1000;

/// The inspection of a `raft.db` whose tree was walked. `source` is the same file, for the server's vote.
pub fn db(file: FileFacts, mut walk: Walk<Log>, source: &dyn Source) -> Inspection<RaftDb> {
    let (facts, log) = visit::read(std::mem::take(&mut walk.taken), source);
    let structure = walk.structure();
    let bytes = Judgement::clean(
        Outcome::NotChecked,
        "a raft.db has no checksum of its content",
    );
    let structure = Judgement::new(structure.outcome, structure.evidence, structure.report);
    let broken = structure.outcome == Outcome::Fail;
    let content = content(&facts, log);
    let range = match (facts.first_index, facts.last_index) {
        (Some(first), Some(last)) => {
            format!("entries {} to {}", grouped(first), grouped(last))
        }
        _ => "no entries".to_owned(),
    };
    let term = facts
        .last_term
        .map_or(String::new(), |term| format!(", the last of term {term}"));
    let sentence = if broken || content.outcome == Outcome::Fail {
        let why = if broken {
            &structure.evidence
        } else {
            &content.evidence
        };
        format!("Do not start a server with this raft.db: {why}.")
    } else {
        format!("This is a server's Raft log with an intact structure: {range}{term}.")
    };
    let parts = [
        (PartName::Checksum, bytes),
        (PartName::Structure, structure),
        (PartName::Content, content),
    ];
    let headline = db_headline(&facts, file.size);
    let sections = db_sections(&facts);
    let label = RAFT_DB_LABEL;
    let mut inspection = Inspection::judged(RAFT_DB, label, file, sentence, parts, facts);
    inspection.headline = headline;
    inspection.sections = sections;
    inspection.page_map = PageMap {
        page_size: walk.meta.map_or(0, |meta| meta.page_size),
        runs: walk.pages,
        stretch: walk.stretch,
        leaf_bytes: walk.leaf_bytes,
    }
    .or_none();
    inspection
}

fn content(facts: &RaftDb, report: Report) -> Judgement {
    let entries = grouped(facts.entries);
    if !report.blocks() {
        let evidence = match facts.entries {
            0 => "the log is empty: what the server knew is in its newest snapshot".to_owned(),
            _ => format!("{entries} entries without a gap, each readable"),
        };
        return Judgement::new(Outcome::Pass, evidence, report);
    }
    let has = |code: &str| report.find(code).is_some();
    let why = if has("raft.bucket") || has("raft.page") {
        "a part of the log cannot be read"
    } else if has("raft.entry") {
        "entries of the log cannot be decoded"
    } else if has("raft.gap") {
        "entries are missing in the log"
    } else if has("raft.vote") {
        "the server's vote cannot be read"
    } else {
        "the log contradicts itself"
    };
    Judgement::new(
        Outcome::Fail,
        format!("{why}; {entries} entries could be read"),
        report,
    )
}

fn db_headline(facts: &RaftDb, size: u64) -> Vec<Labelled> {
    let mut headline = Vec::new();
    let known = [
        ("last_index", "Last index", facts.last_index),
        ("last_term", "Last term", facts.last_term),
        ("first_index", "First index", facts.first_index),
        ("current_term", "Current term", facts.current_term),
    ];
    for (key, label, value) in known {
        if let Some(value) = value {
            headline.push(Labelled::new(key, label, Value::Index(value)));
        }
    }
    if let Some(logged) = &facts.configuration {
        let servers = logged.configuration.servers.len() as u64;
        headline.push(Labelled::count("servers", "Server", "Servers", servers));
    }
    headline.push(Labelled::new("size", "Size", Value::Bytes(size)));
    headline
}

fn db_sections(facts: &RaftDb) -> Vec<Section> {
    let known = |n: Option<u64>| n.map_or_else(|| text("none"), number);
    let mut log = vec![
        ("Entries".to_owned(), number(facts.entries)),
        ("First index".to_owned(), known(facts.first_index)),
        ("Last index".to_owned(), known(facts.last_index)),
        ("Last term".to_owned(), known(facts.last_term)),
    ];
    for (word, count) in &facts.entries_by_type {
        log.push((format!("Entries of type {word}"), number(count)));
    }
    let candidate = facts.last_vote_candidate.as_ref();
    let vote = vec![
        ("Current term".to_owned(), known(facts.current_term)),
        ("Voted last in term".to_owned(), known(facts.last_vote_term)),
        (
            "Voted for".to_owned(),
            candidate.map_or_else(|| text("none"), text),
        ),
    ];
    let mut sections = vec![
        section("Log", vec![Block::Facts(log)]),
        section("Term and vote", vec![Block::Facts(vote)]),
    ];
    match &facts.configuration {
        Some(logged) => sections.push(servers(
            &logged.configuration,
            format!("As entry {} of the log has them.", logged.index),
        )),
        None => sections.push(section(
            "Servers",
            vec![Block::Text(
                "The log holds no configuration: the newest snapshot of this server does."
                    .to_owned(),
            )],
        )),
    }
    sections
}

fn servers(configuration: &Configuration, source: String) -> Section {
    let rows = configuration.servers.iter().take(SHOWN).map(|server| {
        let suffrage = text(server.suffrage.word());
        vec![text(&server.id), text(&server.address), suffrage]
    });
    let columns = ["ID", "Address", "Suffrage"];
    section(
        "Servers",
        vec![Block::Text(source), table(&columns, rows.collect())],
    )
}

/// The state that a `meta.json` is of, when it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// Bytes of `state.bin`.
    pub size: u64,
    /// Its checksum.
    pub crc: u64,
}

/// The inspection of a snapshot by its `meta.json`; `state` is of the `state.bin` beside it.
pub fn snapshot(
    file: FileFacts,
    meta: &Result<Meta, MetaError>,
    state: Option<State>,
) -> Inspection<Option<Meta>> {
    let label = RAFT_SNAPSHOT_LABEL;
    let meta = match meta {
        Ok(meta) => meta,
        Err(error) => {
            let finding = Finding::blocking(
                "raft-snapshot.meta",
                "meta.json",
                sentence_of(&error.to_string()),
            )
            .because("A server skips a snapshot without a readable meta.json.")
            .todo("Use another snapshot of this server, or another server's.");
            let report = Report {
                findings: vec![finding],
            };
            let structure = Judgement::new(Outcome::Fail, error.to_string(), report);
            let sentence = format!("This snapshot cannot be used: {error}.");
            let parts = [(PartName::Structure, structure)];
            return Inspection::judged(RAFT_SNAPSHOT, label, file, sentence, parts, None);
        }
    };
    let bytes = state_judgement(meta, state);
    let at = format!("index {} of term {}", grouped(meta.index), meta.term);
    let sentence = match bytes.outcome {
        Outcome::Pass => format!("Snapshot OK: the state at {at}."),
        Outcome::Fail => format!("This snapshot cannot be used: {}.", bytes.evidence),
        Outcome::NotChecked => {
            format!("This describes a snapshot at {at}; the state beside it was not checked.")
        }
    };
    let structure = Judgement::clean(Outcome::Pass, "meta.json has every field");
    let parts = [
        (PartName::Checksum, bytes),
        (PartName::Structure, structure),
    ];
    let details = Some(meta.clone());
    let mut inspection = Inspection::judged(RAFT_SNAPSHOT, label, file, sentence, parts, details);
    if state.is_none() {
        inspection.verdict.advice =
            "Inspect it together with its state.bin: on the command line the two lie in one \
                                     folder, in the browser open both at once."
                .to_owned();
    }
    inspection.headline = vec![
        Labelled::new("index", "Index", Value::Index(meta.index)),
        Labelled::new("term", "Term", Value::Index(meta.term)),
        Labelled::new("state_size", "State", Value::Bytes(meta.size)),
    ];
    let facts = vec![
        ("Name".to_owned(), text(&meta.id)),
        ("Index".to_owned(), number(meta.index)),
        ("Term".to_owned(), number(meta.term)),
        ("Bytes of state.bin".to_owned(), number(meta.size)),
        (
            "CRC-64 of state.bin".to_owned(),
            id(format!("{:016x}", meta.crc)),
        ),
    ];
    inspection.sections = vec![section("Snapshot", vec![Block::Facts(facts)])];
    if let Some(configuration) = &meta.configuration {
        let source = match meta.configuration_index {
            1 => "As entry 1 of the log, or a recovery by peers.json, set them.".to_owned(),
            index => format!("As entry {index} of the log set them."),
        };
        inspection.sections.push(servers(configuration, source));
    }
    inspection
}

fn state_judgement(meta: &Meta, state: Option<State>) -> Judgement {
    let Some(state) = state else {
        return Judgement::clean(Outcome::NotChecked, "state.bin was not checked");
    };
    let evidence = if state.size != meta.size {
        format!(
            "state.bin has {} bytes, and {} were written",
            grouped(state.size),
            grouped(meta.size)
        )
    } else if state.crc != meta.crc {
        "the CRC-64 of state.bin differs".to_owned()
    } else {
        return Judgement::clean(Outcome::Pass, "the CRC-64 of state.bin agrees");
    };
    let finding = Finding::blocking("raft-snapshot.state", "state.bin", sentence_of(&evidence))
        .because("A server skips it and takes an older snapshot.")
        .todo("Use another snapshot of this server, or another server's.");
    let report = Report {
        findings: vec![finding],
    };
    Judgement::new(Outcome::Fail, evidence, report)
}

/// The inspection of a `peers.json`.
pub fn peers_json(file: FileFacts, bytes: &[u8]) -> Inspection<Option<Peers>> {
    let label = PEERS_JSON_LABEL;
    let parsed = peers::parse(bytes);
    let peers = match parsed {
        Ok(peers) => peers,
        Err(said) => {
            let said = escape::value(&said).into_owned();
            let finding = Finding::blocking(
                "peers.refused",
                "the file",
                format!("A server says: {said}."),
            )
            .because("It does not start while the file is there, and the file stays.")
            .todo("Correct the file, or remove it.");
            let report = Report {
                findings: vec![finding],
            };
            let structure = Judgement::new(Outcome::Fail, said, report);
            let sentence = "No server starts with this peers.json.".to_owned();
            let parts = [(PartName::Structure, structure)];
            return Inspection::judged(PEERS_JSON, label, file, sentence, parts, None);
        }
    };
    let report = peers::check(&peers);
    let (servers_listed, voters) = (
        peers.configuration.servers.len(),
        peers.configuration.voters(),
    );
    let evidence = match report.findings.len() {
        0 => "nothing unusual".to_owned(),
        1 => "1 thing to look at".to_owned(),
        n => format!("{n} things to look at"),
    };
    let listed = match servers_listed {
        1 => "1 server".to_owned(),
        n => format!("{n} servers"),
    };
    let sentence = format!(
        "A server takes this peers.json: {listed}, {voters} of them with a vote. Only the servers' own data shows whether the IDs are right."
    );
    let parts = [
        (
            PartName::Structure,
            Judgement::clean(Outcome::Pass, "a server takes it"),
        ),
        (
            PartName::Content,
            Judgement::new(Outcome::Pass, evidence, report),
        ),
    ];
    let table = servers(&peers.configuration, "As the file lists them.".to_owned());
    let mut inspection = Inspection::judged(PEERS_JSON, label, file, sentence, parts, Some(peers));
    inspection.headline = vec![
        Labelled::count("servers", "Server", "Servers", servers_listed as u64),
        Labelled::count("voters", "Voter", "Voters", voters as u64),
    ];
    inspection.sections = vec![table];
    inspection
}

/// A clause as a sentence.
fn sentence_of(clause: &str) -> String {
    let mut chars = clause.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), chars.as_str())
}

/// Whether a text is a `meta.json`, sound or not: a JSON object with the names of one.
pub fn is_meta_json(bytes: &[u8]) -> bool {
    let has = |name: &[u8]| bytes.windows(name.len()).any(|window| window == name);
    let opens = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    opens
        && [&b"\"Index\""[..], b"\"Term\"", b"\"CRC\""]
            .iter()
            .all(|name| has(name))
}

/// Whether a file is a `peers.json`, sound or not: by its name, or as a list of servers.
pub fn is_peers_json(name: &str, bytes: &[u8]) -> bool {
    if name.eq_ignore_ascii_case("peers.json") {
        return true;
    }
    peers::parse(bytes).is_ok()
}
