//! DEFLATE, unpacked in small pieces up to a budget.

use miniz_oxide::DataFormat;
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{MZFlush, MZStatus};

use super::inside::KEPT;
use super::read;
use crate::source::Source;

/// Bytes read and unpacked at once.
const PIECE: usize = 64 << 10;
/// Bytes that are unpacked at most to learn whether a stream is complete.
pub(super) const BUDGET: u64 = 64 << 20;

/// How the unpacking ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The stream's last block ended before this byte of the source.
    Finished(u64),
    /// The source ended first.
    CutOff,
    /// The bytes are not DEFLATE.
    Broken,
    /// It is longer than was asked for, or could not be read.
    Open,
}

/// What came out.
pub(super) struct Inflated {
    /// The first bytes, at most [`KEPT`].
    pub(super) beginning: Vec<u8>,
    /// Bytes that came out.
    pub(super) size: u64,
    /// CRC-32 of all of them.
    pub(super) crc: u32,
    /// How it ended.
    pub(super) end: End,
}

/// Unpacks the stream between two bytes of the source, until `budget` bytes came out.
pub(super) fn unpack(source: &dyn Source, start: u64, stop: u64, budget: u64) -> Inflated {
    let mut state = InflateState::new_boxed(DataFormat::Raw);
    let mut out = vec![0; PIECE];
    let mut crc = crc32fast::Hasher::new();
    let (mut beginning, mut size, mut offset) = (Vec::new(), 0u64, start);
    let end = 'all: loop {
        let len = usize::try_from(stop.saturating_sub(offset)).map_or(PIECE, |n| n.min(PIECE));
        let Some(piece) = read(source, offset, len) else {
            break End::Open;
        };
        if piece.is_empty() {
            break End::CutOff;
        }
        let mut input = piece.as_slice();
        loop {
            let result = inflate(&mut state, input, &mut out, MZFlush::None);
            let written = &out[..result.bytes_written];
            crc.update(written);
            size += written.len() as u64;
            let room = KEPT.saturating_sub(beginning.len()).min(written.len());
            beginning.extend_from_slice(&written[..room]);
            input = input.get(result.bytes_consumed..).unwrap_or_default();
            offset += result.bytes_consumed as u64;
            match result.status {
                Ok(MZStatus::StreamEnd) => break 'all End::Finished(offset),
                // Without room or input: more of either comes.
                Ok(_) | Err(miniz_oxide::MZError::Buf) => {}
                Err(_) => break 'all End::Broken,
            }
            if size >= budget {
                break 'all End::Open;
            }
            if input.is_empty() && result.bytes_written < out.len() {
                break;
            }
            if result.bytes_consumed == 0 && result.bytes_written == 0 {
                break 'all End::Broken;
            }
        }
    };
    Inflated {
        beginning,
        size,
        crc: crc.finalize(),
        end,
    }
}
