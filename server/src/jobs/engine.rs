//! Drives jobs: reads the journal, decides, writes, acts, writes. One task per job, and never two owners.

mod execute;
mod kept;
mod lease;
mod proven;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use requorum_shared::canonical::sha256_hex;
use requorum_shared::job::events::{Body, EndState, Event, Occurrence};
use requorum_shared::job::fold::JobView;
use requorum_shared::ledger::about::About;
use requorum_shared::ledger::entry::{CONSOLE, Draft, named};
use requorum_shared::recovery::{Plan, Step};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::context::BESIDE_STEPS;
use super::feed::Feed;
use super::log::{Created, JobLog, JobRow, Same, Writer};
use super::next::{Next, next};
use super::proof::Proof;
use super::runner::{Runners, StepRunner};
use crate::clock::Clock;
use crate::ledger::{Ledger, Opened};

use self::lease::Lease;
pub use self::lease::Owner;

/// How long a step may go on once the server stops, before it is cut and found again by its probe.
const STOP_WITHIN: Duration = Duration::from_secs(8);
/// Between two attempts to write to a journal that cannot be written.
const WRITE_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// The engine.
pub struct Engine {
    log: Arc<dyn JobLog>,
    ledger: Ledger,
    proof: Arc<dyn Proof>,
    runners: Arc<dyn Runners>,
    clock: Arc<dyn Clock>,
    owner: Owner,
    /// Live events.
    pub feed: Feed,
    wakers: Mutex<HashMap<String, Arc<Notify>>>,
    /// Jobs that this process has in its hands.
    held: Mutex<HashSet<String>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// This server carries the job out no longer: another one has it, or the server stops.
struct Released;

impl Engine {
    /// An engine over this journal. What people asked for is believed as the ledger has it.
    pub fn new(
        log: Arc<dyn JobLog>,
        ledger: Ledger,
        runners: Arc<dyn Runners>,
        clock: Arc<dyn Clock>,
        owner: Owner,
    ) -> Arc<Self> {
        let proof = Arc::new(ledger.clone());
        Self::with_proof(log, ledger, proof, runners, clock, owner)
    }

    /// The same, with something else that says what people asked for.
    pub fn with_proof(
        log: Arc<dyn JobLog>,
        ledger: Ledger,
        proof: Arc<dyn Proof>,
        runners: Arc<dyn Runners>,
        clock: Arc<dyn Clock>,
        owner: Owner,
    ) -> Arc<Self> {
        Arc::new(Self {
            log,
            ledger,
            proof,
            runners,
            clock,
            owner,
            feed: Feed::default(),
            wakers: Mutex::new(HashMap::new()),
            held: Mutex::new(HashSet::new()),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        })
    }

    /// Takes up the jobs that are not over and that nobody carries out. A process that is alone takes all of them:
    /// whoever had them is dead.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn resume_all(self: &Arc<Self>) -> anyhow::Result<()> {
        if !self.owner.shared {
            self.log.release_all().await?;
        }
        self.take_up_abandoned("restart").await
    }

    /// Goes on taking up what nobody carries out, until the server stops: jobs of servers that are gone, and those
    /// that this one had to let go.
    pub fn watch_over(self: &Arc<Self>) {
        let engine = self.clone();
        self.tasks.spawn(async move {
            let wait = || {
                engine
                    .stop
                    .run_until_cancelled(tokio::time::sleep(engine.owner.renew_every()))
            };
            while wait().await.is_some() {
                if let Err(error) = engine.take_up_abandoned("takeover").await {
                    tracing::warn!("looking for jobs without an owner: {error:#}");
                }
                if engine.owner.shared {
                    // What another server said may have been lost on the way.
                    engine.feed.look_at_all();
                }
            }
        });
    }

    async fn take_up_abandoned(self: &Arc<Self>, reason: &'static str) -> anyhow::Result<()> {
        for id in self.log.abandoned(self.clock.now_ms()).await? {
            self.adopt(&id, reason);
        }
        Ok(())
    }

