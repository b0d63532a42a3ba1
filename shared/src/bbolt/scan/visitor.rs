//! What a schema adds to the structure of a bbolt file: keys in a compact form, what is kept of each pair, and words.

use std::fmt;

use crate::bbolt::Error;
use crate::finding::Finding;
use crate::source::SourceError;

use super::remedies::Remedies;
use super::window::Window;

/// A key in a compact form, whose order is that of its bytes. Leaves and branches whose keys all have one are kept
/// in memory by it; any others cost more memory, or are read a second time.
pub trait CompactKey: Copy + Ord + fmt::Debug + Send + Sync + 'static {
    /// The form of a key; `None` for a key that has none, which is no fault.
    fn parse(key: &[u8]) -> Option<Self>;
    /// The key.
    fn bytes(self) -> Vec<u8>;
}

/// For files whose keys have no common form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoKey {}

impl CompactKey for NoKey {
    fn parse(_: &[u8]) -> Option<Self> {
        None
    }

    fn bytes(self) -> Vec<u8> {
        match self {}
    }
}

/// For files most of whose keys have one length, as the indexes of a log: `[u8; 8]`.
impl<const N: usize> CompactKey for [u8; N] {
    #[inline]
    fn parse(key: &[u8]) -> Option<Self> {
        key.try_into().ok()
    }

    fn bytes(self) -> Vec<u8> {
        self.to_vec()
    }
}

/// What a scan makes of the pairs that it passes. Every method has a default that does nothing, so that a file of any
/// schema can be scanned for its structure alone by [`Plain`].
///
/// Pages come in the order of the file, and nobody knows yet which of them are in use or what bucket they belong to.
/// So a visitor has two halves. What it keeps of every leaf that passes is its own state, in which a leaf's part is
/// found by the [mark](Visitor::mark) that was set before it. What it gathers of those leaves that turn out to be in
/// use, in key order, is [`Visitor::Taken`].
pub trait Visitor: fmt::Debug + Default + Send {
    /// The form that most keys of the file have.
    type Key: CompactKey;
    /// What the walk gathers; made anew for each walk.
    type Taken: fmt::Debug + Default + Send;

    /// Names of the labels that the page map has for leaves, see [`Role::label`].
    const LABELS: &'static [&'static str] = &[""];
    /// What to do about a damaged file of this schema.
    const REMEDIES: &'static Remedies = &Remedies::BBOLT;

    /// What a top-level bucket is to this schema.
    fn role(_bucket: &[u8]) -> Role {
        Role::default()
    }

    /// Whether [`UpTo`] is to be computed for each pair.
    fn wants_checksums(&self) -> bool {
        false
    }

    // The pass: any leaf, in the order of the file.

    /// How much was kept so far; kept with the leaf that comes next.
    fn mark(&self) -> usize {
        0
    }

    /// Forgets what was kept since a mark: the leaf was not plain after all.
    fn rewind(&mut self, _mark: usize) {}

    /// Takes a pair of a leaf of compact keys.
    fn pair(&mut self, _pair: Pair<'_, Self::Key>) {}

    /// Whether the leaf whose pairs have just passed is known by what was kept of them. One that is not is forgotten,
    /// and read again when the walk reaches it.
    fn keeps_leaf(&self) -> bool {
        true
    }

    /// The leaf on this page has ended.
    fn leaf_end(&mut self, _page: u32) {}

    /// The pass has ended.
    fn pass_end(&mut self) {}

    // The walk: leaves of visited buckets, in key order.

    /// Takes a leaf whose pairs were seen in the pass.
    fn take_leaf(&mut self, _taken: &mut Self::Taken, _leaf: TakenLeaf<Self::Key>) {}

    /// Takes a pair of a leaf that is read again, because its keys are not compact or something is wrong with it.
    ///
    /// # Errors
    /// What reading the value gave.
    fn take_pair(
        &mut self,
        _taken: &mut Self::Taken,
        _pair: StreamedPair<'_, '_>,
    ) -> Result<(), SourceError> {
        Ok(())
    }

    /// The leaf whose pairs were taken one by one has ended.
    fn take_streamed_leaf(&mut self, _taken: &mut Self::Taken, _leaf: StreamedLeaf<'_>) {}

    /// Takes what could not be read: a page with all that is below it, or an element.
    fn take_error(&mut self, _taken: &mut Self::Taken, _error: &Error) {}

    // What bbolt allows and the schema does not, and words.

    /// A top-level bucket that holds buckets.
    fn nested(_bucket: &[u8], _many: u64) -> Option<Finding> {
        None
    }

    /// Pairs in the root, where bbolt itself puts only buckets.
    fn plain_in_root(page: u64, many: u64) -> Finding {
        let what = format!("{many} entries of the root bucket are plain pairs, not buckets.");
        Finding::warning("bucket.plain-in-root", format!("page {page}"), what)
            .because("bbolt puts only buckets there.")
    }

    /// How much there is: `3 buckets, 17 pairs`.
    fn amount(_taken: &Self::Taken, buckets: &[BucketSummary]) -> String {
        let pairs: u64 = buckets.iter().map(|bucket| bucket.pairs).sum();
        format!("{} buckets, {pairs} pairs", buckets.len())
    }

    /// How far a file that could be read has got: `revision 12, 5 keys`.
    fn state(taken: &Self::Taken, buckets: &[BucketSummary]) -> String {
        Self::amount(taken, buckets)
    }
}

/// Scans for structure alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plain;

impl Visitor for Plain {
    type Key = NoKey;
    type Taken = ();
}

/// What a top-level bucket is to a schema.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Role {
    /// Index into [`Visitor::LABELS`], for its leaves in the page map.
    pub label: u8,
    /// Whether the walk hands its leaves to the visitor.
    pub visited: bool,
}

