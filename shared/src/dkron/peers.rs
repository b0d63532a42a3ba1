//! The `peers.json` for the servers that remain: composed from what the most up-to-date one knows, or refused.
//!
//! ```text
//! [
//!   {
//!     "id": "node1",                     as the server calls itself
//!     "address": "10.1.0.1:6868",
//!     "non_voter": false
//!   }
//! ]
//! ```
//! Sorted by ID, indented by two spaces, with a line feed at the end: the same bytes for every server. A server takes a
//! well-formed file even where it is wrong, and no leader is elected then; so what can be known to be wrong is refused
//! here, and what cannot be known is said.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Serialize;

use super::address;
use super::ranking::{Ranking, quorum};
use super::server::Server;
use crate::canonical::sha256_hex;
use crate::escape;
use crate::finding::{Finding, Report, Severity};
use crate::raft::{self, Suffrage, peers};

/// What the operator decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// IDs of servers that are lost for good.
    pub exclude: Vec<String>,
    /// IDs of servers that remain although their data is not given.
    pub remaining: Vec<String>,
    /// Addresses that servers have now, by ID, where they are not those of the configuration.
    pub addresses: BTreeMap<String, String>,
}

/// A `peers.json`, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// The file; absent when a finding blocks.
    pub bytes: Option<Vec<u8>>,
    /// Its SHA-256, where it is there.
    pub sha256: Option<String>,
    /// The servers that it is for, sorted by ID.
    pub servers: Vec<raft::Server>,
    /// Why it is refused, and what to look at before it is used.
    pub report: Report,
}

/// An entry of the file.
#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    address: &'a str,
    non_voter: bool,
}

/// Composes the file from the configuration of the most up-to-date server.
pub fn compose(servers: &[Server], ranking: &Ranking, request: &Request) -> Composed {
    let mut report = Report::default();
    let first = ranking
        .servers
        .first()
        .and_then(|ranked| servers.get(ranked.place));
    for server in servers {
        check_server(server, &mut report);
    }
    report
        .findings
        .extend(ranking.findings.findings.iter().cloned());
    let known = first.and_then(|first| first.configuration.as_deref());
    let Some(known) = known.filter(|known| !known.is_empty()) else {
        report.push(unknown_servers());
        return Composed {
            bytes: None,
            sha256: None,
            servers: Vec::new(),
            report,
        };
    };
    let chosen = choose(known, request, &mut report);
    for server in &chosen {
        check_entry(server, &chosen, &mut report);
    }
    let bytes = encode(&chosen);
    match peers::parse(&bytes) {
        Ok(parsed) => {
            let general = peers::check(&parsed).findings.into_iter();
            let ours = ["peers.address", "peers.id"];
            report
                .findings
                .extend(general.filter(|f| !ours.contains(&&*f.code)));
        }
        Err(said) => report.push(
            Finding::blocking(
                "dkron.refused",
                "peers.json",
                format!("A server would refuse it: {said}."),
            )
            .todo("List at least one server that votes, each once and with its own address."),
        ),
    }
    if let Some(first) = first {
        survivors(servers, first, &chosen, request, &mut report);
        what_is_lost(servers, ranking, &chosen, &mut report);
        excluded(&request.exclude, &mut report);
    }
    about_recovery(&chosen, &mut report);
    compare_with_those_there(servers, &bytes, &mut report);
    let bytes = (!report.blocks()).then_some(bytes);
    Composed {
        sha256: bytes.as_deref().map(sha256_hex),
        bytes,
        servers: chosen,
        report,
    }
}

/// The file's bytes.
fn encode(servers: &[raft::Server]) -> Vec<u8> {
    let entries: Vec<Entry<'_>> = servers
        .iter()
        .map(|server| Entry {
            id: &server.id,
            address: &server.address,
            non_voter: server.suffrage != Suffrage::Voter,
        })
        .collect();
    // Text and booleans can always be written.
    let json = serde_json::to_string_pretty(&entries).unwrap_or_default();
    // What cannot be seen is written so that a terminal or an editor does not change it.
    format!("{}\n", escape::json(&json)).into_bytes()
}

/// Whether a server's data can be the ground for a recovery.
fn check_server(server: &Server, report: &mut Report) {
    if server.running {
        report.push(
            Finding::blocking(
                "dkron.running",
                &server.path,
                "A running server holds its raft.db.",
            )
            .because(
                "Servers take the file when they start, and what a running one has may change.",
            )
            .todo("Stop all servers that remain, then run this again."),
        );
    }
    let blocking = server
        .findings
        .findings
        .iter()
        .filter(|f| f.severity == Severity::Blocking);
    for finding in blocking {
        let what = format!("{}: {}", finding.subject, finding.what);
        report.push(
            Finding::blocking(finding.code.clone(), &server.path, what)
                .because(finding.why.clone())
                .todo(finding.todo.clone()),
        );
    }
    if server.protobuf {
        report.push(
            Finding::warning(
                "dkron.version",
                &server.path,
                "Its jobs are stored as Dkron before 3.1.0 stores them.",
            )
            .because("Dkron before 3.1.2 crashes on every peers.json (dkron-io/dkron#767).")
            .todo("Start the survivors with Dkron 3.1.2 or later to take the file."),
        );
    }
    let beside = &server.findings.findings;
    report.findings.extend(
        beside
            .iter()
            .filter(|f| f.code == "dkron.peers-json")
            .map(|finding| {
                let mut finding = finding.clone();
                finding.subject = format!("{}: {}", server.path, finding.subject);
                finding
            }),
    );
}

