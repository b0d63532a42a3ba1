//! The acts on a disk that a restore consists of, each one a place where it can fail.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, OpenOptions, OpenOptionsExt};
use rustix::fs::{FallocateFlags, FlockOperation, Mode, OFlags, RenameFlags};

use super::act::Act;
use super::error::RestoreError;
use super::{Restore, Watch};

/// A file that is written, with the name to call it by.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) file: File,
    pub(super) shown: String,
}

impl Restore<'_> {
    pub(super) fn disk(&self) -> Disk<'_> {
        Disk { watch: self.watch }
    }
}

/// Performs acts, each after asking the fault that tests put in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Disk<'a> {
    watch: Watch<'a>,
}

impl Disk<'_> {
    /// One act and its error.
    pub(super) fn act<T>(
        &self,
        act: Act,
        path: &str,
        perform: impl FnOnce() -> io::Result<T>,
    ) -> Result<T, RestoreError> {
        let allowed = self.watch.fault.map_or(Ok(()), |fault| fault(act));
        allowed
            .and_then(|()| perform())
            .map_err(|cause| RestoreError::Io {
                act,
                path: path.to_owned(),
                cause,
            })
    }

    /// A folder that only its owner may enter.
    pub(super) fn make_folder(
        &self,
        parent: &Dir,
        name: &str,
        shown: &str,
    ) -> Result<Dir, RestoreError> {
        self.act(Act::MakeFolder, shown, || {
            let mut builder = DirBuilder::new();
            builder.mode(0o700);
            parent.create_dir_with(name, &builder)?;
            parent.open_dir(name)
        })
    }

    /// A new file.
    pub(super) fn make_file(
        &self,
        parent: &Dir,
        name: &str,
        mode: u32,
        shown: String,
    ) -> Result<Output, RestoreError> {
        let file = self.act(Act::MakeFile, &shown, || {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create_new(true).mode(mode);
            Ok(parent.open_with(name, &options)?.into_std())
        })?;
        Ok(Output { file, shown })
    }

    /// Takes the space for a file, where the file system can; so a disk that is too small is known at once.
    pub(super) fn reserve(&self, output: &Output, size: u64) -> Result<(), RestoreError> {
        self.act(Act::Reserve, &output.shown, || match rustix::fs::fallocate(
            &output.file,
            FallocateFlags::empty(),
            0,
            size,
        ) {
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => Ok(()),
            other => Ok(other?),
        })
    }

    pub(super) fn write(
        &self,
        output: &Output,
        bytes: &[u8],
        offset: u64,
    ) -> Result<(), RestoreError> {
        self.act(Act::Write, &output.shown, || {
            output.file.write_all_at(bytes, offset)
        })
    }

    pub(super) fn set_length(&self, output: &Output, length: u64) -> Result<(), RestoreError> {
        self.act(Act::Write, &output.shown, || output.file.set_len(length))
    }

    pub(super) fn sync_file(&self, output: &Output) -> Result<(), RestoreError> {
        self.act(Act::SyncFile, &output.shown, || output.file.sync_all())
    }

    pub(super) fn sync_folder(&self, folder: &Dir, shown: &str) -> Result<(), RestoreError> {
        self.act(Act::SyncFolder, shown, || {
            Ok(rustix::fs::fsync(open_itself(folder)?)?)
        })
    }

    /// Renames within a folder; never onto something that exists.
    pub(super) fn rename(
        &self,
        folder: &Dir,
        from: &str,
        to: &str,
        shown: &str,
    ) -> Result<(), RestoreError> {
        self.act(Act::Rename, shown, || {
            Ok(rustix::fs::renameat_with(
                folder,
                from,
                folder,
                to,
                RenameFlags::NOREPLACE,
            )?)
        })
    }

    /// Holds a folder until the handle is closed; `None` when somebody else does.
    pub(super) fn lock(&self, folder: &Dir, shown: &str) -> Result<Option<Lock>, RestoreError> {
        self.act(Act::Open, shown, || {
            let itself = open_itself(folder)?;
            match rustix::fs::flock(&itself, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => Ok(Some(Lock(itself))),
                Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
    }
}

/// A folder that nobody else builds in while this is there.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held, not used")] OwnedFd);

/// A handle that can be synced and locked: those of [`Dir`] are only good for looking things up.
fn open_itself(folder: &Dir) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(folder, ".", flags, Mode::empty())?)
}
