//! `raft.db`: a bbolt database with the log and the server's vote.
//!
//! ```text
//! bucket logs   index, u64 big-endian → entry, MessagePack
//! bucket conf   CurrentTerm, LastVoteTerm: u64 big-endian    LastVoteCand: the candidate's address, text
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::configuration::Configuration;
use super::entry::{Entry, EntryType};
use crate::bbolt::{Bucket, Database, Error};
use crate::finding::{Finding, Report};
use crate::source::Source;

/// The bucket of the log.
pub const LOGS: &[u8] = b"logs";
/// The bucket of term and vote.
pub const CONF: &[u8] = b"conf";

/// Findings of one kind that are listed; the rest is counted.
const MAX_LISTED: u64 = 20;
/// The longest address of a candidate that is read.
const MAX_CANDIDATE: u64 = 4096;

/// The main facts of a `raft.db`. What cannot be read is absent, never 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaftDb {
    /// Index of the first entry; absent when there is none.
    pub first_index: Option<u64>,
    /// Index of the last entry; absent when there is none.
    pub last_index: Option<u64>,
    /// Term of the last entry.
    pub last_term: Option<u64>,
    /// Entries that were read.
    pub entries: u64,
    /// How many there are of each type, by [`EntryType::word`].
    pub entries_by_type: BTreeMap<String, u64>,
    /// Whether every entry could be read.
    pub complete: bool,
    /// Index of the first entry behind the last gap; absent where there is no gap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_gap: Option<u64>,
    /// The newest configuration in the log; a snapshot may hold one where the log has none.
    pub configuration: Option<LoggedConfiguration>,
    /// The newest term that the server knows.
    pub current_term: Option<u64>,
    /// The term in which it voted last; absent when it never did.
    pub last_vote_term: Option<u64>,
    /// The address of the candidate that it voted for then.
    pub last_vote_candidate: Option<String>,
}

/// A configuration and where in the log it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedConfiguration {
    /// Index of the entry.
    pub index: u64,
    /// The servers.
    #[serde(flatten)]
    pub configuration: Configuration,
}

/// Whether a sound database is a `raft.db`: it has both buckets, and those of no other program.
pub fn is_raft_db(database: &Database<'_>) -> bool {
    let names: Vec<Vec<u8>> = database
        .buckets()
        .0
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let has = |name: &[u8]| names.iter().any(|n| n == name);
    has(LOGS) && has(CONF)
}

/// Reads every entry's head, in order, and what the server voted, at random: for files that no pass was made over. What
/// is broken is a finding, and the reading goes to the end.
pub fn read(database: &Database<'_>) -> (RaftDb, Report) {
    let mut reading = Reading::default();
    match database.bucket(LOGS) {
        Ok(Some(logs)) => reading.log(&logs),
        Ok(None) => reading.unreadable("logs", "there is none"),
        Err(error) => reading.unreadable("logs", &error.to_string()),
    }
    reading.conf(database);
    reading.finish(|_| None)
}

/// Entries that follow one another, of terms that never decrease.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// Index of the first.
    pub(super) first: u64,
    /// Index of the last.
    pub(super) last: u64,
    pub(super) first_term: u64,
    pub(super) last_term: u64,
    /// How many there are of each type.
    pub(super) types: [u64; EntryType::ALL.len()],
}

impl Run {
    fn of(entry: &Entry) -> Self {
        let mut types = [0; EntryType::ALL.len()];
        types[entry.entry_type as usize] = 1;
        Self {
            first: entry.index,
            last: entry.index,
            first_term: entry.term,
            last_term: entry.term,
            types,
        }
    }
}

/// Where an entry lies in the file.
#[derive(Debug, Clone, Copy)]
pub(super) enum At {
    /// Where its key starts.
    Offset(u64),
    /// It is the first of a leaf on this page.
    FirstOf(u32),
}

/// The log as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    facts: RaftDb,
    types: [u64; EntryType::ALL.len()],
    report: Report,
    /// Findings about the first entry of a leaf, and its page: where the entry starts is still to be looked up.
    unplaced: Vec<(usize, u32)>,
    gaps: u64,
    undecodable: u64,
    unreadable: u64,
    older_terms: u64,
}

impl Reading {
    fn log(&mut self, logs: &Bucket<'_>) {
        let mut cursor = logs.cursor();
        loop {
            match cursor.next() {
                Ok(Some(entry)) => self.pair(entry.key, &entry.value, entry.offset),
                Ok(None) => return,
                Err(error) => self.page(&error),
            }
        }
    }

