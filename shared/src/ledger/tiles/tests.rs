//! Paths as the specification spells them, and bytes that are not to be trusted.

use proptest::prelude::*;

use super::super::merkle::{Frontier, leaf_hash};
use super::*;

fn hashes(level: u8, index: u64, width: u64) -> Tile {
    Tile {
        kind: Kind::Hashes { level },
        index,
        width,
    }
}

#[test]
fn paths_are_those_of_the_specification() {
    assert_eq!(hashes(4, 1_234_067, WIDTH).path(), "tile/4/x001/x234/067");
    assert_eq!(hashes(0, 0, 1).path(), "tile/0/000.p/1");
    let bundle = Tile {
        kind: Kind::Entries,
        index: 1000,
        width: 255,
    };
    assert_eq!(bundle.path(), "tile/entries/x001/000.p/255");
}

/// The specification's own example of a tree's tiles.
#[test]
fn a_tree_of_70_000_entries_has_the_tiles_of_the_specification() {
    let all = Tile::all(70_000);
    let count = |level, full: bool| {
        all.iter()
            .filter(|tile| tile.kind == Kind::Hashes { level } && (tile.width == WIDTH) == full)
            .count()
    };
    assert_eq!((count(0, true), count(0, false)), (273, 1));
    assert_eq!((count(1, true), count(1, false)), (1, 1));
    assert_eq!((count(2, true), count(2, false)), (0, 1));
    assert!(all.contains(&hashes(0, 273, 112)));
    assert!(all.contains(&hashes(1, 1, 17)));
    assert!(all.contains(&hashes(2, 0, 1)));
    assert_eq!(
        all.iter().filter(|tile| tile.kind == Kind::Entries).count(),
        274
    );
    assert!(Tile::all(256).contains(&hashes(1, 0, 1)));
    assert!(Tile::all(0).is_empty());
}

#[test]
fn only_one_spelling_is_read() {
    for path in [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/00/000",
        "tile/+0/000",
        "tile/-1/000",
        "tile/64/000",
        "tile/256/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/+1",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000/",
        "tile/0/000.p/1/",
        "tile/8/0/000",
        "tile/data/000",
        "tile/entries/../000",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/x999/x999/x999/x999/x999/999",
        "/tile/0/000",
        "tile/0/\u{661}00",
    ] {
        assert!(Tile::parse(path).is_err(), "{path:?}");
    }
}

#[test]
fn a_bundle_is_read_whole_or_not_at_all() {
    let entries: [&[u8]; 3] = [b"a", b"", &[7; MAX_ENTRY_BYTES]];
    let bundle = pack(entries);
    assert_eq!(&bundle[..5], [0, 1, b'a', 0, 0]);
    assert_eq!(unpack(&bundle, 3).unwrap(), entries);
    assert_eq!(
        unpack(&bundle, 4),
        Err(TileError::CutOff { at: 3, width: 4 })
    );
    assert_eq!(
        unpack(&bundle, 2),
        Err(TileError::TooLong {
            extra: MAX_ENTRY_BYTES + 2,
            width: 2
        })
    );
    for len in 0..5 {
        assert!(
            matches!(unpack(&bundle[..len], 3), Err(TileError::CutOff { .. })),
            "{len}"
        );
    }
    assert!(matches!(
        unpack(&bundle[..bundle.len() - 1], 3),
        Err(TileError::CutOff { at: 2, width: 3 })
    ));
    assert!(hashes_of(&[0; 31], 1).is_err());
    assert!(hashes_of(&[0; 33], 1).is_err());
    assert_eq!(hashes_of(&[5; 64], 2).unwrap(), [Hash([5; 32]); 2]);
}

proptest! {
    #[test]
    fn every_tile_is_found_by_its_path(level in 0u8..64, index in 0..MAX_SIZE, width in 1..=WIDTH, entries: bool) {
        let kind = if entries { Kind::Entries } else { Kind::Hashes { level } };
        let tile = Tile { kind, index, width };
        prop_assert_eq!(Tile::parse(&tile.path()), Ok(tile));
    }

    #[test]
    fn no_path_panics(path in "(tile/)?[0-9a-z./+x-]{0,70}") {
        if let Ok(tile) = Tile::parse(&path) {
            prop_assert_eq!(tile.path(), path);
        }
    }

    #[test]
    fn no_bundle_panics(bytes: Vec<u8>, width in 0..300u64) {
        if let Ok(entries) = unpack(&bytes, width) {
            prop_assert_eq!(pack(entries), bytes);
        }
    }

    #[test]
    fn bundles_that_follow_each_other_come_apart_again(
        lens in proptest::collection::vec(0usize..300, 0..40), width in 0u64..50, cut_off in 0usize..400
    ) {
        let entries: Vec<Vec<u8>> = lens.iter().map(|len| vec![7; *len]).collect();
        let packed = pack(entries.iter().map(|entry| &entry[..]));
        let (first, rest) = cut(&packed, width);
        let mid = entries.len().min(width as usize);
        prop_assert_eq!(unpack(first, mid as u64).unwrap(), &entries[..mid]);
        prop_assert_eq!(unpack(rest, (entries.len() - mid) as u64).unwrap(), &entries[mid..]);
        let short = &packed[..packed.len().saturating_sub(cut_off)];
        let (first, rest) = cut(short, width);
        prop_assert_eq!([first, rest].concat(), short);
    }

    /// What lies in tiles is what was pushed, at every level, in a tree tall enough for a second row.
    #[test]
    fn tiles_hold_every_node(size in 1u64..1_400) {
        let mut frontier = Frontier::new();
        let mut all = Vec::new();
        for index in 0..size {
            frontier.push(leaf_hash(&index.to_be_bytes()), |node, hash| all.push((node, hash)));
        }
        let mut tiles = Tiles::default();
        for tile in Tile::all(size) {
            if let Kind::Hashes { level } = tile.kind {
                let mut row: Vec<_> = all.iter().filter(|(node, _)| node.level == level * HEIGHT).collect();
                row.sort_by_key(|(node, _)| node.index);
                let row = row[tile.start() as usize..][..tile.width as usize].iter().map(|(_, hash)| *hash);
                tiles.add(level, tile.index, row.collect());
            }
        }
        for (node, hash) in all {
            prop_assert!(Tile::of(node, size).is_some(), "{:?}", node);
            prop_assert_eq!(tiles.hash(node), Some(hash), "{:?}", node);
        }
        for beyond in [Node { level: 0, index: size }, Node { level: 9, index: size >> 9 }] {
            prop_assert_eq!(Tile::of(beyond, size), None);
            prop_assert_eq!(tiles.hash(beyond), None);
        }
    }
}
