//! `requorum dkron inspect PATH…`: what servers know, and which of them knows most.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use requorum_shared::dkron::ranking::{self, Ranked, Ranking, Tail};
use requorum_shared::dkron::server::Server;
use requorum_shared::dkron::snapshots::Snapshot;
use requorum_shared::finding::Report;
use requorum_shared::number::grouped;
use requorum_shared::raft;
use serde::Serialize;

use crate::cli::dkron::folder::{self, RaftFolder};
use crate::cli::findings::write_finding;
use crate::cli::reading::{FAILED, USAGE};
use crate::cli::terminal::{self, Text};

/// Names that a list shows.
const SHOWN: usize = 50;

/// Read the raft folders of stopped Dkron servers: their logs, snapshots, servers and jobs, and which is the most up to date.
///
/// Each PATH is a server's --data-dir, the raft folder in it, or a raft.db. Jobs are those after the newest snapshot that
/// can be used and all entries of the log, as a recovery by peers.json or a new leader has them. Where several are given
/// they are compared: which history wins, where the others part from it, and what would be lost.
///
/// Exit code 0 when nothing blocks, 1 when something does, or when a PATH cannot be read; 2 for wrong usage. Files are
/// never written to and no lock is waited for; of a running server a moment is read, and that is said.
#[derive(Debug, Args)]
pub(in super::super) struct Arguments {
    /// The servers' folders.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Print all of it as one JSON object, every job included.
    #[arg(long)]
    json: bool,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Output<'a> {
    servers: &'a [Server],
    ranking: Option<&'a Ranking>,
}

/// Runs it.
pub(in super::super) fn run(arguments: &Arguments) -> ExitCode {
    let mut code = 0;
    let mut servers = Vec::new();
    let mut read: Vec<RaftFolder> = Vec::new();
    for path in &arguments.paths {
        let found = folder::find(path);
        if let Ok(found) = &found
            && let Some(same) = read.iter().find(|other| other.identity == found.identity)
        {
            terminal::complain(format_args!(
                "requorum: {} and {} are the same server; give each once",
                same.path.display(),
                found.path.display()
            ));
            return USAGE.into();
        }
        match found.and_then(|found| {
            let server = folder::read(&found)?;
            read.push(found);
            Ok(server)
        }) {
            Ok(server) => servers.push(server),
            Err(error) => {
                terminal::complain(format_args!("requorum: {error}"));
                code = FAILED;
            }
        }
    }
    let ranking = ranking::rank(&servers).filter(|_| servers.len() > 1);
    let blocks = servers.iter().any(|server| server.findings.blocks())
        || ranking
            .as_ref()
            .is_some_and(|ranking| ranking.findings.blocks());
    if blocks {
        code = FAILED;
    }
    if arguments.json {
        let output = Output {
            servers: &servers,
            ranking: ranking.as_ref(),
        };
        match serde_json::to_string_pretty(&output) {
            Ok(json) => terminal::print_json(&json),
            Err(error) => {
                terminal::complain(format_args!("requorum: {error}"));
                code = FAILED;
            }
        }
    } else {
        let mut text = Text::default();
        for (at, server) in servers.iter().enumerate() {
            if at > 0 {
                text.blank();
            }
            write_server(&mut text, server);
        }
        if let Some(ranking) = &ranking {
            text.blank();
            write_ranking(&mut text, ranking);
        }
        terminal::print(text.as_str());
    }
    code.into()
}

fn write_server(text: &mut Text, server: &Server) {
    let known = |n: Option<u64>| n.map_or_else(|| "none".to_owned(), grouped);
    let running = if server.running { " (running)" } else { "" };
    text.line(format_args!("{}: a Dkron server{running}", server.path));
    match server.last {
        Some(last) => text.line(format_args!(
            "last entry {} of term {}, {}",
            grouped(last.index),
            last.term,
            jobs_counted(server)
        )),
        None => text.line(format_args!("no entries, {}", jobs_counted(server))),
    }
    text.blank();
    let vote = match &server.last_vote {
        None => "never".to_owned(),
        Some(vote) => {
            let candidate = vote.candidate.as_deref().unwrap_or("unknown");
            format!("in term {} for {candidate}", vote.term)
        }
    };
    fact(text, "Current term", &known(server.current_term));
    fact(text, "Voted last", &vote);
    fact(text, "First entry of the log", &known(server.first_log));
    fact(text, "Last entry of the log", &known(server.last_log));
    for (word, count) in &server.commands {
        fact(text, &format!("Commands {word}"), &grouped(*count));
    }
    text.blank();
    text.line(format_args!("Servers"));
    match &server.configuration {
        Some(servers) => {
            if let Some(index) = server.configuration_index {
                text.line(format_args!("  as entry {} set them", grouped(index)));
            }
            servers
                .iter()
                .take(SHOWN)
                .for_each(|one| write_peer(text, one));
            and_more(text, servers.len());
        }
        None => text.line(format_args!("  unknown")),
    }
    if !server.snapshots.is_empty() {
        text.blank();
        text.line(format_args!("Snapshots"));
    }
    for snapshot in &server.snapshots {
        write_snapshot(
            text,
            snapshot,
            server.snapshot.as_ref() == Some(&snapshot.id),
        );
    }
    text.blank();
    text.line(format_args!("Jobs"));
    match &server.jobs {
        Some(jobs) => {
            let names: Vec<&str> = jobs.names().take(SHOWN).collect();
            write_names(text, "  ", &names, jobs.len());
        }
        None => text.line(format_args!("  unknown")),
    }
    write_findings(text, &server.findings);
}

