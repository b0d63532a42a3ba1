//! ZIP: the entries by the directory at its end, or what the first local header says where there is none.

use super::inflate;
use super::inside::{self, Beginning, KEPT};
use super::{Recognized, Section, State, grouped, quoted, read};
use crate::bbolt::{u16_at, u32_at, u64_at};
use crate::source::Source;

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const END_64: &[u8] = b"PK\x06\x06";
/// Bytes of the end record without its comment, and of the longest comment.
const END_SIZE: usize = 22;
const LONGEST_COMMENT: usize = 65_535;
/// Entries that are looked at.
const MAX_ENTRIES: u64 = 1000;

struct Entry {
    name: Vec<u8>,
    method: u16,
    encrypted: bool,
    packed: u64,
    unpacked: u64,
    offset: u64,
}

pub(super) fn recognize(source: &dyn Source, head: &[u8], depth: u8) -> Option<Recognized> {
    if !(head.starts_with(LOCAL) || head.starts_with(END)) {
        return None;
    }
    const LABEL: &str = "a ZIP archive";
    let Some((entries, count)) = directory(source) else {
        let mut said = vec!["It was cut off: the directory at its end is missing.".to_owned()];
        if let Some(entry) = local(head) {
            said.push(format!("Its first entry is {}.", quoted(&entry.name)));
            said.extend(about(source, &entry, depth).map(|(text, _)| text));
        }
        return Some(
            Recognized::other("zip", LABEL, State::CutOff)
                .inside(said.join(" "))
                .todo("Get it again, and compare its size with the original's."),
        );
    };
    let Some(first) = entries.first() else {
        return Some(
            Recognized::other("zip", LABEL, State::Complete)
                .inside("It has no entries.")
                .todo("Look for another file of the same backup."),
        );
    };
    let encrypted = entries.iter().any(|entry| entry.encrypted);
    let mut said = Vec::new();
    // The largest of several: what lies beside a snapshot is small.
    let entry = entries
        .iter()
        .max_by_key(|entry| entry.unpacked)
        .unwrap_or(first);
    let bytes = grouped(entry.unpacked);
    said.push(if count == 1 {
        format!(
            "It is complete and has one entry, {}, {bytes} bytes unpacked.",
            quoted(&entry.name)
        )
    } else {
        format!(
            "It is complete and has {} entries; the largest is {}, {bytes} bytes unpacked.",
            grouped(count),
            quoted(&entry.name)
        )
    });
    let mut etcd = false;
    if encrypted {
        said.push("It is encrypted with a password.".to_owned());
    } else if let Some((text, is_etcd)) = about(source, entry, depth) {
        said.push(text);
        etcd = is_etcd;
    }
    let todo = if encrypted {
        "Unpack it with its password, and use what comes out."
    } else if etcd || count == 1 {
        "Unpack it (unzip FILE) and use what comes out."
    } else {
        "Unpack it (unzip FILE) and choose the snapshot in it, if it has one."
    };
    let state = if encrypted {
        State::Encrypted
    } else {
        State::Complete
    };
    Some(
        Recognized::other("zip", LABEL, state)
            .inside(said.join(" "))
            .todo(todo),
    )
}

/// What the beginning of an entry is, and whether it is an etcd database.
fn about(source: &dyn Source, entry: &Entry, depth: u8) -> Option<(String, bool)> {
    const LOCAL_SIZE: u64 = 30;
    const STORED: u16 = 0;
    const DEFLATED: u16 = 8;
    let header = read(source, entry.offset, LOCAL_SIZE as usize)?;
    if !header.starts_with(LOCAL) {
        return None;
    }
    let start = entry.offset
        + LOCAL_SIZE
        + u64::from(u16_at(&header, 26)?)
        + u64::from(u16_at(&header, 28)?);
    let stop = if entry.packed == 0 {
        source.size()
    } else {
        start.saturating_add(entry.packed).min(source.size())
    };
    let bytes = match entry.method {
        STORED => {
            let section = Section {
                source,
                start,
                size: stop.saturating_sub(start),
            };
            read(&section, 0, KEPT)?
        }
        DEFLATED => inflate::unpack(source, start, stop, KEPT as u64).beginning,
        _ => return None,
    };
    let found = inside::look(&Beginning {
        bytes: &bytes,
        size: (entry.unpacked > 0).then_some(entry.unpacked),
        name: "",
        depth,
    })?;
    let text = if found.etcd {
        format!("{} is in it.", inside::capital(&found.label))
    } else {
        format!("That is {}.", found.label)
    };
    Some((text, found.etcd))
}

