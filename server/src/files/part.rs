//! The part of a file that has arrived, and the scanner that saw every byte of it.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use requorum_shared::dossier;
use requorum_shared::kinds::{Inspection, Options, Scanner, inspect};

use super::file_source::FileSource;

/// Bytes read at once when a part is looked at again.
const READ: usize = 1 << 20;

/// A file on its way. Everything here blocks.
#[derive(Debug)]
pub struct Part {
    path: PathBuf,
    file: File,
    scanner: Scanner,
    written: u64,
}

impl Part {
    /// Opens the part at `path`, keeps its first `safe_bytes` and shows them to a new scanner. What came after
    /// them was never on the medium for certain.
    ///
    /// # Errors
    /// When the file cannot be read, or is shorter.
    pub fn open(path: &Path, safe_bytes: u64) -> anyhow::Result<Self> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(path)
            .with_context(|| format!("opening {}", path.display()))?;
        let there = file.metadata()?.len();
        anyhow::ensure!(
            there >= safe_bytes,
            "{} holds {there} bytes; {safe_bytes} had arrived",
            path.display()
        );
        file.set_len(safe_bytes)?;
        let mut scanner = Scanner::new(Options::default());
        let mut buffer = vec![0; READ];
        let mut left = safe_bytes;
        while left > 0 {
            let take = usize::try_from(left).unwrap_or(READ).min(READ);
            file.read_exact(&mut buffer[..take])
                .with_context(|| format!("reading {}", path.display()))?;
            scanner.feed(&buffer[..take]);
            left -= take as u64;
        }
        file.seek(SeekFrom::Start(safe_bytes))?;
        Ok(Self {
            path: path.into(),
            file,
            scanner,
            written: safe_bytes,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes that have arrived.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When they cannot be written; the part must be opened again then.
    pub fn append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.file.write_all(bytes)?;
        self.scanner.feed(bytes);
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Brings everything to the medium.
    ///
    /// # Errors
    /// When the medium refuses.
    pub fn sync(&self) -> std::io::Result<()> {
        self.file.sync_data()
    }

    /// What the whole file is. Its id is in its `file`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn inspect(self, name: &str) -> anyhow::Result<Inspection> {
        self.file.sync_all()?;
        let source = FileSource::open(&self.path)?;
        if let Some(dossier) = dossier::inspect(&source, name)? {
            return Ok(dossier);
        }
        Ok(inspect(self.scanner.finish(), name, &source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_opened_again_has_seen_the_same_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..3 * READ + 17).map(|i| (i % 251) as u8).collect();
        let whole = {
            let mut part = Part::open(&dir.path().join("a"), 0).unwrap();
            part.append(&bytes).unwrap();
            part.inspect("a").unwrap()
        };
        let path = dir.path().join("b");
        let cut = READ + 5;
        let mut part = Part::open(&path, 0).unwrap();
        part.append(&bytes[..cut + 100]).unwrap();
        drop(part);
        let mut part = Part::open(&path, cut as u64).unwrap();
        assert_eq!(part.written(), cut as u64);
        part.append(&bytes[cut..]).unwrap();
        assert_eq!(part.inspect("a").unwrap(), whole);
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        assert!(Part::open(&path, bytes.len() as u64 + 1).is_err());
    }
}
