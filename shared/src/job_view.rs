//! The state of a job, folded from its events: the server, the page and the tests all see the same.

use serde::{Deserialize, Serialize};

use crate::events::{Body, EndState, Event, PASSING, Question, StepOutcome};
use crate::finding::Check;

/// Where a job is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// Created; no step has begun.
    #[default]
    Queued,
    /// Steps are being carried out.
    Running,
    /// A person paused it.
    Paused,
    /// It waits for an answer.
    Waiting,
    /// Steps are being taken back.
    Undoing,
    /// Every step is done.
    Completed,
    /// Every effect was taken back.
    Undone,
    /// A person decided to leave it as it was.
    Left,
}

impl JobState {
    /// Whether nothing more will happen.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Undone | Self::Left)
    }
}

/// Where a step is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// Not begun.
    #[default]
    Waiting,
    /// Begun, not ended.
    Running,
    /// Done, or found done.
    Done,
    /// Ended badly.
    Failed,
    /// Being taken back.
    Undoing,
    /// Taken back.
    Undone,
}

/// One step as a person sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    /// Where it is.
    pub state: StepState,
    /// When it began, milliseconds since the Unix epoch.
    pub started_ms: Option<i64>,
    /// When it ended.
    pub ended_ms: Option<i64>,
    /// How much is done and how much there is, with the unit.
    pub progress: Option<(u64, u64, String)>,
    /// How much was done in the last second, in the unit of `progress`.
    pub per_second: Option<u64>,
    /// What was seen at its end, or what went wrong.
    pub note: String,
}

/// A job as a person sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobView {
    /// Where it is.
    pub state: JobState,
    /// The last event folded in; ask for what is newer than this.
    pub last_seq: u64,
    /// The steps, in order.
    pub steps: Vec<StepView>,
    /// The open question.
    pub question: Option<Question>,
    /// What was proven.
    pub checks: Vec<Check>,
    /// Lines worth reading: when (milliseconds), step, text.
    pub log: Vec<(i64, u32, String)>,
    /// The last sentence.
    pub sentence: String,
    /// First and last event, milliseconds since the Unix epoch.
    pub span_ms: Option<(i64, i64)>,
    before_question: JobState,
}

impl JobView {
    /// The view of a job with this many steps before anything happened.
    pub fn new(steps: usize) -> Self {
        Self {
            steps: vec![StepView::default(); steps],
            ..Self::default()
        }
    }

    /// Folds one event in. Events that were already folded, and gaps, change nothing and give `false`: the
    /// caller asks again from [`JobView::last_seq`].
    pub fn apply(&mut self, event: &Event) -> bool {
        if event.seq == PASSING {
            return self.pass(&event.body);
        }
        if event.seq != self.last_seq + 1 {
            return false;
        }
        self.last_seq = event.seq;
        let first = self.span_ms.map_or(event.at_ms, |(first, _)| first);
        self.span_ms = Some((first, event.at_ms));
        match &event.body {
            Body::Started { .. } => self.state = JobState::Queued,
            Body::Adopted { .. } => {
                if self.state == JobState::Queued {
                    self.state = JobState::Running;
                }
            }
            Body::StepStarted { step } => {
                self.state = JobState::Running;
                self.with_step(*step, |s| {
                    s.state = StepState::Running;
                    s.started_ms = Some(event.at_ms);
                    s.ended_ms = None;
                    s.progress = None;
                    s.per_second = None;
                    s.note.clear();
                });
            }
            Body::StepProgress { .. } => {
                self.pass(&event.body);
            }
            Body::StepLog { step, line } => self.log.push((event.at_ms, *step, line.clone())),
            Body::StepEnded { step, outcome } => {
                let (state, note) = match outcome {
                    StepOutcome::Done { evidence } => (StepState::Done, evidence),
                    StepOutcome::AlreadyDone { evidence } => (StepState::Done, evidence),
                    StepOutcome::Failed { error } => (StepState::Failed, error),
                };
                self.with_step(*step, |s| {
                    s.state = state;
                    s.note = note.clone();
                    s.ended_ms = Some(event.at_ms);
                    s.per_second = None;
                });
            }
            Body::Asked { question } => {
                self.before_question = self.state;
                self.state = JobState::Waiting;
                self.question = Some(question.clone());
            }
            Body::Answered { choice, .. } => {
                self.question = None;
                self.state = if choice == "undo" {
                    JobState::Undoing
                } else {
                    self.before_question
                };
            }
            Body::Paused { .. } => self.state = JobState::Paused,
            Body::Resumed { .. } => self.state = JobState::Running,
            Body::AbortRequested { .. } => {
                self.question = None;
                self.state = JobState::Undoing;
            }
            Body::UndoStarted { step } => {
                self.state = JobState::Undoing;
                self.with_step(*step, |s| s.state = StepState::Undoing);
            }
            Body::UndoEnded { step, result } => self.with_step(*step, |s| match result {
                Ok(note) => {
                    s.state = StepState::Undone;
                    s.note = note.clone();
                }
                Err(error) => {
                    s.state = StepState::Failed;
                    s.note = error.clone();
                }
            }),
            Body::Verified { checks } => {
                for check in checks {
                    match self.checks.iter_mut().find(|c| c.name == check.name) {
                        Some(known) => *known = check.clone(),
                        None => self.checks.push(check.clone()),
                    }
                }
            }
            Body::Ended { state, sentence } => {
                self.state = match state {
                    EndState::Completed => JobState::Completed,
                    EndState::Undone => JobState::Undone,
                    EndState::Left => JobState::Left,
                };
                self.question = None;
                self.sentence = sentence.clone();
            }
        }
        true
    }

