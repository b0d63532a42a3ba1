//! Stored files: list, look, download.

mod remove;

use std::ops::Range;

use futures_util::StreamExt as _;
use requorum_shared::api::upload::EVIDENCE_ORIGIN;
use requorum_shared::api::v1::{
    self, FileOrigin, FileSummary, GetFileResponse, HeadlineValue, ListFilesRequest,
    ListFilesResponse, TrustCount,
};
use requorum_shared::inspection::Trust;
use requorum_shared::ledger::entry::{Draft, act, named};
use requorum_shared::permission::{Permission, Place, check_cluster_name};

pub use self::remove::{remove, uses};
use super::authorize::{authorize, authorize_for_claimed, where_allowed};
use super::stay::Stay;
use super::{audit, plans, stored};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{Result, bad_request, conflict};
use crate::files::list::{FileFilter, Order};
use crate::files::objects::Outgoing;
use crate::files::store::StoredFile;
use crate::paging::{self, PageRequest, asked};

/// Kinds that are asked for at most.
const MOST_KINDS: usize = 8;
/// The longest name of a kind, in bytes.
const MOST_KIND_BYTES: usize = 64;

/// A page of them, newest first unless another order is asked for.
pub async fn list(
    app: &App,
    actor: &Actor,
    request: &ListFilesRequest,
) -> Result<ListFilesResponse> {
    authorize(app, actor, Permission::See, Place::Anywhere).await?;
    let order = Order::parse(&request.order_by).ok_or_else(|| {
        bad_request(
            "file.order",
            "Files are ordered by uploaded, name, cluster, kind, trust or size, with a - before it for descending \
             order.",
        )
    })?;
    // A token of one order is none of another.
    let list = format!("files {}", order.word);
    let page = PageRequest::read(&list, request.page_size, &request.page_token)?;
    let seen = where_allowed(actor, Permission::See);
    let filter = FileFilter {
        clusters: seen.clone().only(request.cluster.as_deref()),
        words: paging::words(&request.query, "file.query")?,
        kinds: kinds(&request.kinds)?,
        trusts: asked(&request.trusts, "file.trust", trust_word)?,
        origins: asked(&request.origins, "file.origin", origin_word)?,
        removed: request.removed,
    };
    let mut tallies = app.lists.files.tally_files().await?;
    tallies.retain(|(tally, _)| seen.have(&tally.cluster));
    let used_bytes = tallies.iter().map(|(_, bytes)| bytes).sum();
    let tallies: Vec<_> = tallies.into_iter().map(|(tally, _)| tally).collect();
    let removed_count = app.lists.files.count_removed(&seen).await?;
    let by_tally = !filter.removed
        && filter.words.is_empty()
        && filter.kinds.is_empty()
        && filter.origins.is_empty();
    let total = if by_tally {
        paging::count(&tallies, |tally| {
            let asked = filter.trusts.is_empty() || filter.trusts.contains(&tally.state);
            asked && filter.clusters.have(&tally.cluster)
        })
    } else {
        app.lists.files.count_files(&filter).await?
    };
    let rows = app
        .lists
        .files
        .file_rows(&filter, order, &page.slice())
        .await?
        .into_iter()
        .map(|file| (order.cursor(&file), summary(file)));
    let (files, next_page_token) = page.page(rows.collect());
    let counts = paging::by_state(&tallies).into_iter();
    let counts = counts.map(|(word, count)| TrustCount {
        trust: v1::Trust::from(Trust::from_word(word)).into(),
        count,
    });
    Ok(ListFilesResponse {
        files,
        used_bytes,
        next_page_token,
        total,
        counts: counts.collect(),
        clusters: paging::clusters(&tallies),
        removed_count,
    })
}

/// The kinds that are asked for, which are names.
fn kinds(asked: &[String]) -> Result<Vec<String>> {
    let is_name = |kind: &String| {
        (1..=MOST_KIND_BYTES).contains(&kind.len())
            && kind
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if asked.len() > MOST_KINDS || !asked.iter().all(is_name) {
        return Err(bad_request(
            "file.kind",
            format!(
                "At most {MOST_KINDS} kinds of files can be asked for, each by its name, as in `etcd-snapshot`."
            ),
        ));
    }
    Ok(asked.to_vec())
}

fn trust_word(trust: v1::Trust) -> Option<&'static str> {
    Trust::try_from(trust).ok().map(Trust::word)
}

fn origin_word(origin: FileOrigin) -> Option<&'static str> {
    match origin {
        FileOrigin::Unspecified => None,
        FileOrigin::Upload => Some("upload"),
        FileOrigin::Evidence => Some(EVIDENCE_ORIGIN),
    }
}

