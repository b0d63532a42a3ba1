//! ZIP: the entries by the directory at its end, or what the first local header says where there is none.

use super::inflate;
use super::inside::{self, Beginning, KEPT};
use super::{Recognised, Section, State, grouped, quoted, read};
use crate::bbolt::{u16_at, u32_at};
use crate::source::Source;
use crate::unpack::directory::{END, Entry, LOCAL, LOCAL_SIZE, entries};

pub(super) fn recognise(source: &dyn Source, head: &[u8], depth: u8) -> Option<Recognised> {
    if !(head.starts_with(LOCAL) || head.starts_with(END)) {
        return None;
    }
    const LABEL: &str = "a ZIP archive";
    let Some((entries, count)) = entries(source) else {
        let mut said = vec!["It was cut off: the directory at its end is missing.".to_owned()];
        if let Some(entry) = local(head) {
            said.push(format!("Its first entry is {}.", quoted(&entry.name)));
            said.extend(about(source, &entry, depth).map(|(text, _)| text));
        }
        return Some(
            Recognised::other("zip", LABEL, State::CutOff)
                .inside(said.join(" "))
                .todo("Get it again, and compare its size with the original's."),
        );
    };
    let Some(first) = entries.first() else {
        return Some(
            Recognised::other("zip", LABEL, State::Complete)
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
        Recognised::other("zip", LABEL, state)
            .inside(said.join(" "))
            .todo(todo),
    )
}

/// What the beginning of an entry is, and whether it is an etcd database.
fn about(source: &dyn Source, entry: &Entry, depth: u8) -> Option<(String, bool)> {
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
