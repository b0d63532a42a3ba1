//! Files on their way to the server. They go on while a person looks at other pages; after a reload the server
//! knows how far each was, and the same file continues it.

use leptos::prelude::*;
use leptos::task::spawn_local;
use requorum_shared::api::upload::Upload;
use web_sys::{AbortController, File};

use crate::client::upload::{self, BUSY, FIRST_PIECE, INTERRUPTED, OFFSET_MISMATCH};
use crate::failure::{Failure, Kind};
use crate::format::Progress;

/// Uploads that send at once; the others wait.
const AT_ONCE: usize = 2;

/// A file on its way.
#[derive(Debug, Clone)]
pub struct Transfer {
    /// Its number on this page, from 1.
    pub key: u32,
    /// The file's name.
    pub name: String,
    /// How far it is.
    pub progress: Progress,
    /// Where it is.
    pub state: TransferState,
    file: File,
    cluster: String,
    /// The server's id of it, once announced.
    id: Option<String>,
    stop: Option<AbortController>,
}

/// Where a file on its way is.
#[derive(Debug, Clone, PartialEq)]
pub enum TransferState {
    /// Others go first.
    Waiting,
    /// Bytes are sent.
    Sending,
    /// All bytes are sent; the server looks at them.
    Checking,
    /// The network failed; it goes on by itself in so many seconds.
    Pausing(u32),
    /// It is the snapshot with this id now.
    Done(String),
    /// It is kept as evidence under this id: no etcd database, and not for a restore.
    Kept(String),
    /// It failed, and stays where it is until a person tries again.
    Failed(Failure),
}

/// All files on their way.
#[derive(Clone, Copy)]
pub struct UploadQueue {
    list: RwSignal<Vec<Transfer>, LocalStorage>,
    /// Grows when something arrived, so that lists of snapshots are asked for anew.
    arrived: RwSignal<u32>,
}

impl UploadQueue {
    /// An empty queue for all pages below.
    pub fn provide() -> Self {
        let queue = Self {
            list: RwSignal::new_local(Vec::new()),
            arrived: RwSignal::new(0),
        };
        provide_context(queue);
        queue
    }

    /// The queue given by [`UploadQueue::provide`].
    pub fn expect() -> Self {
        expect_context()
    }

    /// The keys of all transfers: changes only when one comes or goes.
    pub fn keys(self) -> Vec<u32> {
        self.list.with(|list| list.iter().map(|t| t.key).collect())
    }

    /// Looks at one transfer.
    pub fn with<T>(self, key: u32, read: impl FnOnce(&Transfer) -> T) -> Option<T> {
        self.list
            .with(|list| list.iter().find(|t| t.key == key).map(read))
    }

    /// How many snapshots arrived since the page was loaded.
    pub fn arrived(self) -> u32 {
        self.arrived.get()
    }

    /// The server's ids of what this page is sending: they are not shown as left behind.
    pub fn ids(self) -> Vec<String> {
        self.list
            .with(|list| list.iter().filter_map(|t| t.id.clone()).collect())
    }

    /// How many are under way.
    pub fn under_way(self) -> usize {
        self.list.with(|list| {
            list.iter()
                .filter(|t| {
                    !matches!(
                        t.state,
                        TransferState::Done(_) | TransferState::Kept(_) | TransferState::Failed(_)
                    )
                })
                .count()
        })
    }

    /// Sends a file, as one of a cluster where that is not empty; `resumes` is what the server has of it already.
    pub fn add(self, file: File, cluster: &str, resumes: Option<&Upload>) -> u32 {
        let key = self
            .list
            .with_untracked(|list| list.last().map_or(1, |t| t.key + 1));
        let progress = Progress {
            done: resumes.map_or(0, |u| u.offset),
            total: file.size() as u64,
            ..Progress::default()
        };
        let transfer = Transfer {
            key,
            name: file.name(),
            progress,
            state: TransferState::Waiting,
            file,
            cluster: cluster.to_owned(),
            id: resumes.map(|u| u.id.clone()),
            stop: None,
        };
        self.list.update(|list| list.push(transfer));
        self.begin();
        key
    }

    /// Goes on after a failure.
    pub fn try_again(self, key: u32) {
        self.change(key, |t| t.state = TransferState::Waiting);
        self.begin();
    }

    /// Keeps a file as evidence that the server refused because it is no etcd database.
    pub fn keep_as_evidence(self, key: u32) {
        let Some(Some((id, length))) =
            self.untracked(key, |t| t.id.clone().map(|id| (id, t.progress.total)))
        else {
            return;
        };
        self.change(key, |t| t.state = TransferState::Checking);
        spawn_local(async move {
            let kept = upload::keep_as_evidence(&id, length).await;
            let state = match kept.map(|upload| upload.snapshot) {
                Ok(Some(snapshot)) => TransferState::Kept(snapshot),
                Ok(None) => TransferState::Waiting,
                Err(failure) => TransferState::Failed(failure),
            };
            self.change(key, |t| t.state = state);
            self.arrived.update(|n| *n += 1);
            self.begin();
        });
    }

    /// Stops sending, and has the server drop what arrived.
    pub fn cancel(self, key: u32) {
        let found = self.list.with_untracked(|list| {
            list.iter()
                .find(|t| t.key == key)
                .map(|t| (t.id.clone(), t.stop.clone()))
        });
        let Some((id, stop)) = found else { return };
        self.list.update(|list| list.retain(|t| t.key != key));
        if let Some(stop) = stop {
            stop.abort();
        }
        if let Some(id) = id {
            spawn_local(async move {
                // What cannot be cancelled now is listed as unfinished, and can be cancelled there.
                let _ = upload::cancel(&id).await;
                self.arrived.update(|n| *n += 1);
            });
        }
        self.begin();
    }

