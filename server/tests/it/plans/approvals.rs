//! Approvals: who must agree, what an approval is bound to, what happens without one.

use requorum_server::grpc::v1::approval_service_client::ApprovalServiceClient;
use requorum_server::grpc::v1::policy_service_client::PolicyServiceClient;
use requorum_server::ops::plans::EXPIRES_AFTER_MS;
use requorum_shared::api::v1::{self, InboxKind};
use requorum_shared::finding::{Finding, Report};
use requorum_shared::ledger::entry::{Entry, Outcome, act};
use requorum_shared::recovery::{self, Observation, Plan};
use tonic::{Code, Status};

use crate::ledger::entries::audit;
use crate::support::harness::{Client, NAME, Native, Options, TestServer, code};
use crate::support::recovery::{Console, request};

pub(crate) async fn approvals(client: &Client) -> ApprovalServiceClient<Native> {
    ApprovalServiceClient::new(client.grpc().await)
}

pub(crate) async fn policies(client: &Client) -> PolicyServiceClient<Native> {
    PolicyServiceClient::new(client.grpc().await)
}

pub(crate) async fn approval(client: &Client, plan: &v1::PlanSummary) -> v1::Approval {
    let request = v1::GetApprovalRequest {
        plan_id: plan.id.clone(),
    };
    let answer = approvals(client).await.get_approval(request).await;
    answer.unwrap().into_inner().approval.unwrap()
}

pub(crate) async fn break_glass(
    client: &Client,
    plan: &v1::PlanSummary,
    reason: &str,
) -> Result<v1::Review, Status> {
    override_accepting(client, plan, reason, &[]).await
}

async fn override_accepting(
    client: &Client,
    plan: &v1::PlanSummary,
    reason: &str,
    accepted: &[v1::AcceptedWarning],
) -> Result<v1::Review, Status> {
    let request = v1::BreakGlassRequest {
        plan_id: plan.id.clone(),
        plan_hash: plan.hash.clone(),
        reason: reason.into(),
        accepted_warnings: accepted.to_vec(),
    };
    let answer = approvals(client).await.break_glass(request).await?;
    Ok(answer.into_inner().review.unwrap())
}

async fn open_reviews(client: &Client) -> u32 {
    use requorum_server::grpc::v1::console_service_client::ConsoleServiceClient;
    let mut console = ConsoleServiceClient::new(client.grpc().await);
    let about = console.about(v1::AboutRequest {}).await.unwrap();
    about.into_inner().open_reviews
}

fn second_person(word: &str) -> v1::SecondPerson {
    match word {
        "never" => v1::SecondPerson::Never,
        "when-possible" => v1::SecondPerson::WhenPossible,
        "always" => v1::SecondPerson::Always,
        _ => v1::SecondPerson::Unspecified,
    }
}

pub(crate) fn policy(approvers: u32, second: &str, break_glass: bool) -> v1::Policy {
    let rule = Some(v1::Rule {
        approvers,
        second: second_person(second).into(),
    });
    v1::Policy {
        undoable: rule,
        destructive: rule,
        break_glass,
        ..v1::Policy::default()
    }
}

/// A console with a snapshot on it; the administrator holds every role.
pub(crate) async fn console(server: &TestServer) -> (Console, String) {
    let console = Console::over(server).await;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    (console, snapshot)
}

async fn somebody(server: &TestServer, admin: &Console, name: &str, roles: &[&str]) -> Console {
    Console::with(server.person(&admin.http, name, roles).await).await
}

#[tokio::test]
async fn alone_one_approves_ones_own_and_it_is_written_down() {
    let server = TestServer::start().await;
    let (admin, snapshot) = console(&server).await;
    let plan = admin.seal(&request(&snapshot, "a")).await.unwrap();
    let before = approval(&admin.http, &plan).await;
    assert_eq!(
        (before.reversibility(), before.missing),
        (v1::Reversibility::Undoable, 1)
    );
    assert!(before.you_can && before.glass_can_break);
    assert_eq!(before.could_approve, [NAME]);

    let approved = admin.approve(&plan.id, &plan.hash).await.unwrap();
    assert_eq!(approved.state(), v1::PlanState::Approved);
    assert_eq!(
        approved.reason,
        "Approved by the author alone: no other person was eligible."
    );
    let after = approval(&admin.http, &plan).await;
    assert_eq!(after.votes.len(), 1);
    assert_eq!(after.votes[0].plan_hash, plan.hash);
    assert!(!after.you_can && !after.glass_can_break && after.missing == 0);
    admin.start(&plan).await.unwrap();
}

