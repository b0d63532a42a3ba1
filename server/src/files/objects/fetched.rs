//! Objects of a bucket, fetched to this machine so that they can be read at random: whole and hashed as they
//! arrive, or not at all. As many are kept as a limit allows; what is being read stays.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use requorum_shared::number;
use sha2::{Digest as _, Sha256};

use super::bucket::Bucket;
use super::error::{ObjectError, Result, Why};
use super::{damaged, is_sha256, name_of, sha256_of};

/// Bytes gathered before they are written and hashed.
const GATHER: usize = 1 << 20;
/// Room that is left free on the disk whatever is fetched, in bytes: the database must be able to write.
const KEEP_FREE: u64 = 64 << 20;

/// The files that were fetched.
#[derive(Debug)]
pub(super) struct Fetched {
    folder: PathBuf,
    /// Bytes that may be kept of what nobody reads.
    limit: u64,
    files: Mutex<Files>,
}

#[derive(Debug, Default)]
struct Files {
    known: HashMap<String, Entry>,
    /// Grows with each use.
    uses: u64,
}

#[derive(Debug, Default)]
struct Entry {
    /// Bytes; 0 until it was fetched.
    size: u64,
    /// The latest use.
    used: u64,
    /// Who reads it, or waits for it.
    held: usize,
    /// Whether this process has hashed it: what an earlier one left is not believed.
    proven: bool,
    /// Held by whoever fetches it.
    fetching: Arc<tokio::sync::Mutex<()>>,
}

/// A fetched file that is not removed until this is dropped.
#[derive(Debug)]
pub(super) struct Held {
    fetched: Arc<Fetched>,
    sha256: String,
}

impl Held {
    pub(super) fn path(&self) -> PathBuf {
        self.fetched.path(&self.sha256)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut files = self.fetched.files();
        if let Some(entry) = files.known.get_mut(&self.sha256) {
            entry.held -= 1;
        }
        self.fetched.make_room(&mut files);
    }
}

