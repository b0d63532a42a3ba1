//! Accounts and sessions: the one-time link, signing in and out, throttling, foreign pages.

use requorum_server::clock::Clock as _;
use requorum_shared::api::login::Session;
use serde_json::json;

use crate::support::harness::{NAME, Options, PASSWORD, TestServer, error, set_cookie};

#[tokio::test]
async fn the_link_makes_one_administrator_once() {
    let server = TestServer::start().await;
    let link = server.setup_link.clone().unwrap();
    assert!(link.starts_with(&server.url("/setup#token=")), "{link}");

    let stranger = server.stranger();
    let setup = |token: &str, password: &str| {
        let body = json!({"token": token, "name": NAME, "password": password});
        let stranger = stranger.clone();
        async move { stranger.post("/api/setup", &body).await }
    };
    let (status, body) = error(setup("wrong", PASSWORD).await).await;
    assert_eq!((status, body.code.as_str()), (403, "setup.link-invalid"));
    let (status, body) = error(setup(server.setup_token(), "short").await).await;
    assert_eq!((status, body.code.as_str()), (400, "password.short"));

    let admin = server.admin().await;
    let session: Session = admin.get("/api/session").await.json().await.unwrap();
    assert_eq!(session.name, NAME);

    let (status, body) = error(setup(server.setup_token(), PASSWORD).await).await;
    assert_eq!((status, body.code.as_str()), (403, "setup.link-invalid"));

    let server = server.restart(Options::default()).await;
    assert_eq!(server.setup_link, None, "there is an administrator");
    let again = server.signed_in().await;
    assert_eq!(again.get("/api/session").await.status(), 200);
}

#[tokio::test]
async fn a_link_of_an_earlier_start_is_void() {
    let server = TestServer::start().await;
    let old = server.setup_token().to_owned();
    let server = server.restart(Options::default()).await;
    assert_ne!(server.setup_token(), old);
    let body = json!({"token": old, "name": NAME, "password": PASSWORD});
    let response = server.stranger().post("/api/setup", &body).await;
    assert_eq!(response.status(), 403);
}

#[tokio::test]
async fn two_administrators_cannot_be_first() {
    let server = TestServer::start().await;
    let body = json!({"token": server.setup_token(), "name": NAME, "password": PASSWORD});
    let stranger = server.stranger();
    let (one, two) = tokio::join!(
        stranger.post("/api/setup", &body),
        stranger.post("/api/setup", &body)
    );
    let mut codes = [one.status().as_u16(), two.status().as_u16()];
    codes.sort_unstable();
    assert_eq!(codes[0], 200, "{codes:?}");
    assert_ne!(codes[1], 200, "{codes:?}");
}

#[tokio::test]
async fn a_session_lives_in_a_cookie_and_ends_when_told_or_in_time() {
    let (options, clock) = Options::with_clock();
    let server = TestServer::with(options).await;
    server.admin().await;
    let mut client = server.stranger();
    let response = client.login("anna k.", PASSWORD).await;
    assert_eq!(response.status(), 200, "names are without case");
    let cookie = set_cookie(&response);
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    assert!(
        cookie.starts_with("requorum=") && !cookie.contains("Secure"),
        "{cookie}"
    );
    client.keep_cookie(&response);

    let other = server.signed_in().await;
    assert_eq!(client.get("/api/session").await.status(), 200);
    let out = client.post("/api/logout", &json!({})).await;
    assert_eq!(out.status(), 204);
    assert!(set_cookie(&out).contains("Max-Age=0"));
    assert_eq!(
        client.get("/api/session").await.status(),
        401,
        "the old cookie is worth nothing"
    );
    assert_eq!(other.get("/api/session").await.status(), 200, "others stay");

    for _ in 0..11 {
        clock.advance_ms(3_600_000);
        assert_eq!(other.get("/api/session").await.status(), 200);
    }
    clock.advance_ms(3_600_000 - 1);
    assert_eq!(other.get("/api/session").await.status(), 200);
    clock.advance_ms(1);
    assert_eq!(
        other.get("/api/session").await.status(),
        401,
        "at {}",
        clock.now_ms()
    );
}

#[tokio::test]
async fn guessing_gets_slower_and_says_nothing() {
    let (options, clock) = Options::with_clock();
    let server = TestServer::with(options).await;
    server.admin().await;
    let client = server.stranger();
    let (status, unknown) = error(client.login("nobody", "wrong password").await).await;
    assert_eq!(status, 401);
    for _ in 0..5 {
        let (status, known) = error(client.login(NAME, "wrong password").await).await;
        assert_eq!(status, 401);
        assert_eq!(
            (known.code, known.message),
            (unknown.code.clone(), unknown.message.clone())
        );
    }
    let response = client.login(NAME, PASSWORD).await;
    assert_eq!(response.headers()["retry-after"], "2");
    let (status, body) = error(response).await;
    assert_eq!((status, body.code.as_str()), (429, "login.throttled"));
    clock.advance_ms(2_000);
    assert_eq!(client.login(NAME, PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn under_tls_the_cookie_is_bound_to_the_origin() {
    let server = TestServer::with(Options {
        public_url: Some("https://console.example".into()),
        ..Options::default()
    })
    .await;
    let link = server.setup_link.clone().unwrap();
    assert!(
        link.starts_with("https://console.example/setup#token="),
        "{link}"
    );
    let body = json!({"token": server.setup_token(), "name": NAME, "password": PASSWORD});
    let response = server
        .stranger()
        .request("POST", "/api/setup")
        .header("origin", "https://console.example")
        .json(&body)
        .send()
        .await
        .unwrap();
    let cookie = set_cookie(&response);
    assert!(cookie.starts_with("__Host-requorum="), "{cookie}");
    for part in ["Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie} without {part}");
    }
    assert!(!cookie.contains("Domain"));
}

#[tokio::test]
async fn another_sites_page_changes_nothing() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let ours = server.url("");
    for (origin, site, status) in [
        (Some("https://evil.example"), Some("cross-site"), 403),
        (Some("https://evil.example"), None, 403),
        (Some("null"), None, 403),
        (None, Some("same-site"), 403),
        (Some(ours.as_str()), Some("same-origin"), 204),
    ] {
        for path in ["/api/logout", "/requorum.v1.ConsoleService/About"] {
            let mut request = admin.request("POST", path).body(vec![0; 5]);
            if path.starts_with("/requorum") {
                request = request.header("content-type", "application/grpc-web+proto");
            }
            if let Some(origin) = origin {
                request = request.header("origin", origin);
            }
            if let Some(site) = site {
                request = request.header("sec-fetch-site", site);
            }
            let response = request.send().await.unwrap();
            match (path, status) {
                ("/api/logout", _) => assert_eq!(response.status(), status, "{origin:?} {site:?}"),
                (_, 403) => assert_eq!(
                    response.headers()["grpc-status"],
                    "7",
                    "{origin:?} {site:?}"
                ),
                // The session ended just before.
                _ => assert_eq!(response.headers()["grpc-status"], "16"),
            }
        }
    }
}

#[tokio::test]
async fn bad_json_is_told_apart() {
    let server = TestServer::start().await;
    let client = server.stranger();
    let request = client
        .request("POST", "/api/login")
        .header("content-type", "application/json");
    let (status, body) = error(request.body("{\"name\": 1}").send().await.unwrap()).await;
    assert_eq!((status, body.code.as_str()), (400, "json"));
    let huge = "x".repeat(1 << 20);
    let (status, body) = error(client.login(&huge, &huge).await).await;
    assert_eq!(
        (status, body.code.as_str()),
        (413, "body.too-large"),
        "{}",
        body.message
    );
}
