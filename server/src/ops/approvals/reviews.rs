//! Reviews of plans that were run without approval: open until an approver has looked into it.

use requorum_shared::api::v1;
use requorum_shared::ledger::entry::{Draft, act};
use requorum_shared::permission::{Permission, Place};

use super::text;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{Result, not_found, precondition};
use crate::ops::permit::permit;
use crate::ops::record;
use crate::plans::approvals::Review;

/// The open ones, or all, newest first.
pub async fn list(app: &App, actor: &Actor, closed_too: bool) -> Result<v1::ListReviewsResponse> {
    permit(app, actor, Permission::See, Place::Console).await?;
    Ok(v1::ListReviewsResponse {
        reviews: app
            .approvals
            .reviews()
            .await?
            .into_iter()
            .filter(|review| closed_too || review.closed_ms == 0)
            .map(view)
            .collect(),
    })
}

/// How many are open: every page says so.
pub(in crate::ops) async fn open(app: &App) -> Result<u32> {
    let reviews = app.approvals.reviews().await?;
    let open = reviews.iter().filter(|review| review.closed_ms == 0);
    Ok(u32::try_from(open.count()).unwrap_or(u32::MAX))
}

/// Closes one, with what was found. Not by whoever broke that glass, unless nobody else could.
pub async fn close(app: &App, actor: &Actor, id: &str, note: &str) -> Result<v1::Review> {
    permit(app, actor, Permission::Approve, Place::Console).await?;
    let note = text(note, 1, "review.note", "What was found")?;
    let missing = || {
        not_found(
            "review.missing",
            "There is no such review. The list has those that there are.",
        )
    };
    let review = find(app, id).await?.ok_or_else(missing)?;
    let others = app.people.list().await?.into_iter().any(|user| {
        user.id != review.broken_by_id
            && user.is_usable()
            && user
                .grants
                .allow(Permission::Approve, Place::Console)
                .is_ok()
    });
    if review.broken_by_id == actor.user_id && others {
        return Err(precondition(
            "review.own",
            "You broke this glass: somebody else must close its review.",
        ));
    }
    let draft = Draft {
        plan: Some(review.plan_hash),
        ..record::draft(actor, act::REVIEW_CLOSE, format!("review {id}"))
    };
    record::act(app, draft, async {
        let now = app.clock.now_ms();
        if app
            .approvals
            .close_review(id, &actor.name, now, note)
            .await?
        {
            return Ok(());
        }
        Err(precondition(
            "review.closed",
            "This review is closed already.",
        ))
    })
    .await?;
    tracing::info!(review = %id, by = %actor.name, "closed the review of a broken glass");
    find(app, id).await?.map(view).ok_or_else(missing)
}

async fn find(app: &App, id: &str) -> Result<Option<Review>> {
    let reviews = app.approvals.reviews().await?;
    Ok(reviews.into_iter().find(|review| review.id == id))
}

/// For the API.
pub(super) fn view(review: Review) -> v1::Review {
    v1::Review {
        id: review.id,
        plan_id: review.plan_id,
        plan_hash: review.plan_hash,
        outcome: review.outcome,
        broken_by: review.broken_by,
        broken_at_ms: review.broken_ms,
        reason: review.reason,
        closed_by: review.closed_by,
        closed_at_ms: review.closed_ms,
        note: review.note,
        job_id: review.job_id,
    }
}
