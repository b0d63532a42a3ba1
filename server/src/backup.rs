//! A copy of a console on disk: its files with their hashes in one manifest, visible once it is whole.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use requorum_shared::number;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::random;
use crate::roots::is_plain;

/// The manifest's name in a backup.
const MANIFEST: &str = "backup.json";
const FORMAT: &str = "requorum.backup/1";
/// The longest manifest that is read, in bytes: some hundred thousand files.
const MAX_MANIFEST: u64 = 64 << 20;
/// Bytes copied at once.
const PIECE: usize = 1 << 20;

/// What is in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: String,
    /// When it was made, RFC 3339 in UTC.
    pub made_at: String,
    /// The version of the program that made it.
    pub version: String,
    /// Entries of the ledger.
    pub ledger_entries: u64,
    /// The files.
    pub files: Vec<Copied>,
    /// Stored files that are not in it, because they lie in a bucket.
    pub elsewhere: Vec<Copied>,
}

/// A file of a console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// Where it is, below the data directory and below the backup.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its content, hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// An empty one.
    pub fn new(made_at: String) -> Self {
        Self {
            format: FORMAT.into(),
            made_at,
            version: env!("CARGO_PKG_VERSION").into(),
            ledger_entries: 0,
            files: Vec::new(),
            elsewhere: Vec::new(),
        }
    }

    /// Reads that of a backup.
    ///
    /// # Errors
    /// When there is none, or this program does not understand it.
    pub fn read(backup: &Path) -> anyhow::Result<Self> {
        let path = backup.join(MANIFEST);
        let text = match open_below(backup, MANIFEST).and_then(|file| at_most(file, MAX_MANIFEST)) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => bail!(
                "{} is not a backup of a console: it has no {MANIFEST}",
                backup.display()
            ),
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        let manifest: Self = serde_json::from_slice(&text)
            .with_context(|| format!("{} is not what a backup has there", path.display()))?;
        ensure!(
            manifest.format == FORMAT,
            "{} has the format {}, and this program reads {FORMAT}",
            path.display(),
            manifest.format
        );
        let mut seen = BTreeSet::new();
        for file in &manifest.files {
            let name = file.path.escape_debug();
            ensure!(
                is_plain(&file.path),
                "{} names a file outside of it: {name}",
                path.display()
            );
            ensure!(
                seen.insert(&file.path),
                "{} names {name} twice",
                path.display()
            );
        }
        Ok(manifest)
    }

    /// How many stored files are in it, and their bytes.
    pub fn objects(&self) -> (usize, u64) {
        let objects = self.files.iter().filter(|f| f.path.starts_with("objects/"));
        objects.fold((0, 0), |(n, bytes), file| (n + 1, bytes + file.size))
    }
}

/// A folder that is being filled under another name, and removed again unless it is finished.
#[derive(Debug)]
pub struct Filling {
    part: PathBuf,
    to: PathBuf,
}

