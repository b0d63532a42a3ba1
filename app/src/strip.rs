//! The picture of a file: its pages, run-length coded, folded into as many cells as a screen can show.

use requorum_shared::etcd::storage::inspection::{PageKind, PageRun};
use serde::{Deserialize, Serialize};

/// Cells a picture has at most: about one per pixel of a wide column.
pub const CELLS: u64 = 900;

/// Every kind of page, in the order of legends.
pub const KINDS: [PageKind; 8] = [
    PageKind::KeyLeaf,
    PageKind::OtherLeaf,
    PageKind::Branch,
    PageKind::Meta,
    PageKind::Freelist,
    PageKind::Free,
    PageKind::Unreached,
    PageKind::Damaged,
];

/// How a person calls pages of this kind: one, and many.
pub fn name(kind: PageKind) -> (&'static str, &'static str) {
    match kind {
        PageKind::Meta => ("meta page", "meta pages"),
        PageKind::KeyLeaf => ("key leaf", "key leaves"),
        PageKind::OtherLeaf => ("other leaf", "other leaves"),
        PageKind::Branch => ("branch", "branches"),
        PageKind::Freelist => ("freelist page", "freelist pages"),
        PageKind::Free => ("free page", "free pages"),
        PageKind::Unreached => ("page not reached", "pages not reached"),
        PageKind::Damaged => ("damaged page", "damaged pages"),
    }
}

/// The class that colours pages of this kind.
pub fn class(kind: PageKind) -> &'static str {
    match kind {
        PageKind::Meta => "kind-meta",
        PageKind::KeyLeaf => "kind-key-leaf",
        PageKind::OtherLeaf => "kind-other-leaf",
        PageKind::Branch => "kind-branch",
        PageKind::Freelist => "kind-freelist",
        PageKind::Free => "kind-free",
        PageKind::Unreached => "kind-unreached",
        PageKind::Damaged => "kind-damaged",
    }
}

/// The pages of a file, folded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strip {
    /// Bytes per page.
    pub page_size: u32,
    /// Pages in all.
    pub pages: u64,
    /// The cells, in file order.
    pub cells: Vec<Cell>,
    /// Pages per kind over the whole file, in the order of [`KINDS`].
    pub totals: [u64; KINDS.len()],
}

/// Neighbouring pages that share a place in the picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The first page.
    pub first: u64,
    /// How many pages.
    pub count: u64,
    /// Pages per kind, in the order of [`KINDS`].
    pub kinds: [u64; KINDS.len()],
}

impl Cell {
    /// The kind that colours the cell: damage always shows, otherwise the most frequent.
    pub fn kind(&self) -> PageKind {
        if self.kinds[index(PageKind::Damaged)] > 0 {
            return PageKind::Damaged;
        }
        // The first of equals, so that the picture does not depend on how the maximum is searched.
        let most = self.kinds.iter().copied().max().unwrap_or(0);
        let at = self.kinds.iter().position(|n| *n == most).unwrap_or(0);
        KINDS[at]
    }
}

impl Strip {
    /// Folds `runs` into at most `cells` cells.
    pub fn fold(runs: &[PageRun], page_size: u32, cells: u64) -> Self {
        let pages: u64 = runs
            .iter()
            .map(|run| run.count)
            .fold(0, u64::saturating_add);
        let per_cell = pages.div_ceil(cells.max(1)).max(1);
        let mut strip = Self {
            page_size,
            pages,
            ..Self::default()
        };
        let mut cell = Cell::default();
        for run in runs {
            let kind = index(run.kind);
            strip.totals[kind] = strip.totals[kind].saturating_add(run.count);
            let mut left = run.count;
            while left > 0 {
                let take = left.min(per_cell - cell.count);
                cell.kinds[kind] += take;
                cell.count += take;
                left -= take;
                if cell.count == per_cell {
                    let next = cell.first.saturating_add(per_cell);
                    strip.cells.push(cell);
                    cell = Cell {
                        first: next,
                        ..Cell::default()
                    };
                }
            }
        }
        if cell.count > 0 {
            strip.cells.push(cell);
        }
        strip
    }

