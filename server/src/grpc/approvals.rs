//! Approvals and reviews over gRPC.

use requorum_shared::api::v1::{
    BreakGlassRequest, BreakGlassResponse, CloseReviewRequest, CloseReviewResponse,
    GetApprovalRequest, GetApprovalResponse, ListReviewsRequest, ListReviewsResponse,
};
use tonic::{Request, Response, Status};

use super::v1::approval_service_server::ApprovalService;
use super::{accepted, actor};
use crate::app::App;
use crate::ops::approvals;

pub(super) struct Approvals(pub(super) App);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl ApprovalService for Approvals {
    async fn get_approval(
        &self,
        request: Request<GetApprovalRequest>,
    ) -> Answer<GetApprovalResponse> {
        let actor = actor(&request)?;
        let request = request.get_ref();
        let approval = approvals::get(&self.0, &actor, &request.plan_id).await?;
        Ok(Response::new(GetApprovalResponse {
            approval: Some(approval),
        }))
    }

    async fn break_glass(&self, request: Request<BreakGlassRequest>) -> Answer<BreakGlassResponse> {
        let actor = actor(&request)?;
        let BreakGlassRequest {
            plan_id,
            plan_hash,
            reason,
            accepted_warnings,
        } = request.into_inner();
        let accepted = accepted(accepted_warnings);
        let named = (plan_id.as_str(), plan_hash.as_str());
        let review = approvals::break_glass(&self.0, &actor, named, &reason, &accepted).await?;
        Ok(Response::new(BreakGlassResponse {
            review: Some(review),
        }))
    }

    async fn list_reviews(
        &self,
        request: Request<ListReviewsRequest>,
    ) -> Answer<ListReviewsResponse> {
        let actor = actor(&request)?;
        let answer = approvals::list_reviews(&self.0, &actor, request.get_ref()).await?;
        Ok(Response::new(answer))
    }

    async fn close_review(
        &self,
        request: Request<CloseReviewRequest>,
    ) -> Answer<CloseReviewResponse> {
        let actor = actor(&request)?;
        let request = request.get_ref();
        let review = approvals::close_review(&self.0, &actor, &request.id, &request.note).await?;
        Ok(Response::new(CloseReviewResponse {
            review: Some(review),
        }))
    }
}
