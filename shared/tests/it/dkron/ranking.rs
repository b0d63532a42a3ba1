//! Which server wins, and what the others lose.

use requorum_shared::dkron::ranking::{Ranking, rank};
use requorum_shared::dkron::server::Server;

use super::support::{Disk, configuration, entry, set_job};

fn ranked(disks: &[Disk]) -> (Vec<Server>, Ranking) {
    let servers: Vec<Server> = disks.iter().map(Disk::server).collect();
    let ranking = rank(&servers).unwrap();
    (servers, ranking)
}

fn order(ranking: &Ranking) -> Vec<&str> {
    ranking
        .servers
        .iter()
        .map(|ranked| ranked.path.as_str())
        .collect()
}

#[test]
fn conformance_10_and_52_the_newer_term_wins_over_the_longer_log() {
    let longer = Disk::of("divergent/longer-older-term");
    let newer = Disk::of("divergent/newer-term");
    for disks in [[longer.clone(), newer.clone()], [newer, longer]] {
        let (_, ranking) = ranked(&disks);
        assert_eq!(
            order(&ranking),
            ["divergent/newer-term", "divergent/longer-older-term"]
        );
        assert_eq!(ranking.divergence, Some(129));
        assert!(ranking.why.contains("the newest term"), "{}", ranking.why);
        let [first, second] = ranking.servers.as_slice() else {
            panic!("{ranking:?}");
        };
        assert_eq!(
            (first.only_here.as_slice(), &first.lost),
            (["newer".to_owned()].as_slice(), &None)
        );
        let lost = second.lost.as_ref().unwrap();
        let unconfirmed: Vec<String> = (0..40).map(|n| format!("unconfirmed-{n:02}")).collect();
        assert_eq!((lost.first, lost.last), (Some(130), 169));
        assert_eq!(lost.jobs, unconfirmed);
        assert_eq!(second.only_here, unconfirmed);
        assert!(
            second.why.contains("part after entry 129"),
            "{}",
            second.why
        );
        // Two of three agree up to entry 129, so what is behind it is on no majority of those given.
        let tail = ranking.unconfirmed.as_ref().unwrap();
        assert_eq!((tail.first, tail.last), (Some(130), 132));
        assert_eq!(tail.jobs, ["newer"]);
        assert!(
            ranking.findings.findings.is_empty(),
            "{:?}",
            ranking.findings
        );
    }
}

#[test]
fn servers_of_one_history_lose_nothing() {
    let (_, ranking) = ranked(&[Disk::of("stopped"), Disk::of("killed"), Disk::of("ghost")]);
    assert_eq!(ranking.divergence, Some(135));
    assert_eq!(ranking.unconfirmed, None, "all three have all of it");
    for server in &ranking.servers {
        assert_eq!((server.lost.as_ref(), server.only_here.len()), (None, 0));
    }
    // One alone: its snapshot is confirmed, and what is behind it may not be.
    let (_, ranking) = ranked(&[Disk::of("stopped")]);
    let tail = ranking.unconfirmed.unwrap();
    assert_eq!(
        (tail.first, tail.last, tail.jobs),
        (Some(133), 135, vec!["after-ingestion".to_owned()])
    );
}

#[test]
fn conformance_11_empty_logs_are_ordered_by_their_snapshots() {
    let with = |from: &str, folder: &str, path: &str| {
        let mut disk = Disk::made(&[]).named(path);
        disk.snapshots = vec![Disk::of(from).snapshot(folder).clone()];
        disk
    };
    let older = with("ghost", "2-169-1795244539933", "older");
    let newer = with("ingested", "3-132-1795244537966", "newer");
    let (servers, ranking) = ranked(&[older, newer]);
    assert_eq!(order(&ranking), ["newer", "older"]);
    assert!(
        servers.iter().all(|server| !server.findings.blocks()),
        "{servers:?}"
    );
    // What came before a snapshot is in no file.
    assert_eq!(
        (ranking.divergence, &ranking.servers[1].lost),
        (None, &None)
    );
    assert!(ranking.findings.find("dkron.parted").is_some());
}

#[test]
fn of_one_term_the_longer_log_wins() {
    let peers = [("a", "10.0.0.1:6868", 0), ("b", "10.0.0.2:6868", 0)];
    let log = |to: u64| {
        let mut entries = vec![configuration(1, 1, &peers)];
        entries.extend((2..=to).map(|index| entry(index, 1, 0, &set_job(&format!("job-{index}")))));
        Disk::made(&entries).named(&format!("to-{to}"))
    };
    let (_, ranking) = ranked(&[log(4), log(6)]);
    assert_eq!(order(&ranking), ["to-6", "to-4"]);
    assert!(
        ranking.servers[1].why.contains("2 entries before"),
        "{}",
        ranking.servers[1].why
    );
    assert_eq!(ranking.servers[1].lost, None, "the first has all of it");
    let tail = ranking.unconfirmed.unwrap();
    assert_eq!(tail.jobs, ["job-5", "job-6"]);
}

#[test]
fn servers_of_two_clusters_are_not_compared_in_silence() {
    let of = |id: &str| {
        Disk::made(&[configuration(
            1,
            1,
            &[(id, "10.0.0.1:6868", 0), ("x", "10.0.0.9:6868", 0)],
        )])
    };
    let (_, ranking) = ranked(&[of("a"), of("b")]);
    assert!(!ranking.findings.blocks(), "both know x");
    let alone = Disk::made(&[configuration(1, 1, &[("c", "10.0.0.3:6868", 0)])]);
    let (_, ranking) = ranked(&[of("a"), alone]);
    let finding = ranking.findings.find("dkron.cluster").unwrap();
    assert!(finding.why.contains("different clusters"), "{finding:?}");
    assert!(ranking.findings.blocks());
    // More than the cluster has.
    let (_, ranking) = ranked(&[of("a"), of("a"), of("a")]);
    assert!(ranking.findings.blocks());
}
