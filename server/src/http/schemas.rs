//! The JSON Schemas of requests that can be planned for. The same for everybody who asks, and with nothing of this
//! console in them.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use requorum_shared::recovery;

use super::extract::Path;
use crate::error::{Result, not_found, quoted};

const JSON: HeaderValue = HeaderValue::from_static("application/schema+json");
/// It changes with the server's version alone.
const AN_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// The schema of one kind: `/api/schemas/etcd.restore.json`.
pub async fn schema(Path(file): Path<String>) -> Result<Response> {
    let kind = file.strip_suffix(".json").unwrap_or_default();
    let schema = recovery::schema(kind).ok_or_else(|| {
        not_found(
            "schema.unknown",
            format!(
                "No schema {}. The kinds of requests are: {}.",
                quoted(&file),
                recovery::KINDS.join(", ")
            ),
        )
    })?;
    let headers = [
        (header::CONTENT_TYPE, JSON),
        (header::CACHE_CONTROL, AN_HOUR),
    ];
    Ok((headers, schema).into_response())
}
