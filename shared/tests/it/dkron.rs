//! Dkron's servers, against what its own libraries and its own state machine said of the same files.

mod damage;
mod peers;
mod ranking;
mod support;

use requorum_shared::bbolt::Database;
use requorum_shared::dkron::jobs::Jobs;
use requorum_shared::dkron::server::ServerError;
use requorum_shared::dkron::state;
use requorum_shared::finding::Severity;
use requorum_shared::source::Source;
use serde_json::{Value, json};
use support::{Disk, LARGE, SERVERS, entry, facts, set_job};

/// Servers as `facts.json` has them.
fn listed(servers: &Value) -> Value {
    let mut servers = servers.clone();
    for server in servers.as_array_mut().unwrap() {
        assert!(server["suffrage"].is_string());
    }
    servers
}

#[test]
fn conformance_8_and_51_every_server_says_what_dkrons_libraries_say() {
    for name in SERVERS.into_iter().chain([LARGE]) {
        let facts = facts(name);
        let server = Disk::of(name).server();
        let blocking = server
            .findings
            .findings
            .iter()
            .filter(|f| f.severity == Severity::Blocking);
        assert_eq!(blocking.count(), 0, "{name}: {:?}", server.findings);
        assert!(server.jobs_complete, "{name}");
        let jobs = server.jobs.as_ref().unwrap();
        assert_eq!(
            json!(jobs),
            facts["jobs after replay of the whole log"],
            "{name}"
        );
        let said = serde_json::to_value(&server).unwrap();
        for (ours, theirs) in [
            ("currentTerm", "current term"),
            ("firstLog", "first log index"),
            ("lastLog", "last log index"),
            ("last", "last"),
            ("entries", "entries by type"),
            ("commands", "commands"),
            ("configurationIndex", "configuration index"),
        ] {
            assert_eq!(said[ours], facts[theirs], "{name}: {ours}");
        }
        assert_eq!(said["lastVote"]["term"], facts["last vote term"], "{name}");
        assert_eq!(
            said["lastVote"]["candidate"], facts["last vote candidate"],
            "{name}"
        );
        assert_eq!(
            listed(&said["configuration"]),
            facts["configuration"],
            "{name}"
        );
        let snapshots = said["snapshots"].as_array().unwrap();
        let theirs = facts["snapshots"].as_array().unwrap();
        assert_eq!(snapshots.len(), theirs.len(), "{name}");
        for (ours, theirs) in snapshots.iter().zip(theirs) {
            for (ours_key, theirs_key) in [
                ("id", "id"),
                ("term", "term"),
                ("index", "index"),
                ("size", "size"),
                ("crcOk", "crc ok"),
                ("configuration", "configuration"),
                ("configurationIndex", "configuration index"),
            ] {
                assert_eq!(ours[ours_key], theirs[theirs_key], "{name}: {ours_key}");
            }
        }
    }
}

/// What Dkron's own state machine wrote into a snapshot at the end of a log, against that log replayed here.
#[test]
fn conformance_8_replay_makes_the_jobs_and_counters_that_dkron_made() {
    for (log, snapshot) in [
        (
            "divergent/newer-term",
            "stopped/raft/snapshots/3-132-1795244537987",
        ),
        (
            "divergent/newer-term",
            "ghost/raft/snapshots/3-132-1795244539948",
        ),
        (
            "divergent/longer-older-term",
            "ghost/raft/snapshots/2-169-1795244539933",
        ),
        ("killed", "ingested/raft/snapshots/4-135-1795244544419"),
    ] {
        let written = support::file(&format!("{snapshot}/state.bin"));
        let written = state::read(&written.as_slice()).unwrap().jobs.unwrap();
        let replayed = Disk::of(log).server().jobs.unwrap();
        let counted = |jobs: &Jobs| -> Vec<(String, i32, i32)> {
            let counted = |(name, job): (&str, &requorum_shared::dkron::jobs::Job)| {
                (name.to_owned(), job.successes, job.errors)
            };
            jobs.iter().map(counted).collect()
        };
        assert_eq!(counted(&replayed), counted(&written), "{log}");
        assert!(
            counted(&written)
                .iter()
                .any(|(_, successes, errors)| successes + errors > 10),
            "{log}"
        );
    }
}

