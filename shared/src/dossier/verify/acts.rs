//! What the ledger says was done, against what the journal and the approvals claim.
//!
//! The ledger may know more: an act that a person asked for and that changed nothing, or a step whose end the console
//! was killed before writing into its journal. It may not know less.

use std::collections::BTreeMap;

use super::{Failure, Finding, fail, unknown};
use crate::approval::PolicyInForce;
use crate::dossier::words;
use crate::job::events::{Body, Event, StepOutcome, Wish};
use crate::ledger::about::About;
use crate::ledger::entry::{Entry, Outcome, Phase, act};
use crate::recovery::Plan;

pub(super) use crate::ledger::entry::act::{
    PLAN_APPROVE as APPROVE, PLAN_BREAK_GLASS as BREAK_GLASS, PLAN_SEAL as SEAL,
    REVIEW_CLOSE as CLOSE_REVIEW,
};

/// The acts about one plan and one job, and those that set the policy for it.
pub(super) struct Acts {
    acts: Vec<Act>,
    job: String,
}

struct Act {
    opened: Entry,
    closed: Option<Entry>,
}

impl Act {
    fn outcome(&self) -> Option<Outcome> {
        self.closed.as_ref()?.outcome
    }

    /// Its job is known when it is over, at the latest.
    fn job(&self) -> Option<&str> {
        let closed = self.closed.as_ref().and_then(|entry| entry.job.as_deref());
        closed.or(self.opened.job.as_deref())
    }
}

impl Acts {
    /// Pairs entries up.
    pub(super) fn new(entries: &[Entry], job: &str, plan_hash: &str) -> Result<Self, String> {
        let mut acts: BTreeMap<u64, Act> = BTreeMap::new();
        for entry in entries {
            let index = entry.index;
            let policy = entry.act == act::POLICY_SET && entry.plan.is_none();
            if !policy && entry.plan.as_deref() != Some(plan_hash) {
                return Err(format!("Entry {index} is not about this plan."));
            }
            if entry.job.as_deref().is_some_and(|about| about != job) {
                return Err(format!("Entry {index} is about another job."));
            }
            match (entry.phase, entry.closes) {
                (Phase::Opened | Phase::Noted, _) => {
                    let opened = entry.clone();
                    let closed = (entry.phase == Phase::Noted).then(|| entry.clone());
                    acts.insert(index, Act { opened, closed });
                }
                (Phase::Closed | Phase::Unknown, closes) => {
                    let act = closes.and_then(|closes| acts.get_mut(&closes));
                    let act = act.filter(|act| {
                        act.closed.is_none()
                            && (&act.opened.act, &act.opened.who) == (&entry.act, &entry.who)
                    });
                    let act = act.ok_or_else(|| {
                        format!(
                            "Entry {index} closes an act whose beginning is not in the dossier."
                        )
                    })?;
                    act.closed = Some(entry.clone());
                }
            }
        }
        Ok(Self {
            acts: acts.into_values().collect(),
            job: job.to_owned(),
        })
    }

    /// Whether this person did this, and it was done.
    pub(super) fn by_person(&self, act: &str, who: &str) -> Result<(), Failure> {
        self.by_person_on(act, who, None)
    }

    /// The same, about exactly this where it is given.
    pub(super) fn by_person_on(
        &self,
        act: &str,
        who: &str,
        about: Option<&About>,
    ) -> Result<(), Failure> {
        let mut all = self.acts.iter().filter(|a| {
            a.opened.act == act
                && a.opened.who == who
                && about.is_none_or(|about| a.opened.about.as_ref() == Some(about))
        });
        if all.clone().any(|a| a.outcome() == Some(Outcome::Done)) {
            return Ok(());
        }
        let what = format!("{who}: {}", act::phrase(act));
        if all.any(|a| matches!(a.outcome(), None | Some(Outcome::Unknown))) {
            return Err(unknown(format!(
                "The ledger does not record the outcome of this: {what}."
            )));
        }
        Err(fail(format!("The ledger does not record this: {what}.")))
    }

    /// Whether the plan was closed before this job could be started: then it was not to be run.
    pub(super) fn leave_it_open(&self) -> Result<(), Failure> {
        let started = self
            .acts
            .iter()
            .find(|a| a.opened.act == act::JOB_START && a.job() == Some(self.job.as_str()))
            .map(|a| a.opened.index);
        let done = |a: &&Act| a.outcome() == Some(Outcome::Done);
        let before_it = |a: &Act| {
            let ended = a.closed.as_ref().map(|end| end.index);
            started.is_none_or(|started| ended.is_some_and(|ended| ended < started))
        };
        let closing = self.acts.iter().filter(done).find_map(|a| {
            let how = match a.opened.act.as_str() {
                act::PLAN_REJECT => "rejected the plan",
                act::PLAN_WITHDRAW => "withdrew the plan",
                // A review is closed after the run, as a rule.
                act::REVIEW_CLOSE if before_it(a) => {
                    "closed the review of the override before the job was started"
                }
                _ => return None,
            };
            Some(format!("{} {how}", a.opened.who))
        });
        match closing {
            None => Ok(()),
            Some(closed) => Err(fail(format!(
                "The ledger says that {closed}: it was not to be run."
            ))),
        }
    }

