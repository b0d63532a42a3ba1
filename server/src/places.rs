//! Places for connections: so many in all, and so many for one address. When they are all taken, a newcomer gets the
//! place of the connection that has the least claim to it, so that silence and strangers keep nobody out.
//!
//! ```text
//! let go first   strangers on whose connection nothing is under way, the longest silent before the others
//!        then    people who signed in, likewise: their browser makes another connection when it needs one
//!        then    strangers with a request under way
//!        never   people who signed in and have a request under way
//! ```

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::address::{Network, Proxies};

/// The places. Clones share them.
#[derive(Clone)]
pub struct Places(Arc<Shared>);

struct Shared {
    all: usize,
    per_address: usize,
    /// Through these come many people, each address of theirs is many.
    proxies: Proxies,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Default)]
struct State {
    next: u64,
    held: HashMap<u64, Held>,
    of: HashMap<Network, usize>,
}

struct Held {
    network: Network,
    /// When something began or ended on it.
    since: Instant,
    /// Requests under way.
    busy: usize,
    /// Whether somebody came in on it.
    known: bool,
    out: CancellationToken,
}

/// One connection's place, until all clones are dropped.
#[derive(Clone)]
pub struct Place(Arc<Holding>);

struct Holding {
    id: u64,
    places: Places,
    out: CancellationToken,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// All are taken by people who are at work.
    All,
    /// This address has its share, and is at work on all of it.
    Address,
}

impl Places {
    /// So many in all and for one address. The addresses of proxies are not limited.
    pub fn new(all: usize, per_address: usize, proxies: Proxies) -> Self {
        Self(Arc::new(Shared {
            all,
            per_address,
            proxies,
            state: Mutex::default(),
            freed: Notify::new(),
        }))
    }

    /// A place for a connection from there, as soon as there is one; none when that address has its share already.
    pub async fn give(&self, peer: IpAddr) -> Option<Place> {
        loop {
            let freed = self.0.freed.notified();
            match self.try_give(peer) {
                Ok(place) => return Some(place),
                Err(Full::Address) => return None,
                Err(Full::All) => freed.await,
            }
        }
    }

    /// A place, if there is one or one can be made.
    ///
    /// # Errors
    /// When all places that it could have are at work.
    pub fn try_give(&self, peer: IpAddr) -> Result<Place, Full> {
        let network = Network::of(peer);
        let mut state = self.state();
        let theirs = state.of.get(&network).copied().unwrap_or(0);
        if theirs >= self.0.per_address && !self.0.proxies.has(peer) {
            state.let_go_one(Some(network)).ok_or(Full::Address)?;
        }
        if state.held.len() >= self.0.all {
            state.let_go_one(None).ok_or(Full::All)?;
        }
        let id = state.next;
        state.next += 1;
        let out = CancellationToken::new();
        let held = Held {
            network,
            since: Instant::now(),
            busy: 0,
            known: false,
            out: out.clone(),
        };
        state.held.insert(id, held);
        *state.of.entry(network).or_default() += 1;
        Ok(Place(Arc::new(Holding {
            id,
            places: self.clone(),
            out,
        })))
    }

    /// Lets the connection go that has the least claim to its place: the system has no room for another.
    pub fn make_room(&self) {
        self.state().let_go_one(None);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes a place back, of all or of one network; none when each is at work for somebody who signed in.
    fn let_go_one(&mut self, of: Option<Network>) -> Option<()> {
        let (_, &id) = self
            .held
            .iter()
            .filter(|(_, held)| of.is_none_or(|network| network == held.network))
            .filter_map(|(id, held)| Some(((held.claim()?, held.since), id)))
            .min()?;
        if let Some(held) = self.remove(id) {
            held.out.cancel();
        }
        Some(())
    }

    fn remove(&mut self, id: u64) -> Option<Held> {
        let held = self.held.remove(&id)?;
        if let Some(count) = self.of.get_mut(&held.network) {
            *count -= 1;
            if *count == 0 {
                self.of.remove(&held.network);
            }
        }
        Some(held)
    }
}

impl Held {
    /// How good its claim is; none when it cannot be taken back.
    fn claim(&self) -> Option<u8> {
        match (self.busy > 0, self.known) {
            (false, false) => Some(0),
            (false, true) => Some(1),
            (true, false) => Some(2),
            (true, true) => None,
        }
    }
}

impl Place {
    /// Returns when another needs the place more.
    pub async fn taken_back(&self) {
        self.0.out.cancelled().await;
    }