    /// Takes a finished or failed transfer out of the list.
    pub fn dismiss(self, key: u32) {
        self.list.update(|list| list.retain(|t| t.key != key));
    }

    fn begin(self) {
        let next = self.list.with_untracked(|list| {
            let busy = list
                .iter()
                .filter(|t| {
                    matches!(
                        t.state,
                        TransferState::Sending
                            | TransferState::Checking
                            | TransferState::Pausing(_)
                    )
                })
                .count();
            let waiting = list
                .iter()
                .find(|t| t.state == TransferState::Waiting)
                .map(|t| t.key);
            waiting.filter(|_| busy < AT_ONCE)
        });
        if let Some(key) = next {
            self.change(key, |t| t.state = TransferState::Sending);
            spawn_local(self.carry(key));
            self.begin();
        }
    }

    async fn carry(self, key: u32) {
        let result = self.send_all(key).await;
        match result {
            Ok(Some(snapshot)) => {
                self.change(key, |t| t.state = TransferState::Done(snapshot));
                self.arrived.update(|n| *n += 1);
            }
            Ok(None) => {}
            Err(failure) => self.change(key, |t| t.state = TransferState::Failed(failure)),
        }
        self.begin();
    }

    /// Sends until the end; `None` when the transfer was cancelled.
    async fn send_all(self, key: u32) -> Result<Option<String>, Failure> {
        let mut piece = FIRST_PIECE;
        let mut failed = 0;
        let mut at: Option<Upload> = None;
        loop {
            let Some((file, name, cluster, id)) = self.untracked(key, |t| {
                (
                    t.file.clone(),
                    t.name.clone(),
                    t.cluster.clone(),
                    t.id.clone(),
                )
            }) else {
                return Ok(None);
            };
            let size = file.size() as u64;
            let step = match (&at, &id) {
                (None, None) => upload::create(&name, size, &cluster).await,
                (None, Some(id)) => upload::find(id).await,
                (Some(upload), _) => {
                    let end = upload.offset.saturating_add(piece).min(size);
                    self.send_piece(key, &file, upload, end, &mut piece).await
                }
            };
            match step {
                Ok(upload) if upload.length != size => {
                    return Err(Failure {
                        next: "Choose the file that the upload was begun with, or cancel it and begin anew.".into(),
                        ..Failure::new(Kind::Refused, format!(
                            "{name} has {} bytes, and the unfinished upload is of a file of {} bytes.",
                            size, upload.length
                        ))
                    });
                }
                Ok(upload) => {
                    failed = 0;
                    if let Some(snapshot) = upload.snapshot {
                        return Ok(Some(snapshot));
                    }
                    let now = js_sys::Date::now();
                    self.change(key, |t| {
                        t.id = Some(upload.id.clone());
                        t.state = TransferState::Sending;
                        t.progress.done = upload.offset;
                        t.progress.rate.note(now, upload.offset);
                    });
                    at = Some(upload);
                }
                Err(failure) if self.untracked(key, |_| ()).is_none() => {
                    drop(failure);
                    return Ok(None);
                }
                Err(failure) if failure.code == OFFSET_MISMATCH || failure.code == INTERRUPTED => {
                    at = None;
                    failed += 1;
                    if failed > 5 {
                        return Err(failure);
                    }
                }
                Err(failure) if failure.kind == Kind::Offline || failure.code == BUSY => {
                    failed += 1;
                    at = None;
                    for left in (1..=upload::wait_seconds(failed)).rev() {
                        self.change(key, |t| t.state = TransferState::Pausing(left));
                        gloo_timers::future::TimeoutFuture::new(1000).await;
                    }
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    async fn send_piece(
        self,
        key: u32,
        file: &File,
        upload: &Upload,
        end: u64,
        piece: &mut u64,
    ) -> Result<Upload, Failure> {
        let cannot = |_| Failure {
            next: "Choose the file again.".into(),
            ..Failure::new(
                Kind::Other,
                format!(
                    "{} can no longer be read: it was changed or moved.",
                    file.name()
                ),
            )
        };
        let stop = AbortController::new().map_err(cannot)?;
        let blob = file
            .slice_with_f64_and_f64(upload.offset as f64, end as f64)
            .map_err(cannot)?;
        self.change(key, |t| {
            t.stop = Some(stop.clone());
            if end >= upload.length {
                t.state = TransferState::Checking;
            }
        });
        let began = js_sys::Date::now();
        let sent = upload::send(&upload.id, upload.offset, &blob, &stop.signal()).await?;
        *piece = upload::next_piece(end - upload.offset, js_sys::Date::now() - began);
        Ok(sent)
    }

    fn untracked<T>(self, key: u32, read: impl FnOnce(&Transfer) -> T) -> Option<T> {
        self.list
            .with_untracked(|list| list.iter().find(|t| t.key == key).map(read))
    }

    fn change(self, key: u32, change: impl FnOnce(&mut Transfer)) {
        self.list.update(|list| {
            if let Some(transfer) = list.iter_mut().find(|t| t.key == key) {
                change(transfer);
            }
        });
    }
}
