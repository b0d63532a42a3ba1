//! Giving finished members their names, and taking them back.

use std::io::Read;

use cap_std::fs::Dir;
use requorum_shared::etcd::recovery::restore::{raft_snapshot, wal};

use super::Restore;
use super::act::Act;
use super::dest::{At, Kind, Layout, MemberPlace};
use super::error::RestoreError;

impl Restore<'_> {
    /// Whether a complete build of this restore stands beside its place, or at it.
    ///
    /// # Errors
    /// [`RestoreError::Io`] when that cannot be seen.
    pub fn is_built(&self) -> Result<bool, RestoreError> {
        let layout = self.layout()?;
        for index in 0..layout.units.len() {
            if !self.holds(&layout, index, At::Ready)? && !self.holds(&layout, index, At::Placed)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Moves what was built to its place. What an earlier run moved already stays.
    ///
    /// # Errors
    /// [`RestoreError::NotBuilt`], [`RestoreError::Exists`], [`RestoreError::Io`]. What this call moved is
    /// moved back then.
    pub fn place(&self) -> Result<(), RestoreError> {
        if self.is_placed()? {
            return Ok(());
        }
        let layout = self.layout()?;
        let mut moved = Vec::new();
        for index in 0..layout.units.len() {
            match self.place_unit(&layout, index) {
                Ok(true) => moved.push(index),
                Ok(false) => {}
                Err(error) => {
                    for index in moved.into_iter().rev() {
                        // The first failure is what counts; the next run finds what could not be moved back.
                        let _ = self.take_back(&layout, index);
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Whether the unit was moved now.
    fn place_unit(&self, layout: &Layout, index: usize) -> Result<bool, RestoreError> {
        let (disk, unit) = (self.disk(), &layout.units[index]);
        if self.holds(layout, index, At::Placed)? {
            return Ok(false);
        }
        let placed = disk.act(Act::Open, &unit.shown, || unit.exists(At::Placed))?;
        if placed {
            return Err(RestoreError::Exists(unit.shown.clone()));
        }
        if !self.holds(layout, index, At::Ready)? {
            return Err(RestoreError::NotBuilt(unit.shown.clone()));
        }
        let ready = unit.name_at(At::Ready);
        match unit.kind {
            Kind::Folder => disk.rename(&unit.parent, &ready, &unit.name, &unit.shown)?,
            Kind::WalFile => disk.act(Act::Rename, &unit.shown, || {
                unit.parent.hard_link(&ready, &unit.parent, &unit.name)
            })?,
        }
        if let Err(error) = disk.sync_folder(&unit.parent, &unit.shown) {
            let _ = self.take_back(layout, index);
            return Err(error);
        }
        Ok(true)
    }

    /// Gives a placed unit the name back that it had before. What turns out to be another's gets its place back.
    fn take_back(&self, layout: &Layout, index: usize) -> Result<(), RestoreError> {
        let (disk, unit) = (self.disk(), &layout.units[index]);
        if unit.kind == Kind::WalFile {
            if self.holds(layout, index, At::Placed)? {
                self.remove_file(&unit.parent, &unit.name, &unit.shown)?;
            }
            return disk.sync_folder(&unit.parent, &unit.shown);
        }
        let (name, ready) = (&unit.name, unit.name_at(At::Ready));
        disk.rename(&unit.parent, name, &ready, &unit.shown_at(At::Ready))?;
        if !self.holds(layout, index, At::Ready)? {
            disk.rename(&unit.parent, &ready, name, &unit.shown)?;
            return Err(RestoreError::Used(unit.shown.clone()));
        }
        disk.sync_folder(&unit.parent, &unit.shown)
    }

    /// Whether every member stands at its place, made by this restore and with the log that it wrote.
    ///
    /// # Errors
    /// [`RestoreError::Io`] when that cannot be seen.
    pub fn is_placed(&self) -> Result<bool, RestoreError> {
        let layout = self.layout()?;
        for index in 0..layout.units.len() {
            if !self.holds(&layout, index, At::Placed)? {
                return Ok(false);
            }
        }
        self.is_as_written(&layout, At::Placed)
    }

    /// Whether what is there at this stage was made by this restore.
    pub(super) fn holds(
        &self,
        layout: &Layout,
        index: usize,
        at: At,
    ) -> Result<bool, RestoreError> {
        let unit = &layout.units[index];
        let shown = unit.shown_at(at);
        if unit.kind == Kind::Folder {
            let folder = self.disk().act(Act::Open, &shown, || unit.open(at))?;
            return folder.map_or(Ok(false), |folder| self.owns(&folder, &shown));
        }
        // A file carries no mark. Its name does, and it keeps that one beside the one that it is placed by.
        self.disk().act(Act::Open, &shown, || {
            let built = unit.file(At::Ready)?;
            Ok(match at {
                At::Placed => built.is_some() && built == unit.file(At::Placed)?,
                at => unit.file(at)?.is_some(),
            })
        })
    }

    /// Whether WAL and `.snap` of every member begin as they were written.
    fn is_as_written(&self, layout: &Layout, at: At) -> Result<bool, RestoreError> {
        let version = self.order.request.target_version;
        let snapshot = raft_snapshot::file(&self.cluster, version);
        let snapshot_name = raft_snapshot::file_name(&self.cluster);
        for place in &layout.members {
            let Ok([(snap, _), (wal, _)]) = self.open_member(layout, place, at) else {
                return Ok(false);
            };
            if !begins(&wal, wal::FILE_NAME, &self.wal_head(place))
                || !begins(&snap, &snapshot_name, &snapshot)
                || !snap.exists("db")
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the WAL that this unit holds at its place is as it was written.
    fn wal_is_as_written(&self, layout: &Layout, unit: usize) -> bool {
        let mut places = layout.members.iter().filter(|place| place.wal.unit == unit);
        places.all(|place| {
            let opened = self.open_within(layout, &place.wal, At::Placed);
            opened.is_ok_and(|(wal, _)| begins(&wal, wal::FILE_NAME, &self.wal_head(place)))
        })
    }

    /// What a member's WAL begins with, until a server has written to it.
    fn wal_head(&self, place: &MemberPlace) -> Vec<u8> {
        let version = self.order.request.target_version;
        let records = wal::records(&self.cluster, &place.member, version.into());
        // Behind the records are zeros.
        [records, vec![0; 4096]].concat()
    }

    /// Takes everything back that this restore made, as long as it is as it was made: what was placed gets its
    /// earlier name and is removed, and so is what was built and not placed.
    ///
    /// # Errors
    /// [`RestoreError::Used`] when something placed was changed since, [`RestoreError::Strange`] when something else
    /// is in it. Nothing is touched then.
    pub fn undo(&self) -> Result<(), RestoreError> {
        self.let_go();
        for layout in self.layouts()? {
            let mut placed = Vec::new();
            for (index, unit) in layout.units.iter().enumerate() {
                if !self.holds(&layout, index, At::Placed)? {
                    continue;
                }
                if !self.wal_is_as_written(&layout, index) {
                    return Err(RestoreError::Used(unit.shown.clone()));
                }
                let shown = &unit.shown;
                let folder = self
                    .disk()
                    .act(Act::Open, shown, || unit.open(At::Placed))?;
                if let Some(folder) = folder {
                    self.check_contents(&layout, index, &folder, shown)?;
                }
                placed.push(index);
            }
            for index in placed.into_iter().rev() {
                self.take_back(&layout, index)?;
            }
            self.remove_built(&layout)?;
        }
        Ok(())
    }
}

/// Whether a file begins with these bytes.
fn begins(folder: &Dir, name: &str, wanted: &[u8]) -> bool {
    let mut found = vec![0; wanted.len()];
    folder
        .open(name)
        .and_then(|mut file| file.read_exact(&mut found))
        .is_ok_and(|()| found == wanted)
}
