//! The store as a visitor of the scan: which leaves are its own, and what is taken of those that are in use.

use crate::bbolt::scan::{
    BucketSummary, Pair, Remedies, Role, StreamedLeaf, StreamedPair, StreamedValue, TakenLeaf,
    Visitor,
};
use crate::etcd::storage::schema::{
    self, KeyValue, LongKeyValue, REVISION_SIZE, Revision, TOMBSTONE_MARK, WireError,
};
use crate::finding::Finding;
use crate::number::{grouped, signed};
use crate::source::SourceError;

use super::folders::Folders;
use super::head_hash::{Leaf, STREAMED};
use super::label::{Label, renewal};
use super::live::Live;
use super::records::Records;
use super::revision_key::RevisionKey;
use super::tally::{Oddity, Tally};
use super::user_key::{LongUserKey, UserKey};
use super::words;

/// Values up to this size are decoded whole; of longer ones the numbers and the key, piece by piece.
const MAX_WHOLE_VALUE: u64 = 256 << 10;
/// Bytes of a key read at once when it is hashed.
const PIECE: u64 = 64 << 10;
/// Bytes of the start of a long key and a long value that tell what they are.
const LABEL: u64 = 4 << 10;

/// What the revisions in use add up to.
#[derive(Debug, Default)]
pub(in crate::etcd::storage) struct Taken {
    pub(super) tombstones: u64,
    /// Main revision of the last key.
    pub(super) last_main: i64,
    pub(super) tally: Tally,
    pub(super) live: Live,
    /// The leaves in key order, where HashKV is wanted.
    pub(super) order: Vec<u32>,
    pub(super) streamed: Vec<Leaf>,
    /// A leaf that `order` cannot name.
    pub(super) no_order: bool,
    /// What the revisions of each folder add up to, by its number: how many, and bytes.
    pub(super) folders: Vec<(u64, u64)>,
}

impl Visitor for Records {
    type Key = RevisionKey;
    type Taken = Taken;

    const LABELS: &'static [&'static str] = &["other", "key"];
    const REMEDIES: &'static Remedies = &words::REMEDIES;

    fn role(bucket: &[u8]) -> Role {
        let visited = bucket == schema::KEY;
        Role {
            label: visited.into(),
            visited,
        }
    }

    #[inline]
    fn wants_checksums(&self) -> bool {
        self.hash_kv
    }

    #[inline]
    fn mark(&self) -> usize {
        self.entries.len()
    }

    fn rewind(&mut self, mark: usize) {
        self.truncate(mark);
    }

    #[inline]
    fn pair(&mut self, pair: Pair<'_, RevisionKey>) {
        self.push(pair);
    }

    #[inline]
    fn leaf_end(&mut self, page: u32) {
        Self::leaf_end(self, page);
    }

    fn pass_end(&mut self) {
        self.notes.sort_unstable_by_key(|note| note.page);
    }

    fn take_leaf(&mut self, taken: &mut Taken, leaf: TakenLeaf<RevisionKey>) {
        taken.last_main = leaf.last.revision().main;
        self.take_entries(taken, leaf.mark, leaf.mark + usize::from(leaf.count));
        if !self.notes.is_empty() {
            for note in self.notes_of(leaf.page) {
                taken.tally.add_note(note);
            }
        }
        if self.hash_kv {
            if leaf.index & STREAMED == 0 {
                taken.order.push(leaf.index);
            } else {
                taken.no_order = true;
            }
        }
    }

    fn take_pair(
        &mut self,
        taken: &mut Taken,
        mut pair: StreamedPair<'_, '_>,
    ) -> Result<(), SourceError> {
        let (mut folder, mut bytes) = (0, 0);
        let user_key = match self.streamed_key(&mut taken.tally, &mut pair)? {
            Some(decoded) => {
                (folder, bytes) = (decoded.folder, decoded.bytes);
                decoded.user_key
            }
            None => UserKey::UNREADABLE,
        };
        self.entries.push(user_key);
        if let Some(placed) = &mut self.placed {
            placed.push(folder, bytes);
        }
        if self.hash_kv {
            self.up_to.push(pair.up_to);
        }
        Ok(())
    }

    fn take_streamed_leaf(&mut self, taken: &mut Taken, leaf: StreamedLeaf<'_>) {
        self.take_entries(taken, leaf.mark, self.entries.len());
        let main = |key: &[u8]| key.first_chunk().map(|main| i64::from_be_bytes(*main));
        if let Some(main) = leaf.last.and_then(main) {
            taken.last_main = main;
        }
        if !self.hash_kv || leaf.count == 0 {
            return;
        }
        match Leaf::streamed(&leaf) {
            Some(leaf) => {
                taken.order.push(STREAMED | taken.streamed.len() as u32);
                taken.streamed.push(leaf);
            }
            None => taken.no_order = true,
        }
    }

    fn nested(bucket: &[u8], many: u64) -> Option<Finding> {
        Some(words::nested(bucket, many))
    }

    fn plain_in_root(page: u64, many: u64) -> Finding {
        words::plain_in_root(page, many)
    }

    fn amount(_: &Taken, buckets: &[BucketSummary]) -> String {
        words::amount(buckets)
    }

    fn state(taken: &Taken, _: &[BucketSummary]) -> String {
        let keys = taken.live.len();
        format!(
            "revision {}, {} keys",
            signed(taken.last_main),
            grouped(keys)
        )
    }
}

