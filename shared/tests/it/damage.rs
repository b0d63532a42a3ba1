//! Files damaged on purpose, one way each, and what is said of them. Each test names the line of the
//! conformance list that it holds.

mod pages;
mod records;

use requorum_shared::bbolt::Meta;
use requorum_shared::bbolt::scan::PageKind;
use requorum_shared::etcd::storage::inspection::{FileKind, Inspection};
use requorum_shared::finding::{Finding, Outcome, Severity};
use requorum_shared::inspection::PartName;
use requorum_shared::kinds::inspect_as_etcd as inspect;

use crate::build::*;
use crate::fixtures::fixture;
use crate::inspection::look;
use crate::status::scan;

fn codes(seen: &Inspection) -> Vec<&str> {
    seen.report
        .findings
        .iter()
        .map(|f| f.code.as_str())
        .collect()
}

/// A sentence without its white space, so that digits are found however they are grouped.
fn ungrouped(sentence: &str) -> String {
    sentence.split_whitespace().collect()
}

/// The finding with this code; the structure must have failed.
#[track_caller]
fn fault<'a>(seen: &'a Inspection, code: &str) -> &'a Finding {
    assert_eq!(
        seen.verdict.outcome(PartName::Structure),
        Outcome::Fail,
        "{:?}",
        codes(seen)
    );
    assert!(
        seen.verdict.sentence.starts_with("Do not restore"),
        "{}",
        seen.verdict.sentence
    );
    let finding = seen.report.find(code);
    finding.unwrap_or_else(|| panic!("no {code} in {:?}", codes(seen)))
}

/// The page of the finding with this code.
#[track_caller]
fn page_of(seen: &Inspection, code: &str) -> u64 {
    fault(seen, code)
        .place
        .and_then(|place| place.page)
        .unwrap()
}

/// Damages a page of the sample; the trailer is that of the damaged file, as if its server had been damaged.
fn damaged(page: u64, damage: impl FnOnce(&mut Vec<u8>)) -> Inspection {
    let mut image = sample();
    damage(image.page(page));
    look(&image.snapshot())
}

fn set_u16(bytes: &mut [u8], at: usize, n: u16) {
    bytes[at..at + 2].copy_from_slice(&n.to_le_bytes());
}

fn set_u32(bytes: &mut [u8], at: usize, n: u32) {
    bytes[at..at + 4].copy_from_slice(&n.to_le_bytes());
}

fn set_u64(bytes: &mut [u8], at: usize, n: u64) {
    bytes[at..at + 8].copy_from_slice(&n.to_le_bytes());
}

/// Where field `field` of element `index` lies in its page.
fn element(index: usize, field: usize) -> usize {
    16 + index * 16 + field
}

#[test]
fn the_undamaged_sample_is_whole() {
    let seen = look(&sample().snapshot());
    assert!(seen.verdict.sentence.starts_with("Snapshot OK"));
    assert_eq!(codes(&seen), [""; 0]);
    let status = seen.details.status.unwrap();
    assert_eq!(
        (status.revision, status.total_key, status.total_key_35),
        (21, 20, 24)
    );
}

#[test]
fn conformance_21_files_too_short_to_be_anything() {
    let whole = fixture("3.6.14-mixed").bytes;
    let sentence = |bytes: &[u8]| look(bytes).verdict.sentence;
    assert_eq!(
        sentence(b""),
        "This file is empty; an etcd snapshot is needed here."
    );
    assert!(sentence(&whole[..100]).starts_with("This is not an etcd snapshot"));
    assert!(sentence(&whole[..4096]).starts_with("This is not an etcd snapshot"));
    let two = look(&whole[..8192]);
    assert_eq!(
        two.report
            .find("file.truncated")
            .unwrap()
            .place
            .unwrap()
            .offset,
        Some(8192)
    );
    assert_eq!(two.verdict.outcome(PartName::Structure), Outcome::Fail);
}

