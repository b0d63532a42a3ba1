//! A word, a mark and a colour for every outcome, severity and state.

use leptos::prelude::*;
use requorum_shared::api::v1::{PlanState, Trust};
use requorum_shared::finding::{Outcome, Severity};
use requorum_shared::job::fold::{JobState, StepState};

/// Class and word of an outcome.
pub fn outcome(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Pass => ("pass", "pass"),
        Outcome::Fail => ("fail", "fail"),
        Outcome::NotChecked => ("not-checked", "not checked"),
    }
}

/// Class and word of a severity.
pub fn severity(severity: Severity) -> (&'static str, &'static str) {
    match severity {
        Severity::Note => ("note", "note"),
        Severity::Warning => ("warning", "warning"),
        Severity::Blocking => ("blocking", "blocking"),
    }
}

/// Class and word of a step's state.
pub fn step(state: StepState) -> (&'static str, &'static str) {
    match state {
        StepState::Waiting => ("waits", "waits"),
        StepState::Running => ("busy", "running"),
        StepState::Done => ("pass", "done"),
        StepState::Failed => ("fail", "failed"),
        StepState::Unclear => ("not-checked", "unclear"),
        StepState::UndoFailed => ("fail", "undo failed"),
        StepState::Left => ("warning", "left"),
        StepState::Undoing => ("busy", "being undone"),
        StepState::Undone => ("undone", "undone"),
    }
}

/// Class and word of a job's state.
pub fn job(state: JobState) -> (&'static str, &'static str) {
    match state {
        JobState::Queued => ("waits", "queued"),
        JobState::Running => ("busy", "running"),
        JobState::Paused => ("warning", "paused"),
        JobState::Waiting => ("warning", "waits for an answer"),
        JobState::Undoing => ("busy", "being undone"),
        JobState::Completed => ("pass", "completed"),
        JobState::Undone => ("undone", "undone"),
        JobState::Left => ("warning", "left as it was"),
    }
}

/// Class and word of a plan's state.
pub fn plan(state: PlanState) -> (&'static str, &'static str) {
    match state {
        PlanState::Sealed => ("waits", "waits for approval"),
        PlanState::Approved => ("pass", "approved"),
        PlanState::Rejected => ("fail", "rejected"),
        PlanState::Invalidated => ("fail", "invalidated"),
        PlanState::Expired => ("fail", "expired"),
        PlanState::Used => ("note", "used"),
        PlanState::Unspecified => ("not-checked", "unknown"),
    }
}

/// Whether a plan may still come to be run.
pub fn is_open(state: PlanState) -> bool {
    matches!(state, PlanState::Sealed | PlanState::Approved)
}

/// The mark of what was let run without approval.
pub fn without_approval() -> impl IntoView {
    view! { <Status is=("fail", "without approval") /> }
}

/// Class and word of how far a stored file can be trusted.
pub fn trust(trust: Trust) -> (&'static str, &'static str) {
    match trust {
        Trust::Verified => ("pass", "verified"),
        Trust::Unproven => ("not-checked", "unproven"),
        Trust::Damaged => ("fail", "damaged"),
        Trust::Unknown => ("not-checked", "unknown kind"),
        Trust::Unspecified => ("not-checked", "unknown"),
    }
}

/// Class and word of an account: disabled or not, with a way to sign in or not, with a link that can still be used or
/// not.
pub fn person(disabled: bool, can_sign_in: bool, link: bool) -> (&'static str, &'static str) {
    match (disabled, can_sign_in, link) {
        (true, ..) => ("fail", "disabled"),
        (_, true, _) => ("pass", "can come in"),
        (.., true) => ("waits", "invited"),
        _ => ("warning", "needs a new link"),
    }
}

/// Class and word of a token: revoked or not, past its end or not.
pub fn token(revoked: bool, ended: bool) -> (&'static str, &'static str) {
    match (revoked, ended) {
        (true, _) => ("fail", "revoked"),
        (_, true) => ("waits", "ended"),
        _ => ("pass", "good"),
    }
}

/// Shows a class and word from one of the functions above.
#[component]
pub fn Status(
    /// Class and word.
    is: (&'static str, &'static str),
) -> impl IntoView {
    let (class, word) = is;
    view! { <span class=format!("status pill {class}")>{word}</span> }
}
