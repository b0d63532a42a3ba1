//! A world with four things in it that a job makes and unmakes, a journal in memory, and a process that is killed
//! at a chosen point.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use requorum_server::jobs::context::Context;
use requorum_server::jobs::log::{Claim, Created, Holder, JobLog, JobRow, Same, Writer};
use requorum_server::jobs::runner::{Probe, Remedy, Runners, StepError, StepEvidence, StepRunner};
use requorum_shared::job::events::{Body, EndState, Event, Occurrence};
use requorum_shared::recovery::{Carrier, Plan, Step, TargetDir};
use serde_json::json;
use tokio::sync::Notify;

pub(super) const JOB: &str = "job";
pub(super) const STEPS: usize = 4;

/// What became of a step's thing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Missing,
    Half,
    Done,
}

/// How a step misbehaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Fault {
    #[default]
    No,
    Once,
    Always,
    Panic,
    UntilCancelled,
    /// It fails this often in a way that passes.
    Passes(u32),
    /// The plan does not fit what is there.
    Refuses,
    /// To look says nothing, once.
    CannotTell,
}

#[derive(Default)]
struct Thing {
    state: State,
    completions: usize,
    fault: Fault,
    undo_fault: Fault,
}

/// What survives a kill: the things. What does not: the count of points in this life.
#[derive(Default)]
pub(super) struct World {
    things: Mutex<Vec<Thing>>,
    life: Mutex<Life>,
    changed: Arc<Notify>,
    seen: Mutex<Vec<u32>>,
    log: Mutex<Option<Arc<Memory>>>,
}

#[derive(Default)]
struct Life {
    points: usize,
    kill_at: Option<usize>,
    killed: bool,
}

pub(super) fn fresh() -> (Arc<World>, Arc<Memory>) {
    let world = Arc::new(World::default());
    world
        .things
        .lock()
        .unwrap()
        .resize_with(STEPS, Thing::default);
    let log = Arc::new(Memory::new(world.clone()));
    *world.log.lock().unwrap() = Some(log.clone());
    (world, log)
}

impl World {
    /// Begins a new life, to be killed at this point.
    pub(super) fn revive(&self, kill_at: Option<usize>) {
        *self.life.lock().unwrap() = Life {
            kill_at,
            ..Life::default()
        };
    }

    pub(super) fn was_killed(&self) -> bool {
        self.life.lock().unwrap().killed
    }

    /// A point at which the process may die: whoever comes here then never goes on.
    async fn point(&self) {
        tokio::task::yield_now().await;
        let dead = {
            let mut life = self.life.lock().unwrap();
            life.points += 1;
            life.killed |= Some(life.points) == life.kill_at;
            life.killed
        };
        self.changed.notify_waiters();
        if dead {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until this is so, or the process was killed.
    pub(super) async fn until(&self, so: impl Fn() -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if so() || self.was_killed() {
                return;
            }
            changed.await;
        }
    }

    /// Something changed that the world does not see by itself: that this task is about to end.
    pub(super) fn look_again(&self) {
        let changed = self.changed.clone();
        tokio::spawn(async move { changed.notify_waiters() });
    }

    pub(super) fn fail(&self, step: usize, fault: Fault) {
        self.things.lock().unwrap()[step - 1].fault = fault;
    }

    pub(super) fn fail_undo(&self, step: usize, fault: Fault) {
        self.things.lock().unwrap()[step - 1].undo_fault = fault;
    }

    pub(super) fn state(&self, step: usize) -> State {
        self.things.lock().unwrap()[step - 1].state
    }

    pub(super) fn completions(&self, step: usize) -> usize {
        self.things.lock().unwrap()[step - 1].completions
    }

    pub(super) fn done(&self) -> usize {
        (1..=STEPS)
            .filter(|step| self.state(*step) == State::Done)
            .count()
    }

    /// For each effect, the step that the journal said had begun.
    pub(super) fn seen_at_effects(&self) -> Vec<u32> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn runners(self: &Arc<Self>) -> Arc<dyn Runners> {
        Arc::new(Here(self.clone()))
    }

    fn change(&self, step: &Step, change: impl FnOnce(&mut Thing)) {
        change(&mut self.things.lock().unwrap()[step.number as usize - 1]);
        self.changed.notify_waiters();
    }

    fn cannot_tell(&self, step: &Step) -> bool {
        let mut things = self.things.lock().unwrap();
        let fault = &mut things[step.number as usize - 1].fault;
        let cannot = *fault == Fault::CannotTell;
        if cannot {
            *fault = Fault::No;
        }
        cannot
    }

    fn refuses(&self, step: &Step) -> bool {
        self.things.lock().unwrap()[step.number as usize - 1].fault == Fault::Refuses
    }

    fn take_fault(&self, step: &Step, undo: bool) -> Fault {
        let mut things = self.things.lock().unwrap();
        let thing = &mut things[step.number as usize - 1];
        let fault = if undo {
            &mut thing.undo_fault
        } else {
            &mut thing.fault
        };
        let taken = *fault;
        if taken != Fault::Always {
            *fault = Fault::No;
        }
        taken
    }
}

struct Here(Arc<World>);

impl Runners for Here {
    fn of(&self, carrier: Carrier) -> Option<Arc<dyn StepRunner>> {
        (carrier != Carrier::Person)
            .then(|| -> Arc<dyn StepRunner> { Arc::new(Here(self.0.clone())) })
    }
}

#[async_trait]
impl StepRunner for Here {
    async fn probe(&self, step: &Step, _: &Context) -> Result<Probe, StepError> {
        self.0.point().await;
        if self.0.cannot_tell(step) {
            return Ok(Probe::CannotTell("it is foggy".into()));
        }
        Ok(match self.0.state(step.number as usize) {
            State::Done => Probe::Done(StepEvidence::new("it is there")),
            State::Missing | State::Half => Probe::NotDone,
        })
    }

