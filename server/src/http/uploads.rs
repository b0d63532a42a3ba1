//! Uploads over HTTP, in the manner of tus 1.0.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt as _, TryStreamExt as _};
use http::header::{CONTENT_LENGTH, LOCATION};
use http::{HeaderMap, HeaderName, StatusCode};
use requorum_shared::api::upload::{CreateUpload, EVIDENCE_HEADER, ListUploads, Upload, Uploads};

use super::extract::{Json, Path, Query};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{Result, bad_request};
use crate::ops;

const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");

/// Announces a file.
pub async fn create(
    State(app): State<App>,
    actor: Actor,
    Json(request): Json<CreateUpload>,
) -> Result<Response> {
    let upload = ops::uploads::create(&app, &actor, request).await?;
    let location = format!("/api/uploads/{}", upload.id);
    Ok((
        StatusCode::CREATED,
        [(LOCATION, location)],
        described(upload),
    )
        .into_response())
}

/// What the signed-in person left unfinished.
pub async fn list(
    State(app): State<App>,
    actor: Actor,
    Query(asked): Query<ListUploads>,
) -> Result<axum::Json<Uploads>> {
    Ok(axum::Json(ops::uploads::list(&app, &actor, &asked).await?))
}

/// What everybody left unfinished, for administrators.
pub async fn list_all(
    State(app): State<App>,
    actor: Actor,
    Query(asked): Query<ListUploads>,
) -> Result<axum::Json<Uploads>> {
    let uploads = ops::uploads::list_all(&app, &actor, &asked).await?;
    Ok(axum::Json(uploads))
}

/// Cancels another person's upload.
pub async fn cancel_any(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    ops::uploads::cancel_any(&app, &actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where an upload is. HEAD is the tus way; GET has the same as JSON.
pub async fn find(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response> {
    Ok(described(ops::uploads::find(&app, &actor, &id).await?))
}

/// Adds the body's bytes at `Upload-Offset`.
pub async fn append(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response> {
    let offset = number(request.headers(), &OFFSET)?.ok_or_else(|| {
        bad_request(
            "upload.offset-missing",
            "The header Upload-Offset is missing: say where the body's first byte belongs.",
        )
    })?;
    let announced = number(request.headers(), &CONTENT_LENGTH)?;
    if request.headers().contains_key(EVIDENCE_HEADER) {
        ops::uploads::keep_as_evidence(&app, &actor, &id).await?;
    }
    let body = request
        .into_body()
        .into_data_stream()
        .map_err(std::io::Error::other)
        .boxed();
    let upload = ops::uploads::append(&app, &actor, &id, offset, announced, body).await?;
    Ok(described(upload))
}

/// Cancels an upload.
pub async fn cancel(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    ops::uploads::cancel(&app, &actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn described(upload: Upload) -> Response {
    let headers = [
        (OFFSET, upload.offset.to_string()),
        (LENGTH, upload.length.to_string()),
    ];
    (headers, axum::Json(upload)).into_response()
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    // Digits and nothing else, as both headers are defined; `parse` takes a sign too.
    value
        .to_str()
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .map(Some)
        .ok_or_else(|| {
            bad_request(
                "header",
                format!("The header {name} is not a number of bytes."),
            )
        })
}