#[test]
fn conformance_22_one_meta_broken_is_a_warning_both_name_both() {
    // Magic, version, checksum.
    for field in [16, 20, 72] {
        let mut bytes = fixture("3.6.14-mixed").bytes;
        bytes[field] ^= 1;
        let body = bytes.len() - 32;
        let seen = look(&with_trailer(bytes[..body].to_vec()));
        let fallback = seen.report.find("meta.fallback").unwrap();
        assert_eq!(fallback.severity, Severity::Warning);
        assert_eq!(fallback.place.unwrap().page, Some(0));
        assert_eq!(seen.details.status.unwrap().hash, 3_903_893_037);
        bytes[4096 + field] ^= 1;
        let seen = look(&bytes);
        assert_eq!(seen.details.kind, FileKind::Unknown);
        let what = &seen.report.find("meta.none-valid").unwrap().what;
        assert!(what.contains("meta 0") && what.contains("meta 1"), "{what}");
    }
}

#[test]
fn conformance_22_meta_1_is_found_at_every_page_size() {
    for page_size in (10..=17).chain([21]).map(|power| 1 << power) {
        let mut bytes = sample_of(page_size).snapshot();
        bytes[16..80].fill(0xff);
        // In chunks, because the page size must be found before all bytes are there.
        let source = bytes.as_slice();
        let seen = inspect(scan(source, 100_000), "file.db", &source);
        assert!(seen.report.find("meta.fallback").is_some(), "{page_size}");
        assert_eq!(seen.details.page_size as usize, page_size);
        assert_eq!(seen.details.status.unwrap().total_key, 20, "{page_size}");
    }
}

#[test]
fn conformance_46_files_whose_other_meta_knows_no_bucket() {
    // An independent writer left meta 1 as that of the empty file.
    for name in [
        "synthetic-page1024",
        "synthetic-page16384",
        "synthetic-page65536",
    ] {
        let mut bytes = fixture(name).bytes;
        bytes[16..80].fill(0xff);
        let seen = look(&bytes);
        assert!(seen.report.find("meta.fallback").is_some(), "{name}");
        assert!(seen.details.status.is_none(), "{name}");
        assert!(
            seen.verdict.sentence.contains("meta page"),
            "{}",
            seen.verdict.sentence
        );
    }
}

#[test]
fn conformance_23_big_endian() {
    let mut bytes = sample().raw();
    for slot in [0, 4096] {
        for field in [16, 20, 24, 28] {
            bytes[slot + field..slot + field + 4].reverse();
        }
    }
    let seen = look(&bytes);
    assert_eq!(seen.details.kind, FileKind::BigEndian);
    assert!(seen.verdict.sentence.contains("big-endian"));
    assert!(seen.report.find("file.big-endian").is_some());
}

#[test]
fn conformance_24_cut_anywhere() {
    for name in ["3.6.14-mixed", "3.5.33-large", "synthetic-page1024"] {
        let f = fixture(name);
        let page_size = look(&f.bytes).details.page_size as usize;
        let pages = f.bytes.len() / page_size;
        for cut in (2..pages).flat_map(|page| [page * page_size, page * page_size + 1000]) {
            let seen = look(&f.bytes[..cut]);
            // Nothing is lost where none of the missing pages is in use.
            let free = seen.report.find("file.free-tail");
            let finding = free.unwrap_or_else(|| {
                let sentence = &seen.verdict.sentence;
                assert!(
                    sentence.starts_with("The file is cut off: "),
                    "{name} cut at {cut}: {sentence}"
                );
                let why = ungrouped(&seen.report.find("file.cut-off").unwrap().why);
                let there = format!("thefilehas{cut}.");
                assert!(why.contains(&there), "{name} cut at {cut}: {why}");
                let count = |kind| {
                    let runs = seen.page_map.runs.iter().filter(|run| run.kind == kind);
                    runs.map(|run| run.count).sum::<u64>()
                };
                let declared = seen.details.high_water_mark;
                let present = (cut / page_size) as u64;
                assert_eq!(count(PageKind::Missing), declared - present, "{name}");
                // Without a list of what is free, nothing is called so.
                assert_eq!(count(PageKind::Free), 0, "{name} cut at {cut}");
                let missing = format!("{}of{declared}pagesaremissing", declared - present);
                let structure = ungrouped(seen.verdict.evidence(PartName::Structure));
                assert!(structure.starts_with(&missing), "{name}: {structure}");
                assert_eq!(seen.verdict.outcome(PartName::Structure), Outcome::Fail);
                seen.report.find("file.truncated").unwrap()
            });
            assert_eq!(
                free.is_some(),
                seen.details.status.is_some(),
                "{name} cut at {cut}"
            );
            assert_eq!(finding.place.unwrap().offset, Some(cut as u64));
            if seen.verdict.sentence.contains("cannot be read") {
                // All missing pages that are referred to are named, each within the missing part.
                let missing = seen
                    .report
                    .findings
                    .iter()
                    .filter(|f| f.code == "page.missing");
                assert!(missing.clone().count() > 0, "{name} cut at {cut}");
                for finding in missing {
                    let page = finding.place.unwrap().page.unwrap() as usize;
                    assert!(
                        (page + 50) * page_size > cut,
                        "{name} cut at {cut}: page {page}"
                    );
                }
            }
        }
    }
    // What is left can still be listed.
    let f = fixture("3.6.14-mixed");
    let seen = look(&f.bytes[..30_000]);
    let contents = seen.details.contents.unwrap();
    assert!(
        contents
            .buckets
            .iter()
            .any(|bucket| bucket.name == "members")
    );
    assert_eq!(contents.members.unwrap().len(), 1);
    assert!(seen.details.status.is_none());
    assert_eq!(
        ungrouped(&seen.verdict.sentence),
        "Thefileiscutoff:29.3of72KiBarethere."
    );
}

