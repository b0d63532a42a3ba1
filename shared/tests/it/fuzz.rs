//! Properties that hold for any bytes whatever: an answer, no crash, the same answer at any chunking.

use proptest::prelude::*;
use requorum_shared::bbolt::Database;
use requorum_shared::etcd::hashkv::hash_kv;
use requorum_shared::etcd::inspect::inspect;
use requorum_shared::etcd::inspection::Inspection;
use requorum_shared::finding::Outcome;

use crate::build::{sample_of, with_trailer};
use crate::fixtures::fixture;
use crate::inspection::look;
use crate::status::scan;

/// Files to damage: snapshots of every version, raw copies, every tree shape.
const SEEDS: [&str; 8] = [
    "3.4.23-mixed",
    "3.5.33-freelist",
    "3.5.33-large",
    "3.6.14-defrag",
    "3.6.14-lease",
    "3.6.14-mixed",
    "3.7.1-auth",
    "synthetic-page1024",
];

/// One way to damage a file.
#[derive(Debug, Clone)]
pub(crate) enum Damage {
    Flip {
        at: prop::sample::Index,
        bit: u8,
    },
    /// A telling number in a header or element table.
    Number {
        page: prop::sample::Index,
        field: usize,
        width: usize,
        number: u64,
    },
    /// A page over another.
    Copy {
        from: prop::sample::Index,
        to: prop::sample::Index,
    },
    Zero {
        page: prop::sample::Index,
    },
    Cut {
        at: prop::sample::Index,
    },
}

pub(crate) fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<prop::sample::Index>;
    let numbers = prop_oneof![
        0..40u64,
        Just(0xffff),
        Just(0xffff_ffff),
        Just(u64::MAX),
        Just(1 << 31),
        Just(1 << 60),
        any::<u64>(),
    ];
    prop_oneof![
        (index(), 0..8u8).prop_map(|(at, bit)| Damage::Flip { at, bit }),
        (index(), 0..20usize, 0..4usize, numbers).prop_map(|(page, field, width, number)| {
            Damage::Number {
                page,
                field: field * 4,
                width: 1 << width,
                number,
            }
        }),
        (index(), index()).prop_map(|(from, to)| Damage::Copy { from, to }),
        index().prop_map(|page| Damage::Zero { page }),
        index().prop_map(|at| Damage::Cut { at }),
    ]
}

impl Damage {
    pub(crate) fn apply(&self, bytes: &mut Vec<u8>, page_size: usize) {
        let pages = bytes.len() / page_size;
        if pages == 0 {
            return;
        }
        match self {
            Self::Flip { at, bit } => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Self::Number {
                page,
                field,
                width,
                number,
            } => {
                let at = page.index(pages) * page_size + field;
                bytes[at..at + width].copy_from_slice(&number.to_le_bytes()[..*width]);
            }
            Self::Copy { from, to } => {
                let from = from.index(pages) * page_size;
                let to = to.index(pages) * page_size;
                bytes.copy_within(from..from + page_size, to);
            }
            Self::Zero { page } => {
                let at = page.index(pages) * page_size;
                bytes[at..at + page_size].fill(0);
            }
            Self::Cut { at } => bytes.truncate(at.index(bytes.len())),
        }
    }
}

/// Everything that reads must answer.
fn read_all_ways(bytes: &[u8], chunk: usize) -> Inspection {
    let whole = look(bytes);
    let seen = inspect(scan(bytes, chunk), "file.db", &bytes);
    assert_eq!(seen, whole, "chunks of {chunk}");
    if let Ok(database) = Database::open(&bytes) {
        let (buckets, _) = database.buckets();
        for (_, bucket) in &buckets {
            let _ = bucket.salvage();
            let _ = bucket.rightmost_path();
            let _ = bucket.get(b"consistent_index");
        }
        let _ = hash_kv(&database, 0);
        let _ = hash_kv(&database, 300);
    }
    // A sound verdict is only given with numbers.
    if whole.verdict.structure.outcome == Outcome::Pass {
        assert!(whole.contents.is_some() || whole.status.is_none());
        assert!(whole.report.findings.iter().all(|f| !f.what.is_empty()));
    }
    let listed: u64 = whole.pages.iter().map(|run| run.count).sum();
    assert!(listed <= bytes.len() as u64 / 1024 + 2);
    whole
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn conformance_43_damaged_files_are_answered(
        seed in prop::sample::select(&SEEDS[..]),
        damages in prop::collection::vec(damage(), 1..5),
        chunk in 1..20_000usize,
        fix_trailer in any::<bool>(),
    ) {
        let mut bytes = fixture(seed).bytes;
        let page_size = if seed.ends_with("1024") { 1024 } else { 4096 };
        for damage in &damages {
            damage.apply(&mut bytes, page_size);
        }
        if fix_trailer {
            let image = bytes.len() / 512 * 512;
            bytes.truncate(image);
            bytes = with_trailer(bytes);
        }
        read_all_ways(&bytes, chunk);
    }

    #[test]
    fn conformance_43_arbitrary_bytes_behind_sound_metas_are_answered(
        garbage in prop::collection::vec(any::<u8>(), 0..8000),
        chunk in 1..5000usize,
    ) {
        let mut bytes = sample_of(1024).raw();
        for (i, byte) in garbage.iter().enumerate() {
            if let Some(slot) = bytes.get_mut(2048 + i) {
                *slot = *byte;
            }
        }
        read_all_ways(&bytes, chunk);
        read_all_ways(&garbage, chunk);
    }

    #[test]
    fn a_flip_anywhere_in_a_whole_snapshot_is_caught(
        seed in prop::sample::select(&["3.4.23-mixed", "3.5.33-mixed", "3.6.14-lease", "3.7.1-empty"][..]),
        at in any::<prop::sample::Index>(),
        bit in 0..8u8,
    ) {
        let mut bytes = fixture(seed).bytes;
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let verdict = look(&bytes).verdict;
        let parts = [&verdict.bytes, &verdict.structure, &verdict.meaning];
        prop_assert!(parts.iter().any(|part| part.outcome == Outcome::Fail), "byte {} of {}", at, seed);
        prop_assert!(verdict.sentence != "This snapshot is whole.");
    }
}
