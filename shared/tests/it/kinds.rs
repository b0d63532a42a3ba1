//! Any file, by the one door: what it is, its headline and its verdict.

use requorum_shared::etcd::needed::snapshot_needed;
use requorum_shared::etcd::storage::scan;
use requorum_shared::finding::Outcome;
use requorum_shared::inspection::{PartName, Recognised, Trust};
use requorum_shared::kinds::{
    Details, Inspection, Options, Scanner, companion_of, inspect, inspect_as_etcd, recognise,
    with_companion,
};
use requorum_shared::recovery::{file_kinds, served_by};
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

#[expect(clippy::disallowed_methods, reason = "tests may read files")]
fn case(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/cases");
    std::fs::read(format!("{folder}/{name}")).unwrap()
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
    assert_eq!(snapshot.trust(), Trust::Verified);
    assert_eq!(served_by(&snapshot), ["etcd.restore"]);
    assert!(file_kinds("etcd.restore").contains(&snapshot.kind.as_str()));

    let copy = look("db", &fixture("3.6.14-dead").bytes);
    assert_eq!(copy.kind.as_str(), "etcd-db");
    assert_eq!(served_by(&copy), ["etcd.restore"]);
    assert!(file_kinds("etcd.restore").contains(&copy.kind.as_str()));

    let wal = look("x.wal", &log_files::beside("3.6.14-dead", "wal"));
    assert_eq!(wal.kind.as_str(), "etcd-wal");
    assert_eq!(number(&wal, "last_index"), Some(103));
    assert_eq!(number(&wal, "commit"), Some(102));
    assert_eq!(wal.trust(), Trust::Verified);

    let snap = look("x.snap", &log_files::beside("3.6.14-dead", "snap"));
    assert_eq!(snap.kind.as_str(), "etcd-snap");
    assert_eq!(number(&snap, "index"), Some(78));
    assert_eq!(snap.trust(), Trust::Verified);

    let log = look(
        "raft.db",
        &raft::file("divergent/longer-older-term/raft/raft.db"),
    );
    assert_eq!(log.kind.as_str(), "raft-db");
    assert_eq!(number(&log, "last_index"), Some(169));
    assert_eq!(number(&log, "last_term"), Some(2));
    assert_eq!(log.value("servers"), Some(&Value::Count(3)));
    assert_eq!(log.verdict.outcome(PartName::Structure), Outcome::Pass);
    assert_eq!(log.verdict.outcome(PartName::Checksum), Outcome::NotChecked);
    assert!(!log.page_map.is_empty());
    assert_eq!(log.file.sha256.len(), 64);
    for of_no_use in [&wal, &snap, &log, &look("a.txt", b"notes of the week\n")] {
        assert_eq!(served_by(of_no_use), [""; 0], "{}", of_no_use.label);
        assert!(!file_kinds("etcd.restore").contains(&of_no_use.kind.as_str()));
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
    assert_eq!(peers.trust(), Trust::Verified);
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
    assert_eq!(peers.trust(), Trust::Damaged, "{}", peers.verdict.sentence);
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
    assert_eq!(json.trust(), Trust::Unknown);
    assert_eq!(look("x", b"just a text\n").kind.as_str(), "text");
    assert_eq!(look("x", b"").kind.as_str(), "empty");
}

#[test]
fn a_damaged_file_of_a_kind_is_still_of_that_kind() {
    let mut wal = log_files::beside("3.6.14-dead", "wal");
    wal[5000] ^= 1;
    let wal = look("x.wal", &wal);
    assert_eq!(wal.kind.as_str(), "etcd-wal");
    assert_eq!(wal.trust(), Trust::Damaged, "{}", wal.verdict.sentence);
    assert!(wal.report.find("wal.damaged").is_some() || wal.report.find("wal.torn").is_some());
    let mut snap = log_files::beside("3.6.14-dead", "snap");
    snap[3000] ^= 1;
    let snap = look("x.snap", &snap);
    assert_eq!(snap.kind.as_str(), "etcd-snap");
    assert_eq!(snap.trust(), Trust::Damaged);
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
        serde_json::to_string(&found.report).unwrap() + found.verdict.evidence(PartName::Checksum);
    assert!(said.contains("22"), "{said}");
    // A segment of a log that calls itself a list of servers.
    let found = look("peers.json", &log_files::beside("3.6.14-dead", "wal"));
    assert_eq!(found.kind.as_str(), "etcd-wal");
}

/// What a file is, and what is said of it where an etcd snapshot is needed.
fn asked(name: &str, bytes: &[u8]) -> [Recognised; 2] {
    let found = recognise(&bytes, name).unwrap();
    [found.clone(), snapshot_needed(found)]
}

#[test]
fn a_file_says_what_it_is_and_only_who_needs_a_snapshot_speaks_of_etcd() {
    const CHOOSE: &str = "Choose a file that etcdctl snapshot save wrote";
    let cases: [(&[u8], &str, &str); 6] = [
        (b"%PDF-1.7\n", "This is a PDF document", CHOOSE),
        (
            b"SQLite format 3\0rest",
            "This is an SQLite database",
            "with k3s stopped. For etcd, choose a file that etcdctl snapshot save wrote",
        ),
        (
            b"age-encryption.org/v1\n-> X25519",
            "This is a file encrypted with age",
            "Decrypt it",
        ),
        (b"", "This file is empty", "copy it again"),
        (
            &[0; 70_000],
            "This file holds nothing but zeros",
            "copy it again",
        ),
        (
            b"\x1f\x8b\x08",
            "This is a gzip file that was cut off",
            "Get it again",
        ),
    ];
    for (bytes, is, todo) in cases {
        let [found, needed] = asked("x", bytes);
        assert_eq!(found.sentence, format!("{is}."));
        let sentence = format!("{is}; an etcd snapshot is needed here.");
        assert_eq!(needed.sentence, sentence);
        assert!(needed.todo.contains(todo), "{}", needed.todo);
        let rest = Recognised {
            sentence: found.sentence.clone(),
            todo: found.todo.clone(),
            ..needed
        };
        assert_eq!(rest, found, "all else is as it was");
        // An inspection was asked for nothing else: it has the words of the file.
        let inspection = look("x", bytes);
        assert_eq!(inspection.verdict.sentence, found.sentence);
        assert_eq!(inspection.verdict.advice, found.todo);
        let said = serde_json::to_string(&inspection).unwrap();
        for word in ["etcdctl", "snapshot"] {
            assert!(!said.contains(word), "{said}");
        }
        assert_eq!(inspection.details, Details::None);
        assert_eq!(inspection.trust(), Trust::Unknown);
        let counted: u32 = inspection.verdict.parts.iter().map(|p| p.findings).sum();
        assert_eq!(counted as usize, inspection.report.findings.len());
    }
}

#[test]
fn where_the_way_of_a_file_leads_elsewhere_the_one_to_a_snapshot_is_said_too() {
    let [wal, needed] = asked("x", &log_files::beside("3.6.14-dead", "wal"));
    assert_eq!((wal.code.as_str(), wal.todo.as_str()), ("etcd-wal", ""));
    assert!(needed.todo.contains("member/snap/db"), "{}", needed.todo);
    let peers = raft::file("peers/accepted/three-servers.json");
    let [peers, needed] = asked("x", &peers);
    assert_eq!(peers.code, "peers-json");
    assert!(!peers.words().contains("etcd"), "{}", peers.words());
    assert!(needed.todo.ends_with("member/snap/db."), "{}", needed.todo);
}

#[test]
fn every_kind_is_told_once_for_its_reader_and_for_whoever_needs_another() {
    let raft_db = raft::file("divergent/longer-older-term/raft/raft.db");
    let mut damaged_snap = log_files::beside("3.6.14-dead", "snap");
    damaged_snap[3000] ^= 1;
    let meta = raft::file("ghost/raft/snapshots/3-132-1795244539948/meta.json");
    for (name, bytes) in [
        ("x.wal", log_files::beside("3.6.14-dead", "wal")),
        ("x.snap", log_files::beside("3.6.14-dead", "snap")),
        ("x.snap", damaged_snap),
        ("raft.db", raft_db.clone()),
        // It could be a save that was cut off, by its name alone.
        ("raft.db.part", raft_db),
        ("meta.json", meta),
        ("peers.json", b"{}".to_vec()),
        ("notes.json", b"{\"a\": 1}".to_vec()),
        ("x", b"just a text\n".to_vec()),
    ] {
        let found = recognise(&bytes.as_slice(), name).unwrap();
        let inspection = look(name, &bytes);
        assert_eq!(inspection.kind, found.kind(), "{name}");
        assert_eq!(inspection.label, found.label, "{name}");
    }
}

#[test]
fn only_a_database_of_etcd_has_its_details() {
    let sound = fixture("3.6.14-mixed").bytes;
    for (name, bytes) in [
        ("damaged.db", {
            let mut bytes = sound.clone();
            bytes[30_000] ^= 1;
            bytes
        }),
        ("cut.db", sound[..40_000].to_vec()),
        ("a.db.part", sound[..40_000].to_vec()),
        ("text.db", case("07-textmode.db")),
    ] {
        let found = look(name, &bytes);
        assert!(matches!(found.details, Details::Etcd(_)), "{name}");
        assert_eq!(served_by(&found), ["etcd.restore"], "{name}");
    }
    let mut without_metas = sound.clone();
    without_metas[..8192].fill(0);
    let mut other = raft::file("divergent/longer-older-term/raft/raft.db");
    for at in 0..other.len() - 4 {
        if &other[at..at + 4] == b"logs" {
            other[at + 1] = b'a';
        }
    }
    let mut one_meta = other.clone();
    one_meta[16..80].fill(0xff);
    for (bytes, kind, sentence) in [
        (
            without_metas,
            "unknown",
            "This is a file in an unknown format.",
        ),
        (
            other,
            "bbolt",
            "This is a bbolt database of another program.",
        ),
        (
            one_meta,
            "bbolt",
            "This is a bbolt database of an unknown program",
        ),
    ] {
        let found = look("x", &bytes);
        assert_eq!(found.kind.as_str(), kind);
        let said = &found.verdict.sentence;
        assert!(said.starts_with(sentence), "{said}");
        assert_eq!(found.details, Details::None, "{kind}");
        assert_eq!(found.trust(), Trust::Unknown, "{kind}");
        assert_eq!(found.verdict.parts.len(), 1, "{kind}");
        let said = format!("{said} {} {}", found.label, found.verdict.advice);
        assert!(!said.contains("etcd"), "{said}");
        if kind == "bbolt" {
            assert!(!found.page_map.is_empty());
        }
    }
}

#[test]
fn what_is_in_an_archive_is_named_by_the_same_readers() {
    let raft_db = raft::file("divergent/longer-older-term/raft/raft.db");
    let mut entry = vec![0; 512];
    entry[..7].copy_from_slice(b"raft.db");
    entry[124..135].copy_from_slice(format!("{:011o}", raft_db.len()).as_bytes());
    entry[156] = b'0';
    entry[148..156].fill(b' ');
    let sum: u32 = entry.iter().map(|byte| u32::from(*byte)).sum();
    entry[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut tar = [entry, raft_db].concat();
    tar.resize(tar.len().next_multiple_of(512) + 1024, 0);
    // The database begins behind the header of the archive, and is not the file.
    assert_eq!(look("x", &tar).kind.as_str(), "tar");
    let [found, _] = asked("x", &tar);
    assert_eq!(found.code, "tar");
}

#[test]
fn a_companion_is_known_by_name_before_and_by_kind_afterwards() {
    let folder = "ghost/raft/snapshots/3-132-1795244539948";
    let meta = raft::file(&format!("{folder}/meta.json"));
    let state = raft::file(&format!("{folder}/state.bin"));
    assert_eq!(companion_of("meta.json"), Some("state.bin"));
    assert_eq!(companion_of("state.bin"), None);
    // The kind decides, whatever the file is called.
    let found = look("renamed.json", &meta);
    assert_eq!(found.companion(), Some("state.bin"));
    assert_eq!(
        found.verdict.outcome(PartName::Checksum),
        Outcome::NotChecked
    );
    let mut read = 0;
    let judged = with_companion(found, &state.as_slice(), |at| read = at).unwrap();
    assert_eq!(judged.verdict.outcome(PartName::Checksum), Outcome::Pass);
    assert_eq!(read, state.len() as u64);
    let other = look("meta.json", b"{}");
    assert_eq!(other.companion(), None);
    assert_eq!(
        with_companion(other.clone(), &state.as_slice(), |_| panic!("read")),
        Ok(other)
    );
}

#[test]
fn line_ends_are_recognised_wherever_they_moved_the_pages() {
    let sound = fixture("3.6.14-mixed").bytes;
    // Of the standard file, and of one that begins with a meta page that holds an LF.
    for from in [0, 8192, 40_960] {
        let mut bytes = sound[..from].to_vec();
        for byte in &sound[from..] {
            if *byte == b'\n' {
                bytes.push(b'\r');
            }
            bytes.push(*byte);
        }
        let untouched = sound[..from].contains(&b'\n');
        let found = recognise(&bytes.as_slice(), "s.db");
        assert_eq!(found.is_some(), !untouched, "{from}");
    }
    // The other way round, for a file that has CRLF in it.
    let crlf = case("07-textmode.db");
    let lf: Vec<u8> = crlf
        .iter()
        .enumerate()
        .filter(|(i, byte)| !(**byte == b'\r' && crlf.get(i + 1) == Some(&b'\n')))
        .map(|(_, byte)| *byte)
        .collect();
    assert_eq!(lf.len(), 73_760);
    assert!(
        recognise(&lf.as_slice(), "s.db").is_none(),
        "that is the original"
    );
}

#[test]
fn sound_and_damaged_databases_are_not_taken_for_something_else() {
    let sound = fixture("3.6.14-mixed").bytes;
    let without_trailer = &sound[..sound.len() - 32];
    let padded = [sound.as_slice(), &[0; 480]].concat();
    let mut flipped = sound.clone();
    flipped[50_000] ^= 1;
    let mut no_metas = sound.clone();
    no_metas[..8192].fill(0);
    for bytes in [
        &sound[..],
        without_trailer,
        &padded,
        &flipped,
        &no_metas,
        &sound[..40_000],
    ] {
        let found = recognise(&bytes, "s.db");
        assert_eq!(found, None);
    }
}
