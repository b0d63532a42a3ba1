//! The picture of a file: its pages, run-length coded, folded into as many cells as a screen can show.

use requorum_shared::bbolt::scan::{PageKind, PageRun};
use requorum_shared::inspection::PageMap;
use serde::{Deserialize, Serialize};

/// Cells a picture has at most: about one per pixel of a wide column.
pub const CELLS: u64 = 1024;

/// What pages are, as the picture tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Leaves of what the file is mostly about, see [`PageMapView::main`].
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
    /// See [`PageKind`].
    Missing,
}

/// Every kind of page, in the order of legends.
pub const KINDS: [Kind; 9] = [
    Kind::MainLeaf,
    Kind::OtherLeaf,
    Kind::Branch,
    Kind::Meta,
    Kind::Freelist,
    Kind::Free,
    Kind::Unreached,
    Kind::Damaged,
    Kind::Missing,
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
            PageKind::Missing => Self::Missing,
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
            Self::Missing => "kind-missing",
        }
    }
}

/// The pages of a file, folded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageMapView {
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
    /// Bytes that leaves use of their pages; absent in documents that do not tell.
    pub leaf_bytes: Option<u64>,
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
    /// Bytes that its leaves use of their pages.
    pub leaf_bytes: u64,
}

/// A part of a cell's height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// The class that colours it.
    pub class: &'static str,
    /// From 0 to 1.
    pub height: f64,
}

/// The class of what leaves leave unused of their pages.
pub const UNUSED: &str = "kind-unused";

impl Cell {
    fn leaves(&self) -> u64 {
        self.kinds[index(Kind::MainLeaf)] + self.kinds[index(Kind::OtherLeaf)]
    }

    /// How much of the pages of its leaves is used, in percent; `None` without leaves.
    pub fn fill(&self, page_size: u32) -> Option<u64> {
        let room = self.leaves().checked_mul(page_size.into())?;
        let room = Some(room).filter(|room| *room > 0)?;
        Some((u128::from(self.leaf_bytes) * 100 / u128::from(room)).min(100) as u64)
    }

    /// What it is made of, from the bottom: leaves as far as they are used, what is in use besides, what leaves leave
    /// unused, and free pages. Damage takes all of it.
    pub fn shares(&self, page_size: u32, filled: bool) -> Vec<Share> {
        let kind = self.kind();
        if matches!(kind, Kind::Damaged | Kind::Missing) || self.count == 0 {
            let class = kind.class();
            return vec![Share { class, height: 1.0 }];
        }
        let fill = match self.fill(page_size) {
            Some(fill) if filled => fill as f64 / 100.0,
            _ => 1.0,
        };
        let of = |kind: Kind| self.kinds[index(kind)] as f64 / self.count as f64;
        let leaf = |kind: Kind| (kind.class(), of(kind) * fill);
        let all = |kind: Kind| (kind.class(), of(kind));
        let leaves = of(Kind::MainLeaf) + of(Kind::OtherLeaf);
        let shares = [
            leaf(Kind::MainLeaf),
            leaf(Kind::OtherLeaf),
            all(Kind::Branch),
            all(Kind::Meta),
            all(Kind::Freelist),
            all(Kind::Unreached),
            all(Kind::Missing),
            (UNUSED, leaves * (1.0 - fill)),
            all(Kind::Free),
        ];
        let shares = shares.into_iter().filter(|(_, height)| *height > 0.0);
        shares
            .map(|(class, height)| Share { class, height })
            .collect()
    }

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

impl PageMapView {
    /// Folds a page map into at most `cells` cells.
    pub fn fold(pages: &PageMap, cells: u64) -> Self {
        let PageMap {
            page_size,
            runs,
            stretch,
            leaf_bytes,
        } = pages;
        let pages: u64 = runs
            .iter()
            .map(|run| run.count)
            .fold(0, u64::saturating_add);
        // Within a stretch the order of pages is not known: none is cut in two.
        let stretch = (*stretch).max(1);
        let per_cell = pages.div_ceil(cells.max(1)).max(1);
        let per_cell = per_cell
            .checked_next_multiple_of(stretch)
            .unwrap_or(per_cell);
        let mut map = Self {
            page_size: *page_size,
            pages,
            main: main_label(runs).to_owned(),
            leaf_bytes: (!leaf_bytes.is_empty()).then(|| leaf_bytes.iter().sum()),
            ..Self::default()
        };
        let mut cell = Cell::default();
        for run in runs {
            let kind = index(Kind::of(run, &map.main));
            map.totals[kind] = map.totals[kind].saturating_add(run.count);
            let mut left = run.count;
            while left > 0 {
                let take = left.min(per_cell - cell.count);
                cell.kinds[kind] += take;
                cell.count += take;
                left -= take;
                if cell.count == per_cell {
                    let next = cell.first.saturating_add(per_cell);
                    map.cells.push(cell);
                    cell = Cell {
                        first: next,
                        ..Cell::default()
                    };
                }
            }
        }
        if cell.count > 0 {
            map.cells.push(cell);
        }
        let stretches_per_cell = usize::try_from(per_cell / stretch).unwrap_or(usize::MAX);
        let used = leaf_bytes.chunks(stretches_per_cell.max(1));
        for (cell, used) in map.cells.iter_mut().zip(used) {
            cell.leaf_bytes = used.iter().sum();
        }
        map
    }

