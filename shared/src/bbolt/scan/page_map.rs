//! The file page by page: what each page turned out to be, run-length coded.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// How many runs a page map has at most, besides that of the missing pages; a file with more is drawn coarser.
pub const MAX_PAGE_RUNS: usize = 2048;
/// Stretches that a file's pages are divided into at most.
const MAX_STRETCHES: usize = 1024;
/// Labels of leaves that are told apart.
const MAX_LABELS: usize = 64;

/// A run of pages of one kind, in file order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRun {
    /// What the pages are.
    pub kind: PageKind,
    /// Whose leaves they are, in the words of the schema: `key`; empty where there is nothing to tell apart.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub label: Cow<'static, str>,
    /// How many there are.
    pub count: u64,
}

/// What a page is, once the whole tree was walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PageKind {
    /// One of the two meta pages.
    Meta,
    /// A leaf, with its overflow.
    Leaf,
    /// A branch.
    Branch,
    /// A freelist.
    Freelist,
    /// Free.
    Free,
    /// Neither reached nor known to be free: what refers to it may be damaged.
    Unreached,
    /// Referenced, and damaged.
    Damaged,
    /// Declared by the meta page in use, and behind the end of the file.
    Missing,
}

/// What a page is, in one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Class(u8);

impl Class {
    pub(super) const FREE: Self = Self(0);
    pub(super) const UNREACHED: Self = Self(1);
    pub(super) const FREELIST: Self = Self(2);
    pub(super) const META: Self = Self(3);
    pub(super) const BRANCH: Self = Self(4);
    pub(super) const DAMAGED: Self = Self(5);
    const FIRST_LEAF: u8 = 6;

    /// A leaf with this label.
    pub(super) fn leaf(label: u8) -> Self {
        Self(Self::FIRST_LEAF + label.min(MAX_LABELS as u8 - 1))
    }

    fn run(self, labels: &'static [&'static str]) -> PageRun {
        let label = self.0.checked_sub(Self::FIRST_LEAF);
        let kind = match self {
            Self::FREE => PageKind::Free,
            Self::UNREACHED => PageKind::Unreached,
            Self::FREELIST => PageKind::Freelist,
            Self::META => PageKind::Meta,
            Self::BRANCH => PageKind::Branch,
            Self::DAMAGED => PageKind::Damaged,
            _ => PageKind::Leaf,
        };
        let label = label.and_then(|label| labels.get(usize::from(label)));
        PageRun {
            kind,
            label: label.copied().unwrap_or_default().into(),
            count: 0,
        }
    }
}

/// The bytes that leaves use of their pages, by stretch of pages.
#[derive(Debug)]
pub(super) struct LeafBytes {
    /// Pages of a stretch.
    pub(super) stretch: usize,
    pub(super) bytes: Vec<u64>,
}

impl LeafBytes {
    /// None yet, for a file of this many pages.
    pub(super) fn new(pages: usize) -> Self {
        let stretch = pages.div_ceil(MAX_STRETCHES).max(1);
        Self {
            stretch,
            bytes: vec![0; pages.div_ceil(stretch)],
        }
    }

    /// Adds a leaf that fills its pages from the front with `bytes`.
    pub(super) fn add(&mut self, first: u64, span: u64, mut bytes: u64, page_size: u64) {
        for page in first..first.saturating_add(span) {
            let at = usize::try_from(page).map_or(usize::MAX, |page| page / self.stretch);
            // Behind the end of the file there is nothing to fill.
            let Some(slot) = self.bytes.get_mut(at) else {
                return;
            };
            let here = bytes.min(page_size);
            *slot = slot.saturating_add(here);
            bytes -= here;
            if bytes == 0 {
                return;
            }
        }
    }

    /// The same by longer stretches, a multiple of these.
    fn by(self, stretch: usize) -> Self {
        let many = (stretch / self.stretch.max(1)).max(1);
        Self {
            stretch,
            bytes: self.bytes.chunks(many).map(|b| b.iter().sum()).collect(),
        }
    }
}

