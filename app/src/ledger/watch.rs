//! The watch that this browser keeps over the ledger, whatever page is shown: at start, every so often, after each
//! act, and whenever a page asks for it.

use leptos::prelude::*;
use leptos::task::spawn_local;
use requorum_shared::api::v1::{
    GetLedgerRequest, LedgerEntry, ProveConsistencyRequest, ProveEntryRequest,
};
use web_sys::Blob;

use super::memory::Memory;
use super::state::{Badge, LedgerStatus, Reading, State};
use crate::client::verifier::{Verifier, in_base64};
use crate::client::{acts, grpc};
use crate::entry_filter::Filter;
use crate::failure::{Failure, Kind};
use crate::identity::Identity;
use crate::worker::ledger::protocol::{
    End, Export, Format, Order, Proof, Report, Seen, Whole, Wrong,
};

/// Where the browser keeps what it remembers.
const KEY: &str = "requorum.ledger";
/// How often the ledger is looked at when nothing happens.
const EVERY: std::time::Duration = std::time::Duration::from_secs(30);
/// A ledger of at most so many entries is read whole at start: some hundred kilobytes.
const SMALL: u64 = 1_000;
/// A ledger of at most so many entries is read whole when a page about it is opened: some megabytes.
const MEDIUM: u64 = 20_000;

/// The watch.
#[derive(Clone, Copy)]
pub struct LedgerWatch {
    identity: Identity,
    state: RwSignal<State>,
    memory: RwSignal<Memory>,
    verifier: StoredValue<Verifier, LocalStorage>,
    /// A look is under way; another is wanted after it.
    busy: StoredValue<(bool, bool)>,
    /// The question by which all entries are read.
    reading: StoredValue<Option<u32>>,
}

/// An entry, its text, and what this browser computed of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Proven {
    /// The entry as it was listed.
    pub listed: LedgerEntry,
    /// Its way to the root.
    pub proof: Proof,
    /// Whether that root is of the checkpoint that this browser verified.
    pub verified: bool,
}

/// Where the watch is kept once it was begun: for all pages, whichever needed it first.
#[derive(Clone)]
pub struct WatchHolder {
    owner: Owner,
    watch: StoredValue<Option<LedgerWatch>>,
}

impl WatchHolder {
    /// For all pages below; nothing is begun yet.
    pub fn provide() {
        provide_context(Self {
            owner: Owner::current().unwrap_or_default(),
            watch: StoredValue::new(None),
        });
    }
}

impl LedgerWatch {
    /// The watch, begun where nobody has needed it yet.
    pub fn expect() -> Self {
        let place = expect_context::<WatchHolder>();
        if let Some(watch) = place.watch.get_value() {
            return watch;
        }
        let watch = place.owner.with(|| Self::begin_watch(Identity::expect()));
        place.watch.set_value(Some(watch));
        watch
    }

    fn begin_watch(identity: Identity) -> Self {
        let watch = Self {
            identity,
            state: RwSignal::new(State::default()),
            memory: RwSignal::new(Memory::default()),
            verifier: StoredValue::new_local(Verifier::default()),
            busy: StoredValue::new((false, false)),
            reading: StoredValue::new(None),
        };
        watch.recall();
        Effect::new(move |_| {
            if identity.is_person() {
                watch.look();
            } else {
                watch.state.set(State::default());
            }
        });
        acts::on_act(move || watch.look());
        let look_if_seen = move || {
            if !document().hidden() {
                watch.look();
            }
        };
        // Refused only where there is no window; then nobody looks.
        let _ = set_interval_with_handle(look_if_seen, EVERY);
        for back in ["online", "visibilitychange"] {
            let listening = window_event_listener_untyped(back, move |_| look_if_seen());
            on_cleanup(move || listening.remove());
        }
        watch
    }

    /// What is known.
    pub fn state(self) -> RwSignal<State> {
        self.state
    }

    /// What is remembered.
    pub fn memory(self) -> RwSignal<Memory> {
        self.memory
    }

    /// The badge, for people who are signed in.
    pub fn badge(self) -> Option<Badge> {
        let badge = || {
            self.memory
                .with(|memory| self.state.with(|state| state.badge(memory)))
        };
        self.identity.is_person().then(badge)
    }

