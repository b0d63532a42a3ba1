//! What a file is that no reader is for: packed, encrypted, of another program, cut off or translated on its way. The
//! kinds that have a reader of their own are told by [`crate::kinds`], which calls this.
//!
//! One recogniser for command line, page and upload, so that all three use the same words. It looks before anything
//! else does, reads a bounded part of the file, and unpacks a bounded part of an archive: enough to say what is in
//! it, too little for a bomb to matter. What it returns is about the whole file; `None` means that the file may be
//! an etcd database, sound or damaged, or is nothing that is known here. It says what the file is and not what it is
//! not: [`crate::etcd::needed`] speaks where an etcd snapshot is needed.

mod archive;
mod bolt;
mod checked;
mod frames;
mod gzip;
mod inflate;
mod inside;
mod magic;
mod tar;
mod text;
mod translated;
mod zip;

use crate::bbolt::{Database, ErrorKind};
use crate::etcd::storage::lost::cut_off;
use crate::inspection::{Recognised, State, quoted};
use crate::number::grouped;
use crate::source::Source;

/// Bytes from the beginning of a file that are looked at for its kind.
const HEAD: usize = 4096;
/// Archives within archives that are looked into.
const MAX_DEPTH: u8 = 3;

/// Looks at a file before anything else does. `name` is its name, without folders.
///
/// Reads a bounded part of it, except where its line ends may have been translated: then up to the first byte that
/// shows that they were not. What cannot be read is not recognised; the reading that follows reports it.
///
/// `told` tells the kinds that have a reader, also of what is in an archive.
pub fn recognise(source: &dyn Source, name: &str, told: Told) -> Option<Recognised> {
    recognise_at(source, name, Within { depth: 0, told })
}

/// Tells the kinds that have a reader of their own, by the file and its name.
pub type Told = fn(&dyn Source, &str) -> Option<Recognised>;

/// Where a file lies that is looked at.
#[derive(Debug, Clone, Copy)]
struct Within {
    /// Archives around it.
    depth: u8,
    told: Told,
}

/// Whether a file begins as an archive or a packed file, whatever is in it.
pub fn is_archive(source: &dyn Source) -> bool {
    let told: Told = |_, _| None;
    let depth = MAX_DEPTH;
    read(source, 0, HEAD)
        .is_some_and(|head| archive::recognise(source, &head, Within { depth, told }).is_some())
}

fn recognise_at(source: &dyn Source, name: &str, within: Within) -> Option<Recognised> {
    if source.size() == 0 {
        return Some(empty());
    }
    if let Some(told) = (within.told)(source, name) {
        return Some(told);
    }
    let head = read(source, 0, HEAD)?;
    match Database::open(source) {
        Ok(database) => {
            // A database that begins behind other bytes may be in an archive that is not packed.
            if database.start() > 0
                && let Some(archive) = archive::recognise(source, &head, within)
            {
                return Some(archive);
            }
            return cut_off_on_save(&database, source.size(), name)
                .or_else(|| translated::shifted(source, database.meta()))
                .or_else(|| bolt::recognise(&database));
        }
        Err(error) if *error.kind() == ErrorKind::BigEndian => return None,
        Err(_) => {}
    }
    archive::recognise(source, &head, within)
        .or_else(|| magic::recognise(&head))
        .or_else(|| translated::recognise(source, &head))
        .or_else(|| text::recognise(source, &head, within))
        .or_else(|| checked::recognise(source))
}

fn empty() -> Recognised {
    Recognised {
        sentence: "This file is empty.".to_owned(),
        ..Recognised::new("empty", "an empty file", State::CutOff)
    }
    .inside(
        "Nothing was written to it: a full disk and a save that failed at once leave such files.",
    )
    .todo("Save or copy it again, and compare the sizes.")
}

/// A file that still has the name under which a snapshot is received, and less than all of its bytes.
fn cut_off_on_save(database: &Database<'_>, size: u64, name: &str) -> Option<Recognised> {
    let declared = database.meta().logical_size();
    (name.ends_with(".part") && size < declared).then(|| cut_off(size, declared, name))
}

/// Up to `len` bytes at `offset`; `None` where they cannot be read.
fn read(source: &dyn Source, offset: u64, len: usize) -> Option<Vec<u8>> {
    let there = source.size().saturating_sub(offset);
    let len = usize::try_from(there).map_or(len, |there| there.min(len));
    let mut bytes = vec![0; len];
    source.read_at(offset, &mut bytes).ok()?;
    Some(bytes)
}

/// A part of a source, as a source.
struct Section<'s> {
    source: &'s dyn Source,
    start: u64,
    size: u64,
}

impl Source for Section<'_> {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), crate::source::SourceError> {
        let len = out.len() as u64;
        if offset.checked_add(len).is_none_or(|end| end > self.size) {
            return Err(crate::source::SourceError::OutOfBounds {
                offset,
                len,
                size: self.size,
            });
        }
        self.source.read_at(self.start.saturating_add(offset), out)
    }
}

#[cfg(test)]
mod tests;
