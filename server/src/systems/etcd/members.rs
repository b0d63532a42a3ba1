//! Writing the data folders of a restored cluster: one pass over the snapshot proves it and feeds every member.
//!
//! Everything is built under a temporary name beside its place and renamed at the end. Until then no server
//! would look there; after any failure, and after a cancel, nothing of it is left. The temporary name says how
//! far a build came, so that a run that was killed can be taken up again:
//!
//! | name | meaning |
//! |---|---|
//! | `NAME.ID.part` | being built, or left behind by a run that was killed: never used, removed by the next run |
//! | `NAME.ID.ready` | complete and synced |
//! | `NAME` | placed |
//! | `NAME.ID.removed` | after the end: being deleted because a person had it removed |
//!
//! A WAL's file that goes into a directory which was there before keeps its `.ready` name beside its own until the
//! restore is over, as another link: by that it is known.
//!
//! Whose it is says a mark in each ([`crate::mark`]): a restore looks at, places and removes what carries its own id,
//! and nothing else.
//!
//! All paths go through [`cap_std::fs::Dir`]: nothing is written outside of the directories in [`Dest`],
//! symbolic links included.

mod act;
mod build;
mod clear;
mod dest;
mod disk;
mod error;
mod keep;
mod pass;
mod place;
mod tree;
mod verify;

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use requorum_shared::etcd::recovery::restore::RestoreRequest;
use requorum_shared::etcd::recovery::restore::cluster::{Cluster, Member};
use requorum_shared::etcd::recovery::restore::edit::Edit;
use requorum_shared::etcd::storage::inspection::Inspection;

pub use self::act::Act;
pub use self::dest::{Dest, Spot};
use self::disk::Lock;
pub use self::error::RestoreError;

/// What is to be restored, and where.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The snapshot, opened for reading. To look, to place and to undo, nobody needs it.
    pub source: Option<&'a File>,
    /// What to call it in messages.
    pub source_name: &'a str,
    /// What was asked for. Where `snapshot` is empty, any file will do.
    pub request: &'a RestoreRequest,
    /// Where the result goes.
    pub dest: &'a Dest,
    /// Distinguishes this restore from all others, at the same place or elsewhere: letters, digits and dashes, at
    /// most 40.
    pub id: &'a str,
}

/// Who follows a restore, and may stop it.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Told about once per 8 MiB.
    pub progress: &'a (dyn Fn(Progress) + Sync),
    /// Looked at before every write.
    pub cancel: &'a AtomicBool,
    /// Asked before each act on the disk; an error stands for the act's failure. For tests.
    pub fault: Option<&'a (dyn Fn(Act) -> io::Result<()> + Sync)>,
}

impl std::fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

/// How far a restore is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Bytes of the source dealt with.
    pub done: u64,
    /// Bytes of the source.
    pub total: u64,
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading and proving the snapshot, writing every member.
    Copy,
    /// Waiting for the disks.
    Sync,
    /// Reading again what was written.
    Verify,
}

/// What a build found and did.
#[derive(Debug)]
pub struct Built {
    /// What the pass over the snapshot saw.
    pub inspection: Inspection,
    /// What was changed in the database.
    pub edit: Edit,
}

/// A restore whose request was found valid.
#[derive(Debug)]
pub struct Restore<'a> {
    order: Order<'a>,
    watch: Watch<'a>,
    cluster: Cluster,
    /// The folders that are being built, or were built a moment ago: nobody else takes them for leftovers.
    held: Mutex<Vec<Lock>>,
}

impl<'a> Restore<'a> {
    /// Takes an order.
    ///
    /// # Errors
    /// [`RestoreError::Refused`] when the members are not valid or `dest` names one that is none of them.
    pub fn new(order: Order<'a>, watch: Watch<'a>) -> Result<Self, RestoreError> {
        let cluster = Cluster::new(&order.request.members, &order.request.token)
            .map_err(RestoreError::Refused)?;
        dest::check(order.dest, &cluster, order.id)?;
        Ok(Self {
            order,
            watch,
            cluster,
            held: Mutex::new(Vec::new()),
        })
    }

    /// The new cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The members that are written: all, or the one that the destination is for.
    fn members(&self) -> impl Iterator<Item = &Member> {
        let only = match self.order.dest {
            Dest::Folder(_) => None,
            Dest::Member { name, .. } => Some(name.as_str()),
        };
        self.cluster
            .members()
            .iter()
            .filter(move |member| only.is_none_or(|only| only == member.name))
    }

    fn source(&self) -> Result<&'a File, RestoreError> {
        self.order.source.ok_or_else(|| RestoreError::Io {
            act: Act::Read,
            path: self.order.source_name.to_owned(),
            cause: io::Error::other("it was not opened"),
        })
    }

    fn hold(&self, lock: Lock) {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(lock);
    }

    fn let_go(&self) {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn check_cancel(&self) -> Result<(), RestoreError> {
        if self.watch.cancel.load(Ordering::Relaxed) {
            return Err(RestoreError::Cancelled);
        }
        Ok(())
    }
}

/// Where the random reads of `shared` come from, on the server.
#[derive(Debug)]
pub(crate) struct FileSource<'a> {
    file: &'a File,
    size: u64,
}

impl<'a> FileSource<'a> {
    /// The file as long as it is now.
    pub(crate) fn new(file: &'a File) -> io::Result<Self> {
        Ok(Self {
            file,
            size: file.metadata()?.len(),
        })
    }
}

#[cfg(test)]
mod tests;
