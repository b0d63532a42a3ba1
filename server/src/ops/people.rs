//! People: what administrators do with accounts, and what everybody does with their own.

mod dependents;

use std::collections::HashMap;

use requorum_shared::api::login::PasswordRequest;
use requorum_shared::api::v1::{self, ListPeopleRequest, ListPeopleResponse, PasswordLink, Person};
use requorum_shared::api::{self, NotKnown};
use requorum_shared::ledger::entry::act;
use requorum_shared::permission::{Permission, Place, Role};

pub use self::dependents::dependents;
use super::audit::{self, Done};
use super::authorize::{authorize, read_grants};
use super::uploads;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::auth::people::NewLink;
use crate::auth::session::Caller;
use crate::auth::store::User;
use crate::error::{Result, bad_request, quoted};
use crate::paging::{Cursor, PageRequest};

/// Changes one's own password; one's other sessions end.
pub async fn change_password(
    app: &App,
    actor: &Actor,
    request: PasswordRequest,
    caller: &Caller,
) -> Result<()> {
    authorize(app, actor, Permission::OwnAccount, Place::Anywhere).await?;
    let draft = audit::draft(actor, act::PASSWORD, "their own password");
    let (here, actor, caller) = (app.clone(), actor.clone(), caller.clone());
    let change = async move { here.login.change_password(&actor, request, &caller).await };
    audit::act(app, draft, change).await
}

/// A page of everybody, by name.
pub async fn list(
    app: &App,
    actor: &Actor,
    request: &ListPeopleRequest,
) -> Result<ListPeopleResponse> {
    authorize(app, actor, Permission::People, Place::Console).await?;
    let page = PageRequest::read("people", request.page_size, &request.page_token)?;
    let links = app.people.links().await?;
    let now = app.clock.now_ms();
    let seen = app.sessions.last_seen().await?;
    let links: HashMap<_, _> = links
        .into_iter()
        .filter(|link| link.expires_ms > now)
        .map(|link| (link.user_id, link.expires_ms))
        .collect();
    let mut all = app.people.list().await?;
    if !request.id.is_empty() {
        all.retain(|user| user.id == request.id);
    }
    let roles = roles(&request.roles)?;
    if !roles.is_empty() {
        let holds = |user: &User| user.grants.iter().any(|grant| roles.contains(&grant.role));
        all.retain(holds);
    }
    let total = all.len() as u64;
    let rows = all.into_iter().map(|user| {
        let cursor = Cursor::named(&user.name.to_ascii_lowercase(), &user.id);
        let row = Person {
            seen_at_ms: seen.get(&user.id).copied().unwrap_or(0),
            link_until_ms: links.get(&user.id).copied().unwrap_or(0),
            ..person(user, 0)
        };
        (cursor, row)
    });
    let (people, next_page_token) = page.page_of(rows.collect());
    Ok(ListPeopleResponse {
        people,
        next_page_token,
        total,
    })
}

fn roles(asked: &[i32]) -> Result<Vec<Role>> {
    let read = |asked: &i32| {
        let role = v1::Role::try_from(*asked).unwrap_or_default();
        Role::try_from(role).map_err(|NotKnown| {
            bad_request(
                "role.unknown",
                format!("{asked} is not a known role: viewer, operator, approver, admin."),
            )
        })
    };
    asked.iter().map(read).collect()
}

/// Adds an account, with a link by which its owner sets a password.
pub async fn invite(
    app: &App,
    actor: &Actor,
    name: &str,
    grants: &[v1::Grant],
) -> Result<PasswordLink> {
    authorize(app, actor, Permission::People, Place::Console).await?;
    let grants = read_grants(grants)?;
    let subject = format!("{} as {grants}", quoted(name.trim()));
    let draft = audit::draft(actor, act::PEOPLE_INVITE, subject);
    let (people, name, by) = (app.people.clone(), name.to_owned(), Maker::of(actor));
    audit::carry(app, draft, |_| async move {
        let (user, link) = people.invite(&name, grants, &by.name, &by.id).await?;
        Ok(Done {
            subject: Some(user.with_roles()),
            ..Done::plainly(password_link(user, link))
        })
    })
    .await
}

