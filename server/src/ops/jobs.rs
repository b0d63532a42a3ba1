//! Start, follow, steer.

mod dossier;
mod download;
mod handover;
mod leftovers;
mod list;
mod watch;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use requorum_shared::api::v1;
use requorum_shared::approval::AcceptedWarning;
use requorum_shared::canonical::sha256_hex;
use requorum_shared::handover::{Context, Handover};
use requorum_shared::job::events::{Body, Event, Then};
use requorum_shared::job::fold::{JobState, JobView};
use requorum_shared::job::text;
use requorum_shared::ledger::about::About;
use requorum_shared::ledger::entry::{Draft, act, named};
use requorum_shared::permission::{Permission, Place};
use requorum_shared::recovery::{self, Plan, TargetDir};
use tokio::task::spawn_blocking;

use super::audit::{self, Done};
use super::authorize::{authorize, sees};
use super::{approvals, plans};
use crate::app::App;
use crate::archive;
use crate::auth::actor::Actor;
use crate::error::{
    ApiError, Result, bad_request, conflict, internal, not_found, precondition, quoted,
};
use crate::jobs::digest::Digest;
use crate::jobs::list::JobLine;
use crate::jobs::log::{Created, Holder, JobRow, target_of};
use crate::plans::store::PlanState;
use crate::random;

pub use self::dossier::dossier;
pub use self::download::{Download, artifact};
pub use self::handover::complete;
pub use self::leftovers::{leftovers, remove_leftovers};
pub use self::list::list;
pub(super) use self::list::{open, summary};
pub use self::watch::watch;

/// How often a person's wish is tried against a journal that moves on meanwhile.
const ATTEMPTS: usize = 20;

/// Runs an approved plan. Once.
pub async fn start(
    app: &App,
    actor: &Actor,
    plan_id: &str,
    hash: &str,
    accepted: &[AcceptedWarning],
) -> Result<v1::JobSummary> {
    let (plan, plan_json) = plans::find_for(app, actor, Permission::Run, plan_id).await?;
    let draft = approvals::accepting(actor, act::JOB_START, &plan, &plan_json, accepted);
    plans::is_meant(app, &draft, &plan, hash).await?;
    let (here, actor) = (app.clone(), actor.clone());
    let (hash, accepted) = (hash.to_owned(), accepted.to_vec());
    // A plan that was run says so, and not that its own job works there.
    let was_run = plan.state == PlanState::Used;
    let job = audit::carry(app, draft, move |_| async move {
        if !was_run {
            target_is_free(&here, &actor, &plan_json).await?;
        }
        let job = create(&here, &actor, &plan.id, &hash, &accepted).await?;
        here.engine.adopt(&job, "start");
        Ok(Done {
            job: Some(job.clone()),
            ..Done::plainly(job)
        })
    })
    .await?;
    Ok(load(app, &job).await?.summary())
}

/// Refuses a plan whose target another job works on. Asked before the plan is looked at again, which what that job
/// has done by now would make void; and again as the job is made.
async fn target_is_free(app: &App, actor: &Actor, plan_json: &str) -> Result<()> {
    match working_on(app, plan_json).await? {
        Some(holder) => Err(target_taken(app, actor, &holder)),
        None => Ok(()),
    }
}

/// The job that is not over and works on the target of this plan, what lies in it or what it lies in.
async fn working_on(app: &App, plan_json: &str) -> Result<Option<Holder>> {
    let Some(target) = target_of(plan_json) else {
        return Ok(None);
    };
    let on_disk = OnDisk::look(app, &target).await?;
    let same = |one: &TargetDir, other: &TargetDir| {
        app.roots.overlap(one, other) || on_disk.same.contains(other)
    };
    Ok(app.jobs.holder(&target, &same).await?)
}

/// How long the disks are looked at. One that does not answer by then is compared by names.
const LOOK_FOR: Duration = Duration::from_secs(2);

/// The targets of jobs that are not over, by what is on the disk: looked at before the turn to write, which must not wait
/// for a disk.
#[derive(Default)]
struct OnDisk {
    /// All of them.
    all: Vec<TargetDir>,
    /// Those that are the same folder, whatever they are called.
    same: Vec<TargetDir>,
}

