//! Files on their way to the server. They go on while a person looks at other pages; after a reload the server
//! knows how far each was, and the same file continues it.

use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos::task::spawn_local;
use requorum_shared::api::upload::{FOREIGN, Upload};
use requorum_shared::inspection::PackedFile;
use web_sys::{AbortController, File};

use crate::client::upload::{self, BUSY, FIRST_PIECE, INTERRUPTED, OFFSET_MISMATCH, UNKNOWN};
use crate::failure::{Failure, Kind};
use crate::format::{self, Progress};

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
    /// What was sent, once what is packed in it was stored.
    pub unpacked_from: Option<PackedFile>,
    file: File,
    cluster: String,
    /// The server's id of it, once announced.
    id: Option<String>,
    stop: Option<AbortController>,
}

impl Transfer {
    /// The cluster that it is for; empty for none.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// The id of the stored file that it became.
    pub fn stored(&self) -> Option<&str> {
        match &self.state {
            TransferState::Done(id) | TransferState::Kept(id) => Some(id),
            _ => None,
        }
    }
}

/// Where this browser keeps when the files of unfinished uploads were last changed, by the uploads' ids: a file of the
/// same name and size with other bytes must not continue one.
const BEGUN_WITH: &str = "requorum.uploads";
/// How many of them are kept.
const MOST_KEPT: usize = 100;

fn kept() -> BTreeMap<String, f64> {
    let storage = window().local_storage().ok().flatten();
    let text = storage.and_then(|storage| storage.get_item(BEGUN_WITH).ok().flatten());
    text.and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

fn begun_with(id: &str) -> Option<f64> {
    kept().get(id).copied()
}

/// Whether this is known not to be the file that an upload began with.
pub fn was_changed(id: &str, file: &File) -> bool {
    begun_with(id).is_some_and(|changed| changed != file.last_modified())
}

fn is_same(one: &File, other: &File) -> bool {
    (one.name(), one.size(), one.last_modified())
        == (other.name(), other.size(), other.last_modified())
}

/// Keeps when the file of an upload was last changed; forgets it without.
fn remember(id: &str, changed: Option<f64>) {
    let mut all = kept();
    let before = all.clone();
    match changed {
        Some(changed) => all.insert(id.to_owned(), changed),
        None => all.remove(id),
    };
    while all.len() > MOST_KEPT {
        all.pop_first();
    }
    if all == before {
        return;
    }
    // A browser that keeps nothing continues by a person's choice of the file alone.
    if let Some(storage) = window().local_storage().ok().flatten()
        && let Ok(text) = serde_json::to_string(&all)
    {
        let _ = storage.set_item(BEGUN_WITH, &text);
    }
}

/// Where a file on its way is.
#[derive(Debug, Clone, PartialEq)]
pub enum TransferState {
    /// Others go first.
    Waiting,
    /// Bytes are sent.
    Sending,
    /// All bytes are sent; the server unpacks them where they are packed, and checks them.
    Checking,
    /// The network failed; it goes on by itself in so many seconds.
    Pausing(u32),
    /// It is the file with this id now.
    Done(String),
    /// It is kept as evidence under this id: no recovery uses it.
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
        // Leaving now would stop what is being sent: the browser asks first.
        let leaving = window_event_listener(leptos::ev::beforeunload, move |ev| {
            if untrack(|| queue.under_way()) > 0 {
                ev.prevent_default();
            }
        });
        on_cleanup(move || leaving.remove());
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

    /// The same, for whoever does not want to be told of changes.
    pub fn with_untracked<T>(self, key: u32, read: impl FnOnce(&Transfer) -> T) -> Option<T> {
        self.untracked(key, read)
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
            unpacked_from: None,
            file,
            cluster: cluster.to_owned(),
            id: resumes.map(|u| u.id.clone()),
            stop: None,
        };
        self.list.update(|list| list.push(transfer));
        self.begin();
        key
    }

    /// Sends a file, or goes on with what is left of it: here after a failure, or of an earlier visit where `left` has an
    /// upload that began with the same file. One that is being sent is not sent twice.
    pub fn add_or_continue(self, file: File, cluster: &str, left: &[Upload]) {
        let here = self.list.with_untracked(|list| {
            let same = list.iter().filter(|t| t.stored().is_none());
            let mut same = same.filter(|t| is_same(&t.file, &file));
            same.next().map(|t| (t.key, t.state.clone()))
        });
        match here {
            // What was refused stays refused.
            Some((key, TransferState::Failed(failure))) if failure.code != FOREIGN => {
                self.try_again(key);
            }
            Some(_) => {}
            None => {
                let size = file.size() as u64;
                let known = self.list.with_untracked(|list| {
                    list.iter().filter_map(|t| t.id.clone()).collect::<Vec<_>>()
                });
                let mut left = left.iter().filter(|u| {
                    u.length == size
                        && u.name == file.name()
                        && !known.contains(&u.id)
                        && begun_with(&u.id) == Some(file.last_modified())
                });
                match left.next() {
                    Some(upload) => self.add(file, &upload.cluster, Some(upload)),
                    None => self.add(file, cluster, None),
                };
            }
        }
    }

    /// Goes on after a failure.
    pub fn try_again(self, key: u32) {
        self.change(key, |t| t.state = TransferState::Waiting);
        self.begin();
    }

    /// Keeps a file as evidence that the server refused because no recovery uses it.
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
            remember(&id, None);
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
        let mut all_sent = false;
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
                    all_sent |= end >= size;
                    self.send_piece(key, &file, upload, end, &mut piece).await
                }
            };
            match step {
                Ok(upload) if upload.length != size => {
                    return Err(Failure {
                        next: "Choose the file that the upload was started with, or cancel it and start again.".into(),
                        ..Failure::new(Kind::Refused, format!(
                            "{name} has {}, and the unfinished upload is of a file of {}.",
                            format::exact_bytes(size),
                            format::exact_bytes(upload.length)
                        ))
                    });
                }
                Ok(upload) => {
                    failed = 0;
                    match upload.snapshot {
                        Some(_) => remember(&upload.id, None),
                        None => remember(&upload.id, Some(file.last_modified())),
                    }
                    if let Some(snapshot) = upload.snapshot {
                        self.change(key, |t| t.unpacked_from = upload.unpacked_from);
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
                Err(failure) if failure.code == UNKNOWN && all_sent => {
                    // It ended while the line was down: to unpack a large file takes longer than some proxies wait.
                    self.arrived.update(|n| *n += 1);
                    return Err(Failure {
                        next: "Look for it in the list of files, and send it again if it is not there.".into(),
                        ..Failure::new(
                            Kind::Other,
                            format!("All of {name} was sent, but the server's answer was lost."),
                        )
                    });
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
