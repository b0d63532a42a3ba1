//! Reads a file from start to end for the scanner: in large pieces, hashing in a second thread, and watchful
//! of whoever else has the file open.

use std::collections::VecDeque;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::SystemTime;

use requorum_shared::inspection::PackedFile;
use requorum_shared::kinds::{self, Digests, Hasher, Options, Scan, Scanner};
use requorum_shared::unpack::{Limits, UnpackError, Unpacker, content_name};
use rustix::fs::{Advice, FlockOperation};
use thiserror::Error;

use crate::files::file_source::FileSource;
use crate::small_file;
use crate::system::{self, SystemError};

/// Bytes read at once.
const PIECE: usize = 512 << 10;
/// Pieces in memory.
const PIECES: usize = 6;

/// Why a file could not be read.
#[derive(Debug, Error)]
pub(super) enum FileError {
    /// There is none.
    #[error("{path}: there is no such file", path = .0.display())]
    Missing(PathBuf),
    /// It is a folder.
    #[error(
        "{path} is a folder; name the file in it, which is member/snap/db in an etcd data directory",
        path = .0.display()
    )]
    Directory(PathBuf),
    /// It is a pipe, a socket or a device.
    #[error(
        "{path} is {kind}, not a regular file; save what it gives to a file first",
        path = path.display()
    )]
    Special {
        /// Which one.
        path: PathBuf,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// There are no threads or no memory to read it with.
    #[error(transparent)]
    System(#[from] SystemError),
    /// The system refuses.
    #[error("{path}: {source}{}", hint(source), path = path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What is in it cannot be written.
    #[error(
        "{path}: what is in it is unpacked in {folder}, which failed: {source}{}. Set TMPDIR to a folder with more space",
        hint(source), path = path.display(), folder = folder.display()
    )]
    Unpack {
        /// The packed file.
        path: PathBuf,
        /// Where files are unpacked.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not what it was.
    #[error(
        "{path} changed while it was read: something writes to it; check a copy, or a snapshot saved with etcdctl",
        path = .0.display()
    )]
    Changed(PathBuf),
}

/// A file to be looked at. Never written to, and no lock on it is ever waited for.
#[derive(Debug)]
pub(super) struct InspectedFile {
    path: PathBuf,
    file: File,
    size: u64,
    modified: Option<SystemTime>,
    in_use: bool,
}

/// What came of reading a packed file through.
#[derive(Debug)]
pub(super) enum Unpacked {
    /// What is in it.
    Content {
        /// A file without a name.
        content: Box<InspectedFile>,
        /// The packed file.
        from: PackedFile,
    },
    /// Why it was not read through.
    Refused(UnpackError),
}

/// Opens a regular file for reading: whatever else has the name is named, and not waited for.
///
/// # Errors
/// [`FileError`].
pub(super) fn open_regular(path: &Path) -> Result<(File, Metadata), FileError> {
    let failed = |source| FileError::Read {
        path: path.to_owned(),
        source,
    };
    // Opening a device may already do something: look first.
    let kind = std::fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => FileError::Missing(path.to_owned()),
        _ => failed(error),
    })?;
    check_kind(path, &kind)?;
    // And if it was exchanged for a pipe since, its other end is not waited for.
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .map_err(failed)?;
    let facts = file.metadata().map_err(failed)?;
    check_kind(path, &facts)?;
    Ok((file, facts))
}

impl InspectedFile {
    /// Opens a file and notes whether a running server holds it.
    ///
    /// # Errors
    /// When there is none, or it is nothing that could be a snapshot.
    pub(super) fn open(path: &Path) -> Result<Self, FileError> {
        let (file, facts) = open_regular(path)?;
        Ok(Self {
            path: path.to_owned(),
            in_use: held_by_server(&file),
            file,
            size: facts.len(),
            modified: facts.modified().ok(),
        })
    }

    /// The file itself.
    pub(super) fn into_file(self) -> File {
        self.file
    }

