//! Giving finished members their names, and taking them back.

use std::io::Read;

use requorum_shared::etcd::restore::{raft_snapshot, wal};

use super::dest::{At, Layout, Unit};
use super::disk::Act;
use super::error::RestoreError;
use super::{Dest, Restore};

impl Restore<'_> {
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
        let mut moved: Vec<&Unit> = Vec::new();
        for unit in &layout.units {
            let result = self.place_unit(unit);
            match result {
                Ok(true) => moved.push(unit),
                Ok(false) => {}
                Err(error) => {
                    for unit in moved.into_iter().rev() {
                        // The first failure is what counts; the next run finds what could not be moved back.
                        let _ = self.take_back(unit);
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Whether the unit was moved now.
    fn place_unit(&self, unit: &Unit) -> Result<bool, RestoreError> {
        let disk = self.disk();
        let [ready, placed] = disk.act(Act::Open, &unit.shown, || {
            Ok([unit.exists(At::Ready)?, unit.exists(At::Placed)?])
        })?;
        match (ready, placed) {
            (true, true) => return Err(RestoreError::Exists(unit.shown.clone())),
            (false, false) => return Err(RestoreError::NotBuilt(unit.shown.clone())),
            (false, true) => return Ok(false),
            (true, false) => {}
        }
        disk.rename(
            &unit.parent,
            &unit.name_at(At::Ready),
            &unit.name,
            &unit.shown,
        )?;
        if let Err(error) = disk.sync_folder(&unit.parent, &unit.shown) {
            let _ = self.take_back(unit);
            return Err(error);
        }
        Ok(true)
    }

    fn take_back(&self, unit: &Unit) -> Result<(), RestoreError> {
        let disk = self.disk();
        disk.rename(
            &unit.parent,
            &unit.name,
            &unit.name_at(At::Ready),
            &unit.shown_at(At::Ready),
        )?;
        disk.sync_folder(&unit.parent, &unit.shown)
    }

    /// Whether every member stands at its place with the log that this restore wrote.
    ///
    /// # Errors
    /// [`RestoreError::Io`] when that cannot be seen.
    pub fn is_placed(&self) -> Result<bool, RestoreError> {
        let layout = self.layout()?;
        for unit in &layout.units {
            if !self
                .disk()
                .act(Act::Open, &unit.shown, || unit.exists(At::Placed))?
            {
                return Ok(false);
            }
        }
        self.is_ours(&layout, At::Placed)
    }

    /// Whether WAL and `.snap` of every member begin as they were written.
    fn is_ours(&self, layout: &Layout, at: At) -> Result<bool, RestoreError> {
        let version = self.order.request.target_version;
        let snapshot = raft_snapshot::file(&self.cluster, version);
        let snapshot_name = raft_snapshot::file_name(&self.cluster);
        for place in &layout.members {
            let Ok([(snap, _), (wal, _)]) = self.open_member(layout, place, at) else {
                return Ok(false);
            };
            let mut records = wal::records(&self.cluster, &place.member, version.into());
            // Behind the records are zeros until a server writes there.
            records.resize(records.len() + 4096, 0);
            let same = |folder: &cap_std::fs::Dir, name: &str, wanted: &[u8]| {
                let mut found = vec![0; wanted.len()];
                folder
                    .open(name)
                    .and_then(|mut file| file.read_exact(&mut found))
                    .is_ok_and(|()| found == wanted)
            };
            if !same(&wal, wal::FILE_NAME, &records)
                || !same(&snap, &snapshot_name, &snapshot)
                || !snap.exists("db")
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Removes what was built and not placed.
    ///
    /// # Errors
    /// [`RestoreError::Busy`] when another run is building it, [`RestoreError::Io`].
    pub fn discard(&self) -> Result<(), RestoreError> {
        self.remove_built(&self.layout()?)
    }

    /// Takes everything back: what was placed, if it is still as it was placed, and what was built.
    ///
    /// # Errors
    /// [`RestoreError::Used`] when something placed was changed since; it is left alone then.
    pub fn undo(&self) -> Result<(), RestoreError> {
        let layout = self.layout()?;
        let mut placed = Vec::new();
        for unit in &layout.units {
            if self
                .disk()
                .act(Act::Open, &unit.shown, || unit.exists(At::Placed))?
            {
                placed.push(unit);
            }
        }
        if !placed.is_empty() {
            for (index, unit) in layout.units.iter().enumerate() {
                let there = placed.iter().any(|placed| std::ptr::eq(*placed, unit));
                if there && !self.unit_is_ours(&layout, index)? {
                    return Err(RestoreError::Used(unit.shown.clone()));
                }
            }
            for unit in placed.into_iter().rev() {
                self.take_back(unit)?;
            }
        }
        self.remove_built(&layout)?;
        self.remove_empty_folder()
    }

    /// Whether what this unit holds at its place is what was written there.
    fn unit_is_ours(&self, layout: &Layout, unit: usize) -> Result<bool, RestoreError> {
        let version = self.order.request.target_version;
        for place in &layout.members {
            if place.wal.unit == unit {
                let unit = &layout.units[unit];
                let path = [vec![unit.name.clone()], place.wal.path.clone()]
                    .concat()
                    .join("/");
                let records = wal::records(&self.cluster, &place.member, version.into());
                let wanted = [records, vec![0; 4096]].concat();
                let mut found = vec![0; wanted.len()];
                let read = unit
                    .parent
                    .open(format!("{path}/{}", wal::FILE_NAME))
                    .and_then(|mut file| file.read_exact(&mut found));
                if read.is_err() || found != wanted {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// The folder around what was placed, once it is empty: it was made for it, or it held nothing.
    fn remove_empty_folder(&self) -> Result<(), RestoreError> {
        let spot = match self.order.dest {
            Dest::Folder(spot) | Dest::Member { data: spot, .. } => spot,
        };
        let Some(folder) = self.open_existing(spot)? else {
            return Ok(());
        };
        let empty = self.disk().act(Act::Open, &spot.shown, || {
            Ok(folder.entries()?.next().is_none())
        })?;
        if !empty {
            return Ok(());
        }
        self.disk().act(Act::Remove, &spot.shown, || {
            match spot.parent.remove_dir(&spot.name) {
                // A mount point stays.
                Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy => Ok(()),
                other => other,
            }
        })
    }
}