fn unknown_servers() -> Finding {
    let what = "The servers of the cluster are unknown.";
    Finding::blocking("dkron.no-configuration", "peers.json", what)
        .because(
            "Neither the log nor the snapshot of the most up-to-date server has a configuration.",
        )
        .todo("Give another server's data too, or write the file by hand.")
}

/// The servers of the configuration that remain, with the addresses that they have now.
fn choose(known: &[raft::Server], request: &Request, report: &mut Report) -> Vec<raft::Server> {
    let excluded = request.exclude.iter().map(|id| (id, "--exclude"));
    let remaining = request.remaining.iter().map(|id| (id, "--remaining"));
    let moved = request.addresses.keys().map(|id| (id, "--address"));
    for (id, option) in excluded.chain(remaining).chain(moved) {
        if known.iter().any(|server| server.id == *id) {
            continue;
        }
        let ids: Vec<&str> = known.iter().map(|server| &*server.id).collect();
        let similar = known
            .iter()
            .find(|server| server.id.to_lowercase() == id.to_lowercase());
        let todo = match similar {
            Some(server) => format!("IDs are compared exactly: write {}.", server.id),
            None => format!("Write one of {}.", ids.join(", ")),
        };
        report.push(
            Finding::blocking(
                "dkron.unknown-id",
                option,
                format!("No server of the cluster has the ID {id}."),
            )
            .todo(todo),
        );
    }
    let remains = |server: &&raft::Server| !request.exclude.contains(&server.id);
    let mut chosen: Vec<raft::Server> = known.iter().filter(remains).cloned().collect();
    for server in &mut chosen {
        if let Some(address) = request.addresses.get(&server.id) {
            if port_of(address) != port_of(&server.address) {
                let what = format!(
                    "Its port was {} in the configuration.",
                    port_of(&server.address)
                );
                report.push(Finding::warning(
                    "dkron.port",
                    format!("server {}", server.id),
                    what,
                ));
            }
            server.address.clone_from(address);
        }
    }
    chosen.sort_by(|a, b| a.id.cmp(&b.id));
    chosen
}

fn port_of(address: &str) -> &str {
    address.rsplit_once(':').map_or("", |(_, port)| port)
}

fn check_entry(server: &raft::Server, all: &[raft::Server], report: &mut Report) {
    let subject = format!("server {}", server.id);
    if let Some(problem) = address::problem(&server.address, all.len() > 1) {
        let what = format!("The address {} {}.", server.address, problem.what);
        report.push(
            Finding::new(problem.severity, "dkron.address", &subject, what)
                .because("Before Dkron 4.0 the others reach it by this address alone.")
                .todo("Give the one that it has now by --address."),
        );
    }
    if server.id.parse::<SocketAddr>().is_ok() {
        report.push(
            Finding::blocking("dkron.id", &subject, "Its ID is an address.")
                .because("The ID must be the name that the server gives itself, its --node-name; with another one no leader is elected.")
                .todo("Write the file by hand, with the names of the servers."),
        );
    }
    if server
        .id
        .chars()
        .any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER)
    {
        report.push(
            Finding::blocking(
                "dkron.id",
                &subject,
                "Its ID has characters that no name of a server has.",
            )
            .because("They come from damage, and a file with them names another server.")
            .todo("Use another server's data, or write the file by hand."),
        );
    }
    match server.suffrage {
        Suffrage::Voter | Suffrage::NonVoter => {}
        Suffrage::Staging => report.push(Finding::warning(
            "dkron.suffrage",
            &subject,
            "It was about to become a voter, and is listed as a non-voter.",
        )),
        Suffrage::Unknown => report.push(
            Finding::blocking("dkron.suffrage", &subject, "Whether it votes is unknown.")
                .because("The configuration says so by a number that the library does not have.")
                .todo("Use another server's data, or write the file by hand."),
        ),
    }
}

