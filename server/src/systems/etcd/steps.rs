//! The steps of an etcd restore: prove, build, place, verify, boot. Each looks at the world before it acts.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use requorum_shared::etcd::recovery::restore::{RestoreRequest, RestoreStep, Target};
use requorum_shared::etcd::storage::inspection::Inspection;
use requorum_shared::etcd::storage::trailer::Hasher;
use requorum_shared::events::EndState;
use requorum_shared::finding::{Check, Outcome};
use requorum_shared::plan::{Action, Plan, Request, Step};

use super::binaries::Binary;
use super::boot;
use crate::jobs::context::Context;
use crate::jobs::runner::{Probe, Seen, StepError, StepRunner};
use crate::restore::{Dest, Order, Progress as Pass, Restore, RestoreError, Spot, Stage, Watch};
use crate::roots::{Root, Roots, There};
use crate::snapshots::objects::{Content, Objects};
use crate::snapshots::store::SnapshotStore;

/// Bytes hashed between two looks at whether to stop.
const READ: usize = 1 << 20;

/// Carries out plans of the kind `etcd.restore`.
pub struct EtcdRestore {
    /// Where the snapshots are.
    pub objects: Objects,
    /// What is known of them.
    pub store: Arc<dyn SnapshotStore>,
    /// Where restores may go.
    pub roots: Arc<Roots>,
    /// Where results lie that are to be downloaded, by job.
    pub downloads: PathBuf,
    /// Where throw-away clusters are made.
    pub scratch: PathBuf,
    /// What to boot them with.
    pub binaries: Vec<Binary>,
}

#[async_trait]
impl StepRunner for EtcdRestore {
    async fn probe(&self, step: &Step, context: &Context) -> Result<Probe, StepError> {
        let job = self.job(context)?;
        match do_what(step) {
            RestoreStep::BuildMembers { .. } => {
                let built = job.with(|restore| restore.is_built()).await?;
                Ok(done_if(built, "The finished members stand there already."))
            }
            RestoreStep::PlaceMembers { .. } => {
                let placed = job.with(|restore| restore.is_placed()).await?;
                Ok(done_if(placed, "The members stand at their place already."))
            }
            // What is proved is proved anew each time.
            RestoreStep::ProveSource { .. }
            | RestoreStep::ProveTarget { .. }
            | RestoreStep::VerifyMembers { .. }
            | RestoreStep::BootMembers { .. } => Ok(Probe::NotDone),
        }
    }

    async fn effect(&self, step: &Step, context: &Context) -> Result<Seen, StepError> {
        let job = self.job(context)?;
        match do_what(step) {
            RestoreStep::ProveSource { sha256, size } => {
                let job = self.with_content(job).await?;
                job.prove_source(sha256, *size).await
            }
            RestoreStep::ProveTarget { need_bytes, .. } => {
                self.prove_target(&job, *need_bytes).await
            }
            RestoreStep::BuildMembers { .. } => self.with_content(job).await?.build().await,
            RestoreStep::PlaceMembers { .. } => job.place().await,
            RestoreStep::VerifyMembers { .. } => self.with_content(job).await?.verify().await,
            RestoreStep::BootMembers { .. } => self.boot(&self.with_content(job).await?).await,
        }
    }

    async fn undo(&self, step: &Step, context: &Context) -> Result<String, StepError> {
        let job = self.job(context)?;
        match do_what(step) {
            RestoreStep::PlaceMembers { .. } | RestoreStep::BuildMembers { .. } => {
                job.with(|restore| restore.undo()).await?;
                job.above(|root, path, id| root.remove_made(path, id))
                    .await?;
                Ok(format!("Nothing of this job is left at {}.", job.shown))
            }
            RestoreStep::ProveSource { .. }
            | RestoreStep::ProveTarget { .. }
            | RestoreStep::VerifyMembers { .. }
            | RestoreStep::BootMembers { .. } => Ok("It changed nothing.".into()),
        }
    }

