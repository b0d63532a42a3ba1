//! What a running step may use beside its own data: its job's id, a way to say how far it is, and the wish that it
//! stop.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use requorum_shared::job::events::{Body, Occurrence};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

/// Between two reports of progress.
const REPORT_EVERY: Duration = Duration::from_millis(250);
/// How far back the rate looks.
const RATE_OVER: Duration = Duration::from_secs(1);
/// Lines that one step may write to the journal.
const MAX_LINES: usize = 500;

/// What a step may use. Cheap to clone, usable from any thread.
#[derive(Debug, Clone)]
pub struct Context {
    /// The job's id.
    pub job_id: String,
    /// How far the step is.
    pub progress: Progress,
    /// Cancelled when the step should stop: leave nothing half-done that the next look would take for done.
    pub cancel: CancellationToken,
}

/// In place of a step's number: what is done for the whole job.
pub(super) const BESIDE_STEPS: u32 = 0;

/// Says how far a step is.
#[derive(Debug, Clone)]
pub struct Progress {
    step: u32,
    /// Where the step is carried out, if that is not the console's own host.
    host: Option<String>,
    state: Arc<Mutex<State>>,
    out: UnboundedSender<Occurrence>,
}

#[derive(Debug, Default)]
struct State {
    reported: Option<Instant>,
    seen: VecDeque<(Instant, u64)>,
    unit: String,
    lines: usize,
}

impl Progress {
    /// Progress of this step, on this host, and where its events come out.
    pub(crate) fn new(step: u32, host: Option<&str>) -> (Self, UnboundedReceiver<Occurrence>) {
        let (out, events) = unbounded_channel();
        let progress = Self {
            step,
            host: host.map(str::to_owned),
            state: Arc::default(),
            out,
        };
        (progress, events)
    }

    /// `done` of `total`, in `unit` (`bytes` or a plural noun). May be called as often as is convenient.
    pub fn at(&self, done: u64, total: u64, unit: &str) {
        self.at_time(done, total, unit, Instant::now());
    }

    fn at_time(&self, done: u64, total: u64, unit: &str, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let due = state.unit != unit
            || state
                .reported
                .is_none_or(|at| now.duration_since(at) >= REPORT_EVERY);
        if !due && done < total {
            return;
        }
        state.reported = Some(now);
        if state.unit != unit {
            // Something else is counted: what came before says nothing about its rate.
            state.seen.clear();
            state.unit = unit.to_owned();
        }
        if state.seen.back().is_some_and(|(_, before)| done < *before) {
            // Another round: what came before says nothing about its rate.
            state.seen.clear();
        }
        state.seen.push_back((now, done));
        while state.seen.len() > 2
            && state
                .seen
                .get(1)
                .is_some_and(|(at, _)| now.duration_since(*at) >= RATE_OVER)
        {
            state.seen.pop_front();
        }
        let per_second = state.seen.front().and_then(|(at, before)| {
            let ms = now.duration_since(*at).as_millis() as u64;
            (ms > 0).then(|| (done - before).saturating_mul(1000) / ms)
        });
        self.tell(Body::StepProgress {
            step: self.step,
            done,
            total,
            unit: unit.into(),
            per_second,
            part: None,
        });
    }

    /// The same for a part of the target, by its name.
    pub fn at_part(&self, part: &str, done: u64, total: u64, unit: &str) {
        self.tell(Body::StepProgress {
            step: self.step,
            done,
            total,
            unit: unit.into(),
            per_second: None,
            part: Some(part.into()),
        });
    }

    /// A line that a person may want to read. It goes to the journal: no secrets, no values.
    pub fn line(&self, line: impl Into<String>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.lines += 1;
        let line = match state.lines.cmp(&MAX_LINES) {
            std::cmp::Ordering::Less => line.into(),
            std::cmp::Ordering::Equal => {
                format!("More than {MAX_LINES} lines: the rest is left out.")
            }
            std::cmp::Ordering::Greater => return,
        };
        self.tell(Body::StepLog {
            step: self.step,
            line,
        });
    }

    fn tell(&self, body: Body) {
        let host = self.host.clone();
        // Nobody listens any more once the job has let go of the step.
        let _ = self.out.send(Occurrence { host, body });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(events: &mut UnboundedReceiver<Occurrence>) -> Vec<Occurrence> {
        std::iter::from_fn(|| events.try_recv().ok()).collect()
    }

    #[test]
    fn progress_is_said_a_few_times_a_second_with_its_rate() {
        let (progress, mut events) = Progress::new(3, Some("h2"));
        let start = Instant::now();
        for ms in 0..=2000 {
            progress.at_time(ms * 10, 20_000, "bytes", start + Duration::from_millis(ms));
        }
        let events = drain(&mut events);
        assert_eq!(events.len(), 9, "at 0, 250, … 2000 ms");
        assert_eq!(
            events.last(),
            Some(&Occurrence {
                host: Some("h2".into()),
                body: Body::StepProgress {
                    step: 3,
                    done: 20_000,
                    total: 20_000,
                    unit: "bytes".into(),
                    per_second: Some(10_000),
                    part: None,
                },
            })
        );
    }

    #[test]
    fn the_journal_is_not_flooded() {
        let (progress, mut events) = Progress::new(1, None);
        for n in 0..3 * MAX_LINES {
            progress.line(format!("{n}"));
        }
        assert_eq!(drain(&mut events).len(), MAX_LINES);
    }
}
