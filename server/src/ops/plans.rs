//! Check, seal, approve. Nothing here changes anything but the plan's own row: planning changes nothing.

mod inputs;
mod list;
mod observing;
mod recheck;

use requorum_shared::api::v1;
use requorum_shared::approval::Reversibility;
use requorum_shared::canonical::sha256_hex;
use requorum_shared::finding::{Finding, Report, Severity};
use requorum_shared::ledger::about::About;
use requorum_shared::ledger::entry::{Draft, act, named};
use requorum_shared::number;
use requorum_shared::permission::{Permission, Place};
use requorum_shared::plan::{Seal, short_name};
use requorum_shared::recovery::{self, Input, KINDS, Observation, Request};
use tokio::time::Instant;

use self::inputs::observe;
pub use self::list::list;
pub(super) use self::list::{naming, open_where, resting_on, shown, under_way_on};
pub(super) use self::observing::look_at_those_of;
pub use self::observing::{look_at_open, watch};
use self::recheck::Again;
use super::audit::{self, Done};
use super::authorize::authorize;
use super::stored;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::clock;
use crate::error::{
    ApiError, Kind, Result, bad_request, conflict, not_found, precondition, quoted,
};
use crate::limits::OPEN_PLANS_PER_PERSON;
use crate::plans::brief::Brief;
use crate::plans::store::{Added, Decision, InputKind, PlanInput, PlanRow, PlanState};
use crate::random;

/// By how much the clocks of two servers may differ, in milliseconds.
const CLOCKS_DIFFER_MS: i64 = 5 * 60_000;
/// How long a sealed plan may be run, in milliseconds.
pub const EXPIRES_AFTER_MS: i64 = 24 * 3_600_000;
/// The longest request that is looked at, in bytes: that of 31 members with long names is a tenth of it.
pub const MAX_REQUEST_BYTES: usize = 256 << 10;
/// The longest reason, in characters.
const MAX_REASON_CHARS: usize = 2_000;

/// What the check says of a request, now.
pub async fn check(
    app: &App,
    actor: &Actor,
    kind: &str,
    request_json: &str,
) -> Result<Vec<v1::Finding>> {
    authorize(app, actor, Permission::Plan, Place::Anywhere).await?;
    let request = parse(kind, request_json)?;
    let (request, observation) = observe_for(app, actor, request).await?;
    let check = move || Ok(findings(&recovery::check(&request, &observation)));
    app.work.run(&actor.user_id, check).await
}

/// Seals a plan, unless something blocks.
pub async fn seal(
    app: &App,
    actor: &Actor,
    kind: &str,
    request_json: &str,
) -> Result<v1::PlanSummary> {
    authorize(app, actor, Permission::Plan, Place::Anywhere).await?;
    if list::count_open(app, actor).await? >= u64::from(OPEN_PLANS_PER_PERSON) {
        return Err(too_many_open());
    }
    let request = parse(kind, request_json)?;
    let (request, observation) = observe_for(app, actor, request).await?;
    let seen = observing::keep(app, &request, &observation).await?;
    let files = request.inputs().into_iter();
    let mut inputs: Vec<_> = files
        .map(|Input::File(id)| PlanInput {
            kind: InputKind::File,
            id,
        })
        .collect();
    inputs.push(PlanInput {
        kind: InputKind::Observation,
        id: seen.id,
    });
    let id = random::id();
    let now = app.clock.now_ms();
    let sealed_at = clock::text(now);
    let (plan, outline) = {
        let seal = Seal {
            id: id.clone(),
            author: actor.name.clone(),
            sealed_at,
            cluster: observation.cluster().to_owned(),
        };
        let plan = move || {
            let plan = recovery::plan(&request, &observation, seal);
            let plan = plan.map_err(|report| blocked(&report))?;
            Ok::<_, ApiError>((plan, recovery::outline(&request, &observation)))
        };
        app.work.run(&actor.user_id, plan).await?
    };
    let mut row = PlanRow {
        id,
        hash: plan.hash(),
        cluster: plan.cluster.clone(),
        outcome: plan.whole_outcome(),
        author_id: actor.user_id.clone(),
        author: actor.name.clone(),
        sealed_ms: now,
        expires_ms: now + EXPIRES_AFTER_MS,
        state: PlanState::Sealed,
        decided_by: String::new(),
        decided_ms: 0,
        reason: String::new(),
        inputs,
        job_id: String::new(),
        run_by: String::new(),
        broke_glass: false,
        entry: None,
        weight: Reversibility::of(&plan),
        brief: Brief { number: 0, outline },
    };
    let draft = of_plan(actor, act::PLAN_SEAL, &row);
    let (plans, new, json) = (app.plans.clone(), row.clone(), plan.canonical_json());
    row.brief.number = audit::carry(app, draft, move |entry| async move {
        let new = PlanRow {
            entry: Some(entry),
            ..new
        };
        match plans.add_plan(&new, &json, OPEN_PLANS_PER_PERSON).await? {
            Added::Sealed(number) => Ok(Done::plainly(number)),
            Added::TooMany => Err(too_many_open()),
            Added::FileRemoved(_) => Err(stored::removed()),
        }
    })
    .await?;
    tracing::info!(plan = %row.id, hash = %row.hash, author = %row.author, "sealed a plan");
    Ok(summary(row))
}

