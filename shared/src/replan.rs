//! A sealed plan made again, and what is not the same.
//!
//! The server does this before a plan is approved or run, to find out whether anything has changed that the plan rests
//! on. An approver's browser does it too, so that the server need not be believed: that these steps and commands
//! follow from this request, and that its check left nothing out.
//!
//! Nothing here knows a system: [`recovery`](crate::recovery) makes the plan again and hands both over.

#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::canonical::to_canonical_json;
use crate::finding::{Finding, Report, Severity};
use crate::plan::{Fact, Plan, Step, Undo, stable_facts};

/// One thing that is not the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which part of a plan it is in.
    pub part: Part,
    /// What it is about: `step 3, the native command`.
    pub what: String,
    /// What the fact is about, where it is one: `snapshot`. Empty for anything else.
    pub fact: String,
    /// As the plan was sealed, or as the server says; none where it is not there.
    pub told: Option<String>,
    /// As it comes out here; none where it does not.
    pub here: Option<String>,
}

/// Where a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What a check said.
    Report,
    /// Which cluster the plan is for.
    Cluster,
    /// A fact that the plan rests on.
    Fact,
    /// What comes out, or a step.
    Steps,
    /// A file that the plan uses.
    File,
    /// Anything else that is sealed.
    Rest,
}

/// What making a plan again came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recheck {
    /// What the check says now.
    pub report: Report,
    /// All that is not the same; empty when everything is.
    pub differences: Vec<Difference>,
}

impl Recheck {
    /// Compares a sealed plan with the same plan made again, and the sealed report with `report`, the one of now.
    /// `made` is absent where something in the report blocks for good. What may pass by itself is no difference.
    pub fn of<R, A>(sealed: &Plan<R, A>, made: Option<&Plan<R, A>>, report: Report) -> Self
    where
        R: Clone + PartialEq + Serialize,
        A: Clone + PartialEq + Serialize,
    {
        let mut found = Differences::default();
        let (then, now) = (lasting(&sealed.report), lasting(&report));
        found.reports("the check when it was sealed", &then, &now);
        if let Some(made) = made {
            found.plans(sealed, made);
        }
        Self {
            report,
            differences: found.0,
        }
    }

    /// Compares also with what somebody else, the server, says that the check says now. That comes first.
    #[must_use]
    pub fn against(mut self, told: &Report) -> Self {
        let mut found = Differences::default();
        found.reports("the server's check now", told, &self.report);
        found.0.append(&mut self.differences);
        self.differences = found.0;
        self
    }

    /// What speaks against running the plan for now, and may pass by itself: it does not make the plan void.
    pub fn hindrances(&self) -> Report {
        let findings = self.report.findings.iter();
        let passing = |finding: &&Finding| {
            finding.severity == Severity::Blocking && !finding.blocks_for_good()
        };
        Report {
            findings: findings.filter(passing).cloned().collect(),
        }
    }

    /// Why the plan is void, as findings that block: what blocks now and will not pass by itself, or else what it rests
    /// on that has changed. What the check only remarks may change without that.
    pub fn drift(&self) -> Report {
        let mut drift = Report::default();
        if self.report.blocks_for_good() {
            let blocking = self.report.findings.iter();
            let blocking = blocking.filter(|finding| finding.blocks_for_good());
            drift.findings.extend(blocking.cloned());
            return drift;
        }
        let of = |part: Part| self.differences.iter().filter(move |d| d.part == part);
        if let Some(cluster) = of(Part::Cluster).next() {
            let name = |cluster: &Option<String>| match cluster.as_deref() {
                None | Some("") => "no cluster".to_owned(),
                Some(cluster) => cluster.to_owned(),
            };
            let what = format!(
                "What the plan rests on belongs to {} now, and not to {}.",
                name(&cluster.here),
                name(&cluster.told)
            );
            drift.push(
                Finding::blocking("drift.cluster", "cluster", what)
                    .because("Another cluster's roles and policy count for it.")
                    .todo("Create a new plan."),
            );
            return drift;
        }
        let now = of(Part::Fact).filter_map(|fact| Some((fact, fact.here.clone()?)));
        for (fact, here) in now {
            drift.push(
                Finding::blocking("drift.fact", fact.fact.clone(), here)
                    .because("This was not the case when the plan was sealed.")
                    .todo("Create a new plan."),
            );
        }
        let other = of(Part::Fact).chain(of(Part::Steps)).next().is_some();
        if drift.findings.is_empty() && other {
            let what = "The same request would be carried out differently now.";
            drift.push(Finding::blocking("drift.steps", "plan", what).todo("Create a new plan."));
        }
        drift
    }
}

/// Differences as they are found.
#[derive(Debug, Default)]
pub struct Differences(pub Vec<Difference>);

impl Differences {
    /// Notes two texts that must be equal, where they are not.
    pub fn texts(&mut self, part: Part, what: impl Into<String>, told: &str, here: &str) {
        self.sides(part, what, Some(told), Some(here));
    }

