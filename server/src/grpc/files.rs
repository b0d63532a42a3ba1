//! Stored files over gRPC.

use requorum_shared::api::v1::{
    GetFileRequest, GetFileResponse, GetFileUsesRequest, GetFileUsesResponse, ListFilesRequest,
    ListFilesResponse, RemoveFileRequest, RemoveFileResponse, SetFileClusterRequest,
    SetFileClusterResponse,
};
use tonic::{Request, Response, Status};

use super::actor;
use super::v1::file_service_server::FileService;
use crate::app::App;
use crate::ops::files;

pub(super) struct Files(pub(super) App);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl FileService for Files {
    async fn list_files(&self, request: Request<ListFilesRequest>) -> Answer<ListFilesResponse> {
        let actor = actor(&request)?;
        let answer = files::list(&self.0, &actor, request.get_ref()).await?;
        Ok(Response::new(answer))
    }

    async fn get_file(&self, request: Request<GetFileRequest>) -> Answer<GetFileResponse> {
        let actor = actor(&request)?;
        let answer = files::get(&self.0, &actor, &request.get_ref().id).await?;
        Ok(Response::new(answer))
    }

    async fn set_file_cluster(
        &self,
        request: Request<SetFileClusterRequest>,
    ) -> Answer<SetFileClusterResponse> {
        let actor = actor(&request)?;
        let request = request.get_ref();
        let file = files::set_cluster(&self.0, &actor, &request.id, &request.cluster).await?;
        Ok(Response::new(SetFileClusterResponse { file: Some(file) }))
    }

    async fn get_file_uses(
        &self,
        request: Request<GetFileUsesRequest>,
    ) -> Answer<GetFileUsesResponse> {
        let actor = actor(&request)?;
        let answer = files::uses(&self.0, &actor, &request.get_ref().id).await?;
        Ok(Response::new(answer))
    }

    async fn remove_file(&self, request: Request<RemoveFileRequest>) -> Answer<RemoveFileResponse> {
        let actor = actor(&request)?;
        let file = files::remove(&self.0, &actor, &request.get_ref().id).await?;
        Ok(Response::new(RemoveFileResponse { file: Some(file) }))
    }
}
