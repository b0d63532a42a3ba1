//! Run and follow over gRPC.

use std::pin::Pin;

use futures_util::{Stream, StreamExt as _};
use requorum_shared::api::v1::{
    AbortJobRequest, AbortJobResponse, AnswerJobRequest, AnswerJobResponse,
    CompleteHandoverStepRequest, CompleteHandoverStepResponse, GetJobRequest, GetJobResponse,
    GetLeftoversRequest, GetLeftoversResponse, ListJobsRequest, ListJobsResponse, PauseJobRequest,
    PauseJobResponse, RemoveLeftoversRequest, RemoveLeftoversResponse, ResumeJobRequest,
    ResumeJobResponse, StartJobRequest, StartJobResponse, WatchJobRequest, WatchJobResponse,
};
use tonic::{Request, Response, Status};

use super::v1::job_service_server::JobService;
use super::{accepted, actor};
use crate::app::App;
use crate::ops::jobs;

pub(super) struct Jobs(pub(super) App);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl JobService for Jobs {
    async fn start_job(&self, request: Request<StartJobRequest>) -> Answer<StartJobResponse> {
        let actor = actor(&request)?;
        let StartJobRequest {
            plan_id,
            plan_hash,
            accepted_warnings,
        } = request.into_inner();
        let accepted = accepted(accepted_warnings);
        let job = jobs::start(&self.0, &actor, &plan_id, &plan_hash, &accepted).await?;
        Ok(Response::new(StartJobResponse { job: Some(job) }))
    }

    async fn list_jobs(&self, request: Request<ListJobsRequest>) -> Answer<ListJobsResponse> {
        let actor = actor(&request)?;
        let answer = jobs::list(&self.0, &actor, request.get_ref()).await?;
        Ok(Response::new(answer))
    }

    async fn get_job(&self, request: Request<GetJobRequest>) -> Answer<GetJobResponse> {
        let actor = actor(&request)?;
        let answer = jobs::get(&self.0, &actor, &request.get_ref().id).await?;
        Ok(Response::new(answer))
    }

    async fn pause_job(&self, request: Request<PauseJobRequest>) -> Answer<PauseJobResponse> {
        let actor = actor(&request)?;
        let request = request.get_ref();
        let job = jobs::pause(&self.0, &actor, &request.id).await?;
        Ok(Response::new(PauseJobResponse { job: Some(job) }))
    }

    async fn resume_job(&self, request: Request<ResumeJobRequest>) -> Answer<ResumeJobResponse> {
        let actor = actor(&request)?;
        let request = request.get_ref();
        let job = jobs::resume(&self.0, &actor, &request.id).await?;
        Ok(Response::new(ResumeJobResponse { job: Some(job) }))
    }

    async fn abort_job(&self, request: Request<AbortJobRequest>) -> Answer<AbortJobResponse> {
        let actor = actor(&request)?;
        let request = request.get_ref();
        let job = jobs::abort(&self.0, &actor, &request.id).await?;
        Ok(Response::new(AbortJobResponse { job: Some(job) }))
    }

    async fn answer_job(&self, request: Request<AnswerJobRequest>) -> Answer<AnswerJobResponse> {
        let actor = actor(&request)?;
        let AnswerJobRequest {
            id,
            question_id,
            choice_id,
            typed,
        } = request.get_ref();
        let job = jobs::answer(&self.0, &actor, id, question_id, choice_id, typed).await?;
        Ok(Response::new(AnswerJobResponse { job: Some(job) }))
    }

    async fn complete_handover_step(
        &self,
        request: Request<CompleteHandoverStepRequest>,
    ) -> Answer<CompleteHandoverStepResponse> {
        let actor = actor(&request)?;
        let CompleteHandoverStepRequest { id, step_id, note } = request.get_ref();
        let job = jobs::complete(&self.0, &actor, id, step_id, note).await?;
        Ok(Response::new(CompleteHandoverStepResponse {
            job: Some(job),
        }))
    }

    async fn get_leftovers(
        &self,
        request: Request<GetLeftoversRequest>,
    ) -> Answer<GetLeftoversResponse> {
        let actor = actor(&request)?;
        let answer = jobs::leftovers(&self.0, &actor, &request.get_ref().id).await?;
        Ok(Response::new(answer))
    }

    async fn remove_leftovers(
        &self,
        request: Request<RemoveLeftoversRequest>,
    ) -> Answer<RemoveLeftoversResponse> {
        let actor = actor(&request)?;
        let RemoveLeftoversRequest { id, typed } = request.get_ref();
        let job = jobs::remove_leftovers(&self.0, &actor, id, typed).await?;
        Ok(Response::new(RemoveLeftoversResponse { job: Some(job) }))
    }

    type WatchJobStream = Pin<Box<dyn Stream<Item = Result<WatchJobResponse, Status>> + Send>>;

    async fn watch_job(&self, request: Request<WatchJobRequest>) -> Answer<Self::WatchJobStream> {
        let actor = actor(&request)?;
        let WatchJobRequest { id, since } = request.get_ref();
        let place = self.0.downloads.stream(&actor.user_id)?;
        let events = jobs::watch(&self.0, &actor, id, *since).await?;
        Ok(Response::new(Box::pin(events.map(move |event| {
            let _ = &place;
            let event = Some(event.map_err(Status::from)?);
            Ok(WatchJobResponse { event })
        }))))
    }
}
