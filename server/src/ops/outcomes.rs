//! What became of what a person sealed: the other direction of the inbox.

use std::collections::BTreeMap;

use requorum_shared::api::v1::{
    ListOutcomesRequest, ListOutcomesResponse, OutcomeItem, OutcomeKind,
};
use requorum_shared::job::fold::JobState;
use requorum_shared::permission::{Permission, Place};
use requorum_shared::plan::short_name;

use super::authorize::{authorize, where_allowed};
use super::plans;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::Result;
use crate::jobs::list::{JobFilter, JobLine};
use crate::paging::{Clusters, Cursor, MOST, PageRequest, Slice};
use crate::plans::list::{self, PlanFilter};
use crate::plans::store::{PlanRow, PlanState};

/// For how long it is told, in milliseconds.
const TOLD_MS: i64 = 7 * 24 * 3_600_000;
/// What a plan has come to that may be news.
const TOLD: [PlanState; 5] = [
    PlanState::Approved,
    PlanState::Rejected,
    PlanState::Invalidated,
    PlanState::Expired,
    PlanState::Used,
];

/// A page of the newest decisions about the actor's plans, and ends of their jobs, of the last seven days. What the actor
/// decided themselves is not news to them.
pub async fn list(
    app: &App,
    actor: &Actor,
    request: &ListOutcomesRequest,
) -> Result<ListOutcomesResponse> {
    authorize(app, actor, Permission::See, Place::Anywhere).await?;
    let page = PageRequest::read("outcomes", request.page_size, &request.page_token)?;
    let now = app.clock.now_ms();
    let filter = PlanFilter {
        author_id: actor.user_id.clone(),
        since_ms: now.saturating_sub(TOLD_MS).max(1),
        states: TOLD.to_vec(),
        ..PlanFilter::of(where_allowed(actor, Permission::See), now)
    };
    // What became of a plan last is not in the order of sealing: all of them are looked at.
    let mut items = Vec::new();
    let mut slice = Slice {
        limit: MOST,
        after: None,
    };
    loop {
        let rows = app.lists.plans.plan_rows(&filter, &slice).await?;
        slice.after = match rows.last() {
            Some(last) if rows.len() == MOST => Some(list::cursor(filter.order, last, now)),
            _ => None,
        };
        let jobs = jobs_of(app, &rows).await?;
        let rows = rows.into_iter().map(|row| plans::shown(row, now));
        items.extend(rows.filter_map(|row| outcome(actor, row, &jobs)));
        if slice.after.is_none() {
            break;
        }
    }
    let total = items.len() as u64;
    let mut rows: Vec<_> = items.into_iter().map(|item| (place(&item), item)).collect();
    rows.sort_by(|(a, a_item), (b, b_item)| (b_item.at_ms, &a.id).cmp(&(a_item.at_ms, &b.id)));
    let (items, next_page_token) = page.page_of(rows);
    Ok(ListOutcomesResponse {
        items,
        next_page_token,
        total,
    })
}

/// Where it is in the list. When something else becomes of a plan, that is another row.
fn place(item: &OutcomeItem) -> Cursor {
    Cursor::at(item.at_ms, &format!("{} {}", item.plan_id, item.at_ms))
}

/// The jobs that carry these plans out, by the plans' ids.
async fn jobs_of(app: &App, rows: &[PlanRow]) -> Result<BTreeMap<String, JobLine>> {
    let used = rows.iter().filter(|row| !row.job_id.is_empty());
    let filter = JobFilter {
        plan_ids: used.map(|row| row.id.clone()).collect(),
        ..JobFilter::of(Clusters::All)
    };
    if filter.plan_ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let slice = Slice {
        limit: filter.plan_ids.len(),
        after: None,
    };
    let lines = app.lists.jobs.job_lines(&filter, &slice).await?.into_iter();
    Ok(lines.map(|line| (line.plan_id.clone(), line)).collect())
}

fn outcome(actor: &Actor, row: PlanRow, jobs: &BTreeMap<String, JobLine>) -> Option<OutcomeItem> {
    let item = OutcomeItem {
        plan_id: row.id.clone(),
        name: short_name(&row.cluster, row.brief.number),
        cluster: row.cluster.clone(),
        job_id: row.job_id.clone(),
        ..OutcomeItem::default()
    };
    let decided = |kind: OutcomeKind| OutcomeItem {
        kind: kind.into(),
        by: row.decided_by.clone(),
        at_ms: row.decided_ms,
        reason: row.reason.clone(),
        ..item.clone()
    };
    match row.state {
        // Only the actor can have withdrawn it.
        PlanState::Sealed | PlanState::Withdrawn => None,
        PlanState::Approved if row.decided_by == actor.name => None,
        PlanState::Approved => Some(decided(OutcomeKind::Approved)),
        PlanState::Rejected if row.decided_by == actor.name => None,
        PlanState::Rejected => Some(decided(OutcomeKind::Rejected)),
        PlanState::Invalidated => Some(decided(OutcomeKind::Invalidated)),
        PlanState::Expired => Some(decided(OutcomeKind::Expired)),
        PlanState::Used => {
            let job = jobs.get(&row.id)?;
            let kind = match job.summary.state {
                JobState::Completed if !job.summary.failed_check.is_empty() => {
                    OutcomeKind::VerificationFailed
                }
                JobState::Completed => OutcomeKind::Completed,
                JobState::Undone => OutcomeKind::Undone,
                JobState::Left => OutcomeKind::Left,
                _ => return None,
            };
            Some(OutcomeItem {
                kind: kind.into(),
                by: job.started_by.clone(),
                at_ms: job.summary.ended_ms,
                reason: job.summary.failed_check.clone(),
                ..item
            })
        }
    }
}
