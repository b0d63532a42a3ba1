//! What etcd's own tools make of a file that is restored here: some that are sound for a restore they refuse, or crash
//! on.

use serde::{Deserialize, Serialize};

use super::{path_word, quote};
use crate::etcd::storage::inspection::Inspection;
use crate::etcd::storage::trailer::TRAILER_SIZE;
use crate::finding::Outcome;
use crate::inspection::PartName;

/// What etcd's own tools need to restore a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum NativeSource {
    /// The file as it is.
    #[default]
    AsItIs,
    /// A part of it: they refuse a file with bytes around the snapshot.
    Cut {
        /// Bytes in front of the snapshot.
        start: u64,
        /// The snapshot's own bytes, trailer included.
        size: u64,
    },
    /// Another file: no command of theirs restores this one.
    Unfit {
        /// Why.
        why: Unfit,
    },
}

/// Why etcd's own tools do not restore a file that is restored here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unfit {
    /// They crash on its stored freelist.
    UnusableFreelist,
    /// They believe its stored freelist, which is wrong.
    WrongFreelist,
    /// They crash on pairs beside its buckets.
    PlainPairs,
    /// They refuse bytes in front of it, and where it ends is not known.
    BytesBefore,
}

impl Unfit {
    /// A word for it, as JSON has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::UnusableFreelist => "unusable-freelist",
            Self::WrongFreelist => "wrong-freelist",
            Self::PlainPairs => "plain-pairs",
            Self::BytesBefore => "bytes-before",
        }
    }

    /// For people, as the end of a sentence.
    pub fn why(self) -> &'static str {
        match self {
            Self::UnusableFreelist => "they crash on its stored freelist",
            Self::WrongFreelist => {
                "they rely on its stored freelist, which is wrong, and may overwrite data in use"
            }
            Self::PlainPairs => "they crash on the plain pairs in its root bucket",
            Self::BytesBefore => "they refuse a file with bytes in front of its database",
        }
    }
}

/// Findings of a file that a restore here does not mind, and that etcd's tools do.
const UNFIT: [(&str, Unfit); 6] = [
    ("freelist.unusable", Unfit::UnusableFreelist),
    ("freelist.in-use", Unfit::WrongFreelist),
    ("freelist.reachable", Unfit::WrongFreelist),
    ("freelist.out-of-bounds", Unfit::WrongFreelist),
    ("freelist.duplicate", Unfit::WrongFreelist),
    ("bucket.plain-in-root", Unfit::PlainPairs),
];

impl NativeSource {
    /// Whether nothing has to be done to the file first.
    pub fn is_as_it_is(&self) -> bool {
        *self == Self::AsItIs
    }
}

impl From<&Inspection> for NativeSource {
    fn from(inspection: &Inspection) -> Self {
        let find = |code: &str| inspection.report.find(code);
        if let Some((_, why)) = UNFIT.iter().find(|(code, _)| find(code).is_some()) {
            return Self::Unfit { why: *why };
        }
        let (before, after) = (find("file.bytes-before"), find("file.bytes-after"));
        if before.is_none() && after.is_none() {
            return Self::AsItIs;
        }
        // What is behind begins where the snapshot ends, and the snapshot is as long as its meta page and trailer say.
        let end = after
            .and_then(|finding| finding.place?.offset)
            .unwrap_or(inspection.file.size);
        let details = &inspection.details;
        let size = details
            .high_water_mark
            .saturating_mul(u64::from(details.page_size))
            .saturating_add(TRAILER_SIZE as u64);
        match end.checked_sub(size) {
            Some(start) if inspection.verdict.outcome(PartName::Checksum) == Outcome::Pass => {
                Self::Cut { start, size }
            }
            // Without a trailer that matches it is not known where the file's own bytes end.
            _ => Self::Unfit {
                why: Unfit::BytesBefore,
            },
        }
    }
}

/// Writes a part of a file to another one, in a POSIX shell.
pub(super) fn cut_command(file: &str, start: u64, size: u64, into: &str) -> String {
    let [file, into] = [file, into].map(|path| quote(&path_word(path)));
    match start {
        0 => format!("head -c {size} {file} > {into}"),
        _ => format!("tail -c +{} {file} | head -c {size} > {into}", start + 1),
    }
}
