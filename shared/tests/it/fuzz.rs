//! Properties that hold for any bytes whatever: an answer, no crash, the same answer at any chunking.

use proptest::prelude::*;
use requorum_shared::bbolt::Database;
use requorum_shared::bbolt::scan::PageKind;
use requorum_shared::etcd::recovery::restore::{CleanUp, RestoreRequest, TargetVersion};
use requorum_shared::etcd::storage::hashkv::hash_kv;
use requorum_shared::etcd::storage::inspection::{FileKind, Inspection};
use requorum_shared::finding::{Finding, Outcome, Severity};
use requorum_shared::inspection::PartName;
use requorum_shared::kinds::inspect_as_etcd as inspect;

use crate::build::{sample_of, with_trailer};
use crate::fixtures::fixture;
use crate::inspection::look;
use crate::odd::{damage, odd_file, oddity};
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
