//! A cluster's values: whoever may look at everything else does not get them, by browser or by token.

use requorum_shared::api::v1;
use requorum_shared::etcd::recovery::restore::Target;
use requorum_shared::job::fold::JobState;

use crate::support::harness::{Client, TestServer, error};
use crate::support::recovery::{Console, request};

async fn token(client: &Client, roles: &[&str]) -> String {
    let create = v1::CreateTokenRequest {
        name: roles.join(" "),
        grants: crate::support::harness::grants(roles),
        days: 1,
    };
    let made = client.people().await.create_token(create).await.unwrap();
    made.into_inner().secret
}

#[tokio::test]
async fn only_operators_and_their_tokens_download_what_a_cluster_holds() {
    let server = TestServer::start().await;
    let anna = Console::over(&server).await;
    let snapshot = anna.upload_of("3.5.33-three.db", "prod").await;
    let mut wanted = request(&snapshot, "");
    wanted.target = Target::Download;
    let job = anna.run(&wanted).await;
    let view = anna.finished(&job.id).await;
    assert_eq!(view.state, JobState::Completed, "{view:#?}");
    let files = [
        format!("/api/files/{snapshot}/content"),
        format!("/api/jobs/{}/artifacts/m1.tar", job.id),
        format!("/api/jobs/{}/artifacts/no-such-member.tar", job.id),
    ];
    let person = async |roles: &[&str]| server.person(&anna.http, &roles.join(" "), roles).await;
    let all_roles = anna.http.clone();
    let viewers_token = server.program(&token(&all_roles, &["viewer"]).await);
    let admins_token = server.program(&token(&all_roles, &["admin"]).await);
    for (who, client) in [
        ("viewer", person(&["viewer"]).await),
        ("approver", person(&["approver", "viewer"]).await),
        ("admin", person(&["admin"]).await),
        (
            "another cluster's",
            person(&["operator@lab", "viewer"]).await,
        ),
        ("a viewer's token", viewers_token),
        ("an admin's token", admins_token),
    ] {
        for file in &files {
            for range in [None, Some("bytes=0-0")] {
                let mut get = client.request("GET", file);
                if let Some(range) = range {
                    get = get.header("range", range);
                }
                let (status, body) = error(get.send().await.unwrap()).await;
                assert_eq!((status, body.code.as_str()), (403, "role.missing"), "{who}");
            }
            let head = client.request("HEAD", file).send().await.unwrap();
            assert_eq!(head.status(), 403, "{who}");
        }
        if who != "another cluster's" {
            // Everything else is there to be seen.
            let seen = client.snapshot(&snapshot).await;
            assert_eq!(seen.0.id, snapshot, "{who}");
        }
    }
    let operators_token = server.program(&token(&all_roles, &["operator"]).await);
    for (who, client) in [
        ("operator", person(&["operator@prod"]).await),
        ("an operator's token", operators_token),
    ] {
        for file in &files[..2] {
            assert_eq!(client.get(file).await.status(), 200, "{who}");
        }
    }
}

#[tokio::test]
async fn an_approver_needs_no_value_to_approve() {
    let server = TestServer::start().await;
    let anna = Console::over(&server).await;
    let snapshot = anna.upload_of("3.6.14-mixed.db", "prod").await;
    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    let ben = server.person(&anna.http, "Ben", &["approver@prod"]).await;
    let ben = Console::with(ben).await;
    // What the second look of Ben's browser asks for.
    let seen = ben.plan(&plan.id).await;
    assert!(!seen.plan_json.is_empty());
    ben.get_snapshot(&snapshot).await;
    ben.approve(&plan.id, &plan.hash).await.unwrap();
    anna.start(&plan).await.unwrap();
}
