//! The one task that appends: it takes all that waits, signs one checkpoint for it, and commits it at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use requorum_shared::ledger::checkpoint::{Checkpoint, SigningKey};
use requorum_shared::ledger::entry::{CONSOLE, Draft, Entry, Outcome, Place, act};
use requorum_shared::ledger::merkle::{Frontier, leaf_hash};
use requorum_shared::ledger::tiles::HEIGHT;
use tokio::sync::{mpsc, oneshot, watch};

use super::recent::Recent;
use super::status::{LedgerError, LedgerStatus, OpenActs};
use super::store::{AppendLock, Batch, Effect, LedgerStore, NewEntry, NewNode, Stored};
use super::tree;
use crate::clock::Clock;
use crate::random;

/// Entries written at once.
const MAX_BATCH: usize = 512;
/// How long until what could not be written is tried again, when nothing else wants to be written.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// How long writing may take. A database that is gone may never say so.
const WRITTEN_WITHIN: Duration = Duration::from_secs(60);
/// How often it is looked whether another process has written, when nothing wants to be written here.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Something to write, and who waits for it.
pub(super) struct Write {
    pub(super) draft: Draft,
    pub(super) what: What,
    pub(super) written: Option<Answer>,
}

/// Something to look at.
pub(super) enum Nudge {
    /// Another process wrote.
    Look,
    /// This process is gone, and may have left acts open.
    Gone(String),
}

/// Which entry to write.
pub(super) enum What {
    Open,
    Close {
        opened: u64,
        outcome: Outcome,
        reason: String,
    },
    Note {
        outcome: Outcome,
        reason: String,
    },
}

/// Why the ledger in the store is not written to.
enum State {
    Good,
    /// The last write failed; what is in the store has to be looked at before the next.
    Unsure,
    /// What is in the store contradicts itself.
    Damaged(Arc<str>),
}

/// The end of an act, still to be written.
struct Owed {
    draft: Draft,
    outcome: Outcome,
    reason: String,
    written: Option<Answer>,
}

type Answer = oneshot::Sender<Result<u64, LedgerError>>;

pub(super) struct Writer {
    store: Arc<dyn LedgerStore>,
    key: SigningKey,
    clock: Arc<dyn Clock>,
    recent: Arc<Mutex<Recent>>,
    standing: watch::Sender<LedgerStatus>,
    state: State,
    /// This process, as the store knows who will close what is open.
    id: String,
    frontier: Frontier,
    last_ms: Option<i64>,
    /// Open acts whose end this process will write.
    live: BTreeSet<u64>,
    /// Ends of acts that could not be written yet, by the entry they close.
    owed: BTreeMap<u64, Owed>,
}

