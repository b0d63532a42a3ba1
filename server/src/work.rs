//! Work that keeps a processor busy: off the threads that answer requests, and a little of it at a time. A thread
//! that computes answers nobody, not even a probe.

use std::thread::available_parallelism;

use crate::error::{Result, internal};
use crate::shares::Shares;

/// Pieces of work at the same time for one person.
const EACH: usize = 2;

/// Where such work is done.
#[derive(Debug, Clone)]
pub struct Work(Shares);

impl Default for Work {
    fn default() -> Self {
        let all = available_parallelism().map_or(2, usize::from).max(2);
        Self(Shares::new(all, EACH))
    }
}

impl Work {
    /// Does it for this person, when it is their turn.
    ///
    /// # Errors
    /// Those of the work; and when it panics.
    pub async fn run<T: Send + 'static>(
        &self,
        who: &str,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let share = self.0.take(who).await.map_err(internal)?;
        // The place goes along: whoever hangs up does not make room for the next before the work is over.
        let work = move || {
            let _share = share;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(internal)?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn whoever_hangs_up_does_not_make_room_for_more_at_once() {
        let (work, at_once) = (Work::default(), Arc::new(AtomicUsize::new(0)));
        let most = Arc::new(AtomicUsize::new(0));
        let begin = |who: &'static str| {
            let (at_once, most) = (at_once.clone(), most.clone());
            work.run(who, move || {
                let now = at_once.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(20));
                at_once.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            })
        };
        for _ in 0..10 {
            let hung_up = tokio::time::timeout(Duration::from_millis(1), begin("a")).await;
            hung_up.unwrap_err();
        }
        begin("a").await.unwrap();
        assert!(most.load(Ordering::SeqCst) <= EACH);
    }
}
