//! A job in a sentence, and how long it still takes as far as anybody can know.

use requorum_shared::job_view::{JobState, JobView, StepState};

use crate::format;

/// Where the job is, in one sentence. `titles` are the plan's steps.
pub fn sentence(view: &JobView, titles: &[String]) -> String {
    let total = titles.len().max(view.steps.len());
    let current = view
        .steps
        .iter()
        .position(|s| matches!(s.state, StepState::Running | StepState::Undoing))
        .or_else(|| {
            view.steps
                .iter()
                .position(|s| matches!(s.state, StepState::Failed | StepState::Waiting))
        });
    let step = |at: usize| {
        let title = titles
            .get(at)
            .map(|t| format!(": {}", lower_first(t)))
            .unwrap_or_default();
        format!("step {} of {total}{title}", at + 1)
    };
    match view.state {
        JobState::Queued => "Queued: the server has not begun yet.".into(),
        JobState::Running => match current {
            Some(at) => format!("Running {}.", step(at)),
            None => "Running.".into(),
        },
        JobState::Paused => match current {
            Some(at) => format!("Paused before {}.", step(at)),
            None => "Paused.".into(),
        },
        JobState::Waiting => match &view.question {
            Some(question) => question.text.clone(),
            None => "It waits for an answer.".into(),
        },
        JobState::Undoing => match current {
            Some(at) if view.steps[at].state == StepState::Undoing => {
                format!("Undoing {}.", step(at))
            }
            _ => "Stopping, and taking back what was done.".into(),
        },
        JobState::Completed | JobState::Undone | JobState::Left => {
            if view.sentence.is_empty() {
                match view.state {
                    JobState::Completed => "Every step is done.".into(),
                    JobState::Undone => "Everything was taken back.".into(),
                    _ => "It was left as it was.".into(),
                }
            } else {
                match view.state {
                    JobState::Completed => format!("Done. {}", view.sentence),
                    _ => view.sentence.clone(),
                }
            }
        }
    }
}

/// `12 s so far`, `took 1 m 12 s`; empty before the first event.
pub fn took(view: &JobView, now_ms: i64) -> String {
    match view.span_ms {
        None => String::new(),
        Some((first, last)) if view.state.is_over() => {
            format!("took {}", format::duration((last - first) as f64))
        }
        Some((first, _)) => format!("{} so far", format::duration((now_ms - first) as f64)),
    }
}

/// Milliseconds left in the step that runs, from what it did in the last second.
pub fn step_left_ms(progress: &Option<(u64, u64, String)>, per_second: Option<u64>) -> Option<f64> {
    let (done, total, _) = progress.as_ref()?;
    let rate = per_second.filter(|rate| *rate > 0)?;
    Some(total.saturating_sub(*done) as f64 * 1000.0 / rate as f64)
}

/// `1.1 of 1.6 GiB, 71 % · 212 MiB/s · 4 s left`.
pub fn progress_words(progress: &(u64, u64, String), per_second: Option<u64>) -> String {
    let (done, total, unit) = progress;
    let is_bytes = unit == "bytes";
    let amount = |n: u64| {
        if is_bytes {
            format::bytes(n)
        } else {
            format::number(n)
        }
    };
    let noun = if is_bytes {
        String::new()
    } else {
        format!(" {unit}")
    };
    let mut words = vec![format!(
        "{} of {}{noun}, {} %",
        amount(*done),
        amount(*total),
        format::percent(*done, *total)
    )];
    if let Some(rate) = per_second {
        words.push(format!("{}{noun}/s", amount(rate)));
    }
    if let Some(left) = step_left_ms(&Some(progress.clone()), per_second) {
        words.push(format!("{} left", format::duration(left)));
    }
    words.join(" · ")
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
    use requorum_shared::events::{Body, EndState, Event, StepOutcome};

    use super::*;

    fn folded(bodies: Vec<Body>) -> JobView {
        let mut view = JobView::new(2);
        for (at, body) in bodies.into_iter().enumerate() {
            assert!(view.apply(&Event {
                seq: at as u64 + 1,
                at_ms: at as i64 * 1000,
                body
            }));
        }
        view
    }

    fn titles() -> Vec<String> {
        vec!["Prove the source".into(), "Build 3 members".into()]
    }

    #[test]
    fn the_sentence_follows_the_job() {
        let mut bodies = vec![Body::Started {
            by: "ak".into(),
            grounds: None,
        }];
        assert!(sentence(&folded(bodies.clone()), &titles()).starts_with("Queued"));
        bodies.push(Body::Adopted {
            reason: "start".into(),
        });
        bodies.push(Body::StepStarted { step: 1 });
        assert_eq!(
            sentence(&folded(bodies.clone()), &titles()),
            "Running step 1 of 2: prove the source."
        );
        bodies.push(Body::StepEnded {
            step: 1,
            outcome: StepOutcome::Done {
                evidence: String::new(),
            },
        });
        bodies.push(Body::Paused { by: "ak".into() });
        assert_eq!(
            sentence(&folded(bodies.clone()), &titles()),
            "Paused before step 2 of 2: build 3 members."
        );
        bodies.push(Body::AbortRequested { by: "ak".into() });
        bodies.push(Body::UndoStarted { step: 1 });
        assert_eq!(
            sentence(&folded(bodies.clone()), &titles()),
            "Undoing step 1 of 2: prove the source."
        );
        bodies.push(Body::Ended {
            state: EndState::Undone,
            sentence: "All taken back.".into(),
        });
        let view = folded(bodies);
        assert_eq!(sentence(&view, &titles()), "All taken back.");
        assert_eq!(took(&view, 99_000), "took 7.0 s");
        let done = Body::Ended {
            state: EndState::Completed,
            sentence: "A cluster.".into(),
        };
        assert_eq!(sentence(&folded(vec![done]), &titles()), "Done. A cluster.");
    }

    #[test]
    fn progress_says_amount_speed_and_time_left() {
        let bytes = (512 << 20, 1 << 30, "bytes".to_owned());
        let words = progress_words(&bytes, Some(128 << 20)).replace('\u{202f}', " ");
        assert_eq!(words, "512 MiB of 1.00 GiB, 50 % · 128 MiB/s · 4.0 s left");
        let members = (1, 3, "members".to_owned());
        assert_eq!(progress_words(&members, None), "1 of 3 members, 33 %");
        assert_eq!(step_left_ms(&Some(members), Some(0)), None);
    }
}
