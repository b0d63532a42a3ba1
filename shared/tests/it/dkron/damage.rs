//! Whatever is done to a server's files: reading them ends, and finds nothing that is not there.

use proptest::prelude::*;
use requorum_shared::dkron::peers::{Request, compose};
use requorum_shared::dkron::ranking::rank;

use super::support::Disk;

/// Bytes of a file overwritten, or cut off behind them.
#[derive(Debug, Clone)]
struct Damage {
    at: prop::sample::Index,
    bytes: Vec<u8>,
    cut: bool,
}

fn damage() -> impl Strategy<Value = Damage> {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..9),
        Just(u64::MAX.to_le_bytes().to_vec()),
        Just(vec![0; 64]),
    ];
    (
        any::<prop::sample::Index>(),
        bytes,
        prop::bool::weighted(0.1),
    )
        .prop_map(|(at, bytes, cut)| Damage { at, bytes, cut })
}

impl Damage {
    fn to(&self, file: &mut Vec<u8>) {
        let at = self.at.index(file.len());
        let end = (at + self.bytes.len()).min(file.len());
        file[at..end].copy_from_slice(&self.bytes[..end - at]);
        if self.cut {
            file.truncate(end);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn reading_ends(
        name in prop::sample::select(vec!["stopped", "ghost", "divergent/newer-term"]),
        db in prop::collection::vec(damage(), 0..4),
        state in prop::option::of(damage()),
        meta in prop::option::of(damage()),
        peers_json in prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
    ) {
        let mut disk = Disk::of(name);
        db.iter().for_each(|damage| damage.to(&mut disk.db));
        for snapshot in &mut disk.snapshots {
            state.iter().for_each(|damage| damage.to(&mut snapshot.state));
            meta.iter().for_each(|damage| damage.to(&mut snapshot.meta));
        }
        disk.peers_json = peers_json;
        if let Ok(server) = disk.read() {
            let most = disk.db.len() + disk.snapshots.iter().map(|s| s.state.len()).sum::<usize>();
            prop_assert!(server.jobs.as_ref().map_or(0, |jobs| jobs.len()) < most);
            prop_assert!(server.findings.findings.len() < 400);
            let servers = [server, Disk::of("killed").server()];
            let ranking = rank(&servers).unwrap();
            prop_assert_eq!(ranking.servers.len(), 2);
            let composed = compose(&servers, &ranking, &Request::default());
            // What is composed is taken, or nothing is composed.
            if let Some(bytes) = composed.bytes {
                prop_assert!(requorum_shared::raft::peers::parse(&bytes).is_ok());
            }
        }
    }

    /// A changed state is never taken for the one that was written.
    #[test]
    fn a_changed_state_is_seen(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut disk = Disk::of("stopped");
        let state = &mut disk.snapshots[0].state;
        let at = at.index(state.len());
        state[at] ^= 1 << bit;
        let server = disk.server();
        prop_assert_eq!(server.snapshots[0].crc_ok, Some(false));
        prop_assert_eq!(server.jobs, None);
    }
}
