//! Stored snapshots: list, look, download.

use std::ops::Range;

use requorum_shared::api::v1::{GetSnapshotResponse, ListSnapshotsResponse, SnapshotSummary};
use requorum_shared::ledger::entry::act;
use requorum_shared::permission::{Permission, Place};

use super::permit::permit;
use super::record;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{ApiError, Result, not_found};
use crate::snapshots::objects::{Outgoing, is_sha256};
use crate::snapshots::store::Snapshot;

/// All of them, newest first.
pub async fn list(app: &App, actor: &Actor) -> Result<ListSnapshotsResponse> {
    permit(app, actor, Permission::See, Place::Console).await?;
    let snapshots = app.store.snapshots().await?;
    Ok(ListSnapshotsResponse {
        used_bytes: snapshots.iter().map(|s| s.size).sum(),
        snapshots: snapshots.into_iter().map(summary).collect(),
    })
}

/// One with its inspection.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<GetSnapshotResponse> {
    permit(app, actor, Permission::See, Place::Console).await?;
    let (snapshot, inspection_json) = find(app, id).await?;
    let plans = app.plans.plans_of_snapshot(id).await?;
    Ok(GetSnapshotResponse {
        summary: Some(summary(snapshot)),
        inspection_json,
        plans: plans.into_iter().map(super::plans::summary).collect(),
    })
}

/// The row, without its inspection, of a file to be read.
pub async fn file(app: &App, actor: &Actor, id: &str) -> Result<Snapshot> {
    permit(app, actor, Permission::See, Place::Console).await?;
    Ok(find(app, id).await?.0)
}

/// The bytes of a stored file.
pub async fn read(
    app: &App,
    actor: &Actor,
    snapshot: &Snapshot,
    range: Range<u64>,
) -> Result<Outgoing> {
    permit(app, actor, Permission::See, Place::Console).await?;
    let draft = record::draft(
        actor,
        act::SNAPSHOT_DOWNLOAD,
        format!("snapshot {}", snapshot.id),
    );
    let read = async { Ok(app.objects.read(&snapshot.id, range).await?) };
    record::act(app, draft, read).await
}

pub(super) async fn find(app: &App, id: &str) -> Result<(Snapshot, String)> {
    if !is_sha256(id) {
        return Err(unknown());
    }
    app.store.snapshot(id).await?.ok_or_else(unknown)
}

fn unknown() -> ApiError {
    not_found(
        "snapshot.unknown",
        "There is no snapshot with this id. Look for it in the list of snapshots.",
    )
}

fn summary(snapshot: Snapshot) -> SnapshotSummary {
    let headline = snapshot.headline;
    SnapshotSummary {
        id: snapshot.id,
        name: snapshot.name,
        size: snapshot.size,
        stored_at_ms: snapshot.stored_ms,
        stored_by: snapshot.stored_by,
        origin: snapshot.origin,
        sentence: headline.sentence,
        verdict: headline.verdict,
        revision: headline.revision,
        total_key: headline.total_key,
        hash: headline.hash,
        version: headline.version,
    }
}