/// A top-level bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketSummary {
    /// Its name.
    pub name: Vec<u8>,
    /// Pairs in it.
    pub pairs: u64,
    /// Bytes of its keys and values.
    pub bytes: u64,
    /// Whether it lies inline in its parent's page.
    pub inline: bool,
    /// Whether every page of it could be read.
    pub complete: bool,
    /// Whether nothing of it could be read.
    pub lost: bool,
    /// About how many pairs were on pages of it that could not be read.
    pub pairs_lost: u64,
}

/// How a leaf's content begins, up to and including a pair; zero where [`Visitor::wants_checksums`] is off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UpTo {
    /// CRC-32C.
    pub crc: u32,
    /// Bytes.
    pub bytes: u32,
}

/// A pair as the pass sees it.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a, K> {
    /// Its place in the page.
    pub index: u16,
    /// Its key.
    pub key: K,
    /// Its value.
    pub value: &'a [u8],
    /// The leaf's content so far.
    pub up_to: UpTo,
}

/// A leaf that the pass has seen, and the walk has reached.
#[derive(Debug, Clone, Copy)]
pub struct TakenLeaf<K> {
    /// Its page.
    pub page: u32,
    /// Its place among all leaves of the file, for [`Walk::leaf`](super::Walk::leaf).
    pub index: u32,
    /// The mark before it.
    pub mark: usize,
    /// How many pairs it has.
    pub count: u16,
    /// Its first key.
    pub first: K,
    /// Its last key.
    pub last: K,
    /// CRC-32C over its keys and values, in order.
    pub crc: u32,
    /// Bytes of its keys and values.
    pub bytes: u32,
}

/// A pair as the walk reads it again: its value may be larger than memory.
#[derive(Debug)]
pub struct StreamedPair<'p, 's> {
    /// The page of its leaf.
    pub page: u64,
    /// Its place in the page.
    pub index: u16,
    /// Its key.
    pub key: &'p [u8],
    /// Where its key starts in the file.
    pub offset: u64,
    /// Its value.
    pub value: StreamedValue<'p, 's>,
    /// The leaf's content so far.
    pub up_to: UpTo,
}

/// A value in the file, read when asked for.
#[derive(Debug)]
pub struct StreamedValue<'p, 's> {
    pub(super) window: &'p mut Window<'s>,
    pub(super) offset: u64,
    pub(super) len: u64,
}

impl StreamedValue<'_, '_> {
    /// Its bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where it starts in the file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The bytes from `at` on. Ask for little: what is asked for is held in memory.
    ///
    /// # Errors
    /// [`SourceError::OutOfBounds`] beyond its end, or what the source says.
    pub fn get(&mut self, at: u64, len: usize) -> Result<&[u8], SourceError> {
        if at.checked_add(len as u64).is_none_or(|end| end > self.len) {
            return Err(SourceError::OutOfBounds {
                offset: at,
                len: len as u64,
                size: self.len,
            });
        }
        self.window.get(self.offset + at, len)
    }
}

/// A leaf whose pairs were taken one by one.
#[derive(Debug, Clone, Copy)]
pub struct StreamedLeaf<'a> {
    /// Its page, or the page that contains it when it is inline.
    pub page: u64,
    /// The mark before its pairs.
    pub mark: usize,
    /// How many elements could be read, buckets among them.
    pub count: u64,
    /// Its first key, where it has one.
    pub first: Option<&'a [u8]>,
    /// Its last key, where it has one.
    pub last: Option<&'a [u8]>,
    /// CRC-32C over its keys and values, in order.
    pub crc: u32,
    /// Bytes of its keys and values.
    pub bytes: u64,
    /// Whether every element could be read, and none of them is a bucket.
    pub whole: bool,
}
