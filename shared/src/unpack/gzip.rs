//! gzip: one member behind another, each with its length and CRC-32 behind it.

use super::inflate::Inflate;
use super::{Input, UnpackError};
use crate::source::Source;

/// The longest name or comment of a header.
const MAX_TEXT: usize = 64 << 10;

pub(super) struct Members<'s> {
    input: Input<'s>,
    stream: Option<Inflate>,
    /// Whether a member was read to its end.
    first_ended: bool,
}

impl<'s> Members<'s> {
    pub(super) fn new(source: &'s dyn Source) -> Self {
        Self {
            input: Input::new(source, 0, source.size()),
            stream: None,
            first_ended: false,
        }
    }

    pub(super) fn read(&self) -> u64 {
        self.input.position()
    }

    pub(super) fn next(&mut self, out: &mut Vec<u8>) -> Result<(), UnpackError> {
        while out.is_empty() {
            let mut stream = match self.stream.take() {
                Some(stream) => stream,
                None if self.header()? => Inflate::new(),
                None => return Ok(()),
            };
            stream.next(&mut self.input, out)?;
            if stream.ended() {
                self.footer(&stream)?;
                self.first_ended = true;
            } else {
                self.stream = Some(stream);
            }
        }
        Ok(())
    }

    /// Passes over a header; false where no further member follows. Other bytes behind the last one are left out, as
    /// gunzip does: blocks of a tape are filled up with zeros.
    fn header(&mut self) -> Result<bool, UnpackError> {
        const EXTRA: u8 = 4;
        const NAME: u8 = 8;
        const COMMENT: u8 = 16;
        const CRC: u8 = 2;
        let mut start = [0; 10];
        for (at, byte) in start.iter_mut().enumerate() {
            *byte = match self.byte()? {
                Some(byte) => byte,
                None if self.first_ended => return Ok(false),
                None => return Err(UnpackError::CutOff),
            };
            let magic = [0x1f, 0x8b, 8];
            if magic.get(at).is_some_and(|magic| magic != byte) {
                return match self.first_ended {
                    true => Ok(false),
                    false => Err(UnpackError::Damaged(
                        "its header is not a gzip header".to_owned(),
                    )),
                };
            }
        }
        let flags = start[3];
        if flags & EXTRA != 0 {
            let len = u16::from_le_bytes([self.must()?, self.must()?]);
            for _ in 0..len {
                self.must()?;
            }
        }
        for text in [NAME, COMMENT] {
            if flags & text == 0 {
                continue;
            }
            let mut len = 0;
            while self.must()? != 0 {
                len += 1;
                if len > MAX_TEXT {
                    return Err(UnpackError::Damaged(
                        "a text of its header has no end".to_owned(),
                    ));
                }
            }
        }
        if flags & CRC != 0 {
            self.must()?;
            self.must()?;
        }
        Ok(true)
    }

    fn footer(&mut self, stream: &Inflate) -> Result<(), UnpackError> {
        let mut footer = [0; 8];
        for byte in &mut footer {
            *byte = self.must()?;
        }
        let [a, b, c, d, e, f, g, h] = footer;
        let (crc, len) = (
            u32::from_le_bytes([a, b, c, d]),
            u32::from_le_bytes([e, f, g, h]),
        );
        if crc != stream.crc() {
            return Err(UnpackError::Damaged("its CRC-32 differs".to_owned()));
        }
        // The length is kept modulo 2^32.
        if len != stream.written() as u32 {
            return Err(UnpackError::Damaged("its length differs".to_owned()));
        }
        Ok(())
    }

    fn must(&mut self) -> Result<u8, UnpackError> {
        self.byte()?.ok_or(UnpackError::CutOff)
    }

    fn byte(&mut self) -> Result<Option<u8>, UnpackError> {
        let byte = self.input.available()?.first().copied();
        self.input.consume(usize::from(byte.is_some()));
        Ok(byte)
    }
}
