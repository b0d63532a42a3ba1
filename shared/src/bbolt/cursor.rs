//! An ordered walk over a bucket's pairs, guarded against cycles, depth and damage.

use super::error::{Error, ErrorKind};
use super::limits::MAX_DEPTH;
use super::page::PageType;
use super::reader::{Database, OwnedPage};

/// A pair or a nested bucket, borrowed from the cursor's current page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'c> {
    /// The key.
    pub key: &'c [u8],
    /// The value, or a bucket's header and inline page.
    pub value: &'c [u8],
    /// Whether the value is a bucket.
    pub is_bucket: bool,
    /// The page it is on.
    pub page: u64,
    /// Where its key starts in the file.
    pub offset: u64,
}

/// Walks a bucket in key order. After an error it goes on behind the page or element that is damaged, so that
/// calling on until `None` gives all that can be read.
#[derive(Debug, Clone)]
pub struct Cursor<'s> {
    database: Database<'s>,
    levels: Vec<Level>,
    pending: Option<u64>,
    visited: Visited,
}

#[derive(Debug, Clone)]
struct Level {
    page: OwnedPage,
    is_leaf: bool,
    next: u16,
}

impl<'s> Cursor<'s> {
    pub(super) fn new(database: Database<'s>, root: u64) -> Self {
        Self {
            database,
            levels: Vec::new(),
            pending: Some(root),
            visited: Visited::default(),
        }
    }

    pub(super) fn inline(database: Database<'s>, page: OwnedPage) -> Self {
        Self {
            database,
            levels: vec![Level {
                page,
                is_leaf: true,
                next: 0,
            }],
            pending: None,
            visited: Visited::default(),
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
            if let Some(id) = self.pending.take() {
                self.descend(id)?;
            }
            let Some(level) = self.levels.last_mut() else {
                return Ok(None);
            };
            let page = level.page.page()?;
            if level.next >= page.header().count {
                self.levels.pop();
                continue;
            }
            let index = level.next;
            level.next += 1;
            if level.is_leaf {
                break;
            }
            self.pending = Some(page.branch()?.get(index)?.child);
        }
        let Some(level) = self.levels.last() else {
            return Ok(None);
        };
        let page = level.page.page()?;
        let element = page.leaf()?.get(level.next - 1)?;
        Ok(Some(Entry {
            key: element.key,
            value: element.value,
            is_bucket: element.is_bucket(),
            page: page.id(),
            offset: element.offset,
        }))
    }

    /// Moves before the first key that is not below `key`. To be called on a fresh cursor.
    ///
    /// # Errors
    /// What is wrong with a page on the way.
    pub fn seek(&mut self, key: &[u8]) -> Result<(), Error> {
        loop {
            if let Some(id) = self.pending.take() {
                self.descend(id)?;
            }
            let Some(level) = self.levels.last_mut() else {
                return Ok(());
            };
            let page = level.page.page()?;
            let count = page.header().count;
            if level.is_leaf {
                let leaf = page.leaf()?;
                level.next = partition(count, |i| Ok(leaf.get(i)?.key < key))?;
                return Ok(());
            }
            if level.next >= count {
                self.levels.pop();
                continue;
            }
            let branch = page.branch()?;
            let above = partition(count, |i| Ok(branch.get(i)?.key <= key))?;
            let index = above.saturating_sub(1);
            level.next = index + 1;
            self.pending = Some(branch.get(index)?.child);
        }
    }

    /// Loads a page below the current one.
    fn descend(&mut self, id: u64) -> Result<(), Error> {
        let offset = self.database.offset_of(id);
        if self.levels.len() >= MAX_DEPTH {
            let limit = MAX_DEPTH;
            return Err(Error::on_page(ErrorKind::TooDeep { limit }, id, offset));
        }
        let owned = self.database.read_page(id)?;
        if !self.visited.insert(id) {
            return Err(Error::on_page(ErrorKind::Revisited, id, offset));
        }
        let page = owned.page()?;
        let is_leaf = page.page_type()? == PageType::Leaf;
        if is_leaf {
            page.leaf()?.check_sum()?;
        } else {
            page.branch()?;
        }
        self.levels.push(Level {
            page: owned,
            is_leaf,
            next: 0,
        });
        Ok(())
    }
}

/// The first index for which `below` is false, by bisection.
fn partition(count: u16, below: impl Fn(u16) -> Result<bool, Error>) -> Result<u16, Error> {
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
