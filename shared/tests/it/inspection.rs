//! The document about a file, against what independent programs know of the same files.

use std::collections::BTreeMap;

use requorum_shared::etcd::storage::hashkv::hash_kv;
use requorum_shared::etcd::storage::inspection::{FileKind, Inspection};
use requorum_shared::finding::Outcome;
use requorum_shared::inspection::PartName;
use requorum_shared::kinds::inspect_as_etcd as inspect;
use requorum_shared::{bbolt::Database, finding::Severity};
use serde_json::{Value, json};

use crate::fixtures::{fixture, fixtures};
use crate::status::scan;

pub(crate) fn look(bytes: &[u8]) -> Inspection {
    inspect(scan(bytes, 1 << 20), "file.db", &bytes)
}

#[test]
fn every_fixture_is_sound_and_says_what_it_is() {
    for f in fixtures() {
        let seen = look(&f.bytes);
        let verdict = &seen.verdict;
        assert_eq!(
            verdict.outcome(PartName::Structure),
            Outcome::Pass,
            "{}",
            f.name
        );
        assert_eq!(
            verdict.outcome(PartName::Content),
            Outcome::Pass,
            "{}",
            f.name
        );
        if f.facts["trailer"] == "intact" {
            assert!(
                verdict.sentence.starts_with("Snapshot OK"),
                "{}: {}",
                f.name,
                verdict.sentence
            );
            assert_eq!(
                verdict.outcome(PartName::Checksum),
                Outcome::Pass,
                "{}",
                f.name
            );
            assert_eq!(seen.details.kind, FileKind::Snapshot, "{}", f.name);
        } else {
            assert!(verdict.sentence.contains("no checksum"), "{}", f.name);
            assert_eq!(
                verdict.outcome(PartName::Checksum),
                Outcome::NotChecked,
                "{}",
                f.name
            );
            assert_eq!(seen.details.kind, FileKind::DatabaseCopy, "{}", f.name);
            assert!(seen.report.find("trailer.absent").is_some(), "{}", f.name);
        }
        assert!(!seen.report.blocks(), "{}: {:?}", f.name, seen.report);
        let parts = [
            &verdict.part(PartName::Checksum).unwrap(),
            &verdict.part(PartName::Structure).unwrap(),
            &verdict.part(PartName::Content).unwrap(),
        ];
        let counted: u32 = parts.iter().map(|part| part.findings).sum();
        assert_eq!(counted as usize, seen.report.findings.len(), "{}", f.name);
    }
}

#[test]
fn contents_are_those_an_independent_parser_saw() {
    for f in fixtures() {
        let seen = look(&f.bytes);
        let contents = seen.details.contents.unwrap();
        let buckets: BTreeMap<_, _> = contents
            .buckets
            .iter()
            .map(|b| (b.name.clone(), b.pairs))
            .collect();
        assert_eq!(json!(buckets), f.facts["buckets"], "{}", f.name);
        let members: Vec<Value> = contents
            .members
            .iter()
            .flatten()
            .map(|m| {
                let mut member = json!({
                    "id": u64::from_str_radix(&m.id, 16).unwrap(),
                    "peerURLs": m.peer_urls,
                });
                if m.learner {
                    member["isLearner"] = true.into();
                }
                if !m.name.is_empty() {
                    member["name"] = m.name.clone().into();
                }
                if !m.client_urls.is_empty() {
                    member["clientURLs"] = json!(m.client_urls);
                }
                member
            })
            .collect();
        let mut expected = f.facts["membersBucket"].as_array().unwrap().clone();
        expected.sort_by_key(|m| format!("{:x}", m["id"].as_u64().unwrap()));
        assert_eq!(members, expected, "{}", f.name);
        assert_eq!(
            json!(contents.removed_members),
            f.facts["membersRemoved"],
            "{}",
            f.name
        );
        let cluster = &f.facts["cluster"];
        assert_eq!(
            json!(contents.cluster_version),
            cluster["clusterVersion"],
            "{}",
            f.name
        );
        let meta = &f.facts["meta"];
        assert_eq!(
            json!(contents.storage_version),
            meta["storageVersion"],
            "{}",
            f.name
        );
        let number = |key: &str| {
            let text = meta[key].as_str()?;
            Some(u64::from_str_radix(text, 16).unwrap())
        };
        assert_eq!(
            contents.consistent_index,
            number("consistent_index"),
            "{}",
            f.name
        );
        assert_eq!(contents.term, number("term"), "{}", f.name);
        let compact = meta["finishedCompactRev"]
            .as_str()
            .map_or(-1, |text| i64::from_str_radix(&text[..16], 16).unwrap());
        assert_eq!(contents.compact_revision, Some(compact), "{}", f.name);
        let alarms = f.facts["alarms"].as_array().unwrap().len();
        assert_eq!(contents.alarms.unwrap().len(), alarms, "{}", f.name);
        let pages = &f.facts["pages"];
        assert_eq!(pages["size"], seen.details.page_size, "{}", f.name);
        assert_eq!(
            pages["highWater"], seen.details.high_water_mark,
            "{}",
            f.name
        );
        assert_eq!(pages["txid"], seen.details.txid, "{}", f.name);
        let strip: u64 = seen.page_map.runs.iter().map(|run| run.count).sum();
        assert_eq!(strip, seen.details.high_water_mark, "{}", f.name);
    }
}

