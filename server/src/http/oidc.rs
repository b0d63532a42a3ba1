//! Signing in at the identity provider: the browser is sent there, and comes back. What does not work is told on
//! the sign-in page, because it is a person who sees these answers.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use http::HeaderMap;
use requorum_shared::api::login::WaysIn;
use serde::Deserialize;
use url::form_urlencoded;

use super::assets;
use super::extract::AtPlace;
use super::login;
use crate::app::App;
use crate::auth::oidc::{Answer, Refusal};
use crate::auth::session::Caller;
use crate::error::{ApiError, request_id};
use crate::http::guard;
use crate::ops;

/// The longest address that a sign-in ends at, in bytes.
const MAX_RETURN_BYTES: usize = 1024;
/// As long as a request's id.
const MAX_ID_BYTES: usize = 32;

/// What the sign-in page asks.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// The code of the refusal that the page was opened with.
    failed: String,
    /// The request that was refused.
    request: String,
}

/// Where a sign-in is to end, and how it begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    next: String,
    /// Whether the provider is to ask who it is, even when it knows.
    again: bool,
}

/// Who is signed in, and how one can sign in here.
pub async fn ways_in(
    State(app): State<App>,
    place: AtPlace,
    jar: CookieJar,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<axum::Json<WaysIn>, ApiError> {
    let actor = match guard::token(&app, &jar) {
        Some(token) => app.sessions.find(&token).await?,
        None => None,
    };
    let session = actor.as_ref().map(login::session_of);
    if session.is_some() {
        place.is_known();
    }
    let Query(asked) = asked.unwrap_or_default();
    let id = asked.request;
    let id = if id.len() <= MAX_ID_BYTES && id.bytes().all(|b| b.is_ascii_hexdigit()) {
        id
    } else {
        String::new()
    };
    Ok(axum::Json(WaysIn {
        waits_for_setup: session.is_none() && app.login.waits_for_setup().await?,
        session,
        ..ops::oidc::ways_in(&app, &asked.failed, &id)
    }))
}

/// Sends the browser to the provider.
pub async fn start(
    State(app): State<App>,
    headers: HeaderMap,
    uri: http::Uri,
    jar: CookieJar,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let Query(Wanted { next, again }) = wanted.unwrap_or_default();
    let next = if is_ours(&next) { next } else { "/".into() };
    let origin = guard::own_origin(&app, &headers, &uri);
    match ops::oidc::begin(&app, &origin, &next, again).await {
        Ok(begun) => {
            let jar = jar.add(guard::ticket_cookie(&app, begun.ticket));
            (jar, Redirect::to(&begun.address)).into_response()
        }
        Err(refusal) => to_sign_in(refusal, &next).into_response(),
    }
}

/// The browser is back.
pub async fn callback(
    State(app): State<App>,
    caller: Caller,
    place: AtPlace,
    headers: HeaderMap,
    uri: http::Uri,
    jar: CookieJar,
    answer: Result<Query<Answer>, QueryRejection>,
) -> Response {
    let Query(answer) = answer.unwrap_or_default();
    let origin = guard::own_origin(&app, &headers, &uri);
    let ticket = guard::ticket(&app, &jar);
    let back = ops::oidc::come_back(&app, &origin, &answer, ticket.as_deref(), &caller).await;
    let mut used = guard::ticket_cookie(&app, String::new());
    used.make_removal();
    match back.result {
        Ok(opened) => {
            place.is_known();
            let session = guard::session_cookie(&app, opened.token);
            (jar.add(used).add(session), Redirect::to(&back.to)).into_response()
        }
        // Somebody who came back with nothing of theirs may have a sign-in under way in another tab.
        Err(refusal @ (Refusal::Stale | Refusal::Busy)) => {
            to_sign_in(refusal, &back.to).into_response()
        }
        Err(refusal) => (jar.add(used), to_sign_in(refusal, &back.to)).into_response(),
    }
}

fn to_sign_in(refusal: Refusal, next: &str) -> Redirect {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("failed", refusal.code())
        .append_pair("request", &request_id());
    if next != "/" {
        query.append_pair("next", next);
    }
    Redirect::to(&format!("/login?{}", query.finish()))
}

/// Whether an address is one of our own pages, and nothing that a browser could take for another site.
fn is_ours(address: &str) -> bool {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    address.len() <= MAX_RETURN_BYTES
        && path.starts_with('/')
        && !path.starts_with("//")
        && !path.split('/').any(|part| part == "..")
        && address
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && assets::is_page(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_ends_on_our_own_pages() {
        for good in ["/", "/plans/7?tab=x", "/files", "/?x=https://id.example//y"] {
            assert!(is_ours(good), "{good}");
        }
        let long = format!("/plans/{}", "x".repeat(MAX_RETURN_BYTES));
        for bad in [
            "",
            "plans",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "/plans/..//evil.example",
            "/api/logout",
            "/api/oidc/start",
            "/nothing",
            "/plans/\r\nset-cookie: x=y",
            "/plans/ü",
            " /plans",
            "javascript:alert(1)",
            &long,
        ] {
            assert!(!is_ours(bad), "{bad}");
        }
    }
}