    /// Looks at the ledger now; while a look is under way, once more after it.
    pub fn look(self) {
        if !self.identity.is_person_now() {
            return;
        }
        let (busy, _) = self.busy.get_value();
        self.busy.set_value((true, busy));
        if busy {
            return;
        }
        spawn_local(async move {
            loop {
                self.busy.set_value((true, false));
                self.look_once().await;
                if !self.busy.get_value().1 {
                    break;
                }
            }
            self.busy.set_value((false, false));
            self.read_on(SMALL);
        });
    }

    /// A page about the ledger was opened: look, and read the entries of one that is not large.
    pub fn attend(self) {
        self.look();
        self.read_on(MEDIUM);
    }

    async fn look_once(self) {
        let ledger = match grpc::call(GetLedgerRequest {}).await {
            Ok(ledger) => ledger,
            Err(failure) => return self.unreached(&failure.what),
        };
        self.state.update(|state| {
            state.trouble.clone_from(&ledger.trouble);
            state.key.clone_from(&ledger.key);
            state.note.clone_from(&ledger.checkpoint);
            state.proof = None;
        });
        if ledger.damaged && ledger.checkpoint.is_empty() {
            return self.wrong(damaged(&ledger.trouble));
        }
        if ledger.checkpoint.is_empty() {
            return self.unreached(&ledger.trouble);
        }
        // Another window may have seen more.
        self.recall();
        let memory = self.memory.get_untracked();
        let remembered = memory.remembered().filter(|_| !memory.key.is_empty());
        let (mut note, mut proof, mut why) = (ledger.checkpoint, None, String::new());
        if let Some(known) = memory.current().filter(|known| known.note != note) {
            let request = ProveConsistencyRequest {
                old: known.point.size,
            };
            match grpc::call(request).await {
                Ok(given) => {
                    note = given.checkpoint;
                    proof = Some(in_base64(&given.proof));
                }
                // Fewer entries than were seen show without a proof.
                Err(failure) => why = failure.what,
            }
        }
        let hashes = proof.as_ref().map(Vec::len);
        let verifier = self.verifier.get_value();
        let task = verifier.task();
        let remembered = match (remembered, memory.key.is_empty()) {
            // A key that was believed by hand, and never verified: it must be that key all the same.
            (None, false) if memory.key != ledger.key => {
                return self.wrong(other_key());
            }
            (remembered, _) => remembered,
        };
        let order = Order::Glance {
            task,
            key: ledger.key.clone(),
            note: note.clone(),
            remembered,
            proof,
        };
        let seen = match verifier.ask(task, &order, |_, _| {}).await {
            Ok((Report::Glance { seen, .. }, _)) => seen,
            Ok(_) => return,
            Err(failure) => return self.unreached(&failure.what),
        };
        let at_ms = js_sys::Date::now() as i64;
        let (status, now) = match seen {
            Seen::Wrong(wrong) => return self.wrong(wrong),
            Seen::Unproven { .. } => return self.unreached(&why),
            Seen::First { now } => {
                let status = LedgerStatus::First {
                    at_ms,
                    now: now.clone(),
                };
                (status, now)
            }
            Seen::GoesOn { before, now } => {
                let status = LedgerStatus::Verified {
                    at_ms,
                    before,
                    now: now.clone(),
                };
                (status, now)
            }
        };
        self.remember(|memory| memory.keep(&ledger.key, &note, &now, at_ms));
        if ledger.damaged {
            return self.wrong(damaged(&ledger.trouble));
        }
        self.state.update(|state| {
            state.note = note;
            state.proof = hashes;
            state.status = status;
        });
    }

    /// Reads what is new in a ledger that was read before, and all of one that has at most `limit` entries.
    fn read_on(self, limit: u64) {
        let wanted = self
            .state
            .with_untracked(|state| match (&state.reading, state.point()) {
                (_, None) => false,
                (Reading::Whole(whole), Some(point)) => whole.point != *point,
                (Reading::Not, Some(point)) => point.size <= limit,
                _ => false,
            });
        if wanted {
            self.begin(false);
        }
    }

