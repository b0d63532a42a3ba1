//! Every way to tamper with a ledger, and what a reader is told.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::checkpoint::SigningKey;
use super::super::entry::{Draft, Entry, Outcome, Place};
use super::*;

/// A console and its ledger, held in memory; tests reach in and tamper.
#[derive(Clone)]
struct Console {
    key: SigningKey,
    entries: Vec<Vec<u8>>,
    /// What the tree holds, which a clumsy forger forgets to change.
    leaves: Vec<Hash>,
}

impl Console {
    fn new(seed: u8) -> Self {
        Self {
            key: SigningKey::from_seed("requorum/test", [seed; 32]).unwrap(),
            entries: Vec::new(),
            leaves: Vec::new(),
        }
    }

    /// A ledger of `size` entries: acts that open and close, two at a time, and notes.
    fn of(size: u64) -> Self {
        static LONGEST: LazyLock<Console> = LazyLock::new(Console::longest);
        let mut console = LONGEST.clone();
        console.entries.truncate(size as usize);
        console.leaves.truncate(size as usize);
        console
    }

    fn longest() -> Self {
        let mut console = Self::new(1);
        for index in 0..700 {
            let draft = Draft {
                who: format!("person {}", index % 7),
                subject: format!("subject {index}"),
                ..Draft::default()
            };
            let place = Place {
                index,
                at_ms: index as i64 * 10,
                previous_ms: None,
            };
            console.push(&match index % 5 {
                0 | 1 => Entry::opened(place, &draft),
                2 | 3 => Entry::closed(place, &draft, index - 2, Outcome::Done, ""),
                _ => Entry::noted(place, &draft, Outcome::Refused, "not an operator"),
            });
        }
        console
    }

    fn push(&mut self, entry: &Entry) {
        let bytes = entry.canonical_json().into_bytes();
        self.leaves.push(leaf_hash(&bytes));
        self.entries.push(bytes);
    }

    /// Changes the tree to what the entries are now, as a careful forger with the key does.
    fn reseal(&mut self) {
        self.leaves = self.entries.iter().map(|entry| leaf_hash(entry)).collect();
    }

    fn checkpoint(&self, size: usize) -> String {
        let mut frontier = Frontier::new();
        for leaf in &self.leaves[..size] {
            frontier.push(*leaf, |_, _| {});
        }
        let checkpoint = Checkpoint {
            origin: "requorum/test".to_owned(),
            size: size as u64,
            root: frontier.root(),
        };
        checkpoint.sign(&self.key)
    }

    fn remembered(&self, size: usize) -> Remembered {
        Remembered {
            key: self.key.verifying().to_string(),
            checkpoint: self.checkpoint(size),
        }
    }

    /// What the ledger serves for a tile, as far as it has it.
    fn bundle(&self, tile: Tile) -> Vec<u8> {
        let end = self.entries.len().min((tile.start() + tile.width) as usize);
        let start = end.min(tile.start() as usize);
        tiles::pack(self.entries[start..end].iter().map(Vec::as_slice))
    }

    fn tile(&self, tile: Tile) -> Vec<u8> {
        let leaves = &self.leaves[tile.start() as usize..][..tile.width as usize];
        leaves.iter().flat_map(|leaf| leaf.0).collect()
    }

    fn run(&self, mut audit: Audit, with_tiles: bool) -> Result<Verified, Broken> {
        while let Some((bundle, leaves)) = audit.next() {
            let leaves = with_tiles.then(|| self.tile(leaves));
            audit.feed(&self.bundle(bundle), leaves.as_deref())?;
        }
        audit.finish()
    }

    fn audit(
        &self,
        note: &str,
        remembered: Option<&Remembered>,
        with_tiles: bool,
    ) -> Result<Verified, Broken> {
        self.run(
            Audit::begin(&self.key.verifying(), note, remembered)?,
            with_tiles,
        )
    }
}

#[test]
fn an_honest_ledger_is_verified_from_any_memory() {
    let console = Console::of(600);
    for size in [0, 1, 2, 255, 256, 257, 300, 512, 513, 600] {
        for before in [0, 1, 2, 100, 255, 256, 257, 599, 600] {
            if before > size {
                continue;
            }
            let note = console.checkpoint(size);
            let verified = console
                .audit(&note, Some(&console.remembered(before)), true)
                .unwrap();
            assert_eq!(verified.checkpoint.size, size as u64);
            assert_eq!(verified.remember, console.remembered(size));
        }
    }
    let verified = console
        .audit(&console.checkpoint(600), None, false)
        .unwrap();
    assert_eq!(
        (verified.open.len(), verified.unknown, verified.clock_back),
        (0, 0, 0)
    );
    let verified = console
        .audit(&console.checkpoint(597), None, false)
        .unwrap();
    assert_eq!(verified.open, [595, 596]);
}

