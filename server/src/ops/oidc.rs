//! Coming in by way of the identity provider: who it is, what their groups may do, and an entry for all of it.

use requorum_shared::api::login::{ErrorBody, WaysIn};
use requorum_shared::ledger::entry::{CONSOLE, Draft, act};
use requorum_shared::permission::{Grants, Role};

use super::audit;
use crate::app::App;
use crate::auth::oidc::{Answer, Begun, Oidc, Person, Refusal};
use crate::auth::session::{Caller, Opened, Proof};
use crate::auth::store::User;
use crate::error::{ApiError, internal};

/// A sign-in that has come back.
pub struct Returned {
    /// Where the browser goes now.
    pub to: String,
    /// The session, or why there is none.
    pub result: Result<Opened, Refusal>,
}

/// How one can sign in here, and in words why the last try at the provider did not work.
pub fn ways_in(app: &App, failed: &str, request_id: &str) -> WaysIn {
    let name = app.oidc.as_ref().map(|oidc| oidc.config().name.clone());
    let error = Refusal::of_code(failed)
        .map(|refusal| refusal.error(name.as_deref().unwrap_or("The identity provider")));
    WaysIn {
        failure: error.map(|error| ErrorBody {
            code: error.code.into(),
            message: error.message,
            request_id: request_id.into(),
        }),
        provider: name,
        ..WaysIn::default()
    }
}

/// Begins a sign-in that ends at `return_to`, one of our own paths.
pub async fn begin(
    app: &App,
    origin: &str,
    return_to: &str,
    again: bool,
) -> Result<Begun, Refusal> {
    let oidc = app.oidc.as_ref().ok_or(Refusal::Off)?;
    oidc.begin(origin, return_to, again).await
}

/// Ends a sign-in: the browser is back with the provider's answer.
pub async fn come_back(
    app: &App,
    origin: &str,
    answer: &Answer,
    cookie: Option<&str>,
    caller: &Caller,
) -> Returned {
    let nowhere = |refusal| Returned {
        to: "/".into(),
        result: Err(refusal),
    };
    let Some(oidc) = &app.oidc else {
        return nowhere(Refusal::Off);
    };
    let ticket = match oidc.take(answer, cookie).await {
        Ok(ticket) => ticket,
        Err(refusal) => return nowhere(refusal),
    };
    let Some(ticket) = ticket else {
        let refusal = oidc.came_with_nothing(caller).await;
        // Who is not looked at would fill the ledger.
        if refusal == Refusal::Stale {
            refused(app, oidc, caller, None, refusal).await;
        }
        return nowhere(refusal);
    };
    let result = match oidc.redeem(origin, answer, &ticket, caller).await {
        Ok(person) => {
            let (here, caller) = (app.clone(), caller.clone());
            // A browser that goes away on its last step leaves nothing half done.
            audit::to_the_end(app, async move {
                Ok(match &here.oidc {
                    Some(oidc) => admit(&here, oidc, &person, &caller).await,
                    None => Err(Refusal::Off),
                })
            })
            .await
            .unwrap_or(Err(Refusal::Server))
        }
        Err(refusal) => {
            refused(app, oidc, caller, None, refusal).await;
            Err(refusal)
        }
    };
    Returned {
        to: ticket.return_to().to_owned(),
        result,
    }
}

/// Lets in whom the provider knows, with what their groups may do, or says why not.
async fn admit(
    app: &App,
    oidc: &Oidc,
    person: &Person,
    caller: &Caller,
) -> Result<Opened, Refusal> {
    let result = match account(app, oidc, person, caller).await {
        Ok(Ok(user)) => app.sessions.open(&user, Proof::Oidc, caller).await,
        Ok(Err(refusal)) => {
            refused(app, oidc, caller, Some(person), refusal).await;
            return Err(refusal);
        }
        Err(error) => Err(error),
    };
    match result {
        Ok(opened) => {
            let actor = &opened.actor;
            let who = (actor.name.as_str(), Some(actor.user_id.as_str()));
            audit::passage(app, who, from(caller), act::LOGIN, Ok(())).await;
            Ok(opened)
        }
        Err(error) => {
            tracing::error!(code = error.code, "a sign-in failed: {}", error.message);
            Err(Refusal::Server)
        }
    }
}

/// The person's account, made where there is none, with the roles of their groups.
async fn account(
    app: &App,
    oidc: &Oidc,
    person: &Person,
    caller: &Caller,
) -> Result<Result<User, Refusal>, ApiError> {
    let grants = oidc.config().grants(&person.groups);
    let Some(user) = oidc.account(person).await? else {
        if grants.is_empty() {
            return Ok(Err(Refusal::NoRole));
        }
        // The first account of all makes the printed link void.
        if !grants.has(Role::Admin) && !oidc.any_account().await? {
            return Ok(Err(Refusal::NoAdministrator));
        }
        let name = oidc.free_name(person).await?;
        let draft = by_the_console(caller, act::PEOPLE_INVITE, subject(oidc, &name, &grants));
        let (here, person) = (app.clone(), person.clone());
        let add = async move { provider(&here)?.add(&person, name, grants).await };
        return Ok(Ok(audit::act(app, draft, add).await?));
    };
    if user.disabled_ms != 0 {
        return Ok(Err(Refusal::Disabled));
    }
    let refuse = grants.is_empty();
    let user = if grants == user.grants {
        user
    } else {
        let subject = subject(oidc, &user.name, &grants);
        let draft = by_the_console(caller, act::PEOPLE_ROLES, subject);
        let here = app.clone();
        let follow = async move { provider(&here)?.follow(&user, grants).await };
        audit::act(app, draft, follow).await?
    };
    Ok(if refuse {
        Err(Refusal::NoRole)
    } else {
        Ok(user)
    })
}

fn provider(app: &App) -> Result<&Oidc, ApiError> {
    app.oidc
        .as_ref()
        .ok_or_else(|| internal("there is no identity provider"))
}

fn subject(oidc: &Oidc, name: &str, grants: &Grants) -> String {
    let grants = if grants.is_empty() {
        "nothing".to_owned()
    } else {
        grants.to_string()
    };
    format!(
        "{name} as {grants}, by the groups at {}",
        oidc.config().name
    )
}

/// What the console does by itself, because of somebody's sign-in.
fn by_the_console(caller: &Caller, act: &str, subject: String) -> Draft {
    Draft {
        who: CONSOLE.into(),
        from: from(caller),
        act: act.into(),
        subject,
        ..Draft::default()
    }
}

/// Writes down that somebody did not come in. It stays so when that cannot be written.
async fn refused(
    app: &App,
    oidc: &Oidc,
    caller: &Caller,
    person: Option<&Person>,
    refusal: Refusal,
) {
    let at = &oidc.config().name;
    let draft = Draft {
        from: from(caller),
        act: act::LOGIN.into(),
        subject: match person {
            Some(person) => format!("the console, as {} of {at}", person.name),
            None => format!("the console, by way of {at}"),
        },
        ..Draft::default()
    };
    audit::refused(app, draft, &refusal.error(at)).await;
}

fn from(caller: &Caller) -> String {
    caller.address.to_canonical().to_string()
}
