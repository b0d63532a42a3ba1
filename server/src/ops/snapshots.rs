//! Stored snapshots: list, look, download.

use std::ops::Range;

use futures_util::StreamExt as _;
use requorum_shared::api::v1::{
    GetSnapshotResponse, ListSnapshotsRequest, ListSnapshotsResponse, SnapshotSummary,
};
use requorum_shared::ledger::entry::{Draft, act, named};
use requorum_shared::permission::{Permission, Place, check_cluster_name};

use super::permit::{permit, permit_for_claimed, where_allowed};
use super::stay::Stay;
use super::{plans, record};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{ApiError, Result, bad_request, conflict, not_found};
use crate::paging::{self, PageRequest};
use crate::snapshots::list::{Order, SnapshotFilter};
use crate::snapshots::objects::{Outgoing, is_sha256};
use crate::snapshots::store::Snapshot;

/// Words that are looked for at most.
const MOST_WORDS: usize = 8;
/// Bytes of them all.
const MOST_QUERY_BYTES: usize = 256;

/// A page of them, newest first unless another order is asked for.
pub async fn list(
    app: &App,
    actor: &Actor,
    request: &ListSnapshotsRequest,
) -> Result<ListSnapshotsResponse> {
    permit(app, actor, Permission::See, Place::Anywhere).await?;
    let order = Order::parse(&request.order).ok_or_else(|| {
        bad_request(
            "snapshot.order",
            "Snapshots are ordered by stored, name, cluster, verdict, revision, keys or size, with a - before it for \
             the greatest first.",
        )
    })?;
    // A token of one order is none of another.
    let list = format!("snapshots {}", order.word);
    let page = PageRequest::read(&list, request.page_size, &request.page_token)?;
    let seen = where_allowed(actor, Permission::See);
    let filter = SnapshotFilter {
        clusters: seen.clone().only(request.cluster.as_deref()),
        words: words(&request.query)?,
    };
    let mut tallies = app.lists.snapshots.tally_snapshots().await?;
    tallies.retain(|(tally, _)| seen.have(&tally.cluster));
    let used_bytes = tallies.iter().map(|(_, bytes)| bytes).sum();
    let tallies: Vec<_> = tallies.into_iter().map(|(tally, _)| tally).collect();
    let total = if filter.words.is_empty() {
        paging::count(&tallies, |tally| filter.clusters.have(&tally.cluster))
    } else {
        app.lists.snapshots.count_snapshots(&filter).await?
    };
    let rows = app
        .lists
        .snapshots
        .snapshot_rows(&filter, order, &page.slice())
        .await?
        .into_iter()
        .map(|snapshot| (order.cursor(&snapshot), summary(snapshot)));
    let (snapshots, next_page_token) = page.page(rows.collect());
    Ok(ListSnapshotsResponse {
        snapshots,
        used_bytes,
        next_page_token,
        total,
        counts: paging::by_state(&tallies),
        clusters: paging::clusters(&tallies),
    })
}

/// What is looked for, word by word, in small letters.
fn words(query: &str) -> Result<Vec<String>> {
    let query = query.to_ascii_lowercase();
    let words: Vec<_> = query.split_whitespace().map(str::to_owned).collect();
    if words.len() > MOST_WORDS || query.len() > MOST_QUERY_BYTES {
        return Err(bad_request(
            "snapshot.query",
            format!(
                "At most {MOST_WORDS} words and {MOST_QUERY_BYTES} bytes can be looked for. Use fewer."
            ),
        ));
    }
    Ok(words)
}

/// One with its inspection.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<GetSnapshotResponse> {
    let (snapshot, inspection_json) = find_for(app, actor, Permission::See, id).await?;
    let (plans, plans_total) = plans::of_snapshot(app, actor, id).await?;
    Ok(GetSnapshotResponse {
        summary: Some(summary(snapshot)),
        inspection_json,
        plans,
        plans_total,
    })
}

/// Says which cluster it belongs to, from now on. Open plans of it become void when they are looked at next: they
/// were made under another cluster's policy. Whoever does this must be an operator of the old one and of the new.
pub async fn set_cluster(
    app: &App,
    actor: &Actor,
    id: &str,
    cluster: &str,
) -> Result<SnapshotSummary> {
    let (mut snapshot, _) = find_for(app, actor, Permission::Upload, id).await?;
    check_cluster_name(cluster)
        .map_err(|error| bad_request("snapshot.cluster", format!("{error}.")))?;
    permit_for_claimed(app, actor, Permission::Upload, cluster).await?;
    let before = std::mem::replace(&mut snapshot.cluster, cluster.to_owned());
    if before == cluster {
        return Ok(summary(snapshot));
    }
    let name = |cluster: &str| named(cluster).unwrap_or_else(|| "no cluster".into());
    let draft = Draft {
        // Found by the cluster that loses its say, where there is one.
        cluster: named(&before).or_else(|| named(cluster)),
        ..record::draft(
            actor,
            act::SNAPSHOT_CLUSTER,
            format!(
                "snapshot {id}: of {} instead of {}",
                name(cluster),
                name(&before)
            ),
        )
    };
    let (store, id, to, from) = (
        app.store.clone(),
        id.to_owned(),
        cluster.to_owned(),
        before.clone(),
    );
    record::act(app, draft, async move {
        if store.set_snapshot_cluster(&id, &from, &to).await? {
            return Ok(());
        }
        Err(conflict(
            "snapshot.cluster-changed",
            "Somebody else named another cluster for this snapshot a moment ago. Look at it again.",
        ))
    })
    .await?;
    tracing::info!(snapshot = %snapshot.id, from = %before, to = %cluster, by = %actor.name, "named a snapshot's cluster");
    Ok(summary(snapshot))
}

/// The row, without its inspection, of a file to be read: it holds every value of its cluster.
pub async fn file(app: &App, actor: &Actor, id: &str) -> Result<Snapshot> {
    Ok(find_for(app, actor, Permission::ReadValues, id).await?.0)
}

/// The bytes of a stored file, for as long as the actor may have them.
pub async fn read(
    app: &App,
    actor: &Actor,
    snapshot: &Snapshot,
    range: Range<u64>,
) -> Result<Outgoing> {
    permit(
        app,
        actor,
        Permission::ReadValues,
        Place::Cluster(&snapshot.cluster),
    )
    .await?;
    let draft = Draft {
        cluster: named(&snapshot.cluster),
        ..record::draft(
            actor,
            act::SNAPSHOT_DOWNLOAD,
            format!("snapshot {}", snapshot.id),
        )
    };
    let (objects, id, size) = (app.objects.clone(), snapshot.id.clone(), snapshot.size);
    let read = async move { Ok(objects.read(&id, size, range).await?) };
    let bytes = record::act(app, draft, read).await?;
    let stay = Stay::in_cluster(app, actor, Permission::ReadValues, &snapshot.cluster);
    Ok(stay.bytes(bytes).boxed())
}

/// The snapshot, for somebody who may do this with those of its cluster.
async fn find_for(
    app: &App,
    actor: &Actor,
    permission: Permission,
    id: &str,
) -> Result<(Snapshot, String)> {
    permit(app, actor, permission, Place::Anywhere).await?;
    let found = find(app, id).await?;
    permit(app, actor, permission, Place::Cluster(&found.0.cluster)).await?;
    Ok(found)
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
        cluster: snapshot.cluster,
        sentence: headline.sentence,
        verdict: headline.verdict,
        revision: headline.revision,
        total_key: headline.total_key,
        hash: headline.hash,
        version: headline.version,
    }
}
