//! Clusters by name: whose roles count for what belongs to one, which policy, and what another name does.

use requorum_server::grpc::v1::approval_service_client::ApprovalServiceClient;
use requorum_server::grpc::v1::file_service_client::FileServiceClient;
use requorum_server::grpc::v1::ledger_service_client::LedgerServiceClient;
use requorum_shared::api::v1;
use requorum_shared::ledger::entry::{Entry, Outcome, act};
use serde_json::json;
use tonic::{Code, Status};

use crate::plans::approvals::policies;
use crate::support::harness::{Client, Native, TestServer, code, error};
use crate::support::recovery::{Console, request};

const PROD: &str = "prod-etcd";
const LAB: &str = "lab";

async fn somebody(server: &TestServer, admin: &Console, name: &str, roles: &[&str]) -> Console {
    Console::with(server.person(&admin.http, name, roles).await).await
}

async fn approvals(client: &Client) -> ApprovalServiceClient<Native> {
    ApprovalServiceClient::new(client.grpc().await)
}

async fn approval(client: &Client, plan: &v1::PlanSummary) -> Result<v1::Approval, Status> {
    let request = v1::GetApprovalRequest {
        plan_id: plan.id.clone(),
    };
    let answer = approvals(client).await.get_approval(request).await?;
    Ok(answer.into_inner().approval.unwrap())
}

async fn set_cluster(client: &Client, id: &str, cluster: &str) -> Result<v1::FileSummary, Status> {
    let request = v1::SetFileClusterRequest {
        id: id.into(),
        cluster: cluster.into(),
    };
    let mut snapshots = FileServiceClient::new(client.grpc().await);
    let answer = snapshots.set_file_cluster(request).await?;
    Ok(answer.into_inner().file.unwrap())
}

/// Names of the clusters of what this person is shown: of snapshots, plans, jobs.
async fn shown(console: &Console) -> [Vec<String>; 3] {
    let snapshots = console.http.snapshots().await.files;
    let plans = console.plans().await;
    let jobs = console.jobs().await;
    [
        snapshots.into_iter().map(|s| s.cluster).collect(),
        plans.into_iter().map(|p| p.cluster).collect(),
        jobs.into_iter().map(|j| j.cluster).collect(),
    ]
}

fn refused(status: &Status) -> &str {
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(code(status), "role.missing");
    status.message()
}

#[tokio::test]
async fn a_role_for_one_cluster_counts_there_and_nowhere_else() {
    let server = TestServer::start().await;
    let anna = Console::over(&server).await;
    let prod = anna.upload_of("3.6.14-mixed.db", PROD).await;
    let lab = anna.upload_of("3.6.14-three.db", LAB).await;
    let nobodys = anna.upload_of("3.6.14-lease.db", "").await;
    let pia = somebody(&server, &anna, "Pia", &["approver@prod-etcd"]).await;
    let leo = somebody(&server, &anna, "Leo", &["approver@lab", "operator@lab"]).await;
    let plan = anna.seal(&request(&prod, "prod")).await.unwrap();
    assert_eq!(plan.cluster, PROD);
    anna.seal(&request(&lab, "lab")).await.unwrap();
    anna.seal(&request(&nobodys, "nobodys")).await.unwrap();

    // Lists leave out what is not theirs.
    let mut all = shown(&anna).await;
    all[0].sort();
    assert_eq!(all[0], ["", LAB, PROD]);
    assert_eq!(shown(&pia).await, [vec![PROD], vec![PROD], vec![]]);
    assert_eq!(shown(&leo).await, [vec![LAB], vec![LAB], vec![]]);

    // What is asked for by its id is refused, with the role that is missing.
    let says = approval(&leo.http, &plan).await.unwrap_err();
    assert!(
        refused(&says)
            .contains("for prod-etcd or for all clusters. You have: operator@lab, approver@lab"),
        "{}",
        says.message()
    );
    for says in [
        leo.approve(&plan.id, &plan.hash).await.unwrap_err(),
        leo.reject(&plan, "not mine").await.unwrap_err(),
        leo.start(&plan).await.unwrap_err(),
        leo.check(&request(&prod, "x")).await.unwrap_err(),
        leo.seal(&request(&prod, "x")).await.unwrap_err(),
        leo.seal(&request(&nobodys, "x")).await.unwrap_err(),
    ] {
        refused(&says);
    }
    let file = format!("/api/files/{prod}/content");
    let (status, body) = error(leo.http.get(&file).await).await;
    assert_eq!((status, body.code.as_str()), (403, "role.missing"));
    let (status, body) = error(pia.http.get(&file).await).await;
    assert_eq!((status, body.code.as_str()), (403, "role.missing"));
    assert_eq!(anna.http.get(&file).await.status(), 200);

    // Of the two approvers only one could help, and does.
    let seen = approval(&anna.http, &plan).await.unwrap();
    assert_eq!(seen.could_approve, ["Pia"]);
    pia.approve(&plan.id, &plan.hash).await.unwrap();
    let job = anna.start(&plan).await.unwrap();
    assert_eq!(job.cluster, PROD);
    assert_eq!(shown(&pia).await[2], [PROD]);
    assert!(shown(&leo).await[2].is_empty());
    for says in [
        leo.abort(&job.id).await.unwrap_err(),
        leo.pause(&job.id).await.unwrap_err(),
        leo.watch(&job.id, 0).await.unwrap_err(),
    ] {
        refused(&says);
    }
    anna.finished(&job.id).await;
}