#[test]
fn an_audit_goes_on_where_the_last_one_ended() {
    let console = Console::of(700);
    let mut verified = console.audit(&console.checkpoint(0), None, true).unwrap();
    for size in [1, 2, 255, 256, 300, 300, 511, 512, 513, 700] {
        let audit = verified.extend(&console.checkpoint(size)).unwrap();
        let fed = audit.next().map_or(0, |(bundle, _)| bundle.start());
        assert!(
            fed + tiles::WIDTH >= verified.checkpoint.size || size == 300,
            "only new bundles are read"
        );
        verified = console.run(audit, true).unwrap();
        assert_eq!(
            verified,
            console
                .audit(&console.checkpoint(size), None, true)
                .unwrap()
        );
    }
    let shorter = verified.extend(&console.checkpoint(699)).unwrap_err();
    assert_eq!(shorter.code(), "ledger.truncated");
}

#[test]
fn deleted_last_rows_are_a_ledger_cut_off() {
    let mut console = Console::of(300);
    let (note, seen) = (console.checkpoint(300), console.remembered(300));
    console.entries.truncate(290);
    // The checkpoint still counts them.
    let broken = console.audit(&note, None, false).unwrap_err();
    assert_eq!(
        broken,
        Broken::Missing {
            index: 290,
            size: 300
        }
    );
    // The forger has the key and signs the shorter one.
    console.leaves.truncate(290);
    let note = console.checkpoint(290);
    assert!(
        console.audit(&note, None, true).is_ok(),
        "a stranger cannot know"
    );
    let broken = console.audit(&note, Some(&seen), true).unwrap_err();
    assert_eq!(
        broken.to_string(),
        "The ledger was cut off: it had 300 entries when it was last seen, and now has 290."
    );
}

#[test]
fn an_edited_row_is_named() {
    let mut console = Console::of(300);
    let (note, seen) = (console.checkpoint(300), console.remembered(280));
    console.entries[270] = String::from_utf8(console.entries[270].clone())
        .unwrap()
        .replace("person", "Person")
        .into_bytes();
    assert_eq!(
        console.audit(&note, None, true).unwrap_err(),
        Broken::Edited { index: 270 }
    );
    assert_eq!(
        console.audit(&note, None, false).unwrap_err(),
        Broken::Root { size: 300 }
    );
    assert_eq!(
        console.audit(&note, Some(&seen), false).unwrap_err(),
        Broken::Rewritten { size: 280 }
    );
    // The forger has the key and signs again.
    console.reseal();
    let note = console.checkpoint(300);
    assert_eq!(
        console.audit(&note, Some(&seen), true).unwrap_err(),
        Broken::Forked { size: 280 }
    );
}

#[test]
fn swapped_rows_are_named() {
    let mut console = Console::of(300);
    let note = console.checkpoint(300);
    console.entries.swap(17, 260);
    let broken = console.audit(&note, None, true).unwrap_err();
    assert_eq!(
        broken,
        Broken::Moved {
            index: 17,
            found: 260
        }
    );
    assert_eq!(
        broken.to_string(),
        "Entries were moved: entry 260 is in the place of entry 17."
    );
    console.leaves.swap(17, 260);
    let broken = console
        .audit(&console.checkpoint(300), None, true)
        .unwrap_err();
    assert_eq!(broken.code(), "ledger.moved", "signed or not");
}

#[test]
fn a_fork_is_told_from_a_cut() {
    let console = Console::of(100);
    let seen = console.remembered(100);
    let mut fork = console.clone();
    fork.entries.truncate(90);
    fork.leaves.truncate(90);
    for index in 90..120 {
        let place = Place {
            index,
            at_ms: 5,
            previous_ms: Some(9),
        };
        fork.push(&Entry::noted(
            place,
            &Draft::default(),
            Outcome::Done,
            "other",
        ));
    }
    let broken = fork
        .audit(&fork.checkpoint(120), Some(&seen), true)
        .unwrap_err();
    assert_eq!(broken, Broken::Forked { size: 100 });
    let broken = fork
        .audit(&fork.checkpoint(100), Some(&seen), true)
        .unwrap_err();
    assert_eq!(broken, Broken::Forked { size: 100 });
    let verified = fork
        .audit(&fork.checkpoint(120), Some(&console.remembered(90)), true)
        .unwrap();
    assert_eq!(verified.clock_back, 30);
}

