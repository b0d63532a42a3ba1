//! ZIP: the entries by the directory at its end, or what the first local header says where there is none.

use super::inflate;
use super::inside::{self, Beginning, Found, KEPT};
use super::{Recognised, Section, State, Within, grouped, quoted, read};
use crate::bbolt::{u16_at, u32_at};
use crate::source::Source;
use crate::unpack::directory::{END, Entry, LOCAL, LOCAL_SIZE, entries};

pub(super) fn recognise(source: &dyn Source, head: &[u8], within: Within) -> Option<Recognised> {
    if !(head.starts_with(LOCAL) || head.starts_with(END)) {
        return None;
    }
    const LABEL: &str = "a ZIP archive";
    let Some((entries, count)) = entries(source) else {
        let mut holds = None;
        let mut said = vec!["It was cut off: the directory at its end is missing.".to_owned()];
        if let Some(entry) = local(head) {
            said.push(format!("Its first entry is {}.", quoted(&entry.name)));
            let found = about(source, &entry, within);
            said.extend(found.as_ref().map(Found::sentence));
            holds = found.map(|found| found.kind);
        }
        return Some(
            Recognised::new("zip", LABEL, State::CutOff)
                .holding(holds)
                .inside(said.join(" "))
                .todo("Get it again, and compare its size with the original's."),
        );
    };
    let Some(first) = entries.first() else {
        return Some(
            Recognised::new("zip", LABEL, State::Complete)
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
    let mut found = None;
    if encrypted {
        said.push("It is encrypted with a password.".to_owned());
    } else {
        found = about(source, entry, within);
        said.extend(found.as_ref().map(Found::sentence));
    }
    let etcd = found.as_ref().is_some_and(|found| found.etcd);
    let todo = if encrypted {
        "Unpack it with its password, and use what comes out."
    } else if etcd || count == 1 {
        "Unpack it (unzip FILE) and use what comes out."
    } else {
        "Unpack it (unzip FILE) and choose the file in it that you need."
    };
    let state = if encrypted {
        State::Encrypted
    } else {
        State::Complete
    };
    Some(
        Recognised::new("zip", LABEL, state)
            .holding(found.map(|found| found.kind))
            .inside(said.join(" "))
            .todo(todo),
    )
}

/// What the beginning of an entry is.
fn about(source: &dyn Source, entry: &Entry, within: Within) -> Option<Found> {
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
    inside::look(&Beginning {
        bytes: &bytes,
        size: (entry.unpacked > 0).then_some(entry.unpacked),
        name: "",
        within,
    })
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
        crc: u32_at(head, 14)?,
        offset: 0,
    })
}