#[tokio::test]
async fn a_cluster_has_the_policy_of_its_own() {
    let server = TestServer::start().await;
    let anna = Console::over(&server).await;
    let prod = anna.upload_of("3.6.14-mixed.db", PROD).await;
    let lab = anna.upload_of("3.6.14-three.db", LAB).await;
    let rule = |approvers, second: &str| {
        Some(v1::Rule {
            approvers,
            second: match second {
                "always" => v1::SecondPerson::Always.into(),
                other => unreachable!("{other}"),
            },
        })
    };
    let strict = v1::Policy {
        cluster: PROD.into(),
        undoable: rule(2, "always"),
        destructive: rule(2, "always"),
        break_glass: false,
        ..v1::Policy::default()
    };
    policies(&anna.http)
        .await
        .set_policy(v1::SetPolicyRequest {
            policy: Some(strict),
        })
        .await
        .unwrap();
    let prod = anna.seal(&request(&prod, "prod")).await.unwrap();
    let lab = anna.seal(&request(&lab, "lab")).await.unwrap();
    let there = approval(&anna.http, &prod).await.unwrap();
    assert_eq!((there.missing, there.glass_can_break), (2, false));
    let here = approval(&anna.http, &lab).await.unwrap();
    assert_eq!((here.missing, here.glass_can_break), (1, true));
    anna.approve(&lab.id, &lab.hash).await.unwrap();
    anna.start(&lab).await.unwrap();
    let short = anna.start(&prod).await.unwrap_err();
    assert_eq!(code(&short), "plan.not-approved");
    let glass = v1::BreakGlassRequest {
        plan_id: prod.id.clone(),
        plan_hash: prod.hash.clone(),
        reason: "the store is down tonight".into(),
        accepted_warnings: Vec::new(),
    };
    let mut wire = approvals(&anna.http).await;
    let closed = wire.break_glass(glass).await.unwrap_err();
    assert_eq!(code(&closed), "glass.not-allowed");
}

#[tokio::test]
async fn another_name_voids_open_plans_and_takes_both_clusters_operator() {
    let server = TestServer::start().await;
    let anna = Console::over(&server).await;
    let snapshot = anna.upload_of("3.6.14-mixed.db", PROD).await;
    let lea = somebody(&server, &anna, "Lea", &["operator@lab"]).await;
    let pat = somebody(&server, &anna, "Pat", &["operator@prod-etcd"]).await;
    let both = ["operator@prod-etcd", "operator@lab"];
    let bo = somebody(&server, &anna, "Bo", &both).await;
    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();

    refused(&set_cluster(&lea.http, &snapshot, LAB).await.unwrap_err());
    refused(&set_cluster(&pat.http, &snapshot, LAB).await.unwrap_err());
    refused(&set_cluster(&bo.http, &snapshot, "").await.unwrap_err());
    let bad = set_cluster(&anna.http, &snapshot, "a b").await.unwrap_err();
    assert_eq!(
        (bad.code(), code(&bad)),
        (Code::InvalidArgument, "file.cluster")
    );
    let moved = set_cluster(&bo.http, &snapshot, LAB).await.unwrap();
    assert_eq!(moved.cluster, LAB);
    // Said again, it is so already: nothing is done, and nothing written down.
    set_cluster(&bo.http, &snapshot, LAB).await.unwrap();
    assert_eq!(shown(&lea).await[0], [LAB]);
    assert!(shown(&pat).await[0].is_empty());

    let void = anna.plan(&plan.id).await;
    assert_eq!(void.plan.unwrap().state(), v1::PlanState::Invalidated);
    assert_eq!(void.drift[0].code, "drift.cluster");
    assert_eq!(
        void.drift[0].what,
        "What the plan rests on belongs to lab now, and not to prod-etcd."
    );

    let filter = v1::ListEntriesRequest {
        cluster: PROD.into(),
        ..v1::ListEntriesRequest::default()
    };
    let mut ledger = LedgerServiceClient::new(anna.http.grpc().await);
    let list = ledger.list_entries(filter).await.unwrap().into_inner();
    let entries: Vec<Entry> = list
        .entries
        .iter()
        .map(|entry| serde_json::from_slice(&entry.canonical).unwrap())
        .collect();
    let named: Vec<_> = entries
        .iter()
        .filter(|entry| entry.act == act::FILE_CLUSTER && entry.closes.is_none())
        .collect();
    assert_eq!(named.len(), 1);
    assert_eq!(
        named[0].subject,
        format!("file {snapshot}: of lab instead of prod-etcd")
    );
    for expected in [act::FILE_UPLOAD, act::PLAN_SEAL] {
        assert!(entries.iter().any(|e| e.act == expected), "{expected}");
    }
    let denied = entries
        .iter()
        .any(|e| e.act == act::REQUEST && e.who == "Lea" && e.outcome == Some(Outcome::Refused));
    assert!(denied, "what was refused is found by its cluster");
}