#[tokio::test]
async fn as_soon_as_there_is_another_the_author_is_not_enough() {
    let server = TestServer::start().await;
    let (anna, snapshot) = console(&server).await;
    let early = anna.seal(&request(&snapshot, "early")).await.unwrap();
    anna.approve(&early.id, &early.hash).await.unwrap();

    let ben = somebody(&server, &anna, "Ben", &["approver"]).await;
    let refused = anna.start(&early).await.unwrap_err();
    assert_eq!(
        (refused.code(), code(&refused)),
        (Code::FailedPrecondition, "plan.second-person"),
        "what was enough alone is not any more"
    );

    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    let refused = anna.approve(&plan.id, &plan.hash).await.unwrap_err();
    assert_eq!(code(&refused), "approval.own");
    assert!(
        refused.message().contains("Eligible: Ben"),
        "{}",
        refused.message()
    );
    let seen = approval(&anna.http, &plan).await;
    assert!(
        !seen.you_can && seen.why_not.contains("You created this plan"),
        "{seen:?}"
    );
    assert!(approval(&ben.http, &plan).await.you_can);

    let approved = ben.approve(&plan.id, &plan.hash).await.unwrap();
    assert_eq!(
        (approved.state(), approved.decided_by.as_str()),
        (v1::PlanState::Approved, "Ben")
    );
    assert_eq!(approved.reason, "");
    let refused = ben.start(&plan).await.unwrap_err();
    assert_eq!(
        refused.code(),
        Code::PermissionDenied,
        "an approver is no operator"
    );
    anna.start(&plan).await.unwrap();
}

#[tokio::test]
async fn whoever_runs_it_cannot_be_the_only_one_who_agreed() {
    let server = TestServer::start().await;
    let (anna, snapshot) = console(&server).await;
    let ben = somebody(&server, &anna, "Ben", &["approver", "operator"]).await;
    let carl = somebody(&server, &anna, "Carl", &["approver"]).await;
    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    ben.approve(&plan.id, &plan.hash).await.unwrap();
    let refused = ben.start(&plan).await.unwrap_err();
    assert_eq!(code(&refused), "plan.second-person");
    assert!(
        refused.message().contains("another person"),
        "{}",
        refused.message()
    );
    carl.approve(&plan.id, &plan.hash).await.unwrap();
    ben.start(&plan).await.unwrap();
}

#[tokio::test]
async fn an_approval_counts_once_and_for_one_plan_only() {
    let server = TestServer::start().await;
    let (anna, snapshot) = console(&server).await;
    let ben = somebody(&server, &anna, "Ben", &["approver"]).await;
    let carl = somebody(&server, &anna, "Carl", &["approver"]).await;
    let mut policies = policies(&anna.http).await;
    policies
        .set_policy(v1::SetPolicyRequest {
            policy: Some(policy(2, "always", true)),
        })
        .await
        .unwrap();
    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    let other = anna.seal(&request(&snapshot, "b")).await.unwrap();

    let first = ben.approve(&plan.id, &plan.hash).await.unwrap();
    assert_eq!(first.state(), v1::PlanState::Sealed, "one of two");
    // Replayed, for the same plan, for another, and with the other's hash.
    let twice = ben.approve(&plan.id, &plan.hash).await.unwrap_err();
    assert_eq!(
        (twice.code(), code(&twice)),
        (Code::FailedPrecondition, "approval.twice")
    );
    for (id, hash) in [(&other.id, &plan.hash), (&plan.id, &other.hash)] {
        let refused = carl.approve(id, hash).await.unwrap_err();
        assert_eq!(code(&refused), "plan.other-hash");
    }
    assert_eq!(approval(&anna.http, &plan).await.votes.len(), 1);
    assert_eq!(approval(&anna.http, &other).await.votes.len(), 0);
    let early = anna.start(&other).await.unwrap_err();
    let needed = "Waiting for 2 approvals. Eligible: ";
    assert!(early.message().contains(needed), "{}", early.message());
    let early = anna.start(&plan).await.unwrap_err();
    assert_eq!(code(&early), "plan.not-approved");
    assert!(
        early.message().contains("Waiting for 1 approval."),
        "{}",
        early.message()
    );

    let second = carl.approve(&plan.id, &plan.hash).await.unwrap();
    assert_eq!(second.decided_by, "Ben, Carl");
    anna.start(&plan).await.unwrap();
    // A plan that ran is not approved again, nor run again.
    let replayed = ben.approve(&plan.id, &plan.hash).await.unwrap_err();
    assert_eq!(code(&replayed), "plan.used");
    assert_eq!(code(&anna.start(&plan).await.unwrap_err()), "plan.used");
}

