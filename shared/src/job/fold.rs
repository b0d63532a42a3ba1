//! The state of a job, folded from its events. The server that carries it out, the page that shows it, lists and
//! dossiers all use this one fold: a server that was killed reads the journal and knows what it knew.

use serde::{Deserialize, Serialize};

use super::events::{
    Body, EPHEMERAL, EndState, Event, Failure, Kept, KeptFolder, Question, StepOutcome, Then,
};
use crate::finding::Check;

/// Where a job is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// Created; no server has begun.
    #[default]
    Queued,
    /// Steps are being carried out.
    Running,
    /// A person paused it: no further step begins.
    Paused,
    /// It needs an answer.
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
    /// Begun, not ended: how far it came, only the world knows.
    Running,
    /// Done, or found done.
    Done,
    /// Ended badly.
    Failed,
    /// It could not be told whether it is done.
    Unclear,
    /// Being taken back; how far that came, only the world knows.
    Undoing,
    /// Could not be taken back.
    UndoFailed,
    /// Taken back.
    Undone,
    /// A person decided to leave its effect where it is.
    Left,
}

/// One step, as far as the journal knows.
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
    /// The host that it is carried out on, where its events name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// How far the parts of the target are, by name: how much is done and how much there is. Not in the journal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<(String, u64, u64)>,
    /// What was seen at its end, or what went wrong.
    pub note: String,
    /// What can be done about it, where it failed.
    #[serde(default)]
    pub failure: Failure,
    /// How often it failed and was tried again without asking.
    #[serde(default)]
    pub retries: u32,
    /// When it is tried again, milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_ms: Option<i64>,
    /// Whether it began once and was not taken back since: it may have left something, even while it waits to be tried
    /// again.
    #[serde(default)]
    pub touched: bool,
    /// Whether a person wants it carried out without looking whether it is done.
    #[serde(default)]
    pub unprobed: bool,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The step's number.
    pub step: u32,
    /// The host that it is about, where that is not the console's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The line.
    pub line: String,
}

/// A step of the hand-over that a person did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedOver {
    /// The step's id.
    pub step: String,
    /// Who did it.
    pub by: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What that person remarked; empty for nothing.
    pub note: String,
}

/// That what stayed of a job was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// Who had it removed.
    pub by: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// A job, as far as its journal knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobView {
    /// Where the job is.
    pub state: JobState,
    /// The last event folded in; ask for what is newer than this.
    pub last_seq: u64,
    /// The steps, in order.
    pub steps: Vec<StepView>,
    /// The open question.
    pub question: Option<Question>,
    /// What was proven.
    pub checks: Vec<Check>,
    /// Lines worth reading.
    pub log: Vec<LogLine>,
    /// The sentence that it ended with; empty until then.
    pub sentence: String,
    /// First event, and the last one up to its end, milliseconds since the Unix epoch.
    pub span_ms: Option<(i64, i64)>,
    /// Whether a server took it.
    #[serde(default)]
    pub begun: bool,
    /// Whether what was done is being taken back.
    #[serde(default)]
    pub backward: bool,
    /// Whether a person asked for a pause before the next step.
    #[serde(default)]
    pub paused: bool,
    /// Whether a person decided to stop here and keep what was done.
    #[serde(default)]
    pub leave: bool,
    /// Why the plan does not fit what is there, where a step found that before anything was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Questions asked so far.
    #[serde(default)]
    pub asked: u32,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<EndState>,
    /// The steps of the hand-over that people did, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handed_over: Vec<HandedOver>,
    /// What stays of it, where its server wrote that down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Kept>,
    /// Of its folders those whose removal was begun and has not ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removing: Vec<String>,
    /// Of its folders those that were removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed_paths: Vec<String>,
    /// When a removal was last begun or ended, milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_removal_ms: Option<i64>,
    /// That all of them were removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<Removed>,
}

impl JobView {
    /// A job with this many steps before anything happened.
    pub fn new(steps: usize) -> Self {
        Self {
            steps: vec![StepView::default(); steps],
            ..Self::default()
        }
    }

    /// Folds one event in. Events that were already folded, and gaps, change nothing and give `false`: the
    /// caller asks again from [`JobView::last_seq`].
    pub fn apply(&mut self, event: &Event) -> bool {
        if event.seq == EPHEMERAL {
            return self.apply_ephemeral(&event.body);
        }
        if event.seq != self.last_seq + 1 {
            return false;
        }
        self.last_seq = event.seq;
        if self.ended.is_none() {
            let first = self.span_ms.map_or(event.at_ms, |(first, _)| first);
            self.span_ms = Some((first, event.at_ms));
        }
        self.fold(event);
        self.state = self.derived();
        true
    }

