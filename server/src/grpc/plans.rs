//! Check, plan, approve over gRPC.

use requorum_shared::api::v1::{
    ApprovePlanRequest, ApprovePlanResponse, CheckPlanRequest, CheckPlanResponse, GetPlanRequest,
    GetPlanResponse, ListPlansRequest, ListPlansResponse, RejectPlanRequest, RejectPlanResponse,
    SealPlanRequest, SealPlanResponse, WithdrawPlanRequest, WithdrawPlanResponse,
};
use tonic::{Request, Response, Status};

use super::v1::plan_service_server::PlanService;
use super::{accepted, actor};
use crate::app::App;
use crate::ops::{approvals, plans};

pub(super) struct Plans(pub(super) App);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl PlanService for Plans {
    async fn check_plan(&self, request: Request<CheckPlanRequest>) -> Answer<CheckPlanResponse> {
        let actor = actor(&request)?;
        let CheckPlanRequest { kind, request_json } = request.get_ref();
        let findings = plans::check(&self.0, &actor, kind, request_json).await?;
        Ok(Response::new(CheckPlanResponse { findings }))
    }

    async fn seal_plan(&self, request: Request<SealPlanRequest>) -> Answer<SealPlanResponse> {
        let actor = actor(&request)?;
        let request = request.get_ref();
        let plan = plans::seal(&self.0, &actor, &request.kind, &request.request_json).await?;
        Ok(Response::new(SealPlanResponse { plan: Some(plan) }))
    }

    async fn list_plans(&self, request: Request<ListPlansRequest>) -> Answer<ListPlansResponse> {
        let actor = actor(&request)?;
        let answer = plans::list(&self.0, &actor, request.get_ref()).await?;
        Ok(Response::new(answer))
    }

    async fn get_plan(&self, request: Request<GetPlanRequest>) -> Answer<GetPlanResponse> {
        let actor = actor(&request)?;
        let answer = plans::get(&self.0, &actor, &request.get_ref().id).await?;
        Ok(Response::new(answer))
    }

    async fn approve_plan(
        &self,
        request: Request<ApprovePlanRequest>,
    ) -> Answer<ApprovePlanResponse> {
        let actor = actor(&request)?;
        let ApprovePlanRequest {
            id,
            hash,
            accepted_warnings,
        } = request.into_inner();
        let accepted = accepted(accepted_warnings);
        let plan = approvals::approve(&self.0, &actor, &id, &hash, &accepted).await?;
        Ok(Response::new(ApprovePlanResponse { plan: Some(plan) }))
    }

    async fn reject_plan(&self, request: Request<RejectPlanRequest>) -> Answer<RejectPlanResponse> {
        let actor = actor(&request)?;
        let RejectPlanRequest { id, hash, reason } = request.get_ref();
        let plan = plans::reject(&self.0, &actor, id, hash, reason).await?;
        Ok(Response::new(RejectPlanResponse { plan: Some(plan) }))
    }

    async fn withdraw_plan(
        &self,
        request: Request<WithdrawPlanRequest>,
    ) -> Answer<WithdrawPlanResponse> {
        let actor = actor(&request)?;
        let WithdrawPlanRequest { id, hash, reason } = request.get_ref();
        let plan = plans::withdraw(&self.0, &actor, id, hash, reason).await?;
        Ok(Response::new(WithdrawPlanResponse { plan: Some(plan) }))
    }
}
