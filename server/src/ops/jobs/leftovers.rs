//! What a job left on the server: what there still is of it, and removing it.

use std::time::Duration;

use requorum_shared::api::v1;
use requorum_shared::job::events::{Body, KeptFolder};
use requorum_shared::job::fold::JobView;
use requorum_shared::ledger::entry::act;
use requorum_shared::permission::Permission;
use requorum_shared::plan::short_name;

use super::super::audit;
use super::super::authorize::where_allowed;
use super::{ATTEMPTS, Loaded, find_for, load, of_job, working_on, works_there};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{
    ApiError, Kind, Result, bad_request, conflict, in_request, internal, precondition,
};
use crate::jobs::log::JobRow;
use crate::jobs::runner::Leftovers;
use crate::leftovers::{Remaining, Removal};

/// How long a disk is waited for that does not answer.
const LOOK_FOR: Duration = Duration::from_secs(5);

/// Something was deleted, or may have been, and not all of it.
const PARTLY: &str = "job.leftovers-partly-removed";

/// What there still is of what a job left: as the disk has it for those who may remove it, and as the job wrote it down
/// for all others, who make no disk work.
pub async fn leftovers(app: &App, actor: &Actor, id: &str) -> Result<v1::GetLeftoversResponse> {
    let row = find_for(app, actor, Permission::See, id).await?;
    let job = Loaded::new(app, row).await?;
    let mut answer = v1::GetLeftoversResponse {
        confirm: confirmation(&job.row),
        ..Default::default()
    };
    if let Some(removed) = &job.view.removed {
        answer.removed_by.clone_from(&removed.by);
        answer.removed_at_ms = removed.at_ms;
    }
    if job.view.kept.is_none() || !job.view.state.is_over() {
        return Ok(answer);
    }
    answer.recorded = true;
    let left = left_of(&job.view);
    if left.folders.is_empty() {
        return Ok(answer);
    }
    if !where_allowed(actor, Permission::RemoveFiles).have(&job.row.cluster) {
        answer.folders = left.folders.iter().map(recorded).collect();
        answer.unfinished = !left.begun.is_empty();
        return Ok(answer);
    }
    answer.looked = true;
    let there = look(app, &job, &left).await?;
    for folder in &left.folders {
        let seen = there.iter().find(|seen| seen.path == folder.path);
        let begun = left.begun.contains(&folder.path);
        match seen {
            Some(seen) if !folder.is_known() => answer.by_hand.push(shown(seen)),
            Some(seen) if seen.difference.is_none() => answer.folders.push(shown(seen)),
            Some(seen) => answer.missing.push(shown(seen)),
            // Deleted, and not written down as that yet: a removal that is begun again does so.
            None if begun => {}
            None => answer.missing.push(recorded(folder)),
        }
        answer.unfinished |= begun;
    }
    Ok(answer)
}

/// The folders that a job left and that were not removed.
fn left_of(view: &JobView) -> Leftovers {
    Leftovers {
        folders: view.folders_left().cloned().collect(),
        begun: view.removing.clone(),
    }
}

/// Looks at the disk, in a task of its own: one that does not answer holds up one thread, and not the caller.
async fn look(app: &App, job: &Loaded, left: &Leftovers) -> Result<Vec<Remaining>> {
    let (here, id) = (app.clone(), job.row.id.clone());
    let (plan, left) = (job.plan.clone(), left.clone());
    let look = async {
        let turn = app.turns.wait(&id).await;
        let look = tokio::spawn(in_request(async move {
            let looked = here.engine.remains(&id, &plan, &left).await;
            drop(turn);
            looked
        }));
        look.await
    };
    match tokio::time::timeout(LOOK_FOR, look).await {
        Ok(looked) => looked.map_err(internal)?.map_err(|error| {
            precondition(
                "job.leftovers-unseen",
                format!("The {} cannot be looked at. {error}", job.noun()),
            )
        }),
        Err(_) => Err(ApiError::new(
            Kind::Unavailable,
            "job.leftovers-unseen",
            format!(
                "The disk that the {} are on does not answer. Try again once it does.",
                job.noun()
            ),
        )),
    }
}

