//! People: one's own account, and what administrators do with others'.

use requorum_shared::api::login::PasswordRequest;
use requorum_shared::permission::{Permission, Place};

use super::permit::permit;
use crate::app::App;
use crate::auth::actor::{Actor, Via};
use crate::auth::session::Caller;
use crate::error::Result;

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

/// Ends the session that asks. A token has none to end.
pub async fn sign_out(app: &App, actor: &Actor) -> Result<()> {
    if let Via::Session(id) = &actor.via {
        app.sessions.end(&actor.user_id, id).await?;
    }
    Ok(())
}
