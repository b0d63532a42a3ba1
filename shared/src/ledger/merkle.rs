//! The RFC 6962 tree: hashing, appending, and proofs of inclusion and consistency with their verification.
//!
//! A proof is planned first ([`inclusion_path`], [`consistency_path`]: which runs of leaves it consists of), so that
//! whoever holds the hashes, in rows or in tiles, can fetch just those; [`Hashes`] then answers from memory.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use thiserror::Error;

#[cfg(test)]
mod tests;

/// The largest tree handled here. Far beyond any ledger, and low enough that no index arithmetic overflows.
pub const MAX_SIZE: u64 = 1 << 48;

/// A SHA-256 of the tree.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash in standard base64, as checkpoints write it.
    pub fn to_base64(self) -> String {
        BASE64_STANDARD.encode(self.0)
    }

    /// Reads what [`Hash::to_base64`] writes; `None` when it is anything else.
    pub fn from_base64(text: &str) -> Option<Self> {
        let bytes = BASE64_STANDARD.decode(text).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// A hash from 32 bytes; `None` for any other length.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// The root of the tree without leaves: the SHA-256 of nothing (RFC 6962, 2.1).
pub fn empty_root() -> Hash {
    Hash(Sha256::digest([]).into())
}

/// The hash of a leaf: SHA-256 over 0x00 and the entry.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut sha = Sha256::new();
    sha.update([0]);
    sha.update(entry);
    Hash(sha.finalize().into())
}

/// The hash of an inner node: SHA-256 over 0x01 and its two children.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut block = [1; 65];
    block[1..33].copy_from_slice(&left.0);
    block[33..].copy_from_slice(&right.0);
    Hash(Sha256::digest(block).into())
}

/// A complete subtree: the 2^`level` leaves that start at `index` * 2^`level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node {
    /// 0 for a leaf.
    pub level: u8,
    /// Counts from 0 within the level.
    pub index: u64,
}

/// Answers with the hashes of complete subtrees.
pub trait Hashes {
    /// The hash of `node`, or `None` when it is not at hand.
    fn hash(&self, node: Node) -> Option<Hash>;
}

/// A run of leaves whose hash is one element of a proof: `start` is a multiple of the smallest power of two that
/// is at least its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The first leaf.
    pub start: u64,
    /// The leaf after the last.
    pub end: u64,
}

impl Run {
    /// The complete subtrees that make up the run, from left to right.
    pub fn nodes(self) -> Vec<Node> {
        let mut nodes = Vec::new();
        let mut start = self.start;
        while start < self.end {
            let level = (self.end - start).ilog2();
            nodes.push(Node {
                level: level as u8,
                index: start >> level,
            });
            start += 1 << level;
        }
        nodes
    }

    /// The hash of the run; `None` when a subtree of it is not at hand.
    pub fn hash(self, hashes: &impl Hashes) -> Option<Hash> {
        let nodes = self.nodes();
        let (&last, before) = nodes.split_last()?;
        let mut hash = hashes.hash(last)?;
        for &node in before.iter().rev() {
            hash = node_hash(&hashes.hash(node)?, &hash);
        }
        Some(hash)
    }
}

/// The root of the first `size` leaves; `None` when a subtree of it is not at hand.
pub fn root(size: u64, hashes: &impl Hashes) -> Option<Hash> {
    if size == 0 {
        return Some(empty_root());
    }
    Run {
        start: 0,
        end: size,
    }
    .hash(hashes)
}

/// The largest power of two below `n`. `n` is at least 2.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// What the proof that leaf `index` is in the tree of `size` leaves consists of, from the leaf upwards
/// (RFC 6962, 2.1.1). Empty when there is no such leaf.
pub fn inclusion_path(index: u64, size: u64) -> Vec<Run> {
    let mut path = Vec::new();
    if index >= size {
        return path;
    }
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(Run { start: middle, end });
            end = middle;
        } else {
            path.push(Run { start, end: middle });
            start = middle;
        }
    }
    path.reverse();
    path
}

/// What the proof that the tree of `new` leaves begins with the tree of `old` leaves consists of
/// (RFC 6962, 2.1.2). Empty when `old` is 0 or not smaller than `new`.
pub fn consistency_path(old: u64, new: u64) -> Vec<Run> {
    let mut path = Vec::new();
    if old == 0 || old >= new {
        return path;
    }
    let (mut start, mut end) = (0, new);
    while end != old {
        let middle = start + split(end - start);
        if old <= middle {
            path.push(Run { start: middle, end });
            end = middle;
        } else {
            path.push(Run { start, end: middle });
            start = middle;
        }
    }
    if start > 0 {
        path.push(Run { start, end });
    }
    path.reverse();
    path
}

/// The hashes of a planned proof; `None` when one is not at hand.
pub fn prove(path: &[Run], hashes: &impl Hashes) -> Option<Vec<Hash>> {
    path.iter().map(|run| run.hash(hashes)).collect()
}

/// Why a proof does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ProofError {
    /// There is no such leaf or no such smaller tree.
    #[error("the proof is about {index}, which a tree of {size} entries does not have")]
    OutOfTree {
        /// The leaf, or the size of the smaller tree.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// It has too few or too many hashes to be a proof of this.
    #[error("the proof has {found} hashes where {expected} belong")]
    Length {
        /// How many it has.
        found: usize,
        /// How many it must have.
        expected: usize,
    },
    /// It leads to another root.
    #[error("the proof leads to root {computed}, the checkpoint says {claimed}")]
    Root {
        /// The root that the proof leads to.
        computed: Hash,
        /// The root that it should have led to.
        claimed: Hash,
    },
}