#[test]
fn conformance_25_trailers_of_every_kind() {
    let whole = fixture("3.6.14-mixed").bytes;
    let body = whole.len() - 32;
    let seen = |bytes: &[u8]| {
        let seen = look(bytes);
        assert_eq!(seen.verdict.outcome(PartName::Structure), Outcome::Pass);
        let code = seen.report.findings[0].code.clone();
        (code, seen.verdict.outcome(PartName::Checksum))
    };
    let mut wrong = whole.clone();
    wrong[body] ^= 1;
    assert_eq!(seen(&wrong), ("trailer.mismatch".to_owned(), Outcome::Fail));
    wrong[body..].fill(0);
    assert_eq!(seen(&wrong), ("trailer.zero".to_owned(), Outcome::Fail));
    assert_eq!(
        seen(&whole[..body]),
        ("trailer.absent".to_owned(), Outcome::NotChecked)
    );
    assert_eq!(
        seen(&whole[..body + 31]),
        ("trailer.length".to_owned(), Outcome::Fail)
    );
    // A byte too many is none of the snapshot's.
    let longer = [&whole[..], b"\n"].concat();
    assert_eq!(
        seen(&longer),
        ("file.bytes-after".to_owned(), Outcome::Pass)
    );
}

#[test]
fn conformance_26_a_flip_in_a_value_passes_the_tree_and_fails_the_trailer() {
    let mut image = sample();
    let page = image.page(4);
    let at = page.iter().rposition(|b| *b == b'v').unwrap();
    page[at] ^= 1;
    let mut bytes = sample().snapshot();
    bytes[4 * 4096 + at] ^= 1;
    let seen = look(&bytes);
    assert_eq!(seen.verdict.outcome(PartName::Structure), Outcome::Pass);
    assert_eq!(seen.verdict.outcome(PartName::Checksum), Outcome::Fail);
    assert!(seen.report.find("trailer.mismatch").is_some());
    let status = seen.details.status.unwrap();
    assert_eq!(
        Some(&status),
        look(&image.snapshot()).details.status.as_ref()
    );
    assert_ne!(
        status.hash,
        look(&sample().snapshot()).details.status.unwrap().hash
    );
}

#[test]
fn a_flip_that_renames_bucket_key_is_caught_by_the_trailer() {
    let mut bytes = sample().snapshot();
    let at = ROOT as usize * 4096 + 16 + 4 * 16;
    assert_eq!(&bytes[at..at + 3], b"key");
    bytes[at] = b'j';
    let seen = look(&bytes);
    assert_eq!(seen.details.kind, FileKind::OtherBbolt);
    assert_eq!(seen.verdict.outcome(PartName::Structure), Outcome::Pass);
    assert_eq!(seen.verdict.outcome(PartName::Checksum), Outcome::Fail);
}

#[test]
fn conformance_46_a_fallback_to_an_empty_tree_is_shown_as_one() {
    // Meta 1 of another time: its tree has a bucket `key` without a key.
    let mut image = sample();
    image.meta.hwm = 11;
    image.leaf(
        9,
        &[nested("key", inline(&[])), nested("meta", inline(&[]))],
    );
    image.leaf(10, &[]);
    let mut bytes = image.raw();
    put_meta(
        &mut bytes,
        1,
        &Meta {
            root: 9,
            txid: 6,
            ..image.meta
        },
    );
    assert_eq!(look(&bytes).details.status.unwrap().total_key, 20);
    bytes[72] ^= 1;
    let seen = look(&bytes);
    let finding = seen.report.find("meta.fallback").unwrap();
    assert!(finding.what.contains("0 revisions"), "{}", finding.what);
    assert_eq!(seen.details.status.unwrap().total_key, 0);
}

