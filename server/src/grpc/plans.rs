//! Check, plan, approve over gRPC.

use requorum_shared::api::v1::{
    ApprovePlanRequest, CheckRestoreRequest, CheckRestoreResponse, GetPlanRequest, GetPlanResponse,
    ListPlansRequest, ListPlansResponse, PlanSummary, RejectPlanRequest, SealRestoreRequest,
    SealRestoreResponse,
};
use tonic::{Request, Response, Status};

use super::v1::plan_service_server::PlanService;
use crate::app::App;
use crate::ops::{approvals, plans};

pub(super) struct Plans(pub(super) App);

#[tonic::async_trait]
impl PlanService for Plans {
    async fn check_restore(
        &self,
        request: Request<CheckRestoreRequest>,
    ) -> Result<Response<CheckRestoreResponse>, Status> {
        let actor = super::actor(&request)?;
        let findings = plans::check(&self.0, &actor, &request.get_ref().request_json).await?;
        Ok(Response::new(CheckRestoreResponse { findings }))
    }

    async fn seal_restore(
        &self,
        request: Request<SealRestoreRequest>,
    ) -> Result<Response<SealRestoreResponse>, Status> {
        let actor = super::actor(&request)?;
        let plan = plans::seal(&self.0, &actor, &request.get_ref().request_json).await?;
        Ok(Response::new(SealRestoreResponse { plan: Some(plan) }))
    }

    async fn list_plans(
        &self,
        request: Request<ListPlansRequest>,
    ) -> Result<Response<ListPlansResponse>, Status> {
        let actor = super::actor(&request)?;
        Ok(Response::new(
            plans::list(&self.0, &actor, request.get_ref()).await?,
        ))
    }

    async fn get_plan(
        &self,
        request: Request<GetPlanRequest>,
    ) -> Result<Response<GetPlanResponse>, Status> {
        let actor = super::actor(&request)?;
        Ok(Response::new(
            plans::get(&self.0, &actor, &request.get_ref().id).await?,
        ))
    }

    async fn approve_plan(
        &self,
        request: Request<ApprovePlanRequest>,
    ) -> Result<Response<PlanSummary>, Status> {
        let actor = super::actor(&request)?;
        let ApprovePlanRequest { id, hash } = request.get_ref();
        Ok(Response::new(
            approvals::approve(&self.0, &actor, id, hash).await?,
        ))
    }

    async fn reject_plan(
        &self,
        request: Request<RejectPlanRequest>,
    ) -> Result<Response<PlanSummary>, Status> {
        let actor = super::actor(&request)?;
        let RejectPlanRequest { id, hash, reason } = request.get_ref();
        Ok(Response::new(
            plans::reject(&self.0, &actor, id, hash, reason).await?,
        ))
    }
}
