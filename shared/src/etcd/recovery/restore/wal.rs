//! The one WAL segment of a restored member (spec 4.6, 4.7).

use super::cluster::{Cluster, Member};
use super::member_json;
use super::proto::Message;
use super::wire_form::WireForm;

/// The name of the segment: sequence 0, first entry 0.
pub const FILE_NAME: &str = "0000000000000000-0000000000000000.wal";

/// The length of the segment in bytes. Beyond the records it is zeros, which may be a hole.
pub const FILE_SIZE: u64 = 64_000_000;

/// The raft term that a restored log is in.
pub const TERM: u64 = 1;

/// `walpb.Record.type`.
#[derive(Debug, Clone, Copy)]
enum RecordType {
    Metadata = 1,
    Entry = 2,
    State = 3,
    Crc = 4,
    Snapshot = 5,
}

/// The segment's records: its first bytes, up to where the zeros start.
pub fn records(cluster: &Cluster, member: &Member, form: WireForm) -> Vec<u8> {
    let last = cluster.members().len() as u64;
    let lowest = cluster.members()[0].id;
    let mut wal = Writer::default();

    wal.crc();
    wal.record(
        RecordType::Metadata,
        &Message::default()
            .varint(1, member.id.0)
            .varint(2, cluster.id().0)
            .finish(),
    );
    // Where a log without any snapshot starts.
    wal.record(
        RecordType::Snapshot,
        &Message::default().varint(1, 0).varint(2, 0).finish(),
    );
    for (index, added) in (1..).zip(cluster.members()) {
        wal.record(RecordType::Entry, &entry(index, added, form));
    }
    wal.record(
        RecordType::State,
        &Message::default()
            .varint(1, TERM)
            .varint(2, lowest.0)
            .varint(3, last)
            .finish(),
    );
    let snapshot = Message::default().varint(1, last).varint(2, TERM);
    wal.record(
        RecordType::Snapshot,
        &match form {
            WireForm::V3_4 => snapshot,
            WireForm::V3_5 | WireForm::V3_7 => {
                snapshot.bytes(3, &form.conf_state(&cluster.voters()))
            }
        }
        .finish(),
    );
    wal.bytes
}

/// `raftpb.Entry` that adds a member as a voter.
fn entry(index: u64, member: &Member, form: WireForm) -> Vec<u8> {
    const CONF_CHANGE: u64 = 1;
    const ADD_NODE: u64 = 0;
    let change = match form {
        WireForm::V3_4 | WireForm::V3_5 => Message::default().varint(1, 0),
        WireForm::V3_7 => Message::default(),
    }
    .varint(2, ADD_NODE)
    .varint(3, member.id.0)
    .bytes(4, member_json::member(member).as_bytes())
    .finish();
    Message::default()
        .varint(1, CONF_CHANGE)
        .varint(2, TERM)
        .varint(3, index)
        .bytes(4, &change)
        .finish()
}

/// Frames records and keeps the chain of checksums.
#[derive(Debug, Default)]
struct Writer {
    bytes: Vec<u8>,
    /// CRC-32C over the data of all records so far.
    crc: u32,
}

impl Writer {
    /// The record that starts a segment: the checksum of the segment before it.
    fn crc(&mut self) {
        let record = Message::default()
            .varint(1, RecordType::Crc as u64)
            .varint(2, u64::from(self.crc))
            .finish();
        self.frame(&record);
    }

    fn record(&mut self, record_type: RecordType, data: &[u8]) {
        self.crc = crc32c::crc32c_append(self.crc, data);
        let record = Message::default()
            .varint(1, record_type as u64)
            .varint(2, u64::from(self.crc))
            .bytes(3, data)
            .finish();
        self.frame(&record);
    }

    /// The length field and the padding to a multiple of 8.
    fn frame(&mut self, record: &[u8]) {
        let padding = record.len().next_multiple_of(8) - record.len();
        let mut length = record.len() as u64;
        if padding > 0 {
            length |= (0x80 | padding as u64) << 56;
        }
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(record);
        self.bytes.resize(self.bytes.len() + padding, 0);
    }
}

#[cfg(test)]
mod tests;