/// As the job wrote it down.
fn recorded(folder: &KeptFolder) -> v1::LeftoverFolder {
    v1::LeftoverFolder {
        path: folder.path.clone(),
        bytes: folder.bytes,
        difference: String::new(),
    }
}

fn shown(seen: &Remaining) -> v1::LeftoverFolder {
    v1::LeftoverFolder {
        path: seen.at.clone(),
        bytes: seen.bytes,
        difference: seen.difference.clone().unwrap_or_default(),
    }
}

/// What has to be typed: what the leftovers are of.
fn confirmation(row: &JobRow) -> String {
    match row.cluster.as_str() {
        "" => short_name("", row.brief.number),
        cluster => cluster.to_owned(),
    }
}

/// Removes what a job that is over left, as far as it is as the job left it.
pub async fn remove_leftovers(
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
            format!("To remove what the job left, type {confirm} exactly."),
        ));
    }
    let mut draft = of_job(actor, act::JOB_REMOVE_LEFTOVERS, &row);
    draft.subject = format!("leftovers of job {id}");
    let (here, actor) = (app.clone(), actor.clone());
    audit::act(app, draft, async move {
        // One removal at a time for each job: the next one sees what this one wrote down.
        let _turn = here.turns.wait(&format!("removal of {}", row.id)).await;
        let job = load(&here, &row.id).await?;
        let left = removable(&job)?;
        if let Some(holder) = working_on(&here, &job.row.plan_json).await? {
            return Err(precondition(
                "job.target-taken",
                format!(
                    "{}. The {} were not removed. Let that job end, then remove them.",
                    works_there(&here, &actor, &holder),
                    job.noun()
                ),
            ));
        }
        let removed = remove(&here, &job, left, &actor.name).await;
        here.disks.have_changed();
        removed
    })
    .await
}

/// Sets the folders aside, writes down that their removal begins, and deletes them.
async fn remove(app: &App, job: &Loaded, left: Leftovers, by: &str) -> Result<v1::JobSummary> {
    let (id, plan) = (job.row.id.as_str(), &job.plan);
    let aside = app.engine.set_aside(id, plan, &left).await;
    let aside = aside.map_err(|error| changed(job.noun(), &error.to_string()))?;
    // Begun, and nothing of it is left where it was or where it was set aside.
    let mut gone: Vec<String> = left.begun.clone();
    gone.retain(|path| !aside.contains(path));
    if aside.is_empty() && gone.is_empty() {
        return Err(nothing_left(job.noun(), &left));
    }
    if !aside.is_empty() {
        let mut set = left;
        set.folders.retain(|folder| aside.contains(&folder.path));
        let begun = Body::RemovalBegun {
            by: by.to_owned(),
            paths: aside,
        };
        if let Err(error) = write(app, id, &begun).await {
            if let Err(stays) = app.engine.put_back(id, plan, &set).await {
                tracing::warn!(job = %id, "folders that were set aside stay there: {stays}");
            }
            return Err(error);
        }
        let removal = app.engine.remove_aside(id, plan, &set).await;
        let removal = removal.map_err(|error| {
            ApiError::new(
                Kind::Internal,
                PARTLY,
                format!(
                    "How many of the {} were removed is not known. {error} Remove them again to continue.",
                    job.noun()
                ),
            )
        })?;
        match &removal.stopped {
            None => gone.extend(removal.folders),
            Some(why) if removal.entries > 0 => return Err(partly(job.noun(), why, &removal)),
            Some(why) => {
                stopped(app, id, &set, by).await;
                return Err(changed(job.noun(), why));
            }
        }
    }
    let removed = Body::LeftoversRemoved {
        by: by.to_owned(),
        paths: gone,
    };
    write(app, id, &removed).await?;
    tracing::info!(job = %id, %by, "removed what a job left");
    Ok(load(app, id).await?.summary())
}

