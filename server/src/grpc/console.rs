//! What the console is and may do.

use requorum_shared::api::v1::{
    AboutRequest, AboutResponse, ListWaitingRequest, ListWaitingResponse,
};
use tonic::{Request, Response, Status};

use super::v1::console_service_server::ConsoleService;
use crate::app::App;
use crate::ops;

pub(super) struct Console(pub(super) App);

#[tonic::async_trait]
impl ConsoleService for Console {
    async fn about(
        &self,
        request: Request<AboutRequest>,
    ) -> Result<Response<AboutResponse>, Status> {
        let actor = super::actor(&request)?;
        Ok(Response::new(ops::console::about(&self.0, &actor).await?))
    }

    async fn list_waiting(
        &self,
        request: Request<ListWaitingRequest>,
    ) -> Result<Response<ListWaitingResponse>, Status> {
        let actor = super::actor(&request)?;
        Ok(Response::new(
            ops::waiting::list(&self.0, &actor, request.get_ref()).await?,
        ))
    }
}
