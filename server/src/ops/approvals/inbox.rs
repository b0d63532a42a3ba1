//! What waits for one person: counted by groups of plans that wait for the same people, and listed a page at a time.

use requorum_shared::api::v1;
use requorum_shared::permission::Permission;

use super::state::{Rules, Wanted};
use super::{many, reviews};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::Result;
use crate::ops::authorize::where_allowed;
use crate::paging::{Cursor, Slice};
use crate::plans::approval_list::ReviewFilter;
use crate::plans::store::PlanRow;

/// The newest plans that the actor can approve or run, with which of the two and a sentence, and how many there are.
pub(in crate::ops) async fn open_plans(
    app: &App,
    actor: &Actor,
    rules: &Rules,
    wanted: Wanted<'_>,
    slice: &Slice,
) -> Result<(Vec<(PlanRow, v1::InboxKind, String)>, u64)> {
    if !wanted.to_approve && !wanted.to_run {
        return Ok((Vec::new(), 0));
    }
    let now = app.clock.now_ms();
    let lists = &app.lists;
    let groups = lists.plans.open_groups(now);
    let groups = lists.counts.open_plans.get(app.db.writes(), now, groups);
    let groups = groups.await?;
    let open: u64 = groups.iter().map(|group| group.count).sum();
    let groups = rules.waiting_for(actor, wanted, &groups);
    let count = groups.iter().map(|group| group.count).sum();
    let most = count > open / 2;
    let rows = lists.plans.rows_of_groups(&groups, most, now, slice);
    let rows = rows.await?;
    let standings = many(app, rules, rows).await?.into_iter();
    // Another may have been quicker since they were counted.
    let plans = standings.filter_map(|(row, standing)| {
        let (kind, sentence) = standing.waits_for(actor, &row)?;
        Some((row, kind, sentence))
    });
    Ok((plans.collect(), count))
}

/// The newest reviews that the actor can close, and how many there are.
pub(in crate::ops) async fn reviews_to_close(
    app: &App,
    actor: &Actor,
    rules: &Rules,
    cluster: Option<&str>,
    slice: &Slice,
) -> Result<(Vec<v1::Review>, u64)> {
    let clusters = where_allowed(actor, Permission::Approve).only(cluster);
    if actor.is_program() {
        return Ok((Vec::new(), 0));
    }
    let groups = reviews::open_groups(app).await?;
    let closable = groups.iter().filter(|group| {
        clusters.have(&group.cluster)
            && !reviews::is_own(actor, rules, &group.cluster, &group.broken_by_id)
    });
    let count = closable.map(|group| group.count).sum();
    let filter = ReviewFilter {
        clusters,
        closed: false,
    };
    let (mut found, mut slice) = (Vec::new(), slice.clone());
    // One's own are passed over: a few, for each of which a plan was run without approval.
    while count > 0 && slice.limit > 0 {
        let rows = app.lists.approvals.review_rows(&filter, &slice).await?;
        let last = rows.len() < slice.limit;
        slice.after = rows
            .last()
            .map(|review| Cursor::at(review.broken_ms, &review.id));
        let rows = rows.into_iter().map(|row| reviews::view(actor, rules, row));
        found.extend(rows.filter(|review| review.you_can_close).take(slice.limit));
        if last || found.len() >= slice.limit {
            break;
        }
    }
    Ok((found, count))
}
