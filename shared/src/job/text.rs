//! Where a job is, in words: the same in lists, on its page, in dossiers and on the command line.

use super::fold::{JobState, JobView, StepState};

/// What a job does right now: its state, told apart by whether a step still works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// In this state, with nothing to add.
    In(JobState),
    /// A pause was asked for, and a step still works.
    Pausing,
    /// A stop was asked for, and a step still works.
    Stopping,
}

/// What the job does right now.
pub fn phase(view: &JobView) -> Phase {
    phase_of(view.state, view.is_working())
}

/// The same of a job's row, which says whether a step still works.
pub fn phase_of(state: JobState, works: bool) -> Phase {
    match state {
        JobState::Paused if works => Phase::Pausing,
        JobState::Undoing if works => Phase::Stopping,
        state => Phase::In(state),
    }
}

/// Which step a job is at, by its index, and what happens to it.
enum At {
    Retrying(usize),
    Running(usize),
    /// No step is left to run.
    Finishing,
    PausingAfter(usize),
    PausedBefore(usize),
    Paused,
    Stopping(usize),
    RollingBack(usize),
    RollingBackAll,
    /// It is not about a step.
    Elsewhere,
}

fn at(view: &JobView) -> At {
    let first = |states: &[StepState]| view.steps.iter().position(|s| states.contains(&s.state));
    let working = first(&[StepState::Running]);
    let next = first(&[StepState::Failed, StepState::Unclear, StepState::Waiting]);
    match (view.state, working, next) {
        (JobState::Running, None, Some(index)) if view.steps[index].retry_ms.is_some() => {
            At::Retrying(index)
        }
        (JobState::Running, Some(index), _) | (JobState::Running, None, Some(index)) => {
            At::Running(index)
        }
        (JobState::Running, None, None) => At::Finishing,
        (JobState::Paused, Some(index), _) => At::PausingAfter(index),
        (JobState::Paused, None, Some(index)) => At::PausedBefore(index),
        (JobState::Paused, None, None) => At::Paused,
        (JobState::Undoing, Some(index), _) => At::Stopping(index),
        (JobState::Undoing, None, _) => {
            first(&[StepState::Undoing]).map_or(At::RollingBackAll, At::RollingBack)
        }
        _ => At::Elsewhere,
    }
}

/// Where the job is, in a few words: short, so that they keep their line while the job moves on. `amount` says how far a
/// step is that is waited for.
pub fn short<T: AsRef<str>>(
    view: &JobView,
    titles: &[T],
    amount: impl Fn(&(u64, u64, String)) -> String,
) -> String {
    let total = titles.len().max(view.steps.len());
    let step = |index: usize| format!("step {} of {total}", index + 1);
    let waited_for = |index: usize| match &view.steps[index].progress {
        Some(progress) => format!("{} ({})", step(index), amount(progress)),
        None => step(index),
    };
    match at(view) {
        At::Finishing => "Finishing".to_owned(),
        At::RollingBackAll => "Rolling back".to_owned(),
        at @ (At::PausingAfter(_) | At::Stopping(_)) => about(&at, waited_for),
        At::Elsewhere => sentence(view, titles),
        at => about(&at, step),
    }
}

/// What happens to a step, which `step` names.
fn about(at: &At, step: impl Fn(usize) -> String) -> String {
    match *at {
        At::Retrying(index) => format!("Retrying {}", step(index)),
        At::Running(index) => format!("Running {}", step(index)),
        At::PausingAfter(index) => format!("Pausing after {}", step(index)),
        At::PausedBefore(index) => format!("Paused before {}. Nothing is running.", step(index)),
        At::Paused => "Paused. Nothing is running.".to_owned(),
        At::Stopping(index) => format!("Stopping {}", step(index)),
        At::RollingBack(index) => format!("Rolling back {}", step(index)),
        At::Finishing | At::RollingBackAll | At::Elsewhere => String::new(),
    }
}

