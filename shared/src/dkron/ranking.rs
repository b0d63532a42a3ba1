//! Which server is the most up to date, and what of the others' histories is lost by keeping its own.
//!
//! Servers are ordered by their last entry as an election does: the greater term first, then the greater index. An entry
//! in no snapshot and on no majority of the servers that are here may be confirmed or not; the files do not say.

use std::collections::BTreeMap;

use serde::Serialize;

use super::server::{Position, Server};
use crate::finding::{Finding, Report, Severity};
use crate::number::grouped;
use crate::raft::Suffrage;

/// The servers of one cluster, compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ranking {
    /// The most up to date first.
    pub servers: Vec<Ranked>,
    /// Why the first is the first, in a sentence.
    pub why: String,
    /// The greatest index at which all have the same entry; absent when unknown.
    pub divergence: Option<u64>,
    /// What the first has and may not have been confirmed to anyone; absent when all of it was.
    pub unconfirmed: Option<Tail>,
    /// What is wrong with the comparison.
    pub findings: Report,
}

/// A server among others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ranked {
    /// Where its files lie.
    pub path: String,
    /// Its last entry; absent when it has none.
    pub last: Option<Position>,
    /// Why it has this rank, in a sentence.
    pub why: String,
    /// The greatest index at which it has the same entry as the first; absent when unknown.
    pub agrees_to: Option<u64>,
    /// Its entries that the first does not have, which are lost; absent when there are none, or when that is unknown.
    pub lost: Option<Tail>,
    /// Jobs that no other server given has.
    pub only_here: Vec<String>,
    /// Which of the servers that were compared it is.
    #[serde(skip)]
    pub place: usize,
}

/// Entries at the end of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tail {
    /// Index of the first; absent when it is unknown.
    pub first: Option<u64>,
    /// Index of the last.
    pub last: u64,
    /// Jobs that they created or changed and did not delete.
    pub jobs: Vec<String>,
}

/// Compares servers. Without any there is nothing to compare.
pub fn rank(servers: &[Server]) -> Option<Ranking> {
    let mut order: Vec<usize> = (0..servers.len()).collect();
    // Of equal ones that which knows its cluster comes first.
    order.sort_by_key(|place| {
        let server = servers.get(*place);
        std::cmp::Reverse(server.map(|s| (s.last, s.configuration.is_some())))
    });
    let first = servers.get(*order.first()?)?;
    let only = only_here(servers);
    let mut divergence = Some(u64::MAX);
    let mut ranked = Vec::new();
    for place in order {
        let server = servers.get(place)?;
        let itself = std::ptr::eq(server, first);
        let agrees_to = match itself {
            true => first.last.map(|last| last.index),
            false => server.terms.agreement(&first.terms),
        };
        divergence = divergence.zip(agrees_to).map(|(a, b)| a.min(b));
        ranked.push(Ranked {
            path: server.path.clone(),
            last: server.last,
            why: why(server, first, agrees_to),
            agrees_to,
            lost: lost(server, agrees_to).filter(|_| !itself),
            only_here: only.get(place).cloned().unwrap_or_default(),
            place,
        });
    }
    Some(Ranking {
        why: why_first(&ranked),
        divergence,
        unconfirmed: unconfirmed(servers, first),
        findings: findings(servers, first, &ranked),
        servers: ranked,
    })
}

fn at(position: Position) -> String {
    format!(
        "entry {} of term {}",
        grouped(position.index),
        position.term
    )
}

fn why(server: &Server, first: &Server, agrees_to: Option<u64>) -> String {
    let (Some(last), Some(newest)) = (server.last, first.last) else {
        return "It has no entries.".to_owned();
    };
    if std::ptr::eq(server, first) {
        return format!("It ends at {}.", at(last));
    }
    let order = if last == newest {
        "as the first does".to_owned()
    } else if last.term == newest.term {
        format!(
            "{} entries before the first",
            grouped(newest.index - last.index)
        )
    } else {
        "in an older term than the first, and the term counts before the index".to_owned()
    };
    let parted = match agrees_to {
        Some(index) if index >= last.index => "all of its entries are the first's too".to_owned(),
        Some(index) => format!("their histories part after entry {}", grouped(index)),
        None => "where their histories part is unknown".to_owned(),
    };
    format!("It ends at {}, {order}; {parted}.", at(last))
}

fn why_first(ranked: &[Ranked]) -> String {
    let [first, rest @ ..] = ranked else {
        return String::new();
    };
    let Some(last) = first.last else {
        return "None of the servers has an entry.".to_owned();
    };
    let next = rest.iter().find_map(|server| server.last);
    match next {
        None => format!(
            "{} ends at {}, and no other was given that has entries.",
            first.path,
            at(last)
        ),
        Some(next) if next == last => {
            format!(
                "{} ends at {}, and others do too: each of them has the same history.",
                first.path,
                at(last)
            )
        }
        Some(next) if next.term == last.term => format!(
            "{} has the most entries of the newest term: it ends at {}, the next one at {}.",
            first.path,
            at(last),
            at(next)
        ),
        Some(next) => format!(
            "{} has the newest term, which counts before the index: it ends at {}, the next one at {}.",
            first.path,
            at(last),
            at(next)
        ),
    }
}

