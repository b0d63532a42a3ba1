//! What is packed in a file that has arrived: unpacked beside it, since the content is what is stored, checked and
//! restored. The packed file stays as it came until the content is stored, or for good, as evidence.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use requorum_shared::dossier;
use requorum_shared::inspection::PackedFile;
use requorum_shared::kinds::{self, Inspection};
use requorum_shared::recovery::served_by;
use requorum_shared::source::Source as _;
use requorum_shared::unpack::{Limits, Packing, UnpackError, Unpacker, content_name};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::file_source::FileSource;
use super::part::Part;

/// What is unpacked, and within which bounds.
#[derive(Debug)]
pub struct Order {
    /// The packed file's name.
    pub name: String,
    /// Where the content is written.
    pub into: PathBuf,
    /// How much may come out.
    pub limits: Limits,
    /// How much of the disk stays free.
    pub room: Room,
    /// Cancelled when the content is no longer wanted.
    pub stop: CancellationToken,
}

/// The disk, of which a part is not for this.
#[derive(Debug)]
pub struct Room {
    /// A folder on it.
    pub folder: PathBuf,
    /// Bytes that stay free whatever is written.
    pub keep_free: u64,
    /// Bytes that others are sure of; they change meanwhile.
    pub promised: Arc<AtomicU64>,
}

/// What came of it.
#[derive(Debug)]
pub struct Opened {
    /// Of the file as it came.
    pub sent: Inspection,
    /// Of what is in it, which names the packed file; or why it was not read through. What is in it is only there still
    /// when a recovery could use it.
    pub content: Result<Inspection, UnpackError>,
}

/// Why nothing came of it. Nothing is left of the content then.
#[derive(Debug, Error)]
pub enum Failed {
    /// The content is no longer wanted.
    #[error("it was stopped")]
    Stopped,
    /// The content cannot be written.
    #[error("writing what came out: {source}")]
    Write {
        /// Bytes that had come out.
        written: u64,
        /// What the system said.
        source: io::Error,
    },
    /// What has arrived cannot be read, or the content not be looked at.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl Room {
    fn check(&self, bytes: u64) -> io::Result<()> {
        let stat = rustix::fs::statvfs(&self.folder)?;
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        let needed = bytes
            .saturating_add(self.keep_free)
            .saturating_add(self.promised.load(Ordering::Relaxed));
        match free < needed {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }
}

/// Whether a file is a dossier.
///
/// # Errors
/// When it cannot be read.
pub fn is_dossier(path: &Path) -> anyhow::Result<bool> {
    Ok(dossier::is_dossier(&FileSource::open(path)?)?)
}

/// Whether a file begins as one that is read through. A dossier is an archive that is not.
///
/// # Errors
/// When it cannot be read.
pub fn is_packed(path: &Path) -> anyhow::Result<bool> {
    if is_dossier(path)? {
        return Ok(false);
    }
    let source = FileSource::open(path)?;
    let mut head = [0; 4];
    let head = &mut head[..source.size().min(4) as usize];
    source.read_at(0, head)?;
    Ok(Packing::begins(head).is_some())
}

/// Unpacks a file all of which has arrived. Blocks, for as long as it takes to read and write it.
///
/// # Errors
/// [`Failed`]. Why a packed file is not read through is an answer and no error.
pub fn unpack(packed: Part, order: &Order) -> Result<Opened, Failed> {
    let content = Content(Some(&order.into));
    let unpacked = read_through(packed.path(), order)?;
    let mut sent = packed.inspect(&order.name)?;
    let inspected = match unpacked {
        Ok((part, mut from)) => {
            let mut inspection = part.inspect(content_name(&order.name))?;
            from.sha256.clone_from(&sent.file.sha256);
            inspection.unpacked_from = Some(from);
            if !served_by(&inspection).is_empty() {
                content.stays();
            }
            Ok(inspection)
        }
        Err(error) => {
            kinds::not_unpacked(&mut sent, &error);
            Err(error)
        }
    };
    Ok(Opened {
        sent,
        content: inspected,
    })
}

/// The content with what it was packed as, or why it was not read through.
type ReadThrough = Result<(Part, PackedFile), UnpackError>;

fn read_through(packed: &Path, order: &Order) -> Result<ReadThrough, Failed> {
    let source = FileSource::open(packed).map_err(anyhow::Error::from)?;
    let mut unpacker = match Unpacker::open(&source, order.limits) {
        Ok(Some(unpacker)) => unpacker,
        Ok(None) => return Err(Failed::Other(anyhow::anyhow!("it is not packed any more"))),
        Err(error) => return refused(error),
    };
    let mut content = Part::open(&order.into, 0)?;
    let mut piece = Vec::new();
    loop {
        if order.stop.is_cancelled() {
            return Err(Failed::Stopped);
        }
        match unpacker.next(&mut piece) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return refused(error),
        }
        order
            .room
            .check(piece.len() as u64)
            .and_then(|()| content.append(&piece))
            .map_err(|source| Failed::Write {
                written: content.written(),
                source,
            })?;
    }
    let from = kinds::packed_file(&unpacker, &order.name, source.size());
    Ok(Ok((content, from)))
}

