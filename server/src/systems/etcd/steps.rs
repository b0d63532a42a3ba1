//! The steps of etcd's recoveries: prove, build, place, verify, boot. Each looks at the world before it acts, and takes
//! all that it needs from the step.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use requorum_shared::etcd::recovery::restore::{RestoreStep, RestoreTask, SourceFile, Target};
use requorum_shared::job::events::{EndState, Kept, KeptArchive};
use requorum_shared::number;
use requorum_shared::recovery::{Action, Step};

use super::boot;
use super::members::Restore;
use super::present;
use super::run::{
    Destination, Run, blocking, failed, free_bytes, hash_stored, judge, no_root, sentence,
};
use crate::archive;
use crate::jobs::context::Context;
use crate::jobs::runner::{
    Leftovers, Probe, RETRY_AFTER_MS, Remedy, StepError, StepEvidence, StepRunner,
};
use crate::leftovers::{Remaining, Removal};
use crate::roots::{Roots, There};

use crate::files::objects::{Content, Objects, Why};
use crate::systems::Program;

/// Carries out steps of [`Action::Etcd`].
pub struct EtcdSteps {
    /// Where the snapshots are.
    pub objects: Objects,
    /// Where restores may go.
    pub roots: Arc<Roots>,
    /// Where results lie that are to be downloaded, by job.
    pub downloads: PathBuf,
    /// Where throw-away clusters are made.
    pub scratch: PathBuf,
    /// What to boot them with.
    pub binaries: Vec<Program>,
}

#[async_trait]
impl StepRunner for EtcdSteps {
    async fn probe(&self, step: &Step, context: &Context) -> Result<Probe, StepError> {
        match etcd(step)? {
            RestoreStep::BuildMembers { restore } => {
                let run = self.run(restore, context);
                let built = run.with(|restore| restore.is_built()).await?;
                Ok(done_if(built, "The finished members are there already."))
            }
            RestoreStep::PlaceMembers { restore } => {
                let run = self.run(restore, context);
                let placed = run.with(|restore| restore.is_placed()).await?;
                Ok(done_if(placed, "The members are at their place already."))
            }
            // What is proved is proved anew each time.
            RestoreStep::ProveSource { .. }
            | RestoreStep::ProveTarget { .. }
            | RestoreStep::VerifyMembers { .. }
            | RestoreStep::BootMembers { .. } => Ok(Probe::NotDone),
        }
    }

    async fn effect(&self, step: &Step, context: &Context) -> Result<StepEvidence, StepError> {
        match etcd(step)? {
            RestoreStep::ProveSource { source } => {
                let content = self.content(source, context).await?;
                hash_stored(source, content, context).await
            }
            RestoreStep::ProveTarget {
                restore,
                need_bytes,
            } => self.prove_target(restore, *need_bytes, context).await,
            RestoreStep::BuildMembers { restore } => {
                self.with_content(restore, context).await?.build().await
            }
            RestoreStep::PlaceMembers { restore } => self.run(restore, context).place().await,
            RestoreStep::VerifyMembers { restore } => {
                self.with_content(restore, context).await?.verify().await
            }
            RestoreStep::BootMembers { restore, expected } => {
                let run = self.with_content(restore, context).await?;
                let checks = boot::check(&run, &self.binaries, &self.scratch, expected).await?;
                judge(checks, "the booted copies")
            }
        }
    }

    async fn undo(&self, step: &Step, context: &Context) -> Result<String, StepError> {
        match etcd(step)? {
            RestoreStep::PlaceMembers { restore } | RestoreStep::BuildMembers { restore } => {
                let run = self.run(restore, context);
                run.with(|restore| restore.undo()).await?;
                run.above(|root, path, id| root.remove_made(path, id))
                    .await?;
                Ok(format!("Nothing of this job is left at {}.", run.shown))
            }
            RestoreStep::ProveSource { .. }
            | RestoreStep::ProveTarget { .. }
            | RestoreStep::VerifyMembers { .. }
            | RestoreStep::BootMembers { .. } => Ok("It changed nothing.".into()),
        }
    }

    async fn finish(
        &self,
        end: EndState,
        steps: &[&Step],
        context: &Context,
    ) -> Result<String, StepError> {
        // A person who leaves things as they are may want what was built.
        let keep_built = end == EndState::Left;
        let (mut kept, mut failures) = (Vec::new(), Vec::new());
        for task in tasks_of(steps) {
            // What one restore left is no reason to leave the others'.
            match finish(&self.run(task, context), keep_built).await {
                Ok(names) => kept.extend(names),
                Err(error) => failures.push(error.message),
            }
        }
        if !failures.is_empty() {
            return Err(failed(failures.join(" ")));
        }
        if kept.is_empty() {
            return Ok(String::new());
        }
        Ok(format!(
            "Built and not at its place: {}. Rename it, or delete it.",
            kept.join(", ")
        ))
    }