#[test]
fn conformance_51_ghost_jobs_are_in_no_file() {
    let facts = facts("ghost");
    let over_http = facts["jobs the server showed just before"]
        .as_array()
        .unwrap();
    let server = Disk::of("ghost").server();
    assert_eq!((over_http.len(), server.jobs.unwrap().len()), (50, 10));
    assert_eq!(server.snapshot.as_deref(), Some("3-132-1795244539948"));
}

#[test]
fn conformance_7_a_damaged_state_makes_the_older_snapshot_count() {
    let mut disk = Disk::of("ghost");
    let newest = disk.snapshot("3-132-1795244539948");
    let middle = newest.state.len() / 2;
    newest.state[middle] ^= 1;
    let server = disk.server();
    let checked: Vec<_> = server
        .snapshots
        .iter()
        .map(|s| (s.term, s.crc_ok))
        .collect();
    assert_eq!(checked, [(3, Some(false)), (2, Some(true))]);
    assert_eq!(server.snapshot.as_deref(), Some("2-169-1795244539933"));
    assert!(server.findings.find("dkron.snapshot-state").is_some());
    // Cut short, and then none is left.
    disk.snapshot("2-169-1795244539933").state.pop();
    let server = disk.server();
    assert_eq!((server.jobs, server.snapshot), (None, None));
    assert!(!server.jobs_complete);
    assert!(server.findings.find("dkron.no-snapshot").is_some());
}

#[test]
fn conformance_24_gaps_and_folders_that_are_no_snapshots() {
    // The log begins at entry 133, the snapshot before it is gone.
    let mut disk = Disk::of("stopped");
    disk.snapshots.clear();
    let server = disk.server();
    let gap = server.findings.find("dkron.gap").unwrap();
    assert!(gap.what.contains("begins at entry 133"), "{}", gap.what);
    assert!(!server.jobs_complete && server.configuration.is_none());
    for (change, code) in [
        (("\"Version\":1", "\"Version\":2"), "dkron.snapshot-meta"),
        (
            ("\"ID\":\"3-132-1795244537987\"", "\"ID\":\"3-132-1\""),
            "dkron.snapshot-name",
        ),
        (("}", ""), "dkron.snapshot-meta"),
    ] {
        let mut disk = Disk::of("stopped");
        let snapshot = disk.snapshot("3-132-1795244537987");
        let meta = String::from_utf8(snapshot.meta.clone()).unwrap();
        snapshot.meta = meta.replacen(change.0, change.1, 9).into_bytes();
        assert!(disk.server().findings.find(code).is_some(), "{code}");
    }
    let mut disk = Disk::of("stopped");
    let mut unfinished = disk.snapshots[0].clone();
    unfinished.folder = "9-999-1.tmp".to_owned();
    disk.snapshots.push(unfinished);
    let server = disk.server();
    assert_eq!(server.snapshots.len(), 1);
    let note = server.findings.find("dkron.snapshot-unfinished").unwrap();
    assert_eq!(note.severity, Severity::Note);
    // Version 0 lists peers only: whom the cluster has is unknown then.
    let mut disk = Disk::of("stopped");
    let snapshot = disk.snapshot("3-132-1795244537987");
    let meta = String::from_utf8(snapshot.meta.clone()).unwrap();
    snapshot.meta = meta.replace("\"Version\":1", "\"Version\":0").into_bytes();
    let server = disk.server();
    assert_eq!((server.configuration, server.snapshots.len()), (None, 1));
    // A gap within the log.
    let entries = [entry(1, 1, 0, &set_job("a")), entry(3, 1, 0, &set_job("b"))];
    let server = Disk::made(&entries).server();
    assert!(server.findings.find("raft.gap").is_some());
    assert!(!server.jobs_complete);
    // The log of a follower that was far behind when it took a snapshot: what it had before, and what followed.
    for (next, severity) in [(133, Severity::Note), (134, Severity::Blocking)] {
        let entries = [
            entry(50, 1, 0, &set_job("a")),
            entry(next, 3, 0, &set_job("b")),
        ];
        let mut disk = Disk::made(&entries);
        disk.snapshots = Disk::of("stopped").snapshots;
        let server = disk.server();
        assert_eq!(server.snapshot.as_deref(), Some("3-132-1795244537987"));
        let gap = server.findings.find("raft.gap").unwrap();
        assert_eq!(gap.severity, severity, "{next}");
        assert_eq!(server.jobs_complete, severity == Severity::Note);
    }
}

