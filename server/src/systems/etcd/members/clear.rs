//! Removing what a restore made, and nothing else: each file and folder by its name, after a look at whose it is.

use std::collections::BTreeSet;
use std::io;

use cap_std::fs::Dir;
use requorum_shared::etcd::recovery::restore::{raft_snapshot, wal};

use super::Restore;
use super::act::Act;
use super::dest::{At, Kind, Layout};
use super::disk::Lock;
use super::error::RestoreError;
use crate::mark::{self, Mark};

/// What a restore writes into a unit, as paths below it.
#[derive(Debug, Default)]
struct Contents {
    files: BTreeSet<String>,
    /// In order: what is around comes before what is in it.
    folders: BTreeSet<String>,
}

impl Restore<'_> {
    /// Removes what was built and not placed.
    ///
    /// # Errors
    /// [`RestoreError::Busy`] when another run is building it, [`RestoreError::Strange`] when something else is in
    /// it, [`RestoreError::Io`].
    pub fn discard(&self) -> Result<(), RestoreError> {
        self.let_go();
        for layout in self.layouts()? {
            self.remove_built(&layout)?;
        }
        Ok(())
    }

    /// Removes what was begun and not built to its end, and what was built too unless it is to be kept. Gives what
    /// is kept, to call it by.
    ///
    /// # Errors
    /// As [`Restore::discard`].
    pub fn settle(&self, keep_built: bool) -> Result<Vec<String>, RestoreError> {
        self.let_go();
        let mut kept = Vec::new();
        for layout in self.layouts()? {
            if !keep_built {
                self.remove_built(&layout)?;
                continue;
            }
            self.remove_staged(&layout, &[At::Part])?;
            for unit in &layout.units {
                let built = self
                    .disk()
                    .act(Act::Open, &unit.shown, || unit.exists(At::Ready))?;
                if built {
                    kept.push(unit.shown_at(At::Ready));
                }
            }
        }
        Ok(kept)
    }

    /// Takes away the marks by which this restore knows what it made. It cannot be taken back any more then.
    ///
    /// # Errors
    /// [`RestoreError::Io`].
    pub fn release(&self) -> Result<(), RestoreError> {
        for layout in self.layouts()? {
            for (index, unit) in layout.units.iter().enumerate() {
                if unit.kind == Kind::WalFile {
                    if self.holds(&layout, index, At::Placed)? {
                        let (name, shown) = (unit.name_at(At::Ready), unit.shown_at(At::Ready));
                        self.remove_file(&unit.parent, &name, &shown)?;
                    }
                    continue;
                }
                for at in [At::Ready, At::Placed] {
                    let shown = unit.shown_at(at);
                    self.disk()
                        .act(Act::Remove, &shown, || match unit.open(at)? {
                            Some(folder) => mark::remove(&folder, self.order.id),
                            None => Ok(()),
                        })?;
                }
            }
        }
        Ok(())
    }

    /// The ids that begin with `prefix`, of restores that left something beside this one's place.
    ///
    /// # Errors
    /// [`RestoreError::Io`].
    pub fn leftovers(&self, prefix: &str) -> Result<BTreeSet<String>, RestoreError> {
        let mut ids = BTreeSet::new();
        for layout in self.layouts()? {
            for unit in &layout.units {
                self.disk().act(Act::Open, &unit.shown, || {
                    for entry in unit.parent.entries()? {
                        let name = entry?.file_name();
                        ids.extend(staged_by(&name.to_string_lossy(), &unit.name, prefix));
                    }
                    Ok(())
                })?;
            }
        }
        Ok(ids)
    }

    /// Removes what this restore built and did not place.
    pub(super) fn remove_built(&self, layout: &Layout) -> Result<(), RestoreError> {
        self.remove_staged(layout, &[At::Part, At::Ready])
    }

    fn remove_staged(&self, layout: &Layout, stages: &[At]) -> Result<(), RestoreError> {
        // All are held before the first is touched, and until all are gone.
        let mut held: Vec<(usize, At, Dir, Lock)> = Vec::new();
        for (index, unit) in layout.units.iter().enumerate() {
            for &at in stages {
                let shown = unit.shown_at(at);
                if unit.kind != Kind::Folder {
                    continue;
                }
                let Some(folder) = self.disk().act(Act::Open, &shown, || unit.open(at))? else {
                    continue;
                };
                let Some(lock) = self.disk().lock(&folder, &shown)? else {
                    return Err(RestoreError::Busy(shown));
                };
                self.check_staged(layout, index, at, &folder)?;
                held.push((index, at, folder, lock));
            }
        }
        for (index, at, folder, _lock) in &held {
            self.remove_unit(layout, *index, *at, folder)?;
        }
        for unit in &layout.units {
            if unit.kind == Kind::WalFile {
                for &at in stages {
                    self.remove_file(&unit.parent, &unit.name_at(at), &unit.shown_at(at))?;
                }
            }
        }
        Ok(())
    }

    /// Refuses what carries this restore's name and is not its own.
    fn check_staged(
        &self,
        layout: &Layout,
        index: usize,
        at: At,
        folder: &Dir,
    ) -> Result<(), RestoreError> {
        let shown = layout.units[index].shown_at(at);
        match self.disk().act(Act::Open, &shown, || mark::read(folder))? {
            Mark::Of(id) if id == self.order.id => {}
            Mark::Of(id) => return Err(RestoreError::theirs(&shown, &id)),
            // The mark is made before anything else, and removed after everything else.
            Mark::Missing | Mark::Begun => {
                let other = self.disk().act(Act::Open, &shown, || {
                    for entry in folder.entries()? {
                        let name = entry?.file_name();
                        if name != mark::NAME {
                            return Ok(Some(name.to_string_lossy().into_owned()));
                        }
                    }
                    Ok(None)
                })?;
                if let Some(name) = other {
                    return Err(RestoreError::Strange(format!("{shown}/{name}")));
                }
            }
        }
        self.check_contents(layout, index, folder, &shown)
    }

    /// Refuses a unit that holds something which this restore did not put there.
    pub(super) fn check_contents(
        &self,
        layout: &Layout,
        index: usize,
        folder: &Dir,
        shown: &str,
    ) -> Result<(), RestoreError> {
        let contents = self.contents(layout, index);
        let stranger = self
            .disk()
            .act(Act::Open, shown, || contents.stranger(folder, ""))?;
        match stranger {
            Some(path) => Err(RestoreError::Strange(format!("{shown}/{path}"))),
            None => Ok(()),
        }
    }

    fn contents(&self, layout: &Layout, index: usize) -> Contents {
        let mut contents = Contents::default();
        let snapshot = raft_snapshot::file_name(&self.cluster);
        for place in &layout.members {
            for (within, files) in [
                (&place.snap, &["db", snapshot.as_str()][..]),
                (&place.wal, &[wal::FILE_NAME][..]),
            ] {
                if within.unit != index {
                    continue;
                }
                for length in 1..=within.path.len() {
                    contents.folders.insert(within.path[..length].join("/"));
                }
                for file in files {
                    let path = [&within.path[..], &[(*file).to_owned()]].concat();
                    contents.files.insert(path.join("/"));
                }
            }
        }
        contents
    }

    fn remove_unit(
        &self,
        layout: &Layout,
        index: usize,
        at: At,
        folder: &Dir,
    ) -> Result<(), RestoreError> {
        let unit = &layout.units[index];
        let shown = unit.shown_at(at);
        let contents = self.contents(layout, index);
        for file in &contents.files {
            self.remove_file(folder, file, &format!("{shown}/{file}"))?;
        }
        for below in contents.folders.iter().rev() {
            self.remove_folder(folder, below, &format!("{shown}/{below}"))?;
        }
        self.remove_file(folder, mark::NAME, &shown)?;
        self.remove_folder(&unit.parent, &unit.name_at(at), &shown)?;
        self.disk().sync_folder(&unit.parent, &unit.shown)
    }

    pub(super) fn remove_file(
        &self,
        folder: &Dir,
        path: &str,
        shown: &str,
    ) -> Result<(), RestoreError> {
        self.disk()
            .act(Act::Remove, shown, || or_missing(folder.remove_file(path)))
    }

    fn remove_folder(&self, folder: &Dir, path: &str, shown: &str) -> Result<(), RestoreError> {
        self.disk()
            .act(Act::Remove, shown, || or_missing(folder.remove_dir(path)))
    }
}

