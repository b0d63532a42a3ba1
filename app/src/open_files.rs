//! The files that are open in this browser. They outlive the page that shows them, but not a reload.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::future::LocalBoxFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use requorum_shared::kinds::companion_of;
use web_sys::File;

use crate::client::inspector::{Heard, Inspector, ReadReport};
use crate::client::thread::meta;
use crate::clipboard::copy;
use crate::dropped::Dropped;
use crate::failure::Failure;
use crate::format::{Progress, Rate};
use crate::worker::protocol::{Looked, Order, Phase, Refusal, Report, Unpacked};

/// An open file.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its number, from 1.
    pub job: u32,
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// When it was last written, as its file system has it: milliseconds since 1970.
    pub modified_ms: Option<i64>,
    /// Where it is.
    pub state: State,
    /// The file itself; a folder has none.
    pub file: Option<File>,
    /// A file that came with it and that it is judged by.
    beside: Option<File>,
}

/// Where an open file is.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Being read, or in the queue.
    Reading(Progress, Phase),
    /// Looked at.
    Done(Arc<Looked>),
    /// A dossier, verified.
    Dossier(Arc<Unpacked>),
    /// It could not be looked at.
    Refused(Refusal),
}

/// The samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// As etcd saved it.
    Sound,
    /// The same after a disk lost a write: a page of bucket `key` is zeros.
    Damaged,
}

/// Fetches what reads the workers' reports.
pub type FetchReader = Box<dyn Fn() -> LocalBoxFuture<'static, Result<ReadReport, Failure>>>;

/// All open files.
#[derive(Clone, Copy)]
pub struct OpenFiles {
    items: RwSignal<Vec<Item>, LocalStorage>,
    queue: StoredValue<VecDeque<u32>, LocalStorage>,
    current: StoredValue<Option<u32>>,
    fetch_reader: StoredValue<FetchReader, LocalStorage>,
    inspector: StoredValue<Option<Inspector>, LocalStorage>,
    dossiers: StoredValue<Option<Inspector>, LocalStorage>,
    sample: RwSignal<Option<Refusal>>,
}

impl OpenFiles {
    /// No open files, for all pages below. What reads the workers' reports is fetched when the first file is opened.
    pub fn provide(fetch_reader: FetchReader) -> Self {
        let open_files = Self {
            items: RwSignal::new_local(Vec::new()),
            queue: StoredValue::new_local(VecDeque::new()),
            current: StoredValue::new(None),
            fetch_reader: StoredValue::new_local(fetch_reader),
            inspector: StoredValue::new_local(None),
            dossiers: StoredValue::new_local(None),
            sample: RwSignal::new(None),
        };
        provide_context(open_files);
        open_files
    }

    /// The open files given by [`OpenFiles::provide`].
    pub fn expect() -> Self {
        expect_context()
    }

    /// The files, in the order in which they came.
    pub fn items(self) -> Vec<Item> {
        self.items.get()
    }

    /// The numbers and names of the files: changes only when one comes or goes.
    pub fn numbers(self) -> Vec<(u32, String)> {
        self.items
            .with(|items| items.iter().map(|i| (i.job, i.name.clone())).collect())
    }

    /// Looks at one file without asking to be told of others.
    pub fn with<T>(self, job: u32, read: impl FnOnce(&Item) -> T) -> Option<T> {
        self.items
            .with(|items| items.iter().find(|i| i.job == job).map(read))
    }

    /// Why the sample could not be opened, if it could not.
    pub fn sample_failure(self) -> Option<Refusal> {
        self.sample.get()
    }

