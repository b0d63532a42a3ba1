//! Every operation in every role: who may not is told which role is missing, and nobody else is.

use requorum_server::grpc::v1::people_service_client::PeopleServiceClient;
use requorum_server::router::http_routes;
use requorum_shared::api::methods::METHODS;
use requorum_shared::api::v1::CreateTokenRequest;
use requorum_shared::permission::{Grants, Permission, Place, Role};
use serde_json::json;

use crate::support::harness::{Client, TestServer, code};
use crate::support::recovery::{Console, request};

/// What an operation needs: a permission, or just to be somebody.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Need {
    Role(Permission),
    Anybody,
}

use Need::{Anybody, Role as R};
use Permission as P;

/// Every HTTP operation behind the guard, with a body that it would take.
fn http_operations() -> Vec<(&'static str, &'static str, serde_json::Value, Need)> {
    let none = serde_json::Value::Null;
    let upload = json!({"name": "a.db", "length": 10});
    let password = json!({"current": "wrong", "new": "short"});
    vec![
        ("GET", "/api/session", none.clone(), Anybody),
        ("POST", "/api/password", password, R(P::OwnAccount)),
        ("GET", "/api/uploads", none.clone(), R(P::Upload)),
        ("POST", "/api/uploads", upload, R(P::Upload)),
        ("GET", "/api/uploads/{id}", none.clone(), R(P::Upload)),
        ("PATCH", "/api/uploads/{id}", none.clone(), R(P::Upload)),
        ("DELETE", "/api/uploads/{id}", none.clone(), R(P::Upload)),
        (
            "GET",
            "/api/files/{id}/content",
            none.clone(),
            R(P::ReadValues),
        ),
        ("GET", "/api/people/uploads", none.clone(), R(P::People)),
        (
            "DELETE",
            "/api/people/uploads/{id}",
            none.clone(),
            R(P::People),
        ),
        (
            "GET",
            "/api/jobs/{id}/artifacts/{name}",
            none.clone(),
            R(P::ReadValues),
        ),
        ("GET", "/api/jobs/{id}/dossier", none.clone(), R(P::See)),
        ("GET", "/ledger/checkpoint", none.clone(), R(P::See)),
        ("GET", "/ledger/key", none.clone(), R(P::See)),
        ("GET", "/ledger/tile/{*path}", none.clone(), R(P::See)),
        (
            "GET",
            "/ledger/entries/{start}/{count}",
            none.clone(),
            R(P::See),
        ),
        // The last, for it ends the session.
        ("POST", "/api/logout", none, Anybody),
    ]
}

