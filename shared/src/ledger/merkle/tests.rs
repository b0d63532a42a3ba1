//! The tree against published vectors, against the definition, and against another implementation.

use std::collections::HashMap;

use proptest::prelude::*;
use tlog_tiles::HashReader;

use super::*;

/// The eight leaves that Certificate Transparency's reference implementations are tested with.
const LEAVES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];

/// The roots of the first one, two, … of them.
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn hash(hex: &str) -> Hash {
    Hash::from_slice(&hex::decode(hex).unwrap()).unwrap()
}

/// Every complete subtree of a tree, as appending reports them.
#[derive(Default)]
struct Tree {
    frontier: Frontier,
    nodes: HashMap<Node, Hash>,
    leaves: Vec<Hash>,
}

impl Tree {
    fn of(leaves: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut tree = Self::default();
        for leaf in leaves {
            let leaf = leaf_hash(&leaf);
            tree.leaves.push(leaf);
            tree.frontier.push(leaf, |node, hash| {
                assert_eq!(tree.nodes.insert(node, hash), None);
            });
        }
        tree
    }

    fn numbered(size: u64) -> Self {
        Self::of((0..size).map(|n| n.to_be_bytes().to_vec()))
    }

    fn reference() -> Self {
        Self::of(LEAVES.iter().map(|leaf| hex::decode(leaf).unwrap()))
    }
}

impl Hashes for Tree {
    fn hash(&self, node: Node) -> Option<Hash> {
        self.nodes.get(&node).copied()
    }
}

/// The same tree, for the other implementation.
impl HashReader for Tree {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        let read = |&index| {
            let (level, index) = tlog_tiles::split_stored_hash_index(index);
            tlog_tiles::Hash(self.nodes[&Node { level, index }].0)
        };
        Ok(indexes.iter().map(read).collect())
    }
}

fn theirs(hashes: &[Hash]) -> Vec<tlog_tiles::Hash> {
    hashes.iter().map(|hash| tlog_tiles::Hash(hash.0)).collect()
}

/// RFC 6962, 2.1, word for word.
fn definition(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len() as u64) as usize);
            node_hash(&definition(left), &definition(right))
        }
    }
}

