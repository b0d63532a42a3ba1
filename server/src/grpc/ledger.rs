//! The ledger over gRPC.

use std::pin::Pin;

use futures_util::{Stream, TryStreamExt as _};
use requorum_shared::api::v1::{
    GetLedgerRequest, GetLedgerResponse, ListEntriesRequest, ListEntriesResponse,
    ProveConsistencyRequest, ProveConsistencyResponse, ProveEntryRequest, ProveEntryResponse,
    TailEntriesRequest, TailEntriesResponse,
};
use tonic::{Request, Response, Status};

use super::v1::ledger_service_server::LedgerService;
use crate::app::App;
use crate::ops;

pub(super) struct Ledger(pub(super) App);

#[tonic::async_trait]
impl LedgerService for Ledger {
    async fn get_ledger(
        &self,
        request: Request<GetLedgerRequest>,
    ) -> Result<Response<GetLedgerResponse>, Status> {
        let actor = super::actor(&request)?;
        Ok(Response::new(ops::ledger::get(&self.0, &actor).await?))
    }

    async fn list_entries(
        &self,
        request: Request<ListEntriesRequest>,
    ) -> Result<Response<ListEntriesResponse>, Status> {
        let actor = super::actor(&request)?;
        let request = request.into_inner();
        Ok(Response::new(
            ops::ledger::list(&self.0, &actor, request).await?,
        ))
    }

    async fn prove_entry(
        &self,
        request: Request<ProveEntryRequest>,
    ) -> Result<Response<ProveEntryResponse>, Status> {
        let actor = super::actor(&request)?;
        let index = request.get_ref().index;
        Ok(Response::new(
            ops::ledger::prove_entry(&self.0, &actor, index).await?,
        ))
    }

    async fn prove_consistency(
        &self,
        request: Request<ProveConsistencyRequest>,
    ) -> Result<Response<ProveConsistencyResponse>, Status> {
        let actor = super::actor(&request)?;
        let old = request.get_ref().old;
        Ok(Response::new(
            ops::ledger::prove_consistency(&self.0, &actor, old).await?,
        ))
    }

    type TailEntriesStream =
        Pin<Box<dyn Stream<Item = Result<TailEntriesResponse, Status>> + Send>>;

    async fn tail_entries(
        &self,
        request: Request<TailEntriesRequest>,
    ) -> Result<Response<Self::TailEntriesStream>, Status> {
        let actor = super::actor(&request)?;
        let place = self.0.downloads.stream(&actor.user_id)?;
        let tail = ops::ledger::tail(&self.0, &actor, request.get_ref().since).await?;
        Ok(Response::new(Box::pin(tail.map_err(move |error| {
            let _ = &place;
            Status::from(error)
        }))))
    }
}