    /// Takes an element of the bucket, whose key starts at `offset`.
    pub(super) fn pair(&mut self, key: &[u8], value: &dyn Source, offset: u64) {
        let Ok(index) = <[u8; 8]>::try_from(key).map(u64::from_be_bytes) else {
            self.undecodable(
                offset,
                "a key of bucket logs",
                "it is not an index of 8 bytes",
            );
            return;
        };
        match Entry::decode(value) {
            Ok(found) if found.index == index => {
                if found.entry_type == EntryType::Configuration {
                    match found.configuration(value) {
                        Ok(configuration) => {
                            let configuration = LoggedConfiguration {
                                index,
                                configuration,
                            };
                            self.facts.configuration = Some(configuration);
                        }
                        Err(error) => {
                            let subject = format!("entry {index}");
                            self.undecodable(offset, &subject, &error.to_string());
                        }
                    }
                }
                self.run(&Run::of(&found), At::Offset(offset));
            }
            Ok(found) => {
                let why = format!("it calls itself entry {}", found.index);
                self.undecodable(offset, &format!("entry {index}"), &why);
            }
            Err(error) => {
                self.undecodable(offset, &format!("entry {index}"), &error.to_string());
            }
        }
    }

    /// Takes entries; `at` is where the first one lies.
    pub(super) fn run(&mut self, run: &Run, at: At) {
        for (sum, count) in self.types.iter_mut().zip(run.types) {
            *sum += count;
        }
        if let Some(last) = self.facts.last_index
            && let missing @ 1.. = run.first.saturating_sub(last).saturating_sub(1)
        {
            self.gaps += 1;
            self.facts.after_gap = Some(run.first);
            if self.gaps <= MAX_LISTED {
                let what = match missing {
                    1 => format!("Entry {} is missing.", last + 1),
                    n => format!("{n} entries are missing: {} to {}.", last + 1, last + n),
                };
                let finding = Finding::blocking("raft.gap", "bucket logs", what)
                    .because("The server stops at a gap when it starts, and so does a recovery by peers.json, unless a snapshot covers it.")
                    .todo("Use the raft.db of another server.");
                self.push_at(finding, at);
            }
        }
        if self
            .facts
            .last_term
            .is_some_and(|term| run.first_term < term)
        {
            self.older_terms += 1;
            if self.older_terms <= MAX_LISTED {
                let what = format!(
                    "Entry {} is of an older term than the one before it.",
                    run.first
                );
                let finding = Finding::blocking("raft.term", format!("entry {}", run.first), what)
                    .because("Terms never decrease in a log that Raft wrote.")
                    .todo("Use the raft.db of another server.");
                self.push_at(finding, at);
            }
        }
        self.facts.first_index.get_or_insert(run.first);
        self.facts.last_index = Some(run.last);
        self.facts.last_term = Some(run.last_term);
    }

    fn push_at(&mut self, finding: Finding, at: At) {
        let finding = match at {
            At::Offset(offset) => finding.at_offset(offset),
            At::FirstOf(page) => {
                self.unplaced.push((self.report.findings.len(), page));
                finding
            }
        };
        self.report.push(finding);
    }

    /// Takes buckets that lie among the entries of a leaf.
    pub(super) fn buckets(&mut self, many: u64, page: u64) {
        if many == 0 {
            return;
        }
        self.undecodable += many;
        if self.undecodable <= MAX_LISTED {
            let what = "A bucket lies among the entries.";
            let mut finding = Finding::blocking("raft.entry", format!("page {page}"), what)
                .because("The server stops at it when it starts.")
                .todo("Use the raft.db of another server.");
            finding.place.get_or_insert_default().page = Some(page);
            self.report.push(finding);
        }
    }

    fn undecodable(&mut self, offset: u64, subject: &str, why: &str) {
        self.undecodable += 1;
        if self.undecodable <= MAX_LISTED {
            let what = format!("It cannot be decoded: {why}.");
            self.report.push(
                Finding::blocking("raft.entry", subject, what)
                    .because("The server stops at it when it starts.")
                    .todo("Use the raft.db of another server.")
                    .at_offset(offset),
            );
        }
    }

