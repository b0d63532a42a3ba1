//! Knowing what a restore made once it is over and its marks are gone, and removing it then.
//!
//! At the end each folder is written down with all that is in it ([`super::tree`]). It is removed only while all of that
//! is still the same: looked at under its name, renamed to one that nobody else uses, looked at again, and deleted then,
//! each file and folder after one more look. What turns out to be different gets its name back.
//!
//! | name | meaning |
//! |---|---|
//! | `NAME.ID.removed` | about to be deleted, or left behind by a removal that was killed: the next one goes on there |

use cap_std::fs::Dir;
use requorum_shared::job::events::KeptFolder;

use super::Restore;
use super::act::Act;
use super::dest::{At, Kind, Unit};
use super::error::RestoreError;
use super::tree::{self, Deleted};
use crate::leftovers::{Remaining, Removal};

impl Restore<'_> {
    /// What this restore made and what carries its mark: to be written down before the marks go.
    ///
    /// # Errors
    /// [`RestoreError::Io`].
    pub fn kept(&self) -> Result<Vec<KeptFolder>, RestoreError> {
        let mut made: Vec<KeptFolder> = Vec::new();
        for layout in self.layouts()? {
            for unit in layout.units.iter().filter(|u| u.kind == Kind::Folder) {
                for at in [At::Ready, At::Placed] {
                    let path = unit.shown_at(at);
                    let Some(folder) = self.opened(unit, at)? else {
                        continue;
                    };
                    let known = made.iter().any(|known| known.path == path);
                    if known || !self.owns(&folder, &path)? {
                        continue;
                    }
                    let all = self.walked(&folder, &path)?;
                    made.push(KeptFolder {
                        path,
                        bytes: tree::bytes(&all),
                        entries: tree::recorded(all),
                    });
                }
            }
        }
        Ok(made)
    }

    /// What there is where these folders were, or where a removal left them. Those of `begun` may be deleted in part.
    ///
    /// # Errors
    /// [`RestoreError::Io`].
    pub fn remains(
        &self,
        kept: &[KeptFolder],
        begun: &[String],
    ) -> Result<Vec<Remaining>, RestoreError> {
        let mut there = Vec::new();
        for folder in kept {
            let Some((unit, at)) = self.unit_of(folder)? else {
                continue;
            };
            for at in [At::Removed, at] {
                let shown = unit.shown_at(at);
                let Some(found) = self.opened(&unit, at)? else {
                    continue;
                };
                let all = self.walked(&found, &shown)?;
                let begun = at == At::Removed && begun.contains(&folder.path);
                let difference = match folder.is_known() {
                    true => tree::difference(&folder.entries, &all, begun),
                    false => None,
                };
                there.push(Remaining {
                    path: folder.path.clone(),
                    bytes: tree::bytes(&all),
                    at: shown,
                    difference,
                });
                break;
            }
        }
        Ok(there)
    }

    /// Renames these folders to where they are deleted, as far as they are there; those of `begun` may be deleted in part
    /// already. Gives the ones that are there now.
    ///
    /// # Errors
    /// [`RestoreError::Differs`] when one is not as it was written down, [`RestoreError::Io`]. What this call renamed has
    /// its name again then.
    pub fn set_aside(
        &self,
        kept: &[KeptFolder],
        begun: &[String],
    ) -> Result<Vec<String>, RestoreError> {
        let mut renamed = Vec::new();
        let result = self.rename_aside(kept, begun, &mut renamed);
        if result.is_err() {
            for (unit, at) in renamed.iter().rev() {
                // The first failure is what counts; the next removal finds what could not be renamed back.
                let _ = self.rename_back(unit, *at);
            }
        }
        result
    }

    fn rename_aside(
        &self,
        kept: &[KeptFolder],
        begun: &[String],
        renamed: &mut Vec<(Unit, At)>,
    ) -> Result<Vec<String>, RestoreError> {
        let mut aside = Vec::new();
        for folder in kept.iter().filter(|folder| folder.is_known()) {
            let Some((unit, at)) = self.unit_of(folder)? else {
                continue;
            };
            if self.opened(&unit, At::Removed)?.is_some() {
                self.check(&unit, At::Removed, folder, begun.contains(&folder.path))?;
                aside.push(folder.path.clone());
                continue;
            }
            if self.opened(&unit, at)?.is_none() {
                continue;
            }
            self.check(&unit, at, folder, false)?;
            self.disk().rename(
                &unit.parent,
                &unit.name_at(at),
                &unit.name_at(At::Removed),
                &unit.shown_at(at),
            )?;
            renamed.push((unit, at));
            if let Some((unit, _)) = renamed.last() {
                self.check(unit, At::Removed, folder, false)?;
                self.disk().sync_folder(&unit.parent, &unit.shown)?;
            }
            aside.push(folder.path.clone());
        }
        Ok(aside)
    }

    /// Gives folders that were set aside their names back, but for those of `begun`: some of what was in them may be gone.
    ///
    /// # Errors
    /// [`RestoreError::Io`].
    pub fn put_back(&self, kept: &[KeptFolder], begun: &[String]) -> Result<(), RestoreError> {
        for folder in kept.iter().filter(|folder| !begun.contains(&folder.path)) {
            let Some((unit, at)) = self.unit_of(folder)? else {
                continue;
            };
            if self.opened(&unit, At::Removed)?.is_some() {
                self.rename_back(&unit, at)?;
            }
        }
        Ok(())
    }

    fn rename_back(&self, unit: &Unit, at: At) -> Result<(), RestoreError> {
        self.disk().rename(
            &unit.parent,
            &unit.name_at(At::Removed),
            &unit.name_at(at),
            &unit.shown_at(at),
        )?;
        self.disk().sync_folder(&unit.parent, &unit.shown)
    }

    /// Deletes those of these folders that are this restore's, which were set aside. Where it stops before anything was
    /// deleted, they have their names again, but for those of `begun`, an earlier removal's.
    pub fn remove_aside(&self, kept: &[KeptFolder], begun: &[String]) -> Removal {
        let mut removal = Removal::default();
        for folder in kept {
            match self.remove_folder_of(folder, &mut removal.entries) {
                Ok(true) => removal.folders.push(folder.path.clone()),
                Ok(false) => {}
                Err(error) => {
                    removal.stopped = Some(error.to_string());
                    break;
                }
            }
        }
        if removal.stopped.is_some() && removal.entries == 0 {
            // Why it stopped is what counts; the next removal finds what could not be renamed back.
            let _ = self.put_back(kept, begun);
        }
        removal
    }

    /// Gives whether it is a folder of this restore.
    fn remove_folder_of(
        &self,
        folder: &KeptFolder,
        deleted: &mut usize,
    ) -> Result<bool, RestoreError> {
        let (Some((unit, _)), Some((itself, inside))) =
            (self.unit_of(folder)?, folder.entries.split_first())
        else {
            return Ok(false);
        };
        let shown = unit.shown_at(At::Removed);
        let Some(top) = self.opened(&unit, At::Removed)? else {
            return Ok(true);
        };
        let mut count = |path: String, what: Deleted| match what {
            Deleted::Now => {
                *deleted += 1;
                Ok(())
            }
            Deleted::Before => Ok(()),
            Deleted::Not(what) => Err(RestoreError::Differs {
                path,
                what: format!("it {what}"),
            }),
        };
        for entry in inside.iter().rev() {
            let path = format!("{shown}/{}", entry.path);
            let what = self
                .disk()
                .act(Act::Remove, &path, || tree::delete(&top, entry))?;
            count(path, what)?;
        }
        let what = self.disk().act(Act::Remove, &shown, || {
            tree::delete_named(&unit.parent, &unit.name_at(At::Removed), itself)
        })?;
        count(shown, what)?;
        self.disk().sync_folder(&unit.parent, &unit.shown)?;
        Ok(true)
    }

    /// Refuses what is not as it was written down.
    fn check(
        &self,
        unit: &Unit,
        at: At,
        folder: &KeptFolder,
        begun: bool,
    ) -> Result<(), RestoreError> {
        let shown = unit.shown_at(at);
        let what = match self.opened(unit, at)? {
            Some(found) => {
                let all = self.walked(&found, &shown)?;
                tree::difference(&folder.entries, &all, begun)
            }
            None => Some("it is missing".to_owned()),
        };
        match what {
            Some(what) => Err(RestoreError::Differs { path: shown, what }),
            None => Ok(()),
        }
    }

    /// The unit of this restore that was written down like this, and where it was.
    fn unit_of(&self, folder: &KeptFolder) -> Result<Option<(Unit, At)>, RestoreError> {
        let layouts = self.layouts()?.into_iter();
        let mut units = layouts.flat_map(|layout| layout.units);
        Ok(units.find_map(|unit| {
            let was_at = |at: &At| unit.kind == Kind::Folder && unit.shown_at(*at) == folder.path;
            let at = [At::Ready, At::Placed].into_iter().find(was_at)?;
            Some((unit, at))
        }))
    }

    fn opened(&self, unit: &Unit, at: At) -> Result<Option<Dir>, RestoreError> {
        self.disk().act(Act::Open, &unit.shown_at(at), || {
            tree::open_folder(&unit.parent, &unit.name_at(at))
        })
    }

    fn walked(&self, folder: &Dir, shown: &str) -> Result<Vec<tree::Found>, RestoreError> {
        self.disk().act(Act::Read, shown, || tree::walk(folder))
    }
}
