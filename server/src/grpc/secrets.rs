//! Credentials over gRPC.

use requorum_shared::api::v1::{
    ListSecretsRequest, ListSecretsResponse, PutSecretRequest, RemoveSecretRequest,
    RemoveSecretResponse, SecretInfo, SecretUses, SecretUsesRequest,
};
use tonic::{Request, Response, Status};

use super::actor;
use super::v1::secret_service_server::SecretService;
use crate::app::App;
use crate::ops::secrets;

pub(super) struct Secrets(pub(super) App);

#[tonic::async_trait]
impl SecretService for Secrets {
    async fn list_secrets(
        &self,
        request: Request<ListSecretsRequest>,
    ) -> Result<Response<ListSecretsResponse>, Status> {
        let actor = actor(&request)?;
        Ok(Response::new(
            secrets::list(&self.0, &actor, request.get_ref()).await?,
        ))
    }

    async fn put_secret(
        &self,
        request: Request<PutSecretRequest>,
    ) -> Result<Response<SecretInfo>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        Ok(Response::new(secrets::put(&self.0, &actor, request).await?))
    }

    async fn get_secret_uses(
        &self,
        request: Request<SecretUsesRequest>,
    ) -> Result<Response<SecretUses>, Status> {
        let actor = actor(&request)?;
        Ok(Response::new(
            secrets::uses(&self.0, &actor, &request.get_ref().id).await?,
        ))
    }

    async fn remove_secret(
        &self,
        request: Request<RemoveSecretRequest>,
    ) -> Result<Response<RemoveSecretResponse>, Status> {
        let actor = actor(&request)?;
        secrets::remove(&self.0, &actor, &request.get_ref().id).await?;
        Ok(Response::new(RemoveSecretResponse {}))
    }
}
