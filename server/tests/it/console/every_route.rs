//! Deny by default: every route that exists is named here, with what a stranger gets there.

use std::collections::BTreeSet;

use prost::Message as _;
use requorum_server::grpc::v1::DESCRIPTORS;
use requorum_server::http::guard::OPEN;
use requorum_server::router::http_routes;
use requorum_shared::api::methods;

use crate::support::harness::TestServer;

/// Every HTTP route, and the methods that a stranger may use there.
const HTTP: &[(&str, &[&str])] = &[
    ("/healthz", &["GET", "HEAD"]),
    ("/readyz", &["GET", "HEAD"]),
    ("/api/setup", &["POST"]),
    ("/api/login", &["POST"]),
    ("/api/join", &["POST"]),
    ("/api/join/link", &["POST"]),
    ("/api/sign-in", &["GET", "HEAD"]),
    ("/api/oidc/start", &["GET", "HEAD"]),
    ("/api/oidc/callback", &["GET", "HEAD"]),
    ("/api/schemas/{file}", &["GET", "HEAD"]),
    ("/api/password", &[]),
    ("/api/logout", &[]),
    ("/api/session", &[]),
    ("/api/uploads", &[]),
    ("/api/uploads/{id}", &[]),
    ("/api/people/uploads", &[]),
    ("/api/people/uploads/{id}", &[]),
    ("/api/files/{id}/content", &[]),
    ("/api/jobs/{id}/artifacts/{name}", &[]),
    ("/api/jobs/{id}/dossier", &[]),
    ("/ledger/checkpoint", &[]),
    ("/ledger/key", &[]),
    ("/ledger/tile/{*path}", &[]),
    ("/ledger/entries/{start}/{count}", &[]),
];

/// Served beside our own services.
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

#[test]
fn the_lists_above_are_whole() {
    let served: BTreeSet<_> = http_routes().iter().map(|(path, _)| *path).collect();
    let listed: BTreeSet<_> = HTTP.iter().map(|(path, _)| *path).collect();
    assert_eq!(served, listed);

    // The table that the page and these tests go by is that of what is served.
    let table: BTreeSet<_> = methods::METHODS
        .iter()
        .map(|method| method.path.to_owned())
        .collect();
    assert_eq!(grpc_methods(), table);

    let open: BTreeSet<_> = OPEN.iter().map(|(_, path)| *path).collect();
    let listed: BTreeSet<_> = HTTP
        .iter()
        .filter(|(_, methods)| !methods.is_empty())
        .map(|(path, _)| *path)
        .collect();
    assert_eq!(open, listed);
}

#[tokio::test]
async fn a_stranger_passes_nowhere() {
    let server = TestServer::start().await;
    server.admin().await;
    let mut bad_cookie = server.stranger();
    bad_cookie.cookie = Some("requorum=made-up; __Host-requorum=made-up".into());
    for client in [server.stranger(), bad_cookie] {
        for (path, open) in HTTP {
            let path = path.replace("{id}", "1").replace("{file}", "m1.tar");
            for method in METHODS {
                let response = client.request(method, &path).send().await.unwrap();
                let denied = response.status() == 401;
                assert_eq!(
                    denied,
                    !open.contains(method),
                    "{method} {path}: {}",
                    response.status()
                );
            }
        }
        let methods = methods::METHODS.iter().map(|method| method.path);
        for path in methods.chain([REFLECTION]) {
            for kind in [
                "application/grpc",
                "application/grpc-web+proto",
                "application/grpc-web-text",
            ] {
                let request = client.request("POST", path).header("content-type", kind);
                let response = request.body(vec![0; 5]).send().await.unwrap();
                assert_eq!(response.status(), 200, "gRPC says its status elsewhere");
                assert_eq!(response.headers()["grpc-status"], "16", "{path} as {kind}");
            }
            for method in METHODS {
                let response = client.request(method, path).send().await.unwrap();
                assert_eq!(response.status(), 401, "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn what_does_not_exist_is_closed_too() {
    let server = TestServer::start().await;
    let stranger = server.stranger();
    for path in [
        "/api",
        "/api/",
        "/api/nothing",
        "/metrics",
        "/requorum.v1.NoService/No",
        "/.git/config",
        "/inspectx",
    ] {
        assert_eq!(stranger.get(path).await.status(), 401, "{path}");
    }
    assert_eq!(
        stranger
            .request("POST", "/inspect")
            .send()
            .await
            .unwrap()
            .status(),
        401
    );
    let admin = server.admin().await;
    for path in [
        "/api",
        "/api/nothing",
        "/metrics",
        "/requorum.v1.NoService/No",
    ] {
        assert_eq!(admin.get(path).await.status(), 404, "{path}");
    }
}

/// `/package.Service/Method` of all that the descriptors hold.
fn grpc_methods() -> BTreeSet<String> {
    let set = Set::decode(DESCRIPTORS).unwrap();
    set.file
        .iter()
        .flat_map(|file| {
            file.service.iter().flat_map(|service| {
                service
                    .method
                    .iter()
                    .map(|method| format!("/{}.{}/{}", file.package, service.name, method.name))
            })
        })
        .collect()
}

// The few fields of descriptor.proto that this test reads.
#[derive(prost::Message)]
struct Set {
    #[prost(message, repeated, tag = "1")]
    file: Vec<File>,
}
#[derive(prost::Message)]
struct File {
    #[prost(string, tag = "2")]
    package: String,
    #[prost(message, repeated, tag = "6")]
    service: Vec<Service>,
}
#[derive(prost::Message)]
struct Service {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    method: Vec<Method>,
}
#[derive(prost::Message)]
struct Method {
    #[prost(string, tag = "1")]
    name: String,
}
