//! What every list and inbox begins with, read once for all who look at the same moment: how many there are of what,
//! and who may decide. An act is never judged by it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use requorum_shared::approval::Hands;
use tokio::sync::Mutex;

use crate::auth::people::Late;
use crate::auth::store::User;
use crate::paging::Tally;
use crate::plans::approval_list::ReviewGroup;
use crate::plans::approvals::SetPolicy;
use crate::plans::list::OpenGroup;

/// For how long a value is good at most: the command line may write to the same file, and time goes by.
const GOOD_FOR: Duration = Duration::from_millis(500);

/// How often this process has written to the database. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Writes(Arc<AtomicU64>);

impl Writes {
    /// Says that something was written, after it was.
    pub fn more(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    fn so_far(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// A value that is good until this process writes something.
#[derive(Debug)]
pub struct Counted<T>(Mutex<Option<Kept<T>>>);

#[derive(Debug)]
struct Kept<T> {
    value: Arc<T>,
    /// What was written when it was about to be read.
    writes: u64,
    since: Instant,
    now_ms: i64,
}

impl<T> Default for Counted<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Counted<T> {
    /// The value, read by `read` where it is not good any more: once, however many ask at the same time. `now_ms` is the
    /// time, milliseconds since the Unix epoch, which may be set. Where others `write` to the database unseen (`None`),
    /// it is read each time.
    ///
    /// # Errors
    /// Those of `read`.
    pub async fn get<E>(
        &self,
        writes: Option<&Writes>,
        now_ms: i64,
        read: impl Future<Output = Result<T, E>>,
    ) -> Result<Arc<T>, E> {
        let Some(writes) = writes else {
            return read.await.map(Arc::new);
        };
        let mut kept = self.0.lock().await;
        if let Some(kept) = &*kept
            && kept.writes == writes.so_far()
            && kept.since.elapsed() < GOOD_FOR
            && u128::from(kept.now_ms.abs_diff(now_ms)) < GOOD_FOR.as_millis()
        {
            return Ok(kept.value.clone());
        }
        // Before it is read: what is written meanwhile makes it old.
        let (so_far, since) = (writes.so_far(), Instant::now());
        let value = Arc::new(read.await?);
        *kept = Some(Kept {
            value: value.clone(),
            writes: so_far,
            since,
            now_ms,
        });
        Ok(value)
    }
}

/// Who may decide about plans.
#[derive(Debug)]
pub struct Deciders {
    /// The accounts that can be used.
    pub people: Vec<User>,
    /// Every policy that is set.
    pub policies: Vec<SetPolicy>,
    /// What administrators did to accounts of late.
    pub late: Late,
    /// Whose hands accounts are in by that.
    pub hands: Hands,
}

/// The values.
#[derive(Debug, Default)]
pub struct Counts {
    /// How many plans there are of each cluster and state.
    pub plans: Counted<Vec<Tally>>,
    /// How many jobs there are of each cluster and state.
    pub jobs: Counted<Vec<Tally>>,
    /// How many jobs need to be looked at.
    pub attention: Counted<Vec<Tally>>,
    /// Plans that can still come to be run, by what they wait for.
    pub open_plans: Counted<Vec<OpenGroup>>,
    /// Open reviews.
    pub open_reviews: Counted<Vec<ReviewGroup>>,
    /// Who may decide.
    pub deciders: Counted<Deciders>,
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// Asks, and says whether it was read for that.
    async fn is_read(counted: &Counted<u8>, writes: Option<&Writes>, now_ms: i64) -> bool {
        let mut read = false;
        let value = counted
            .get(writes, now_ms, async {
                read = true;
                Ok::<_, Infallible>(7)
            })
            .await;
        assert_eq!(*value.unwrap(), 7);
        read
    }

    #[tokio::test]
    async fn it_is_read_again_after_a_write_and_after_a_while() {
        let (counted, writes) = (Counted::default(), Writes::default());
        assert!(is_read(&counted, Some(&writes), 1_000).await);
        assert!(!is_read(&counted, Some(&writes), 1_001).await);
        writes.more();
        assert!(is_read(&counted, Some(&writes), 1_002).await);
        assert!(!is_read(&counted, Some(&writes), 1_003).await);
        // The clock was set, either way.
        assert!(is_read(&counted, Some(&writes), 1_503).await);
        assert!(is_read(&counted, Some(&writes), 1_000).await);
        assert!(!is_read(&counted, Some(&writes), 1_000).await);
        tokio::time::sleep(GOOD_FOR).await;
        assert!(is_read(&counted, Some(&writes), 1_000).await);
        // Where others write too, nothing is kept.
        assert!(is_read(&counted, None, 1_000).await);
        assert!(is_read(&counted, None, 1_000).await);
    }

    #[tokio::test]
    async fn what_is_written_while_it_is_read_makes_it_old() {
        let (counted, writes) = (Counted::default(), Writes::default());
        let read = async {
            writes.more();
            Ok::<_, Infallible>(7_u8)
        };
        counted.get(Some(&writes), 0, read).await.unwrap();
        assert!(is_read(&counted, Some(&writes), 0).await);
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_not_kept() {
        let (counted, writes) = (Counted::<u8>::default(), Writes::default());
        let failed = counted.get(Some(&writes), 0, async { Err("gone") }).await;
        assert_eq!(failed.unwrap_err(), "gone");
        assert!(is_read(&counted, Some(&writes), 0).await);
    }
}
