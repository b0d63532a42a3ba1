//! What the console is and may do, and what waits for the caller.

use requorum_shared::api::v1::{
    AboutRequest, AboutResponse, GetStorageRequest, GetStorageResponse, ListInboxRequest,
    ListInboxResponse, ListOutcomesRequest, ListOutcomesResponse,
};
use tonic::{Request, Response, Status};

use super::actor;
use super::v1::console_service_server::ConsoleService;
use crate::app::App;
use crate::ops::{console, inbox, outcomes, storage};

pub(super) struct Console(pub(super) App);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl ConsoleService for Console {
    async fn about(&self, request: Request<AboutRequest>) -> Answer<AboutResponse> {
        let actor = actor(&request)?;
        Ok(Response::new(console::about(&self.0, &actor).await?))
    }

    async fn list_inbox(&self, request: Request<ListInboxRequest>) -> Answer<ListInboxResponse> {
        let actor = actor(&request)?;
        let answer = inbox::list(&self.0, &actor, request.get_ref()).await?;
        Ok(Response::new(answer))
    }

    async fn list_outcomes(
        &self,
        request: Request<ListOutcomesRequest>,
    ) -> Answer<ListOutcomesResponse> {
        let actor = actor(&request)?;
        let answer = outcomes::list(&self.0, &actor, request.get_ref()).await?;
        Ok(Response::new(answer))
    }

    async fn get_storage(&self, request: Request<GetStorageRequest>) -> Answer<GetStorageResponse> {
        let actor = actor(&request)?;
        Ok(Response::new(storage::storage(&self.0, &actor).await?))
    }
}
