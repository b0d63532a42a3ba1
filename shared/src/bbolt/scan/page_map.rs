//! The file page by page: what each page turned out to be, run-length coded.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// How many runs a page map has at most; a file with more is drawn coarser.
pub const MAX_PAGE_RUNS: usize = 2048;
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
    /// Referenced, and damaged or missing.
    Damaged,
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

/// Runs of equal pages. A file with more than [`MAX_PAGE_RUNS`] of them is drawn coarser: each stretch of
/// pages becomes what most of it is, or damaged if any of it is.
pub(super) fn runs(classes: &[Class], labels: &'static [&'static str]) -> Vec<PageRun> {
    let exact = run_length(classes.iter().map(|class| (*class, 1)));
    let runs = if exact.len() <= MAX_PAGE_RUNS {
        exact
    } else {
        let stretch = classes.len().div_ceil(MAX_PAGE_RUNS);
        run_length(
            classes
                .chunks(stretch)
                .map(|pages| (prevailing(pages), pages.len() as u64)),
        )
    };
    runs.into_iter()
        .map(|(class, count)| PageRun {
            count,
            ..class.run(labels)
        })
        .collect()
}

/// What most of the pages are, or damaged if any of them is.
fn prevailing(pages: &[Class]) -> Class {
    let mut counts = [0usize; Class::FIRST_LEAF as usize + MAX_LABELS];
    for class in pages {
        counts[usize::from(class.0)] += 1;
    }
    if counts[usize::from(Class::DAMAGED.0)] > 0 {
        return Class::DAMAGED;
    }
    let most = pages
        .iter()
        .max_by_key(|class| counts[usize::from(class.0)]);
    most.copied().unwrap_or(Class::FREE)
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
        let runs = runs(&classes, LABELS);
        let told: Vec<_> = runs.iter().map(|r| (r.kind, &*r.label, r.count)).collect();
        assert_eq!(
            told,
            [
                (PageKind::Meta, "", 2),
                (PageKind::Leaf, "key", 1),
                (PageKind::Leaf, "other", 1),
                (PageKind::Free, "", 1)
            ]
        );
    }

    #[test]
    fn a_label_that_is_not_there_is_none() {
        let runs = runs(&[Class::leaf(255)], LABELS);
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
        let runs = runs(&classes, LABELS);
        assert!(runs.len() <= MAX_PAGE_RUNS);
        assert_eq!(runs.iter().map(|r| r.count).sum::<u64>(), 100_000);
        assert!(runs.iter().any(|r| r.kind == PageKind::Damaged));
    }
}
