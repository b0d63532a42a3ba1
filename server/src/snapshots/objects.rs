//! Files by their SHA-256, in an object store. What is there is whole: an object becomes visible by one rename.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{GetOptions, GetRange, ObjectStore};

/// Bytes on their way out.
pub type Outgoing = BoxStream<'static, std::io::Result<Bytes>>;

/// The objects.
#[derive(Debug, Clone)]
pub struct Objects {
    local: Arc<LocalFileSystem>,
    folder: PathBuf,
}

impl Objects {
    /// Objects in a folder of this machine.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn local(folder: &Path) -> anyhow::Result<Self> {
        let local = LocalFileSystem::new_with_prefix(folder)
            .with_context(|| format!("opening the objects in {}", folder.display()))?;
        Ok(Self {
            local: Arc::new(local.with_fsync(true)),
            folder: folder.into(),
        })
    }

    /// What kind of store it is, and where.
    pub fn describe(&self) -> (&'static str, String) {
        ("local disk", self.folder.display().to_string())
    }

    /// Takes over a finished file of the same file system: one rename, after everything is on the medium. A file
    /// that is there already stays, and `from` is removed.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn adopt(&self, sha256: &str, from: &Path) -> anyhow::Result<()> {
        let to = self.path(sha256)?;
        let folder = to.parent().context("an object has a folder")?;
        if to.exists() {
            std::fs::remove_file(from).with_context(|| format!("removing {}", from.display()))?;
            return Ok(());
        }
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        File::open(from)?.sync_all()?;
        std::fs::rename(from, &to).with_context(|| format!("moving a file to {}", to.display()))?;
        for folder in [Some(folder), folder.parent()].into_iter().flatten() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    /// Whether the object is there.
    ///
    /// # Errors
    /// When `sha256` is no SHA-256.
    pub fn has(&self, sha256: &str) -> anyhow::Result<bool> {
        Ok(self.path(sha256)?.exists())
    }

    /// The object's file, to be read only.
    ///
    /// # Errors
    /// When `sha256` is no SHA-256.
    pub fn path(&self, sha256: &str) -> anyhow::Result<PathBuf> {
        Ok(self.local.path_to_filesystem(&key(sha256)?)?)
    }

    /// The object's bytes within `range`.
    ///
    /// # Errors
    /// When there is no such object.
    pub async fn read(&self, sha256: &str, range: Range<u64>) -> anyhow::Result<Outgoing> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            ..GetOptions::default()
        };
        let got = self.local.get_opts(&key(sha256)?, options).await?;
        Ok(got.into_stream().map_err(std::io::Error::other).boxed())
    }
}

/// Whether `id` can be the id of a snapshot.
pub fn is_sha256(id: &str) -> bool {
    id.len() == 64 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn key(sha256: &str) -> anyhow::Result<Key> {
    anyhow::ensure!(is_sha256(sha256), "`{sha256}` is no SHA-256");
    Ok(Key::from(format!("sha256/{}/{sha256}", &sha256[..2])))
}
