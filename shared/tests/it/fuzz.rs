//! Properties that hold for any bytes whatever: an answer, no crash, the same answer at any chunking.

use std::collections::BTreeMap;

use proptest::prelude::*;
use requorum_shared::bbolt::scan::PageKind;
use requorum_shared::bbolt::{Database, Meta};
use requorum_shared::etcd::recovery::restore::{CleanUp, RestoreRequest, TargetVersion};
use requorum_shared::etcd::storage::hashkv::hash_kv;
use requorum_shared::etcd::storage::inspection::{FileKind, Inspection};
use requorum_shared::finding::{Finding, Outcome, Severity};
use requorum_shared::inspection::PartName;
use requorum_shared::kinds::inspect_as_etcd as inspect;

use crate::build::{
    Element, LEAVES, ROOT, buckets, inline, meta_pairs, nested, pair, put_meta, puts, sample_of,
    with_trailer,
};
use crate::fixtures::fixture;
use crate::inspection::look;
use crate::restore::{request, restored};
use crate::sound::judged;
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
    if whole.verdict.outcome(PartName::Structure) == Outcome::Pass {
        assert!(whole.details.contents.is_some() || whole.details.status.is_none());
        assert!(whole.report.findings.iter().all(|f| !f.what.is_empty()));
    }
    let runs = whole.page_map.runs.iter();
    let present = runs.filter(|run| run.kind != PageKind::Missing);
    let listed: u64 = present.map(|run| run.count).sum();
    assert!(listed <= bytes.len() as u64 / 1024 + 2);
    whole
}

