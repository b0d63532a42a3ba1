//! One life of a process: it takes the job up and carries it on until it is over, waits for a person who has
//! nothing more to say, or is killed.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use requorum_server::clock::SystemClock;
use requorum_server::config::LEASE;
use requorum_server::db::{At, Database};
use requorum_server::jobs::engine::{Engine, Owner};
use requorum_server::jobs::log::{Claim, Created, Holder, JobLog, JobRow, Same, Writer};
use requorum_server::ledger::{Ledger, OpenActs, key};
use requorum_shared::job::events::{Body, Event, Occurrence};
use requorum_shared::job::fold::{JobState, JobView};
use requorum_shared::recovery::{Plan, TargetDir};
use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};

use crate::support::believed::as_written;

use super::Scene;
use super::faults::{Fault, Faulty};

const JOB: &str = "under-fire";
const PATIENCE: Duration = Duration::from_secs(60);

/// What happens in a life.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Life {
    /// Which step fails.
    pub(super) fault: Option<Fault>,
    /// Whether everything is done twice.
    pub(super) twice: bool,
    /// What a person answers, question by question.
    pub(super) answers: Vec<String>,
    /// At which point the process is killed: before the first write, after it, before the second …
    pub(super) kill_at: Option<usize>,
    /// Which job it is about, where it is not the first.
    pub(super) job: Option<String>,
    /// Whether the job is made beside others with the same target, as a console with another database would.
    pub(super) beside: bool,
}

impl Life {
    pub(super) fn failing(fault: Fault) -> Self {
        Self {
            fault: Some(fault),
            ..Self::default()
        }
    }

    /// The same, of the job that carries out another plan.
    pub(super) fn of(self, plan: &Plan) -> Self {
        Self {
            job: Some(format!("second-{}", plan.id)),
            ..self
        }
    }

    pub(super) fn beside(self) -> Self {
        Self {
            beside: true,
            ..self
        }
    }

    fn job(&self) -> &str {
        self.job.as_deref().unwrap_or(JOB)
    }

    pub(super) fn answering(answers: Vec<String>) -> Self {
        Self {
            answers,
            ..Self::default()
        }
    }
}