/// Compares the servers that are here with those that the file is for.
fn survivors(
    servers: &[Server],
    first: &Server,
    chosen: &[raft::Server],
    request: &Request,
    report: &mut Report,
) {
    let known = first.configuration.as_ref().map_or(0, Vec::len);
    if quorum(first).is_some_and(|quorum| servers.len() >= quorum) {
        let what = format!(
            "The data of {} of the {known} servers is here, which is a majority.",
            servers.len()
        );
        report.push(
            Finding::warning("dkron.majority", "the servers", what)
                .because("Started together as they were they elect a leader, and no peers.json is needed.")
                .todo("Start them first, unless they can no longer run."),
        );
    }
    let voters = chosen.iter().filter(|s| s.suffrage == Suffrage::Voter);
    let majority = voters.count() / 2 + 1;
    let missing = chosen.len().saturating_sub(servers.len());
    let named = chosen.iter().filter(|s| request.remaining.contains(&s.id));
    if servers.len() + named.count() < majority {
        let what = format!(
            "The file lists {} servers, and the data of {} was given: fewer than the {majority} that elect a leader.",
            chosen.len(),
            servers.len()
        );
        report.push(
            Finding::blocking("dkron.not-given", "the servers", what)
                .because("Servers that take a file which names lost ones too read it, delete it and elect no leader.")
                .todo("Exclude those that are lost. Give the data of all that remain; those whose data cannot be brought here are named by --remaining."),
        );
    } else if missing > 0 {
        let what = format!(
            "The file lists {} servers, and the data of {} was given.",
            chosen.len(),
            servers.len()
        );
        report.push(
            Finding::warning("dkron.not-given", "the servers", what)
                .because("A server whose data was not looked at may be more up to date, or be lost: a majority of those listed must start.")
                .todo("Give the data of all that remain, and exclude those that are lost."),
        );
    }
}

/// What the servers have that the recovered cluster will not, and whose data decides that.
fn what_is_lost(
    servers: &[Server],
    ranking: &Ranking,
    chosen: &[raft::Server],
    report: &mut Report,
) {
    for ranked in &ranking.servers {
        let Some(lost) = &ranked.lost else { continue };
        let what = match (lost.first, lost.jobs.len()) {
            (Some(first), jobs) => format!(
                "Its entries {first} to {} are lost: {}.",
                lost.last,
                match jobs {
                    0 => "they changed no job that is still there".to_owned(),
                    1 => "they created or changed 1 job".to_owned(),
                    n => format!("they created or changed {n} jobs"),
                }
            ),
            (None, _) => {
                "What it has and the first has not is lost, as far as it is unknown.".to_owned()
            }
        };
        report.push(
            Finding::warning("dkron.lost", &ranked.path, what)
                .because("Its history is not the first one's.")
                .todo("requorum dkron inspect names the jobs. Export them before its folder is wiped."),
        );
    }
    if let Some(first) = ranking.servers.first()
        && chosen.len() < servers.len()
    {
        let what = format!(
            "The data of {} servers was given, and the file lists {}.",
            servers.len(),
            chosen.len()
        );
        report.push(
            Finding::warning("dkron.fewer", "the servers", what)
                .because(format!(
                    "The history of {} is kept only if a server that takes the file has that data.",
                    first.path
                ))
                .todo("Check that the server whose data that is, is not one of those excluded."),
        );
    }
}

/// What those that are left out can do to the cluster later.
fn excluded(ids: &[String], report: &mut Report) {
    if ids.is_empty() {
        return;
    }
    report.push(
        Finding::warning("dkron.excluded", "the servers", format!("{} must not come back with old data.", ids.join(", ")))
            .because("One alone is voted in again; a majority of the old cluster elects a leader of its own, which takes the recovered cluster over.")
            .todo("Make sure that they cannot start, or wipe their raft folders."),
    );
}

/// All servers must take the same file: those that lie there already too.
fn compare_with_those_there(servers: &[Server], bytes: &[u8], report: &mut Report) {
    let composed = sha256_hex(bytes);
    let there = servers
        .iter()
        .filter_map(|server| Some((server, server.peers_json.as_ref()?)));
    for (server, peers_json) in there {
        if peers_json.sha256.as_ref() == Some(&composed) {
            let what = "The peers.json there is the same as this one.";
            report.push(Finding::note("dkron.peers-same", &server.path, what));
        } else {
            report.push(
                Finding::blocking(
                    "dkron.peers-differ",
                    &server.path,
                    "The peers.json there is another than this one.",
                )
                .because("Servers that take different files are in different clusters.")
                .todo("Remove it, or compose the same: it is never replaced here."),
            );
        }
    }
}

/// What no file says, and the operator must know.
fn about_recovery(chosen: &[raft::Server], report: &mut Report) {
    report.push(
        Finding::note(
            "dkron.own-id",
            "the servers",
            "Which server has which data is in none of its files.",
        )
        .because("A server whose own name is not listed takes the file, and no leader is elected.")
        .todo("Check that each server that takes the file is listed by its --node-name."),
    );
    report.push(
        Finding::note(
            "dkron.versions",
            "the servers",
            "Which Dkron wrote the data is in none of its files.",
        )
        .because("Dkron before 3.1.2 crashes on every peers.json (dkron-io/dkron#767).")
        .todo("Check the version of each server that takes the file."),
    );
    if chosen.len() > 1 {
        report.push(
            Finding::note("dkron.ghosts", "the servers", "Each server that takes the file keeps in memory what the leader does not have, until it is restarted.")
                .because("Jobs that were deleted or lost run again if it becomes the leader.")
                .todo("Restart each follower once after it has caught up, or give the file to the most up-to-date server alone, listing it alone, and let the others join with an empty raft folder."),
        );
    }
}
