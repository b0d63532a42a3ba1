//! The other files of an etcd member: segments of its write-ahead log, and `.snap` files.

use super::{Recognised, State, read};
use crate::source::Source;

/// The longest `.snap` whose checksum is computed.
const MAX_SNAP: u64 = 64 << 20;

pub(super) fn recognise(source: &dyn Source, head: &[u8]) -> Option<Recognised> {
    wal(head).or_else(|| snap(source, head))
}

/// A segment begins with a record of type 4 (CRC): the length of the record with its padding in the top byte, then
/// the protobuf fields `type` and `crc`.
fn wal(head: &[u8]) -> Option<Recognised> {
    const CRC_RECORD: &[u8] = &[0x08, 0x04, 0x10];
    let frame = u64::from_le_bytes(*head.first_chunk()?);
    let (len, padding) = (frame & 0x00ff_ffff_ffff_ffff, frame >> 56);
    let is_padding = padding == 0 || (0x80..0x88).contains(&padding);
    let record = head.get(8..)?;
    if !(4..=16).contains(&len) || !is_padding || !record.starts_with(CRC_RECORD) {
        return None;
    }
    let label = "a segment of a member's write-ahead log (WAL)";
    Some(
        Recognised {
            sentence: "This is a segment of an etcd member's write-ahead log (WAL), not a snapshot.".to_owned(),
            ..Recognised::other("etcd-wal", label, State::Unknown)
        }
        .inside("It holds the last proposals, not the keys.")
        .todo("The database of that member is member/snap/db, beside the folder member/wal: use that file, or save a snapshot with etcdctl."),
    )
}

/// `snappb.Snapshot`: the field `crc`, the field `data`, and the CRC-32C of the data.
fn snap(source: &dyn Source, head: &[u8]) -> Option<Recognised> {
    if source.size() > MAX_SNAP || head.first() != Some(&0x08) {
        return None;
    }
    let (crc, at) = varint(head, 1)?;
    if head.get(at) != Some(&0x12) {
        return None;
    }
    let (len, at) = varint(head, at + 1)?;
    if source.size() != (at as u64).checked_add(len)? {
        return None;
    }
    let data = read(source, at as u64, usize::try_from(len).ok()?)?;
    if u64::from(crc32c::crc32c(&data)) != crc {
        return None;
    }
    let label = "a member's .snap file";
    Some(
        Recognised {
            sentence: "This is an etcd member's .snap file, not a snapshot of its keys.".to_owned(),
            ..Recognised::other("etcd-snap", label, State::Complete)
        }
        .inside("It is complete, its checksum agrees; it holds membership, not keys.")
        .todo("The database of that member is the file db in the same folder, member/snap/db: use that file, or save a snapshot with etcdctl."),
    )
}

fn varint(bytes: &[u8], mut at: usize) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(at)?;
        at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value, at));
        }
    }
    None
}