    /// Opens what came; gives the number of the first.
    pub fn put(self, dropped: Dropped) -> Option<u32> {
        let mut next = self
            .items
            .with_untracked(|items| items.last().map_or(1, |i| i.job + 1));
        let first = next;
        let mut fresh = Vec::new();
        // Only where it is certain what belongs to what.
        let companions: Vec<_> = dropped
            .files
            .iter()
            .map(|file| {
                let name = file.name();
                let companion = dropped.only(companion_of(&name)?)?;
                dropped.only(&name).and(Some(companion.clone()))
            })
            .collect();
        for name in dropped.folders {
            let state = State::Refused(Refusal::folder(&name));
            fresh.push(Item {
                job: next,
                name,
                size: 0,
                modified_ms: None,
                state,
                file: None,
                beside: None,
            });
            next += 1;
        }
        for (file, beside) in dropped.files.into_iter().zip(companions) {
            let (name, size) = (file.name(), file.size() as u64);
            let state = if size == 0 {
                State::Refused(Refusal::empty(&name))
            } else {
                self.queue.update_value(|queue| queue.push_back(next));
                State::Reading(
                    Progress {
                        total: size,
                        ..Progress::default()
                    },
                    Phase::Waiting,
                )
            };
            fresh.push(Item {
                job: next,
                name,
                size,
                modified_ms: Some(file.last_modified() as i64),
                state,
                beside,
                file: Some(file),
            });
            next += 1;
        }
        self.items.update(|items| items.extend(fresh));
        self.begin_next();
        (next > first).then_some(first)
    }

    /// Opens a sample that comes with the page.
    pub fn put_sample(self, sample: Sample, then: impl FnOnce(u32) + 'static) {
        spawn_local(async move {
            self.sample.set(None);
            match fetch_sample(sample).await {
                Some(file) => {
                    if let Some(job) = self.put(Dropped {
                        files: vec![file],
                        folders: Vec::new(),
                    }) {
                        then(job);
                    }
                }
                None => self.sample.set(Some(Refusal {
                    what: "The sample could not be loaded.".into(),
                    why: "The server does not answer.".into(),
                    next: "You can still open your own files.".into(),
                })),
            }
        });
    }

    /// Stops looking at a file; what is known of it is shown as not known.
    pub fn cancel(self, job: u32) {
        let queued = self.queue.with_value(|queue| queue.contains(&job));
        if queued {
            self.queue.update_value(|queue| queue.retain(|j| *j != job));
            self.settle(job, |item| State::Refused(Refusal::cancelled(&item.name)));
        } else {
            self.order(&Order::Cancel { job }, None, None);
        }
    }

    /// Closes a file.
    pub fn remove(self, job: u32) {
        self.cancel(job);
        self.order(&Order::Forget { job }, None, None);
        self.items.update(|items| items.retain(|i| i.job != job));
    }

    /// Copies the whole document of a file to the clipboard.
    pub fn copy_json(self, job: u32) {
        self.order(&Order::Json { job }, None, None);
    }

    fn order(self, order: &Order, file: Option<&File>, beside: Option<&File>) {
        self.inspector.with_value(|inspector| {
            if let Some(inspector) = inspector {
                inspector.send(order, file, beside);
            }
        });
    }

    fn begin_next(self) {
        if self.current.get_value().is_some() || self.queue.with_value(VecDeque::is_empty) {
            return;
        }
        if self.inspector.with_value(Option::is_none) {
            return self.start();
        }
        let mut next = None;
        self.queue.update_value(|queue| next = queue.pop_front());
        let Some(job) = next else { return };
        let Some((name, file, beside)) = self.file(job) else {
            return self.begin_next();
        };
        self.current.set_value(Some(job));
        self.order(&Order::Inspect { job, name }, Some(&file), beside.as_ref());
    }

