//! Requests of strangers whose body has not arrived. Each keeps its headers and a task for as long as it waits, so there
//! are so many in all and so many of one network. A newcomer takes the place of the one that has waited longest: a body
//! that is on its way is there in a moment.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// The places to wait at. Clones share them.
#[derive(Clone)]
pub(super) struct Waiting(Arc<Shared>);

struct Shared {
    all: usize,
    of_network: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    /// The longest waiting first.
    waiters: BTreeMap<u64, Held>,
}

struct Held {
    network: String,
    evicted: CancellationToken,
}

/// A place to wait at, until it is dropped.
pub(super) struct Waiter {
    id: u64,
    waiting: Waiting,
    evicted: CancellationToken,
}

impl Waiting {
    /// So many places in all and for one network.
    pub(super) fn new(all: usize, of_network: usize) -> Self {
        Self(Arc::new(Shared {
            all,
            of_network,
            state: Mutex::default(),
        }))
    }

    /// A place; where all are taken, that of the longest waiting one.
    pub(super) fn take(&self, network: &str) -> Waiter {
        let mut state = self.state();
        let theirs = |held: &Held| held.network == network;
        let count = state.waiters.values().filter(|held| theirs(held)).count();
        if count >= self.0.of_network {
            state.evict(theirs);
        } else if state.waiters.len() >= self.0.all {
            state.evict(|_| true);
        }
        let (id, evicted) = (state.next, CancellationToken::new());
        state.next += 1;
        let held = Held {
            network: network.to_owned(),
            evicted: evicted.clone(),
        };
        state.waiters.insert(id, held);
        Waiter {
            id,
            waiting: self.clone(),
            evicted,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes the place of the longest waiting one of these.
    fn evict(&mut self, of: impl Fn(&Held) -> bool) {
        let longest = self.waiters.iter().find(|(_, held)| of(held));
        let Some(id) = longest.map(|(id, _)| *id) else {
            return;
        };
        if let Some(held) = self.waiters.remove(&id) {
            held.evicted.cancel();
        }
    }
}

impl Waiter {
    /// Returns when another has taken the place.
    pub(super) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.waiting.state().waiters.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_waiting_one_goes_first() {
        let waiting = Waiting::new(3, 2);
        let out = |waiters: &[&Waiter]| -> Vec<_> {
            let out = waiters.iter().map(|waiter| waiter.evicted.is_cancelled());
            out.collect()
        };
        let [b, first, second] = ["b", "a", "a"].map(|network| waiting.take(network));
        assert_eq!(out(&[&b, &first, &second]), [false, false, false]);
        // One network takes from itself.
        let third = waiting.take("a");
        assert_eq!(
            out(&[&b, &first, &second, &third]),
            [false, true, false, false]
        );
        // All are taken: the longest waiting one goes, of whichever network.
        let c = waiting.take("c");
        assert_eq!(out(&[&b, &second, &third, &c]), [true, false, false, false]);
        // Whoever has its body makes room.
        drop(second);
        let d = waiting.take("d");
        assert_eq!(out(&[&third, &c, &d]), [false, false, false]);
        drop((b, first, third, c, d));
        assert!(waiting.state().waiters.is_empty());
    }
}
