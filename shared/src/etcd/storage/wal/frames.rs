//! The frames of a segment, read in order in large pieces.

use super::End;
use crate::source::{Source, SourceError};

/// The bits of a frame's length field that are the record's length.
pub(super) const LENGTH: u64 = 0x00ff_ffff_ffff_ffff;
/// The longest record that is read: servers refuse requests of a fraction of it.
const MAX_RECORD: u64 = 64 << 20;
/// Bytes read at once.
const PIECE: usize = 1 << 20;
/// What a disk writes whole.
const SECTOR: u64 = 512;

/// What comes next.
pub(super) enum Frame<'f> {
    /// A record's bytes.
    Record(&'f [u8]),
    /// Less than the frame declares, and why that is known.
    Short(String),
    /// No frame: the file ends, or zeros begin.
    End,
}

/// Reads frames. The place of the last good one is moved on by [`Frames::accept`].
pub(super) struct Frames<'s> {
    source: &'s dyn Source,
    /// A window on the file: its bytes, and where they begin.
    window: Vec<u8>,
    start: u64,
    accepted: u64,
    /// The frame that was read last: where its record lies, and where the next frame begins.
    record: (u64, u64),
    next: u64,
}

impl<'s> Frames<'s> {
    pub(super) fn new(source: &'s dyn Source) -> Self {
        Self {
            source,
            window: Vec::new(),
            start: 0,
            accepted: 0,
            record: (0, 0),
            next: 0,
        }
    }

    /// The frame behind the last one that was accepted.
    pub(super) fn next(&mut self) -> Result<Frame<'_>, SourceError> {
        let at = self.accepted;
        let left = self.source.size().saturating_sub(at);
        if left == 0 {
            return Ok(Frame::End);
        }
        if left < 8 {
            return Ok(Frame::Short(
                "it ends within the length of a record".to_owned(),
            ));
        }
        let field = self.window(at, 8)?;
        let field = field
            .first_chunk()
            .map_or(0, |bytes| u64::from_le_bytes(*bytes));
        if field == 0 {
            return Ok(Frame::End);
        }
        let len = field & LENGTH;
        let padding = match field >> 63 {
            0 => 0,
            _ => (field >> 56) & 7,
        };
        let Some(whole) = len.checked_add(padding).filter(|whole| *whole <= left - 8) else {
            return Ok(Frame::Short("it ends within a record".to_owned()));
        };
        if len > MAX_RECORD {
            return Ok(Frame::Short(format!("a record declares {len} bytes")));
        }
        self.record = (at + 8, whole);
        self.next = at + 8 + whole;
        // Bounded by MAX_RECORD.
        Ok(Frame::Record(self.window(at + 8, len as usize)?))
    }

    /// The frame that was read last is good.
    pub(super) fn accept(&mut self) {
        self.accepted = self.next;
    }

    /// Where the frames that are good end.
    pub(super) fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Whether a sector of the frame that was read last is all zeros: it was never written (spec 6.2).
    pub(super) fn has_zero_sector(&mut self) -> bool {
        let (start, len) = self.record;
        let end = start + len;
        let mut at = start;
        while at < end {
            let stop = (at / SECTOR * SECTOR + SECTOR).min(end);
            match self.window(at, (stop - at) as usize) {
                Ok(sector) if sector.iter().all(|byte| *byte == 0) => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
            at = stop;
        }
        false
    }

    /// How the file goes on behind the records: with zeros, or with what cannot be there.
    pub(super) fn rest(&mut self) -> End {
        let mut at = self.accepted;
        while at < self.source.size() {
            let len = (self.source.size() - at).min(PIECE as u64) as usize;
            match self.window(at, len) {
                Ok(piece) => {
                    if let Some(found) = piece.iter().position(|byte| *byte != 0) {
                        let found = at + found as u64;
                        let why = format!(
                            "zeros begin here, and other bytes follow at offset {found:#x}"
                        );
                        return End::Damaged { why };
                    }
                }
                Err(error) => {
                    return End::Unreadable {
                        why: error.to_string(),
                    };
                }
            }
            at += len as u64;
        }
        End::Clean
    }

    /// Bytes of the file, which must be there.
    fn window(&mut self, at: u64, len: usize) -> Result<&[u8], SourceError> {
        let end = at + len as u64;
        if at < self.start || end > self.start + self.window.len() as u64 {
            let wanted = len.max(PIECE) as u64;
            let there = self.source.size().saturating_sub(at);
            // At most MAX_RECORD.
            self.window.resize(wanted.min(there) as usize, 0);
            self.start = at;
            if let Err(error) = self.source.read_at(at, &mut self.window) {
                self.window.clear();
                return Err(error);
            }
        }
        let from = (at - self.start) as usize;
        Ok(self.window.get(from..from + len).unwrap_or_default())
    }
}
