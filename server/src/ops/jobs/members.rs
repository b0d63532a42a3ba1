//! The restored members that a job left on the server: what there still is of them, and removing them.

use std::time::Duration;

use requorum_shared::api::v1;
use requorum_shared::job::events::{Body, Kept, KeptFolder};
use requorum_shared::ledger::entry::act;
use requorum_shared::permission::Permission;
use requorum_shared::plan::short_name;

use super::super::audit;
use super::{ATTEMPTS, Loaded, find_for, load, of_job, working_on, works_there};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{
    ApiError, Kind, Result, bad_request, conflict, in_request, internal, precondition,
};
use crate::jobs::log::JobRow;

/// How long a disk is waited for that does not answer.
const LOOK_FOR: Duration = Duration::from_secs(5);

/// What there still is of what a job left.
pub async fn restored_members(
    app: &App,
    actor: &Actor,
    id: &str,
) -> Result<v1::GetRestoredMembersResponse> {
    let row = find_for(app, actor, Permission::See, id).await?;
    let job = Loaded::new(app, row).await?;
    let mut answer = v1::GetRestoredMembersResponse {
        confirm: confirmation(&job.row),
        ..Default::default()
    };
    if let Some(removed) = &job.view.removed {
        answer.removed_by.clone_from(&removed.by);
        answer.removed_at_ms = removed.at_ms;
    }
    let Some(kept) = job.view.kept.clone().filter(|_| job.view.state.is_over()) else {
        return Ok(answer);
    };
    answer.recorded = true;
    if job.view.removed.is_some() {
        return Ok(answer);
    }
    let there = look(app, &job, &kept).await?;
    let is_there = |folder: &&KeptFolder| there.iter().any(|t| t.identity == folder.identity);
    let missing = kept.folders.iter().filter(|folder| !is_there(folder));
    answer.missing = missing.map(shown).collect();
    answer.folders = there.iter().map(shown).collect();
    Ok(answer)
}

/// Looks at the disk, in a task of its own: one that does not answer holds up a thread, and not the caller.
async fn look(app: &App, job: &Loaded, kept: &Kept) -> Result<Vec<KeptFolder>> {
    let (here, id) = (app.clone(), job.row.id.clone());
    let (plan, kept) = (job.plan.clone(), kept.clone());
    let look = tokio::spawn(in_request(async move {
        here.engine.remains(&id, &plan, &kept).await
    }));
    match tokio::time::timeout(LOOK_FOR, look).await {
        Ok(looked) => looked.map_err(internal)?.map_err(|error| {
            precondition(
                "job.members-unseen",
                format!("The restored members cannot be looked at. {error}"),
            )
        }),
        Err(_) => Err(ApiError::new(
            Kind::Unavailable,
            "job.members-unseen",
            "The disk that the restored members are on does not answer. Try again once it does.",
        )),
    }
}

fn shown(folder: &KeptFolder) -> v1::RestoredFolder {
    v1::RestoredFolder {
        path: folder.path.clone(),
        bytes: folder.bytes,
    }
}

/// What has to be typed: what the members are of.
fn confirmation(row: &JobRow) -> String {
    match row.cluster.as_str() {
        "" => short_name("", row.brief.number),
        cluster => cluster.to_owned(),
    }
}

/// Removes what a job that is over left, as far as it is as the job left it.
pub async fn remove_restored_members(
    app: &App,
    actor: &Actor,
    id: &str,
    typed: &str,
) -> Result<v1::JobSummary> {
    let row = find_for(app, actor, Permission::RemoveFiles, id).await?;
    let confirm = confirmation(&row);
    if typed.trim() != confirm {
        return Err(bad_request(
            "job.confirm",
            format!("To remove the restored members, type {confirm} exactly."),
        ));
    }
    let mut draft = of_job(actor, act::JOB_REMOVE_MEMBERS, &row);
    draft.subject = format!("restored members of job {id}");
    let (here, actor) = (app.clone(), actor.clone());
    audit::act(app, draft, async move {
        let job = Loaded::new(&here, row).await?;
        let kept = removable(&job)?;
        if let Some(holder) = working_on(&here, &job.row.plan_json).await? {
            return Err(precondition(
                "job.target-taken",
                format!(
                    "{}. The restored members were not removed. Let that job end, then remove them.",
                    works_there(&here, &actor, &holder)
                ),
            ));
        }
        let removed = here.engine.remove_kept(&job.row.id, &job.plan, &kept).await;
        match removed {
            Ok(true) => {}
            Ok(false) => return Err(nothing_left(&kept)),
            Err(error) => {
                return Err(precondition(
                    "job.members-changed",
                    format!("The restored members were not removed. {error}"),
                ));
            }
        }
        written(&here, &job.row.id, &actor.name).await
    })
    .await
}

/// What there is to remove, of a job that left something.
fn removable(job: &Loaded) -> Result<Kept> {
    let refused = |why: &str| precondition("job.nothing-to-remove", why);
    if !job.view.state.is_over() {
        return Err(refused(
            "The job is not over: what it made is still in use. Let it end, or stop it and roll it back.",
        ));
    }
    if let Some(removed) = &job.view.removed {
        return Err(conflict(
            "job.members-removed",
            format!(
                "The restored members of this job were removed already, by {}.",
                removed.by
            ),
        ));
    }
    let kept = job
        .view
        .kept
        .clone()
        .filter(|kept| !kept.folders.is_empty());
    kept.ok_or_else(|| {
        refused(
            "This job recorded no restored members, so the console cannot know which folders are its own. Remove them \
             on the server's host.",
        )
    })
}

fn nothing_left(kept: &Kept) -> ApiError {
    let paths: Vec<_> = kept.folders.iter().map(|f| f.path.as_str()).collect();
    precondition(
        "job.members-gone",
        format!(
            "Nothing was removed: the restored members are not at {} on this server any more. They were moved, removed \
             or replaced outside the console, or are on the server that ran the job.",
            paths.join(", ")
        ),
    )
}

/// Writes down that they were removed. Ticks of the hand-over may come between the look and the entry.
async fn written(app: &App, id: &str, by: &str) -> Result<v1::JobSummary> {
    for _ in 0..ATTEMPTS {
        let job = load(app, id).await?;
        if job.view.removed.is_some() {
            return Ok(job.summary());
        }
        let body = Body::MembersRemoved { by: by.to_owned() };
        let saw = job.view.last_seq;
        if app.engine.append_after_end(id, &body, saw).await?.is_some() {
            tracing::info!(job = %id, %by, "removed the restored members of a job");
            return Ok(load(app, id).await?.summary());
        }
    }
    Err(conflict(
        "job.busy",
        "The restored members were removed. The job's page does not say so yet, because other entries were written at \
         the same moment.",
    ))
}