/// One plan, with what has changed since it was sealed, as far as was seen. Nothing is looked at for it, and nothing
/// changes.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<v1::GetPlanResponse> {
    let (row, plan_json) = find_for(app, actor, Permission::See, id).await?;
    let row = shown(row, app.clock.now_ms());
    let by_newest = match row.state {
        // What invalidated it stays to be seen.
        PlanState::Sealed | PlanState::Approved | PlanState::Invalidated => {
            recheck::by_newest(app, &actor.user_id, &plan_json).await?
        }
        _ => Again::default(),
    };
    let seen = by_newest.seen.filter(|_| row.state.is_alive());
    let (observation, check) = seen.map(|seen| (seen.observation, seen.check)).unzip();
    Ok(v1::GetPlanResponse {
        inputs: row.inputs.iter().map(input).collect(),
        plan: Some(summary(row)),
        plan_json,
        drift: findings(&by_newest.drift),
        observation: observation.map(observing::view),
        check: check.unwrap_or_default(),
    })
}

/// Rejects a plan, with a reason.
pub async fn reject(
    app: &App,
    actor: &Actor,
    id: &str,
    hash: &str,
    reason: &str,
) -> Result<v1::PlanSummary> {
    let (row, _) = find_for(app, actor, Permission::Approve, id).await?;
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > MAX_REASON_CHARS {
        return Err(bad_request(
            "plan.reason",
            format!(
                "A rejection needs a reason of 1 to {MAX_REASON_CHARS} characters, for the plan's author."
            ),
        ));
    }
    let draft = of_plan(actor, act::PLAN_REJECT, &row);
    is_meant(app, &draft, &row, hash).await?;
    let (here, actor) = (app.clone(), actor.clone());
    let (hash, reason) = (hash.to_owned(), reason.to_owned());
    audit::carry(app, draft, |_| async move {
        let no = (PlanState::Rejected, reason.as_str());
        let rejected = decide_against(&here, &actor, &row.id, &hash, no).await?;
        Ok(Done {
            reason,
            ..Done::plainly(rejected)
        })
    })
    .await
}

/// Takes a plan back that was not run yet: for its author, with a reason or without.
pub async fn withdraw(
    app: &App,
    actor: &Actor,
    id: &str,
    hash: &str,
    reason: &str,
) -> Result<v1::PlanSummary> {
    let (row, _) = find_for(app, actor, Permission::Plan, id).await?;
    let reason = reason.trim();
    if reason.chars().count() > MAX_REASON_CHARS {
        return Err(bad_request(
            "plan.reason",
            format!("The reason for a withdrawal has at most {MAX_REASON_CHARS} characters."),
        ));
    }
    let draft = of_plan(actor, act::PLAN_WITHDRAW, &row);
    if row.author_id != actor.user_id {
        let error = not_the_author(&row);
        audit::refused(app, draft, &error).await;
        return Err(error);
    }
    is_meant(app, &draft, &row, hash).await?;
    let (here, actor) = (app.clone(), actor.clone());
    let (hash, reason) = (hash.to_owned(), reason.to_owned());
    audit::carry(app, draft, |_| async move {
        let back = (PlanState::Withdrawn, reason.as_str());
        let withdrawn = decide_against(&here, &actor, &row.id, &hash, back).await?;
        Ok(Done {
            reason,
            ..Done::plainly(withdrawn)
        })
    })
    .await
}

