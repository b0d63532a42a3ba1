//! Credentials: put in, replaced, removed. Nobody reads them here.

use requorum_shared::api::v1::{
    Credential, CredentialKind, GetCredentialUsesResponse, ListCredentialsRequest,
    ListCredentialsResponse, PutCredentialRequest,
};
use requorum_shared::ledger::entry::act;
use requorum_shared::permission::{Permission, Place};

use super::authorize::authorize;
use super::{audit, plans};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::Result;
use crate::paging::{Cursor, PageRequest, asked};
use crate::secrets::secret::Secret;
use crate::secrets::store::SecretView;

/// A page of names and ages, by name.
pub async fn list(
    app: &App,
    actor: &Actor,
    request: &ListCredentialsRequest,
) -> Result<ListCredentialsResponse> {
    authorize(app, actor, Permission::Secrets, Place::Console).await?;
    let page = PageRequest::read("secrets", request.page_size, &request.page_token)?;
    let kinds = asked(&request.kinds, "secret.kind", word)?;
    let mut all = app.secrets.list().await?;
    if !kinds.is_empty() {
        all.retain(|view| kinds.contains(&view.kind));
    }
    let total = all.len() as u64;
    let rows = all
        .into_iter()
        .map(|view| (Cursor::named(&view.name, &view.id), info(view)));
    let (credentials, next_page_token) = page.page_of(rows.collect());
    Ok(ListCredentialsResponse {
        credentials,
        next_page_token,
        total,
        key_id: app.secrets.key_id(),
        key_place: app.secrets.key_place(),
    })
}

/// What needs a credential: the plans that name it by its id, which is all that a plan ever holds of one, and that can
/// still come to be run or are being carried out.
pub async fn uses(app: &App, actor: &Actor, id: &str) -> Result<GetCredentialUsesResponse> {
    authorize(app, actor, Permission::Secrets, Place::Console).await?;
    let view = app.secrets.view(id).await?;
    Ok(GetCredentialUsesResponse {
        plans: plans::naming(app, &view.id).await?,
    })
}

/// Puts a credential in, or replaces one.
pub async fn put(
    app: &App,
    actor: &Actor,
    mut request: PutCredentialRequest,
) -> Result<Credential> {
    let value = Secret::new(std::mem::take(&mut request.value));
    authorize(app, actor, Permission::Secrets, Place::Console).await?;
    // What is not known is refused with the rest of what is wrong.
    let kind = word(request.kind()).unwrap_or_default();
    let PutCredentialRequest { id, name, .. } = request;
    // By id, and not by the name that was typed: it may be the value, in the wrong field.
    let subject = match id.as_str() {
        "" => "a new credential".to_owned(),
        id => format!("credential {}", app.secrets.view(id).await?.id),
    };
    let draft = audit::draft(actor, act::SECRET_SET, subject);
    let (secrets, by) = (app.secrets.clone(), actor.name.clone());
    let put = async move { secrets.put(&id, &name, kind, &value, &by).await };
    let view = audit::act(app, draft, put).await?;
    tracing::info!(secret = %view.id, by = %actor.name, "put a credential in");
    Ok(info(view))
}

/// Takes a credential away.
pub async fn remove(app: &App, actor: &Actor, id: &str) -> Result<()> {
    authorize(app, actor, Permission::Secrets, Place::Console).await?;
    let view = app.secrets.view(id).await?;
    // Its name may be the value, which somebody typed into the wrong field and now takes away for that reason.
    let subject = format!("credential {}", view.id);
    let draft = audit::draft(actor, act::SECRET_REMOVE, subject);
    let secrets = app.secrets.clone();
    let remove = async move { secrets.remove(&view.id).await };
    audit::act(app, draft, remove).await?;
    tracing::info!(secret = %id, by = %actor.name, "removed a credential");
    Ok(())
}

fn info(view: SecretView) -> Credential {
    Credential {
        id: view.id,
        name: view.name,
        kind: kind(&view.kind).into(),
        created_at_ms: view.created_ms,
        changed_at_ms: view.changed_ms,
        changed_by: view.changed_by,
    }
}

const KINDS: [CredentialKind; 5] = [
    CredentialKind::Password,
    CredentialKind::Token,
    CredentialKind::PrivateKey,
    CredentialKind::Certificate,
    CredentialKind::Other,
];

/// As the store has it.
fn word(kind: CredentialKind) -> Option<&'static str> {
    Some(match kind {
        CredentialKind::Unspecified => return None,
        CredentialKind::Password => "password",
        CredentialKind::Token => "token",
        CredentialKind::PrivateKey => "private-key",
        CredentialKind::Certificate => "certificate",
        CredentialKind::Other => "other",
    })
}

fn kind(text: &str) -> CredentialKind {
    KINDS
        .into_iter()
        .find(|kind| word(*kind) == Some(text))
        .unwrap_or_default()
}
