//! Reviews of plans that were run without approval: open until an approver has looked into it.

use std::sync::Arc;

use requorum_shared::api::v1;
use requorum_shared::ledger::about::About;
use requorum_shared::ledger::entry::{Draft, act, named};
use requorum_shared::permission::{Permission, Place};

use super::shown;
use super::state::Rules;
use super::text;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{Result, bad_request, not_found, precondition};
use crate::ops::audit::{self, Done};
use crate::ops::authorize::{authorize, where_allowed};
use crate::ops::plans;
use crate::paging::{Cursor, PageRequest};
use crate::plans::approval_list::{ReviewFilter, ReviewGroup};
use crate::plans::approvals::Review;

/// A page of the open ones, and of those that are closed behind them, each newest first.
pub async fn list(
    app: &App,
    actor: &Actor,
    request: &v1::ListReviewsRequest,
) -> Result<v1::ListReviewsResponse> {
    authorize(app, actor, Permission::See, Place::Anywhere).await?;
    let page = PageRequest::read("reviews", request.page_size, &request.page_token)?;
    let rules = Rules::load(app).await?;
    let asked = states(&request.states)?;
    let (mut rows, mut total) = (Vec::new(), 0);
    for (part, state) in [(0, v1::ReviewState::Open), (1, v1::ReviewState::Closed)] {
        if !asked.is_empty() && !asked.contains(&state) {
            continue;
        }
        let seen = where_allowed(actor, Permission::See);
        let filter = ReviewFilter {
            clusters: seen.only(request.cluster.as_deref()),
            closed: state == v1::ReviewState::Closed,
        };
        total += app.lists.approvals.count_reviews(&filter).await?;
        if part >= page.part() {
            let slice = page.slice_of(part, rows.len());
            let found = app.lists.approvals.review_rows(&filter, &slice).await?;
            rows.extend(found.into_iter().map(|review| {
                let cursor = Cursor::at(review.broken_ms, &review.id).in_part(part);
                (cursor, view(actor, &rules, review))
            }));
        }
    }
    let (reviews, next_page_token) = page.page(rows);
    Ok(v1::ListReviewsResponse {
        reviews,
        next_page_token,
        total,
        open: open(app, actor).await?.into(),
    })
}

fn states(asked: &[i32]) -> Result<Vec<v1::ReviewState>> {
    let read = |state: &i32| match v1::ReviewState::try_from(*state) {
        Ok(v1::ReviewState::Unspecified) | Err(_) => Err(bad_request(
            "review.state",
            format!("{state} is not a known state of a review. The states are: open, closed."),
        )),
        Ok(state) => Ok(state),
    };
    asked.iter().map(read).collect()
}

/// All that are open, as they were counted for everybody.
pub(super) async fn open_groups(app: &App) -> Result<Arc<Vec<ReviewGroup>>> {
    let (lists, now) = (&app.lists, app.clock.now_ms());
    let groups = lists.approvals.open_reviews();
    let counted = &lists.counts.open_reviews;
    Ok(counted.get(app.db.writes(), now, groups).await?)
}

/// How many are open of those that the actor may see: every page says so.
pub(in crate::ops) async fn open(app: &App, actor: &Actor) -> Result<u32> {
    let seen = where_allowed(actor, Permission::See);
    let groups = open_groups(app).await?;
    let open = groups.iter().filter(|group| seen.have(&group.cluster));
    Ok(u32::try_from(open.map(|group| group.count).sum::<u64>()).unwrap_or(u32::MAX))
}

/// Closes one, with what was found. Not by whoever broke that glass, unless nobody else could. A plan that was not run
/// yet is rejected by it: what was looked into cannot happen afterwards.
pub async fn close(app: &App, actor: &Actor, id: &str, note: &str) -> Result<v1::Review> {
    authorize(app, actor, Permission::Approve, Place::Anywhere).await?;
    let note = text(note, 1, "review.note", "What was found")?;
    let missing = || {
        not_found(
            "review.missing",
            "Review not found. Look for it in the list of reviews.",
        )
    };
    let find = || app.lists.approvals.review(id);
    let review = find().await?.ok_or_else(missing)?;
    let place = Place::Cluster(&review.cluster);
    authorize(app, actor, Permission::Approve, place).await?;
    let rules = Rules::load(app).await?;
    if is_own(actor, &rules, &review.cluster, &review.broken_by_id) {
        return Err(precondition("review.own", OWN));
    }
    let draft = Draft {
        about: Some(About::Review { id: id.to_owned() }),
        plan: Some(review.plan_hash.clone()),
        cluster: named(&review.cluster),
        ..audit::draft(actor, act::REVIEW_CLOSE, format!("review {id}"))
    };
    let (here, by) = (app.clone(), actor.name.clone());
    let (which, note) = (id.to_owned(), note.to_owned());
    audit::carry(app, draft, |_| async move {
        let (approvals, now) = (&here.approvals, here.clock.now_ms());
        // What has expired need not be rejected.
        let plan = plans::current(&here, &review.plan_id).await?;
        if !approvals.close_review(&which, &by, now, &note).await? {
            return Err(precondition("review.closed", CLOSED));
        }
        let subject = match plan.state.is_alive() {
            true => format!("review {which}, with which plan {} is rejected", plan.id),
            false => format!("review {which}"),
        };
        Ok(Done {
            reason: note,
            subject: Some(subject),
            ..Done::plainly(())
        })
    })
    .await?;
    tracing::info!(review = %id, by = %actor.name, "closed the review of an override");
    let closed = find().await?.ok_or_else(missing)?;
    Ok(view(actor, &rules, closed))
}

const CLOSED: &str = "This review is already closed.";
/// What the person is told who overrode the approval.
const OWN: &str = "You made this override, or count as the person who did: a second person must close its review.";

/// Whether the actor counts as the person who broke that glass, and a second person could close its review.
pub(super) fn is_own(actor: &Actor, rules: &Rules, cluster: &str, broken_by_id: &str) -> bool {
    rules.are_one(&actor.user_id, broken_by_id)
        && rules.anybody_else_may_approve(cluster, broken_by_id)
}

/// For the API.
pub(super) fn view(actor: &Actor, rules: &Rules, review: Review) -> v1::Review {
    let place = Place::Cluster(&review.cluster);
    let why_not = if review.closed_ms != 0 {
        CLOSED.into()
    } else if let Err(denied) = actor.grants.allow(Permission::Approve, place) {
        denied.to_string()
    } else if actor.is_program() {
        "An API token cannot do this: sign in.".into()
    } else if is_own(actor, rules, &review.cluster, &review.broken_by_id) {
        OWN.into()
    } else {
        String::new()
    };
    v1::Review {
        you_can_close: why_not.is_empty(),
        why_not,
        ..shown::review(review)
    }
}