    /// A request began on the connection; the others end when what this gives is dropped.
    pub fn busy(&self) -> Busy {
        self.note(|held| held.busy += 1);
        Busy(self.clone())
    }

    /// Somebody came in on it.
    pub fn is_known(&self) {
        self.note(|held| held.known = true);
    }

    fn note(&self, note: impl FnOnce(&mut Held)) {
        if let Some(held) = self.0.places.state().held.get_mut(&self.0.id) {
            note(held);
            held.since = Instant::now();
        }
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.places.state().remove(self.id);
        self.places.0.freed.notify_one();
    }
}

/// A request under way, until it is dropped.
pub struct Busy(Place);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.note(|held| held.busy = held.busy.saturating_sub(1));
        self.0.0.places.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(all: usize, per_address: usize) -> Places {
        Places::new(all, per_address, Proxies::default())
    }

    fn address(n: u8) -> IpAddr {
        [10, 0, 0, n].into()
    }

    fn is_out(place: &Place) -> bool {
        place.0.out.is_cancelled()
    }

    #[test]
    fn whoever_has_the_least_claim_goes_first() {
        let places = places(4, 4);
        let at_work = places.try_give(address(1)).unwrap();
        at_work.is_known();
        let _work = at_work.busy();
        let asking = places.try_give(address(2)).unwrap();
        let _asks = asking.busy();
        let came_in = places.try_give(address(3)).unwrap();
        came_in.is_known();
        let silent = places.try_give(address(4)).unwrap();
        let mut newcomers = Vec::new();
        for (n, out) in [&silent, &came_in, &asking].into_iter().enumerate() {
            assert!(!is_out(out), "{n}");
            let newcomer = places.try_give(address(5)).unwrap();
            assert!(is_out(out), "{n}");
            // They work too, and are not the next to go.
            newcomer.is_known();
            newcomers.push((newcomer.busy(), newcomer));
        }
        assert!(!is_out(&at_work));
        assert_eq!(places.try_give(address(6)).err(), Some(Full::All));
        newcomers.pop();
        assert!(places.try_give(address(6)).is_ok());
    }

    #[test]
    fn the_longest_silent_goes_first() {
        let places = places(3, 3);
        let silent: Vec<_> = (0..3)
            .map(|n| places.try_give(address(n)).unwrap())
            .collect();
        // It was the first to come, and is the last that was heard of.
        drop(silent[0].busy());
        let _newcomer = places.try_give(address(9)).unwrap();
        let out: Vec<_> = silent.iter().map(is_out).collect();
        assert_eq!(out, [false, true, false]);
    }

    #[test]
    fn an_address_has_its_share() {
        let proxy = IpAddr::from([10, 0, 0, 7]);
        let places = Places::new(10, 2, "10.0.0.7".parse::<Proxies>().unwrap());
        let mut held = Vec::new();
        for _ in 0..2 {
            let place = places.try_give(address(1)).unwrap();
            place.is_known();
            held.push((place.busy(), place));
        }
        assert_eq!(places.try_give(address(1)).err(), Some(Full::Address));
        for _ in 0..5 {
            held.push((
                places.try_give(proxy).unwrap().busy(),
                places.try_give(address(2)).unwrap(),
            ));
        }
        // Addresses of one line are one.
        let line = |n: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, n, n, n, n]);
        let other = IpAddr::from([0x2001, 0xdb8, 0, 2, 0, 0, 0, 1]);
        assert_eq!(Network::of(line(1)), Network::of(line(2)));
        assert_ne!(Network::of(line(1)), Network::of(other));
        drop(held);
        assert!(places.state().of.is_empty() && places.state().held.is_empty());
    }

    #[tokio::test]
    async fn a_place_that_comes_free_goes_to_whoever_waits() {
        let places = places(1, 1);
        let place = places.try_give(address(1)).unwrap();
        place.is_known();
        let busy = place.busy();
        let waiting = tokio::spawn({
            let places = places.clone();
            async move { places.give(address(2)).await.is_some() }
        });
        tokio::task::yield_now().await;
        drop(busy);
        assert!(waiting.await.unwrap() && is_out(&place));
    }
}
