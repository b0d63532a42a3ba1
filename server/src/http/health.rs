//! Probes: is the process alive, can it serve?

use axum::extract::State;

use crate::app::App;
use crate::error::{ApiError, Kind, Result};

/// The process answers.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// The database answers too.
pub async fn readyz(State(app): State<App>) -> Result<&'static str> {
    app.db.ping().await.map_err(|error| {
        tracing::error!("not ready: {error:#}");
        ApiError::new(
            Kind::Unavailable,
            "not-ready",
            "The database does not answer. The server's log has the reason.",
        )
    })?;
    Ok("ready\n")
}
