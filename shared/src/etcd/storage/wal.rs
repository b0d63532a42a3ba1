//! A segment of a member's write-ahead log: what its records say, and how far they can be trusted (spec 4.7, 6.2).
//!
//! ```text
//! frame    length (8 bytes, little-endian) | record | padding to a multiple of 8
//!          low 56 bits: bytes of the record; top byte: 0x80 + bytes of padding, or 0
//! record   type=1: metadata 1, entry 2, state 3, crc 4, snapshot 5     crc=2     data=3
//! segment  crc, metadata, [state], snapshot …, then entries, states and snapshots; zeros to its end
//! ```
//! `crc` is CRC-32C over the data of all records so far, the segments before included: the record that begins a
//! segment carries it over.

mod frames;

use serde::{Deserialize, Serialize};

use super::inspection::ConfState;
use super::schema::{Fields, Wire, WireError};
use crate::source::{Source, SourceError};
use frames::{Frame, Frames};

/// Snapshot records that are listed; the rest is counted.
const MAX_SNAPSHOTS: usize = 1000;
/// Voters and learners of one snapshot record that are read.
const MAX_MEMBERS: usize = 1000;

/// What a segment holds. Ids are hexadecimal, as etcd prints them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wal {
    /// The member whose log it is.
    pub member_id: Option<String>,
    /// Its cluster.
    pub cluster_id: Option<String>,
    /// Sound records.
    pub records: u64,
    /// Entry records among them.
    pub entries: u64,
    /// Entries that a later leader replaced.
    pub replaced: u64,
    /// Entries without data, which a new leader appends.
    pub noops: u64,
    /// Entries that change the membership.
    pub membership_changes: u64,
    /// Index of the first entry.
    pub first_index: Option<u64>,
    /// Index of the last entry.
    pub last_index: Option<u64>,
    /// Term of the last entry.
    pub last_term: Option<u64>,
    /// The last state record.
    pub hard_state: Option<HardState>,
    /// Snapshot records, in order; the last ones where there are very many.
    pub snapshots: Vec<SnapshotRecord>,
    /// The checksum that the segment before this one ended with; 0 in the first segment.
    pub carried_crc: u32,
    /// How the records end.
    pub end: End,
    /// Where they end: bytes from the start of the file.
    pub end_offset: u64,
}

/// What raft had to remember.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HardState {
    /// The newest term that the member knew.
    pub term: u64,
    /// Whom it voted for in that term, hexadecimal; `0` for nobody.
    pub vote: String,
    /// Index up to which entries were known to be committed.
    pub commit: u64,
}

/// A snapshot that the log knows of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotRecord {
    /// Index of the last entry in it.
    pub index: u64,
    /// Term of that entry.
    pub term: u64,
    /// Who voted then; 3.4 does not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conf_state: Option<ConfState>,
}

/// How the records of a segment end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum End {
    /// With the file, or with zeros up to its end.
    #[default]
    Clean,
    /// Within a record that was being written: the server cuts it off when it starts.
    Torn {
        /// What shows it.
        why: String,
    },
    /// At a record that was changed: the server does not start with it.
    Damaged {
        /// What is wrong with it.
        why: String,
    },
    /// The file could not be read on.
    Unreadable {
        /// What the medium said.
        why: String,
    },
}

/// Whether a file begins like a segment: with a record of type crc.
pub fn begins(head: &[u8]) -> bool {
    const CRC_RECORD: &[u8] = &[0x08, 0x04, 0x10];
    let Some(field) = head.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)) else {
        return false;
    };
    let (len, padding) = (field & frames::LENGTH, field >> 56);
    let is_padding = padding == 0 || (0x80..0x88).contains(&padding);
    let record = head.get(8..).unwrap_or_default();
    (4..=16).contains(&len) && is_padding && record.starts_with(CRC_RECORD)
}

/// Reads a segment to the end of its records.
pub fn read(source: &dyn Source) -> Wal {
    let mut reading = Reading::default();
    let mut frames = Frames::new(source);
    loop {
        let end = match frames.next() {
            Ok(Frame::End) => frames.rest(),
            Ok(Frame::Record(record)) => match reading.record(record) {
                Ok(()) => {
                    reading.wal.records += 1;
                    frames.accept();
                    continue;
                }
                Err(why) if frames.has_zero_sector() => End::Torn { why },
                Err(why) => End::Damaged { why },
            },
            Ok(Frame::Short(why)) => End::Torn { why },
            Err(error) => End::Unreadable { why: said(&error) },
        };
        reading.wal.end = end;
        reading.wal.end_offset = frames.accepted();
        return reading.wal;
    }
}

fn said(error: &SourceError) -> String {
    error.to_string()
}

#[derive(Default)]
struct Reading {
    wal: Wal,
    crc: u32,
    metadata: Option<Vec<u8>>,
}

/// `walpb.Record`.
#[derive(Default)]
struct Record<'a> {
    record_type: u64,
    crc: u64,
    data: &'a [u8],
}

impl<'a> Record<'a> {
    fn decode(bytes: &'a [u8]) -> Result<Self, WireError> {
        let mut record = Self::default();
        for field in Fields::new(bytes) {
            match field? {
                (1, Wire::Varint(n)) => record.record_type = n,
                (2, Wire::Varint(n)) => record.crc = n,
                (3, Wire::Bytes(bytes)) => record.data = bytes,
                _ => {}
            }
        }
        Ok(record)
    }
}

