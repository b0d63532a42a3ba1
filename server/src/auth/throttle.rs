//! Slows down whoever guesses passwords.
//!
//! ```text
//! an account, seen from one network   a few tries are free, then a wait that doubles with each failure. An attempt
//!                                     counts before it is looked at, and is taken back when it was right
//! an account, seen from everywhere    after many failures fewer tries are free, and the first wait is longer: for
//!                                     each network anew, so that its owner is slowed and never kept out by others
//! a network, whatever the accounts    after many failures one attempt at a time, each after a pause. It is slowed and
//!                                     not refused: behind a proxy that is not named, all people are one network
//! a browser that is known             its own tries, and nothing of the above
//! ```
//!
//! An IPv6 network is a /64. Failures are forgotten after an hour without another.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::store::{Failures, PeopleStore};
use crate::address::Network;
use crate::shares::{Share, Shares};

/// Failures of an account from everywhere after which it is known to be under attack.
const MANY_OF_ACCOUNT: u32 = 25;
/// Failures of a network after which it is one that guesses.
const MANY_OF_NETWORK: u32 = 20;
/// The longest wait, in milliseconds.
const LONGEST_WAIT_MS: i64 = 15 * 60_000;
/// Failures are forgotten after this long without another.
const FORGET_MS: i64 = 60 * 60_000;
/// The first pause of a network that guesses; it grows with each [`MANY_OF_NETWORK`] failures.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Attempts of a network at the same time.
const AT_ONCE: usize = 16;
/// Attempts that may wait for the pauses of a network that guesses; who comes then is told to wait.
const MAY_PAUSE: usize = 4;
/// More than there are.
const NO_LIMIT: usize = 1 << 20;

/// How many failures are free, and how long the first wait is.
#[derive(Debug, Clone, Copy)]
struct Pace {
    free: u32,
    first_wait_ms: i64,
}

const USUAL: Pace = Pace {
    free: 5,
    first_wait_ms: 2_000,
};
/// Where somebody guesses.
const SLOW: Pace = Pace {
    free: 2,
    first_wait_ms: 30_000,
};

/// Counts failed attempts; all servers that share a database count together.
pub(super) struct Throttle {
    failures: Arc<dyn PeopleStore>,
    /// What fails: one does not count for the other.
    what: &'static str,
    /// One attempt after the other under each count, so that those who are right do not count for each other.
    turns: Shares,
    networks: Shares,
    pauses: Shares,
    pausing: Shares,
}

/// An attempt that counts until it is found to be right.
pub(super) struct Attempt {
    counted: String,
    /// What a failure counts for as well.
    beside: Vec<String>,
    _turn: Share,
    _network: Option<Share>,
}

/// How long to wait, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait(pub(super) i64);

impl Throttle {
    /// Counts in this store.
    pub(super) fn new(failures: Arc<dyn PeopleStore>, what: &'static str) -> Self {
        Self {
            failures,
            what,
            turns: Shares::new(NO_LIMIT, 1),
            networks: Shares::new(NO_LIMIT, AT_ONCE),
            pauses: Shares::new(NO_LIMIT, 1),
            pausing: Shares::new(NO_LIMIT, MAY_PAUSE),
        }
    }

    /// Begins an attempt on an account from a network.
    ///
    /// # Errors
    /// When the store cannot be written; and how long to wait, in the inner result.
    pub(super) async fn attempt(
        &self,
        account: &str,
        address: IpAddr,
        now_ms: i64,
    ) -> anyhow::Result<Result<Attempt, Wait>> {
        let network = Network::of(address);
        let account = of(account);
        let counted = format!("{} {network} {account}", self.what);
        let (of_account, of_network) = (
            format!("{} account {account}", self.what),
            format!("{} {network}", self.what),
        );
        let turn = self.turns.take(&counted).await?;
        let place = self.networks.take(&of_network).await?;
        let seen = self.recent(&of_network, now_ms).await?;
        let guesses = seen >= MANY_OF_NETWORK;
        let attacked = self.recent(&of_account, now_ms).await? >= MANY_OF_ACCOUNT;
        let pace = if guesses || attacked { SLOW } else { USUAL };
        // Whoever has to wait anyway does not do so here.
        let failures = self.failures.failures(&counted, now_ms).await?;
        if let Some(wait) = wait(pace, failures, now_ms) {
            return Ok(Err(wait));
        }
        if guesses && let Err(wait) = self.pause(&of_network, seen).await? {
            return Ok(Err(wait));
        }
        let beside = vec![of_account, of_network];
        self.count(counted, beside, pace, now_ms, turn, Some(place))
            .await
    }

