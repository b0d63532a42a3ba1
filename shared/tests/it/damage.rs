//! Files damaged on purpose, one way each, and what is said of them. Each test names the line of the
//! conformance list that it holds.

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
    assert_eq!(sentence(b""), "This file is empty.");
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
        (code, seen.verdict.outcome(PartName::Bytes))
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
    assert_eq!(seen.verdict.outcome(PartName::Bytes), Outcome::Fail);
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
fn conformance_27_branch_cycle() {
    // A child that is its own ancestor, a page that is its own child.
    let seen = damaged(BRANCH, |page| set_u64(page, element(1, 8), ROOT));
    assert_eq!(page_of(&seen, "page.multiple-references"), ROOT);
    let seen = damaged(BRANCH, |page| set_u64(page, element(1, 8), BRANCH));
    assert_eq!(page_of(&seen, "page.multiple-references"), BRANCH);
}

#[test]
fn conformance_27_shared_pages() {
    // Two parents share a child, two buckets share a root.
    let seen = damaged(BRANCH, |page| set_u64(page, element(1, 8), LEAVES[0]));
    assert_eq!(page_of(&seen, "page.multiple-references"), LEAVES[0]);
    assert_eq!(
        seen.verdict.evidence(PartName::Structure),
        "1 fault in a tree of 9 pages, and the use of 1 is unknown"
    );
    assert_eq!(seen.details.status, None);
    let mut image = sample();
    let mut shared = buckets();
    shared[2].2 = bucket(BRANCH);
    image.leaf(ROOT, &shared);
    let seen = look(&image.snapshot());
    assert_eq!(page_of(&seen, "page.multiple-references"), BRANCH);
    // An overflow that lies over another page in use.
    let seen = damaged(4, |page| set_u32(page, 12, 1));
    assert_eq!(page_of(&seen, "page.multiple-references"), 5);
}

#[test]
fn conformance_28_page_ids_that_no_data_page_has() {
    for id in [0, 1, 9, 10, 1 << 40, 1 << 63, u64::MAX] {
        let seen = damaged(BRANCH, |page| set_u64(page, element(2, 8), id));
        assert_eq!(page_of(&seen, "page.out-of-bounds"), BRANCH, "child {id}");
        assert_eq!(
            seen.verdict.evidence(PartName::Structure),
            "1 of 9 pages cannot be read, and the use of 1 is unknown"
        );
        let lost = "about 5 key revisions are lost with them";
        assert!(
            seen.verdict.sentence.contains(lost),
            "{}",
            seen.verdict.sentence
        );

        let mut image = sample();
        let mut elements = buckets();
        elements[2].2 = bucket(id);
        image.leaf(ROOT, &elements);
        let seen = look(&image.snapshot());
        if id == 0 {
            assert_eq!(page_of(&seen, "bucket.header"), ROOT);
        } else {
            assert_eq!(page_of(&seen, "page.out-of-bounds"), ROOT, "bucket {id}");
        }

        let mut image = sample();
        image.meta.root = id;
        let seen = look(&image.snapshot());
        assert_eq!(seen.details.kind, FileKind::Unknown, "root {id}");
        assert!(seen.report.find("meta.none-valid").is_some(), "root {id}");

        let mut image = sample();
        image.meta.freelist = id;
        let seen = look(&image.snapshot());
        if id == u64::MAX {
            assert_eq!(seen.verdict.outcome(PartName::Structure), Outcome::Pass);
        } else {
            let finding = seen.report.find("freelist.unusable").unwrap();
            assert_eq!(finding.severity, Severity::Warning, "freelist {id}");
            assert!(finding.what.contains("out of bounds"), "{}", finding.what);
        }
    }
}

#[test]
fn conformance_29_and_45_overflow_beyond_the_high_water_mark() {
    for overflow in [6, 1000, 1 << 31, u32::MAX] {
        let seen = damaged(4, |page| set_u32(page, 12, overflow));
        assert_eq!(page_of(&seen, "page.overflow"), 4, "{overflow}");
    }
    // The same where nothing else lies behind: the last page of the file.
    let seen = damaged(MEMBERS, |page| set_u32(page, 12, 1));
    assert_eq!(page_of(&seen, "page.overflow"), MEMBERS);
}

