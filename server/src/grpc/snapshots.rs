//! Stored snapshots over gRPC.

use requorum_shared::api::v1::{
    GetSnapshotRequest, GetSnapshotResponse, ListSnapshotsRequest, ListSnapshotsResponse,
    SetSnapshotClusterRequest, SnapshotSummary,
};
use tonic::{Request, Response, Status};

use super::v1::snapshot_service_server::SnapshotService;
use crate::app::App;
use crate::ops;

pub(super) struct Snapshots(pub(super) App);

#[tonic::async_trait]
impl SnapshotService for Snapshots {
    async fn list_snapshots(
        &self,
        request: Request<ListSnapshotsRequest>,
    ) -> Result<Response<ListSnapshotsResponse>, Status> {
        let actor = super::actor(&request)?;
        Ok(Response::new(
            ops::snapshots::list(&self.0, &actor, request.get_ref()).await?,
        ))
    }

    async fn get_snapshot(
        &self,
        request: Request<GetSnapshotRequest>,
    ) -> Result<Response<GetSnapshotResponse>, Status> {
        let actor = super::actor(&request)?;
        let id = &request.get_ref().id;
        Ok(Response::new(
            ops::snapshots::get(&self.0, &actor, id).await?,
        ))
    }

    async fn set_snapshot_cluster(
        &self,
        request: Request<SetSnapshotClusterRequest>,
    ) -> Result<Response<SnapshotSummary>, Status> {
        let actor = super::actor(&request)?;
        let SetSnapshotClusterRequest { id, cluster } = request.get_ref();
        Ok(Response::new(
            ops::snapshots::set_cluster(&self.0, &actor, id, cluster).await?,
        ))
    }
}
