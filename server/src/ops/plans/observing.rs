//! Looking at what plans rest on: when one is sealed, approved or started, and by a task in between. Whoever opens a plan
//! is shown what was seen last, and when.

use std::collections::BTreeSet;
use std::time::Duration;

use requorum_shared::api::v1;
use requorum_shared::ledger::about::About;
use requorum_shared::ledger::entry::{CONSOLE, Draft, act, named};
use requorum_shared::recovery::{self, Plan, Request};

use super::{find, list, look_again};
use crate::app::App;
use crate::error::{Result, internal};
use crate::observations::{Observation, Source};
use crate::ops::audit::{self, Done};
use crate::paging::{Clusters, Cursor, MOST, Slice};
use crate::plans::list::PlanFilter;
use crate::plans::store::{Decision, PlanRow, PlanState};
use crate::random;

/// How long the task rests once it has looked at everything.
const EVERY: Duration = Duration::from_secs(60);
/// How long it rests after each plan: with thousands of them it takes a small part of a processor.
const BETWEEN: Duration = Duration::from_millis(50);

/// Keeps what was seen for a request.
pub(super) async fn keep(
    app: &App,
    request: &Request,
    seen: &recovery::Observation,
) -> Result<Observation> {
    let sources = seen.sources().into_iter();
    let row = Observation {
        id: random::id(),
        kind: request.kind().to_owned(),
        subject: request.subject(),
        taken_ms: app.clock.now_ms(),
        place: app.data_dir.name().to_owned(),
        sources: sources
            .map(|(name, failure)| Source {
                name: name.to_owned(),
                failure,
            })
            .collect(),
        body_json: serde_json::to_string(seen).map_err(internal)?,
    };
    app.observations.add_observation(&row).await?;
    Ok(row)
}

/// For the API.
pub(super) fn view(row: Observation) -> v1::Observation {
    let source = |source: Source| v1::ObservationSource {
        name: source.name,
        outcome: match source.failure {
            None => v1::SourceOutcome::Seen,
            Some(_) => v1::SourceOutcome::Failed,
        }
        .into(),
        detail: source.failure.unwrap_or_default(),
    };
    v1::Observation {
        id: row.id,
        kind: row.kind,
        subject: row.subject,
        taken_at_ms: row.taken_ms,
        sources: row.sources.into_iter().map(source).collect(),
        body_json: row.body_json,
    }
}

/// Looks at what open plans rest on, again and again, until the server stops.
pub async fn watch(app: App) {
    loop {
        tokio::time::sleep(EVERY).await;
        if let Err(error) = look_at_open(&app, BETWEEN).await {
            tracing::error!("looking at what plans rest on: {}", error.message);
        }
    }
}

/// Looks at what each open plan rests on, once, and invalidates those that do not hold any more. What another server
/// looked at is left to it: it may see another disk.
///
/// # Errors
/// When the store cannot be asked.
pub async fn look_at_open(app: &App, between: Duration) -> Result<()> {
    let mut after = None;
    loop {
        let filter = PlanFilter::open(Clusters::All, app.clock.now_ms());
        let slice = Slice { limit: MOST, after };
        let rows = app.lists.plans.plan_rows(&filter, &slice).await?;
        after = rows.last().map(|row| Cursor::at(row.sealed_ms, &row.id));
        let last = rows.len() < MOST;
        for row in rows {
            if let Err(error) = look_at(app, &row.id).await {
                // A disk or a store that cannot be asked says nothing about the plan.
                tracing::warn!(plan = %row.id, "looking at what a plan rests on: {}", error.message);
            }
            tokio::time::sleep(between).await;
        }
        if last {
            return Ok(());
        }
    }
}

/// Looks at what the open plans of a file rest on, once it is of another cluster.
pub(in crate::ops) async fn look_at_those_of(app: &App, file: &str) -> Result<()> {
    let plans = list::open_where(app, |open| PlanFilter {
        input: file.to_owned(),
        ..open
    });
    let ids: BTreeSet<_> = plans.await?.into_iter().map(|row| row.id).collect();
    for id in ids {
        let (row, plan_json) = find(app, &id).await?;
        look_again(app, &id, row, &plan_json).await?;
    }
    Ok(())
}

async fn look_at(app: &App, id: &str) -> Result<()> {
    let (row, plan_json) = find(app, id).await?;
    if !is_ours(app, &plan_json).await? {
        return Ok(());
    }
    // On account of the plan itself: no person waits for it.
    look_again(app, id, row, &plan_json).await.map(drop)
}

/// Whether this server, or none yet, looked at what the plan rests on.
async fn is_ours(app: &App, plan_json: &str) -> Result<bool> {
    let plan: Plan = serde_json::from_str(plan_json).map_err(internal)?;
    let newest = app
        .observations
        .newest_observation(plan.request.kind(), &plan.request.subject())
        .await?;
    Ok(newest.is_none_or(|newest| newest.place == app.data_dir.name()))
}

/// Invalidates a plan, for good, and writes that down. By the console: it follows from what was seen.
pub(super) async fn invalidate(
    app: &App,
    row: &PlanRow,
    codes: Vec<String>,
    reason: String,
) -> Result<bool> {
    let draft = Draft {
        who: CONSOLE.to_owned(),
        from: CONSOLE.to_owned(),
        act: act::PLAN_INVALIDATE.to_owned(),
        subject: format!("plan {}", row.id),
        about: Some(About::plan(&row.id)),
        plan: Some(row.hash.clone()),
        cluster: named(&row.cluster),
        ..Draft::default()
    };
    let decision = Decision {
        state: PlanState::Invalidated,
        by: String::new(),
        at_ms: app.clock.now_ms(),
        reason,
    };
    let (plans, id, from) = (app.plans.clone(), row.id.clone(), row.state);
    audit::carry(app, draft, move |_| async move {
        if !plans.decide_plan(&id, from, &decision).await? {
            return Err(super::decided_meanwhile());
        }
        tracing::info!(plan = %id, why = %decision.reason, "a plan was invalidated");
        Ok(Done {
            reason: codes.join(", "),
            ..Done::plainly(())
        })
    })
    .await
    .map(|()| true)
    .or_else(|error| match error.code {
        "plan.decided" => Ok(false),
        _ => Err(error),
    })
}
