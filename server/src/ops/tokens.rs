//! Tokens for programs: made for oneself, revoked by oneself or an administrator.

use std::collections::HashMap;

use requorum_shared::api;
use requorum_shared::api::v1::{
    CreateTokenRequest, CreateTokenResponse, ListTokensRequest, ListTokensResponse, Token,
};
use requorum_shared::ledger::entry::act;
use requorum_shared::permission::{Permission, Place};

use super::audit::{self, Done};
use super::authorize::{authorize, read_grants};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::auth::store::{StoredToken, User};
use crate::error::{Result, quoted};
use crate::paging::{Cursor, PageRequest};

/// A page of one's own tokens, or of everybody's, the newest first.
pub async fn list(
    app: &App,
    actor: &Actor,
    request: &ListTokensRequest,
) -> Result<ListTokensResponse> {
    let all = if request.all_owners {
        authorize(app, actor, Permission::People, Place::Console).await?;
        app.tokens.list(None).await?
    } else {
        authorize(app, actor, Permission::OwnAccount, Place::Anywhere).await?;
        app.tokens.list(Some(&actor.user_id)).await?
    };
    let names: HashMap<_, _> = app
        .people
        .list()
        .await?
        .into_iter()
        .map(|user| (user.id, user.name))
        .collect();
    let owner = |token: &StoredToken| names.get(&token.user_id).cloned().unwrap_or_default();
    let page = PageRequest::read("tokens", request.page_size, &request.page_token)?;
    let total = all.len() as u64;
    let rows = all.into_iter().map(|token| {
        let cursor = Cursor::at(token.created_ms, &token.id);
        (cursor, view(owner(&token), token))
    });
    let (tokens, next_page_token) = page.page_of(rows.collect());
    Ok(ListTokensResponse {
        tokens,
        next_page_token,
        total,
    })
}

/// The tokens of an account that can be used now. Whoever calls this has asked whether that may be seen.
pub(super) async fn usable(app: &App, owner: &User) -> Result<Vec<Token>> {
    let now = app.clock.now_ms();
    let tokens = app.tokens.list(Some(&owner.id)).await?.into_iter();
    Ok(tokens
        .filter(|token| token.revoked_ms == 0 && token.expires_ms > now)
        .map(|token| view(owner.name.clone(), token))
        .collect())
}

/// Makes a token for oneself; it can do no more than oneself.
pub async fn create(
    app: &App,
    actor: &Actor,
    request: &CreateTokenRequest,
) -> Result<CreateTokenResponse> {
    authorize(app, actor, Permission::OwnAccount, Place::Anywhere).await?;
    let owner = app.people.get(&actor.user_id).await?;
    let grants = read_grants(&request.grants)?;
    let what = format!("for {} days as {}", request.days, grants.texts().join(", "));
    let subject = format!("{} {what}", quoted(&request.name));
    let draft = audit::draft(actor, act::TOKEN_CREATE, subject);
    let tokens = app.tokens.clone();
    let (name, days, whose) = (request.name.clone(), request.days, owner.name.clone());
    let (secret, token) = audit::carry(app, draft, move |_| async move {
        let (secret, token) = tokens.create(&owner, &name, grants, days).await?;
        let subject = format!("{} {what}", token.name);
        Ok(Done {
            subject: Some(subject),
            ..Done::plainly((secret, token))
        })
    })
    .await?;
    Ok(CreateTokenResponse {
        secret,
        token: Some(view(whose, token)),
    })
}

/// Makes a token worthless, at once. Doing it twice does nothing more.
pub async fn revoke(app: &App, actor: &Actor, id: &str) -> Result<Token> {
    let mine = app
        .tokens
        .list(Some(&actor.user_id))
        .await?
        .iter()
        .any(|token| token.id == id);
    if mine {
        authorize(app, actor, Permission::OwnAccount, Place::Anywhere).await?;
    } else {
        authorize(app, actor, Permission::People, Place::Console).await?;
    }
    let token = app.tokens.get(id).await?;
    let owner = app.people.get(&token.user_id).await?;
    let subject = format!("{} of {}", token.name, owner.name);
    let draft = audit::draft(actor, act::TOKEN_REVOKE, subject);
    let (tokens, which) = (app.tokens.clone(), id.to_owned());
    let revoke = async move { tokens.revoke(&which).await };
    audit::act(app, draft, revoke).await?;
    let token = app.tokens.get(id).await?;
    Ok(view(owner.name, token))
}

fn view(owner: String, token: StoredToken) -> Token {
    Token {
        id: token.id,
        name: token.name,
        owner_id: token.user_id,
        owner,
        grants: api::grants(&token.grants),
        created_at_ms: token.created_ms,
        expires_at_ms: token.expires_ms,
        used_at_ms: token.used_ms,
        revoked_at_ms: token.revoked_ms,
    }
}
