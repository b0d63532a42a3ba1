//! A member's write-ahead log and `.snap` files, against what an independent parser saw in them.

use proptest::prelude::{ProptestConfig, any, proptest};
use requorum_shared::etcd::storage::snap;
use requorum_shared::etcd::storage::wal::{self, End, Wal};
use requorum_shared::source::Source;
use serde_json::Value;

use crate::fixtures::fixture;

const MEMBERS: [&str; 4] = ["3.4.23-dead", "3.5.33-dead", "3.6.14-dead", "3.7.1-dead"];

#[expect(clippy::disallowed_methods, reason = "tests may read files")]
pub(crate) fn beside(name: &str, extension: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/etcd");
    let path = format!("{folder}/{name}.{extension}");
    std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn read(bytes: &[u8]) -> Wal {
    let source: &dyn Source = &bytes;
    wal::read(source)
}

#[test]
fn every_segment_says_what_an_independent_parser_saw() {
    for name in MEMBERS {
        let said = &fixture(name).facts["beside"]["wal"];
        let bytes = beside(name, "wal");
        assert!(wal::begins(&bytes), "{name}");
        let found = read(&bytes);
        assert_eq!(found.end, End::Clean, "{name}");
        assert_eq!(said["crcChain"], true, "{name}");
        assert_eq!(found.records, said["records"].as_u64().unwrap(), "{name}");
        assert_eq!(found.last_index, said["lastEntry"].as_u64(), "{name}");
        assert_eq!(found.first_index, Some(1), "{name}");
        let state = found.hard_state.unwrap();
        let hard = &said["hardState"];
        assert_eq!(state.term, hard["term"].as_u64().unwrap(), "{name}");
        assert_eq!(state.vote, hard["vote"].as_str().unwrap(), "{name}");
        assert_eq!(state.commit, hard["commit"].as_u64().unwrap(), "{name}");
        // One member, which voted for itself.
        assert_eq!(found.member_id.as_ref(), Some(&state.vote), "{name}");
        let kinds = said["entryKinds"].as_object().unwrap();
        let count = |kind: &str| kinds.get(kind).and_then(Value::as_u64).unwrap_or_default();
        assert_eq!(found.noops, count("noop"), "{name}");
        assert_eq!(found.membership_changes, count("conf"), "{name}");
        let entries: u64 = kinds.values().filter_map(Value::as_u64).sum();
        assert_eq!(found.entries - found.replaced, entries, "{name}");
        let snapshots = said["snapshotRecords"].as_array().unwrap();
        assert_eq!(found.snapshots.len(), snapshots.len(), "{name}");
        for (found, said) in found.snapshots.iter().zip(snapshots) {
            assert_eq!(found.index, said["index"].as_u64().unwrap(), "{name}");
            assert_eq!(found.term, said["term"].as_u64().unwrap(), "{name}");
            assert_eq!(
                found.conf_state.is_some(),
                said["confState"].is_string(),
                "{name}"
            );
            if let Some(conf_state) = &found.conf_state {
                assert_eq!(
                    conf_state.voters,
                    std::slice::from_ref(&state.vote),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn every_snap_file_holds_the_membership() {
    for name in MEMBERS {
        let facts = fixture(name).facts;
        let bytes = beside(name, "snap");
        assert!(snap::begins(&bytes, bytes.len() as u64), "{name}");
        let source: &dyn Source = &bytes.as_slice();
        let found = snap::read(source).unwrap();
        // The file's name says of what it is: term and index.
        let file = facts["beside"]["snapFiles"]
            .as_array()
            .unwrap()
            .last()
            .unwrap();
        let expected = format!("{:016x}-{:016x}.snap", found.term, found.index);
        assert_eq!(file.as_str().unwrap(), expected, "{name}");
        let member = &facts["membersBucket"][0];
        let id = format!("{:x}", member["id"].as_u64().unwrap());
        assert_eq!(found.conf_state.voters, std::slice::from_ref(&id), "{name}");
        assert_eq!(found.members.len(), 1, "{name}");
        assert_eq!(found.members[0].id, id, "{name}");
        assert_eq!(
            found.members[0].peer_urls[0],
            member["peerURLs"][0].as_str().unwrap()
        );
        assert!(found.removed_members.is_empty());
    }
}

#[test]
fn a_segment_that_was_cut_ends_torn_and_keeps_what_is_before() {
    let bytes = beside("3.6.14-dead", "wal");
    let whole = read(&bytes);
    let end = whole.end_offset as usize;
    for cut in [end - 1, end - 9, end / 2 + 3] {
        let found = read(&bytes[..cut]);
        assert!(
            matches!(found.end, End::Torn { .. }),
            "{cut}: {:?}",
            found.end
        );
        assert!(found.records < whole.records && found.records > 0, "{cut}");
        assert!(found.end_offset < cut as u64);
    }
    // As a disk leaves it: sectors of the last record that were never written.
    let mut torn = bytes.clone();
    let sector = (end - 8) / 512 * 512;
    torn[sector..end].fill(0);
    assert!(!matches!(read(&torn).end, End::Unreadable { .. }));
}

#[test]
fn a_changed_byte_is_found_where_it_is() {
    let bytes = beside("3.5.33-dead", "wal");
    let whole = read(&bytes);
    let mut changed = bytes.clone();
    // In the data of a record in the middle.
    let at = whole.end_offset as usize / 2;
    changed[at] ^= 1;
    let found = read(&changed);
    assert!(
        matches!(found.end, End::Damaged { .. } | End::Torn { .. }),
        "{:?}",
        found.end
    );
    assert!(found.end_offset <= at as u64);
    assert!(found.records < whole.records);
}

#[test]
fn zeros_with_records_behind_them_are_no_clean_end() {
    let bytes = beside("3.7.1-dead", "wal");
    let end = read(&bytes).end_offset as usize;
    let mut holed = bytes.clone();
    holed[end / 2 / 512 * 512..][..512].fill(0);
    let found = read(&holed);
    assert_ne!(found.end, End::Clean, "{found:?}");
    // Where a frame would begin, a hole looks like the end; what follows shows that it is none.
    let mut early = bytes[..end].to_vec();
    early.extend([0; 1024]);
    early.extend([7; 8]);
    match read(&early).end {
        End::Damaged { why } => assert!(why.contains("other bytes follow"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_changed_snap_file_is_refused() {
    let bytes = beside("3.6.14-dead", "snap");
    for at in [3, 20, bytes.len() / 2, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(snap::read(&changed.as_slice()).is_err(), "{at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Whatever is done to a segment, reading it ends, and nothing beyond the file is counted.
    #[test]
    fn damage_never_panics(at in any::<proptest::sample::Index>(), byte: u8, len in 1usize..40, cut in any::<proptest::sample::Index>()) {
        let mut bytes = beside("3.6.14-dead", "wal");
        let start = at.index(bytes.len() - len);
        bytes[start..start + len].fill(byte);
        bytes.truncate(cut.index(bytes.len()) + 1);
        let found = read(&bytes);
        assert!(found.end_offset <= bytes.len() as u64);
        assert!(found.records <= bytes.len() as u64 / 8);
        let mut bytes = beside("3.6.14-dead", "snap");
        let start = at.index(bytes.len() - len);
        bytes[start..start + len].fill(byte);
        let _ = snap::read(&bytes.as_slice());
    }
}
