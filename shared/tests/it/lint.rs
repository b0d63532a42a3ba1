//! What a sound file means for a restore: files that are whole and still need a second look.

use requorum_shared::etcd::storage::inspection::Inspection;
use requorum_shared::etcd::storage::schema::Revision;
use requorum_shared::finding::{Outcome, Severity};
use requorum_shared::inspection::PartName;

use crate::build::*;
use crate::inspection::look;

fn codes(seen: &Inspection) -> String {
    let codes: Vec<_> = seen
        .report
        .findings
        .iter()
        .map(|f| f.code.as_str())
        .collect();
    codes.join(" ")
}

/// The sample with these pairs in bucket `meta` and these members.
fn with(meta: Vec<Element>, members: &[(&str, &str)], more: Vec<Element>) -> Inspection {
    let mut image = sample();
    let mut elements = buckets();
    elements[3].2 = inline(&meta);
    elements.extend(more);
    elements.sort_by(|a, b| a.1.cmp(&b.1));
    image.leaf(ROOT, &elements);
    let members: Vec<_> = members
        .iter()
        .map(|(key, value)| pair(*key, *value))
        .collect();
    image.leaf(MEMBERS, &members);
    let seen = look(&image.snapshot());
    assert_eq!(
        seen.verdict.outcome(PartName::Structure),
        Outcome::Pass,
        "{:?}",
        seen.report
    );
    assert!(seen.verdict.sentence.starts_with("Snapshot OK"));
    seen
}

fn conf_state(json: &str) -> Vec<Element> {
    let mut pairs = meta_pairs();
    pairs[0] = pair("confState", json);
    pairs
}

