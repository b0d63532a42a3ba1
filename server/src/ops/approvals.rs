//! Approvals: who agreed to exactly this plan, whether that is enough, and what happens without.

mod inbox;
mod policies;
mod proof;
mod proposals;
mod reviews;
mod shown;
mod standing;

use std::collections::HashMap;

use requorum_shared::api::v1;
use requorum_shared::approval::{Grounds, Judgement};
use requorum_shared::ledger::entry::act;
use requorum_shared::permission::Permission;

use self::standing::Standing;
pub(super) use self::standing::{Rules, Wanted};
use super::plans;
use super::record::{self, Done};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{ApiError, Result, bad_request, precondition};
use crate::plans::approvals::{Review, Vote};
use crate::plans::store::{Decision, PlanRow, PlanState};
use crate::random;

pub(super) use self::inbox::{open_plans, reviews_to_close};
pub use self::policies::{
    list as list_policies, preview as preview_policy, remove as remove_policy, set as set_policy,
};
pub use self::proposals::{
    confirm as confirm_policy, list as list_proposals, withdraw as withdraw_policy,
};
pub(super) use self::reviews::open as open_reviews;
pub use self::reviews::{close as close_review, list as list_reviews};

/// The shortest reason for breaking the glass, in characters.
const MIN_REASON_CHARS: usize = 10;
/// The longest reason or note, in characters.
const MAX_REASON_CHARS: usize = 2_000;

/// How far a plan's approval is, and what the actor can add to it.
pub async fn get(app: &App, actor: &Actor, plan_id: &str) -> Result<v1::Approval> {
    let (row, plan_json) = plans::find_for(app, actor, Permission::See, plan_id).await?;
    let standing = Standing::load(app, &row, &plan_json).await?;
    Ok(standing.view(actor, &row))
}

/// Where the approvals of many plans stand, by two statements.
async fn many(app: &App, rules: &Rules, rows: Vec<PlanRow>) -> Result<Vec<(PlanRow, Standing)>> {
    let ids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
    let mut votes: HashMap<_, Vec<Vote>> = HashMap::new();
    for (plan, vote) in app.lists.approvals.votes_on(&ids).await? {
        votes.entry(plan).or_default().push(vote);
    }
    let reviews = app.lists.approvals.reviews_on(&ids).await?.into_iter();
    let mut reviews: HashMap<_, _> = reviews.map(|r| (r.plan_id.clone(), r)).collect();
    let standings = rows.into_iter().map(|row| {
        let votes = votes.remove(&row.id).unwrap_or_default();
        let review = reviews.remove(&row.id);
        let standing = Standing::of(rules, &row, votes, review, &row.cluster);
        (row, standing)
    });
    Ok(standings.collect())
}

/// Approves a plan; bound to the hash that the approver has read.
pub async fn approve(app: &App, actor: &Actor, id: &str, hash: &str) -> Result<v1::PlanSummary> {
    let (row, _) = plans::find_for(app, actor, Permission::Approve, id).await?;
    let draft = plans::of_plan(actor, act::PLAN_APPROVE, &row);
    plans::is_meant(app, &draft, &row, hash).await?;
    let (here, actor, hash) = (app.clone(), actor.clone(), hash.to_owned());
    record::carry(app, draft, |entry| async move {
        let approved = agree(&here, &actor, &row.id, &hash, entry).await?;
        Ok(Done::plainly(approved))
    })
    .await
}

/// A plan that this person may run now: approved, not expired, and nothing it rests on has changed.
pub(super) async fn ready_to_run(
    app: &App,
    actor: &Actor,
    id: &str,
    hash: &str,
) -> Result<(PlanRow, String, Grounds)> {
    let (row, plan_json) = plans::alive(app, id, hash).await?;
    let grounds = may_run(app, actor, &row, &plan_json).await?;
    Ok((row, plan_json, grounds))
}

/// Agrees to a plan. The plan may be run as soon as its rule is kept.
async fn agree(
    app: &App,
    actor: &Actor,
    id: &str,
    hash: &str,
    entry: u64,
) -> Result<v1::PlanSummary> {
    let (row, plan_json) = plans::alive(app, id, hash).await?;
    let standing = Standing::load(app, &row, &plan_json).await?;
    if let Some(review) = &standing.review {
        return Err(precondition(
            "plan.glass-broken",
            format!(
                "{} let this plan run without approval. Look into that, and close its review.",
                review.broken_by
            ),
        ));
    }
    let voted = standing.has_vote_of(&actor.user_id);
    if !voted {
        // Once there are enough, one more does no harm, and lets another person run it.
        if row.state == PlanState::Sealed && !standing.case(None).helps(&actor.user_id) {
            return Err(precondition("approval.own", standing.why_not(actor)));
        }
        let vote = Vote {
            user_id: actor.user_id.clone(),
            user: actor.name.clone(),
            plan_hash: row.hash.clone(),
            at_ms: app.clock.now_ms(),
            entry: Some(entry),
        };
        app.approvals.add_vote(id, &vote).await?;
        tracing::info!(plan = %id, hash = %row.hash, by = %actor.name, "agreed to a plan");
    }
    let standing = Standing::load(app, &row, &plan_json).await?;
    // A server that was killed between the vote and this is made good by voting again.
    let became_ready = settle(app, &row, &standing).await?;
    if voted && !became_ready {
        return Err(precondition(
            "approval.twice",
            format!(
                "You agreed to this plan already. {}",
                standing.sentence(None)
            ),
        ));
    }
    Ok(plans::summary(plans::find(app, id).await?.0))
}

