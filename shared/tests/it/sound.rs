//! Files that can be restored although something about them is wrong: what a restore does not use never blocks
//! it, bytes that are not the snapshot's are left out, and no value is too large.

use std::collections::BTreeMap;

use requorum_shared::bbolt::{Database, Meta};
use requorum_shared::etcd::recovery::restore::observation::{
    Observation, SourceFacts, TargetFacts, TargetState,
};
use requorum_shared::etcd::recovery::restore::{
    NativeSource, RestoreRequest, TargetVersion, check_file, draft,
};
use requorum_shared::etcd::storage::hashkv::hash_kv;
use requorum_shared::etcd::storage::inspection::{FileKind, HashKv, Inspection};
use requorum_shared::etcd::storage::scan::{Options, Scanner};
use requorum_shared::finding::{Outcome, Report, Severity};
use requorum_shared::inspection::PartName;
use requorum_shared::kinds::inspect_as_etcd as inspect;
use requorum_shared::source::{Source, SourceError};

use crate::build::*;
use crate::fixtures::fixture;
use crate::inspection::look;
use crate::restore::{bumped, request, restored};

#[expect(clippy::disallowed_methods, reason = "tests may read files")]
fn file(name: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/damaged");
    let path = folder.join(format!("{name}.db"));
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// HashKV of the file that all of them were made from.
const SAME: HashKv = HashKv {
    hash: 35_341_968,
    hash_revision: 339,
    compact_revision: 272,
};

pub(crate) fn observed(seen: &Inspection) -> Observation {
    Observation {
        source: SourceFacts::from(seen),
        target: TargetFacts {
            place: "/new".to_owned(),
            root_known: true,
            state: TargetState::Missing,
            free_bytes: None,
        },
        cluster: String::new(),
    }
}

/// The check of a restore of what was seen.
pub(crate) fn judged(seen: &Inspection, request: &RestoreRequest) -> Report {
    let request = RestoreRequest {
        snapshot: seen.file.sha256.clone(),
        ..request.clone()
    };
    check_file(&request, &observed(seen))
}

fn plain() -> RestoreRequest {
    request(TargetVersion::V3_6)
}

fn hashed(bytes: &[u8]) -> HashKv {
    hash_kv(&Database::open(&bytes).unwrap(), 0).unwrap()
}

/// A file that is checked without anything that blocks, restored as it is, and holds the same keys then. The code
/// names what is said of it.
#[track_caller]
fn restorable(bytes: &[u8], code: &str) -> Inspection {
    let seen = look(bytes);
    let codes: Vec<_> = seen.report.findings.iter().map(|f| &f.code).collect();
    let finding = seen
        .report
        .find(code)
        .unwrap_or_else(|| panic!("no {code} in {codes:?}"));
    assert_eq!(finding.severity, Severity::Warning);
    assert!(!seen.report.blocks(), "{codes:?}");
    assert_eq!(seen.verdict.outcome(PartName::Structure), Outcome::Pass);
    assert!(!seen.verdict.sentence.contains("Do not"));
    assert_eq!(seen.details.hash_kv, Some(SAME));
    assert_eq!(hashed(bytes), SAME);
    for request in [plain(), bumped(1_000_000)] {
        let report = judged(&seen, &request);
        assert!(!report.blocks(), "{report:?}");
        let (_, result) = restored(bytes, &request);
        let again = look(&with_trailer(result.clone()));
        assert!(again.verdict.sentence.starts_with("Snapshot OK"));
        if request.bump_revision == 0 {
            assert_eq!(hashed(&result), SAME);
        }
    }
    seen
}

#[test]
fn padded() {
    let bytes = file("padded");
    let seen = restorable(&bytes, "file.bytes-after");
    assert_eq!(seen.details.kind, FileKind::Snapshot);
    assert_eq!(seen.verdict.outcome(PartName::Checksum), Outcome::Pass);
    let finding = seen.report.find("file.bytes-after").unwrap();
    assert!(finding.what.starts_with("480 bytes"), "{}", finding.what);
    assert!(finding.todo.contains("73760"), "{}", finding.todo);
    assert_eq!(finding.place.unwrap().offset, Some(73_760));
    let cut = NativeSource::Cut {
        start: 0,
        size: 73_760,
    };
    assert_eq!(NativeSource::from(&seen), cut);
}

/// Why no command of etcd's own tools restores the file.
fn unfit(seen: &Inspection) -> String {
    match NativeSource::from(seen) {
        NativeSource::Unfit { why } => why.why().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_that_etcds_own_tools_crash_on_is_no_file_for_them() {
    let plain = |element: Element| {
        let mut image = sample();
        let mut root = buckets();
        root.push(element);
        root.sort_by(|a, b| a.1.cmp(&b.1));
        image.leaf(ROOT, &root);
        look(&image.snapshot())
    };
    let seen = plain(pair("name", "value"));
    assert!(seen.report.find("bucket.plain-in-root").is_some());
    assert!(unfit(&seen).contains("root bucket"));
    // Where no trailer matches it is unknown where to cut.
    let whole = fixture("3.6.14-mixed").bytes;
    let copy = &whole[..whole.len() - 32];
    let seen = look(&[b"Defaulted container\n", copy].concat());
    assert!(seen.report.find("file.bytes-before").is_some());
    assert!(unfit(&seen).contains("bytes in front"));
    for fine in [whole.as_slice(), copy] {
        assert!(NativeSource::from(&look(fine)).is_as_it_is());
    }
    assert!(NativeSource::from(&look(&file("free-tail"))).is_as_it_is());
}

#[test]
fn a_freelist_of_zeros() {
    let seen = restorable(&file("freelist-zeroed"), "freelist.unusable");
    let finding = seen.report.find("freelist.unusable").unwrap();
    assert_eq!(finding.place.unwrap().page, Some(18));
    assert!(!finding.todo.contains("etcdutl"), "{}", finding.todo);
    assert!(unfit(&seen).contains("freelist"));
}

#[test]
fn a_tail_of_free_pages_that_is_missing() {
    let seen = restorable(&file("free-tail"), "file.free-tail");
    let finding = seen.report.find("file.free-tail").unwrap();
    assert!(
        finding.what.contains("last 8 of 26 pages"),
        "{}",
        finding.what
    );
    assert!(finding.what.contains("none of them in use"));
}

#[test]
fn a_whole_snapshot_with_anything_around_it() {
    let whole = fixture("3.6.14-mixed").bytes;
    for before in [0, 1, 37, 4096, 20_000] {
        for after in [0, 1, 31, 32, 480, 512, 4096, 100_000] {
            if before + after == 0 {
                continue;
            }
            let front: Vec<u8> = b"Defaulted container \"etcd\"\n"
                .iter()
                .copied()
                .cycle()
                .take(before)
                .collect();
            let bytes = [&front, whole.as_slice(), &vec![b'\n'; after]].concat();
            let what = format!("{before} before, {after} after");
            let seen = look(&bytes);
            assert!(!seen.report.blocks(), "{what}: {:?}", seen.report);
            assert_eq!(
                seen.verdict.outcome(PartName::Checksum),
                Outcome::Pass,
                "{what}"
            );
            assert_eq!(seen.details.hash_kv, Some(SAME), "{what}");
            let named = |code: &str| seen.report.find(code).is_some();
            assert_eq!(named("file.bytes-before"), before > 0, "{what}");
            assert_eq!(named("file.bytes-after"), after > 0, "{what}");
            let cut = NativeSource::Cut {
                start: before as u64,
                size: whole.len() as u64,
            };
            assert_eq!(NativeSource::from(&seen), cut, "{what}");
            assert!(!judged(&seen, &plain()).blocks(), "{what}");
            let (_, result) = restored(&bytes, &plain());
            let (_, theirs) = restored(&whole, &plain());
            assert!(result == theirs, "{what}: the result is another one");
            // The same in small pieces, as a slow reader feeds it.
            let mut scanner = Scanner::new(Options::default());
            bytes.chunks(1000).for_each(|piece| scanner.feed(piece));
            let source = bytes.as_slice();
            assert_eq!(
                inspect(scanner.finish(), "file.db", &source),
                seen,
                "{what}"
            );
        }
    }
}

#[test]
fn damage_within_a_padded_snapshot_is_still_found() {
    for at in [30_000, 73_730] {
        let mut bytes = file("padded");
        bytes[at] ^= 1;
        let seen = look(&bytes);
        assert_ne!(seen.verdict.outcome(PartName::Checksum), Outcome::Pass);
        assert!(judged(&seen, &plain()).blocks());
    }
}

/// Puts a stored freelist of these bytes on a page behind a fixture's own, and seals it.
fn with_freelist(name: &str, page: impl Fn(u64) -> Vec<u8>) -> Vec<u8> {
    let whole = fixture(name).bytes;
    let meta = *Database::open(&whole.as_slice()).unwrap().meta();
    let mut bytes = whole[..meta.logical_size() as usize].to_vec();
    let mut list = page(meta.hwm);
    list.resize(list.len().next_multiple_of(4096), 0);
    let pages = list.len() as u64 / 4096;
    bytes.extend(list);
    let newer = Meta {
        freelist: meta.hwm,
        hwm: meta.hwm + pages,
        txid: meta.txid + 1,
        ..meta
    };
    put_meta(&mut bytes, (newer.txid % 2) as usize, &newer);
    with_trailer(bytes)
}

#[test]
fn a_file_that_was_opened_for_writing_is_told_from_a_damaged_one() {
    // What etcdutl hashkv leaves of a snapshot: a freelist on a new page, and a meta page that names it.
    let opened = with_freelist("3.6.14-mixed", |id| {
        requorum_shared::bbolt::PageHeader {
            id,
            flags: 0x10,
            count: 0,
            overflow: 0,
        }
        .encode()
        .to_vec()
    });
    let whole = fixture("3.6.14-mixed").bytes;
    let image = &opened[..opened.len() - 32];
    let hint = "Only a meta page and the freelist are newer than transaction 14";
    let with_the_old_trailer = [image, &whole[whole.len() - 32..]].concat();
    for (bytes, code) in [
        (with_the_old_trailer.as_slice(), "trailer.mismatch"),
        // It grew over its trailer.
        (image, "trailer.absent"),
        (&opened[..opened.len() - 5], "trailer.length"),
    ] {
        let seen = look(bytes);
        let what = &seen.report.find(code).unwrap().what;
        assert!(what.contains(hint), "{code}: {what}");
        assert_eq!(seen.details.hash_kv, Some(SAME), "{code}");
    }
    // Its trailer made anew, or a file of one commit: nothing to explain.
    let mut flipped = whole.clone();
    flipped[40_000] ^= 1;
    for bytes in [opened.as_slice(), &flipped, &whole[..whole.len() - 32]] {
        let seen = look(bytes);
        let said = |finding: &requorum_shared::finding::Finding| finding.what.contains(hint);
        assert!(!seen.report.findings.iter().any(said));
    }
}

#[test]
fn whatever_is_wrong_with_a_stored_freelist_is_a_warning() {
    let header = |id: u64, flags: u16, count: u16, overflow: u32| {
        requorum_shared::bbolt::PageHeader {
            id,
            flags,
            count,
            overflow,
        }
        .encode()
        .to_vec()
    };
    type Entry = Box<dyn Fn(u64) -> Vec<u8>>;
    let lists: [(&str, Entry); 6] = [
        ("zeros", Box::new(|_| vec![0; 4096])),
        ("noise", Box::new(|_| vec![0xa5; 4096])),
        ("another page", Box::new(move |_| header(3, 0x10, 0, 0))),
        ("a leaf", Box::new(move |id| header(id, 2, 0, 0))),
        (
            "too many ids",
            Box::new(move |id| header(id, 0x10, 60_000, 0)),
        ),
        (
            "an overflow beyond the end",
            Box::new(move |id| header(id, 0x10, 0, 9)),
        ),
    ];
    for (what, list) in &lists {
        let bytes = with_freelist("3.6.14-mixed", list);
        let seen = restorable(&bytes, "freelist.unusable");
        assert!(seen.report.count(Severity::Warning) >= 1, "{what}");
    }
    // Ids that claim pages in use.
    let bytes = with_freelist("3.6.14-mixed", |id| {
        let mut page = header(id, 0x10, 3, 0);
        for free in [2u64, 5, 1 << 40] {
            page.extend(free.to_le_bytes());
        }
        page
    });
    let seen = restorable(&bytes, "freelist.reachable");
    assert!(unfit(&seen).contains("overwrite data"));
}

#[test]
fn pages_leaked_beside_a_stored_freelist_are_named() {
    // The pages of the list itself but for one, which nothing refers to.
    let bytes = with_freelist("3.6.14-mixed", |id| {
        let mut page = requorum_shared::bbolt::PageHeader {
            id,
            flags: 0x10,
            count: 0,
            overflow: 0,
        }
        .encode()
        .to_vec();
        page.resize(5 * 4096, 0);
        page
    });
    let seen = restorable(&bytes, "freelist.unreachable");
    let finding = seen.report.find("freelist.unreachable").unwrap();
    assert!(finding.what.contains("it was leaked"), "{}", finding.what);
    assert!(finding.what.contains("19, 20"), "{}", finding.what);
}

#[test]
fn free_pages_cut_off_anywhere_are_left_out_and_pages_in_use_never() {
    let mut cut_short = 0;
    for name in [
        "3.6.14-live-copy",
        "3.5.33-killed",
        "3.7.1-killed",
        "3.6.14-mixed",
    ] {
        let whole = fixture(name).bytes;
        let wanted = look(&whole).details.hash_kv;
        for cut in (8192..whole.len()).step_by(2048) {
            let bytes = &whole[..cut / 512 * 512];
            let seen = look(bytes);
            let request = RestoreRequest {
                skip_hash_check: true,
                ..request(TargetVersion::V3_7)
            };
            let refused = judged(&seen, &request).blocks();
            assert_eq!(refused, seen.report.blocks(), "{name} cut at {cut}");
            if !refused {
                cut_short += u32::from(seen.report.find("file.free-tail").is_some());
                assert_eq!(seen.details.hash_kv, wanted, "{name} cut at {cut}");
                let (_, result) = restored(bytes, &request);
                assert_eq!(Some(hashed(&result)), wanted, "{name} cut at {cut}");
            }
        }
    }
    assert!(cut_short > 0);
}

#[test]
fn a_mark_far_beyond_the_file_makes_no_larger_result() {
    let mut image = sample();
    let raw = image.raw();
    image.meta.hwm = 1 << 31;
    let mut bytes = raw;
    for slot in 0..2 {
        put_meta(&mut bytes, slot, &image.meta);
    }
    let seen = look(&with_trailer(bytes.clone()));
    assert!(seen.report.find("file.free-tail").is_some());
    assert!(!judged(&seen, &plain()).blocks());
    let (edit, _) = restored(&bytes, &plain());
    assert!(edit.database_size < 100_000, "{}", edit.database_size);
}

/// The newest meta page cannot be used: said, and restored only by choice.
#[track_caller]
fn needs_a_choice(bytes: &[u8]) -> Inspection {
    let seen = look(bytes);
    let finding = seen.report.find("meta.fallback").unwrap();
    assert_eq!(finding.severity, Severity::Warning);
    let refused = judged(&seen, &plain());
    let blocking = refused.find("meta.fallback").unwrap();
    assert_eq!(blocking.severity, Severity::Blocking);
    assert!(blocking.todo.contains("--accept-older-meta"));
    let accepted = RestoreRequest {
        accept_older_meta: true,
        ..plain()
    };
    let report = judged(&seen, &accepted);
    assert!(!report.blocks(), "{report:?}");
    let warning = report.find("meta.fallback").unwrap();
    assert_eq!(warning.severity, Severity::Warning);
    restored(bytes, &accepted);
    seen
}

#[test]
fn a_file_under_its_older_meta_is_restored_by_choice_only_and_the_plan_says_so() {
    let bytes = file("older-meta");
    let seen = needs_a_choice(&bytes);
    let request = RestoreRequest {
        snapshot: seen.file.sha256.clone(),
        accept_older_meta: true,
        ..plain()
    };
    let plan = draft(&request, &observed(&seen), "2026-11-28T12:00:00Z").unwrap();
    assert!(plan.report.find("meta.fallback").is_some());
    let told = plan.facts.iter().any(|fact| {
        fact.statement.contains("Meta 0 cannot be used")
            && fact.statement.contains("read under meta 1")
    });
    assert!(told, "{:?}", plan.facts);
    // What was sealed before there was the choice keeps its bytes.
    let before = requorum_shared::canonical::to_canonical_json(&plain());
    assert!(!before.contains("older_meta"), "{before}");
}

#[test]
fn the_newer_meta_is_told_from_the_spare_one() {
    let whole = fixture("3.6.14-mixed").bytes;
    let body = whole.len() - 32;
    let sealed = |damage: &dyn Fn(&mut [u8])| {
        let mut bytes = whole[..body].to_vec();
        damage(&mut bytes);
        with_trailer(bytes)
    };
    let page = |slot: usize| slot * 4096..(slot + 1) * 4096;
    // The server sends the meta of the moment first.
    for at in [16, 20, 24, 32, 40, 56, 64, 72, 79] {
        needs_a_choice(&sealed(&|bytes| bytes[at] ^= 0x10));
        restorable(&sealed(&|bytes| bytes[4096 + at] ^= 0x10), "meta.spare");
    }
    for fill in [0, 0xff] {
        needs_a_choice(&sealed(&|bytes| bytes[page(0)].fill(fill)));
        restorable(&sealed(&|bytes| bytes[page(1)].fill(fill)), "meta.spare");
    }
    // One bit of its transaction id makes a newer commit look like an older one, but for the checksum.
    let meta = *Database::open(&whole.as_slice()).unwrap().meta();
    for bit in 0..63 {
        let mut bytes = whole[..body].to_vec();
        let newer = Meta {
            txid: meta.txid + 1,
            ..meta
        };
        let slot = (newer.txid % 2) as usize;
        put_meta(&mut bytes, slot, &newer);
        bytes[slot * 4096 + 64 + bit / 8] ^= 1 << (bit % 8);
        needs_a_choice(&with_trailer(bytes));
    }
}

/// A file that is mostly zeros, as large as one likes.
struct Sparse {
    size: u64,
    parts: BTreeMap<u64, Vec<u8>>,
}

impl Source for Sparse {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), SourceError> {
        assert!(out.len() <= 1 << 20, "{} bytes at once", out.len());
        out.fill(0);
        let end = offset + out.len() as u64;
        for (at, bytes) in self.parts.range(..end) {
            let (from, to) = (offset.max(*at), end.min(at + bytes.len() as u64));
            if from < to {
                let part = &bytes[(from - at) as usize..(to - at) as usize];
                out[(from - offset) as usize..(to - offset) as usize].copy_from_slice(part);
            }
        }
        Ok(())
    }
}

/// A snapshot's image with a leaf of `values` values of `each` zero bytes, and what hashing it all at once gives.
fn large(values: u64, each: u64, user_key: usize) -> Sparse {
    let page_size = 4096u64;
    let first = 2;
    let keys: Vec<Vec<u8>> = (0..values).map(|n| revision(first + n as i64)).collect();
    let head = |n: u64| {
        let main = first + n as i64;
        let mut head = key_value(&format!("{n}{}", "x".repeat(user_key)), main, main, 1, b"");
        head.push(0x2a);
        let mut len = each;
        while len > 0x7f {
            head.push(len as u8 | 0x80);
            len >>= 7;
        }
        head.push(len as u8);
        head
    };
    let table = 16 + 16 * values;
    let mut parts = BTreeMap::new();
    let leaf = 4u64;
    let mut header = Vec::new();
    let mut at = table;
    for (n, key) in (0..values).zip(&keys) {
        let head = head(n);
        let value = head.len() as u64 + each;
        for field in [0, at - 16 - 16 * n, key.len() as u64, value] {
            header.extend((field as u32).to_le_bytes());
        }
        let start = [key.as_slice(), &head].concat();
        parts.insert(leaf * page_size + at, start);
        at += key.len() as u64 + value;
    }
    let pages = at.div_ceil(page_size);
    let page = requorum_shared::bbolt::PageHeader {
        id: leaf,
        flags: 2,
        count: values as u16,
        overflow: pages as u32 - 1,
    };
    parts.insert(
        leaf * page_size,
        [page.encode().as_slice(), &header].concat(),
    );
    let mut image = Image::new(page_size as usize, 2, leaf + pages);
    image.leaf(
        2,
        &[
            nested("key", bucket(3)),
            nested("members", inline(&[])),
            nested("meta", inline(&meta_pairs())),
        ],
    );
    image.branch(3, &[(keys[0].clone(), leaf)]);
    let hwm = image.meta.hwm;
    image.meta.hwm = leaf;
    let mut start = image.raw();
    for slot in 0..2 {
        let txid = 7 - slot as u64;
        let meta = Meta {
            hwm,
            txid,
            ..image.meta
        };
        put_meta(&mut start, slot, &meta);
    }
    parts.insert(0, start);
    Sparse {
        size: hwm * page_size,
        parts,
    }
}

#[test]
fn values_of_any_size_are_streamed() {
    // Each read is of a mebibyte at most, however large the value; the last has user keys that are large too.
    for (values, each, user_key) in [(1, 130 << 20, 8), (3, 45 << 20, 8), (2, 300 << 10, 200_000)] {
        let source = large(values, each, user_key);
        let mut scanner = Scanner::new(Options {
            hash: false,
            hash_kv: true,
            prefixes: false,
        });
        let mut piece = vec![0; 1 << 20];
        let mut at = 0;
        while at < source.size {
            let len = (source.size - at).min(1 << 20) as usize;
            source.read_at(at, &mut piece[..len]).unwrap();
            scanner.feed(&piece[..len]);
            at += len as u64;
        }
        let seen = inspect(scanner.finish(), "large.db", &source);
        let what = format!("{values} of {each}");
        assert_eq!(
            seen.verdict.outcome(PartName::Structure),
            Outcome::Pass,
            "{what}: {:?}",
            seen.report
        );
        assert_eq!(
            seen.verdict.outcome(PartName::Content),
            Outcome::Pass,
            "{what}: {:?}",
            seen.report
        );
        assert_eq!(
            seen.details.status.as_ref().unwrap().total_key,
            values,
            "{what}"
        );
        let database = Database::open(&source).unwrap();
        let read = hash_kv(&database, 0).unwrap();
        assert_eq!(seen.details.hash_kv, Some(read), "{what}");
        assert_eq!(read.hash_revision, values as i64 + 1, "{what}");
        // At an older revision too.
        let older = hash_kv(&database, values as i64).unwrap();
        assert_ne!(older.hash, read.hash, "{what}");
        let cluster =
            requorum_shared::etcd::recovery::restore::cluster::Cluster::new(&plain().members, "t")
                .unwrap();
        for request in [plain(), bumped(1000)] {
            let edit =
                requorum_shared::etcd::recovery::restore::edit::edit(&database, &cluster, &request)
                    .unwrap();
            assert_eq!(edit.last_revision, values as i64 + 1, "{what}");
            let written: usize = edit.patches.iter().map(|patch| patch.bytes.len()).sum();
            assert!(written < 100_000, "{what}: {written}");
        }
    }
}
