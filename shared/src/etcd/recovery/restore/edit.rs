//! What a restore changes in the database: pages behind the high-water mark, and a meta page (spec 4.5, 4.8).
//!
//! Nothing that exists is overwritten but metas, so the result is the source's image with a few bytes patched
//! and a few pages longer. All members get the same database.

mod append;
mod small;

use thiserror::Error;

use super::cluster::Cluster;
use super::{RestoreRequest, bump};
use crate::bbolt::limits::{MAX_BUCKETS, MAX_SMALL_BUCKET};
use crate::bbolt::meta::{META_OFFSET, NO_FREELIST};
use crate::bbolt::write::{Appended, Item, WriteError};
use crate::bbolt::{self, Bucket, Database, ErrorKind, Meta, PageHeader, PageType};
use crate::etcd::storage::hashkv::Marks;
use crate::number::{grouped, signed};

/// The difference between the source's image and the restored database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// How many bytes of the source's database are taken: all whole pages that are there, up to the high-water mark.
    pub image_size: u64,
    /// The length of the restored database.
    pub database_size: u64,
    /// What is written over and behind the image, by ascending offset.
    pub patches: Vec<Patch>,
    /// The newest revision in the source.
    pub last_revision: i64,
    /// The compaction that the source records, pending or done; -1 for none.
    pub compact_revision: i64,
    /// The revision that it was raised to, where it was.
    pub raised: Option<i64>,
    /// Top-level buckets whose content is as it was.
    pub untouched: Vec<Vec<u8>>,
    /// Top-level buckets that were rewritten or added.
    pub touched: Vec<Vec<u8>>,
}

impl Edit {
    /// The revision that a server starts at: the newest in the restored database, or the compaction's where that is
    /// newer; 1 where there is neither.
    pub fn start_revision(&self) -> i64 {
        let newest = self.raised.unwrap_or(self.last_revision);
        newest.max(self.compact_revision).max(1)
    }
}

/// Bytes at a place of the restored database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// From the start of the file.
    pub offset: u64,
    /// What stands there.
    pub bytes: Vec<u8>,
}

