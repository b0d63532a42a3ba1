//! What `requorum snapshot restore` writes: equal to what etcd's own tools write, and booted by real servers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use requorum_shared::bbolt::Database;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Client, Cluster, KeyValue, Peer, Ran, Settings, Watched, peers, requorum};

const THREE: &str = "m1=http://127.0.0.1:30001,m2=http://127.0.0.1:30003,m3=http://127.0.0.1:30005";

/// The fixtures with the standard history, oldest first.
const MIXED: [(u32, &str); 4] = [
    (4, "3.4.23-mixed"),
    (5, "3.5.33-mixed"),
    (6, "3.6.14-mixed"),
    (7, "3.7.1-mixed"),
];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../shared/testdata/etcd/{name}.db"))
}

fn facts(name: &str) -> Value {
    let bytes = std::fs::read(fixture(name).with_extension("json")).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// `3.5`
fn minor(peer: &Peer) -> String {
    format!("{}.{}", peer.version.0, peer.version.1)
}

/// Restores every member of `cluster` in one run, for its version.
#[track_caller]
fn restore_all(source: &Path, cluster: &Cluster, more: &[&str]) -> Ran {
    let folder = cluster.members[0].data_dir.parent().unwrap();
    let initial_cluster = cluster.initial_cluster();
    let version = minor(&cluster.peer);
    let mut arguments = vec![
        "snapshot",
        "restore",
        source.to_str().unwrap(),
        "--initial-cluster",
        &initial_cluster,
        "--initial-cluster-token",
        "restored",
        "--target-version",
        &version,
        "--all-members",
        folder.to_str().unwrap(),
    ];
    arguments.extend(more);
    let ran = requorum(arguments);
    assert_eq!(ran.code, Some(0), "{ran}");
    ran
}

/// A cluster of this size that serves what was restored from `source`.
#[track_caller]
fn boot(peer: &Peer, members: usize, source: &Path, more: &[&str]) -> Cluster {
    let settings = Settings {
        members,
        token: "restored".to_owned(),
        ..Settings::default()
    };
    let mut cluster = Cluster::prepare(peer, settings);
    restore_all(source, &cluster, more);
    cluster.boot();
    cluster
}

/// Every member is started and votes, writes are applied everywhere, and all hash to the same at each of them.
#[track_caller]
fn prove(cluster: &Cluster) {
    let what = format!("{} with {}", cluster.peer.name(), cluster.members.len());
    let client = cluster.client();
    let list = client.member_list();
    let list = list["members"].as_array().unwrap();
    assert_eq!(list.len(), cluster.members.len(), "{what}: {list:?}");
    for member in list {
        assert!(
            member["isLearner"].as_bool() != Some(true),
            "{what}: {list:?}"
        );
    }
    let before = client.revision();
    assert_eq!(
        client.put("written-after", "the restore"),
        before + 1,
        "{what}"
    );
    let hashes: Vec<_> = (0..cluster.members.len())
        .map(|index| {
            // A linearizable read makes the member catch up.
            assert!(cluster.client_of(index).answers());
            assert!(cluster.client_of(index).get("written-after").is_some());
            cluster.hash_kv(index, before + 1, None).unwrap()
        })
        .collect();
    assert!(
        hashes.iter().all(|hash| *hash == hashes[0]),
        "{what}: {hashes:?}"
    );
}

fn saved(cluster: &Cluster, folder: &TempDir, name: &str) -> PathBuf {
    let file = folder.path().join(name);
    cluster.save(&file);
    file
}

#[test]
fn conformance_12_18_every_older_snapshot_boots_with_1_and_3_members() {
    for peer in peers().all() {
        for (minor, name) in MIXED {
            if !peer.at_least(minor) {
                continue;
            }
            for members in [1, 3] {
                let cluster = boot(peer, members, &fixture(name), &[]);
                let facts = facts(name);
                let live = facts["liveKeys"].as_u64().unwrap();
                assert_eq!(
                    cluster.client().all().len() as u64,
                    live,
                    "{} {name}",
                    peer.name()
                );
                assert_eq!(cluster.client().revision(), 339, "{} {name}", peer.name());
                // All revisions, as the server that wrote them hashed them.
                let hash = facts["hashkv"]["head"]["etcdutl 3.7.1"]["hash"]
                    .as_u64()
                    .unwrap();
                for index in 0..members {
                    let served = cluster.hash_kv(index, 339, None).unwrap();
                    assert_eq!(u64::from(served.hash), hash, "{} {name}", peer.name());
                    assert_eq!(served.compact_revision, 272);
                }
                prove(&cluster);
            }
        }
    }
}

#[test]
fn conformance_12_five_members() {
    for peer in peers().all() {
        let name = MIXED
            .into_iter()
            .rfind(|(minor, _)| peer.at_least(*minor))
            .unwrap()
            .1;
        let cluster = boot(peer, 5, &fixture(name), &[]);
        assert_eq!(
            cluster.client().all().len() as u64,
            facts(name)["liveKeys"].as_u64().unwrap()
        );
        prove(&cluster);
    }
}

/// Puts what a cluster can hold into one: keys of several shapes, deletes, a transaction, a lease, a
/// compaction, and a value of many pages.
fn fill(client: &Client) -> Vec<KeyValue> {
    for n in 0..400 {
        client.put(
            format!("/registry/pods/{n:04}"),
            format!("pod {n} {}", "x".repeat(200)),
        );
    }
    for n in (0..400).step_by(7) {
        client.delete(format!("/registry/pods/{n:04}"));
    }
    client.put_all([("a", "1"), ("b", "2"), ("c", "3")]);
    client.put("a", "again");
    client.put([0, 255, 1], [0xff; 3]);
    client.put("large", vec![b'l'; 300_000]);
    client.compact(300);
    let lease = client.lease_grant(0x7fff_ffff_ffff_fff0, 36_000);
    client.put_leased("leased", "x", lease);
    client.all()
}

#[test]
fn conformance_15_bump_and_mark_are_what_watches_and_writes_see() {
    for source in peers().all() {
        let folder = TempDir::new().unwrap();
        // A `key` bucket of many pages, and one that is inline in the root leaf.
        let mut deep = Cluster::single(source);
        let deep_keys = fill(&deep.client());
        let deep_file = saved(&deep, &folder, "deep.db");
        let deep_revision = deep.client().revision();
        deep.stop();
        let mut inline = Cluster::single(source);
        inline.client().put("only", "one");
        let inline_keys = inline.client().all();
        let inline_file = saved(&inline, &folder, "inline.db");
        inline.stop();

        for peer in peers().all().filter(|peer| peer.at_least(source.version.1)) {
            for (file, keys, revision) in [
                (&deep_file, &deep_keys, deep_revision),
                (&inline_file, &inline_keys, 2),
            ] {
                let what = format!("{} on {}", source.name(), peer.name());
                let flags = ["--bump-revision", "1000000", "--mark-compacted"];
                let cluster = boot(peer, 3, file, &flags);
                let client = cluster.client();
                let raised = revision + 1_000_000;
                assert_eq!(client.revision(), raised, "{what}");
                assert_eq!(client.all(), *keys, "{what}");
                assert_eq!(
                    client.watch_from(revision, Duration::from_secs(10)),
                    Watched::Compacted {
                        compact_revision: raised
                    },
                    "{what}"
                );
                assert!(client.all_at(revision).is_err(), "{what}");
                assert_eq!(client.put("next", "x"), raised + 1, "{what}");
                assert_eq!(
                    client.watch_from(raised + 1, Duration::from_secs(10)),
                    Watched::Events(vec![(b"next".to_vec(), raised + 1)]),
                    "{what}"
                );
                prove(&cluster);
            }
        }
    }
}

#[test]
fn conformance_17_a_restored_clusters_snapshot_restores_again() {
    for peer in peers().all() {
        let folder = TempDir::new().unwrap();
        let mut file = fixture("3.4.23-mixed");
        let mut revision = 339;
        for round in 0..2 {
            let flags = ["--bump-revision", "5000", "--mark-compacted"];
            let mut cluster = boot(peer, 3, &file, &flags);
            revision += 5000;
            assert_eq!(cluster.client().revision(), revision, "{}", peer.name());
            prove(&cluster);
            revision += 1;
            // A restart reads what the servers themselves made of the directory.
            cluster.stop();
            cluster.boot();
            assert_eq!(cluster.client().revision(), revision, "{}", peer.name());
            file = saved(&cluster, &folder, &format!("{round}.db"));
        }
    }
}

#[test]
fn conformance_12_a_fourth_member_can_join() {
    for peer in peers().all() {
        let mut cluster = boot(peer, 1, &fixture("3.4.23-three"), &[]);
        let client = cluster.client();
        let joined = client.member_add("http://127.0.0.1:1", true);
        let list = client.member_list();
        let list = list["members"].as_array().unwrap();
        assert_eq!(
            list.len(),
            2,
            "{}: {joined:x} is not in {list:?}",
            peer.name()
        );
        assert_eq!(client.put("still", "writable"), 52);
        cluster.stop();
        cluster.boot();
        assert_eq!(cluster.client().revision(), 52);
    }
}

#[test]
fn conformance_13_a_separate_wal_directory() {
    for peer in peers().all() {
        let wal = TempDir::new().unwrap();
        let wal = wal.path().join("wal");
        let settings = Settings {
            arguments: vec![format!("--wal-dir={}", wal.display())],
            ..Settings::default()
        };
        let mut cluster = Cluster::prepare(peer, settings);
        let member = &cluster.members[0];
        let ran = requorum([
            "snapshot",
            "restore",
            fixture("3.4.23-mixed").to_str().unwrap(),
            "--name=m1",
            &format!("--initial-cluster={}", cluster.initial_cluster()),
            &format!("--initial-advertise-peer-urls={}", member.peer_url),
            &format!("--data-dir={}", member.data_dir.display()),
            &format!("--wal-dir={}", wal.display()),
            &format!("--target-version={}", minor(peer)),
        ]);
        assert_eq!(ran.code, Some(0), "{ran}");
        assert!(!member.data_dir.join("member/wal").exists());
        cluster.boot();
        assert_eq!(cluster.client().revision(), 339);
        prove(&cluster);
    }
}

#[test]
fn conformance_16_what_survives_and_what_the_clean_ups_take() {
    for peer in peers().all() {
        let version = peer.version.1.min(6);
        let name = |what: &str| {
            let born = if version >= 6 { "3.6.14" } else { "3.4.23" };
            fixture(&format!("{born}-{what}"))
        };
        // An alarm survives, and blocks writes; cleared, it does not.
        let cluster = boot(peer, 1, &name("nospace"), &[]);
        assert!(!cluster.client().alarms().is_empty(), "{}", peer.name());
        assert!(
            cluster.client().try_put("a", "b").is_err(),
            "{}",
            peer.name()
        );
        let cluster = boot(peer, 1, &name("nospace"), &["--clear-alarms"]);
        assert_eq!(cluster.client().alarms(), [], "{}", peer.name());
        assert!(
            cluster.client().try_put("a", "b").is_ok(),
            "{}",
            peer.name()
        );
        // Authentication survives; turned off, anybody writes.
        let cluster = boot(peer, 1, &name("auth"), &[]);
        assert!(
            cluster.client().try_put("a", "b").is_err(),
            "{}",
            peer.name()
        );
        let cluster = boot(peer, 1, &name("auth"), &["--disable-auth"]);
        assert!(
            cluster.client().try_put("a", "b").is_ok(),
            "{}",
            peer.name()
        );
        // Leases survive with their keys.
        let cluster = boot(peer, 1, &name("lease"), &[]);
        let leased = cluster.client().all();
        assert!(leased.iter().any(|kv| kv.lease != 0), "{}", peer.name());
    }
}

#[test]
fn conformance_51_a_3_7_snapshot_for_3_6_servers() {
    let Some(peer) = peers().newest_or_skip(6, "a 3.7 snapshot for 3.6 servers") else {
        return;
    };
    for name in ["3.7.1-mixed", "3.7.1-downgrading"] {
        let cluster = boot(
            peer,
            3,
            &fixture(name),
            &["--lower-versions", "--clear-downgrade"],
        );
        assert_eq!(
            cluster.client().all().len() as u64,
            facts(name)["liveKeys"].as_u64().unwrap()
        );
        prove(&cluster);
    }
}

#[test]
fn conformance_51_newer_snapshots_for_3_5_and_3_4_servers() {
    for peer in peers().all().filter(|peer| !peer.at_least(6)) {
        for name in ["3.6.14-mixed", "3.7.1-mixed", "3.6.14-downgrading"] {
            let flags = ["--lower-versions", "--clear-downgrade"];
            let cluster = boot(peer, 3, &fixture(name), &flags);
            assert_eq!(
                cluster.client().all().len() as u64,
                facts(name)["liveKeys"].as_u64().unwrap(),
                "{} {name}",
                peer.name()
            );
            prove(&cluster);
        }
    }
}

// What the reference writes.

type Buckets = BTreeMap<String, Vec<(Vec<u8>, Vec<u8>)>>;

fn buckets(data_dir: &Path) -> Buckets {
    let bytes = std::fs::read(data_dir.join("member/snap/db")).unwrap();
    let source: &[u8] = &bytes;
    let (buckets, errors) = Database::open(&source).unwrap().buckets();
    assert_eq!(errors, []);
    buckets
        .into_iter()
        .map(|(name, bucket)| (String::from_utf8(name).unwrap(), bucket.pairs().unwrap()))
        .collect()
}

fn wal(data_dir: &Path) -> Vec<u8> {
    std::fs::read(data_dir.join("member/wal/0000000000000000-0000000000000000.wal")).unwrap()
}

fn snap(data_dir: &Path, members: usize) -> Vec<u8> {
    let name = format!("member/snap/0000000000000001-{members:016x}.snap");
    std::fs::read(data_dir.join(name)).unwrap()
}

/// The v2 tree without what the reference leaves to chance from 3.6 on: the order in which members were added.
fn tree(snap: &[u8]) -> Value {
    let start = snap.iter().position(|byte| *byte == b'{').unwrap();
    let mut stream = serde_json::Deserializer::from_slice(&snap[start..]).into_iter::<Value>();
    let mut tree = stream.next().unwrap().unwrap();
    fn forget_indices(value: &mut Value) {
        match value {
            Value::Object(object) => {
                for name in [
                    "CreatedIndex",
                    "ModifiedIndex",
                    "createdIndex",
                    "modifiedIndex",
                ] {
                    object.remove(name);
                }
                object.values_mut().for_each(forget_indices);
            }
            Value::Array(array) => {
                array.iter_mut().for_each(forget_indices);
                array.sort_by_key(|value| std::cmp::Reverse(value.to_string()));
            }
            _ => {}
        }
    }
    forget_indices(&mut tree);
    tree
}

/// Both tools with the same flags, for one member: ours and the reference's data directory.
fn both(peer: &Peer, folder: &Path, source: &Path, flags: &[&str]) -> [PathBuf; 2] {
    let [ours, theirs] = ["ours", "theirs"].map(|name| folder.join(name));
    for directory in [&ours, &theirs] {
        let _ = std::fs::remove_dir_all(directory);
    }
    let arguments = |directory: &Path| {
        let mut arguments = vec![
            "snapshot".to_owned(),
            "restore".to_owned(),
            source.display().to_string(),
            format!("--data-dir={}", directory.display()),
        ];
        arguments.extend(flags.iter().map(ToString::to_string));
        arguments
    };
    let reference = peer.utl(arguments(&theirs));
    assert_eq!(reference.code, Some(0), "{reference}");
    let mut mine = arguments(&ours);
    mine.push(format!("--target-version={}", minor(peer)));
    let mine = requorum(mine);
    assert_eq!(mine.code, Some(0), "{mine}");
    [ours, theirs]
}

fn flags_of(name: &str, port: u16) -> [String; 4] {
    [
        format!("--name={name}"),
        format!("--initial-cluster={THREE}"),
        "--initial-cluster-token=tok".to_owned(),
        format!("--initial-advertise-peer-urls=http://127.0.0.1:{port}"),
    ]
}

#[test]
fn conformance_12_wal_and_snap_are_the_references_bytes() {
    for peer in peers().all() {
        let folder = TempDir::new().unwrap();
        let source = fixture("3.4.23-mixed");
        let [ours, theirs] = both(peer, folder.path(), &source, &[]);
        assert!(
            wal(&ours) == wal(&theirs),
            "{}: the WAL differs",
            peer.name()
        );
        assert!(
            snap(&ours, 1) == snap(&theirs, 1),
            "{}: the .snap differs",
            peer.name()
        );

        for (name, port) in [("m1", 30001), ("m2", 30003), ("m3", 30005)] {
            let flags = flags_of(name, port);
            let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
            let [ours, theirs] = both(peer, folder.path(), &source, &flags);
            assert!(
                wal(&ours) == wal(&theirs),
                "{} {name}: the WAL differs",
                peer.name()
            );
            let (ours, theirs) = (snap(&ours, 3), snap(&theirs, 3));
            if peer.at_least(6) {
                assert_eq!(tree(&ours), tree(&theirs), "{} {name}", peer.name());
                assert_eq!(ours.len(), theirs.len(), "{} {name}", peer.name());
            } else {
                assert!(ours == theirs, "{} {name}: the .snap differs", peer.name());
            }
        }
    }
}

#[test]
fn conformance_14_buckets_are_the_references() {
    let folder = TempDir::new().unwrap();
    let names = [
        "mixed", "auth", "lease", "nospace", "learner", "three", "empty",
    ];
    for peer in peers().all() {
        for (minor, born) in [(4, "3.4.23"), (5, "3.5.33"), (6, "3.6.14"), (7, "3.7.1")] {
            for name in names {
                let flags = flags_of("m2", 30003);
                let mut flags: Vec<&str> = flags.iter().map(String::as_str).collect();
                let bumps = peer.version >= (3, 5, 10);
                if bumps {
                    flags.extend(["--bump-revision=1000", "--mark-compacted"]);
                }
                // 3.4 rewrites no membership and leaves the term out: what it writes is not compared there.
                if !peer.at_least(5) || !peer.at_least(minor) {
                    continue;
                }
                let source = fixture(&format!("{born}-{name}"));
                let [ours, theirs] = both(peer, folder.path(), &source, &flags);
                let (mut ours, mut theirs) = (buckets(&ours), buckets(&theirs));
                // The one deviation: the reference leaves the old cluster's voters in confState.
                for buckets in [&mut ours, &mut theirs] {
                    let meta = buckets.get_mut("meta").unwrap();
                    meta.retain(|pair| pair.0 != b"confState");
                }
                assert!(ours == theirs, "{} {born}-{name}", peer.name());
            }
        }
    }
}

#[test]
fn conformance_14_the_references_status_reads_what_we_write() {
    let folder = TempDir::new().unwrap();
    for peer in peers().all() {
        let source = fixture("3.4.23-mixed");
        let [ours, _] = both(peer, folder.path(), &source, &[]);
        let db = ours.join("member/snap/db");
        let status = peer.status(&db, "json").json();
        assert_eq!(status["revision"], 339, "{}", peer.name());
        assert_eq!(status["totalSize"], std::fs::metadata(&db).unwrap().len());
    }
}

/// A snapshot whose image was changed, with the SHA-256 of what it is now.
fn changed(folder: &TempDir, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    let mut bytes = std::fs::read(fixture("3.6.14-mixed")).unwrap();
    bytes.truncate(bytes.len() / 512 * 512);
    change(&mut bytes);
    bytes.extend(<sha2::Sha256 as sha2::Digest>::digest(&bytes));
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Writes another version of the same length wherever 3.6.0 stands.
fn version(bytes: &mut [u8], new: &[u8; 5]) {
    for start in 0..bytes.len() - 5 {
        if &bytes[start..start + 5] == b"3.6.0" {
            bytes[start..start + 5].copy_from_slice(new);
        }
    }
}

#[test]
fn what_a_restore_does_not_use_keeps_no_result_from_booting() {
    let folder = TempDir::new().unwrap();
    let damaged = |name: &str| {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../shared/testdata/damaged/{name}.db"))
    };
    let spare = changed(&folder, "spare.db", |bytes| bytes[4096..8192].fill(0));
    let older = changed(&folder, "1.7.0.db", |bytes| version(bytes, b"1.7.0"));
    let newer = changed(&folder, "9.9.0.db", |bytes| version(bytes, b"9.9.0"));
    let around = folder.path().join("around.db");
    let whole = std::fs::read(fixture("3.6.14-mixed")).unwrap();
    std::fs::write(&around, [b"a line\n".as_slice(), &whole, b"\n"].concat()).unwrap();
    let none: &[&str] = &[];
    let lower: &[&str] = &["--lower-versions"];
    let older_meta: &[&str] = &["--accept-older-meta"];
    for peer in peers().all().filter(|peer| peer.at_least(6)) {
        for (file, more) in [
            (&damaged("padded"), none),
            (&damaged("freelist-zeroed"), none),
            (&damaged("free-tail"), none),
            (&damaged("older-meta"), older_meta),
            (&spare, none),
            (&around, none),
            (&older, lower),
            (&newer, lower),
        ] {
            let cluster = boot(peer, 1, file, more);
            let what = format!("{} {}", peer.name(), file.display());
            if !file.ends_with("older-meta.db") {
                let served = cluster.hash_kv(0, 339, None).unwrap();
                assert_eq!(served.hash, 35_341_968, "{what}");
                assert_eq!(served.compact_revision, 272, "{what}");
            }
            prove(&cluster);
        }
    }
}