#[tokio::test]
async fn uploads_are_for_a_cluster_from_their_beginning() {
    let server = TestServer::start().await;
    let anna = Console::over(&server).await;
    let pat = somebody(&server, &anna, "Pat", &["operator@prod-etcd"]).await;
    for (cluster, expected) in [(PROD, 201), ("", 403), (LAB, 403)] {
        let body = json!({"name": "a.db", "length": 10, "cluster": cluster});
        let answer = pat.http.post("/api/uploads", &body).await;
        assert_eq!(answer.status(), expected, "{cluster}");
    }
    let body = json!({"name": "a.db", "length": 10, "cluster": "no name"});
    let (status, body) = error(anna.http.post("/api/uploads", &body).await).await;
    assert_eq!((status, body.code.as_str()), (400, "upload.cluster"));
    let mine: serde_json::Value = pat.http.get("/api/uploads").await.json().await.unwrap();
    assert_eq!(mine["uploads"][0]["cluster"], PROD);
    let snapshot = pat.upload_of("3.6.14-mixed.db", PROD).await;
    // The same bytes again are the snapshot that is there, and it stays whose it is.
    assert_eq!(anna.upload_of("3.6.14-mixed.db", LAB).await, snapshot);
    let kept = anna.get_snapshot(&snapshot).await.file.unwrap();
    assert_eq!(kept.cluster, PROD);
}

#[tokio::test]
async fn a_review_is_for_those_of_its_cluster() {
    let server = TestServer::start().await;
    let anna = Console::over(&server).await;
    let snapshot = anna.upload_of("3.6.14-mixed.db", PROD).await;
    let pia = somebody(&server, &anna, "Pia", &["approver@prod-etcd"]).await;
    let leo = somebody(&server, &anna, "Leo", &["approver@lab"]).await;
    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    let glass = v1::BreakGlassRequest {
        plan_id: plan.id.clone(),
        plan_hash: plan.hash.clone(),
        reason: "nobody answers the phone".into(),
        accepted_warnings: Vec::new(),
    };
    let review = approvals(&anna.http)
        .await
        .break_glass(glass)
        .await
        .unwrap()
        .into_inner()
        .review
        .unwrap();
    assert_eq!(review.cluster, PROD);
    let job = anna.start(&plan).await.unwrap();
    assert!(job.broke_glass);
    let open = |client: Client| async move {
        let list = v1::ListReviewsRequest::default();
        let list = approvals(&client).await.list_reviews(list).await;
        list.unwrap().into_inner().reviews.len()
    };
    assert_eq!(open(pia.http.clone()).await, 1);
    assert_eq!(open(leo.http.clone()).await, 0);
    let close = v1::CloseReviewRequest {
        id: review.id,
        note: "the right thing to do".into(),
    };
    let says = approvals(&leo.http)
        .await
        .close_review(close.clone())
        .await
        .unwrap_err();
    refused(&says);
    approvals(&pia.http)
        .await
        .close_review(close)
        .await
        .unwrap();
    anna.finished(&job.id).await;
}
