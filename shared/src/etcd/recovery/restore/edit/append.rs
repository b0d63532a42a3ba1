//! Appending one key behind all others of a bucket, rewriting no more than the path to it.

use super::{EditError, items};
use crate::bbolt::write::{Appended, Child, Item, branch_fits, leaf_fits};
use crate::bbolt::{Bucket, BucketHeader, BucketRoot, Node};

/// The bucket's value after `item`, which is above all its keys, was appended.
pub(super) fn last(
    bucket: &Bucket<'_>,
    item: Item,
    pages: &mut Appended,
) -> Result<Vec<u8>, EditError> {
    let sequence = bucket.header().sequence;
    if let BucketRoot::Inline(_) = bucket.root() {
        let mut all = items(bucket)?;
        all.push(item);
        return Ok(pages.bucket(&all, sequence)?);
    }
    let page_size = bucket.database().page_size();
    let path = bucket.rightmost_path()?;
    let mut levels = path.iter().rev();
    // The page that takes the place of the one before, and where that is full the one that comes after it.
    let mut replaced = match levels.next() {
        Some(leaf) => append_to_leaf(leaf, item, page_size, pages)?,
        // A path has its root at least.
        None => Replaced {
            first: item.key.clone(),
            page: pages.leaf(&[item])?,
            next: None,
        },
    };
    for branch in levels {
        replaced = replace_last_child(branch, replaced, page_size, pages)?;
    }
    let root = match replaced.next {
        None => replaced.page,
        // The root split: a branch over both halves.
        Some(next) => pages.branch(&[
            Child {
                key: replaced.first,
                page: replaced.page,
            },
            next,
        ])?,
    };
    Ok(BucketHeader { root, sequence }.encode().to_vec())
}

/// What became of a page on the path.
struct Replaced {
    /// A key not above any in it.
    first: Vec<u8>,
    /// The page that stands for it now.
    page: u64,
    /// What did not fit in it.
    next: Option<Child>,
}

fn append_to_leaf(
    leaf: &Node<'_>,
    mut item: Item,
    page_size: u32,
    pages: &mut Appended,
) -> Result<Replaced, EditError> {
    if leaf.count() == 0 {
        return Ok(Replaced {
            first: item.key.clone(),
            page: pages.leaf(&[item])?,
            next: None,
        });
    }
    let first = leaf.key_of(&leaf.element(0)?)?;
    // A leaf with overflow holds large values: it stays where it is.
    if leaf.header().overflow == 0 {
        let mut all = Vec::with_capacity(usize::from(leaf.count()) + 1);
        for index in 0..leaf.count() {
            let element = leaf.element(index)?;
            all.push(Item {
                key: leaf.key_of(&element)?,
                value: leaf.value(&element).to_vec()?,
                is_bucket: element.is_bucket(),
            });
        }
        all.push(item);
        if leaf_fits(&all, page_size) {
            return Ok(Replaced {
                first,
                page: pages.leaf(&all)?,
                next: None,
            });
        }
        // It stays where it is, full.
        item = all.split_off(all.len() - 1).remove(0);
    }
    Ok(Replaced {
        first,
        page: leaf.id(),
        next: Some(Child {
            key: item.key.clone(),
            page: pages.leaf(&[item])?,
        }),
    })
}

fn replace_last_child(
    branch: &Node<'_>,
    replaced: Replaced,
    page_size: u32,
    pages: &mut Appended,
) -> Result<Replaced, EditError> {
    let mut children = Vec::with_capacity(usize::from(branch.count()) + 1);
    for index in 0..branch.count() {
        let element = branch.element(index)?;
        children.push(Child {
            key: branch.key_of(&element)?,
            page: element.child(),
        });
    }
    if let Some(last) = children.last_mut() {
        last.page = replaced.page;
    }
    let first = children
        .first()
        .map(|child| child.key.clone())
        .unwrap_or_default();
    let Some(next) = replaced.next else {
        return Ok(Replaced {
            first,
            page: pages.branch(&children)?,
            next: None,
        });
    };
    children.push(next);
    if branch_fits(&children, page_size) || children.len() <= 2 {
        return Ok(Replaced {
            first,
            page: pages.branch(&children)?,
            next: None,
        });
    }
    // Two stay together in the new half: a branch of one child is legal, but no writer makes it.
    let keep = if children.len() >= 4 { 2 } else { 1 };
    let right = children.split_off(children.len() - keep);
    let next = Child {
        key: right[0].key.clone(),
        page: pages.branch(&right)?,
    };
    Ok(Replaced {
        first,
        page: pages.branch(&children)?,
        next: Some(next),
    })
}
