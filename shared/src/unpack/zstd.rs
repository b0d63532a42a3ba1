//! Zstandard: one frame behind another.

use std::io::{self, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::{Input, PIECE, UnpackError};
use crate::source::{Source, SourceError};

/// How far back a frame may refer: what zstd allows without `--long`, and what is held in memory.
const MAX_WINDOW: u64 = 128 << 20;

pub(super) struct Frames<'s> {
    input: Input<'s>,
    decoder: FrameDecoder,
    /// Whether a frame was begun whose end was not reached.
    open: bool,
}

impl<'s> Frames<'s> {
    pub(super) fn new(source: &'s dyn Source) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW);
        Self {
            input: Input::new(source, 0, source.size()),
            decoder,
            open: false,
        }
    }

    pub(super) fn read(&self) -> u64 {
        self.input.position()
    }

    pub(super) fn next(&mut self, out: &mut Vec<u8>) -> Result<(), UnpackError> {
        while out.is_empty() {
            if !self.open && !self.begin()? {
                return Ok(());
            }
            let mut reader = Reader::new(&mut self.input);
            let result = if self.decoder.is_finished() {
                Ok(true)
            } else {
                let piece = BlockDecodingStrategy::UptoBytes(PIECE);
                self.decoder.decode_blocks(&mut reader, piece)
            };
            result.map_err(|error| reader.why(&error))?;
            if let Some(bytes) = self.decoder.collect() {
                *out = bytes;
            }
            if self.decoder.is_finished() && self.decoder.can_collect() == 0 {
                self.open = false;
                let wanted = self.decoder.get_checksum_from_data();
                if wanted.is_some() && wanted != self.decoder.get_calculated_checksum() {
                    return Err(UnpackError::Damaged("its checksum differs".to_owned()));
                }
            }
        }
        Ok(())
    }

    /// Begins the next frame; false at the end. Frames that hold no data are passed over.
    fn begin(&mut self) -> Result<bool, UnpackError> {
        loop {
            if self.input.available()?.is_empty() {
                return Ok(false);
            }
            let mut reader = Reader::new(&mut self.input);
            match self.decoder.reset(&mut reader) {
                Ok(()) => {
                    self.open = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let mut left = length as usize;
                    while left > 0 {
                        let available = self.input.available()?.len();
                        if available == 0 {
                            return Err(UnpackError::CutOff);
                        }
                        let passed = available.min(left);
                        self.input.consume(passed);
                        left -= passed;
                    }
                }
                Err(error) => return Err(reader.why(&error)),
            }
        }
    }
}

/// The input as the decoder reads it, with what went wrong.
struct Reader<'i, 's> {
    input: &'i mut Input<'s>,
    ended: bool,
    failed: Option<SourceError>,
}

impl<'i, 's> Reader<'i, 's> {
    fn new(input: &'i mut Input<'s>) -> Self {
        Self {
            input,
            ended: false,
            failed: None,
        }
    }

    fn why(self, error: &FrameDecoderError) -> UnpackError {
        match self.failed {
            Some(error) => UnpackError::Read(error),
            None if self.ended => UnpackError::CutOff,
            None => UnpackError::Damaged(error.to_string()),
        }
    }
}

impl Read for Reader<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let available = match self.input.available() {
            Ok(available) => available,
            Err(error) => {
                let said = io::Error::other(error.to_string());
                self.failed = Some(error);
                return Err(said);
            }
        };
        self.ended |= available.is_empty() && !out.is_empty();
        let len = available.len().min(out.len());
        out[..len].copy_from_slice(&available[..len]);
        self.input.consume(len);
        Ok(len)
    }
}
