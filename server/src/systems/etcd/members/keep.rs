//! Knowing what a restore made once it is over and its marks are gone, and removing it then.
//!
//! Before the marks go, each folder is written down with what it is on its disk: inode and time of birth, which a copy, a
//! folder made anew under the same name, or another restore's does not have. To remove what was written down, it is
//! marked again; from there on it is removed as a restore that is rolled back is, with the same looks before and the same
//! traces after a kill.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::time::SystemTime;

use cap_std::fs::Dir;
use requorum_shared::job::events::KeptFolder;

use super::Restore;
use super::act::Act;
use super::dest::{At, Kind, Unit};
use super::error::RestoreError;
use crate::mark::{self, Mark};

impl Restore<'_> {
    /// What this restore made and what carries its mark: to be written down before the marks go.
    ///
    /// # Errors
    /// [`RestoreError::Io`].
    pub fn kept(&self) -> Result<Vec<KeptFolder>, RestoreError> {
        self.made(|folder, shown| self.owns(folder, shown))
    }

    /// What there still is of what was written down.
    ///
    /// # Errors
    /// [`RestoreError::Io`].
    pub fn remains(&self, kept: &[KeptFolder]) -> Result<Vec<KeptFolder>, RestoreError> {
        self.made(|folder, shown| self.is_kept(folder, shown, kept))
    }

    /// Removes what was written down, as far as it is there; whether anything was.
    ///
    /// # Errors
    /// [`RestoreError::Used`] when a server was started from it, [`RestoreError::Strange`] when something else is in
    /// it, [`RestoreError::Io`].
    pub fn remove_kept(&self, kept: &[KeptFolder]) -> Result<bool, RestoreError> {
        // A copy that was made while the restore worked has its mark, and is not what was written down.
        let others = self.made(|folder, shown| {
            Ok(!self.is_kept(folder, shown, kept)? && self.owns(folder, shown)?)
        })?;
        if let Some(other) = others.into_iter().next() {
            return Err(RestoreError::Strange(other.path));
        }
        let there = self.made(|folder, shown| {
            let is = self.is_kept(folder, shown, kept)?;
            if is {
                self.mark_again(folder, shown)?;
            }
            Ok(is)
        })?;
        if there.is_empty() {
            return Ok(false);
        }
        if let Err(error) = self.take_back_what_is_left() {
            // What was refused is left as it was found.
            let _ = self.release();
            return Err(error);
        }
        Ok(true)
    }

    /// The folders under the names of this restore, of which `is_ours` says that they are.
    fn made(
        &self,
        is_ours: impl Fn(&Dir, &str) -> Result<bool, RestoreError>,
    ) -> Result<Vec<KeptFolder>, RestoreError> {
        let mut made: Vec<KeptFolder> = Vec::new();
        for layout in self.layouts()? {
            let units = layout.units.iter().enumerate();
            for (index, unit) in units.filter(|(_, unit)| unit.kind == Kind::Folder) {
                for at in [At::Ready, At::Placed] {
                    let shown = unit.shown_at(at);
                    let Some(folder) = self.opened(unit, at)? else {
                        continue;
                    };
                    let known = made.iter().any(|known| known.path == shown);
                    if known || !is_ours(&folder, &shown)? {
                        continue;
                    }
                    made.push(KeptFolder {
                        identity: self.identity(&folder, &shown)?,
                        bytes: self.bytes_in(&layout, index, &folder, &shown)?,
                        path: shown,
                    });
                }
            }
        }
        Ok(made)
    }

    fn opened(&self, unit: &Unit, at: At) -> Result<Option<Dir>, RestoreError> {
        self.disk()
            .act(Act::Open, &unit.shown_at(at), || unit.open(at))
    }

    /// Whether a folder is one that was written down, marked again by an attempt that was killed or not.
    fn is_kept(
        &self,
        folder: &Dir,
        shown: &str,
        kept: &[KeptFolder],
    ) -> Result<bool, RestoreError> {
        let mark = self.disk().act(Act::Open, shown, || mark::read(folder))?;
        if matches!(mark, Mark::Of(id) if id != self.order.id) {
            return Ok(false);
        }
        let identity = self.identity(folder, shown)?;
        Ok(kept.iter().any(|kept| kept.identity == identity))
    }

    fn mark_again(&self, folder: &Dir, shown: &str) -> Result<(), RestoreError> {
        self.disk().act(Act::MakeFile, shown, || {
            match mark::read(folder)? {
                Mark::Of(_) => return Ok(()),
                Mark::Begun => folder.remove_file(mark::NAME)?,
                Mark::Missing => {}
            }
            mark::write(folder, self.order.id)
        })
    }

    fn identity(&self, folder: &Dir, shown: &str) -> Result<String, RestoreError> {
        self.disk().act(Act::Open, shown, || identity(folder))
    }
}

/// What a folder is on its disk. A file system that does not know when it was made has its inode alone.
fn identity(folder: &Dir) -> io::Result<String> {
    let metadata = folder.try_clone()?.into_std_file().metadata()?;
    let born = metadata.created().ok();
    let born = born.and_then(|born| born.duration_since(SystemTime::UNIX_EPOCH).ok());
    let born = born.map_or_else(|| "unknown".to_owned(), |born| born.as_nanos().to_string());
    Ok(format!("{}.{born}", metadata.ino()))
}
