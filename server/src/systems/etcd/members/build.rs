//! Building all members beside their place.

use std::fs::Metadata;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;

use cap_std::fs::Dir;
use requorum_shared::bbolt::Database;
use requorum_shared::etcd::needed::snapshot_needed;
use requorum_shared::etcd::recovery::restore::edit::{self, Edit};
use requorum_shared::etcd::recovery::restore::observation::{
    Observation, SourceFacts, TargetFacts, TargetState,
};
use requorum_shared::etcd::recovery::restore::{check_file, raft_snapshot, verify, wal};
use requorum_shared::etcd::storage::inspection::Inspection;
use requorum_shared::etcd::storage::scan::{Options, Scanner};
use requorum_shared::etcd::storage::trailer::Hasher;
use requorum_shared::finding::Outcome;
use requorum_shared::kinds::{inspect_as_etcd, recognise};
use requorum_shared::source::{Source, SourceError};

use super::act::Act;
use super::dest::{At, Kind, Layout, Unit, Within};
use super::disk::Output;
use super::error::RestoreError;
use super::pass::Consumer;
use super::{Built, FileSource, Order, Restore, Stage};
use crate::mark;
use crate::system::reserve_open_files;

/// The files of one member, open.
struct Files {
    database: Output,
    snap: (Dir, String),
    wal: (Dir, String),
}

/// Removes what was built when the build ends early, whether by an error or by a panic.
struct Unfinished<'a, 'r> {
    of: Option<(&'a Restore<'r>, &'a Layout)>,
    /// Given back first: removing folders takes open files, and having no more of them may be why it ends early.
    spare: Vec<OwnedFd>,
}

/// The files that removing takes at once: one for each folder on the way down, and some to look.
const SPARE_FILES: usize = 10;

impl Drop for Unfinished<'_, '_> {
    fn drop(&mut self) {
        if let Some((restore, layout)) = self.of {
            self.spare.clear();
            restore.let_go();
            // What went wrong first is what the caller must hear; leftovers are removed by the next run.
            let _ = restore.remove_built(layout);
        }
    }
}

impl Restore<'_> {
    /// Builds every member under a temporary name, complete and synced, in one pass over the source.
    ///
    /// What an earlier run with the same id left behind is removed first.
    ///
    /// # Errors
    /// [`RestoreError`]; nothing of this run is left then.
    pub fn build(&self) -> Result<Built, RestoreError> {
        self.discard()?;
        let layout = self.layout()?;
        self.check_vacant(&layout)?;
        let shown = &layout.units[0].shown;
        let mut unfinished = Unfinished {
            of: Some((self, &layout)),
            spare: self
                .disk()
                .act(Act::Open, shown, || reserve_open_files(SPARE_FILES))?,
        };
        let built = self.build_all(&layout)?;
        unfinished.of = None;
        Ok(built)
    }

    fn build_all(&self, layout: &Layout) -> Result<Built, RestoreError> {
        let mut held = Vec::new();
        for unit in &layout.units {
            held.push(self.make_unit(unit)?);
        }
        let mut files = Vec::new();
        for place in &layout.members {
            let snap = self.make_within(layout, &held, &place.snap)?;
            let wal = self.make_within(layout, &held, &place.wal)?;
            let shown = format!("{}/db", snap.1);
            let database = self.disk().make_file(&snap.0, "db", 0o600, shown)?;
            files.push(Files {
                database,
                snap,
                wal,
            });
        }
        let (inspection, image_size) = self.copy(&files)?;
        let edit = self.edit(&files, image_size)?;
        self.write_raft_files(layout, &files)?;
        self.sync(layout, &held, &files)?;
        self.check_databases(&files)?;
        self.check_cancel()?;
        for unit in &layout.units {
            self.disk().rename(
                &unit.parent,
                &unit.name_at(At::Part),
                &unit.name_at(At::Ready),
                &unit.shown_at(At::Ready),
            )?;
            self.disk().sync_folder(&unit.parent, &unit.shown)?;
        }
        Ok(Built { inspection, edit })
    }

    /// Makes a unit's folder, and says whose it is before anything is in it. It is held until this restore is let
    /// go, however that ends.
    fn make_unit(&self, unit: &Unit) -> Result<Dir, RestoreError> {
        let shown = unit.shown_at(At::Part);
        if unit.kind == Kind::WalFile {
            return self
                .disk()
                .act(Act::Open, &shown, || unit.parent.try_clone());
        }
        let folder = self
            .disk()
            .make_folder(&unit.parent, &unit.name_at(At::Part), &shown)?;
        let Some(lock) = self.disk().lock(&folder, &shown)? else {
            return Err(RestoreError::Busy(shown));
        };
        self.hold(lock);
        self.disk().act(Act::MakeFile, &shown, || {
            mark::write(&folder, self.order.id)
        })?;
        Ok(folder)
    }