    /// Folds in an event that is not in the journal; anything but the progress of a step is ignored.
    fn pass(&mut self, body: &Body) -> bool {
        let Body::StepProgress {
            step,
            done,
            total,
            unit,
            per_second,
        } = body
        else {
            return false;
        };
        self.with_step(*step, |s| {
            if matches!(s.state, StepState::Running | StepState::Undoing) {
                s.progress = Some((*done, *total, unit.clone()));
                s.per_second = *per_second;
            }
        });
        true
    }

    fn with_step(&mut self, number: u32, change: impl FnOnce(&mut StepView)) {
        let index = (number as usize).wrapping_sub(1);
        if let Some(step) = self.steps.get_mut(index) {
            change(step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: u64, body: Body) -> Event {
        Event {
            seq,
            at_ms: seq as i64,
            body,
        }
    }

    fn progress(done: u64) -> Body {
        Body::StepProgress {
            step: 1,
            done,
            total: 10,
            unit: "bytes".into(),
            per_second: Some(5),
        }
    }

    #[test]
    fn progress_passes_by_and_never_moves_the_journal() {
        let mut view = JobView::new(1);
        assert!(view.apply(&event(
            1,
            Body::Started {
                by: "ak".into(),
                grounds: None
            }
        )));
        assert!(view.apply(&event(PASSING, progress(1))));
        assert_eq!(view.steps[0].progress, None, "a step that does not run");
        assert!(view.apply(&event(2, Body::StepStarted { step: 1 })));
        assert!(view.apply(&event(PASSING, progress(7))));
        assert_eq!(view.steps[0].progress, Some((7, 10, "bytes".into())));
        assert_eq!(view.last_seq, 2);
        assert!(!view.apply(&event(PASSING, Body::StepStarted { step: 1 })));
    }

    #[test]
    fn a_gap_and_a_repetition_change_nothing() {
        let mut view = JobView::new(1);
        assert!(view.apply(&event(
            1,
            Body::Started {
                by: "ak".into(),
                grounds: None
            }
        )));
        let before = view.clone();
        assert!(!view.apply(&event(
            1,
            Body::Started {
                by: "ak".into(),
                grounds: None
            }
        )));
        assert!(!view.apply(&event(3, Body::StepStarted { step: 1 })));
        assert_eq!(view, before);
    }

    #[test]
    fn the_answer_undo_turns_the_job_around_and_retry_does_not() {
        for (choice, state) in [("undo", JobState::Undoing), ("retry", JobState::Running)] {
            let mut view = JobView::new(1);
            let bodies = [
                Body::Started {
                    by: "ak".into(),
                    grounds: None,
                },
                Body::StepStarted { step: 1 },
                Body::Asked {
                    question: Question {
                        id: "1".into(),
                        step: 1,
                        text: "Step 1 failed. What now?".into(),
                        evidence: String::new(),
                        choices: Vec::new(),
                    },
                },
                Body::Answered {
                    question: "1".into(),
                    choice: choice.into(),
                    by: "ak".into(),
                },
            ];
            for (at, body) in bodies.into_iter().enumerate() {
                assert!(view.apply(&event(at as u64 + 1, body)));
            }
            assert_eq!(view.state, state, "{choice}");
            assert_eq!(view.question, None);
        }
    }
}