    /// Reads all entries from the first on.
    pub fn read_all(self) {
        self.begin(true);
    }

    fn begin(self, afresh: bool) {
        if self.reading.get_value().is_some() {
            return;
        }
        let task = self.verifier.with_value(Verifier::task);
        self.reading.set_value(Some(task));
        spawn_local(async move {
            // What is read on in the background says nothing before it is done.
            let since_ms = js_sys::Date::now();
            let wrong = self
                .state
                .with_untracked(|state| state.reading.wrong().cloned());
            let progress = {
                let wrong = wrong.clone();
                move |read, size| {
                    if afresh {
                        let wrong = wrong.clone();
                        self.state.update(|state| {
                            state.reading = Reading::Under {
                                read,
                                size,
                                since_ms,
                                wrong,
                            };
                        });
                    }
                }
            };
            progress(
                0,
                self.state
                    .with_untracked(|s| s.point().map_or(0, |p| p.size)),
            );
            let end = self.carry(task, afresh, None, progress).await;
            self.reading.set_value(None);
            let stopped = |why| wrong.map_or(Reading::Stopped { why }, Reading::Wrong);
            let reading = match end {
                Ok((End::Whole(whole), _)) => Reading::Whole(whole),
                Ok((End::Wrong(wrong), _)) => {
                    let at_ms = js_sys::Date::now() as i64;
                    self.remember(|memory| memory.raise(&wrong, at_ms));
                    Reading::Wrong(wrong)
                }
                Ok((End::Stopped, _)) => stopped("Cancelled.".into()),
                Ok((End::Unreached { why }, _)) => stopped(why),
                Err(failure) => stopped(failure.what),
            };
            self.state.update(|state| state.reading = reading);
        });
    }

    /// Stops reading.
    pub fn stop(self) {
        if let Some(task) = self.reading.get_value() {
            self.verifier.with_value(|verifier| verifier.stop(task));
        }
    }

    async fn carry(
        self,
        task: u32,
        afresh: bool,
        export: Option<Export>,
        progress: impl Fn(u64, u64) + 'static,
    ) -> Result<(End, Option<Blob>), Failure> {
        let (key, note) = self
            .state
            .with_untracked(|s| (s.key.clone(), s.note.clone()));
        let order = Order::Read {
            task,
            key,
            note,
            remembered: self.memory.with_untracked(Memory::remembered),
            afresh,
            export,
        };
        match self
            .verifier
            .get_value()
            .ask(task, &order, progress)
            .await?
        {
            (Report::Read { end, .. }, file) => Ok((end, file)),
            _ => Err(Failure::new(
                Kind::Other,
                "The verifier answered something else.",
            )),
        }
    }

    /// Writes the entries that `filter` lets through into a file, while all of them are read and verified.
    ///
    /// # Errors
    /// When the ledger does not hold, or cannot be had: then there is no file.
    pub async fn export(
        self,
        format: Format,
        filter: Filter,
        progress: impl Fn(u64, u64) + 'static,
    ) -> Result<(Whole, Blob), Failure> {
        let task = self.verifier.with_value(Verifier::task);
        let export = Some(Export { format, filter });
        let refused = |what: &str, next: &str| Failure {
            next: next.into(),
            ..Failure::new(Kind::Refused, what)
        };
        match self.carry(task, true, export, progress).await? {
            (End::Whole(whole), Some(file)) => Ok((whole, file)),
            (End::Wrong(wrong), _) => {
                let at_ms = js_sys::Date::now() as i64;
                self.remember(|memory| memory.raise(&wrong, at_ms));
                let what = format!(
                    "Export stopped: the ledger failed verification. {}",
                    wrong.words
                );
                self.state
                    .update(|state| state.reading = Reading::Wrong(wrong));
                Err(refused(
                    &what,
                    "`requorum audit export` on the server writes what is there, and says what is wrong with it.",
                ))
            }
            (End::Unreached { why }, _) => Err(refused(&why, "Try again.")),
            (End::Stopped | End::Whole(_), _) => Err(refused("The export was stopped.", "")),
        }
    }

