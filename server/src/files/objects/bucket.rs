//! Objects in a bucket of an S3-compatible server.
//!
//! An object is visible once it is whole: a small file is one request, a large one goes up in parts that become
//! an object by one request at the end. A key is the content's SHA-256, so that to store a file again is to
//! store the same: no request needs a condition, and each may be repeated.

mod sending;

use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3;
use object_store::path::Path as Key;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt as _};
use sha2::{Digest as _, Sha256};

use super::Got;
use super::error::{Doing, ObjectError, Result, Why};
use super::place::BucketPlace;
use crate::random;

/// What a file is cut into on its way, and the largest file that goes in one piece.
const PART: u64 = 8 << 20;
/// Parts that S3 takes of one object.
const MAX_PARTS: u64 = 10_000;

/// A bucket that was found to be usable.
#[derive(Debug)]
pub(super) struct Bucket {
    client: AmazonS3,
    place: BucketPlace,
    /// `place` in words.
    shown: String,
    /// Where it is noted what is being sent in parts.
    notes: PathBuf,
}

impl Bucket {
    /// Writes, reads and removes a small object, and clears up what a crash left on its way.
    ///
    /// # Errors
    /// When the bucket is not there or may not be used, in words.
    pub(super) async fn open(place: BucketPlace, notes: PathBuf) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&notes).with_context(|| format!("making {}", notes.display()))?;
        let bucket = Self {
            client: place.client()?,
            shown: place.to_string(),
            place,
            notes,
        };
        bucket.try_out().await?;
        bucket.clear_up().await?;
        Ok(bucket)
    }

    async fn try_out(&self) -> anyhow::Result<()> {
        let key = self.key(&format!("probe/{}", random::id()));
        let wanted = Bytes::from(format!("Requorum tries out {}.\n", self.shown));
        self.client
            .put(&key, wanted.clone().into())
            .await
            .map_err(|error| self.failed("writing", &key, &error))?;
        let got: Vec<Bytes> = self.get(&key, None).await?.bytes.try_collect().await?;
        anyhow::ensure!(
            got.concat() == wanted,
            "{key} in {} is not read as it was written: {} is not an S3 server that Requorum can use",
            self.shown,
            self.place.server()
        );
        if let Err(error) = self.client.delete(&key).await {
            // Nothing but this probe is ever removed.
            let error = self.failed("removing", &key, &error);
            tracing::warn!("{error}");
        }
        Ok(())
    }

    /// Where it is, for people: no credentials.
    pub(super) fn place(&self) -> String {
        self.place.to_string()
    }

    /// The length of an object, when it is there.
    pub(super) async fn size(&self, name: &str) -> Result<Option<u64>> {
        // Of its first byte: unlike HEAD, a refusal says why, and no bucket is not the same as no object.
        match self.get(&self.key(name), Some(0..1)).await {
            Ok(got) => Ok(Some(got.size)),
            Err(error) if error.why == Why::Missing => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The object's bytes within `range`.
    pub(super) async fn read(&self, name: &str, range: Range<u64>) -> Result<Got> {
        self.get(&self.key(name), Some(range)).await
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Got> {
        let options = GetOptions {
            range: range.map(GetRange::Bounded),
            ..GetOptions::default()
        };
        let failed = |error: &object_store::Error| self.failed("reading", key, error);
        let got = self.client.get_opts(key, options).await;
        let got = got.map_err(|error| failed(&error))?;
        let (shown, server) = (self.shown.clone(), self.place.server().to_owned());
        let (size, key) = (got.meta.size, key.to_string());
        let bytes = got.into_stream().map_err(move |error| {
            let doing = Doing {
                what: "reading",
                key: &key,
                place: &shown,
                server: &server,
            };
            doing.failed(&error)
        });
        Ok(Got {
            size,
            bytes: bytes.boxed(),
        })
    }

    /// Stores the file, whose content has this SHA-256, unless it is there. What is there and is anything else is not
    /// what was stored: it is replaced.
    pub(super) async fn store(&self, name: &str, sha256: &str, file: &Path) -> Result<()> {
        let size = std::fs::metadata(file)
            .map_err(|error| ObjectError::disk("reading what was uploaded", &error))?
            .len();
        let there = match self.size(name).await {
            // Nothing at all is in it.
            Err(error) if error.why == Why::Damaged => Some(0),
            there => there?,
        };
        if there == Some(size) {
            match self.sha256_of(name, size).await {
                Ok(there) if there == sha256 => return Ok(()),
                found => {
                    tracing::warn!(%sha256, ?found, "a stored file was damaged, and is replaced by what was uploaded");
                }
            }
        }
        self.send(&self.key(name), sha256, file, size).await
    }

    /// Deletes an object; nothing happens where there is none.
    pub(super) async fn delete(&self, name: &str) -> Result<()> {
        let key = self.key(name);
        match self.client.delete(&key).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed("deleting", &key, &error)),
        }
    }

    /// The SHA-256 of what is there.
    async fn sha256_of(&self, name: &str, size: u64) -> Result<String> {
        let mut got = self.read(name, 0..size).await?;
        let mut hasher = Sha256::new();
        while let Some(chunk) = got.bytes.next().await.transpose()? {
            hasher.update(&chunk);
        }
        Ok(hex::encode(hasher.finalize()))
    }

    fn key(&self, name: &str) -> Key {
        match self.place.prefix.as_str() {
            "" => Key::from(name),
            prefix => Key::from(format!("{prefix}/{name}")),
        }
    }

    fn failed(&self, what: &str, key: &Key, error: &object_store::Error) -> ObjectError {
        let doing = Doing {
            what,
            key: key.as_ref(),
            place: &self.shown,
            server: self.place.server(),
        };
        doing.failed(error)
    }
}

/// How large the parts of a file are: small, unless there would be too many.
fn part_size(size: u64) -> u64 {
    size.div_ceil(MAX_PARTS).next_multiple_of(1 << 20).max(PART)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_has_too_many_parts() {
        assert_eq!(part_size(1), PART);
        assert_eq!(part_size(64 << 30), PART);
        for size in [PART * MAX_PARTS, PART * MAX_PARTS + 1, 1 << 40, 5 << 40] {
            assert!(size.div_ceil(part_size(size)) <= MAX_PARTS, "{size} bytes");
        }
    }
}