    /// Fetches what reads the workers' reports, then begins.
    fn start(self) {
        let fetched = self.fetch_reader.with_value(|fetch| fetch());
        spawn_local(async move {
            match fetched.await {
                Ok(read) => {
                    // Files may have come in twice meanwhile: there is one reader for all of them.
                    if self.inspector.with_value(Option::is_none) {
                        let hear = move |heard| self.hear(heard);
                        self.inspector
                            .set_value(Some(Inspector::of_files(read, hear)));
                        self.dossiers
                            .set_value(Some(Inspector::of_dossiers(read, hear)));
                    }
                    self.begin_next();
                }
                Err(failure) => {
                    let mut waiting = VecDeque::new();
                    self.queue
                        .update_value(|queue| waiting = std::mem::take(queue));
                    for job in waiting {
                        self.settle(job, |_| State::Refused(Refusal::without_reader(&failure)));
                    }
                }
            }
        });
    }

    /// Its name, it and what came with it.
    fn file(self, job: u32) -> Option<(String, File, Option<File>)> {
        self.items.with_untracked(|items| {
            let item = items.iter().find(|i| i.job == job)?;
            let beside = item.beside.clone();
            Some((item.name.clone(), item.file.clone()?, beside))
        })
    }

    fn verify_dossier(self, job: u32) {
        // Gone meanwhile: nobody waits for it.
        let Some((name, file, _)) = self.file(job) else {
            return self.ended(job);
        };
        self.dossiers.with_value(|dossiers| {
            if let Some(dossiers) = dossiers {
                dossiers.send(&Order::Inspect { job, name }, Some(&file), None);
            }
        });
    }

    fn hear(self, heard: Heard) {
        match heard {
            Heard::Report(Report::Progress {
                job,
                read,
                total,
                phase,
            }) => {
                let now = js_sys::Date::now();
                self.settle(job, |item| {
                    let mut progress = match &item.state {
                        State::Reading(progress, _) => *progress,
                        other => return other.clone(),
                    };
                    if progress.total != total {
                        // What was packed is read anew.
                        progress.rate = Rate::default();
                    }
                    progress.done = read;
                    progress.total = total;
                    progress.rate.note(now, read);
                    State::Reading(progress, phase)
                });
            }
            Heard::Report(Report::Done { job, looked }) => {
                let looked = Arc::new(*looked);
                self.settle(job, |_| State::Done(looked));
                self.ended(job);
            }
            Heard::Report(Report::IsDossier { job }) => self.verify_dossier(job),
            Heard::Report(Report::Dossier { job, unpacked }) => {
                let unpacked = Arc::new(*unpacked);
                self.settle(job, |_| State::Dossier(unpacked));
                self.ended(job);
            }
            Heard::Report(Report::Refused { job, refusal }) => {
                self.settle(job, |_| State::Refused(refusal));
                self.ended(job);
            }
            Heard::Report(Report::Json { text, .. }) => spawn_local(async move {
                copy(&text).await;
            }),
            Heard::Broke(said) => {
                if let Some(job) = self.current.get_value() {
                    self.settle(job, |_| State::Refused(Refusal::broken(&said)));
                    self.ended(job);
                }
            }
        }
    }

    fn ended(self, job: u32) {
        if self.current.get_value() == Some(job) {
            self.current.set_value(None);
            self.begin_next();
        }
    }

    fn settle(self, job: u32, state: impl FnOnce(&Item) -> State) {
        self.items.update(|items| {
            if let Some(item) = items.iter_mut().find(|i| i.job == job) {
                item.state = state(item);
            }
        });
    }
}

/// Where the damaged sample has zeros: a leaf of bucket `key`.
const DAMAGED: std::ops::Range<usize> = 8 * 4096..9 * 4096;

async fn fetch_sample(sample: Sample) -> Option<File> {
    let address = meta("requorum-sample")?;
    let response = gloo_net::http::Request::get(&address)
        .send()
        .await
        .ok()
        .filter(|r| r.ok())?;
    let mut bytes = response.binary().await.ok()?;
    let name = match sample {
        Sample::Sound => "sample.db",
        Sample::Damaged => {
            bytes.get_mut(DAMAGED)?.fill(0);
            "damaged-sample.db"
        }
    };
    let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(&bytes[..]));
    File::new_with_u8_array_sequence(&parts, name).ok()
}