    /// Makes the folders down to a place, those that are not there yet.
    fn make_within(
        &self,
        layout: &Layout,
        units: &[Dir],
        within: &Within,
    ) -> Result<(Dir, String), RestoreError> {
        let unit = &layout.units[within.unit];
        let mut shown = match unit.kind {
            Kind::Folder => unit.shown_at(At::Part),
            Kind::WalFile => unit.folder_shown(),
        };
        let mut folder = self
            .disk()
            .act(Act::Open, &shown, || units[within.unit].try_clone())?;
        for name in &within.path {
            shown = format!("{shown}/{name}");
            folder = if folder.exists(name) {
                self.disk()
                    .act(Act::Open, &shown, || folder.open_dir(name))?
            } else {
                self.disk().make_folder(&folder, name, &shown)?
            };
        }
        Ok((folder, shown))
    }

    /// The pass: proves the source and writes its image to every member.
    fn copy(&self, files: &[Files]) -> Result<(Inspection, u64), RestoreError> {
        let Order {
            source_name,
            request,
            ..
        } = self.order;
        let source = self.source()?;
        let unreadable = |why: edit::EditError| RestoreError::Unreadable {
            name: source_name.to_owned(),
            why,
        };
        let before = self.source_metadata()?;
        let total = before.len();
        let random = self
            .disk()
            .act(Act::Read, source_name, || FileSource::new(source))?;
        let base_name = source_name.rsplit('/').next().unwrap_or(source_name);
        if let Some(what) = recognise(&random, base_name).map(snapshot_needed) {
            return Err(RestoreError::Recognised {
                name: source_name.to_owned(),
                what: Box::new(what),
            });
        }
        let database = Database::open(&random).map_err(|error| unreadable(error.into()))?;
        let (start, present) = (database.start(), database.present_size());
        // Missing pages that are in use make the file refused below, when all of it was read.
        let image_size = database.meta().logical_size();
        for file in files {
            self.disk().reserve(&file.database, present)?;
        }

        let mut scanner = Scanner::new(Options {
            hash: false,
            hash_kv: false,
            prefixes: false,
        });
        let mut hasher = Hasher::new();
        let mut consumers: Vec<Consumer<'_>> = vec![Box::new(|_, bytes| {
            hasher.feed(bytes);
            Ok(())
        })];
        for file in files {
            consumers.push(Box::new(move |offset, bytes| {
                self.check_cancel()?;
                match image_part(offset, bytes, start, present) {
                    Some((at, part)) => self.disk().write(&file.database, part, at),
                    None => Ok(()),
                }
            }));
        }
        self.pass(
            source,
            total,
            Stage::Copy,
            |bytes| scanner.feed(bytes),
            consumers,
        )?;
        let scan = scanner.finish().with_digests(hasher.finish());

        let after = self.source_metadata()?;
        let stamp = |metadata: &Metadata| (metadata.len(), metadata.mtime(), metadata.mtime_nsec());
        if stamp(&before) != stamp(&after) {
            return Err(RestoreError::SourceChanged(source_name.to_owned()));
        }
        let inspection = inspect_as_etcd(scan, source_name, &random);
        let found = &inspection.file.sha256;
        if !request.snapshot.is_empty() && request.snapshot != *found {
            return Err(RestoreError::OtherSource {
                name: source_name.to_owned(),
                found: found.clone(),
                wanted: request.snapshot.clone(),
            });
        }
        self.judge(&inspection)?;
        Ok((inspection, image_size))
    }

    /// Refuses a file that the check refuses, now that all of it was read.
    fn judge(&self, inspection: &Inspection) -> Result<(), RestoreError> {
        let request = requorum_shared::etcd::recovery::restore::RestoreRequest {
            snapshot: inspection.file.sha256.clone(),
            ..self.order.request.clone()
        };
        let observation = Observation {
            source: SourceFacts::from(inspection),
            target: TargetFacts {
                place: String::new(),
                root_known: true,
                state: TargetState::Missing,
                free_bytes: None,
            },
            cluster: String::new(),
        };
        let report = check_file(&request, &observation);
        if report.blocks() {
            return Err(RestoreError::Refused(report));
        }
        Ok(())
    }

    fn source_metadata(&self) -> Result<Metadata, RestoreError> {
        let name = self.order.source_name;
        let source = self.source()?;
        self.disk().act(Act::Read, name, || source.metadata())
    }

    /// Turns the copies of the image into the members' databases.
    fn edit(&self, files: &[Files], image_size: u64) -> Result<Edit, RestoreError> {
        let name = self.order.source_name;
        let Some(first) = files.first() else {
            return Err(RestoreError::NoSuchMember(String::new()));
        };
        // Read from what was written, which is what was proven: the source may change from now on.
        let copy = self.disk().act(Act::Read, &first.database.shown, || {
            FileSource::new(&first.database.file)
        })?;
        let unreadable = |why: edit::EditError| RestoreError::Unreadable {
            name: name.to_owned(),
            why,
        };
        let database = Database::open(&copy).map_err(|error| unreadable(error.into()))?;
        if database.meta().logical_size() != image_size {
            return Err(RestoreError::SourceChanged(name.to_owned()));
        }
        let edit = edit::edit(&database, &self.cluster, self.order.request).map_err(unreadable)?;
        for file in files {
            self.disk().set_length(&file.database, edit.database_size)?;
            for patch in &edit.patches {
                self.disk()
                    .write(&file.database, &patch.bytes, patch.offset)?;
            }
        }
        Ok(edit)
    }

    fn write_raft_files(&self, layout: &Layout, files: &[Files]) -> Result<(), RestoreError> {
        let version = self.order.request.target_version;
        let disk = self.disk();
        let snapshot = raft_snapshot::file(&self.cluster, version);
        let snapshot_name = raft_snapshot::file_name(&self.cluster);
        for (place, file) in layout.members.iter().zip(files) {
            self.check_cancel()?;
            let (folder, shown) = &file.snap;
            let path = format!("{shown}/{snapshot_name}");
            let output = disk.make_file(folder, &snapshot_name, 0o644, path)?;
            disk.write(&output, &snapshot, 0)?;
            disk.sync_file(&output)?;

            let (folder, shown) = &file.wal;
            let unit = &layout.units[place.wal.unit];
            let name = match unit.kind {
                Kind::Folder => wal::FILE_NAME.to_owned(),
                Kind::WalFile => unit.name_at(At::Part),
            };
            let path = format!("{shown}/{name}");
            let output = disk.make_file(folder, &name, 0o600, path)?;
            let records = wal::records(&self.cluster, &place.member, version.into());
            disk.set_length(&output, wal::FILE_SIZE)?;
            disk.write(&output, &records, 0)?;
            disk.sync_file(&output)?;
        }
        Ok(())
    }

    /// Waits until databases and folders are on the disk, the deepest folders first.
    fn sync(&self, layout: &Layout, units: &[Dir], files: &[Files]) -> Result<(), RestoreError> {
        let total = files.len() as u64;
        let tell = |done| {
            (self.watch.progress)(super::Progress {
                stage: Stage::Sync,
                done,
                total,
            });
        };
        tell(0);
        let disk = self.disk();
        for (done, file) in (1..).zip(files) {
            self.check_cancel()?;
            disk.sync_file(&file.database)?;
            tell(done);
        }
        for (place, file) in layout.members.iter().zip(files) {
            for (within, (folder, shown)) in [(&place.snap, &file.snap), (&place.wal, &file.wal)] {
                disk.sync_folder(folder, shown)?;
                // The folders between it and its unit.
                let mut path = within.path.clone();
                while path.pop().is_some() && !path.is_empty() {
                    let shown = path.join("/");
                    let between = disk.act(Act::Open, &shown, || {
                        units[within.unit].open_dir(path.join("/"))
                    })?;
                    disk.sync_folder(&between, &shown)?;
                }
            }
        }
        for (unit, folder) in layout.units.iter().zip(units) {
            disk.sync_folder(folder, &unit.shown)?;
        }
        Ok(())
    }

    /// Opens every database as a server would, before any of them gets its name.
    fn check_databases(&self, files: &[Files]) -> Result<(), RestoreError> {
        for file in files {
            let output = &file.database;
            let source = self
                .disk()
                .act(Act::Read, &output.shown, || FileSource::new(&output.file))?;
            let checks = verify::database(&source, &self.cluster, self.order.request);
            if let Some(check) = checks.iter().find(|check| check.outcome != Outcome::Pass) {
                return Err(RestoreError::Corrupt {
                    path: output.shown.clone(),
                    what: format!("{}: {}", check.name, check.evidence),
                });
            }
        }
        Ok(())
    }
}

/// The part of a chunk that belongs to the database, and its place there. The database lies where the metas say:
/// what is around it is a trailer, or nothing of worth.
pub(super) fn image_part(offset: u64, bytes: &[u8], start: u64, len: u64) -> Option<(u64, &[u8])> {
    let within = |at: u64| {
        let at = at.saturating_sub(offset);
        usize::try_from(at).map_or(bytes.len(), |at| at.min(bytes.len()))
    };
    let (from, to) = (within(start), within(start.saturating_add(len)));
    let part = bytes.get(from..to).filter(|part| !part.is_empty())?;
    Some((offset + from as u64 - start, part))
}

impl Source for FileSource<'_> {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), SourceError> {
        let len = out.len() as u64;
        if offset.checked_add(len).is_none_or(|end| end > self.size) {
            return Err(SourceError::OutOfBounds {
                offset,
                len,
                size: self.size,
            });
        }
        std::os::unix::fs::FileExt::read_exact_at(self.file, out, offset).map_err(|error| {
            SourceError::Read {
                offset,
                message: error.to_string(),
            }
        })
    }
}
