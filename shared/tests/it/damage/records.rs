//! Damage to what etcd keeps in the pages.

use super::*;

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
        assert_eq!(seen.verdict.outcome(PartName::Content), Outcome::Fail);
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
        assert_eq!(seen.verdict.outcome(PartName::Content), Outcome::Fail);
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