    /// Runs of cells that look the same: first cell, how many, what they are made of.
    pub fn shapes(&self) -> Vec<(usize, usize, Vec<Share>)> {
        let filled = self.leaf_bytes.is_some();
        let mut shapes: Vec<(usize, usize, Vec<Share>)> = Vec::new();
        for (at, cell) in self.cells.iter().enumerate() {
            let shares = cell.shares(self.page_size, filled);
            match shapes.last_mut() {
                Some((_, count, last)) if *last == shares => *count += 1,
                _ => shapes.push((at, 1, shares)),
            }
        }
        shapes
    }

    /// Bytes of the pages of leaves that hold nothing, where that is known.
    pub fn unused(&self) -> Option<u64> {
        let leaves = self
            .total(Kind::MainLeaf)
            .saturating_add(self.total(Kind::OtherLeaf));
        let room = leaves.saturating_mul(self.page_size.into());
        Some(room.saturating_sub(self.leaf_bytes?))
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
            Kind::Unreached => ("page of unknown use", "pages of unknown use"),
            Kind::Damaged => ("damaged page", "damaged pages"),
            Kind::Missing => ("missing page", "missing pages"),
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

    fn fold(runs: &[PageRun], page_size: u32, cells: u64) -> PageMapView {
        let map = PageMap {
            page_size,
            runs: runs.to_vec(),
            ..PageMap::default()
        };
        PageMapView::fold(&map, cells)
    }

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
        let main = |runs: &[PageRun]| fold(runs, 4096, CELLS).main;
        assert_eq!(
            main(&[leaf("other", 9), leaf("conf", 1), leaf("logs", 3)]),
            "logs"
        );
        assert_eq!(main(&[leaf("other", 9)]), "");
        let map = fold(&[leaf("", 2), leaf("other", 1)], 4096, CELLS);
        assert_eq!(map.total(Kind::MainLeaf), 2);
        assert_eq!(map.total(Kind::OtherLeaf), 1);
        assert_eq!(map.name(Kind::MainLeaf).1, "leaves");
        let map = fold(&[leaf("key", 2)], 4096, CELLS);
        assert_eq!(map.name(Kind::MainLeaf).1, "key leaves");
    }

    #[test]
    fn a_small_file_has_a_cell_per_page() {
        let map = fold(
            &[
                run(PageKind::Meta, 2),
                leaf("key", 3),
                run(PageKind::Free, 1),
            ],
            4096,
            CELLS,
        );
        assert_eq!(map.cells.len(), 6);
        let all = |kind: Kind| {
            vec![Share {
                class: kind.class(),
                height: 1.0,
            }]
        };
        assert_eq!(
            map.shapes(),
            [
                (0, 2, all(Kind::Meta)),
                (2, 3, all(Kind::MainLeaf)),
                (5, 1, all(Kind::Free))
            ]
        );
        assert_eq!(map.total(Kind::MainLeaf), 3);
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
        let map = fold(&runs, 4096, CELLS);
        assert!(map.cells.len() as u64 <= CELLS);
        assert_eq!(map.cells.iter().map(|c| c.count).sum::<u64>(), map.pages);
        assert_eq!(map.totals.iter().sum::<u64>(), map.pages);
        for pair in map.cells.windows(2) {
            assert_eq!(pair[0].first + pair[0].count, pair[1].first);
        }
        for page in [0, 1, 4_321, map.pages - 1] {
            let cell = map.cells[map.cell_of(page).unwrap()];
            assert!((cell.first..cell.first + cell.count).contains(&page));
        }
        assert_eq!(map.cell_of(map.pages), None);
    }