/// What somebody is about to do with a plan: the one that was looked up, whatever hash they name.
pub(super) fn of_plan(actor: &Actor, act: &str, plan: &PlanRow) -> Draft {
    Draft {
        about: Some(About::plan(&plan.id)),
        plan: Some(plan.hash.clone()),
        cluster: named(&plan.cluster),
        ..audit::draft(actor, act, format!("plan {}", plan.id))
    }
}

/// For whoever names the wrong plan again and again: nothing is begun any more, and no entry is written for each try.
pub(super) async fn is_meant(app: &App, draft: &Draft, row: &PlanRow, hash: &str) -> Result<()> {
    if !app.floods.is_often(draft, Instant::now()) {
        return Ok(());
    }
    if let Err(error) = same_hash(row, hash) {
        audit::refused(app, draft.clone(), &error).await;
        return Err(error);
    }
    Ok(())
}

/// The plan, for somebody who may do this with those of its cluster.
pub(super) async fn find_for(
    app: &App,
    actor: &Actor,
    permission: Permission,
    id: &str,
) -> Result<(PlanRow, String)> {
    authorize(app, actor, permission, Place::Anywhere).await?;
    let found = find(app, id).await?;
    authorize(app, actor, permission, Place::Cluster(&found.0.cluster)).await?;
    Ok(found)
}

/// A plan that may be approved or run now, and is the one that was read.
pub(super) async fn alive(app: &App, id: &str, hash: &str) -> Result<(PlanRow, String)> {
    let (row, plan_json, again) = open(app, id, hash).await?;
    if again.hindrances.findings.is_empty() {
        return Ok((row, plan_json));
    }
    Err(precondition(
        "plan.not-now",
        format!(
            "The plan cannot be approved or run now. {} The plan stays valid until it expires: try again once this is \
             resolved.",
            blocking(&again.hindrances).join(" ")
        ),
    ))
}

/// A plan that may still come to be run, and is the one that was read.
async fn open(app: &App, id: &str, hash: &str) -> Result<(PlanRow, String, Again)> {
    let (row, plan_json) = find(app, id).await?;
    same_hash(&row, hash)?;
    unchanged(&row, &plan_json)?;
    let (row, again) = look_again(app, id, row, &plan_json).await?;
    if row.state.is_alive() {
        if !again.drift.findings.is_empty() {
            // An approval came in between, so that it was not invalidated: the next look does that.
            return Err(decided_meanwhile());
        }
        if row.sealed_ms > app.clock.now_ms().saturating_add(CLOCKS_DIFFER_MS) {
            return Err(precondition(
                "plan.from-the-future",
                format!(
                    "This plan was sealed at {}, which has not come yet: the server's clock was set back since. Check \
                     the clock, or create a new plan.",
                    clock::text(row.sealed_ms)
                ),
            ));
        }
        return Ok((row, plan_json, again));
    }
    Err(dead(&row, &again.drift))
}

/// Closes a plan: a person says that it is not to be run.
async fn decide_against(
    app: &App,
    actor: &Actor,
    id: &str,
    hash: &str,
    (state, reason): (PlanState, &str),
) -> Result<v1::PlanSummary> {
    // What the plan rests on is not looked at: that it is not to be run can be said while a store is out of reach.
    let (row, plan_json) = find(app, id).await?;
    same_hash(&row, hash)?;
    unchanged(&row, &plan_json)?;
    let mut row = shown(row, app.clock.now_ms());
    if !row.state.is_alive() {
        return Err(dead(&row, &Report::default()));
    }
    let decision = Decision {
        state,
        by: actor.name.clone(),
        at_ms: app.clock.now_ms(),
        reason: reason.into(),
    };
    if !app.plans.decide_plan(id, row.state, &decision).await? {
        return Err(decided_meanwhile());
    }
    tracing::info!(plan = %id, hash = %row.hash, by = %actor.name, state = state.word(), "closed a plan");
    apply(&mut row, decision);
    Ok(summary(row))
}