/// Runs of equal pages, and behind them those that are missing. A file with more than [`MAX_PAGE_RUNS`] of them is
/// drawn coarser: how many pages of each kind a stretch has stays exact, their order within it does not.
pub(super) fn runs(
    classes: &[Class],
    missing: u64,
    used: LeafBytes,
    labels: &'static [&'static str],
) -> (Vec<PageRun>, LeafBytes) {
    let mut used = used;
    let mut runs = run_length(classes.iter().map(|class| (*class, 1)));
    if runs.len() > MAX_PAGE_RUNS {
        let mut stretch = used.stretch;
        loop {
            runs = run_length(classes.chunks(stretch).flat_map(by_kind));
            if runs.len() <= MAX_PAGE_RUNS || stretch >= classes.len() {
                break;
            }
            stretch *= 2;
        }
        used = used.by(stretch);
    }
    let runs = runs.into_iter().map(|(class, count)| PageRun {
        count,
        ..class.run(labels)
    });
    let behind = (missing > 0).then(|| PageRun {
        kind: PageKind::Missing,
        label: "".into(),
        count: missing,
    });
    (runs.chain(behind).collect(), used)
}

/// How many of the pages are of each kind that there is.
fn by_kind(pages: &[Class]) -> Vec<(Class, u64)> {
    let mut counts = [0u64; Class::FIRST_LEAF as usize + MAX_LABELS];
    for class in pages {
        counts[usize::from(class.0)] += 1;
    }
    let kinds = counts.into_iter().enumerate();
    kinds
        .filter(|(_, count)| *count > 0)
        .map(|(class, count)| (Class(class as u8), count))
        .collect()
}

fn run_length(pages: impl Iterator<Item = (Class, u64)>) -> Vec<(Class, u64)> {
    let mut runs: Vec<(Class, u64)> = Vec::new();
    for (class, count) in pages {
        if let Some(run) = runs.last_mut().filter(|run| run.0 == class) {
            run.1 += count;
        } else if runs.len() > MAX_PAGE_RUNS {
            // One more than the maximum is enough to know that it is exceeded.
            break;
        } else {
            runs.push((class, count));
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: &[&str] = &["other", "key"];

    #[test]
    fn runs_account_for_every_page() {
        let classes = [
            Class::META,
            Class::META,
            Class::leaf(1),
            Class::leaf(0),
            Class::FREE,
        ];
        let (runs, used) = runs(&classes, 2, LeafBytes::new(5), LABELS);
        assert_eq!((used.stretch, used.bytes.len()), (1, 5));
        let told: Vec<_> = runs.iter().map(|r| (r.kind, &*r.label, r.count)).collect();
        assert_eq!(
            told,
            [
                (PageKind::Meta, "", 2),
                (PageKind::Leaf, "key", 1),
                (PageKind::Leaf, "other", 1),
                (PageKind::Free, "", 1),
                (PageKind::Missing, "", 2)
            ]
        );
    }

    #[test]
    fn a_label_that_is_not_there_is_none() {
        let (runs, _) = runs(&[Class::leaf(255)], 0, LeafBytes::new(1), LABELS);
        assert_eq!((runs[0].kind, &*runs[0].label), (PageKind::Leaf, ""));
    }

    #[test]
    fn a_ragged_file_is_drawn_coarser_and_hides_no_damage() {
        let mut classes: Vec<_> = (0..100_000)
            .map(|i| {
                if i % 2 == 0 {
                    Class::leaf(1)
                } else {
                    Class::FREE
                }
            })
            .collect();
        classes[54_321] = Class::DAMAGED;
        let mut used = LeafBytes::new(classes.len());
        for page in (0..100_000).step_by(2) {
            used.add(page, 1, 1000, 4096);
        }
        let (runs, used) = runs(&classes, 0, used, LABELS);
        assert!(runs.len() <= MAX_PAGE_RUNS);
        let count = |kind| {
            let runs = runs.iter().filter(|run| run.kind == kind);
            runs.map(|run| run.count).sum::<u64>()
        };
        assert_eq!(count(PageKind::Leaf), 50_000, "coarser, and exact");
        assert_eq!(count(PageKind::Free), 49_999);
        assert_eq!(count(PageKind::Damaged), 1);
        assert_eq!(used.bytes.iter().sum::<u64>(), 50_000_000);
        assert_eq!(used.bytes.len(), 100_000usize.div_ceil(used.stretch));
    }

    #[test]
    fn a_leaf_fills_its_pages_from_the_front() {
        let mut used = LeafBytes::new(6);
        used.add(1, 3, 5000, 4096);
        used.add(4, 9, u64::MAX, 4096);
        assert_eq!(used.bytes, [0, 4096, 904, 0, 4096, 4096]);
    }
}
