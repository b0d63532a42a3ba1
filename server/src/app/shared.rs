//! What a server does because others share its database: it says that it lives, listens to them, and ends in the
//! ledger what those left open who are gone.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::db::{Database, Notice};
use crate::jobs::engine::Engine;
use crate::ledger::Ledger;
use crate::servers::Presence;

/// This process among others. On a database of one's own there is nothing to do.
pub(super) struct Among {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Among {
    /// Says that this process is here; from now on, what it opens in the ledger is known to be its own.
    ///
    /// # Errors
    /// When that cannot be written.
    pub(super) async fn begin(
        db: &Database,
        ledger: &Ledger,
        lease: Duration,
    ) -> anyhow::Result<Self> {
        let among = Self {
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        if db.is_shared() {
            let presence = Presence::begin(Arc::new(db.clone()), ledger.writer(), lease).await?;
            let ledger = ledger.clone();
            let gone = move |id| ledger.end_for(id);
            among.tasks.spawn(presence.go_on(among.stop.clone(), gone));
        }
        Ok(among)
    }

    /// Passes on what other servers say.
    pub(super) fn listen(&self, db: &Database, ledger: &Ledger, engine: &Arc<Engine>) {
        if !db.is_shared() {
            return;
        }
        let mut notices = db.listen();
        let (ledger, engine, stop) = (ledger.clone(), engine.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            while let Some(Some(notice)) = stop.run_until_cancelled(notices.recv()).await {
                match notice {
                    Notice::Job(id) => engine.heard_of(&id),
                    Notice::Passing(id, event) => engine.feed.publish(&id, &event),
                    Notice::Ledger => ledger.look(),
                    Notice::Missed => {
                        engine.heard_nothing();
                        ledger.look();
                    }
                }
            }
        });
    }

    /// Says goodbye. The ledger was closed before.
    pub(super) async fn end(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
