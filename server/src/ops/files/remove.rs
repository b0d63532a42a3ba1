//! Removing a stored file, and what depends on it.

use requorum_shared::api::v1::{FileSummary, GetFileUsesResponse, JobSummary, PlanSummary};
use requorum_shared::ledger::entry::{Draft, act, named};
use requorum_shared::permission::Permission;

use super::{find_for, summary};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{ApiError, Result, conflict, precondition};
use crate::files::removals::{Removal, Removing};
use crate::jobs::list::JobFilter;
use crate::ops::{audit, jobs, plans, stored};
use crate::paging::{Clusters, MOST, Slice};

/// How many of them an error names.
const NAMED: usize = 5;

/// What keeps a file from being removed, and how much mentions it.
pub async fn uses(app: &App, actor: &Actor, id: &str) -> Result<GetFileUsesResponse> {
    find_for(app, actor, Permission::See, id).await?;
    let (open_plans, running_jobs) = needs(app, id).await?;
    let (_, plans_total) = plans::resting_on(app, actor, id).await?;
    Ok(GetFileUsesResponse {
        open_plans,
        running_jobs,
        plans_total,
    })
}

/// Plans that can still be run and jobs that are not over, the newest of each. Plans of a file are of its cluster: whoever
/// sees the one sees the other.
async fn needs(app: &App, id: &str) -> Result<(Vec<PlanSummary>, Vec<JobSummary>)> {
    let open = plans::open_where(app, |all| crate::plans::list::PlanFilter {
        input: id.to_owned(),
        ..all
    });
    let open = open.await?.into_iter().map(plans::summary).collect();
    let plan_ids = plans::under_way_on(app, id).await?;
    if plan_ids.is_empty() {
        return Ok((open, Vec::new()));
    }
    let filter = JobFilter {
        plan_ids,
        ..JobFilter::of(Clusters::All)
    };
    let slice = Slice {
        limit: MOST,
        after: None,
    };
    let lines = app.lists.jobs.job_lines(&filter, &slice).await?;
    Ok((open, lines.into_iter().map(jobs::summary).collect()))
}

/// Removes a file: its bytes are deleted, what was found in it stays. Refused while something needs it.
pub async fn remove(app: &App, actor: &Actor, id: &str) -> Result<FileSummary> {
    let (file, _) = find_for(app, actor, Permission::RemoveFiles, id).await?;
    let draft = Draft {
        cluster: named(&file.cluster),
        ..audit::draft(
            actor,
            act::FILE_REMOVE,
            format!("file {id}: {}, {} bytes", file.name, file.size),
        )
    };
    let (here, by, id) = (app.clone(), actor.name.clone(), id.to_owned());
    let (cluster, now_ms) = (file.cluster.clone(), app.clock.now_ms());
    let wanted = id.clone();
    audit::act(app, draft, async move {
        let removing = Removing {
            id: &wanted,
            cluster: &cluster,
            by: &by,
            now_ms,
        };
        match here.removals.remove_file(&removing).await? {
            Removal::Done => {}
            Removal::Unknown => return Err(stored::unknown()),
            Removal::Already => return Err(already()),
            Removal::OtherCluster => return Err(other_cluster()),
            Removal::Needed => return Err(needed(&here, &wanted).await?),
        }
        tracing::info!(file = %wanted, %by, "removed a file");
        // It is removed now; what its bytes take is given back here, or a little later.
        if let Err(error) = here.releases.release(&wanted).await {
            tracing::warn!(file = %wanted, "deleting a removed file: {error:#}");
        }
        Ok(())
    })
    .await?;
    Ok(summary(stored::find(app, &id).await?.0))
}

fn already() -> ApiError {
    conflict(
        "file.removed",
        "This file was already removed. Reload the list.",
    )
}

fn other_cluster() -> ApiError {
    conflict(
        "file.cluster-changed",
        "This file was assigned to another cluster a moment ago. Reload it.",
    )
}

async fn needed(app: &App, id: &str) -> Result<ApiError> {
    let (open, jobs) = needs(app, id).await?;
    let names: Vec<_> = open
        .iter()
        .map(|plan| format!("plan {}", plan.name))
        .chain(jobs.iter().map(|job| format!("job {}", job.name)))
        .collect();
    let more = match names.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named = names.iter().take(NAMED).cloned().collect::<Vec<_>>();
    Ok(precondition(
        "file.needed",
        format!(
            "The file was not removed, because it is still needed: {}{more}. Run, reject, withdraw or let expire what is open, and \
             let jobs end; then remove it.",
            named.join(", ")
        ),
    ))
}
