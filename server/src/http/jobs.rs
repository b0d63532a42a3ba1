//! Downloading what a job leaves: its artifacts, and its dossier.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header;

use super::download;
use super::extract::Path;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{Result, internal};
use crate::ops;

/// One artifact, by its name.
pub async fn artifact(
    State(app): State<App>,
    actor: Actor,
    Path((id, name)): Path<(String, String)>,
) -> Result<Response> {
    let place = app.downloads.file(&actor.user_id)?;
    let tar = ops::jobs::artifact(&app, &actor, &id, &name).await?;
    Response::builder()
        .header(header::CONTENT_TYPE, "application/x-tar")
        .header(header::CONTENT_LENGTH, tar.length)
        .header(
            header::CONTENT_DISPOSITION,
            download::disposition(&tar.name),
        )
        .body(download::in_place(Body::from_stream(tar.stream), place))
        .map_err(internal)
}

/// Its dossier.
pub async fn dossier(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response> {
    let place = app.downloads.file(&actor.user_id)?;
    let dossier = ops::jobs::dossier(&app, &actor, &id).await?;
    Response::builder()
        .header(header::CONTENT_TYPE, "application/zip")
        .header(
            header::CONTENT_DISPOSITION,
            download::disposition(&dossier.name),
        )
        .body(download::in_place(Body::from(dossier.bytes), place))
        .map_err(internal)
}