impl Filling {
    /// Begins a folder that will stand at `to`, where nothing is yet.
    ///
    /// # Errors
    /// When something is there, or the folder above cannot be written.
    pub fn begin(to: &Path) -> anyhow::Result<Self> {
        match std::fs::read_dir(to) {
            Ok(mut there) => ensure!(
                there.next().is_none(),
                "{} is not empty: name another folder, or move it away",
                to.display()
            ),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("looking at {}", to.display()));
            }
        }
        let name = to
            .file_name()
            .with_context(|| format!("{} has no name", to.display()))?;
        let mut part = name.to_os_string();
        part.push(format!(".{}.part", random::id()));
        let part = to.with_file_name(part);
        DirBuilder::new()
            .mode(0o700)
            .create(&part)
            .with_context(|| format!("making {}", part.display()))?;
        Ok(Self {
            part,
            to: to.to_owned(),
        })
    }

    /// The folder as long as it is not finished.
    pub fn path(&self) -> &Path {
        &self.part
    }

    /// Copies a file to `path` below the folder, readable by nobody else.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn copy(&self, from: &Path, path: &str) -> anyhow::Result<Copied> {
        let file = open_plain(from).with_context(|| format!("opening {}", from.display()))?;
        self.copy_open(file, from, path)
    }

    fn copy_open(&self, mut opened: impl Read, from: &Path, path: &str) -> anyhow::Result<Copied> {
        let to = self.part.join(path);
        let failed = || format!("copying {} to {}", from.display(), to.display());
        let mut copy = || -> std::io::Result<Copied> {
            if let Some(folder) = to.parent() {
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(folder)?;
            }
            let mut file = OpenOptions::new()
                .create_new(true)
                .write(true)
                .mode(0o600)
                .open(&to)?;
            let (size, sha256) = read(&mut opened, |piece| file.write_all(piece))?;
            file.sync_all()?;
            Ok(Copied {
                path: path.to_owned(),
                size,
                sha256,
            })
        };
        copy().with_context(failed)
    }

    /// Copies a file of a backup to the same place below the folder, and compares it with what the manifest says. No
    /// link is followed, nothing but a file is read, and no more of it than was backed up.
    ///
    /// # Errors
    /// When it cannot be read or written, or is not what was backed up.
    pub fn take(&self, backup: &Path, wanted: &Copied) -> anyhow::Result<()> {
        let from = backup.join(&wanted.path);
        let file = open_below(backup, &wanted.path)
            .with_context(|| format!("opening {}", from.display()))?;
        let copied = self.copy_open(
            file.take(wanted.size.saturating_add(1)),
            &from,
            &wanted.path,
        )?;
        let more = if copied.size > wanted.size {
            "at least "
        } else {
            ""
        };
        ensure!(
            copied == *wanted,
            "{} is not what was backed up: it has {more}{} and the SHA-256 {}. Use another backup",
            from.display(),
            number::bytes(copied.size),
            copied.sha256
        );
        Ok(())
    }

    /// Lists a file that was written into the folder by somebody else.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn list(&self, path: &str) -> anyhow::Result<Copied> {
        let file = self.part.join(path);
        let list = || -> std::io::Result<Copied> {
            File::open(&file)?.sync_all()?;
            let (size, sha256) = read(&mut File::open(&file)?, |_| Ok(()))?;
            Ok(Copied {
                path: path.to_owned(),
                size,
                sha256,
            })
        };
        list().with_context(|| format!("reading {}", file.display()))
    }

    /// Writes the manifest.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn describe(&self, manifest: &Manifest) -> anyhow::Result<()> {
        let path = self.part.join(MANIFEST);
        let write = || -> std::io::Result<()> {
            let mut file = File::create_new(&path)?;
            file.write_all(&serde_json::to_vec_pretty(manifest)?)?;
            file.write_all(b"\n")?;
            file.sync_all()
        };
        write().with_context(|| format!("writing {}", path.display()))
    }

    /// Puts the folder in its place, by one rename.
    ///
    /// # Errors
    /// When something is there by now.
    pub fn finish(self) -> anyhow::Result<()> {
        let finish = || -> std::io::Result<()> {
            File::open(&self.part)?.sync_all()?;
            // An empty folder gives way; one that is not empty stays.
            std::fs::rename(&self.part, &self.to)?;
            match self.to.parent() {
                Some(above) if !above.as_os_str().is_empty() => File::open(above)?.sync_all(),
                _ => File::open(".")?.sync_all(),
            }
        };
        finish().with_context(|| format!("moving what was copied to {}", self.to.display()))
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        // Gone already when it is in its place.
        let _ = std::fs::remove_dir_all(&self.part);
    }
}

/// Opens a file, and nothing else: a FIFO or a device would be waited for without end.
fn open_plain(path: &Path) -> std::io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    plain(rustix::fs::open(path, flags, Mode::empty())?)
}

/// Opens a file at this path below a folder. No part of the path may be a link: it would lead out of the backup.
fn open_below(folder: &Path, path: &str) -> std::io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let mut at = rustix::fs::open(folder, flags | OFlags::DIRECTORY, Mode::empty())?;
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let kind = match parts.peek() {
            Some(_) => OFlags::DIRECTORY,
            None => OFlags::NONBLOCK,
        };
        at = match rustix::fs::openat(&at, part, flags | kind | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(next) => next,
            Err(Errno::LOOP | Errno::NOTDIR) => {
                return Err(std::io::Error::other(format!(
                    "{part} is a link or not a folder; links in a backup are not followed"
                )));
            }
            Err(error) => return Err(error.into()),
        };
    }
    plain(at)
}

fn plain(opened: OwnedFd) -> std::io::Result<File> {
    let file = File::from(opened);
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(std::io::Error::other("it is not a regular file"))
}

/// All of a file that has at most so many bytes.
fn at_most(file: File, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(std::io::Error::other(format!(
            "it has more than {most} bytes"
        )));
    }
    Ok(bytes)
}

/// Reads a file piece by piece; its length, and the SHA-256 of its content.
fn read(
    from: &mut impl Read,
    mut piece: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> std::io::Result<(u64, String)> {
    let (mut size, mut hasher) = (0, Sha256::new());
    let mut buffer = vec![0; PIECE];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok((size, hex::encode(hasher.finalize()))),
            read => {
                hasher.update(&buffer[..read]);
                piece(&buffer[..read])?;
                size += read as u64;
            }
        }
    }
}
