//! A file on its way into a bucket: read once, hashed again, a few parts at the same time.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use object_store::ObjectStoreExt as _;
use object_store::multipart::{MultipartStore as _, PartId};
use object_store::path::Path as Key;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::super::error::{ObjectError, Result, Why};
use super::{Bucket, PART, part_size};
use crate::random;

/// Parts on their way at the same time. As many are in memory, and one that is being read.
const AT_ONCE: usize = 3;

/// What is being sent in parts, so that it is given up by the next start when this one crashes.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    place: String,
    key: String,
    upload: String,
}

impl Bucket {
    pub(super) async fn send(&self, key: &Key, sha256: &str, file: &Path, size: u64) -> Result<()> {
        let mut reader = Reader::open(file, part_size(size)).map_err(|error| unread(&error))?;
        if size > PART {
            return self.send_in_parts(key, sha256, reader, size).await;
        }
        let bytes = reader.next().await?.unwrap_or_default();
        reader.is(sha256, &self.shown)?;
        let sent = self.client.put(key, bytes.into()).await;
        sent.map_err(|error| self.failed("storing", key, &error))?;
        Ok(())
    }

    async fn send_in_parts(
        &self,
        key: &Key,
        sha256: &str,
        reader: Reader,
        size: u64,
    ) -> Result<()> {
        let failed = |error: object_store::Error| self.failed("storing", key, &error);
        let upload = self.client.create_multipart(key).await.map_err(failed)?;
        let note = Note {
            place: self.shown.clone(),
            key: key.to_string(),
            upload,
        };
        let noted = self.notes.join(random::id());
        let sent = async {
            write(&noted, &note)
                .map_err(|error| ObjectError::disk("noting what is sent", &error))?;
            let parts = self.send_parts(key, &note.upload, sha256, reader).await?;
            let done = self
                .client
                .complete_multipart(key, &note.upload, parts)
                .await;
            match done {
                Ok(_) => Ok(()),
                // The answer may have been lost, and a second request is refused where the first one was heard.
                Err(_) if self.has(key, size).await => Ok(()),
                Err(error) => Err(failed(error)),
            }
        }
        .await;
        // After a success there is nothing left to give up.
        if sent.is_ok() || self.give_up(&note).await {
            let _ = std::fs::remove_file(&noted);
        }
        sent
    }

    async fn send_parts(
        &self,
        key: &Key,
        upload: &String,
        sha256: &str,
        mut reader: Reader,
    ) -> Result<Vec<PartId>> {
        let failed = |error: object_store::Error| self.failed("storing", key, &error);
        let mut under_way = FuturesOrdered::new();
        let mut parts: Vec<PartId> = Vec::new();
        let mut index = 0;
        while let Some(bytes) = reader.next().await? {
            if under_way.len() == AT_ONCE {
                parts.extend(under_way.next().await.transpose().map_err(failed)?);
            }
            under_way.push_back(self.client.put_part(key, upload, index, bytes.into()));
            index += 1;
        }
        while let Some(part) = under_way.next().await {
            parts.push(part.map_err(failed)?);
        }
        // Before the parts become an object, not after.
        reader.is(sha256, &self.shown)?;
        Ok(parts)
    }

    async fn has(&self, key: &Key, size: u64) -> bool {
        let got = self.get(key, Some(0..1)).await;
        got.is_ok_and(|got| got.size == size)
    }

    /// Whether nothing is left of it.
    async fn give_up(&self, note: &Note) -> bool {
        let key = Key::from(note.key.as_str());
        match self.client.abort_multipart(&key, &note.upload).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => true,
            Err(error) => {
                let error = self.failed("giving up on", &key, &error);
                tracing::warn!("{error} It is tried again at the next start.");
                false
            }
        }
    }

    /// Gives up what an earlier process was sending when it ended.
    pub(super) async fn clear_up(&self) -> anyhow::Result<()> {
        for entry in std::fs::read_dir(&self.notes)? {
            let path = entry?.path();
            // A note that was cut short was written before a byte was sent.
            let note: Option<Note> = serde_json::from_slice(&std::fs::read(&path)?).ok();
            let over = match &note {
                Some(note) if note.place == self.shown => self.give_up(note).await,
                Some(note) => {
                    tracing::warn!(
                        "{} was being sent to {}, which is not used any more: its parts may still lie there",
                        note.key,
                        note.place
                    );
                    false
                }
                None => true,
            };
            if over {
                std::fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

fn write(path: &Path, note: &Note) -> io::Result<()> {
    std::fs::write(path, serde_json::to_vec(note)?)?;
    File::open(path)?.sync_all()
}

/// Reads a file part by part.
struct Reader {
    /// Gone after an error.
    at: Option<(File, Sha256)>,
    part: u64,
}

impl Reader {
    fn open(path: &Path, part: u64) -> io::Result<Self> {
        Ok(Self {
            at: Some((File::open(path)?, Sha256::new())),
            part,
        })
    }

    /// The next part; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let Some((file, mut hasher)) = self.at.take() else {
            return Ok(None);
        };
        let part = self.part;
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::with_capacity(usize::try_from(part).unwrap_or(0));
            (&file).take(part).read_to_end(&mut bytes)?;
            hasher.update(&bytes);
            Ok((file, hasher, bytes))
        });
        let (file, hasher, bytes) = read
            .await
            .map_err(io::Error::other)
            .flatten()
            .map_err(|error| unread(&error))?;
        self.at = Some((file, hasher));
        Ok((!bytes.is_empty()).then(|| bytes.into()))
    }

    /// Refuses what is not the file that was looked at when it arrived.
    fn is(self, sha256: &str, place: &str) -> Result<()> {
        let found = self.at.map(|(_, hasher)| hex::encode(hasher.finalize()));
        if found.as_deref() == Some(sha256) {
            return Ok(());
        }
        Err(ObjectError::new(
            Why::Damaged,
            format!(
                "What was uploaded as {sha256} is read differently from this server's disk now: it was not stored \
                 in {place}. The disk is at fault; cancel the upload and send the file again."
            ),
        ))
    }
}

fn unread(error: &io::Error) -> ObjectError {
    ObjectError::disk("reading what was uploaded", error)
}
