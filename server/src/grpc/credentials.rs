//! Credentials over gRPC.

use requorum_shared::api::v1::{
    GetCredentialUsesRequest, GetCredentialUsesResponse, ListCredentialsRequest,
    ListCredentialsResponse, PutCredentialRequest, PutCredentialResponse, RemoveCredentialRequest,
    RemoveCredentialResponse,
};
use tonic::{Request, Response, Status};

use super::actor;
use super::v1::credential_service_server::CredentialService;
use crate::app::App;
use crate::ops::secrets;

pub(super) struct Credentials(pub(super) App);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl CredentialService for Credentials {
    async fn list_credentials(
        &self,
        request: Request<ListCredentialsRequest>,
    ) -> Answer<ListCredentialsResponse> {
        let actor = actor(&request)?;
        let answer = secrets::list(&self.0, &actor, request.get_ref()).await?;
        Ok(Response::new(answer))
    }

    async fn put_credential(
        &self,
        request: Request<PutCredentialRequest>,
    ) -> Answer<PutCredentialResponse> {
        let actor = actor(&request)?;
        let credential = secrets::put(&self.0, &actor, request.into_inner()).await?;
        Ok(Response::new(PutCredentialResponse {
            credential: Some(credential),
        }))
    }

    async fn get_credential_uses(
        &self,
        request: Request<GetCredentialUsesRequest>,
    ) -> Answer<GetCredentialUsesResponse> {
        let actor = actor(&request)?;
        let answer = secrets::uses(&self.0, &actor, &request.get_ref().id).await?;
        Ok(Response::new(answer))
    }

    async fn remove_credential(
        &self,
        request: Request<RemoveCredentialRequest>,
    ) -> Answer<RemoveCredentialResponse> {
        let actor = actor(&request)?;
        secrets::remove(&self.0, &actor, &request.get_ref().id).await?;
        Ok(Response::new(RemoveCredentialResponse {}))
    }
}