#[test]
fn conformance_29_counts_and_elements_that_do_not_fit() {
    let seen = damaged(4, |page| set_u16(page, 10, 0xffff));
    assert_eq!(page_of(&seen, "page.element-table"), 4);
    let seen = damaged(BRANCH, |page| set_u16(page, 10, 0xffff));
    assert_eq!(page_of(&seen, "page.element-table"), BRANCH);
    for (field, n) in [
        (4, u32::MAX),
        (4, 4080),
        (8, u32::MAX),
        (12, u32::MAX),
        (12, 4000),
    ] {
        let seen = damaged(4, |page| set_u32(page, element(1, field), n));
        assert_eq!(
            page_of(&seen, "element.out-of-bounds"),
            4,
            "field {field} = {n}"
        );
        assert!(seen.details.status.is_none());
    }
    let seen = damaged(4, |page| set_u32(page, element(1, 4), 16));
    assert_eq!(page_of(&seen, "element.overlap"), 4);
    // Each inside the page, together more than the page.
    let seen = damaged(4, |page| {
        for index in 0..5 {
            set_u32(page, element(index, 4), 80);
            set_u32(page, element(index, 12), 3000);
        }
    });
    assert_eq!(page_of(&seen, "element.sum"), 4);
    let seen = damaged(BRANCH, |page| set_u32(page, element(1, 0), u32::MAX));
    assert_eq!(page_of(&seen, "element.out-of-bounds"), BRANCH);
}

#[test]
fn conformance_43_elements_over_the_same_bytes_are_not_read_again_and_again() {
    // Ten thousand elements of 16 MiB each on the same 16 MiB would be 156 GiB to hash.
    let many: Vec<_> = (0..10_000)
        .map(|main| pair(revision(main + 2), ""))
        .collect();
    let mut image = sample();
    let mut page = leaf(9, 4096, &many);
    let pages = page.len() / 4096 + 4096;
    for index in 0..10_000 {
        set_u32(&mut page, element(index, 12), 16 << 20);
    }
    set_u32(&mut page, 12, pages as u32 - 1);
    image.pages.insert(9, page);
    image.meta.hwm = 9 + pages as u64;
    let mut elements = buckets();
    elements[0].2 = bucket(9);
    image.leaf(ROOT, &elements);
    let bytes = image.snapshot();
    let seen = look(&bytes);
    assert_eq!(page_of(&seen, "element.sum"), 9);
    let source = bytes.as_slice();
    let database = requorum_shared::bbolt::Database::open(&source).unwrap();
    let error = requorum_shared::etcd::storage::hashkv::hash_kv(&database, 0).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("claim more bytes than the page has"),
        "{error}"
    );
}

#[test]
fn conformance_30_page_headers() {
    let seen = damaged(5, |page| set_u64(page, 0, 6));
    assert_eq!(page_of(&seen, "page.id-mismatch"), 5);
    for flags in [0, 3, 0x20, 0x12, 0xffff] {
        let seen = damaged(5, |page| set_u16(page, 8, flags));
        assert_eq!(page_of(&seen, "page.bad-flags"), 5, "{flags}");
    }
    for flags in [4, 0x10] {
        let seen = damaged(5, |page| set_u16(page, 8, flags));
        assert_eq!(page_of(&seen, "page.wrong-type"), 5, "{flags}");
    }
    let seen = damaged(5, |page| page.fill(0));
    assert_eq!(page_of(&seen, "page.zeroed"), 5);
    assert_eq!(
        fault(&seen, "page.zeroed").place.unwrap().offset,
        Some(5 * 4096)
    );
    // A leaf where a branch was: its elements are read as what they are not, and nothing crashes.
    let seen = damaged(BRANCH, |page| set_u16(page, 8, 2));
    assert_eq!(seen.verdict.outcome(PartName::Structure), Outcome::Fail);
    let seen = damaged(5, |page| set_u16(page, 8, 1));
    assert_eq!(seen.verdict.outcome(PartName::Structure), Outcome::Fail);
}