impl Reading {
    fn record(&mut self, bytes: &[u8]) -> Result<(), String> {
        const METADATA: u64 = 1;
        const ENTRY: u64 = 2;
        const STATE: u64 = 3;
        const CRC: u64 = 4;
        const SNAPSHOT: u64 = 5;
        let undecodable = |error: WireError| format!("a record cannot be decoded: {error}");
        let record = Record::decode(bytes).map_err(undecodable)?;
        if record.record_type == CRC {
            let crc = u32::try_from(record.crc).unwrap_or_default();
            if self.wal.records == 0 {
                self.wal.carried_crc = crc;
            } else if self.crc != 0 && self.crc != crc {
                return Err("a checksum that is carried over differs".to_owned());
            }
            self.crc = crc;
            return Ok(());
        }
        let crc = crc32c::crc32c_append(self.crc, record.data);
        if u64::from(crc) != record.crc {
            return Err("the checksum of a record differs".to_owned());
        }
        match record.record_type {
            METADATA => self.metadata(record.data)?,
            ENTRY => self.entry(record.data)?,
            STATE => self.state(record.data).map_err(undecodable)?,
            SNAPSHOT => self.snapshot(record.data).map_err(undecodable)?,
            other => return Err(format!("a record is of the unknown type {other}")),
        }
        self.crc = crc;
        Ok(())
    }

    fn metadata(&mut self, data: &[u8]) -> Result<(), String> {
        if let Some(before) = &self.metadata {
            return match before == data {
                true => Ok(()),
                false => Err("it names two members".to_owned()),
            };
        }
        for field in Fields::new(data) {
            match field.map_err(|error| format!("a record cannot be decoded: {error}"))? {
                (1, Wire::Varint(id)) => self.wal.member_id = Some(format!("{id:x}")),
                (2, Wire::Varint(id)) => self.wal.cluster_id = Some(format!("{id:x}")),
                _ => {}
            }
        }
        self.metadata = Some(data.to_vec());
        Ok(())
    }

    fn entry(&mut self, data: &[u8]) -> Result<(), String> {
        let (mut entry_type, mut term, mut index, mut payload) = (0, 0, 0, 0);
        for field in Fields::new(data) {
            match field.map_err(|error| format!("an entry cannot be decoded: {error}"))? {
                (1, Wire::Varint(n)) => entry_type = n,
                (2, Wire::Varint(n)) => term = n,
                (3, Wire::Varint(n)) => index = n,
                (4, Wire::Bytes(bytes)) => payload = bytes.len(),
                _ => {}
            }
        }
        let wal = &mut self.wal;
        if let Some(last) = wal.last_index {
            if index.saturating_sub(last) > 1 {
                return Err(format!("entry {index} follows entry {last}"));
            }
            if index <= last {
                wal.replaced += last - index + 1;
            }
        }
        wal.entries += 1;
        match (entry_type, payload) {
            (1 | 2, _) => wal.membership_changes += 1,
            (_, 0) => wal.noops += 1,
            _ => {}
        }
        let first = wal.first_index.get_or_insert(index);
        *first = (*first).min(index);
        wal.last_index = Some(index);
        wal.last_term = Some(term);
        Ok(())
    }

    fn state(&mut self, data: &[u8]) -> Result<(), WireError> {
        let (mut term, mut vote, mut commit) = (0, 0, 0);
        for field in Fields::new(data) {
            match field? {
                (1, Wire::Varint(n)) => term = n,
                (2, Wire::Varint(n)) => vote = n,
                (3, Wire::Varint(n)) => commit = n,
                _ => {}
            }
        }
        let vote = format!("{vote:x}");
        self.wal.hard_state = Some(HardState { term, vote, commit });
        Ok(())
    }

    fn snapshot(&mut self, data: &[u8]) -> Result<(), WireError> {
        let (mut index, mut term, mut conf_state) = (0, 0, None);
        for field in Fields::new(data) {
            match field? {
                (1, Wire::Varint(n)) => index = n,
                (2, Wire::Varint(n)) => term = n,
                (3, Wire::Bytes(bytes)) => conf_state = Some(self::conf_state(bytes)?),
                _ => {}
            }
        }
        let snapshots = &mut self.wal.snapshots;
        if snapshots.len() >= MAX_SNAPSHOTS {
            snapshots.remove(0);
        }
        snapshots.push(SnapshotRecord {
            index,
            term,
            conf_state,
        });
        Ok(())
    }
}

/// `raftpb.ConfState`, its ids packed or not.
pub(super) fn conf_state(bytes: &[u8]) -> Result<ConfState, WireError> {
    let (mut voters, mut learners) = (Vec::new(), Vec::new());
    for field in Fields::new(bytes) {
        let (number, wire) = field?;
        let list = match number {
            1 => &mut voters,
            2 => &mut learners,
            _ => continue,
        };
        match wire {
            Wire::Varint(id) if list.len() < MAX_MEMBERS => list.push(format!("{id:x}")),
            Wire::Bytes(packed) => {
                let mut rest = packed;
                while !rest.is_empty() && list.len() < MAX_MEMBERS {
                    let (id, behind) = varint(rest).ok_or(WireError::Truncated)?;
                    list.push(format!("{id:x}"));
                    rest = behind;
                }
            }
            _ => {}
        }
    }
    Ok(ConfState { voters, learners })
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * at as u32);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(at + 1..)?));
        }
    }
    None
}
