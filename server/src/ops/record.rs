//! The ledger around an operation: nothing is done that was not written down first.
//!
//! ```text
//! record::act(app, record::draft(actor, act::PLAN_SEAL, subject), async { … }).await
//! ```

use std::future::Future;

use requorum_shared::ledger::entry::{Draft, Outcome, act, named};

use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{ApiError, Kind, Result};
use crate::ledger::{LedgerError, Opened};

/// What `actor` is about to do, to what.
pub fn draft(actor: &Actor, act: &str, subject: impl Into<String>) -> Draft {
    Draft {
        who: actor.name.clone(),
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

/// Writes down that something is about to be done.
///
/// # Errors
/// When that cannot be written: it must not be done.
pub async fn open(app: &App, draft: Draft) -> Result<Opened> {
    app.ledger.open(draft).await.map_err(not_written)
}

/// Carries `work` out between two entries.
///
/// # Errors
/// Those of `work`; and when its first entry cannot be written, and it was not begun.
pub async fn act<T>(app: &App, draft: Draft, work: impl Future<Output = Result<T>>) -> Result<T> {
    let opened = open(app, draft).await?;
    let result = work.await;
    end(opened, &result).await;
    result
}

/// Writes down how it came out.
pub fn end<T>(opened: Opened, result: &Result<T>) -> impl Future<Output = ()> + Send + use<T> {
    let (outcome, reason) = match result {
        Ok(_) => (Outcome::Done, ""),
        // The code and not the message: that may quote what was typed, or what another program said.
        Err(error) => (outcome(error), error.code),
    };
    opened.close(outcome, reason)
}

/// Writes down an attempt that was refused before anything was done. It stays refused when that cannot be written.
pub async fn refused(app: &App, draft: Draft, error: &ApiError) {
    if let Err(unwritten) = app.ledger.note(draft, outcome(error), error.code).await {
        tracing::error!(
            code = error.code,
            "a refusal is not in the ledger: {unwritten}"
        );
    }
}

/// Writes down that somebody came in or went.
///
/// This alone goes on when the ledger cannot be written: somebody has to be able to look at why. Nothing can be
/// done then but looking.
pub async fn passage(app: &App, who: &str, from: String, act: &str, result: Result<(), &ApiError>) {
    let draft = Draft {
        who: who.to_owned(),
        from,
        act: act.to_owned(),
        subject: "the console".to_owned(),
        ..Draft::default()
    };
    let (outcome, reason) = match result {
        Ok(()) => (Outcome::Done, ""),
        Err(error) => (outcome(error), error.code),
    };
    if let Err(unwritten) = app.ledger.note(draft, outcome, reason).await {
        tracing::error!(
            who,
            act,
            "a sign-in or sign-out is not in the ledger: {unwritten}"
        );
    }
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
        LedgerError::Unwritable(_) => "See to the server's disk and database, then try again.",
        LedgerError::Damaged(_) => "See what `requorum audit verify` says of its data directory.",
        LedgerError::Closed => "Try again once it is back.",
    };
    ApiError::new(
        Kind::Unavailable,
        "ledger.unwritable",
        format!(
            "This was not done, because nothing is done that is not written down first: {error}. {todo}"
        ),
    )
}
