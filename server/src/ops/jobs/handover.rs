//! The hand-over: a person says that a step was done that the console cannot do itself.

use requorum_shared::api::v1;
use requorum_shared::handover::MAX_NOTE_CHARS;
use requorum_shared::job::events::Body;
use requorum_shared::job::fold::JobState;
use requorum_shared::ledger::entry::act;
use requorum_shared::permission::Permission;

use super::super::audit;
use super::{ATTEMPTS, Loaded, find_for, load, of_job};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{ApiError, Result, bad_request, conflict, not_found, precondition, quoted};

/// Ticks a step as done. Asked again by the same person with the same note, it says the same and writes nothing.
pub async fn complete(
    app: &App,
    actor: &Actor,
    id: &str,
    step: &str,
    note: &str,
) -> Result<v1::JobSummary> {
    let row = find_for(app, actor, Permission::Run, id).await?;
    let note = note.trim().to_owned();
    if note.chars().count() > MAX_NOTE_CHARS || note.chars().any(|c| c.is_control() && c != '\n') {
        return Err(bad_request(
            "job.note",
            format!("A note is up to {MAX_NOTE_CHARS} characters of text."),
        ));
    }
    let mut draft = of_job(actor, act::JOB_HAND_OVER, &row);
    draft.subject = format!("hand-over step {} of job {id}", quoted(step));
    let (here, step) = (app.clone(), step.to_owned());
    let (id, by) = (id.to_owned(), actor.name.clone());
    audit::act(app, draft, async move {
        append(&here, &id, &by, &step, &note).await
    })
    .await
}

/// Appends the tick. Another one may come between the look and the entry: then it is looked at again.
async fn append(app: &App, id: &str, by: &str, step: &str, note: &str) -> Result<v1::JobSummary> {
    for _ in 0..ATTEMPTS {
        let job = load(app, id).await?;
        if is_done(app, &job, by, step, note)? {
            return Ok(job.summary());
        }
        let body = Body::HandedOver {
            step: step.to_owned(),
            by: by.to_owned(),
            note: note.to_owned(),
        };
        let saw = job.view.last_seq;
        let written = app.engine.append_after_end(id, &body, saw).await?;
        if written.is_some() {
            tracing::info!(job = %id, %by, %step, "ticked a hand-over step");
            return Ok(load(app, id).await?.summary());
        }
    }
    Err(conflict(
        "job.busy",
        "Other steps of this hand-over were ticked at the same moment. Look at the job and try again.",
    ))
}

/// Whether this very tick is there already.
fn is_done(app: &App, job: &Loaded, by: &str, step: &str, note: &str) -> Result<bool> {
    if job.view.state != JobState::Completed {
        return Err(not_completed(job));
    }
    let handover = job.handover(app);
    let Some(asked) = handover.step(step) else {
        return Err(not_found(
            "job.no-such-step",
            format!(
                "{} is not a step of this hand-over. Its steps are {}.",
                quoted(step),
                handover
                    .steps
                    .iter()
                    .map(|step| step.id.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        ));
    };
    match job.view.handed(step) {
        None => Ok(false),
        Some(done) if (done.by.as_str(), done.note.as_str()) == (by, note) => Ok(true),
        Some(done) => Err(conflict(
            "job.step-done",
            format!(
                "“{}” was already ticked as done, by {}. A tick cannot be changed; reload the page to see it.",
                asked.title, done.by
            ),
        )),
    }
}

fn not_completed(job: &Loaded) -> ApiError {
    let why = match job.view.state {
        state if state.is_over() => "it ended without a result to hand over",
        _ => "it has not completed yet",
    };
    precondition(
        "job.not-completed",
        format!("The job has no hand-over: {why}."),
    )
}
