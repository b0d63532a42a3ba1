//! gzip: header, content, and whether its end is there.

use super::inflate::{self, BUDGET, End};
use super::inside::{self, Beginning, Found};
use super::{Recognised, State, Within, grouped, quoted, read};
use crate::source::Source;

const MAGIC: &[u8] = &[0x1f, 0x8b, 8];
/// CRC-32 and length, behind the stream.
const FOOTER: u64 = 8;

pub(super) fn recognise(source: &dyn Source, head: &[u8], within: Within) -> Option<Recognised> {
    if !head.starts_with(MAGIC) {
        return None;
    }
    let again = "Get it again, and compare its size with the original's.";
    let Some((start, name)) = header(head) else {
        return Some(
            Recognised::new("gzip", "a gzip file", State::CutOff)
                .inside("Not even its header is complete.")
                .todo(again),
        );
    };
    let unpacked = inflate::unpack(source, start, source.size(), BUDGET);
    let claimed = footer_size(source);
    // A longer file is not unpacked to its end; its last bytes tell its length.
    let size = match unpacked.end {
        End::Finished(_) => Some(unpacked.size),
        _ => None,
    };
    let found = inside::look(&Beginning {
        bytes: &unpacked.beginning,
        size,
        name: "",
        within,
    });
    let state = match unpacked.end {
        End::Finished(at) => end_of(source, at, unpacked.size, unpacked.crc),
        End::CutOff => State::CutOff,
        End::Broken => State::Damaged,
        End::Open => match (&found, claimed) {
            (Some(found), Some(claimed)) if found.declared.map(|n| n as u32) == Some(claimed) => {
                State::Complete
            }
            _ => State::Unknown,
        },
    };
    let mut said = Vec::new();
    if let Some(name) = name {
        said.push(format!(
            "It was packed from a file called {}.",
            quoted(&name)
        ));
    }
    said.push(match state {
        State::Complete => match size {
            Some(size) => format!("It is complete: {} bytes unpacked.", grouped(size)),
            None => "Its end is there.".to_owned(),
        },
        State::CutOff => format!(
            "It was cut off: its {} bytes end before the packed file does.",
            grouped(source.size())
        ),
        State::Damaged => "It cannot be unpacked to its end: its bytes were changed.".to_owned(),
        _ => "Whether it is complete shows when it is unpacked.".to_owned(),
    });
    let todo = match (state, &found) {
        (State::CutOff | State::Damaged, _) => again.to_owned(),
        (_, Some(found)) if found.kind.as_str() == "tar" => {
            "Unpack it (tar -xzf FILE) and choose the file in it that you need.".to_owned()
        }
        _ => "Unpack it (gunzip -c FILE > unpacked) and use what comes out.".to_owned(),
    };
    if let Some(found) = &found {
        said.push(about(found, state));
    }
    Some(
        Recognised::new("gzip", "a gzip file", state)
            .holding(found.map(|found| found.kind))
            .inside(said.join(" "))
            .todo(todo),
    )
}

/// What is in it, as far as it goes.
fn about(found: &Found, state: State) -> String {
    let first = if state == State::CutOff {
        "What is left of it begins as"
    } else {
        "In it is"
    };
    let mut text = format!("{first} {}.", found.label);
    if let Some(other) = &found.other
        && !other.inside.is_empty()
    {
        text.push(' ');
        text.push_str(&other.inside);
    }
    text
}

/// Where the packed bytes begin, and the name of the file that was packed.
fn header(head: &[u8]) -> Option<(u64, Option<Vec<u8>>)> {
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    const CRC: u8 = 2;
    let flags = *head.get(3)?;
    let mut at = 10;
    if flags & EXTRA != 0 {
        let len = u16::from_le_bytes(*head.get(at..)?.first_chunk()?);
        at += 2 + usize::from(len);
    }
    let mut text = |flag: u8| -> Option<Option<Vec<u8>>> {
        if flags & flag == 0 {
            return Some(None);
        }
        let rest = head.get(at..)?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        at += end + 1;
        Some(Some(rest[..end].to_vec()))
    };
    let name = text(NAME)?;
    text(COMMENT)?;
    if flags & CRC != 0 {
        at += 2;
    }
    (at < head.len()).then_some((at as u64, name))
}

/// Length of the unpacked file modulo 2^32, as the last bytes say.
fn footer_size(source: &dyn Source) -> Option<u32> {
    let bytes = read(source, source.size().checked_sub(4)?, 4)?;
    Some(u32::from_le_bytes(*bytes.first_chunk()?))
}

/// The footer behind a stream that ended, against what came out.
fn end_of(source: &dyn Source, at: u64, size: u64, crc: u32) -> State {
    let footer = match read(source, at, FOOTER as usize) {
        Some(footer) if footer.len() as u64 == FOOTER => footer,
        _ => return State::CutOff,
    };
    let wanted = [crc.to_le_bytes(), (size as u32).to_le_bytes()].concat();
    if footer == wanted {
        State::Complete
    } else {
        State::Damaged
    }
}