/// A disk that cannot be read says nothing about the file.
fn refused(error: UnpackError) -> Result<ReadThrough, Failed> {
    match error {
        UnpackError::Read(error) => Err(Failed::Other(error.into())),
        error => Ok(Err(error)),
    }
}

/// The file of the content, which goes unless it is wanted.
struct Content<'a>(Option<&'a Path>);

impl Content<'_> {
    fn stays(mut self) {
        self.0 = None;
    }
}

impl Drop for Content<'_> {
    fn drop(&mut self) {
        if let Some(path) = self.0
            && let Err(error) = std::fs::remove_file(path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("removing {}: {error}", path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Zstandard frame of zeros: so many blocks of 128 KiB.
    fn zeros(blocks: u32) -> Vec<u8> {
        let mut out = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0x50];
        for block in 1..=blocks {
            let header = (128 << 10) << 3 | 1 << 1 | u32::from(block == blocks);
            out.extend(&header.to_le_bytes()[..3]);
            out.push(0);
        }
        out
    }

    fn arrived(folder: &Path, bytes: &[u8]) -> Part {
        let mut part = Part::open(&folder.join("a.part"), 0).unwrap();
        part.append(bytes).unwrap();
        part
    }

    fn order(folder: &Path) -> Order {
        Order {
            name: "a.zst".to_owned(),
            into: folder.join("a.content"),
            limits: Limits::DEFAULT,
            room: Room {
                folder: folder.to_owned(),
                keep_free: 0,
                promised: Arc::default(),
            },
            stop: CancellationToken::new(),
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// A Zstandard frame of stored blocks.
    fn stored(bytes: &[u8]) -> Vec<u8> {
        let mut out = zeros(0);
        let mut blocks = bytes.chunks(100_000).peekable();
        while let Some(block) = blocks.next() {
            let header = (block.len() as u32) << 3 | u32::from(blocks.peek().is_none());
            out.extend(&header.to_le_bytes()[..3]);
            out.extend(block);
        }
        out
    }

    #[test]
    fn the_content_is_looked_at_and_names_what_it_was_packed_as() {
        let dir = tempfile::tempdir().unwrap();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata/etcd");
        let sound = std::fs::read(fixtures.join("3.6.14-empty.db")).unwrap();
        for (content, stays) in [(sound, true), (b"not a snapshot".to_vec(), false)] {
            let bytes = stored(&content);
            let part = arrived(dir.path(), &bytes);
            assert!(is_packed(part.path()).unwrap());
            let opened = unpack(part, &order(dir.path())).unwrap();
            let inspection = opened.content.unwrap();
            assert_eq!(inspection.file.name, "a");
            assert_eq!(inspection.file.size, content.len() as u64);
            let from = inspection.unpacked_from.unwrap();
            assert_eq!((from.kind.as_str(), from.name.as_str()), ("zstd", "a.zst"));
            assert_eq!(from.size, bytes.len() as u64);
            assert_eq!(from.sha256, requorum_shared::canonical::sha256_hex(&bytes));
            assert_eq!(opened.sent.file.sha256, from.sha256);
            let there = names(dir.path());
            assert_eq!(there.contains(&"a.content".to_owned()), stays, "{there:?}");
            std::fs::remove_file(dir.path().join("a.part")).unwrap();
            if stays {
                let written = std::fs::read(dir.path().join("a.content")).unwrap();
                assert!(written == content);
            }
        }
    }

    #[test]
    fn what_is_not_wanted_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let run = |bytes: &[u8], order: &Order| {
            let ended = unpack(arrived(dir.path(), bytes), order);
            assert_eq!(names(dir.path()), ["a.part"]);
            ended
        };
        let mut small = order(dir.path());
        small.limits.any_ratio = 1 << 20;
        let bomb = run(&zeros(32 << 10), &small).unwrap();
        assert!(matches!(bomb.content, Err(UnpackError::Bomb { .. })));
        assert!(
            bomb.sent
                .report
                .findings
                .iter()
                .any(|f| f.code == "unpack.bomb")
        );
        let stopped = order(dir.path());
        stopped.stop.cancel();
        assert!(matches!(run(&zeros(2), &stopped), Err(Failed::Stopped)));
        // Others are sure of nearly all of the disk.
        let full = order(dir.path());
        full.room.promised.store(u64::MAX, Ordering::Relaxed);
        match run(&zeros(2), &full) {
            Err(Failed::Write { written: 0, source }) => {
                assert_eq!(source.kind(), io::ErrorKind::StorageFull);
            }
            other => panic!("{other:?}"),
        }
        let cut = &zeros(2)[..8];
        let cut = run(cut, &order(dir.path())).unwrap();
        assert_eq!(cut.content, Err(UnpackError::CutOff));
    }
}