    pub(super) fn page(&mut self, error: &Error) {
        self.unreadable += 1;
        if self.unreadable <= MAX_LISTED {
            self.report.push(
                Finding::blocking("raft.page", "bucket logs", format!("{error}."))
                    .because("The entries on it, or below it, are lost.")
                    .todo("Use the raft.db of another server.")
                    .at_offset(error.offset()),
            );
        }
    }

    pub(super) fn unreadable(&mut self, bucket: &str, why: &str) {
        self.unreadable += u64::from(bucket == "logs");
        let what = format!("Bucket {bucket} cannot be read: {why}.");
        self.report.push(
            Finding::blocking("raft.bucket", format!("bucket {bucket}"), what)
                .because("Without it the server does not start.")
                .todo("Use the raft.db of another server."),
        );
    }

    /// Takes what the server voted.
    pub(super) fn conf(&mut self, database: &Database<'_>) {
        match database.bucket(CONF) {
            Ok(Some(conf)) => self.vote(&conf),
            Ok(None) => self.unreadable("conf", "there is none"),
            Err(error) => self.unreadable("conf", &error.to_string()),
        }
    }

    fn vote(&mut self, conf: &Bucket<'_>) {
        self.facts.current_term = self.number(conf, "CurrentTerm");
        self.facts.last_vote_term = self.number(conf, "LastVoteTerm");
        match conf.get(b"LastVoteCand") {
            Ok(Some(address)) if address.len() as u64 <= MAX_CANDIDATE => {
                let address = String::from_utf8_lossy(&address).into_owned();
                self.facts.last_vote_candidate = Some(address);
            }
            Ok(Some(_)) => self.broken_vote("LastVoteCand", "it is longer than any address"),
            Ok(None) => {}
            Err(error) => self.broken_vote("LastVoteCand", &error.to_string()),
        }
    }

    fn number(&mut self, conf: &Bucket<'_>, name: &str) -> Option<u64> {
        match conf.get(name.as_bytes()) {
            Ok(Some(bytes)) => {
                let number = <[u8; 8]>::try_from(bytes.as_slice()).map(u64::from_be_bytes);
                if number.is_err() {
                    self.broken_vote(name, "it is not a number of 8 bytes");
                }
                number.ok()
            }
            Ok(None) => None,
            Err(error) => {
                self.broken_vote(name, &error.to_string());
                None
            }
        }
    }

    fn broken_vote(&mut self, name: &str, why: &str) {
        let what = format!("{name} cannot be read: {why}.");
        self.report.push(
            Finding::blocking("raft.vote", "bucket conf", what)
                .because("A server that forgets its vote may vote twice in one term.")
                .todo("Use the raft.db of another server."),
        );
    }

    /// The facts; `first_of` tells where the first entry of a leaf starts.
    pub(super) fn finish(mut self, first_of: impl Fn(u32) -> Option<u64>) -> (RaftDb, Report) {
        for (finding, page) in std::mem::take(&mut self.unplaced) {
            if let Some(offset) = first_of(page)
                && let Some(finding) = self.report.findings.get_mut(finding)
            {
                finding.place.get_or_insert_default().offset = Some(offset);
            }
        }
        self.facts.entries = self.types.iter().sum();
        let types = EntryType::ALL.into_iter().zip(self.types);
        self.facts.entries_by_type = types
            .filter(|(_, count)| *count > 0)
            .map(|(entry_type, count)| (entry_type.word().to_owned(), count))
            .collect();
        self.facts.complete = self.unreadable == 0 && self.undecodable == 0;
        for (count, code, things) in [
            (self.gaps, "raft.gap", "gaps"),
            (
                self.undecodable,
                "raft.entry",
                "entries that cannot be decoded",
            ),
            (self.unreadable, "raft.page", "pages that cannot be read"),
            (self.older_terms, "raft.term", "entries of an older term"),
        ] {
            if let more @ 1.. = count.saturating_sub(MAX_LISTED) {
                let what = format!("{more} more {things} are not listed.");
                self.report
                    .push(Finding::blocking(code, "bucket logs", what));
            }
        }
        if let (Some(current), Some(last)) = (self.facts.current_term, self.facts.last_term)
            && current < last
        {
            let what = format!("The server's term is {current}, its last entry is of term {last}.");
            self.report.push(
                Finding::warning("raft.current-term", "bucket conf", what)
                    .because("A server knows the term of every entry that it holds.")
                    .todo("Compare it with the raft.db of another server."),
            );
        }
        (self.facts, self.report)
    }
}
