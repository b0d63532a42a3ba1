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

/// Where the job is, in one sentence. `titles` are those of the plan's steps.
pub fn sentence<T: AsRef<str>>(view: &JobView, titles: &[T]) -> String {
    let total = titles.len().max(view.steps.len());
    let at = |states: &[StepState]| view.steps.iter().position(|s| states.contains(&s.state));
    let step = |index: usize| {
        let title = titles.get(index).map_or("", |title| title.as_ref());
        let title = match title {
            "" => String::new(),
            title => format!(": {}", lower_first(title)),
        };
        format!("step {} of {total}{title}", index + 1)
    };
    let current = at(&[StepState::Running])
        .or_else(|| at(&[StepState::Failed, StepState::Unclear, StepState::Waiting]));
    match view.state {
        JobState::Queued => "Queued: the server has not started it yet.".into(),
        JobState::Running => match current {
            Some(index) if view.steps[index].retry_ms.is_some() => {
                format!("Retrying {}.", step(index))
            }
            Some(index) => format!("Running {}.", step(index)),
            None => "Running.".into(),
        },
        JobState::Paused => match (at(&[StepState::Running]), current) {
            (Some(index), _) => format!("Pausing after {}.", step(index)),
            (None, Some(index)) => format!("Paused before {}. Nothing is running.", step(index)),
            (None, None) => "Paused. Nothing is running.".into(),
        },
        JobState::Waiting => match &view.question {
            Some(question) => question.text.clone(),
            None => "Waiting for an answer.".into(),
        },
        JobState::Undoing => match (at(&[StepState::Running]), at(&[StepState::Undoing])) {
            (Some(index), _) => format!("Stopping {}.", step(index)),
            (None, Some(index)) => format!("Rolling back {}.", step(index)),
            (None, None) => "Stopping, and rolling back what was done.".into(),
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
            assert!(view.apply(&Event {
                seq: at as u64 + 1,
                at_ms: at as i64 * 1000,
                body: body.clone()
            }));
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
    fn a_hand_over_is_counted_where_there_is_one() {
        assert_eq!(handed_over(2, 7), "2 of 7 hand-over steps done.");
        assert_eq!(handed_over(0, 0), "");
    }
}
