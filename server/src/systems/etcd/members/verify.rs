//! Reading again all that was written, and comparing it with what it must be.

use std::fs::File;
use std::os::unix::fs::FileExt;

use requorum_shared::bbolt::Database;
use requorum_shared::etcd::recovery::restore::edit::{self, Edit};
use requorum_shared::etcd::recovery::restore::{checks, raft_snapshot, verify, wal};
use requorum_shared::finding::{Check, Outcome};
use requorum_shared::number::bytes;

use super::act::Act;
use super::build::image_part;
use super::dest::At;
use super::error::RestoreError;
use super::pass::Consumer;
use super::{FileSource, Order, Restore, Stage};

/// What of the source is in the result: this many bytes, from this byte on.
#[derive(Debug, Clone, Copy)]
struct Taken {
    start: u64,
    len: u64,
}

impl Restore<'_> {
    /// Compares every byte of the placed members with what it must be, given the source.
    ///
    /// # Errors
    /// [`RestoreError`] when something cannot be read; what differs is a failed check.
    pub fn verify(&self) -> Result<Vec<Check>, RestoreError> {
        let Order {
            source_name,
            request,
            ..
        } = self.order;
        let source = self.source()?;
        let layout = self.layout()?;
        let disk = self.disk();
        let random = disk.act(Act::Read, source_name, || FileSource::new(source))?;
        let unreadable = |why| RestoreError::Unreadable {
            name: source_name.to_owned(),
            why,
        };
        let database = Database::open(&random).map_err(|error| unreadable(error.into()))?;
        let edit = edit::edit(&database, &self.cluster, request).map_err(unreadable)?;
        let taken = Taken {
            start: database.start(),
            len: edit.image_size,
        };

        let mut seen = Vec::new();
        let mut databases = Vec::new();
        for place in &layout.members {
            let [(snap, shown), (wal, wal_shown)] = self.open_member(&layout, place, At::Placed)?;
            let name = &place.member.name;
            let open = |folder: &cap_std::fs::Dir, file: &str, shown: &str| {
                disk.act(Act::Open, &format!("{shown}/{file}"), || {
                    folder.open(file).map(cap_std::fs::File::into_std)
                })
            };
            let version = request.target_version;
            let records = wal::records(&self.cluster, &place.member, version.into());
            seen.push(same_file(
                checks::WAL,
                name,
                &open(&wal, wal::FILE_NAME, &wal_shown)?,
                &records,
                wal::FILE_SIZE,
            ));
            let snapshot = raft_snapshot::file(&self.cluster, version);
            seen.push(same_file(
                checks::SNAP,
                name,
                &open(&snap, &raft_snapshot::file_name(&self.cluster), &shown)?,
                &snapshot,
                snapshot.len() as u64,
            ));
            databases.push((name.clone(), open(&snap, "db", &shown)?));
        }
        for (name, file) in &databases {
            let copy = disk.act(Act::Read, name, || FileSource::new(file))?;
            for check in verify::database(&copy, &self.cluster, request) {
                seen.push(check.of_part(name));
            }
        }
        seen.extend(self.compare_databases(&databases, &edit, taken)?);
        // In the order of the request, whatever the order of the ids in which they lie.
        let names = request.member_names();
        let place = |check: &Check| {
            names
                .iter()
                .position(|name| check.part.as_ref() == Some(name))
        };
        seen.sort_by_key(place);
        Ok(seen)
    }

    /// Every byte of every database against the source and the edit, in one pass over the source.
    fn compare_databases(
        &self,
        databases: &[(String, File)],
        edit: &Edit,
        taken: Taken,
    ) -> Result<Vec<Check>, RestoreError> {
        let mut differences: Vec<Option<u64>> = vec![None; databases.len()];
        let consumers: Vec<Consumer<'_>> = databases
            .iter()
            .zip(&mut differences)
            .map(|((_, file), difference)| -> Consumer<'_> {
                let mut buffer = Vec::new();
                Box::new(move |offset, bytes| {
                    let part = image_part(offset, bytes, taken.start, taken.len);
                    if let Some((offset, wanted)) = part.filter(|_| difference.is_none()) {
                        buffer.resize(wanted.len(), 0);
                        *difference = compare(file, offset, wanted, &mut buffer, edit);
                    }
                    Ok(())
                })
            })
            .collect();
        self.pass(
            self.source()?,
            taken.start + taken.len,
            Stage::Verify,
            |_| {},
            consumers,
        )?;
        Ok(databases
            .iter()
            .zip(differences)
            .map(|((name, file), difference)| {
                let length = file.metadata().map_or(0, |metadata| metadata.len());
                let difference = difference.or_else(|| compare_patches(file, edit));
                let title = checks::PAGES;
                let check = match difference {
                    Some(offset) => Check::new(
                        title,
                        Outcome::Fail,
                        format!("The byte at offset {offset} differs."),
                    ),
                    None if length != edit.database_size => Check::new(
                        title,
                        Outcome::Fail,
                        format!(
                            "It has {}; it must have {}.",
                            bytes(length),
                            bytes(edit.database_size)
                        ),
                    ),
                    None => Check::new(
                        title,
                        Outcome::Pass,
                        format!("{} were read again and compared.", bytes(length)),
                    ),
                };
                check.of_part(name)
            })
            .collect())
    }
}

