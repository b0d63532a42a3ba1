//! Damage to pages and to the tree that they are.

use super::*;

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