    fn fold(&mut self, event: &Event) {
        let Event {
            at_ms, host, body, ..
        } = event;
        let at_ms = *at_ms;
        match body {
            Body::Started { .. } => {}
            Body::Adopted { .. } => self.begun = true,
            Body::StepStarted { step } => {
                self.begun = true;
                self.with_step(*step, |s| {
                    *s = StepView {
                        state: StepState::Running,
                        started_ms: Some(at_ms),
                        retries: s.retries,
                        unprobed: s.unprobed,
                        touched: true,
                        host: host.clone(),
                        ..StepView::default()
                    };
                });
            }
            Body::StepProgress { .. } => {
                self.apply_ephemeral(body);
            }
            Body::StepLog { step, line } => self.log.push(LogLine {
                at_ms,
                step: *step,
                host: host.clone(),
                line: line.clone(),
            }),
            Body::StepRetried {
                step,
                attempt,
                error,
                after_ms,
            } => self.with_step(*step, |s| {
                let after = i64::try_from(*after_ms).unwrap_or(i64::MAX);
                s.state = StepState::Waiting;
                s.retries = *attempt;
                s.retry_ms = Some(at_ms.saturating_add(after));
                s.note.clone_from(error);
                s.progress = None;
                s.per_second = None;
                s.parts.clear();
            }),
            Body::StepEnded { step, outcome } => self.with_step(*step, |s| s.end(outcome, at_ms)),
            Body::Asked { question } => {
                self.asked += 1;
                self.question = Some(question.clone());
            }
            Body::Answered { choice, by, .. } => self.answered(choice, by, at_ms),
            Body::Paused { .. } => self.paused = true,
            Body::Resumed { .. } => self.paused = false,
            Body::Refused { why, .. } => {
                self.refused = Some(why.clone());
                self.backward = true;
            }
            Body::AbortRequested { .. } => {
                self.question = None;
                self.paused = false;
                self.backward = true;
            }
            Body::UndoStarted { step } => self.with_step(*step, StepView::begin_undo),
            Body::UndoRetried {
                step,
                attempt,
                error,
                after_ms,
            } => self.with_step(*step, |s| {
                let after = i64::try_from(*after_ms).unwrap_or(i64::MAX);
                s.retries = *attempt;
                s.retry_ms = Some(at_ms.saturating_add(after));
                s.note.clone_from(error);
                s.per_second = None;
            }),
            Body::UndoEnded {
                step,
                result,
                failure,
            } => self.with_step(*step, |s| {
                s.failure = *failure;
                s.retry_ms = None;
                let (state, note) = match result {
                    Ok(note) => (StepState::Undone, note),
                    Err(error) => (StepState::UndoFailed, error),
                };
                s.state = state;
                s.note.clone_from(note);
                s.per_second = None;
            }),
            Body::Verified { checks } => {
                for check in checks {
                    match self.checks.iter_mut().find(|c| c.is_same(check)) {
                        Some(known) => *known = check.clone(),
                        None => self.checks.push(check.clone()),
                    }
                }
            }
            Body::Kept { kept } => self.kept = Some(kept.clone()),
            Body::RemovalBegun { paths, .. } => {
                if self.ended.is_some() {
                    let more = paths.iter().filter(|path| !self.removing.contains(path));
                    let more: Vec<_> = more.cloned().collect();
                    self.removing.extend(more);
                    self.last_removal_ms = Some(at_ms);
                }
            }
            Body::RemovalStopped { paths, .. } => {
                self.removing.retain(|path| !paths.contains(path));
            }
            Body::LeftoversRemoved { by, paths } => {
                if self.ended.is_some() {
                    self.removed(by, paths, at_ms);
                }
            }
            Body::Ended { state, sentence } => {
                self.ended = Some(*state);
                self.question = None;
                self.sentence.clone_from(sentence);
            }
            Body::HandedOver { step, by, note } => {
                if self.ended == Some(EndState::Completed) && self.handed(step).is_none() {
                    self.handed_over.push(HandedOver {
                        step: step.clone(),
                        by: by.clone(),
                        at_ms,
                        note: note.clone(),
                    });
                }
            }
        }
    }

    fn removed(&mut self, by: &str, paths: &[String], at_ms: i64) {
        let gone = |path: &String| paths.is_empty() || paths.contains(path);
        let left = self.folders_left().map(|folder| folder.path.clone());
        let more: Vec<_> = left.filter(gone).collect();
        self.removed_paths.extend(more);
        self.removing.retain(|path| !gone(path));
        if self.removed.is_some() {
            return;
        }
        self.last_removal_ms = Some(at_ms);
        if self.folders_left().next().is_none() {
            let by = by.to_owned();
            self.removed = Some(Removed { by, at_ms });
        }
    }

    /// The folders that stayed and were not removed by the console.
    pub fn folders_left(&self) -> impl Iterator<Item = &KeptFolder> {
        let folders = self.kept.iter().flat_map(|kept| &kept.folders);
        folders.filter(move |folder| !self.removed_paths.contains(&folder.path))
    }

