//! What automation relies on: schemas of requests, filters, and enums whose unknown values are refused.

use std::process::Command;

use requorum_server::grpc::v1::approval_service_client::ApprovalServiceClient;
use requorum_server::grpc::v1::console_service_client::ConsoleServiceClient;
use requorum_server::grpc::v1::credential_service_client::CredentialServiceClient;
use requorum_server::grpc::v1::file_service_client::FileServiceClient;
use requorum_server::grpc::v1::job_service_client::JobServiceClient;
use requorum_server::grpc::v1::plan_service_client::PlanServiceClient;
use requorum_shared::api::v1::{self, InboxKind};
use serde_json::Value;
use tonic::Code;

use crate::plans::approvals::{break_glass, policies, policy};
use crate::support::harness::{TestServer, code};
use crate::support::recovery::{Console, request};

/// Runs the program, and gives its exit code and what it printed.
fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_requorum"));
    let output = command.args(arguments).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), out)
}

const KIND: &str = "etcd.restore";

#[tokio::test]
async fn a_schema_is_published_and_printed_and_requests_fit_it() {
    let server = TestServer::start().await;
    let published = server
        .stranger()
        .get(&format!("/api/schemas/{KIND}.json"))
        .await;
    assert_eq!(published.status(), 200);
    let headers = published.headers();
    assert_eq!(headers["content-type"], "application/schema+json");
    assert_eq!(headers["cache-control"], "public, max-age=3600");
    let published = published.text().await.unwrap();
    assert_eq!(run(&["schema", KIND]), (Some(0), published.clone()));
    assert_eq!(run(&["schema"]), (Some(0), format!("{KIND}\n")));
    assert_eq!(run(&["schema", "etcd.nothing"]).0, Some(2));

    let schema: Value = serde_json::from_str(&published).unwrap();
    let request = serde_json::to_value(request(&"0".repeat(64), "a")).unwrap();
    let properties = schema["properties"].as_object().unwrap();
    for field in request.as_object().unwrap().keys() {
        assert!(properties.contains_key(field), "{field}");
    }
    for required in schema["required"].as_array().unwrap() {
        assert!(request.get(required.as_str().unwrap()).is_some());
    }

    for (name, status) in [("etcd.restore", 404), ("x.json", 404), ("..%2fx.json", 404)] {
        let answer = server.stranger().get(&format!("/api/schemas/{name}")).await;
        assert_eq!(answer.status(), status, "{name}");
    }
}

#[tokio::test]
async fn a_kind_that_is_not_known_is_refused_with_those_that_are() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    let request_json = serde_json::to_string(&request(&snapshot, "a")).unwrap();
    let mut plans = PlanServiceClient::new(console.http.grpc().await);
    for kind in ["", "etcd.nothing", "Etcd.restore"] {
        let check = v1::CheckPlanRequest {
            kind: kind.into(),
            request_json: request_json.clone(),
        };
        let seal = v1::SealPlanRequest {
            kind: kind.into(),
            request_json: request_json.clone(),
        };
        for refused in [
            plans.check_plan(check).await.unwrap_err(),
            plans.seal_plan(seal).await.unwrap_err(),
        ] {
            assert_eq!(
                (refused.code(), code(&refused)),
                (Code::InvalidArgument, "plan.kind")
            );
            assert!(refused.message().contains(KIND), "{}", refused.message());
        }
    }
    assert!(console.plans().await.is_empty());
}

#[tokio::test]
async fn a_value_that_is_not_known_is_refused_and_not_ignored() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let http = &console.http;
    // One from the future, and the one that is never sent.
    for odd in [99, 0] {
        let plans = v1::ListPlansRequest {
            states: vec![odd],
            ..Default::default()
        };
        let jobs = v1::ListJobsRequest {
            states: vec![odd],
            ..Default::default()
        };
        let inbox = v1::ListInboxRequest {
            kinds: vec![odd],
            ..Default::default()
        };
        let reviews = v1::ListReviewsRequest {
            states: vec![odd],
            ..Default::default()
        };
        let people = v1::ListPeopleRequest {
            roles: vec![odd],
            ..Default::default()
        };
        let trusts = v1::ListFilesRequest {
            trusts: vec![odd],
            ..Default::default()
        };
        let origins = v1::ListFilesRequest {
            origins: vec![odd],
            ..Default::default()
        };
        let credentials = v1::ListCredentialsRequest {
            kinds: vec![odd],
            ..Default::default()
        };
        let mut files = FileServiceClient::new(http.grpc().await);
        let refusals = [
            PlanServiceClient::new(http.grpc().await)
                .list_plans(plans)
                .await
                .map(drop),
            JobServiceClient::new(http.grpc().await)
                .list_jobs(jobs)
                .await
                .map(drop),
            ConsoleServiceClient::new(http.grpc().await)
                .list_inbox(inbox)
                .await
                .map(drop),
            ApprovalServiceClient::new(http.grpc().await)
                .list_reviews(reviews)
                .await
                .map(drop),
            http.people().await.list_people(people).await.map(drop),
            files.list_files(trusts).await.map(drop),
            files.list_files(origins).await.map(drop),
            CredentialServiceClient::new(http.grpc().await)
                .list_credentials(credentials)
                .await
                .map(drop),
        ];
        for refused in refusals {
            assert_eq!(refused.unwrap_err().code(), Code::InvalidArgument, "{odd}");
        }
    }
}

