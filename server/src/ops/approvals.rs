//! Approvals: who agreed to exactly this plan, whether that is enough, and what happens without.

mod inbox;
mod policies;
mod proof;
mod proposals;
mod reviews;
mod shown;
mod state;

use std::collections::HashMap;
use std::sync::Arc;

use requorum_shared::api::v1;
use requorum_shared::approval::accepted::{self, NotAccepted};
use requorum_shared::approval::{AcceptedWarning, Authorization, Judgement};
use requorum_shared::ledger::entry::{Draft, act};
use requorum_shared::permission::Permission;
use requorum_shared::recovery::Plan;

use self::state::ApprovalState;
pub(super) use self::state::{Rules, Wanted};
use super::audit::{self, Done};
use super::plans;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{ApiError, Result, bad_request, precondition, quoted};
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

/// The shortest reason for an override, in characters.
const MIN_REASON_CHARS: usize = 10;
/// The longest reason or note, in characters.
const MAX_REASON_CHARS: usize = 2_000;
/// A refusal names at most so many warnings.
const NAMED_WARNINGS: usize = 5;

/// How far a plan's approval is, and what the actor can add to it.
pub async fn get(app: &App, actor: &Actor, plan_id: &str) -> Result<v1::Approval> {
    let (row, plan_json) = plans::find_for(app, actor, Permission::See, plan_id).await?;
    let standing = ApprovalState::load(app, &row, &plan_json).await?;
    Ok(standing.view(actor, &row))
}

/// Where the approvals of many plans stand, by two statements.
async fn many(
    app: &App,
    rules: &Rules,
    rows: Vec<PlanRow>,
) -> Result<Vec<(PlanRow, ApprovalState)>> {
    let ids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
    let mut votes: HashMap<_, Vec<Vote>> = HashMap::new();
    for (plan, vote) in app.lists.approvals.votes_on(&ids).await? {
        votes.entry(plan).or_default().push(vote);
    }
    let reviews = app.lists.approvals.reviews_on(&ids).await?.into_iter();
    let mut reviews: HashMap<_, _> = reviews.map(|r| (r.plan_id.clone(), r)).collect();
    let mut electorates = HashMap::new();
    let standings = rows.into_iter().map(|row| {
        let electorate = electorates
            .entry(row.cluster.clone())
            .or_insert_with(|| Arc::new(rules.electorate(&row.cluster)));
        let votes = votes.remove(&row.id).unwrap_or_default();
        let review = reviews.remove(&row.id);
        let standing = ApprovalState::of(rules, &row, votes, review, electorate.clone());
        (row, standing)
    });
    Ok(standings.collect())
}

/// Approves a plan; bound to the hash that the approver has read, and to every warning of its report.
pub async fn approve(
    app: &App,
    actor: &Actor,
    id: &str,
    hash: &str,
    accepted: &[AcceptedWarning],
) -> Result<v1::PlanSummary> {
    let (row, plan_json) = plans::find_for(app, actor, Permission::Approve, id).await?;
    let draft = accepting(actor, act::PLAN_APPROVE, &row, &plan_json, accepted);
    plans::is_meant(app, &draft, &row, hash).await?;
    let (here, actor, hash) = (app.clone(), actor.clone(), hash.to_owned());
    let accepted = accepted.to_vec();
    audit::carry(app, draft, |entry| async move {
        let approved = agree(&here, &actor, &row.id, &hash, &accepted, entry).await?;
        Ok(Done::plainly(approved))
    })
    .await
}

/// What a person is about to do with a plan, whose warnings they accept. The entry names the plan's own warnings, and
/// nothing that a request made up: one that accepts others is refused.
pub(super) fn accepting(
    actor: &Actor,
    act: &str,
    row: &PlanRow,
    plan_json: &str,
    accepted: &[AcceptedWarning],
) -> Draft {
    let plan = serde_json::from_str::<Plan>(plan_json);
    let mut named = plan.map_or_else(|_| Vec::new(), |plan| accepted::warnings(&plan.report));
    named.retain(|warning| accepted.contains(warning));
    Draft {
        subject: accepted::subject(&row.id, &named),
        about: Some(accepted::about(&row.id, &named)),
        ..plans::of_plan(actor, act, row)
    }
}