    /// Who did this step of the hand-over, and when; `None` while it is open.
    pub fn handed(&self, step: &str) -> Option<&HandedOver> {
        self.handed_over.iter().find(|done| done.step == step)
    }

    /// How many of these steps people have done.
    pub fn handed_count<'s>(&self, steps: impl IntoIterator<Item = &'s str>) -> usize {
        let done = steps.into_iter().filter(|step| self.handed(step).is_some());
        done.count()
    }

    /// Whether a step is being carried out.
    pub fn is_working(&self) -> bool {
        self.steps.iter().any(|s| s.state == StepState::Running)
    }

    /// Whether what was verified is rolled back, or may be by now: the checks were true of what was undone.
    pub fn checks_are_invalid(&self) -> bool {
        self.backward && !self.checks.is_empty()
    }

    /// The newest event's time, milliseconds since the Unix epoch.
    pub fn updated_ms(&self) -> Option<i64> {
        let handed = self.handed_over.iter().map(|done| done.at_ms);
        let after = handed.chain(self.last_removal_ms);
        after.chain(self.span_ms.map(|(_, last)| last)).max()
    }

    /// What is no choice of the open question changes nothing: the question stays open.
    fn answered(&mut self, choice: &str, by: &str, at_ms: i64) {
        let Some(question) = &self.question else {
            return;
        };
        let Some(choice) = question.choices.iter().find(|c| c.id == choice) else {
            return;
        };
        let (step, backward) = (question.step, self.backward);
        let (then, label) = (choice.then, choice.label.clone());
        self.question = None;
        match then {
            Then::Undo => self.backward = true,
            Then::Leave if !backward => self.leave = true,
            _ => self.with_step(step, |s| match then {
                Then::Retry if backward => s.begin_undo(),
                Then::Retry => s.begin_anew(false),
                Then::CarryOut => s.begin_anew(true),
                Then::Leave => s.state = StepState::Left,
                Then::Done => {
                    s.state = match backward {
                        true => StepState::Undone,
                        false => StepState::Done,
                    };
                    s.started_ms.get_or_insert(at_ms);
                    s.ended_ms = Some(at_ms);
                    s.note = format!("{by} chose “{label}”.");
                }
                Then::Undo => {}
            }),
        }
    }

    fn derived(&self) -> JobState {
        if let Some(ended) = self.ended {
            return match ended {
                EndState::Completed => JobState::Completed,
                EndState::Undone => JobState::Undone,
                EndState::Left => JobState::Left,
            };
        }
        if self.question.is_some() {
            JobState::Waiting
        } else if self.backward {
            JobState::Undoing
        } else if self.paused {
            JobState::Paused
        } else if self.begun {
            JobState::Running
        } else {
            JobState::Queued
        }
    }

    /// Folds in an event that is not in the journal; anything but the progress of a step is ignored.
    fn apply_ephemeral(&mut self, body: &Body) -> bool {
        let Body::StepProgress {
            step,
            done,
            total,
            unit,
            per_second,
            part,
        } = body
        else {
            return false;
        };
        self.with_step(*step, |s| {
            if matches!(s.state, StepState::Running | StepState::Undoing) {
                let Some(part) = part else {
                    s.progress = Some((*done, *total, unit.clone()));
                    s.per_second = *per_second;
                    return;
                };
                match s.parts.iter_mut().find(|(name, ..)| name == part) {
                    Some(known) => (known.1, known.2) = (*done, *total),
                    None => s.parts.push((part.clone(), *done, *total)),
                }
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

impl StepView {
    /// Whether it may have changed something that is still there.
    pub fn may_have_effect(&self) -> bool {
        match self.state {
            StepState::Waiting => self.touched,
            StepState::Undone => false,
            _ => true,
        }
    }

    fn begin_undo(&mut self) {
        self.state = StepState::Undoing;
        (self.retries, self.retry_ms) = (0, None);
    }

    fn begin_anew(&mut self, unprobed: bool) {
        *self = Self {
            unprobed,
            touched: self.touched,
            host: self.host.take(),
            ..Self::default()
        };
    }

    fn end(&mut self, outcome: &StepOutcome, at_ms: i64) {
        let (state, note) = match outcome {
            StepOutcome::Done { evidence } | StepOutcome::AlreadyDone { evidence } => {
                (StepState::Done, evidence)
            }
            StepOutcome::Failed { error, failure } => {
                self.failure = *failure;
                (StepState::Failed, error)
            }
            StepOutcome::Unclear { why } => (StepState::Unclear, why),
        };
        self.state = state;
        self.note.clone_from(note);
        self.ended_ms = Some(at_ms);
        self.per_second = None;
        self.parts.clear();
        self.unprobed = false;
    }
}

#[cfg(test)]
mod tests;
