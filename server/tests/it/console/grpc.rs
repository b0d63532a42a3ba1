//! The typed API over native gRPC and over gRPC-Web, on one port.

use prost::Message as _;
use requorum_server::grpc::v1::console_service_client::ConsoleServiceClient;
use requorum_shared::api::v1::{AboutRequest, AboutResponse, StoreContent};
use tonic::Code;

use crate::support::harness::{NAME, TestServer};

#[tokio::test]
async fn native_grpc_answers_and_refuses() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let mut client = ConsoleServiceClient::new(admin.grpc().await);
    let about = client.about(AboutRequest {}).await.unwrap().into_inner();
    assert_eq!(about.user, NAME);
    assert_eq!(about.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(about.max_upload_bytes, 1 << 30);
    assert!(about.started_at_ms > 0);
    let holds: Vec<_> = about.stores.iter().map(|store| store.holds()).collect();
    assert_eq!(holds, [StoreContent::Rows, StoreContent::Files]);
    assert_eq!(about.request_kinds, ["etcd.restore"]);

    let mut stranger = ConsoleServiceClient::new(server.stranger().grpc().await);
    let status = stranger.about(AboutRequest {}).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert!(status.message().contains("login"), "{}", status.message());
    assert_eq!(
        status.metadata().get("x-error-code").unwrap(),
        "login.required"
    );
}

#[tokio::test]
async fn grpc_web_answers_over_http_1() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let response = admin
        .request("POST", "/requorum.v1.ConsoleService/About")
        .header("content-type", "application/grpc-web+proto")
        .header("x-grpc-web", "1")
        .header("origin", server.url(""))
        .header("sec-fetch-site", "same-origin")
        .body(vec![0; 5])
        .send()
        .await
        .unwrap();
    assert_eq!(response.version(), reqwest::Version::HTTP_11);
    assert_eq!(
        response.headers()["content-type"],
        "application/grpc-web+proto"
    );
    let bytes = response.bytes().await.unwrap();
    let (message, trailers) = web_frames(&bytes);
    assert_eq!(AboutResponse::decode(message).unwrap().user, NAME);
    assert!(trailers.contains("grpc-status:0"), "{trailers}");
}

/// One message and the trailers, as gRPC-Web frames them.
fn web_frames(bytes: &[u8]) -> (&[u8], String) {
    let frame = |bytes: &[u8]| u32::from_be_bytes(bytes[1..5].try_into().unwrap()) as usize;
    assert_eq!(bytes[0], 0, "a message comes first");
    let length = frame(bytes);
    let (message, rest) = bytes[5..].split_at(length);
    assert_eq!(rest[0], 0x80, "trailers follow");
    let trailers = String::from_utf8(rest[5..5 + frame(rest)].to_vec()).unwrap();
    (message, trailers)
}
