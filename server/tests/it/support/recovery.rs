//! The whole path over the typed API, for the tests that walk it.

use requorum_server::grpc::v1::approval_service_client::ApprovalServiceClient;
use requorum_server::grpc::v1::file_service_client::FileServiceClient;
use requorum_server::grpc::v1::job_service_client::JobServiceClient;
use requorum_server::grpc::v1::ledger_service_client::LedgerServiceClient;
use requorum_server::grpc::v1::plan_service_client::PlanServiceClient;
use requorum_shared::api::upload::Upload;
use requorum_shared::api::v1;
use requorum_shared::etcd::recovery::restore::{
    CleanUp, MemberRequest, RestoreRequest, Target, TargetVersion,
};
use requorum_shared::job::events::{Body, EPHEMERAL, Event};
use requorum_shared::job::fold::JobView;
use requorum_shared::recovery::Request;
use serde_json::json;
use tonic::Status;

use crate::support::harness::{Client, Native, TestServer, fixture};

type Wire = Native;

/// Three members for the server's own root, at `path`.
pub(crate) fn request(snapshot: &str, path: &str) -> RestoreRequest {
    RestoreRequest {
        snapshot: snapshot.into(),
        members: (1..=3)
            .map(|n| MemberRequest {
                name: format!("m{n}"),
                peer_urls: vec![format!("http://10.0.0.{n}:2380")],
            })
            .collect(),
        token: "restored-2026-11-21".into(),
        bump_revision: 0,
        mark_compacted: false,
        skip_hash_check: false,
        accept_older_meta: false,
        target_version: TargetVersion::V3_6,
        clean_up: CleanUp::default(),
        target: Target::Folder {
            root: "console".into(),
            path: path.into(),
        },
        last_seen: None,
    }
}

/// A signed-in operator.
pub(crate) struct Console {
    pub(crate) http: Client,
    wire: Wire,
}

impl Console {
    /// The first administrator of a fresh server.
    pub(crate) async fn over(server: &TestServer) -> Self {
        Self::with(server.admin().await).await
    }

    /// The administrator, signed in anew.
    pub(crate) async fn signed_in(server: &TestServer) -> Self {
        Self::with(server.signed_in().await).await
    }

    pub(crate) async fn with(http: Client) -> Self {
        Self {
            wire: http.grpc().await,
            http,
        }
    }

    fn plans_client(&self) -> PlanServiceClient<Wire> {
        PlanServiceClient::new(self.wire.clone())
    }

    fn jobs_client(&self) -> JobServiceClient<Wire> {
        JobServiceClient::new(self.wire.clone())
    }

    /// Uploads a fixture; gives the snapshot's id.
    pub(crate) async fn upload(&self, name: &str) -> String {
        self.upload_of(name, "").await
    }

    /// Uploads a fixture as one of a cluster.
    pub(crate) async fn upload_of(&self, name: &str, cluster: &str) -> String {
        self.send(name, fixture(name), cluster).await
    }

    pub(crate) async fn upload_bytes(&self, name: &str, bytes: Vec<u8>) -> String {
        self.send(name, bytes, "").await
    }

    async fn send(&self, name: &str, bytes: Vec<u8>, cluster: &str) -> String {
        let upload: Upload = self
            .http
            .post(
                "/api/uploads",
                &json!({
                    "name": name,
                    "length": bytes.len(),
                    "cluster": cluster,
                    "evidence": true,
                }),
            )
            .await
            .json()
            .await
            .unwrap();
        let done: Upload = self
            .http
            .request("PATCH", &format!("/api/uploads/{}", upload.id))
            .header("upload-offset", 0)
            .body(bytes)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        done.snapshot.expect("all bytes were sent")
    }

    pub(crate) async fn get_snapshot(&self, id: &str) -> v1::GetFileResponse {
        FileServiceClient::new(self.wire.clone())
            .get_file(v1::GetFileRequest { id: id.into() })
            .await
            .unwrap()
            .into_inner()
    }

    pub(crate) async fn check(&self, request: &RestoreRequest) -> Result<Vec<v1::Finding>, Status> {
        self.check_json(&asked(request)).await
    }

    pub(crate) async fn check_json(&self, json: &str) -> Result<Vec<v1::Finding>, Status> {
        let request = v1::CheckPlanRequest {
            kind: "etcd.restore".into(),
            request_json: json.into(),
        };
        let response = self.plans_client().check_plan(request).await?;
        Ok(response.into_inner().findings)
    }

    pub(crate) async fn seal(&self, request: &RestoreRequest) -> Result<v1::PlanSummary, Status> {
        self.seal_json(&asked(request)).await
    }