#[test]
fn conformance_31_keys_out_of_place() {
    let with_leaf = |elements: Vec<Element>| {
        let mut image = sample();
        image.leaf(5, &elements);
        look(&image.snapshot())
    };
    let mut swapped = puts(5);
    swapped.swap(2, 3);
    assert_eq!(page_of(&with_leaf(swapped), "key.order"), 5);
    let mut twice = puts(5);
    twice[3] = twice[2].clone();
    assert_eq!(page_of(&with_leaf(twice), "key.duplicate"), 5);
    let mut below = puts(5);
    below[0] = put(3);
    assert_eq!(page_of(&with_leaf(below), "key.below-separator"), 5);
    let mut above = puts(5);
    above.push(put(12));
    assert_eq!(page_of(&with_leaf(above), "key.above-separator"), 5);
    let mut empty = puts(5);
    empty[0].1.clear();
    assert_eq!(page_of(&with_leaf(empty), "key.empty"), 5);
    let seen = with_leaf(Vec::new());
    let note = seen.report.find("page.empty-leaf").unwrap();
    assert_eq!(
        (note.severity, note.place.unwrap().page),
        (Severity::Note, Some(5))
    );
    assert_eq!(seen.verdict.outcome(PartName::Structure), Outcome::Pass);
    assert_eq!(seen.details.status.unwrap().total_key, 15);

    let mut image = sample();
    image.branch(BRANCH, &[]);
    assert_eq!(
        page_of(&look(&image.snapshot()), "page.empty-branch"),
        BRANCH
    );
    let mut swapped = children();
    swapped.swap(1, 2);
    let mut image = sample();
    image.branch(BRANCH, &swapped);
    assert_eq!(page_of(&look(&image.snapshot()), "key.order"), BRANCH);
    let mut late = children();
    late[1].0 = revision(8);
    let mut image = sample();
    image.branch(BRANCH, &late);
    assert_eq!(page_of(&look(&image.snapshot()), "key.below-separator"), 5);
    // A separator below the first key is what deletes leave.
    let mut early = children();
    early[0].0 = revision(1);
    let mut image = sample();
    image.branch(BRANCH, &early);
    assert_eq!(codes(&look(&image.snapshot())), [""; 0]);
}

/// The sample with another value for bucket `lease`.
fn with_bucket(value: Vec<u8>) -> Inspection {
    let mut image = sample();
    let mut elements = buckets();
    elements[1].2 = value;
    image.leaf(ROOT, &elements);
    look(&image.snapshot())
}

#[test]
fn conformance_32_inline_buckets() {
    for len in [0, 8, 15, 16, 31] {
        assert_eq!(
            page_of(&with_bucket(vec![0; len]), "bucket.header"),
            ROOT,
            "{len}"
        );
    }
    let mut wrong_flags = inline(&[]);
    set_u16(&mut wrong_flags, 16 + 8, 1);
    assert_eq!(
        page_of(&with_bucket(wrong_flags), "bucket.inline-page"),
        ROOT
    );
    let mut overflow = inline(&[]);
    set_u32(&mut overflow, 16 + 12, 1);
    assert_eq!(page_of(&with_bucket(overflow), "bucket.inline-page"), ROOT);
}

#[test]
fn conformance_45_what_the_reference_reads_past() {
    // A count beyond the value reads the neighbouring bucket's bytes.
    let mut count = inline(&[pair("a", "b")]);
    set_u16(&mut count, 16 + 10, 40);
    assert_eq!(page_of(&with_bucket(count), "page.element-table"), ROOT);
    let mut beyond = inline(&[pair("a", "b")]);
    set_u32(&mut beyond, 16 + element(0, 12), 30);
    assert_eq!(page_of(&with_bucket(beyond), "element.out-of-bounds"), ROOT);
    assert_eq!(
        page_of(&with_bucket(inline(&[pair("", "b")])), "key.empty"),
        ROOT
    );
    // An 18th byte that is no `t`.
    let mut image = sample();
    let mut elements = puts(5);
    elements[2].1.push(b'x');
    image.leaf(5, &elements);
    let seen = look(&image.snapshot());
    assert_eq!(
        seen.report.find("mvcc.mark").unwrap().place.unwrap().page,
        Some(5)
    );
    assert_eq!(seen.details.status.unwrap().total_key, 20);
}

