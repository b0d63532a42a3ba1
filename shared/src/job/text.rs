//! Where a job is, in words: the same in lists, on its page, in dossiers and on the command line.

use super::fold::{JobState, JobView, StepState};

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
        JobState::Queued => "Queued: the server has not begun yet.".into(),
        JobState::Running => match current {
            Some(index) if view.steps[index].retry_ms.is_some() => {
                format!("Retrying {}.", step(index))
            }
            Some(index) => format!("Running {}.", step(index)),
            None => "Running.".into(),
        },
        JobState::Paused => match (at(&[StepState::Running]), current) {
            (Some(index), _) => format!("Pausing after {}.", step(index)),
            (None, Some(index)) => format!("Paused before {}.", step(index)),
            (None, None) => "Paused.".into(),
        },
        JobState::Waiting => match &view.question {
            Some(question) => question.text.clone(),
            None => "Waiting for an answer.".into(),
        },
        JobState::Undoing => match at(&[StepState::Undoing]) {
            Some(index) => format!("Undoing {}.", step(index)),
            None => "Stopping, and undoing what was done.".into(),
        },
        JobState::Completed if view.sentence.is_empty() => "Every step is done.".into(),
        JobState::Completed => format!("Done. {}", view.sentence),
        JobState::Undone if view.sentence.is_empty() => "Everything was undone.".into(),
        JobState::Left if view.sentence.is_empty() => "It was left as it was.".into(),
        JobState::Undone | JobState::Left => view.sentence.clone(),
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
        JobState::Undoing => "being undone",
        JobState::Left => "left as it was",
        other => word(other),
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
        let said = |bodies: &[Body]| sentence(&folded(bodies), &TITLES);
        let mut bodies = vec![Body::Started {
            by: "ak".into(),
            grounds: None,
        }];
        assert_eq!(said(&bodies), "Queued: the server has not begun yet.");
        bodies.push(Body::Adopted {
            reason: "start".into(),
        });
        bodies.push(Body::StepStarted { step: 1 });
        assert_eq!(said(&bodies), "Running step 1 of 2: prove the source.");
        bodies.push(Body::StepRetried {
            step: 1,
            attempt: 1,
            error: "no answer".into(),
            after_ms: 1,
        });
        assert_eq!(said(&bodies), "Retrying step 1 of 2: prove the source.");
        bodies.push(Body::StepStarted { step: 1 });
        bodies.push(Body::Paused { by: "ak".into() });
        assert_eq!(
            said(&bodies),
            "Pausing after step 1 of 2: prove the source."
        );
        bodies.push(Body::StepEnded {
            step: 1,
            outcome: StepOutcome::Done {
                evidence: String::new(),
            },
        });
        assert_eq!(said(&bodies), "Paused before step 2 of 2: build 3 members.");
        bodies.push(Body::AbortRequested { by: "ak".into() });
        assert_eq!(said(&bodies), "Stopping, and undoing what was done.");
        bodies.push(Body::UndoStarted { step: 1 });
        assert_eq!(said(&bodies), "Undoing step 1 of 2: prove the source.");
        bodies.push(Body::Ended {
            state: EndState::Undone,
            sentence: "All was undone.".into(),
        });
        assert_eq!(said(&bodies), "All was undone.");
        let done = Body::Ended {
            state: EndState::Completed,
            sentence: "A cluster.".into(),
        };
        assert_eq!(said(&[done]), "Done. A cluster.");
    }
}
