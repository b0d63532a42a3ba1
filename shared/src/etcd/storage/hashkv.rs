//! HashKV: a checksum of the key space at a revision, by which members are compared (spec 3.5).
//!
//! Computed by random access over bucket `key`, in two passes, as a server of 3.4.34, 3.5.16, 3.6 or later
//! does. Nothing is written and no pending compaction is run.

use crc32c::{crc32c, crc32c_append};
use hashbrown::{HashMap, HashSet};
use thiserror::Error;

use sha2::{Digest as _, Sha256};

use crate::bbolt::{self, Bucket, Database, Entry};

use super::inspection::HashKv;
use super::schema::{self, KeyValue, LongKeyValue, Revision};

/// Bytes of a user key up to which it is held as it is.
const MAX_HELD_KEY: u64 = 4 << 20;
/// Bytes of a longer one that are read at once.
const PIECE: usize = 256 << 10;

/// Why there is no HashKV.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HashKvError {
    /// The file cannot be read.
    #[error("{0}")]
    Read(#[from] bbolt::Error),
    /// There is no bucket `key`.
    #[error("the file has no bucket `key`")]
    NoKeys,
    /// A key of the bucket is no revision.
    #[error("page {page} holds a key that is not a revision (at offset {offset:#x})")]
    Revision {
        /// Where.
        page: u64,
        /// Byte of the file.
        offset: u64,
    },
    /// A value of the bucket is no KeyValue.
    #[error("page {page} holds a value that cannot be decoded: {source} (at offset {offset:#x})")]
    Value {
        /// Where.
        page: u64,
        /// Byte of the file.
        offset: u64,
        /// What is wrong with it.
        source: schema::WireError,
    },
    /// Older than the compact revision.
    #[error("revision {wanted} has been compacted; the oldest is {compact}")]
    Compacted {
        /// As asked for.
        wanted: i64,
        /// The compact revision.
        compact: i64,
    },
    /// Newer than the store.
    #[error("revision {wanted} is a future revision; the newest is {current}")]
    Future {
        /// As asked for.
        wanted: i64,
        /// The store's revision.
        current: i64,
    },
}

/// Where a store's history starts and ends (spec 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// `meta/finishedCompactRev`; -1 when never compacted.
    pub finished: i64,
    /// `meta/scheduledCompactRev`; -1 when there is none.
    pub scheduled: i64,
}

impl Marks {
    /// The compact revision that a server adopts.
    pub fn compact(self) -> i64 {
        self.finished.max(self.scheduled)
    }

    /// The store's revision, with this last revision in bucket `key`.
    pub fn current(self, last: i64) -> i64 {
        last.max(self.finished).max(self.scheduled).max(1)
    }

    /// Reads both from bucket `meta`.
    ///
    /// # Errors
    /// What is wrong with the pages on the way.
    pub fn read(database: &Database<'_>) -> Result<Self, bbolt::Error> {
        let meta = database.bucket(schema::META)?;
        let mark = |name| -> Result<i64, bbolt::Error> {
            let value = match &meta {
                Some(meta) => meta.get(name)?,
                None => None,
            };
            let revision = value.as_deref().and_then(Revision::parse);
            Ok(revision.map_or(-1, |revision| revision.main))
        };
        Ok(Self {
            finished: mark(schema::FINISHED_COMPACT_REV)?,
            scheduled: mark(schema::SCHEDULED_COMPACT_REV)?,
        })
    }
}

/// HashKV at a revision; 0 asks for the newest.
///
/// # Errors
/// [`HashKvError::Compacted`] and [`HashKvError::Future`] as a server answers; the others for a damaged file.
pub fn hash_kv(database: &Database<'_>, revision: i64) -> Result<HashKv, HashKvError> {
    let marks = Marks::read(database)?;
    let keys = database.bucket(schema::KEY)?.ok_or(HashKvError::NoKeys)?;
    let current = marks.current(last_revision(&keys)?);
    let compact = marks.compact();
    let wanted = if revision == 0 { current } else { revision };
    if wanted < compact || wanted < 0 {
        return Err(HashKvError::Compacted { wanted, compact });
    }
    if wanted > current {
        return Err(HashKvError::Future { wanted, current });
    }
    let keep = keep(&keys, wanted, compact)?;
    let mut crc = crc32c(schema::KEY);
    each(&keys, |revision, entry| {
        let left_out = revision.main > wanted
            || keep.leaves_out(revision)
            || revision.main == compact && revision.tombstone;
        if !left_out {
            crc = crc32c_append(crc, entry.key);
            if !entry.is_bucket {
                entry
                    .value
                    .pieces(|piece| crc = crc32c_append(crc, piece))?;
            }
        }
        Ok(())
    })?;
    Ok(HashKv {
        hash: crc,
        hash_revision: wanted,
        compact_revision: compact,
    })
}

