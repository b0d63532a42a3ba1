//! Run and follow over gRPC.

use std::pin::Pin;

use futures_util::{Stream, StreamExt as _};
use requorum_shared::api::v1::{
    AnswerJobRequest, GetJobRequest, GetJobResponse, JobEvent, JobRequest, JobSummary,
    ListJobsRequest, ListJobsResponse, StartJobRequest, WatchJobRequest,
};
use tonic::{Request, Response, Status};

use super::v1::job_service_server::JobService;
use crate::app::App;
use crate::ops::jobs;

pub(super) struct Jobs(pub(super) App);

#[tonic::async_trait]
impl JobService for Jobs {
    type WatchJobStream = Pin<Box<dyn Stream<Item = Result<JobEvent, Status>> + Send>>;

    async fn start_job(
        &self,
        request: Request<StartJobRequest>,
    ) -> Result<Response<JobSummary>, Status> {
        let actor = super::actor(&request)?;
        let StartJobRequest { plan_id, plan_hash } = request.get_ref();
        Ok(Response::new(
            jobs::start(&self.0, &actor, plan_id, plan_hash).await?,
        ))
    }

    async fn list_jobs(
        &self,
        request: Request<ListJobsRequest>,
    ) -> Result<Response<ListJobsResponse>, Status> {
        let actor = super::actor(&request)?;
        Ok(Response::new(
            jobs::list(&self.0, &actor, request.get_ref()).await?,
        ))
    }

    async fn get_job(
        &self,
        request: Request<GetJobRequest>,
    ) -> Result<Response<GetJobResponse>, Status> {
        let actor = super::actor(&request)?;
        Ok(Response::new(
            jobs::get(&self.0, &actor, &request.get_ref().id).await?,
        ))
    }

    async fn pause_job(
        &self,
        request: Request<JobRequest>,
    ) -> Result<Response<JobSummary>, Status> {
        let actor = super::actor(&request)?;
        Ok(Response::new(
            jobs::pause(&self.0, &actor, &request.get_ref().id).await?,
        ))
    }

    async fn resume_job(
        &self,
        request: Request<JobRequest>,
    ) -> Result<Response<JobSummary>, Status> {
        let actor = super::actor(&request)?;
        Ok(Response::new(
            jobs::resume(&self.0, &actor, &request.get_ref().id).await?,
        ))
    }

    async fn abort_job(
        &self,
        request: Request<JobRequest>,
    ) -> Result<Response<JobSummary>, Status> {
        let actor = super::actor(&request)?;
        Ok(Response::new(
            jobs::abort(&self.0, &actor, &request.get_ref().id).await?,
        ))
    }

    async fn answer_job(
        &self,
        request: Request<AnswerJobRequest>,
    ) -> Result<Response<JobSummary>, Status> {
        let actor = super::actor(&request)?;
        let AnswerJobRequest {
            id,
            question_id,
            choice_id,
            typed,
        } = request.get_ref();
        Ok(Response::new(
            jobs::answer(&self.0, &actor, id, question_id, choice_id, typed).await?,
        ))
    }

    async fn watch_job(
        &self,
        request: Request<WatchJobRequest>,
    ) -> Result<Response<Self::WatchJobStream>, Status> {
        let actor = super::actor(&request)?;
        let WatchJobRequest { id, since } = request.get_ref();
        let place = self.0.downloads.stream(&actor.user_id)?;
        let events = jobs::watch(&self.0, &actor, id, *since).await?;
        Ok(Response::new(Box::pin(events.map(move |event| {
            let _ = &place;
            event.map_err(Status::from)
        }))))
    }
}
