//! HTTP calls with JSON: login, setup, session, lists of uploads.

use gloo_net::http::{Request, Response};
use requorum_shared::api::login::{
    Invitation, JoinRequest, LinkRequest, LoginRequest, PasswordRequest, Session, SetupRequest,
    WaysIn,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::acts;
use crate::failure::{Failure, Kind};
use crate::paths;

/// Who is signed in; none for a stranger.
///
/// # Errors
/// When the server cannot be reached.
pub async fn who() -> Result<Option<Session>, Failure> {
    get::<WaysIn>("/api/sign-in").await.map(|ways| ways.session)
}

/// Whose a one-time link is. It is not used up by asking.
///
/// # Errors
/// In the server's words: the link was used, replaced or has expired.
pub async fn invitation(token: &str) -> Result<Invitation, Failure> {
    let token = token.to_owned();
    post("/api/join/link", &LinkRequest { token }).await
}

/// How one can sign in, and in the server's words why the last try at the identity provider did not work.
///
/// # Errors
/// When the server cannot be reached.
pub async fn ways_in(failed: &str, request: &str) -> Result<WaysIn, Failure> {
    let (failed, request) = (paths::encode(failed), paths::encode(request));
    get(&format!("/api/sign-in?failed={failed}&request={request}")).await
}

/// Signs in.
///
/// # Errors
/// In the server's words: a wrong name or password, too many attempts.
pub async fn login(request: &LoginRequest) -> Result<Session, Failure> {
    post("/api/login", request).await
}

/// Makes the first administrator and signs in.
///
/// # Errors
/// In the server's words: the link was used, is wrong, or the password is too weak.
pub async fn setup(request: &SetupRequest) -> Result<Session, Failure> {
    post("/api/setup", request).await
}

/// Sets a password by a one-time link and signs in.
///
/// # Errors
/// In the server's words: the link was used, replaced or is too old, or the password is too weak.
pub async fn join(request: &JoinRequest) -> Result<Session, Failure> {
    post("/api/join", request).await
}

/// Changes one's own password; one's other sessions end.
///
/// # Errors
/// In the server's words: the current password is wrong, or the new one is too weak.
pub async fn change_password(request: &PasswordRequest) -> Result<(), Failure> {
    accept(send("/api/password", request).await?)
        .await
        .map(drop)
}

/// Signs out.
///
/// # Errors
/// When the server cannot be reached: the session then goes on there.
pub async fn logout() -> Result<(), Failure> {
    let response = Request::post("/api/logout")
        .send()
        .await
        .map_err(|_| Failure::offline())?;
    accept(response).await.map(drop)
}

/// Whether the server answers at all.
pub async fn is_alive() -> bool {
    let answer = Request::get("/healthz").send().await;
    answer.is_ok_and(|answer| answer.ok())
}

/// The verifier key of this console's ledger, in one line: `name+id+key`.
///
/// # Errors
/// As [`Failure::from_http`].
pub async fn ledger_key() -> Result<String, Failure> {
    let response = Request::get("/ledger/key")
        .send()
        .await
        .map_err(|_| Failure::offline())?;
    let text = accept(response).await?.text().await;
    Ok(text.map_err(|_| Failure::offline())?.trim().to_owned())
}

/// `GET` with a JSON answer.
///
/// # Errors
/// As [`Failure::from_http`].
pub async fn get<T: DeserializeOwned>(path: &str) -> Result<T, Failure> {
    let response = Request::get(path)
        .send()
        .await
        .map_err(|_| Failure::offline())?;
    json(response).await
}

/// `POST` with JSON in both directions.
///
/// # Errors
/// As [`Failure::from_http`].
pub async fn post<B: Serialize, T: DeserializeOwned>(path: &str, body: &B) -> Result<T, Failure> {
    json(send(path, body).await?).await
}

async fn send<B: Serialize>(path: &str, body: &B) -> Result<Response, Failure> {
    let text = serde_json::to_string(body).map_err(|e| {
        Failure::new(
            Kind::Other,
            format!("The request could not be written: {e}"),
        )
    })?;
    let response = Request::post(path)
        .header("content-type", "application/json")
        .body(text)
        .map_err(|e| Failure::new(Kind::Other, format!("The request could not be made: {e}")))?
        .send()
        .await
        .map_err(|_| Failure::offline())?;
    acts::done();
    Ok(response)
}

/// The response, when it is a success.
///
/// # Errors
/// As [`Failure::from_http`].
pub async fn accept(response: Response) -> Result<Response, Failure> {
    if response.ok() {
        return Ok(response);
    }
    let status = response.status();
    let body = response.text().await.unwrap_or_default();
    Err(Failure::from_http(status, &body))
}

/// The JSON of a response that is a success.
///
/// # Errors
/// As [`Failure::from_http`], and when the body is not what was promised (another program at this address).
pub async fn json<T: DeserializeOwned>(response: Response) -> Result<T, Failure> {
    let text = accept(response)
        .await?
        .text()
        .await
        .map_err(|_| Failure::offline())?;
    serde_json::from_str(&text).map_err(|_| {
        Failure::new(
            Kind::Other,
            "The server at this address is not a Requorum server of this version.",
        )
    })
}