    /// Begins an attempt that counts under this name alone.
    ///
    /// # Errors
    /// When the store cannot be written; and how long to wait, in the inner result.
    pub(super) async fn attempt_of(
        &self,
        who: &str,
        now_ms: i64,
    ) -> anyhow::Result<Result<Attempt, Wait>> {
        let counted = format!("{} of {}", self.what, of(who));
        let turn = self.turns.take(&counted).await?;
        self.count(counted, Vec::new(), USUAL, now_ms, turn, None)
            .await
    }

    async fn count(
        &self,
        counted: String,
        beside: Vec<String>,
        pace: Pace,
        now_ms: i64,
        turn: Share,
        network: Option<Share>,
    ) -> anyhow::Result<Result<Attempt, Wait>> {
        let may = move |failures| wait(pace, failures, now_ms).is_none();
        let old_ms = now_ms - FORGET_MS;
        let before = self
            .failures
            .add_failure_if(&counted, now_ms, old_ms, &may)
            .await?;
        Ok(match wait(pace, before, now_ms) {
            Some(wait) => Err(wait),
            None => Ok(Attempt {
                counted,
                beside,
                _turn: turn,
                _network: network,
            }),
        })
    }

    /// The attempt was right: it does not count, nor what failed before it.
    pub(super) async fn succeeded(&self, attempt: Attempt) -> anyhow::Result<()> {
        self.failures.forget_failures(&attempt.counted).await
    }

    /// The attempt was wrong.
    pub(super) async fn failed(&self, attempt: Attempt, now_ms: i64) -> anyhow::Result<()> {
        for who in &attempt.beside {
            self.failures
                .add_failure(who, now_ms, now_ms - FORGET_MS)
                .await?;
        }
        Ok(())
    }

    /// One attempt of a network at a time, after a pause.
    async fn pause(&self, network: &str, failures: u32) -> anyhow::Result<Result<(), Wait>> {
        let pause = (PAUSE * (failures / MANY_OF_NETWORK)).min(LONGEST_PAUSE);
        let Some(_waits) = self.pausing.try_take(network) else {
            let all = pause * u32::try_from(MAY_PAUSE).unwrap_or(1);
            return Ok(Err(Wait(i64::try_from(all.as_millis())?)));
        };
        let _turn = self.pauses.take(network).await?;
        tokio::time::sleep(pause).await;
        Ok(Ok(()))
    }

    /// Failures that are not forgotten yet.
    async fn recent(&self, who: &str, now_ms: i64) -> anyhow::Result<u32> {
        let failures = self.failures.failures(who, now_ms).await?;
        let forgotten = now_ms - failures.last_ms >= FORGET_MS;
        Ok(if forgotten { 0 } else { failures.count })
    }
}

/// What was typed as the name may be a password in the wrong field: of it, 24 bits of a hash are kept. Two names that
/// have them in common wait for each other, from the same address, and nothing else happens.
fn of(typed: &str) -> String {
    let hash = Sha256::digest(typed.trim().to_lowercase().as_bytes());
    hex::encode(&hash[..3])
}

