//! The bench: files being looked at in this browser. It outlives the page that shows it, and no reload.

use std::collections::VecDeque;
use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::File;

use crate::client::inspector::{Heard, Inspector};
use crate::client::thread::meta;
use crate::clipboard::copy;
use crate::dropped::Dropped;
use crate::format::{Progress, Rate};
use crate::worker::protocol::{Looked, Order, Phase, Refusal, Report, Unpacked};

/// A file on the bench.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its number, from 1.
    pub job: u32,
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// Where it is.
    pub state: State,
    /// The file itself; a folder has none.
    pub file: Option<File>,
}

/// Where a file on the bench is.
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

/// All files on the bench.
#[derive(Clone, Copy)]
pub struct Bench {
    items: RwSignal<Vec<Item>, LocalStorage>,
    queue: StoredValue<VecDeque<u32>, LocalStorage>,
    current: StoredValue<Option<u32>>,
    inspector: StoredValue<Option<Inspector>, LocalStorage>,
    dossiers: StoredValue<Option<Inspector>, LocalStorage>,
    sample: RwSignal<Option<Refusal>>,
}

impl Bench {
    /// An empty bench for all pages below.
    pub fn provide() -> Self {
        let bench = Self {
            items: RwSignal::new_local(Vec::new()),
            queue: StoredValue::new_local(VecDeque::new()),
            current: StoredValue::new(None),
            inspector: StoredValue::new_local(None),
            dossiers: StoredValue::new_local(None),
            sample: RwSignal::new(None),
        };
        bench
            .inspector
            .set_value(Some(Inspector::of_files(move |heard| bench.hear(heard))));
        bench
            .dossiers
            .set_value(Some(Inspector::of_dossiers(move |heard| bench.hear(heard))));
        provide_context(bench);
        bench
    }

    /// The bench given by [`Bench::provide`].
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

    /// Puts what came onto the bench; gives the number of the first.
    pub fn put(self, dropped: Dropped) -> Option<u32> {
        let mut next = self
            .items
            .with_untracked(|items| items.last().map_or(1, |i| i.job + 1));
        let first = next;
        let mut fresh = Vec::new();
        for name in dropped.folders {
            let state = State::Refused(Refusal::folder(&name));
            fresh.push(Item {
                job: next,
                name,
                size: 0,
                state,
                file: None,
            });
            next += 1;
        }
        for file in dropped.files {
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
                state,
                file: Some(file),
            });
            next += 1;
        }
        self.items.update(|items| items.extend(fresh));
        self.begin_next();
        (next > first).then_some(first)
    }

    /// Opens the sample that comes with the page.
    pub fn put_sample(self, then: impl FnOnce(u32) + 'static) {
        spawn_local(async move {
            self.sample.set(None);
            match fetch_sample().await {
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
                    why: "The server that this page came from does not answer.".into(),
                    next: "Files of your own can be opened all the same.".into(),
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
            self.order(&Order::Cancel { job }, None);
        }
    }

    /// Takes a file off the bench.
    pub fn remove(self, job: u32) {
        self.cancel(job);
        self.order(&Order::Forget { job }, None);
        self.items.update(|items| items.retain(|i| i.job != job));
    }

    /// Copies the whole document of a file to the clipboard.
    pub fn copy_json(self, job: u32) {
        self.order(&Order::Json { job }, None);
    }

    fn order(self, order: &Order, file: Option<&File>) {
        self.inspector.with_value(|inspector| {
            if let Some(inspector) = inspector {
                inspector.send(order, file);
            }
        });
    }

    fn begin_next(self) {
        if self.current.get_value().is_some() {
            return;
        }
        let mut next = None;
        self.queue.update_value(|queue| next = queue.pop_front());
        let Some(job) = next else { return };
        let Some((name, file)) = self.file(job) else {
            return self.begin_next();
        };
        self.current.set_value(Some(job));
        self.order(&Order::Inspect { job, name }, Some(&file));
    }

    fn file(self, job: u32) -> Option<(String, File)> {
        self.items.with_untracked(|items| {
            let item = items.iter().find(|i| i.job == job)?;
            Some((item.name.clone(), item.file.clone()?))
        })
    }

    fn verify_dossier(self, job: u32) {
        // Gone meanwhile: nobody waits for it.
        let Some((name, file)) = self.file(job) else {
            return self.ended(job);
        };
        self.dossiers.with_value(|dossiers| {
            if let Some(dossiers) = dossiers {
                dossiers.send(&Order::Inspect { job, name }, Some(&file));
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

async fn fetch_sample() -> Option<File> {
    let address = meta("requorum-sample")?;
    let response = gloo_net::http::Request::get(&address)
        .send()
        .await
        .ok()
        .filter(|r| r.ok())?;
    let bytes = response.binary().await.ok()?;
    let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(&bytes[..]));
    File::new_with_u8_array_sequence(&parts, "sample.db").ok()
}
