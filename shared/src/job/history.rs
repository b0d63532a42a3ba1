//! A job's history: its journal as lines that a person reads. The page's timeline and the dossier's are both these
//! lines, worded here alone.

use super::events::{Body, EPHEMERAL, EndState, Event, StepOutcome};
use super::fold::JobView;
use crate::document::Mark;
use crate::finding::{Check, Outcome};
use crate::ledger::entry::CONSOLE;
use crate::number::size;

/// What a line is about, to show some and leave out others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// What people did: questions, answers, pauses, the hand-over.
    People,
    /// What became of the server that carries the job out.
    Server,
    /// Steps and checks.
    Steps,
    /// What steps wrote.
    Log,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The event's number.
    pub seq: u64,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What it is about.
    pub topic: Topic,
    /// Who did it; the console for what it does alone.
    pub who: String,
    /// What happened.
    pub what: String,
    /// More of it: evidence, an error, a remark; empty for nothing.
    pub detail: String,
    /// What kind of news it is.
    pub mark: Mark,
    /// That in a word or two.
    pub word: &'static str,
    /// How long what ends here took, milliseconds.
    pub took_ms: Option<i64>,
    /// Whether something begins here whose end is a line too.
    pub begins: bool,
}

/// The lines so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    titles: Vec<String>,
    handover: Vec<(String, String)>,
    leftovers: String,
    steps: Vec<Step>,
    /// The job before the event that a line is made of.
    view: JobView,
    /// All lines, oldest first.
    pub lines: Vec<Line>,
    /// The last event that is in them.
    pub last_seq: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Step {
    /// When its last attempt, or its undo, began.
    began_ms: Option<i64>,
    /// Begun, and not ended.
    open: bool,
}

impl History {
    /// Of a job with steps of these titles, with a hand-over of these steps, by id and title, and with a noun for what it
    /// leaves at its target.
    pub fn new<T: AsRef<str>>(
        titles: &[T],
        handover: Vec<(String, String)>,
        leftovers: &str,
    ) -> Self {
        Self {
            titles: titles.iter().map(|t| t.as_ref().to_owned()).collect(),
            steps: vec![Step::default(); titles.len()],
            handover,
            leftovers: leftovers.to_owned(),
            view: JobView::new(titles.len()),
            ..Self::default()
        }
    }

    /// Adds what an event tells. One that was added before, and what is not in the journal, changes nothing.
    pub fn apply(&mut self, event: &Event) {
        if event.seq == EPHEMERAL || event.seq <= self.last_seq {
            return;
        }
        self.last_seq = event.seq;
        let line = self.line(event);
        self.view.apply(event);
        // It says nothing about what follows, and can be long.
        self.view.log.clear();
        let Some(mut line) = line else {
            return;
        };
        if let Some(host) = event.host.as_ref().filter(|_| line.topic == Topic::Steps) {
            line.what = format!("{} (on {host})", line.what);
        }
        self.lines.push(line);
    }

