//! `peers.json`: the servers that a cluster is to consist of from now on, written by an operator to recover it.
//!
//! ```text
//! [ { "id": "node1", "address": "10.1.0.1:6868", "non_voter": false }, … ]
//! ```
//! A server that finds the file when it starts takes it or refuses to start; [`parse`] says which, by the same rules
//! and in the same words. A file that is taken can still be wrong: [`check`] says what an operator should look at.

mod json;

use serde::{Deserialize, Serialize};

use super::configuration::{Configuration, MAX_SERVERS, Server, Suffrage};
use crate::finding::{Finding, Report};
use crate::number;
use json::{Event, Parser};

/// The longest file that is read.
pub const MAX_BYTES: u64 = 1 << 20;

/// A file that a server takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peers {
    /// The servers.
    #[serde(flatten)]
    pub configuration: Configuration,
    /// Bytes behind the list, white space left out: the server does not look at them.
    pub ignored_bytes: u64,
}

/// Decides whether a server takes the file.
///
/// # Errors
/// What the server says when it refuses, without its `recovery failed to parse peers.json: `.
pub fn parse(bytes: &[u8]) -> Result<Peers, String> {
    let mut parser = Parser::new(bytes);
    // The library looks at the whole value before it takes anything out of it.
    let end = parser.check()?;
    let servers = list(&mut Parser::new(bytes))?;
    accept(&servers)?;
    let behind = bytes.get(end..).unwrap_or_default();
    let white = |byte: &&u8| !byte.is_ascii_whitespace();
    Ok(Peers {
        configuration: Configuration { servers },
        ignored_bytes: behind.iter().filter(white).count() as u64,
    })
}

const LIST: &str = "Go value of type []raft.configEntry";
const ENTRY: &str = "Go value of type raft.configEntry";

/// The first value that has another type than belongs there, as the library names it; the rest is read all the same.
#[derive(Default)]
struct FirstMismatch(Option<String>);

impl FirstMismatch {
    fn note(&mut self, found: &Event, place: &str) {
        let found = found.type_name();
        self.0
            .get_or_insert_with(|| format!("json: cannot unmarshal {found} into {place}"));
    }
}

fn list(parser: &mut Parser<'_>) -> Result<Vec<Server>, String> {
    let mut mismatch = FirstMismatch::default();
    let mut servers = Vec::new();
    match parser.event() {
        Event::ArrayStart => {
            while let Some(event) = parser.item() {
                if servers.len() as u64 >= MAX_SERVERS {
                    return Err(format!("more than {MAX_SERVERS} servers are listed"));
                }
                servers.push(entry(parser, &event, &mut mismatch));
            }
        }
        Event::Null => {}
        event => mismatch.note(&event, LIST),
    }
    match mismatch.0 {
        Some(mismatch) => Err(mismatch),
        None => Ok(servers),
    }
}

fn entry(parser: &mut Parser<'_>, event: &Event, mismatch: &mut FirstMismatch) -> Server {
    let mut server = Server {
        id: String::new(),
        address: String::new(),
        suffrage: Suffrage::Voter,
    };
    match event {
        Event::ObjectStart => {}
        Event::Null => return server,
        other => {
            mismatch.note(other, ENTRY);
            parser.skip(other);
            return server;
        }
    }
    while let Some(name) = parser.name() {
        let value = parser.event();
        // Names are compared without regard to case.
        match (name.to_lowercase().as_str(), &value) {
            ("id", Event::Text(text)) => server.id.clone_from(text),
            ("address", Event::Text(text)) => server.address.clone_from(text),
            ("non_voter", Event::Bool(non_voter)) => {
                server.suffrage = match non_voter {
                    true => Suffrage::NonVoter,
                    false => Suffrage::Voter,
                };
            }
            ("id" | "address" | "non_voter", Event::Null) => {}
            (field @ ("id" | "address" | "non_voter"), other) => {
                let wanted = match field {
                    "id" => "raft.ServerID",
                    "address" => "raft.ServerAddress",
                    _ => "bool",
                };
                let place = format!("Go struct field configEntry.{field} of type {wanted}");
                mismatch.note(other, &place);
            }
            _ => {}
        }
        parser.skip(&value);
    }
    server
}

