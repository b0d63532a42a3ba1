//! Coming in: by password, by a one-time link, and the first time of all. Every way in leaves an entry.

use requorum_shared::api::login::{
    Invitation as InvitationAnswer, JoinRequest, LinkRequest, LoginRequest, SetupRequest,
};
use requorum_shared::ledger::entry::{Draft, act};

use super::audit::{self, Done};
use crate::app::App;
use crate::auth::login::{Invitation, SLOWED};
use crate::auth::session::{Caller, Opened};
use crate::clock;
use crate::error::{ApiError, Kind, Result};

/// Makes the first administrator through the one-time link, and signs in.
pub async fn set_up(app: &App, request: SetupRequest, caller: &Caller) -> Result<Opened> {
    let draft = Draft {
        from: from(caller),
        act: act::SETUP.to_owned(),
        subject: "the console".to_owned(),
        ..Draft::default()
    };
    // Before anything is opened: what is refused here comes from strangers, from however many addresses.
    if let Err(error) = app.login.may_set_up(&request, caller).await {
        if error.kind != Kind::TooMany {
            audit::refused(app, draft, &error).await;
        }
        return Err(error);
    }
    let (here, caller) = (app.clone(), caller.clone());
    audit::carry(app, draft, |_| async move {
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
    audit::to_the_end(app, async move {
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

/// Whose link this is, for the page that asks for the password: nothing is used up.
pub async fn invitation(
    app: &App,
    request: LinkRequest,
    caller: &Caller,
) -> Result<InvitationAnswer> {
    let Invitation { owner, link } = invited(app, &request.token, caller).await?;
    Ok(InvitationAnswer {
        name: owner.name,
        grants: owner.grants,
        invited_by: link.made_by,
        has_password: !owner.password_hash.is_empty(),
        expires_at: clock::text(link.expires_ms),
    })
}

/// A link that does not work leaves an entry: it may be a guess.
async fn invited(app: &App, token: &str, caller: &Caller) -> Result<Invitation> {
    let found = app.login.joins(token, caller).await;
    if let Err(refused) = &found {
        refused_passage(app, caller, act::JOIN, refused).await;
    }
    found
}

/// Sets a password by a one-time link, and signs in.
pub async fn join(app: &App, request: JoinRequest, caller: &Caller) -> Result<Opened> {
    let owner = invited(app, &request.token, caller).await?.owner;
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
    audit::act(app, draft, async move {
        here.login.join(request, &caller).await
    })
    .await
}

async fn passage(app: &App, caller: &Caller, act: &str, result: &Result<Opened>) {
    match result {
        Ok(opened) => {
            let who = (
                opened.actor.name.as_str(),
                Some(opened.actor.user_id.as_str()),
            );
            audit::passage(app, who, from(caller), act, Ok(())).await;
        }
        Err(refused) => refused_passage(app, caller, act, refused).await,
    }
}

async fn refused_passage(app: &App, caller: &Caller, act: &str, refused: &ApiError) {
    // The throttle answers without looking, but for those whom it slows. Who is throttled would fill the ledger.
    if refused.kind != Kind::TooMany || refused.code == SLOWED {
        audit::passage(app, ("", None), from(caller), act, Err(refused)).await;
    }
}

fn from(caller: &Caller) -> String {
    caller.address.to_canonical().to_string()
}