    fn line(&mut self, event: &Event) -> Option<Line> {
        let at_ms = event.at_ms;
        let line = |topic, who: &str, what: String, mark, word| Line {
            seq: event.seq,
            at_ms,
            topic,
            who: who.to_owned(),
            what,
            detail: String::new(),
            mark,
            word,
            took_ms: None,
            begins: false,
        };
        let console = |topic, what, mark, word| line(topic, CONSOLE, what, mark, word);
        let person =
            |who: &str, what: &str| line(Topic::People, who, what.to_owned(), Mark::Pass, "done");
        Some(match &event.body {
            Body::Started { by, .. } => person(by, "Started the job"),
            Body::Adopted { reason } => {
                let open: Vec<_> = (1..).zip(&self.steps).filter(|(_, s)| s.open).collect();
                let again = match open.first() {
                    Some((number, _)) if !self.view.backward => {
                        format!(", and checks how far step {number} got")
                    }
                    _ => String::new(),
                };
                let what = match reason.as_str() {
                    "start" => "Took the job".to_owned(),
                    "restart" => format!("The server was restarted and resumes the job{again}"),
                    "takeover" => format!("Another server took the job over{again}"),
                    other => format!("Took the job: {other}"),
                };
                let mark = match reason.as_str() {
                    "start" => Mark::Note,
                    _ => Mark::Warning,
                };
                console(Topic::Server, what, mark, "resumed").when("start" == reason, "noted")
            }
            Body::StepStarted { step } => {
                let again = self.begin(*step, at_ms);
                let what = self.named(*step);
                let word = if again { "begun again" } else { "begun" };
                console(Topic::Steps, what, Mark::Note, word).beginning()
            }
            Body::StepProgress { .. } => return None,
            Body::StepLog { step, line } => {
                let said = match &event.host {
                    Some(host) => format!("Step {step}, {host}: {line}"),
                    None => format!("Step {step}: {line}"),
                };
                console(Topic::Log, said, Mark::Note, "log")
            }
            Body::StepRetried {
                step,
                attempt,
                error,
                after_ms,
            } => {
                self.end(*step);
                let what = format!(
                    "{}: attempt {attempt} failed, next one in {}",
                    self.named(*step),
                    seconds(*after_ms)
                );
                console(Topic::Steps, what, Mark::Warning, "retried").with(error)
            }
            Body::StepEnded { step, outcome } => {
                let took = self.end(*step).map(|began| (at_ms - began).max(0));
                let (mark, word, detail) = match outcome {
                    StepOutcome::Done { evidence } => (Mark::Pass, "done", evidence),
                    StepOutcome::AlreadyDone { evidence } => (Mark::Pass, "already done", evidence),
                    StepOutcome::Failed { error, .. } => (Mark::Fail, "FAILED", error),
                    StepOutcome::Unclear { why } => (Mark::NotChecked, "unclear", why),
                };
                let ended = console(Topic::Steps, self.named(*step), mark, word).with(detail);
                Line {
                    took_ms: took,
                    ..ended
                }
            }
            Body::Refused { step, why } => {
                let what = format!(
                    "{}: the plan does not match what is there",
                    self.named(*step)
                );
                console(Topic::Steps, what, Mark::Fail, "refused").with(why)
            }
            Body::Asked { question } => {
                let what = format!("Asked: {}", question.text);
                console(Topic::People, what, Mark::Warning, "waiting").with(&question.evidence)
            }
            Body::Answered { choice, by, .. } => {
                let question = self.view.question.as_ref();
                let choices = question.into_iter().flat_map(|q| &q.choices);
                let label = choices.filter(|c| c.id == *choice).map(|c| &c.label).next();
                person(by, &format!("Answered: {}", label.unwrap_or(choice)))
            }
            Body::Paused { by } => person(by, "Asked for a pause before the next step"),
            Body::Resumed { by } => person(by, "Resumed the job"),
            Body::AbortRequested { by } => person(by, "Asked to stop and roll back"),
            Body::UndoStarted { step } => {
                self.begin(*step, at_ms);
                console(Topic::Steps, self.named(*step), Mark::Note, "rolling back").beginning()
            }
            Body::UndoRetried {
                step,
                attempt,
                error,
                after_ms,
            } => {
                let what = format!(
                    "{}: rolling back, attempt {attempt} failed, next one in {}",
                    self.named(*step),
                    seconds(*after_ms)
                );
                console(Topic::Steps, what, Mark::Warning, "retried").with(error)
            }
            Body::UndoEnded { step, result, .. } => {
                let took = self.end(*step).map(|began| (at_ms - began).max(0));
                let (mark, word, detail) = match result {
                    Ok(note) => (Mark::Pass, "rolled back", note),
                    Err(error) => (Mark::Fail, "NOT ROLLED BACK", error),
                };
                let ended = console(Topic::Steps, self.named(*step), mark, word).with(detail);
                Line {
                    took_ms: took,
                    ..ended
                }
            }
            Body::Verified { checks } => verified(checks, console),
            Body::Ended { state, sentence } => {
                let (mark, word) = match state {
                    EndState::Completed => (Mark::Pass, "completed"),
                    EndState::Undone => (Mark::Note, "rolled back"),
                    EndState::Left => (Mark::Warning, "ended early"),
                };
                console(Topic::Steps, "The job ended".to_owned(), mark, word).with(sentence)
            }
            Body::Kept { kept } if kept.folders.is_empty() => return None,
            Body::Kept { kept } => {
                let folders = kept.folders.iter();
                let folders = folders.map(|f| format!("{} ({})", f.path, size(f.bytes)));
                let folders: Vec<_> = folders.collect();
                let what = format!("The {} stay", self.leftovers);
                console(Topic::Steps, what, Mark::Note, "noted").with(&folders.join(", "))
            }
            Body::RemovalBegun { by, paths } => {
                person(by, &format!("Began to remove the {}", self.leftovers))
                    .with(&paths.join(", "))
            }
            Body::RemovalStopped { by, paths } => {
                person(by, &format!("Could not remove the {}", self.leftovers))
                    .with(&paths.join(", "))
            }
            Body::LeftoversRemoved { by, paths } => {
                person(by, &format!("Removed the {}", self.leftovers)).with(&paths.join(", "))
            }
            Body::HandedOver { step, by, note } => {
                let title = self.handover.iter().find(|(id, _)| id == step);
                let title = title.map_or(step, |(_, title)| title);
                person(by, &format!("Hand-over: {title}")).with(note)
            }
        })
    }

