//! A folder as a tar stream: `tar x` gives the folder again, under its name.
//!
//! Long runs of zeros are in it as they are: sparse entries are an extension that not every tar reads, and a
//! stream of known length tells whoever downloads it when it was cut off. The same folder gives the same bytes each
//! time, so that its digest can be told beforehand.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::stream::try_unfold;
use futures_util::{Stream, TryStreamExt as _};
use sha2::{Digest as _, Sha256};

/// Bytes of a tar block.
const BLOCK: u64 = 512;
/// What an archive ends with.
const END: [u8; 2 * BLOCK as usize] = [0; 2 * BLOCK as usize];
/// The longest name that a plain header holds; a longer one takes blocks of its own.
const PLAIN_NAME: usize = 100;
/// Bytes read at once.
const CHUNK: usize = 256 * 1024;

/// What the archive of a folder of this name is called.
pub fn file_name(folder: &str) -> String {
    format!("{folder}.tar")
}

/// What an archive is, without keeping it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// Bytes of it.
    pub bytes: u64,
    /// SHA-256 of it, hexadecimal.
    pub sha256: String,
}

/// The digest of the archive that [`open`] sends. Blocks.
///
/// # Errors
/// When the folder cannot be read, or `cancel` was raised.
pub fn digest(folder: &Path, name: &str, cancel: &AtomicBool) -> io::Result<Digest> {
    let mut sending = Sending::new(walk(folder, name)?);
    let (mut hasher, mut bytes) = (Sha256::new(), 0);
    while let Some(chunk) = sending.chunk()? {
        if cancel.load(Ordering::Relaxed) {
            return Err(io::Error::other("it was stopped"));
        }
        hasher.update(&chunk);
        bytes += chunk.len() as u64;
    }
    Ok(Digest {
        bytes,
        sha256: hex::encode(hasher.finalize()),
    })
}

/// The archive of a folder under a name, with its length. Blocks until the folder was looked through.
///
/// # Errors
/// When the folder cannot be looked through.
pub fn open(
    folder: &Path,
    name: &str,
) -> io::Result<(
    u64,
    impl Stream<Item = io::Result<Bytes>> + Send + 'static + use<>,
)> {
    let entries = walk(folder, name)?;
    let length = entries.iter().map(Entry::length).sum::<u64>() + 2 * BLOCK;
    let chunks = try_unfold(Sending::new(entries), Sending::next);
    let chunks = chunks.inspect_err(|error| {
        // The length was promised: a stream that ends early is seen to be cut.
        tracing::warn!("sending an archive: {error}");
    });
    Ok((length, chunks))
}

/// A folder or file in it.
#[derive(Debug)]
struct Entry {
    /// Its name in the archive.
    name: String,
    path: PathBuf,
    metadata: Metadata,
}

impl Entry {
    fn length(&self) -> u64 {
        let content = if self.metadata.is_file() {
            self.metadata.len()
        } else {
            0
        };
        let long_name = match self.name.len() {
            length if length > PLAIN_NAME => BLOCK + blocks(length as u64 + 1),
            _ => 0,
        };
        long_name + BLOCK + blocks(content)
    }
}

fn blocks(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK) * BLOCK
}

/// The folder and all below it, each folder before what is in it.
fn walk(folder: &Path, name: &str) -> io::Result<Vec<Entry>> {
    let metadata = folder.symlink_metadata()?;
    if !metadata.is_dir() && !metadata.is_file() {
        return Err(io::Error::other(format!(
            "{} is neither a folder nor a file",
            folder.display()
        )));
    }
    let is_dir = metadata.is_dir();
    let mut entries = vec![Entry {
        name: if is_dir {
            format!("{name}/")
        } else {
            name.to_owned()
        },
        path: folder.into(),
        metadata,
    }];
    if is_dir {
        let mut below = std::fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        below.sort_by_key(std::fs::DirEntry::file_name);
        for entry in below {
            let below = format!("{name}/{}", entry.file_name().to_string_lossy());
            entries.extend(walk(&entry.path(), &below)?);
        }
    }
    Ok(entries)
}

