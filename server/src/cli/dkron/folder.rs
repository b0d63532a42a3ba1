//! A Dkron server's files on this machine: which folder is meant, and what is in it.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use requorum_shared::dkron::server::{self, Files, Server, ServerError};
use requorum_shared::dkron::snapshots::SnapshotFiles;
use requorum_shared::raft::peers;
use requorum_shared::raft::snapshot::MAX_META_BYTES;
use requorum_shared::source::{Blocks, Source};
use thiserror::Error;

use crate::cli::inspect_file::{FileError, InspectedFile, open_regular};
use crate::files::file_source::FileSource;

/// The name that Dkron gives it.
const RAFT_DB: &str = "raft.db";
/// Entries of a folder that are looked at.
const MAX_ENTRIES: usize = 1000;
/// Folders of snapshots that are opened; a server keeps three.
const MAX_SNAPSHOTS: usize = 200;
/// Folders of snapshots that are looked at: each crash in the middle of one leaves an unfinished one.
const MAX_SNAPSHOT_FOLDERS: usize = 100_000;

/// Why no server could be read from a path.
#[derive(Debug, Error)]
pub(super) enum FolderError {
    /// There is nothing.
    #[error("{path}: there is no such file or folder", path = .0.display())]
    Missing(PathBuf),
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A folder cannot be listed.
    #[error("{path}: {source}", path = path.display())]
    List {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No server has been there.
    #[error(
        "{path}: there is no raft.db in it or in a folder in it; name Dkron's --data-dir or the raft folder in it. A server without one refuses peers.json",
        path = .0.display()
    )]
    Empty(PathBuf),
    /// More than one server.
    #[error("{path} holds more than one raft.db: {first} and {second}; name one of them", path = path.display(), first = first.display(), second = second.display())]
    Several {
        /// What was named.
        path: PathBuf,
        /// One of them.
        first: PathBuf,
        /// Another.
        second: PathBuf,
    },
    /// A folder has far more in it than a server makes.
    #[error("{path} holds more than {most} entries, which no server makes; name the raft.db, or move away what is not Dkron's", path = path.display())]
    Crowded {
        /// Which one.
        path: PathBuf,
        /// The limit.
        most: usize,
    },
    /// It is another file.
    #[error("{path}: {source}", path = path.display())]
    NotRaftDb {
        /// Which one.
        path: PathBuf,
        /// What it is.
        source: ServerError,
    },
    /// It is not what it was.
    #[error(
        "{path} changed while it was read: a server writes to it; stop the server, or copy its raft folder and read the copy",
        path = .0.display()
    )]
    Changed(PathBuf),
}

/// A server's folder.
#[derive(Debug)]
pub(super) struct RaftFolder {
    /// What the operator named.
    pub(super) path: PathBuf,
    /// The `raft.db` in it.
    pub(super) db: PathBuf,
    /// Device and number of that file: the same server is not read twice.
    pub(super) identity: (u64, u64),
    /// User and group that own it.
    pub(super) owner: (u32, u32),
}

impl RaftFolder {
    /// Where `peers.json` and `snapshots` lie.
    pub(super) fn folder(&self) -> &Path {
        match self.db.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        }
    }
}

/// Finds the server that a path means: a `raft.db` under any name, the folder that holds it, or the one above.
///
/// # Errors
/// [`FolderError`].
pub(super) fn find(path: &Path) -> Result<RaftFolder, FolderError> {
    let facts = fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => FolderError::Missing(path.to_owned()),
        _ => list_error(path, error),
    })?;
    let db = match facts.is_dir() {
        false => path.to_owned(),
        true => within(path)?,
    };
    let (file, facts) = open_regular(&db)?;
    let source = FileSource::from_file(file).map_err(|error| list_error(&db, error))?;
    server::check_raft_db(&Blocks::new(&source)).map_err(|source| FolderError::NotRaftDb {
        path: db.clone(),
        source,
    })?;
    Ok(RaftFolder {
        path: path.to_owned(),
        db,
        identity: (facts.dev(), facts.ino()),
        owner: (facts.uid(), facts.gid()),
    })
}

/// Reads a server.
///
/// # Errors
/// [`FolderError`].
pub(super) fn read(found: &RaftFolder) -> Result<Server, FolderError> {
    let file = InspectedFile::open(&found.db)?;
    let source = file.source()?;
    let source = Blocks::new(&source);
    let files = Files {
        path: found.path.to_string_lossy().into_owned(),
        running: file.in_use(),
        db: &source,
        snapshots: snapshots(&found.folder().join("snapshots"))?,
        peers_json: peers_json(&found.folder().join("peers.json")),
    };
    let server = server::read(files);
    if file.changed() {
        return Err(FolderError::Changed(found.db.clone()));
    }
    server.map_err(|source| FolderError::NotRaftDb {
        path: found.db.clone(),
        source,
    })
}