#[test]
fn a_wrong_signature_and_another_key_are_told_apart() {
    let console = Console::of(10);
    let note = console.checkpoint(10);
    let forged = note.replacen("\n10\n", "\n9\n", 1);
    assert_eq!(
        console.audit(&forged, None, true).unwrap_err().code(),
        "ledger.signature"
    );

    let mut other = console.clone();
    other.key = SigningKey::from_seed("requorum/test", [2; 32]).unwrap();
    let broken = console
        .audit(&other.checkpoint(10), None, true)
        .unwrap_err();
    assert_eq!(broken.code(), "ledger.other-key");
    let broken = other
        .audit(&other.checkpoint(10), Some(&console.remembered(5)), true)
        .unwrap_err();
    assert_eq!(broken.code(), "ledger.other-key");
    assert!(
        broken
            .to_string()
            .starts_with("This is another console's ledger"),
        "{broken}"
    );

    let mut scribbled = console.remembered(5);
    scribbled.checkpoint.push('x');
    assert_eq!(
        console
            .audit(&note, Some(&scribbled), true)
            .unwrap_err()
            .code(),
        "ledger.memory"
    );
}

#[test]
fn entries_that_make_no_sense_are_named_even_when_signed() {
    let cases: [(&str, &str); 5] = [
        ("not json", "ledger.not-an-entry"),
        (r#"{"index":5,"phase":"closed"}"#, "ledger.not-an-entry"),
        (
            r#"{"index":5,"phase":"opened","closes":1}"#,
            "ledger.not-an-entry",
        ),
        (
            r#"{"index":5,"phase":"closed","closes":0}"#,
            "ledger.stray-close",
        ),
        (
            r#"{"index":5,"phase":"unknown","closes":900}"#,
            "ledger.stray-close",
        ),
    ];
    for (entry, code) in cases {
        let mut console = Console::of(10);
        console.entries[5] = entry.as_bytes().to_vec();
        console.reseal();
        let broken = console
            .audit(&console.checkpoint(10), None, true)
            .unwrap_err();
        assert_eq!(broken.code(), code, "{broken}");
    }
}

/// Answers with the hashes of subtrees, computed from the leaves.
struct Leaves<'a>(&'a [Hash]);
impl merkle::Hashes for Leaves<'_> {
    fn hash(&self, node: merkle::Node) -> Option<Hash> {
        let leaves = self
            .0
            .get((node.index << node.level) as usize..((node.index + 1) << node.level) as usize)?;
        let mut frontier = Frontier::new();
        leaves
            .iter()
            .for_each(|leaf| frontier.push(*leaf, |_, _| {}));
        Some(frontier.root())
    }
}

#[test]
fn a_glance_needs_no_entries() {
    let console = Console::of(300);
    let key = console.key.verifying();
    let seen = console.remembered(77);
    let proof = |from: &Console, old: u64, new: u64| {
        merkle::prove(&merkle::consistency_path(old, new), &Leaves(&from.leaves)).unwrap()
    };
    let look = |note: &str, proof: Option<&[Hash]>| glance(&key, note, Some(&seen), proof);

    let now = console.checkpoint(300);
    assert!(matches!(glance(&key, &now, None, None), Ok(Glance::First(c)) if c.size == 300));
    let good = proof(&console, 77, 300);
    let Ok(Glance::GoesOn { from, to }) = look(&now, Some(&good)) else {
        panic!("an honest ledger goes on");
    };
    assert_eq!((from.size, to.size), (77, 300));
    assert!(matches!(look(&now, None), Ok(Glance::Unproven(c)) if c.size == 300));
    let same = console.checkpoint(77);
    assert!(matches!(look(&same, None), Ok(Glance::GoesOn { .. })));

    let code = |result: Result<Glance, Broken>| result.unwrap_err().code();
    assert_eq!(
        code(look(&console.checkpoint(76), None)),
        "ledger.truncated"
    );
    let mut fork = console.clone();
    fork.entries[40] = b"{}".to_vec();
    fork.reseal();
    assert_eq!(code(look(&fork.checkpoint(77), None)), "ledger.forked");
    let theirs = proof(&fork, 77, 300);
    assert_eq!(
        code(look(&fork.checkpoint(300), Some(&theirs))),
        "ledger.astray"
    );
    assert_eq!(code(look(&now, Some(&good[1..]))), "ledger.astray");
    let other = Console::new(2);
    assert_eq!(
        code(glance(&other.key.verifying(), &now, Some(&seen), None)),
        "ledger.other-key"
    );
    assert_eq!(
        code(look(&now.replace("300", "301"), Some(&good))),
        "ledger.signature"
    );
}

