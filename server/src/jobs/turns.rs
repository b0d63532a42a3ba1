//! One at a time for each job: what may wait for a disk that does not answer holds up one thread, however often it is
//! asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

/// What is being done, by a name of the caller's choice.
#[derive(Debug, Default)]
pub struct Turns(Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits until nobody else is at it; the turn ends when the guard is dropped.
    pub async fn wait(&self, name: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Those that nobody has and nobody waits for.
            all.retain(|_, turn| Arc::strong_count(turn) > 1);
            all.entry(name.to_owned()).or_default().clone()
        };
        turn.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_second_waits_for_the_first_of_the_same_name_only() {
        let turns = Turns::default();
        let first = turns.wait("a").await;
        let other = turns.wait("b").await;
        let short = Duration::from_millis(20);
        let second = tokio::time::timeout(short, turns.wait("a")).await;
        assert!(second.is_err());
        drop(first);
        let second = turns.wait("a").await;
        drop((second, other));
        drop(turns.wait("c").await);
        assert_eq!(turns.0.lock().unwrap().len(), 1);
    }
}