/// The accepted warnings as they are kept: the plan's own names, in its order.
///
/// # Errors
/// When one of `needed` is missing, or one is not the plan's.
fn acceptance(
    standing: &ApprovalState,
    needed: &[AcceptedWarning],
    accepted: &[AcceptedWarning],
) -> Result<Vec<AcceptedWarning>> {
    let mut all = accepted::warnings(&standing.plan()?.report);
    accepted::check(&all, needed, accepted).map_err(not_accepted)?;
    all.retain(|warning| accepted.contains(warning));
    Ok(all)
}

fn not_accepted(why: NotAccepted) -> ApiError {
    let what = match why {
        NotAccepted::Foreign(AcceptedWarning { code, subject }) => format!(
            "The request accepts the warning {} about {}, which this plan does not have. Nothing was done. Read the \
             plan again.",
            quoted(&code),
            quoted(&subject)
        ),
        NotAccepted::Missing(missing) => {
            let shown: Vec<_> = missing
                .iter()
                .take(NAMED_WARNINGS)
                .map(AcceptedWarning::text)
                .collect();
            let more = match missing.len().saturating_sub(shown.len()) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let count = match missing.len() {
                1 => "1 warning of this plan is not accepted".to_owned(),
                n => format!("{n} warnings of this plan are not accepted"),
            };
            format!(
                "{count}: {}{more}. Nothing was done. Read the plan's warnings, and name each by code and subject in \
                 `accepted_warnings`.",
                shown.join(", ")
            )
        }
    };
    precondition("plan.warnings-not-accepted", what)
}

/// A plan that this person may run now: approved, not expired, and nothing it rests on has changed. Warnings that no
/// approval has accepted are accepted by running it.
pub(super) async fn ready_to_run(
    app: &App,
    actor: &Actor,
    id: &str,
    hash: &str,
    accepted: &[AcceptedWarning],
) -> Result<(PlanRow, String, Authorization)> {
    let (row, plan_json) = plans::alive(app, id, hash).await?;
    let grounds = may_run(app, actor, &row, &plan_json, Some(accepted)).await?;
    Ok((row, plan_json, grounds))
}