/// Damage to what the pages mean, with the tree around it sound.
#[derive(Debug, Clone)]
enum Oddity {
    /// A pair of a small bucket, by its name, with any value.
    Pair(&'static str, &'static str, Vec<u8>),
    /// A bucket within a bucket.
    Nested(&'static str),
    /// A bucket that is not there.
    Without(usize),
    /// A meta with a freelist, a mark or a root of its own, its checksum right.
    Meta {
        slot: u64,
        freelist: u64,
        more_pages: u64,
        txid: u64,
    },
    /// Bytes around the file.
    Around { before: usize, after: usize },
}

fn oddity() -> impl Strategy<Value = Oddity> {
    let values = prop_oneof![
        Just(b"1.7.0".to_vec()),
        Just(b"9.9.0".to_vec()),
        Just(b"3.6.0".to_vec()),
        Just(b"3.7.0".to_vec()),
        Just(b"three".to_vec()),
        Just(br#"{"target-version":"3.5.0","enabled":true}"#.to_vec()),
        Just(Vec::new()),
        Just(vec![0xff; 3]),
        Just(7u64.to_be_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    let places = prop::sample::select(
        &[
            ("alarm", "\u{8}\u{1}\u{10}\u{1}"),
            ("alarm", "\u{7f}"),
            ("auth", "authEnabled"),
            ("auth", "authRevision"),
            ("authRoles", "r"),
            ("authUsers", "u"),
            ("cluster", "clusterVersion"),
            ("cluster", "downgrade"),
            ("lease", "12345678"),
            ("lease", "short"),
            ("members", "a"),
            ("members_removed", "b"),
            ("meta", "confState"),
            ("meta", "consistent_index"),
            ("meta", "finishedCompactRev"),
            ("meta", "scheduledCompactRev"),
            ("meta", "storageVersion"),
            ("meta", "term"),
        ][..],
    );
    const NAMES: &[&str] = &["alarm", "key", "lease", "members", "meta", "unheard-of"];
    prop_oneof![
        6 => (places, values).prop_map(|((bucket, key), value)| Oddity::Pair(bucket, key, value)),
        1 => prop::sample::select(NAMES).prop_map(Oddity::Nested),
        1 => (0..4usize).prop_map(Oddity::Without),
        2 => (0..2u64, 0..30u64, 0..9u64, 5..9u64).prop_map(|(slot, freelist, more_pages, txid)| {
            Oddity::Meta { slot, freelist, more_pages, txid }
        }),
        1 => (0..5000usize, 0..5000usize).prop_map(|(before, after)| Oddity::Around { before, after }),
    ]
}

/// The sample with all of these.
fn odd_file(oddities: &[Oddity], seal: bool) -> Vec<u8> {
    let mut image = sample_of(4096);
    let mut buckets: Vec<Element> = buckets();
    let mut pairs: BTreeMap<&str, BTreeMap<Vec<u8>, Element>> = BTreeMap::new();
    for element in meta_pairs() {
        pairs
            .entry("meta")
            .or_default()
            .insert(element.1.clone(), element);
    }
    let mut without = Vec::new();
    for oddity in oddities {
        let (bucket, element) = match oddity {
            Oddity::Pair(bucket, key, value) => (*bucket, pair(*key, value.clone())),
            Oddity::Nested("key") => {
                let mut elements = puts(LEAVES[1]);
                elements[0].0 = 1;
                elements[0].2 = inline(&[]);
                image.leaf(LEAVES[1], &elements);
                continue;
            }
            Oddity::Nested(name) => (*name, nested("inner", inline(&[pair("k", "v")]))),
            Oddity::Without(index) => {
                without.push(*index);
                continue;
            }
            _ => continue,
        };
        pairs
            .entry(bucket)
            .or_default()
            .insert(element.1.clone(), element);
    }
    for (name, pairs) in pairs {
        let elements: Vec<Element> = pairs.into_values().collect();
        let bucket = nested(name, inline(&elements));
        buckets.retain(|other| other.1 != bucket.1);
        buckets.push(bucket);
    }
    for index in without {
        if index < buckets.len() {
            buckets.remove(index);
        }
    }
    buckets.sort_by(|a, b| a.1.cmp(&b.1));
    image.leaf(ROOT, &buckets);
    let mut bytes = image.raw();
    for oddity in oddities {
        if let Oddity::Meta {
            slot,
            freelist,
            more_pages,
            txid,
        } = oddity
        {
            let meta = Meta {
                freelist: *freelist,
                hwm: image.meta.hwm + more_pages,
                txid: *txid,
                ..image.meta
            };
            put_meta(&mut bytes, *slot as usize, &meta);
        }
    }
    if seal {
        bytes = with_trailer(bytes);
    }
    for oddity in oddities {
        if let Oddity::Around { before, after } = oddity {
            bytes = [&vec![b'\n'; *before], bytes.as_slice(), &vec![0; *after]].concat();
        }
    }
    bytes
}

/// Whether the check of a file has the finding that a restore refuses it for: of the same cause, or at the very place
/// that the refusal names.
fn names_the_cause(seen: &Inspection, refusal: &Finding) -> bool {
    let any = |codes: &[&str]| codes.iter().any(|code| seen.report.find(code).is_some());
    let blocking = |finding: &&Finding| finding.severity == Severity::Blocking;
    match refusal.code.as_str() {
        "source.kind" => match seen.details.kind {
            // Another program's file may be sound: that it is one is the verdict.
            FileKind::OtherBbolt => {
                let sentence = &seen.verdict.sentence;
                let words = ["but not etcd's", "leads to no etcd data"];
                seen.recognised.is_some() || words.iter().any(|words| sentence.contains(words))
            }
            _ => seen.report.blocks(),
        },
        "source.damaged" | "source.unservable" => {
            seen.report.findings.iter().filter(blocking).any(|finding| {
                let first = format!(" First: {}: {}", finding.subject, finding.what);
                refusal.what.ends_with(&first)
            })
        }
        "trailer.wrong" | "trailer.missing" => any(&[
            "trailer.absent",
            "trailer.length",
            "trailer.mismatch",
            "trailer.zero",
        ]),
        "version.unknown" => any(&["meta-bucket.storage-version", "version.unknown"]),
        "alarms.unreadable" => any(&["alarm.key"]),
        "downgrade.unreadable" => any(&["cluster.downgrade"]),
        code => any(&[code]),
    }
}

#[test]
fn a_warning_of_something_else_is_no_reason_for_a_refusal() {
    // A spare meta page that is damaged is warned of, and nothing is refused for it.
    let mut bytes = fixture("3.6.14-mixed").bytes;
    bytes.truncate(bytes.len() - 32);
    bytes[4096 + 72] ^= 1;
    let seen = look(&with_trailer(bytes));
    assert_eq!(seen.report.count(Severity::Warning), 1);
    for code in [
        "alarms.unreadable",
        "downgrade.unreadable",
        "meta.fallback",
        "source.damaged",
        "source.kind",
        "trailer.wrong",
        "version.unknown",
        "whatever.else",
    ] {
        let refusal = Finding::blocking(code, "snapshot", "The page tree is damaged.");
        assert!(!names_the_cause(&seen, &refusal), "{code}");
    }
}

/// What check calls restorable is restored, and what a restore refuses check has named.
fn agree(bytes: &[u8]) {
    let seen = look(bytes);
    let said: Vec<_> = { seen.report.findings.iter() }
        .map(|finding| format!("{:?} {}", finding.severity, finding.code))
        .collect();
    // As a person types it who chooses nothing.
    let plain = request(TargetVersion::V3_7);
    let refusals = judged(&seen, &plain).findings.into_iter();
    for refusal in refusals.filter(|finding| finding.severity == Severity::Blocking) {
        assert!(
            names_the_cause(&seen, &refusal),
            "refused without a word of it in the check: {refusal:?} {said:?}"
        );
    }
    // With every choice that there is.
    let all = RestoreRequest {
        skip_hash_check: true,
        accept_older_meta: true,
        clean_up: CleanUp {
            alarms: true,
            auth: true,
            downgrade: true,
            versions: true,
        },
        ..plain
    };
    let report = judged(&seen, &all);
    let blocking = seen.report.findings.iter().any(|finding| {
        finding.severity == Severity::Blocking && !finding.code.starts_with("trailer.")
    });
    if blocking || seen.details.status.is_none() {
        assert!(report.blocks(), "restored although the check says {said:?}");
        return;
    }
    assert!(
        !report.blocks(),
        "refused: {report:?}; the check says {said:?}"
    );
    let (_, result) = restored(bytes, &all);
    let again = look(&with_trailer(result));
    assert!(
        again.verdict.sentence.starts_with("Snapshot OK"),
        "{said:?}"
    );
    assert_eq!(again.details.hash_kv, seen.details.hash_kv, "{said:?}");
    let bumped = RestoreRequest {
        bump_revision: 1000,
        mark_compacted: true,
        ..all
    };
    if !judged(&seen, &bumped).blocks() {
        let (_, result) = restored(bytes, &bumped);
        let again = look(&with_trailer(result));
        assert!(
            again.verdict.sentence.starts_with("Snapshot OK"),
            "{said:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn check_and_restore_agree_on_what_pages_mean(
        oddities in prop::collection::vec(oddity(), 1..4),
        seal in any::<bool>(),
    ) {
        agree(&odd_file(&oddities, seal));
    }

    #[test]
    fn check_and_restore_agree_on_damaged_bytes(
        seed in prop::sample::select(&["3.4.23-lease", "3.5.33-freelist", "3.6.14-empty", "3.6.14-lease", "3.7.1-auth", "synthetic-page1024"][..]),
        damages in prop::collection::vec(damage(), 1..3),
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
        agree(&bytes);
    }
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
        let parts = [&verdict.part(PartName::Checksum).unwrap(), &verdict.part(PartName::Structure).unwrap(), &verdict.part(PartName::Content).unwrap()];
        prop_assert!(parts.iter().any(|part| part.outcome == Outcome::Fail), "byte {} of {}", at, seed);
        prop_assert!(!verdict.sentence.starts_with("Snapshot OK"));
    }
}
