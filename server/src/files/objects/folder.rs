//! Objects in a folder of this machine. An object becomes visible by one rename.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{GetOptions, GetRange, ObjectStore as _};

use super::Got;
use super::error::{ObjectError, Result, Why};
use super::sha256_of;

/// The folder.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    local: Arc<LocalFileSystem>,
    path: PathBuf,
}

impl Folder {
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let local = LocalFileSystem::new_with_prefix(path)
            .with_context(|| format!("opening the objects in {}", path.display()))?;
        Ok(Self {
            local: Arc::new(local),
            path: path.into(),
        })
    }

    /// Where it is, for people.
    pub(super) fn place(&self) -> String {
        self.path.display().to_string()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The length of an object, when it is there.
    pub(super) fn size(&self, name: &str) -> Result<Option<u64>> {
        match self.path(name).metadata() {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ObjectError::disk("looking for a stored file", &error)),
        }
    }

    /// Moves a finished file of the same file system here, once everything is on the medium. What is there stays when
    /// it is the same, byte for byte; when it is not, it is not what was stored, and is replaced.
    pub(super) fn store(&self, name: &str, sha256: &str, from: &Path) -> Result<()> {
        self.move_to(&self.path(name), sha256, from)
            .map_err(|error| ObjectError::disk("storing what was uploaded", &error))
    }

    fn move_to(&self, to: &Path, sha256: &str, from: &Path) -> io::Result<()> {
        match sha256_of(to) {
            Ok(there) if there == sha256 => return std::fs::remove_file(from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // Unreadable is as good as damaged: what was just uploaded can be read.
            found => {
                tracing::warn!(%sha256, ?found, "a stored file was damaged, and is replaced by what was uploaded");
            }
        }
        let folder = to.parent().unwrap_or(&self.path);
        std::fs::create_dir_all(folder)?;
        File::open(from)?.sync_all()?;
        std::fs::rename(from, to)?;
        for folder in [Some(folder), folder.parent()].into_iter().flatten() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    pub(super) fn delete(&self, name: &str) -> Result<()> {
        let path = self.path(name);
        let deleted = match std::fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            deleted => deleted,
        };
        let folder = path.parent().unwrap_or(&self.path);
        deleted
            .and_then(|()| File::open(folder)?.sync_all())
            .map_err(|error| ObjectError::disk("deleting a stored file", &error))
    }

    pub(super) async fn read(&self, name: &str, range: Range<u64>) -> Result<Got> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            ..GetOptions::default()
        };
        let got = self.local.get_opts(&Key::from(name), options).await;
        let got = got.map_err(|error| failed(&error))?;
        let size = got.meta.size;
        let bytes = got.into_stream().map_err(|error| failed(&error));
        Ok(Got {
            size,
            bytes: bytes.boxed(),
        })
    }
}

fn failed(error: &object_store::Error) -> ObjectError {
    match error {
        object_store::Error::NotFound { .. } => ObjectError::new(
            Why::Missing,
            "The stored file is missing: it was deleted outside the console. Upload it again.",
        ),
        error => ObjectError::disk(
            "reading a stored file",
            &io::Error::other(error.to_string()),
        ),
    }
}