impl OnDisk {
    async fn look(app: &App, target: &TargetDir) -> Result<Self> {
        let held = Mutex::new(Vec::new());
        let none = |_: &TargetDir, other: &TargetDir| {
            let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
            held.push(other.clone());
            false
        };
        app.jobs.holder(target, &none).await?;
        let all = held.into_inner().unwrap_or_else(PoisonError::into_inner);
        if all.is_empty() {
            return Ok(Self::default());
        }
        let (roots, here, others) = (app.roots.clone(), target.clone(), all.clone());
        let look = spawn_blocking(move || roots.overlapping(&here, others));
        let same = match tokio::time::timeout(LOOK_FOR, look).await {
            Ok(looked) => looked.map_err(internal)?.unwrap_or_else(|error| {
                tracing::warn!(root = %target.root, path = %target.path, "looking at a target: {error}");
                Vec::new()
            }),
            Err(_) => {
                tracing::warn!(root = %target.root, path = %target.path, "a disk does not answer");
                Vec::new()
            }
        };
        Ok(Self { all, same })
    }
}

/// Which job works where, as far as this person may know it; without a full stop.
fn works_there(app: &App, actor: &Actor, holder: &Holder) -> String {
    let TargetDir { root, path } = &holder.target;
    let at = app
        .roots
        .find(root)
        .map_or_else(|| format!("{root}/{path}"), |root| root.shown(path));
    if sees(actor, &holder.cluster) {
        format!(
            "Job {}, started by {}, works on {at}",
            holder.id, holder.started_by
        )
    } else {
        "A job of a cluster that you have no role in works on the same folder".to_owned()
    }
}

fn target_taken(app: &App, actor: &Actor, holder: &Holder) -> ApiError {
    let who = works_there(app, actor, holder);
    precondition(
        "job.target-taken",
        format!(
            "{who}. One job at a time works on a target, including the folders in it and above it. Let that job end (resume \
             it, answer its question, or abort it), then run this plan, or seal one for another folder."
        ),
    )
}

/// Makes the job, and gives its id.
async fn create(
    app: &App,
    actor: &Actor,
    plan_id: &str,
    hash: &str,
    accepted: &[AcceptedWarning],
) -> Result<String> {
    let (plan, plan_json, grounds) =
        approvals::ready_to_run(app, actor, plan_id, hash, accepted).await?;
    let job = JobRow {
        id: random::id(),
        plan_id: plan.id,
        plan_json,
        plan_hash: plan.hash,
        cluster: plan.cluster,
        broke_glass: plan.broke_glass,
        started_by: actor.name.clone(),
        created_ms: app.clock.now_ms(),
        brief: plan.brief,
    };
    let first = Body::Started {
        by: actor.name.clone(),
        grounds: Some(Box::new(grounds)),
    };
    match enter(app, &job, &first).await? {
        Created::Yes => {}
        Created::TargetTaken(holder) => return Err(target_taken(app, actor, &holder)),
        Created::HasJob(id) => {
            return Err(conflict(
                "plan.used",
                format!("The plan was already run, by job {id}. Create a new plan."),
            ));
        }
        Created::NotApproved => {
            return Err(precondition(
                "plan.decided",
                "Another person decided about this plan a moment ago. Read it again.",
            ));
        }
    }
    tracing::info!(job = %job.id, plan = %job.plan_id, by = %job.started_by, "started a job");
    Ok(job.id)
}

/// Puts a job into the log, unless another works on its target. One that came after the disks were looked at may do so
/// by another name: they are looked at again.
async fn enter(app: &App, job: &JobRow, first: &Body) -> Result<Created> {
    let target = target_of(&job.plan_json);
    for _ in 0..ATTEMPTS {
        let on_disk = match &target {
            Some(target) => OnDisk::look(app, target).await?,
            None => OnDisk::default(),
        };
        let same = |one: &TargetDir, other: &TargetDir| {
            app.roots.overlap(one, other)
                || on_disk.same.contains(other)
                || !on_disk.all.contains(other)
        };
        match app.engine.create(job, first, &same).await? {
            Created::TargetTaken(holder)
                if !on_disk.all.contains(&holder.target)
                    && !target
                        .as_ref()
                        .is_some_and(|one| app.roots.overlap(one, &holder.target)) => {}
            created => return Ok(created),
        }
    }
    Err(conflict(
        "job.busy",
        "Too many other jobs are starting at the moment, and this one was not started. Run the plan again.",
    ))
}

/// One job with its plan and its whole journal.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<v1::GetJobResponse> {
    let row = find_for(app, actor, Permission::See, id).await?;
    let job = Loaded::new(app, row).await?;
    let (place, handover) = (job.place(app), job.handover(app));
    let handover_json = match handover.steps.is_empty() {
        true => String::new(),
        false => serde_json::to_string(&handover).map_err(internal)?,
    };
    Ok(v1::GetJobResponse {
        job: Some(job.summary()),
        artifacts: job.artifacts(),
        place,
        handover_json,
        events: job.events.iter().map(message).collect::<Result<_>>()?,
        plan_json: job.row.plan_json,
    })
}