/// Every gRPC operation.
const GRPC_OPERATIONS: &[(&str, Need)] = &[
    ("/requorum.v1.ApprovalService/BreakGlass", R(P::BreakGlass)),
    ("/requorum.v1.ApprovalService/CloseReview", R(P::Approve)),
    (
        "/requorum.v1.PolicyService/ConfirmPolicy",
        R(P::ConfirmPolicy),
    ),
    ("/requorum.v1.ApprovalService/GetApproval", R(P::See)),
    ("/requorum.v1.PolicyService/ListPolicies", R(P::See)),
    ("/requorum.v1.PolicyService/ListPolicyProposals", R(P::See)),
    ("/requorum.v1.ApprovalService/ListReviews", R(P::See)),
    ("/requorum.v1.PolicyService/PreviewPolicy", R(P::Policies)),
    ("/requorum.v1.PolicyService/RemovePolicy", R(P::Policies)),
    ("/requorum.v1.PolicyService/SetPolicy", R(P::Policies)),
    (
        "/requorum.v1.PolicyService/WithdrawPolicy",
        R(P::ConfirmPolicy),
    ),
    ("/requorum.v1.ConsoleService/About", R(P::See)),
    ("/requorum.v1.ConsoleService/ListInbox", R(P::See)),
    ("/requorum.v1.JobService/AbortJob", R(P::Run)),
    ("/requorum.v1.JobService/AnswerJob", R(P::Run)),
    ("/requorum.v1.JobService/CompleteHandoverStep", R(P::Run)),
    ("/requorum.v1.JobService/GetJob", R(P::See)),
    ("/requorum.v1.JobService/GetLeftovers", R(P::See)),
    ("/requorum.v1.JobService/ListJobs", R(P::See)),
    ("/requorum.v1.JobService/PauseJob", R(P::Run)),
    ("/requorum.v1.JobService/RemoveLeftovers", R(P::RemoveFiles)),
    ("/requorum.v1.JobService/ResumeJob", R(P::Run)),
    ("/requorum.v1.JobService/StartJob", R(P::Run)),
    ("/requorum.v1.JobService/WatchJob", R(P::See)),
    ("/requorum.v1.LedgerService/GetLedger", R(P::See)),
    ("/requorum.v1.LedgerService/ListEntries", R(P::See)),
    ("/requorum.v1.LedgerService/ProveConsistency", R(P::See)),
    ("/requorum.v1.LedgerService/ProveEntry", R(P::See)),
    ("/requorum.v1.LedgerService/TailEntries", R(P::See)),
    ("/requorum.v1.PeopleService/CreateToken", R(P::OwnAccount)),
    ("/requorum.v1.PeopleService/DisablePerson", R(P::People)),
    ("/requorum.v1.PeopleService/EnablePerson", R(P::People)),
    ("/requorum.v1.PeopleService/EndSessions", R(P::OwnAccount)),
    ("/requorum.v1.PeopleService/GetDependents", R(P::People)),
    ("/requorum.v1.PeopleService/InvitePerson", R(P::People)),
    ("/requorum.v1.PeopleService/ListPeople", R(P::People)),
    ("/requorum.v1.PeopleService/ListSessions", R(P::OwnAccount)),
    ("/requorum.v1.PeopleService/ListTokens", R(P::OwnAccount)),
    ("/requorum.v1.PeopleService/MakePasswordLink", R(P::People)),
    // Nobody's token is not one's own.
    ("/requorum.v1.PeopleService/RevokeToken", R(P::People)),
    ("/requorum.v1.PeopleService/SetGrants", R(P::People)),
    ("/requorum.v1.PlanService/ApprovePlan", R(P::Approve)),
    ("/requorum.v1.PlanService/CheckPlan", R(P::Plan)),
    ("/requorum.v1.PlanService/GetPlan", R(P::See)),
    ("/requorum.v1.PlanService/ListPlans", R(P::See)),
    ("/requorum.v1.PlanService/RejectPlan", R(P::Approve)),
    ("/requorum.v1.PlanService/SealPlan", R(P::Plan)),
    ("/requorum.v1.PlanService/WithdrawPlan", R(P::Plan)),
    (
        "/requorum.v1.CredentialService/GetCredentialUses",
        R(P::Secrets),
    ),
    (
        "/requorum.v1.CredentialService/ListCredentials",
        R(P::Secrets),
    ),
    (
        "/requorum.v1.CredentialService/PutCredential",
        R(P::Secrets),
    ),
    (
        "/requorum.v1.CredentialService/RemoveCredential",
        R(P::Secrets),
    ),
    ("/requorum.v1.FileService/GetFile", R(P::See)),
    ("/requorum.v1.FileService/ListFiles", R(P::See)),
    ("/requorum.v1.FileService/SetFileCluster", R(P::Upload)),
    ("/requorum.v1.FileService/GetFileUses", R(P::See)),
    ("/requorum.v1.FileService/RemoveFile", R(P::RemoveFiles)),
    ("/requorum.v1.ConsoleService/ListOutcomes", R(P::See)),
    ("/requorum.v1.ConsoleService/GetStorage", R(P::See)),
];

/// Services that the contract names and the server does not serve yet. Serving one without taking it out of here
/// fails the test.
const NOT_SERVED_YET: &[&str] = &[];

#[test]
fn the_lists_above_are_whole() {
    let mut listed: Vec<_> = GRPC_OPERATIONS
        .iter()
        .map(|(path, _)| path.to_string())
        .collect();
    let mut served: Vec<_> = METHODS
        .iter()
        .map(|method| method.path.to_owned())
        .collect();
    listed.sort();
    served.sort();
    assert_eq!(listed, served);
    let open = [
        "/healthz",
        "/readyz",
        "/api/setup",
        "/api/login",
        "/api/join",
        "/api/join/link",
        "/api/sign-in",
        "/api/schemas/{file}",
        "/api/oidc/start",
        "/api/oidc/callback",
    ];
    for (path, _) in http_routes() {
        let listed = http_operations()
            .iter()
            .any(|operation| operation.1 == path);
        assert!(
            listed != open.contains(&path),
            "{path} is in one of two lists"
        );
    }
}

#[tokio::test]
async fn every_operation_asks_for_its_role() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    for role in Role::ALL {
        let person = server.person(&admin, role.name(), &[role.name()]).await;
        let have: Grants = role.name().parse().unwrap();
        walk(&person, false, |need| match need {
            Anybody => None,
            R(permission) => have
                .allow(permission, Place::Console)
                .err()
                .map(|_| "role.missing"),
        })
        .await;
    }
}

/// The other way round it cannot be said: an act that names nothing is refused before anything is begun.
#[tokio::test]
async fn what_only_reads_leaves_nothing_in_the_ledger() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let size = async || {
        let checkpoint = admin.get("/ledger/checkpoint").await.text().await.unwrap();
        let size = checkpoint.lines().nth(1).unwrap().to_owned();
        size.parse::<u64>().unwrap()
    };
    let before = size().await;
    assert!(before > 0);
    for method in METHODS
        .iter()
        .filter(|method| method.reads && !method.streams)
    {
        let request = admin
            .request("POST", method.path)
            .header("content-type", "application/grpc-web+proto")
            .body(vec![0; 5]);
        assert_eq!(request.send().await.unwrap().status(), 200);
        assert_eq!(
            size().await,
            before,
            "{} wrote into the ledger",
            method.path
        );
    }
}

