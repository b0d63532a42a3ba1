//! Signing in and out over HTTP: the session travels in a cookie that no script can read.

use axum::extract::State;
use axum_extra::extract::cookie::{Cookie, CookieJar};
use http::StatusCode;
use requorum_shared::api::login::{
    Invitation, JoinRequest, LinkRequest, LoginRequest, PasswordRequest, Session, SetupRequest,
};

use super::extract::{AtPlace, Json};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::auth::session::{Caller, Opened};
use crate::clock;
use crate::error::Result;
use crate::http::guard;
use crate::ops;

type SignedIn = (CookieJar, axum::Json<Session>);

/// Makes the first administrator through the one-time link, and signs in.
pub async fn setup(
    State(app): State<App>,
    caller: Caller,
    place: AtPlace,
    jar: CookieJar,
    Json(request): Json<SetupRequest>,
) -> Result<SignedIn> {
    let opened = ops::sign_in::set_up(&app, request, &caller).await?;
    Ok(signed_in(&app, place, jar, opened))
}

/// Signs in.
pub async fn login(
    State(app): State<App>,
    caller: Caller,
    place: AtPlace,
    jar: CookieJar,
    Json(request): Json<LoginRequest>,
) -> Result<SignedIn> {
    let opened = ops::sign_in::sign_in(&app, request, &caller).await?;
    Ok(signed_in(&app, place, jar, opened))
}

/// Sets a password by a one-time link, and signs in.
pub async fn join(
    State(app): State<App>,
    caller: Caller,
    place: AtPlace,
    jar: CookieJar,
    Json(request): Json<JoinRequest>,
) -> Result<SignedIn> {
    let opened = ops::sign_in::join(&app, request, &caller).await?;
    Ok(signed_in(&app, place, jar, opened))
}

/// Whose a one-time link is.
pub async fn invitation(
    State(app): State<App>,
    caller: Caller,
    Json(request): Json<LinkRequest>,
) -> Result<axum::Json<Invitation>> {
    Ok(axum::Json(
        ops::sign_in::invitation(&app, request, &caller).await?,
    ))
}

/// Changes one's own password.
pub async fn change_password(
    State(app): State<App>,
    actor: Actor,
    caller: Caller,
    Json(request): Json<PasswordRequest>,
) -> Result<StatusCode> {
    ops::people::change_password(&app, &actor, request, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the session, on the server and in the browser.
pub async fn logout(
    State(app): State<App>,
    actor: Actor,
    jar: CookieJar,
) -> Result<(CookieJar, StatusCode)> {
    ops::sessions::sign_out(&app, &actor).await?;
    let mut cookie = guard::session_cookie(&app, String::new());
    cookie.make_removal();
    Ok((jar.add(cookie), StatusCode::NO_CONTENT))
}

/// Who is signed in.
pub async fn session(actor: Actor) -> axum::Json<Session> {
    axum::Json(session_of(&actor))
}

fn signed_in(app: &App, place: AtPlace, jar: CookieJar, opened: Opened) -> SignedIn {
    place.is_known();
    let session = session_of(&opened.actor);
    let cookie: Cookie<'static> = guard::session_cookie(app, opened.token);
    let jar = match opened.device {
        Some(device) => jar.add(guard::device_cookie(app, device)),
        None => jar,
    };
    (jar.add(cookie), axum::Json(session))
}

pub(super) fn session_of(actor: &Actor) -> Session {
    Session {
        name: actor.name.clone(),
        expires_at: clock::text(actor.session_expires_ms),
        user_id: actor.user_id.clone(),
        grants: actor.grants.clone(),
    }
}
