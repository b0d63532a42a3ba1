//! The machine-readable parts as types, and those that follow from the journal.

use serde::{Deserialize, Serialize};

use crate::approval::Authorization;
use crate::finding::{Check, Outcome};
use crate::job::events::{Body, Event};
use crate::job::fold::{JobState, JobView};
use crate::ledger::merkle::Hash;
use crate::recovery::Plan;

/// What a console knows of a job beside its journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFacts {
    /// Its id.
    pub id: String,
    /// The sealed bytes of its plan.
    pub plan_json: String,
    /// Its journal.
    pub events: Vec<Event>,
}

/// The ledger's part in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerFacts {
    /// The entries about the plan and the job: index, bytes, and way to the checkpoint.
    pub entries: Vec<(u64, Vec<u8>, Vec<Hash>)>,
    /// The checkpoint, a signed note.
    pub checkpoint: String,
    /// Acts about the plan or the job that changed nothing and are left out, because there are many.
    pub left_out: u64,
}

/// `approvals.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvals {
    /// Whether the job was not over.
    pub interim: bool,
    /// The hash of the plan.
    pub plan_hash: String,
    /// What the job was started on; absent for a job of a version that did not keep it.
    pub grounds: Option<Authorization>,
    /// What the console remarked when the plan was approved.
    pub remark: String,
    /// The review of a break-glass override.
    pub review: Option<ReviewFacts>,
}

/// Where a review stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewFacts {
    /// Its id.
    pub id: String,
    /// Who closed it; empty while it is open.
    pub closed_by: String,
    /// When, milliseconds since the Unix epoch; 0 while it is open.
    pub closed_at_ms: i64,
    /// What was found.
    pub note: String,
}

/// `verification.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Verification<'a> {
    interim: bool,
    pass: usize,
    fail: usize,
    not_checked: usize,
    checks: &'a [Check],
}

impl<'a> Verification<'a> {
    pub(super) fn of(view: &'a JobView) -> Self {
        let count = |outcome| view.checks.iter().filter(|c| c.outcome == outcome).count();
        Self {
            interim: !view.state.is_over(),
            pass: count(Outcome::Pass),
            fail: count(Outcome::Fail),
            not_checked: count(Outcome::NotChecked),
            checks: &view.checks,
        }
    }
}

/// `timings.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Timings {
    pub(super) interim: bool,
    /// When the job was started.
    pub(super) started_ms: Option<i64>,
    /// Its last event.
    pub(super) last_ms: Option<i64>,
    /// From one to the other.
    pub(super) total_ms: i64,
    /// How much of that it waited for a person.
    pub(super) waited_ms: i64,
    pub(super) steps: Vec<StepTiming>,
}

/// How long a step took: from its first beginning to its last end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct StepTiming {
    pub(super) number: u32,
    /// How often it ended.
    pub(super) attempts: u32,
    pub(super) started_ms: Option<i64>,
    pub(super) ended_ms: Option<i64>,
    /// Of its last attempt.
    pub(super) took_ms: Option<i64>,
}

impl Timings {
    pub(super) fn of(plan: &Plan, events: &[Event]) -> Self {
        let mut view = JobView::new(plan.steps.len());
        let mut steps: Vec<_> = plan
            .steps
            .iter()
            .map(|step| StepTiming {
                number: step.number,
                ..StepTiming::default()
            })
            .collect();
        let mut waited_ms: i64 = 0;
        for event in events {
            if matches!(view.state, JobState::Waiting | JobState::Paused)
                && let Some((_, last)) = view.span_ms
            {
                waited_ms = event
                    .at_ms
                    .saturating_sub(last)
                    .max(0)
                    .saturating_add(waited_ms);
            }
            view.apply(event);
            let (Body::StepStarted { step } | Body::StepEnded { step, .. }) = &event.body else {
                continue;
            };
            let index = (*step as usize).wrapping_sub(1);
            let (Some(timing), Some(seen)) = (steps.get_mut(index), view.steps.get(index)) else {
                continue;
            };
            if matches!(event.body, Body::StepEnded { .. }) {
                timing.attempts += 1;
                timing.ended_ms = seen.ended_ms;
                timing.took_ms = took(seen.started_ms, seen.ended_ms);
            } else {
                timing.started_ms = timing.started_ms.or(seen.started_ms);
            }
        }
        let (started_ms, last_ms) = view.span_ms.unzip();
        Self {
            interim: !view.state.is_over(),
            started_ms,
            last_ms,
            total_ms: took(started_ms, last_ms).unwrap_or(0),
            waited_ms,
            steps,
        }
    }
}

fn took(from: Option<i64>, to: Option<i64>) -> Option<i64> {
    Some(to?.saturating_sub(from?).max(0))
}

/// `ledger/proofs.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Proofs {
    /// The size of the tree that they lead to.
    pub(super) size: u64,
    /// Its root, base64.
    pub(super) root: String,
    /// Acts about the plan or the job that changed nothing and are not among the entries; absent for none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) left_out: u64,
    /// One for each line of the entries, in order.
    pub(super) proofs: Vec<Proof>,
}

/// An RFC 6962 audit path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Proof {
    /// The entry's index.
    pub(super) index: u64,
    /// Base64, from the leaf upwards.
    pub(super) path: Vec<String>,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// The view that a journal gives.
pub(super) fn view(plan: &Plan, events: &[Event]) -> JobView {
    let mut view = JobView::new(plan.steps.len());
    for event in events {
        view.apply(event);
    }
    view
}

/// What the job was started on, as its journal has it.
pub(super) fn grounds(events: &[Event]) -> Option<&Authorization> {
    match &events.first()?.body {
        Body::Started { grounds, .. } => grounds.as_deref(),
        _ => None,
    }
}