impl Writer {
    /// Looks at what is in the store and begins the ledger where nothing is.
    pub(super) async fn take_up(
        store: Arc<dyn LedgerStore>,
        key: SigningKey,
        clock: Arc<dyn Clock>,
        recent: Arc<Mutex<Recent>>,
        left: OpenActs,
    ) -> anyhow::Result<(Self, watch::Receiver<LedgerStatus>)> {
        let (standing, watching) = watch::channel(LedgerStatus {
            size: 0,
            note: "".into(),
            trouble: None,
            damaged: false,
        });
        let mut writer = Self {
            store,
            key,
            clock,
            recent,
            standing,
            state: State::Unsure,
            id: random::id(),
            frontier: Frontier::new(),
            last_ms: None,
            live: BTreeSet::new(),
            owed: BTreeMap::new(),
        };
        writer.look().await?;
        if writer.is_good() {
            if left == OpenActs::Orphaned {
                writer.adopt(None).await?;
            }
            // The first entry of a new ledger, and the ends of what an earlier server left open.
            writer.write_first().await;
        }
        Ok((writer, watching))
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Begins the ledger where it has not begun, and writes the ends that are owed.
    async fn write_first(&mut self) {
        if self.frontier.size() == 0 || !self.owed.is_empty() {
            self.put_down(Vec::new()).await;
        }
    }

    /// Writes until nobody can ask any more.
    pub(super) async fn run(
        mut self,
        mut waiting: mpsc::Receiver<Write>,
        mut nudges: mpsc::UnboundedReceiver<Nudge>,
    ) {
        loop {
            let wait = if self.owed.is_empty() {
                LOOK_EVERY
            } else {
                TRY_AGAIN
            };
            let first = tokio::select! {
                first = waiting.recv() => match first {
                    Some(first) => Some(first),
                    None => break,
                },
                Some(nudge) = nudges.recv() => {
                    self.heed(nudge).await;
                    // Many that came together are one look.
                    while let Ok(nudge) = nudges.try_recv() {
                        self.heed(nudge).await;
                    }
                    None
                }
                () = tokio::time::sleep(wait) => None,
            };
            let mut writes: Vec<_> = first.into_iter().collect();
            while writes.len() < MAX_BATCH
                && let Ok(write) = waiting.try_recv()
            {
                writes.push(write);
            }
            self.write(writes).await;
        }
        if !self.owed.is_empty() {
            self.write(Vec::new()).await;
        }
    }

    async fn write(&mut self, writes: Vec<Write>) {
        let writes = self.set_aside_ends(writes);
        if writes.is_empty() && self.owed.is_empty() {
            self.look_around().await;
        } else {
            self.put_down(writes).await;
        }
    }

    /// Writes what is owed and what is asked for, or says that it cannot be written.
    async fn put_down(&mut self, writes: Vec<Write>) {
        match self.turn().await {
            Ok(turn) => self.commit(turn, writes).await,
            Err(error) => self.refuse(writes, &error),
        }
    }

    /// Waits for the turn to write, and looks at what others have written meanwhile: from then on nobody does.
    async fn turn(&mut self) -> Result<Box<dyn AppendLock>, LedgerError> {
        let unwritable = |error| LedgerError::Unwritable(format!("{error:#}").into());
        let store = self.store.clone();
        let turn = store.turn().await.map_err(unwritable)?;
        let grown = turn.end() != self.frontier.size() && self.is_good();
        if grown || matches!(self.state, State::Unsure) {
            self.look().await.map_err(unwritable)?;
        }
        match &self.state {
            State::Damaged(why) => Err(LedgerError::Damaged(why.clone())),
            State::Good | State::Unsure => Ok(turn),
        }
    }

    /// Owes ends to what somebody left open who is gone. Others may do the same; one of them will be the first.
    async fn heed(&mut self, nudge: Nudge) {
        let Nudge::Gone(writer) = nudge else { return };
        if !self.is_good() {
            return;
        }
        // In this order: an act that has an end when it is looked for has its effect before.
        let left = self.store.open_acts(Some(&writer)).await;
        let effects = self.store.effects().await;
        let owed = left.and_then(|left| {
            let effects = effects?;
            left.iter()
                .filter(|stored| !self.owed.contains_key(&stored.index))
                .map(|stored| Ok((stored.index, left_open(stored, &effects)?)))
                .collect::<anyhow::Result<Vec<_>>>()
        });
        match owed {
            Ok(owed) => self.owed.extend(owed),
            Err(error) => tracing::error!("what {writer} left open cannot be read: {error:#}"),
        }
    }

    /// Shows what another process has written.
    async fn look_around(&mut self) {
        if matches!(self.state, State::Damaged(_)) {
            return;
        }
        match self.store.head().await {
            Ok(Some(head)) if head.size == self.frontier.size() => {}
            Ok(_) => {
                if let Err(error) = self.look().await {
                    tracing::error!("the ledger cannot be read: {error:#}");
                }
            }
            Err(error) => tracing::error!("the ledger cannot be read: {error:#}"),
        }
    }

    fn is_good(&self) -> bool {
        matches!(self.state, State::Good)
    }

    /// Reads where the ledger stands. What this process opened and holds no more is owed an end.
    async fn look(&mut self) -> anyhow::Result<()> {
        self.state = State::Unsure;
        let Some(head) = self.store.head().await.context("reading the ledger")? else {
            if self.frontier.size() > 0 {
                self.damaged("all of its entries are gone");
                return Ok(());
            }
            self.state = State::Good;
            return Ok(());
        };
        if head.size == 0 {
            self.damaged("it has entries and no checkpoint");
            return Ok(());
        }
        if head.size < self.frontier.size() {
            self.damaged("entries that were there a moment ago are gone");
            return Ok(());
        }
        let frontier = match tree::frontier(&*self.store, head.size).await? {
            Some(frontier) => frontier,
            None => {
                self.show(head.size, &head.note);
                self.damaged("entries that its checkpoint counts are missing");
                return Ok(());
            }
        };
        self.show(head.size, &head.note);
        match Checkpoint::open(&head.note, &self.key.verifying()) {
            Err(error) => {
                self.damaged(&error.to_string());
                return Ok(());
            }
            Ok(checkpoint)
                if checkpoint.size != head.size || checkpoint.root != frontier.root() =>
            {
                self.damaged("its entries do not add up to its newest signed checkpoint");
                return Ok(());
            }
            Ok(_) => {}
        }
        if head.end != head.size {
            self.damaged("it has entries that no checkpoint counts");
            return Ok(());
        }
        let last = self.store.entries(head.size.saturating_sub(1), 1).await?;
        self.last_ms = last
            .first()
            .and_then(|stored| serde_json::from_slice::<Entry>(&stored.canonical).ok())
            .map(|entry| entry.at_ms);
        self.frontier = frontier;
        let id = self.id.clone();
        self.adopt(Some(&id)).await?;
        self.state = State::Good;
        Ok(())
    }

    /// Compares what is open in the store, by one process or by all, with what is open here: what nobody will end
    /// is owed an end.
    async fn adopt(&mut self, writer: Option<&str>) -> anyhow::Result<()> {
        let mut open = BTreeSet::new();
        let mut left = Vec::new();
        for stored in self.store.open_acts(writer).await? {
            open.insert(stored.index);
            if !self.live.contains(&stored.index) && !self.owed.contains_key(&stored.index) {
                left.push(stored);
            }
        }
        if !left.is_empty() {
            let effects = self.store.effects().await?;
            for stored in left {
                self.owed
                    .insert(stored.index, left_open(&stored, &effects)?);
            }
        }
        // Ends that are there: written although the store said that it failed, or by whoever took this process for
        // dead. Those owed for others who are gone are looked for again.
        self.owed.retain(|index, _| open.contains(index));
        self.live.retain(|index| open.contains(index));
        Ok(())
    }

    /// Ends of acts are owed from the moment they are asked for: they are written even if that takes a while.
    fn set_aside_ends(&mut self, writes: Vec<Write>) -> Vec<Write> {
        let mut others = Vec::with_capacity(writes.len());
        for write in writes {
            match write.what {
                What::Close {
                    opened,
                    outcome,
                    reason,
                } => {
                    self.live.remove(&opened);
                    let owed = Owed {
                        draft: write.draft,
                        outcome,
                        reason,
                        written: write.written,
                    };
                    self.owed.insert(opened, owed);
                }
                _ => others.push(write),
            }
        }
        others
    }

    /// Writes what is owed and what is asked for, as one batch.
    async fn commit(&mut self, turn: Box<dyn AppendLock>, writes: Vec<Write>) {
        let mut batch = Drawn {
            frontier: self.frontier.clone(),
            last_ms: self.last_ms,
            now: self.clock.now_ms(),
            entries: Vec::with_capacity(self.owed.len() + writes.len()),
            nodes: Vec::new(),
        };
        if self.frontier.size() == 0 {
            let draft = Draft {
                who: CONSOLE.to_owned(),
                from: CONSOLE.to_owned(),
                act: act::LEDGER_BEGIN.to_owned(),
                subject: self.key.verifying().short(),
                ..Draft::default()
            };
            batch.add(|place| Entry::noted(place, &draft, Outcome::Done, ""));
        }
        let mut ends = Vec::with_capacity(self.owed.len());
        for (opened, owed) in &self.owed {
            ends.push(batch.add(|place| {
                Entry::closed(place, &owed.draft, *opened, owed.outcome, &owed.reason)
            }));
        }
        let mut indexes = Vec::with_capacity(writes.len());
        for write in &writes {
            indexes.push(batch.add(|place| match &write.what {
                What::Note { outcome, reason } => {
                    Entry::noted(place, &write.draft, *outcome, reason)
                }
                What::Open | What::Close { .. } => Entry::opened(place, &write.draft),
            }));
        }
        if batch.entries.is_empty() {
            return;
        }
        let checkpoint = Checkpoint {
            origin: self.key.verifying().name().to_owned(),
            size: batch.frontier.size(),
            root: batch.frontier.root(),
        };
        let Drawn {
            frontier,
            last_ms,
            entries,
            nodes,
            ..
        } = batch;
        let batch = Batch {
            entries,
            nodes,
            size: checkpoint.size,
            note: checkpoint.sign(&self.key),
            writer: self.id.clone(),
        };
        let written = tokio::time::timeout(WRITTEN_WITHIN, turn.append(&batch)).await;
        if let Err(error) = written.unwrap_or_else(|_| Err(anyhow!("the database does not answer")))
        {
            self.state = State::Unsure;
            self.refuse(
                writes,
                &LedgerError::Unwritable(format!("{error:#}").into()),
            );
            return;
        }
        self.frontier = frontier;
        self.last_ms = last_ms;
        self.publish(&batch);
        for (owed, index) in std::mem::take(&mut self.owed).into_values().zip(ends) {
            if let Some(written) = owed.written {
                let _ = written.send(Ok(index));
            }
        }
        for (write, index) in writes.into_iter().zip(indexes) {
            self.answer(write, index);
        }
    }

    /// Tells whoever asked that the entry is on the medium.
    fn answer(&mut self, write: Write, index: u64) {
        let gone = match write.written {
            Some(written) => written.send(Ok(index)).is_err(),
            None => true,
        };
        if !matches!(write.what, What::Open) {
            return;
        }
        if !gone {
            self.live.insert(index);
            return;
        }
        // Whoever wanted to act went away while the entry was written, and will not act.
        let owed = Owed {
            draft: write.draft,
            outcome: Outcome::Failed,
            reason: "it was cut off before it began".to_owned(),
            written: None,
        };
        self.owed.insert(index, owed);
    }

    /// Tells everybody who waits that nothing was written. Ends of acts stay owed.
    fn refuse(&mut self, writes: Vec<Write>, error: &LedgerError) {
        tracing::error!("{error}");
        if !matches!(self.state, State::Damaged(_)) {
            let trouble: Arc<str> = error.to_string().into();
            self.standing
                .send_modify(|standing| standing.trouble = Some(trouble));
        }
        let ends = self
            .owed
            .values_mut()
            .filter_map(|owed| owed.written.take());
        let others = writes.into_iter().filter_map(|write| write.written);
        for written in ends.chain(others) {
            let _ = written.send(Err(error.clone()));
        }
    }

    fn damaged(&mut self, why: &str) {
        let why: Arc<str> = why.into();
        let error = LedgerError::Damaged(why.clone());
        tracing::error!("{error}");
        self.state = State::Damaged(why);
        let trouble: Arc<str> = error.to_string().into();
        self.standing.send_modify(|standing| {
            standing.trouble = Some(trouble);
            standing.damaged = true;
        });
    }

    /// Shows viewers what is in the store.
    fn show(&self, size: u64, note: &str) {
        self.standing.send_modify(|standing| {
            standing.size = size;
            standing.note = note.into();
        });
    }

    /// Shows viewers what was just written.
    fn publish(&self, batch: &Batch) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        for new in &batch.entries {
            recent.push(new.entry.index, new.canonical.clone());
        }
        drop(recent);
        self.standing.send_replace(LedgerStatus {
            size: batch.size,
            note: batch.note.as_str().into(),
            trouble: None,
            damaged: false,
        });
    }
}

