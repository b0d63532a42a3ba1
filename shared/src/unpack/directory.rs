//! The directory at the end of a ZIP archive.

use crate::bbolt::{u16_at, u32_at, u64_at};
use crate::source::Source;

/// How an entry begins where its content is.
pub(crate) const LOCAL: &[u8] = b"PK\x03\x04";
/// Bytes of that beginning, before the entry's name.
pub(crate) const LOCAL_SIZE: u64 = 30;
/// How the end of the directory begins.
pub(crate) const END: &[u8] = b"PK\x05\x06";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END_64: &[u8] = b"PK\x06\x06";
/// Bytes of the end record without its comment, and of the longest comment.
const END_SIZE: usize = 22;
const LONGEST_COMMENT: usize = 65_535;
/// Entries that are looked at.
const MAX_ENTRIES: u64 = 1000;

/// An entry, as the directory has it.
pub(crate) struct Entry {
    /// As it is written: any bytes.
    pub(crate) name: Vec<u8>,
    /// 0: as it is; 8: by DEFLATE.
    pub(crate) method: u16,
    /// Whether a password is needed.
    pub(crate) encrypted: bool,
    /// Bytes in the archive.
    pub(crate) packed: u64,
    /// Bytes unpacked.
    pub(crate) unpacked: u64,
    /// CRC-32 of the unpacked bytes.
    pub(crate) crc: u32,
    /// Where its beginning is.
    pub(crate) offset: u64,
}

/// The entries by the central directory, at most [`MAX_ENTRIES`], and how many it has.
pub(crate) fn entries(source: &dyn Source) -> Option<(Vec<Entry>, u64)> {
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
        crc: u32_at(&header, 16)?,
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

/// Up to `len` bytes at `offset`; `None` where they cannot be read.
fn read(source: &dyn Source, offset: u64, len: usize) -> Option<Vec<u8>> {
    let there = source.size().saturating_sub(offset);
    let len = usize::try_from(there).map_or(len, |there| there.min(len));
    let mut bytes = vec![0; len];
    source.read_at(offset, &mut bytes).ok()?;
    Some(bytes)
}