impl Records {
    fn take_entries(&self, taken: &mut Taken, start: usize, end: usize) {
        for index in start..end {
            if self.entries.get(index).is_some_and(|e| e.tombstone()) {
                taken.tombstones += 1;
            }
            taken.live.take(&self.entries, index);
        }
        if let Some(placed) = &self.placed {
            let folders = placed.folder.iter().zip(&placed.bytes);
            for (folder, bytes) in folders.skip(start).take(end.saturating_sub(start)) {
                let folder = usize::from(*folder);
                if taken.folders.len() <= folder {
                    taken.folders.resize(folder + 1, (0, 0));
                }
                let (revisions, sum) = &mut taken.folders[folder];
                *revisions += 1;
                *sum += u64::from(*bytes);
            }
        }
    }

    /// What is wanted of an entry, if it can be read, and notes what is odd about it.
    fn streamed_key(
        &mut self,
        tally: &mut Tally,
        pair: &mut StreamedPair<'_, '_>,
    ) -> Result<Option<Decoded>, SourceError> {
        let (page, index) = (pair.page, pair.index);
        let mut odd = |oddity| tally.add(oddity, page, index, pair.offset);
        let Some(revision) = Revision::parse(pair.key) else {
            odd(Oddity::RevisionKey);
            return Ok(None);
        };
        if pair.key.len() > REVISION_SIZE && pair.key[REVISION_SIZE] != TOMBSTONE_MARK {
            odd(Oddity::Mark);
        }
        let folders = self.placed.as_mut().map(|placed| &mut placed.folders);
        let decoded = decode(&mut pair.value, revision.tombstone, folders)?;
        let Ok(mut kv) = decoded else {
            tally.add(Oddity::Undecodable, page, index, pair.value.offset());
            return Ok(None);
        };
        if revision.tombstone {
            return Ok(Some(kv));
        }
        if kv.empty_key {
            odd(Oddity::EmptyKey);
        } else {
            for (wrong, oddity) in [
                (kv.mod_revision != revision.main, Oddity::ModRevision),
                (kv.version < 1, Oddity::Version),
                (kv.create_revision > kv.mod_revision, Oddity::CreateRevision),
            ] {
                if wrong {
                    odd(oddity);
                }
            }
        }
        if kv.lease != 0 {
            self.push_lease(kv.lease);
        }
        if let Some(label) = kv.label.take() {
            self.labelled.push(self.entries.len(), label);
        }
        self.renewed = self.renewed.max(kv.renewed);
        Ok(Some(kv))
    }
}

/// What is wanted of a KeyValue.
struct Decoded {
    user_key: UserKey,
    empty_key: bool,
    create_revision: i64,
    mod_revision: i64,
    version: i64,
    lease: i64,
    label: Option<Label>,
    renewed: Option<i64>,
    folder: u16,
    bytes: u64,
}

/// Decodes a KeyValue; of a long one neither key nor value are held.
fn decode(
    value: &mut StreamedValue<'_, '_>,
    tombstone: bool,
    folders: Option<&mut Folders>,
) -> Result<Result<Decoded, WireError>, SourceError> {
    let folder_of = |key: &[u8]| folders.map_or(0, |folders| folders.of(key));
    let len = value.len();
    if len <= MAX_WHOLE_VALUE {
        let bytes = value.get(0, len as usize)?;
        return Ok(KeyValue::decode(bytes).map(|kv| Decoded {
            user_key: UserKey::new(kv.key, tombstone),
            empty_key: kv.key.is_empty(),
            create_revision: kv.create_revision,
            mod_revision: kv.mod_revision,
            version: kv.version,
            lease: kv.lease,
            label: Label::of(kv.key, kv.value),
            renewed: renewal(kv.key, kv.value),
            folder: folder_of(kv.key),
            bytes: (kv.key.len() + kv.value.len()) as u64,
        }));
    }
    let read = |at, out: &mut [u8]| {
        out.copy_from_slice(value.get(at, out.len())?);
        Ok(())
    };
    let kv = match LongKeyValue::decode(len, read)? {
        Ok(kv) => kv,
        Err(error) => return Ok(Err(error)),
    };
    let mut start = |range: &std::ops::Range<u64>| {
        let len = (range.end - range.start).min(LABEL);
        let bytes = value.get(range.start, len as usize);
        bytes.map(<[u8]>::to_vec)
    };
    let (key, long_value) = (start(&kv.key)?, start(&kv.value)?);
    let label = Label::of(&key, &long_value);
    let folder = folder_of(&key);
    let mut user_key = LongUserKey::new(kv.key.end - kv.key.start);
    let mut at = kv.key.start;
    while at < kv.key.end {
        let piece = (kv.key.end - at).min(PIECE);
        user_key.feed(value.get(at, piece as usize)?);
        at += piece;
    }
    Ok(Ok(Decoded {
        user_key: user_key.finish(tombstone),
        empty_key: kv.key.is_empty(),
        create_revision: kv.create_revision,
        mod_revision: kv.mod_revision,
        version: kv.version,
        lease: kv.lease,
        label,
        renewed: None,
        folder,
        bytes: (kv.key.end - kv.key.start) + (kv.value.end - kv.value.start),
    }))
}