#[test]
fn a_broken_tree_with_a_sound_one_before_it_says_so() {
    // A live copy: meta 1 holds the commit before, whose branch is another page.
    let mut image = sample();
    image.meta.hwm = 11;
    let mut older = buckets();
    older[0].2 = bucket(10);
    image.leaf(9, &older);
    image.branch(10, &children()[..3]);
    let mut bytes = image.raw();
    put_meta(
        &mut bytes,
        1,
        &Meta {
            root: 9,
            txid: 6,
            ..image.meta
        },
    );
    let branch = BRANCH as usize * 4096;
    bytes[branch..branch + 4096].fill(0);
    let seen = look(&bytes);
    assert_eq!(page_of(&seen, "page.zeroed"), BRANCH);
    let note = seen.report.find("meta.older-sound").unwrap();
    assert!(note.what.contains("revision 16, 15 keys"), "{}", note.what);
}

#[test]
fn conformance_08_a_stored_freelist() {
    let with_freelist = |ids: &[u64], wide: bool| {
        let mut image = sample();
        image.meta.hwm = 12;
        image.meta.freelist = 9;
        let mut page = vec![0; 4096];
        page[..8].copy_from_slice(&9u64.to_le_bytes());
        set_u16(&mut page, 8, 0x10);
        let mut at = 16;
        if wide {
            set_u16(&mut page, 10, 0xffff);
            set_u64(&mut page, 16, ids.len() as u64);
            at = 24;
        } else {
            set_u16(&mut page, 10, ids.len() as u16);
        }
        for id in ids {
            set_u64(&mut page, at, *id);
            at += 8;
        }
        image.pages.insert(9, page);
        codes(&look(&image.snapshot())).join(" ")
    };
    for wide in [false, true] {
        assert_eq!(with_freelist(&[10, 11], wide), "");
        assert_eq!(with_freelist(&[10], wide), "freelist.unreachable");
        assert_eq!(with_freelist(&[11, 10], wide), "freelist.order");
        assert_eq!(with_freelist(&[10, 10, 11], wide), "freelist.duplicate");
        assert_eq!(with_freelist(&[5, 10, 11], wide), "freelist.reachable");
        assert_eq!(
            with_freelist(&[1, 10, 11, 12], wide),
            "freelist.out-of-bounds"
        );
    }
    // An absurd count.
    let mut image = sample();
    image.meta.freelist = MEMBERS;
    set_u16(image.page(MEMBERS), 8, 0x10);
    set_u16(image.page(MEMBERS), 10, 0xffff);
    set_u64(image.page(MEMBERS), 16, u64::MAX / 2);
    let seen = look(&image.snapshot());
    fault(&seen, "page.wrong-type");
    assert!(seen.report.find("freelist.unusable").is_some());
}

#[test]
fn many_faults_of_one_kind_are_counted_not_listed() {
    let mut image = Image::new(4096, 2, 2000);
    image.leaf(
        2,
        &[
            nested("key", bucket(3)),
            nested("meta", inline(&meta_pairs())),
        ],
    );
    let children: Vec<_> = (0..100)
        .map(|i| (revision(i + 2), 1000 + i as u64))
        .collect();
    image.branch(3, &children);
    let seen = look(&image.snapshot());
    let listed: Vec<_> = seen
        .report
        .findings
        .iter()
        .filter(|f| f.code == "page.zeroed")
        .collect();
    assert_eq!(listed.len(), 1, "one cause, one finding");
    assert_eq!(
        listed[0].what,
        "The page is all zeros where a branch or leaf should be: a lost write; 99 more like this: pages 1001, 1002, \
         1003, 1004, 1005, 1006, 1007, 1008 and 91 others."
    );
    assert_eq!(listed[0].place.unwrap().page, Some(1000));
    assert_eq!(
        seen.verdict.evidence(PartName::Structure),
        "100 of 2 000 pages cannot be read, and the use of 1 896 is unknown"
    );
}