    async fn kept(
        &self,
        end: EndState,
        steps: &[&Step],
        context: &Context,
    ) -> Result<Option<Kept>, StepError> {
        let tasks = tasks_of(steps);
        if tasks.is_empty() || end == EndState::Undone {
            return Ok(None);
        }
        let mut kept = Kept::default();
        for task in tasks {
            let run = self.run(task, context);
            kept.folders
                .extend(run.with(|restore| restore.kept()).await?);
            if task.request.target == Target::Download && end == EndState::Completed {
                let names = task.request.member_names();
                // The folders have to be known all the same: they are removed by that.
                let archives = self.archives(&names, context).await.unwrap_or_else(|error| {
                    let job = &context.job_id;
                    tracing::warn!(%job, "size and digest of the archives are not known: {error}");
                    Vec::new()
                });
                kept.archives.extend(archives);
            }
        }
        Ok(Some(kept))
    }

    async fn remains(
        &self,
        steps: &[&Step],
        left: &Leftovers,
        context: &Context,
    ) -> Result<Vec<Remaining>, StepError> {
        let mut all = Vec::new();
        for task in tasks_of(steps) {
            let Leftovers { folders, begun } = left.clone();
            let look = move |restore: &Restore<'_>| restore.remains(&folders, &begun);
            all.extend(self.run(task, context).with(look).await?);
        }
        Ok(all)
    }

    async fn set_aside(
        &self,
        steps: &[&Step],
        left: &Leftovers,
        context: &Context,
    ) -> Result<Vec<String>, StepError> {
        let mut aside = Vec::new();
        for task in tasks_of(steps) {
            let Leftovers { folders, begun } = left.clone();
            let rename = move |restore: &Restore<'_>| restore.set_aside(&folders, &begun);
            match self.run(task, context).with(rename).await {
                Ok(more) => aside.extend(more),
                Err(error) => {
                    // All or none. The first failure is what counts; the next removal finds what could not be renamed
                    // back.
                    let _ = self.put_back(steps, &left.only(&aside), context).await;
                    return Err(error);
                }
            }
        }
        Ok(aside)
    }

    async fn put_back(
        &self,
        steps: &[&Step],
        left: &Leftovers,
        context: &Context,
    ) -> Result<(), StepError> {
        for task in tasks_of(steps) {
            let Leftovers { folders, begun } = left.clone();
            let rename = move |restore: &Restore<'_>| restore.put_back(&folders, &begun);
            self.run(task, context).with(rename).await?;
        }
        Ok(())
    }

    async fn remove_aside(
        &self,
        steps: &[&Step],
        left: &Leftovers,
        context: &Context,
    ) -> Result<Removal, StepError> {
        let mut all = Removal::default();
        for task in tasks_of(steps) {
            let Leftovers { folders, begun } = left.clone();
            let remove = move |restore: &Restore<'_>| Ok(restore.remove_aside(&folders, &begun));
            let removal = self.run(task, context).with(remove).await?;
            all.folders.extend(removal.folders);
            all.entries += removal.entries;
            if let Some(why) = removal.stopped {
                all.stopped = Some(sentence(&why));
                break;
            }
        }
        if all.stopped.is_some() && all.entries == 0 {
            // Nothing was deleted: those of the others have their names again too.
            let _ = self.put_back(steps, left, context).await;
        }
        Ok(all)
    }
}

impl EtcdSteps {
    fn run(&self, task: &RestoreTask, context: &Context) -> Run {
        let (place, shown) = match &task.request.target {
            Target::Download => (
                Destination::Plain {
                    parent: self.downloads.clone(),
                    name: context.job_id.clone(),
                },
                "the downloads".to_owned(),
            ),
            Target::Folder { root, path } => (
                Destination::Root {
                    roots: self.roots.clone(),
                    root: root.clone(),
                    path: path.clone(),
                    cluster: task.cluster.clone(),
                },
                self.roots
                    .find(root)
                    .map_or_else(|| format!("{root}/{path}"), |root| root.shown(path)),
            ),
        };
        Run {
            task: task.clone(),
            context: context.clone(),
            content: None,
            place,
            shown,
        }
    }

    /// The same with its snapshot at hand, which a store elsewhere sends first.
    async fn with_content(&self, task: &RestoreTask, context: &Context) -> Result<Run, StepError> {
        let content = self.content(&task.source, context).await?;
        Ok(Run {
            content: Some(content),
            ..self.run(task, context)
        })
    }

    /// The archives that these members are downloaded as.
    async fn archives(
        &self,
        members: &[String],
        context: &Context,
    ) -> Result<Vec<KeptArchive>, StepError> {
        let folder = self.downloads.join(&context.job_id);
        let members = members.to_vec();
        blocking(context, move |cancel| {
            let archive = |name: &String| {
                let digest =
                    archive::digest(&folder.join(name), name, cancel).map_err(|error| {
                        failed(format!("The archive of {name} cannot be made: {error}."))
                    })?;
                Ok(KeptArchive {
                    name: archive::file_name(name),
                    bytes: digest.bytes,
                    sha256: digest.sha256,
                })
            };
            members.iter().map(archive).collect()
        })
        .await
    }

