//! A word, a mark and a colour for every outcome, severity and state.

use leptos::prelude::*;
use requorum_shared::api::v1::{self, PlanState, PlanSummary};
use requorum_shared::finding::{Outcome, Severity};
use requorum_shared::inspection::Trust;
use requorum_shared::job::fold::{JobState, JobView, StepState};
use requorum_shared::job::text::{self, Phase};

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
        StepState::UndoFailed => ("fail", "rollback failed"),
        StepState::Left => ("warning", "kept"),
        StepState::Undoing => ("busy", "rolling back"),
        StepState::Undone => ("undone", "rolled back"),
    }
}

/// Class and word of a job's state.
pub fn job(state: JobState) -> (&'static str, &'static str) {
    match state {
        JobState::Queued => ("waits", "queued"),
        JobState::Running => ("busy", "running"),
        JobState::Paused => ("warning", "paused"),
        JobState::Waiting => ("warning", "waiting for an answer"),
        JobState::Undoing => ("busy", "rolling back"),
        JobState::Completed => ("pass", "completed"),
        JobState::Undone => ("undone", "rolled back"),
        JobState::Left => ("warning", "ended early"),
    }
}

/// Class and word of what a job does right now: one that was paused is not, as long as a step works.
pub fn phase(phase: Phase) -> (&'static str, &'static str) {
    match phase {
        Phase::In(state) => job(state),
        Phase::Pausing | Phase::Stopping => ("warning", text::now(phase)),
    }
}

/// The same of a job whose journal is there.
pub fn of_view(view: &JobView) -> (&'static str, &'static str) {
    phase(text::phase(view))
}

/// Class and word of a plan's state.
pub fn plan(state: PlanState) -> (&'static str, &'static str) {
    match state {
        PlanState::Sealed => ("waits", "waiting for approval"),
        PlanState::Approved => ("pass", "approved"),
        PlanState::Rejected => ("fail", "rejected"),
        PlanState::Withdrawn => ("undone", "withdrawn"),
        PlanState::Invalidated => ("fail", "invalidated"),
        PlanState::Expired => ("fail", "expired"),
        PlanState::Used => ("note", "executed"),
        PlanState::Unspecified => ("not-checked", "unknown"),
    }
}

/// Class and text of a plan, with who decided about it and who ran it. What runs by an override is never approved, and
/// never green.
pub fn plan_text(plan: &PlanSummary) -> (&'static str, String) {
    let (class, word) = self::plan(plan.state());
    let by = &plan.decided_by;
    let text = match (plan.broke_glass, plan.state()) {
        (true, PlanState::Approved) => {
            return ("override", format!("not approved · override by {by}"));
        }
        (true, PlanState::Used) => {
            let text = format!(
                "ran without approval (override by {by}, run by {})",
                plan.run_by
            );
            return ("override", text);
        }
        (_, PlanState::Used) if by.is_empty() => {
            format!("{word} (no approval required, run by {})", plan.run_by)
        }
        (_, PlanState::Used) => format!("{word} (approved by {by}, run by {})", plan.run_by),
        (_, PlanState::Approved | PlanState::Rejected | PlanState::Withdrawn) if !by.is_empty() => {
            format!("{word} by {by}")
        }
        _ => word.to_owned(),
    };
    (class, text)
}

/// The state of a plan, as [`plan_text`] puts it.
#[component]
pub fn PlanStatus(
    /// The plan.
    plan: PlanSummary,
) -> impl IntoView {
    let (class, text) = plan_text(&plan);
    view! { <span class=format!("status pill long {class}")>{text}</span> }
}

/// Whether a plan may still come to be run.
pub fn is_open(state: PlanState) -> bool {
    matches!(state, PlanState::Sealed | PlanState::Approved)
}

/// The mark of what was let run without approval.
pub fn without_approval() -> impl IntoView {
    view! { <Status is=("override", "without approval") /> }
}

/// Class and word of how far a stored file can be trusted.
pub fn stored_trust(stored: v1::Trust) -> (&'static str, &'static str) {
    // A server that is newer than this page may know more.
    Trust::try_from(stored).map_or(("not-checked", "unknown"), trust)
}

/// Class and word of how far a file can be trusted.
pub fn trust(trust: Trust) -> (&'static str, &'static str) {
    let class = match trust {
        Trust::Verified => "pass",
        Trust::Damaged => "fail",
        Trust::Unproven | Trust::Unknown => "not-checked",
    };
    (class, trust.label())
}

/// Class and word of an account: disabled or not, with a way to sign in or not, with a link that can still be used or
/// not.
pub fn person(disabled: bool, can_sign_in: bool, link: bool) -> (&'static str, &'static str) {
    match (disabled, can_sign_in, link) {
        (true, ..) => ("fail", "disabled"),
        (_, true, _) => ("pass", "active"),
        (.., true) => ("waits", "invited"),
        _ => ("warning", "needs a new link"),
    }
}

/// Class and word of a token: revoked or not, past its end or not.
pub fn token(revoked: bool, ended: bool) -> (&'static str, &'static str) {
    match (revoked, ended) {
        (true, _) => ("fail", "revoked"),
        (_, true) => ("waits", "expired"),
        _ => ("pass", "active"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_approved_and_who_ran_are_told_apart_and_an_override_is_no_approval() {
        let plan = |state: PlanState, by: &str, run_by: &str, broke_glass| {
            let plan = PlanSummary {
                state: state.into(),
                decided_by: by.into(),
                run_by: run_by.into(),
                broke_glass,
                ..PlanSummary::default()
            };
            plan_text(&plan)
        };
        let text = |state, by, run_by| plan(state, by, run_by, false).1;
        assert_eq!(text(PlanState::Sealed, "", ""), "waiting for approval");
        assert_eq!(text(PlanState::Approved, "Ben", ""), "approved by Ben");
        assert_eq!(text(PlanState::Rejected, "Ben", ""), "rejected by Ben");
        assert_eq!(text(PlanState::Withdrawn, "Anna", ""), "withdrawn by Anna");
        assert_eq!(text(PlanState::Expired, "Ben", ""), "expired");
        assert_eq!(
            text(PlanState::Used, "Ben, Carl", "Anna"),
            "executed (approved by Ben, Carl, run by Anna)"
        );
        assert_eq!(
            text(PlanState::Used, "", "Anna"),
            "executed (no approval required, run by Anna)"
        );
        assert_eq!(
            plan(PlanState::Approved, "Carl", "", true),
            ("override", "not approved · override by Carl".to_owned())
        );
        assert_eq!(
            plan(PlanState::Used, "Carl", "Anna", true),
            (
                "override",
                "ran without approval (override by Carl, run by Anna)".to_owned()
            )
        );
    }
}
