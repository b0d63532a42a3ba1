//! What takes room on this server, for whom, and how much is left: as it was measured last.

use std::collections::BTreeMap;

use requorum_shared::api::v1::{ClusterStorage, GetStorageResponse};
use requorum_shared::permission::{Permission, Place};

use super::authorize::{authorize, where_allowed};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::Result;

/// Bytes by cluster and by what they are, of clusters that the actor may see. No disk is asked for it.
pub async fn storage(app: &App, actor: &Actor) -> Result<GetStorageResponse> {
    authorize(app, actor, Permission::See, Place::Anywhere).await?;
    let seen = where_allowed(actor, Permission::See);
    let mut clusters = BTreeMap::<String, ClusterStorage>::new();
    for (tally, bytes) in app.lists.files.tally_files().await? {
        let of = clusters.entry(tally.cluster).or_default();
        of.files_bytes += bytes;
    }
    for upload in app.store.uploads().await? {
        let arrived = app.uploads.written(&upload);
        clusters.entry(upload.cluster).or_default().uploads_bytes += arrived;
    }
    let measured = app.disks.newest();
    for made in measured.made.iter().filter(|made| seen.have(&made.cluster)) {
        let of = clusters.entry(made.cluster.clone()).or_default();
        match made.download {
            true => of.downloads_bytes += made.bytes,
            false => of.leftovers_bytes += made.bytes,
        }
    }
    clusters.retain(|name, of| {
        seen.have(name)
            && (
                of.files_bytes,
                of.uploads_bytes,
                of.downloads_bytes,
                of.leftovers_bytes,
            ) != (0, 0, 0, 0)
    });
    let clusters = clusters.into_iter();
    Ok(GetStorageResponse {
        clusters: clusters
            .map(|(cluster, of)| ClusterStorage { cluster, ..of })
            .collect(),
        free_bytes: measured.uploads.map(|(free, _)| free),
        size_bytes: measured.uploads.map(|(_, size)| size),
        files_elsewhere: app.config.objects.is_some(),
        partly: measured.partly,
        measured_at_ms: measured.at_ms,
    })
}
