//! Where a restore goes: the places that are renamed as one, and where each member's files are in them.

use std::io;

use cap_std::fs::{Dir, MetadataExt as _};
use requorum_shared::etcd::recovery::restore::cluster::{Cluster, Member};
use requorum_shared::etcd::recovery::restore::wal;

use super::Restore;
use super::act::Act;
use super::error::RestoreError;
use crate::mark::{self, Mark};
use crate::vacancy::is_vacant;

/// A name in a folder.
#[derive(Debug)]
pub struct Spot {
    /// The folder. Nothing outside of it is touched.
    pub parent: Dir,
    /// One component, without slashes.
    pub name: String,
    /// The path to call it by in messages.
    pub shown: String,
}

/// Where a restore goes.
#[derive(Debug)]
pub enum Dest {
    /// A folder that gets one sub-folder per member. It may exist; the members' folders may not.
    Folder(Spot),
    /// One member only.
    Member {
        /// Which.
        name: String,
        /// Its data directory; it may exist when it is empty.
        data: Spot,
        /// Its WAL directory, where that is not inside the data directory; it may exist when it is empty.
        wal: Option<Spot>,
    },
}

/// What is renamed into place as one.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) parent: Dir,
    pub(super) name: String,
    pub(super) shown: String,
    pub(super) kind: Kind,
    id: String,
}

/// What a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A folder that this restore makes, and marks as its own.
    Folder,
    /// The WAL's file, in a directory that was there before.
    WalFile,
}

/// How far a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    Part,
    Ready,
    Placed,
    /// Set aside to be deleted, after the end of the restore.
    Removed,
}

impl Unit {
    fn new(spot: &Spot, id: &str) -> io::Result<Self> {
        Self::inside(&spot.parent, &spot.name, &spot.shown, id)
    }

    fn inside(parent: &Dir, name: &str, shown: &str, id: &str) -> io::Result<Self> {
        Ok(Self {
            parent: parent.try_clone()?,
            name: name.to_owned(),
            shown: shown.to_owned(),
            kind: Kind::Folder,
            id: id.to_owned(),
        })
    }

    fn wal_file(folder: &Dir, shown: &str, id: &str) -> io::Result<Self> {
        let shown = format!("{shown}/{}", wal::FILE_NAME);
        Ok(Self {
            kind: Kind::WalFile,
            ..Self::inside(folder, wal::FILE_NAME, &shown, id)?
        })
    }

    /// Its name while it is there.
    pub(super) fn name_at(&self, at: At) -> String {
        let Self { name, id, .. } = self;
        match at {
            At::Part => format!("{name}.{id}.part"),
            At::Ready => format!("{name}.{id}.ready"),
            At::Placed => name.clone(),
            At::Removed => format!("{name}.{id}.removed"),
        }
    }

    /// The path to call it by.
    pub(super) fn shown_at(&self, at: At) -> String {
        let shown = self.shown.strip_suffix(&self.name).unwrap_or(&self.shown);
        format!("{shown}{}", self.name_at(at))
    }

    /// The folder that it is in, to call it by.
    pub(super) fn folder_shown(&self) -> String {
        let above = self.shown.strip_suffix(&self.name).unwrap_or(&self.shown);
        above.trim_end_matches('/').to_owned()
    }

