//! What the console is and may do.

use requorum_shared::api::v1::{AboutResponse, Program, Root, Store, StoreContent};
use requorum_shared::permission::{Permission, Place};
use requorum_shared::recovery::KINDS;

use super::approvals;
use super::authorize::{authorize, sees};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::config::RootClusters;
use crate::error::Result;

/// Version, limits, and what is there to restore to and boot with.
pub async fn about(app: &App, actor: &Actor) -> Result<AboutResponse> {
    authorize(app, actor, Permission::See, Place::Anywhere).await?;
    let measured = app.disks.newest();
    Ok(AboutResponse {
        version: env!("CARGO_PKG_VERSION").into(),
        user: actor.name.clone(),
        roots: app
            .roots
            .all()
            .iter()
            .filter(|root| is_for(actor, &root.clusters))
            .map(|root| Root {
                name: root.name.clone(),
                path: root.path.display().to_string(),
                free_bytes: measured.free.get(&root.name).copied(),
                all_clusters: root.clusters == RootClusters::All,
                clusters: match &root.clusters {
                    RootClusters::All => Vec::new(),
                    RootClusters::Named(names) => names.clone(),
                },
            })
            .collect(),
        programs: app
            .systems
            .programs()
            .map(|program| Program {
                path: program.path.display().to_string(),
                version: program.version.clone(),
                name: program.name.to_owned(),
            })
            .collect(),
        max_upload_bytes: app.config.max_upload_bytes,
        open_reviews: approvals::open_reviews(app, actor).await?,
        started_at_ms: app.started_ms,
        clock_set_back: app.time.told(),
        certificate_ends_at_ms: app.tls.as_ref().map_or(0, |tls| tls.expires_ms()),
        request_kinds: KINDS.iter().map(|kind| (*kind).to_owned()).collect(),
        stores: vec![
            store(StoreContent::Rows, app.db.describe()),
            store(StoreContent::Files, app.objects.describe()),
        ],
    })
}

/// Whether the actor sees one of the clusters that a root is for.
fn is_for(actor: &Actor, clusters: &RootClusters) -> bool {
    match clusters {
        RootClusters::All => true,
        RootClusters::Named(names) => names.iter().any(|name| sees(actor, name)),
    }
}

fn store(holds: StoreContent, (kind, place): (&str, String)) -> Store {
    Store {
        holds: holds.into(),
        kind: kind.into(),
        place,
    }
}
