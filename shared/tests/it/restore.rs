//! The edit of a restore on every real file: what changes, what does not, and that the tree stays sound.

use std::collections::BTreeMap;

use proptest::prelude::*;
use requorum_shared::bbolt::write::{Appended, Item};
use requorum_shared::bbolt::{Database, Meta, PageHeader, PageType};
use requorum_shared::etcd::recovery::restore::cluster::Cluster;
use requorum_shared::etcd::recovery::restore::edit::{Edit, EditError, edit};
use requorum_shared::etcd::recovery::restore::{
    CleanUp, RestoreRequest, Target, TargetVersion, initial_cluster,
};

use crate::fixtures::{fixture, fixtures};

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;
type Content = BTreeMap<String, Pairs>;

const THREE: &str = "m1=http://127.0.0.1:30001,m2=http://127.0.0.1:30003,m3=http://127.0.0.1:30005";

pub(crate) fn request(target_version: TargetVersion) -> RestoreRequest {
    RestoreRequest {
        snapshot: String::new(),
        members: initial_cluster::parse(THREE).members,
        token: "tok".to_owned(),
        bump_revision: 0,
        mark_compacted: false,
        skip_hash_check: false,
        accept_older_meta: false,
        target_version,
        clean_up: CleanUp::default(),
        target: Target::Download,
        last_seen: None,
    }
}

pub(crate) fn bumped(bump_revision: u64) -> RestoreRequest {
    RestoreRequest {
        bump_revision,
        mark_compacted: true,
        ..request(TargetVersion::V3_6)
    }
}

fn content(bytes: &[u8]) -> Content {
    let database = Database::open(&bytes).unwrap();
    let (buckets, errors) = database.buckets();
    assert_eq!(errors, []);
    buckets
        .into_iter()
        .map(|(name, bucket)| (String::from_utf8(name).unwrap(), bucket.pairs().unwrap()))
        .collect()
}

fn edit_of(bytes: &[u8], request: &RestoreRequest) -> Result<Edit, EditError> {
    let cluster = Cluster::new(&request.members, &request.token).unwrap();
    edit(&Database::open(&bytes).unwrap(), &cluster, request)
}

/// The restored database.
pub(crate) fn restored(bytes: &[u8], request: &RestoreRequest) -> (Edit, Vec<u8>) {
    let edit = edit_of(bytes, request).unwrap();
    let start = Database::open(&bytes).unwrap().start() as usize;
    let mut file = bytes[start..start + edit.image_size as usize].to_vec();
    file.resize(edit.database_size as usize, 0);
    let mut end = 0;
    for patch in &edit.patches {
        assert!(patch.offset >= end, "patches overlap or are out of order");
        end = patch.offset + patch.bytes.len() as u64;
        file[patch.offset as usize..end as usize].copy_from_slice(&patch.bytes);
    }
    assert_eq!(end, edit.database_size);
    sound(&file);
    (edit, file)
}

/// Every page is reached once, with keys in order between their separators; the metas are valid and the new
/// one counts.
fn sound(file: &[u8]) {
    let database = Database::open(&file).unwrap();
    assert!(database.metas().slots.iter().all(Result::is_ok));
    assert_eq!(database.meta().logical_size(), file.len() as u64);
    let mut seen = std::collections::HashSet::new();
    walk(&database, database.meta().root, &[], None, &mut seen);
    for (_, bucket) in database.buckets().0 {
        if bucket.header().root != 0 {
            walk(&database, bucket.header().root, &[], None, &mut seen);
        }
    }
}