/// The entries by the central directory, at most [`MAX_ENTRIES`], and how many it has.
fn directory(source: &dyn Source) -> Option<(Vec<Entry>, u64)> {
    let size = source.size();
    let tail_len = (END_SIZE + LONGEST_COMMENT).min(usize::try_from(size).unwrap_or(usize::MAX));
    let tail_start = size - tail_len as u64;
    let tail = read(source, tail_start, tail_len)?;
    let at = (0..=tail.len().checked_sub(END_SIZE)?)
        .rev()
        .find(|&at| tail[at..].starts_with(END))?;
    let end = &tail[at..];
    let (mut count, mut start) = (u64::from(u16_at(end, 10)?), u64::from(u32_at(end, 16)?));
    if count == 0xffff || start == 0xffff_ffff {
        // ZIP64: its own end record lies before, behind a locator of 20 bytes.
        let locator = read(source, (tail_start + at as u64).checked_sub(20)?, 20)?;
        let record = read(source, u64_at(&locator, 8)?, 56)?;
        if !record.starts_with(END_64) {
            return None;
        }
        (count, start) = (u64_at(&record, 32)?, u64_at(&record, 48)?);
    }
    let mut entries = Vec::new();
    for _ in 0..count.min(MAX_ENTRIES) {
        let (entry, len) = central(source, start)?;
        entries.push(entry);
        start += len;
    }
    Some((entries, count))
}

fn central(source: &dyn Source, at: u64) -> Option<(Entry, u64)> {
    const SIZE: usize = 46;
    let header = read(source, at, SIZE)?;
    if !header.starts_with(CENTRAL) {
        return None;
    }
    let [name_len, extra_len, comment_len] =
        [28, 30, 32].map(|at| usize::from(u16_at(&header, at).unwrap_or_default()));
    let name = read(source, at + SIZE as u64, name_len)?;
    let extra = read(source, at + (SIZE + name_len) as u64, extra_len)?;
    let mut packed = u64::from(u32_at(&header, 20)?);
    let mut unpacked = u64::from(u32_at(&header, 24)?);
    let mut offset = u64::from(u32_at(&header, 42)?);
    for value in [&mut unpacked, &mut packed, &mut offset].into_iter().scan(
        zip64(&extra).unwrap_or_default(),
        |longs, value| {
            if *value == 0xffff_ffff {
                Some((value, (!longs.is_empty()).then(|| longs.remove(0))))
            } else {
                Some((value, None))
            }
        },
    ) {
        if let (value, Some(long)) = value {
            *value = long;
        }
    }
    let entry = Entry {
        name,
        method: u16_at(&header, 10)?,
        encrypted: u16_at(&header, 8)? & 1 != 0,
        packed,
        unpacked,
        offset,
    };
    Some((entry, (SIZE + name_len + extra_len + comment_len) as u64))
}

/// The 64-bit values of the ZIP64 extra field, in order.
fn zip64(extra: &[u8]) -> Option<Vec<u64>> {
    const ID: u16 = 1;
    let mut rest = extra;
    loop {
        let (id, len) = (u16_at(rest, 0)?, usize::from(u16_at(rest, 2)?));
        let value = rest.get(4..4 + len)?;
        if id == ID {
            return Some(
                value
                    .chunks_exact(8)
                    .filter_map(|long| u64_at(long, 0))
                    .collect(),
            );
        }
        rest = &rest[4 + len..];
    }
}

/// The first entry by its local header; sizes may follow its content and are 0 then.
fn local(head: &[u8]) -> Option<Entry> {
    let len = usize::from(u16_at(head, 26)?);
    Some(Entry {
        name: head.get(30..30 + len)?.to_vec(),
        method: u16_at(head, 8)?,
        encrypted: u16_at(head, 6)? & 1 != 0,
        packed: u64::from(u32_at(head, 18)?),
        unpacked: u64::from(u32_at(head, 22)?),
        offset: 0,
    })
}
