//! What the unpacked beginning of an archive's content is.

use super::{MAX_DEPTH, Recognised, Within, grouped, recognise_at};
use crate::bbolt::{Database, Meta};
use crate::etcd::storage::inspection::{ETCD_DB, ETCD_SNAPSHOT};
use crate::etcd::storage::schema;
use crate::inspection::Kind;
use crate::source::Source;

/// Unpacked bytes that are kept to look at.
pub(super) const KEPT: usize = 256 << 10;

/// The beginning of a file, of which the rest is not unpacked.
pub(super) struct Beginning<'b> {
    pub(super) bytes: &'b [u8],
    /// The length of the whole file, where it is known.
    pub(super) size: Option<u64>,
    pub(super) name: &'b str,
    pub(super) within: Within,
}

/// What was found.
pub(super) struct Found {
    /// `an etcd snapshot`, with its article.
    pub(super) label: String,
    /// What kind it is.
    pub(super) kind: Kind,
    /// Whether it is an etcd database.
    pub(super) etcd: bool,
    /// How long the file should be by what it says itself, trailer included.
    pub(super) declared: Option<u64>,
    /// What it was recognised as, where it is something else.
    pub(super) other: Option<Recognised>,
}

impl Found {
    /// Of the one or the largest entry of an archive.
    pub(super) fn sentence(&self) -> String {
        if self.etcd {
            format!("{} is in it.", capital(&self.label))
        } else {
            format!("That is {}.", self.label)
        }
    }
}

/// Looks at the beginning of a file.
pub(super) fn look(beginning: &Beginning<'_>) -> Option<Found> {
    let Beginning {
        bytes,
        name,
        within,
        ..
    } = *beginning;
    let told = || (within.told)(&bytes, name);
    if let Some(mut found) = database(beginning) {
        if let Some(other) = told().filter(|_| !found.etcd) {
            (found.label, found.kind) = (other.label.clone(), other.kind());
            found.other = Some(other);
        }
        return Some(found);
    }
    if within.depth >= MAX_DEPTH || bytes.is_empty() {
        return None;
    }
    let deeper = Within {
        depth: within.depth + 1,
        ..within
    };
    let other = recognise_at(&bytes, name, deeper)?;
    // Of a beginning nobody can say that its file was cut off.
    Some(Found {
        label: other.label.clone(),
        kind: other.kind(),
        etcd: false,
        declared: None,
        other: Some(other),
    })
}

fn database(beginning: &Beginning<'_>) -> Option<Found> {
    const TRAILER: u64 = 32;
    let bytes = beginning.bytes;
    let meta = Meta::parse(bytes)
        .or_else(|_| Meta::parse(bytes.get(4096..).unwrap_or_default()))
        .ok()?;
    let image = meta.logical_size();
    let snapshot = beginning.size == Some(image + TRAILER);
    let source: &dyn Source = &bytes;
    let key = Database::open(source)
        .ok()
        .and_then(|database| database.bucket(schema::KEY).ok());
    let (kind, label) = match (&key, snapshot) {
        (Some(None), _) => (Kind::BBOLT, "a bbolt database, but not etcd's".to_owned()),
        (Some(Some(_)), false) if beginning.size == Some(image) => {
            (ETCD_DB, "an etcd database without a trailer".to_owned())
        }
        (Some(Some(_)), _) | (None, true) => (ETCD_SNAPSHOT, "an etcd snapshot".to_owned()),
        (None, false) => {
            let size = grouped(image);
            let label = format!("a bbolt database of {size} bytes, as etcd snapshots are");
            (Kind::BBOLT, label)
        }
    };
    Some(Found {
        label,
        kind,
        etcd: !matches!(key, Some(None)),
        declared: Some(image + TRAILER),
        other: None,
    })
}

/// Upper case at the beginning of a sentence.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
