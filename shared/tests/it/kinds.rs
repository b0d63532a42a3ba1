//! Any file, by the one door: what it is, its headline and its verdict.

use requorum_shared::etcd::storage::scan;
use requorum_shared::finding::Outcome;
use requorum_shared::inspection::{PartName, Trust};
use requorum_shared::kinds::{Details, Inspection, Options, Scanner, inspect, inspect_as_etcd};
use requorum_shared::recovery::served_by;
use requorum_shared::source::Source;
use requorum_shared::value::Value;

use crate::fixtures::fixture;
use crate::{log_files, raft};

fn look(name: &str, bytes: &[u8]) -> Inspection {
    let mut scanner = Scanner::new(Options::default());
    bytes.chunks(10_000).for_each(|piece| scanner.feed(piece));
    let found = inspect(scanner.finish(), name, &bytes);
    // What is shown and stored is the same after the way through JSON.
    let json = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<Inspection>(&json).unwrap(), found);
    found
}

fn number(inspection: &Inspection, key: &str) -> Option<i64> {
    match inspection.value(key)? {
        Value::Revision(n) => Some(*n),
        Value::Index(n) => i64::try_from(*n).ok(),
        _ => None,
    }
}

#[test]
fn every_kind_says_what_it_is_and_its_main_numbers() {
    let snapshot = look("a.db", &fixture("3.6.14-mixed").bytes);
    assert_eq!(snapshot.kind.as_str(), "etcd-snapshot");
    assert_eq!(number(&snapshot, "revision"), Some(339));
    assert_eq!(snapshot.value("keys"), Some(&Value::Count(201)));
    assert_eq!(snapshot.trust(), Trust::Whole);
    assert_eq!(served_by(&snapshot), ["etcd.restore"]);

    let copy = look("db", &fixture("3.6.14-dead").bytes);
    assert_eq!(copy.kind.as_str(), "etcd-db");

    let wal = look("x.wal", &log_files::beside("3.6.14-dead", "wal"));
    assert_eq!(wal.kind.as_str(), "etcd-wal");
    assert_eq!(number(&wal, "last_index"), Some(103));
    assert_eq!(number(&wal, "commit"), Some(102));
    assert_eq!(wal.trust(), Trust::Whole);

    let snap = look("x.snap", &log_files::beside("3.6.14-dead", "snap"));
    assert_eq!(snap.kind.as_str(), "etcd-snap");
    assert_eq!(number(&snap, "index"), Some(78));
    assert_eq!(snap.trust(), Trust::Whole);

    let log = look(
        "raft.db",
        &raft::file("divergent/longer-older-term/raft/raft.db"),
    );
    assert_eq!(log.kind.as_str(), "raft-db");
    assert_eq!(number(&log, "last_index"), Some(169));
    assert_eq!(number(&log, "last_term"), Some(2));
    assert_eq!(log.value("servers"), Some(&Value::Count(3)));
    assert_eq!(log.verdict.outcome(PartName::Structure), Outcome::Pass);
    assert_eq!(log.verdict.outcome(PartName::Bytes), Outcome::NotChecked);
    assert!(!log.page_map.is_empty());
    assert_eq!(log.file.sha256.len(), 64);
    for of_no_use in [&wal, &snap, &log, &look("a.txt", b"notes of the week\n")] {
        assert_eq!(served_by(of_no_use), [""; 0], "{}", of_no_use.label);
        assert!(
            of_no_use.what().starts_with("This is "),
            "{}",
            of_no_use.what()
        );
    }

    let meta = raft::file("ghost/raft/snapshots/3-132-1795244539948/meta.json");
    let meta = look("meta.json", &meta);
    assert_eq!(meta.kind.as_str(), "raft-snapshot");
    assert_eq!(number(&meta, "index"), Some(132));

    let peers = look(
        "peers.json",
        &raft::file("peers/accepted/three-servers.json"),
    );
    assert_eq!(peers.kind.as_str(), "peers-json");
    assert_eq!(peers.value("voters"), Some(&Value::Count(3)));
    assert_eq!(peers.trust(), Trust::Whole);
}

#[test]
fn a_second_schema_in_the_pass_changes_nothing_for_etcd() {
    for name in ["3.6.14-lease", "3.6.14-mixed", "3.5.33-freelist"] {
        let bytes = fixture(name).bytes;
        let source: &dyn Source = &bytes.as_slice();
        let mut alone = scan::Scanner::new(Options::default());
        let mut shared = Scanner::new(Options::default());
        for piece in bytes.chunks(10_000) {
            alone.feed(piece);
            shared.feed(piece);
        }
        let alone = inspect_as_etcd(alone.finish(), "a.db", source);
        assert_eq!(inspect_as_etcd(shared.finish(), "a.db", source), alone);
    }
}

#[test]
fn a_file_by_its_name_alone_is_no_other_kind() {
    let peers = look("peers.json", b"{}");
    assert_eq!(peers.kind.as_str(), "peers-json");
    assert_eq!(peers.trust(), Trust::Broken, "{}", peers.verdict.sentence);
    let refused = look(
        "peers.json",
        &raft::file("peers/rejected/duplicate-id.json"),
    );
    assert!(
        refused.report.findings[0]
            .what
            .contains("found duplicate ID"),
        "{refused:?}"
    );
    let json = look("notes.json", b"{\"a\": 1}");
    assert_eq!(json.kind.as_str(), "json");
    assert_eq!(json.trust(), Trust::None);
    assert_eq!(look("x", b"just a text\n").kind.as_str(), "text");
    assert_eq!(look("x", b"").kind.as_str(), "empty");
}

#[test]
fn a_damaged_file_of_a_kind_is_still_of_that_kind() {
    let mut wal = log_files::beside("3.6.14-dead", "wal");
    wal[5000] ^= 1;
    let wal = look("x.wal", &wal);
    assert_eq!(wal.kind.as_str(), "etcd-wal");
    assert_eq!(wal.trust(), Trust::Broken, "{}", wal.verdict.sentence);
    assert!(wal.report.find("wal.damaged").is_some() || wal.report.find("wal.torn").is_some());
    let mut snap = log_files::beside("3.6.14-dead", "snap");
    snap[3000] ^= 1;
    let snap = look("x.snap", &snap);
    assert_eq!(snap.kind.as_str(), "etcd-snap");
    assert_eq!(snap.trust(), Trust::Broken);
    // A page of the log's tree.
    let mut log = raft::file("stopped/raft/raft.db");
    let page = log.len() / 4096 / 2;
    for page in page..page + 8 {
        log[page * 4096 + 8] ^= 0xff;
    }
    let log = look("raft.db", &log);
    assert_eq!(log.kind.as_str(), "raft-db", "{}", log.verdict.sentence);
}

#[test]
fn a_file_that_is_two_kinds_at_once_is_what_it_begins_as_and_not_whole() {
    // A snapshot with an archive behind it.
    let mut both = fixture("3.6.14-mixed").bytes;
    both.extend_from_slice(b"PK\x05\x06");
    both.extend([0; 18]);
    let found = look("a.db", &both);
    assert_eq!(found.kind.as_str(), "etcd-snapshot");
    assert!(matches!(found.details, Details::Etcd(_)));
    // The archive is not part of what the digest proves, and is named.
    let said =
        serde_json::to_string(&found.report).unwrap() + found.verdict.evidence(PartName::Bytes);
    assert!(said.contains("22"), "{said}");
    // A segment of a log that calls itself a list of servers.
    let found = look("peers.json", &log_files::beside("3.6.14-dead", "wal"));
    assert_eq!(found.kind.as_str(), "etcd-wal");
}
