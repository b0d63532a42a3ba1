//! What HashiCorp's Raft library wrote, against what its own code and an independent reader said of the same files.

use std::path::PathBuf;

use proptest::prelude::{ProptestConfig, any, proptest};
use requorum_shared::bbolt::Database;
use requorum_shared::raft::snapshot::{Checksum, Meta};
use requorum_shared::raft::store::{self, RaftDb};
use requorum_shared::raft::{Configuration, peers};
use requorum_shared::source::Source;
use serde_json::{Value, json};

pub(crate) const SERVERS: [&str; 6] = [
    "divergent/longer-older-term",
    "divergent/newer-term",
    "stopped",
    "killed",
    "ghost",
    "ingested",
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/raft")
}

#[expect(clippy::disallowed_methods, reason = "tests may read files")]
pub(crate) fn file(path: &str) -> Vec<u8> {
    let path = folder().join(path);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn facts(server: &str) -> Value {
    serde_json::from_slice(&file(&format!("{server}/facts.json"))).unwrap()
}

fn read(bytes: &[u8]) -> RaftDb {
    let source: &dyn Source = &bytes;
    let database = Database::open(source).unwrap();
    assert!(store::is_raft_db(&database));
    let (facts, report) = store::read(&database);
    assert!(report.findings.is_empty(), "{report:?}");
    facts
}

fn servers(configuration: &Configuration) -> Value {
    let servers = configuration
        .servers
        .iter()
        .map(|s| json!({ "id": s.id, "address": s.address, "suffrage": s.suffrage.word() }));
    servers.collect()
}

#[test]
fn every_raft_db_says_what_the_library_says() {
    for server in SERVERS {
        let facts = facts(server);
        let found = read(&file(&format!("{server}/raft/raft.db")));
        assert!(found.complete, "{server}");
        assert_eq!(
            json!(found.first_index),
            facts["first log index"],
            "{server}"
        );
        assert_eq!(json!(found.last_index), facts["last log index"], "{server}");
        assert_eq!(json!(found.last_term), facts["last log term"], "{server}");
        assert_eq!(json!(found.current_term), facts["current term"], "{server}");
        assert_eq!(
            json!(found.last_vote_term),
            facts["last vote term"],
            "{server}"
        );
        assert_eq!(
            json!(found.last_vote_candidate),
            facts["last vote candidate"],
            "{server}"
        );
        assert_eq!(
            json!(found.entries_by_type),
            facts["entries by type"],
            "{server}"
        );
        let counted: u64 = found.entries_by_type.values().sum();
        assert_eq!(found.entries, counted, "{server}");
        // A recovered server has its configuration in the snapshot, and none in the log.
        if facts["entries by type"].get("configuration").is_some() {
            let logged = found.configuration.unwrap();
            assert_eq!(
                json!(logged.index),
                facts["configuration index"],
                "{server}"
            );
            assert_eq!(
                servers(&logged.configuration),
                facts["configuration"],
                "{server}"
            );
        } else {
            assert_eq!(found.configuration, None, "{server}");
        }
    }
}

#[test]
fn every_snapshot_says_what_the_library_says() {
    let mut seen = 0;
    for server in SERVERS {
        for facts in facts(server)["snapshots"].as_array().unwrap() {
            let id = facts["id"].as_str().unwrap();
            let at = format!("{server}/raft/snapshots/{id}");
            let meta = Meta::parse(&file(&format!("{at}/meta.json"))).unwrap();
            assert_eq!(meta.id, id);
            assert_eq!(json!(meta.term), facts["term"]);
            assert_eq!(json!(meta.index), facts["index"]);
            assert_eq!(json!(meta.size), facts["size"]);
            assert_eq!(
                json!(meta.configuration_index),
                facts["configuration index"]
            );
            assert_eq!(
                servers(&meta.configuration.unwrap()),
                facts["configuration"]
            );
            let mut state = file(&format!("{at}/state.bin"));
            assert_eq!(state.len() as u64, meta.size);
            let checksum = |bytes: &[u8]| {
                let mut checksum = Checksum::default();
                bytes.chunks(1000).for_each(|piece| checksum.feed(piece));
                checksum.finish()
            };
            assert_eq!(checksum(&state) == meta.crc, facts["crc ok"]);
            let middle = state.len() / 2;
            state[middle] ^= 1;
            assert_ne!(checksum(&state), meta.crc, "a changed byte is seen");
            seen += 1;
        }
    }
    assert!(seen >= 6, "{seen}");
}

#[test]
fn peers_json_is_taken_or_refused_as_servers_do_it_and_in_their_words() {
    let outcomes: Value = serde_json::from_slice(&file("peers/outcomes.json")).unwrap();
    let (mut accepted, mut refused) = (0, 0);
    for (name, outcome) in outcomes.as_object().unwrap() {
        let Some(path) = outcome["file"].as_str() else {
            continue;
        };
        let bytes = file(&format!("peers/{path}"));
        let said = outcome["error"].as_str().unwrap_or_default();
        match said.strip_prefix("recovery failed to parse peers.json: ") {
            Some(said) => {
                assert_eq!(peers::parse(&bytes), Err(said.to_owned()), "{name}");
                refused += 1;
            }
            // What else stops a server is not in the file: `clean-server` is the file of `good`.
            None => {
                let peers = peers::parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
                assert!(peers.configuration.voters() > 0, "{name}");
                accepted += 1;
            }
        }
    }
    assert!(
        accepted >= 13 && refused >= 15,
        "{accepted} accepted, {refused} refused"
    );
}

#[test]
fn a_file_that_is_taken_and_still_wrong_is_warned_of() {
    let codes = |name: &str| {
        let peers = peers::parse(&file(&format!("peers/accepted/{name}.json"))).unwrap();
        let report = peers::check(&peers);
        let codes = report.findings.into_iter().map(|finding| finding.code);
        codes.collect::<Vec<_>>()
    };
    assert_eq!(codes("one-server"), [""; 0]);
    assert_eq!(codes("no-port"), ["peers.address"]);
    assert_eq!(codes("id-is-address"), ["peers.id"]);
    assert_eq!(codes("text-after"), ["peers.behind"]);
    let both = codes("self-non-voter");
    assert!(both.contains(&"peers.non-voter".to_owned()), "{both:?}");
    assert!(codes("two-of-three").contains(&"peers.even".to_owned()));
}

#[test]
fn a_gap_in_the_log_is_named() {
    // The third of many entries calls itself another one, and the fifth is of another length.
    let mut bytes = file("divergent/newer-term/raft/raft.db");
    let needle: &[u8] = b"\xa5Index\x03";
    let found: Vec<usize> = (0..bytes.len() - needle.len())
        .filter(|at| bytes[*at..].starts_with(needle))
        .collect();
    assert!(!found.is_empty());
    for at in found {
        bytes[at + needle.len() - 1] = 0x7b;
    }
    let source: &dyn Source = &bytes.as_slice();
    let (facts, report) = store::read(&Database::open(source).unwrap());
    assert!(!facts.complete);
    let codes: Vec<_> = report
        .findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect();
    assert_eq!(codes, ["raft.entry", "raft.gap"]);
    assert!(
        report.findings[1].what.contains("Entry 3 is missing"),
        "{report:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Whatever is done to a file, reading it ends without a panic, and what is counted fits into the file.
    #[test]
    fn damage_never_panics(at in any::<proptest::sample::Index>(), byte: u8, len in 1usize..40) {
        let mut bytes = file("stopped/raft/raft.db");
        let start = at.index(bytes.len() - len);
        bytes[start..start + len].fill(byte);
        let source: &dyn Source = &bytes.as_slice();
        if let Ok(database) = Database::open(source) {
            let (facts, _) = store::read(&database);
            assert!(facts.entries <= bytes.len() as u64);
        }
    }

    #[test]
    fn any_text_is_taken_or_refused(text in "[\\[\\]{}\":,a-z0-9 \\\\.-]{0,60}") {
        if let Ok(peers) = peers::parse(text.as_bytes()) {
            peers::check(&peers);
        }
    }

    /// What is taken is what another JSON reader sees too.
    #[test]
    fn taken_files_are_json(id in "[a-z\"\\\\\u{e9}]{1,8}", address in "[a-z0-9.:]{1,20}", non_voter: bool) {
        let list = json!([{ "id": id, "address": address, "non_voter": non_voter }, { "id": "x y", "address": "h:1" }]);
        let peers = peers::parse(list.to_string().as_bytes()).unwrap();
        assert_eq!(peers.configuration.servers[0].id, id);
        assert_eq!(peers.configuration.servers[0].address, address);
        assert_eq!(peers.configuration.voters(), 2 - usize::from(non_voter));
    }
}