/// Where the job is, in one sentence. `titles` are those of the plan's steps.
pub fn sentence<T: AsRef<str>>(view: &JobView, titles: &[T]) -> String {
    let total = titles.len().max(view.steps.len());
    let step = |index: usize| {
        let title = titles.get(index).map_or("", |title| title.as_ref());
        let title = match title {
            "" => String::new(),
            title => format!(": {}", lower_first(title)),
        };
        format!("step {} of {total}{title}", index + 1)
    };
    match view.state {
        JobState::Queued => "Queued: the server has not started it yet.".into(),
        JobState::Running | JobState::Paused | JobState::Undoing => match at(view) {
            At::Finishing => "Running.".into(),
            At::RollingBackAll => "Stopping, and rolling back what was done.".into(),
            at @ (At::Paused | At::PausedBefore(_)) => about(&at, step),
            at => format!("{}.", about(&at, step)),
        },
        JobState::Waiting => match &view.question {
            Some(question) => question.text.clone(),
            None => "Waiting for an answer.".into(),
        },
        JobState::Completed if view.sentence.is_empty() => "Every step is done.".into(),
        JobState::Completed => format!("Done. {}", view.sentence),
        JobState::Undone if view.sentence.is_empty() => "All changes were rolled back.".into(),
        JobState::Left if view.sentence.is_empty() => "Ended early; its changes were kept.".into(),
        JobState::Undone | JobState::Left => view.sentence.clone(),
    }
}

/// How far the hand-over of a completed job is: `2 of 7 hand-over steps done.`; empty where there is none.
pub fn handed_over(done: usize, total: usize) -> String {
    match total {
        0 => String::new(),
        total => format!("{} of {total} hand-over steps done.", done.min(total)),
    }
}

/// A job's state as the API and the rows write it.
pub fn word(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "queued",
        JobState::Running => "running",
        JobState::Paused => "paused",
        JobState::Waiting => "waiting",
        JobState::Undoing => "undoing",
        JobState::Completed => "completed",
        JobState::Undone => "undone",
        JobState::Left => "left",
    }
}

/// A job's state for people, in a word or two.
pub fn state(state: JobState) -> &'static str {
    match state {
        JobState::Waiting => "waiting for an answer",
        JobState::Undoing => "rolling back",
        JobState::Undone => "rolled back",
        JobState::Left => "ended early",
        other => word(other),
    }
}

