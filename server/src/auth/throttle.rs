//! Slows down whoever guesses passwords.
//!
//! ```text
//! an account, seen from one network   a few tries are free, then a wait that doubles with each failure. An attempt
//!                                     counts before it is looked at, and is taken back when it was right
//! an account, seen from everywhere    after many failures fewer tries are free, and the first wait is longer: for
//!                                     each network anew, so that its owner is slowed and never kept out by others
//! a network, whatever the accounts    after many failures a wrong attempt is answered when its turn comes, one at a time
//!                                     after a pause each; who finds no turn is told to wait. A right one does not wait
//!                                     for that: behind a proxy that is not named, all people are one network
//! a browser that is known             its own tries, and nothing of the above
//! ```
//!
//! So that this does not tell which names are accounts, what is wrong is answered alike for all names: when, how, and
//! with the same work before. Only what is looked at early goes by whether the name is an account's, and only somebody
//! with the right password sees that.
//!
//! An IPv6 network is a /64. Failures are forgotten after an hour without another.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::store::{Failures, PeopleStore};
use crate::address::Network;
use crate::error::{ApiError, Result, internal};
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
/// Attempts that may wait for the pauses of a network that guesses; who comes then has no turn.
const MAY_PAUSE: usize = 4;
/// After this long whoever has no turn is told to wait.
const WITHOUT_TURN: Duration = Duration::from_secs(5);
/// Attempts of a network that guesses at the same time, with a turn or without: each leaves a count behind.
const GUESSES_AT_ONCE: usize = 256;
/// Between two early looks, of a network that guesses, at the passwords of accounts.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
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
    guesses: Shares,
    pauses: Shares,
    pausing: Shares,
    looks: Shares,
}

/// An attempt that counts until it is found to be right.
pub(super) struct Attempt {
    counted: String,
    /// What a failure counts for as well.
    beside: Vec<String>,
    slowed: Option<Slowed>,
    _turn: Share,
    _network: Option<Share>,
}

