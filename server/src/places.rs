//! Places for connections: so many in all, and so many for one address. When they are all taken, a newcomer gets the
//! place of the connection that has the least claim to it, so that silence and strangers keep nobody out.
//!
//! ```text
//! let go first   strangers on whose connection nothing is under way, the longest silent before the others
//!        then    people who signed in, likewise: their browser makes another connection when it needs one
//!        then    strangers with a request under way
//!        never   people who signed in and have a request under way
//!        never   newcomers, for as long as a first request may take to arrive
//! ```
//!
//! A newcomer has said nothing yet, and would be the first to go for the next one: many that come at once would each
//! lose their place before they can use it. While newcomers hold all that could be had, the next one waits until the
//! first of them has had its time; one whose address has its share of them is turned away.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::address::{Network, Proxies};

/// The places. Clones share them.
#[derive(Clone)]
pub struct Places(Arc<Shared>);

struct Shared {
    all: usize,
    per_address: usize,
    /// How long a newcomer keeps its place before its first request.
    grace: Duration,
    /// Through these come many people, each address of theirs is many.
    proxies: Proxies,
    now: Now,
    state: Mutex<State>,
    freed: Notify,
}

/// What time it is.
type Now = Box<dyn Fn() -> Instant + Send + Sync>;

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
    /// Until when it is a newcomer; none once a request began on it.
    new_until: Option<Instant>,
    /// Requests under way.
    busy: usize,
    /// Whether a person signed in on it.
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
    /// All are taken by them and by newcomers, of whom one has had its time then.
    Newcomers(Instant),
    /// This address has its share: it is at work on all of it, or has just come.
    Address,
}

impl Places {
    /// So many in all and for one address, which is not limited for proxies. A newcomer keeps its place for `grace`
    /// before its first request.
    pub fn new(all: usize, per_address: usize, grace: Duration, proxies: Proxies) -> Self {
        Self::at(Box::new(Instant::now), all, per_address, grace, proxies)
    }

