//! DEFLATE in pieces.

use miniz_oxide::DataFormat;
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{MZError, MZFlush, MZStatus};

use super::{Input, PIECE, UnpackError};

/// A stream that is being unpacked.
pub(super) struct Inflate {
    state: Box<InflateState>,
    ended: bool,
    crc: crc32fast::Hasher,
    written: u64,
}

impl Inflate {
    pub(super) fn new() -> Self {
        Self {
            state: InflateState::new_boxed(DataFormat::Raw),
            ended: false,
            crc: crc32fast::Hasher::new(),
            written: 0,
        }
    }

    /// Appends the next bytes to `out`; nothing once the stream has ended.
    pub(super) fn next(
        &mut self,
        input: &mut Input<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), UnpackError> {
        let start = out.len();
        out.resize(start + PIECE, 0);
        let mut filled = start;
        while !self.ended && filled < out.len() {
            let available = input.available()?;
            if available.is_empty() {
                return Err(UnpackError::CutOff);
            }
            let result = inflate(
                &mut self.state,
                available,
                &mut out[filled..],
                MZFlush::None,
            );
            input.consume(result.bytes_consumed);
            filled += result.bytes_written;
            match result.status {
                Ok(MZStatus::StreamEnd) => self.ended = true,
                // Without room or input: more of either comes.
                Ok(_) | Err(MZError::Buf) => {
                    if result.bytes_consumed == 0 && result.bytes_written == 0 {
                        return Err(UnpackError::Damaged(
                            "its packing makes no progress".to_owned(),
                        ));
                    }
                }
                Err(_) => {
                    return Err(UnpackError::Damaged(
                        "its bytes are not what was packed".to_owned(),
                    ));
                }
            }
        }
        out.truncate(filled);
        let written = out.get(start..).unwrap_or_default();
        self.crc.update(written);
        self.written += written.len() as u64;
        Ok(())
    }

    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Bytes that came out.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// CRC-32 of what came out.
    pub(super) fn crc(&self) -> u32 {
        self.crc.clone().finalize()
    }
}