    async fn effect(&self, step: &Step, context: &Context) -> Result<StepEvidence, StepError> {
        let world = &self.0;
        let began = world.log.lock().unwrap().as_ref().unwrap().last_began();
        world.seen.lock().unwrap().push(began);
        world.point().await;
        if world.refuses(step) {
            return Err(StepError::refuse("Something else is there."));
        }
        world.change(step, |thing| thing.state = State::Half);
        world.point().await;
        match world.take_fault(step, false) {
            Fault::No | Fault::Refuses | Fault::CannotTell => {}
            Fault::Passes(left) => {
                if left > 1 {
                    world.fail(step.number as usize, Fault::Passes(left - 1));
                }
                return Err(StepError::new("no answer").with(Remedy::Retry(&[1, 2])));
            }
            Fault::Once | Fault::Always => {
                return Err(StepError::from("it was made to fail".to_owned()));
            }
            Fault::Panic => panic!("it was made to panic"),
            Fault::UntilCancelled => {
                context.cancel.cancelled().await;
                return Err(StepError::from("it was stopped".to_owned()));
            }
        }
        world.change(step, |thing| {
            thing.state = State::Done;
            thing.completions += 1;
        });
        world.point().await;
        Ok(StepEvidence::new("it was made"))
    }

    async fn undo(&self, step: &Step, _: &Context) -> Result<String, StepError> {
        let world = &self.0;
        world.point().await;
        match world.take_fault(step, true) {
            Fault::No => {}
            Fault::Passes(left) => {
                if left > 1 {
                    world.fail_undo(step.number as usize, Fault::Passes(left - 1));
                }
                return Err(StepError::new("no answer").with(Remedy::Retry(&[1, 2])));
            }
            Fault::Refuses => {
                let error = StepError::new("it cannot be").with(Remedy::Stop);
                return Err(error);
            }
            _ => return Err(StepError::from("it was made to stay".to_owned())),
        }
        world.change(step, |thing| thing.state = State::Missing);
        world.point().await;
        Ok("it is gone".into())
    }
}

/// A journal in memory: what is in it survives.
pub(super) struct Memory {
    world: Arc<World>,
    rows: Mutex<Rows>,
    /// Somebody has put another plan in the place of the one that was approved.
    pub(super) swapped: AtomicBool,
    /// Entries until the database goes away once, and whether it has written the one that it does not confirm.
    pub(super) gone: Mutex<Option<(usize, bool)>>,
    /// A step that a person takes.
    pub(super) gate: Mutex<Option<usize>>,
    /// What that person did can be rolled back by hand.
    pub(super) gate_back: AtomicBool,
    /// What is written just after the next look at the journal.
    pub(super) meanwhile: Mutex<Option<Body>>,
    /// What a person writes just before the first entry of this kind.
    pub(super) before: Mutex<Option<(Kind, Body)>>,
}

/// Whether an entry is one of a kind.
pub(super) type Kind = fn(&Body) -> bool;

#[derive(Default)]
struct Rows {
    events: Vec<Event>,
    owner: String,
    until_ms: i64,
    closing: bool,
}

impl Memory {
    fn new(world: Arc<World>) -> Self {
        let first = Body::Started {
            by: "ak".into(),
            grounds: None,
        };
        let first = Event::new(1, 0, first.into());
        Self {
            world,
            rows: Mutex::new(Rows {
                events: vec![first],
                ..Rows::default()
            }),
            swapped: AtomicBool::new(false),
            gone: Mutex::new(None),
            gate: Mutex::new(None),
            gate_back: AtomicBool::new(false),
            meanwhile: Mutex::new(None),
            before: Mutex::new(None),
        }
    }

