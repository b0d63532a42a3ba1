//! The typed API over gRPC-Web. A request says which method it is of ([`Call`]): one function asks them all.

use requorum_shared::api::methods::Call;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic_prost::ProstCodec;
use tonic_web_wasm_client::Client;

use super::acts;
use crate::failure::Failure;

/// Inspections of large files, with their page runs, pass tonic's 4 MiB.
const MAX_MESSAGE: usize = 64 << 20;

fn client() -> Grpc<Client> {
    let origin = leptos::prelude::window().location().origin();
    Grpc::new(Client::new(origin.unwrap_or_default())).max_decoding_message_size(MAX_MESSAGE)
}

/// Asks, and waits for the answer.
///
/// # Errors
/// As [`Failure::from_grpc`].
pub async fn call<R: Call>(request: R) -> Result<R::Response, Failure> {
    let codec = ProstCodec::<R, R::Response>::default();
    let path = PathAndQuery::from_static(R::METHOD.path);
    let answer = client()
        .unary(tonic::Request::new(request), path, codec)
        .await;
    if !R::METHOD.reads {
        acts::done();
    }
    answer
        .map(tonic::Response::into_inner)
        .map_err(|status| Failure::from_grpc(&status))
}

/// Asks for a stream of answers.
///
/// # Errors
/// As [`Failure::from_grpc`].
pub async fn stream<R: Call>(request: R) -> Result<tonic::Streaming<R::Response>, Failure> {
    let codec = ProstCodec::<R, R::Response>::default();
    let path = PathAndQuery::from_static(R::METHOD.path);
    client()
        .server_streaming(tonic::Request::new(request), path, codec)
        .await
        .map(tonic::Response::into_inner)
        .map_err(|status| Failure::from_grpc(&status))
}