/// Looks again, while the plan may still come to be run, and invalidates it where something has changed. It is done on
/// account of whoever asked, or of the plan itself.
async fn look_again(
    app: &App,
    account: &str,
    row: PlanRow,
    plan_json: &str,
) -> Result<(PlanRow, Again)> {
    let row = shown(row, app.clock.now_ms());
    if !row.state.is_alive() {
        return Ok((row, Again::default()));
    }
    let again = recheck::now(app, account, plan_json).await?;
    if again.drift.findings.is_empty() {
        return Ok((row, again));
    }
    let found = &again.drift.findings;
    let codes = found.iter().map(|f| f.code.clone()).collect();
    let what: Vec<_> = found.iter().map(|f| f.what.as_str()).collect();
    observing::invalidate(app, &row, codes, what.join(" ")).await?;
    // Where another decision came first, it is there now.
    Ok((find(app, &row.id).await?.0, again))
}

/// The plan as it is now.
pub(super) async fn current(app: &App, id: &str) -> Result<PlanRow> {
    let (row, _) = find(app, id).await?;
    Ok(shown(row, app.clock.now_ms()))
}

fn too_early(row: &PlanRow) -> String {
    format!(
        "It was sealed at {}, which has not come yet: the server's clock was wrong then.",
        clock::text(row.sealed_ms)
    )
}

fn expired(row: &PlanRow) -> String {
    format!("It was not run before {}.", clock::text(row.expires_ms))
}

fn apply(row: &mut PlanRow, decision: Decision) {
    row.state = decision.state;
    row.decided_by = decision.by;
    row.decided_ms = decision.at_ms;
    row.reason = decision.reason;
}

/// The request and what it rests on, for somebody who may plan with what belongs to its cluster. Nothing is looked at
/// for anybody else.
async fn observe_for(app: &App, actor: &Actor, request: Request) -> Result<(Request, Observation)> {
    for Input::File(id) in request.inputs() {
        let (file, _) = stored::find(app, &id).await?;
        authorize(app, actor, Permission::Plan, Place::Cluster(&file.cluster)).await?;
    }
    let observation = observe(app, &actor.user_id, &request).await?;
    // Its files may be of another cluster by now.
    let place = Place::Cluster(observation.cluster());
    authorize(app, actor, Permission::Plan, place).await?;
    Ok((request, observation))
}

pub(super) async fn find(app: &App, id: &str) -> Result<(PlanRow, String)> {
    app.plans.plan(id).await?.ok_or_else(|| {
        not_found(
            "plan.unknown",
            "Plan not found. Look for it in the list of plans.",
        )
    })
}

pub(super) fn decided_meanwhile() -> ApiError {
    precondition(
        "plan.decided",
        "Another person decided about this plan a moment ago. Read it again.",
    )
}

fn not_the_author(row: &PlanRow) -> ApiError {
    ApiError::new(
        Kind::Forbidden,
        "plan.not-yours",
        format!(
            "Only its author can withdraw a plan, and this one is {}'s. Ask them, or have an approver reject it.",
            row.author
        ),
    )
}

fn too_many_open() -> ApiError {
    ApiError::new(
        Kind::TooMany,
        "plan.too-many",
        format!(
            "You have {OPEN_PLANS_PER_PERSON} plans that can still be run, and no person may have more. Run some, or \
             withdraw those that are not needed; the others expire 24 hours after they were sealed."
        ),
    )
}

fn same_hash(row: &PlanRow, hash: &str) -> Result<()> {
    if row.hash == hash {
        return Ok(());
    }
    Err(precondition(
        "plan.other-hash",
        format!(
            "This is not the plan that was read: its hash is {}, and the request names {}. Read the plan again.",
            row.hash,
            quoted(hash)
        ),
    )
    .with_claim("the request named", hash))
}

/// Whoever can write to the database could put another plan under an approved hash.
fn unchanged(row: &PlanRow, plan_json: &str) -> Result<()> {
    if sha256_hex(plan_json.as_bytes()) == row.hash {
        return Ok(());
    }
    tracing::error!(plan = %row.id, "a plan in the database is not the one that was sealed");
    Err(precondition(
        "plan.changed",
        format!(
            "The plan in the database was changed after it was sealed: it does not have the hash {} any more. \
             Nothing was done. Find out who can write to the database, and seal a new plan.",
            row.hash
        ),
    ))
}