    /// Whether the database goes away with this entry, and has written it.
    fn goes_away(&self) -> Option<bool> {
        let mut gone = self.gone.lock().unwrap();
        let (left, written) = gone.as_mut()?;
        match left.checked_sub(1) {
            Some(fewer) => {
                *left = fewer;
                None
            }
            None => {
                let written = *written;
                *gone = None;
                Some(written)
            }
        }
    }

    /// Writes a person's wish, if it is time.
    fn person_comes_before(&self, body: &Body) {
        let person = self.before.lock().unwrap().take_if(|(kind, _)| kind(body));
        if let Some((_, wish)) = person
            && !self.rows.lock().unwrap().closing
        {
            self.push(wish);
        }
    }

    /// Writes what is to come between two looks.
    fn moves_on(&self) {
        if let Some(body) = self.meanwhile.lock().unwrap().take() {
            self.push(body);
        }
    }

    fn push(&self, body: Body) {
        let mut rows = self.rows.lock().unwrap();
        let seq = rows.events.last().unwrap().seq + 1;
        rows.events.push(Event::new(seq, 0, body.into()));
    }

    pub(super) fn all(&self) -> Vec<Event> {
        self.rows.lock().unwrap().events.clone()
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.all().last().unwrap().body, Body::Ended { .. })
    }

    /// How often a process took the job up.
    pub(super) fn adoptions(&self) -> usize {
        let adopted = |e: &&Event| matches!(e.body, Body::Adopted { .. });
        self.all().iter().filter(adopted).count()
    }

    /// Whether the job stands until a person does something: a question is open, or it is paused and the step
    /// that ran has ended, or is to be tried again.
    pub(super) fn waits(&self) -> bool {
        let (mut question, mut paused, mut running) = (false, false, false);
        for event in self.all() {
            match event.body {
                Body::Asked { .. } => question = true,
                Body::Answered { .. } => question = false,
                // A pause does not hold what is undone.
                Body::AbortRequested { .. } => (question, paused) = (false, false),
                Body::Paused { .. } => paused = true,
                Body::Resumed { .. } => paused = false,
                Body::StepStarted { .. } => running = true,
                Body::StepEnded { .. } | Body::StepRetried { .. } => running = false,
                _ => {}
            }
        }
        let last = self.all().last().unwrap().body.clone();
        let settled = !matches!(
            last,
            Body::StepEnded {
                outcome: requorum_shared::job::events::StepOutcome::Failed { .. },
                ..
            }
        );
        question || paused && !running && settled
    }

    fn last_began(&self) -> u32 {
        self.all()
            .iter()
            .rev()
            .find_map(|e| match e.body {
                Body::StepStarted { step } => Some(step),
                _ => None,
            })
            .unwrap_or(0)
    }
}

/// The one job's plan. A person takes the step `gate`.
fn plan(gate: Option<usize>, gate_back: bool) -> Plan {
    let choice = |id: &str, then: &str| json!({"id": id, "label": id, "consequence": format!("{id} it is"), "then": then});
    let person = json!({"by": "person", "do": {
        "question": "Does the new cluster answer?", "evidence": "It was started a minute ago.",
        "choices": [choice("yes", "continue"), choice("no", "undo"), choice("stop", "leave")],
    }});
    let etcd = json!({"by": "etcd", "do": {"step": "prove-source", "source": {"name": "", "sha256": "", "size": 0}}});
    let steps: Vec<_> = (1..=STEPS)
        .map(|n| {
            let by_person = gate == Some(n);
            json!({
                "number": n, "title": format!("make {n}"), "probe": "look", "effect": format!("effect of {n}"),
                "undo": if by_person && !gate_back { json!({"kind": "nothing"}) } else { json!({"kind": "back", "how": format!("way back of {n}")}) },
                "action": if by_person { &person } else { &etcd },
            })
        })
        .collect();
    serde_json::from_value(json!({
        "format": "requorum.plan/2", "id": "plan", "author": "ak", "sealed_at": "2026-11-21T00:00:00Z",
        "outcome": "four things", "facts": [], "report": [], "steps": steps,
        "request": {
            "kind": "etcd.restore", "snapshot": "", "members": [], "token": "", "bump_revision": 0,
            "mark_compacted": false, "skip_hash_check": false, "target_version": "3.6",
            "clean_up": {"alarms": false, "auth": false, "downgrade": false, "versions": false},
            "target": {"kind": "download"},
        },
    }))
    .unwrap()
}

#[async_trait]
impl JobLog for Memory {
    async fn create(
        &self,
        _: &JobRow,
        _: &Body,
        _: Claim<'_>,
        _: Same<'_>,
    ) -> anyhow::Result<Created> {
        unreachable!("the job is there")
    }

    async fn holder(&self, _: &TargetDir, _: Same<'_>) -> anyhow::Result<Option<Holder>> {
        unreachable!("the job is there")
    }