    /// Whether a running server holds it: pages may change while it is read.
    pub(super) fn in_use(&self) -> bool {
        self.in_use
    }

    /// Its length in bytes when it was opened.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Its name without folders.
    pub(super) fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// What is in it, when it is packed: unpacked into a file without a name, which vanishes when it is closed. `progress`
    /// is called with the bytes read so far. `None` when it is not packed in a way that is read here.
    ///
    /// # Errors
    /// When the system fails, or the file changed meanwhile. Why a packed file is not read through is an answer, not an
    /// error.
    pub(super) fn unpacked(
        &self,
        progress: impl FnMut(u64),
    ) -> Result<Option<Unpacked>, FileError> {
        let unpacked = self.unpack(progress)?;
        // What came out of two moments is of no file, and a file that was cut short meanwhile is not a damaged one.
        if unpacked.is_some() && self.changed() {
            return Err(FileError::Changed(self.path.clone()));
        }
        Ok(unpacked)
    }

    fn unpack(&self, mut progress: impl FnMut(u64)) -> Result<Option<Unpacked>, FileError> {
        let source = self.source()?;
        let mut unpacker = match Unpacker::open(&source, Limits::DEFAULT) {
            Ok(Some(unpacker)) => unpacker,
            Ok(None) => return Ok(None),
            Err(error) => return Ok(Some(Unpacked::Refused(error))),
        };
        let made = |source| FileError::Unpack {
            path: self.path.clone(),
            folder: std::env::temp_dir(),
            source,
        };
        let mut file = tempfile::tempfile().map_err(made)?;
        let mut piece = Vec::new();
        loop {
            match unpacker.next(&mut piece) {
                Ok(true) => file.write_all(&piece).map_err(made)?,
                Ok(false) => break,
                Err(error) => return Ok(Some(Unpacked::Refused(error))),
            }
            progress(unpacker.read());
        }
        let from = kinds::packed_file(&unpacker, &self.name(), self.size);
        let facts = file.metadata().map_err(made)?;
        let content = Self {
            path: PathBuf::from(content_name(&self.name())),
            file,
            size: facts.len(),
            modified: facts.modified().ok(),
            in_use: false,
        };
        Ok(Some(Unpacked::Content {
            content: Box::new(content),
            from,
        }))
    }

    /// For reading at random.
    ///
    /// # Errors
    /// When the system gives no second handle.
    pub(super) fn source(&self) -> Result<FileSource, FileError> {
        let source = self.file.try_clone().and_then(FileSource::from_file);
        source.map_err(|error| self.failed(error))
    }