/// Writes down that folders have their names back, so that nobody takes one that is moved by hand for deleted.
async fn stopped(app: &App, id: &str, set: &Leftovers, by: &str) {
    let paths = set.folders.iter().map(|folder| folder.path.clone());
    let paths: Vec<_> = paths.filter(|path| !set.begun.contains(path)).collect();
    if paths.is_empty() {
        return;
    }
    let by = by.to_owned();
    if let Err(error) = write(app, id, &Body::RemovalStopped { by, paths }).await {
        tracing::warn!(job = %id, "that a removal stopped is not in the journal: {}", error.message);
    }
}

fn changed(noun: &str, why: &str) -> ApiError {
    precondition(
        "job.leftovers-changed",
        format!("The {noun} were not removed. {why}"),
    )
}

/// Something was deleted, and not all of it. That is no refusal.
fn partly(noun: &str, why: &str, removal: &Removal) -> ApiError {
    let folders = match removal.folders.as_slice() {
        [] => String::new(),
        folders => format!("{} and all that was in it; ", folders.join(", ")),
    };
    ApiError::new(
        Kind::Internal,
        PARTLY,
        format!(
            "The {noun} were partly removed: {folders}{} files and folders in all were deleted. {why} Remove them again \
             to continue.",
            removal.entries
        ),
    )
}

/// What there is to remove, of a job that left something.
fn removable(job: &Loaded) -> Result<Leftovers> {
    let refused = |why: &str| precondition("job.nothing-to-remove", why);
    if !job.view.state.is_over() {
        return Err(refused(
            "The job is not over: what it made is still in use. Let it end, or stop it and roll it back.",
        ));
    }
    if let Some(removed) = &job.view.removed {
        return Err(conflict(
            "job.leftovers-removed",
            format!(
                "The {} of this job were removed already, by {}.",
                job.noun(),
                removed.by
            ),
        ));
    }
    let mut left = left_of(&job.view);
    if left.folders.is_empty() {
        return Err(refused(&format!(
            "This job recorded no {}, so the console cannot know which folders are its own. Remove them on the server's \
             host.",
            job.noun()
        )));
    }
    let paths = listed(&left);
    left.folders.retain(KeptFolder::is_known);
    if left.folders.is_empty() {
        return Err(refused(&format!(
            "The console cannot tell whether {paths} is still as the job left it: it holds too many files, or its file \
             system does not tell when a file was made. Remove it by hand on the server's host."
        )));
    }
    Ok(left)
}

fn listed(left: &Leftovers) -> String {
    let paths: Vec<_> = left.folders.iter().map(|f| f.path.as_str()).collect();
    paths.join(", ")
}

fn nothing_left(noun: &str, left: &Leftovers) -> ApiError {
    precondition(
        "job.leftovers-gone",
        format!(
            "Nothing was removed: the {noun} are not at {} on this server any more. They were moved or removed outside \
             the console, or are on the server that ran the job.",
            listed(left)
        ),
    )
}

/// Adds an entry. Ticks of the hand-over may come in between.
async fn write(app: &App, id: &str, body: &Body) -> Result<()> {
    for _ in 0..ATTEMPTS {
        let saw = load(app, id).await?.view.last_seq;
        if app.engine.append_after_end(id, body, saw).await?.is_some() {
            return Ok(());
        }
    }
    Err(conflict(
        "job.busy",
        "The job's journal could not be written, because other entries were written at the same moment. Try again.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_removed_in_part_is_no_refusal_and_says_what_is_gone() {
        let removal = Removal {
            folders: vec!["/srv/a/m1".into()],
            entries: 9,
            stopped: None,
        };
        let error = partly("leftovers", "/srv/a/m2: removing it failed.", &removal);
        assert_eq!(error.kind, Kind::Internal);
        for said in ["/srv/a/m1 and all", "9 files", "/srv/a/m2: removing"] {
            assert!(error.message.contains(said), "{}", error.message);
        }
        assert_eq!(changed("leftovers", "").kind, Kind::Precondition);
    }
}
