//! The harness itself: each version starts, is written to and asked, and ends.

use std::time::Duration;

use crate::harness::{Cluster, Settings, Watched, peers};

#[test]
fn every_version_serves_what_it_was_given() {
    for peer in peers().all() {
        let mut cluster = Cluster::single(peer);
        let client = cluster.client();
        assert_eq!(client.put("a", "1"), 2);
        assert_eq!(client.put_all([("b", "2"), ("c", "3")]), 3);
        assert_eq!(client.delete("a"), 4);
        let keys: Vec<_> = client.all().into_iter().map(|kv| kv.key).collect();
        assert_eq!(keys, [b"b", b"c"]);
        assert_eq!(client.all_at(2).unwrap().len(), 1);
        assert_eq!(
            client.watch_from(4, Duration::from_secs(5)),
            Watched::Events(vec![(b"a".to_vec(), 4)])
        );
        client.compact(3);
        assert_eq!(
            client.watch_from(2, Duration::from_secs(5)),
            Watched::Compacted {
                compact_revision: 3
            }
        );
        assert_eq!(cluster.hash_kv(0, 0, None).unwrap().compact_revision, 3);
        assert_eq!(client.revision(), 4);

        let lease = client.lease_grant(0x7fff_ffff_ffff_fffe, 3600);
        client.put_leased("leased", "x", lease);
        assert_eq!(client.get("leased").unwrap().lease, 0x7fff_ffff_ffff_fffe);

        cluster.stop();
        cluster.boot();
        assert_eq!(cluster.client().all().len(), 3);
    }
}

#[test]
fn three_members_agree() {
    let settings = Settings {
        members: 3,
        ..Settings::default()
    };
    let cluster = Cluster::start(peers().v3_5_1(), settings);
    cluster.client().put("a", "1");
    let hashes: Vec<_> = (0..3)
        .map(|index| cluster.hash_kv(index, 2, None).unwrap())
        .collect();
    assert_eq!(hashes[0], hashes[1]);
    assert_eq!(hashes[0], hashes[2]);
}
