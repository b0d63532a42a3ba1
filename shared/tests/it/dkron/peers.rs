//! The `peers.json` that is composed, and when it is refused.

use std::collections::BTreeMap;

use requorum_shared::canonical::sha256_hex;
use requorum_shared::dkron::peers::{Composed, Request, compose};
use requorum_shared::dkron::ranking::rank;
use requorum_shared::finding::Severity;
use requorum_shared::raft::peers;

use super::support::{Disk, Snapshot, configuration, file};

/// For servers of which all that are not excluded remain, whether or not their data is given.
fn composed(disks: &[Disk], request: &Request) -> Composed {
    let first = disks.first().map(Disk::server);
    let known = first
        .and_then(|first| first.configuration)
        .unwrap_or_default();
    let ids = known.into_iter().map(|server| server.id);
    let remaining = ids.filter(|id| !request.exclude.contains(id)).collect();
    let request = Request {
        remaining,
        ..request.clone()
    };
    exactly(disks, &request)
}

fn exactly(disks: &[Disk], request: &Request) -> Composed {
    let servers: Vec<_> = disks.iter().map(Disk::server).collect();
    compose(&servers, &rank(&servers).unwrap(), request)
}

fn excluding(ids: &[&str]) -> Request {
    Request {
        exclude: ids.iter().map(|id| (*id).to_owned()).collect(),
        ..Request::default()
    }
}

fn at(addresses: &[(&str, &str)]) -> Request {
    let own = |(id, address): &(&str, &str)| ((*id).to_owned(), (*address).to_owned());
    Request {
        addresses: addresses.iter().map(own).collect::<BTreeMap<_, _>>(),
        ..Request::default()
    }
}

/// A server of a cluster of these.
fn cluster(servers: &[(&str, &str, u8)]) -> Disk {
    Disk::made(&[configuration(1, 1, servers)])
}

#[track_caller]
fn refused(composed: &Composed, code: &str) {
    let blocking = composed
        .report
        .findings
        .iter()
        .any(|f| f.code == code && f.severity == Severity::Blocking);
    assert!(
        blocking && composed.bytes.is_none(),
        "{code}: {:?}",
        composed.report
    );
}

#[track_caller]
fn warned(composed: &Composed, code: &str) {
    let warning = composed
        .report
        .findings
        .iter()
        .any(|f| f.code == code && f.severity == Severity::Warning);
    assert!(
        warning && composed.bytes.is_some(),
        "{code}: {:?}",
        composed.report
    );
}

#[test]
fn conformance_5_the_same_bytes_whichever_servers_are_given() {
    let [stopped, killed, ghost] = ["stopped", "killed", "ghost"].map(Disk::of);
    let given: [&[Disk]; 4] = [
        &[stopped.clone(), killed.clone(), ghost.clone()],
        &[ghost, killed],
        &[Disk::of("divergent/newer-term")],
        &[stopped],
    ];
    let expected = r#"[
  {
    "id": "node1",
    "address": "127.0.0.1:25811",
    "non_voter": false
  },
  {
    "id": "node2",
    "address": "127.0.0.1:25812",
    "non_voter": false
  },
  {
    "id": "node3",
    "address": "127.0.0.1:25813",
    "non_voter": false
  }
]
"#;
    for disks in given {
        let composed = composed(disks, &Request::default());
        let bytes = composed.bytes.unwrap();
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), expected);
        assert_eq!(composed.sha256, Some(sha256_hex(expected.as_bytes())));
        // A real server took this one, for the same cluster.
        let taken = peers::parse(&file("peers/accepted/three-servers.json")).unwrap();
        assert_eq!(peers::parse(&bytes).unwrap(), taken);
    }
}

#[test]
fn conformance_14_a_lone_survivor_lists_itself() {
    let composed = composed(&[Disk::of("killed")], &excluding(&["node1", "node2"]));
    let taken = peers::parse(&file("peers/accepted/one-server.json")).unwrap();
    assert_eq!(
        peers::parse(composed.bytes.as_ref().unwrap()).unwrap(),
        taken
    );
    warned(&composed, "dkron.excluded");
    assert!(composed.report.find("dkron.not-given").is_none());
    assert!(composed.report.find("dkron.ghosts").is_none());
}