fn warning(code: &str, subject: &str) -> v1::AcceptedWarning {
    v1::AcceptedWarning {
        code: code.into(),
        subject: subject.into(),
    }
}

/// What the ledger says of the newest act of this name that was done.
async fn newest_done(client: &Client, act: &str) -> Entry {
    let (_, entries) = audit(client, None).await;
    let done = |entry: &&Entry| entry.act == act && entry.outcome == Some(Outcome::Done);
    entries.iter().rfind(done).unwrap().clone()
}

#[tokio::test]
async fn an_approval_names_every_warning_that_it_accepts() {
    let server = TestServer::start().await;
    let anna = Console::over(&server).await;
    let ben = somebody(&server, &anna, "Ben", &["approver"]).await;
    let snapshot = anna.upload("3.6.14-nospace.db").await;
    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    let alarm = warning("alarms.active", "alarms");
    assert_eq!(
        approval(&anna.http, &plan).await.unaccepted_warnings,
        std::slice::from_ref(&alarm)
    );
    let other = warning("alarms.active", "something else");
    for (accepted, says) in [
        (
            vec![],
            "1 warning of this plan is not accepted: alarms.active (alarms)",
        ),
        (
            vec![other.clone()],
            "“something else”, which this plan does not have",
        ),
        (vec![alarm.clone(), other], "which this plan does not have"),
    ] {
        let refused = ben.approve_accepting(&plan.id, &plan.hash, &accepted).await;
        let refused = refused.unwrap_err();
        assert_eq!(
            (refused.code(), code(&refused)),
            (Code::FailedPrecondition, "plan.warnings-not-accepted")
        );
        assert!(refused.message().contains(says), "{}", refused.message());
    }
    assert!(approval(&anna.http, &plan).await.votes.is_empty());

    let twice = [alarm.clone(), alarm.clone()];
    let approved = ben.approve_accepting(&plan.id, &plan.hash, &twice).await;
    assert_eq!(approved.unwrap().state(), v1::PlanState::Approved);
    let after = approval(&anna.http, &plan).await;
    assert_eq!(after.votes[0].accepted_warnings, [alarm]);
    assert_eq!(after.unaccepted_warnings, []);
    assert_eq!(
        newest_done(&anna.http, act::PLAN_APPROVE).await.subject,
        format!(
            "plan {}, accepting 1 warning: alarms.active (alarms)",
            plan.id
        )
    );
    // The runner need not accept what an approver has.
    let job = anna.start(&plan).await.unwrap();
    let plan = anna.plan(&plan.id).await.plan.unwrap();
    assert_eq!(
        (plan.decided_by.as_str(), plan.run_by.as_str()),
        ("Ben", NAME)
    );
    let journal = anna.job(&job.id).await.events;
    assert!(
        journal[0]
            .body_json
            .contains(r#""accepted":[{"code":"alarms.active","subject":"alarms"}]"#)
    );
}

#[tokio::test]
async fn who_runs_without_an_approver_accepts_and_so_does_an_override() {
    let server = TestServer::start().await;
    let anna = Console::over(&server).await;
    let snapshot = anna.upload("3.6.14-auth.db").await;
    let auth = warning("auth.enabled", "authentication");
    // An override names them too.
    let plan = anna.seal(&request(&snapshot, "glass")).await.unwrap();
    let why = "the store is down tonight";
    let refused = break_glass(&anna.http, &plan, why).await.unwrap_err();
    assert_eq!(code(&refused), "plan.warnings-not-accepted");
    assert_eq!(
        anna.plan(&plan.id).await.plan.unwrap().state(),
        v1::PlanState::Sealed
    );
    let accepted = [auth.clone()];
    let review = override_accepting(&anna.http, &plan, why, &accepted).await;
    assert_eq!(review.unwrap().accepted_warnings, accepted);
    let entry = newest_done(&anna.http, act::PLAN_BREAK_GLASS).await;
    assert!(entry.subject.contains("auth.enabled"), "{}", entry.subject);
    anna.start(&plan).await.unwrap();

    // Where the policy asks for no approval, the runner accepts.
    policies(&anna.http)
        .await
        .set_policy(v1::SetPolicyRequest {
            policy: Some(policy(0, "never", true)),
        })
        .await
        .unwrap();
    let plan = anna.seal(&request(&snapshot, "alone")).await.unwrap();
    assert_eq!(
        approval(&anna.http, &plan).await.unaccepted_warnings,
        accepted
    );
    let refused = anna.start(&plan).await.unwrap_err();
    assert_eq!(code(&refused), "plan.warnings-not-accepted");
    assert_eq!(
        anna.plan(&plan.id).await.plan.unwrap().state(),
        v1::PlanState::Sealed,
        "nothing was settled by a run that was refused"
    );
    anna.start_accepting(&plan, &accepted).await.unwrap();
    let entry = newest_done(&anna.http, act::JOB_START).await;
    assert!(entry.subject.contains("auth.enabled"), "{}", entry.subject);
}

#[tokio::test]
async fn two_who_approve_at_once_are_two() {
    let server = TestServer::start().await;
    let (anna, snapshot) = console(&server).await;
    let ben = somebody(&server, &anna, "Ben", &["approver"]).await;
    let carl = somebody(&server, &anna, "Carl", &["approver"]).await;
    let mut policies = policies(&anna.http).await;
    policies
        .set_policy(v1::SetPolicyRequest {
            policy: Some(policy(2, "always", true)),
        })
        .await
        .unwrap();
    for round in 0..5 {
        let plan = anna
            .seal(&request(&snapshot, &format!("r{round}")))
            .await
            .unwrap();
        let (one, two) = tokio::join!(
            ben.approve(&plan.id, &plan.hash),
            carl.approve(&plan.id, &plan.hash)
        );
        assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
        let plan = anna.plan(&plan.id).await.plan.unwrap();
        assert_eq!(plan.state(), v1::PlanState::Approved);
    }
}

#[tokio::test]
async fn what_somebody_said_who_may_not_any_more_is_void() {
    let server = TestServer::start().await;
    let (anna, snapshot) = console(&server).await;
    let ben = somebody(&server, &anna, "Ben", &["approver"]).await;
    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    ben.approve(&plan.id, &plan.hash).await.unwrap();
    let session: serde_json::Value = ben.http.get("/api/session").await.json().await.unwrap();
    let id = session["user_id"].as_str().unwrap().to_owned();
    let disable = v1::DisablePersonRequest { id };
    anna.http
        .people()
        .await
        .disable_person(disable)
        .await
        .unwrap();
    let refused = anna.start(&plan).await.unwrap_err();
    assert_eq!(code(&refused), "plan.not-approved");
}

#[tokio::test]
async fn drift_expiry_and_rejection_end_an_approval() {
    let (options, clock) = Options::with_clock();
    let server = TestServer::with(options).await;
    let (anna, snapshot) = console(&server).await;
    let ben = somebody(&server, &anna, "Ben", &["approver"]).await;

    let drifted = anna.seal(&request(&snapshot, "drifted")).await.unwrap();
    ben.approve(&drifted.id, &drifted.hash).await.unwrap();
    std::fs::create_dir_all(server.data_dir().join("restores/drifted/m1")).unwrap();
    std::fs::write(server.data_dir().join("restores/drifted/m1/x"), b"x").unwrap();
    let refused = anna.start(&drifted).await.unwrap_err();
    assert_eq!(code(&refused), "plan.invalidated", "{}", refused.message());
    let refused = ben.approve(&drifted.id, &drifted.hash).await.unwrap_err();
    assert_eq!(
        code(&refused),
        "plan.invalidated",
        "an approval does not bring it back"
    );
    let refused = break_glass(&anna.http, &drifted, "it must be tonight")
        .await
        .unwrap_err();
    assert_eq!(code(&refused), "plan.invalidated", "nor does force");

    let rejected = anna.seal(&request(&snapshot, "rejected")).await.unwrap();
    ben.approve(&rejected.id, &rejected.hash).await.unwrap();
    let back = ben
        .reject(&rejected, "I looked at the wrong cluster")
        .await
        .unwrap();
    assert_eq!(
        (back.state(), back.decided_by.as_str()),
        (v1::PlanState::Rejected, "Ben")
    );
    assert_eq!(
        code(&anna.start(&rejected).await.unwrap_err()),
        "plan.rejected"
    );

    let expired = anna.seal(&request(&snapshot, "expired")).await.unwrap();
    ben.approve(&expired.id, &expired.hash).await.unwrap();
    // Sessions are shorter than plans: sign in again.
    clock.advance_ms(EXPIRES_AFTER_MS);
    let anna = Console::signed_in(&server).await;
    assert_eq!(
        code(&anna.start(&expired).await.unwrap_err()),
        "plan.expired"
    );
}

#[tokio::test]
async fn glass_breaks_loudly_and_stays_open_until_another_looked() {
    let server = TestServer::start().await;
    let (anna, snapshot) = console(&server).await;
    let ben = somebody(&server, &anna, "Ben", &["approver"]).await;
    let carl = somebody(&server, &anna, "Carl", &["operator"]).await;
    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    for (client, reason, expected) in [
        (&ben.http, "the customer waits", "role.missing"),
        (&carl.http, "because", "glass.reason"),
    ] {
        let refused = break_glass(client, &plan, reason).await.unwrap_err();
        assert_eq!(code(&refused), expected);
    }
    assert_eq!(open_reviews(&carl.http).await, 0);
    let reason = "nobody answers the phone, the store is down";
    let review = break_glass(&carl.http, &plan, reason).await.unwrap();
    assert_eq!(
        (review.broken_by.as_str(), review.plan_hash.as_str()),
        ("Carl", plan.hash.as_str())
    );
    let again = break_glass(&carl.http, &plan, reason).await.unwrap_err();
    assert_eq!(code(&again), "glass.no-need");
    let late = ben.approve(&plan.id, &plan.hash).await.unwrap_err();
    assert_eq!(code(&late), "plan.glass-broken");

    let job = carl.start(&plan).await.unwrap();
    for client in [&anna.http, &ben.http, &carl.http] {
        assert_eq!(open_reviews(client).await, 1, "everybody sees it");
    }
    let summary = anna.plan(&plan.id).await.plan.unwrap();
    assert!(
        summary.broke_glass && summary.reason.contains(reason),
        "{summary:?}"
    );

    let list = |states: &[v1::ReviewState]| v1::ListReviewsRequest {
        states: states.iter().map(|state| i32::from(*state)).collect(),
        ..Default::default()
    };
    let reviews = approvals(&ben.http)
        .await
        .list_reviews(list(&[v1::ReviewState::Open]))
        .await;
    let reviews = reviews.unwrap().into_inner().reviews;
    assert_eq!(
        (reviews.len(), reviews[0].job_id.as_str()),
        (1, job.id.as_str())
    );
    let close = |note: &str| v1::CloseReviewRequest {
        id: review.id.clone(),
        note: note.into(),
    };
    let refused = approvals(&carl.http)
        .await
        .close_review(close("fine"))
        .await
        .unwrap_err();
    assert_eq!(code(&refused), "role.missing");
    let silent = approvals(&ben.http)
        .await
        .close_review(close(" "))
        .await
        .unwrap_err();
    assert_eq!(code(&silent), "review.note");
    let closed = approvals(&ben.http)
        .await
        .close_review(close("it was right"))
        .await;
    assert_eq!(
        closed.unwrap().into_inner().review.unwrap().closed_by,
        "Ben"
    );
    let twice = approvals(&anna.http)
        .await
        .close_review(close("me too"))
        .await
        .unwrap_err();
    assert_eq!(code(&twice), "review.closed");
    assert_eq!(open_reviews(&carl.http).await, 0);
    let all = approvals(&carl.http).await.list_reviews(list(&[])).await;
    let all = all.unwrap().into_inner().reviews;
    assert_eq!(all[0].note, "it was right", "closed reviews stay");
}

#[tokio::test]
async fn nobody_reviews_themselves_while_another_could() {
    let server = TestServer::start().await;
    let (anna, snapshot) = console(&server).await;
    let mut policies = policies(&anna.http).await;
    policies
        .set_policy(v1::SetPolicyRequest {
            policy: Some(policy(1, "always", true)),
        })
        .await
        .unwrap();
    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    let alone = anna.approve(&plan.id, &plan.hash).await.unwrap_err();
    assert_eq!(code(&alone), "approval.own");
    assert!(
        alone.message().contains("No one is eligible"),
        "{}",
        alone.message()
    );
    let review = break_glass(&anna.http, &plan, "I am alone here tonight")
        .await
        .unwrap();
    let ben = somebody(&server, &anna, "Ben", &["approver"]).await;
    let close = v1::CloseReviewRequest {
        id: review.id,
        note: "was me".into(),
    };
    let mut reviews = approvals(&anna.http).await;
    let own = reviews.close_review(close.clone()).await.unwrap_err();
    assert_eq!(code(&own), "review.own");

    let mut reviews = approvals(&ben.http).await;
    reviews.close_review(close).await.unwrap();
    // What was looked into, and was not run, cannot be run afterwards.
    let late = anna.start(&plan).await.unwrap_err();
    assert_eq!(
        (late.code(), code(&late)),
        (Code::FailedPrecondition, "plan.rejected")
    );
    assert!(
        late.message()
            .contains("Its review was closed before it was run: was me"),
        "{late:?}"
    );
    assert_eq!(open_reviews(&anna.http).await, 0);
}

#[tokio::test]
async fn programs_neither_approve_nor_break_glass() {
    let server = TestServer::start().await;
    let (anna, snapshot) = console(&server).await;
    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    let token = v1::CreateTokenRequest {
        name: "nightly".into(),
        grants: crate::support::harness::grants(&["operator"]),
        days: 1,
    };
    let made = anna.http.people().await.create_token(token).await.unwrap();
    let program = Console::with(server.program(&made.into_inner().secret)).await;
    let refused = program.approve(&plan.id, &plan.hash).await.unwrap_err();
    assert_eq!(code(&refused), "role.missing");
    let refused = break_glass(&program.http, &plan, "a long enough reason")
        .await
        .unwrap_err();
    assert_eq!(code(&refused), "person.required");
    anna.approve(&plan.id, &plan.hash).await.unwrap();
    program.start(&plan).await.unwrap();
}

/// The server's report as a browser reads it.
fn report(findings: Vec<v1::Finding>) -> Report {
    Report {
        findings: findings.into_iter().map(Finding::from).collect(),
    }
}

#[tokio::test]
async fn whoever_reads_a_plan_can_check_and_make_it_again() {
    let server = TestServer::start().await;
    let anna = Console::over(&server).await;
    // An alarm in the file: the check has something to say.
    let snapshot = anna.upload_of("3.6.14-nospace.db", "prod-etcd").await;
    let sealed = anna.seal(&request(&snapshot, "a")).await.unwrap();
    let answer = anna.plan(&sealed.id).await;
    let plan: Plan = serde_json::from_str(&answer.plan_json).unwrap();
    let observation: Observation =
        serde_json::from_str(&answer.observation.unwrap().body_json).unwrap();
    let told = report(answer.check);
    assert!(!told.findings.is_empty());
    let look = recovery::recheck(&plan, &observation).against(&told);
    assert_eq!(look.differences, []);
    assert_eq!(look.report, told);

    let folder = server.data_dir().join("restores/a");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("x"), b"x").unwrap();
    anna.approve(&sealed.id, &sealed.hash).await.unwrap_err();
    let void = anna.plan(&sealed.id).await;
    assert_eq!(
        (void.plan.unwrap().state(), void.observation),
        (v1::PlanState::Invalidated, None),
        "what is invalidated is not looked at any more"
    );
}

