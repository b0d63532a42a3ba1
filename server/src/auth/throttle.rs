//! Slows down whoever guesses passwords: after a few failures an account as seen from one address, and an
//! address as a whole, must wait, longer each time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Failures that cost nothing, per account and address.
const FREE_PER_ACCOUNT: u32 = 5;
/// Failures that cost nothing, per address over all accounts.
const FREE_PER_ADDRESS: u32 = 20;
/// The first wait, in milliseconds; it doubles with each further failure.
const FIRST_WAIT_MS: i64 = 2_000;
/// The longest wait.
const LONGEST_WAIT_MS: i64 = 15 * 60_000;
/// Failures are forgotten after this long without another.
const FORGET_MS: i64 = 60 * 60_000;
/// How many accounts and addresses are remembered at most.
const REMEMBERED: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Account(String, IpAddr),
    Address(IpAddr),
}

#[derive(Debug, Clone, Copy, Default)]
struct Failures {
    count: u32,
    last_ms: i64,
}

/// Remembers failed logins, in memory only.
#[derive(Debug, Default)]
pub struct Throttle {
    failures: Mutex<HashMap<Key, Failures>>,
}

impl Throttle {
    /// How long this account must wait from this address, in milliseconds, if it must.
    pub fn wait_ms(&self, account: &str, address: IpAddr, now_ms: i64) -> Option<i64> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        keys(account, address)
            .iter()
            .filter_map(|key| {
                let failures = failures.get_mut(key)?;
                // A clock that was set back: the wait goes on from here, rather than until the clock is where it was.
                failures.last_ms = failures.last_ms.min(now_ms);
                Some(left(key, *failures, now_ms))
            })
            .max()
            .filter(|ms| *ms > 0)
    }

    /// Takes note of a failure.
    pub fn failed(&self, account: &str, address: IpAddr, now_ms: i64) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= REMEMBERED {
            failures.retain(|_, f| now_ms - f.last_ms < FORGET_MS);
        }
        if failures.len() >= REMEMBERED {
            // Somebody floods us with names: the oldest are the least useful.
            let mut ages: Vec<i64> = failures.values().map(|f| f.last_ms).collect();
            ages.sort_unstable();
            let oldest_half = ages[ages.len() / 2];
            failures.retain(|_, f| f.last_ms > oldest_half);
        }
        for key in keys(account, address) {
            let entry = failures.entry(key).or_default();
            if now_ms - entry.last_ms >= FORGET_MS {
                entry.count = 0;
            }
            entry.count = entry.count.saturating_add(1);
            entry.last_ms = now_ms;
        }
    }

    /// Forgets the account's failures from this address; the address's own stay.
    pub fn succeeded(&self, account: &str, address: IpAddr) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.remove(&keys(account, address)[0]);
    }
}

fn keys(account: &str, address: IpAddr) -> [Key; 2] {
    [
        Key::Account(account.to_lowercase(), address),
        Key::Address(address),
    ]
}

fn left(key: &Key, failures: Failures, now_ms: i64) -> i64 {
    let free = match key {
        Key::Account(..) => FREE_PER_ACCOUNT,
        Key::Address(_) => FREE_PER_ADDRESS,
    };
    let Some(over) = failures.count.checked_sub(free) else {
        return 0;
    };
    if now_ms - failures.last_ms >= FORGET_MS {
        return 0;
    }
    let wait = FIRST_WAIT_MS
        .saturating_mul(1 << over.min(20))
        .min(LONGEST_WAIT_MS);
    failures.last_ms + wait - now_ms
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn the_wait_begins_after_five_failures_and_doubles() {
        let throttle = Throttle::default();
        for _ in 0..FREE_PER_ACCOUNT - 1 {
            throttle.failed("ak", HOME, 1000);
        }
        assert_eq!(throttle.wait_ms("ak", HOME, 1000), None);
        throttle.failed("AK", HOME, 1000);
        assert_eq!(throttle.wait_ms("ak", HOME, 1000), Some(FIRST_WAIT_MS));
        throttle.failed("ak", HOME, 1000);
        assert_eq!(throttle.wait_ms("ak", HOME, 1000), Some(2 * FIRST_WAIT_MS));
        assert_eq!(throttle.wait_ms("other", HOME, 1000), None);
        assert_eq!(throttle.wait_ms("ak", HOME, 1000 + FORGET_MS), None);
        throttle.succeeded("ak", HOME);
        assert_eq!(throttle.wait_ms("ak", HOME, 1000), None);
    }

    #[test]
    fn many_names_from_one_address_are_one_guesser() {
        let throttle = Throttle::default();
        for n in 0..FREE_PER_ADDRESS {
            throttle.failed(&format!("user{n}"), HOME, 1000);
        }
        assert!(throttle.wait_ms("fresh", HOME, 1000).is_some());
        assert_eq!(throttle.wait_ms("fresh", [10, 0, 0, 1].into(), 1000), None);
    }

    #[test]
    fn a_clock_that_is_set_back_prolongs_no_wait() {
        const DAY_MS: i64 = 24 * 3_600_000;
        let throttle = Throttle::default();
        for _ in 0..FREE_PER_ACCOUNT {
            throttle.failed("ak", HOME, 10 * DAY_MS);
        }
        assert_eq!(throttle.wait_ms("ak", HOME, DAY_MS), Some(FIRST_WAIT_MS));
        assert_eq!(throttle.wait_ms("ak", HOME, DAY_MS + FIRST_WAIT_MS), None);
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        for n in 0..3 * REMEMBERED as i64 {
            throttle.failed(&format!("user{n}"), HOME, n);
        }
        assert!(throttle.failures.lock().unwrap().len() <= REMEMBERED + 2);
    }
}
