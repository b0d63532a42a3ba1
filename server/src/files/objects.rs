//! Files by their SHA-256: in a folder of this machine, or in a bucket of an S3-compatible server. What is there
//! is whole, and what is read is what was stored, or an error.

mod answers;
mod bucket;
mod error;
mod fetched;
mod folder;
pub mod place;
mod proven;

use std::fs::File;
use std::io::{self, Read as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use requorum_shared::number;
use sha2::{Digest as _, Sha256};

use self::bucket::Bucket;
pub use self::error::{ObjectError, Result, Why};
use self::fetched::{Fetched, Held};
use self::folder::Folder;
use self::place::BucketPlace;

/// Bytes of a file that are read and hashed at once.
const HASHED_AT_ONCE: usize = 1 << 20;

/// Bytes on their way out.
pub type Outgoing = BoxStream<'static, io::Result<Bytes>>;

/// The objects. Clones share them.
#[derive(Debug, Clone)]
pub struct Objects(Arc<Kept>);

#[derive(Debug)]
enum Kept {
    Here(Folder),
    There { bucket: Bucket, here: Arc<Fetched> },
}

/// An object's bytes on their way, and the length of all of it.
struct Got {
    size: u64,
    bytes: BoxStream<'static, Result<Bytes>>,
}

/// A stored file, to be read at random for as long as this is kept.
#[derive(Debug, Clone)]
pub struct Content {
    path: PathBuf,
    _held: Option<Arc<Held>>,
}

impl Content {
    /// Opens it for reading.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn open(&self) -> io::Result<File> {
        File::open(&self.path)
    }
}

impl Objects {
    /// Objects in a folder of this machine.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn in_folder(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self(Arc::new(Kept::Here(Folder::open(folder)?))))
    }

    /// Objects in a bucket, which is tried out. What is read at random is fetched to `here` before.
    ///
    /// # Errors
    /// When the bucket cannot be written and read, in words.
    pub async fn in_bucket(place: BucketPlace, here: &Path) -> anyhow::Result<Self> {
        let fetched = Fetched::open(here.join("fetched"), place.keep_fetched)?;
        let bucket = Bucket::open(place, here.join("sending")).await?;
        Ok(Self(Arc::new(Kept::There {
            bucket,
            here: fetched,
        })))
    }

    /// What kind of store it is, and where.
    pub fn describe(&self) -> (&'static str, String) {
        match &*self.0 {
            Kept::Here(folder) => ("local disk", folder.place()),
            Kept::There { bucket, .. } => ("S3 bucket", bucket.place()),
        }
    }

    /// Takes over a finished file, whose content has this SHA-256. What is there already stays if its content has it
    /// too, and is replaced otherwise. `from` is removed once the object is there, and not before.
    ///
    /// # Errors
    /// When it cannot be stored: then nothing of it is visible, and it may be tried again.
    pub async fn adopt(&self, sha256: &str, from: &Path) -> Result<()> {
        let name = name_of(sha256);
        match &*self.0 {
            Kept::Here(folder) => {
                let (folder, from) = (folder.clone(), from.to_owned());
                let sha256 = sha256.to_owned();
                tokio::task::spawn_blocking(move || folder.store(&name, &sha256, &from))
                    .await
                    .map_err(|error| ObjectError::disk("storing", &io::Error::other(error)))?
            }
            Kept::There { bucket, here } => {
                bucket.store(&name, sha256, from).await?;
                // Whoever uploads it again may do so because what was fetched is damaged.
                here.doubt(sha256);
                std::fs::remove_file(from)
                    .map_err(|error| ObjectError::disk("clearing up after an upload", &error))
            }
        }
    }

    /// Deletes an object; nothing happens where there is none.
    ///
    /// # Errors
    /// When the store refuses, or does not answer: it may be there still.
    pub async fn delete(&self, sha256: &str) -> Result<()> {
        let name = name_of(sha256);
        match &*self.0 {
            Kept::Here(folder) => {
                let folder = folder.clone();
                tokio::task::spawn_blocking(move || folder.delete(&name))
                    .await
                    .map_err(|error| ObjectError::disk("deleting", &io::Error::other(error)))?
            }
            Kept::There { bucket, here } => {
                bucket.delete(&name).await?;
                here.forget(sha256);
                Ok(())
            }
        }
    }

    /// Whether the object is there.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn has(&self, sha256: &str) -> Result<bool> {
        Ok(self.size(sha256).await?.is_some())
    }

    /// The length of the object, when it is there.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn size(&self, sha256: &str) -> Result<Option<u64>> {
        match &*self.0 {
            Kept::Here(folder) => folder.size(&name_of(sha256)),
            Kept::There { bucket, .. } => bucket.size(&name_of(sha256)).await,
        }
    }

    /// The bytes within `range` of an object that has `size` of them. When that is all of it, the last ones come
    /// only if the whole is what its name says.
    ///
    /// # Errors
    /// When there is no such object, or it has another length.
    pub async fn read(&self, sha256: &str, size: u64, range: Range<u64>) -> Result<Outgoing> {
        let name = name_of(sha256);
        let Got { size: found, bytes } = match &*self.0 {
            Kept::Here(folder) => folder.read(&name, range.clone()).await?,
            Kept::There { bucket, .. } => bucket.read(&name, range.clone()).await?,
        };
        if found != size {
            return Err(damaged(
                sha256,
                &format!(
                    "it has {} instead of {}",
                    number::bytes(found),
                    number::bytes(size)
                ),
            ));
        }
        let bytes = if range == (0..size) {
            proven::proven(sha256, bytes)
        } else {
            bytes
        };
        let failed = |error: ObjectError| {
            tracing::error!("objects: {error}");
            io::Error::other(error)
        };
        Ok(bytes.map_err(failed).boxed())
    }

    /// The object as a file. From a bucket it is fetched first, and `progress` is told how many bytes are there.
    ///
    /// # Errors
    /// When there is no such object, it is not what its name says, or it cannot be fetched.
    pub async fn content(
        &self,
        sha256: &str,
        size: u64,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Content> {
        match &*self.0 {
            Kept::Here(folder) => Ok(Content {
                path: folder.path(&name_of(sha256)),
                _held: None,
            }),
            Kept::There { bucket, here } => {
                let held = here.get(bucket, sha256, size, progress).await?;
                Ok(Content {
                    path: held.path(),
                    _held: Some(Arc::new(held)),
                })
            }
        }
    }
}

/// Whether `id` can be the id of a snapshot.
pub fn is_sha256(id: &str) -> bool {
    id.len() == 64 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Where an object lies, below all of them.
pub(crate) fn name_of(sha256: &str) -> String {
    let (first, _) = sha256.split_at_checked(2).unwrap_or((sha256, ""));
    format!("sha256/{first}/{sha256}")
}

/// The SHA-256 of a file.
fn sha256_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; HASHED_AT_ONCE];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

fn damaged(sha256: &str, how: &str) -> ObjectError {
    ObjectError::new(
        Why::Damaged,
        format!(
            "The stored file {sha256} is damaged: {how}. Nothing of it was used. Upload the snapshot again, or \
             restore from another."
        ),
    )
}
