//! What a job does next, as a pure function of its journal. There is no other state: a server that was killed
//! reads the journal and knows what it knew.

use requorum_shared::job::events::{EndState, Failure, Question};
use requorum_shared::job::fold::{JobView, StepState};
use requorum_shared::plan::Undo;
use requorum_shared::recovery::{Action, Plan};

use super::questions;

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Carry out the step with this index.
    Execute {
        /// The step's index.
        index: usize,
        /// Whether the journal says already that it began.
        begun: bool,
    },
    /// Take back the step with this index.
    Undo {
        /// The step's index.
        index: usize,
        /// Whether the journal says already that this began.
        begun: bool,
    },
    /// Ask this.
    Ask(Question),
    /// Wait for a person.
    Wait,
    /// Wait for a person, or until this time: milliseconds since the Unix epoch.
    WaitUntil(i64),
    /// Take back what was done, because the plan does not fit what is there. Nothing was done.
    Refuse {
        /// The step that found so, from 1.
        step: u32,
        /// What it found.
        why: String,
    },
    /// End like this.
    End(EndState, String),
    /// Nothing: it is over.
    Over,
}

/// What to do next with the job of `plan`, at `now_ms`.
pub fn next(plan: &Plan, job: &JobView, now_ms: i64) -> Next {
    if job.ended.is_some() {
        Next::Over
    } else if job.question.is_some() {
        Next::Wait
    } else if job.leave {
        Next::End(EndState::Left, questions::left_sentence(plan, job))
    } else if job.backward {
        backward(plan, job, now_ms)
    } else {
        forward(plan, job, now_ms)
    }
}

fn forward(plan: &Plan, job: &JobView, now_ms: i64) -> Next {
    for (index, step) in job.steps.iter().enumerate() {
        return match step.state {
            StepState::Done => continue,
            // A step that began is brought to its end: a pause comes before the next one.
            StepState::Running => Next::Execute { index, begun: true },
            StepState::Failed => failed(plan, job, index),
            StepState::Unclear => Next::Ask(questions::unclear(plan, job, index)),
            _ if job.paused => Next::Wait,
            _ => begin(plan, job, index, now_ms),
        };
    }
    Next::End(EndState::Completed, plan.whole_outcome())
}

fn begin(plan: &Plan, job: &JobView, index: usize, now_ms: i64) -> Next {
    if let Some(at_ms) = retry_at(job, index, now_ms) {
        return Next::WaitUntil(at_ms);
    }
    match plan.steps.get(index).map(|step| &step.action) {
        Some(Action::Person(gate)) => Next::Ask(questions::gate(job, index, gate)),
        _ => Next::Execute {
            index,
            begun: false,
        },
    }
}

fn failed(plan: &Plan, job: &JobView, index: usize) -> Next {
    let untouched = questions::effects(plan, job).all(|(number, _)| number == index + 1);
    match job.steps[index].failure {
        Failure::Refuse if untouched => Next::Refuse {
            step: index as u32 + 1,
            why: job.steps[index].note.clone(),
        },
        _ => Next::Ask(questions::step_failed(plan, job, index)),
    }
}

/// When a step is tried again, if that is still to come.
fn retry_at(job: &JobView, index: usize, now_ms: i64) -> Option<i64> {
    job.steps[index].retry_ms.filter(|at_ms| *at_ms > now_ms)
}

fn backward(plan: &Plan, job: &JobView, now_ms: i64) -> Next {
    for (index, step) in job.steps.iter().enumerate().rev() {
        return match step.state {
            StepState::Undone | StepState::Left => continue,
            // What was begun and waits to be tried again may have left something.
            StepState::Waiting if !step.touched => continue,
            StepState::Undoing => match retry_at(job, index, now_ms) {
                Some(at_ms) => Next::WaitUntil(at_ms),
                None => Next::Undo { index, begun: true },
            },
            StepState::UndoFailed => Next::Ask(questions::undo_failed(plan, job, index)),
            StepState::Waiting
            | StepState::Running
            | StepState::Failed
            | StepState::Unclear
            | StepState::Done => match plan.steps.get(index).map(|s| (&s.undo, &s.action)) {
                Some((Undo::Back(how), Action::Person(_))) => {
                    Next::Ask(questions::undo_by_hand(plan, job, index, how))
                }
                Some((Undo::PointOfNoReturn(why), _)) => {
                    Next::Ask(questions::no_way_back(plan, job, index, why))
                }
                _ => Next::Undo {
                    index,
                    begun: false,
                },
            },
        };
    }
    if job.steps.iter().any(|step| step.state == StepState::Left) {
        return Next::End(EndState::Left, questions::left_sentence(plan, job));
    }
    Next::End(EndState::Undone, questions::undone_sentence(job))
}
