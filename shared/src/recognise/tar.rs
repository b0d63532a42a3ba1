//! tar: the names of its files, what they are, and whether the end is there.

use super::inside::{self, Beginning, KEPT};
use super::{Recognised, Section, State, Within, grouped, quoted, read};
use crate::raft::inspect::RAFT_SNAPSHOT;
use crate::source::Source;

const BLOCK: u64 = 512;
/// Files that are looked at.
const MAX_FILES: usize = 1000;
/// Files that are named.
const SHOWN: usize = 5;

struct Entry {
    name: Vec<u8>,
    start: u64,
    size: u64,
}

/// Whether a block is the header of a file: its checksum says so, whichever tar wrote it.
fn is_header(block: &[u8]) -> bool {
    let (Some(field), Some(block)) = (block.get(148..156), block.get(..512)) else {
        return false;
    };
    let Some(stored) = octal(field) else {
        return false;
    };
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    let field: u64 = field.iter().map(|byte| u64::from(*byte)).sum();
    block[0] != 0 && sum - field + 8 * u64::from(b' ') == stored
}

fn octal(field: &[u8]) -> Option<u64> {
    // GNU tar writes what is too large in base 256.
    if field.first().is_some_and(|byte| byte & 0x80 != 0) {
        let tail: [u8; 8] = *field.last_chunk()?;
        return Some(u64::from_be_bytes(tail));
    }
    let text = std::str::from_utf8(field).ok()?;
    let digits = text.trim_matches(['\0', ' ']);
    u64::from_str_radix(digits, 8).ok()
}

pub(super) fn recognise(source: &dyn Source, head: &[u8], within: Within) -> Option<Recognised> {
    if !is_header(head) {
        return None;
    }
    let (entries, state) = entries(source);
    let mut said = vec![match state {
        State::CutOff => "It was cut off: its last file is not complete.".to_owned(),
        State::Complete => "It is complete.".to_owned(),
        _ => "It has more files than were looked at.".to_owned(),
    }];
    let named: Vec<String> = entries
        .iter()
        .take(SHOWN)
        .map(|entry| format!("{} ({} bytes)", quoted(&entry.name), grouped(entry.size)))
        .collect();
    if named.is_empty() {
        said.push("It holds no files.".to_owned());
    } else {
        let more = entries.len().saturating_sub(SHOWN);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        said.push(format!("It holds {}{more}.", named.join(", ")));
    }
    let has = |name: &str| {
        entries.iter().any(|entry| {
            let file = entry.name.rsplit(|byte| *byte == b'/').next();
            file == Some(name.as_bytes())
        })
    };
    let mut holds = None;
    let mut todo = "Unpack it (tar -xf FILE) and choose the file in it that you need.";
    if has("meta.json") && has("state.bin") {
        said.push(
            "That is a Raft snapshot of Consul, Nomad or another system on HashiCorp's Raft library."
                .to_owned(),
        );
        todo = "Restore it with that system's own command.";
        holds = Some(RAFT_SNAPSHOT);
    }
    for entry in entries.iter().filter(|entry| entry.size > 0) {
        let section = Section {
            source,
            start: entry.start,
            size: entry.size.min(source.size().saturating_sub(entry.start)),
        };
        let Some(bytes) = read(&section, 0, KEPT) else {
            continue;
        };
        let found = inside::look(&Beginning {
            bytes: &bytes,
            size: Some(entry.size),
            name: "",
            within,
        });
        if let Some(found) = found.filter(|found| found.etcd) {
            said.push(format!("{} is {}.", quoted(&entry.name), found.label));
            holds = Some(found.kind);
            break;
        }
    }
    Some(
        Recognised::new("tar", "a tar archive", state)
            .holding(holds)
            .inside(said.join(" "))
            .todo(match state {
                State::CutOff => "Get it again, and compare its size with the original's.",
                _ => todo,
            }),
    )
}

fn entries(source: &dyn Source) -> (Vec<Entry>, State) {
    let mut entries = Vec::new();
    let mut at = 0;
    let mut long_name = None;
    for _ in 0..MAX_FILES {
        let Some(block) = read(source, at, BLOCK as usize).filter(|b| b.len() as u64 == BLOCK)
        else {
            return (entries, State::CutOff);
        };
        if block.iter().all(|byte| *byte == 0) {
            return (entries, State::Complete);
        }
        let Some(size) = octal(&block[124..136]).filter(|_| is_header(&block)) else {
            return (entries, State::CutOff);
        };
        let start = at + BLOCK;
        let Some(next) = size
            .checked_next_multiple_of(BLOCK)
            .and_then(|padded| start.checked_add(padded))
        else {
            return (entries, State::CutOff);
        };
        let kind = block[156];
        match kind {
            // A long name for what follows.
            b'L' => {
                long_name = read(source, start, usize::try_from(size).unwrap_or(0).min(4096))
                    .map(|name| until_zero(&name).to_vec());
            }
            0 | b'0' | b'7' => {
                let name = long_name.take().unwrap_or_else(|| name(&block));
                entries.push(Entry { name, start, size });
            }
            _ => {}
        }
        if next > source.size() && kind != b'5' {
            return (entries, State::CutOff);
        }
        at = next;
    }
    (entries, State::Unknown)
}

fn name(block: &[u8]) -> Vec<u8> {
    let name = until_zero(&block[..100]);
    let prefix = until_zero(&block[345..500]);
    if prefix.is_empty() || &block[257..262] != b"ustar" {
        name.to_vec()
    } else {
        [prefix, b"/", name].concat()
    }
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}