/// Lives it; the job as its journal tells it afterwards.
pub(super) async fn live(scene: &dyn Scene, data: &Path, plan_id: &str, life: Life) -> JobView {
    let at = At::File(data.join("requorum.db"));
    let db = Database::open(&at).await.unwrap();
    let log: Arc<dyn JobLog> = Arc::new(Deadly {
        log: db.clone(),
        points: AtomicUsize::new(0),
        kill_at: life.kill_at,
    });
    let id = life.job().to_owned();
    if db.job(&id).await.unwrap().is_none() {
        let created = create(&db, &id, plan_id, life.beside).await;
        assert_eq!(created, Created::Yes);
    }
    let job = db.job(&id).await.unwrap().unwrap();
    let plan: Plan = serde_json::from_str(&job.plan_json).unwrap();
    let key = key::read(&data.join("ledger-key")).unwrap().unwrap();
    let clock = Arc::new(SystemClock);
    let ledger = Ledger::take_up(Arc::new(db.clone()), key, clock.clone(), OpenActs::Orphaned)
        .await
        .unwrap();
    let runners = Faulty {
        inner: scene.runner(data, &db),
        fault: life.fault,
        twice: life.twice,
    };
    let owner = Owner {
        id: format!("process {}", getpid().as_raw_nonzero()),
        lease: LEASE,
        shared: false,
    };
    let engine = Engine::with_proof(
        log,
        ledger.clone(),
        as_written(),
        Arc::new(runners),
        clock,
        owner,
    );
    engine.resume_all().await.unwrap();
    let mut answers = life.answers;
    let until = tokio::time::Instant::now() + PATIENCE;
    let view = loop {
        let view = look(&db, &id, &plan).await;
        if view.state.is_over() {
            break view;
        }
        if let Some(question) = view
            .question
            .as_ref()
            .filter(|_| view.state == JobState::Waiting)
        {
            let fits = |answer: &String| question.choices.iter().any(|c| c.id == *answer);
            let Some(at) = answers.iter().position(fits) else {
                break view;
            };
            let answered = Body::Answered {
                question: question.id.clone(),
                choice: answers[at].clone(),
                by: "ak".into(),
            };
            let saw = view.last_seq;
            // When the journal has something new meanwhile, the person looks again.
            let written = engine.append_for_person(&id, &answered, saw).await.unwrap();
            if written.is_some() {
                answers.drain(..=at);
            }
        }
        assert!(tokio::time::Instant::now() < until, "{view:#?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    };
    engine.stop().await;
    ledger.close().await;
    db.close().await;
    view
}

/// Whether a job of this plan may be made while the first is there.
pub(super) async fn try_second(data: &Path, plan: &Plan) -> Created {
    let db = Database::open(&At::File(data.join("requorum.db")))
        .await
        .unwrap();
    let id = Life::default().of(plan).job().to_owned();
    let created = create(&db, &id, &plan.id, false).await;
    db.close().await;
    created
}

async fn create(db: &Database, id: &str, plan_id: &str, beside: bool) -> Created {
    let row = JobRow {
        id: id.into(),
        plan_id: plan_id.into(),
        plan_json: String::new(),
        plan_hash: String::new(),
        cluster: String::new(),
        broke_glass: false,
        started_by: "ak".into(),
        created_ms: 0,
        brief: Default::default(),
    };
    let first = Body::Started {
        by: "ak".into(),
        grounds: None,
    };
    // Whoever started it is dead by now.
    let claim = Claim {
        owner: "",
        now_ms: 0,
        lease_ms: 0,
    };
    db.create(&row, &first, claim, &|one, other| !beside && one == other)
        .await
        .unwrap()
}

/// The job as its journal tells it.
async fn look(db: &Database, id: &str, plan: &Plan) -> JobView {
    let events = db.events(id, 0).await.unwrap();
    let mut view = JobView::new(plan.steps.len());
    for event in &events {
        assert!(view.apply(event), "a gap at {event:?}");
    }
    began_before_it_ended(&events);
    view
}

/// No step ends that the journal does not say began, and none begins that did not end.
fn began_before_it_ended(events: &[Event]) {
    let (mut step_open, mut undo_open, mut undo_failed) = (None, None, None);
    for event in events {
        match &event.body {
            Body::StepStarted { step } => {
                assert_eq!(step_open.replace(*step), None, "{events:#?}");
            }
            Body::StepEnded { step, .. } => {
                assert_eq!(step_open.take(), Some(*step), "{events:#?}");
            }
            Body::UndoStarted { step } => {
                assert_eq!(undo_open.replace(*step), None, "{events:#?}");
            }
            Body::UndoEnded { step, result, .. } => {
                assert_eq!(undo_open.take(), Some(*step), "{events:#?}");
                undo_failed = result.is_err().then_some(*step);
            }
            // A person's word that it be tried again stands for its beginning.
            Body::Answered { choice, .. } if choice == "retry" => undo_open = undo_failed.take(),
            _ => {}
        }
    }
}

/// The real journal, and a process that is killed before or after one of its writes.
struct Deadly {
    log: Database,
    points: AtomicUsize,
    kill_at: Option<usize>,
}

impl Deadly {
    fn point(&self) {
        let point = self.points.fetch_add(1, Ordering::SeqCst);
        if Some(point) == self.kill_at {
            kill_process(getpid(), Signal::KILL).unwrap();
            // It is on its way; nothing goes on meanwhile.
            loop {
                std::thread::park();
            }
        }
    }

    async fn around<T>(&self, write: impl Future<Output = T>) -> T {
        self.point();
        let written = write.await;
        self.point();
        written
    }
}

#[async_trait]
impl JobLog for Deadly {
    async fn create(
        &self,
        job: &JobRow,
        first: &Body,
        claim: Claim<'_>,
        same: Same<'_>,
    ) -> anyhow::Result<Created> {
        self.around(self.log.create(job, first, claim, same)).await
    }

    async fn holder(&self, target: &TargetDir, same: Same<'_>) -> anyhow::Result<Option<Holder>> {
        self.log.holder(target, same).await
    }

    async fn job(&self, id: &str) -> anyhow::Result<Option<JobRow>> {
        self.log.job(id).await
    }

    async fn open_jobs(&self) -> anyhow::Result<Vec<String>> {
        self.log.open_jobs().await
    }

    async fn events(&self, id: &str, since: u64) -> anyhow::Result<Vec<Event>> {
        self.log.events(id, since).await
    }

    async fn is_over(&self, id: &str) -> anyhow::Result<bool> {
        self.log.is_over(id).await
    }

    async fn append(
        &self,
        id: &str,
        at_ms: i64,
        what: &Occurrence,
        writer: Writer<'_>,
    ) -> anyhow::Result<Option<Event>> {
        self.around(self.log.append(id, at_ms, what, writer)).await
    }

    async fn claim(&self, id: &str, claim: Claim<'_>) -> anyhow::Result<bool> {
        self.around(self.log.claim(id, claim)).await
    }

    async fn abandoned(&self, now_ms: i64) -> anyhow::Result<Vec<String>> {
        self.log.abandoned(now_ms).await
    }

    fn notify_ephemeral(&self, id: &str, event: &Event) {
        self.log.notify_ephemeral(id, event);
    }

    async fn close_journal(&self, id: &str, owner: &str, saw: u64) -> anyhow::Result<bool> {
        self.around(self.log.close_journal(id, owner, saw)).await
    }

    async fn release(&self, id: &str, owner: &str) -> anyhow::Result<()> {
        self.around(self.log.release(id, owner)).await
    }

    async fn release_all(&self) -> anyhow::Result<()> {
        self.around(self.log.release_all()).await
    }
}