    fn at(now: Now, all: usize, per_address: usize, grace: Duration, proxies: Proxies) -> Self {
        Self(Arc::new(Shared {
            all,
            per_address,
            grace,
            proxies,
            now,
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
                Err(Full::Newcomers(until)) => {
                    // Whichever comes first.
                    let _ = tokio::time::timeout_at(until.into(), freed).await;
                }
            }
        }
    }

    /// A place, if there is one or one can be made.
    ///
    /// # Errors
    /// When all places that it could have are at work, or are newcomers'.
    pub fn try_give(&self, peer: IpAddr) -> Result<Place, Full> {
        let network = Network::of(peer);
        let now = (self.0.now)();
        let mut state = self.state();
        let theirs = state.of.get(&network).copied().unwrap_or(0);
        if theirs >= self.0.per_address && !self.0.proxies.has(peer) {
            let freed = state.let_go_one(Some(network), now);
            freed.ok_or(Full::Address)?;
        }
        if state.held.len() >= self.0.all && state.let_go_one(None, now).is_none() {
            let newcomers = state.newcomers_until(now);
            return Err(newcomers.map_or(Full::All, Full::Newcomers));
        }
        let id = state.next;
        state.next += 1;
        let out = CancellationToken::new();
        let held = Held {
            network,
            since: now,
            new_until: Some(now + self.0.grace),
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
        let now = (self.0.now)();
        self.state().let_go_one(None, now);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes a place back, of all or of one network; none when each is at work for a person who signed in, or a
    /// newcomer's.
    fn let_go_one(&mut self, of: Option<Network>, now: Instant) -> Option<()> {
        let (_, &id) = self
            .held
            .iter()
            .filter(|(_, held)| of.is_none_or(|network| network == held.network))
            .filter_map(|(id, held)| Some(((held.claim(now)?, held.since), id)))
            .min()?;
        if let Some(held) = self.remove(id) {
            held.out.cancel();
        }
        Some(())
    }

    /// When the first of the newcomers has had its time; none where there are no newcomers.
    fn newcomers_until(&self, now: Instant) -> Option<Instant> {
        let until = self.held.values().filter_map(|held| held.new_until);
        until.filter(|until| now < *until).min()
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
    fn is_new(&self, now: Instant) -> bool {
        self.new_until.is_some_and(|until| now < until)
    }

    /// How good its claim is; none when it cannot be taken back.
    fn claim(&self, now: Instant) -> Option<u8> {
        if self.is_new(now) {
            return None;
        }
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
        self.note(|held| {
            held.busy += 1;
            held.new_until = None;
        });
        Busy(self.clone())
    }

    /// A person signed in on it.
    pub fn is_known(&self) {
        self.note(|held| held.known = true);
    }

    fn note(&self, note: impl FnOnce(&mut Held)) {
        let now = (self.0.places.0.now)();
        if let Some(held) = self.0.places.state().held.get_mut(&self.0.id) {
            note(held);
            held.since = now;
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

    const GRACE: Duration = Duration::from_millis(100);

    /// Places in a time that only goes on when the test says so.
    struct Fixture {
        places: Places,
        ahead: Arc<Mutex<Duration>>,
    }

    impl Fixture {
        fn with(all: usize, per_address: usize, proxies: Proxies) -> Self {
            let ahead = Arc::new(Mutex::new(Duration::ZERO));
            let (begun, turned) = (Instant::now(), ahead.clone());
            let now = Box::new(move || begun + *turned.lock().unwrap());
            let places = Places::at(now, all, per_address, GRACE, proxies);
            Self { places, ahead }
        }

        fn give(&self, n: u8) -> Place {
            self.places.try_give(address(n)).unwrap()
        }

        fn refusal(&self, n: u8) -> Option<Full> {
            self.places.try_give(address(n)).err()
        }

        fn passes(&self, time: Duration) {
            *self.ahead.lock().unwrap() += time;
        }

        fn now(&self) -> Instant {
            (self.places.0.now)()
        }
    }

    fn places(all: usize, per_address: usize) -> Fixture {
        Fixture::with(all, per_address, Proxies::default())
    }

    fn address(n: u8) -> IpAddr {
        [10, 0, 0, n].into()
    }

    fn is_out(place: &Place) -> bool {
        place.0.out.is_cancelled()
    }

    #[test]
    fn the_least_claim_goes_first() {
        let places = places(4, 4);
        let at_work = places.give(1);
        at_work.is_known();
        let _work = at_work.busy();
        let asking = places.give(2);
        let _asks = asking.busy();
        let signed_in = places.give(3);
        signed_in.is_known();
        let silent = places.give(4);
        places.passes(GRACE);
        let mut newcomers = Vec::new();
        for (n, out) in [&silent, &signed_in, &asking].into_iter().enumerate() {
            assert!(!is_out(out), "{n}");
            let newcomer = places.give(5);
            assert!(is_out(out), "{n}");
            // They work too, and are not the next to go.
            newcomer.is_known();
            newcomers.push((newcomer.busy(), newcomer));
        }
        assert!(!is_out(&at_work));
        assert_eq!(places.refusal(6), Some(Full::All));
        newcomers.pop();
        places.give(6);
    }

    #[test]
    fn the_longest_silent_goes_first() {
        let places = places(3, 3);
        let silent: Vec<_> = (0..3).map(|n| places.give(n)).collect();
        places.passes(GRACE);
        // It was the first to come, and is the last that was heard of.
        drop(silent[0].busy());
        let _newcomer = places.give(9);
        let out: Vec<_> = silent.iter().map(is_out).collect();
        assert_eq!(out, [false, true, false]);
    }

    #[test]
    fn a_newcomer_outlasts_idle_people_and_other_newcomers() {
        let places = places(3, 3);
        let idle = places.give(1);
        idle.is_known();
        drop(idle.busy());
        let first = places.give(2);
        places.passes(GRACE / 2);
        let second = places.give(3);
        // The person who signed in and does nothing goes before those who have just come.
        let third = places.give(4);
        assert!(is_out(&idle));
        // For yet another, none of them goes: it is told when the first of them has had its time.
        let until = places.now() + GRACE / 2;
        assert_eq!(places.refusal(5), Some(Full::Newcomers(until)));
        places.passes(GRACE / 2 - Duration::from_millis(1));
        assert_eq!(places.refusal(5), Some(Full::Newcomers(until)));
        places.passes(Duration::from_millis(1));
        let fourth = places.give(5);
        assert!(is_out(&first) && !is_out(&second) && !is_out(&third));
        // Once it has asked for something, a newcomer is a stranger like others.
        drop(third.busy());
        let _fifth = places.give(6);
        assert!(is_out(&third) && !is_out(&second) && !is_out(&fourth));
    }

    #[test]
    fn an_address_of_newcomers_has_no_more_than_its_share() {
        let places = places(4, 2);
        let first = places.give(1);
        let second = places.give(1);
        assert_eq!(places.refusal(1), Some(Full::Address));
        places.give(2);
        places.passes(GRACE);
        let _third = places.give(1);
        assert!(is_out(&first) && !is_out(&second));
    }

    #[tokio::test]
    async fn many_that_come_at_once_each_have_time_for_their_first_request() {
        let places = Places::new(8, 8, GRACE, Proxies::default());
        let mut asked = tokio::task::JoinSet::new();
        for n in 0..32 {
            let place = places.give(address(n)).await.unwrap();
            asked.spawn(async move {
                // As long as a slow line takes, with TLS.
                tokio::time::sleep(GRACE / 4).await;
                let kept = !is_out(&place);
                drop(place.busy());
                // Silent again, until another needs the place.
                let _ = tokio::time::timeout(GRACE * 2, place.taken_back()).await;
                kept
            });
        }
        let kept = asked.join_all().await;
        assert!(kept.into_iter().all(|kept| kept), "one could not ask");
    }

    #[test]
    fn an_address_has_its_share() {
        let proxy = IpAddr::from([10, 0, 0, 7]);
        let places = Fixture::with(10, 2, "10.0.0.7".parse::<Proxies>().unwrap());
        let mut held = Vec::new();
        for _ in 0..2 {
            let place = places.give(1);
            place.is_known();
            held.push((place.busy(), place));
        }
        assert_eq!(places.refusal(1), Some(Full::Address));
        for _ in 0..5 {
            let through = places.places.try_give(proxy).unwrap();
            held.push((through.busy(), places.give(2)));
            places.passes(GRACE);
        }
        // Addresses of one line are one.
        let line = |n: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, n, n, n, n]);
        let other = IpAddr::from([0x2001, 0xdb8, 0, 2, 0, 0, 0, 1]);
        assert_eq!(Network::of(line(1)), Network::of(line(2)));
        assert_ne!(Network::of(line(1)), Network::of(other));
        drop(held);
        let state = places.places.state();
        assert!(state.of.is_empty() && state.held.is_empty());
    }

    #[tokio::test]
    async fn a_free_place_goes_to_the_next_in_line() {
        let places = Places::new(1, 1, GRACE, Proxies::default());
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

    #[tokio::test]
    async fn the_next_in_line_waits_no_longer_than_a_newcomer_has() {
        let places = Places::new(1, 1, GRACE, Proxies::default());
        let silent = places.try_give(address(1)).unwrap();
        let begun = Instant::now();
        let soon = tokio::time::timeout(GRACE * 20, places.give(address(2)));
        assert!(soon.await.unwrap().is_some() && is_out(&silent));
        assert!(begun.elapsed() >= GRACE / 2, "the other had its time");
    }
}