    /// Makes the job of an approved plan, this server's own. It is carried out once it is adopted.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn create(
        &self,
        job: &JobRow,
        first: &Body,
        same: Same<'_>,
    ) -> anyhow::Result<Created> {
        let claim = self.owner.claim(&*self.clock);
        self.log.create(job, first, claim, same).await
    }

    /// Begins to carry a job out, unless this server does already.
    pub fn adopt(self: &Arc<Self>, id: &str, reason: &'static str) {
        if !self.held().insert(id.to_owned()) {
            return;
        }
        let (engine, id) = (self.clone(), id.to_owned());
        self.tasks.spawn(async move {
            if let Err(error) = engine.own(&id, reason).await {
                tracing::error!(job = %id, "the job stands still until it is taken up again: {error:#}");
            }
            engine.wakers().remove(&id);
            engine.held().remove(&id);
        });
    }

    /// Another server wrote to this job's journal.
    pub fn heard_of(&self, id: &str) {
        self.feed.look(id);
        if self.held().contains(id) {
            self.wake(id);
        }
    }

    /// Another server may have written to any journal.
    pub fn heard_nothing(&self) {
        self.feed.look_at_all();
        for waker in self.wakers().values() {
            waker.notify_one();
        }
    }

    /// Tells a job that its journal has something new.
    pub fn wake(&self, id: &str) {
        self.waker(id).notify_one();
    }

    /// Stops: steps that run are given a moment, and are found again by their probes if they need longer.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Appends an entry that a person caused, if the journal is still as the person saw it.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn append_for_person(
        &self,
        id: &str,
        body: &Body,
        saw: u64,
    ) -> anyhow::Result<Option<Event>> {
        let now = self.clock.now_ms();
        let what = body.clone().into();
        let event = self
            .log
            .append(id, now, &what, Writer::PersonWhoSaw(saw))
            .await?;
        if let Some(event) = &event {
            self.feed.publish(id, event);
            self.wake(id);
        }
        Ok(event)
    }

    /// Appends what a person did after the end, if the journal is still as the person saw it.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn append_after_end(
        &self,
        id: &str,
        body: &Body,
        saw: u64,
    ) -> anyhow::Result<Option<Event>> {
        let (now, writer) = (self.clock.now_ms(), Writer::PersonAfterEnd(saw));
        self.log.append(id, now, &body.clone().into(), writer).await
    }

    /// What carries out the steps of a plan, each once, with its steps.
    fn runners_of<'p>(&self, plan: &'p Plan) -> Vec<(Arc<dyn StepRunner>, Vec<&'p Step>)> {
        let mut carriers = Vec::new();
        for step in &plan.steps {
            let carrier = step.action.carrier();
            if !carriers.contains(&carrier) {
                carriers.push(carrier);
            }
        }
        let with_steps = |carrier| {
            let runner = self.runners.of(carrier)?;
            let steps = plan.steps.iter();
            let steps = steps.filter(|step| step.action.carrier() == carrier);
            Some((runner, steps.collect()))
        };
        carriers.into_iter().filter_map(with_steps).collect()
    }

    fn waker(&self, id: &str) -> Arc<Notify> {
        self.wakers().entry(id.into()).or_default().clone()
    }

    fn wakers(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Notify>>> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn own(self: &Arc<Self>, id: &str, reason: &str) -> anyhow::Result<()> {
        let job = self
            .log
            .job(id)
            .await?
            .with_context(|| format!("there is no job {id}"))?;
        let asked = Instant::now();
        if !self.log.claim(id, self.owner.claim(&*self.clock)).await? {
            return Ok(());
        }
        if let Some(why) = self.is_not_what_was_started(&job).await? {
            self.refuse(&job, reason, &why).await?;
        } else {
            let plan = serde_json::from_str(&job.plan_json).context("reading the job's plan")?;
            let run = JobRun {
                engine: self.clone(),
                waker: self.waker(id),
                job,
                plan: Arc::new(plan),
                lease: Lease::since(asked),
                unproven: Mutex::default(),
            };
            run.to_the_end(reason).await;
            if let Some(why) = run.unproven() {
                self.write_refusal(&run.job, None, &why).await?;
            }
        }
        self.log.release(id, &self.owner.id).await
    }
}

