//! What depends on an account, for whoever is about to disable it or to take roles from it.

use requorum_shared::api;
use requorum_shared::api::v1::GetDependentsResponse;
use requorum_shared::permission::{Grants, Permission, Place};

use crate::app::App;
use crate::auth::actor::Actor;
use crate::auth::store::User;
use crate::error::Result;
use crate::ops::authorize::authorize;
use crate::ops::{jobs, plans, tokens};
use crate::plans::list::PlanFilter;

/// What ends, and what is left behind, when the account is disabled.
pub async fn dependents(app: &App, actor: &Actor, id: &str) -> Result<GetDependentsResponse> {
    authorize(app, actor, Permission::People, Place::Console).await?;
    let user = app.people.get(id).await?;
    let plans = plans::open_where(app, |open| PlanFilter {
        author_id: user.id.clone(),
        ..open
    })
    .await?
    .into_iter();
    let jobs = jobs::open(app)
        .await?
        .into_iter()
        .filter(|job| job.started_by == user.name);
    Ok(GetDependentsResponse {
        sessions: app.sessions.list(&user.id).await?.len() as u64,
        tokens: tokens::usable(app, &user).await?,
        plans: plans.map(plans::summary).collect(),
        jobs: jobs.collect(),
        held_alone: api::grants(&held_alone(&user, &app.people.list().await?)),
    })
}

/// Of somebody who cannot sign in nobody expects anything.
fn held_alone(user: &User, all: &[User]) -> Grants {
    if !user.is_usable() {
        return Grants::default();
    }
    let others: Vec<_> = all
        .iter()
        .filter(|other| other.id != user.id && other.is_usable())
        .map(|other| &other.grants)
        .collect();
    user.grants.held_alone(&others)
}