/// An attempt from a network that guesses.
struct Slowed {
    network: String,
    /// Whoever looks early does so one after the other, accounts apart from all other names.
    lane: String,
    pause: Duration,
    /// A place among those that wait for their turn.
    waits: Option<Share>,
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
            guesses: Shares::new(NO_LIMIT, GUESSES_AT_ONCE),
            pauses: Shares::new(NO_LIMIT, 1),
            pausing: Shares::new(NO_LIMIT, MAY_PAUSE),
            looks: Shares::new(NO_LIMIT, 1),
        }
    }

    /// Begins an attempt under this name from a network. `is_account`: whether a password could be right for it.
    ///
    /// # Errors
    /// When the store cannot be written; and how long to wait, in the inner result.
    pub(super) async fn attempt(
        &self,
        account: &str,
        is_account: bool,
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
        let (place, slowed) = if guesses {
            drop(place);
            let place = self.guesses.take(&of_network).await?;
            let kind = if is_account { "accounts" } else { "others" };
            let slowed = Slowed {
                lane: format!("{of_network} {kind}"),
                pause: (PAUSE * (seen / MANY_OF_NETWORK)).min(LONGEST_PAUSE),
                waits: self.pausing.try_take(&of_network),
                network: of_network.clone(),
            };
            (place, Some(slowed))
        } else {
            (place, None)
        };
        // Counted whether or not it is looked at: a name that is none never is, and must not be told by that.
        let attempt = Attempt {
            counted,
            beside: vec![of_account, of_network],
            slowed,
            _turn: turn,
            _network: Some(place),
        };
        self.count(attempt, pace, now_ms).await
    }

    /// Looks whether the attempt is right, by `look`. What is right is found at once, or after the others that are looked
    /// at early; what is wrong is told when its turn has come.
    ///
    /// # Errors
    /// Those of `look`; and how long to wait, in the inner result, where there was no turn.
    pub(super) async fn look<L: Future<Output = Result<bool>>>(
        &self,
        attempt: &Attempt,
        look: impl Fn() -> L,
    ) -> Result<Result<bool, Wait>> {
        let Some(slowed) = &attempt.slowed else {
            return Ok(Ok(look().await?));
        };
        let early = async {
            let turn = self.looks.take(&slowed.lane).await.map_err(internal)?;
            tokio::spawn(async move {
                tokio::time::sleep(BETWEEN_LOOKS).await;
                drop(turn);
            });
            look().await
        };
        let answered = async {
            if slowed.waits.is_none() {
                tokio::time::sleep(WITHOUT_TURN).await;
                return Ok(());
            }
            let _turn = self.pauses.take(&slowed.network).await.map_err(internal)?;
            tokio::time::sleep(slowed.pause).await;
            Ok::<_, ApiError>(())
        };
        tokio::pin!(early, answered);
        tokio::select! {
            right = &mut early => match right? {
                true => return Ok(Ok(true)),
                false => answered.await?,
            },
            turn = &mut answered => turn?,
        }
        if slowed.waits.is_none() {
            let all = slowed.pause * u32::try_from(MAY_PAUSE).unwrap_or(1);
            let all = i64::try_from(all.as_millis()).unwrap_or(LONGEST_WAIT_MS);
            return Ok(Err(Wait(all)));
        }
        // Again for what was looked at before: the time that it takes is the same for all.
        Ok(Ok(look().await?))
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
        let attempt = Attempt {
            _turn: self.turns.take(&counted).await?,
            counted,
            beside: Vec::new(),
            slowed: None,
            _network: None,
        };
        self.count(attempt, USUAL, now_ms).await
    }

    async fn count(
        &self,
        attempt: Attempt,
        pace: Pace,
        now_ms: i64,
    ) -> anyhow::Result<Result<Attempt, Wait>> {
        let may = move |failures| wait(pace, failures, now_ms).is_none();
        let old_ms = now_ms - FORGET_MS;
        let before = self
            .failures
            .add_failure_if(&attempt.counted, now_ms, old_ms, &may)
            .await?;
        Ok(match wait(pace, before, now_ms) {
            Some(wait) => Err(wait),
            None => Ok(attempt),
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

    /// Tries under a name and fails; how long it has to wait instead.
    async fn fail(throttle: &Throttle, account: &str, from: IpAddr, now_ms: i64) -> Option<i64> {
        fail_as(throttle, account, false, from, now_ms).await
    }

    async fn fail_as(
        throttle: &Throttle,
        account: &str,
        is_account: bool,
        from: IpAddr,
        now_ms: i64,
    ) -> Option<i64> {
        let attempt = throttle.attempt(account, is_account, from, now_ms).await;
        let attempt = match attempt.unwrap() {
            Ok(attempt) => attempt,
            Err(Wait(wait)) => return Some(wait),
        };
        let looked = throttle.look(&attempt, || async { Ok(false) }).await;
        throttle.failed(attempt, now_ms).await.unwrap();
        match looked.unwrap() {
            Ok(right) => {
                assert!(!right);
                None
            }
            Err(Wait(wait)) => Some(wait),
        }
    }

    /// The right password from home; how long it took.
    async fn come_in(throttle: &Throttle, account: &str) -> Duration {
        let begun = std::time::Instant::now();
        let attempt = throttle.attempt(account, true, HOME, 1000).await.unwrap();
        let attempt = attempt.ok().unwrap();
        let looked = throttle.look(&attempt, || async { Ok(true) }).await;
        assert_eq!(looked.unwrap(), Ok(true));
        throttle.succeeded(attempt).await.unwrap();
        begun.elapsed()
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
        let attempt = throttle.attempt("ak", true, HOME, 7000).await.unwrap();
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
            let attempt = throttle.attempt("bo", true, HOME, 1000).await.unwrap();
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
                    .attempt("ak", true, HOME, 1000)
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
        let owner = throttle.attempt("ak", true, home, 1000).await;
        assert!(owner.unwrap().is_ok());
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
    async fn a_network_that_guesses_is_slowed_and_whoever_is_right_is_not() {
        let (throttle, _dir) = throttle().await;
        for n in 0..MANY_OF_NETWORK {
            assert_eq!(fail(&throttle, &format!("user{n}"), HOME, 1000).await, None);
        }
        let begun = std::time::Instant::now();
        assert_eq!(fail_as(&throttle, "ak", true, HOME, 1000).await, None);
        assert!(begun.elapsed() >= PAUSE);
        let more = (0..40).map(|n| {
            let name = format!("more{n}");
            let throttle = &throttle;
            async move { fail(throttle, &name, HOME, 1000).await }
        });
        let right = async {
            tokio::time::sleep(PAUSE / 2).await;
            for name in ["bo", "cy"] {
                let took = come_in(&throttle, name).await;
                assert!(took < 2 * BETWEEN_LOOKS, "{took:?}");
            }
        };
        let (waits, ()) = tokio::join!(futures_util::future::join_all(more), right);
        let tried = waits.iter().filter(|wait| wait.is_none()).count();
        assert!(tried <= MAY_PAUSE, "{tried} were tried");
    }

    #[tokio::test]
    async fn what_is_wrong_does_not_tell_whether_the_name_is_an_accounts() {
        let (throttle, _dir) = throttle().await;
        let network = format!("login {HOME}");
        for _ in 0..10 * MANY_OF_NETWORK {
            let failed = throttle.failures.add_failure(&network, 1000, 0);
            failed.await.unwrap();
        }
        // All places among those that wait are taken, for a long time.
        let names: Vec<_> = (0..MAY_PAUSE).map(|n| format!("user{n}")).collect();
        let guesses = names.iter().map(|name| fail(&throttle, name, HOME, 1000));
        let timed = async |name, is_account| {
            tokio::time::sleep(PAUSE / 2).await;
            let begun = std::time::Instant::now();
            let wait = fail_as(&throttle, name, is_account, HOME, 1000).await;
            let who = format!("login {HOME} {}", of(name));
            let counted = throttle.failures.failures(&who, 1000).await.unwrap();
            (wait, counted.count, begun.elapsed())
        };
        let both = async { tokio::join!(timed("ak", true), timed("invented", false)) };
        let (account, other) = tokio::select! {
            _ = futures_util::future::join_all(guesses) => panic!("they wait for longer"),
            both = both => both,
        };
        assert_eq!((account.0, account.1), (other.0, other.1));
        assert_eq!((account.0, account.1), (Some(40_000), 1));
        for took in [account.2, other.2] {
            assert!(
                took >= WITHOUT_TURN && took < WITHOUT_TURN + PAUSE,
                "{took:?}"
            );
        }
        // The name's own wait is the same as ever.
        for is_account in [true, false] {
            let name = format!("own {is_account}");
            let mut waits = Vec::new();
            for _ in 0..2 {
                let attempt = throttle.attempt(&name, is_account, HOME, 1000).await;
                waits.push(attempt.unwrap().err());
            }
            let third = throttle.attempt(&name, is_account, HOME, 1000).await;
            waits.push(third.unwrap().err());
            assert_eq!(waits, [None, None, Some(Wait(30_000))]);
        }
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
