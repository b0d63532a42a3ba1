//! What the framework refuses before a method sees it, in our words and with our codes.
//!
//! tonic says "internal" of a message that it cannot read. That is the caller's mistake and not the server's, and
//! whoever counts the server's failures should not find it among them.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use tonic::{Code, Status};

use crate::error::{ApiError, CODE_HEADER, Kind};

/// Lets the answer pass, or puts the refusal in other words.
pub(super) async fn reworded(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let headers = response.headers();
    // Ours bear their code.
    if headers.contains_key(CODE_HEADER) {
        return response;
    }
    match Status::from_header_map(headers).and_then(|status| refusal(&status)) {
        Some(refusal) => Status::from(refusal).into_http(),
        None => response,
    }
}

fn refusal(status: &Status) -> Option<ApiError> {
    match status.code() {
        Code::Internal => Some(ApiError::new(
            Kind::BadRequest,
            "grpc.message",
            format!(
                "The request's message was not understood: {}. Nothing was done.",
                status.message().trim_end_matches('.')
            ),
        )),
        Code::OutOfRange | Code::ResourceExhausted => Some(ApiError::new(
            Kind::TooLarge,
            "grpc.message-size",
            format!(
                "The request's message is longer than {} KiB. Nothing was done.",
                super::MAX_MESSAGE_BYTES >> 10
            ),
        )),
        _ => None,
    }
}