#[test]
fn conformance_32_buckets_nested_ten_thousand_deep() {
    let mut image = Image::new(1024, 2, 10_003);
    for id in 2..10_002 {
        let name = if id == 2 { "key" } else { "inner" };
        image.leaf(id, &[nested(name, bucket(id + 1))]);
    }
    image.leaf(10_002, &[]);
    let seen = look(&image.snapshot());
    fault(&seen, "bucket.too-deep");
    assert!(seen.report.find("bucket.nested").is_some());
    let value = (0..40).fold(inline(&[]), |inner, _| inline(&[nested("inner", inner)]));
    let seen = with_bucket(value);
    assert!(seen.report.find("bucket.nested").is_some());
}

#[test]
fn conformance_33_absurd_metas_are_refused_without_allocating() {
    for hwm in [1 << 60, u64::MAX, 0, 3] {
        let mut bytes = sample().raw();
        for slot in 0..2 {
            let meta = Meta {
                hwm,
                ..sample().meta
            };
            put_meta(&mut bytes, slot, &meta);
        }
        let seen = look(&bytes);
        assert_eq!(seen.details.kind, FileKind::Unknown);
        assert!(seen.report.find("meta.none-valid").is_some());
    }
    // A mark that fits the limits, but not the file.
    let mut bytes = sample().raw();
    for slot in 0..2 {
        let hwm = u64::from(u32::MAX) - 1;
        put_meta(
            &mut bytes,
            slot,
            &Meta {
                hwm,
                ..sample().meta
            },
        );
    }
    // All that the tree needs is there.
    let seen = look(&bytes);
    let finding = seen.report.find("file.free-tail").unwrap();
    assert_eq!(finding.severity, Severity::Warning);
    assert_eq!(seen.verdict.outcome(PartName::Structure), Outcome::Pass);
}

/// The sample with another third element on leaf 5.
fn with_entry(element: Element) -> Inspection {
    let mut image = sample();
    let mut elements = puts(5);
    elements[2] = element;
    image.leaf(5, &elements);
    look(&image.snapshot())
}

#[test]
fn conformance_34_keys_that_are_no_revisions() {
    let good = revision(9);
    let mut separator = good.clone();
    separator[8] = b'-';
    let mut sign = good.clone();
    sign[9] = 0x80;
    for key in [
        good[..16].to_vec(),
        separator,
        sign,
        [&good[..], b"tt"].concat(),
    ] {
        let seen = with_entry(pair(key.clone(), key_value("k", 9, 9, 1, b"v")));
        let finding = seen
            .report
            .find("mvcc.revision-key")
            .unwrap_or_else(|| panic!("{key:?}: {:?}", codes(&seen)));
        assert_eq!(finding.place.unwrap().page, Some(5));
        assert_eq!(seen.verdict.outcome(PartName::Meaning), Outcome::Fail);
        assert_eq!(seen.details.hash_kv, None);
    }
}

#[test]
fn conformance_34_values_that_are_no_key_values() {
    let good = key_value("key-9", 9, 9, 1, b"value");
    for value in [
        good[..good.len() - 1].to_vec(),
        vec![0x0a, 0x7f],
        vec![
            0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
        ],
        vec![0x08, 0x01],
    ] {
        let seen = with_entry(pair(revision(9), value.clone()));
        let finding = seen
            .report
            .find("mvcc.undecodable")
            .unwrap_or_else(|| panic!("{value:?}"));
        assert_eq!(finding.place.unwrap().page, Some(5));
        assert_eq!(seen.verdict.outcome(PartName::Structure), Outcome::Pass);
        assert_eq!(seen.verdict.outcome(PartName::Meaning), Outcome::Fail);
    }
    let unknown = [&good[..], &[0x38, 0x01, 0x42, 0x01, b'x']].concat();
    assert_eq!(codes(&with_entry(pair(revision(9), unknown))), [""; 0]);
}