/// What stands before a file's content.
fn head(entry: &Entry) -> io::Result<Vec<u8>> {
    let metadata = &entry.metadata;
    let mut header = tar::Header::new_gnu();
    header.set_mode(metadata.permissions().mode() & 0o777);
    header.set_mtime(u64::try_from(metadata.mtime()).unwrap_or(0));
    header.set_uid(0);
    header.set_gid(0);
    if metadata.is_file() {
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(metadata.len());
    } else {
        header.set_entry_type(tar::EntryType::Directory);
        header.set_size(0);
    }
    // The content follows by itself: an archive in memory that ends before it is the head alone.
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, &entry.name, io::empty())?;
    let mut head = archive.into_inner()?;
    head.truncate(head.len() - END.len());
    Ok(head)
}

/// An archive on its way out, a chunk at a time: nothing is open in between but one file, and no thread waits for
/// whoever downloads.
struct Sending {
    entries: std::vec::IntoIter<Entry>,
    /// The file that is being sent, and how much of it is left.
    content: Option<(File, u64)>,
    /// Zeros that are due after it.
    padding: usize,
    ended: bool,
}

impl Sending {
    fn new(entries: Vec<Entry>) -> Self {
        Self {
            entries: entries.into_iter(),
            content: None,
            padding: 0,
            ended: false,
        }
    }

    /// The next chunk, read on a thread that may block.
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        tokio::task::spawn_blocking(move || Ok(self.chunk()?.map(|chunk| (chunk.into(), self))))
            .await
            .map_err(io::Error::other)?
    }

    /// The next chunk; none at the end.
    fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut chunk = Vec::with_capacity(CHUNK);
        while chunk.len() < CHUNK && !self.ended {
            self.fill(&mut chunk)?;
        }
        Ok((!chunk.is_empty()).then_some(chunk))
    }

    /// Adds what comes next, up to a chunk.
    fn fill(&mut self, chunk: &mut Vec<u8>) -> io::Result<()> {
        if let Some((file, left)) = &mut self.content {
            let room = CHUNK.saturating_sub(chunk.len()) as u64;
            let read = file.by_ref().take(room.min(*left)).read_to_end(chunk)?;
            *left -= read as u64;
            if *left == 0 {
                self.content = None;
                chunk.resize(chunk.len() + self.padding, 0);
            } else if read == 0 {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "a file became shorter",
                ));
            }
            return Ok(());
        }
        let Some(entry) = self.entries.next() else {
            chunk.extend_from_slice(&END);
            self.ended = true;
            return Ok(());
        };
        chunk.extend(head(&entry)?);
        let length = entry.metadata.len();
        if entry.metadata.is_file() && length > 0 {
            self.content = Some((File::open(&entry.path)?, length));
            self.padding = usize::try_from(blocks(length) - length).unwrap_or(0);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_promised_length_is_the_length() {
        let dir = tempfile::tempdir().unwrap();
        let long = "n".repeat(120);
        let folder = dir.path().join(&long).join("member/snap");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("db"), vec![7; 1025]).unwrap();
        std::fs::write(folder.join("empty"), b"").unwrap();
        std::fs::write(folder.join("long"), vec![9; CHUNK + 1]).unwrap();
        for name in [
            "m1",
            &"n".repeat(80),
            &"n".repeat(86),
            &"n".repeat(87),
            &long,
        ] {
            let entries = walk(&dir.path().join(&long), name).unwrap();
            let length = entries.iter().map(Entry::length).sum::<u64>() + 2 * BLOCK;
            let chunks = try_unfold(Sending::new(entries), Sending::next);
            let chunks: Vec<Bytes> = chunks.try_collect().await.unwrap();
            let bytes = chunks.concat();
            let told = digest(&dir.path().join(&long), name, &AtomicBool::new(false)).unwrap();
            assert_eq!(told.bytes, bytes.len() as u64);
            assert_eq!(told.sha256, requorum_shared::canonical::sha256_hex(&bytes));
            let mut archive = tar::Archive::new(&bytes[..]);
            let files = archive.entries().unwrap().map(|entry| {
                let mut content = Vec::new();
                entry.unwrap().read_to_end(&mut content).unwrap();
                content
            });
            let files: Vec<_> = files.filter(|content| !content.is_empty()).collect();
            assert_eq!(files, [vec![7; 1025], vec![9; CHUNK + 1]]);
            assert_eq!(bytes.len() as u64, length, "{} characters", name.len());
        }
    }
}