#[test]
fn a_list_that_names_lost_servers_is_refused() {
    let one = exactly(&[Disk::of("killed")], &Request::default());
    refused(&one, "dkron.not-given");
    // One of two that are listed elects no leader either.
    let two = exactly(&[Disk::of("killed")], &excluding(&["node1"]));
    refused(&two, "dkron.not-given");
    let named = Request {
        remaining: vec!["node2".into()],
        ..excluding(&["node1"])
    };
    warned(&exactly(&[Disk::of("killed")], &named), "dkron.not-given");
    let odd = Request {
        remaining: vec!["node4".into()],
        ..Request::default()
    };
    refused(&exactly(&[Disk::of("killed")], &odd), "dkron.unknown-id");
}

#[test]
fn what_a_recovery_loses_is_said_before_it() {
    let [newer, longer] =
        ["newer-term", "longer-older-term"].map(|name| Disk::of(&format!("divergent/{name}")));
    let both = exactly(&[newer.clone(), longer.clone()], &Request::default());
    warned(&both, "dkron.lost");
    let lost = both.report.find("dkron.lost").unwrap();
    assert_eq!(
        lost.what,
        "Its entries 130 to 169 are lost: they created or changed 40 jobs."
    );
    assert!(lost.subject.contains("longer"), "{}", lost.subject);
    assert!(both.report.find("dkron.fewer").is_none());
    let fewer = exactly(&[newer, longer], &excluding(&["node2", "node3"]));
    warned(&fewer, "dkron.fewer");
}

#[test]
fn what_the_files_do_not_say_is_said() {
    let one = composed(&[Disk::of("killed")], &Request::default());
    for code in ["dkron.own-id", "dkron.versions", "dkron.ghosts"] {
        assert!(one.report.find(code).is_some(), "{code}");
    }
    warned(&one, "dkron.not-given");
    assert!(one.report.find("dkron.majority").is_none());
    let two = composed(
        &[Disk::of("killed"), Disk::of("stopped")],
        &Request::default(),
    );
    warned(&two, "dkron.majority");
}

#[test]
fn conformance_15_ports_of_other_services() {
    for port in ["4647", "8946", "8080"] {
        let address = format!("10.0.0.1:{port}");
        let given = composed(&[Disk::of("killed")], &at(&[("node1", &address)]));
        warned(&given, "dkron.address");
        warned(&given, "dkron.port");
        let said = &given.report.find("dkron.address").unwrap().what;
        assert!(said.contains("6868") && said.contains(port), "{said}");
        let stored = &given.report.find("dkron.port").unwrap().what;
        assert!(stored.contains("25811"), "{stored}");
    }
}

#[test]
fn conformance_16_ids_that_are_not_the_servers_own() {
    let wrong = composed(&[Disk::of("killed")], &excluding(&["Node1"]));
    refused(&wrong, "dkron.unknown-id");
    let finding = wrong.report.find("dkron.unknown-id").unwrap();
    assert!(finding.todo.contains("write node1"), "{finding:?}");
    refused(
        &composed(&[Disk::of("killed")], &at(&[("node9", "10.0.0.9:6868")])),
        "dkron.unknown-id",
    );
    let address = cluster(&[("10.0.0.1:6868", "10.0.0.1:6868", 0)]);
    refused(&composed(&[address], &Request::default()), "dkron.id");
    let damaged = cluster(&[("node\u{1}", "10.0.0.1:6868", 0)]);
    refused(&composed(&[damaged], &Request::default()), "dkron.id");
    let case = cluster(&[("node1", "10.0.0.1:6868", 0), ("Node1", "10.0.0.2:6868", 0)]);
    warned(&composed(&[case], &Request::default()), "peers.case");
}

#[test]
fn conformance_17_lists_that_a_server_refuses() {
    let all = excluding(&["node1", "node2", "node3"]);
    refused(&composed(&[Disk::of("killed")], &all), "dkron.refused");
    let same = at(&[("node1", "127.0.0.1:25812")]);
    let twice = composed(&[Disk::of("killed")], &same);
    refused(&twice, "dkron.refused");
    let said = &twice.report.find("dkron.refused").unwrap().what;
    assert!(
        said.contains("found duplicate address in configuration: 127.0.0.1:25812"),
        "{said}"
    );
    for (servers, code) in [
        (
            &[("a", "10.0.0.1:6868", 0), ("a", "10.0.0.2:6868", 0)][..],
            "dkron.refused",
        ),
        (&[("", "10.0.0.1:6868", 0)], "dkron.refused"),
        (&[("a", "", 0)], "dkron.address"),
        (&[("a", "10.0.0.1", 0)], "dkron.address"),
        (&[("a", "10.0.0.1:6868", 1)], "dkron.refused"),
        (&[("a", "10.0.0.1:6868", 9)], "dkron.suffrage"),
        (&[], "dkron.no-configuration"),
    ] {
        refused(&composed(&[cluster(servers)], &Request::default()), code);
    }
    refused(
        &composed(&[Disk::made(&[])], &Request::default()),
        "dkron.no-state",
    );
}