/// Agrees to a plan. The plan may be run as soon as its rule is kept.
async fn agree(
    app: &App,
    actor: &Actor,
    id: &str,
    hash: &str,
    accepted: &[AcceptedWarning],
    entry: u64,
) -> Result<v1::PlanSummary> {
    let (row, plan_json) = plans::alive(app, id, hash).await?;
    let standing = ApprovalState::load(app, &row, &plan_json).await?;
    if let Some(review) = &standing.review {
        return Err(precondition(
            "plan.glass-broken",
            format!(
                "{} overrode the approval of this plan. Review that, and close the review.",
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
        let accepted = acceptance(&standing, &standing.warnings()?, accepted)?;
        let vote = Vote {
            user_id: actor.user_id.clone(),
            user: actor.name.clone(),
            plan_hash: row.hash.clone(),
            at_ms: app.clock.now_ms(),
            entry: Some(entry),
            accepted: Some(accepted),
        };
        app.approvals.add_vote(id, &vote).await?;
        tracing::info!(plan = %id, hash = %row.hash, by = %actor.name, "agreed to a plan");
    }
    let standing = ApprovalState::load(app, &row, &plan_json).await?;
    // A server that was killed between the vote and this is made good by voting again.
    let became_ready = settle(app, &row, &standing).await?;
    if voted && !became_ready {
        return Err(precondition(
            "approval.twice",
            format!(
                "You already approved this plan. {}",
                standing.sentence(None)
            ),
        ));
    }
    Ok(plans::summary(plans::find(app, id).await?.0))
}

/// Lets a sealed plan be run when its rule is kept. `false` when it is not, or somebody else was quicker.
async fn settle(app: &App, row: &PlanRow, standing: &ApprovalState) -> Result<bool> {
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

/// Whether this person may run the plan now, and on what grounds; the last word before a job begins. `accepted` is what
/// they accept by it, and none where it is only asked whether they may.
async fn may_run(
    app: &App,
    actor: &Actor,
    row: &PlanRow,
    plan_json: &str,
    accepted: Option<&[AcceptedWarning]>,
) -> Result<Authorization> {
    let standing = ApprovalState::load(app, row, plan_json).await?;
    let by_running = || match accepted {
        Some(accepted) => acceptance(&standing, &standing.unaccepted()?, accepted),
        None => Ok(Vec::new()),
    };
    if standing.review.is_some() {
        proof::of_glass(app, row, &standing).await?;
        let policy = proof::of_policy(app, &standing).await?;
        return Ok(standing.grounds(actor, policy, by_running()?));
    }
    match standing.case(None).judge_run(&actor.user_id) {
        Judgement::Enough { .. } => {
            let policy = proof::of_approval(app, row, &standing).await?;
            let by_running = by_running()?;
            // A rule that asks for no approval: there was no vote to settle it.
            settle(app, row, &standing).await?;
            Ok(standing.grounds(actor, policy, by_running))
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

/// Lets a plan run that is not approved, for everyone to see. The plan is named by its id and its hash.
pub async fn break_glass(
    app: &App,
    actor: &Actor,
    (id, hash): (&str, &str),
    reason: &str,
    accepted: &[AcceptedWarning],
) -> Result<v1::Review> {
    let (row, plan_json) = plans::find_for(app, actor, Permission::BreakGlass, id).await?;
    let reason = text(reason, MIN_REASON_CHARS, "glass.reason", "The reason")?;
    let draft = accepting(actor, act::PLAN_BREAK_GLASS, &row, &plan_json, accepted);
    plans::is_meant(app, &draft, &row, hash).await?;
    let (here, actor) = (app.clone(), actor.clone());
    let (hash, reason, accepted) = (hash.to_owned(), reason.to_owned(), accepted.to_vec());
    audit::carry(app, draft, |entry| async move {
        let plan = (row.id.as_str(), hash.as_str());
        let review = let_run(&here, &actor, plan, &reason, &accepted, entry).await?;
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
    (id, hash): (&str, &str),
    reason: &str,
    accepted: &[AcceptedWarning],
    entry: u64,
) -> Result<v1::Review> {
    let (row, plan_json) = plans::alive(app, id, hash).await?;
    let standing = ApprovalState::load(app, &row, &plan_json).await?;
    proof::of_policy(app, &standing).await?;
    if !standing.allows_break_glass() {
        return Err(precondition("glass.not-allowed", state::NO_GLASS));
    }
    if may_run(app, actor, &row, &plan_json, None).await.is_ok() {
        return Err(precondition("glass.no-need", state::READY));
    }
    let accepted = acceptance(&standing, &standing.warnings()?, accepted)?;
    let now = app.clock.now_ms();
    let review = Review {
        id: random::id(),
        plan_id: row.id.clone(),
        plan_hash: row.hash.clone(),
        cluster: row.cluster.clone(),
        number: row.brief.number,
        outcome: row.outcome.clone(),
        broken_by_id: actor.user_id.clone(),
        broken_by: actor.name.clone(),
        broken_ms: now,
        reason: reason.into(),
        entry: Some(entry),
        accepted: Some(accepted),
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
        plan = %row.id, hash = %row.hash, by = %actor.name, "BREAK-GLASS OVERRIDE: a plan may run without approval"
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
            "{what} needs {least} to {MAX_REASON_CHARS} characters: others will read it later."
        ),
    ))
}
