//! Databases that were carried as text: line ends translated, characters converted.
//!
//! A translation of line ends leaves a mark that nothing else does: in the whole file no LF comes without a CR, or
//! no CR comes before an LF, and the file is longer or shorter than it declares by as many bytes as places were
//! translated. Some programs leave a CRLF alone that was there before; then it is longer by fewer bytes, and its pages
//! are not where they belong.

use std::collections::BTreeSet;

use super::{Recognised, grouped, read};
use crate::bbolt::Meta;
use crate::bbolt::meta::{MAGIC, META_OFFSET};
use crate::etcd::storage::lost;
use crate::source::Source;

/// Bytes read at once.
const PIECE: usize = 1 << 20;
/// Fewer places than this may be chance.
const FEW: u64 = 3;
const TRAILER: u64 = 32;
/// How far a page may have moved, in bytes, and how many pages are looked at.
const MAX_SHIFT: u64 = 1 << 20;
const PAGES: u64 = 24;
/// So many bytes are not lost by translating in one place only, or in two.
const ONE_PIECE: u64 = 16;

/// A file whose beginning is that of a database, and whose pages are not where they belong.
pub(super) fn shifted(source: &dyn Source, meta: &Meta) -> Option<Recognised> {
    let (size, declared) = (source.size(), meta.logical_size());
    // As long as it should be: nothing was put in or taken out.
    if size == declared {
        return None;
    }
    // So it is with a trailer, unless what was put in is as long as one.
    let longer = size.saturating_sub(declared);
    if longer == TRAILER && !pages_are_later(source, meta, TRAILER)? {
        return None;
    }
    if longer > 0
        && let Some(places) = crlf_places(source)
    {
        let exact = [longer, longer.saturating_sub(TRAILER)].contains(&places);
        if exact {
            return Some(added(&grouped(places)));
        }
        let few = match longer.checked_sub(TRAILER) {
            Some(few @ 1..) => few,
            _ => longer,
        };
        let is_so = few <= places && pages_are_later(source, meta, longer)?;
        return is_so.then(|| added(&about(few)));
    }
    if size < declared + TRAILER {
        return removed(source, meta);
    }
    None
}

/// A file without a usable meta page.
pub(super) fn recognise(source: &dyn Source, head: &[u8]) -> Option<Recognised> {
    unicode(head).or_else(|| {
        // The magic of a meta page, moved by what was put in before it.
        let magic = MAGIC.to_le_bytes();
        let near = head.get(META_OFFSET..META_OFFSET + 24)?;
        near.windows(4).find(|four| *four == magic)?;
        // Some of them may have been there before.
        crlf_places(source).map(|places| added(&about(places)))
    })
}

fn about(places: u64) -> String {
    format!("about {}", grouped(places))
}

fn added(places: &str) -> Recognised {
    lost::translated(format!(
        "The line ends of this etcd database were converted in transit: LF became CRLF in {places} places."
    ))
}

/// How many LF follow a CR, when no other LF is in the file. Ends at the first that is.
fn crlf_places(source: &dyn Source) -> Option<u64> {
    let (mut offset, mut places, mut last) = (0, 0, 0u8);
    loop {
        let piece = read(source, offset, PIECE)?;
        if piece.is_empty() {
            break;
        }
        for byte in &piece {
            if *byte == b'\n' {
                if last != b'\r' {
                    return None;
                }
                places += 1;
            }
            last = *byte;
        }
        offset += piece.len() as u64;
    }
    (places >= FEW).then_some(places)
}

/// Whether the last pages are found up to `by` bytes later than they belong, and not in their places.
fn pages_are_later(source: &dyn Source, meta: &Meta, by: u64) -> Option<bool> {
    // Where they may have moved far, it is enough that none is in its place.
    let looked_through = if by > MAX_SHIFT { 0 } else { by };
    let (moved, in_place) = last_pages(source, meta, 0, looked_through)?;
    Some(match by > MAX_SHIFT {
        true => in_place == 0,
        false => moved > in_place,
    })
}

/// How many of the last pages are found out of their places, at most so far before and behind them, and how many in them.
fn last_pages(source: &dyn Source, meta: &Meta, before: u64, behind: u64) -> Option<(u64, u64)> {
    let ids = (2..meta.hwm).rev();
    let ids = ids.take(usize::try_from(PAGES).unwrap_or_default());
    let (mut moved, mut in_place) = (0, 0);
    for id in ids {
        match found_at(source, meta, id, before, behind)? {
            Some(at) if at == id * u64::from(meta.page_size) => in_place += 1,
            Some(_) => moved += 1,
            None => {}
        }
    }
    Some((moved, in_place))
}

