//! The warnings of a plan that a person accepts by approving it, by running it, or by overriding its approval.
//!
//! A warning is named by its code and its subject, as the plan's sealed report has them. What is accepted is bound to
//! the plan's hash, and with it to the whole text of each warning.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::finding::{Finding, Report, Severity};

/// A warning, as its plan's report names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AcceptedWarning {
    /// The finding's code: `alarms.active`.
    pub code: String,
    /// What it is about: `alarms`.
    pub subject: String,
}

impl AcceptedWarning {
    /// The name of a finding.
    pub fn of(finding: &Finding) -> Self {
        Self {
            code: finding.code.clone(),
            subject: finding.subject.clone(),
        }
    }

    /// `alarms.active (alarms)`.
    pub fn text(&self) -> String {
        format!("{} ({})", self.code, self.subject)
    }
}

/// The warnings of a report that a person has to accept, in its order, each name once.
pub fn warnings(report: &Report) -> Vec<AcceptedWarning> {
    let mut seen = BTreeSet::new();
    report
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Warning)
        .map(AcceptedWarning::of)
        .filter(|warning| seen.insert(warning.clone()))
        .collect()
}

/// Why a list of accepted warnings is not the one that a plan asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAccepted {
    /// These are missing.
    Missing(Vec<AcceptedWarning>),
    /// The plan has no such warning.
    Foreign(AcceptedWarning),
}

/// Checks that `accepted` names every one of `needed`, and nothing but warnings of `all`. Order and repetition do not
/// matter.
///
/// # Errors
/// What is missing, or else the first name that is not one of the plan's.
pub fn check(
    all: &[AcceptedWarning],
    needed: &[AcceptedWarning],
    accepted: &[AcceptedWarning],
) -> Result<(), NotAccepted> {
    let named: BTreeSet<_> = accepted.iter().collect();
    let all: BTreeSet<_> = all.iter().collect();
    if let Some(foreign) = accepted.iter().find(|warning| !all.contains(warning)) {
        return Err(NotAccepted::Foreign(foreign.clone()));
    }
    let missing: Vec<_> = needed
        .iter()
        .filter(|warning| !named.contains(warning))
        .cloned()
        .collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(NotAccepted::Missing(missing)),
    }
}

/// What the ledger says an act on a plan is about: `plan 7f3a, accepting 1 warning: alarms.active (alarms)`.
pub fn subject(plan_id: &str, accepted: &[AcceptedWarning]) -> String {
    let names: Vec<_> = accepted.iter().map(AcceptedWarning::text).collect();
    match names.len() {
        0 => format!("plan {plan_id}"),
        1 => format!("plan {plan_id}, accepting 1 warning: {}", names[0]),
        n => format!(
            "plan {plan_id}, accepting {n} warnings: {}",
            names.join(", ")
        ),
    }
}

/// The id of the plan that such a subject is about, with or without accepted warnings.
pub fn plan_of(subject: &str) -> Option<&str> {
    let rest = subject.strip_prefix("plan ")?;
    Some(rest.split_once(", accepting ").map_or(rest, |(id, _)| id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(code: &str, subject: &str) -> AcceptedWarning {
        AcceptedWarning {
            code: code.into(),
            subject: subject.into(),
        }
    }

    #[test]
    fn the_warnings_of_a_report_are_named_once_and_notes_are_none() {
        let report = Report {
            findings: vec![
                Finding::note("a", "x", "A note."),
                Finding::warning("b", "y", "One."),
                Finding::warning("b", "y", "The same name again."),
                Finding::warning("b", "z", "Another subject."),
            ],
        };
        assert_eq!(warnings(&report), [named("b", "y"), named("b", "z")]);
    }

    #[test]
    fn every_warning_is_named_and_none_that_the_plan_does_not_have() {
        let all = [named("a", "x"), named("b", "y")];
        assert_eq!(check(&all, &all, &[all[1].clone(), all[0].clone()]), Ok(()));
        assert_eq!(check(&all, &all[1..], &all[1..]), Ok(()));
        assert_eq!(
            check(&all, &all, &all[..1]),
            Err(NotAccepted::Missing(vec![all[1].clone()]))
        );
        let other = named("b", "x");
        let more = [all[0].clone(), all[1].clone(), other.clone()];
        assert_eq!(check(&all, &all, &more), Err(NotAccepted::Foreign(other)));
        assert_eq!(check(&[], &[], &[]), Ok(()));
    }

    #[test]
    fn the_ledger_names_what_was_accepted() {
        let all = [
            named("alarms.active", "alarms"),
            named("auth.enabled", "authentication"),
        ];
        assert_eq!(subject("7f", &[]), "plan 7f");
        assert_eq!(
            subject("7f", &all[..1]),
            "plan 7f, accepting 1 warning: alarms.active (alarms)"
        );
        assert_eq!(
            subject("7f", &all),
            "plan 7f, accepting 2 warnings: alarms.active (alarms), auth.enabled (authentication)"
        );
    }

    #[test]
    fn the_plan_of_a_subject_is_known_whatever_was_accepted() {
        let all = [named("a", "x"), named("b", "y, accepting z")];
        for accepted in [&all[..0], &all[..1], &all] {
            assert_eq!(plan_of(&subject("7f", accepted)), Some("7f"));
        }
        assert_eq!(plan_of("plans 7f"), None);
        assert_eq!(plan_of("review 7f"), None);
    }
}
