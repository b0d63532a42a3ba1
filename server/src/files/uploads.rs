//! Uploads on their way: bytes go to a part file and through the scanner as they arrive, and the finished file
//! becomes an object and a snapshot.
//!
//! ```text
//! ID.part      what has arrived
//! ID.content   what is packed in it, while that is unpacked and until it is stored
//! ```
//! What survives a crash is what the store says: `safe_bytes` are on the medium. A finished upload is noted
//! before its file is moved, and the move is repeated at start.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use requorum_shared::api::upload::{EVIDENCE_ORIGIN, FOREIGN};
use requorum_shared::inspection::PackedFile;
use requorum_shared::kinds::Inspection;
use requorum_shared::unpack::{Limits, UnpackError};
use rustix::fs::statvfs;
use tokio_util::sync::CancellationToken;

use super::objects::Objects;
use super::part::Part;
use super::store::{FileStore, Finished, StoredFile, Summary, UploadRow};
use super::unpacking::{self, Failed, Opened, Order, Room};
use crate::clock::Clock;
use crate::error::{ApiError, Kind, Result, bad_request, conflict, internal, not_found};
use crate::ledger;
use crate::shares::Shares;

/// Bytes gathered before they are written and scanned.
const GATHER: usize = 1 << 20;
/// Bytes after which what has arrived is brought to the medium, so that a crash costs no more than this.
const SYNC_EVERY: u64 = 64 << 20;
/// How long a client may be silent in the middle of a body.
const SILENCE: Duration = Duration::from_secs(30);
/// An upload that nobody touched for this long is forgotten.
const FORGET_MS: i64 = 7 * 24 * 3_600_000;
/// One of which no byte has come is forgotten sooner: its sender had nothing to lose.
const FORGET_EMPTY_MS: i64 = 10 * 60_000;
/// How often it is looked for what is to be forgotten.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Room that is left free on the disk whatever is uploaded, in bytes: the database must be able to write.
pub const KEEP_FREE: u64 = 64 << 20;
/// Room that an upload under way is sure of beyond what has arrived, in bytes. To be sure of all that was announced, a
/// claim alone would keep others out.
const AHEAD: u64 = 64 << 20;
/// What others are promised takes no more than this part of the free room from anybody, for each of them.
const SHARE: u64 = 4;
/// Files that are unpacked at the same time, in all and of one person: each may hold 128 MiB of what came out last.
const UNPACKED_AT_ONCE: usize = 2;
const UNPACKED_AT_ONCE_EACH: usize = 1;
/// How often it is looked what others are sure of while a file is unpacked.
const LOOK_AT_PROMISES_EVERY: Duration = Duration::from_secs(1);

/// Bytes on their way in.
pub type Incoming = BoxStream<'static, std::io::Result<Bytes>>;

/// The uploads of one server.
pub struct Uploads {
    folder: PathBuf,
    /// The data directory that the folder belongs to, by its name.
    place: String,
    store: Arc<dyn FileStore>,
    objects: Objects,
    clock: Arc<dyn Clock>,
    /// The longest file that is taken, in bytes, packed or not.
    max_bytes: u64,
    unpacking: Shares,
    live: Mutex<HashMap<String, Arc<Live>>>,
}

/// An upload in memory.
struct Live {
    /// Held while bytes are added.
    part: tokio::sync::Mutex<Option<Part>>,
    /// Bytes written, readable by others meanwhile.
    written: AtomicU64,
    /// Whether it is being unpacked, which takes room too.
    unpacking: AtomicBool,
    cancelled: CancellationToken,
}

/// What adding bytes led to.
pub enum Appended {
    /// There is more to come.
    Partly(u64),
    /// All bytes are there.
    Whole(Stored),
}

/// The file that an upload became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its id: the SHA-256 of what is stored.
    pub id: String,
    /// What was sent, where what was in it is stored.
    pub unpacked_from: Option<PackedFile>,
}

impl Uploads {
    /// Uploads whose part files lie in `folder`, of at most `max_bytes` each.
    pub fn new(
        folder: PathBuf,
        place: String,
        store: Arc<dyn FileStore>,
        objects: Objects,
        clock: Arc<dyn Clock>,
        max_bytes: u64,
    ) -> Self {
        Self {
            folder,
            place,
            store,
            objects,
            clock,
            max_bytes,
            unpacking: Shares::new(UNPACKED_AT_ONCE, UNPACKED_AT_ONCE_EACH),
            live: Mutex::new(HashMap::new()),
        }
    }

