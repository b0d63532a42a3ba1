//! People: what administrators do with accounts, and what everybody does with their own.

use requorum_shared::api::login::PasswordRequest;
use requorum_shared::api::v1::{ListPeopleResponse, PasswordLink, Person};
use requorum_shared::permission::{Grants, Permission, Place};

use super::permit::permit;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::auth::session::Caller;
use crate::auth::store::User;
use crate::error::{Result, bad_request};

/// Changes one's own password; one's other sessions end.
pub async fn change_password(
    app: &App,
    actor: &Actor,
    request: PasswordRequest,
    caller: &Caller,
) -> Result<()> {
    permit(app, actor, Permission::OwnAccount, Place::Anywhere).await?;
    app.login.change_password(actor, request, caller).await
}

/// Everybody, by name.
pub async fn list(app: &App, actor: &Actor) -> Result<ListPeopleResponse> {
    permit(app, actor, Permission::People, Place::Console).await?;
    let links = app.people.links().await?;
    let now = app.clock.now_ms();
    let people = app.people.list().await?.into_iter().map(|user| {
        let link = links
            .iter()
            .find(|link| link.user_id == user.id && link.expires_ms > now);
        person(user, link.map_or(0, |link| link.expires_ms))
    });
    Ok(ListPeopleResponse {
        people: people.collect(),
    })
}

/// Adds an account, with a link by which its owner sets a password.
pub async fn invite(
    app: &App,
    actor: &Actor,
    name: &str,
    grants: &[String],
) -> Result<PasswordLink> {
    permit(app, actor, Permission::People, Place::Console).await?;
    let user = app.people.invite(name, parse(grants)?).await?;
    link(app, actor, user).await
}

/// Makes a link that sets an account's password. Nothing changes until it is used.
pub async fn make_link(app: &App, actor: &Actor, id: &str) -> Result<PasswordLink> {
    permit(app, actor, Permission::People, Place::Console).await?;
    let user = app.people.get(id).await?;
    link(app, actor, user).await
}

async fn link(app: &App, actor: &Actor, user: User) -> Result<PasswordLink> {
    let link = app.people.link(&user.id, &actor.name).await?;
    Ok(PasswordLink {
        person: Some(person(user, link.expires_ms)),
        token: link.token,
        expires_at_ms: link.expires_ms,
    })
}

/// Gives an account exactly these roles.
pub async fn set_grants(app: &App, actor: &Actor, id: &str, grants: &[String]) -> Result<Person> {
    permit(app, actor, Permission::People, Place::Console).await?;
    let user = app.people.set_grants(id, parse(grants)?).await?;
    Ok(person(user, 0))
}

/// Shuts an account out, at once.
pub async fn disable(app: &App, actor: &Actor, id: &str) -> Result<Person> {
    permit(app, actor, Permission::People, Place::Console).await?;
    Ok(person(app.people.disable(id).await?, 0))
}

/// Lets an account in again.
pub async fn enable(app: &App, actor: &Actor, id: &str) -> Result<Person> {
    permit(app, actor, Permission::People, Place::Console).await?;
    Ok(person(app.people.enable(id).await?, 0))
}

pub(super) fn parse(grants: &[String]) -> Result<Grants> {
    Grants::parse(grants)
        .map_err(|error| bad_request("roles", format!("The roles were not understood: {error}.")))
}

fn person(user: User, link_until_ms: i64) -> Person {
    Person {
        can_sign_in: user.is_usable(),
        id: user.id,
        name: user.name,
        grants: user.grants.texts(),
        created_at_ms: user.created_ms,
        disabled_at_ms: user.disabled_ms,
        link_until_ms,
        issuer: user.issuer,
    }
}
