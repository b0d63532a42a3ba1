//! Plans that their authors take back.

use requorum_server::grpc::v1::console_service_client::ConsoleServiceClient;
use requorum_server::grpc::v1::plan_service_client::PlanServiceClient;
use requorum_shared::api::v1::{self, PlanState};
use requorum_shared::ledger::entry::{Outcome, Phase, act};
use tonic::Code;

use super::approvals::{approval, console};
use crate::files::bucket::{Bucket, Fault};
use crate::ledger::entries::audit;
use crate::support::harness::{NAME, Options, TestServer, code};
use crate::support::recovery::{Console, request};

/// How many items wait for this person.
async fn waiting(console: &Console) -> u64 {
    let mut client = ConsoleServiceClient::new(console.http.grpc().await);
    let inbox = client.list_inbox(v1::ListInboxRequest::default()).await;
    inbox.unwrap().into_inner().total
}

/// How withdrawals that were begun came out, by whom and why.
async fn withdrawals(console: &Console) -> Vec<(String, Outcome, String)> {
    let (verified, entries) = audit(&console.http, None).await;
    assert_eq!(verified.open, [0; 0]);
    let ends = entries
        .into_iter()
        .filter(|e| e.act == act::PLAN_WITHDRAW && e.closes.is_some());
    ends.map(|e| (e.who, e.outcome.unwrap(), e.reason))
        .collect()
}

#[tokio::test]
async fn only_the_author_withdraws_a_plan_and_it_never_runs() {
    let server = TestServer::start().await;
    let (anna, snapshot) = console(&server).await;
    let person = async |name: &str, role: &str| {
        Console::with(server.person(&anna.http, name, &[role]).await).await
    };
    let ben = person("Ben", "approver").await;
    let carl = person("Carl", "operator").await;

    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    assert_eq!(waiting(&ben).await, 1);
    for (who, may) in [(&anna, true), (&ben, false), (&carl, false)] {
        assert_eq!(approval(&who.http, &plan).await.you_can_withdraw, may);
    }
    let refused = ben.withdraw(&plan, "").await.unwrap_err();
    assert_eq!(code(&refused), "role.missing");
    let refused = carl.withdraw(&plan, "mine is better").await.unwrap_err();
    assert_eq!(
        (refused.code(), code(&refused)),
        (Code::PermissionDenied, "plan.not-yours")
    );
    let other = v1::PlanSummary {
        hash: "0".repeat(64),
        ..plan.clone()
    };
    let refused = anna.withdraw(&other, "").await.unwrap_err();
    assert_eq!(code(&refused), "plan.other-hash");
    let endless = "x".repeat(2_001);
    let refused = anna.withdraw(&plan, &endless).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);

    let withdrawn = anna.withdraw(&plan, " wrong snapshot ").await.unwrap();
    assert_eq!(
        (
            withdrawn.state(),
            withdrawn.decided_by.as_str(),
            withdrawn.reason.as_str()
        ),
        (PlanState::Withdrawn, NAME, "wrong snapshot")
    );
    assert!(withdrawn.decided_at_ms >= withdrawn.sealed_at_ms);
    assert_eq!(anna.plan(&plan.id).await.plan.unwrap(), withdrawn);
    assert_eq!(waiting(&ben).await, 0);
    let closed = approval(&anna.http, &plan).await;
    assert!(!closed.you_can_withdraw && !closed.you_can_reject && !closed.you_can_run);
    assert_eq!(closed.why_not, "The plan is withdrawn.");
    for refused in [
        ben.approve(&plan.id, &plan.hash).await.unwrap_err(),
        ben.reject(&plan, "nor do I want it").await.unwrap_err(),
        anna.start(&plan).await.unwrap_err(),
        anna.withdraw(&plan, "again").await.unwrap_err(),
    ] {
        assert_eq!(code(&refused), "plan.withdrawn");
        let says = format!("The plan was withdrawn by {NAME}: wrong snapshot");
        assert!(refused.message().contains(&says), "{}", refused.message());
    }

    // An approval does not bind its author.
    let plan = anna.seal(&request(&snapshot, "b")).await.unwrap();
    ben.approve(&plan.id, &plan.hash).await.unwrap();
    let withdrawn = anna.withdraw(&plan, "").await.unwrap();
    assert_eq!(
        (withdrawn.state(), withdrawn.reason.as_str()),
        (PlanState::Withdrawn, "")
    );
    let refused = anna.start(&plan).await.unwrap_err();
    let says = format!("The plan was withdrawn by {NAME}. Create a new plan.");
    assert_eq!(refused.message(), says);

    let list = v1::ListPlansRequest {
        states: vec![PlanState::Withdrawn.into()],
        ..v1::ListPlansRequest::default()
    };
    let mut plans = PlanServiceClient::new(anna.http.grpc().await);
    let list = plans.list_plans(list).await.unwrap().into_inner();
    assert_eq!(list.total, 2);
    let count = v1::PlanStateCount {
        state: PlanState::Withdrawn.into(),
        count: 2,
    };
    assert_eq!(list.counts, [count]);

    let of = |who: &str, outcome, reason: &str| (who.to_owned(), outcome, reason.to_owned());
    let claimed = format!("plan.other-hash: the request named “{}”", "0".repeat(64));
    assert_eq!(
        withdrawals(&anna).await,
        [
            of(NAME, Outcome::Refused, &claimed),
            of(NAME, Outcome::Done, "wrong snapshot"),
            of(NAME, Outcome::Refused, "plan.withdrawn"),
            of(NAME, Outcome::Done, ""),
        ]
    );
    // Carl's was never begun: the refusal is all that there is of it.
    let (_, entries) = audit(&anna.http, None).await;
    let carls = entries
        .iter()
        .filter(|e| e.act == act::PLAN_WITHDRAW && e.who == "Carl");
    let carls: Vec<_> = carls
        .map(|e| (e.phase, e.outcome, e.reason.as_str()))
        .collect();
    let refused = (Phase::Noted, Some(Outcome::Refused), "plan.not-yours");
    assert_eq!(carls, [refused]);
}