    /// Reads all of it through a scanner; `progress` is called with the bytes read so far.
    ///
    /// # Errors
    /// When it cannot be read, or changed meanwhile.
    pub(super) fn scan(
        &self,
        options: Options,
        mut progress: impl FnMut(u64),
    ) -> Result<Scan, FileError> {
        const THREADS: usize = 2;
        system::check_reading(self.size, THREADS)?;
        // Advice that is not taken is no error.
        let _ = rustix::fs::fadvise(&self.file, 0, None, Advice::Sequential);
        let mut scanner = Scanner::new(Options {
            hash: false,
            ..options
        });
        let digests = thread::scope(|scope| -> Result<Option<Digests>, FileError> {
            let (to_read, empty) = sync_channel::<Arc<Vec<u8>>>(PIECES);
            let (full, to_scan) = sync_channel::<Arc<Vec<u8>>>(PIECES);
            for _ in 0..PIECES {
                // The channel has room for all of them.
                let _ = to_read.send(Arc::new(Vec::new()));
            }
            // A thread that is refused leaves its channel without an end, which stops the other one.
            let refused = |error| FileError::System(SystemError::Threads(error));
            let reader = thread::Builder::new()
                .spawn_scoped(scope, move || self.read(&empty, &full))
                .map_err(refused)?;
            let hasher = match options.hash {
                true => {
                    let (pieces, receiver) = sync_channel::<Arc<Vec<u8>>>(PIECES);
                    let thread = thread::Builder::new()
                        .spawn_scoped(scope, move || hash(&receiver))
                        .map_err(refused)?;
                    Some((pieces, thread))
                }
                false => None,
            };
            let mut given_out: VecDeque<Arc<Vec<u8>>> = VecDeque::new();
            for piece in to_scan {
                if let Some((pieces, _)) = &hasher {
                    let _ = pieces.send(Arc::clone(&piece));
                }
                scanner.feed(&piece);
                progress(scanner.bytes_fed());
                given_out.push_back(piece);
                // A piece goes back to the reader once the hasher is through with it too.
                while let Some(piece) = given_out.pop_front() {
                    if Arc::strong_count(&piece) > 1 && given_out.len() < PIECES - 2 {
                        given_out.push_front(piece);
                        break;
                    }
                    let _ = to_read.send(piece);
                }
            }
            let digests = hasher.and_then(|(pieces, thread)| {
                drop(pieces);
                thread.join().ok()
            });
            drop(to_read);
            match reader.join() {
                Ok(result) => result.map_err(|error| self.failed(error))?,
                Err(_) => return Err(self.failed(io::Error::other("the reading thread crashed"))),
            }
            Ok(digests)
        })?;
        let scan = scanner.finish();
        if scan.size() != self.size || self.changed() {
            return Err(FileError::Changed(self.path.clone()));
        }
        Ok(match digests {
            Some(digests) => scan.with_digests(digests),
            None => scan,
        })
    }

    /// Fills empty pieces until the end of the file.
    fn read(
        &self,
        empty: &Receiver<Arc<Vec<u8>>>,
        full: &SyncSender<Arc<Vec<u8>>>,
    ) -> io::Result<()> {
        let mut offset = 0;
        while let Ok(mut piece) = empty.recv() {
            // The hasher may still hold it: then another one takes its place.
            if Arc::get_mut(&mut piece).is_none() {
                piece = Arc::new(Vec::new());
            }
            let Some(bytes) = Arc::get_mut(&mut piece) else {
                continue;
            };
            bytes.resize(PIECE, 0);
            let len = read_at_most(&self.file, bytes, offset)?;
            if len == 0 {
                break;
            }
            bytes.truncate(len);
            offset += len as u64;
            if full.send(piece).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Whether it is another file now than when it was opened.
    pub(super) fn changed(&self) -> bool {
        self.file
            .metadata()
            .is_ok_and(|now| now.len() != self.size || now.modified().ok() != self.modified)
    }

    fn failed(&self, source: io::Error) -> FileError {
        FileError::Read {
            path: self.path.clone(),
            source,
        }
    }
}

fn hash(pieces: &Receiver<Arc<Vec<u8>>>) -> Digests {
    let mut hasher = Hasher::new();
    while let Ok(piece) = pieces.recv() {
        hasher.feed(&piece);
    }
    hasher.finish()
}

/// Reads until the piece is full or the file ends.
fn read_at_most(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < bytes.len() {
        match file.read_at(&mut bytes[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

fn check_kind(path: &Path, facts: &Metadata) -> Result<(), FileError> {
    let path = path.to_owned();
    if facts.is_dir() {
        return Err(FileError::Directory(path));
    }
    match small_file::special(facts.file_type()) {
        Some(kind) => Err(FileError::Special { path, kind }),
        None => Ok(()),
    }
}

/// What to do about the system's error, as the end of a sentence.
fn hint(error: &io::Error) -> String {
    system::advice(error).map_or(String::new(), |advice| format!(". {advice}"))
}

/// bbolt holds an exclusive lock on a database that it writes to. A shared lock is tried without waiting and
/// given back at once, so that a server which starts at this moment is not kept out.
fn held_by_server(file: &File) -> bool {
    match rustix::fs::flock(file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => {
            let _ = rustix::fs::flock(file, FlockOperation::Unlock);
            false
        }
        Err(error) => error == rustix::io::Errno::WOULDBLOCK,
    }
}
