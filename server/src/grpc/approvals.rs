//! Approvals, policies and reviews over gRPC.

use requorum_shared::api::v1::{
    Approval, BreakGlassRequest, CloseReviewRequest, GetApprovalRequest, ListPoliciesRequest,
    ListPoliciesResponse, ListReviewsRequest, ListReviewsResponse, Policy, PreviewPolicyResponse,
    ProposalRequest, ProposalResponse, RemovePolicyRequest, RemovePolicyResponse, Review,
};
use tonic::{Request, Response, Status};

use super::actor;
use super::v1::approval_service_server::ApprovalService;
use crate::app::App;
use crate::ops::approvals;

pub(super) struct Approvals(pub(super) App);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl ApprovalService for Approvals {
    async fn get_approval(&self, request: Request<GetApprovalRequest>) -> Answer<Approval> {
        let actor = actor(&request)?;
        Ok(Response::new(
            approvals::get(&self.0, &actor, &request.get_ref().plan_id).await?,
        ))
    }

    async fn break_glass(&self, request: Request<BreakGlassRequest>) -> Answer<Review> {
        let actor = actor(&request)?;
        let BreakGlassRequest {
            plan_id,
            plan_hash,
            reason,
        } = request.get_ref();
        Ok(Response::new(
            approvals::break_glass(&self.0, &actor, plan_id, plan_hash, reason).await?,
        ))
    }

    async fn list_reviews(
        &self,
        request: Request<ListReviewsRequest>,
    ) -> Answer<ListReviewsResponse> {
        let actor = actor(&request)?;
        Ok(Response::new(
            approvals::list_reviews(&self.0, &actor, request.get_ref()).await?,
        ))
    }

    async fn close_review(&self, request: Request<CloseReviewRequest>) -> Answer<Review> {
        let actor = actor(&request)?;
        let CloseReviewRequest { id, note } = request.get_ref();
        Ok(Response::new(
            approvals::close_review(&self.0, &actor, id, note).await?,
        ))
    }

    async fn list_policies(
        &self,
        request: Request<ListPoliciesRequest>,
    ) -> Answer<ListPoliciesResponse> {
        let actor = actor(&request)?;
        Ok(Response::new(
            approvals::list_policies(&self.0, &actor).await?,
        ))
    }

    async fn preview_policy(&self, request: Request<Policy>) -> Answer<PreviewPolicyResponse> {
        let actor = actor(&request)?;
        Ok(Response::new(
            approvals::preview_policy(&self.0, &actor, request.get_ref()).await?,
        ))
    }

    async fn confirm_policy(&self, request: Request<ProposalRequest>) -> Answer<ProposalResponse> {
        let actor = actor(&request)?;
        approvals::confirm_policy(&self.0, &actor, &request.get_ref().id).await?;
        Ok(Response::new(ProposalResponse {}))
    }

    async fn withdraw_policy(&self, request: Request<ProposalRequest>) -> Answer<ProposalResponse> {
        let actor = actor(&request)?;
        approvals::withdraw_policy(&self.0, &actor, &request.get_ref().id).await?;
        Ok(Response::new(ProposalResponse {}))
    }

    async fn set_policy(&self, request: Request<Policy>) -> Answer<Policy> {
        let actor = actor(&request)?;
        Ok(Response::new(
            approvals::set_policy(&self.0, &actor, request.get_ref()).await?,
        ))
    }

    async fn remove_policy(
        &self,
        request: Request<RemovePolicyRequest>,
    ) -> Answer<RemovePolicyResponse> {
        let actor = actor(&request)?;
        let waiting = approvals::remove_policy(&self.0, &actor, &request.get_ref().cluster).await?;
        Ok(Response::new(RemovePolicyResponse { waiting }))
    }
}
