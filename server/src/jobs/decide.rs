//! What a job does next, as a pure function of its journal. There is no other state: a server that was killed
//! reads the journal and knows what it knew.

use requorum_shared::events::{Body, EndState, Event, Question, StepOutcome};
use requorum_shared::plan::{Plan, Undo};

use super::questions;

/// Where a step stands, as far as the journal knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepStanding {
    /// Not begun.
    Waiting,
    /// Begun; how far it came, only the world knows.
    Started,
    /// Done.
    Done,
    /// Ended badly, with what was said.
    Failed(String),
    /// Being taken back; how far that came, only the world knows.
    Undoing,
    /// Could not be taken back, with what was said.
    UndoFailed(String),
    /// Taken back.
    Undone,
    /// A person decided to leave its effect where it is.
    Left,
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The steps, in order.
    pub steps: Vec<StepStanding>,
    /// Whether what was done is being taken back.
    pub backward: bool,
    /// Whether a person asked for a pause before the next step.
    pub paused: bool,
    /// The open question.
    pub question: Option<Question>,
    /// A person decided to stop here and keep what was done.
    pub leave: bool,
    /// Whether the job is over.
    pub over: bool,
    /// Questions asked so far.
    pub asked: u32,
    /// The last entry folded in.
    pub last_seq: u64,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Carry out the step with this index.
    Carry {
        /// The step's index.
        index: usize,
        /// Whether the journal says already that it began.
        begun: bool,
    },
    /// Take back the step with this index.
    TakeBack {
        /// The step's index.
        index: usize,
        /// Whether the journal says already that this began.
        begun: bool,
    },
    /// Ask this.
    Ask(Question),
    /// Wait for a person.
    Wait,
    /// End like this.
    End(EndState, String),
    /// Nothing: it is over.
    Over,
}

impl Standing {
    /// A job of this many steps, before its first entry.
    pub fn new(steps: usize) -> Self {
        Self {
            steps: vec![StepStanding::Waiting; steps],
            backward: false,
            paused: false,
            question: None,
            leave: false,
            over: false,
            asked: 0,
            last_seq: 0,
        }
    }

    /// Folds in entries, oldest first. Entries that were folded in before change nothing.
    pub fn fold(&mut self, events: &[Event]) {
        for event in events {
            if event.seq == self.last_seq + 1 {
                self.last_seq = event.seq;
                self.apply(&event.body);
            }
        }
    }

    fn apply(&mut self, body: &Body) {
        match body {
            Body::Started { .. }
            | Body::Adopted { .. }
            | Body::StepProgress { .. }
            | Body::StepLog { .. }
            | Body::Verified { .. } => {}
            Body::StepStarted { step } => self.set(*step, StepStanding::Started),
            Body::StepEnded { step, outcome } => self.set(
                *step,
                match outcome {
                    StepOutcome::Done { .. } | StepOutcome::AlreadyDone { .. } => {
                        StepStanding::Done
                    }
                    StepOutcome::Failed { error } => StepStanding::Failed(error.clone()),
                },
            ),
            Body::Asked { question } => {
                self.asked += 1;
                self.question = Some(question.clone());
            }
            Body::Answered { choice, .. } => self.answered(choice),
            Body::Paused { .. } => self.paused = true,
            Body::Resumed { .. } => self.paused = false,
            Body::AbortRequested { .. } => {
                self.question = None;
                self.paused = false;
                self.backward = true;
            }
            Body::UndoStarted { step } => self.set(*step, StepStanding::Undoing),
            Body::UndoEnded { step, result } => self.set(
                *step,
                match result {
                    Ok(_) => StepStanding::Undone,
                    Err(error) => StepStanding::UndoFailed(error.clone()),
                },
            ),
            Body::Ended { .. } => self.over = true,
        }
    }

    fn answered(&mut self, choice: &str) {
        let Some(question) = self.question.take() else {
            return;
        };
        match choice {
            questions::RETRY if self.backward => self.set(question.step, StepStanding::Undoing),
            questions::RETRY => self.set(question.step, StepStanding::Waiting),
            questions::UNDO => self.backward = true,
            questions::LEAVE if self.backward => self.set(question.step, StepStanding::Left),
            questions::LEAVE => self.leave = true,
            _ => self.question = Some(question),
        }
    }

    fn set(&mut self, number: u32, standing: StepStanding) {
        let index = (number as usize).wrapping_sub(1);
        if let Some(step) = self.steps.get_mut(index) {
            *step = standing;
        }
    }

    /// What to do next.
    pub fn next(&self, plan: &Plan) -> Next {
        if self.over {
            Next::Over
        } else if self.question.is_some() {
            Next::Wait
        } else if self.leave {
            Next::End(EndState::Left, questions::left_sentence(plan, self))
        } else if self.backward {
            self.next_backward(plan)
        } else {
            self.next_forward(plan)
        }
    }

    fn next_forward(&self, plan: &Plan) -> Next {
        for (index, standing) in self.steps.iter().enumerate() {
            return match standing {
                StepStanding::Done => continue,
                // A step that began is brought to its end: a pause comes before the next one.
                StepStanding::Started => Next::Carry { index, begun: true },
                StepStanding::Failed(error) => {
                    Next::Ask(questions::step_failed(plan, self, index, error))
                }
                _ if self.paused => Next::Wait,
                _ => Next::Carry {
                    index,
                    begun: false,
                },
            };
        }
        Next::End(EndState::Completed, questions::completed_sentence(plan))
    }

    fn next_backward(&self, plan: &Plan) -> Next {
        for (index, standing) in self.steps.iter().enumerate().rev() {
            return match standing {
                StepStanding::Waiting | StepStanding::Undone | StepStanding::Left => continue,
                StepStanding::Undoing => Next::TakeBack { index, begun: true },
                StepStanding::UndoFailed(error) => {
                    Next::Ask(questions::undo_failed(plan, self, index, error))
                }
                StepStanding::Started | StepStanding::Failed(_) | StepStanding::Done => {
                    match plan.steps.get(index).map(|s| &s.undo) {
                        Some(Undo::PointOfNoReturn(why)) => {
                            Next::Ask(questions::no_way_back(plan, self, index, why))
                        }
                        _ => Next::TakeBack {
                            index,
                            begun: false,
                        },
                    }
                }
            };
        }
        if self.steps.contains(&StepStanding::Left) {
            Next::End(EndState::Left, questions::left_sentence(plan, self))
        } else {
            Next::End(EndState::Undone, questions::undone_sentence())
        }
    }
}
