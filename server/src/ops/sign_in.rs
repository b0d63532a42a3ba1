//! Coming in: by password, by a one-time link, and the first time of all. Every way in leaves an entry.

use requorum_shared::api::login::{JoinRequest, LoginRequest, SetupRequest};
use requorum_shared::ledger::entry::{Draft, act};

use super::record::{self, Done};
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
    let (here, caller) = (app.clone(), caller.clone());
    record::carry(app, draft, |_| async move {
        let opened = here.login.setup(request, &caller).await?;
        let who = (opened.actor.name.clone(), opened.actor.user_id.clone());
        Ok(Done {
            who: Some(who),
            ..Done::plainly(opened)
        })
    })
    .await
}

/// Signs in by password.
pub async fn sign_in(app: &App, request: LoginRequest, caller: &Caller) -> Result<Opened> {
    let (here, caller) = (app.clone(), caller.clone());
    record::to_the_end(app, async move {
        let typed = request.name.clone();
        let result = match here.login.login(request, &caller).await {
            // What was typed is only written down when it is an account's name: it may be a password in the wrong
            // field. Nor is it who it was: that is what was not shown.
            Err(error) => Err(match here.login.account(&typed).await? {
                Some(account) => error.with_claim("as", &account),
                None => error,
            }),
            opened => opened,
        };
        passage(&here, &caller, act::LOGIN, &result).await;
        result
    })
    .await
}

/// Sets a password by a one-time link, and signs in.
pub async fn join(app: &App, request: JoinRequest, caller: &Caller) -> Result<Opened> {
    let owner = match app.login.joins(&request, caller).await {
        Ok(owner) => owner,
        Err(refused) => {
            let result = Err(refused);
            passage(app, caller, act::JOIN, &result).await;
            return result;
        }
    };
    // The password is changed, whether or not anybody hears that it was.
    let draft = Draft {
        who: owner.name.clone(),
        who_id: Some(owner.id.clone()),
        from: from(caller),
        act: act::JOIN.to_owned(),
        subject: "the console".to_owned(),
        ..Draft::default()
    };
    let (here, caller) = (app.clone(), caller.clone());
    record::act(app, draft, async move {
        here.login.join(request, &caller).await
    })
    .await
}

async fn passage(app: &App, caller: &Caller, act: &str, result: &Result<Opened>) {
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
    let who = match result {
        Ok(opened) => (
            opened.actor.name.as_str(),
            Some(opened.actor.user_id.as_str()),
        ),
        Err(_) => ("", None),
    };
    record::passage(app, who, from(caller), act, result.as_ref().map(|_| ())).await;
}

fn from(caller: &Caller) -> String {
    caller.address.to_canonical().to_string()
}
