//! HashKV: a checksum of the key space at a revision, by which members are compared (spec 3.5).
//!
//! Computed by random access over bucket `key`, in two passes, as a server of 3.4.34, 3.5.16, 3.6 or later
//! does. Nothing is written and no pending compaction is run.

use crc32c::{crc32c, crc32c_append};
use hashbrown::{HashMap, HashSet};
use thiserror::Error;

use crate::bbolt::{self, Bucket, Database};

use super::inspection::HashKv;
use super::schema::{self, KeyValue, Revision};

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
    #[error("page {page} holds a key that is no revision (at offset {offset:#x})")]
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
    each(&keys, |revision, key, value, _| {
        let left_out = revision.main > wanted
            || keep.leaves_out(revision)
            || revision.main == compact && revision.tombstone;
        if !left_out {
            crc = crc32c_append(crc32c_append(crc, key), value);
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
    let Some(page) = path.last() else {
        return Ok(0);
    };
    let leaf = page.page()?.leaf()?;
    let Some(last) = leaf.count().checked_sub(1) else {
        // The last leaf of a tree is empty only in odd files: go through all of it.
        let mut last = 0;
        each(keys, |revision, _, _, _| {
            last = revision.main;
            Ok(())
        })?;
        return Ok(last);
    };
    let element = leaf.get(last)?;
    let revision = Revision::parse(element.key).ok_or(HashKvError::Revision {
        page: leaf.page().id(),
        offset: element.offset,
    })?;
    Ok(revision.main)
}

/// Calls with revision, key, value and place of every entry, in order.
fn each(
    keys: &Bucket<'_>,
    mut f: impl FnMut(Revision, &[u8], &[u8], (u64, u64)) -> Result<(), HashKvError>,
) -> Result<(), HashKvError> {
    let mut cursor = keys.cursor();
    while let Some(entry) = cursor.next()? {
        let (page, offset) = (entry.page, entry.offset);
        let revision = Revision::parse(entry.key).ok_or(HashKvError::Revision { page, offset })?;
        let value = if entry.is_bucket { &[] } else { entry.value };
        f(revision, entry.key, value, (page, offset))?;
    }
    Ok(())
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
    each(keys, |revision, _, value, (page, offset)| {
        let kv = KeyValue::decode(value).map_err(|source| HashKvError::Value {
            page,
            offset,
            source,
        })?;
        match histories.get_mut(kv.key) {
            Some(history) => history.take(revision, wanted),
            None => {
                let mut history = History::default();
                history.take(revision, wanted);
                histories.insert(kv.key.to_vec(), history);
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