const M10: (&str, &str) = ("a", r#"{"id":10,"peerURLs":["http://a:2380"],"name":"m1"}"#);
const M11: (&str, &str) = ("b", r#"{"id":11,"peerURLs":["http://b:2380"],"name":"m2"}"#);
const LEARNER: (&str, &str) = (
    "b",
    r#"{"id":11,"peerURLs":["http://b:2380"],"isLearner":true,"name":"m2"}"#,
);

#[test]
fn members_that_the_conf_state_does_not_know() {
    let seen = with(conf_state(r#"{"voters":[10]}"#), &[M10, M11], vec![]);
    assert_eq!(codes(&seen), "members.stale");
    assert!(seen.report.findings[0].what.contains("some of b"));
    let seen = with(conf_state(r#"{"voters":[10,11]}"#), &[M10], vec![]);
    assert_eq!(codes(&seen), "members.missing");
    let seen = with(
        conf_state(r#"{"voters":[10],"learners":[11]}"#),
        &[M10, LEARNER],
        vec![],
    );
    assert_eq!(codes(&seen), "");
    let seen = with(conf_state(r#"{"voters":[10,11]}"#), &[M10, LEARNER], vec![]);
    assert_eq!(codes(&seen), "members.learner-votes");
}

#[test]
fn members_that_share_an_address_are_named_beside_a_stale_one() {
    const SAME: (&str, &str) = ("b", r#"{"id":11,"peerURLs":["http://a:2380"],"name":"m2"}"#);
    const STALE: (&str, &str) = ("c", r#"{"id":12,"peerURLs":["http://c:2380"],"name":"m3"}"#);
    const LIKE_A: (&str, &str) = ("c", r#"{"id":12,"peerURLs":["http://a:2380"],"name":"m1"}"#);
    let two = || conf_state(r#"{"voters":[10,11]}"#);
    let seen = with(two(), &[M10, SAME, STALE], vec![]);
    assert_eq!(codes(&seen), "members.stale members.duplicate");
    let what = |code| seen.report.find(code).unwrap().what.clone();
    assert!(what("members.stale").contains("some of c"));
    assert_eq!(
        what("members.duplicate"),
        "Members a and b have the same peer URL, http://a:2380."
    );
    // With the stale one it is no other finding, and the two that are left are one.
    let seen = with(two(), &[M10, M11, LIKE_A], vec![]);
    assert_eq!(codes(&seen), "members.stale");
    let seen = with(two(), &[M10, SAME, LIKE_A], vec![]);
    assert_eq!(codes(&seen), "members.stale members.duplicate");
    assert!(
        seen.report.findings[1]
            .what
            .starts_with("Members a and b have")
    );
}

#[test]
fn a_member_that_was_removed_and_is_back() {
    let removed = nested("members_removed", inline(&[pair("b", "removed")]));
    let seen = with(
        conf_state(r#"{"voters":[10,11]}"#),
        &[M10, M11],
        vec![removed],
    );
    assert_eq!(codes(&seen), "members.removed");
    assert_eq!(
        seen.details.contents.unwrap().removed_members.unwrap(),
        ["b"]
    );
}

#[test]
fn conformance_16_what_survives_a_restore() {
    let alarm = nested("alarm", inline(&[pair([0x08, 0x0a, 0x10, 0x02], "")]));
    let seen = with(meta_pairs(), &[M10], vec![alarm]);
    let finding = seen.report.find("alarm.active").unwrap();
    assert_eq!(finding.what, "CORRUPT alarm, raised by member a.");
    assert_eq!(finding.severity, Severity::Warning);

    let auth = nested("auth", inline(&[pair("authEnabled", [1])]));
    assert_eq!(
        codes(&with(meta_pairs(), &[M10], vec![auth])),
        "auth.administration",
        "there is no user"
    );
    let off = nested("auth", inline(&[pair("authEnabled", [0])]));
    assert_eq!(codes(&with(meta_pairs(), &[M10], vec![off])), "");

    let downgrade = pair("downgrade", r#"{"target-version":"3.5.0","enabled":true}"#);
    let version = pair("clusterVersion", "3.6.0");
    let cluster = nested("cluster", inline(&[version, downgrade]));
    let mut meta = meta_pairs();
    meta.insert(1, pair("storageVersion", "3.7.0"));
    meta.sort();
    let seen = with(meta, &[M10], vec![cluster]);
    assert_eq!(codes(&seen), "downgrade.enabled version.differs");
    assert_eq!(
        seen.details.contents.unwrap().written_by.as_deref(),
        Some("3.7")
    );
}

/// Puts and tombstones of one transaction on leaf 7, compacted at it.
fn in_one_transaction(entries: &[(i64, bool, &str)], compact: i64) -> Inspection {
    let mut image = sample();
    let mut meta = meta_pairs();
    let mark = Revision {
        main: compact,
        sub: 0,
        tombstone: false,
    };
    meta.push(pair("finishedCompactRev", mark.encode()));
    meta.sort();
    let mut elements = buckets();
    elements[3].2 = inline(&meta);
    image.leaf(ROOT, &elements);
    let leaf: Vec<_> = entries
        .iter()
        .map(|(sub, tombstone, key)| {
            let revision = Revision {
                main: 17,
                sub: *sub,
                tombstone: *tombstone,
            };
            let value = match tombstone {
                true => key_value(key, 0, 0, 0, b""),
                false => key_value(key, 17, 17, 1, b"v"),
            };
            pair(revision.encode(), value)
        })
        .collect();
    image.leaf(7, &leaf);
    look(&image.snapshot())
}

#[test]
fn a_key_deleted_and_made_again_at_the_compact_revision() {
    let both = [(0, true, "key-5"), (1, false, "key-5")];
    let seen = in_one_transaction(&both, 17);
    assert_eq!(codes(&seen), "mvcc.deleted-and-made-again");
    assert_eq!(seen.report.findings[0].place.unwrap().page, Some(7));
    assert_eq!(codes(&in_one_transaction(&both, 16)), "");
    let others = [(0, true, "key-5"), (1, false, "key-6")];
    assert_eq!(codes(&in_one_transaction(&others, 17)), "");
}

#[test]
fn conformance_04_keys_are_counted_through_deletion_and_return() {
    let both = [
        (0, true, "key-5"),
        (1, false, "key-5"),
        (2, true, "key-6"),
        (3, true, "nobody"),
    ];
    let seen = in_one_transaction(&both, 10);
    let status = seen.details.status.unwrap();
    // Fifteen keys on the other leaves; one came back, one is gone.
    assert_eq!((status.total_key, status.revision), (14, 17));
    let contents = seen.details.contents.unwrap();
    assert_eq!(
        (contents.revisions, contents.tombstones),
        (Some(19), Some(3))
    );
}

#[test]
fn keys_whose_lease_is_gone_count_only_while_they_live() {
    let mut image = sample();
    let mut leaf = puts(6);
    leaf[0].2 = key_value_with_lease("leased", 12, 12, 1, b"v", 7);
    image.leaf(6, &leaf);
    let seen = look(&image.snapshot());
    let finding = seen.report.find("lease.unknown").unwrap();
    assert!(
        finding.what.starts_with("1 key is attached to leases"),
        "{}",
        finding.what
    );
    // Overwritten without a lease at the last revision.
    let mut last = puts(7);
    last[4].2 = key_value("leased", 12, 21, 2, b"v");
    image.leaf(7, &last);
    assert_eq!(codes(&look(&image.snapshot())), "");
}

#[test]
fn conformance_35_auth_is_read_leniently_and_passwords_stay_hidden() {
    let user = [
        0x0a, 1, b'u', 0x12, 6, b's', b'e', b'c', b'r', b'e', b't', 0x1a, 1, b'r',
    ];
    let users = nested(
        "authUsers",
        inline(&[pair("u", user), pair("x", [0x0a, 9])]),
    );
    let mut image = sample();
    let mut elements = buckets();
    elements.insert(0, users);
    image.leaf(ROOT, &elements);
    let seen = look(&image.snapshot());
    assert!(codes(&seen).starts_with("auth.user"), "{}", codes(&seen));
    // Servers read every user when they start, and no restore mends one.
    assert_eq!(seen.verdict.outcome(PartName::Content), Outcome::Fail);
    let auth = &seen.details.contents.as_ref().unwrap().auth;
    let users = auth.users.as_ref().unwrap();
    assert_eq!(users[0].roles, ["r"]);
    assert!(users[0].has_password);
    assert!(!serde_json::to_string(&seen).unwrap().contains("secret"));
}