/// One job being carried out.
struct JobRun {
    engine: Arc<Engine>,
    waker: Arc<Notify>,
    job: JobRow,
    plan: Arc<Plan>,
    lease: Lease,
    /// What the database has and the ledger does not.
    unproven: Mutex<Option<String>>,
}

impl JobRun {
    async fn to_the_end(&self, reason: &str) {
        let adopted = Body::Adopted {
            reason: reason.into(),
        };
        if self.write(adopted).await.is_err() {
            return;
        }
        let mut view = JobView::new(self.plan.steps.len());
        loop {
            if self.engine.stop.is_cancelled() || self.catch_up(&mut view).await.is_err() {
                return;
            }
            let went = match next(&self.plan, &view, self.engine.clock.now_ms()) {
                Next::Over => return,
                Next::Wait => self.wait(None).await,
                Next::WaitUntil(at_ms) => self.wait(Some(at_ms)).await,
                Next::Ask(question) => self.decide(Body::Asked { question }, &view).await,
                Next::Refuse { step, why } => self.decide(Body::Refused { step, why }, &view).await,
                Next::End(state, sentence) => self.end(state, sentence, &view).await,
                Next::Execute { index, begun } => self.execute(index, begun, view.clone()).await,
                Next::Undo { index, begun } => {
                    let retries = view.steps[index].retries;
                    self.undo(index, begun, retries).await
                }
            };
            if went.is_err() {
                return;
            }
        }
    }

    /// Clears up and ends the job, unless a person wants something else by now. From the moment at which that is
    /// decided no wish is taken any more: what is cleared up then cannot be taken back.
    async fn end(
        &self,
        state: EndState,
        mut sentence: String,
        view: &JobView,
    ) -> Result<(), Released> {
        if !self.close(view.last_seq).await? {
            return self.renew_for_sure().await;
        }
        if view.kept.is_none() {
            self.write_what_stays(state).await?;
        }
        for (runner, steps) in self.runners() {
            let (context, events) = self.context(BESIDE_STEPS, None);
            let work = runner.finish(state, &steps, &context);
            let said = match self.supervise(work, events, &context.cancel, None).await? {
                Ok(said) => said,
                Err(error) => format!("Cleanup is incomplete: {error}"),
            };
            if !said.is_empty() {
                sentence = format!("{sentence} {said}");
            }
        }
        self.write(Body::Ended { state, sentence }).await
    }

    /// What carries out the plan's steps, each once, with its steps.
    fn runners(&self) -> Vec<(Arc<dyn StepRunner>, Vec<&Step>)> {
        self.engine.runners_of(&self.plan)
    }

    /// Takes no more wishes, if the journal ends where it was seen to end; whether that is so now.
    async fn close(&self, saw: u64) -> Result<bool, Released> {
        let (log, owner) = (&self.engine.log, &self.engine.owner.id);
        loop {
            match log.close_journal(&self.job.id, owner, saw).await {
                Ok(closed) => return Ok(closed),
                Err(error) => self.pause_after(&error).await?,
            }
        }
    }

    /// Folds in what is new.
    async fn catch_up(&self, view: &mut JobView) -> Result<(), Released> {
        loop {
            match self.engine.log.events(&self.job.id, view.last_seq).await {
                Ok(events) => {
                    for event in &events {
                        self.prove(event).await?;
                        view.apply(event);
                    }
                    // It is nothing that decides, and can be long.
                    view.log.clear();
                    return Ok(());
                }
                Err(error) => self.pause_after(&error).await?,
            }
        }
    }