fn list_error(path: &Path, source: io::Error) -> FolderError {
    FolderError::List {
        path: path.to_owned(),
        source,
    }
}

/// The `raft.db` in a folder, or in one of its folders.
fn within(path: &Path) -> Result<PathBuf, FolderError> {
    let (mut dbs, folders) = look(path)?;
    if dbs.is_empty() {
        for folder in folders {
            match look(&folder) {
                Ok((found, _)) => dbs.extend(found),
                // It is another one's: only what was named must be readable.
                Err(_) if folder.file_name().is_some_and(|name| name != "raft") => {}
                Err(error) => return Err(error),
            }
        }
    }
    // Dkron's own, beside copies of it that a person made.
    let own = path.join("raft").join(RAFT_DB);
    if dbs.len() > 1 && dbs.contains(&own) {
        return Ok(own);
    }
    let mut dbs = dbs.into_iter();
    match (dbs.next(), dbs.next()) {
        (None, _) => Err(FolderError::Empty(path.to_owned())),
        (Some(db), None) => Ok(db),
        (Some(first), Some(second)) => Err(FolderError::Several {
            path: path.to_owned(),
            first,
            second,
        }),
    }
}

/// What in a folder is a `raft.db`, and its folders. What has the name is one, whatever it holds: then that is said.
fn look(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), FolderError> {
    let named = folder.join(RAFT_DB);
    let entries = entries(folder, MAX_ENTRIES)?;
    if named.symlink_metadata().is_ok() {
        return Ok((vec![named], Vec::new()));
    }
    let (mut dbs, mut folders) = (Vec::new(), Vec::new());
    for path in entries {
        match fs::metadata(&path) {
            Ok(facts) if facts.is_dir() => folders.push(path),
            Ok(facts) if facts.is_file() && is_raft_db(&path) => dbs.push(path),
            _ => {}
        }
    }
    Ok((dbs, folders))
}

fn is_raft_db(path: &Path) -> bool {
    let source = open_regular(path)
        .ok()
        .and_then(|(file, _)| FileSource::from_file(file).ok());
    source.is_some_and(|source| server::check_raft_db(&source).is_ok())
}

/// Paths in a folder, sorted.
fn entries(folder: &Path, most: usize) -> Result<Vec<PathBuf>, FolderError> {
    let failed = |error| list_error(folder, error);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        if paths.len() >= most {
            return Err(FolderError::Crowded {
                path: folder.to_owned(),
                most,
            });
        }
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn snapshots(folder: &Path) -> Result<Vec<SnapshotFiles<'static>>, FolderError> {
    match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(list_error(folder, error)),
        Ok(_) => {}
    }
    let is_finished = |path: &PathBuf| path.extension().is_none_or(|extension| extension != "tmp");
    let folders = entries(folder, MAX_SNAPSHOT_FOLDERS)?
        .into_iter()
        .filter(|path| path.is_dir());
    let (finished, unfinished): (Vec<_>, Vec<_>) = folders.partition(is_finished);
    if finished.len() > MAX_SNAPSHOTS {
        return Err(FolderError::Crowded {
            path: folder.to_owned(),
            most: MAX_SNAPSHOTS,
        });
    }
    // That there are unfinished ones is known from a few of them.
    let room = MAX_SNAPSHOTS - finished.len();
    let folders = finished
        .into_iter()
        .chain(unfinished.into_iter().take(room));
    Ok(folders
        .map(|path| SnapshotFiles {
            folder: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            meta: small(&path.join("meta.json"), MAX_META_BYTES),
            state: state(&path.join("state.bin")),
        })
        .collect())
}

fn state(path: &Path) -> Result<Box<dyn Source>, String> {
    let (file, _) = open_regular(path).map_err(|error| error.to_string())?;
    let source = FileSource::from_file(file).map_err(|error| error.to_string())?;
    Ok(Box::new(source))
}

/// `None` also of a symbolic link to nothing: a server looks past it.
fn peers_json(path: &Path) -> Option<Result<Vec<u8>, String>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Ok(facts) if facts.is_dir() => Some(Err("it is a directory".to_owned())),
        _ => Some(small(path, peers::MAX_BYTES)),
    }
}

/// A small file; of a longer one as much as shows that it is too long.
fn small(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let (file, _) = open_regular(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    let read = File::take(file, most + 1).read_to_end(&mut bytes);
    read.map_err(|error| error.to_string())?;
    match bytes.len() as u64 > most {
        true => Err(format!("it is longer than {most} bytes")),
        false => Ok(bytes),
    }
}