#[test]
fn roots_are_those_of_the_reference() {
    assert_eq!(
        empty_root(),
        hash("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    );
    for size in 1..=8 {
        let tree = Tree::of(LEAVES[..size].iter().map(|leaf| hex::decode(leaf).unwrap()));
        assert_eq!(tree.frontier.root(), hash(ROOTS[size - 1]), "{size}");
    }
}

#[test]
fn proofs_are_those_of_the_reference() {
    let tree = Tree::reference();
    let inclusion: [(u64, u64, &[&str]); 4] = [
        (0, 1, &[]),
        (
            0,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            5,
            8,
            &[
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            3,
            &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
        ),
    ];
    for (index, size, expected) in inclusion {
        let proof = prove(&inclusion_path(index, size), &tree).unwrap();
        assert_eq!(
            proof,
            expected.iter().map(|h| hash(h)).collect::<Vec<_>>(),
            "{index} in {size}"
        );
        let leaf = tree.leaves[index as usize];
        verify_inclusion(index, size, leaf, &proof, hash(ROOTS[size as usize - 1])).unwrap();
    }
    let consistency: [(u64, u64, &[&str]); 4] = [
        (1, 1, &[]),
        (
            1,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            6,
            8,
            &[
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            5,
            &[
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ];
    for (old, new, expected) in consistency {
        let proof = prove(&consistency_path(old, new), &tree).unwrap();
        assert_eq!(
            proof,
            expected.iter().map(|h| hash(h)).collect::<Vec<_>>(),
            "{old} to {new}"
        );
        let root = |size: u64| hash(ROOTS[size as usize - 1]);
        verify_consistency(old, root(old), new, root(new), &proof).unwrap();
    }
}

/// All inclusion proofs of all trees up to 130 leaves and of some up to 300: made like the other implementation
/// makes them, believed by both.
#[test]
fn every_inclusion_proof_holds_and_is_that_of_another_implementation() {
    let tree = Tree::numbered(300);
    for size in (1..=130).chain([191, 192, 193, 255, 256, 257, 299, 300]) {
        let top = root(size, &tree).unwrap();
        assert_eq!(top, definition(&tree.leaves[..size as usize]));
        assert_eq!(tlog_tiles::tree_hash(size, &tree).unwrap().0, top.0);
        for index in 0..size {
            let leaf = tree.leaves[index as usize];
            let proof = prove(&inclusion_path(index, size), &tree).unwrap();
            assert_eq!(
                theirs(&proof),
                tlog_tiles::prove_record(size, index, &tree).unwrap()
            );
            verify_inclusion(index, size, leaf, &proof, top).unwrap();
            let (root, leaf) = (tlog_tiles::Hash(top.0), tlog_tiles::Hash(leaf.0));
            tlog_tiles::check_record(&theirs(&proof), size, root, index, leaf).unwrap();
        }
    }
}

/// All consistency proofs between all trees up to 130 leaves and from all to 300.
#[test]
fn every_consistency_proof_holds_and_is_that_of_another_implementation() {
    let tree = Tree::numbered(300);
    let roots: Vec<_> = (0..=300).map(|size| root(size, &tree).unwrap()).collect();
    for new in (1..=130).chain([256, 300]) {
        for old in 1..=new {
            let proof = prove(&consistency_path(old, new), &tree).unwrap();
            assert_eq!(
                theirs(&proof),
                tlog_tiles::prove_tree(new, old, &tree).unwrap()
            );
            verify_consistency(old, roots[old as usize], new, roots[new as usize], &proof).unwrap();
        }
        verify_consistency(0, empty_root(), new, roots[new as usize], &[]).unwrap();
        verify_consistency(0, roots[1], new, roots[new as usize], &[]).unwrap_err();
    }
}

#[test]
fn the_frontier_goes_on_from_any_size() {
    let tree = Tree::numbered(70);
    for size in 0..=70 {
        let mut frontier = Frontier::load(size, &tree).unwrap();
        assert_eq!(frontier.root(), root(size, &tree).unwrap());
        for leaf in &tree.leaves[size as usize..] {
            frontier.push(*leaf, |node, hash| assert_eq!(tree.hash(node), Some(hash)));
        }
        assert_eq!(frontier, tree.frontier);
    }
    assert_eq!(Frontier::load(71, &tree), None);
}

#[test]
fn claims_beyond_the_tree_are_refused() {
    let tree = Tree::reference();
    let top = tree.frontier.root();
    let out = |index, size| Err(ProofError::OutOfTree { index, size });
    assert_eq!(verify_inclusion(8, 8, tree.leaves[0], &[], top), out(8, 8));
    assert_eq!(
        verify_inclusion(0, u64::MAX, tree.leaves[0], &[], top),
        out(0, u64::MAX)
    );
    assert_eq!(verify_consistency(9, top, 8, top, &[]), out(9, 8));
    assert_eq!(
        verify_consistency(8, top, u64::MAX, top, &[]),
        out(8, u64::MAX)
    );
    assert!(verify_consistency(8, top, 8, tree.leaves[0], &[]).is_err());
}

/// The way from leaf 5 of 7: `(4 5) 6` on the right, `(0 1) (2 3)` on the left.
#[test]
fn the_way_to_the_root_can_be_drawn() {
    let tree = Tree::numbered(7);
    let proof = prove(&inclusion_path(5, 7), &tree).unwrap();
    let steps = climb(5, 7, tree.leaves[5], &proof).unwrap();
    let drawn: Vec<_> = steps
        .iter()
        .map(|step| {
            let (n, c) = (step.neighbour, step.covers);
            (step.neighbour_is_left(), n.start..n.end, c.start..c.end)
        })
        .collect();
    assert_eq!(
        drawn,
        [(true, 4..5, 4..6), (false, 6..7, 4..7), (true, 0..4, 0..7)]
    );
    for step in &steps {
        assert_eq!(Some(step.hash), step.covers.hash(&tree));
        assert_eq!(Some(step.brought), step.neighbour.hash(&tree));
    }
    assert!(climb(0, 1, tree.leaves[0], &[]).unwrap().is_empty());
    assert!(climb(7, 7, tree.leaves[0], &proof).is_err());
}

proptest! {
    /// A proof with any hash changed, left out, added, or claimed of another leaf or tree does not hold.
    #[test]
    fn no_other_proof_holds(
        size in 2u64..300, pick: u64, which: prop::sample::Index, bit in 0usize..256, other: u64,
    ) {
        let tree = Tree::numbered(300);
        let index = pick % size;
        let (top, leaf) = (root(size, &tree).unwrap(), tree.leaves[index as usize]);
        let proof = prove(&inclusion_path(index, size), &tree).unwrap();
        let holds = |index, size, leaf, proof: &[Hash], root| verify_inclusion(index, size, leaf, proof, root).is_ok();
        prop_assert!(holds(index, size, leaf, &proof, top));

        let mut flipped = proof.clone();
        flipped[which.index(proof.len())].0[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!holds(index, size, leaf, &flipped, top));
        prop_assert!(!holds(index, size, leaf, &proof[1..], top));
        prop_assert!(!holds(index, size, leaf, &[&proof[..], &proof[..1]].concat(), top));
        let elsewhere = other % size;
        if elsewhere != index {
            prop_assert!(!holds(elsewhere, size, leaf, &proof, top));
            prop_assert!(!holds(index, size, tree.leaves[elsewhere as usize], &proof, top));
        }
    }

    #[test]
    fn no_other_consistency_holds(
        new in 2u64..300, pick: u64, which: prop::sample::Index, bit in 0usize..256, changed: prop::sample::Index,
    ) {
        let tree = Tree::numbered(new);
        let old = 1 + pick % (new - 1);
        let top = tree.frontier.root();
        let proof = prove(&consistency_path(old, new), &tree).unwrap();
        let old_root = root(old, &tree).unwrap();
        prop_assert!(verify_consistency(old, old_root, new, top, &proof).is_ok());

        let mut flipped = proof.clone();
        flipped[which.index(proof.len())].0[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(verify_consistency(old, old_root, new, top, &flipped).is_err());
        prop_assert!(verify_consistency(old, old_root, new, top, &proof[1..]).is_err());

        // Another ledger that differs in one of the first `old` entries cannot prove that it goes on from ours.
        let at = changed.index(old as usize) as u64;
        let fork = Tree::of((0..new).map(|n| if n == at { vec![0] } else { n.to_be_bytes().to_vec() }));
        let proof = prove(&consistency_path(old, new), &fork).unwrap();
        prop_assert!(verify_consistency(old, old_root, new, fork.frontier.root(), &proof).is_err());
    }
}