fn walk(
    database: &Database<'_>,
    id: u64,
    low: &[u8],
    high: Option<&[u8]>,
    seen: &mut std::collections::HashSet<u64>,
) {
    let node = database.node(id).unwrap();
    for page in id..id + node.header().span() {
        assert!(seen.insert(page), "page {page} is reached twice");
    }
    let below = |key: &[u8]| high.is_none_or(|high| key < high);
    let children: Vec<(Vec<u8>, u64)> = (0..node.count())
        .map(|index| {
            let element = node.element(index).unwrap();
            (node.key_of(&element).unwrap(), element.child())
        })
        .collect();
    if node.is_leaf() {
        let keys: Vec<Vec<u8>> = children.into_iter().map(|(key, _)| key).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "page {id} is out of order");
        assert!(keys.first().is_none_or(|first| first.as_slice() >= low));
        assert!(keys.last().is_none_or(|last| below(last)));
        return;
    }
    assert!(!children.is_empty());
    assert!(children.iter().all(|(key, _)| !key.is_empty()));
    assert!(children.is_sorted_by(|a, b| a.0 < b.0));
    for (index, (key, child)) in children.iter().enumerate() {
        assert!(key.as_slice() >= low && below(key));
        let next = children
            .get(index + 1)
            .map(|(key, _)| key.as_slice())
            .or(high);
        walk(database, *child, key, next, seen);
    }
}

fn get<'c>(content: &'c Content, bucket: &str, key: &str) -> Option<&'c [u8]> {
    let pairs = content.get(bucket)?;
    let pair = pairs.iter().find(|pair| pair.0 == key.as_bytes())?;
    Some(&pair.1)
}

/// `pairs` without these keys.
fn without(pairs: Option<&Pairs>, keys: &[&str]) -> Pairs {
    let gone = |key: &[u8]| keys.iter().any(|gone| gone.as_bytes() == key);
    pairs
        .into_iter()
        .flatten()
        .filter(|pair| !gone(&pair.0))
        .cloned()
        .collect()
}

const REWRITTEN: [&str; 3] = ["members", "members_removed", "meta"];

#[test]
fn conformance_14_only_membership_and_the_raft_position_change() {
    for fixture in fixtures() {
        for target in TargetVersion::ALL {
            let (edit, file) = restored(&fixture.bytes, &request(target));
            let (before, after) = (content(&fixture.bytes), content(&file));
            for (name, pairs) in &before {
                if !REWRITTEN.contains(&name.as_str()) {
                    assert_eq!(after.get(name), Some(pairs), "{}: {name}", fixture.name);
                    assert!(edit.untouched.contains(&name.as_bytes().to_vec()));
                }
            }
            assert_eq!(after["members"].len(), 3, "{}", fixture.name);
            assert_eq!(after["members_removed"], [], "{}", fixture.name);
            assert_eq!(
                get(&after, "meta", "consistent_index"),
                Some(&[0, 0, 0, 0, 0, 0, 0, 3][..])
            );
            assert_eq!(
                get(&after, "meta", "term"),
                Some(&[0, 0, 0, 0, 0, 0, 0, 1][..])
            );
            let raft = ["consistent_index", "term", "confState"];
            assert_eq!(
                without(after.get("meta"), &raft),
                without(before.get("meta"), &raft),
                "{}",
                fixture.name
            );
            assert_eq!(
                edit.last_revision,
                fixture.facts["status"]["etcdutl 3.6.14"]["revision"]
                    .as_i64()
                    .unwrap(),
                "{}",
                fixture.name
            );
        }
    }
}