#[test]
fn conformance_19_a_server_without_state_is_named() {
    let server = Disk::made(&[]).server();
    assert!(server.findings.find("dkron.no-state").is_some());
    assert_eq!((server.last, server.current_term), (None, None));
    assert!(server.jobs.unwrap().is_empty());
}

#[test]
fn conformance_23_commands_that_lie_about_a_length() {
    let entries = [
        entry(1, 1, 0, &set_job("a")),
        // A name of 2 GiB that is not there, and a command without a byte.
        entry(2, 1, 0, &[1, 0x0a, 0xff, 0xff, 0xff, 0xff, 0x07, b'j']),
        entry(3, 1, 0, &[]),
        entry(4, 1, 0, &[99, 1, 2]),
    ];
    let server = Disk::made(&entries).server();
    let said: Vec<_> = server
        .findings
        .findings
        .iter()
        .map(|f| (f.code.as_str(), f.subject.as_str()))
        .collect();
    let expected = [
        ("dkron.command", "entry 2"),
        ("dkron.command", "entry 3"),
        ("dkron.foreign", "bucket logs"),
    ];
    assert_eq!(said, expected);
    assert!(!server.jobs_complete);
    assert_eq!(json!(server.jobs), json!(["a"]));
}

#[test]
fn conformance_22_what_is_no_raft_db_is_refused() {
    let whole = support::file("stopped/raft/raft.db");
    let read = |bytes: &[u8]| {
        let mut disk = Disk::of("stopped");
        disk.db = bytes.to_vec();
        disk.read()
    };
    let no_database = |bytes: &[u8]| matches!(read(bytes), Err(ServerError::Database(_)));
    assert!(no_database(b""));
    assert!(no_database(b"FastLog"));
    assert!(no_database(&vec![0x5a; 1 << 16]));
    assert!(no_database(&whole[..4096]));
    // Both metas damaged; then one alone.
    let mut damaged = whole.clone();
    damaged[16 + 20] ^= 1;
    let one = read(&damaged).unwrap();
    assert!(one.findings.find("dkron.meta").is_some());
    damaged[4096 + 16 + 20] ^= 1;
    let said = read(&damaged).unwrap_err().to_string();
    assert!(said.contains("FastLog"), "{said}");
    // Of another program, and cut in its middle.
    let etcd = crate::fixtures::fixture("3.6.14-mixed").bytes;
    assert_eq!(read(&etcd), Err(ServerError::Buckets));
    let source = whole.as_slice();
    let all = Database::open(&source).unwrap().meta().logical_size();
    assert!(all > 3 * 4096);
    for len in (4096..whole.len()).step_by(4096) {
        if let Ok(server) = read(&whole[..len]) {
            assert_eq!(server.findings.blocks(), (len as u64) < all, "{len}");
        }
    }
    let source: &dyn Source = &whole.as_slice();
    assert!(requorum_shared::dkron::server::check_raft_db(source).is_ok());
}