#[test]
fn entries_that_contradict_themselves() {
    let code = |value| codes(&with_entry(pair(revision(9), value))).join(" ");
    assert_eq!(
        code(key_value("k", 9, 8, 1, b"")),
        "mvcc.mod-revision mvcc.create-revision"
    );
    assert_eq!(code(key_value("k", 9, 9, 0, b"")), "mvcc.version");
    assert_eq!(code(key_value("k", 10, 9, 1, b"")), "mvcc.create-revision");
    assert_eq!(code(Vec::new()), "mvcc.empty-key");
    assert_eq!(
        code(key_value_with_lease("k", 9, 9, 1, b"", 77)),
        "lease.unknown"
    );
}

#[test]
fn conformance_35_small_buckets_that_cannot_be_decoded() {
    let mut image = sample();
    image.leaf(ROOT, &buckets()[..3]);
    let seen = look(&image.snapshot());
    assert!(seen.report.find("bucket.meta-missing").is_some());
    assert_eq!(seen.details.status.unwrap().total_key, 20);

    let with_meta = |key: &str, value: &str| {
        let mut pairs = meta_pairs();
        pairs.retain(|pair| pair.1 != key.as_bytes());
        pairs.push(pair(key, value));
        pairs.sort();
        let mut image = sample();
        let mut elements = buckets();
        elements[3].2 = inline(&pairs);
        image.leaf(ROOT, &elements);
        codes(&look(&image.snapshot())).join(" ")
    };
    assert_eq!(
        with_meta("consistent_index", "1234567"),
        "meta-bucket.length"
    );
    assert_eq!(with_meta("confState", "{"), "meta-bucket.conf-state");
    assert_eq!(
        with_meta("finishedCompactRev", "x"),
        "meta-bucket.compact-mark"
    );
    assert_eq!(
        with_meta("storageVersion", "three"),
        "meta-bucket.storage-version"
    );

    let with_member = |key: &str, value: &str| {
        let mut image = sample();
        image.leaf(MEMBERS, &[pair(key, value)]);
        codes(&look(&image.snapshot())).join(" ")
    };
    assert_eq!(with_member("a", "{"), "members.json");
    let member = r#"{"id":10,"peerURLs":["http://h:2380"]}"#;
    assert_eq!(with_member("not hex", member), "members.key");
    assert_eq!(
        with_member("b", member),
        "members.id members.conf-state-of-old-cluster"
    );
}

#[test]
fn conformance_44_pages_beyond_four_gibibytes() {
    use requorum_shared::etcd::storage::scan::{Options, Scanner};
    use requorum_shared::source::{Source, SourceError};

    /// A file that is zero but for a few pages.
    struct Sparse(Image);
    impl Source for Sparse {
        fn size(&self) -> u64 {
            self.0.meta.logical_size()
        }
        fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), SourceError> {
            out.fill(0);
            let page_size = self.0.page_size as u64;
            for (id, page) in &self.0.pages {
                let at = id * page_size;
                for (i, byte) in page.iter().enumerate() {
                    let position = at + i as u64;
                    if position >= offset && position < offset + out.len() as u64 {
                        out[(position - offset) as usize] = *byte;
                    }
                }
            }
            Ok(())
        }
    }

    let far = (5 << 30) / 65_536;
    let mut image = Image::new(65_536, 2, far + 1);
    image.leaf(
        2,
        &[
            nested("key", bucket(far)),
            nested("meta", inline(&meta_pairs())),
        ],
    );
    image.leaf(far, &puts(4));
    for slot in 0..2 {
        let mut bytes = vec![0; 2 * 65_536];
        put_meta(&mut bytes, slot, &image.meta);
        image
            .pages
            .insert(slot as u64, bytes[slot * 65_536..][..65_536].to_vec());
    }
    let source = Sparse(image);
    let mut scanner = Scanner::new(Options {
        hash: false,
        hash_kv: true,
        prefixes: false,
    });
    let zeros = vec![0; 1 << 20];
    let (mut offset, mut near) = (0u64, vec![0; 1 << 20]);
    while offset < source.size() {
        let len = (source.size() - offset).min(1 << 20) as usize;
        let set = offset == 0 || offset + (1 << 20) >= far * 65_536;
        if set {
            source.read_at(offset, &mut near[..len]).unwrap();
        }
        scanner.feed(if set { &near[..len] } else { &zeros[..len] });
        offset += len as u64;
    }
    let seen = inspect(scanner.finish(), "far.db", &source);
    assert_eq!(
        seen.verdict.outcome(PartName::Structure),
        Outcome::Pass,
        "{:?}",
        seen.report
    );
    assert_eq!(seen.details.status.unwrap().total_key, 5);
    assert!(seen.details.hash_kv.is_some());
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
    assert_eq!(seen.verdict.outcome(PartName::Bytes), Outcome::Fail);
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

