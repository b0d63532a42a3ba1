//! Compressed formats that are not unpacked here: whether they are complete, by their frames.

use super::{Recognised, State, grouped, read};
use crate::bbolt::{u16_at, u32_at, u64_at};
use crate::source::Source;

/// Blocks that are stepped over at most.
const MAX_BLOCKS: u32 = 1 << 18;

pub(super) fn recognise(source: &dyn Source, head: &[u8]) -> Option<Recognised> {
    let (code, label, state, unpacked, tool) = if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let state = zstd(source, head).unwrap_or(State::Unknown);
        (
            "zstd",
            "a Zstandard file",
            state,
            zstd_size(head),
            "zstd -dc",
        )
    } else if head.starts_with(&[0x04, 0x22, 0x4d, 0x18]) {
        let state = lz4(source, head).unwrap_or(State::Unknown);
        ("lz4", "an LZ4 file", state, lz4_size(head), "lz4 -dc")
    } else if head.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0]) {
        ("xz", "an xz file", ends_with(source, b"YZ"), None, "xz -dc")
    } else if head.starts_with(b"BZh")
        && head
            .get(4..10)
            .is_some_and(|block| block == [0x31, 0x41, 0x59, 0x26, 0x53, 0x59])
    {
        ("bzip2", "a bzip2 file", State::Unknown, None, "bunzip2 -c")
    } else if head.starts_with(b"LZIP") {
        ("lzip", "an lzip file", State::Unknown, None, "lzip -dc")
    } else if head.starts_with(&[0x1f, 0x9d]) {
        (
            "compress",
            "a file packed by compress",
            State::Unknown,
            None,
            "uncompress -c",
        )
    } else if head.starts_with(&[0xff, 0x06, 0, 0, b's', b'N', b'a', b'P', b'p', b'Y']) {
        ("snappy", "a Snappy file", State::Unknown, None, "snzip -dc")
    } else {
        return None;
    };
    let mut said = vec![match state {
        State::Complete => "It is complete.".to_owned(),
        State::CutOff => format!(
            "It was cut off: its {} bytes end before its last block does.",
            grouped(source.size())
        ),
        _ => "Whether it is complete shows when it is unpacked.".to_owned(),
    }];
    if let Some(unpacked) = unpacked {
        said.push(format!(
            "It says that it has {} bytes unpacked.",
            grouped(unpacked)
        ));
    }
    said.push("What is in it cannot be seen without unpacking it.".to_owned());
    let todo = if state == State::CutOff {
        "Get it again, and compare its size with the original's.".to_owned()
    } else {
        format!("Unpack it ({tool} FILE > unpacked) and use what comes out.")
    };
    Some(
        Recognised::new(code, label, state)
            .inside(said.join(" "))
            .todo(todo),
    )
}

fn ends_with(source: &dyn Source, magic: &[u8]) -> State {
    let len = magic.len();
    let tail = source
        .size()
        .checked_sub(len as u64)
        .and_then(|at| read(source, at, len));
    match tail {
        Some(tail) if tail == magic => State::Complete,
        Some(_) => State::CutOff,
        None => State::Unknown,
    }
}

/// Bytes of a frame's header, magic included, and where its content size is.
fn zstd_header(head: &[u8]) -> Option<(usize, usize, usize)> {
    let descriptor = *head.get(4)?;
    let single = descriptor & 0x20 != 0;
    let window = usize::from(!single);
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let size = match descriptor >> 6 {
        0 => usize::from(single),
        1 => 2,
        2 => 4,
        _ => 8,
    };
    let at = 5 + window + dictionary;
    Some((at + size, at, size))
}

fn zstd_size(head: &[u8]) -> Option<u64> {
    let (_, at, size) = zstd_header(head)?;
    match size {
        1 => head.get(at).map(|byte| u64::from(*byte)),
        2 => u16_at(head, at).map(|n| u64::from(n) + 256),
        4 => u32_at(head, at).map(u64::from),
        8 => u64_at(head, at),
        _ => None,
    }
}

/// Steps from block to block to the end of the first frame.
fn zstd(source: &dyn Source, head: &[u8]) -> Option<State> {
    let checksum = if head.get(4)? & 4 != 0 { 4 } else { 0 };
    let mut at = zstd_header(head)?.0 as u64;
    for _ in 0..MAX_BLOCKS {
        let header = read(source, at, 3)?;
        let [a, b, c] = *header.as_slice() else {
            return Some(State::CutOff);
        };
        let header = u32::from_le_bytes([a, b, c, 0]);
        let (last, kind, size) = (header & 1 == 1, (header >> 1) & 3, header >> 3);
        // A run is one byte that is repeated.
        at += 3 + if kind == 1 { 1 } else { u64::from(size) };
        if at > source.size() {
            return Some(State::CutOff);
        }
        if last {
            let whole = at + checksum <= source.size();
            return Some(if whole {
                State::Complete
            } else {
                State::CutOff
            });
        }
    }
    None
}

fn lz4_size(head: &[u8]) -> Option<u64> {
    (head.get(4)? & 8 != 0).then(|| u64_at(head, 6)).flatten()
}

fn lz4(source: &dyn Source, head: &[u8]) -> Option<State> {
    let flags = *head.get(4)?;
    let flag = |bit: u8, bytes: u64| if flags & bit != 0 { bytes } else { 0 };
    let mut at = 7 + flag(8, 8) + flag(1, 4);
    for _ in 0..MAX_BLOCKS {
        let header = read(source, at, 4)?;
        let Some(size) = u32_at(&header, 0) else {
            return Some(State::CutOff);
        };
        at += 4;
        if size == 0 {
            let whole = at + flag(4, 4) <= source.size();
            return Some(if whole {
                State::Complete
            } else {
                State::CutOff
            });
        }
        at += u64::from(size & 0x7fff_ffff) + flag(16, 4);
        if at > source.size() {
            return Some(State::CutOff);
        }
    }
    None
}
