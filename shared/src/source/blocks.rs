//! A source that is read in large blocks and keeps the last ones: reading a page of a browser's file costs nearly a
//! millisecond, whatever its length.

use std::cell::RefCell;
use std::collections::VecDeque;

use super::{Source, SourceError};

/// Bytes of a block.
const BLOCK: u64 = 1 << 20;
/// Blocks that are kept.
const KEPT: usize = 16;

/// A source with the blocks that were read last.
pub struct Blocks<'s> {
    source: &'s dyn Source,
    /// The newest first, by the place of their first byte.
    kept: RefCell<VecDeque<(u64, Vec<u8>)>>,
}

impl<'s> Blocks<'s> {
    /// In front of a source that does not change.
    pub fn new(source: &'s dyn Source) -> Self {
        Self {
            source,
            kept: RefCell::default(),
        }
    }

    /// Copies what the block at `start` has from `offset` on; how many bytes that were.
    fn copy(&self, start: u64, offset: u64, out: &mut [u8]) -> Result<usize, SourceError> {
        let mut kept = self.kept.borrow_mut();
        let block = match kept.iter().position(|(at, _)| *at == start) {
            Some(place) => kept.remove(place),
            None => None,
        };
        let block = match block {
            Some(block) => block,
            None => {
                let len = self.source.size().saturating_sub(start).min(BLOCK);
                let mut bytes = vec![0; len as usize];
                self.source.read_at(start, &mut bytes)?;
                kept.truncate(KEPT - 1);
                (start, bytes)
            }
        };
        let from = block.1.get((offset - start) as usize..).unwrap_or_default();
        let len = from.len().min(out.len());
        out[..len].copy_from_slice(&from[..len]);
        kept.push_front(block);
        Ok(len)
    }
}

impl std::fmt::Debug for Blocks<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blocks").finish_non_exhaustive()
    }
}

impl Source for Blocks<'_> {
    fn size(&self) -> u64 {
        self.source.size()
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), SourceError> {
        let len = out.len() as u64;
        let end = offset.checked_add(len).filter(|end| *end <= self.size());
        if end.is_none() || len > BLOCK {
            // What is out of bounds is said by the source itself.
            return self.source.read_at(offset, out);
        }
        let (mut at, mut rest) = (offset, out);
        while !rest.is_empty() {
            let copied = self.copy(at / BLOCK * BLOCK, at, rest)?;
            if copied == 0 {
                return self.source.read_at(at, rest);
            }
            at += copied as u64;
            rest = rest.get_mut(copied..).unwrap_or_default();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Counts how often it is read.
    struct Counted<'b>(&'b [u8], Cell<u32>);

    impl Source for Counted<'_> {
        fn size(&self) -> u64 {
            self.0.size()
        }

        fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), SourceError> {
            self.1.set(self.1.get() + 1);
            self.0.read_at(offset, out)
        }
    }

    #[test]
    fn the_same_bytes_come_out_and_few_reads_go_in() {
        let bytes: Vec<u8> = (0..3_000_000u32).map(|i| (i % 251) as u8).collect();
        let counted = Counted(&bytes, Cell::new(0));
        let blocks = Blocks::new(&counted);
        for offset in (0..2_990_000).step_by(4099) {
            let mut out = [0; 5000];
            blocks.read_at(offset, &mut out).unwrap();
            assert_eq!(out, bytes[offset as usize..][..5000]);
        }
        assert_eq!(counted.1.get(), 3);
        let mut large = vec![0; 2 << 20];
        blocks.read_at(7, &mut large).unwrap();
        assert!(large == bytes[7..][..2 << 20]);
        let mut beyond = [0; 10];
        assert!(blocks.read_at(2_999_995, &mut beyond).is_err());
        assert!(blocks.read_at(u64::MAX, &mut beyond).is_err());
    }
}