fn wait(pace: Pace, failures: Failures, now_ms: i64) -> Option<Wait> {
    let over = failures.count.checked_sub(pace.free)?;
    if now_ms - failures.last_ms >= FORGET_MS {
        return None;
    }
    let wait = pace
        .first_wait_ms
        .saturating_mul(1 << over.min(20))
        .min(LONGEST_WAIT_MS);
    let left = failures.last_ms + wait - now_ms;
    (left > 0).then_some(Wait(left))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{At, Database};

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    async fn throttle() -> (Throttle, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let db = Database::open(&At::File(dir.path().join("db"))).await;
        (Throttle::new(Arc::new(db.unwrap()), "login"), dir)
    }

    /// Tries and fails; how long it would have had to wait instead.
    async fn fail(throttle: &Throttle, account: &str, from: IpAddr, now_ms: i64) -> Option<i64> {
        match throttle.attempt(account, from, now_ms).await.unwrap() {
            Ok(attempt) => {
                throttle.failed(attempt, now_ms).await.unwrap();
                None
            }
            Err(Wait(wait)) => Some(wait),
        }
    }

    #[tokio::test]
    async fn the_wait_begins_after_five_failures_and_doubles() {
        let (throttle, _dir) = throttle().await;
        for name in ["ak", "AK", " ak", "ak", "ak"] {
            assert_eq!(fail(&throttle, name, HOME, 1000).await, None);
        }
        assert_eq!(fail(&throttle, "ak", HOME, 1000).await, Some(2_000));
        assert_eq!(fail(&throttle, "ak", HOME, 3000).await, None);
        assert_eq!(fail(&throttle, "ak", HOME, 3000).await, Some(4_000));
        assert_eq!(fail(&throttle, "other", HOME, 3000).await, None);
        let attempt = throttle.attempt("ak", HOME, 7000).await.unwrap();
        throttle.succeeded(attempt.ok().unwrap()).await.unwrap();
        assert_eq!(fail(&throttle, "ak", HOME, 7000).await, None);
        assert_eq!(fail(&throttle, "ak", HOME, 7000 + FORGET_MS).await, None);
    }

    #[tokio::test]
    async fn all_at_once_is_one_after_the_other() {
        let (throttle, _dir) = throttle().await;
        let tries = (0..40).map(|_| fail(&throttle, "ak", HOME, 1000));
        let waits = futures_util::future::join_all(tries).await;
        assert_eq!(waits.iter().filter(|wait| wait.is_none()).count(), 5);
        // Those who are right do not wait for each other.
        let right = (0..20).map(|_| async {
            let attempt = throttle.attempt("bo", HOME, 1000).await.unwrap();
            throttle.succeeded(attempt.ok().unwrap()).await.unwrap();
        });
        futures_util::future::join_all(right).await;
    }

    #[tokio::test]
    async fn an_attempt_that_is_cut_off_counts() {
        let (throttle, _dir) = throttle().await;
        for _ in 0..5 {
            drop(
                throttle
                    .attempt("ak", HOME, 1000)
                    .await
                    .unwrap()
                    .ok()
                    .unwrap(),
            );
        }
        assert_eq!(fail(&throttle, "ak", HOME, 1000).await, Some(2_000));
    }

    #[tokio::test]
    async fn many_networks_that_try_one_account_are_slowed_and_its_owner_comes_in() {
        let (throttle, _dir) = throttle().await;
        let mut tried = 0;
        for n in 0..40 {
            let from = [10, 0, 0, n].into();
            for _ in 0..5 {
                tried += usize::from(fail(&throttle, "ak", from, 1000).await.is_none());
            }
        }
        assert!(tried <= 25 + 2 * 36, "{tried} of 200");
        let home = [192, 168, 0, 1].into();
        assert!(throttle.attempt("ak", home, 1000).await.unwrap().is_ok());
        assert_eq!(
            fail(&throttle, "other", [10, 0, 0, 1].into(), 1000).await,
            None
        );
        // Addresses of one line are one.
        let line = |n| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, n]);
        for n in 0..2 {
            assert_eq!(fail(&throttle, "ak", line(n), 1000).await, None);
        }
        assert!(fail(&throttle, "ak", line(3), 1000).await.is_some());
    }

    #[tokio::test]
    async fn a_network_that_guesses_is_slowed_and_not_refused() {
        let (throttle, _dir) = throttle().await;
        for n in 0..MANY_OF_NETWORK {
            assert_eq!(fail(&throttle, &format!("user{n}"), HOME, 1000).await, None);
        }
        let begun = std::time::Instant::now();
        assert!(throttle.attempt("fresh", HOME, 1000).await.unwrap().is_ok());
        assert!(begun.elapsed() >= PAUSE);
        let more = (0..40).map(|n| {
            let name = format!("more{n}");
            let throttle = &throttle;
            async move { fail(throttle, &name, HOME, 1000).await }
        });
        let waits = futures_util::future::join_all(more).await;
        let tried = waits.iter().filter(|wait| wait.is_none()).count();
        assert!(tried <= MAY_PAUSE, "{tried} were tried");
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_prolongs_no_wait() {
        const DAY_MS: i64 = 24 * 3_600_000;
        let (throttle, _dir) = throttle().await;
        for _ in 0..5 {
            assert_eq!(fail(&throttle, "ak", HOME, 10 * DAY_MS).await, None);
        }
        assert_eq!(fail(&throttle, "ak", HOME, DAY_MS).await, Some(2_000));
        assert_eq!(fail(&throttle, "ak", HOME, DAY_MS + 2_000).await, None);
    }

    #[tokio::test]
    async fn what_is_old_is_forgotten() {
        let (throttle, _dir) = throttle().await;
        for _ in 0..5 {
            fail(&throttle, "ak", HOME, 1000).await;
        }
        fail(&throttle, "other", HOME, 1000 + FORGET_MS).await;
        let who = format!("login {HOME} {}", of("ak"));
        let kept = throttle.failures.failures(&who, 1000).await;
        assert_eq!(kept.unwrap(), Failures::default());
    }
}
