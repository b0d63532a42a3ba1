//! The file page by page: what each page turned out to be, run-length coded.

use crate::etcd::storage::inspection::{MAX_PAGE_RUNS, PageKind, PageRun};

/// What a page is, one byte each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Class {
    Free,
    Unreached,
    Freelist,
    Meta,
    Branch,
    OtherLeaf,
    KeyLeaf,
    Damaged,
}

impl Class {
    fn kind(self) -> PageKind {
        match self {
            Self::Free => PageKind::Free,
            Self::Unreached => PageKind::Unreached,
            Self::Freelist => PageKind::Freelist,
            Self::Meta => PageKind::Meta,
            Self::Branch => PageKind::Branch,
            Self::OtherLeaf => PageKind::OtherLeaf,
            Self::KeyLeaf => PageKind::KeyLeaf,
            Self::Damaged => PageKind::Damaged,
        }
    }
}

/// Runs of equal pages. A file with more than [`MAX_PAGE_RUNS`] of them is drawn coarser: each stretch of
/// pages becomes what most of it is, or damaged if any of it is.
pub(super) fn runs(classes: &[Class]) -> Vec<PageRun> {
    let exact = run_length(classes.iter().map(|class| (*class, 1)));
    if exact.len() <= MAX_PAGE_RUNS {
        return exact;
    }
    let stretch = classes.len().div_ceil(MAX_PAGE_RUNS);
    run_length(classes.chunks(stretch).map(|pages| {
        let mut counts = [0usize; 8];
        for class in pages {
            counts[*class as usize] += 1;
        }
        let most = pages.iter().max_by_key(|class| counts[**class as usize]);
        let class = if counts[Class::Damaged as usize] > 0 {
            Class::Damaged
        } else {
            most.copied().unwrap_or(Class::Free)
        };
        (class, pages.len() as u64)
    }))
}

fn run_length(pages: impl Iterator<Item = (Class, u64)>) -> Vec<PageRun> {
    let mut runs: Vec<PageRun> = Vec::new();
    for (class, count) in pages {
        let kind = class.kind();
        if let Some(run) = runs.last_mut().filter(|run| run.kind == kind) {
            run.count += count;
        } else if runs.len() > MAX_PAGE_RUNS {
            // One more than the maximum is enough to know that it is exceeded.
            break;
        } else {
            runs.push(PageRun { kind, count });
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_account_for_every_page() {
        let classes = [Class::Meta, Class::Meta, Class::KeyLeaf, Class::Free];
        let counts: Vec<_> = runs(&classes).iter().map(|r| r.count).collect();
        assert_eq!(counts, [2, 1, 1]);
    }

    #[test]
    fn a_ragged_file_is_drawn_coarser_and_hides_no_damage() {
        let mut classes: Vec<_> = (0..100_000)
            .map(|i| {
                if i % 2 == 0 {
                    Class::KeyLeaf
                } else {
                    Class::Free
                }
            })
            .collect();
        classes[54_321] = Class::Damaged;
        let runs = runs(&classes);
        assert!(runs.len() <= MAX_PAGE_RUNS);
        assert_eq!(runs.iter().map(|r| r.count).sum::<u64>(), 100_000);
        assert!(runs.iter().any(|r| r.kind == PageKind::Damaged));
    }
}
