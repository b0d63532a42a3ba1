//! The page's own files and addresses, and the headers around every answer.

use requorum_shared::api::login::Session;

use crate::support::harness::{Options, TestServer};

#[tokio::test]
async fn every_address_of_the_page_is_the_page() {
    let server = TestServer::start().await;
    let stranger = server.stranger();
    for path in [
        "/",
        "/inspect",
        "/login",
        "/setup",
        "/join",
        "/files/abc",
        "/plans/p",
        "/reviews",
        "/jobs/j?step=2",
    ] {
        let response = stranger.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(
            response.headers()["content-type"],
            "text/html; charset=utf-8"
        );
        assert_eq!(response.headers()["cache-control"], "no-cache");
        assert!(response.text().await.unwrap().contains("<html"), "{path}");
    }
}

#[tokio::test]
async fn every_answer_tells_the_browser_to_be_careful() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    for (client, path) in [
        (server.stranger(), "/"),
        (server.stranger(), "/api/session"),
        (server.stranger(), "/healthz"),
        (server.stranger(), "/nothing"),
        (admin.clone(), "/api/session"),
        (admin, "/nothing"),
    ] {
        let response = client.get(path).await;
        let headers = response.headers();
        let policy = headers["content-security-policy"].to_str().unwrap();
        for part in [
            "default-src 'none'",
            "script-src 'self' 'wasm-unsafe-eval';",
            "worker-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(
            !policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"),
            "{policy}"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        assert_eq!(
            headers["cross-origin-opener-policy"], "same-origin",
            "{path}"
        );
        assert!(
            !headers.contains_key("strict-transport-security"),
            "not over plain HTTP"
        );
        assert!(!headers.contains_key("access-control-allow-origin"));
        if path.starts_with("/api") {
            assert_eq!(headers["cache-control"], "no-store");
        }
    }
}

#[tokio::test]
async fn under_tls_the_browser_is_told_to_stay_there() {
    let server = TestServer::with(Options {
        public_url: Some("https://console.example".into()),
        ..Options::default()
    })
    .await;
    let response = server.stranger().get("/").await;
    assert!(
        response.headers()["strict-transport-security"]
            .to_str()
            .unwrap()
            .starts_with("max-age=")
    );
}

#[tokio::test]
async fn probes_answer() {
    let server = TestServer::start().await;
    let stranger = server.stranger();
    assert_eq!(stranger.get("/healthz").await.text().await.unwrap(), "ok\n");
    assert_eq!(
        stranger.get("/readyz").await.text().await.unwrap(),
        "ready\n"
    );
    let session = stranger.get("/api/session").await;
    assert!(session.json::<Session>().await.is_err());
}