    /// Runs of cells of one kind: first cell, how many, kind. One shape each in the picture.
    pub fn shapes(&self) -> Vec<(usize, usize, PageKind)> {
        let mut shapes: Vec<(usize, usize, PageKind)> = Vec::new();
        for (at, cell) in self.cells.iter().enumerate() {
            let kind = cell.kind();
            match shapes.last_mut() {
                Some((_, count, last)) if *last == kind => *count += 1,
                _ => shapes.push((at, 1, kind)),
            }
        }
        shapes
    }

    /// How many pages are of this kind.
    pub fn total(&self, kind: PageKind) -> u64 {
        self.totals[index(kind)]
    }

    /// The cell that holds `page`.
    pub fn cell_of(&self, page: u64) -> Option<usize> {
        let at = self
            .cells
            .partition_point(|cell| cell.first <= page)
            .checked_sub(1)?;
        let cell = self.cells[at];
        (page < cell.first + cell.count).then_some(at)
    }
}

fn index(kind: PageKind) -> usize {
    KINDS.iter().position(|k| *k == kind).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(kind: PageKind, count: u64) -> PageRun {
        PageRun { kind, count }
    }

    #[test]
    fn a_small_file_has_a_cell_per_page() {
        let strip = Strip::fold(
            &[
                run(PageKind::Meta, 2),
                run(PageKind::KeyLeaf, 3),
                run(PageKind::Free, 1),
            ],
            4096,
            CELLS,
        );
        assert_eq!(strip.cells.len(), 6);
        assert_eq!(
            strip.shapes(),
            [
                (0, 2, PageKind::Meta),
                (2, 3, PageKind::KeyLeaf),
                (5, 1, PageKind::Free)
            ]
        );
        assert_eq!(strip.total(PageKind::KeyLeaf), 3);
    }

    #[test]
    fn a_large_file_is_folded_and_loses_no_page() {
        let runs: Vec<PageRun> = (0..10_000)
            .map(|i| {
                run(
                    if i % 2 == 0 {
                        PageKind::KeyLeaf
                    } else {
                        PageKind::Free
                    },
                    1 + i % 7,
                )
            })
            .collect();
        let strip = Strip::fold(&runs, 4096, CELLS);
        assert!(strip.cells.len() as u64 <= CELLS);
        assert_eq!(
            strip.cells.iter().map(|c| c.count).sum::<u64>(),
            strip.pages
        );
        assert_eq!(strip.totals.iter().sum::<u64>(), strip.pages);
        for pair in strip.cells.windows(2) {
            assert_eq!(pair[0].first + pair[0].count, pair[1].first);
        }
        for page in [0, 1, 4_321, strip.pages - 1] {
            let cell = strip.cells[strip.cell_of(page).unwrap()];
            assert!((cell.first..cell.first + cell.count).contains(&page));
        }
        assert_eq!(strip.cell_of(strip.pages), None);
    }

    #[test]
    fn one_damaged_page_among_a_million_shows() {
        let strip = Strip::fold(
            &[
                run(PageKind::KeyLeaf, 700_000),
                run(PageKind::Damaged, 1),
                run(PageKind::KeyLeaf, 299_999),
            ],
            4096,
            CELLS,
        );
        let damaged: Vec<_> = strip
            .shapes()
            .into_iter()
            .filter(|s| s.2 == PageKind::Damaged)
            .collect();
        assert_eq!(damaged.len(), 1);
        assert_eq!(strip.cell_of(700_000), Some(damaged[0].0));
    }

    #[test]
    fn nothing_and_absurd_counts_do_no_harm() {
        assert_eq!(Strip::fold(&[], 0, CELLS).cells, []);
        let strip = Strip::fold(
            &[run(PageKind::Free, u64::MAX), run(PageKind::Free, 5)],
            1,
            10,
        );
        assert!(strip.cells.len() <= 11);
    }
}