    pub(super) fn exists(&self, at: At) -> io::Result<bool> {
        match self.parent.symlink_metadata(self.name_at(at)) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What the file is that it is at this stage, by whichever name: its device and inode.
    pub(super) fn file(&self, at: At) -> io::Result<Option<(u64, u64)>> {
        match self.parent.symlink_metadata(self.name_at(at)) {
            Ok(metadata) => Ok(metadata.is_file().then(|| (metadata.dev(), metadata.ino()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The folder that it is at this stage, if it is one. No link is followed.
    pub(super) fn open(&self, at: At) -> io::Result<Option<Dir>> {
        let name = self.name_at(at);
        match self.parent.symlink_metadata(&name) {
            Ok(metadata) if metadata.is_dir() => self.parent.open_dir(&name).map(Some),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A folder within a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Within {
    pub(super) unit: usize,
    /// Components below the unit; none for the unit itself.
    pub(super) path: Vec<String>,
}

/// Where a member's files are.
#[derive(Debug, Clone)]
pub(super) struct MemberPlace {
    pub(super) member: Member,
    pub(super) snap: Within,
    pub(super) wal: Within,
}

/// The units of a restore, in the order in which they are placed, and what is in them.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) units: Vec<Unit>,
    pub(super) members: Vec<MemberPlace>,
    /// The folders that were there before and that something goes into.
    into: Vec<Existing>,
}

/// A folder that was there before.
#[derive(Debug)]
struct Existing {
    folder: Dir,
    shown: String,
    /// Whether it may hold nothing else.
    vacant: bool,
}

/// How something gets to a spot.
#[derive(Debug)]
enum Way {
    /// Its folder is made with all that is in it, and renamed as one.
    Whole,
    /// The folder was there before: what goes into it is renamed.
    Into(Dir),
}

fn within(unit: usize, path: &[&str]) -> Within {
    Within {
        unit,
        path: path.iter().map(ToString::to_string).collect(),
    }
}

/// What cannot be right whatever is on the disk.
pub(super) fn check(dest: &Dest, cluster: &Cluster, id: &str) -> Result<(), RestoreError> {
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if id.is_empty() || id.len() > 40 || !id.chars().all(fine) {
        return Err(RestoreError::Id(id.to_owned()));
    }
    match dest {
        Dest::Member { name, .. } if cluster.member(name).is_none() => {
            Err(RestoreError::NoSuchMember(name.clone()))
        }
        _ => Ok(()),
    }
}

impl Restore<'_> {
    /// How the result is laid out, given what exists at its place now.
    pub(super) fn layout(&self) -> Result<Layout, RestoreError> {
        match self.order.dest {
            Dest::Folder(spot) => self.folder_layout(spot, &self.way(spot)?),
            Dest::Member { data, wal, .. } => {
                let way = wal.as_ref().map(|wal| self.way(wal)).transpose()?;
                self.member_layout(data, &self.way(data)?, wal.as_ref().zip(way.as_ref()))
            }
        }
    }

    /// Every way in which this restore may have laid something out: what existed may have changed since. The one
    /// that it took comes before those that share a unit with it.
    pub(super) fn layouts(&self) -> Result<Vec<Layout>, RestoreError> {
        match self.order.dest {
            Dest::Folder(spot) => self
                .ways(spot)?
                .iter()
                .map(|way| self.folder_layout(spot, way))
                .collect(),
            Dest::Member { data, wal, .. } => {
                let mut layouts = Vec::new();
                for way in &self.ways(data)? {
                    let Some(wal) = wal else {
                        layouts.push(self.member_layout(data, way, None)?);
                        continue;
                    };
                    for wal_way in &self.ways(wal)? {
                        layouts.push(self.member_layout(data, way, Some((wal, wal_way)))?);
                    }
                }
                Ok(layouts)
            }
        }
    }

    fn way(&self, spot: &Spot) -> Result<Way, RestoreError> {
        // What was begun as a whole is brought to its end as one, or refused.
        let begun = self.disk().act(Act::Open, &spot.shown, || {
            let unit = Unit::new(spot, self.order.id)?;
            Ok(unit.exists(At::Part)? || unit.exists(At::Ready)?)
        })?;
        match self.open_existing(spot)? {
            Some(folder) if !begun && !self.owns(&folder, &spot.shown)? => Ok(Way::Into(folder)),
            _ => Ok(Way::Whole),
        }
    }

    fn ways(&self, spot: &Spot) -> Result<Vec<Way>, RestoreError> {
        let mut ways = Vec::new();
        match self.open_existing(spot) {
            Ok(Some(folder)) if !self.owns(&folder, &spot.shown)? => ways.push(Way::Into(folder)),
            Ok(_) | Err(RestoreError::NotAFolder(_)) => {}
            Err(error) => return Err(error),
        }
        ways.push(Way::Whole);
        Ok(ways)
    }

    /// Whether this restore made a folder.
    pub(super) fn owns(&self, folder: &Dir, shown: &str) -> Result<bool, RestoreError> {
        self.disk()
            .act(Act::Open, shown, || mark::is_of(folder, self.order.id))
    }

    fn folder_layout(&self, spot: &Spot, way: &Way) -> Result<Layout, RestoreError> {
        let id = self.order.id;
        self.disk().act(Act::Open, &spot.shown, || {
            let mut layout = Layout::default();
            match way {
                Way::Whole => layout.units.push(Unit::new(spot, id)?),
                Way::Into(folder) => layout.goes_into(folder, &spot.shown, false)?,
            }
            for member in self.members() {
                let name = member.name.as_str();
                let (unit, below): (usize, &[&str]) = match way {
                    Way::Whole => (0, &[name, "member"]),
                    Way::Into(folder) => {
                        let shown = format!("{}/{name}", spot.shown);
                        layout.units.push(Unit::inside(folder, name, &shown, id)?);
                        (layout.units.len() - 1, &["member"])
                    }
                };
                layout.members.push(MemberPlace {
                    member: member.clone(),
                    snap: within(unit, &[below, &["snap"]].concat()),
                    wal: within(unit, &[below, &["wal"]].concat()),
                });
            }
            Ok(layout)
        })
    }

    fn member_layout(
        &self,
        data: &Spot,
        way: &Way,
        wal: Option<(&Spot, &Way)>,
    ) -> Result<Layout, RestoreError> {
        let id = self.order.id;
        self.disk().act(Act::Open, &data.shown, || {
            let mut layout = Layout::default();
            // The WAL is placed first: a data directory that is there is complete.
            match wal {
                None => {}
                Some((spot, Way::Whole)) => layout.units.push(Unit::new(spot, id)?),
                Some((spot, Way::Into(folder))) => {
                    layout.goes_into(folder, &spot.shown, true)?;
                    layout.units.push(Unit::wal_file(folder, &spot.shown, id)?);
                }
            }
            let unit = layout.units.len();
            let below: &[&str] = match way {
                Way::Whole => {
                    layout.units.push(Unit::new(data, id)?);
                    &["member"]
                }
                // It may be a mount point: what is in it is renamed, not the directory itself.
                Way::Into(existing) => {
                    layout.goes_into(existing, &data.shown, true)?;
                    let shown = format!("{}/member", data.shown);
                    layout
                        .units
                        .push(Unit::inside(existing, "member", &shown, id)?);
                    &[]
                }
            };
            for member in self.members() {
                layout.members.push(MemberPlace {
                    member: member.clone(),
                    snap: within(unit, &[below, &["snap"]].concat()),
                    wal: match wal {
                        Some(_) => within(0, &[]),
                        None => within(unit, &[below, &["wal"]].concat()),
                    },
                });
            }
            Ok(layout)
        })
    }

    /// The folder that is at a spot already.
    pub(super) fn open_existing(&self, spot: &Spot) -> Result<Option<Dir>, RestoreError> {
        let metadata = self.disk().act(Act::Open, &spot.shown, || {
            match spot.parent.metadata(&spot.name) {
                Ok(metadata) => Ok(Some(metadata)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            }
        })?;
        match metadata {
            None => Ok(None),
            Some(metadata) if !metadata.is_dir() => {
                Err(RestoreError::NotAFolder(spot.shown.clone()))
            }
            Some(_) => self.disk().act(Act::Open, &spot.shown, || {
                spot.parent.open_dir(&spot.name).map(Some)
            }),
        }
    }

    /// The folders of a member's `.snap` and database, and of its WAL, with the names to call them by.
    pub(super) fn open_member(
        &self,
        layout: &Layout,
        place: &MemberPlace,
        at: At,
    ) -> Result<[(Dir, String); 2], RestoreError> {
        Ok([
            self.open_within(layout, &place.snap, at)?,
            self.open_within(layout, &place.wal, at)?,
        ])
    }

    /// A folder within a unit, with the name to call it by.
    pub(super) fn open_within(
        &self,
        layout: &Layout,
        within: &Within,
        at: At,
    ) -> Result<(Dir, String), RestoreError> {
        let unit = &layout.units[within.unit];
        if unit.kind == Kind::WalFile {
            let dir = self
                .disk()
                .act(Act::Open, &unit.shown, || unit.parent.try_clone())?;
            return Ok((dir, unit.folder_shown()));
        }
        let below = |top: String| [vec![top], within.path.clone()].concat().join("/");
        let (path, shown) = (below(unit.name_at(at)), below(unit.shown_at(at)));
        let dir = self
            .disk()
            .act(Act::Open, &shown, || unit.parent.open_dir(&path))?;
        Ok((dir, shown))
    }

    /// Refuses a place where something is in the way.
    pub(super) fn check_vacant(&self, layout: &Layout) -> Result<(), RestoreError> {
        for unit in &layout.units {
            let taken = self
                .disk()
                .act(Act::Open, &unit.shown, || unit.exists(At::Placed))?;
            if taken {
                return Err(RestoreError::Exists(unit.shown.clone()));
            }
        }
        for Existing {
            folder,
            shown,
            vacant,
        } in &layout.into
        {
            match self.disk().act(Act::Open, shown, || mark::read(folder))? {
                Mark::Missing => {}
                Mark::Begun => return Err(RestoreError::theirs(shown, "")),
                Mark::Of(id) => return Err(RestoreError::theirs(shown, &id)),
            }
            if *vacant && !self.disk().act(Act::Open, shown, || is_vacant(folder))? {
                return Err(RestoreError::NotEmpty(shown.clone()));
            }
        }
        Ok(())
    }
}

impl Layout {
    fn goes_into(&mut self, folder: &Dir, shown: &str, vacant: bool) -> io::Result<()> {
        self.into.push(Existing {
            folder: folder.try_clone()?,
            shown: shown.to_owned(),
            vacant,
        });
        Ok(())
    }
}
