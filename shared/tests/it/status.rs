//! What one pass says of real files, against what the real tools of each version printed.

use requorum_shared::bbolt::Database;
use requorum_shared::etcd::storage::hashkv::{HashKvError, hash_kv};
use requorum_shared::etcd::storage::scan::{Options, Scan, Scanner};
use requorum_shared::etcd::storage::trailer::Trailer;
use serde_json::json;

use crate::fixtures::fixtures;

pub(crate) fn scan(bytes: &[u8], chunk: usize) -> Scan {
    let mut scanner = Scanner::new(Options::default());
    bytes.chunks(chunk).for_each(|chunk| scanner.feed(chunk));
    assert_eq!(scanner.bytes_fed(), bytes.len() as u64);
    scanner.finish()
}

#[test]
fn conformance_03_and_04_status_is_that_of_every_version() {
    for f in fixtures() {
        let source = f.bytes.as_slice();
        let walk = scan(source, 1 << 20).walk(&source);
        let seen = walk.key_space.unwrap();
        let tools = f.facts["status"].as_object().unwrap();
        assert!(tools.len() >= 2, "{}", f.name);
        for (tool, said) in tools {
            if said.get("hash").is_none() {
                // The tool failed on this file.
                continue;
            }
            let old = tool.contains(" 3.4") || tool.contains(" 3.5");
            assert_eq!(said["hash"], seen.hash, "{} {tool}", f.name);
            assert_eq!(said["revision"], seen.revision, "{} {tool}", f.name);
            let keys = if old { seen.pairs } else { seen.live_keys };
            assert_eq!(said["totalKey"], keys, "{} {tool}", f.name);
            let size = walk.meta().unwrap().logical_size();
            assert_eq!(said["totalSize"], size, "{} {tool}", f.name);
        }
        assert_eq!(f.facts["liveKeys"], seen.live_keys, "{}", f.name);
    }
}

#[test]
fn conformance_01_trailers() {
    for f in fixtures() {
        let digests = *scan(&f.bytes, 1 << 20).digests().unwrap();
        assert_eq!(f.facts["sha256"], hex::encode(digests.whole), "{}", f.name);
        let trailer = match digests.trailer() {
            Trailer::Intact => "intact",
            Trailer::Absent => "absent",
            other => panic!("{}: {other:?}", f.name),
        };
        assert_eq!(f.facts["trailer"], trailer, "{}", f.name);
    }
}

#[test]
fn conformance_09_and_10_hash_kv_at_every_recorded_revision() {
    let mut compared = 0;
    for f in fixtures() {
        let source = f.bytes.as_slice();
        let database = Database::open(&source).unwrap();
        for (revision, answers) in f.facts["hashkv"].as_object().unwrap() {
            let wanted = revision.parse().unwrap_or(0);
            let ours = match hash_kv(&database, wanted) {
                Ok(ours) => json!({
                    "hash": ours.hash,
                    "hashRevision": ours.hash_revision,
                    "compactRevision": ours.compact_revision,
                }),
                Err(HashKvError::Compacted { .. }) => {
                    json!({"exit": 1, "says": "Error: mvcc: required revision has been compacted"})
                }
                Err(error) => panic!("{} {revision}: {error}", f.name),
            };
            for (tool, said) in answers.as_object().unwrap() {
                // Servers may answer from a cache, see below; 3.6.14 crashes on leases.
                let crashed = said["exit"] == 2;
                if said.is_object() && tool.starts_with("etcdutl") && !crashed {
                    assert_eq!(said, &ours, "{} {revision} {tool}", f.name);
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 100, "only {compared} answers compared");
}

#[test]
fn servers_agree_wherever_the_compact_revision_is_the_same() {
    let mut compared = 0;
    for f in fixtures() {
        let source = f.bytes.as_slice();
        let database = Database::open(&source).unwrap();
        for (revision, answers) in f.facts["hashkv"].as_object().unwrap() {
            let Ok(ours) = hash_kv(&database, revision.parse().unwrap_or(0)) else {
                continue;
            };
            for (tool, said) in answers.as_object().unwrap() {
                if tool.starts_with("server") && said["compactRevision"] == ours.compact_revision {
                    assert_eq!(said["hash"], ours.hash, "{} {revision} {tool}", f.name);
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 30, "only {compared} answers compared");
}
