//! The data directory: what lies where in it, and the lock that keeps a second server out.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::random;
use crate::small_file;

/// The SQLite database, in a data directory.
pub const DATABASE: &str = "requorum.db";
/// The key that signs the ledger's checkpoints, in a data directory.
pub const LEDGER_KEY: &str = "ledger-key";
/// Uploads that have not ended, in a data directory.
pub const UPLOADS: &str = "uploads";

/// More than the directory's name has, in bytes.
const MAX_NAME_BYTES: u64 = 1024;
/// How long a lock is waited for. A server that has just ended may hold it for a moment more: through a program that it
/// was starting, until that one runs.
const LOCK_WITHIN: Duration = Duration::from_secs(1);
const LOCK_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// An open data directory. The lock is held until it is dropped, or the process ends, however it ends.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    name: String,
    _lock: File,
}

impl DataDir {
    /// Makes the directory (mode 0700) and its sub-folders where they are missing, and locks it.
    ///
    /// # Errors
    /// When it cannot be made or written, and when another process has it.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        make_private(path)
            .with_context(|| format!("the data directory {} cannot be created", path.display()))?;
        let path = path
            .canonicalize()
            .with_context(|| format!("the data directory {}", path.display()))?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o700)).with_context(|| {
            format!(
                "the data directory {} belongs to another user",
                path.display()
            )
        })?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .with_context(|| format!("the data directory {} cannot be written", path.display()))?;
        let given_up = Instant::now() + LOCK_WITHIN;
        loop {
            match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(Errno::WOULDBLOCK) if Instant::now() < given_up => {
                    std::thread::sleep(LOCK_AGAIN_AFTER);
                }
                Err(Errno::WOULDBLOCK) => bail!(
                    "the data directory {} is in use by another requorum; stop that one, or give another --data-dir",
                    path.display()
                ),
                Err(error) => {
                    return Err(error).with_context(|| format!("locking {}", path.display()));
                }
            }
        }
        let name = name_in(&path).with_context(|| format!("naming {}", path.display()))?;
        let data_dir = Self {
            path,
            name,
            _lock: lock,
        };
        for folder in [
            data_dir.objects(),
            data_dir.uploads(),
            data_dir.downloads(),
            data_dir.restores(),
            data_dir.scratch(),
        ] {
            make_private(&folder).with_context(|| format!("making {}", folder.display()))?;
        }
        Ok(data_dir)
    }

    /// What it is called in a database that several share.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Files by their SHA-256.
    pub fn objects(&self) -> PathBuf {
        self.path.join("objects")
    }

    /// What is on its way to and from a bucket, where the objects are in one.
    pub fn bucket(&self) -> PathBuf {
        self.path.join("bucket")
    }

    /// Uploads that have not ended.
    pub fn uploads(&self) -> PathBuf {
        self.path.join(UPLOADS)
    }

    /// What jobs made and keep for download, by job.
    pub fn downloads(&self) -> PathBuf {
        self.path.join("downloads")
    }

    /// The restore root that is always there.
    pub fn restores(&self) -> PathBuf {
        self.path.join("restores")
    }

    /// Throw-away clusters of boot checks. Whatever lies here at start belongs to nobody.
    pub fn scratch(&self) -> PathBuf {
        self.path.join("scratch")
    }
}

/// The directory's name: random, given once.
fn name_in(path: &Path) -> std::io::Result<String> {
    let file = path.join("name");
    match small_file::read_text(&file, MAX_NAME_BYTES) {
        Ok(name) if !name.trim().is_empty() => return Ok(name.trim().to_owned()),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let name = random::id();
    let part = path.join("name.part");
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true).mode(0o600);
    let mut out = options.open(&part)?;
    out.write_all(name.as_bytes())?;
    out.sync_all()?;
    std::fs::rename(&part, &file)?;
    File::open(path)?.sync_all()?;
    Ok(name)
}

fn make_private(path: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_at_a_time_and_nobody_else_may_look() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        let first = DataDir::open(&path).unwrap();
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let error = DataDir::open(&path).unwrap_err().to_string();
        assert!(error.contains("in use by another requorum"), "{error}");
        drop(first);
        DataDir::open(&path).unwrap();
    }

    #[test]
    fn a_lock_that_is_about_to_be_let_go_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataDir::open(dir.path()).unwrap();
        let ends = std::thread::spawn(move || {
            std::thread::sleep(LOCK_WITHIN / 4);
            drop(first);
        });
        DataDir::open(dir.path()).unwrap();
        ends.join().unwrap();
    }
}
