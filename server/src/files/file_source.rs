//! A file on disk as a [`Source`].

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use requorum_shared::source::{Source, SourceError};

/// A file, opened for reading. Its length is taken once: a file that grows meanwhile is read as it was.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    size: u64,
}

impl FileSource {
    /// Opens the file. Nothing is written to it and no lock is taken.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        Self::from_file(File::open(path)?)
    }

    /// Reads a file that is open already.
    ///
    /// # Errors
    /// When its length cannot be told.
    pub fn from_file(file: File) -> std::io::Result<Self> {
        let size = file.metadata()?.len();
        Ok(Self { file, size })
    }
}

impl Source for FileSource {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), SourceError> {
        let len = out.len() as u64;
        if offset.checked_add(len).is_none_or(|end| end > self.size) {
            return Err(SourceError::OutOfBounds {
                offset,
                len,
                size: self.size,
            });
        }
        self.file
            .read_exact_at(out, offset)
            .map_err(|error| SourceError::Read {
                offset,
                message: error.to_string(),
            })
    }
}