fn jobs_counted(server: &Server) -> String {
    match &server.jobs {
        None => "jobs unknown".to_owned(),
        Some(jobs) => {
            let count = match jobs.len() {
                1 => "1 job".to_owned(),
                n => format!("{} jobs", grouped(n as u64)),
            };
            match server.jobs_complete {
                true => count,
                false => format!("{count} as far as they can be read"),
            }
        }
    }
}

fn fact(text: &mut Text, name: &str, value: &str) {
    text.line(format_args!("  {name:<36} {value}"));
}

fn write_peer(text: &mut Text, peer: &raft::Server) {
    let suffrage = peer.suffrage.word();
    text.line(format_args!(
        "  {} | {} | {suffrage}",
        peer.id, peer.address
    ));
}

fn write_snapshot(text: &mut Text, snapshot: &Snapshot, taken: bool) {
    let state = match (snapshot.crc_ok, taken) {
        (Some(true), true) => "checksum OK, the one that a start takes",
        (Some(true), false) => "checksum OK",
        (Some(false), _) => "checksum WRONG",
        (None, _) => "state cannot be read",
    };
    text.line(format_args!(
        "  {}: entry {} of term {}, {state}",
        snapshot.id,
        grouped(snapshot.index),
        snapshot.term
    ));
}

fn write_names(text: &mut Text, indent: &str, names: &[&str], all: usize) {
    if all == 0 {
        text.line(format_args!("{indent}none"));
    }
    for name in names.iter().take(SHOWN) {
        text.line(format_args!("{indent}{}", shortened(name)));
    }
    and_more(text, all);
}

fn and_more(text: &mut Text, all: usize) {
    if let more @ 1.. = all.saturating_sub(SHOWN) {
        text.line(format_args!("  and {more} more"));
    }
}

/// A name that fits on a line.
fn shortened(name: &str) -> String {
    const LONGEST: usize = 100;
    match name.char_indices().nth(LONGEST) {
        None => name.to_owned(),
        Some((at, _)) => format!("{}…", &name[..at]),
    }
}

fn write_findings(text: &mut Text, report: &Report) {
    if report.findings.is_empty() {
        return;
    }
    text.blank();
    text.line(format_args!("Findings"));
    for finding in &report.findings {
        write_finding(text, finding);
    }
}

fn write_ranking(text: &mut Text, ranking: &Ranking) {
    text.line(format_args!("Ranking"));
    text.line(format_args!("  {}", ranking.why));
    match ranking.divergence {
        Some(index) => text.line(format_args!(
            "  All have the same history up to entry {}.",
            grouped(index)
        )),
        None => text.line(format_args!(
            "  Up to where all have the same history is unknown."
        )),
    }
    for (at, ranked) in ranking.servers.iter().enumerate() {
        write_ranked(text, at + 1, ranked);
    }
    match &ranking.unconfirmed {
        None => text.line(format_args!(
            "  All of the first one's entries are on a majority of the servers or in a snapshot."
        )),
        Some(tail) => {
            text.line(format_args!(
                "  The first one's entries {} are confirmed by no majority of those given; a recovery keeps them.",
                range(tail)
            ));
            write_tail_jobs(text, tail);
        }
    }
    write_findings(text, &ranking.findings);
}

fn write_ranked(text: &mut Text, rank: usize, ranked: &Ranked) {
    text.line(format_args!("  {rank}. {}: {}", ranked.path, ranked.why));
    if let Some(lost) = &ranked.lost {
        text.line(format_args!("     Entries {} would be lost.", range(lost)));
        write_tail_jobs(text, lost);
    }
    if !ranked.only_here.is_empty() {
        text.line(format_args!("     Jobs that no other has"));
        let names: Vec<&str> = ranked.only_here.iter().map(String::as_str).collect();
        write_names(text, "       ", &names, names.len());
    }
}

fn write_tail_jobs(text: &mut Text, tail: &Tail) {
    if tail.jobs.is_empty() {
        return;
    }
    text.line(format_args!("     Jobs that they created or changed"));
    let names: Vec<&str> = tail.jobs.iter().map(String::as_str).collect();
    write_names(text, "       ", &names, names.len());
}

fn range(tail: &Tail) -> String {
    match tail.first {
        Some(first) => format!("{} to {}", grouped(first), grouped(tail.last)),
        None => format!("up to {}", grouped(tail.last)),
    }
}