    fn named(&self, step: u32) -> String {
        let title = self.titles.get((step as usize).wrapping_sub(1));
        match title.map(String::as_str) {
            None | Some("") => format!("Step {step}"),
            Some(title) => format!("Step {step}: {title}"),
        }
    }

    /// Gives whether it began before.
    fn begin(&mut self, step: u32, at_ms: i64) -> bool {
        let Some(step) = self.steps.get_mut((step as usize).wrapping_sub(1)) else {
            return false;
        };
        step.open = true;
        step.began_ms.replace(at_ms).is_some()
    }

    /// Gives when it began.
    fn end(&mut self, step: u32) -> Option<i64> {
        let step = self.steps.get_mut((step as usize).wrapping_sub(1))?;
        step.open = false;
        step.began_ms
    }
}

impl Line {
    fn with(self, detail: &str) -> Self {
        Self {
            detail: detail.to_owned(),
            ..self
        }
    }

    fn beginning(self) -> Self {
        Self {
            begins: true,
            ..self
        }
    }

    fn when(self, so: bool, word: &'static str) -> Self {
        if so { Self { word, ..self } } else { self }
    }
}

fn verified(checks: &[Check], console: impl Fn(Topic, String, Mark, &'static str) -> Line) -> Line {
    let count = |outcome| checks.iter().filter(|c| c.outcome == outcome).count();
    let (pass, fail, unknown) = (
        count(Outcome::Pass),
        count(Outcome::Fail),
        count(Outcome::NotChecked),
    );
    let what = format!("Verified: {pass} of {} checks pass", checks.len());
    if fail > 0 {
        let failed = checks.iter().filter(|c| c.outcome == Outcome::Fail);
        let names: Vec<_> = failed.map(Check::full_name).collect();
        console(Topic::Steps, what, Mark::Fail, "FAILED").with(&names.join("; "))
    } else if unknown > 0 {
        let what = format!("{what}, {unknown} could not be made");
        console(Topic::Steps, what, Mark::NotChecked, "not all checked")
    } else {
        console(Topic::Steps, what, Mark::Pass, "pass")
    }
}

/// `4 s`, `0.5 s`.
fn seconds(ms: u64) -> String {
    match ms % 1000 {
        0 => format!("{} s", ms / 1000),
        rest => format!("{}.{} s", ms / 1000, rest / 100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::events::{Choice, Failure, Occurrence, Question, Then};

    fn told(bodies: Vec<Body>) -> Vec<Line> {
        let handover = vec![("start".to_owned(), "Start all members".to_owned())];
        let titles = ["Prove the source", "Build 3 members"];
        let mut history = History::new(&titles, handover, "restored members");
        for (at, body) in bodies.into_iter().enumerate() {
            let event = Event::new(at as u64 + 1, at as i64 * 1000, body.into());
            history.apply(&event);
            // As after a reconnection.
            history.apply(&event);
        }
        history.lines
    }

    /// The one fold says which way the job goes, also where an answer turned it round.
    #[test]
    fn a_restart_on_the_way_back_checks_no_step() {
        let choice = |id: &str, then| Choice {
            id: id.into(),
            label: id.into(),
            consequence: String::new(),
            then,
            confirm: None,
        };
        let answered = |choice: &str| Body::Answered {
            question: "q1".into(),
            choice: choice.into(),
            by: "ben".into(),
        };
        let question = Question {
            id: "q1".into(),
            step: 1,
            text: "What now?".into(),
            evidence: String::new(),
            choices: vec![choice("retry", Then::Retry), choice("undo", Then::Undo)],
        };
        let lines = told(vec![
            Body::Started {
                by: "ak".into(),
                grounds: None,
            },
            Body::StepStarted { step: 1 },
            Body::Asked { question },
            // No choice of it: the question stays open.
            answered("something"),
            answered("undo"),
            Body::UndoStarted { step: 1 },
            Body::Adopted {
                reason: "restart".into(),
            },
        ]);
        let said: Vec<_> = lines.iter().map(|line| line.what.as_str()).collect();
        assert_eq!(said[3..5], ["Answered: something", "Answered: undo"]);
        assert_eq!(
            said.last(),
            Some(&"The server was restarted and resumes the job")
        );
    }

    #[test]
    fn a_restart_says_what_was_under_way_and_that_it_begins_again() {
        let adopted = |reason: &str| Body::Adopted {
            reason: reason.into(),
        };
        let lines = told(vec![
            Body::Started {
                by: "ak".into(),
                grounds: None,
            },
            adopted("start"),
            Body::StepStarted { step: 2 },
            adopted("restart"),
            Body::StepStarted { step: 2 },
            Body::StepEnded {
                step: 2,
                outcome: StepOutcome::Done {
                    evidence: "three".into(),
                },
            },
        ]);
        let said: Vec<_> = lines.iter().map(|l| (l.what.as_str(), l.word)).collect();
        assert_eq!(
            said,
            [
                ("Started the job", "done"),
                ("Took the job", "noted"),
                ("Step 2: Build 3 members", "begun"),
                (
                    "The server was restarted and resumes the job, and checks how far step 2 got",
                    "resumed"
                ),
                ("Step 2: Build 3 members", "begun again"),
                ("Step 2: Build 3 members", "done"),
            ]
        );
        assert_eq!(lines[5].took_ms, Some(1000));
        assert_eq!(
            (lines[3].topic, lines[3].mark),
            (Topic::Server, Mark::Warning)
        );
    }

    #[test]
    fn a_step_on_a_host_names_it() {
        let mut history = History::new(&["Stop the service"], Vec::new(), "leftovers");
        let line = "it stops".to_owned();
        let bodies = [
            Body::StepStarted { step: 1 },
            Body::StepLog { step: 1, line },
            Body::Paused { by: "ak".into() },
        ];
        for (seq, body) in (1..).zip(bodies) {
            let host = Some("h2".to_owned());
            history.apply(&Event::new(seq, 0, Occurrence { host, body }));
        }
        let said: Vec<_> = history.lines.iter().map(|l| l.what.as_str()).collect();
        let expected = [
            "Step 1: Stop the service (on h2)",
            "Step 1, h2: it stops",
            "Asked for a pause before the next step",
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn people_are_named_with_what_they_chose() {
        let question = Question {
            id: "q1".into(),
            step: 1,
            text: "Step 1 failed. What now?".into(),
            evidence: "no room".into(),
            choices: vec![Choice {
                id: "retry".into(),
                label: "Try step 1 again".into(),
                consequence: String::new(),
                then: Then::Retry,
                confirm: None,
            }],
        };
        let lines = told(vec![
            Body::StepStarted { step: 1 },
            Body::StepEnded {
                step: 1,
                outcome: StepOutcome::Failed {
                    error: "no room".into(),
                    failure: Failure::Ask,
                },
            },
            Body::Asked { question },
            Body::Answered {
                question: "q1".into(),
                choice: "retry".into(),
                by: "ben".into(),
            },
            Body::Paused { by: "ak".into() },
            Body::HandedOver {
                step: "start".into(),
                by: "ak".into(),
                note: "all up".into(),
            },
            Body::RemovalBegun {
                by: "ben".into(),
                paths: vec!["/srv/a".into()],
            },
            Body::LeftoversRemoved {
                by: "ben".into(),
                paths: vec!["/srv/a".into()],
            },
        ]);
        assert_eq!(
            (lines[1].mark, lines[1].detail.as_str()),
            (Mark::Fail, "no room")
        );
        let said: Vec<_> = lines[2..]
            .iter()
            .map(|l| (l.who.as_str(), l.what.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                ("console", "Asked: Step 1 failed. What now?"),
                ("ben", "Answered: Try step 1 again"),
                ("ak", "Asked for a pause before the next step"),
                ("ak", "Hand-over: Start all members"),
                ("ben", "Began to remove the restored members"),
                ("ben", "Removed the restored members"),
            ]
        );
        assert!(lines[2..].iter().all(|l| l.topic == Topic::People));
        assert_eq!(lines[5].detail, "all up");
        assert_eq!(lines[7].detail, "/srv/a");
    }
}
