//! Tokens for programs: what they open, what they never open, and how they end.

use requorum_server::grpc::v1::console_service_client::ConsoleServiceClient;
use requorum_shared::api::v1::{
    AboutRequest, CreateTokenRequest, DisablePersonRequest, EnablePersonRequest, ListTokensRequest,
    RevokeTokenRequest, SetGrantsRequest,
};
use serde_json::json;
use tonic::Code;

use crate::support::harness::{Client, Options, TestServer, code, error};

async fn create(
    client: &Client,
    name: &str,
    grants: &[&str],
    days: u32,
) -> Result<(String, String), tonic::Status> {
    let request = CreateTokenRequest {
        name: name.into(),
        grants: crate::support::harness::grants(grants),
        days,
    };
    let made = client
        .people()
        .await
        .create_token(request)
        .await?
        .into_inner();
    Ok((made.secret, made.token.unwrap().id))
}

#[tokio::test]
async fn a_token_opens_http_and_grpc_without_a_cookie() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let (secret, _) = create(&admin, "nightly", &["operator"], 30).await.unwrap();
    assert!(secret.starts_with("rq_") && secret.len() == 46, "{secret}");
    let program = server.program(&secret);
    let body = json!({"name": "a.db", "length": 10});
    assert_eq!(program.post("/api/uploads", &body).await.status(), 201);
    let about = ConsoleServiceClient::new(program.grpc().await)
        .about(AboutRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(about.user, "Anna K. (nightly)");

    let listed = admin
        .people()
        .await
        .list_tokens(ListTokensRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert!(listed.tokens[0].used_at_ms > 0);
    assert!(!format!("{listed:?}").contains(&secret[3..]), "shown once");
}

#[tokio::test]
async fn nothing_else_in_that_header_opens_anything() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let (secret, _) = create(&admin, "nightly", &["viewer"], 30).await.unwrap();
    let cookie = admin.cookie.clone().unwrap();
    let session = cookie.split_once('=').unwrap().1;
    for value in [
        String::from("Bearer"),
        "Bearer ".into(),
        "Bearer rq_".into(),
        format!("Bearer {}", &secret[..45]),
        format!("Bearer {secret}x"),
        format!("Bearer {}", secret.to_uppercase()),
        format!("Basic {secret}"),
        secret.clone(),
        // A session's secret is no token.
        format!("Bearer {session}"),
        format!("Bearer rq_{session}"),
    ] {
        // With a good cookie beside it, too: whoever sends a token wants to be that program.
        for client in [server.stranger(), admin.clone()] {
            let response = client
                .request("GET", "/api/session")
                .header("authorization", &value)
                .send()
                .await
                .unwrap();
            let (status, body) = error(response).await;
            assert_eq!(
                (status, body.code.as_str()),
                (401, "token.invalid"),
                "{value}"
            );
        }
    }
    let twice = admin
        .request("GET", "/api/session")
        .header("authorization", format!("Bearer {secret}"))
        .header("authorization", format!("Bearer {secret}"));
    assert_eq!(twice.send().await.unwrap().status(), 401);
    // A token in the cookie is no session.
    let mut confused = server.stranger();
    confused.cookie = Some(format!("requorum={secret}"));
    assert_eq!(confused.get("/api/session").await.status(), 401);
}

#[tokio::test]
async fn a_token_ends_in_time_and_when_it_is_revoked() {
    let (options, clock) = Options::with_clock();
    let server = TestServer::with(options).await;
    let admin = server.admin().await;
    let (one, _) = create(&admin, "one day", &["viewer"], 1).await.unwrap();
    let (two, two_id) = create(&admin, "revoked", &["viewer"], 1).await.unwrap();
    let (one, two) = (server.program(&one), server.program(&two));
    assert_eq!(two.get("/api/session").await.status(), 200);
    let ben = server.person(&admin, "Ben", &["viewer"]).await;
    let revoke = RevokeTokenRequest { id: two_id };
    let refused = ben
        .people()
        .await
        .revoke_token(revoke.clone())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    for _ in 0..2 {
        let token = admin
            .people()
            .await
            .revoke_token(revoke.clone())
            .await
            .unwrap();
        assert!(token.into_inner().token.unwrap().revoked_at_ms > 0);
    }
    assert_eq!(two.get("/api/session").await.status(), 401);
    clock.advance_ms(24 * 3_600_000 - 1);
    assert_eq!(one.get("/api/session").await.status(), 200);
    clock.advance_ms(1);
    assert_eq!(one.get("/api/session").await.status(), 401);
}

