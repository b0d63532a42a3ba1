//! A second look at a sealed plan: it is made again from what it rests on, and compared with what was sealed.
//!
//! Whoever is asked to agree to a plan lets their own machine do this, so that nobody has to believe the server: that
//! these steps and commands follow from this request, and that its check left nothing out. What only the server can
//! see, the target's folder, is believed; the snapshot can be looked at as well, by whoever has the file
//! ([`same_snapshot`]).

#[cfg(test)]
mod tests;

use crate::canonical::to_canonical_json;
use crate::etcd::recovery::restore::observation::{Observation, SourceFacts};
use crate::etcd::recovery::restore::{self, RestoreRequest};
use crate::finding::{Finding, Outcome, Report, Severity};
use crate::plan::{Fact, Plan, Request, Step, Undo};

/// One thing that is not the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What it is about: `step 3, the native command`.
    pub what: String,
    /// As the plan was sealed, or as the server says.
    pub told: String,
    /// As it comes out here.
    pub here: String,
}

/// What a second look came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondLook {
    /// What the check says here.
    pub report: Report,
    /// All that is not the same; empty when everything is.
    pub differences: Vec<Difference>,
}

/// Makes a sealed plan again from `observation`, and compares: with the plan field by field, and with the report that
/// the server gives for the same observation.
pub fn second_look(sealed: &Plan, observation: &Observation, told: &Report) -> SecondLook {
    let Request::EtcdRestore(request) = &sealed.request;
    let report = checked(request, observation);
    let mut found = Found::default();
    found.reports("the server's check now", told, &report);
    found.reports("the check when it was sealed", &sealed.report, &report);
    let made = restore::plan(
        request,
        observation,
        &sealed.id,
        &sealed.author,
        &sealed.sealed_at,
    );
    // A report that blocks makes no plan. It differs from the sealed one, which does not block.
    if let Ok(made) = made {
        found.plans(sealed, &made);
    }
    SecondLook {
        report,
        differences: found.0,
    }
}

fn checked(request: &RestoreRequest, observation: &Observation) -> Report {
    let mut report = restore::check(request, observation);
    restore::check_exact(request, &mut report);
    report
}

/// The facts that a plan stands on. How much is free changes with every breath; whether it is enough is checked.
pub fn lasting(facts: &[Fact]) -> impl Iterator<Item = &Fact> {
    facts
        .iter()
        .filter(|fact| !fact.statement.ends_with("bytes are free there."))
}

/// Compares what the server says of a snapshot with a file that was inspected here. What the file is called does not
/// matter.
pub fn same_snapshot(told: &SourceFacts, here: &SourceFacts) -> Vec<Difference> {
    let mut found = Found::default();
    found.texts("its SHA-256", &told.sha256, &here.sha256);
    if !found.0.is_empty() {
        // Another file: all else differs for that alone.
        return found.0;
    }
    for (what, told, here) in [
        ("its bytes", told.bytes, here.bytes),
        ("its structure", told.structure, here.structure),
        ("its meaning", told.meaning, here.meaning),
    ] {
        found.texts(what, outcome(told), outcome(here));
    }
    let findings = |broken: &[Finding]| Report {
        findings: broken.to_vec(),
    };
    found.reports(
        "what is broken in it",
        &findings(&told.broken),
        &findings(&here.broken),
    );
    let renamed = SourceFacts {
        name: told.name.clone(),
        ..here.clone()
    };
    if found.0.is_empty() && renamed != *told {
        found.texts("what is in it", &json(told), &json(&renamed));
    }
    found.0
}

#[derive(Default)]
struct Found(Vec<Difference>);

impl Found {
    fn texts(&mut self, what: impl Into<String>, told: &str, here: &str) {
        if told != here {
            self.0.push(Difference {
                what: what.into(),
                told: told.into(),
                here: here.into(),
            });
        }
    }

    fn reports(&mut self, whose: &str, told: &Report, here: &Report) {
        if told == here {
            return;
        }
        let before = self.0.len();
        for finding in &told.findings {
            if !here.findings.contains(finding) {
                self.texts(
                    format!("{whose}: {}", finding.code),
                    &said(finding),
                    NOTHING,
                );
            }
        }
        for finding in &here.findings {
            if !told.findings.contains(finding) {
                self.texts(
                    format!("{whose}: {}", finding.code),
                    NOTHING,
                    &said(finding),
                );
            }
        }
        // The same findings, in another order or number.
        if self.0.len() == before {
            self.texts(whose, &json(told), &json(here));
        }
    }

    fn plans(&mut self, sealed: &Plan, made: &Plan) {
        self.texts("the form", &sealed.format, &made.format);
        self.texts("the cluster", &sealed.cluster, &made.cluster);
        self.texts("what comes out", &sealed.outcome, &made.outcome);
        let (told, here): (Vec<_>, Vec<_>) = (
            lasting(&sealed.facts).collect(),
            lasting(&made.facts).collect(),
        );
        for fact in told.iter().filter(|fact| !here.contains(fact)) {
            self.texts(
                format!("a fact: {}", fact.subject),
                &fact.statement,
                NOTHING,
            );
        }
        for fact in here.iter().filter(|fact| !told.contains(fact)) {
            self.texts(
                format!("a fact: {}", fact.subject),
                NOTHING,
                &fact.statement,
            );
        }
        let steps = |plan: &Plan| plan.steps.len().to_string();
        self.texts("how many steps there are", &steps(sealed), &steps(made));
        for (sealed, made) in sealed.steps.iter().zip(&made.steps) {
            self.steps(sealed, made);
        }
        // Whatever else a plan may come to hold.
        let rest = Plan {
            facts: sealed.facts.clone(),
            report: sealed.report.clone(),
            ..made.clone()
        };
        if self.0.is_empty() && rest != *sealed {
            self.texts("the plan", &json(sealed), &json(&rest));
        }
    }

    fn steps(&mut self, sealed: &Step, made: &Step) {
        let step = |what: &str| format!("step {}, {what}", made.number);
        let command = |step: &Step| step.native.clone().unwrap_or_else(|| NOTHING.into());
        self.texts(
            step("its number"),
            &sealed.number.to_string(),
            &made.number.to_string(),
        );
        self.texts(step("its title"), &sealed.title, &made.title);
        self.texts(
            step("how it is found out whether it is done"),
            &sealed.probe,
            &made.probe,
        );
        self.texts(step("what it does"), &sealed.effect, &made.effect);
        self.texts(step("its undo"), &undo(&sealed.undo), &undo(&made.undo));
        self.texts(step("the native command"), &command(sealed), &command(made));
        self.texts(
            step("what is carried out"),
            &json(&sealed.action),
            &json(&made.action),
        );
    }
}

const NOTHING: &str = "nothing";

fn said(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Blocking => "blocking",
    };
    format!("{severity}, {}: {}", finding.subject, finding.what)
}

fn undo(undo: &Undo) -> String {
    match undo {
        Undo::Nothing => "it changes nothing".into(),
        Undo::Back(how) => how.clone(),
        Undo::PointOfNoReturn(why) => format!("no way back: {why}"),
    }
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "fail",
        Outcome::NotChecked => "not checked",
    }
}

fn json(value: &impl serde::Serialize) -> String {
    to_canonical_json(value)
}