    async fn finish(&self, end: EndState, context: &Context) -> Result<String, StepError> {
        let job = self.job(context)?;
        // A person who leaves things as they are may want what was built.
        let keep_built = end == EndState::Left;
        let finish = move |restore: &Restore<'_>| {
            let kept = restore.settle(keep_built)?;
            restore.release()?;
            Ok(kept)
        };
        let kept = job.with(finish).await?;
        job.above(|root, path, id| {
            root.remove_made(path, id)?;
            root.unmark(path, id)
        })
        .await?;
        if kept.is_empty() {
            return Ok(String::new());
        }
        Ok(format!(
            "Built and not at its place: {}. Rename it, or delete it.",
            kept.join(", ")
        ))
    }
}

/// One job's restore, at its place. Cheap to clone.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) request: RestoreRequest,
    pub(super) context: Context,
    /// The stored snapshot, for the steps that read it: a store that is away keeps nobody from looking or undoing.
    content: Option<Content>,
    pub(super) source_name: String,
    place: Place,
    /// The place, as people call it.
    shown: String,
}

/// Where a job's result goes.
#[derive(Clone)]
enum Place {
    Root {
        roots: Arc<Roots>,
        root: String,
        path: String,
        /// Whose restore it is; empty for none.
        cluster: String,
    },
    Plain {
        parent: PathBuf,
        name: String,
    },
}

impl Place {
    /// The place, opened. Folders on the way are made for the job `make`; without them nothing can be there.
    fn open(&self, make: Option<&str>) -> std::io::Result<Option<Spot>> {
        match self {
            Self::Plain { parent, name } => Ok(Some(Spot {
                parent: Dir::open_ambient_dir(parent, ambient_authority())?,
                name: name.clone(),
                shown: parent.join(name).display().to_string(),
            })),
            Self::Root {
                roots,
                root,
                path,
                cluster,
            } => {
                let root = roots
                    .find_for(root, cluster)
                    .ok_or_else(|| std::io::Error::other(no_root(root)))?;
                match root.above(path, make) {
                    Ok((parent, name)) => Ok(Some(Spot {
                        parent,
                        name,
                        shown: root.shown(path),
                    })),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(error),
                }
            }
        }
    }
}

impl EtcdRestore {
    fn job(&self, context: &Context) -> Result<Job, StepError> {
        let Request::EtcdRestore(request) = &context.plan.request;
        let (place, shown) = match &request.target {
            Target::Download => (
                Place::Plain {
                    parent: self.downloads.clone(),
                    name: context.job_id.clone(),
                },
                "the downloads".to_owned(),
            ),
            Target::Folder { root, path } => (
                Place::Root {
                    roots: self.roots.clone(),
                    root: root.clone(),
                    path: path.clone(),
                    cluster: context.plan.cluster.clone(),
                },
                self.roots
                    .find(root)
                    .map_or_else(|| format!("{root}/{path}"), |root| root.shown(path)),
            ),
        };
        Ok(Job {
            request: request.clone(),
            context: context.clone(),
            content: None,
            source_name: source_name(&context.plan),
            place,
            shown,
        })
    }

    /// The job with its snapshot at hand, which a store elsewhere sends first.
    async fn with_content(&self, job: Job) -> Result<Job, StepError> {
        let id = &job.request.snapshot;
        let Some((stored, _)) = self.store.snapshot(id).await? else {
            return Err(failed("The snapshot is not stored any more.".into()));
        };
        let content = {
            let progress = |done| job.context.progress.at(done, stored.size, "bytes");
            tokio::select! {
                content = self.objects.content(id, stored.size, &progress) => content,
                () = job.context.cancel.cancelled() => {
                    return Err(failed("It was stopped while the stored file was on its way.".into()));
                }
            }
        };
        Ok(Job {
            content: Some(content.map_err(|error| failed(sentence(&error.message)))?),
            ..job
        })
    }

