//! The typed API over gRPC-Web: one plain function per call.

use requorum_shared::api::v1::*;
use requorum_shared::finding;
use tonic_web_wasm_client::Client;

use super::acts;
use crate::failure::Failure;

/// The generated clients.
#[allow(missing_docs, unreachable_pub, clippy::all, unused_qualifications)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/requorum.v1.rs"));
}

use generated::approval_service_client::ApprovalServiceClient;
use generated::console_service_client::ConsoleServiceClient;
use generated::job_service_client::JobServiceClient;
use generated::ledger_service_client::LedgerServiceClient;
use generated::people_service_client::PeopleServiceClient;
use generated::plan_service_client::PlanServiceClient;
use generated::secret_service_client::SecretServiceClient;
use generated::snapshot_service_client::SnapshotServiceClient;

fn channel() -> Client {
    Client::new(
        leptos::prelude::window()
            .location()
            .origin()
            .unwrap_or_default(),
    )
}

/// Declares one function for one call.
macro_rules! call {
    ($(#[$doc:meta])* $name:ident, $client:ident, $request:ty, $response:ty) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// As [`Failure::from_grpc`].
        pub async fn $name(request: $request) -> Result<$response, Failure> {
            let response = $client::new(channel()).max_decoding_message_size(MAX_MESSAGE).$name(request).await;
            acts::called(stringify!($name));
            response.map(tonic::Response::into_inner).map_err(|status| Failure::from_grpc(&status))
        }
    };
}

/// Inspections of large files, with their page runs, pass tonic's 4 MiB.
const MAX_MESSAGE: usize = 64 << 20;

call!(
    /// What the console is and may do.
    about, ConsoleServiceClient, AboutRequest, AboutResponse
);
call!(
    /// What this person can do something about, and how much is under way.
    list_waiting, ConsoleServiceClient, ListWaitingRequest, ListWaitingResponse
);
call!(
    /// How far a plan's approval is, and what this person can add to it.
    get_approval, ApprovalServiceClient, GetApprovalRequest, Approval
);
call!(
    /// Lets a plan be run that nobody approved.
    break_glass, ApprovalServiceClient, BreakGlassRequest, Review
);
call!(
    /// A page of the reviews of plans that were run so.
    list_reviews, ApprovalServiceClient, ListReviewsRequest, ListReviewsResponse
);
call!(
    /// Closes one.
    close_review, ApprovalServiceClient, CloseReviewRequest, Review
);
call!(
    /// Who must agree to what.
    list_policies, ApprovalServiceClient, ListPoliciesRequest, ListPoliciesResponse
);
call!(
    /// What that would mean for open plans.
    preview_policy, ApprovalServiceClient, Policy, PreviewPolicyResponse
);
call!(
    /// Decides that.
    set_policy, ApprovalServiceClient, Policy, Policy
);
call!(
    /// Lets a cluster follow the rest again.
    remove_policy, ApprovalServiceClient, RemovePolicyRequest, RemovePolicyResponse
);
call!(
    /// Confirms a lower policy, as a second person.
    confirm_policy, ApprovalServiceClient, ProposalRequest, ProposalResponse
);
call!(
    /// Takes a proposed policy back, or turns it down.
    withdraw_policy, ApprovalServiceClient, ProposalRequest, ProposalResponse
);
call!(
    /// A page of stored snapshots.
    list_snapshots, SnapshotServiceClient, ListSnapshotsRequest, ListSnapshotsResponse
);
call!(
    /// One stored snapshot.
    get_snapshot, SnapshotServiceClient, GetSnapshotRequest, GetSnapshotResponse
);
call!(
    /// Says which cluster a stored snapshot belongs to.
    set_snapshot_cluster, SnapshotServiceClient, SetSnapshotClusterRequest, SnapshotSummary
);
call!(
    /// The server's report on a request.
    check_restore, PlanServiceClient, CheckRestoreRequest, CheckRestoreResponse
);
call!(
    /// Seals a plan.
    seal_restore, PlanServiceClient, SealRestoreRequest, SealRestoreResponse
);
call!(
    /// A page of plans.
    list_plans, PlanServiceClient, ListPlansRequest, ListPlansResponse
);
call!(
    /// One plan.
    get_plan, PlanServiceClient, GetPlanRequest, GetPlanResponse
);
call!(
    /// Approves the plan with exactly this hash.
    approve_plan, PlanServiceClient, ApprovePlanRequest, PlanSummary
);
call!(
    /// Rejects the plan with exactly this hash.
    reject_plan, PlanServiceClient, RejectPlanRequest, PlanSummary
);
call!(
    /// Runs an approved plan.
    start_job, JobServiceClient, StartJobRequest, JobSummary
);
call!(
    /// A page of jobs.
    list_jobs, JobServiceClient, ListJobsRequest, ListJobsResponse
);
call!(
    /// One job with its journal so far.
    get_job, JobServiceClient, GetJobRequest, GetJobResponse
);
call!(
    /// Pauses before the next step.
    pause_job, JobServiceClient, JobRequest, JobSummary
);
call!(
    /// Goes on after a pause.
    resume_job, JobServiceClient, JobRequest, JobSummary
);
call!(
    /// Stops and takes back what was done.
    abort_job, JobServiceClient, JobRequest, JobSummary
);
call!(
    /// Answers a job's question.
    answer_job, JobServiceClient, AnswerJobRequest, JobSummary
);
call!(
    /// The ledger's key, its checkpoint, and whether it can be written.
    get_ledger, LedgerServiceClient, GetLedgerRequest, GetLedgerResponse
);
call!(
    /// A page of entries, newest first.
    list_entries, LedgerServiceClient, ListEntriesRequest, ListEntriesResponse
);
call!(
    /// An entry and its way to the current checkpoint.
    prove_entry, LedgerServiceClient, ProveEntryRequest, ProveEntryResponse
);
call!(
    /// That the ledger goes on from a smaller one.
    prove_consistency, LedgerServiceClient, ProveConsistencyRequest, ProveConsistencyResponse
);

/// All entries from `since` on, then new ones as they are written.
///
/// # Errors
/// As [`Failure::from_grpc`].
pub async fn tail_entries(since: u64) -> Result<tonic::Streaming<TailEntriesResponse>, Failure> {
    let response = LedgerServiceClient::new(channel())
        .tail_entries(TailEntriesRequest { since })
        .await;
    response
        .map(tonic::Response::into_inner)
        .map_err(|status| Failure::from_grpc(&status))
}

call!(
    /// A page of accounts.
    list_people, PeopleServiceClient, ListPeopleRequest, ListPeopleResponse
);
call!(
    /// Adds an account, with the link that sets its password.
    invite_person, PeopleServiceClient, InvitePersonRequest, PasswordLink
);
call!(
    /// Makes a new link that sets an account's password.
    make_password_link, PeopleServiceClient, PersonRequest, PasswordLink
);
call!(
    /// Gives an account exactly these roles.
    set_grants, PeopleServiceClient, SetGrantsRequest, Person
);
call!(
    /// Shuts an account out.
    disable_person, PeopleServiceClient, PersonRequest, Person
);
call!(
    /// Lets an account in again.
    enable_person, PeopleServiceClient, PersonRequest, Person
);
call!(
    /// What ends, and what is left behind, when an account is disabled.
    get_dependents, PeopleServiceClient, PersonRequest, PersonDependents
);
call!(
    /// Where somebody is signed in.
    list_sessions, PeopleServiceClient, ListSessionsRequest, ListSessionsResponse
);
call!(
    /// Ends one session, or all but this one.
    end_sessions, PeopleServiceClient, EndSessionsRequest, EndSessionsResponse
);
call!(
    /// A page of one's own tokens, or of everybody's.
    list_tokens, PeopleServiceClient, ListTokensRequest, ListTokensResponse
);
call!(
    /// Makes a token for oneself.
    create_token, PeopleServiceClient, CreateTokenRequest, CreateTokenResponse
);
call!(
    /// Makes a token worthless.
    revoke_token, PeopleServiceClient, RevokeTokenRequest, Token
);
call!(
    /// A page of names and ages of credentials.
    list_secrets, SecretServiceClient, ListSecretsRequest, ListSecretsResponse
);
call!(
    /// Puts a credential in, or replaces one.
    put_secret, SecretServiceClient, PutSecretRequest, SecretInfo
);
call!(
    /// What needs a credential.
    get_secret_uses, SecretServiceClient, SecretUsesRequest, SecretUses
);
call!(
    /// Takes a credential away.
    remove_secret, SecretServiceClient, RemoveSecretRequest, RemoveSecretResponse
);

/// All journal entries newer than `since`, then live ones until the job is over.
///
/// # Errors
/// As [`Failure::from_grpc`].
pub async fn watch_job(id: String, since: u64) -> Result<tonic::Streaming<JobEvent>, Failure> {
    let response = JobServiceClient::new(channel())
        .watch_job(WatchJobRequest { id, since })
        .await;
    response
        .map(tonic::Response::into_inner)
        .map_err(|status| Failure::from_grpc(&status))
}

/// Findings as they travel, in the shape that all code here uses. A severity that this page does not know blocks:
/// unknown is never good.
pub fn findings(wire: Vec<Finding>) -> Vec<finding::Finding> {
    wire.into_iter()
        .map(|f| finding::Finding {
            severity: match f.severity.as_str() {
                "note" => finding::Severity::Note,
                "warning" => finding::Severity::Warning,
                _ => finding::Severity::Blocking,
            },
            code: f.code,
            subject: f.subject,
            what: f.what,
            why: f.why,
            todo: f.todo,
            place: (f.page.is_some() || f.offset.is_some()).then_some(finding::Place {
                page: f.page,
                offset: f.offset,
            }),
            field: f.field,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_severity_from_the_future_blocks() {
        let wire = Finding {
            severity: "fatal".into(),
            code: "x".into(),
            page: Some(3),
            ..Finding::default()
        };
        let found = findings(vec![wire]);
        assert_eq!(found[0].severity, finding::Severity::Blocking);
        assert_eq!(found[0].place.unwrap().page, Some(3));
    }
}
