//! The picture of a file: its pages, run-length coded, folded into as many cells as a screen can show.

use requorum_shared::bbolt::scan::{PageKind, PageRun};
use serde::{Deserialize, Serialize};

/// Cells a picture has at most: about one per pixel of a wide column.
pub const CELLS: u64 = 900;

/// What pages are, as the picture tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Leaves of what the file is mostly about, see [`Strip::main`].
    MainLeaf,
    /// Other leaves.
    OtherLeaf,
    /// See [`PageKind`].
    Branch,
    /// See [`PageKind`].
    Meta,
    /// See [`PageKind`].
    Freelist,
    /// See [`PageKind`].
    Free,
    /// See [`PageKind`].
    Unreached,
    /// See [`PageKind`].
    Damaged,
}

/// Every kind of page, in the order of legends.
pub const KINDS: [Kind; 8] = [
    Kind::MainLeaf,
    Kind::OtherLeaf,
    Kind::Branch,
    Kind::Meta,
    Kind::Freelist,
    Kind::Free,
    Kind::Unreached,
    Kind::Damaged,
];

/// The label of leaves that are not told apart.
const OTHER: &str = "other";

impl Kind {
    fn of(run: &PageRun, main: &str) -> Self {
        match run.kind {
            PageKind::Leaf if run.label == main => Self::MainLeaf,
            PageKind::Leaf => Self::OtherLeaf,
            PageKind::Branch => Self::Branch,
            PageKind::Meta => Self::Meta,
            PageKind::Freelist => Self::Freelist,
            PageKind::Free => Self::Free,
            PageKind::Unreached => Self::Unreached,
            PageKind::Damaged => Self::Damaged,
        }
    }

    /// The class that colours pages of this kind.
    pub fn class(self) -> &'static str {
        match self {
            Self::Meta => "kind-meta",
            Self::MainLeaf => "kind-main-leaf",
            Self::OtherLeaf => "kind-other-leaf",
            Self::Branch => "kind-branch",
            Self::Freelist => "kind-freelist",
            Self::Free => "kind-free",
            Self::Unreached => "kind-unreached",
            Self::Damaged => "kind-damaged",
        }
    }
}

/// The pages of a file, folded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strip {
    /// Bytes per page.
    pub page_size: u32,
    /// Pages in all.
    pub pages: u64,
    /// What [`Kind::MainLeaf`] is about: the label of most leaves that have one, `key` for etcd.
    pub main: String,
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
    pub fn kind(&self) -> Kind {
        if self.kinds[index(Kind::Damaged)] > 0 {
            return Kind::Damaged;
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
            main: main_label(runs).to_owned(),
            ..Self::default()
        };
        let mut cell = Cell::default();
        for run in runs {
            let kind = index(Kind::of(run, &strip.main));
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
    pub fn shapes(&self) -> Vec<(usize, usize, Kind)> {
        let mut shapes: Vec<(usize, usize, Kind)> = Vec::new();
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
    pub fn total(&self, kind: Kind) -> u64 {
        self.totals[index(kind)]
    }

    /// How a person calls pages of this kind: one, and many.
    pub fn name(&self, kind: Kind) -> (String, String) {
        let (one, many) = match kind {
            Kind::Meta => ("meta page", "meta pages"),
            Kind::MainLeaf if self.main.is_empty() => ("leaf", "leaves"),
            Kind::MainLeaf => {
                return (
                    format!("{} leaf", self.main),
                    format!("{} leaves", self.main),
                );
            }
            Kind::OtherLeaf => ("other leaf", "other leaves"),
            Kind::Branch => ("branch", "branches"),
            Kind::Freelist => ("freelist page", "freelist pages"),
            Kind::Free => ("free page", "free pages"),
            Kind::Unreached => ("page not reached", "pages not reached"),
            Kind::Damaged => ("damaged page", "damaged pages"),
        };
        (one.to_owned(), many.to_owned())
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

/// The label of most leaves that have one of their own.
fn main_label(runs: &[PageRun]) -> &str {
    let mut labels: Vec<(&str, u64)> = Vec::new();
    let leaves = runs.iter().filter(|run| run.kind == PageKind::Leaf);
    for run in leaves.filter(|run| run.label != OTHER) {
        match labels.iter_mut().find(|(label, _)| *label == run.label) {
            Some((_, count)) => *count = count.saturating_add(run.count),
            None => labels.push((&run.label, run.count)),
        }
    }
    let most = labels.into_iter().max_by_key(|(_, count)| *count);
    most.map_or("", |(label, _)| label)
}

fn index(kind: Kind) -> usize {
    KINDS.iter().position(|k| *k == kind).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(kind: PageKind, count: u64) -> PageRun {
        PageRun {
            kind,
            label: "".into(),
            count,
        }
    }

    fn leaf(label: &'static str, count: u64) -> PageRun {
        PageRun {
            label: label.into(),
            ..run(PageKind::Leaf, count)
        }
    }

    #[test]
    fn leaves_are_told_apart_by_what_most_of_them_are_about() {
        let main = |runs: &[PageRun]| Strip::fold(runs, 4096, CELLS).main;
        assert_eq!(
            main(&[leaf("other", 9), leaf("conf", 1), leaf("logs", 3)]),
            "logs"
        );
        assert_eq!(main(&[leaf("other", 9)]), "");
        let strip = Strip::fold(&[leaf("", 2), leaf("other", 1)], 4096, CELLS);
        assert_eq!(strip.total(Kind::MainLeaf), 2);
        assert_eq!(strip.total(Kind::OtherLeaf), 1);
        assert_eq!(strip.name(Kind::MainLeaf).1, "leaves");
        let strip = Strip::fold(&[leaf("key", 2)], 4096, CELLS);
        assert_eq!(strip.name(Kind::MainLeaf).1, "key leaves");
    }

    #[test]
    fn a_small_file_has_a_cell_per_page() {
        let strip = Strip::fold(
            &[
                run(PageKind::Meta, 2),
                leaf("key", 3),
                run(PageKind::Free, 1),
            ],
            4096,
            CELLS,
        );
        assert_eq!(strip.cells.len(), 6);
        assert_eq!(
            strip.shapes(),
            [
                (0, 2, Kind::Meta),
                (2, 3, Kind::MainLeaf),
                (5, 1, Kind::Free)
            ]
        );
        assert_eq!(strip.total(Kind::MainLeaf), 3);
    }

    #[test]
    fn a_large_file_is_folded_and_loses_no_page() {
        let runs: Vec<PageRun> = (0..10_000)
            .map(|i| {
                if i % 2 == 0 {
                    leaf("key", 1 + i % 7)
                } else {
                    run(PageKind::Free, 1 + i % 7)
                }
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
                leaf("key", 700_000),
                run(PageKind::Damaged, 1),
                leaf("key", 299_999),
            ],
            4096,
            CELLS,
        );
        let damaged: Vec<_> = strip
            .shapes()
            .into_iter()
            .filter(|s| s.2 == Kind::Damaged)
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
