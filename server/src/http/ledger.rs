//! The ledger as C2SP tlog-tiles: what any client of transparency logs reads, below `/ledger`.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

use super::download;
use super::extract::Path;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::Result;
use crate::ops;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// The current checkpoint.
pub async fn checkpoint(State(app): State<App>, actor: Actor) -> Result<Response> {
    let note = ops::ledger::checkpoint(&app, &actor).await?;
    let headers = [
        (header::CONTENT_TYPE, TEXT),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, note).into_response())
}

/// The key that checkpoints are signed with, as readers of notes take it.
pub async fn key(State(app): State<App>, actor: Actor) -> Result<Response> {
    let key = ops::ledger::get(&app, &actor).await?.key;
    let headers = [
        (header::CONTENT_TYPE, TEXT),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, format!("{key}\n")).into_response())
}

/// A tile of hashes or a bundle of entries.
pub async fn tile(
    State(app): State<App>,
    actor: Actor,
    Path(path): Path<String>,
) -> Result<Response> {
    let place = app.downloads.piece(&actor.user_id).await?;
    let bytes = ops::ledger::tile(&app, &actor, &format!("tile/{path}")).await?;
    let headers = [
        (header::CONTENT_TYPE, BYTES),
        // What was written does not change. But whoever verifies wants to see what is there now, and a cached copy
        // would hide what was done to it.
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-cache"),
        ),
    ];
    Ok((headers, download::in_place(Body::from(bytes), place)).into_response())
}

/// Bundles of entries that follow each other, in one answer.
pub async fn together(
    State(app): State<App>,
    actor: Actor,
    Path((start, count)): Path<(u64, u64)>,
) -> Result<Response> {
    let place = app.downloads.piece(&actor.user_id).await?;
    let bytes = ops::ledger::together(&app, &actor, start, count).await?;
    let headers = [
        (header::CONTENT_TYPE, BYTES),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, download::in_place(Body::from(bytes), place)).into_response())
}