#[test]
fn pages_under_a_stale_overflow_are_still_seen() {
    // A free page of an earlier time claims all that follows as its overflow.
    let mut image = sample();
    image.meta.hwm = 20;
    image.pages.insert(9, {
        let mut stale = leaf(9, 4096, &puts(4));
        set_u32(&mut stale, 12, 10);
        stale
    });
    image.leaf(12, &puts(7));
    image.pages.remove(&7);
    let mut moved = children();
    moved[3].1 = 12;
    image.branch(BRANCH, &moved);
    for chunk in [100, 4096, 10_000, 1 << 20] {
        let bytes = image.snapshot();
        let seen = inspect(scan(&bytes, chunk), "f", &bytes.as_slice());
        assert_eq!(codes(&seen), [""; 0], "chunks of {chunk}");
        assert_eq!(
            seen.details.status.unwrap().hash,
            look(&sample().snapshot()).details.status.unwrap().hash
        );
    }
}

#[test]
fn conformance_06_values_larger_than_are_gathered() {
    // 3 MiB is read from the source; 300 kB is gathered from the stream. Both hash like small ones.
    for len in [300_000, 3 << 20] {
        let value = key_value_with_lease("big", 12, 12, 1, &vec![b'x'; len], 5);
        let mut image = sample();
        let mut elements = puts(6);
        elements[0].2 = value.clone();
        let lease = [0x08, 0x05, 0x10, 0x3c];
        let mut roots = buckets();
        roots[1].2 = inline(&[pair(5u64.to_be_bytes(), lease)]);
        image.leaf(ROOT, &roots);
        let page = leaf(9, 4096, &elements);
        image.meta.hwm = 9 + page.len() as u64 / 4096;
        image.pages.insert(9, page);
        image.pages.remove(&6);
        let mut moved = children();
        moved[2].1 = 9;
        image.branch(BRANCH, &moved);
        let mut expected = crc32c::crc32c(b"");
        for (_, name, _) in &roots {
            expected = crc32c::crc32c_append(expected, name);
            let pairs = match name.as_slice() {
                b"key" => LEAVES
                    .iter()
                    .flat_map(|id| {
                        if *id == 6 {
                            elements.clone()
                        } else {
                            puts(*id)
                        }
                    })
                    .collect(),
                b"lease" => vec![pair(5u64.to_be_bytes(), lease)],
                b"members" => vec![pair(
                    "a",
                    r#"{"id":10,"peerURLs":["http://h:2380"],"name":"m1"}"#,
                )],
                _ => meta_pairs(),
            };
            for (_, key, value) in pairs {
                expected = crc32c::crc32c_append(crc32c::crc32c_append(expected, &key), &value);
            }
        }
        let seen = look(&image.snapshot());
        assert_eq!(codes(&seen), ["lease.keys"], "{len}");
        assert_eq!(seen.details.status.unwrap().hash, expected, "{len}");
        assert!(seen.details.hash_kv.is_some());
    }
}