#[tokio::test]
async fn what_was_started_is_not_withdrawn() {
    let server = TestServer::start().await;
    let (anna, snapshot) = console(&server).await;
    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    let approved = anna.approve(&plan.id, &plan.hash).await.unwrap();
    let job = anna.start(&plan).await.unwrap();
    for _ in 0..2 {
        let refused = anna.withdraw(&plan, "too late").await.unwrap_err();
        assert_eq!(code(&refused), "plan.used");
        anna.watch(&job.id, 0).await.unwrap();
    }
    let used = anna.plan(&plan.id).await.plan.unwrap();
    assert_eq!(
        (used.state(), used.reason),
        (PlanState::Used, approved.reason)
    );
}

#[tokio::test]
async fn a_start_and_a_withdrawal_at_once_come_out_as_one_of_them() {
    let server = TestServer::start().await;
    let (anna, snapshot) = console(&server).await;
    for round in 0..6 {
        let request = request(&snapshot, &format!("r{round}"));
        let plan = anna.seal(&request).await.unwrap();
        anna.approve(&plan.id, &plan.hash).await.unwrap();
        let (started, withdrawn) = if round % 2 == 0 {
            tokio::join!(anna.start(&plan), anna.withdraw(&plan, "wait"))
        } else {
            let (withdrawn, started) =
                tokio::join!(anna.withdraw(&plan, "wait"), anna.start(&plan));
            (started, withdrawn)
        };
        let state = anna.plan(&plan.id).await.plan.unwrap().state();
        match (started, withdrawn) {
            (Ok(job), Err(refused)) => {
                assert_eq!(state, PlanState::Used);
                assert!(["plan.used", "plan.decided"].contains(&code(&refused)));
                anna.watch(&job.id, 0).await.unwrap();
            }
            (Err(refused), Ok(_)) => {
                assert_eq!(state, PlanState::Withdrawn);
                assert!(["plan.withdrawn", "plan.decided"].contains(&code(&refused)));
            }
            both => panic!("{both:?}"),
        }
    }
}

/// What a plan rests on is looked at before it is run, and not to say that it is not to be run.
#[tokio::test]
async fn a_plan_is_closed_while_its_snapshot_is_out_of_reach() {
    let bucket = Bucket::start().await;
    let server = TestServer::with(Options {
        objects: Some(bucket.place("console")),
        ..Options::default()
    })
    .await;
    let (anna, snapshot) = console(&server).await;
    let ben = server.person(&anna.http, "Ben", &["approver"]).await;
    let ben = Console::with(ben).await;
    let one = anna.seal(&request(&snapshot, "a")).await.unwrap();
    let two = anna.seal(&request(&snapshot, "b")).await.unwrap();
    for method in ["HEAD", "GET"] {
        bucket.fail(method, "", usize::MAX, Fault::Answer(503, "SlowDown"));
    }
    let refused = ben.approve(&one.id, &one.hash).await.unwrap_err();
    assert_eq!(code(&refused), "plan.not-now", "{refused:?}");
    bucket.asked();
    let rejected = ben.reject(&one, "the wrong night").await.unwrap();
    assert_eq!(rejected.state(), PlanState::Rejected);
    let withdrawn = anna.withdraw(&two, "the wrong snapshot").await.unwrap();
    assert_eq!(withdrawn.state(), PlanState::Withdrawn);
    assert_eq!(bucket.asked(), [""; 0], "no one asked the bucket");
}
