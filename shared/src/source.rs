//! Where bytes come from when they are read at random: a slice, a file, a `Blob`.

mod blocks;

use thiserror::Error;

pub use blocks::Blocks;

/// A file-like thing that can be read at any offset.
///
/// Offsets are bytes from the start and always `u64`: a snapshot can be larger than the memory of wasm32.
pub trait Source {
    /// The length in bytes.
    fn size(&self) -> u64;

    /// Fills `out` with the bytes that start at `offset`.
    ///
    /// # Errors
    /// [`SourceError::OutOfBounds`] when the range does not lie within [`Source::size`], and
    /// [`SourceError::Read`] when the bytes behind it could not be had. `out` is unspecified then.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), SourceError>;
}

/// Why bytes could not be read from a [`Source`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SourceError {
    /// The range does not lie within the source.
    #[error("bytes {offset}..{} lie beyond the end at {size}", offset.saturating_add(*len))]
    OutOfBounds {
        /// First byte wanted.
        offset: u64,
        /// How many bytes were wanted.
        len: u64,
        /// The length of the source.
        size: u64,
    },
    /// The medium failed, in its own words.
    #[error("reading at {offset}: {message}")]
    Read {
        /// First byte wanted.
        offset: u64,
        /// What the medium said.
        message: String,
    },
}

impl Source for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), SourceError> {
        let bounds = || SourceError::OutOfBounds {
            offset,
            len: out.len() as u64,
            size: self.len() as u64,
        };
        let start = usize::try_from(offset).map_err(|_| bounds())?;
        let end = start.checked_add(out.len()).ok_or_else(bounds)?;
        let bytes = self.get(start..end).ok_or_else(bounds)?;
        out.copy_from_slice(bytes);
        Ok(())
    }
}
