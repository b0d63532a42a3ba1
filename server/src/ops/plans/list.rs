//! Plans in lists. Nothing is written here: that a plan has expired follows from the time.

use requorum_shared::api::v1;
use requorum_shared::permission::{Permission, Place};

use super::{expired, summary, too_early};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::clock::kept::FROM_THE_FUTURE_MS;
use crate::error::{Result, bad_request};
use crate::ops::authorize::{authorize, where_allowed};
use crate::paging::{self, Clusters, Cursor, MOST, Order, PageRequest, Slice};
use crate::plans::list::{self, PlanFilter};
use crate::plans::store::{PlanRow, PlanState};

/// A page of the plans that the actor may see, newest first.
pub async fn list(
    app: &App,
    actor: &Actor,
    request: &v1::ListPlansRequest,
) -> Result<v1::ListPlansResponse> {
    authorize(app, actor, Permission::See, Place::Anywhere).await?;
    let columns = &list::Column::ALL;
    let order = Order::read(
        &request.order_by,
        list::Column::USUAL,
        columns,
        "plan.order",
    )?;
    // A token of one order is none of another.
    let name = match request.order_by.as_str() {
        "" => "plans".to_owned(),
        by => format!("plans {by}"),
    };
    let page = PageRequest::read(&name, request.page_size, &request.page_token)?;
    let seen = where_allowed(actor, Permission::See);
    let now = app.clock.now_ms();
    let filter = PlanFilter {
        states: states(request)?,
        input: request.input.clone(),
        hash: request.hash.clone(),
        author_id: request.author_id.clone(),
        words: paging::words(&request.query, "plan.query")?,
        order,
        ..PlanFilter::of(seen.clone().only(request.cluster.as_deref()), now)
    };
    let lists = &app.lists;
    let tallies = lists.plans.tally_plans(now);
    let tallies = lists
        .counts
        .plans
        .get(app.db.writes(), now, tallies)
        .await?;
    let mut tallies = (*tallies).clone();
    tallies.retain(|tally| seen.have(&tally.cluster));
    let narrow = [
        &request.input,
        &request.hash,
        &request.author_id,
        &request.query,
    ];
    let is_narrow = !narrow.into_iter().all(String::is_empty);
    let total = if !is_narrow {
        paging::count(&tallies, |tally| {
            let state = PlanState::from_word(&tally.state);
            let asked =
                filter.states.is_empty() || state.is_some_and(|s| filter.states.contains(&s));
            asked && filter.clusters.have(&tally.cluster)
        })
    } else {
        0
    };
    let (rows, total) = if !filter.words.is_empty() {
        app.lists.plans.find_plans(&filter, &page.slice()).await?
    } else {
        let rows = app.lists.plans.plan_rows(&filter, &page.slice()).await?;
        let total = match page.has_all(rows.len()) {
            _ if !is_narrow => total,
            // What is on one page need not be counted.
            true => rows.len() as u64,
            false => app.lists.plans.count_plans(&filter).await?,
        };
        (rows, total)
    };
    let (plans, next_page_token) =
        page.page(rows.into_iter().map(|row| entry(row, order, now)).collect());
    let counts = paging::by_state(&tallies).into_iter();
    let counts = counts.map(|(word, count)| v1::PlanStateCount {
        state: PlanState::from_word(word)
            .map_or(v1::PlanState::Unspecified, v1::PlanState::from)
            .into(),
        count,
    });
    Ok(v1::ListPlansResponse {
        plans,
        next_page_token,
        total,
        counts: counts.collect(),
        clusters: paging::clusters(&tallies),
    })
}

/// The newest plans that rest on a file and that the actor may see, and how many there are.
pub(in crate::ops) async fn resting_on(
    app: &App,
    actor: &Actor,
    id: &str,
) -> Result<(Vec<v1::PlanSummary>, u64)> {
    let now = app.clock.now_ms();
    let filter = PlanFilter {
        input: id.to_owned(),
        ..PlanFilter::of(where_allowed(actor, Permission::See), now)
    };
    let page = PageRequest::read("plans", 0, "")?;
    let rows = app.lists.plans.plan_rows(&filter, &page.slice()).await?;
    let (plans, _) = page.page(
        rows.into_iter()
            .map(|row| entry(row, filter.order, now))
            .collect(),
    );
    Ok((plans, app.lists.plans.count_plans(&filter).await?))
}

