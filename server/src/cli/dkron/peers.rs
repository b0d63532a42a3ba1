//! `requorum dkron peers PATH…`: the `peers.json` that recovers a cluster that lost its quorum.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use requorum_shared::dkron::peers::{self, Composed, Request};
use requorum_shared::dkron::ranking;
use requorum_shared::finding::{Finding, Severity};

use crate::cli::dkron::folder::{self, RaftFolder};
use crate::cli::dkron::output;
use crate::cli::reading::{FAILED, USAGE};
use crate::cli::terminal;

/// Compose the peers.json for the Dkron servers that remain, and print it.
///
/// Each PATH is a stopped server's --data-dir, the raft folder in it, or a raft.db. IDs and addresses are those that the
/// most up-to-date of them knows, without those excluded. The file is the same for all servers that take it. Warnings,
/// its SHA-256 and the servers that it is for are on standard error.
///
/// Exit code 0 when it was printed or written, 1 when it is refused, 2 for wrong usage. Nothing in a PATH is written to,
/// unless --output names a file there.
#[derive(Debug, Args)]
pub(in super::super) struct Arguments {
    /// The servers' folders.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// A server that is lost and will not come back with its data. May be given more than once.
    #[arg(long, value_name = "ID")]
    exclude: Vec<String>,
    /// A server that remains although its data is not given. May be given more than once.
    #[arg(long, value_name = "ID")]
    remaining: Vec<String>,
    /// The address that a server has now, where it is another than before. May be given more than once.
    #[arg(long, value_name = "ID=ADDRESS", value_parser = address)]
    address: Vec<(String, String)>,
    /// Write it there instead of printing it. Nothing that exists is replaced.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// An ID has no limits, an address has no `=`.
fn address(text: &str) -> Result<(String, String), String> {
    match text.rsplit_once('=') {
        Some((id, address)) if !id.is_empty() => Ok((id.to_owned(), address.to_owned())),
        _ => Err("it must be ID=ADDRESS, such as node1=10.1.0.1:6868".to_owned()),
    }
}

/// Runs it.
pub(in super::super) fn run(arguments: &Arguments) -> ExitCode {
    match compose(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => code.into(),
    }
}

fn compose(arguments: &Arguments) -> Result<(), u8> {
    let request = request(arguments)?;
    let mut found: Vec<RaftFolder> = Vec::new();
    for path in &arguments.paths {
        let next = folder::find(path).map_err(complain)?;
        if let Some(same) = found.iter().find(|other| other.identity == next.identity) {
            terminal::complain(format_args!(
                "requorum: {} and {} are the same server; give each once",
                same.path.display(),
                next.path.display()
            ));
            return Err(USAGE);
        }
        found.push(next);
    }
    let servers = found
        .iter()
        .map(folder::read)
        .collect::<Result<Vec<_>, _>>();
    let servers = servers.map_err(complain)?;
    let Some(ranking) = ranking::rank(&servers) else {
        return Err(USAGE);
    };
    if servers.len() > 1 {
        terminal::complain(format_args!("requorum: {}", ranking.why));
    }
    let composed = peers::compose(&servers, &ranking, &request);
    for finding in &composed.report.findings {
        say(finding);
    }
    let Some(bytes) = &composed.bytes else {
        terminal::complain(format_args!(
            "requorum: no peers.json was composed: see what is BLOCKING"
        ));
        return Err(FAILED);
    };
    let given = match &arguments.output {
        Some(path) => {
            let owner = found.iter().find(|server| is_in(path, server.folder()));
            output::write(path, bytes, owner.map(|server| server.owner))
        }
        None => terminal::print_json_exactly(&String::from_utf8_lossy(bytes))
            .map_err(anyhow::Error::from),
    };
    given.map_err(|error| {
        terminal::complain(format_args!("requorum: {error:#}"));
        FAILED
    })?;
    summary(&composed);
    Ok(())
}

fn request(arguments: &Arguments) -> Result<Request, u8> {
    let mut addresses = BTreeMap::new();
    for (id, address) in &arguments.address {
        if addresses.insert(id.clone(), address.clone()).is_some() {
            terminal::complain(format_args!("requorum: --address is given twice for {id}"));
            return Err(USAGE);
        }
        if arguments.exclude.contains(id) {
            terminal::complain(format_args!(
                "requorum: {id} is excluded and given an address; give one of both"
            ));
            return Err(USAGE);
        }
    }
    let both = |id: &&String| arguments.exclude.contains(id);
    if let Some(id) = arguments.remaining.iter().find(both) {
        terminal::complain(format_args!(
            "requorum: {id} is excluded and remains; give one of both"
        ));
        return Err(USAGE);
    }
    Ok(Request {
        exclude: arguments.exclude.clone(),
        remaining: arguments.remaining.clone(),
        addresses,
    })
}

fn complain(error: folder::FolderError) -> u8 {
    terminal::complain(format_args!("requorum: {error}"));
    FAILED
}

/// Whether a file would lie in a folder.
fn is_in(file: &Path, folder: &Path) -> bool {
    let parent = match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    match (parent.canonicalize(), folder.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

fn say(finding: &Finding) {
    let severity = match finding.severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Blocking => "BLOCKING",
    };
    terminal::complain(format_args!(
        "requorum: {severity} [{}] {}: {}",
        finding.code, finding.subject, finding.what
    ));
    for line in [&finding.why, &finding.todo] {
        if !line.is_empty() {
            terminal::complain(format_args!("  {line}"));
        }
    }
}

fn summary(composed: &Composed) {
    let servers = composed
        .servers
        .iter()
        .map(|server| format!("{} ({})", server.id, server.address));
    let servers: Vec<String> = servers.collect();
    terminal::complain(format_args!("requorum: for {}", servers.join(", ")));
    terminal::complain(format_args!(
        "requorum: SHA-256 {}",
        composed.sha256.as_deref().unwrap_or_default()
    ));
    terminal::complain(format_args!(
        "requorum: with all servers stopped and their raft folders copied, put it as peers.json into the raft folder of each of them that takes it, then start them"
    ));
}
