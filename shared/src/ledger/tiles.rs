//! C2SP tlog-tiles: where the tree's hashes and entries lie, and how they are packed.
//!
//! A tile is 256 hashes of one level, a bundle is 256 entries; the last of each row may be partial and carries its
//! width in its path. Paths come from clients and bytes from servers, so both are read with distrust.

use std::collections::BTreeMap;

use thiserror::Error;

use super::merkle::{Hash, Hashes, MAX_SIZE, Node, node_hash};

#[cfg(test)]
mod tests;

/// Hashes in a full tile, and entries in a full bundle.
pub const WIDTH: u64 = 256;

/// Entries that are given in one answer, at most: 16 bundles.
pub const MAX_TOGETHER: u64 = 16 * WIDTH;

/// Levels of the tree that one tile spans.
pub const HEIGHT: u8 = 8;

/// An entry is at most this long: its length travels in 16 bits.
pub const MAX_ENTRY_BYTES: usize = 0xffff;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Hashes of complete subtrees of 256^level leaves.
    Hashes {
        /// 0 for the hashes of leaves.
        level: u8,
    },
    /// Entries.
    Entries,
}

/// The address of a tile or of a bundle of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    /// What it holds.
    pub kind: Kind,
    /// Counts from 0 within its row.
    pub index: u64,
    /// How many hashes or entries it has, 1 to [`WIDTH`].
    pub width: u64,
}

/// Why a path is not that of a tile.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{path:?} is not the path of a tile: {what}; expected tile/<level>/<index> or tile/entries/<index>, with \
     .p/<width> where it is partial"
)]
pub struct PathError {
    path: String,
    what: &'static str,
}

/// No path of a tile is longer: 64 levels, 48 bits of index, a width.
const MAX_PATH: usize = 64;

impl Tile {
    /// The tile of hashes of this level that a tree of `size` leaves has at `index`; `None` when it has none.
    pub fn hashes(level: u8, index: u64, size: u64) -> Option<Self> {
        let row = size.checked_shr(u32::from(level) * u32::from(HEIGHT))?;
        Self::within(Kind::Hashes { level }, index, row)
    }

    /// The bundle of entries that a tree of `size` leaves has at `index`; `None` when it has none.
    pub fn entries(index: u64, size: u64) -> Option<Self> {
        Self::within(Kind::Entries, index, size)
    }

    fn within(kind: Kind, index: u64, row: u64) -> Option<Self> {
        let start = index.checked_mul(WIDTH)?;
        let width = row.checked_sub(start)?.min(WIDTH);
        (width > 0).then_some(Self { kind, index, width })
    }

    /// The first hash or entry, counted from 0 along its row.
    pub fn start(&self) -> u64 {
        self.index * WIDTH
    }

    /// The tile in which a tree of `size` leaves keeps `node` or what it is computed from; `None` when the tree
    /// does not have that node.
    pub fn of(node: Node, size: u64) -> Option<Self> {
        let level = node.level / HEIGHT;
        let within = node.level % HEIGHT;
        let index = (node.index << within) / WIDTH;
        let tile = Self::hashes(level, index, size)?;
        let end = (node.index + 1) << within;
        (end <= tile.start() + tile.width).then_some(tile)
    }

    /// All tiles and bundles of a tree of `size` leaves.
    pub fn all(size: u64) -> Vec<Self> {
        let mut tiles = Vec::new();
        let mut index = 0;
        while let Some(tile) = Self::entries(index, size) {
            tiles.push(tile);
            index += 1;
        }
        for level in 0..8 {
            let mut index = 0;
            while let Some(tile) = Self::hashes(level, index, size) {
                tiles.push(tile);
                index += 1;
            }
        }
        tiles
    }

    /// Its path below the ledger's prefix.
    pub fn path(&self) -> String {
        let mut digits = format!("{:03}", self.index % 1000);
        let mut rest = self.index / 1000;
        while rest > 0 {
            digits = format!("x{:03}/{digits}", rest % 1000);
            rest /= 1000;
        }
        let row = match self.kind {
            Kind::Hashes { level } => level.to_string(),
            Kind::Entries => "entries".to_owned(),
        };
        if self.width == WIDTH {
            format!("tile/{row}/{digits}")
        } else {
            format!("tile/{row}/{digits}.p/{}", self.width)
        }
    }

    /// Reads a path.
    ///
    /// # Errors
    /// When it is not one that [`Tile::path`] writes.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        let error = |what| PathError {
            path: path.chars().take(MAX_PATH).collect(),
            what,
        };
        if path.len() > MAX_PATH {
            return Err(error("it is too long"));
        }
        let rest = path
            .strip_prefix("tile/")
            .ok_or_else(|| error("it does not begin with tile/"))?;
        let (row, rest) = rest
            .split_once('/')
            .ok_or_else(|| error("it has no index"))?;
        let kind = if row == "entries" {
            Kind::Entries
        } else {
            let level = row
                .parse()
                .ok()
                .filter(|level| *level < 64)
                .ok_or_else(|| error("its level is not a number from 0 to 63"))?;
            Kind::Hashes { level }
        };
        let (digits, width) = match rest.split_once(".p/") {
            None => (rest, WIDTH),
            Some((digits, width)) => {
                let width = width
                    .parse()
                    .ok()
                    .filter(|width| (1..WIDTH).contains(width))
                    .ok_or_else(|| error("its width is not a number from 1 to 255"))?;
                (digits, width)
            }
        };
        let mut index: u64 = 0;
        for group in digits.split('/') {
            let group: u64 = group
                .strip_prefix('x')
                .unwrap_or(group)
                .parse()
                .ok()
                .filter(|group| *group < 1000)
                .ok_or_else(|| error("its index is not made of groups of three digits"))?;
            index = index * 1000 + group;
            if index > MAX_SIZE {
                return Err(error("its index is beyond any ledger"));
            }
        }
        let tile = Self { kind, index, width };
        // One spelling for each tile: no signs, no missing or leading zeros, no stray x.
        if tile.path() == path {
            Ok(tile)
        } else {
            Err(error("it is not spelled in the one allowed way"))
        }
    }
}