    /// Waits for a person, or until a time, and stays the owner meanwhile.
    async fn wait(&self, until_ms: Option<i64>) -> Result<(), Released> {
        let left = until_ms.map(|at_ms| at_ms.saturating_sub(self.engine.clock.now_ms()));
        let left = left.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or_default()));
        let over = async {
            match left {
                Some(left) => tokio::time::sleep(left).await,
                None => std::future::pending().await,
            }
        };
        let mut over = std::pin::pin!(over);
        loop {
            tokio::select! {
                () = self.waker.notified() => return Ok(()),
                () = &mut over => return Ok(()),
                () = self.engine.stop.cancelled() => return Err(Released),
                () = tokio::time::sleep(self.engine.owner.renew_every()) => self.renew().await?,
            }
        }
    }

    /// Writes an entry and tells those who follow. Nothing goes on before it is written: a journal that cannot
    /// be written holds the job.
    async fn write(&self, what: impl Into<Occurrence>) -> Result<(), Released> {
        if self.append(&what.into(), None).await? {
            return Ok(());
        }
        tracing::warn!(job = %self.job.id, "the job is not this server's any more");
        Err(Released)
    }

    /// Writes what was decided by the journal as it was seen. If a person has written to it since, nothing is
    /// written: a wish to abort is not answered with the end that was about to be written.
    async fn decide(&self, body: Body, view: &JobView) -> Result<(), Released> {
        if self.append(&body.into(), Some(view.last_seq)).await? {
            return Ok(());
        }
        // The journal has moved on, or the job has another owner.
        self.renew_for_sure().await
    }

    /// Appends an entry, if the journal ends where it was seen to end; whether it was written.
    async fn append(&self, what: &Occurrence, saw: Option<u64>) -> Result<bool, Released> {
        let engine = &self.engine;
        let owner = &engine.owner.id;
        let mut tried_ms = Vec::new();
        loop {
            let now = engine.clock.now_ms();
            let writer = match (saw, &tried_ms[..]) {
                (Some(saw), tried_ms) => Writer::OwnerWhoSaw {
                    owner,
                    saw,
                    tried_ms,
                },
                (None, []) => Writer::Owner(owner),
                (None, tried_ms) => Writer::OwnerAgain(owner, tried_ms),
            };
            let written = engine.log.append(&self.job.id, now, what, writer).await;
            tried_ms.push(now);
            match written {
                Ok(Some(event)) => {
                    engine.feed.publish(&self.job.id, &event);
                    return Ok(true);
                }
                Ok(None) => return Ok(false),
                Err(error) => self.pause_after(&error).await?,
            }
        }
    }

    /// Writes down that a step is about to be carried out or taken back. Nothing is done before that is on the
    /// medium: a ledger that cannot be written holds the job.
    async fn open(&self, act: &str, step: &Step) -> Result<Opened, Released> {
        let draft = Draft {
            who: self.job.started_by.clone(),
            // The start of the job has it: the console carries the steps out.
            who_id: None,
            from: CONSOLE.to_owned(),
            act: act.to_owned(),
            subject: format!(
                "step {} of {}: {}",
                step.number,
                self.plan.steps.len(),
                step.title
            ),
            about: Some(About::Step {
                number: step.number,
            }),
            job: Some(self.job.id.clone()),
            plan: Some(sha256_hex(self.job.plan_json.as_bytes())),
            cluster: named(&self.plan.cluster),
        };
        loop {
            match self.engine.ledger.open(draft.clone()).await {
                Ok(opened) => return Ok(opened),
                Err(error) => self.pause_after(&error.into()).await?,
            }
        }
    }

    async fn pause_after(&self, error: &anyhow::Error) -> Result<(), Released> {
        tracing::error!(job = %self.job.id, "the job waits: {error:#}");
        tokio::select! {
            () = tokio::time::sleep(WRITE_AGAIN_AFTER) => Ok(()),
            () = self.engine.stop.cancelled() => Err(Released),
        }
    }
}
