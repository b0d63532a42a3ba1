//! Where a restore goes: the places that are renamed as one, and where each member's files are in them.

use std::io;

use cap_std::fs::Dir;
use requorum_shared::etcd::restore::cluster::{Cluster, Member};

use super::disk::Act;
use super::error::RestoreError;
use super::{Order, Restore};

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
        /// Its WAL directory, where that is not inside the data directory; it may not exist.
        wal: Option<Spot>,
    },
}

/// What is renamed into place as one.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) parent: Dir,
    pub(super) name: String,
    pub(super) shown: String,
    id: String,
}

/// How far a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    Part,
    Ready,
    Placed,
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
            id: id.to_owned(),
        })
    }

    /// Its name while it is there.
    pub(super) fn name_at(&self, at: At) -> String {
        let Self { name, id, .. } = self;
        match at {
            At::Part => format!("{name}.{id}.part"),
            At::Ready => format!("{name}.{id}.ready"),
            At::Placed => name.clone(),
        }
    }

    /// The path to call it by.
    pub(super) fn shown_at(&self, at: At) -> String {
        let shown = self.shown.trim_end_matches(&self.name);
        format!("{shown}{}", self.name_at(at))
    }

    pub(super) fn exists(&self, at: At) -> io::Result<bool> {
        match self.parent.symlink_metadata(self.name_at(at)) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
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
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) units: Vec<Unit>,
    pub(super) members: Vec<MemberPlace>,
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
        let Order { dest, id, .. } = self.order;
        match dest {
            Dest::Folder(spot) => self.folder_layout(spot, id),
            Dest::Member { data, wal, .. } => self.member_layout(data, wal.as_ref(), id),
        }
    }

    fn folder_layout(&self, spot: &Spot, id: &str) -> Result<Layout, RestoreError> {
        let folder = self.open_existing(spot)?;
        self.disk().act(Act::Open, &spot.shown, || {
            let mut units = Vec::new();
            let mut members = Vec::new();
            if folder.is_none() {
                units.push(Unit::new(spot, id)?);
            }
            for member in self.members() {
                let name = member.name.as_str();
                let (unit, below): (usize, &[&str]) = match &folder {
                    None => (0, &[name, "member"]),
                    Some(folder) => {
                        let shown = format!("{}/{name}", spot.shown);
                        units.push(Unit::inside(folder, name, &shown, id)?);
                        (units.len() - 1, &["member"])
                    }
                };
                members.push(MemberPlace {
                    member: member.clone(),
                    snap: within(unit, &[below, &["snap"]].concat()),
                    wal: within(unit, &[below, &["wal"]].concat()),
                });
            }
            Ok(Layout { units, members })
        })
    }

    fn member_layout(
        &self,
        data: &Spot,
        wal: Option<&Spot>,
        id: &str,
    ) -> Result<Layout, RestoreError> {
        let existing = self.open_existing(data)?;
        self.disk().act(Act::Open, &data.shown, || {
            let mut units = Vec::new();
            // The WAL is placed first: a data directory that is there is complete.
            if let Some(wal) = wal {
                units.push(Unit::new(wal, id)?);
            }
            let unit = units.len();
            let below: &[&str] = match &existing {
                None => {
                    units.push(Unit::new(data, id)?);
                    &["member"]
                }
                // It may be a mount point: what is in it is renamed, not the directory itself.
                Some(existing) => {
                    let shown = format!("{}/member", data.shown);
                    units.push(Unit::inside(existing, "member", &shown, id)?);
                    &[]
                }
            };
            let members = self
                .members()
                .map(|member| MemberPlace {
                    member: member.clone(),
                    snap: within(unit, &[below, &["snap"]].concat()),
                    wal: match wal {
                        Some(_) => within(0, &[]),
                        None => within(unit, &[below, &["wal"]].concat()),
                    },
                })
                .collect();
            Ok(Layout { units, members })
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
        let open = |within: &Within| {
            let unit = &layout.units[within.unit];
            let path = [vec![unit.name_at(at)], within.path.clone()]
                .concat()
                .join("/");
            let shown = [vec![unit.shown_at(at)], within.path.clone()]
                .concat()
                .join("/");
            let dir = self
                .disk()
                .act(Act::Open, &shown, || unit.parent.open_dir(&path))?;
            Ok::<_, RestoreError>((dir, shown))
        };
        Ok([open(&place.snap)?, open(&place.wal)?])
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
        // An existing data directory holds nothing but what this restore itself left there.
        if let Dest::Member { data, .. } = self.order.dest
            && let Some(existing) = self.open_existing(data)?
        {
            let ours = format!("member.{}.", self.order.id);
            let foreign = self.disk().act(Act::Open, &data.shown, || {
                for entry in existing.entries()? {
                    if !entry?.file_name().to_string_lossy().starts_with(&ours) {
                        return Ok(true);
                    }
                }
                Ok(false)
            })?;
            if foreign {
                return Err(RestoreError::NotEmpty(data.shown.clone()));
            }
        }
        Ok(())
    }
}
