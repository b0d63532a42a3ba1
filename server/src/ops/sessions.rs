//! Sessions: one's own, and for administrators everybody's.

use requorum_shared::api::v1::{
    ListSessionsRequest, ListSessionsResponse, PersonSession, SignInMethod,
};
use requorum_shared::ledger::entry::act;
use requorum_shared::permission::{Permission, Place};

use super::audit;
use super::authorize::authorize;
use crate::app::App;
use crate::auth::actor::{Actor, Via};
use crate::auth::session::Sessions;
use crate::error::{Result, not_found};
use crate::paging::{Cursor, PageRequest};

/// Ends the session that asks. A token has none to end.
pub async fn sign_out(app: &App, actor: &Actor) -> Result<()> {
    let Via::Session(id) = actor.via.clone() else {
        return Ok(());
    };
    let draft = audit::draft(actor, act::LOGOUT, "the console");
    let (sessions, owner) = (app.sessions.clone(), actor.user_id.clone());
    audit::departure(app, draft, async move {
        // One that another request ended just now has ended too.
        sessions.end(&owner, &id).await.map(|_| ())
    })
    .await
}

/// A page of the open sessions of an account, the newest first; of one's own when no account is named.
pub async fn list(
    app: &App,
    actor: &Actor,
    request: &ListSessionsRequest,
) -> Result<ListSessionsResponse> {
    let person = whose(app, actor, &request.person_id).await?;
    let page = PageRequest::read("sessions", request.page_size, &request.page_token)?;
    let mut all = app.sessions.list(person).await?;
    all.sort_by(|a, b| (b.created_ms, &a.id).cmp(&(a.created_ms, &b.id)));
    let total = all.len() as u64;
    let rows = all.into_iter().map(|session| {
        let cursor = Cursor::at(session.created_ms, &session.id);
        let row = PersonSession {
            this: session.id == this(actor),
            id: session.id,
            opened_at_ms: session.created_ms,
            expires_at_ms: session.expires_ms,
            seen_at_ms: session.seen_ms,
            address: session.address,
            agent: session.agent,
            method: method(&session.by).into(),
        };
        (cursor, row)
    });
    let (sessions, next_page_token) = page.page_of(rows.collect());
    Ok(ListSessionsResponse {
        sessions,
        next_page_token,
        total,
    })
}

/// How somebody came in, by the word of the row.
fn method(word: &str) -> SignInMethod {
    match word {
        "password" => SignInMethod::Password,
        "link" => SignInMethod::Link,
        "oidc" => SignInMethod::Oidc,
        _ => SignInMethod::Unspecified,
    }
}

/// Ends a session, or with an empty `id` all but the one that asks, and says how many.
pub async fn end(app: &App, actor: &Actor, person: &str, id: &str) -> Result<u64> {
    let person = whose(app, actor, person).await?;
    let name = app.people.get(person).await?.name;
    let which = if id.is_empty() {
        "all sessions"
    } else {
        "a session"
    };
    let draft = audit::draft(actor, act::SESSION_END, format!("{which} of {name}"));
    let (sessions, this) = (app.sessions.clone(), this(actor).to_owned());
    let (person, id) = (person.to_owned(), id.to_owned());
    audit::act(app, draft, async move {
        end_them(&sessions, &this, &person, &id).await
    })
    .await
}

async fn end_them(sessions: &Sessions, this: &str, person: &str, id: &str) -> Result<u64> {
    if id.is_empty() {
        return sessions.end_all(person, this).await;
    }
    if sessions.end(person, id).await? {
        return Ok(1);
    }
    Err(not_found(
        "session.missing",
        "This session has already ended. Reload the list.",
    ))
}

/// Whose sessions are meant, if the actor may.
async fn whose<'a>(app: &App, actor: &'a Actor, person: &'a str) -> Result<&'a str> {
    if person.is_empty() || person == actor.user_id {
        authorize(app, actor, Permission::OwnAccount, Place::Anywhere).await?;
        return Ok(&actor.user_id);
    }
    authorize(app, actor, Permission::People, Place::Console).await?;
    app.people.get(person).await?;
    Ok(person)
}

fn this(actor: &Actor) -> &str {
    match &actor.via {
        Via::Session(id) => id,
        Via::Token(_) => "",
    }
}
