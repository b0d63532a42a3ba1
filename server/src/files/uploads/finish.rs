//! All bytes are there: what arrived is judged, unpacked where it is packed, and becomes an object and a file.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use requorum_shared::api::upload::EVIDENCE_ORIGIN;
use requorum_shared::kinds::Inspection;
use requorum_shared::recovery::served_by;
use requorum_shared::unpack::{Limits, UnpackError};

use super::disk::remove_file;
use super::errors::{foreign, gone, no_room_for_content, not_read_through, too_much_in_it};
use super::{KEEP_FREE, Live, Stored, Uploads, blocking};
use crate::error::{Result, conflict, internal, not_found};
use crate::files::part::Part;
use crate::files::store::{Finished, StoredFile, Summary, UploadRow};
use crate::files::unpacking::{self, Failed, Opened, Order, Room};

/// How often it is looked what others are sure of while a file is unpacked.
const LOOK_AT_PROMISES_EVERY: Duration = Duration::from_secs(1);

impl Uploads {
    /// Makes a file of an upload all of which has arrived: of what is in it, where it is packed.
    pub(super) async fn finish(
        &self,
        upload: &UploadRow,
        live: &Live,
        part: Part,
    ) -> Result<Stored> {
        if !unpacking::is_packed(part.path())? {
            return self.finish_plain(upload, part).await;
        }
        let Opened { sent, content } = self.unpack(upload, live, part).await?;
        let words = match content {
            Ok(content) if !served_by(&content).is_empty() => {
                return self.keep(upload, content).await;
            }
            // As evidence it is kept as it came.
            _ if upload.evidence => return self.keep(upload, sent).await,
            Ok(content) => {
                let packed = content.unpacked_from.as_ref();
                let kind = packed.map_or(&sent.kind, |packed| &packed.kind);
                format!("Unpacked from {kind}: {}", content.what())
            }
            Err(UnpackError::TooMuch { limit }) => {
                return Err(too_much_in_it(&upload.name, limit));
            }
            Err(error) => not_read_through(&sent, &error),
        };
        Err(foreign(&words))
    }

    /// The same for a file that is not packed.
    pub(super) async fn finish_plain(&self, upload: &UploadRow, part: Part) -> Result<Stored> {
        // A dossier is verified in memory.
        let share = match unpacking::is_dossier(part.path())? {
            true => Some(
                self.unpacking
                    .take(&upload.owner_id)
                    .await
                    .map_err(internal)?,
            ),
            false => None,
        };
        let name = upload.name.clone();
        let inspection = blocking(move || {
            // Held for as long as the work takes, even when the caller hangs up.
            let _share = share;
            part.inspect(&name)
        })
        .await?;
        if served_by(&inspection).is_empty() && !upload.evidence {
            return Err(foreign(&inspection.what()));
        }
        self.keep(upload, inspection).await
    }

    async fn keep(&self, upload: &UploadRow, inspection: Inspection) -> Result<Stored> {
        let finished = Finished {
            sha256: inspection.file.sha256.clone(),
            inspection_json: serde_json::to_string(&inspection).map_err(internal)?,
        };
        if !self.store.upload_finished(&upload.id, &finished).await? {
            return Err(conflict(
                "upload.busy",
                "The same content was removed a moment ago and is still being deleted. It is stored once that is done.",
            )
            .retry_after(5));
        }
        let stored = self.put_away(upload, &finished).await?;
        tracing::info!(file = %stored.id, verdict = %inspection.verdict.sentence, "stored a file");
        Ok(stored)
    }