    /// Whether this policy is the one that was set, and was set.
    pub(super) fn sets(&self, policy: &PolicyInForce) -> Result<(), Failure> {
        let who = &policy.by;
        let mut all = self.acts.iter().filter(|a| {
            a.opened.act == act::POLICY_SET
                && a.opened.who == *who
                && a.opened.about == Some(policy.policy.about())
                && a.opened.cluster.as_deref().unwrap_or_default() == policy.cluster
                && policy.entry.is_none_or(|entry| entry == a.opened.index)
        });
        if all.clone().any(|a| a.outcome() == Some(Outcome::Done)) {
            return Ok(());
        }
        if all.any(|a| matches!(a.outcome(), None | Some(Outcome::Unknown))) {
            return Err(unknown(format!(
                "The ledger does not record the outcome of this: {who}: set a policy."
            )));
        }
        Err(fail(format!(
            "The ledger does not record that {who} set this policy: {}",
            policy.subject()
        )))
    }

    /// Whether all that the journal says was done is here, each once.
    pub(super) fn hold(&self, plan: &Plan, events: &[Event]) -> Finding {
        let mut taken = vec![false; self.acts.len()];
        let (mut found, mut lost, mut open) = (0, Vec::new(), Vec::new());
        let starter = match events.first().map(|event| &event.body) {
            Some(Body::Started { by, .. }) => by.as_str(),
            _ => return Err(unknown("The journal does not say who started the job.")),
        };
        for event in events {
            let Some(Claim {
                act,
                who,
                step,
                about,
                outcome,
            }) = claim(&event.body, starter)
            else {
                continue;
            };
            let fits = |a: &Act| {
                a.opened.act == act
                    && a.opened.who == who
                    && a.job() == Some(self.job.as_str())
                    && about
                        .as_ref()
                        .is_none_or(|about| a.opened.about.as_ref() == Some(about))
            };
            let free = |wanted: &dyn Fn(Option<Outcome>) -> bool, taken: &[bool]| {
                let mut acts = self.acts.iter().zip(taken);
                acts.position(|(a, taken)| !taken && fits(a) && wanted(a.outcome()))
            };
            if let Some(at) = free(&|o| o == Some(outcome), &taken) {
                taken[at] = true;
                found += 1;
                continue;
            }
            let what = match step {
                Some(step) => format!("event {}: {}, step {step}", event.seq, act::phrase(act)),
                None => format!("event {}: {}", event.seq, act::phrase(act)),
            };
            match free(&|o| matches!(o, None | Some(Outcome::Unknown)), &taken) {
                Some(at) => {
                    taken[at] = true;
                    open.push(what);
                }
                None => lost.push(what),
            }
        }
        if !lost.is_empty() {
            return Err(fail(format!(
                "The ledger does not have {}.",
                words::listed(&lost)
            )));
        }
        if let Some(step) = self.untold(plan, events) {
            return Err(fail(format!(
                "The ledger says that step {step} was carried out, and the journal does not."
            )));
        }
        if !open.is_empty() {
            return Err(unknown(format!(
                "The ledger does not record the outcome of this: {}.",
                words::listed(&open)
            )));
        }
        Ok(format!(
            "{found} acts, each opened before it was done and closed after."
        ))
    }

    /// A step that the ledger has as carried out, and that the journal never began.
    fn untold(&self, plan: &Plan, events: &[Event]) -> Option<u32> {
        let told = |number: u32| {
            let begun =
                |event: &Event| matches!(event.body, Body::StepStarted { step } if step == number);
            events.iter().any(begun)
        };
        let carried = |number: u32| {
            let closed = |a: &Act| matches!(a.outcome(), Some(Outcome::Done | Outcome::Failed));
            self.acts
                .iter()
                .any(|a| a.opened.act == act::JOB_STEP && closed(a) && is_step(&a.opened, number))
        };
        let mut steps = plan.steps.iter().map(|step| step.number);
        steps.find(|number| carried(*number) && !told(*number))
    }
}

/// Whether an entry is about this step.
fn is_step(entry: &Entry, step: u32) -> bool {
    entry.about == Some(About::Step { number: step })
}

/// What an event claims was done.
struct Claim<'a> {
    act: &'static str,
    who: &'a str,
    step: Option<u32>,
    /// What its entry has to be about, where that says more than the job.
    about: Option<About>,
    outcome: Outcome,
}

fn claim<'a>(body: &'a Body, starter: &'a str) -> Option<Claim<'a>> {
    if let Some(Wish { act, by, about }) = body.wish() {
        return Some(Claim {
            act,
            who: by,
            step: None,
            about,
            outcome: Outcome::Done,
        });
    }
    let done = Outcome::Done;
    let (act, who, step, outcome) = match body {
        Body::Started { by, .. } => (act::JOB_START, by.as_str(), None, done),
        Body::HandedOver { by, .. } => (act::JOB_HAND_OVER, by.as_str(), None, done),
        Body::LeftoversRemoved { by, .. } => (act::JOB_REMOVE_LEFTOVERS, by.as_str(), None, done),
        Body::StepEnded { step, outcome } => {
            let outcome = match outcome {
                StepOutcome::Done { .. } | StepOutcome::AlreadyDone { .. } => done,
                StepOutcome::Failed { .. } | StepOutcome::Unclear { .. } => Outcome::Failed,
            };
            (act::JOB_STEP, starter, Some(*step), outcome)
        }
        Body::StepRetried { step, .. } => (act::JOB_STEP, starter, Some(*step), Outcome::Failed),
        Body::UndoRetried { step, .. } => (act::JOB_UNDO, starter, Some(*step), Outcome::Failed),
        Body::UndoEnded { step, result, .. } => {
            let outcome = if result.is_ok() {
                done
            } else {
                Outcome::Failed
            };
            (act::JOB_UNDO, starter, Some(*step), outcome)
        }
        _ => return None,
    };
    Some(Claim {
        act,
        who,
        step,
        about: step.map(|number| About::Step { number }),
        outcome,
    })
}
