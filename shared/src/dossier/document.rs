//! What a person reads of a dossier, as a [`Document`]: rendered to `dossier.html`, and by the page when a dossier is
//! dropped on it.

mod facts;
mod run;
mod who;

use std::collections::BTreeMap;

use super::manifest::PartFacts;
use super::record::Approvals;
use super::words;
use crate::document::{
    Block, Cell, Document, Mark, Section, id, number, outcome, section, status, table, text, when,
};
use crate::finding::Outcome;
use crate::job::events::Event;
use crate::job::fold::JobView;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::entry::Entry;
use crate::recovery::Plan;

/// The stored inspection of a file, of which a dossier shows only what every kind of file has.
pub(super) type Inspected = crate::inspection::Inspection<serde::de::IgnoredAny>;

/// All that the readable parts are made of.
pub(super) struct Content<'a> {
    pub(super) job: &'a str,
    pub(super) console: &'a str,
    pub(super) plan: &'a Plan,
    pub(super) events: &'a [Event],
    pub(super) view: &'a JobView,
    pub(super) approvals: &'a Approvals,
    pub(super) inspections: Vec<Inspected>,
    pub(super) entries: &'a [Entry],
    pub(super) checkpoint: &'a Checkpoint,
    /// Acts that changed nothing and are left out.
    pub(super) left_out: u64,
    pub(super) key: String,
    /// The parts that were there before the readable ones.
    pub(super) files: BTreeMap<String, PartFacts>,
}

/// The document of a dossier.
pub(super) fn of(content: &Content<'_>) -> Document {
    let view = content.view;
    let mut notices = Vec::new();
    if !view.state.is_over() {
        notices.push((
            Mark::Warning,
            "INTERIM: the job had not ended when this was made. What follows is its state at that time; create \
             another dossier once it has ended."
                .to_owned(),
        ));
    }
    notices.extend(who::glass_notice(content));
    let failed = view.checks.iter().any(|c| c.outcome == Outcome::Fail);
    if failed && !view.checks_are_invalid() {
        notices.push((
            Mark::Fail,
            format!(
                "Of the checks of the result, {}.",
                words::tally(&view.checks)
            ),
        ));
    }
    Document {
        title: format!("Recovery dossier of job {}", content.job),
        sentence: words::sentence(view, &content.plan.titles()),
        below: format!("Job {}, made by {}.", content.job, content.console),
        notices,
        sections: [
            Some(facts::in_short(content)),
            run::hand_over(content),
            Some(run::left(content)),
            Some(who::approvals(content)),
            Some(run::timeline(content)),
            Some(run::steps(content)),
            Some(run::verification(content)),
            Some(facts::rests_on(content)),
            Some(facts::commands(content)),
            Some(run::log(content)),
            Some(facts::ledger(content)),
            Some(facts::files(content)),
        ]
        .into_iter()
        .flatten()
        .collect(),
    }
}
