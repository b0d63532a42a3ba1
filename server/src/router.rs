//! Every route, HTTP and gRPC, in one list, and the layers around them in order.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, delete, get, post};
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;
use crate::auth::oidc::CALLBACK;
use crate::grpc;
use crate::http::extract::MAX_JSON_BYTES;
use crate::http::guard;
use crate::http::{
    assets, bodies, context, files, headers, health, jobs, ledger, login, oidc, schemas, uploads,
};
use crate::limits::Limits;

/// Every HTTP route. Those that need no login are listed in [`guard::OPEN`]; a test walks them all.
pub fn http_routes() -> Vec<(&'static str, MethodRouter<App>)> {
    vec![
        ("/healthz", get(health::healthz)),
        ("/readyz", get(health::readyz)),
        ("/api/setup", post(login::setup)),
        ("/api/login", post(login::login)),
        ("/api/join", post(login::join)),
        ("/api/join/link", post(login::invitation)),
        ("/api/password", post(login::change_password)),
        ("/api/logout", post(login::logout)),
        ("/api/session", get(login::session)),
        ("/api/sign-in", get(oidc::ways_in)),
        ("/api/oidc/start", get(oidc::start)),
        (CALLBACK, get(oidc::callback)),
        ("/api/uploads", get(uploads::list).post(uploads::create)),
        (
            "/api/uploads/{id}",
            get(uploads::find)
                .patch(uploads::append)
                .delete(uploads::cancel),
        ),
        ("/api/people/uploads", get(uploads::list_all)),
        ("/api/people/uploads/{id}", delete(uploads::cancel_any)),
        ("/api/schemas/{file}", get(schemas::schema)),
        ("/api/files/{id}/content", get(files::content)),
        ("/api/jobs/{id}/artifacts/{name}", get(jobs::artifact)),
        ("/api/jobs/{id}/dossier", get(jobs::dossier)),
        ("/ledger/checkpoint", get(ledger::checkpoint)),
        ("/ledger/key", get(ledger::key)),
        ("/ledger/tile/{*path}", get(ledger::tile)),
        ("/ledger/entries/{start}/{count}", get(ledger::together)),
    ]
}

/// The whole service.
pub fn router(app: App, limits: Limits) -> Router {
    let http = http_routes()
        .into_iter()
        .fold(Router::new(), |router, (path, handlers)| {
            router.route(path, handlers)
        })
        .with_state(app.clone())
        .route_layer(from_fn_with_state(
            bodies::Places::default(),
            bodies::in_turn,
        ));

    let demo = app.config.demo;
    // A request passes the layers from the last to the first.
    http.merge(grpc::routes(&app))
        .fallback(move |request: Request| async move { assets::serve(&request, demo) })
        .method_not_allowed_fallback(assets::method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_JSON_BYTES))
        .layer(from_fn_with_state(app.clone(), guard::guard))
        .layer(CatchPanicLayer::custom(context::panicked))
        .layer(from_fn_with_state(app, headers::add))
        .layer(from_fn_with_state(limits, context::of_request))
}
