//! Bytes that arrive: into the part file, to the medium, and through the scanner.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;

use super::disk::has_room;
use super::errors::{gone, interrupted, medium};
use super::{Appended, Incoming, Live, Uploads, blocking};
use crate::error::{ApiError, Kind, Result, conflict};
use crate::files::part::Part;
use crate::files::store::UploadRow;

/// Bytes gathered before they are written and scanned.
const GATHER: usize = 1 << 20;
/// Bytes after which what has arrived is brought to the medium, so that a crash costs no more than this.
const SYNC_EVERY: u64 = 64 << 20;
/// How long a client may be silent in the middle of a body.
const SILENCE: Duration = Duration::from_secs(30);

impl Uploads {
    /// Adds the bytes of `body` at `offset`. Carried out in a task of its own it goes on to the end of what arrived,
    /// even when the client is gone.
    ///
    /// # Errors
    /// When the upload was begun on another server, somebody else is adding bytes, the offset is not where the upload is, the body is longer than what is
    /// missing, or it stops half-way; what arrived is kept, except after too long a body.
    pub async fn append(
        self: Arc<Self>,
        upload: UploadRow,
        offset: u64,
        body: Incoming,
    ) -> Result<Appended> {
        if !self.is_here(&upload) {
            return Err(conflict(
                "upload.elsewhere",
                "The first bytes of this upload are on another server of this console, and the rest has to go there \
                 too. Send it to that server, or cancel the upload and begin again here.",
            ));
        }
        self.append_all(upload, offset, body).await
    }

    async fn append_all(&self, upload: UploadRow, offset: u64, body: Incoming) -> Result<Appended> {
        let live = self.live(&upload);
        let appended = self.append_to(&live, upload.clone(), offset, body).await;
        if appended.is_err()
            && let Ok(slot) = live.part.try_lock()
            && slot.is_none()
            && let Ok(Some(upload)) = self.store.upload(&upload.id).await
        {
            // Nobody knows what the part holds beyond what is safe: the next request opens it there.
            live.written.store(upload.safe_bytes, Ordering::Release);
        }
        appended
    }

    async fn append_to(
        &self,
        live: &Live,
        upload: UploadRow,
        offset: u64,
        body: Incoming,
    ) -> Result<Appended> {
        let Ok(mut slot) = live.part.try_lock() else {
            return Err(conflict(
                "upload.busy",
                "Bytes of this upload are arriving on another connection. Wait for it to end, or cancel it.",
            )
            .retry_after(5));
        };
        // Read again: another request may have moved it between the caller's look and the lock.
        let Some(upload) = self.store.upload(&upload.id).await? else {
            self.forget(&upload.id);
            return Err(gone());
        };
        let at = slot.as_ref().map_or(upload.safe_bytes, Part::written);
        if offset != at {
            return Err(conflict(
                "upload.offset-mismatch",
                format!("The next byte expected is {at}; the request begins at {offset}. Continue from {at}."),
            )
            .with_header(http::HeaderName::from_static("upload-offset"), at));
        }
        if let Some(finished) = &upload.finished {
            // Everything was there before; what failed was to store it.
            return self.put_away(&upload, finished).await.map(Appended::Whole);
        }
        let part = match slot.take() {
            Some(part) => part,
            None => {
                let path = self.part_path(&upload.id);
                let safe = upload.safe_bytes;
                blocking(move || Part::open(&path, safe)).await?
            }
        };
        let mut receiving = Receiving {
            uploads: self,
            upload: &upload,
            live,
            part: Some(part),
            synced: at,
        };
        let received = receiving.receive(body).await;
        let part = receiving.part.take();
        if live.cancelled.is_cancelled() {
            return Err(gone());
        }
        let Some(part) = part else {
            return Err(received.err().unwrap_or_else(gone));
        };
        let (part, synced) = blocking(move || {
            let synced = part.sync();
            Ok((part, synced))
        })
        .await?;
        synced.map_err(|error| medium(&error))?;
        let written = part.written();
        self.store
            .upload_is_at(&upload.id, written, self.clock.now_ms())
            .await?;
        if received.is_err() || written < upload.length {
            *slot = Some(part);
            return received.map(|()| Appended::Partly(written));
        }
        self.finish(&upload, live, part).await.map(Appended::Whole)
    }
}

/// One body on its way into one part.
struct Receiving<'a> {
    uploads: &'a Uploads,
    upload: &'a UploadRow,
    live: &'a Live,
    /// Gone while it is being written to, and for good after an error.
    part: Option<Part>,
    synced: u64,
}

impl Receiving<'_> {
    async fn receive(&mut self, mut body: Incoming) -> Result<()> {
        let mut gathered = BytesMut::with_capacity(GATHER);
        loop {
            let next = tokio::select! {
                next = tokio::time::timeout(SILENCE, body.next()) => next,
                () = self.live.cancelled.cancelled() => return Err(gone()),
            };
            let (chunk, ended) = match next {
                Ok(Some(Ok(chunk))) => (chunk, None),
                Ok(Some(Err(error))) => (Bytes::new(), Some(Err(interrupted(&error.to_string())))),
                Ok(None) => (Bytes::new(), Some(Ok(()))),
                Err(_) => (
                    Bytes::new(),
                    Some(Err(interrupted("nothing arrived for 30 s"))),
                ),
            };
            let written = self.part.as_ref().map_or(0, Part::written);
            let total = written + gathered.len() as u64 + chunk.len() as u64;
            if total > self.upload.length {
                // Whatever this is, it is not the file that was announced: nothing of this body is kept.
                self.part = None;
                return Err(ApiError::new(
                    Kind::TooLarge,
                    "upload.too-long",
                    format!(
                        "More bytes arrived than the {} that were announced. Cancel the upload and begin again \
                         with the file's true length.",
                        self.upload.length
                    ),
                ));
            }
            gathered.extend_from_slice(&chunk);
            if gathered.len() >= GATHER || ended.is_some() {
                self.write(gathered.split().freeze()).await?;
            }
            if let Some(ended) = ended {
                return ended;
            }
        }
    }

    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let mut part = self.part.take().ok_or_else(gone)?;
        let sync = part.written() + bytes.len() as u64 - self.synced >= SYNC_EVERY;
        let folder = self.uploads.folder.clone();
        let (part, written) = blocking(move || {
            let written = has_room(&folder, bytes.len() as u64)
                .and_then(|()| part.append(&bytes))
                .and_then(|()| if sync { part.sync() } else { Ok(()) });
            Ok((part, written))
        })
        .await?;
        written.map_err(|error| medium(&error))?;
        self.live.written.store(part.written(), Ordering::Release);
        if sync {
            self.synced = part.written();
            let now = self.uploads.clock.now_ms();
            self.uploads
                .store
                .upload_is_at(&self.upload.id, self.synced, now)
                .await?;
        }
        self.part = Some(part);
        Ok(())
    }
}