/// The same for what it does right now.
pub fn now(phase: Phase) -> &'static str {
    match phase {
        Phase::In(in_state) => state(in_state),
        Phase::Pausing => "pausing",
        Phase::Stopping => "stopping",
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::events::{Body, EndState, Event, StepOutcome};
    use super::*;

    const TITLES: [&str; 2] = ["Prove the source", "Build 3 members"];

    fn folded(bodies: &[Body]) -> JobView {
        let mut view = JobView::new(2);
        for (at, body) in bodies.iter().enumerate() {
            let what = body.clone().into();
            assert!(view.apply(&Event::new(at as u64 + 1, at as i64 * 1000, what)));
        }
        view
    }

    #[test]
    fn the_sentence_follows_the_job() {
        let said = |bodies: &[Body]| {
            let view = folded(bodies);
            (sentence(&view, &TITLES), now(phase(&view)))
        };
        let is = |said: (String, &'static str), sentence: &str, word: &str| {
            assert_eq!((said.0.as_str(), said.1), (sentence, word));
        };
        let mut bodies = vec![Body::Started {
            by: "ak".into(),
            grounds: None,
        }];
        is(
            said(&bodies),
            "Queued: the server has not started it yet.",
            "queued",
        );
        bodies.push(Body::Adopted {
            reason: "start".into(),
        });
        bodies.push(Body::StepStarted { step: 1 });
        is(
            said(&bodies),
            "Running step 1 of 2: prove the source.",
            "running",
        );
        bodies.push(Body::StepRetried {
            step: 1,
            attempt: 1,
            error: "no answer".into(),
            after_ms: 1,
        });
        is(
            said(&bodies),
            "Retrying step 1 of 2: prove the source.",
            "running",
        );
        bodies.push(Body::StepStarted { step: 1 });
        bodies.push(Body::Paused { by: "ak".into() });
        is(
            said(&bodies),
            "Pausing after step 1 of 2: prove the source.",
            "pausing",
        );
        let mut stopped = bodies.clone();
        bodies.push(Body::StepEnded {
            step: 1,
            outcome: StepOutcome::Done {
                evidence: String::new(),
            },
        });
        is(
            said(&bodies),
            "Paused before step 2 of 2: build 3 members. Nothing is running.",
            "paused",
        );
        stopped.push(Body::AbortRequested { by: "ak".into() });
        is(
            said(&stopped),
            "Stopping step 1 of 2: prove the source.",
            "stopping",
        );
        bodies.push(Body::AbortRequested { by: "ak".into() });
        is(
            said(&bodies),
            "Stopping, and rolling back what was done.",
            "rolling back",
        );
        bodies.push(Body::UndoStarted { step: 1 });
        is(
            said(&bodies),
            "Rolling back step 1 of 2: prove the source.",
            "rolling back",
        );
        bodies.push(Body::Ended {
            state: EndState::Undone,
            sentence: "All was undone.".into(),
        });
        is(said(&bodies), "All was undone.", "rolled back");
        let done = Body::Ended {
            state: EndState::Completed,
            sentence: "A cluster.".into(),
        };
        is(said(&[done]), "Done. A cluster.", "completed");
    }

    #[test]
    fn the_short_form_says_the_same_without_titles() {
        let amount = |p: &(u64, u64, String)| format!("{} of {}", p.0, p.1);
        let said = |bodies: &[Body]| short(&folded(bodies), &TITLES, amount);
        let mut bodies = vec![
            Body::Started {
                by: "ak".into(),
                grounds: None,
            },
            Body::Adopted {
                reason: "start".into(),
            },
        ];
        bodies.push(Body::StepStarted { step: 1 });
        assert_eq!(said(&bodies), "Running step 1 of 2");
        let retried = Body::StepRetried {
            step: 1,
            attempt: 1,
            error: "no answer".into(),
            after_ms: 1,
        };
        bodies.push(retried);
        assert_eq!(said(&bodies), "Retrying step 1 of 2");
        bodies.push(Body::StepStarted { step: 1 });
        bodies.push(Body::StepProgress {
            step: 1,
            done: 3,
            total: 7,
            unit: "bytes".into(),
            per_second: None,
            part: None,
        });
        assert_eq!(said(&bodies), "Running step 1 of 2");
        bodies.push(Body::Paused { by: "ak".into() });
        assert_eq!(said(&bodies), "Pausing after step 1 of 2 (3 of 7)");
        let mut stopped = bodies.clone();
        stopped.push(Body::AbortRequested { by: "ak".into() });
        assert_eq!(said(&stopped), "Stopping step 1 of 2 (3 of 7)");
        bodies.push(Body::StepEnded {
            step: 1,
            outcome: StepOutcome::Done {
                evidence: String::new(),
            },
        });
        let paused = "Paused before step 2 of 2. Nothing is running.";
        assert_eq!(said(&bodies), paused);
        bodies.push(Body::AbortRequested { by: "ak".into() });
        assert_eq!(said(&bodies), "Rolling back");
        bodies.push(Body::UndoStarted { step: 1 });
        assert_eq!(said(&bodies), "Rolling back step 1 of 2");
        bodies.push(Body::Ended {
            state: EndState::Undone,
            sentence: "All was undone.".into(),
        });
        assert_eq!(said(&bodies), "All was undone.");
    }

    #[test]
    fn a_hand_over_is_counted_where_there_is_one() {
        assert_eq!(handed_over(2, 7), "2 of 7 hand-over steps done.");
        assert_eq!(handed_over(0, 0), "");
    }
}
