//! Around every request: an id that finds its log lines, a line in the log, a limit in time, and an answer even
//! when a handler panics.

use std::any::Any;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method};

use crate::error::{ApiError, Kind, REQUEST_ID, internal};
use crate::limits::Limits;
use crate::random;

/// Gives the request its id, logs it, and answers when nobody else does in time.
pub async fn of_request(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    let id = random::id();
    let method = request.method().clone();
    // Without the query: it may hold what no log should.
    let path = request.uri().path().to_owned();
    let begun = Instant::now();
    let mut response = REQUEST_ID
        .scope(id.clone(), answer(limits, &method, &path, request, next))
        .await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", value);
    }
    tracing::info!(
        request_id = %id,
        status = response.status().as_u16(),
        ms = begun.elapsed().as_millis() as u64,
        "{method} {path}"
    );
    response
}

async fn answer(
    limits: Limits,
    method: &Method,
    path: &str,
    request: Request,
    next: Next,
) -> Response {
    // The body of an upload takes as long as it takes; its handler watches over silence.
    if method == Method::PATCH && path.starts_with("/api/uploads/") {
        return next.run(request).await;
    }
    match tokio::time::timeout(limits.answer_begins_within, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::new(
            Kind::Unavailable,
            "timeout",
            "The request was not answered in time: all of it did not arrive, or the server is busy. Try again.",
        )
        .into_response(),
    }
}

/// The answer to a request whose handler panicked.
pub fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    internal(format_args!("a handler panicked: {text}")).into_response()
}