    /// An entry with its way to the root, verified here.
    ///
    /// # Errors
    /// In the server's words: there is no such entry, or it does not answer.
    pub async fn prove(self, index: u64) -> Result<Proven, Failure> {
        let mut tries = 0;
        loop {
            let given = grpc::call(ProveEntryRequest { index }).await?;
            let listed = given.entry.unwrap_or_default();
            let verifier = self.verifier.get_value();
            let task = verifier.task();
            // The believed key, not the one that is shown: that may be another's.
            let believed = self.memory.with_untracked(|memory| memory.key.clone());
            let order = Order::Prove {
                task,
                key: if believed.is_empty() {
                    self.state.with_untracked(|state| state.key.clone())
                } else {
                    believed
                },
                note: given.checkpoint,
                index,
                entry: String::from_utf8_lossy(&listed.canonical).into_owned(),
                proof: in_base64(&given.proof),
            };
            let (report, _) = verifier.ask(task, &order, |_, _| {}).await?;
            let Report::Proof { proof, .. } = report else {
                return Err(Failure::new(
                    Kind::Other,
                    "The verifier answered something else.",
                ));
            };
            let verified = proof.point.is_some()
                && self
                    .state
                    .with_untracked(|s| s.wrong().is_none() && s.point() == proof.point.as_ref());
            tries += 1;
            // Somebody wrote in between: the checkpoint is a newer one than was verified.
            let grown = !verified && proof.wrong.is_none() && tries < 3;
            if grown {
                self.look_once().await;
                continue;
            }
            return Ok(Proven {
                listed,
                proof,
                verified,
            });
        }
    }

    /// Believes the key that the ledger shows from now on: a person has compared it.
    pub fn believe(self) {
        let key = self.state.with_untracked(|state| state.key.clone());
        self.remember(|memory| {
            memory.key = key;
            memory.note_alarms();
        });
        self.state.update(|state| {
            state.status = LedgerStatus::Unasked;
            state.reading = Reading::Not;
        });
        self.look();
    }

    /// A person has seen the alarms.
    pub fn note_alarms(self) {
        self.remember(Memory::note_alarms);
    }

    fn unreached(self, why: &str) {
        let why = why.to_owned();
        self.state.update(|state| {
            // What was seen to be wrong stays so until it is seen to be right.
            if !matches!(state.status, LedgerStatus::Wrong(_)) {
                state.status = LedgerStatus::Unreached { why };
            }
        });
    }

    fn wrong(self, wrong: Wrong) {
        let at_ms = js_sys::Date::now() as i64;
        self.remember(|memory| memory.raise(&wrong, at_ms));
        self.state
            .update(|state| state.status = LedgerStatus::Wrong(wrong));
    }

    /// Takes up what the browser kept.
    fn recall(self) {
        let text = storage().and_then(|storage| storage.get_item(KEY).ok().flatten());
        let Some(text) = text else { return };
        match serde_json::from_str(&text) {
            Ok(memory) => self.memory.set(memory),
            Err(_) => {
                let mut memory = Memory::default();
                let wrong = Wrong {
                    code: "ledger.memory".into(),
                    words:
                        "What this browser remembered of the ledger cannot be read; it starts over."
                            .into(),
                };
                memory.raise(&wrong, js_sys::Date::now() as i64);
                self.memory.set(memory);
            }
        }
    }

    fn remember(self, change: impl FnOnce(&mut Memory)) {
        self.memory.update(change);
        let text = self.memory.with_untracked(serde_json::to_string);
        // Storage may be forbidden; the memory then lasts as long as the page.
        if let (Some(storage), Ok(text)) = (storage(), text) {
            let _ = storage.set_item(KEY, &text);
        }
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

fn damaged(trouble: &str) -> Wrong {
    let mut words = crate::format::capital(trouble);
    words.push('.');
    Wrong {
        code: "ledger.damaged".into(),
        words,
    }
}

fn other_key() -> Wrong {
    Wrong {
        code: "ledger.other-key".into(),
        words: "The ledger is signed with another key than the one you told this browser to trust."
            .into(),
    }
}