    /// Ends what a crash interrupted, and forgets what nobody came back for. Gives the uploads that became snapshots by
    /// this, each with the snapshot's id.
    ///
    /// # Errors
    /// When store or folder cannot be read.
    pub async fn recover(&self) -> anyhow::Result<Vec<(UploadRow, String)>> {
        let now = self.clock.now_ms();
        let mut known = Vec::new();
        let mut stored = Vec::new();
        for upload in self.own().await? {
            let path = self.part_path(&upload.id);
            if let Some(finished) = &upload.finished {
                let put_away = self.put_away(&upload, finished);
                match carry_on(&upload, put_away).await {
                    Ok(file) => {
                        tracing::info!(upload = %upload.id, "finished an upload that was interrupted at its end");
                        stored.push((upload, file.id));
                    }
                    Err(error) => self.keep_for_later(&upload, &error, &mut known),
                }
            } else if is_stale(&upload, now) || (upload.safe_bytes > 0 && !path.exists()) {
                tracing::info!(upload = %upload.id, "discarded an abandoned upload");
                self.store.remove_upload(&upload.id).await?;
            } else if upload.safe_bytes == upload.length
                && !unpacking::is_packed(&path).unwrap_or(false)
            {
                // The last byte had arrived; nobody will send more.
                let safe = upload.safe_bytes;
                let part = blocking(move || Part::open(&path, safe)).await;
                let ended = match part {
                    Ok(part) => carry_on(&upload, self.finish_plain(&upload, part)).await,
                    Err(error) => Err(error),
                };
                match ended {
                    Ok(file) => stored.push((upload, file.id)),
                    Err(error) => self.keep_for_later(&upload, &error, &mut known),
                }
            } else {
                // More comes, or it is unpacked once its sender asks: a start does not wait for that.
                known.push(path);
            }
        }
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if !known.contains(&path) {
                std::fs::remove_file(&path)
                    .with_context(|| format!("removing {}", path.display()))?;
            }
        }
        Ok(stored)
    }

    /// Not a reason to serve nobody: whoever began it tries again, or cancels it.
    fn keep_for_later(&self, upload: &UploadRow, error: &ApiError, known: &mut Vec<PathBuf>) {
        tracing::warn!(upload = %upload.id, "an upload stays unfinished: {}", error.message);
        known.push(self.part_path(&upload.id));
        if upload.finished.is_some() {
            known.push(self.content_path(&upload.id));
        }
    }

    /// Bytes that have arrived, of an upload that may be receiving more.
    pub fn written(&self, upload: &UploadRow) -> u64 {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.get(&upload.id)
            .map_or(upload.safe_bytes, |l| l.written.load(Ordering::Acquire))
    }

    /// Bytes that uploads under way are sure of and have not written, as far as they count against `owner`. An upload
    /// of which nothing has come is sure of nothing; one that is being unpacked, of room for what comes out next.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn promised_bytes(&self, owner: &str, free: u64) -> Result<u64> {
        self.promised_beside(None, owner, free).await
    }

    /// The same without what one of them is sure of.
    async fn promised_beside(&self, one: Option<&str>, owner: &str, free: u64) -> Result<u64> {
        let mut of: HashMap<String, u64> = HashMap::new();
        for upload in self.own().await? {
            if one == Some(upload.id.as_str()) {
                continue;
            }
            let written = self.written(&upload);
            if written > 0 {
                let left = upload.length.saturating_sub(written).min(AHEAD);
                let comes_out = if self.is_unpacking(&upload.id) {
                    AHEAD
                } else {
                    0
                };
                *of.entry(upload.owner_id).or_default() += left + comes_out;
            }
        }
        let counts = |(who, bytes): (String, u64)| match who == owner {
            true => bytes,
            false => bytes.min(free / SHARE),
        };
        Ok(of.into_iter().map(counts).sum())
    }

    /// Bytes that are free where uploads are kept.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn free_bytes(&self) -> std::io::Result<u64> {
        free_bytes(&self.folder)
    }

    /// How large the file system is where uploads are kept, in bytes.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn disk_bytes(&self) -> std::io::Result<u64> {
        disk_bytes(&self.folder)
    }

    /// Forgets what nobody sends any more, now and then.
    pub async fn watch_over(&self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Err(error) = self.forget_stale().await {
                tracing::warn!("looking for abandoned uploads: {}", error.message);
            }
        }
    }

    /// Forgets uploads that nobody sends any more. One that bytes are arriving for is not among them.
    ///
    /// # Errors
    /// When store or file system refuse.
    pub async fn forget_stale(&self) -> Result<()> {
        let now = self.clock.now_ms();
        for upload in self.own().await? {
            if !is_stale(&upload, now) {
                continue;
            }
            let live = self.live(&upload);
            let Ok(mut slot) = live.part.try_lock() else {
                continue;
            };
            // Read again: it may have gone on between the look and the lock.
            let there = self.store.upload(&upload.id).await?;
            if there.is_some_and(|upload| is_stale(&upload, now)) {
                tracing::info!(upload = %upload.id, "discarded an abandoned upload");
                *slot = None;
                self.remove(&upload.id).await?;
            }
        }
        Ok(())
    }

    /// Removes row and file. Whoever calls this holds the part.
    async fn remove(&self, id: &str) -> Result<()> {
        self.store.remove_upload(id).await?;
        remove_file(&self.part_path(id))?;
        remove_file(&self.content_path(id))?;
        self.forget(id);
        Ok(())
    }

    /// Uploads whose bytes are here, and not on another server's disk.
    async fn own(&self) -> anyhow::Result<Vec<UploadRow>> {
        let mut uploads = self.store.uploads().await?;
        uploads.retain(|upload| self.is_here(upload));
        Ok(uploads)
    }

    fn is_here(&self, upload: &UploadRow) -> bool {
        upload.place.is_empty() || upload.place == self.place
    }

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

    /// Makes a file of an upload all of which has arrived: of what is in it, where it is packed.
    async fn finish(&self, upload: &UploadRow, live: &Live, part: Part) -> Result<Stored> {
        if !unpacking::is_packed(part.path())? {
            return self.finish_plain(upload, part).await;
        }
        let Opened { sent, content } = self.unpack(upload, live, part).await?;
        let words = match content {
            Ok(content) if !content.is_foreign() => return self.keep(upload, content).await,
            // As evidence it is kept as it came.
            _ if upload.evidence => return self.keep(upload, sent).await,
            Ok(content) => {
                let packed = content.unpacked_from.as_ref();
                let kind = packed.map_or(&sent.kind, |packed| &packed.kind);
                format!("Unpacked from {kind}: {}", words(&content))
            }
            Err(UnpackError::TooMuch { limit }) => {
                return Err(too_much_in_it(&upload.name, limit));
            }
            Err(error) => not_read_through(&sent, &error),
        };
        Err(foreign(&words))
    }

    /// The same for a file that is not packed.
    async fn finish_plain(&self, upload: &UploadRow, part: Part) -> Result<Stored> {
        let name = upload.name.clone();
        let inspection = blocking(move || part.inspect(&name)).await?;
        if inspection.is_foreign() && !upload.evidence {
            return Err(foreign(&words(&inspection)));
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
                "The same content was removed a moment ago and is still being deleted. It is stored once that is over.",
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
    async fn put_away(&self, upload: &UploadRow, finished: &Finished) -> Result<Stored> {
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
            origin: if inspection.is_foreign() {
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

    /// Ends an upload and leaves nothing of it.
    ///
    /// # Errors
    /// When store or file system refuse.
    pub async fn cancel(&self, upload: &UploadRow) -> Result<()> {
        let live = self.live(upload);
        live.cancelled.cancel();
        // Whoever was adding bytes stops now.
        let mut slot = live.part.lock().await;
        *slot = None;
        if self.store.upload(&upload.id).await?.is_some() {
            self.remove(&upload.id).await?;
        }
        self.forget(&upload.id);
        Ok(())
    }

    fn live(&self, upload: &UploadRow) -> Arc<Live> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.entry(upload.id.clone())
            .or_insert_with(|| {
                Arc::new(Live {
                    part: tokio::sync::Mutex::new(None),
                    written: AtomicU64::new(upload.safe_bytes),
                    unpacking: AtomicBool::new(false),
                    cancelled: CancellationToken::new(),
                })
            })
            .clone()
    }

    fn forget(&self, id: &str) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.remove(id);
    }

    fn is_unpacking(&self, id: &str) -> bool {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.get(id)
            .is_some_and(|live| live.unpacking.load(Ordering::Relaxed))
    }

    fn part_path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.part"))
    }

    fn content_path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.content"))
    }

    /// Where the part files lie.
    pub fn folder(&self) -> &Path {
        &self.folder
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

/// Ends an upload as a part of the act that brought its last bytes.
async fn carry_on<T>(upload: &UploadRow, work: impl Future<Output = T>) -> T {
    match upload.entry {
        Some(entry) => ledger::carrying_out(entry, work).await,
        None => work.await,
    }
}

/// Whether nobody sends it any more.
fn is_stale(upload: &UploadRow, now_ms: i64) -> bool {
    let silent_ms = now_ms - upload.touched_ms;
    upload.finished.is_none()
        && (silent_ms > FORGET_MS || upload.safe_bytes == 0 && silent_ms > FORGET_EMPTY_MS)
}

/// How large the file system of a folder is, for those who may not use what is reserved.
fn disk_bytes(folder: &Path) -> std::io::Result<u64> {
    let stat = statvfs(folder)?;
    let blocks = stat.f_blocks - stat.f_bfree + stat.f_bavail;
    Ok(blocks.saturating_mul(stat.f_frsize))
}

fn free_bytes(folder: &Path) -> std::io::Result<u64> {
    let stat = statvfs(folder)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Whether so many bytes leave enough of the disk free for everything else.
fn has_room(folder: &Path, bytes: u64) -> std::io::Result<()> {
    if free_bytes(folder)? < KEEP_FREE.saturating_add(bytes) {
        return Err(std::io::ErrorKind::StorageFull.into());
    }
    Ok(())
}

/// Removes a file that may be gone already.
fn remove_file(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(internal(format_args!(
            "removing {}: {error}",
            path.display()
        ))),
        _ => Ok(()),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> Result<T> {
    Ok(tokio::task::spawn_blocking(work)
        .await
        .map_err(internal)??)
}

/// There is no such upload, for this person.
pub fn gone() -> ApiError {
    not_found(
        "upload.unknown",
        "No such upload: it has ended, was cancelled, or belongs to another person. Start again.",
    )
}

/// What a file is that no recovery can use.
fn words(inspection: &Inspection) -> String {
    match &inspection.recognised {
        Some(recognised) => recognised.words(),
        None if inspection.etcd().is_some() => inspection.verdict.sentence.clone(),
        None => format!("This is {}, not an etcd database.", inspection.label),
    }
}

/// The same for a packed file, with the reason why what is in it is not known.
fn not_read_through(sent: &Inspection, error: &UnpackError) -> String {
    match error {
        // To unpack it is no advice then.
        UnpackError::Bomb { .. } => format!(
            "{} The reason: {error}. {}",
            sent.verdict.sentence, sent.verdict.advice
        ),
        _ => format!("{} It was not unpacked: {error}.", words(sent)),
    }
}

/// What is no etcd database is kept only if the uploader wants that.
fn foreign(words: &str) -> ApiError {
    bad_request(
        FOREIGN,
        format!(
            "{words} It was not stored. Cancel the upload, or keep the file as evidence: it is never offered for a \
             restore then."
        ),
    )
}

fn too_much_in_it(name: &str, limit: u64) -> ApiError {
    ApiError::new(
        Kind::TooLarge,
        "upload.too-large",
        format!(
            "More than {limit} bytes are packed in {name}, and this server accepts no larger file. Its operator can \
             raise that with --max-upload-bytes. What arrived is kept; continue after that, or cancel the upload."
        ),
    )
}

fn no_room_for_content(name: &str, written: u64, error: &std::io::Error) -> ApiError {
    if !matches!(
        error.kind(),
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
    ) {
        return medium(error);
    }
    ApiError::new(
        Kind::NoSpace,
        "upload.no-room",
        format!(
            "The server has no room for what is packed in {name}: {written} bytes of it could be unpacked. What arrived \
             is kept; free some space on the server's disk and continue."
        ),
    )
}

fn interrupted(why: &str) -> ApiError {
    ApiError::new(
        Kind::BadRequest,
        "upload.interrupted",
        format!(
            "The upload was interrupted: {why}. What arrived is kept; ask for the offset and continue from there."
        ),
    )
}

fn medium(error: &std::io::Error) -> ApiError {
    if matches!(
        error.kind(),
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
    ) {
        return ApiError::new(
            Kind::NoSpace,
            "upload.no-room",
            "The server's disk is full. What arrived is kept; free some space there and resume.",
        );
    }
    if error.kind() == std::io::ErrorKind::FileTooLarge {
        return ApiError::new(
            Kind::NoSpace,
            "upload.no-room",
            "The server may not write a file as large as this one. What arrived is kept; raise the limit on file \
             sizes there (ulimit -f) and resume.",
        );
    }
    match error.raw_os_error() {
        Some(code) => anyhow::Error::from(std::io::Error::from_raw_os_error(code))
            .context("writing an upload")
            .into(),
        None => internal(format_args!("writing an upload: {error}")),
    }
}