    async fn prove_target(&self, job: &Job, need_bytes: u64) -> Result<Seen, StepError> {
        if job.with(|restore| restore.is_placed()).await? {
            return Ok(Seen::new("The finished members of this job stand there."));
        }
        let (there, free) = match &job.request.target {
            Target::Download => (There::Missing, free_bytes(&self.downloads)),
            Target::Folder { root, path } => {
                let root = self
                    .roots
                    .find_for(root, &job.context.plan.cluster)
                    .ok_or_else(|| failed(format!("{} Make a new plan.", no_root(root))))?;
                let there = root.look(path).map_err(|error| {
                    failed(format!("{} cannot be looked at: {error}.", job.shown))
                })?;
                (there, root.free_bytes(path).ok())
            }
        };
        let shown = &job.shown;
        match there {
            There::Missing | There::Empty => {}
            There::Occupied => {
                return Err(failed(format!(
                    "Something stands at {shown} that was not there when the plan was sealed. A restore never \
                     writes into existing data: move it away, or make a new plan for another place."
                )));
            }
            There::NotAFolder => {
                return Err(failed(format!(
                    "{shown} is no folder, or a symbolic link lies on the way to it. Make a new plan for another \
                     place."
                )));
            }
            There::Unwritable(why) => {
                return Err(failed(format!("{shown} cannot be written: {why}.")));
            }
        }
        match free {
            Some(free) if free < need_bytes => Err(failed(format!(
                "{shown} needs {need_bytes} bytes, and {free} are free. Free some and try again."
            ))),
            Some(free) => Ok(Seen::new(format!(
                "Nothing stands at {shown}; {free} bytes are free, {need_bytes} are needed."
            ))),
            None => Ok(Seen::new(format!(
                "Nothing stands at {shown}; the system does not say how much is free."
            ))),
        }
    }

    async fn boot(&self, job: &Job) -> Result<Seen, StepError> {
        let stored = self.store.snapshot(&job.request.snapshot).await?;
        let inspection: Inspection = match stored {
            Some((_, json)) => serde_json::from_str(&json).map_err(|error| {
                failed(format!("The stored inspection cannot be read: {error}."))
            })?,
            None => return Err(failed("The snapshot is not stored any more.".into())),
        };
        let checks = boot::check(job, &self.binaries, &self.scratch, &inspection).await?;
        judge(checks, "the booted copies")
    }
}

impl Job {
    /// Does something blocking with the restore at its place, and stops it when the job wants to stop. Without
    /// the folders above the place nothing stands there, which is what a default says.
    async fn with<T: Default + Send + 'static>(
        &self,
        act: impl FnOnce(&Restore<'_>) -> Result<T, RestoreError> + Send + 'static,
    ) -> Result<T, StepError> {
        self.act(false, act).await
    }

    async fn act<T: Default + Send + 'static>(
        &self,
        make: bool,
        act: impl FnOnce(&Restore<'_>) -> Result<T, RestoreError> + Send + 'static,
    ) -> Result<T, StepError> {
        let job = self.clone();
        blocking(&self.context, move |cancel| {
            let spot = job
                .place
                .open(make.then_some(job.context.job_id.as_str()))
                .map_err(|error| failed(format!("{} cannot be opened: {error}.", job.shown)))?;
            let Some(spot) = spot else {
                return Ok(T::default());
            };
            job.restore_at(&Dest::Folder(spot), &job.request, cancel, act)
        })
        .await
    }

    /// Does something with the folders above the place, where it lies below a root.
    async fn above(
        &self,
        act: impl FnOnce(&Root, &str, &str) -> std::io::Result<()> + Send + 'static,
    ) -> Result<(), StepError> {
        let job = self.clone();
        blocking(&self.context, move |_| {
            let Place::Root {
                roots,
                root,
                path,
                cluster,
            } = &job.place
            else {
                return Ok(());
            };
            let Some(root) = roots.find_for(root, cluster) else {
                return Err(failed(no_root(root)));
            };
            act(root, path, &job.context.job_id).map_err(|error| {
                failed(format!(
                    "The folders above {} cannot be cleared up: {error}.",
                    job.shown
                ))
            })
        })
        .await
    }