/// Asks for a pause before the next step.
pub async fn pause(app: &App, actor: &Actor, id: &str) -> Result<v1::JobSummary> {
    let by = actor.name.clone();
    steer(app, actor, act::JOB_PAUSE, None, id, move |job| {
        match job.view.state {
            JobState::Queued | JobState::Running => Ok(Some(Body::Paused { by: by.clone() })),
            JobState::Paused => Ok(None),
            state => Err(not_now("paused", state)),
        }
    })
    .await
}

/// Ends a pause.
pub async fn resume(app: &App, actor: &Actor, id: &str) -> Result<v1::JobSummary> {
    let by = actor.name.clone();
    steer(
        app,
        actor,
        act::JOB_RESUME,
        None,
        id,
        move |job| match job.view.state {
            JobState::Queued | JobState::Running | JobState::Paused | JobState::Waiting
                if job.view.paused =>
            {
                Ok(Some(Body::Resumed { by: by.clone() }))
            }
            JobState::Queued | JobState::Running => Ok(None),
            state => Err(not_now("resumed", state)),
        },
    )
    .await
}

/// Asks to stop and to take back what was done.
pub async fn abort(app: &App, actor: &Actor, id: &str) -> Result<v1::JobSummary> {
    let by = actor.name.clone();
    steer(app, actor, act::JOB_ABORT, None, id, move |job| {
        match job.view.state {
            JobState::Queued | JobState::Running | JobState::Paused => {
                Ok(Some(Body::AbortRequested { by: by.clone() }))
            }
            // A question about a step that failed is answered by this too; one about an undo is not.
            JobState::Waiting if job.offers(Then::Undo) => {
                Ok(Some(Body::AbortRequested { by: by.clone() }))
            }
            JobState::Undoing => Ok(None),
            state => Err(not_now("stopped", state)),
        }
    })
    .await
}

/// Answers the open question.
pub async fn answer(
    app: &App,
    actor: &Actor,
    id: &str,
    question: &str,
    choice: &str,
    typed: &str,
) -> Result<v1::JobSummary> {
    let body = Body::Answered {
        question: question.into(),
        choice: choice.into(),
        by: actor.name.clone(),
    };
    let (question, choice, typed) = (question.to_owned(), choice.to_owned(), typed.to_owned());
    let about = Some(About::answer(&question, &choice));
    steer(app, actor, act::JOB_ANSWER, about, id, move |job| {
        let Some(open) = job.view.question.as_ref().filter(|q| q.id == question) else {
            return Err(precondition(
                "job.question-closed",
                "This question is not open: it was answered, or the job moved on. Reload the job.",
            ));
        };
        let Some(chosen) = open.choices.iter().find(|c| c.id == choice) else {
            return Err(bad_request(
                "job.choice",
                format!(
                    "{} is not one of the choices of this question.",
                    quoted(&choice)
                ),
            ));
        };
        if let Some(confirm) = chosen.confirm.as_ref().filter(|c| **c != typed) {
            return Err(bad_request(
                "job.confirm",
                format!("To choose “{}”, type {confirm} exactly.", chosen.label),
            ));
        }
        Ok(Some(body.clone()))
    })
    .await
}

/// Writes down what a person wants of a job, and does it.
async fn steer(
    app: &App,
    actor: &Actor,
    act: &str,
    about: Option<About>,
    id: &str,
    decide: impl Fn(&Loaded) -> Result<Option<Body>> + Send + Sync + 'static,
) -> Result<v1::JobSummary> {
    let job = find_for(app, actor, Permission::Run, id).await?;
    let draft = Draft {
        about,
        ..of_job(actor, act, &job)
    };
    let (here, actor) = (app.clone(), actor.clone());
    audit::act(app, draft, async move {
        append(&here, &actor, &job.id, decide).await
    })
    .await
}

/// What somebody is about to do with a job.
fn of_job(actor: &Actor, act: &str, job: &JobRow) -> Draft {
    Draft {
        job: Some(job.id.clone()),
        plan: Some(sha256_hex(job.plan_json.as_bytes())),
        cluster: named(&job.cluster),
        ..audit::draft(actor, act, format!("job {}", job.id))
    }
}

/// Appends what a person wants, if the job as it stands allows it. The journal may move on between the look and
/// the entry: then it is looked at again.
async fn append(
    app: &App,
    actor: &Actor,
    id: &str,
    decide: impl Fn(&Loaded) -> Result<Option<Body>> + Send + Sync,
) -> Result<v1::JobSummary> {
    for _ in 0..ATTEMPTS {
        let job = load(app, id).await?;
        let Some(body) = decide(&job)? else {
            return Ok(job.summary());
        };
        let saw = job.view.last_seq;
        if app
            .engine
            .append_for_person(id, &body, saw)
            .await?
            .is_some()
        {
            tracing::info!(job = %id, by = %actor.name, "{body:?}");
            return Ok(load(app, id).await?.summary());
        }
    }
    Err(conflict(
        "job.busy",
        "The job moved on meanwhile. Check its state and try again.",
    ))
}