/// Makes a link that sets an account's password. Nothing changes until it is used.
pub async fn make_link(app: &App, actor: &Actor, id: &str) -> Result<PasswordLink> {
    authorize(app, actor, Permission::People, Place::Console).await?;
    let user = app.people.get(id).await?;
    let draft = audit::draft(actor, act::PEOPLE_LINK, &*user.name);
    let (people, by) = (app.people.clone(), Maker::of(actor));
    audit::act(app, draft, async move {
        let link = people.link(&user.id, &by.name, &by.id).await?;
        Ok(password_link(user, link))
    })
    .await
}

/// Whoever makes a link.
struct Maker {
    name: String,
    id: String,
}

impl Maker {
    fn of(actor: &Actor) -> Self {
        Self {
            name: actor.name.clone(),
            id: actor.user_id.clone(),
        }
    }
}

fn password_link(user: User, link: NewLink) -> PasswordLink {
    PasswordLink {
        person: Some(person(user, link.expires_ms)),
        token: link.token,
        expires_at_ms: link.expires_ms,
    }
}

/// Gives an account exactly these roles.
pub async fn set_grants(
    app: &App,
    actor: &Actor,
    id: &str,
    grants: &[v1::Grant],
) -> Result<Person> {
    authorize(app, actor, Permission::People, Place::Console).await?;
    let grants = read_grants(grants)?;
    let name = app.people.get(id).await?.name;
    let subject = format!("{name} as {}", grants.texts().join(", "));
    let draft = audit::draft(actor, act::PEOPLE_ROLES, subject);
    let (people, id, by) = (app.people.clone(), id.to_owned(), actor.user_id.clone());
    let set = async move { people.set_grants(&id, grants, Some(&by)).await };
    let user = audit::act(app, draft, set).await?;
    Ok(person(user, 0))
}

/// Shuts an account out, at once.
pub async fn disable(app: &App, actor: &Actor, id: &str) -> Result<Person> {
    authorize(app, actor, Permission::People, Place::Console).await?;
    let name = app.people.get(id).await?.name;
    let draft = audit::draft(actor, act::PEOPLE_DISABLE, name);
    let (here, by, id) = (app.clone(), actor.clone(), id.to_owned());
    let disable = async move {
        let user = here.people.disable(&id, Some(&by.user_id)).await?;
        // What it was sending is not wanted any more, and takes room from others. What is left is forgotten later, as it
        // is when the server is killed here.
        if let Err(error) = uploads::cancel_all_of(&here, &by, &user.id).await {
            tracing::error!(account = %user.id, "cancelling its uploads: {}", error.message);
        }
        Ok(user)
    };
    let user = audit::act(app, draft, disable).await?;
    Ok(person(user, 0))
}

/// Lets an account in again.
pub async fn enable(app: &App, actor: &Actor, id: &str) -> Result<Person> {
    authorize(app, actor, Permission::People, Place::Console).await?;
    let name = app.people.get(id).await?.name;
    let draft = audit::draft(actor, act::PEOPLE_ENABLE, name);
    let (people, id, by) = (app.people.clone(), id.to_owned(), actor.user_id.clone());
    let enable = async move { people.enable(&id, Some(&by)).await };
    let user = audit::act(app, draft, enable).await?;
    Ok(person(user, 0))
}

fn person(user: User, link_until_ms: i64) -> Person {
    Person {
        can_sign_in: user.is_usable(),
        id: user.id,
        name: user.name,
        grants: api::grants(&user.grants),
        created_at_ms: user.created_ms,
        disabled_at_ms: user.disabled_ms,
        link_until_ms,
        issuer: user.issuer,
        seen_at_ms: 0,
    }
}