/// The first byte of the image that is not the source's, what the edit replaces left aside.
fn compare(file: &File, offset: u64, wanted: &[u8], buffer: &mut [u8], edit: &Edit) -> Option<u64> {
    if file.read_exact_at(buffer, offset).is_err() {
        return Some(offset);
    }
    if buffer == wanted {
        return None;
    }
    let patched = |at: u64| {
        edit.patches
            .iter()
            .any(|patch| (patch.offset..patch.offset + patch.bytes.len() as u64).contains(&at))
    };
    (offset..)
        .zip(buffer.iter().zip(wanted))
        .find(|(at, (found, wanted))| found != wanted && !patched(*at))
        .map(|(at, _)| at)
}

fn compare_patches(file: &File, edit: &Edit) -> Option<u64> {
    edit.patches.iter().find_map(|patch| {
        let mut found = vec![0; patch.bytes.len()];
        let read = file.read_exact_at(&mut found, patch.offset);
        (read.is_err() || found != patch.bytes).then_some(patch.offset)
    })
}

/// Whether a file is `start` and zeros up to `length`.
fn same_file(title: &str, member: &str, file: &File, start: &[u8], length: u64) -> Check {
    let fail = |what: String| Check::new(title, Outcome::Fail, what).of_part(member);
    let found = file.metadata().map_or(0, |metadata| metadata.len());
    if found != length {
        return fail(format!(
            "It has {}; it must have {}.",
            bytes(found),
            bytes(length)
        ));
    }
    let nothing = vec![0; 1 << 20];
    let mut buffer = nothing.clone();
    let mut offset = 0;
    while offset < length {
        let len =
            usize::try_from(length - offset).map_or(buffer.len(), |rest| rest.min(buffer.len()));
        let chunk = &mut buffer[..len];
        if let Err(error) = file.read_exact_at(chunk, offset) {
            return fail(format!("It cannot be read at offset {offset}: {error}."));
        }
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|offset| start.get(offset..))
            .unwrap_or_default();
        let (written, zeros) = chunk.split_at(rest.len().min(len));
        if !rest.starts_with(written) || *zeros != nothing[..zeros.len()] {
            return fail(format!(
                "It differs within the {} from offset {offset}.",
                bytes(len as u64)
            ));
        }
        offset += len as u64;
    }
    Check::new(
        title,
        Outcome::Pass,
        format!("{} were read again and compared.", bytes(length)),
    )
    .of_part(member)
}
