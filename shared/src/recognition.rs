//! What a file is that is no sound etcd snapshot: packed, encrypted, foreign, cut off or translated on its way.
//!
//! One recogniser for command line, page and upload, so that all three use the same words. It looks before anything
//! else does, reads a bounded part of the file, and unpacks a bounded part of an archive: enough to say what is in
//! it, too little for a bomb to matter. What it returns is about the whole file; `None` means that the file may be
//! an etcd database, sound or damaged, or is nothing that is known here.

mod archive;
mod bolt;
mod checked;
mod etcd_files;
mod frames;
mod gzip;
mod inflate;
mod inside;
mod magic;
mod tar;
mod text;
mod translated;
mod zip;

pub(crate) use crate::number::grouped;
use serde::{Deserialize, Serialize};

use crate::bbolt::{Database, ErrorKind};
use crate::finding::Finding;
use crate::source::Source;

/// Bytes from the beginning of a file that are looked at for its kind.
const HEAD: usize = 4096;
/// Archives within archives that are looked into.
const MAX_DEPTH: u8 = 3;

/// A file that was recognized as something else than a sound etcd snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recognized {
    /// A stable name for programs: `zip`, `gzip`, `etcd-wal`.
    pub code: String,
    /// What it is, with its article: `a ZIP archive`.
    pub label: String,
    /// Whether all of it is there, and readable.
    pub state: State,
    /// The headline, one sentence.
    pub sentence: String,
    /// What is inside, and how that is known; sentences, possibly none.
    pub inside: String,
    /// What to do, one sentence.
    pub todo: String,
    /// Whether it is an etcd database that lost a part, as opposed to something else.
    pub etcd: bool,
}

/// Whether all of a recognized file is there, and can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its end was found where it belongs.
    Complete,
    /// It ends too early.
    CutOff,
    /// It cannot be read without a key.
    Encrypted,
    /// All of it may be there, and its bytes were changed.
    Damaged,
    /// Not told by what was looked at.
    Unknown,
}

impl Recognized {
    /// Something that is not of etcd, or not its database.
    fn other(code: &str, label: impl Into<String>, state: State) -> Self {
        let label = label.into();
        let sentence = match state {
            State::CutOff => format!("This is {label} that was cut off, not an etcd snapshot."),
            State::Damaged => format!("This is {label}, damaged, not an etcd snapshot."),
            State::Complete | State::Encrypted | State::Unknown => {
                format!("This is {label}, not an etcd snapshot.")
            }
        };
        Self {
            code: code.to_owned(),
            label,
            state,
            sentence,
            inside: String::new(),
            todo: String::new(),
            etcd: false,
        }
    }

    #[must_use]
    fn inside(mut self, inside: impl Into<String>) -> Self {
        self.inside = inside.into();
        self
    }

    #[must_use]
    fn todo(mut self, todo: impl Into<String>) -> Self {
        self.todo = todo.into();
        self
    }

    /// As a finding that blocks, with the code `file.` and [`Recognized::code`].
    pub fn finding(&self) -> Finding {
        Finding::blocking(format!("file.{}", self.code), "file", &self.sentence)
            .because(&self.inside)
            .todo(&self.todo)
    }

    /// All that is to be said, one sentence after the other.
    pub fn words(&self) -> String {
        let parts = [&self.sentence, &self.inside, &self.todo];
        let said: Vec<&str> = parts
            .into_iter()
            .map(String::as_str)
            .filter(|part| !part.is_empty())
            .collect();
        said.join(" ")
    }
}

/// Looks at a file before anything else does. `name` is its name, without folders.
///
/// Reads a bounded part of it, except where its line ends may have been translated: then up to the first byte that
/// shows that they were not. What cannot be read is not recognized; the reading that follows reports it.
pub fn recognize(source: &dyn Source, name: &str) -> Option<Recognized> {
    recognize_at(source, name, 0)
}

fn recognize_at(source: &dyn Source, name: &str, depth: u8) -> Option<Recognized> {
    if source.size() == 0 {
        return Some(empty());
    }
    let head = read(source, 0, HEAD)?;
    match Database::open(source) {
        Ok(database) => {
            // A database that begins behind other bytes may be in an archive that is not packed.
            if database.start() > 0
                && let Some(archive) = archive::recognize(source, &head, depth)
            {
                return Some(archive);
            }
            return cut_off_on_save(&database, source.size(), name)
                .or_else(|| translated::shifted(source, database.meta()))
                .or_else(|| bolt::recognize(&database));
        }
        Err(error) if *error.kind() == ErrorKind::BigEndian => return None,
        Err(_) => {}
    }
    archive::recognize(source, &head, depth)
        .or_else(|| etcd_files::recognize(source, &head))
        .or_else(|| magic::recognize(&head))
        .or_else(|| translated::recognize(source, &head))
        .or_else(|| text::recognize(source, &head, depth))
        .or_else(|| checked::recognize(source))
}

fn empty() -> Recognized {
    Recognized {
        sentence: "This file is empty.".to_owned(),
        ..Recognized::other("empty", "an empty file", State::CutOff)
    }
    .inside(
        "Nothing was written to it: a full disk and a save that failed at once leave such files.",
    )
    .todo("Save or copy the snapshot again, and compare the sizes.")
}

/// A file that still has the name under which a snapshot is received, and less than all of its bytes.
fn cut_off_on_save(database: &Database<'_>, size: u64, name: &str) -> Option<Recognized> {
    let declared = database.meta().logical_size();
    (name.ends_with(".part") && size < declared).then(|| cut_off(size, declared, name))
}

/// A database that ends before its last page, as its meta pages declare it. Only its walk can tell whether anything
/// of value was on the pages that are missing.
pub fn cut_off(size: u64, declared: u64, name: &str) -> Recognized {
    let on_save = name.ends_with(".part");
    let when = if on_save { " while it was saved" } else { "" };
    let (size_text, declared_text) = (grouped(size), grouped(declared));
    let inside = if on_save {
        "A snapshot is called .part until all of it has arrived, then it gets its name."
    } else {
        "Its meta pages declare more pages than the file holds."
    };
    Recognized {
        sentence: format!(
            "This etcd database was cut off{when}: {size_text} of {declared_text} bytes are there."
        ),
        etcd: true,
        ..Recognized::other(
            "cut-off",
            "an etcd database that was cut off",
            State::CutOff,
        )
    }
    .inside(inside)
    .todo("Save the snapshot again, or get the complete file.")
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

/// A name from the file, cut and escaped, between backticks.
fn quoted(name: &[u8]) -> String {
    const LONGEST: usize = 80;
    let text = String::from_utf8_lossy(name);
    let cut: String = text.chars().take(LONGEST).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    format!("`{}{dots}`", crate::escape::value(&cut))
}

#[cfg(test)]
mod tests;
