//! The log of a server, applied to the jobs of its newest snapshot: every entry behind it, committed or not, as a
//! recovery by `peers.json` and a new leader do.

use std::collections::BTreeMap;

use super::command::{Command, MAX_COMMAND};
use super::jobs::Jobs;
use super::record::Undecodable;
use super::terms::Terms;
use crate::bbolt::Database;
use crate::raft::entry::{Entry, EntryType};
use crate::raft::store::LOGS;
use crate::source::Source;

/// Commands that cannot be decoded and are listed; the rest is counted.
const MAX_LISTED: usize = 20;

/// What a pass over the log found. Damage of the log itself is what [`crate::raft::store::read`] reports.
#[derive(Debug, Default)]
pub struct Replay {
    /// The terms of all entries.
    pub terms: Terms,
    /// How many commands of each kind there are, those before the snapshot too.
    pub commands: BTreeMap<&'static str, u64>,
    /// The first commands that cannot be decoded, by index, and why.
    pub undecodable: Vec<(u64, String)>,
    /// How many there are in all.
    pub undecodable_count: u64,
}

/// Reads the whole log, and applies what is behind `snapshot`, the index at which the jobs are. Where they are unknown,
/// nothing is applied.
pub fn read(database: &Database<'_>, snapshot: u64, mut jobs: Option<&mut Jobs>) -> Replay {
    let mut replay = Replay::default();
    let Ok(Some(logs)) = database.bucket(LOGS) else {
        return replay;
    };
    let (mut cursor, mut buffer) = (logs.cursor(), Vec::new());
    loop {
        let found = match cursor.next() {
            Ok(Some(found)) => found,
            Ok(None) => return replay,
            Err(_) => continue,
        };
        let Ok(entry) = Entry::decode(&found.value) else {
            continue;
        };
        if found.key != entry.index.to_be_bytes() {
            continue;
        }
        replay.terms.push(entry.index, entry.term);
        let (EntryType::Command, Some((at, len))) = (entry.entry_type, entry.data) else {
            continue;
        };
        let command = if len > MAX_COMMAND {
            Err(Undecodable::Long(len).to_string())
        } else {
            buffer.resize(len as usize, 0);
            let read = found.value.read_at(at, &mut buffer);
            read.map_err(|error| error.to_string())
                .and_then(|()| Command::decode(&buffer).map_err(|error| error.to_string()))
        };
        match command {
            Ok(command) => {
                *replay.commands.entry(command.word()).or_default() += 1;
                if let Some(jobs) = jobs.as_mut().filter(|_| entry.index > snapshot) {
                    jobs.apply(entry.index, command);
                }
            }
            Err(_) if entry.index <= snapshot => {}
            Err(why) => {
                replay.undecodable_count += 1;
                if replay.undecodable.len() < MAX_LISTED {
                    replay.undecodable.push((entry.index, why));
                }
            }
        }
    }
}