    /// The same for what may be missing on either side.
    fn sides(
        &mut self,
        part: Part,
        what: impl Into<String>,
        told: Option<&str>,
        here: Option<&str>,
    ) {
        if told != here {
            self.0.push(Difference {
                part,
                what: what.into(),
                fact: String::new(),
                told: told.map(str::to_owned),
                here: here.map(str::to_owned),
            });
        }
    }

    /// Notes what one report has and the other has not. `whose` names the first: `the server's check now`.
    pub fn reports(&mut self, whose: &str, told: &Report, here: &Report) {
        if told == here {
            return;
        }
        let before = self.0.len();
        let (mut only_told, mut only_here) = (Vec::new(), Vec::new());
        for finding in &told.findings {
            if !here.findings.contains(finding) {
                only_told.push(finding);
            }
        }
        for finding in &here.findings {
            if !told.findings.contains(finding) {
                only_here.push(finding);
            }
        }
        for finding in only_told {
            let what = format!("{whose}: {}", finding.code);
            self.sides(Part::Report, what, Some(&said(finding)), None);
        }
        for finding in only_here {
            let what = format!("{whose}: {}", finding.code);
            self.sides(Part::Report, what, None, Some(&said(finding)));
        }
        // The same findings, in another order or number.
        if self.0.len() == before {
            self.texts(Part::Report, whose, &json(told), &json(here));
        }
    }

    fn plans<R, A>(&mut self, sealed: &Plan<R, A>, made: &Plan<R, A>)
    where
        R: Clone + PartialEq + Serialize,
        A: Clone + PartialEq + Serialize,
    {
        let before = self.0.len();
        self.texts(Part::Rest, "the form", &sealed.format, &made.format);
        self.texts(Part::Cluster, "the cluster", &sealed.cluster, &made.cluster);
        self.texts(
            Part::Steps,
            "what comes out",
            &sealed.whole_outcome(),
            &made.whole_outcome(),
        );
        self.facts(&sealed.facts, &made.facts);
        let steps = |plan: &Plan<R, A>| plan.steps.len().to_string();
        let how_many = "how many steps there are";
        self.texts(Part::Steps, how_many, &steps(sealed), &steps(made));
        for (sealed, made) in sealed.steps.iter().zip(&made.steps) {
            self.steps(sealed, made);
        }
        // Anything else that a plan may come to hold.
        let rest = Plan {
            facts: sealed.facts.clone(),
            report: sealed.report.clone(),
            ..made.clone()
        };
        if self.0.len() == before && rest != *sealed {
            self.texts(Part::Rest, "the plan", &json(sealed), &json(&rest));
        }
    }

    fn facts(&mut self, told: &[Fact], here: &[Fact]) {
        // Of what could not be looked at now, nothing is known that differs.
        let unseen = |fact: &&Fact| here.iter().any(|now| now.volatile && now.key == fact.key);
        let told: Vec<_> = stable_facts(told).filter(|fact| !unseen(fact)).collect();
        let here: Vec<_> = stable_facts(here).collect();
        for fact in told.iter().filter(|fact| !here.contains(fact)) {
            self.fact(fact, Some(&fact.statement), None);
        }
        for fact in here.iter().filter(|fact| !told.contains(fact)) {
            self.fact(fact, None, Some(&fact.statement));
        }
    }

    fn fact(&mut self, fact: &Fact, told: Option<&str>, here: Option<&str>) {
        self.0.push(Difference {
            part: Part::Fact,
            what: format!("a fact: {}", fact.subject),
            fact: fact.subject.clone(),
            told: told.map(str::to_owned),
            here: here.map(str::to_owned),
        });
    }

    fn steps<A: Serialize>(&mut self, sealed: &Step<A>, made: &Step<A>) {
        let named = |what: &str| format!("step {}, {what}", made.number);
        let mut step = |what: &str, told: &str, here: &str| {
            self.texts(Part::Steps, named(what), told, here);
        };
        step(
            "its number",
            &sealed.number.to_string(),
            &made.number.to_string(),
        );
        step("its title", &sealed.title, &made.title);
        step("how its completion is detected", &sealed.probe, &made.probe);
        step("what it does", &sealed.effect, &made.effect);
        step("its undo", &undo(&sealed.undo), &undo(&made.undo));
        self.sides(
            Part::Steps,
            named("the native command"),
            sealed.native.as_deref(),
            made.native.as_deref(),
        );
        self.texts(
            Part::Steps,
            named("what it carries out"),
            &json(&sealed.action),
            &json(&made.action),
        );
    }
}

/// What a report says that does not pass by itself.
fn lasting(report: &Report) -> Report {
    let findings = report.findings.iter().filter(|finding| !finding.volatile);
    Report {
        findings: findings.cloned().collect(),
    }
}

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

fn json(value: &impl Serialize) -> String {
    to_canonical_json(value)
}
