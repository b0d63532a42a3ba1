//! What the unpacked beginning of an archive's content is.

use super::{MAX_DEPTH, Recognised, grouped, recognise_at};
use crate::bbolt::{Database, Meta};
use crate::etcd::storage::schema;
use crate::source::Source;

/// Unpacked bytes that are kept to look at.
pub(super) const KEPT: usize = 256 << 10;

/// The beginning of a file, of which the rest is not unpacked.
pub(super) struct Beginning<'b> {
    pub(super) bytes: &'b [u8],
    /// The length of the whole file, where it is known.
    pub(super) size: Option<u64>,
    pub(super) name: &'b str,
    pub(super) depth: u8,
}

/// What was found.
pub(super) struct Found {
    /// `an etcd snapshot`, with its article.
    pub(super) label: String,
    /// Whether it is an etcd database.
    pub(super) etcd: bool,
    /// How long the file should be by what it says itself, trailer included.
    pub(super) declared: Option<u64>,
    /// What it was recognised as, where it is something else.
    pub(super) other: Option<Recognised>,
}

/// Looks at the beginning of a file.
pub(super) fn look(beginning: &Beginning<'_>) -> Option<Found> {
    if let Some(found) = etcd(beginning) {
        return Some(found);
    }
    if beginning.depth >= MAX_DEPTH || beginning.bytes.is_empty() {
        return None;
    }
    let other = recognise_at(&beginning.bytes, beginning.name, beginning.depth + 1)?;
    // Of a beginning nobody can say that its file was cut off.
    Some(Found {
        label: other.label.clone(),
        etcd: false,
        declared: None,
        other: Some(other),
    })
}

fn etcd(beginning: &Beginning<'_>) -> Option<Found> {
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
    let label = match (&key, snapshot) {
        (Some(None), _) => "a bbolt database, but not etcd's".to_owned(),
        (Some(Some(_)), false) if beginning.size == Some(image) => {
            "an etcd database without a trailer".to_owned()
        }
        (Some(Some(_)), _) | (None, true) => "an etcd snapshot".to_owned(),
        (None, false) => format!(
            "a bbolt database of {} bytes, as etcd snapshots are",
            grouped(image)
        ),
    };
    Some(Found {
        label,
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
