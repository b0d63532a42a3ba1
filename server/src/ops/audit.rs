//! The ledger around an operation: nothing is done that was not written down first, and what was begun runs to its
//! end, whoever still waits for it.
//!
//! ```text
//! audit::act(app, audit::draft(actor, act::PLAN_SEAL, subject), async move { … }).await
//! ```

use std::future::Future;

use requorum_shared::ledger::entry::{Draft, Outcome, act, named};
use tokio::time::Instant;

use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{ApiError, Kind, Result, in_request, internal};
use crate::ledger::floods::Flood;
use crate::ledger::{self, LedgerError, Opened};

/// What `actor` is about to do, to what.
pub fn draft(actor: &Actor, act: &str, subject: impl Into<String>) -> Draft {
    Draft {
        who: actor.name.clone(),
        who_id: Some(actor.user_id.clone()),
        from: address(actor),
        act: act.to_owned(),
        subject: subject.into(),
        ..Draft::default()
    }
}

/// Where the request comes from.
pub fn address(actor: &Actor) -> String {
    actor.address.to_canonical().to_string()
}

/// What came of an act: for the caller, and for its closing entry.
pub struct Done<T> {
    /// For the caller.
    pub value: T,
    /// Anything but "done", where the act came out so without failing.
    pub outcome: Outcome,
    /// Why, where that needs saying.
    pub reason: String,
    /// What the act is about, where that is only known now.
    pub subject: Option<String>,
    /// The job that came of it.
    pub job: Option<String>,
    /// Who it was, by name and id, where that is only known now.
    pub who: Option<(String, String)>,
}

impl<T> Done<T> {
    /// It was done, and its entry need not say more than that.
    pub fn plainly(value: T) -> Self {
        Self {
            value,
            outcome: Outcome::Done,
            reason: String::new(),
            subject: None,
            job: None,
            who: None,
        }
    }
}

/// Carries `work` out between two entries, to its end: a caller that hangs up stops waiting, and nothing else. Between
/// what is done and what is written down about it nobody can step.
///
/// # Errors
/// Those of `work`; and when its first entry cannot be written, and it was not begun.
pub async fn act<T: Send + 'static>(
    app: &App,
    draft: Draft,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    carry(app, draft, |_| async { work.await.map(Done::plainly) }).await
}

/// The same for work that has to know the index of its entry, or that says more about its end.
///
/// # Errors
/// As [`act`].
pub async fn carry<T, F>(
    app: &App,
    draft: Draft,
    work: impl FnOnce(u64) -> F + Send + 'static,
) -> Result<T>
where
    T: Send + 'static,
    F: Future<Output = Result<Done<T>>> + Send + 'static,
{
    if let Some(until) = app.floods.closed_until(&draft, Instant::now()) {
        let error = too_often(until);
        refused(app, draft, &error).await;
        return Err(error);
    }
    let here = app.clone();
    to_the_end(app, async move {
        let as_asked = draft.clone();
        let opened = here.ledger.open(draft).await.map_err(not_written)?;
        let index = opened.index();
        let result = ledger::carrying_out(index, work(index)).await;
        if result.is_err() {
            here.floods.was_refused(&as_asked, Instant::now());
        }
        end(opened, result).await
    })
    .await
}

/// What somebody is told whose attempts at one thing were refused or failed again and again.
fn too_often(until: Instant) -> ApiError {
    let seconds = until
        .saturating_duration_since(Instant::now())
        .as_secs()
        .max(1);
    ApiError::new(
        Kind::TooMany,
        "act.refused-too-often",
        format!(
            "This was tried hundreds of times within a minute, and refused or failed each time. Find out why, and try \
             again in {seconds} s."
        ),
    )
    .retry_after(seconds)
}

/// Runs `work` to its end, whether or not the caller still waits for it. A server that stops waits for it too.
///
/// # Errors
/// Those of `work`, and when it panicked.
pub async fn to_the_end<T: Send + 'static>(
    app: &App,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    app.acts.spawn(in_request(work)).await.map_err(internal)?
}

/// Writes down how it came out.
async fn end<T>(mut opened: Opened, result: Result<Done<T>>) -> Result<T> {
    match result {
        Ok(done) => {
            let draft = opened.draft();
            if let Some(subject) = done.subject {
                draft.subject = subject;
            }
            if let Some((who, id)) = done.who {
                draft.who = who;
                draft.who_id = Some(id);
            }
            if done.job.is_some() {
                draft.job = done.job;
            }
            opened.close(done.outcome, &done.reason).await;
            Ok(done.value)
        }
        Err(error) => {
            opened.close(outcome(&error), &reason(&error)).await;
            Err(error)
        }
    }
}