/// Lets a sealed plan be run when its rule is kept. `false` when it is not, or somebody else was quicker.
async fn settle(app: &App, row: &PlanRow, standing: &Standing) -> Result<bool> {
    let Judgement::Enough { alone } = standing.case(None).judge() else {
        return Ok(false);
    };
    if row.state != PlanState::Sealed {
        return Ok(false);
    }
    let decision = Decision {
        state: PlanState::Approved,
        by: standing.voters(),
        at_ms: app.clock.now_ms(),
        reason: standing.remark(alone),
    };
    let decided = app
        .plans
        .decide_plan(&row.id, PlanState::Sealed, &decision)
        .await?;
    tracing::info!(plan = %row.id, by = %decision.by, alone, decided, "approved a plan");
    Ok(decided)
}

/// Whether this person may run the plan now, and on what grounds; the last word before a job begins.
pub(super) async fn may_run(
    app: &App,
    actor: &Actor,
    row: &PlanRow,
    plan_json: &str,
) -> Result<Grounds> {
    let standing = Standing::load(app, row, plan_json).await?;
    if standing.review.is_some() {
        proof::of_glass(app, row, &standing).await?;
        let policy = proof::of_policy(app, &standing).await?;
        return Ok(standing.grounds(actor, policy));
    }
    match standing.case(None).judge_run(&actor.user_id) {
        Judgement::Enough { .. } => {
            let policy = proof::of_approval(app, row, &standing).await?;
            // A rule that asks for nobody: there was no vote to settle it.
            settle(app, row, &standing).await?;
            Ok(standing.grounds(actor, policy))
        }
        Judgement::More(_) => Err(precondition(
            "plan.not-approved",
            standing.sentence(Some(actor)),
        )),
        Judgement::Second => Err(precondition(
            "plan.second-person",
            standing.sentence(Some(actor)),
        )),
    }
}

/// Lets a plan be run that nobody approved, for everybody to see.
pub async fn break_glass(
    app: &App,
    actor: &Actor,
    id: &str,
    hash: &str,
    reason: &str,
) -> Result<v1::Review> {
    let (row, _) = plans::find_for(app, actor, Permission::BreakGlass, id).await?;
    let reason = text(reason, MIN_REASON_CHARS, "glass.reason", "The reason")?;
    let draft = plans::of_plan(actor, act::PLAN_BREAK_GLASS, &row);
    plans::is_meant(app, &draft, &row, hash).await?;
    let (here, actor) = (app.clone(), actor.clone());
    let (hash, reason) = (hash.to_owned(), reason.to_owned());
    record::carry(app, draft, |entry| async move {
        let review = let_run(&here, &actor, &row.id, &hash, &reason, entry).await?;
        Ok(Done {
            reason,
            ..Done::plainly(review)
        })
    })
    .await
}

async fn let_run(
    app: &App,
    actor: &Actor,
    id: &str,
    hash: &str,
    reason: &str,
    entry: u64,
) -> Result<v1::Review> {
    let (row, plan_json) = plans::alive(app, id, hash).await?;
    let standing = Standing::load(app, &row, &plan_json).await?;
    proof::of_policy(app, &standing).await?;
    if !standing.policy.break_glass {
        return Err(precondition("glass.not-allowed", standing::NO_GLASS));
    }
    if may_run(app, actor, &row, &plan_json).await.is_ok() {
        return Err(precondition(
            "glass.no-need",
            "The plan may be run as it is. Run it.",
        ));
    }
    let now = app.clock.now_ms();
    let review = Review {
        id: random::id(),
        plan_id: row.id.clone(),
        plan_hash: row.hash.clone(),
        cluster: row.cluster.clone(),
        outcome: row.outcome.clone(),
        broken_by_id: actor.user_id.clone(),
        broken_by: actor.name.clone(),
        broken_ms: now,
        reason: reason.into(),
        entry: Some(entry),
        ..Review::default()
    };
    let decision = Decision {
        state: PlanState::Approved,
        by: actor.name.clone(),
        at_ms: now,
        reason: format!("Without approval: {reason}"),
    };
    if !app
        .approvals
        .break_glass(row.state, &decision, &review)
        .await?
    {
        return Err(plans::decided_meanwhile());
    }
    tracing::warn!(
        plan = %row.id, hash = %row.hash, by = %actor.name, "THE GLASS WAS BROKEN: a plan may be run without approval"
    );
    Ok(reviews::view(actor, &Rules::load(app).await?, review))
}

/// A text that a person must write.
fn text<'a>(
    text: &'a str,
    least: usize,
    code: &'static str,
    what: &str,
) -> Result<&'a str, ApiError> {
    let text = text.trim();
    if (least..=MAX_REASON_CHARS).contains(&text.chars().count()) {
        return Ok(text);
    }
    Err(bad_request(
        code,
        format!(
            "{what} needs {least} to {MAX_REASON_CHARS} characters: others will read it, long after tonight."
        ),
    ))
}
