//! A journal that is believed as it stands, for engines whose tests write into it what people would have asked for.

use std::sync::Arc;

use async_trait::async_trait;
use requorum_server::jobs::log::JobRow;
use requorum_server::jobs::proof::{Proof, Proven};
use requorum_server::ledger::proven::LookupError;
use requorum_shared::job::events::Wish;

struct Believed;

/// Nothing is held against the ledger.
pub(crate) fn as_written() -> Arc<dyn Proof> {
    Arc::new(Believed)
}

#[async_trait]
impl Proof for Believed {
    async fn started(&self, _: &JobRow) -> Result<Proven, LookupError> {
        Ok(Proven::Yes)
    }

    async fn asked(&self, _: &JobRow, _: &Wish<'_>) -> Result<Proven, LookupError> {
        Ok(Proven::Yes)
    }

    fn look(&self) {}
}