#[tokio::test]
async fn programs_may_less_than_their_owners() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    for role in [Role::Viewer, Role::Operator, Role::Admin] {
        let token = PeopleServiceClient::new(admin.grpc().await)
            .create_token(CreateTokenRequest {
                name: role.name().into(),
                grants: crate::support::harness::grants(&[role.name()]),
                days: 1,
            })
            .await
            .unwrap()
            .into_inner();
        let have: Grants = role.name().parse().unwrap();
        walk(&server.program(&token.secret), true, |need| match need {
            Anybody => None,
            R(permission) => match have.allow(permission, Place::Console) {
                Err(_) => Some("role.missing"),
                Ok(()) if !permission.programs() => Some("person.required"),
                Ok(()) => None,
            },
        })
        .await;
    }
}

#[tokio::test]
async fn a_role_for_one_cluster_does_not_reach_what_belongs_to_none() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let grants = ["operator@prod-etcd", "approver@prod-etcd"];
    let person = server.person(&admin, "one cluster", &grants).await;
    for (method, path, body, need) in http_operations() {
        if let R(P::Upload) = need {
            // A list is shown, though empty; what names no cluster is for those who hold the role for all.
            let expected = (method == "POST").then_some("role.missing");
            let answer = ask(&person, method, path, &body).await;
            assert_eq!(answer.as_deref(), expected, "{method} {path}");
        }
    }
    let console = Console::with(admin).await;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    let plan = console.seal(&request(&snapshot, "a")).await.unwrap();
    let person = Console::with(person).await;
    for refused in [
        person.seal(&request(&snapshot, "b")).await.unwrap_err(),
        person.approve(&plan.id, &plan.hash).await.unwrap_err(),
        person.start(&plan).await.unwrap_err(),
    ] {
        assert_eq!(code(&refused), "role.missing");
    }
}

#[tokio::test]
async fn without_a_role_nothing_is_seen() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let person = server.person(&admin, "nobody yet", &[]).await;
    walk(&person, false, |need| match need {
        Anybody => None,
        R(_) => Some("role.missing"),
    })
    .await;
}

/// Tries everything, and compares the refusals with what `expected` says.
async fn walk(client: &Client, program: bool, expected: impl Fn(Need) -> Option<&'static str>) {
    for (path, need) in GRPC_OPERATIONS {
        let service = path.split(['.', '/']).nth(3).unwrap();
        let request = client
            .request("POST", path)
            .header("content-type", "application/grpc-web+proto")
            .body(vec![0; 5]);
        let response = request.send().await.unwrap();
        let status = response.headers().get("grpc-status").cloned();
        if NOT_SERVED_YET.contains(&service) {
            let served = response.status() == 200 && status.is_none_or(|status| status != "12");
            assert!(
                !served,
                "{service} is served: take it out of NOT_SERVED_YET"
            );
            continue;
        }
        assert_eq!(response.status(), 200, "{path}");
        let refusal = response
            .headers()
            .get("x-error-code")
            .map(|code| code.to_str().unwrap().to_owned())
            .filter(|code| is_refusal(code));
        if refusal.is_some() {
            assert_eq!(status.unwrap(), "7", "PERMISSION_DENIED from {path}");
        }
        assert_eq!(refusal.as_deref(), expected(*need), "{path}");
    }
    for (method, path, body, need) in http_operations() {
        let answer = ask(client, method, path, &body).await;
        assert_eq!(answer.as_deref(), expected(need), "{method} {path}");
    }
    let after = client.get("/api/session").await.status();
    assert_eq!(after == 200, program, "a token has no session to end");
}

/// The refusal, if it is one.
async fn ask(
    client: &Client,
    method: &str,
    path: &str,
    body: &serde_json::Value,
) -> Option<String> {
    let path = path.replace("{id}", "nothing");
    let path = path.replace("{start}", "0").replace("{count}", "1");
    let mut request = client.request(method, &path);
    if method == "PATCH" {
        request = request.header("upload-offset", "0").body(vec![0; 5]);
    } else if !body.is_null() {
        request = request.json(body);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body: serde_json::Value = response.json().await.unwrap_or_default();
    let code = body["code"].as_str().unwrap_or_default().to_owned();
    assert_ne!(status, 401, "{method} {path}");
    assert_eq!(
        is_refusal(&code),
        status == 403 && code != "password.wrong",
        "{method} {path}: {code}"
    );
    is_refusal(&code).then_some(code)
}

fn is_refusal(code: &str) -> bool {
    ["role.missing", "person.required"].contains(&code)
}
