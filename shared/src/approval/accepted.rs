//! The warnings of a plan that a person accepts by approving it, by running it, or by overriding its approval.
//!
//! A warning is named by its code and its subject, as the plan's sealed report has them. What is accepted is bound to
//! the plan's hash, and with it to the whole text of each warning.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::canonical::{sha256_hex, to_canonical_json};
use crate::finding::{Finding, Report, Severity};
use crate::ledger::about::About;

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

/// The same for people: `plan 7f3a, accepting 1 warning: alarms.active (alarms)`.
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

/// What an act is about by which these warnings of a plan are accepted.
pub fn about(plan_id: &str, accepted: &[AcceptedWarning]) -> About {
    About::Plan {
        id: plan_id.to_owned(),
        accepted: Some(digest(accepted)),
    }
}

/// Accepted warnings as an entry of the ledger has them, whatever their order: SHA-256 of their canonical JSON, 64
/// hexadecimal digits.
pub fn digest(accepted: &[AcceptedWarning]) -> String {
    let sorted: BTreeSet<_> = accepted.iter().collect();
    sha256_hex(to_canonical_json(&sorted).as_bytes())
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
    fn what_was_accepted_is_told_apart_however_long_its_names_are() {
        let long = "x".repeat(1000);
        let all = [named("a", &long), named("b", "y")];
        let other = [named("a", &format!("{long}x")), named("b", "y")];
        assert_eq!(
            about("7f", &all),
            about("7f", &[all[1].clone(), all[0].clone()])
        );
        for different in [&all[..0], &all[..1], &other] {
            assert_ne!(about("7f", &all), about("7f", different));
        }
        assert_ne!(about("7f", &all), about("7e", &all));
        assert!(about("7f", &all).is_plan("7f"));
        assert!(!about("7f", &all).is_plan("7"));
        // One warning whose name holds the other's is not two.
        let one = [named("a", "x\",\"subject\":\"y")];
        assert_ne!(digest(&one), digest(&[named("a", "x"), named("", "y")]));
    }
}