impl Fetched {
    /// Takes up what an earlier process fetched whole, and removes the rest.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub(super) fn open(folder: PathBuf, limit: u64) -> anyhow::Result<Arc<Self>> {
        let failed = || format!("looking after what was fetched to {}", folder.display());
        std::fs::create_dir_all(&folder).with_context(failed)?;
        let mut files = Files::default();
        for entry in std::fs::read_dir(&folder).with_context(failed)? {
            let entry = entry.with_context(failed)?;
            match entry.file_name().into_string() {
                Ok(name) if is_sha256(&name) => {
                    let size = entry.metadata().with_context(failed)?.len();
                    let found = Entry {
                        size,
                        ..Entry::default()
                    };
                    files.known.insert(name, found);
                }
                _ => std::fs::remove_file(entry.path()).with_context(failed)?,
            }
        }
        let fetched = Self {
            folder,
            limit,
            files: Mutex::default(),
        };
        fetched.make_room(&mut files);
        *fetched.files() = files;
        Ok(Arc::new(fetched))
    }

    /// The object as a file; `progress` is told how many bytes are there.
    pub(super) async fn get(
        self: &Arc<Self>,
        bucket: &Bucket,
        sha256: &str,
        size: u64,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Held> {
        let (held, fetching, proven) = self.hold(sha256);
        if proven {
            return Ok(held);
        }
        let _fetching = fetching.lock().await;
        // Somebody else may have fetched it meanwhile.
        if self.is_proven(sha256) {
            return Ok(held);
        }
        if !self.is_still_good(sha256).await? {
            self.fetch(bucket, sha256, size, progress).await?;
        }
        let mut files = self.files();
        if let Some(entry) = files.known.get_mut(sha256) {
            (entry.size, entry.proven) = (size, true);
        }
        self.make_room(&mut files);
        drop(files);
        Ok(held)
    }

    /// What was fetched of this object is hashed again before the next use.
    pub(super) fn doubt(&self, sha256: &str) {
        if let Some(entry) = self.files().known.get_mut(sha256) {
            entry.proven = false;
        }
    }

    /// What was fetched of this object goes, at once or when whoever reads it is done.
    pub(super) fn forget(&self, sha256: &str) {
        let mut files = self.files();
        if let Some(entry) = files.known.get_mut(sha256) {
            (entry.size, entry.proven) = (0, false);
        }
        self.make_room(&mut files);
    }

    fn hold(self: &Arc<Self>, sha256: &str) -> (Held, Arc<tokio::sync::Mutex<()>>, bool) {
        let mut files = self.files();
        files.uses += 1;
        let now = files.uses;
        let entry = files.known.entry(sha256.to_owned()).or_default();
        entry.held += 1;
        entry.used = now;
        let held = Held {
            fetched: self.clone(),
            sha256: sha256.to_owned(),
        };
        (held, entry.fetching.clone(), entry.proven)
    }

    fn is_proven(&self, sha256: &str) -> bool {
        self.files().known.get(sha256).is_some_and(|e| e.proven)
    }

    /// Whether what lies there from an earlier process is the object.
    async fn is_still_good(&self, sha256: &str) -> Result<bool> {
        let (path, wanted) = (self.path(sha256), sha256.to_owned());
        let found = tokio::task::spawn_blocking(move || match sha256_of(&path) {
            Ok(found) => Ok(found == wanted),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        });
        found
            .await
            .map_err(io::Error::other)
            .flatten()
            .map_err(|error| ObjectError::disk("reading what was fetched", &error))
    }

    async fn fetch(
        &self,
        bucket: &Bucket,
        sha256: &str,
        size: u64,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<()> {
        let failed = |error| ObjectError::disk("fetching a stored file", &error);
        let room = free_bytes(&self.folder).map_err(failed)?;
        if size.saturating_add(KEEP_FREE) > room {
            let (size, room) = number::sizes(size, room);
            return Err(ObjectError::new(
                Why::Full,
                format!(
                    "{sha256} has {size}, and there is no room for it on this server's disk, where {room} are \
                     free. Free some space in the data directory's file system and try again."
                ),
            ));
        }
        let mut got = bucket.read(&name_of(sha256), 0..size).await?;
        if got.size != size {
            return Err(damaged(
                sha256,
                &format!(
                    "it has {} instead of {}",
                    number::bytes(got.size),
                    number::bytes(size)
                ),
            ));
        }
        let mut arriving = Arriving::begin(self.path(sha256)).map_err(failed)?;
        let mut gathered = BytesMut::with_capacity(GATHER);
        let mut done = 0;
        while let Some(chunk) = got.bytes.next().await.transpose()? {
            done += chunk.len() as u64;
            gathered.extend_from_slice(&chunk);
            if gathered.len() >= GATHER {
                let bytes = gathered.split().freeze();
                arriving = arriving.append(bytes).await.map_err(failed)?;
                progress(done);
            }
        }
        let rest = gathered.freeze();
        arriving = arriving.append(rest).await.map_err(failed)?;
        progress(done);
        if done != size {
            return Err(damaged(
                sha256,
                &format!(
                    "{} of its {} arrived",
                    number::bytes(done),
                    number::bytes(size)
                ),
            ));
        }
        let wanted = sha256.to_owned();
        let ended = tokio::task::spawn_blocking(move || arriving.become_object(&wanted));
        match ended
            .await
            .map_err(io::Error::other)
            .flatten()
            .map_err(failed)?
        {
            None => Ok(()),
            Some(found) => Err(damaged(sha256, &format!("its SHA-256 is {found}"))),
        }
    }

    /// Removes what was not used for the longest time, until the rest is within the limit.
    fn make_room(&self, files: &mut Files) {
        let mut total: u64 = files.known.values().map(|entry| entry.size).sum();
        let mut idle: Vec<(u64, u64, String)> = files
            .known
            .iter()
            .filter(|(_, entry)| entry.held == 0)
            .map(|(sha256, entry)| (entry.used, entry.size, sha256.clone()))
            .collect();
        idle.sort();
        for (_, size, sha256) in idle {
            if total <= self.limit && size > 0 {
                continue;
            }
            match std::fs::remove_file(self.path(&sha256)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!("removing a fetched file: {error}");
                }
                _ => {
                    files.known.remove(&sha256);
                    total -= size;
                }
            }
        }
    }

    fn path(&self, sha256: &str) -> PathBuf {
        self.folder.join(sha256)
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file that is being fetched; removed unless it became the object.
struct Arriving {
    file: File,
    hasher: Sha256,
    path: PathBuf,
    to: PathBuf,
}

impl Arriving {
    fn begin(to: PathBuf) -> io::Result<Self> {
        let path = to.with_extension("part");
        let file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&path)?;
        Ok(Self {
            file,
            hasher: Sha256::new(),
            path,
            to,
        })
    }

    async fn append(mut self, bytes: Bytes) -> io::Result<Self> {
        let written = tokio::task::spawn_blocking(move || {
            self.hasher.update(&bytes);
            self.file.write_all(&bytes)?;
            Ok(self)
        });
        written.await.map_err(io::Error::other).flatten()
    }

    /// Gives another hash when that is what arrived.
    fn become_object(self, sha256: &str) -> io::Result<Option<String>> {
        let found = hex::encode(self.hasher.clone().finalize());
        if found != sha256 {
            return Ok(Some(found));
        }
        self.file.sync_all()?;
        std::fs::rename(&self.path, &self.to)?;
        Ok(None)
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        // Gone already when it became the object.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn free_bytes(folder: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(folder)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}
