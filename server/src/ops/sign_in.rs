//! Coming in: by password, by a one-time link, and the first time of all. Every way in leaves an entry.

use requorum_shared::api::login::{JoinRequest, LoginRequest, SetupRequest};
use requorum_shared::ledger::entry::{Draft, act};

use super::record;
use crate::app::App;
use crate::auth::session::{Caller, Opened};
use crate::error::{ApiError, Kind, Result};

/// Makes the first administrator through the one-time link, and signs in.
pub async fn set_up(app: &App, request: SetupRequest, caller: &Caller) -> Result<Opened> {
    let draft = Draft {
        from: from(caller),
        act: act::SETUP.to_owned(),
        subject: "the console".to_owned(),
        ..Draft::default()
    };
    if !app.login.waits_for_setup().await? {
        let result = app.login.setup(request, caller).await;
        if let Err(error) = &result
            && error.kind != Kind::TooMany
        {
            record::refused(app, draft, error).await;
        }
        return result;
    }
    let mut opened = record::open(app, draft).await?;
    let result = app.login.setup(request, caller).await;
    if let Ok(session) = &result {
        opened.draft().who = session.actor.name.clone();
    }
    record::end(opened, &result).await;
    result
}

/// Signs in by password.
pub async fn sign_in(app: &App, request: LoginRequest, caller: &Caller) -> Result<Opened> {
    let typed = request.name.clone();
    let result = app.login.login(request, caller).await;
    let who = match &result {
        Ok(opened) => Some(opened.actor.name.clone()),
        // What was typed is only written down when it is an account's name: it may be a password in the wrong field.
        Err(_) => app.login.account(&typed).await?,
    };
    passage(
        app,
        who.as_deref().unwrap_or_default(),
        caller,
        act::LOGIN,
        &result,
    )
    .await;
    result
}

/// Sets a password by a one-time link, and signs in.
pub async fn join(app: &App, request: JoinRequest, caller: &Caller) -> Result<Opened> {
    let result = app.login.join(request, caller).await;
    let who = result
        .as_ref()
        .map(|opened| opened.actor.name.clone())
        .unwrap_or_default();
    passage(app, &who, caller, act::JOIN, &result).await;
    result
}

async fn passage(app: &App, who: &str, caller: &Caller, act: &str, result: &Result<Opened>) {
    // The throttle answers without looking. Who is throttled would fill the ledger.
    if matches!(
        result,
        Err(ApiError {
            kind: Kind::TooMany,
            ..
        })
    ) {
        return;
    }
    record::passage(app, who, from(caller), act, result.as_ref().map(|_| ())).await;
}

fn from(caller: &Caller) -> String {
    caller.address.to_canonical().to_string()
}
