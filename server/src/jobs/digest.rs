//! What a job's row says of its journal, so that lists need not read journals: folded entry by entry, and written with
//! each. The journal stays the truth; a digest that is missing or behind is folded anew from it.

use requorum_shared::finding::{Check, Outcome};
use requorum_shared::job::events::Event;
use requorum_shared::job::fold::{JobState, JobView, StepState};
use requorum_shared::job::text;
use requorum_shared::recovery::Request;
use serde::{Deserialize, Serialize};

/// A job's journal, folded, without its log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// The steps' titles.
    titles: Vec<String>,
    view: JobView,
    /// The ids of the hand-over's steps.
    #[serde(default)]
    handover: Vec<String>,
}

/// What a list shows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Where the job is.
    pub state: JobState,
    /// Whether a step is still being carried out: a job that is paused is pausing then.
    pub working: bool,
    /// That in words: the step, the open question, the end.
    pub sentence: String,
    /// The last entry, milliseconds since the Unix epoch.
    pub updated_ms: i64,
    /// When it ended; 0 until then.
    pub ended_ms: i64,
    /// Steps that are done.
    pub steps_done: u32,
    /// All steps.
    pub steps_total: u32,
    /// The first verification that failed, with what was seen; empty when none did.
    pub failed_check: String,
}

impl Digest {
    /// Of a job whose journal is empty.
    pub fn new(plan_json: &str) -> Self {
        // What cannot be read has no steps to name; whoever carries the plan out says so.
        let plan: Option<Titles> = serde_json::from_str(plan_json).ok();
        let titles: Vec<_> = plan
            .map(|plan| plan.steps.into_iter().map(|step| step.title).collect())
            .unwrap_or_default();
        let asked: Option<Asked> = serde_json::from_str(plan_json).ok();
        Self {
            view: JobView::new(titles.len()),
            titles,
            handover: asked.map_or_else(Vec::new, |asked| asked.request.handover_steps()),
        }
    }

    /// Folded from these entries.
    pub fn of(plan_json: &str, events: &[Event]) -> Self {
        let mut digest = Self::new(plan_json);
        for event in events {
            digest.apply(event);
        }
        digest
    }

    /// Folds one entry in.
    pub fn apply(&mut self, event: &Event) {
        self.view.apply(event);
        self.view.log.clear();
    }

    /// The last entry that is folded in.
    pub fn last_seq(&self) -> u64 {
        self.view.last_seq
    }

    /// What a list shows.
    pub fn summary(&self) -> Summary {
        let view = &self.view;
        let last_ms = view.span_ms.map_or(0, |(_, last)| last);
        let mut sentence = text::sentence(view, &self.titles);
        if view.state == JobState::Completed && !self.handover.is_empty() {
            let done = view.handed_count(self.handover.iter().map(String::as_str));
            let said = text::handed_over(done, self.handover.len());
            sentence = format!("{sentence} {said}");
        }
        Summary {
            state: view.state,
            working: view.is_working(),
            sentence,
            updated_ms: view.updated_ms().unwrap_or(0),
            ended_ms: if view.state.is_over() { last_ms } else { 0 },
            steps_done: done(view),
            steps_total: view.steps.len() as u32,
            failed_check: view.checks.iter().find_map(failed).unwrap_or_default(),
        }
    }
}

/// The part of a plan that is read here.
#[derive(Deserialize)]
struct Titles {
    steps: Vec<Title>,
}

/// Another part of it.
#[derive(Deserialize)]
struct Asked {
    request: Request,
}

#[derive(Deserialize)]
struct Title {
    title: String,
}

fn failed(check: &Check) -> Option<String> {
    (check.outcome == Outcome::Fail).then(|| format!("{}: {}", check.full_name(), check.evidence))
}

fn done(view: &JobView) -> u32 {
    let done = view.steps.iter().filter(|s| s.state == StepState::Done);
    done.count() as u32
}

#[cfg(test)]
mod tests {
    use requorum_shared::job::events::{Body, EndState, StepOutcome};

    use super::*;

    const PLAN: &str =
        r#"{"steps":[{"title":"Build","undo":"none"},{"title":"Verify"}],"outcome":"x"}"#;

    fn events() -> Vec<Event> {
        let check = |name: &str, outcome| Check::new(name, outcome, format!("seen of {name}"));
        let bodies = [
            Body::Started {
                by: "ak".into(),
                grounds: None,
            },
            Body::StepStarted { step: 1 },
            Body::StepLog {
                step: 1,
                line: "a line".into(),
            },
            Body::StepEnded {
                step: 1,
                outcome: StepOutcome::Done {
                    evidence: "there".into(),
                },
            },
            Body::StepStarted { step: 2 },
            Body::Verified {
                checks: vec![check("Leader", Outcome::Pass), check("Keys", Outcome::Fail)],
            },
            Body::Ended {
                state: EndState::Completed,
                sentence: "Three members are there.".into(),
            },
        ];
        let events = bodies
            .into_iter()
            .enumerate()
            .map(|(n, body)| Event::new(n as u64 + 1, n as i64 * 10, body.into()));
        events.collect()
    }

    #[test]
    fn entry_by_entry_through_the_row_is_the_same_as_all_at_once() {
        let events = events();
        let mut digest = Digest::new(PLAN);
        for (n, event) in events.iter().enumerate() {
            digest.apply(event);
            let text = serde_json::to_string(&digest).unwrap();
            assert!(!text.contains("a line"), "a log can be long");
            digest = serde_json::from_str(&text).unwrap();
            assert_eq!(digest, Digest::of(PLAN, &events[..=n]));
        }
        assert_eq!(digest.last_seq(), 7);
    }

    #[test]
    fn it_says_the_step_the_end_and_what_failed() {
        let events = events();
        let half = Digest::of(PLAN, &events[..5]).summary();
        assert_eq!(half.sentence, "Running step 2 of 2: verify.");
        assert_eq!((half.steps_done, half.steps_total), (1, 2));
        assert_eq!((half.updated_ms, half.ended_ms), (40, 0));
        assert_eq!(half.failed_check, "");
        let whole = Digest::of(PLAN, &events).summary();
        assert_eq!(whole.state, JobState::Completed);
        assert_eq!(whole.sentence, "Done. Three members are there.");
        assert_eq!((whole.updated_ms, whole.ended_ms), (60, 60));
        assert_eq!(whole.failed_check, "Keys: seen of Keys");
    }

    #[test]
    fn a_job_that_is_paused_says_whether_a_step_still_works() {
        let mut digest = Digest::of(PLAN, &events()[..2]);
        let mut tell = |seq: u64, body: Body| {
            let at_ms = seq as i64;
            digest.apply(&Event::new(seq, at_ms, body.into()));
            let Summary {
                state,
                working,
                sentence,
                ..
            } = digest.summary();
            (state, working, sentence)
        };
        let (state, working, sentence) = tell(3, Body::Paused { by: "ak".into() });
        assert_eq!((state, working), (JobState::Paused, true));
        assert!(sentence.starts_with("Pausing after step 1"), "{sentence}");
        let outcome = StepOutcome::Done {
            evidence: "there".into(),
        };
        let (state, working, sentence) = tell(4, Body::StepEnded { step: 1, outcome });
        assert_eq!((state, working), (JobState::Paused, false));
        assert!(sentence.ends_with("Nothing is running."), "{sentence}");
    }

    #[test]
    fn a_plan_that_cannot_be_read_has_a_digest_too() {
        let digest = Digest::of("{}", &events());
        assert_eq!(digest.summary().steps_total, 0);
        assert_eq!(digest.summary().sentence, "Done. Three members are there.");
    }
}