async fn waiting(client: &Client) -> v1::ListInboxResponse {
    use requorum_server::grpc::v1::console_service_client::ConsoleServiceClient;
    let mut console = ConsoleServiceClient::new(client.grpc().await);
    let answer = console.list_inbox(v1::ListInboxRequest::default()).await;
    answer.unwrap().into_inner()
}

#[tokio::test]
async fn what_waits_is_told_to_whoever_can_do_something() {
    let server = TestServer::start().await;
    let (anna, snapshot) = console(&server).await;
    let ben = somebody(&server, &anna, "Ben", &["approver"]).await;
    let carl = somebody(&server, &anna, "Carl", &["operator"]).await;
    let vera = somebody(&server, &anna, "Vera", &["viewer"]).await;
    let kinds = |client: Client| async move {
        let waiting = waiting(&client).await.items;
        waiting.iter().map(|w| w.kind()).collect::<Vec<_>>()
    };
    let nothing: [InboxKind; 0] = [];
    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    assert_eq!(kinds(anna.http.clone()).await, nothing, "not by its author");
    assert_eq!(kinds(ben.http.clone()).await, [InboxKind::Approve]);
    assert_eq!(kinds(carl.http.clone()).await, nothing);
    let may = approval(&carl.http, &plan).await;
    assert!(!may.you_can_run && may.run_why_not.contains("Waiting for 1 approval."));
    assert!(may.glass_can_break && !may.you_can_reject);
    let may = approval(&vera.http, &plan).await;
    assert!(!may.glass_can_break && may.glass_why_not.contains("role operator"));
    assert!(may.run_why_not.contains("role operator"));

    ben.approve(&plan.id, &plan.hash).await.unwrap();
    assert_eq!(kinds(ben.http.clone()).await, nothing);
    for operator in [&anna, &carl] {
        assert_eq!(kinds(operator.http.clone()).await, [InboxKind::Run]);
        assert!(approval(&operator.http, &plan).await.you_can_run);
    }
    let job = carl.start(&plan).await.unwrap();
    assert_eq!(kinds(anna.http.clone()).await, nothing);
    anna.finished(&job.id).await;

    let night = anna.seal(&request(&snapshot, "b")).await.unwrap();
    break_glass(&carl.http, &night, "nobody answers the phone")
        .await
        .unwrap();
    assert_eq!(kinds(ben.http.clone()).await, [InboxKind::Review]);
    assert_eq!(kinds(carl.http.clone()).await, [InboxKind::Run]);
    let seen = waiting(&vera.http).await;
    assert_eq!((seen.items.len(), seen.open_reviews), (0, 1));
    let own = approvals(&anna.http)
        .await
        .list_reviews(v1::ListReviewsRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert!(
        own.reviews[0].you_can_close,
        "Anna approves, and did not break it"
    );
}

#[tokio::test]
async fn a_plan_that_was_changed_in_the_database_is_neither_approved_nor_run() {
    let server = TestServer::start().await;
    let (anna, snapshot) = console(&server).await;
    let ben = somebody(&server, &anna, "Ben", &["approver"]).await;
    let approved = anna.seal(&request(&snapshot, "approved")).await.unwrap();
    let sealed = anna.seal(&request(&snapshot, "sealed")).await.unwrap();
    ben.approve(&approved.id, &approved.hash).await.unwrap();

    let database = server.data_dir().join("requorum.db");
    let database = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    let database = sqlx::SqlitePool::connect_with(database).await.unwrap();
    let change = "UPDATE plan_documents SET plan_json = replace(plan_json, '10.0.0.3', '10.0.0.6')";
    sqlx::query(change).execute(&database).await.unwrap();

    let refusals = [
        ben.approve(&sealed.id, &sealed.hash).await.unwrap_err(),
        anna.start(&approved).await.unwrap_err(),
        break_glass(
            &anna.http,
            &sealed,
            "nobody answers the phone, the store is down",
        )
        .await
        .unwrap_err(),
    ];
    for refused in refusals {
        assert_eq!(
            (refused.code(), code(&refused)),
            (Code::FailedPrecondition, "plan.changed"),
            "{}",
            refused.message()
        );
    }
    assert!(!server.data_dir().join("restores/approved").exists());
}
