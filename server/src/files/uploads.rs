//! Uploads on their way: bytes go to a part file and through the scanner as they arrive, and the finished file
//! becomes an object and a snapshot.
//!
//! ```text
//! ID.part      what has arrived
//! ID.content   what is packed in it, while that is unpacked and until it is stored
//! ```
//! What survives a crash is what the store says: `safe_bytes` are on the medium. A finished upload is noted
//! before its file is moved, and the move is repeated at start.

mod disk;
mod errors;
mod finish;
mod receive;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use requorum_shared::inspection::PackedFile;
use tokio_util::sync::CancellationToken;

use self::disk::{disk_bytes, free_bytes, remove_file};
pub use self::errors::gone;
use super::objects::Objects;
use super::part::Part;
use super::store::{FileStore, UploadRow};
use super::unpacking;
use crate::clock::Clock;
use crate::error::{ApiError, Result, internal};
use crate::ledger;
use crate::shares::Shares;

/// How the names of the files end: what has arrived, and what is packed in it.
const PART: &str = "part";
const CONTENT: &str = "content";
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
/// Files that are unpacked, or verified as dossiers, at the same time, in all and of one person: each may hold 128 MiB of
/// what came out last.
const UNPACKED_AT_ONCE: usize = 2;
const UNPACKED_AT_ONCE_EACH: usize = 1;

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
        let mut known = Vec::new();
        let mut stored = Vec::new();
        let abandoned = self.abandoned().await?;
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
            } else if abandoned.has(&upload) || (upload.safe_bytes > 0 && !path.exists()) {
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
            for forgotten in [self.forget_stale().await, self.forget_removed().await] {
                if let Err(error) = forgotten {
                    tracing::warn!("looking for abandoned uploads: {}", error.message);
                }
            }
        }
    }

    /// Forgets uploads that nobody sends any more, or whose owner is disabled: they are cancelled with that, and this is
    /// for those that were not, because the process was killed in between. One that bytes are arriving for is not among
    /// them.
    ///
    /// # Errors
    /// When store or file system refuse.
    pub async fn forget_stale(&self) -> Result<()> {
        let abandoned = self.abandoned().await?;
        for upload in self.own().await? {
            if !abandoned.has(&upload) {
                continue;
            }
            let live = self.live(&upload);
            let Ok(mut slot) = live.part.try_lock() else {
                continue;
            };
            // Read again: it may have gone on between the look and the lock.
            let there = self.store.upload(&upload.id).await?;
            if there.is_some_and(|upload| abandoned.has(&upload)) {
                tracing::info!(upload = %upload.id, "discarded an abandoned upload");
                *slot = None;
                self.remove(&upload.id).await?;
            }
        }
        Ok(())
    }

    async fn abandoned(&self) -> anyhow::Result<Abandoned> {
        Ok(Abandoned {
            now_ms: self.clock.now_ms(),
            of_disabled: self.store.uploads_of_disabled().await?,
        })
    }

    /// Removes what is here of uploads that another process has ended: a command beside this server, or a server of
    /// the same console.
    ///
    /// # Errors
    /// When store or file system refuse.
    pub async fn forget_removed(&self) -> Result<()> {
        // In this order: nothing is here before it has a row.
        let mut here = self.here()?;
        for upload in self.store.uploads().await? {
            here.remove(&upload.id);
        }
        for id in here {
            let live = self.alive(&id);
            let held = match &live {
                Some(live) => match live.part.try_lock() {
                    Ok(mut slot) => {
                        live.cancelled.cancel();
                        *slot = None;
                        Some(slot)
                    }
                    // Bytes arrive for it, or it is being stored at this moment.
                    Err(_) => continue,
                },
                None => None,
            };
            tracing::info!(upload = %id, "discarded an upload that was ended elsewhere");
            remove_files(&self.folder, &id)?;
            self.forget(&id);
            drop(held);
        }
        Ok(())
    }

    /// The ids of all uploads of which something is on the disk or in memory.
    fn here(&self) -> Result<BTreeSet<String>> {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let mut here: BTreeSet<_> = live.keys().cloned().collect();
        drop(live);
        for entry in std::fs::read_dir(&self.folder).map_err(internal)? {
            let name = entry.map_err(internal)?.file_name();
            if let Some(name) = name.to_str()
                && let Some((id, PART | CONTENT)) = name.rsplit_once('.')
            {
                here.insert(id.to_owned());
            }
        }
        Ok(here)
    }

    /// Removes row and file. Whoever calls this holds the part.
    async fn remove(&self, id: &str) -> Result<()> {
        discard(&*self.store, &self.folder, id).await?;
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

    fn alive(&self, id: &str) -> Option<Arc<Live>> {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.get(id).cloned()
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
        part_in(&self.folder, id)
    }

    fn content_path(&self, id: &str) -> PathBuf {
        content_in(&self.folder, id)
    }

    /// Where the part files lie.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Removes an upload's row, and what is in this folder of it.
///
/// # Errors
/// When store or file system refuse.
pub async fn discard(store: &dyn FileStore, folder: &Path, id: &str) -> Result<()> {
    store.remove_upload(id).await?;
    remove_files(folder, id)
}

fn remove_files(folder: &Path, id: &str) -> Result<()> {
    remove_file(&part_in(folder, id))?;
    remove_file(&content_in(folder, id))
}

fn part_in(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.{PART}"))
}

fn content_in(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.{CONTENT}"))
}

/// Ends an upload as a part of the act that brought its last bytes.
async fn carry_on<T>(upload: &UploadRow, work: impl Future<Output = T>) -> T {
    match upload.entry {
        Some(entry) => ledger::carrying_out(entry, work).await,
        None => work.await,
    }
}

/// Which uploads nobody will finish.
struct Abandoned {
    now_ms: i64,
    of_disabled: BTreeSet<String>,
}

impl Abandoned {
    /// Whether it is one of them. One of which all has arrived and was looked at is not.
    fn has(&self, upload: &UploadRow) -> bool {
        let silent_ms = self.now_ms - upload.touched_ms;
        let is_stale =
            silent_ms > FORGET_MS || upload.safe_bytes == 0 && silent_ms > FORGET_EMPTY_MS;
        upload.finished.is_none() && (is_stale || self.of_disabled.contains(&upload.id))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> Result<T> {
    Ok(tokio::task::spawn_blocking(work)
        .await
        .map_err(internal)??)
}