/// The job, for somebody who may do this with those of its cluster.
async fn find_for(app: &App, actor: &Actor, permission: Permission, id: &str) -> Result<JobRow> {
    authorize(app, actor, permission, Place::Anywhere).await?;
    let job = app.jobs.job(id).await?.ok_or_else(unknown)?;
    authorize(app, actor, permission, Place::Cluster(&job.cluster)).await?;
    Ok(job)
}

/// A job with its journal folded.
struct Loaded {
    row: JobRow,
    plan: Plan,
    events: Vec<Event>,
    view: JobView,
}

async fn load(app: &App, id: &str) -> Result<Loaded> {
    let row = app.jobs.job(id).await?.ok_or_else(unknown)?;
    Loaded::new(app, row).await
}

impl Loaded {
    async fn new(app: &App, row: JobRow) -> Result<Self> {
        let plan: Plan = serde_json::from_str(&row.plan_json).map_err(internal)?;
        let events = app.jobs.events(&row.id, 0).await?;
        let mut view = JobView::new(plan.steps.len());
        for event in &events {
            view.apply(event);
        }
        Ok(Self {
            row,
            plan,
            events,
            view,
        })
    }

    /// What people call that which it leaves at its target.
    fn noun(&self) -> &'static str {
        self.plan.request.nouns().leftovers
    }

    fn offers(&self, then: Then) -> bool {
        let question = self.view.question.as_ref();
        question.is_some_and(|q| q.choices.iter().any(|c| c.then == then))
    }

    fn summary(&self) -> v1::JobSummary {
        let row = &self.row;
        summary(JobLine {
            id: row.id.clone(),
            plan_id: row.plan_id.clone(),
            title: self.plan.whole_outcome(),
            cluster: row.cluster.clone(),
            broke_glass: row.broke_glass,
            started_by: row.started_by.clone(),
            created_ms: row.created_ms,
            brief: row.brief.clone(),
            summary: Digest::of(&row.plan_json, &self.events).summary(),
        })
    }

    /// The folder that the result lies in, as the server's operator would call it; empty where it is downloaded.
    fn place(&self, app: &App) -> String {
        self.plan.request.target().map_or_else(String::new, |at| {
            let TargetDir { root, path } = &at;
            let root = app.roots.find_for(root, &self.row.cluster);
            root.map_or_else(String::new, |root| root.shown(path))
        })
    }

    /// What is left to people once it has completed, written with the usual settings.
    fn handover(&self, app: &App) -> Handover {
        if self.view.state != JobState::Completed {
            return Handover::default();
        }
        let context = Context {
            job: self.row.id.clone(),
            place: self.place(app),
            ..Context::default()
        };
        recovery::handover(&self.plan, &self.view.checks, &context)
    }

    /// What can be downloaded, by name, once all of it is made.
    fn artifacts(&self) -> Vec<v1::Artifact> {
        let is_gone = self.view.removed.is_some() || !self.view.removing.is_empty();
        if self.view.state != JobState::Completed || is_gone {
            return Vec::new();
        }
        let known: Vec<_> = self.view.kept.iter().flat_map(|k| &k.archives).collect();
        let made = self.plan.request.artifacts().into_iter();
        made.map(|artifact| {
            let name = archive::file_name(&artifact.name);
            let known = known.iter().find(|known| known.name == name);
            v1::Artifact {
                name,
                media_type: "application/x-tar".into(),
                label: artifact.label,
                size: known.map_or(0, |known| known.bytes),
                sha256: known.map_or_else(String::new, |known| known.sha256.clone()),
            }
        })
        .collect()
    }
}

fn message(event: &Event) -> Result<v1::JobEvent> {
    Ok(v1::JobEvent {
        seq: event.seq,
        at_ms: event.at_ms,
        body_json: serde_json::to_string(&event.occurrence()).map_err(internal)?,
    })
}

fn not_now(what: &str, state: JobState) -> ApiError {
    let why = match state {
        JobState::Waiting => "it waits for an answer".to_owned(),
        JobState::Undoing => "it is rolling back what was done".to_owned(),
        state if state.is_over() => "it has ended".to_owned(),
        state => format!("it is {}", text::word(state)),
    };
    precondition(
        "job.not-now",
        format!("The job cannot be {what} now: {why}."),
    )
}

fn unknown() -> ApiError {
    not_found(
        "job.unknown",
        "Job not found. Look for it in the list of jobs.",
    )
}
