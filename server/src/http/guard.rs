//! The guard in front of every route: nobody passes without a session or a token, unless the route is on the list of those
//! that are open.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use http::{HeaderMap, HeaderValue, Method, Uri, header};

use super::assets;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::auth::oidc::CALLBACK;
use crate::auth::origin;
use crate::auth::token::no_token;
use crate::error::{ApiError, unauthenticated};
use crate::places::Place;

/// The routes that need no login, beside the page's own static files. Nothing else is open.
pub const OPEN: &[(Method, &str)] = &[
    (Method::GET, "/healthz"),
    (Method::GET, "/readyz"),
    (Method::POST, "/api/login"),
    (Method::POST, "/api/setup"),
    (Method::POST, "/api/join"),
    (Method::POST, "/api/join/link"),
    (Method::GET, "/api/sign-in"),
    (Method::GET, "/api/schemas/{file}"),
    (Method::GET, "/api/oidc/start"),
    (Method::GET, CALLBACK),
];

/// The cookie under TLS: browsers refuse to set it from anywhere but this very origin.
const SECURE_COOKIE: &str = "__Host-requorum";
/// The cookie on loopback, where there is no TLS.
const LOOPBACK_COOKIE: &str = "requorum";
/// The same two, for a sign-in at the identity provider that is under way.
const SECURE_TICKET: &str = "__Host-requorum-oidc";
const LOOPBACK_TICKET: &str = "requorum-oidc";
/// The same two, for a browser that an account has come in with.
const SECURE_DEVICE: &str = "__Host-requorum-device";
const LOOPBACK_DEVICE: &str = "requorum-device";

/// Lets a request through, with its [`crate::auth::actor::Actor`] attached, or answers it.
pub async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match admit(&app, &mut request).await {
        Ok(()) => next.run(request).await,
        Err(error) => refuse(request.headers(), error),
    }
}

async fn admit(app: &App, request: &mut Request) -> Result<(), ApiError> {
    app.time.look().await?;
    if app.config.public_url.is_none() {
        let host = host(request.headers(), request.uri());
        match &app.tls {
            Some(tls) => origin::check_named(host, |name| tls.is_for(name))?,
            None => origin::check_loopback(host)?,
        }
    }
    if let Some(secret) = bearer(request.headers()) {
        // Pages of other sites cannot send this header, and browsers never send it by themselves: nothing can be
        // forged with it. A cookie beside it does not count.
        let actor = app.tokens.find(&secret?).await?.ok_or_else(no_token)?;
        attach(request, actor);
        return Ok(());
    }
    origin::check(
        request.method(),
        request.headers(),
        &own_origin(app, request.headers(), request.uri()),
    )?;
    if is_open(request) {
        return Ok(());
    }
    let jar = CookieJar::from_headers(request.headers());
    let token = token(app, &jar).ok_or_else(unauthenticated)?;
    let actor = app
        .sessions
        .find(&token)
        .await?
        .ok_or_else(unauthenticated)?;
    attach(request, actor);
    Ok(())
}

/// Says who asks, and from where.
fn attach(request: &mut Request, mut actor: Actor) {
    if let Some(ConnectInfo(client)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        actor.address = client.ip();
    }
    if let Some(place) = request.extensions().get::<Place>() {
        place.is_known();
    }
    request.extensions_mut().insert(actor);
}

/// The token of `Authorization: Bearer …`. Anything else in that header is a mistake that is told, rather than
/// falling back to somebody's cookie.
fn bearer(headers: &HeaderMap) -> Option<Result<String, ApiError>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?;
    let secret = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, secret)| secret.trim().to_owned());
    match secret {
        Some(secret) if values.next().is_none() => Some(Ok(secret)),
        _ => Some(Err(no_token())),
    }
}

fn is_open(request: &Request) -> bool {
    match request.extensions().get::<MatchedPath>() {
        // HEAD is answered by the handler of GET.
        Some(path) => OPEN.iter().any(|(method, open)| {
            *open == path.as_str()
                && (method == request.method()
                    || method == Method::GET && request.method() == Method::HEAD)
        }),
        None => {
            matches!(*request.method(), Method::GET | Method::HEAD)
                && (assets::is_page_or_file(request.uri().path())
                    || assets::wants_page(request.headers()))
        }
    }
}

/// The origin that our own pages have.
pub fn own_origin(app: &App, headers: &HeaderMap, uri: &Uri) -> String {
    app.config.origin(host(headers, uri))
}

/// The name by which the caller reached us.
fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> &'a str {
    headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| uri.authority().map(|a| a.as_str()))
        .unwrap_or_default()
}

/// The session's token, from the cookie.
pub fn token(app: &App, jar: &CookieJar) -> Option<String> {
    jar.get(cookie_name(app)).map(|c| c.value().to_owned())
}

/// The cookie that carries a session.
pub fn session_cookie(app: &App, token: String) -> Cookie<'static> {
    Cookie::build((cookie_name(app), token))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(is_tls(app))
        .build()
}

/// The secret of a sign-in at the identity provider, from its cookie.
pub fn ticket(app: &App, jar: &CookieJar) -> Option<String> {
    jar.get(ticket_name(app)).map(|c| c.value().to_owned())
}

/// The cookie that carries it. The browser comes back from another site, so that a strict cookie would stay away.
pub fn ticket_cookie(app: &App, secret: String) -> Cookie<'static> {
    Cookie::build((ticket_name(app), secret))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(is_tls(app))
        .build()
}

/// What a browser says of the accounts that it has come in with. It is proven, so it matters little who set it.
pub fn device(jar: &CookieJar) -> Option<String> {
    let cookie = jar.get(SECURE_DEVICE).or_else(|| jar.get(LOOPBACK_DEVICE));
    cookie.map(|cookie| cookie.value().to_owned())
}

/// The cookie that says so. It outlives the session: that is what it is for.
pub fn device_cookie(app: &App, device: String) -> Cookie<'static> {
    let name = if is_tls(app) {
        SECURE_DEVICE
    } else {
        LOOPBACK_DEVICE
    };
    Cookie::build((name, device))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(is_tls(app))
        .permanent()
        .build()
}

fn ticket_name(app: &App) -> &'static str {
    if is_tls(app) {
        SECURE_TICKET
    } else {
        LOOPBACK_TICKET
    }
}

fn cookie_name(app: &App) -> &'static str {
    if is_tls(app) {
        SECURE_COOKIE
    } else {
        LOOPBACK_COOKIE
    }
}

fn is_tls(app: &App) -> bool {
    app.config.is_https()
}

/// A refusal in the caller's own protocol: gRPC clients look for a status in the headers, not for JSON.
fn refuse(headers: &HeaderMap, error: ApiError) -> Response {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    if !content_type.starts_with("application/grpc") {
        return error.into_response();
    }
    let kind = if content_type.starts_with("application/grpc-web") {
        "application/grpc-web+proto"
    } else {
        "application/grpc"
    };
    let mut response = tonic::Status::from(error).into_http::<axum::body::Body>();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
