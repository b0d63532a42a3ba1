//! Slows down whoever guesses passwords: after a few failures an account as seen from one address, and an
//! address as a whole, must wait, longer each time.

use std::net::IpAddr;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::store::{Failures, PeopleStore};

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

/// Counts failed logins; all servers that share a database count together.
pub(super) struct Throttle {
    failures: Arc<dyn PeopleStore>,
    /// What fails: one does not count for the other.
    what: &'static str,
}

impl Throttle {
    /// Counts in this store.
    pub(super) fn new(failures: Arc<dyn PeopleStore>, what: &'static str) -> Self {
        Self { failures, what }
    }

    /// How long this account must wait from this address, in milliseconds, if it must.
    pub(super) async fn wait_ms(
        &self,
        account: &str,
        address: IpAddr,
        now_ms: i64,
    ) -> anyhow::Result<Option<i64>> {
        let account = self
            .failures
            .failures(&self.of_account(account, address), now_ms)
            .await?;
        let address = self
            .failures
            .failures(&self.of_address(address), now_ms)
            .await?;
        let wait =
            left(FREE_PER_ACCOUNT, account, now_ms).max(left(FREE_PER_ADDRESS, address, now_ms));
        Ok((wait > 0).then_some(wait))
    }

    /// Takes note of a failure.
    pub(super) async fn failed(
        &self,
        account: &str,
        address: IpAddr,
        now_ms: i64,
    ) -> anyhow::Result<()> {
        for who in [self.of_account(account, address), self.of_address(address)] {
            self.failures
                .add_failure(&who, now_ms, now_ms - FORGET_MS)
                .await?;
        }
        Ok(())
    }

    /// Forgets the account's failures from this address; the address's own stay.
    pub(super) async fn succeeded(&self, account: &str, address: IpAddr) -> anyhow::Result<()> {
        self.failures
            .forget_failures(&self.of_account(account, address))
            .await
    }

    /// What was typed as the name may be a password in the wrong field: of it, 24 bits of a hash are kept. Two names
    /// that have them in common wait for each other, from the same address, and nothing else happens.
    fn of_account(&self, typed: &str, address: IpAddr) -> String {
        let hash = Sha256::digest(typed.trim().to_lowercase().as_bytes());
        format!("{} {address} {}", self.what, hex::encode(&hash[..3]))
    }

    fn of_address(&self, address: IpAddr) -> String {
        format!("{} {address}", self.what)
    }
}

fn left(free: u32, failures: Failures, now_ms: i64) -> i64 {
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
    use crate::db::{At, Database};

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    async fn throttle() -> (Throttle, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let db = Database::open(&At::File(dir.path().join("db"))).await;
        (Throttle::new(Arc::new(db.unwrap()), "login"), dir)
    }

    #[tokio::test]
    async fn the_wait_begins_after_five_failures_and_doubles() {
        let (throttle, _dir) = throttle().await;
        let wait = async |name: &str, now| throttle.wait_ms(name, HOME, now).await.unwrap();
        for _ in 0..FREE_PER_ACCOUNT - 1 {
            throttle.failed("ak", HOME, 1000).await.unwrap();
        }
        assert_eq!(wait("ak", 1000).await, None);
        throttle.failed("AK", HOME, 1000).await.unwrap();
        assert_eq!(wait("ak", 1000).await, Some(FIRST_WAIT_MS));
        throttle.failed("ak", HOME, 1000).await.unwrap();
        assert_eq!(wait("ak", 1000).await, Some(2 * FIRST_WAIT_MS));
        assert_eq!(wait("other", 1000).await, None);
        assert_eq!(wait("ak", 1000 + FORGET_MS).await, None);
        throttle.succeeded("ak", HOME).await.unwrap();
        assert_eq!(wait("ak", 1000).await, None);
    }

    #[tokio::test]
    async fn many_names_from_one_address_are_one_guesser() {
        let (throttle, _dir) = throttle().await;
        for n in 0..FREE_PER_ADDRESS {
            throttle
                .failed(&format!("user{n}"), HOME, 1000)
                .await
                .unwrap();
        }
        let elsewhere = [10, 0, 0, 1].into();
        assert!(
            throttle
                .wait_ms("fresh", HOME, 1000)
                .await
                .unwrap()
                .is_some()
        );
        assert_eq!(
            throttle.wait_ms("fresh", elsewhere, 1000).await.unwrap(),
            None
        );
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_prolongs_no_wait() {
        const DAY_MS: i64 = 24 * 3_600_000;
        let (throttle, _dir) = throttle().await;
        let wait = async |now| throttle.wait_ms("ak", HOME, now).await.unwrap();
        for _ in 0..FREE_PER_ACCOUNT {
            throttle.failed("ak", HOME, 10 * DAY_MS).await.unwrap();
        }
        assert_eq!(wait(DAY_MS).await, Some(FIRST_WAIT_MS));
        assert_eq!(wait(DAY_MS + FIRST_WAIT_MS).await, None);
    }

    #[tokio::test]
    async fn what_is_old_is_forgotten() {
        let (throttle, _dir) = throttle().await;
        for _ in 0..FREE_PER_ACCOUNT {
            throttle.failed("ak", HOME, 1000).await.unwrap();
        }
        throttle
            .failed("other", HOME, 1000 + FORGET_MS)
            .await
            .unwrap();
        let kept = throttle
            .failures
            .failures(&throttle.of_account("ak", HOME), 1000)
            .await;
        assert_eq!(kept.unwrap(), Failures::default());
    }
}