/// What the library asks of a configuration, in its order.
fn accept(servers: &[Server]) -> Result<(), String> {
    let mut seen: Vec<&Server> = Vec::new();
    for server in servers {
        if server.id.is_empty() {
            return Err(format!("empty ID in configuration: {}", all(servers)));
        }
        if server.address.is_empty() {
            return Err(format!("empty address in configuration: {}", one(server)));
        }
        if seen.iter().any(|other| other.id == server.id) {
            return Err(format!(
                "found duplicate ID in configuration: {}",
                server.id
            ));
        }
        if seen.iter().any(|other| other.address == server.address) {
            let address = &server.address;
            return Err(format!(
                "found duplicate address in configuration: {address}"
            ));
        }
        seen.push(server);
    }
    if !servers
        .iter()
        .any(|server| server.suffrage == Suffrage::Voter)
    {
        return Err(format!(
            "need at least one voter in configuration: {}",
            all(servers)
        ));
    }
    Ok(())
}

/// As Go prints a configuration.
fn all(servers: &[Server]) -> String {
    let servers: Vec<String> = servers.iter().map(one).collect();
    format!("{{[{}]}}", servers.join(" "))
}

fn one(server: &Server) -> String {
    let suffrage = match server.suffrage {
        Suffrage::NonVoter => "Nonvoter",
        _ => "Voter",
    };
    format!("{{{suffrage} {} {}}}", server.id, server.address)
}

/// What an operator should look at before a server is started with the file. A server would not say any of it.
pub fn check(peers: &Peers) -> Report {
    let mut report = Report::default();
    let servers = &peers.configuration.servers;
    let warn = |subject: &str, code: &str, what: String| {
        Finding::warning(format!("peers.{code}"), subject, what)
    };
    for (at, server) in servers.iter().enumerate() {
        let subject = format!("server {}", server.id);
        if let Some(problem) = address_problem(&server.address, servers.len() > 1) {
            report.push(
                warn(
                    &subject,
                    "address",
                    format!("The address {} {problem}.", server.address),
                )
                .because(
                    "The file is accepted anyway; the other servers reach this one by the address.",
                )
                .todo(
                    "Write host and port of its Raft transport, as the old configuration has them.",
                ),
            );
        }
        if is_address(&server.id) {
            report.push(
                warn(&subject, "id", "The ID is an address.".to_owned())
                    .because("It must be the name that the server gives itself; with another one no leader is elected.")
                    .todo("Write the server's own name, as the old configuration has it."),
            );
        }
        let same = |other: &&Server| other.id.to_lowercase() == server.id.to_lowercase();
        if let Some(other) = servers.iter().take(at).find(same) {
            let what = format!("It differs from {} by case only.", other.id);
            report.push(
                warn(&subject, "case", what)
                    .because("IDs are compared exactly, so these are two servers.")
                    .todo("Write each server once, by its own name."),
            );
        }
        if server.suffrage == Suffrage::NonVoter {
            report.push(
                warn(&subject, "non-voter", "It will not vote.".to_owned())
                    .because("It stays a non-voter, and does not count for the quorum.")
                    .todo("Leave non_voter out unless that is wanted."),
            );
        }
    }
    let voters = peers.configuration.voters();
    if voters > 0 && voters.is_multiple_of(2) {
        let what = format!("{voters} servers vote.");
        report.push(
            warn("the file", "even", what)
                .because("An even number survives no more losses than one server less.")
                .todo("List an odd number of voters where you can."),
        );
    }
    if peers.ignored_bytes > 0 {
        let what = match peers.ignored_bytes {
            1 => "1 byte follows the list.".to_owned(),
            n => format!("{} follow the list.", number::bytes(n)),
        };
        report.push(
            warn("the file", "behind", what)
                .because("A server does not look at them: servers that are listed there are not in the cluster.")
                .todo("Put all servers into one list."),
        );
    }
    report
}

/// What is wrong with an address, as it follows it.
fn address_problem(address: &str, several: bool) -> Option<&'static str> {
    if address.contains("://") || address.contains('/') {
        return Some("has a scheme or a path");
    }
    let Some((host, port)) = address.rsplit_once(':') else {
        return Some("has no port");
    };
    if !port.parse::<u16>().is_ok_and(|port| port > 0) {
        return Some("has no port from 1 to 65535");
    }
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    if bare.is_none() && host.contains(':') {
        return Some("has an IPv6 address without brackets");
    }
    let host = bare.unwrap_or(host);
    if host.is_empty() {
        return Some("has no host");
    }
    match host.parse::<std::net::IpAddr>() {
        Ok(ip) if ip.is_unspecified() => Some("names no host in particular"),
        Ok(ip) if ip.is_loopback() && several => {
            Some("is valid on this host only, and there are others")
        }
        Ok(_) => None,
        Err(_) if host == "localhost" && several => {
            Some("is valid on this host only, and there are others")
        }
        Err(_) => None,
    }
}

/// Whether a text is an IP address with a port.
fn is_address(text: &str) -> bool {
    text.parse::<std::net::SocketAddr>().is_ok()
}