/// One with its inspection.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<GetFileResponse> {
    let (file, inspection_json) = find_for(app, actor, Permission::See, id).await?;
    let (plans, plans_total) = plans::resting_on(app, actor, id).await?;
    Ok(GetFileResponse {
        file: Some(summary(file)),
        inspection_json,
        plans,
        plans_total,
    })
}

/// Says which cluster it belongs to, from now on. Open plans of it are invalidated: they were made under
/// another cluster's policy. Whoever does this must be an operator of the old one and of the new.
pub async fn set_cluster(app: &App, actor: &Actor, id: &str, cluster: &str) -> Result<FileSummary> {
    let (file, _) = find_for(app, actor, Permission::Upload, id).await?;
    let mut file = stored::kept(file)?;
    check_cluster_name(cluster)
        .map_err(|error| bad_request("file.cluster", format!("{error}.")))?;
    authorize_for_claimed(app, actor, Permission::Upload, cluster).await?;
    let before = std::mem::replace(&mut file.cluster, cluster.to_owned());
    if before == cluster {
        return Ok(summary(file));
    }
    let name = |cluster: &str| named(cluster).unwrap_or_else(|| "no cluster".into());
    let draft = Draft {
        // Found by the cluster that loses its say, where there is one.
        cluster: named(&before).or_else(|| named(cluster)),
        ..audit::draft(
            actor,
            act::FILE_CLUSTER,
            format!(
                "file {id}: of {} instead of {}",
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
    audit::act(app, draft, async move {
        if store.set_file_cluster(&id, &from, &to).await? {
            return Ok(());
        }
        Err(conflict(
            "file.cluster-changed",
            "This file was assigned to another cluster a moment ago. Reload it.",
        ))
    })
    .await?;
    // Others' roles and policy count for them now: what was sealed under the old ones is not run.
    plans::look_at_those_of(app, &file.id).await?;
    tracing::info!(file = %file.id, from = %before, to = %cluster, by = %actor.name, "named a file's cluster");
    Ok(summary(file))
}

/// The row, without its inspection, of a file to be read: it holds every value of its cluster.
pub async fn find_to_read(app: &App, actor: &Actor, id: &str) -> Result<StoredFile> {
    stored::kept(find_for(app, actor, Permission::ReadValues, id).await?.0)
}

/// The bytes of a stored file, for as long as the actor may have them.
pub async fn read(
    app: &App,
    actor: &Actor,
    file: &StoredFile,
    range: Range<u64>,
) -> Result<Outgoing> {
    authorize(
        app,
        actor,
        Permission::ReadValues,
        Place::Cluster(&file.cluster),
    )
    .await?;
    let draft = Draft {
        cluster: named(&file.cluster),
        ..audit::draft(actor, act::FILE_DOWNLOAD, format!("file {}", file.id))
    };
    let (objects, id, size) = (app.objects.clone(), file.id.clone(), file.size);
    let read = async move { Ok(objects.read(&id, size, range).await?) };
    let bytes = audit::act(app, draft, read).await?;
    let stay = Stay::in_cluster(app, actor, Permission::ReadValues, &file.cluster);
    Ok(stay.bytes(bytes).boxed())
}

/// The file, for somebody who may do this with those of its cluster.
async fn find_for(
    app: &App,
    actor: &Actor,
    permission: Permission,
    id: &str,
) -> Result<(StoredFile, String)> {
    authorize(app, actor, permission, Place::Anywhere).await?;
    let found = stored::find(app, id).await?;
    authorize(app, actor, permission, Place::Cluster(&found.0.cluster)).await?;
    Ok(found)
}

fn summary(file: StoredFile) -> FileSummary {
    let origin = if file.origin == EVIDENCE_ORIGIN {
        FileOrigin::Evidence
    } else {
        FileOrigin::Upload
    };
    let values = file.headline.values.into_iter();
    FileSummary {
        id: file.id,
        name: file.name,
        size: file.size,
        uploaded_at_ms: file.uploaded_ms,
        uploaded_by: file.uploaded_by,
        origin: origin.into(),
        cluster: file.cluster,
        removed_at_ms: file.removed_ms,
        removed_by: file.removed_by,
        kind: file.kind,
        trust: v1::Trust::from(file.trust).into(),
        sentence: file.headline.sentence,
        headline: values
            .map(|value| HeadlineValue {
                key: value.key,
                label: value.label,
                one: value.one,
                value: value.value,
            })
            .collect(),
    }
}