#[test]
fn keys_by_prefix_add_up_to_all_live_keys_and_all_revisions() {
    for f in fixtures() {
        let seen = look(&f.bytes);
        let contents = seen.details.contents.unwrap();
        let keys = contents.keys.unwrap();
        assert!(keys.complete && !keys.merged, "{}", f.name);
        let is_top = |prefix: &str| {
            let mut above = keys.prefixes.iter().map(|facts| facts.prefix.as_str());
            !above.any(|above| !above.is_empty() && above != prefix && prefix.starts_with(above))
        };
        let mut top = keys.prefixes.clone();
        top.retain(|facts| is_top(&facts.prefix));
        let live: u64 = top.iter().map(|facts| facts.keys).sum();
        let revisions: u64 = top.iter().map(|facts| facts.revisions).sum();
        let total = seen.details.status.unwrap().total_key;
        assert_eq!(live, total, "{}: {top:?}", f.name);
        assert_eq!(Some(revisions), contents.revisions, "{}", f.name);
    }
}

#[test]
fn hash_kv_of_the_pass_is_that_of_reading_the_bucket() {
    for f in fixtures() {
        let source = f.bytes.as_slice();
        let read = hash_kv(&Database::open(&source).unwrap(), 0).unwrap();
        assert_eq!(look(source).details.hash_kv, Some(read), "{}", f.name);
    }
}

#[test]
fn the_writers_version_is_told_by_the_schema() {
    for f in fixtures() {
        let minor = f
            .name
            .get(..3)
            .filter(|v| v.starts_with('3'))
            .unwrap_or("3.6");
        let expected = match f.name.as_str() {
            // The downgrade has lowered or removed the schema version.
            "3.6.14-downgraded" => "3.5",
            "3.7.1-downgraded" => "3.6",
            _ => minor,
        };
        let contents = look(&f.bytes).details.contents.unwrap();
        assert_eq!(contents.written_by.as_deref(), Some(expected), "{}", f.name);
    }
}

/// The codes of findings about the meaning of a fixture.
fn codes(name: &str) -> Vec<String> {
    let report = look(&fixture(name).bytes).report;
    report.findings.into_iter().map(|f| f.code).collect()
}

#[test]
fn what_survives_a_restore_is_named() {
    assert_eq!(codes("3.6.14-mixed"), [""; 0]);
    assert_eq!(codes("3.6.14-nospace"), ["alarm.active"]);
    assert_eq!(codes("3.7.1-auth"), ["auth.enabled"]);
    assert_eq!(codes("3.6.14-downgrading"), ["downgrade.enabled"]);
    assert!(codes("3.7.1-downgraded").contains(&"downgrade.enabled".to_owned()));
    assert_eq!(codes("3.4.23-zombies"), ["members.stale"]);
    assert_eq!(codes("3.4.23-learner"), [""; 0]);
    assert_eq!(codes("3.6.14-learner"), [""; 0]);
}

#[test]
fn conformance_52_conf_state_of_the_old_cluster_is_explained_without_alarm() {
    let report = look(&fixture("3.5.33-bumped").bytes).report;
    let finding = report.find("members.conf-state-of-old-cluster").unwrap();
    assert_eq!(finding.severity, Severity::Note);
    assert!(report.find("members.stale").is_none());
    assert!(report.find("compaction.pending").is_some());
    assert!(report.find("mvcc.empty-key").is_some());
}

#[test]
fn passwords_are_never_in_the_document() {
    for name in ["3.4.23-auth", "3.5.33-auth", "3.6.14-auth", "3.7.1-auth"] {
        let seen = look(&fixture(name).bytes);
        let auth = &seen.details.contents.as_ref().unwrap().auth;
        assert_eq!(auth.enabled, Some(true));
        assert!(
            auth.users
                .iter()
                .flatten()
                .any(|user| user.name == "root" && user.has_password)
        );
        let text = serde_json::to_string(&seen).unwrap();
        assert!(!text.contains("$2a$"), "{name}");
    }
}

#[test]
fn conformance_36_ids_beyond_2_53_are_exact() {
    let seen = look(&fixture("3.7.1-lease").bytes);
    let contents = seen.details.contents.unwrap();
    assert!(contents.lease_count.unwrap() > 0);
    let ids: Vec<u64> = contents
        .leases
        .iter()
        .flatten()
        .map(|lease| u64::from_str_radix(&lease.id, 16).unwrap())
        .collect();
    assert!(ids.iter().any(|id| *id > 1 << 53));
    assert!(seen.report.find("lease.unknown").is_none());
}

#[test]
fn any_chunking_gives_the_same_document() {
    for name in [
        "3.6.14-mixed",
        "3.7.1-large",
        "synthetic-page1024",
        "synthetic-page65536",
    ] {
        let f = fixture(name);
        let source = f.bytes.as_slice();
        let whole = look(source);
        for chunk in [1, 7, 31, 1000, 4095, 4096, 4097, 65_535, 100_000] {
            let seen = inspect(scan(source, chunk), "file.db", &source);
            assert_eq!(seen, whole, "{name} in chunks of {chunk}");
        }
    }
}