/// The end of an act that its process did not write: done, where its effect is there, and else unknown.
fn left_open(stored: &Stored, effects: &[Effect]) -> anyhow::Result<Owed> {
    let entry: Entry = serde_json::from_slice(&stored.canonical)
        .with_context(|| format!("entry {} cannot be read", stored.index))?;
    let mut draft = entry.draft();
    let effect = effects.iter().find(|effect| effect.index == stored.index);
    if let Some(effect) = effect {
        if let Some(subject) = &effect.subject {
            draft.subject.clone_from(subject);
        }
        if effect.job.is_some() {
            draft.job.clone_from(&effect.job);
        }
    }
    let (outcome, reason) = match effect {
        Some(_) => (
            Outcome::Done,
            "the console stopped before it wrote this down; that it was done was found at the next start",
        ),
        None => (
            Outcome::Unknown,
            "the console stopped before its end was written",
        ),
    };
    Ok(Owed {
        draft,
        outcome,
        reason: reason.to_owned(),
        written: None,
    })
}

/// A batch while it is put together.
struct Drawn {
    frontier: Frontier,
    last_ms: Option<i64>,
    now: i64,
    entries: Vec<NewEntry>,
    nodes: Vec<NewNode>,
}

impl Drawn {
    /// Adds an entry and gives its index.
    fn add(&mut self, make: impl FnOnce(Place) -> Entry) -> u64 {
        let place = Place {
            index: self.frontier.size(),
            at_ms: self.now,
            previous_ms: self.last_ms.replace(self.now),
        };
        let entry = make(place);
        let canonical = Bytes::from(entry.canonical_json());
        let leaf = leaf_hash(&canonical);
        self.frontier.push(leaf, |node, hash| {
            if node.level > 0 && node.level % HEIGHT == 0 {
                self.nodes.push(NewNode {
                    level: node.level / HEIGHT,
                    index: node.index,
                    hash,
                });
            }
        });
        self.entries.push(NewEntry {
            entry,
            canonical,
            leaf,
        });
        place.index
    }
}