    /// Unpacks what has arrived, beside it, within the room that is for it.
    async fn unpack(&self, upload: &UploadRow, live: &Live, part: Part) -> Result<Opened> {
        let share = tokio::select! {
            share = self.unpacking.take(&upload.owner_id) => share.map_err(internal)?,
            () = live.cancelled.cancelled() => return Err(gone()),
        };
        let _takes_room = TakesRoom::of(live);
        // Whatever ends this ends the work too.
        let stop = live.cancelled.child_token();
        let _ends = stop.clone().drop_guard();
        let promised = Arc::new(AtomicU64::new(self.promised_to_others(upload).await?));
        let order = Order {
            name: upload.name.clone(),
            into: self.content_path(&upload.id),
            limits: Limits {
                bytes: self.max_bytes,
                ..Limits::DEFAULT
            },
            room: Room {
                folder: self.folder.clone(),
                keep_free: KEEP_FREE,
                promised: promised.clone(),
            },
            stop,
        };
        let work = blocking(move || {
            // Held for as long as the work takes, even when the caller hangs up.
            let _share = share;
            Ok(unpacking::unpack(part, &order))
        });
        tokio::pin!(work);
        let opened = loop {
            tokio::select! {
                opened = work.as_mut() => break opened?,
                () = tokio::time::sleep(LOOK_AT_PROMISES_EVERY) => {
                    // Where the store does not answer, what was seen last holds: the work is not left alone.
                    if let Ok(now) = self.promised_to_others(upload).await {
                        promised.store(now, Ordering::Relaxed);
                    }
                }
            }
        };
        opened.map_err(|failed| match failed {
            Failed::Stopped => gone(),
            Failed::Write { written, source } => {
                no_room_for_content(&upload.name, written, &source)
            }
            Failed::Other(error) => error.into(),
        })
    }

    async fn promised_to_others(&self, upload: &UploadRow) -> Result<u64> {
        let free = self.free_bytes().map_err(internal)?;
        self.promised_beside(Some(&upload.id), &upload.owner_id, free)
            .await
    }

    /// Makes an object and a file of a finished upload. May be repeated until it succeeds.
    pub(super) async fn put_away(&self, upload: &UploadRow, finished: &Finished) -> Result<Stored> {
        let inspection: Inspection =
            serde_json::from_str(&finished.inspection_json).map_err(internal)?;
        let sent = self.part_path(&upload.id);
        let is_content = inspection.unpacked_from.is_some();
        let path = match is_content {
            true => self.content_path(&upload.id),
            false => sent.clone(),
        };
        let sha256 = &finished.sha256;
        if path.exists() {
            self.objects.adopt(sha256, &path).await?;
        } else if !self.objects.has(sha256).await? {
            return Err(not_found(
                "upload.lost",
                "What was uploaded is neither on the server's disk nor stored: it was removed. Cancel the upload and \
                 send the file again.",
            ));
        }
        if is_content {
            remove_file(&sent)?;
        }
        self.become_file(upload, &inspection).await?;
        self.forget(&upload.id);
        Ok(Stored {
            id: sha256.clone(),
            unpacked_from: inspection.unpacked_from,
        })
    }

    async fn become_file(&self, upload: &UploadRow, inspection: &Inspection) -> anyhow::Result<()> {
        let Summary {
            kind,
            trust,
            headline,
        } = Summary::from(inspection);
        let file = StoredFile {
            id: inspection.file.sha256.clone(),
            name: inspection.file.name.clone(),
            size: inspection.file.size,
            uploaded_ms: self.clock.now_ms(),
            uploaded_by: upload.owner.clone(),
            origin: if served_by(inspection).is_empty() {
                EVIDENCE_ORIGIN.into()
            } else {
                "upload".into()
            },
            cluster: upload.cluster.clone(),
            kind,
            trust,
            headline,
            removed_ms: 0,
            removed_by: String::new(),
        };
        self.store.upload_becomes(&upload.id, &file).await
    }
}

/// Says that an upload takes room for what comes out of it, until this is dropped.
struct TakesRoom<'a>(&'a Live);

impl<'a> TakesRoom<'a> {
    fn of(live: &'a Live) -> Self {
        live.unpacking.store(true, Ordering::Relaxed);
        Self(live)
    }
}

impl Drop for TakesRoom<'_> {
    fn drop(&mut self) {
        self.0.unpacking.store(false, Ordering::Relaxed);
    }
}