#[test]
fn non_voters_stay_what_they_are() {
    let servers = [
        ("a", "10.0.0.1:6868", 0),
        ("b", "[fd00::2]:6868", 1),
        ("c", "10.0.0.3:6868", 2),
    ];
    let composed = composed(&[cluster(&servers)], &Request::default());
    let parsed = peers::parse(composed.bytes.as_ref().unwrap()).unwrap();
    assert_eq!(parsed.configuration.voters(), 1);
    warned(&composed, "peers.non-voter");
    warned(&composed, "dkron.suffrage");
}

#[test]
fn conformance_18_and_33_a_file_that_is_there_already() {
    let right = composed(&[Disk::of("killed")], &Request::default())
        .bytes
        .unwrap();
    let with = |bytes: &[u8]| {
        let mut disk = Disk::of("killed");
        disk.peers_json = Some(bytes.to_vec());
        composed(&[disk, Disk::of("stopped")], &Request::default())
    };
    let same = with(&right);
    assert!(same.report.find("dkron.peers-same").is_some());
    warned(&same, "dkron.peers-json");
    // One byte more, which no server minds.
    let differs = with(&[right.as_slice(), b"\n"].concat());
    refused(&differs, "dkron.peers-differ");
    let bom = with(&file("peers/rejected/bom.json"));
    refused(&bom, "dkron.peers-differ");
    let said = &bom.report.find("dkron.peers-json").unwrap().what;
    assert!(
        said.contains("a server refuses it: invalid character"),
        "{said}"
    );
    // What follows the list is said by the inspection.
    let mut disk = Disk::of("killed");
    disk.peers_json = Some(file("peers/accepted/text-after.json"));
    assert!(disk.server().findings.find("peers.behind").is_some());
}

#[test]
fn conformance_21_running_and_damaged_servers_are_no_ground() {
    let mut running = Disk::of("killed");
    running.running = true;
    assert!(running.server().findings.find("dkron.running").is_some());
    refused(
        &composed(&[running, Disk::of("stopped")], &Request::default()),
        "dkron.running",
    );
    let mut gap = Disk::of("stopped");
    gap.snapshots.clear();
    refused(
        &composed(&[gap, Disk::of("killed")], &Request::default()),
        "dkron.gap",
    );
}

#[test]
fn conformance_36_data_of_a_version_that_crashes_on_the_file() {
    let state = b"*3\r\n$3\r\nset\r\n$6\r\njobs:j\r\n$3\r\n\x0a\x01j\r\n".to_vec();
    let crc = requorum_shared::dkron::state::checksum(&state.as_slice()).unwrap();
    let crc = base64(&crc.to_be_bytes());
    let meta = format!(
        r#"{{"Version":1,"ID":"1-1-1","Index":1,"Term":1,"Configuration":{{"Servers":[{{"Suffrage":0,"ID":"a","Address":"10.0.0.1:6868"}}]}},"ConfigurationIndex":1,"Size":{},"CRC":"{crc}"}}"#,
        state.len()
    );
    let mut disk = cluster(&[("a", "10.0.0.1:6868", 0)]);
    disk.snapshots.push(Snapshot {
        folder: "1-1-1".to_owned(),
        meta: meta.into_bytes(),
        state,
    });
    let composed = composed(&[disk], &Request::default());
    warned(&composed, "dkron.version");
    assert!(
        composed
            .report
            .find("dkron.version")
            .unwrap()
            .why
            .contains("#767")
    );
}

/// Of 8 bytes.
fn base64(bytes: &[u8; 8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let number = u64::from_be_bytes(*bytes);
    let digits = (0..11).map(|at| {
        let sextet = match at {
            10 => (number << 2) & 63,
            at => (number >> (58 - 6 * at)) & 63,
        };
        char::from(DIGITS[sextet as usize])
    });
    digits.chain(['=']).collect()
}