    /// The restore of `request` at `dest`. Blocks.
    pub(super) fn restore_at<T>(
        &self,
        dest: &Dest,
        request: &RestoreRequest,
        cancel: &AtomicBool,
        act: impl FnOnce(&Restore<'_>) -> Result<T, RestoreError>,
    ) -> Result<T, StepError> {
        let source = self.content.as_ref().map(Content::open);
        let source = source.transpose().map_err(|error| {
            failed(format!(
                "The stored snapshot {} cannot be opened: {error}.",
                request.snapshot
            ))
        })?;
        let progress = |pass: Pass| {
            let unit = match pass.stage {
                Stage::Copy | Stage::Verify => "bytes",
                // Nothing is counted meanwhile; the bar stays where it is.
                Stage::Sync => return,
            };
            self.context.progress.at(pass.done, pass.total, unit);
        };
        let order = Order {
            source: source.as_ref(),
            source_name: &self.source_name,
            request,
            dest,
            id: &self.context.job_id,
        };
        let watch = Watch {
            progress: &progress,
            cancel,
            fault: None,
        };
        Restore::new(order, watch)
            .and_then(|restore| act(&restore))
            .map_err(|error| failed(sentence(&error.to_string())))
    }

    /// The folder around the placed members, to be read.
    pub(super) fn placed_folder(&self) -> Result<Dir, StepError> {
        self.place
            .open(None)
            .and_then(|spot| {
                let spot = spot.ok_or(std::io::ErrorKind::NotFound)?;
                spot.parent.open_dir(&spot.name)
            })
            .map_err(|error| failed(format!("{} cannot be opened: {error}.", self.shown)))
    }

    async fn prove_source(&self, sha256: &str, size: u64) -> Result<Seen, StepError> {
        let job = self.clone();
        let found = blocking(&self.context, move |cancel| {
            job.hash(size, cancel)
                .map_err(|error| failed(format!("The stored snapshot cannot be read: {error}.")))
        })
        .await?;
        if found != (sha256.to_owned(), size) {
            return Err(failed(format!(
                "The stored file has {} bytes and the SHA-256 {}; the plan was made for {size} bytes and {sha256}. \
                 The store was damaged: upload the snapshot again, or restore from another.",
                found.1, found.0
            )));
        }
        Ok(Seen::new(format!(
            "Read again: {size} bytes, SHA-256 {sha256}."
        )))
    }

    fn hash(&self, size: u64, cancel: &AtomicBool) -> std::io::Result<(String, u64)> {
        let content = self.content.as_ref();
        let mut file = content.ok_or(std::io::ErrorKind::NotFound)?.open()?;
        let mut hasher = Hasher::new();
        let mut buffer = vec![0; READ];
        let mut done = 0;
        loop {
            if cancel.load(Ordering::Relaxed) {
                return Err(std::io::Error::other("it was stopped"));
            }
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            hasher.feed(&buffer[..read]);
            done += read as u64;
            self.context.progress.at(done, size, "bytes");
        }
        Ok((hex::encode(hasher.finish().whole), done))
    }

    async fn build(&self) -> Result<Seen, StepError> {
        let (sentence, edit) = self
            .act(true, |restore| {
                let built = restore.build()?;
                Ok(Some((built.inspection.verdict.sentence, built.edit)))
            })
            .await?
            .ok_or_else(|| failed(format!("{} could not be made.", self.shown)))?;
        let raised = match edit.raised {
            Some(raised) => {
                format!(", raised from {}", edit.last_revision) + &format!(" to {raised}")
            }
            None => String::new(),
        };
        Ok(Seen::new(format!(
            "{sentence} Each member's database has {} bytes and starts at revision {}{raised}.",
            edit.database_size,
            edit.start_revision()
        )))
    }

    async fn place(&self) -> Result<Seen, StepError> {
        self.with(|restore| restore.place()).await?;
        if !self.with(|restore| restore.is_placed()).await? {
            return Err(failed(format!(
                "The members were moved to {}, and do not stand there as they were built. Somebody may have \
                 changed them.",
                self.shown
            )));
        }
        let names: Vec<&str> = self
            .request
            .members
            .iter()
            .map(|m| m.name.as_str())
            .collect();
        Ok(Seen::new(format!(
            "{} stand at {}.",
            names.join(", "),
            self.shown
        )))
    }

    async fn verify(&self) -> Result<Seen, StepError> {
        let checks = self.with(|restore| restore.verify()).await?;
        if checks.is_empty() {
            return Err(failed(format!("Nothing stands at {}.", self.shown)));
        }
        judge(checks, "what was read again")
    }
}

/// Runs something blocking that looks at a flag, which goes up when the job wants to stop.
pub(super) async fn blocking<T: Send + 'static>(
    context: &Context,
    work: impl FnOnce(&AtomicBool) -> Result<T, StepError> + Send + 'static,
) -> Result<T, StepError> {
    let flag = Arc::new(AtomicBool::new(false));
    let seen = flag.clone();
    let mut task = tokio::task::spawn_blocking(move || work(&seen));
    let ended = tokio::select! {
        ended = &mut task => ended,
        () = context.cancel.cancelled() => {
            flag.store(true, Ordering::Relaxed);
            task.await
        }
    };
    ended.map_err(|error| failed(format!("This is a fault of Requorum: {error}.")))?
}

