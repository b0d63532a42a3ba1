//! One line on a terminal that says how far the restore is.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::cli::terminal;
use crate::systems::etcd::members::{Progress, Stage};

/// The line, and what was on it last. On anything but a terminal it shows nothing.
#[derive(Debug)]
pub(super) struct ProgressLine {
    state: Option<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    stage: Option<Stage>,
    started: Instant,
    shown: Option<Instant>,
}

impl ProgressLine {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            state: std::io::stderr().is_terminal().then(|| {
                Mutex::new(State {
                    stage: None,
                    started: now,
                    shown: None,
                })
            }),
        }
    }

    /// Shows where it is, at most ten times a second.
    pub(super) fn show(&self, now: Progress) {
        const PAUSE: Duration = Duration::from_millis(100);
        let Some(mut state) = self.state.as_ref().and_then(|state| state.lock().ok()) else {
            return;
        };
        if state.stage != Some(now.stage) {
            state.stage = Some(now.stage);
            state.started = Instant::now();
            state.shown = None;
        }
        if state.shown.is_some_and(|shown| shown.elapsed() < PAUSE) {
            return;
        }
        state.shown = Some(Instant::now());
        terminal::progress(&line(now, state.started.elapsed()));
    }

    /// Leaves the line empty for what is printed next.
    pub(super) fn clear(&self) {
        if self.state.is_some() {
            terminal::progress("");
        }
    }
}

fn line(now: Progress, elapsed: Duration) -> String {
    let Progress { stage, done, total } = now;
    let percent = (done.saturating_mul(100)).checked_div(total).unwrap_or(100);
    match stage {
        Stage::Sync => format!("syncing to the disk: {done} of {total} members"),
        Stage::Copy | Stage::Verify => {
            let what = if stage == Stage::Copy {
                "restoring"
            } else {
                "verifying"
            };
            let seconds = elapsed.as_secs_f64();
            let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
            let rate = if seconds > 0.0 {
                mib(done) / seconds
            } else {
                0.0
            };
            let left = if rate > 0.0 {
                mib(total - done.min(total)) / rate
            } else {
                0.0
            };
            format!(
                "{what}: {percent} % of {:.0} MiB, {rate:.0} MiB/s, {left:.0} s left",
                mib(total)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_rate_and_time_left() {
        let now = Progress {
            stage: Stage::Copy,
            done: 256 << 20,
            total: 1 << 30,
        };
        assert_eq!(
            line(now, Duration::from_secs(2)),
            "restoring: 25 % of 1024 MiB, 128 MiB/s, 6 s left"
        );
    }

    #[test]
    fn nothing_is_divided_by_nothing() {
        let now = Progress {
            stage: Stage::Copy,
            done: 0,
            total: 0,
        };
        assert_eq!(
            line(now, Duration::ZERO),
            "restoring: 100 % of 0 MiB, 0 MiB/s, 0 s left"
        );
    }
}
