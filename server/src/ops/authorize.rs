//! The first line of every operation: what it takes to be allowed.
//!
//! ```text
//! authorize(app, actor, Permission::Policies, Place::Console).await?;
//! ```
//!
//! What is done with a snapshot, plan or job asks twice: before anything is looked up, whether the actor holds such
//! a role at all ([`Place::Anywhere`]); then, whether it is held for the cluster of what was found.
//!
//! A test calls every operation in every role and fails when one is missing from it.

use requorum_shared::api::v1;
use requorum_shared::permission::{Grants, Permission, Place, Scope};

use super::audit;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{ApiError, Kind, Result, bad_request};
use crate::paging::Clusters;

/// Lets the actor go on, or says which role is missing.
///
/// # Errors
/// When the actor does not hold a role that gives the permission there, and when a program wants what only a
/// person may do.
pub async fn authorize(
    app: &App,
    actor: &Actor,
    permission: Permission,
    place: Place<'_>,
) -> Result<()> {
    let Err(refusal) = allowed(actor, permission, place) else {
        return Ok(());
    };
    let cluster = match place {
        Place::Cluster(name) => name,
        Place::Console | Place::Anywhere => "",
    };
    audit::denied(app, actor, permission.what(), cluster, &refusal).await;
    Err(refusal)
}

/// The same question, without an entry in the ledger when the answer is no.
pub(super) fn allowed(actor: &Actor, permission: Permission, place: Place<'_>) -> Result<()> {
    match actor.grants.allow(permission, place) {
        Err(denied) => Err(ApiError::new(
            Kind::Forbidden,
            "role.missing",
            denied.to_string(),
        )),
        Ok(()) if actor.is_program() && !permission.programs() => Err(ApiError::new(
            Kind::Forbidden,
            "person.required",
            format!(
                "Only a person who signed in can {}: a program with a token cannot. Open the console in a browser.",
                permission.what()
            ),
        )),
        Ok(()) => Ok(()),
    }
}

/// The same for a cluster that the caller names and that nothing is known of: an entry that says no is not one about
/// that cluster.
///
/// # Errors
/// As [`permit`].
pub async fn authorize_for_claimed(
    app: &App,
    actor: &Actor,
    permission: Permission,
    cluster: &str,
) -> Result<()> {
    let Err(refusal) = allowed(actor, permission, Place::Cluster(cluster)) else {
        return Ok(());
    };
    let refusal = match cluster {
        "" => refusal,
        claimed => refusal.with_claim("for the cluster", claimed),
    };
    audit::denied(app, actor, permission.what(), "", &refusal).await;
    Err(refusal)
}

/// The clusters for which the actor holds a role that gives the permission: for lists.
pub fn where_allowed(actor: &Actor, permission: Permission) -> Clusters {
    let mut names = Vec::new();
    for grant in actor.grants.iter() {
        if permission.roles().contains(&grant.role) {
            match &grant.scope {
                Scope::All => return Clusters::All,
                Scope::Cluster(name) => names.push(name.clone()),
            }
        }
    }
    names.sort();
    names.dedup();
    Clusters::These(names)
}

/// Whether the actor sees what belongs to this cluster: for lists, which leave out the rest.
pub fn sees(actor: &Actor, cluster: &str) -> bool {
    let place = Place::Cluster(cluster);
    actor.grants.allow(Permission::See, place).is_ok()
}

/// The roles that a request names.
pub(super) fn read_grants(grants: &[v1::Grant]) -> Result<Grants> {
    Grants::try_from(grants)
        .map_err(|error| bad_request("roles", format!("The roles were not understood: {error}.")))
}