/// The code and not the message: that may quote what was typed, or what another program said. What the caller claimed
/// is added where the error says so, in a form that can be neither long nor mistaken for more.
fn reason(error: &ApiError) -> String {
    match error.claimed() {
        None => error.code.to_owned(),
        Some(claimed) => format!("{}: {claimed}", error.code),
    }
}

/// Writes down an attempt that was refused before anything was done, by itself or with many like it. It stays refused
/// when that cannot be written.
pub async fn refused(app: &App, draft: Draft, error: &ApiError) {
    let outcome = outcome(error);
    match app.floods.look(&draft, outcome, error.code, Instant::now()) {
        Flood::No => {}
        Flood::Counted { first, until } => {
            if first {
                tell_later(app, until);
            }
            return;
        }
    }
    if let Err(unwritten) = app.ledger.note(draft, outcome, &reason(error)).await {
        tracing::error!(
            code = error.code,
            "a refusal is not in the ledger: {unwritten}"
        );
    }
}

/// Writes down what is being counted, when its time is over. A server that stops does it before.
fn tell_later(app: &App, until: Instant) {
    let app = app.clone();
    tokio::spawn(async move {
        let over = tokio::time::sleep_until(until);
        if app.stopping.run_until_cancelled(over).await.is_some() {
            app.tell_floods(Some(Instant::now())).await;
        }
    });
}

/// Writes down that somebody came in, or did not.
///
/// This and [`departure`] alone go on when the ledger cannot be written: somebody has to be able to look at why. Nothing
/// can be done then but looking.
pub async fn passage(
    app: &App,
    (who, who_id): (&str, Option<&str>),
    from: String,
    act: &str,
    result: Result<(), &ApiError>,
) {
    let draft = Draft {
        who: who.to_owned(),
        who_id: who_id.map(str::to_owned),
        from,
        act: act.to_owned(),
        subject: "the console".to_owned(),
        ..Draft::default()
    };
    if let Err(error) = result {
        return refused(app, draft, error).await;
    }
    if let Err(unwritten) = app.ledger.note(draft, Outcome::Done, "").await {
        tracing::error!(who, act, "a sign-in is not in the ledger: {unwritten}");
    }
}

/// Carries out a sign-out between two entries, as [`act`] does; without them when the ledger cannot be written: a session
/// must not stay open because of that.
///
/// # Errors
/// Those of `work`.
pub async fn departure(
    app: &App,
    draft: Draft,
    work: impl Future<Output = Result<()>> + Send + 'static,
) -> Result<()> {
    let here = app.clone();
    to_the_end(app, async move {
        let who = draft.who.clone();
        match here.ledger.open(draft).await {
            Ok(opened) => {
                let result = ledger::carrying_out(opened.index(), work).await;
                end(opened, result.map(Done::plainly)).await
            }
            Err(unwritten) => {
                tracing::error!(who, "a sign-out is not in the ledger: {unwritten}");
                work.await
            }
        }
    })
    .await
}

/// An attempt at what a person may not do, or not with what belongs to this cluster.
pub async fn denied(app: &App, actor: &Actor, what: &str, cluster: &str, error: &ApiError) {
    let draft = Draft {
        cluster: named(cluster),
        ..draft(actor, act::REQUEST, what)
    };
    refused(app, draft, error).await;
}

fn outcome(error: &ApiError) -> Outcome {
    match error.kind {
        Kind::Unauthenticated | Kind::Forbidden | Kind::TooMany | Kind::Precondition => {
            Outcome::Refused
        }
        _ => Outcome::Failed,
    }
}

fn not_written(error: LedgerError) -> ApiError {
    let todo = match error {
        LedgerError::Unwritable(_) => "Check the server's disk and database, then try again.",
        LedgerError::Damaged(_) => "See what `requorum audit verify` says of its data directory.",
        LedgerError::Closed => "Try again once it is back.",
    };
    ApiError::new(
        Kind::Unavailable,
        "ledger.unwritable",
        format!(
            "This was not done, because every act is recorded in the ledger first: {error}. {todo}"
        ),
    )
}