/// Why the bytes of a tile cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TileError {
    /// It ends within an entry or its length.
    #[error("the bundle ends in the middle of its entry {at} (of {width})")]
    CutOff {
        /// Which entry of the bundle, from 0.
        at: u64,
        /// How many it should have.
        width: u64,
    },
    /// There is more than the tile should have.
    #[error("{extra} bytes follow the last of {width} entries or hashes")]
    TooLong {
        /// How many bytes.
        extra: usize,
        /// How many entries or hashes there should be.
        width: u64,
    },
    /// It has too few hashes.
    #[error("the tile has {found} bytes where {expected} belong")]
    TooShort {
        /// How many bytes it has.
        found: usize,
        /// How many it should have.
        expected: usize,
    },
}

/// Packs entries into a bundle. Entries beyond [`MAX_ENTRY_BYTES`] cannot be packed; they are refused when they
/// are made.
pub fn pack<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bundle = Vec::new();
    for entry in entries {
        let len = u16::try_from(entry.len()).expect("entries are kept below 64 KiB");
        bundle.extend_from_slice(&len.to_be_bytes());
        bundle.extend_from_slice(entry);
    }
    bundle
}

/// The `width` entries of a bundle.
///
/// # Errors
/// When there are fewer or more.
pub fn unpack(bundle: &[u8], width: u64) -> Result<Vec<&[u8]>, TileError> {
    let mut entries = Vec::with_capacity(width.min(WIDTH) as usize);
    let mut rest = bundle;
    for at in 0..width {
        let entry = rest
            .split_first_chunk::<2>()
            .and_then(|(len, after)| after.split_at_checked(usize::from(u16::from_be_bytes(*len))));
        let Some((entry, after)) = entry else {
            return Err(TileError::CutOff { at, width });
        };
        entries.push(entry);
        rest = after;
    }
    if rest.is_empty() {
        Ok(entries)
    } else {
        Err(TileError::TooLong {
            extra: rest.len(),
            width,
        })
    }
}

/// Cuts several bundles that follow each other after the first `width` entries. Where there are fewer, what is there
/// comes first and nothing is left.
pub fn cut(bundles: &[u8], width: u64) -> (&[u8], &[u8]) {
    let mut at = 0;
    for _ in 0..width {
        let rest = bundles.get(at..).unwrap_or_default();
        let Some(len) = rest.first_chunk::<2>() else {
            break;
        };
        at += 2 + usize::from(u16::from_be_bytes(*len));
    }
    bundles.split_at(at.min(bundles.len()))
}

/// The `width` hashes of a tile.
///
/// # Errors
/// When there are fewer or more.
pub fn hashes_of(bytes: &[u8], width: u64) -> Result<Vec<Hash>, TileError> {
    let expected = width as usize * 32;
    if bytes.len() < expected {
        return Err(TileError::TooShort {
            found: bytes.len(),
            expected,
        });
    }
    if bytes.len() > expected {
        return Err(TileError::TooLong {
            extra: bytes.len() - expected,
            width,
        });
    }
    Ok(bytes
        .chunks_exact(32)
        .filter_map(Hash::from_slice)
        .collect())
}

/// Tiles of hashes held in memory, answering for every node that lies in them.
#[derive(Debug, Clone, Default)]
pub struct Tiles {
    by_place: BTreeMap<(u8, u64), Vec<Hash>>,
}

impl Tiles {
    /// Adds a tile of hashes of `level`; a wider one replaces a narrower one.
    pub fn add(&mut self, level: u8, index: u64, hashes: Vec<Hash>) {
        let place = self.by_place.entry((level, index)).or_default();
        if place.len() < hashes.len() {
            *place = hashes;
        }
    }
}

impl Hashes for Tiles {
    fn hash(&self, node: Node) -> Option<Hash> {
        let within = node.level % HEIGHT;
        let first = node.index.checked_shl(u32::from(within))?;
        let tile = self.by_place.get(&(node.level / HEIGHT, first / WIDTH))?;
        let start = (first % WIDTH) as usize;
        let mut row = tile.get(start..start + (1 << within))?.to_vec();
        while row.len() > 1 {
            row = row
                .chunks(2)
                .map(|pair| node_hash(&pair[0], &pair[1]))
                .collect();
        }
        row.first().copied()
    }
}

/// The tiles in which a tree of `size` leaves keeps `nodes`, each once.
pub fn tiles_of(nodes: impl IntoIterator<Item = Node>, size: u64) -> Vec<Tile> {
    let mut tiles: Vec<_> = nodes
        .into_iter()
        .filter_map(|node| Tile::of(node, size))
        .collect();
    tiles.sort_unstable();
    tiles.dedup();
    tiles
}
