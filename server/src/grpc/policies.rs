//! Policies over gRPC.

use requorum_shared::api::v1::{
    ConfirmPolicyRequest, ConfirmPolicyResponse, ListPoliciesRequest, ListPoliciesResponse,
    ListPolicyProposalsRequest, ListPolicyProposalsResponse, PreviewPolicyRequest,
    PreviewPolicyResponse, RemovePolicyRequest, RemovePolicyResponse, SetPolicyRequest,
    SetPolicyResponse, WithdrawPolicyRequest, WithdrawPolicyResponse,
};
use tonic::{Request, Response, Status};

use super::actor;
use super::v1::policy_service_server::PolicyService;
use crate::app::App;
use crate::ops::approvals;

pub(super) struct Policies(pub(super) App);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl PolicyService for Policies {
    async fn list_policies(
        &self,
        request: Request<ListPoliciesRequest>,
    ) -> Answer<ListPoliciesResponse> {
        let actor = actor(&request)?;
        let answer = approvals::list_policies(&self.0, &actor, request.get_ref()).await?;
        Ok(Response::new(answer))
    }

    async fn list_policy_proposals(
        &self,
        request: Request<ListPolicyProposalsRequest>,
    ) -> Answer<ListPolicyProposalsResponse> {
        let actor = actor(&request)?;
        let answer = approvals::list_proposals(&self.0, &actor, request.get_ref()).await?;
        Ok(Response::new(answer))
    }

    async fn preview_policy(
        &self,
        request: Request<PreviewPolicyRequest>,
    ) -> Answer<PreviewPolicyResponse> {
        let actor = actor(&request)?;
        let policy = request.into_inner().policy.unwrap_or_default();
        let answer = approvals::preview_policy(&self.0, &actor, &policy).await?;
        Ok(Response::new(answer))
    }

    async fn set_policy(&self, request: Request<SetPolicyRequest>) -> Answer<SetPolicyResponse> {
        let actor = actor(&request)?;
        let policy = request.into_inner().policy.unwrap_or_default();
        let answer = approvals::set_policy(&self.0, &actor, &policy).await?;
        Ok(Response::new(answer))
    }

    async fn remove_policy(
        &self,
        request: Request<RemovePolicyRequest>,
    ) -> Answer<RemovePolicyResponse> {
        let actor = actor(&request)?;
        let cluster = &request.get_ref().cluster;
        let pending = approvals::remove_policy(&self.0, &actor, cluster).await?;
        Ok(Response::new(RemovePolicyResponse { pending }))
    }

    async fn confirm_policy(
        &self,
        request: Request<ConfirmPolicyRequest>,
    ) -> Answer<ConfirmPolicyResponse> {
        let actor = actor(&request)?;
        approvals::confirm_policy(&self.0, &actor, &request.get_ref().proposal_id).await?;
        Ok(Response::new(ConfirmPolicyResponse {}))
    }

    async fn withdraw_policy(
        &self,
        request: Request<WithdrawPolicyRequest>,
    ) -> Answer<WithdrawPolicyResponse> {
        let actor = actor(&request)?;
        approvals::withdraw_policy(&self.0, &actor, &request.get_ref().proposal_id).await?;
        Ok(Response::new(WithdrawPolicyResponse {}))
    }
}