/// One step on the way from a leaf to the root: two neighbours become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The leaves under the neighbour, whose hash the proof brings.
    pub neighbour: Run,
    /// That hash.
    pub brought: Hash,
    /// The leaves under both.
    pub covers: Run,
    /// The hash of both.
    pub hash: Hash,
}

impl Step {
    /// Whether the neighbour is the left one of the two.
    pub fn neighbour_is_left(&self) -> bool {
        self.neighbour.start == self.covers.start
    }
}

/// The way from leaf `index` of a tree of `size` leaves to its root, as `proof` leads. It is for the caller to see
/// where it ends.
///
/// # Errors
/// When there is no such leaf, or the proof has another length.
pub fn climb(index: u64, size: u64, leaf: Hash, proof: &[Hash]) -> Result<Vec<Step>, ProofError> {
    if index >= size || size > MAX_SIZE {
        return Err(ProofError::OutOfTree { index, size });
    }
    let path = inclusion_path(index, size);
    check_length(proof, &path)?;
    let mut here = Run {
        start: index,
        end: index + 1,
    };
    let mut hash = leaf;
    let steps = path.into_iter().zip(proof).map(|(neighbour, brought)| {
        hash = if neighbour.start > index {
            node_hash(&hash, brought)
        } else {
            node_hash(brought, &hash)
        };
        here = Run {
            start: here.start.min(neighbour.start),
            end: here.end.max(neighbour.end),
        };
        Step {
            neighbour,
            brought: *brought,
            covers: here,
            hash,
        }
    });
    Ok(steps.collect())
}

/// Verifies that `leaf` is the hash of leaf `index` in the tree of `size` leaves with root `root`.
///
/// # Errors
/// Says which part of the proof does not hold.
pub fn verify_inclusion(
    index: u64,
    size: u64,
    leaf: Hash,
    proof: &[Hash],
    root: Hash,
) -> Result<(), ProofError> {
    let top = climb(index, size, leaf, proof)?;
    same_root(top.last().map_or(leaf, |step| step.hash), root)
}

/// Verifies that the tree of `new` leaves with root `new_root` begins with the tree of `old` leaves with root
/// `old_root`.
///
/// # Errors
/// Says which part of the proof does not hold.
pub fn verify_consistency(
    old: u64,
    old_root: Hash,
    new: u64,
    new_root: Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old > new || new > MAX_SIZE {
        return Err(ProofError::OutOfTree {
            index: old,
            size: new,
        });
    }
    let path = consistency_path(old, new);
    check_length(proof, &path)?;
    if old == 0 {
        return same_root(old_root, empty_root());
    }
    let mut steps = path.iter().zip(proof);
    // Where the old tree is one complete subtree of the new one, its root is where both climbs begin and is not
    // sent; otherwise the proof begins with the last complete subtree of the old tree.
    let seed = if old.is_power_of_two() {
        old_root
    } else {
        match steps.next() {
            Some((_, seed)) => *seed,
            None => old_root,
        }
    };
    let (mut old_hash, mut new_hash) = (seed, seed);
    for (run, sibling) in steps {
        if run.start >= old {
            new_hash = node_hash(&new_hash, sibling);
        } else {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
        }
    }
    same_root(old_hash, old_root)?;
    same_root(new_hash, new_root)
}

fn check_length(proof: &[Hash], path: &[Run]) -> Result<(), ProofError> {
    if proof.len() == path.len() {
        Ok(())
    } else {
        Err(ProofError::Length {
            found: proof.len(),
            expected: path.len(),
        })
    }
}

fn same_root(computed: Hash, claimed: Hash) -> Result<(), ProofError> {
    if computed == claimed {
        Ok(())
    } else {
        Err(ProofError::Root { computed, claimed })
    }
}

/// The right edge of a tree: all that appending needs, one hash per bit set in the size.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    edge: Vec<Hash>,
}

impl Frontier {
    /// The edge of the tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// The subtrees that the edge of a tree of `size` leaves consists of, from left to right.
    pub fn nodes(size: u64) -> Vec<Node> {
        Run {
            start: 0,
            end: size,
        }
        .nodes()
    }

    /// The edge of a tree of `size` leaves, from the hashes of [`Frontier::nodes`]; `None` when one is not at hand.
    pub fn load(size: u64, hashes: &impl Hashes) -> Option<Self> {
        let edge = Self::nodes(size)
            .into_iter()
            .map(|node| hashes.hash(node))
            .collect::<Option<_>>()?;
        Some(Self { size, edge })
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf; `completed` is told of each subtree that is complete with it, the leaf first.
    pub fn push(&mut self, leaf: Hash, mut completed: impl FnMut(Node, Hash)) {
        let mut hash = leaf;
        let mut node = Node {
            level: 0,
            index: self.size,
        };
        completed(node, hash);
        for _ in 0..self.size.trailing_ones() {
            // The edge has a hash for every bit set in the size, so there is one to pop for each trailing one.
            let Some(left) = self.edge.pop() else { break };
            hash = node_hash(&left, &hash);
            node = Node {
                level: node.level + 1,
                index: node.index >> 1,
            };
            completed(node, hash);
        }
        self.edge.push(hash);
        self.size += 1;
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        let Some((&last, before)) = self.edge.split_last() else {
            return empty_root();
        };
        before
            .iter()
            .rev()
            .fold(last, |right, left| node_hash(left, &right))
    }
}
