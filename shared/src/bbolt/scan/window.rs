//! Reads a source through a window, so that many small reads in one place cost one.

use crate::source::{Source, SourceError};

/// Bytes read at once.
const WINDOW: u64 = 256 << 10;

/// A window on a source.
pub(super) struct Window<'s> {
    source: &'s dyn Source,
    start: u64,
    bytes: Vec<u8>,
}

impl std::fmt::Debug for Window<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Window")
            .field("start", &self.start)
            .field("len", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

impl<'s> Window<'s> {
    pub(super) fn new(source: &'s dyn Source) -> Self {
        Self {
            source,
            start: 0,
            bytes: Vec::new(),
        }
    }

    /// The bytes at an offset. Ask for little: what is asked for is held in memory.
    pub(super) fn get(&mut self, offset: u64, len: usize) -> Result<&[u8], SourceError> {
        let inside = offset
            .checked_sub(self.start)
            .and_then(|from| usize::try_from(from).ok())
            .filter(|from| {
                from.checked_add(len)
                    .is_some_and(|end| end <= self.bytes.len())
            });
        let from = match inside {
            Some(from) => from,
            None => {
                let size = self.source.size();
                if offset.checked_add(len as u64).is_none_or(|end| end > size) {
                    return Err(SourceError::OutOfBounds {
                        offset,
                        len: len as u64,
                        size,
                    });
                }
                let wanted = (len as u64).max(WINDOW).min(size - offset);
                self.bytes.clear();
                // No more than the window or what was asked for, and the source has it.
                self.bytes.resize(wanted as usize, 0);
                if let Err(error) = self.source.read_at(offset, &mut self.bytes) {
                    self.bytes.clear();
                    return Err(error);
                }
                self.start = offset;
                0
            }
        };
        Ok(self.bytes.get(from..from + len).unwrap_or_default())
    }
}