/// Where the header of a page is found, if it is at most so far before or behind its place.
fn found_at(
    source: &dyn Source,
    meta: &Meta,
    id: u64,
    before: u64,
    behind: u64,
) -> Option<Option<u64>> {
    let from = (id * u64::from(meta.page_size)).saturating_sub(before);
    let len = usize::try_from(before + behind).unwrap_or_default() + 16;
    let bytes = read(source, from, len)?;
    let is_header = |header: &[u8]| {
        header.starts_with(&id.to_le_bytes()) && matches!(header.get(8..10), Some([1 | 2 | 16, 0]))
    };
    let found = bytes.windows(16).position(is_header);
    Some(found.map(|position| from + position as u64))
}

/// Whether pages all over the file are moved by one length: then a piece is missing, and not a byte here and there.
fn is_one_piece(source: &dyn Source, meta: &Meta, missing: u64) -> Option<bool> {
    let page = u64::from(meta.page_size);
    let mut lengths = BTreeSet::from([0]);
    for part in 1..=PAGES {
        let last = meta.hwm.saturating_sub(1);
        let id = (last / PAGES * part + last % PAGES * part / PAGES).max(2);
        let found = found_at(source, meta, id, missing, 0)?;
        lengths.extend(found.and_then(|at| (id * page).checked_sub(at)));
    }
    Some(lengths.len() < 3)
}

/// CRLF became LF: the file is too short by that many bytes, and its last pages are found that much too early.
fn removed(source: &dyn Source, meta: &Meta) -> Option<Recognised> {
    let size = source.size();
    let image = meta.logical_size();
    let missing = [image + TRAILER, image]
        .into_iter()
        .filter_map(|whole| whole.checked_sub(size))
        .find(|missing| (1..=MAX_SHIFT).contains(missing) && !missing.is_multiple_of(512))?;
    let (moved, in_place) = last_pages(source, meta, missing, 0)?;
    if moved < 2 || moved <= in_place || has_crlf(source)? {
        return None;
    }
    if missing >= ONE_PIECE && is_one_piece(source, meta, missing)? {
        return None;
    }
    Some(lost::translated(format!(
        "The line ends of this etcd database were converted in transit: CRLF became LF in about {} places.",
        grouped(missing)
    )))
}

fn has_crlf(source: &dyn Source) -> Option<bool> {
    let (mut offset, mut last) = (0, 0u8);
    loop {
        let piece = read(source, offset, PIECE)?;
        if piece.is_empty() {
            return Some(false);
        }
        for byte in &piece {
            if last == b'\r' && *byte == b'\n' {
                return Some(true);
            }
            last = *byte;
        }
        offset += piece.len() as u64;
    }
}

/// Bytes that were taken for characters of some encoding and written in another one.
fn unicode(head: &[u8]) -> Option<Recognised> {
    let begins = |bytes: &[u8]| head.starts_with(bytes);
    let (encoding, rest): (&str, &[u8]) = if begins(&[0xff, 0xfe]) {
        ("UTF-16", &head[2..])
    } else if begins(&[0xfe, 0xff]) {
        ("UTF-16 (big-endian)", &head[2..])
    } else if begins(&[0xef, 0xbb, 0xbf]) {
        ("UTF-8 with a byte-order mark", &head[3..])
    } else {
        ("UTF-8", head)
    };
    // ED DA 0C ED in the file: replaced where no character begins, or read as Latin-1.
    const REPLACED: &str = "\u{fffd}\u{fffd}\u{c}\u{fffd}";
    const ONCE: &str = "\u{fffd}\u{c}\u{fffd}";
    const LATIN_1: &str = "\u{ed}\u{da}\u{c}\u{ed}";
    let near: &[u8] = &rest[..rest.len().min(256)];
    let is_there = |text: &str| {
        let (mut little, mut big) = (Vec::new(), Vec::new());
        for unit in text.encode_utf16() {
            little.extend(unit.to_le_bytes());
            big.extend(unit.to_be_bytes());
        }
        [text.as_bytes(), &little, &big]
            .into_iter()
            .any(|wanted| near.windows(wanted.len()).any(|bytes| bytes == wanted))
    };
    let converted = [REPLACED, ONCE, LATIN_1].into_iter().any(is_there);
    let marked = rest.len() < head.len();
    if !converted && !marked {
        return None;
    }
    if !converted {
        // A mark before what may be any text: that is for others to name, unless the rest is binary.
        let magic = MAGIC.to_le_bytes();
        near.windows(4).find(|four| *four == magic)?;
    }
    Some(lost::translated(format!(
        "The bytes of this etcd database were converted as if they were characters, to {encoding}."
    )))
}