fn dead(row: &PlanRow, drift: &Report) -> ApiError {
    let why = if drift.findings.is_empty() && row.reason.is_empty() {
        String::new()
    } else {
        format!(" {}", row.reason)
    };
    match row.state {
        PlanState::Used => conflict(
            "plan.used",
            format!(
                "The plan was already run, by job {}. Create a new plan.",
                row.job_id
            ),
        ),
        PlanState::Invalidated => precondition(
            "plan.invalidated",
            format!("The plan is invalidated.{why} Create a new plan."),
        ),
        PlanState::Expired => precondition(
            "plan.expired",
            format!("The plan has expired.{why} Create a new plan."),
        ),
        PlanState::Rejected => precondition(
            "plan.rejected",
            format!(
                "The plan was rejected by {}{} Create a new plan.",
                row.decided_by,
                said(&row.reason)
            ),
        ),
        PlanState::Withdrawn => precondition(
            "plan.withdrawn",
            format!(
                "The plan was withdrawn by {}{} Create a new plan.",
                row.decided_by,
                said(&row.reason)
            ),
        ),
        state => precondition(
            "plan.decided",
            format!("The plan is already {}.", state.word()),
        ),
    }
}

/// A person's reason at the end of a sentence, whatever it ends with itself.
fn said(reason: &str) -> String {
    match reason {
        "" => ".".to_owned(),
        reason if reason.ends_with(['.', '!', '?']) => format!(": {reason}"),
        reason => format!(": {reason}."),
    }
}

fn parse(kind: &str, request_json: &str) -> Result<Request> {
    if !KINDS.contains(&kind) {
        return Err(bad_request(
            "plan.kind",
            format!(
                "{} is not a known kind of request. The kinds are: {}.",
                quoted(kind),
                KINDS.join(", ")
            ),
        ));
    }
    if request_json.len() > MAX_REQUEST_BYTES {
        return Err(ApiError::new(
            Kind::TooLarge,
            "plan.request-size",
            format!(
                "The request has {}, and at most {} are accepted. Nothing was done. Ask for one recovery of one cluster: \
                 the schema is at /api/schemas/{kind}.json.",
                number::bytes(request_json.len() as u64),
                number::bytes(MAX_REQUEST_BYTES as u64)
            ),
        ));
    }
    recovery::read(kind, request_json).map_err(|error| {
        bad_request(
            "plan.request",
            format!(
                "The request was not understood: {error}. Its schema is at /api/schemas/{kind}.json, and \
                 `requorum schema {kind}` prints it."
            ),
        )
    })
}

fn input(input: &PlanInput) -> v1::PlanInput {
    v1::PlanInput {
        kind: match input.kind {
            InputKind::File => v1::InputKind::File,
            InputKind::Observation => v1::InputKind::Observation,
        }
        .into(),
        id: input.id.clone(),
    }
}

/// What blocks, a sentence each with what to do about it.
fn blocking(report: &Report) -> Vec<String> {
    let findings = report.findings.iter();
    let blocking = findings.filter(|f| f.severity == Severity::Blocking);
    let said = |f: &Finding| {
        let text = format!("{}: {} {}", f.subject, f.what, f.todo);
        text.trim_end().to_owned()
    };
    blocking.map(said).collect()
}

fn blocked(report: &Report) -> ApiError {
    let blocking = blocking(report);
    precondition(
        "plan.blocked",
        format!(
            "No plan was sealed, because of {}. {}",
            match blocking.len() {
                1 => "1 blocking finding".to_owned(),
                n => format!("{n} blocking findings"),
            },
            blocking.join(" ")
        ),
    )
}

fn findings(report: &Report) -> Vec<v1::Finding> {
    report.findings.iter().map(v1::Finding::from).collect()
}

pub(super) fn summary(row: PlanRow) -> v1::PlanSummary {
    v1::PlanSummary {
        expires_at_ms: if row.state.is_alive() {
            row.expires_ms
        } else {
            0
        },
        state: v1::PlanState::from(row.state).into(),
        id: row.id,
        hash: row.hash,
        number: row.brief.number,
        name: short_name(&row.cluster, row.brief.number),
        headline: row.brief.outline.headline.iter().map(Into::into).collect(),
        file_names: row.brief.outline.file_names,
        target: row.brief.outline.target,
        cluster: row.cluster,
        outcome: row.outcome,
        author: row.author,
        sealed_at_ms: row.sealed_ms,
        decided_by: row.decided_by,
        decided_at_ms: row.decided_ms,
        reason: row.reason,
        job_id: row.job_id,
        run_by: row.run_by,
        broke_glass: row.broke_glass,
    }
}