/// Why the edit cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EditError {
    /// A page that the edit needs is damaged.
    #[error(transparent)]
    Damaged(#[from] bbolt::Error),
    /// The new pages cannot be laid out.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A bucket that every etcd has is missing.
    #[error("the database has no bucket {0}: it is not etcd's")]
    MissingBucket(&'static str),
    /// A key in bucket `key` that is no revision.
    #[error("the last key of bucket key is not a revision: {0}")]
    NotARevision(String),
    /// The raised revision does not exist.
    #[error("revision {} bumped by {} exceeds the largest revision", signed(*last), grouped(*bump))]
    Overflow {
        /// The newest in the file.
        last: i64,
        /// By how much it was to be raised.
        bump: u64,
    },
}

/// The edit of `database` that makes it the one that every member of `cluster` starts with.
///
/// # Errors
/// [`EditError`]; nothing is known to be changed then, because nothing is written here.
pub fn edit(
    database: &Database<'_>,
    cluster: &Cluster,
    request: &RestoreRequest,
) -> Result<Edit, EditError> {
    let meta = *database.meta();
    // Where the last pages are not in the file, the check has found that none is in use: the database ends before
    // them.
    let first = (database.present_size() / u64::from(meta.page_size)).min(meta.hwm);
    let mut pages = Appended::new(meta.page_size, first);
    let mut root = items(&database.root())?;
    let key = database
        .bucket(b"key")?
        .ok_or(EditError::MissingBucket("key"))?;
    let last_revision = last_revision(&key)?;
    let raised = match request.bump_revision {
        0 => None,
        bump => Some(
            bump::raised(last_revision, bump).ok_or(EditError::Overflow {
                last: last_revision,
                bump,
            })?,
        ),
    };

    let mut touched = Vec::new();
    for (name, change) in small::changes(cluster, request, raised) {
        let bucket = database.bucket(name)?;
        let (old, sequence) = match &bucket {
            Some(bucket) => (items(bucket)?, bucket.header().sequence),
            None => (Vec::new(), 0),
        };
        let mut new = old.clone();
        change.apply(&mut new);
        if bucket.is_some() && new == old {
            continue;
        }
        let value = pages.bucket(&new, sequence)?;
        put(&mut root, Item::bucket(name, value));
        touched.push(name.to_vec());
    }
    if let Some(revision) = raised {
        let marker = Item::pair(revision_key(revision), Vec::new());
        let value = append::last(&key, marker, &mut pages)?;
        put(&mut root, Item::bucket(*b"key", value));
        touched.push(b"key".to_vec());
    }
    touched.sort();
    let untouched = root
        .iter()
        .map(|item| item.key.clone())
        .filter(|name| !touched.contains(name))
        .collect();

    let new_root = pages.tree(&root)?;
    let image_size = pages.offset();
    let hwm = pages.high_water_mark();
    let appended = Patch {
        offset: pages.offset(),
        bytes: pages.into_bytes(),
    };
    let mut patches = metas(database, new_root, first, hwm);
    patches.push(appended);
    Ok(Edit {
        image_size,
        database_size: hwm.saturating_mul(u64::from(meta.page_size)),
        patches,
        last_revision,
        compact_revision: Marks::read(database)?.compact(),
        raised,
        untouched,
        touched,
    })
}

/// The new meta, and where the other page holds no sound one the old meta as its fallback.
fn metas(database: &Database<'_>, root: u64, old_hwm: u64, hwm: u64) -> Vec<Patch> {
    let old = Meta {
        hwm: old_hwm,
        ..*database.meta()
    };
    let new = Meta {
        root,
        freelist: NO_FREELIST,
        hwm,
        txid: old.txid.wrapping_add(1),
        flags: 0,
        ..old
    };
    let slot = new.txid % 2;
    let mut patches = vec![meta_patch(slot, &new)];
    let other = 1 - slot;
    let other_is_sound = usize::try_from(other)
        .ok()
        .and_then(|other| database.metas().slots.get(other))
        .is_some_and(Result::is_ok);
    if !other_is_sound {
        patches.push(meta_patch(other, &old));
    }
    patches.sort_by_key(|patch| patch.offset);
    patches
}

fn meta_patch(page: u64, meta: &Meta) -> Patch {
    let header = PageHeader {
        id: page,
        flags: PageType::Meta.flags(),
        count: 0,
        overflow: 0,
    };
    let mut bytes = header.encode().to_vec();
    debug_assert_eq!(bytes.len(), META_OFFSET);
    bytes.extend(meta.encode());
    Patch {
        offset: page * u64::from(meta.page_size),
        bytes,
    }
}

/// All that a small bucket holds, in order, buckets within it included as they are.
fn items(bucket: &Bucket<'_>) -> Result<Vec<Item>, EditError> {
    let mut items = Vec::new();
    let mut bytes = 0u64;
    let mut cursor = bucket.cursor();
    while let Some(entry) = cursor.next()? {
        bytes = bytes.saturating_add(entry.size());
        if bytes > MAX_SMALL_BUCKET || entry.is_bucket && items.len() >= MAX_BUCKETS {
            let limit = MAX_SMALL_BUCKET;
            let kind = ErrorKind::BucketTooLarge { limit };
            return Err(bbolt::Error::on_page(kind, entry.page, entry.offset).into());
        }
        items.push(Item {
            key: entry.key.to_vec(),
            value: entry.value.to_vec()?,
            is_bucket: entry.is_bucket,
        });
    }
    Ok(items)
}

/// Puts an item into its place in a sorted list, replacing the one with its key.
fn put(items: &mut Vec<Item>, item: Item) {
    match items.binary_search_by(|other| other.key.cmp(&item.key)) {
        Ok(at) => items[at] = item,
        Err(at) => items.insert(at, item),
    }
}

/// The 17 bytes of `(revision, 0)` (spec 2.2).
fn revision_key(revision: i64) -> [u8; 17] {
    let mut key = [0; 17];
    key[..8].copy_from_slice(&revision.to_be_bytes());
    key[8] = b'_';
    key
}

/// Main revision of the last entry of bucket `key`; 0 when it is empty.
fn last_revision(key: &Bucket<'_>) -> Result<i64, EditError> {
    let path = key.rightmost_path()?;
    let last = match path.last() {
        Some(leaf) if leaf.count() > 0 => Some(leaf.key_of(&leaf.element(leaf.count() - 1)?)?),
        // Old versions could leave an empty leaf in a tree: the last key is somewhere before it.
        _ => {
            let mut last = None;
            let mut cursor = key.cursor();
            while let Some(entry) = cursor.next()? {
                last = Some(entry.key.to_vec());
            }
            last
        }
    };
    match last {
        None => Ok(0),
        Some(key) => main_revision(&key),
    }
}

fn main_revision(key: &[u8]) -> Result<i64, EditError> {
    let well_formed = matches!(key.len(), 17 | 18) && key[8] == b'_';
    key.first_chunk::<8>()
        .map(|main| i64::from_be_bytes(*main))
        .filter(|main| well_formed && *main >= 0)
        .ok_or_else(|| EditError::NotARevision(hex::encode(&key[..key.len().min(32)])))
}