    pub(crate) async fn seal_json(&self, json: &str) -> Result<v1::PlanSummary, Status> {
        let request = v1::SealPlanRequest {
            kind: "etcd.restore".into(),
            request_json: json.into(),
        };
        let response = self.plans_client().seal_plan(request).await?;
        Ok(response.into_inner().plan.unwrap())
    }

    pub(crate) async fn plans(&self) -> Vec<v1::PlanSummary> {
        let response = self
            .plans_client()
            .list_plans(v1::ListPlansRequest::default())
            .await;
        response.unwrap().into_inner().plans
    }

    /// Those that rest on this file or observation.
    pub(crate) async fn plans_on(&self, input: &str) -> Vec<v1::PlanSummary> {
        let request = v1::ListPlansRequest {
            input: input.into(),
            ..Default::default()
        };
        let response = self.plans_client().list_plans(request).await;
        response.unwrap().into_inner().plans
    }

    /// How many entries of the ledger fit.
    pub(crate) async fn entries(&self, filter: v1::ListEntriesRequest) -> usize {
        let mut ledger = LedgerServiceClient::new(self.wire.clone());
        let list = ledger.list_entries(filter).await.unwrap();
        list.into_inner().entries.len()
    }

    pub(crate) async fn plan(&self, id: &str) -> v1::GetPlanResponse {
        let request = v1::GetPlanRequest { id: id.into() };
        self.plans_client()
            .get_plan(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// Approves a plan that has no warnings.
    pub(crate) async fn approve(&self, id: &str, hash: &str) -> Result<v1::PlanSummary, Status> {
        self.approve_accepting(id, hash, &[]).await
    }

    pub(crate) async fn approve_accepting(
        &self,
        id: &str,
        hash: &str,
        accepted: &[v1::AcceptedWarning],
    ) -> Result<v1::PlanSummary, Status> {
        let request = v1::ApprovePlanRequest {
            id: id.into(),
            hash: hash.into(),
            accepted_warnings: accepted.to_vec(),
        };
        let answer = self.plans_client().approve_plan(request).await?;
        Ok(answer.into_inner().plan.unwrap())
    }

    pub(crate) async fn reject(
        &self,
        plan: &v1::PlanSummary,
        reason: &str,
    ) -> Result<v1::PlanSummary, Status> {
        let request = v1::RejectPlanRequest {
            id: plan.id.clone(),
            hash: plan.hash.clone(),
            reason: reason.into(),
        };
        let answer = self.plans_client().reject_plan(request).await?;
        Ok(answer.into_inner().plan.unwrap())
    }

    pub(crate) async fn withdraw(
        &self,
        plan: &v1::PlanSummary,
        reason: &str,
    ) -> Result<v1::PlanSummary, Status> {
        let request = v1::WithdrawPlanRequest {
            id: plan.id.clone(),
            hash: plan.hash.clone(),
            reason: reason.into(),
        };
        let answer = self.plans_client().withdraw_plan(request).await?;
        Ok(answer.into_inner().plan.unwrap())
    }

    /// Runs a plan, all of whose warnings an approval has accepted.
    pub(crate) async fn start(&self, plan: &v1::PlanSummary) -> Result<v1::JobSummary, Status> {
        self.start_accepting(plan, &[]).await
    }

    pub(crate) async fn start_accepting(
        &self,
        plan: &v1::PlanSummary,
        accepted: &[v1::AcceptedWarning],
    ) -> Result<v1::JobSummary, Status> {
        let request = v1::StartJobRequest {
            plan_id: plan.id.clone(),
            plan_hash: plan.hash.clone(),
            accepted_warnings: accepted.to_vec(),
        };
        let answer = self.jobs_client().start_job(request).await?;
        Ok(answer.into_inner().job.unwrap())
    }

    /// Approves a plan with all of its warnings, as a person does who has read them.
    pub(crate) async fn approve_all(
        &self,
        plan: &v1::PlanSummary,
    ) -> Result<v1::PlanSummary, Status> {
        let request = v1::GetApprovalRequest {
            plan_id: plan.id.clone(),
        };
        let mut approvals = ApprovalServiceClient::new(self.wire.clone());
        let approval = approvals.get_approval(request).await?.into_inner().approval;
        let warnings = approval.unwrap().unaccepted_warnings;
        self.approve_accepting(&plan.id, &plan.hash, &warnings)
            .await
    }

    /// Seals, approves and starts.
    pub(crate) async fn run(&self, request: &RestoreRequest) -> v1::JobSummary {
        let plan = self.seal(request).await.unwrap();
        self.approve_all(&plan).await.unwrap();
        self.start(&plan).await.unwrap()
    }

    pub(crate) async fn jobs(&self) -> Vec<v1::JobSummary> {
        let response = self
            .jobs_client()
            .list_jobs(v1::ListJobsRequest::default())
            .await;
        response.unwrap().into_inner().jobs
    }

    pub(crate) async fn job(&self, id: &str) -> v1::GetJobResponse {
        let request = v1::GetJobRequest { id: id.into() };
        self.jobs_client()
            .get_job(request)
            .await
            .unwrap()
            .into_inner()
    }

    pub(crate) async fn abort(&self, id: &str) -> Result<v1::JobSummary, Status> {
        let request = v1::AbortJobRequest { id: id.into() };
        let answer = self.jobs_client().abort_job(request).await?;
        Ok(answer.into_inner().job.unwrap())
    }

    pub(crate) async fn pause(&self, id: &str) -> Result<v1::JobSummary, Status> {
        let request = v1::PauseJobRequest { id: id.into() };
        let answer = self.jobs_client().pause_job(request).await?;
        Ok(answer.into_inner().job.unwrap())
    }

    pub(crate) async fn answer(
        &self,
        id: &str,
        question: &str,
        choice: &str,
    ) -> Result<v1::JobSummary, Status> {
        self.answer_typing(id, question, choice, "").await
    }

    /// The same for a choice that has to be confirmed by typing something.
    pub(crate) async fn answer_typing(
        &self,
        id: &str,
        question: &str,
        choice: &str,
        typed: &str,
    ) -> Result<v1::JobSummary, Status> {
        let request = v1::AnswerJobRequest {
            id: id.into(),
            question_id: question.into(),
            choice_id: choice.into(),
            typed: typed.into(),
        };
        let answer = self.jobs_client().answer_job(request).await?;
        Ok(answer.into_inner().job.unwrap())
    }

    /// Ticks a step of the hand-over.
    pub(crate) async fn hand_over(
        &self,
        id: &str,
        step: &str,
        note: &str,
    ) -> Result<v1::JobSummary, Status> {
        let request = v1::CompleteHandoverStepRequest {
            id: id.into(),
            step_id: step.into(),
            note: note.into(),
        };
        let answer = self.jobs_client().complete_handover_step(request).await?;
        Ok(answer.into_inner().job.unwrap())
    }

    /// What a job left on the server.
    pub(crate) async fn leftovers(&self, id: &str) -> v1::GetLeftoversResponse {
        let request = v1::GetLeftoversRequest { id: id.into() };
        let answer = self.jobs_client().get_leftovers(request).await;
        answer.unwrap().into_inner()
    }

    /// Removes it.
    pub(crate) async fn remove_leftovers(
        &self,
        id: &str,
        typed: &str,
    ) -> Result<v1::JobSummary, Status> {
        let request = v1::RemoveLeftoversRequest {
            id: id.into(),
            typed: typed.into(),
        };
        let answer = self.jobs_client().remove_leftovers(request).await?;
        Ok(answer.into_inner().job.unwrap())
    }

    /// Follows the job to its end; every event, as the page would fold them.
    pub(crate) async fn watch(&self, id: &str, since: u64) -> Result<Vec<Event>, Status> {
        self.watch_until(id, since, |_| false).await
    }

    /// Follows the job to its end, or until `enough` says so.
    pub(crate) async fn watch_until(
        &self,
        id: &str,
        since: u64,
        enough: impl Fn(&Event) -> bool,
    ) -> Result<Vec<Event>, Status> {
        let request = v1::WatchJobRequest {
            id: id.into(),
            since,
        };
        let mut stream = self.jobs_client().watch_job(request).await?.into_inner();
        let mut events = Vec::new();
        while let Some(answer) = stream.message().await? {
            let event = answer.event.unwrap();
            let what = serde_json::from_str(&event.body_json).unwrap();
            let event = Event::new(event.seq, event.at_ms, what);
            let stop = enough(&event);
            events.push(event);
            if stop {
                break;
            }
        }
        Ok(events)
    }

    /// Waits for the job's end, or until it asks.
    pub(crate) async fn finished(&self, id: &str) -> JobView {
        let asks = |e: &Event| matches!(e.body, Body::Asked { .. });
        let events = self.watch_until(id, 0, asks).await.unwrap();
        fold(&events)
    }
}

/// The view that a page would have.
pub(crate) fn fold(events: &[Event]) -> JobView {
    let mut view = JobView::new(6);
    for event in events {
        assert!(
            view.apply(event) || event.seq == EPHEMERAL,
            "a gap at {event:?}"
        );
    }
    view
}

/// A restore as the API takes it.
pub(crate) fn asked(request: &RestoreRequest) -> String {
    serde_json::to_string(&Request::EtcdRestore(request.clone())).unwrap()
}