/// What comes after an entry, with the jobs that it changed.
fn tail(server: &Server, after: Option<u64>) -> Option<Tail> {
    let last = server.last?.index;
    if after.is_some_and(|after| after >= last) {
        return None;
    }
    let touched = after.unwrap_or_default();
    let jobs = server.jobs.iter().flat_map(|jobs| jobs.iter());
    let changed = jobs.filter(|(_, job)| job.touched > touched);
    Some(Tail {
        first: after.map(|after| after.saturating_add(1)),
        last,
        jobs: changed.map(|(name, _)| name.to_owned()).collect(),
    })
}

fn lost(server: &Server, agrees_to: Option<u64>) -> Option<Tail> {
    // Where they part is unknown: so is what is lost.
    agrees_to.and_then(|index| tail(server, Some(index)))
}

/// What the first has behind the last entry that was confirmed, as far as that can be known.
fn unconfirmed(servers: &[Server], first: &Server) -> Option<Tail> {
    let last = first.last?.index;
    // A snapshot holds confirmed entries only, where it is one of this history.
    let snapshots = servers.iter().filter_map(|server| {
        let taken = server.snapshot.as_ref()?;
        let snapshot = server.snapshots.iter().find(|s| s.id == *taken)?;
        let ours = first.terms.term_at(snapshot.index) == Some(snapshot.term);
        ours.then_some(snapshot.index)
    });
    let agreements = servers
        .iter()
        .filter_map(|server| match std::ptr::eq(server, first) {
            true => Some(last),
            false => server.terms.agreement(&first.terms),
        });
    let mut agreements: Vec<u64> = agreements.collect();
    agreements.sort_unstable_by(|a, b| b.cmp(a));
    let majority = quorum(first).and_then(|quorum| agreements.get(quorum.checked_sub(1)?).copied());
    tail(first, snapshots.chain(majority).max())
}

/// How many voters make a majority in the newest configuration.
pub fn quorum(server: &Server) -> Option<usize> {
    let servers = server.configuration.as_ref()?;
    let voters = servers.iter().filter(|s| s.suffrage == Suffrage::Voter);
    Some(voters.count() / 2 + 1)
}

/// For each server the jobs that no other has; none while those of one are not known.
fn only_here(servers: &[Server]) -> Vec<Vec<String>> {
    if servers.iter().any(|server| !server.jobs_complete) {
        return Vec::new();
    }
    let mut seen: BTreeMap<&str, Option<usize>> = BTreeMap::new();
    for (place, server) in servers.iter().enumerate() {
        for name in server.jobs.iter().flat_map(|jobs| jobs.names()) {
            seen.entry(name)
                .and_modify(|only| *only = None)
                .or_insert(Some(place));
        }
    }
    let mut only = vec![Vec::new(); servers.len()];
    for (name, place) in seen {
        if let Some(names) = place.and_then(|place| only.get_mut(place)) {
            names.push(name.to_owned());
        }
    }
    only
}

fn findings(servers: &[Server], first: &Server, ranked: &[Ranked]) -> Report {
    let mut report = Report::default();
    for server in servers {
        if server.last.is_some()
            && server
                .findings
                .findings
                .iter()
                .any(|f| f.code.starts_with("raft.") && f.severity == Severity::Blocking)
        {
            report.push(
                Finding::warning(
                    "dkron.rank",
                    &server.path,
                    "Its log cannot be read in full.",
                )
                .because("It may be more up to date than it looks.")
                .todo("Review its own findings before you choose."),
            );
        }
        if std::ptr::eq(server, first) {
            continue;
        }
        match (&first.configuration, &server.configuration) {
            (Some(ours), Some(theirs))
                if !theirs.iter().any(|t| ours.iter().any(|o| o.id == t.id)) =>
            {
                let what = format!("It knows none of the servers that {} knows.", first.path);
                report.push(
                    Finding::blocking("dkron.cluster", &server.path, what)
                        .because("They are of different clusters.")
                        .todo("Give the data of one cluster only."),
                );
            }
            (Some(_), Some(_)) => {}
            _ => report.push(
                Finding::warning(
                    "dkron.cluster",
                    &server.path,
                    "The servers that it knows are unknown.",
                )
                .because("Raft's files name no cluster: whether it is of the same one is unknown."),
            ),
        }
    }
    for server in ranked
        .iter()
        .filter(|server| server.last.is_some() && server.agrees_to.is_none())
    {
        report.push(
            Finding::warning("dkron.parted", &server.path, "No entry of its log is in the log of the first.")
                .because("What it has and the first has not is unknown, and whether they are of one cluster too.")
                .todo("Compare the jobs of both."),
        );
    }
    if let Some(known) = first
        .configuration
        .as_ref()
        .map(Vec::len)
        .filter(|known| servers.len() > *known)
    {
        let what = format!("{} are given, and the cluster has {known}.", servers.len());
        report.push(
            Finding::blocking("dkron.cluster", "the servers", what)
                .because("One of them is given twice, or left the cluster before.")
                .todo("Give each server of the cluster once."),
        );
    }
    report
}
