//! What several people share: so many places in all, and so many for each of them, so that one who asks for more than
//! their share waits for themselves and not the others for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// The places. Clones share them.
#[derive(Debug, Clone)]
pub struct Shares {
    all: Arc<Semaphore>,
    each: usize,
    of: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub struct Share {
    // In this order: the person's own place is free before it is looked at whether any is held.
    own: Option<OwnedSemaphorePermit>,
    _all: OwnedSemaphorePermit,
    who: String,
    of: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

impl Shares {
    /// So many in all, `each` for one of them.
    pub fn new(all: usize, each: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all)),
            each,
            of: Arc::default(),
        }
    }

    /// A place for this person, once there is one.
    ///
    /// # Errors
    /// Never: the places are not closed.
    pub async fn take(&self, who: &str) -> Result<Share, AcquireError> {
        let own = self.own(who).acquire_owned().await?;
        let all = self.all.clone().acquire_owned().await?;
        Ok(self.share(who, own, all))
    }

    /// A place for this person, if there is one right now.
    pub fn try_take(&self, who: &str) -> Option<Share> {
        let own = self.own(who).try_acquire_owned().ok()?;
        let all = self.all.clone().try_acquire_owned().ok()?;
        Some(self.share(who, own, all))
    }

    /// How many one person may have at the same time.
    pub fn each(&self) -> usize {
        self.each
    }

    fn share(&self, who: &str, own: OwnedSemaphorePermit, all: OwnedSemaphorePermit) -> Share {
        Share {
            own: Some(own),
            _all: all,
            who: who.to_owned(),
            of: self.of.clone(),
        }
    }

    fn own(&self, who: &str) -> Arc<Semaphore> {
        let mut of = lock(&self.of);
        match of.get(who) {
            Some(own) => own.clone(),
            None => {
                let own = Arc::new(Semaphore::new(self.each));
                of.insert(who.to_owned(), own.clone());
                own
            }
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut of = lock(&self.of);
        self.own = None;
        // Held by nobody else: a place that is taken, or waited for, has a clone.
        if of
            .get(&self.who)
            .is_some_and(|own| Arc::strong_count(own) == 1)
        {
            of.remove(&self.who);
        }
    }
}

fn lock(
    of: &Mutex<HashMap<String, Arc<Semaphore>>>,
) -> MutexGuard<'_, HashMap<String, Arc<Semaphore>>> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_person_has_their_share_and_no_more() {
        let shares = Shares::new(3, 2);
        let mine = [shares.try_take("a"), shares.try_take("a")];
        assert!(mine.iter().all(Option::is_some) && shares.try_take("a").is_none());
        let other = shares.try_take("b").unwrap();
        assert!(shares.try_take("c").is_none(), "all are taken");
        drop(other);
        assert!(shares.try_take("c").is_some());
        // Whoever waits gets the place that comes free first.
        let waiting = tokio::spawn({
            let shares = shares.clone();
            async move { shares.take("a").await.unwrap() }
        });
        tokio::task::yield_now().await;
        drop(mine);
        drop(waiting.await.unwrap());
        assert!(lock(&shares.of).is_empty(), "nothing is kept of anybody");
    }

    #[tokio::test]
    async fn whoever_stops_waiting_leaves_nothing() {
        let shares = Shares::new(1, 1);
        let held = shares.try_take("a").unwrap();
        let waited = tokio::time::timeout(std::time::Duration::from_millis(5), shares.take("a"));
        waited.await.unwrap_err();
        drop(held);
        assert!(shares.try_take("a").is_some());
        assert!(lock(&shares.of).is_empty());
    }
}