impl Contents {
    /// The first thing below `at` that is not one of these.
    fn stranger(&self, folder: &Dir, at: &str) -> io::Result<Option<String>> {
        for entry in folder.entries()? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                return Ok(Some(format!("{at}{}", entry.file_name().display())));
            };
            let path = format!("{at}{name}");
            let kind = entry.file_type()?;
            if kind.is_dir() && self.folders.contains(&path) {
                let below = self.stranger(&entry.open_dir()?, &format!("{path}/"))?;
                if below.is_some() {
                    return Ok(below);
                }
            } else if !kind.is_file() || !self.files.contains(&path) && path != mark::NAME {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }
}

/// The id in a name that [`Unit::name_at`] gave for a unit called `name`.
fn staged_by(found: &str, name: &str, prefix: &str) -> Option<String> {
    let id = found.strip_prefix(name)?.strip_prefix('.')?;
    let id = id
        .strip_suffix(".part")
        .or_else(|| id.strip_suffix(".ready"))?;
    (id.starts_with(prefix) && !id.contains('.')).then(|| id.to_owned())
}

/// What is gone already is removed.
fn or_missing(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_in_the_name_it_was_put_into() {
        for (found, id) in [
            ("data.abc-1.part", Some("abc-1")),
            ("data.abc-1.ready", Some("abc-1")),
            ("data.abd-1.part", None),
            ("data.abc-1", None),
            ("data", None),
            ("data2.abc-1.part", None),
            ("data.x.abc-1.part", None),
            ("data.abc-1.x.part", None),
        ] {
            assert_eq!(staged_by(found, "data", "abc-").as_deref(), id, "{found}");
        }
    }
}
