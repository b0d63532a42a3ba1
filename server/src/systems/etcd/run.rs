//! One restore as its steps see it: what is restored, from which stored file, at which place.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use requorum_shared::etcd::recovery::restore::{RestoreRequest, RestoreTask, SourceFile};
use requorum_shared::etcd::storage::trailer::Hasher;
use requorum_shared::finding::{Check, Outcome};
use requorum_shared::number::{bytes, signed};

use super::members::{Dest, Order, Progress as Pass, Restore, RestoreError, Spot, Stage, Watch};
use crate::files::objects::Content;
use crate::jobs::context::Context;
use crate::jobs::runner::{Remedy, StepError, StepEvidence};
use crate::roots::{Root, Roots};

/// Bytes hashed between two looks at whether to stop.
const READ: usize = 1 << 20;

/// A restore at its place. Cheap to clone.
#[derive(Clone)]
pub(super) struct Run {
    pub(super) task: RestoreTask,
    pub(super) context: Context,
    /// The stored snapshot, for the steps that read it: looking and undoing work without, while a store is away.
    pub(super) content: Option<Content>,
    pub(super) place: Destination,
    /// The place, as people call it.
    pub(super) shown: String,
}

/// Where a job's result goes.
#[derive(Clone)]
pub(super) enum Destination {
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

impl Destination {
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

impl Run {
    /// Does something blocking with the restore at its place, and stops it when the job wants to stop. Without
    /// the folders above the place nothing stands there, which is what a default says.
    pub(super) async fn with<T: Default + Send + 'static>(
        &self,
        act: impl FnOnce(&Restore<'_>) -> Result<T, RestoreError> + Send + 'static,
    ) -> Result<T, StepError> {
        self.act(false, act).await
    }

    pub(super) async fn act<T: Default + Send + 'static>(
        &self,
        make: bool,
        act: impl FnOnce(&Restore<'_>) -> Result<T, RestoreError> + Send + 'static,
    ) -> Result<T, StepError> {
        let run = self.clone();
        blocking(&self.context, move |cancel| {
            let spot = run
                .place
                .open(make.then_some(run.context.job_id.as_str()))
                .map_err(|error| failed(format!("{} cannot be opened: {error}.", run.shown)))?;
            let Some(spot) = spot else {
                return Ok(T::default());
            };
            run.restore_at(&Dest::Folder(spot), &run.task.request, cancel, act)
        })
        .await
    }

    /// Does something with the folders above the place, where it lies below a root.
    pub(super) async fn above(
        &self,
        act: impl FnOnce(&Root, &str, &str) -> std::io::Result<()> + Send + 'static,
    ) -> Result<(), StepError> {
        let run = self.clone();
        blocking(&self.context, move |_| {
            let Destination::Root {
                roots,
                root,
                path,
                cluster,
            } = &run.place
            else {
                return Ok(());
            };
            let Some(root) = roots.find_for(root, cluster) else {
                return Err(failed(no_root(root)));
            };
            act(root, path, &run.context.job_id).map_err(|error| {
                failed(format!(
                    "The folders above {} cannot be cleared up: {error}.",
                    run.shown
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
            source_name: &self.task.source.name,
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

    pub(super) async fn build(&self) -> Result<StepEvidence, StepError> {
        let (sentence, edit) = self
            .act(true, |restore| {
                let built = restore.build()?;
                Ok(Some((built.inspection.verdict.sentence, built.edit)))
            })
            .await?
            .ok_or_else(|| failed(format!("{} could not be made.", self.shown)))?;
        let raised = match edit.raised {
            Some(raised) => {
                format!(
                    ", raised from {} to {}",
                    signed(edit.last_revision),
                    signed(raised)
                )
            }
            None => String::new(),
        };
        Ok(StepEvidence::new(format!(
            "{sentence} Each member's database has {} and starts at revision {}{raised}.",
            bytes(edit.database_size),
            signed(edit.start_revision())
        )))
    }

    pub(super) async fn place(&self) -> Result<StepEvidence, StepError> {
        self.with(|restore| restore.place()).await?;
        if !self.with(|restore| restore.is_placed()).await? {
            return Err(failed(format!(
                "The members were moved to {}, but are not there as they were built. They may have been changed.",
                self.shown
            )));
        }
        let names = self.task.request.member_names();
        Ok(StepEvidence::new(format!(
            "{} exist at {}.",
            names.join(", "),
            self.shown
        )))
    }

    pub(super) async fn verify(&self) -> Result<StepEvidence, StepError> {
        let checks = self.with(|restore| restore.verify()).await?;
        if checks.is_empty() {
            return Err(failed(format!("Nothing exists at {}.", self.shown)));
        }
        judge(checks, "what was read again")
    }
}

/// Reads the stored file again, and compares it with the one that the plan was made for.
pub(super) async fn hash_stored(
    source: &SourceFile,
    content: Content,
    context: &Context,
) -> Result<StepEvidence, StepError> {
    let (size, progress) = (source.size, context.progress.clone());
    let found = blocking(context, move |cancel| {
        hash(&content, cancel, |done| progress.at(done, size, "bytes")).map_err(|error| {
            StepError::retry(format!("The stored snapshot cannot be read: {error}."))
        })
    })
    .await?;
    let SourceFile { sha256, size, .. } = source;
    if found != (sha256.clone(), *size) {
        return Err(failed(format!(
            "The stored file has {} and the SHA-256 {}; the plan was made for {} and {sha256}. The store was damaged: \
             upload the snapshot again, or restore from another.",
            bytes(found.1),
            found.0,
            bytes(*size)
        )));
    }
    Ok(StepEvidence::new(format!(
        "Read again: {}, SHA-256 {sha256}.",
        bytes(*size)
    )))
}

fn hash(
    content: &Content,
    cancel: &AtomicBool,
    progress: impl Fn(u64),
) -> std::io::Result<(String, u64)> {
    let mut file = content.open()?;
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
        progress(done);
    }
    Ok((hex::encode(hasher.finish().whole), done))
}

/// A place directly in a folder of the server's own: the boot check's.
pub(super) fn spot(parent: &Path, name: &str) -> std::io::Result<Spot> {
    Ok(Spot {
        parent: Dir::open_ambient_dir(parent, ambient_authority())?,
        name: name.to_owned(),
        shown: parent.join(name).display().to_string(),
    })
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
    ended.map_err(|error| failed(format!("This is a bug in Requorum: {error}.")))?
}

pub(super) fn no_root(name: &str) -> String {
    format!("{name} is no longer a restore root of this server, or not for the plan's cluster.")
}

pub(super) fn failed(message: String) -> StepError {
    message.into()
}

/// Errors are written without a full stop, and shown with one.
pub(super) fn sentence(text: &str) -> String {
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

/// A step succeeds when no check fails.
pub(super) fn judge(checks: Vec<Check>, what: &str) -> Result<StepEvidence, StepError> {
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
            remedy: Remedy::Ask,
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
    Ok(StepEvidence { evidence, checks })
}
