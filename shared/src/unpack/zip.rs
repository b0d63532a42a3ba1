//! ZIP: its one entry, found by the directory at its end and never by its name.

use super::directory::{self, LOCAL, LOCAL_SIZE};
use super::inflate::Inflate;
use super::{Input, PIECE, UnpackError};
use crate::bbolt::{u16_at, u32_at};
use crate::source::Source;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

pub(super) struct Entry<'s> {
    name: String,
    input: Input<'s>,
    method: Method,
    /// What the directory says of the content: bytes and CRC-32.
    size: u64,
    crc: u32,
}

enum Method {
    Stored { left: u64, crc: crc32fast::Hasher },
    Deflated(Inflate),
    Ended,
}

impl<'s> Entry<'s> {
    pub(super) fn open(source: &'s dyn Source) -> Result<Self, UnpackError> {
        let (entries, count) = directory::entries(source).ok_or(UnpackError::NoDirectory)?;
        let [entry] = entries.as_slice() else {
            return Err(UnpackError::Entries(count));
        };
        if entry.encrypted {
            return Err(UnpackError::Encrypted);
        }
        let mut header = vec![0; LOCAL_SIZE as usize];
        let there = source.size().saturating_sub(entry.offset) >= LOCAL_SIZE;
        if !there {
            return Err(UnpackError::Contradiction);
        }
        source.read_at(entry.offset, &mut header)?;
        let [method, name_len, extra_len] =
            [8, 26, 28].map(|at| u16_at(&header, at).unwrap_or_default());
        // Another method, name or place than the directory's makes two files of one.
        let mut name = vec![0; usize::from(name_len)];
        let named = header.starts_with(LOCAL)
            && method == entry.method
            && source.read_at(entry.offset + LOCAL_SIZE, &mut name).is_ok()
            && name == entry.name;
        // Sizes that are known in advance are in both places.
        const SIZES_FOLLOW: u16 = 8;
        const ELSEWHERE: u32 = 0xffff_ffff;
        let follow = u16_at(&header, 6).unwrap_or_default() & SIZES_FOLLOW != 0;
        let sizes = [
            (14, u64::from(entry.crc)),
            (18, entry.packed),
            (22, entry.unpacked),
        ];
        let same = sizes.into_iter().all(|(at, known)| {
            let local = u32_at(&header, at).unwrap_or_default();
            follow || local == ELSEWHERE || u64::from(local) == known
        });
        if !named || !same {
            return Err(UnpackError::Contradiction);
        }
        let start = entry.offset + LOCAL_SIZE + u64::from(name_len) + u64::from(extra_len);
        let stop = start
            .checked_add(entry.packed)
            .filter(|stop| *stop <= source.size());
        let stop = stop.ok_or(UnpackError::CutOff)?;
        let method = match entry.method {
            STORED => Method::Stored {
                left: entry.packed,
                crc: crc32fast::Hasher::new(),
            },
            DEFLATED => Method::Deflated(Inflate::new()),
            other => return Err(UnpackError::Method(other)),
        };
        Ok(Self {
            name: String::from_utf8_lossy(&entry.name).into_owned(),
            input: Input::new(source, start, stop),
            method,
            size: entry.unpacked,
            crc: entry.crc,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn read(&self) -> u64 {
        self.input.position()
    }

    pub(super) fn next(&mut self, out: &mut Vec<u8>) -> Result<(), UnpackError> {
        let ended = match &mut self.method {
            Method::Stored { left, crc } => {
                let available = self.input.available()?;
                let len = available.len().min(PIECE);
                out.extend_from_slice(&available[..len]);
                crc.update(out);
                self.input.consume(len);
                *left -= len as u64;
                (*left == 0).then(|| (self.size, crc.clone().finalize()))
            }
            Method::Deflated(stream) => {
                stream.next(&mut self.input, out)?;
                let ended = stream.ended();
                ended.then(|| (stream.written(), stream.crc()))
            }
            Method::Ended => return Ok(()),
        };
        if let Some((size, crc)) = ended {
            if size != self.size {
                return Err(UnpackError::Damaged("its length differs".to_owned()));
            }
            if crc != self.crc {
                return Err(UnpackError::Damaged("its CRC-32 differs".to_owned()));
            }
            self.method = Method::Ended;
        }
        Ok(())
    }
}