#[tokio::test]
async fn lists_are_narrowed_by_what_is_asked_for() {
    let server = TestServer::start().await;
    let anna = Console::over(&server).await;
    let prod = anna.upload_of("3.6.14-mixed.db", "prod").await;
    let lab = anna.upload_of("3.6.14-three.db", "lab").await;
    let of_prod = anna.seal(&request(&prod, "a")).await.unwrap();
    anna.seal(&request(&lab, "b")).await.unwrap();
    let ben = server.person(&anna.http, "Ben", &["approver"]).await;

    let inbox = async |cluster: Option<&str>, kinds: &[InboxKind]| {
        let request = v1::ListInboxRequest {
            cluster: cluster.map(str::to_owned),
            kinds: kinds.iter().map(|kind| i32::from(*kind)).collect(),
            ..Default::default()
        };
        let mut console = ConsoleServiceClient::new(ben.grpc().await);
        let inbox = console.list_inbox(request).await.unwrap().into_inner();
        assert_eq!(inbox.items.len() as u64, inbox.total);
        inbox.total
    };
    assert_eq!(inbox(None, &[]).await, 2);
    assert_eq!(inbox(Some("prod"), &[]).await, 1);
    assert_eq!(inbox(Some("other"), &[]).await, 0);
    assert_eq!(inbox(None, &[InboxKind::Approve]).await, 2);
    assert_eq!(inbox(None, &[InboxKind::Run, InboxKind::Answer]).await, 0);

    let plans = async |narrow: &dyn Fn(&mut v1::ListPlansRequest)| {
        let mut request = v1::ListPlansRequest::default();
        narrow(&mut request);
        let mut plans = PlanServiceClient::new(anna.http.grpc().await);
        let list = plans.list_plans(request).await.unwrap().into_inner();
        assert_eq!(list.plans.len() as u64, list.total);
        list.plans
    };
    let found = plans(&|asked| asked.input = prod.clone()).await;
    assert_eq!(found, std::slice::from_ref(&of_prod));
    assert_eq!(plans(&|asked| asked.author_id = "x".into()).await, []);

    let people = async |role: v1::Role| {
        let request = v1::ListPeopleRequest {
            roles: vec![role.into()],
            ..Default::default()
        };
        let list = anna.http.people().await.list_people(request).await;
        let list = list.unwrap().into_inner();
        assert_eq!(list.people.len() as u64, list.total);
        list.total
    };
    assert_eq!(people(v1::Role::Approver).await, 2);
    assert_eq!(people(v1::Role::Admin).await, 1);
    assert_eq!(people(v1::Role::Viewer).await, 0);

    let mut policies = policies(&anna.http).await;
    let set = v1::SetPolicyRequest {
        policy: Some(v1::Policy {
            cluster: "prod".into(),
            ..policy(2, "always", true)
        }),
    };
    policies.set_policy(set).await.unwrap();
    for (cluster, size, expected) in [
        (None, 0, 2),
        (Some("prod"), 0, 1),
        (Some("lab"), 0, 0),
        (None, 1, 1),
    ] {
        let list = v1::ListPoliciesRequest {
            cluster: cluster.map(str::to_owned),
            page_size: size,
            ..Default::default()
        };
        let list = policies.list_policies(list).await.unwrap().into_inner();
        assert_eq!(list.policies.len(), expected, "{cluster:?}");
        assert_eq!(list.next_page_token.is_empty(), size == 0);
    }

    break_glass(&anna.http, &of_prod, "the store is down, and Ben is asleep")
        .await
        .unwrap();
    for (states, expected) in [
        (vec![], 1),
        (vec![v1::ReviewState::Open.into()], 1),
        (vec![v1::ReviewState::Closed.into()], 0),
    ] {
        for (cluster, there) in [(None, true), (Some("prod"), true), (Some("lab"), false)] {
            let list = v1::ListReviewsRequest {
                states: states.clone(),
                cluster: cluster.map(str::to_owned),
                ..Default::default()
            };
            let mut reviews = ApprovalServiceClient::new(anna.http.grpc().await);
            let list = reviews.list_reviews(list).await.unwrap().into_inner();
            let expected = if there { expected } else { 0 };
            assert_eq!((list.reviews.len(), list.open), (expected, 1));
        }
    }
}
