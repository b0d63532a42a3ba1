//! An ordered walk over a bucket's pairs, guarded against cycles, depth and damage.

use super::error::{Error, ErrorKind};
use super::limits::MAX_DEPTH;
use super::node::{Node, Value};
use super::reader::{Database, Extent};

/// A pair or a nested bucket, borrowed from the cursor's current page.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'c> {
    /// The key.
    pub key: &'c [u8],
    /// The value, or a bucket's header and inline page. It may be larger than memory.
    pub value: Value<'c>,
    /// Whether the value is a bucket.
    pub is_bucket: bool,
    /// The page it is on.
    pub page: u64,
    /// Where its key starts in the file.
    pub offset: u64,
}

impl Entry<'_> {
    /// What it adds to the size of a bucket that is loaded whole, in bytes.
    pub(crate) fn size(&self) -> u64 {
        (self.key.len() as u64 + 64).saturating_add(self.value.len())
    }
}

/// Walks a bucket in key order. After an error it goes on behind the page or element that is damaged, so that
/// calling on until `None` gives all that can be read.
#[derive(Debug, Clone)]
pub struct Cursor<'s> {
    database: Database<'s>,
    levels: Vec<Level<'s>>,
    pending: Option<Pending>,
    visited: Visited,
    /// The key at hand, where its page is too large to be held.
    key: Vec<u8>,
}

#[derive(Debug, Clone)]
struct Level<'s> {
    node: Node<'s>,
    next: u16,
}

impl<'s> Cursor<'s> {
    pub(super) fn new(database: Database<'s>, root: u64) -> Self {
        Self {
            database,
            levels: Vec::new(),
            pending: Some(Pending::Page(root)),
            visited: Visited::default(),
            key: Vec::new(),
        }
    }

    pub(super) fn inline(database: Database<'s>, leaf: Extent) -> Self {
        Self {
            pending: Some(Pending::Inline(leaf)),
            ..Self::new(database, 0)
        }
    }

    /// The next entry, or `None` behind the last. Not an iterator: the entry borrows the cursor's page.
    ///
    /// # Errors
    /// What is wrong with the page or element that would have come next.
    #[expect(
        clippy::should_implement_trait,
        reason = "an Iterator cannot lend its items"
    )]
    pub fn next(&mut self) -> Result<Option<Entry<'_>>, Error> {
        loop {
            if let Some(pending) = self.pending.take() {
                self.descend(pending)?;
            }
            let Some(level) = self.levels.last_mut() else {
                return Ok(None);
            };
            if level.next >= level.node.count() {
                self.levels.pop();
                continue;
            }
            let index = level.next;
            level.next += 1;
            if level.node.is_leaf() {
                break;
            }
            self.pending = Some(Pending::Page(level.node.element(index)?.child()));
        }
        let Some(Level { node, next }) = self.levels.last() else {
            return Ok(None);
        };
        let element = node.element(next - 1)?;
        Ok(Some(Entry {
            key: node.key(&element, &mut self.key)?,
            value: node.value(&element),
            is_bucket: element.is_bucket(),
            page: node.id(),
            offset: node.offset_of(&element),
        }))
    }

    /// Moves before the first key that is not below `key`. To be called on a fresh cursor.
    ///
    /// # Errors
    /// What is wrong with a page on the way.
    pub fn seek(&mut self, key: &[u8]) -> Result<(), Error> {
        loop {
            if let Some(pending) = self.pending.take() {
                self.descend(pending)?;
            }
            let Some(Level { node, next }) = self.levels.last_mut() else {
                return Ok(());
            };
            let count = node.count();
            let held = &mut self.key;
            let mut below = |index, equal: bool| {
                let order = node.key(&node.element(index)?, held)?.cmp(key);
                Ok(order.is_lt() || equal && order.is_eq())
            };
            if node.is_leaf() {
                *next = partition(count, |index| below(index, false))?;
                return Ok(());
            }
            if *next >= count {
                self.levels.pop();
                continue;
            }
            let above = partition(count, |index| below(index, true))?;
            let index = above.saturating_sub(1);
            *next = index + 1;
            self.pending = Some(Pending::Page(node.element(index)?.child()));
        }
    }

    /// Loads a page below the current one.
    fn descend(&mut self, pending: Pending) -> Result<(), Error> {
        let node = match pending {
            Pending::Page(id) => {
                let offset = self.database.offset_of(id);
                if self.levels.len() >= MAX_DEPTH {
                    let limit = MAX_DEPTH;
                    return Err(Error::on_page(ErrorKind::TooDeep { limit }, id, offset));
                }
                let extent = self.database.extent(id)?;
                if !self.visited.insert(id) {
                    return Err(Error::on_page(ErrorKind::Revisited, id, offset));
                }
                Node::read(self.database, extent)?
            }
            Pending::Inline(extent) => Node::read(self.database, extent)?,
        };
        if node.is_leaf() {
            node.check_sum()?;
        }
        self.levels.push(Level { node, next: 0 });
        Ok(())
    }
}

/// A page to be loaded.
#[derive(Debug, Clone, Copy)]
enum Pending {
    Page(u64),
    /// The leaf of an inline bucket.
    Inline(Extent),
}

/// The first index for which `below` is false, by bisection.
fn partition(count: u16, mut below: impl FnMut(u16) -> Result<bool, Error>) -> Result<u16, Error> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if below(middle)? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Pages that a walk has been at, one bit each. Only pages that lie within the file are put in, so this never
/// grows beyond the file's own number of pages.
#[derive(Debug, Clone, Default)]
struct Visited(Vec<u64>);

impl Visited {
    /// Whether the page is new.
    fn insert(&mut self, page: u64) -> bool {
        let Ok(word) = usize::try_from(page / 64) else {
            return false;
        };
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        let bit = 1 << (page % 64);
        let new = self.0[word] & bit == 0;
        self.0[word] |= bit;
        new
    }
}