/// The newest plans that can still come to be run and fit what `narrow` makes of the filter. Whoever calls this has
/// asked whether that may be seen.
pub(in crate::ops) async fn open_where(
    app: &App,
    narrow: impl FnOnce(PlanFilter) -> PlanFilter,
) -> Result<Vec<PlanRow>> {
    newest(
        app,
        &narrow(PlanFilter::open(Clusters::All, app.clock.now_ms())),
    )
    .await
}

/// The newest plans that have this id in them and that can still come to be run or are being carried out. Whoever calls
/// this has asked whether that may be seen.
pub(in crate::ops) async fn naming(app: &App, id: &str) -> Result<Vec<v1::PlanSummary>> {
    let now = app.clock.now_ms();
    let mut plans = Vec::new();
    for filter in [PlanFilter::open, PlanFilter::under_way] {
        let filter = PlanFilter {
            naming: id.to_owned(),
            ..filter(Clusters::All, now)
        };
        plans.extend(newest(app, &filter).await?.into_iter().map(summary));
    }
    Ok(plans)
}

/// The ids of plans that rest on a file and that are being carried out. Whoever calls this has asked whether that may be
/// seen.
pub(in crate::ops) async fn under_way_on(app: &App, input: &str) -> Result<Vec<String>> {
    let filter = PlanFilter {
        input: input.to_owned(),
        ..PlanFilter::under_way(Clusters::All, app.clock.now_ms())
    };
    let rows = newest(app, &filter).await?.into_iter();
    Ok(rows.map(|row| row.id).collect())
}

async fn newest(app: &App, filter: &PlanFilter) -> Result<Vec<PlanRow>> {
    let slice = Slice {
        limit: MOST,
        after: None,
    };
    Ok(app.lists.plans.plan_rows(filter, &slice).await?)
}

/// How many of the actor's own can still come to be run.
pub(super) async fn count_open(app: &App, actor: &Actor) -> Result<u64> {
    let filter = PlanFilter {
        author_id: actor.user_id.clone(),
        ..PlanFilter::open(Clusters::All, app.clock.now_ms())
    };
    Ok(app.lists.plans.count_plans(&filter).await?)
}

fn entry(row: PlanRow, order: Order<list::Column>, now: i64) -> (Cursor, v1::PlanSummary) {
    let cursor = list::cursor(order, &row, now);
    (cursor, summary(shown(row, now)))
}

/// As it is now: that it has expired follows from the time.
pub(in crate::ops) fn shown(mut row: PlanRow, now: i64) -> PlanRow {
    let early = row.sealed_ms > now.saturating_add(FROM_THE_FUTURE_MS);
    if row.state.is_alive() && (early || row.expires_ms <= now) {
        row.reason = if early {
            too_early(&row)
        } else {
            expired(&row)
        };
        row.state = PlanState::Expired;
        row.decided_by = String::new();
        row.decided_ms = row.expires_ms.min(now);
    }
    row
}

/// The states that a list is asked for.
fn states(request: &v1::ListPlansRequest) -> Result<Vec<PlanState>> {
    let read = |state: &i32| {
        v1::PlanState::try_from(*state)
            .ok()
            .and_then(known)
            .ok_or_else(|| {
                bad_request(
                    "plan.state",
                    format!(
                        "{state} is not a known plan state: sealed, approved, rejected, \
                         withdrawn, invalidated, expired, used."
                    ),
                )
            })
    };
    request.states.iter().map(read).collect()
}

fn known(state: v1::PlanState) -> Option<PlanState> {
    Some(match state {
        v1::PlanState::Unspecified => return None,
        v1::PlanState::Sealed => PlanState::Sealed,
        v1::PlanState::Approved => PlanState::Approved,
        v1::PlanState::Rejected => PlanState::Rejected,
        v1::PlanState::Withdrawn => PlanState::Withdrawn,
        v1::PlanState::Invalidated => PlanState::Invalidated,
        v1::PlanState::Expired => PlanState::Expired,
        v1::PlanState::Used => PlanState::Used,
    })
}

impl From<PlanState> for v1::PlanState {
    fn from(state: PlanState) -> Self {
        match state {
            PlanState::Sealed => Self::Sealed,
            PlanState::Approved => Self::Approved,
            PlanState::Rejected => Self::Rejected,
            PlanState::Withdrawn => Self::Withdrawn,
            PlanState::Invalidated => Self::Invalidated,
            PlanState::Expired => Self::Expired,
            PlanState::Used => Self::Used,
        }
    }
}