    async fn content(&self, source: &SourceFile, context: &Context) -> Result<Content, StepError> {
        let progress = |done| context.progress.at(done, source.size, "bytes");
        let content = tokio::select! {
            content = self.objects.content(&source.sha256, source.size, &progress) => content,
            () = context.cancel.cancelled() => {
                return Err(failed("It was stopped while the stored file was on its way.".into()));
            }
        };
        content.map_err(|error| {
            let remedy = match error.why {
                Why::Unavailable | Why::Closed => Remedy::Retry(RETRY_AFTER_MS),
                Why::Missing | Why::Damaged | Why::Full => Remedy::Ask,
            };
            failed(sentence(&error.message)).with(remedy)
        })
    }

    async fn prove_target(
        &self,
        task: &RestoreTask,
        need_bytes: u64,
        context: &Context,
    ) -> Result<StepEvidence, StepError> {
        let run = self.run(task, context);
        if run.with(|restore| restore.is_placed()).await? {
            return Ok(StepEvidence::new(
                "The finished members of this job are there.",
            ));
        }
        let (there, free) = match &task.request.target {
            Target::Download => (There::Missing, free_bytes(&self.downloads)),
            Target::Folder { root, path } => {
                let root = self.roots.find_for(root, &task.cluster).ok_or_else(|| {
                    StepError::refuse(format!("{} Create a new plan.", no_root(root)))
                })?;
                let there = root
                    .look(path)
                    .map_err(|error| failed(format!("{} cannot be read: {error}.", run.shown)))?;
                (there, root.free_bytes(path).ok())
            }
        };
        let shown = &run.shown;
        match there {
            There::Missing | There::Empty => {}
            There::Occupied => {
                let there = what_is_there(&run).await;
                return Err(failed(format!(
                    "{shown} already exists; it did not when the plan was sealed. {there} A restore never writes into \
                     existing data: move it away, or create a new plan for another place."
                )));
            }
            There::NotAFolder => {
                return Err(StepError::refuse(format!(
                    "{shown} is not a folder, or its path has a symbolic link. Create a new plan for another \
                     folder."
                )));
            }
            There::Unwritable(why) => {
                return Err(failed(format!("{shown} cannot be written: {why}.")));
            }
        }
        match free {
            Some(free) if free < need_bytes => {
                let (need, free) = number::sizes(need_bytes, free);
                Err(failed(format!(
                    "The members need {need} at {shown}, but only {free} is free. Free some space and try again."
                )))
            }
            Some(free) => {
                let (need, free) = number::sizes(need_bytes, free);
                Ok(StepEvidence::new(format!(
                    "{shown} does not exist yet; {free} is free, {need} is needed."
                )))
            }
            None => Ok(StepEvidence::new(format!(
                "{shown} does not exist yet; the system does not report free space."
            ))),
        }
    }
}

/// What is at the place of a restore, told for a question about it.
async fn what_is_there(run: &Run) -> String {
    let (look, context) = (run.clone(), run.context.clone());
    let there = blocking(&context, move |_| {
        let folder = look.placed_folder()?;
        present::described(&folder, SystemTime::now())
            .map_err(|error| failed(format!("What is in it cannot be listed: {error}.")))
    });
    there.await.unwrap_or_else(|error| error.message)
}

/// What is restored where, each once: most plans have one, which all their steps that write are about.
fn tasks_of<'s>(steps: &[&'s Step]) -> Vec<&'s RestoreTask> {
    let mut tasks = Vec::new();
    for task in steps.iter().filter_map(|step| etcd(step).ok()?.task()) {
        if !tasks.contains(&task) {
            tasks.push(task);
        }
    }
    tasks
}

/// Clears away what no step of this restore needs any more; the names of those that are built and not placed.
async fn finish(run: &Run, keep_built: bool) -> Result<Vec<String>, StepError> {
    let settle = move |restore: &Restore<'_>| {
        let kept = restore.settle(keep_built)?;
        restore.release()?;
        Ok(kept)
    };
    let kept = run.with(settle).await?;
    run.above(|root, path, id| {
        root.remove_made(path, id)?;
        root.unmark(path, id)
    })
    .await?;
    Ok(kept)
}

fn done_if(done: bool, evidence: &str) -> Probe {
    if done {
        Probe::Done(StepEvidence::new(evidence))
    } else {
        Probe::NotDone
    }
}

fn etcd(step: &Step) -> Result<&RestoreStep, StepError> {
    match &step.action {
        Action::Etcd(step) => Ok(step),
        other => Err(failed(format!("This is not an etcd step: {other:?}.")).with(Remedy::Stop)),
    }
}

#[cfg(test)]
mod tests;