#[test]
fn one_entry_is_proven_by_itself() {
    let console = Console::of(300);
    let (key, note) = (console.key.verifying(), console.checkpoint(300));
    let proof = merkle::prove(&merkle::inclusion_path(77, 300), &Leaves(&console.leaves)).unwrap();
    let checkpoint = entry_is_in(&key, &note, 77, &console.entries[77], &proof).unwrap();
    assert_eq!(checkpoint.size, 300);
    assert_eq!(
        entry_is_in(&key, &note, 77, &console.entries[78], &proof)
            .unwrap_err()
            .code(),
        "ledger.moved"
    );
    assert_eq!(
        entry_is_in(&key, &note, 78, &console.entries[78], &proof)
            .unwrap_err()
            .code(),
        "ledger.proof"
    );
    assert_eq!(
        entry_is_in(&key, &note, 77, b"{}", &proof)
            .unwrap_err()
            .code(),
        "ledger.not-an-entry"
    );

    let open = |size| Checkpoint::open(&console.checkpoint(size), &key).unwrap();
    let proof =
        merkle::prove(&merkle::consistency_path(77, 300), &Leaves(&console.leaves)).unwrap();
    continues(&open(77), &open(300), &proof).unwrap();
    assert_eq!(
        continues(&open(300), &open(77), &proof).unwrap_err().code(),
        "ledger.truncated"
    );
    assert_eq!(
        continues(&open(78), &open(300), &proof).unwrap_err().code(),
        "ledger.proof"
    );
}

/// What a forger does to the rows.
#[derive(Debug, Clone)]
enum Tampering {
    Delete(prop::sample::Index),
    DeleteLast(prop::sample::Index),
    Edit(prop::sample::Index, prop::sample::Index, u8),
    Swap(prop::sample::Index, prop::sample::Index),
    Copy(prop::sample::Index, prop::sample::Index),
    Insert(prop::sample::Index),
}

fn tampering() -> impl Strategy<Value = Tampering> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        index().prop_map(Tampering::Delete),
        index().prop_map(Tampering::DeleteLast),
        (index(), index(), 1..=255u8).prop_map(|(a, b, c)| Tampering::Edit(a, b, c)),
        (index(), index()).prop_map(|(a, b)| Tampering::Swap(a, b)),
        (index(), index()).prop_map(|(a, b)| Tampering::Copy(a, b)),
        index().prop_map(Tampering::Insert),
    ]
}

proptest! {
    /// Whatever is done to the rows, with the tree left alone, made to fit, or signed again: who has seen the ledger
    /// before notices.
    #[test]
    fn no_tampering_goes_unnoticed(
        size in 2usize..300, tampering in tampering(), with_tiles: bool, reseal: bool, sign_again: bool,
    ) {
        let honest = Console::of(size as u64);
        let (mut note, seen) = (honest.checkpoint(size), honest.remembered(size));
        let mut forged = honest.clone();
        let rows = &mut forged.entries;
        match tampering {
            Tampering::Delete(at) => { rows.remove(at.index(size)); }
            Tampering::DeleteLast(keep) => rows.truncate(keep.index(size)),
            Tampering::Edit(at, byte, flip) => {
                let row = &mut rows[at.index(size)];
                let byte = byte.index(row.len());
                row[byte] ^= flip;
            }
            Tampering::Swap(a, b) => rows.swap(a.index(size), b.index(size)),
            Tampering::Copy(from, to) => rows[to.index(size)] = rows[from.index(size)].clone(),
            Tampering::Insert(at) => {
                let at = at.index(size);
                let row = rows[at].clone();
                rows.insert(at, row);
            }
        }
        // A row behind the last one that is signed is not part of the ledger.
        let signed = if reseal && sign_again { forged.entries.len() } else { size };
        prop_assume!(forged.entries.get(..signed) != honest.entries.get(..size));
        if reseal {
            forged.reseal();
            if sign_again {
                note = forged.checkpoint(forged.leaves.len());
            }
        }
        // Tiles exist as far as the forger's tree goes.
        let with_tiles = with_tiles && forged.leaves.len() >= size && forged.entries.len() >= size;
        let verdict = forged.audit(&note, Some(&seen), with_tiles);
        prop_assert!(verdict.is_err(), "unnoticed");
    }

    #[test]
    fn no_bundle_panics(bytes: Vec<u8>, tile: Option<Vec<u8>>) {
        let console = Console::of(3);
        let mut audit = Audit::begin(&console.key.verifying(), &console.checkpoint(3), None).unwrap();
        prop_assert!(audit.feed(&bytes, tile.as_deref()).is_err());
    }
}