    async fn close_journal(&self, _: &str, owner: &str, saw: u64) -> anyhow::Result<bool> {
        self.world.point().await;
        let ended = Body::Ended {
            state: EndState::Completed,
            sentence: String::new(),
        };
        self.person_comes_before(&ended);
        let closed = {
            let mut rows = self.rows.lock().unwrap();
            let closed = owner == rows.owner && saw == rows.events.last().unwrap().seq;
            rows.closing |= closed;
            closed
        };
        self.world.point().await;
        Ok(closed)
    }

    async fn job(&self, id: &str) -> anyhow::Result<Option<JobRow>> {
        let plan = plan(
            *self.gate.lock().unwrap(),
            self.gate_back.load(Ordering::Relaxed),
        );
        Ok((id == JOB).then(|| JobRow {
            id: JOB.into(),
            plan_id: "plan".into(),
            plan_json: match self.swapped.load(Ordering::Relaxed) {
                true => plan.canonical_json().replace("3.6", "3.5"),
                false => plan.canonical_json(),
            },
            plan_hash: plan.hash(),
            started_by: "ak".into(),
            created_ms: 0,
            cluster: String::new(),
            broke_glass: false,
            brief: Default::default(),
        }))
    }

    async fn open_jobs(&self) -> anyhow::Result<Vec<String>> {
        Ok(if self.is_over() {
            Vec::new()
        } else {
            vec![JOB.into()]
        })
    }

    async fn events(&self, _: &str, since: u64) -> anyhow::Result<Vec<Event>> {
        let events = self.all().into_iter().filter(|e| e.seq > since).collect();
        self.moves_on();
        Ok(events)
    }

    async fn is_over(&self, _: &str) -> anyhow::Result<bool> {
        let over = self.is_over();
        self.moves_on();
        Ok(over)
    }

    async fn append(
        &self,
        _: &str,
        at_ms: i64,
        what: &Occurrence,
        writer: Writer<'_>,
    ) -> anyhow::Result<Option<Event>> {
        // Killed before it is on the medium, or just after.
        self.world.point().await;
        self.person_comes_before(&what.body);
        let gone = self.goes_away();
        anyhow::ensure!(gone != Some(false), "the database is gone");
        let event = {
            let mut rows = self.rows.lock().unwrap();
            let last = rows.events.last().unwrap().seq;
            let may = match writer {
                Writer::Owner(owner) => owner == rows.owner,
                Writer::OwnerAgain(owner, tried_ms) => {
                    let written = |event: &&Event| {
                        tried_ms.contains(&event.at_ms) && event.occurrence() == *what
                    };
                    if let Some(event) = rows.events.iter().find(written) {
                        return Ok(Some(event.clone()));
                    }
                    owner == rows.owner
                }
                Writer::OwnerWhoSaw {
                    owner,
                    saw,
                    tried_ms,
                } => {
                    let written = |event: &&Event| {
                        tried_ms.contains(&event.at_ms) && event.occurrence() == *what
                    };
                    if let Some(event) = rows.events.iter().find(written) {
                        return Ok(Some(event.clone()));
                    }
                    owner == rows.owner && saw == last
                }
                Writer::PersonWhoSaw(saw) => saw == last && !rows.closing,
                Writer::PersonAfterEnd(_) => unreachable!("nothing is handed over here"),
            };
            if !may {
                return Ok(None);
            }
            let event = Event::new(last + 1, at_ms, what.clone());
            rows.events.push(event.clone());
            event
        };
        self.world.point().await;
        anyhow::ensure!(gone.is_none(), "the connection was lost");
        Ok(Some(event))
    }

    async fn claim(&self, _: &str, claim: Claim<'_>) -> anyhow::Result<bool> {
        let mut rows = self.rows.lock().unwrap();
        let free =
            rows.owner.is_empty() || rows.owner == claim.owner || rows.until_ms <= claim.now_ms;
        if free {
            rows.owner = claim.owner.into();
            rows.until_ms = claim.now_ms + claim.lease_ms;
        }
        Ok(free)
    }

    async fn abandoned(&self, now_ms: i64) -> anyhow::Result<Vec<String>> {
        let mut open = self.open_jobs().await?;
        let rows = self.rows.lock().unwrap();
        open.retain(|_| rows.owner.is_empty() || rows.until_ms <= now_ms);
        Ok(open)
    }

    fn notify_ephemeral(&self, _: &str, _: &Event) {}

    async fn release(&self, _: &str, owner: &str) -> anyhow::Result<()> {
        let mut rows = self.rows.lock().unwrap();
        if rows.owner == owner {
            rows.owner.clear();
        }
        Ok(())
    }

    async fn release_all(&self) -> anyhow::Result<()> {
        self.rows.lock().unwrap().owner.clear();
        Ok(())
    }
}
