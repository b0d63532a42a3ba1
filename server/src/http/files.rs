//! Downloading a stored file.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode, header};

use super::download;
use super::extract::Path;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{Result, internal};
use crate::ops;

/// The file as it came, whole or one range of it.
pub async fn content(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    let file = ops::files::find_to_read(&app, &actor, &id).await?;
    let size = file.size;
    let tag = format!("\"{}\"", file.id);
    let builder = Response::builder()
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::ETAG, &tag)
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .header(
            header::CONTENT_DISPOSITION,
            download::disposition(&file.name),
        );
    // A range of another version of the file would be worth nothing.
    let same = headers
        .get(header::IF_RANGE)
        .is_none_or(|v| v.as_bytes() == tag.as_bytes());
    let range = headers.get(header::RANGE).filter(|_| same);
    let (builder, range) = match range.map(|range| download::parse_range(range, size)) {
        None | Some(download::Range::Ignored) => (builder, 0..size),
        Some(download::Range::Within(range)) => (
            builder.status(StatusCode::PARTIAL_CONTENT).header(
                header::CONTENT_RANGE,
                format!("bytes {}-{}/{size}", range.start, range.end - 1),
            ),
            range,
        ),
        Some(download::Range::Outside) => {
            return builder
                .status(StatusCode::RANGE_NOT_SATISFIABLE)
                .header(header::CONTENT_RANGE, format!("bytes */{size}"))
                .body(Body::empty())
                .map_err(internal);
        }
    };
    let length = range.end - range.start;
    let place = app.downloads.file(&actor.user_id)?;
    let body = ops::files::read(&app, &actor, &file, range).await?;
    builder
        .header(header::CONTENT_LENGTH, length)
        .body(download::in_place(Body::from_stream(body), place))
        .map_err(internal)
}