#[tokio::test]
async fn a_token_is_never_worth_more_than_its_owner() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let ben = server
        .person(&admin, "Ben", &["operator@lab", "viewer"])
        .await;
    for (grants, days, expected) in [
        (&["operator"][..], 1, "token.beyond-owner"),
        (&["operator@prod"], 1, "token.beyond-owner"),
        (&["admin"], 1, "token.beyond-owner"),
        (&["approver"], 1, "token.person-role"),
        (&[], 1, "token.roles"),
        (&["nonsense"], 1, "roles"),
        (&["viewer"], 0, "token.days"),
        (&["viewer"], 367, "token.days"),
    ] {
        let refused = create(&ben, "x", grants, days).await.unwrap_err();
        assert_eq!(code(&refused), expected, "{grants:?} {days}");
    }
    assert_eq!(
        code(&create(&ben, " ", &["viewer"], 1).await.unwrap_err()),
        "token.name"
    );

    let (secret, _) = create(&admin, "all", &["operator"], 1).await.unwrap();
    let program = server.program(&secret);
    assert_eq!(program.get("/api/uploads").await.status(), 200);
    // The owner loses the role, and with it the token.
    let second = server.person(&admin, "Second", &["admin"]).await;
    let session: serde_json::Value = admin.get("/api/session").await.json().await.unwrap();
    let id = session["user_id"].as_str().unwrap().to_owned();
    let demote = SetGrantsRequest {
        id: id.clone(),
        grants: crate::support::harness::grants(&["viewer"]),
    };
    second.people().await.set_grants(demote).await.unwrap();
    assert_eq!(program.get("/api/uploads").await.status(), 403);
    let disable = DisablePersonRequest { id: id.clone() };
    let mut people = second.people().await;
    people.disable_person(disable).await.unwrap();
    assert_eq!(program.get("/api/uploads").await.status(), 401);
    people
        .enable_person(EnablePersonRequest { id })
        .await
        .unwrap();
    assert_eq!(
        program.get("/api/uploads").await.status(),
        401,
        "revoked with the account"
    );
}

#[tokio::test]
async fn what_another_console_gave_opens_nothing_here() {
    let (here, there) = (TestServer::start().await, TestServer::start().await);
    here.admin().await;
    let admin_there = there.admin().await;
    let (secret, _) = create(&admin_there, "theirs", &["viewer"], 1)
        .await
        .unwrap();
    assert_eq!(
        here.program(&secret).get("/api/session").await.status(),
        401
    );
    let mut visitor = here.stranger();
    visitor.cookie = admin_there.cookie.clone();
    assert_eq!(visitor.get("/api/session").await.status(), 401);
    let status = ConsoleServiceClient::new(visitor.grpc().await)
        .about(AboutRequest {})
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn another_sites_page_cannot_ride_on_a_token() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let (secret, _) = create(&admin, "x", &["operator"], 1).await.unwrap();
    // A page that wants to send the header must ask first, and the answer is no.
    let preflight = server
        .stranger()
        .request("OPTIONS", "/api/uploads")
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization")
        .send()
        .await
        .unwrap();
    assert!(!preflight.status().is_success());
    assert!(
        !preflight
            .headers()
            .contains_key("access-control-allow-origin")
    );
    // A program needs none of what protects cookies.
    let response = server
        .program(&secret)
        .request("POST", "/api/uploads")
        .header("origin", "https://elsewhere.example")
        .json(&json!({"name": "a.db", "length": 10}))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 201);
}