    #[test]
    fn one_damaged_page_among_a_million_shows() {
        let map = fold(
            &[
                leaf("key", 700_000),
                run(PageKind::Damaged, 1),
                leaf("key", 299_999),
            ],
            4096,
            CELLS,
        );
        let damaged: Vec<_> = map
            .shapes()
            .into_iter()
            .filter(|s| s.2[0].class == Kind::Damaged.class())
            .collect();
        assert_eq!(damaged.len(), 1);
        assert_eq!(map.cell_of(700_000), Some(damaged[0].0));
    }

    #[test]
    fn a_large_file_shows_how_full_it_is_and_where() {
        // As a store of 120 556 pages: leaves all through, half empty in the second half, a fifth of which is free.
        let (stretch, half) = (118, 511);
        let mut runs = vec![leaf("key", half * stretch)];
        for _ in half..1022 {
            runs.extend([
                leaf("key", 90),
                run(PageKind::Branch, 4),
                run(PageKind::Free, 24),
            ]);
        }
        let leaves = |pages: u64, percent: u64| pages * 4096 * percent / 100;
        let mut leaf_bytes = vec![leaves(stretch, 90); half as usize];
        leaf_bytes.extend(vec![leaves(90, 50); 511]);
        let pages = PageMap {
            page_size: 4096,
            runs,
            stretch,
            leaf_bytes,
        };
        let map = PageMapView::fold(&pages, CELLS);
        assert_eq!(map.cells.len(), 1022);
        let shapes = map.shapes();
        assert_eq!(shapes.len(), 2, "one look for each half");
        let share = |at: usize, class: &str| {
            let mut shares = shapes[at].2.iter().filter(|share| share.class == class);
            shares
                .next()
                .map_or(0, |share| (share.height * 100.0) as u32)
        };
        assert_eq!(
            (share(0, Kind::MainLeaf.class()), share(0, UNUSED)),
            (89, 10)
        );
        assert_eq!(
            share(1, Kind::MainLeaf.class()),
            38,
            "90 of 118 pages, half full"
        );
        assert_eq!(share(1, Kind::Free.class()), 20);
        for (_, _, shares) in &shapes {
            let height: f64 = shares.iter().map(|share| share.height).sum();
            assert!((height - 1.0).abs() < 1e-9, "{shares:?}");
        }
        let used = map.leaf_bytes.unwrap();
        let leaf_pages = map.total(Kind::MainLeaf);
        assert_eq!(map.unused().unwrap() + used, leaf_pages * 4096);
    }

    #[test]
    fn what_is_missing_is_drawn_where_it_would_be() {
        let map = fold(
            &[
                leaf("key", 28),
                run(PageKind::Unreached, 2),
                run(PageKind::Missing, 25),
            ],
            4096,
            CELLS,
        );
        assert_eq!(map.pages, 55);
        assert_eq!(map.total(Kind::Free), 0);
        let last = &map.shapes()[2];
        assert_eq!((last.0, last.1, last.2[0].class), (30, 25, "kind-missing"));
        // However much a forged meta page declares, the file that is there can be found.
        let map = fold(
            &[leaf("key", 5), run(PageKind::Missing, u64::MAX - 5)],
            4096,
            CELLS,
        );
        assert!(map.cells.len() as u64 <= CELLS + 1);
        assert_eq!(map.total(Kind::MainLeaf), 5);
    }

    #[test]
    fn nothing_and_absurd_counts_do_no_harm() {
        assert_eq!(fold(&[], 0, CELLS).cells, []);
        let map = fold(
            &[run(PageKind::Free, u64::MAX), run(PageKind::Free, 5)],
            1,
            10,
        );
        assert!(map.cells.len() <= 11);
    }
}