fn last_revision(keys: &Bucket<'_>) -> Result<i64, HashKvError> {
    let path = keys.rightmost_path()?;
    let Some(leaf) = path.last() else {
        return Ok(0);
    };
    let Some(last) = leaf.count().checked_sub(1) else {
        // The last leaf of a tree is empty only in odd files: go through all of it.
        let mut last = 0;
        each(keys, |revision, _| {
            last = revision.main;
            Ok(())
        })?;
        return Ok(last);
    };
    let element = leaf.element(last)?;
    let revision = Revision::parse(&leaf.key_of(&element)?).ok_or(HashKvError::Revision {
        page: leaf.id(),
        offset: leaf.offset_of(&element),
    })?;
    Ok(revision.main)
}

/// Calls with revision and entry, in order.
fn each(
    keys: &Bucket<'_>,
    mut f: impl FnMut(Revision, &Entry<'_>) -> Result<(), HashKvError>,
) -> Result<(), HashKvError> {
    let mut cursor = keys.cursor();
    while let Some(entry) = cursor.next()? {
        let (page, offset) = (entry.page, entry.offset);
        let revision = Revision::parse(entry.key).ok_or(HashKvError::Revision { page, offset })?;
        f(revision, &entry)?;
    }
    Ok(())
}

/// The user key of an entry, in `scratch` where it is not in memory.
pub(super) fn user_key<'a>(
    entry: &Entry<'a>,
    scratch: &'a mut Vec<u8>,
) -> Result<&'a [u8], HashKvError> {
    let undecodable = |source| HashKvError::Value {
        page: entry.page,
        offset: entry.offset,
        source,
    };
    if entry.is_bucket {
        return Ok(&[]);
    }
    if let Some(value) = entry.value.held() {
        return Ok(KeyValue::decode(value).map_err(undecodable)?.key);
    }
    let read = |at, out: &mut [u8]| entry.value.read(at, out);
    let range = LongKeyValue::decode(entry.value.len(), read)?
        .map_err(undecodable)?
        .key;
    scratch.clear();
    if range.end - range.start <= MAX_HELD_KEY {
        // Limited by the line above.
        scratch.resize((range.end - range.start) as usize, 0);
        entry.value.read(range.start, scratch)?;
        return Ok(scratch);
    }
    // What tells it from others is enough, and no key of etcd is that long: its digest, and a mark.
    let mut hasher = Sha256::new();
    let mut piece = vec![0; PIECE];
    let mut at = range.start;
    while at < range.end {
        let len = usize::try_from(range.end - at).map_or(PIECE, |rest| rest.min(PIECE));
        entry.value.read(at, &mut piece[..len])?;
        hasher.update(&piece[..len]);
        at += len as u64;
    }
    scratch.extend_from_slice(b"sha256:");
    scratch.extend_from_slice(&hasher.finalize());
    Ok(scratch)
}

/// The revisions at or below the compact one that still count.
struct Keep {
    compact: i64,
    revisions: HashSet<(i64, i64), std::hash::RandomState>,
    /// Whether any revision is kept at all, above the compact one or below.
    any: bool,
}

impl Keep {
    fn leaves_out(&self, revision: Revision) -> bool {
        revision.main <= self.compact
            && self.any
            && !self.revisions.contains(&(revision.main, revision.sub))
    }
}

/// What is known of a user key while its revisions pass by in order: the generations of the reference's index,
/// reduced to what decides which revision counts.
#[derive(Debug, Clone, Copy, Default)]
struct History {
    /// Newest revision not above the wanted one, in the generation at hand.
    newest: Option<(i64, i64)>,
    /// The generation at hand has revisions.
    open: bool,
    /// The key was seen before.
    known: bool,
    /// An earlier generation decides; nothing that follows matters.
    decided: bool,
}

impl History {
    fn take(&mut self, revision: Revision, wanted: i64) {
        let first = !std::mem::replace(&mut self.known, true);
        if self.decided {
            return;
        }
        if !revision.tombstone {
            self.open = true;
            if revision.main <= wanted {
                self.newest = Some((revision.main, revision.sub));
            }
            return;
        }
        if !self.open && !first {
            // A tombstone of a key that is not there is ignored.
            return;
        }
        self.open = false;
        if revision.main < wanted {
            self.newest = None;
        } else {
            // The first generation that ends at or behind the wanted revision decides. If that revision is its
            // end, the key is deleted.
            self.decided = true;
            if revision.main == wanted {
                self.newest = None;
            }
        }
    }
}

fn keep(keys: &Bucket<'_>, wanted: i64, compact: i64) -> Result<Keep, HashKvError> {
    let mut keep = Keep {
        compact,
        revisions: HashSet::default(),
        any: false,
    };
    if compact < 0 {
        // Nothing is at or below it.
        return Ok(keep);
    }
    let mut histories: HashMap<Vec<u8>, History, std::hash::RandomState> = HashMap::default();
    let mut scratch = Vec::new();
    each(keys, |revision, entry| {
        let key = user_key(entry, &mut scratch)?;
        match histories.get_mut(key) {
            Some(history) => history.take(revision, wanted),
            None => {
                let mut history = History::default();
                history.take(revision, wanted);
                histories.insert(key.to_vec(), history);
            }
        }
        Ok(())
    })?;
    for newest in histories.values().filter_map(|history| history.newest) {
        keep.any = true;
        if newest.0 <= compact {
            keep.revisions.insert(newest);
        }
    }
    Ok(keep)
}