#[test]
fn members_are_written_as_etcdutl_writes_them() {
    let (_, file) = restored(
        &fixture("3.5.33-three").bytes,
        &request(TargetVersion::V3_5),
    );
    let members: Vec<(String, String)> = content(&file)["members"]
        .iter()
        .map(|(key, value)| {
            (
                String::from_utf8(key.clone()).unwrap(),
                String::from_utf8(value.clone()).unwrap(),
            )
        })
        .collect();
    let member = |id: u64, port: u16, name: &str| {
        (
            format!("{id:x}"),
            format!(r#"{{"id":{id},"peerURLs":["http://127.0.0.1:{port}"],"name":"{name}"}}"#),
        )
    };
    assert_eq!(
        members,
        [
            member(0x8581_dbcd_4f35_6069, 30005, "m3"),
            member(0x8cf6_025c_337d_3f46, 30001, "m1"),
            member(0xcedc_3350_a71e_a7a0, 30003, "m2"),
        ]
    );
}

#[test]
fn conformance_52_the_conf_state_names_the_new_voters() {
    let (_, file) = restored(
        &fixture("3.6.14-learner").bytes,
        &request(TargetVersion::V3_6),
    );
    let conf_state = get(&content(&file), "meta", "confState").unwrap().to_vec();
    assert_eq!(
        String::from_utf8(conf_state).unwrap(),
        r#"{"voters":[9620211953883766889,10157308604604825414,14905845288183703456],"auto_leave":false}"#
    );
    // A file born on 3.4 has none, and keeps none for 3.4.
    let (_, file) = restored(
        &fixture("3.4.23-three").bytes,
        &request(TargetVersion::V3_4),
    );
    assert_eq!(get(&content(&file), "meta", "confState"), None);
}

/// The 17 bytes of a revision.
fn revision(main: i64) -> Vec<u8> {
    [&main.to_be_bytes()[..], b"_", &[0; 8]].concat()
}

#[test]
fn conformance_15_a_bump_appends_one_marker_and_schedules_the_compaction() {
    for fixture in fixtures() {
        let (edit, file) = restored(&fixture.bytes, &bumped(1_000_000));
        let (before, after) = (content(&fixture.bytes), content(&file));
        let raised = revision(edit.last_revision + 1_000_000);
        let (marker, rest) = after["key"].split_last().unwrap();
        assert_eq!(marker, &(raised.clone(), Vec::new()), "{}", fixture.name);
        assert_eq!(rest, before["key"], "{}", fixture.name);
        assert_eq!(
            get(&after, "meta", "scheduledCompactRev"),
            Some(&raised[..])
        );
        assert_eq!(
            get(&after, "meta", "finishedCompactRev"),
            get(&before, "meta", "finishedCompactRev")
        );
    }
}

#[test]
fn conformance_38_a_bump_that_overflows_writes_nothing() {
    let bytes = fixture("3.6.14-mixed").bytes;
    for bump in [u64::MAX, i64::MAX as u64, i64::MAX as u64 - 338] {
        assert_eq!(
            edit_of(&bytes, &bumped(bump)),
            Err(EditError::Overflow { last: 339, bump })
        );
    }
    assert!(edit_of(&bytes, &bumped(i64::MAX as u64 - 339)).is_ok());
}

#[test]
fn conformance_38_an_empty_store_starts_at_the_bump() {
    let (edit, file) = restored(&fixture("3.7.1-empty").bytes, &bumped(5));
    assert_eq!(edit.last_revision, 0);
    assert_eq!(content(&file)["key"], [(revision(5), Vec::new())]);
}

fn cleaned(name: &str, target: TargetVersion, clean_up: CleanUp) -> (Content, Content) {
    let bytes = fixture(name).bytes;
    let request = RestoreRequest {
        clean_up,
        ..request(target)
    };
    let (_, file) = restored(&bytes, &request);
    (content(&bytes), content(&file))
}

/// Every bucket but these, and but those that each restore rewrites, is as it was.
fn others_are_equal(before: &Content, after: &Content, but: &str) {
    for (name, pairs) in before {
        if name != but && !REWRITTEN.contains(&name.as_str()) {
            assert_eq!(after.get(name), Some(pairs), "{name}");
        }
    }
}

#[test]
fn conformance_16_alarms_are_cleared_and_nothing_else() {
    let clean_up = CleanUp {
        alarms: true,
        ..CleanUp::default()
    };
    let (before, after) = cleaned("3.6.14-nospace", TargetVersion::V3_6, clean_up);
    assert_eq!((before["alarm"].len(), after["alarm"].len()), (1, 0));
    others_are_equal(&before, &after, "alarm");
}

#[test]
fn conformance_16_authentication_is_turned_off_and_users_stay() {
    let clean_up = CleanUp {
        auth: true,
        ..CleanUp::default()
    };
    let (before, after) = cleaned("3.6.14-auth", TargetVersion::V3_6, clean_up);
    assert_eq!(get(&before, "auth", "authEnabled"), Some(&[1][..]));
    assert_eq!(get(&after, "auth", "authEnabled"), Some(&[0][..]));
    assert_eq!(
        without(after.get("auth"), &["authEnabled"]),
        without(before.get("auth"), &["authEnabled"])
    );
    others_are_equal(&before, &after, "auth");
    // Where it never was on, nothing is written.
    let (before, after) = cleaned("3.4.23-empty", TargetVersion::V3_6, clean_up);
    others_are_equal(&before, &after, "");
}

#[test]
fn conformance_16_the_downgrade_is_deleted_and_nothing_else() {
    let clean_up = CleanUp {
        downgrade: true,
        ..CleanUp::default()
    };
    let (before, after) = cleaned("3.7.1-downgrading", TargetVersion::V3_7, clean_up);
    assert!(get(&before, "cluster", "downgrade").is_some());
    assert_eq!(
        after["cluster"],
        without(before.get("cluster"), &["downgrade"])
    );
    others_are_equal(&before, &after, "cluster");
}

#[test]
fn conformance_51_versions_are_lowered_together() {
    let clean_up = CleanUp {
        versions: true,
        ..CleanUp::default()
    };
    for (target, cluster, storage) in [
        (TargetVersion::V3_7, "3.7.0", Some("3.7.0")),
        (TargetVersion::V3_6, "3.6.0", Some("3.6.0")),
        (TargetVersion::V3_5, "3.5.0", None),
        (TargetVersion::V3_4, "3.4.0", None),
    ] {
        let (before, after) = cleaned("3.7.1-mixed", target, clean_up);
        let cluster_version = get(&after, "cluster", "clusterVersion");
        assert_eq!(cluster_version, Some(cluster.as_bytes()), "{target}");
        let storage_version = get(&after, "meta", "storageVersion");
        assert_eq!(storage_version, storage.map(str::as_bytes), "{target}");
        let is_3_4 = target == TargetVersion::V3_4;
        assert_eq!(get(&after, "meta", "term").is_none(), is_3_4);
        assert_eq!(get(&after, "meta", "confState").is_none(), is_3_4);
        others_are_equal(&before, &after, "cluster");
    }
    // Nothing is ever raised.
    let (_, after) = cleaned("3.4.23-mixed", TargetVersion::V3_7, clean_up);
    assert_eq!(
        get(&after, "cluster", "clusterVersion"),
        Some(&b"3.4.0"[..])
    );
    assert_eq!(get(&after, "meta", "storageVersion"), None);
}

#[test]
fn conformance_22_a_broken_meta_is_replaced_by_a_sound_fallback() {
    for broken in [0, 1] {
        let mut bytes = fixture("3.6.14-mixed").bytes;
        bytes[broken * 4096 + 16] ^= 1;
        // `restored` insists on two sound metas.
        let (_, file) = restored(&bytes, &request(TargetVersion::V3_6));
        assert_eq!(content(&file)["members"].len(), 3);
    }
}

#[test]
fn conformance_17_a_restore_can_be_restored() {
    let bytes = fixture("3.6.14-mixed").bytes;
    let (_, once) = restored(&bytes, &bumped(1000));
    let (edit, twice) = restored(&once, &bumped(1000));
    assert_eq!(edit.last_revision, 1339);
    assert_eq!(
        content(&twice)["key"].len(),
        content(&bytes)["key"].len() + 2
    );
}

/// A database of etcd's with this many revisions, laid out by our writer.
fn synthetic(page_size: u32, revisions: usize, value: usize) -> Vec<u8> {
    let mut pages = Appended::new(page_size, 2);
    let keys: Vec<Item> = (0..revisions)
        .map(|n| Item::pair(revision(n as i64 + 2), vec![b'v'; value]))
        .collect();
    let key = pages.bucket(&keys, 0).unwrap();
    let meta = pages
        .bucket(
            &[Item::pair("consistent_index", [0, 0, 0, 0, 0, 0, 1, 0])],
            0,
        )
        .unwrap();
    let root = pages
        .tree(&[Item::bucket("key", key), Item::bucket("meta", meta)])
        .unwrap();
    let hwm = pages.high_water_mark().max(4);
    let mut file = Vec::new();
    for (id, txid) in [(0, 9), (1, 8)] {
        let header = PageHeader {
            id,
            flags: PageType::Meta.flags(),
            count: 0,
            overflow: 0,
        };
        let meta = Meta {
            page_size,
            flags: 0,
            root,
            root_sequence: 0,
            freelist: u64::MAX,
            hwm,
            txid,
        };
        file.extend(header.encode());
        file.extend(meta.encode());
        file.resize((id as usize + 1) * page_size as usize, 0);
    }
    file.extend(pages.into_bytes());
    file.resize(hwm as usize * page_size as usize, 0);
    file
}

/// Levels of bucket `key`; 0 for an inline one.
fn depth(file: &[u8]) -> usize {
    let database = Database::open(&file).unwrap();
    let key = database.bucket(b"key").unwrap().unwrap();
    match key.header().root {
        0 => 0,
        _ => key.rightmost_path().unwrap().len(),
    }
}

/// Appends the marker to such a database and checks that nothing else moved.
#[track_caller]
fn bump_synthetic(page_size: u32, revisions: usize, value: usize) -> (usize, usize) {
    let bytes = synthetic(page_size, revisions, value);
    sound(&bytes);
    let (_, file) = restored(&bytes, &bumped(1000));
    let (before, after) = (content(&bytes), content(&file));
    let (marker, rest) = after["key"].split_last().unwrap();
    let last = if revisions == 0 {
        0
    } else {
        revisions as i64 + 1
    };
    assert_eq!(marker.0, revision(last + 1000));
    assert!(rest == before["key"], "{revisions} revisions changed");
    (depth(&bytes), depth(&file))
}

#[test]
fn conformance_15_every_shape_of_the_key_bucket() {
    // Inline, and just not any more.
    assert_eq!(bump_synthetic(4096, 3, 10), (0, 0));
    assert_eq!(bump_synthetic(4096, 1, 950), (0, 1));
    // One leaf with room; one leaf that is full; a leaf that overflows.
    assert_eq!(bump_synthetic(4096, 2, 1500), (1, 1));
    assert_eq!(bump_synthetic(4096, 2, 2000), (1, 2));
    assert_eq!(bump_synthetic(4096, 1, 9000), (1, 2));
    // Deeper, down to splits of every level.
    let mut grown = std::collections::BTreeSet::new();
    for revisions in (1..130).chain([1799, 1800]) {
        grown.insert(bump_synthetic(1024, revisions, 460));
    }
    for growth in [(1, 1), (1, 2), (2, 2), (2, 3), (3, 3), (3, 4)] {
        assert!(
            grown.contains(&growth),
            "{growth:?} was not seen in {grown:?}"
        );
    }
}

#[test]
fn conformance_15_every_page_size() {
    for page_size in [1024, 2048, 4096, 8192, 16384, 32768, 65536] {
        for revisions in [0, 1, 7, 500, 3000] {
            bump_synthetic(page_size, revisions, 100);
        }
    }
}

#[test]
fn a_foreign_database_is_refused() {
    let mut file = synthetic(4096, 0, 0);
    // Both names stand in the root leaf; `kex` is as well ordered before `meta` as `key` is.
    let name = file.windows(3).rposition(|bytes| bytes == b"key").unwrap();
    file[name + 2] = b'x';
    assert_eq!(
        edit_of(&file, &request(TargetVersion::V3_6)),
        Err(EditError::MissingBucket("key"))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn conformance_15_any_tree_takes_the_marker(
        page_size in prop::sample::select(vec![1024u32, 4096, 16384]),
        revisions in 0usize..400,
        value in 0usize..3000,
    ) {
        bump_synthetic(page_size, revisions, value);
    }

    #[test]
    fn conformance_43_a_damaged_file_is_edited_or_refused(
        at in 0usize..73_728,
        byte in any::<u8>(),
        name in prop::sample::select(vec!["3.4.23-mixed", "3.5.33-auth", "3.7.1-mixed"]),
    ) {
        let mut bytes = fixture(name).bytes;
        let at = at % bytes.len();
        bytes[at] = byte;
        let request = bumped(1000);
        let cluster = Cluster::new(&request.members, &request.token).unwrap();
        let source: &[u8] = &bytes;
        if let Ok(database) = Database::open(&source) {
            // Whatever it says, it says it without a panic and without reaching beyond the file.
            if let Ok(edit) = edit(&database, &cluster, &request) {
                prop_assert!(edit.database_size < 1 << 40);
            }
        }
    }
}