/// A step succeeds when no check fails.
fn judge(checks: Vec<Check>, what: &str) -> Result<Seen, StepError> {
    let count = |outcome| checks.iter().filter(|c| c.outcome == outcome).count();
    let (pass, fail, unknown) = (
        count(Outcome::Pass),
        count(Outcome::Fail),
        count(Outcome::NotChecked),
    );
    if fail > 0 {
        let failed: Vec<String> = checks
            .iter()
            .filter(|c| c.outcome == Outcome::Fail)
            .map(|c| format!("{}: {}", c.name, c.evidence))
            .collect();
        return Err(StepError {
            message: format!(
                "{fail} of {} checks of {what} failed. {}",
                checks.len(),
                failed.join("; ")
            ),
            checks,
        });
    }
    let evidence = match (pass, unknown) {
        (0, _) => format!(
            "Not checked: {}",
            checks.first().map_or("", |c| &c.evidence)
        ),
        (_, 0) => format!("All {pass} checks of {what} pass."),
        _ => format!("{pass} checks of {what} pass, {unknown} could not be made."),
    };
    Ok(Seen { evidence, checks })
}

fn no_root(name: &str) -> String {
    format!("{name} is not a restore root of this server any more, or not for the plan's cluster.")
}

fn done_if(done: bool, evidence: &str) -> Probe {
    if done {
        Probe::Done(Seen::new(evidence))
    } else {
        Probe::NotDone
    }
}

fn do_what(step: &Step) -> &RestoreStep {
    let Action::EtcdRestore(step) = &step.action;
    step
}

/// The file's name as the plan's first fact tells it; the request has only its hash.
fn source_name(plan: &Plan) -> String {
    let Request::EtcdRestore(request) = &plan.request;
    plan.facts
        .iter()
        .find(|fact| fact.subject == "snapshot")
        .and_then(|fact| fact.statement.rsplit_once(" has "))
        .map_or_else(|| request.snapshot.clone(), |(name, _)| name.to_owned())
}

pub(super) fn failed(message: String) -> StepError {
    message.into()
}

/// Errors are written without a full stop, and shown with one.
fn sentence(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(first) = text.get(..1) {
        let upper = first.to_uppercase();
        if !text.starts_with('/') {
            text.replace_range(..1, &upper);
        }
    }
    if !text.ends_with('.') {
        text.push('.');
    }
    text
}

pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}
