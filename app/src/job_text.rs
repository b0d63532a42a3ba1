//! How far a job is and how long it still takes, in words with units.

use requorum_shared::job::fold::JobView;
use requorum_shared::job::text;

use crate::format;

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

/// What the job's page opens with. The steps have the titles.
pub fn headline<T: AsRef<str>>(view: &JobView, titles: &[T]) -> String {
    text::short(view, titles, amount)
}

/// Milliseconds left in the step that runs, from what it did in the last second.
pub fn step_left_ms(progress: &Option<(u64, u64, String)>, per_second: Option<u64>) -> Option<f64> {
    let (done, total, _) = progress.as_ref()?;
    let rate = per_second.filter(|rate| *rate > 0 && *total > 0)?;
    Some(total.saturating_sub(*done) as f64 * 1000.0 / rate as f64)
}

/// `72 of 471 MiB`, `1 of 3 members`; what is done alone where the total is not known.
pub fn amount(progress: &(u64, u64, String)) -> String {
    let (done, total, unit) = progress;
    match (unit.as_str(), *total) {
        ("bytes", 0) => format::bytes(*done),
        ("bytes", total) => format!("{} of {}", format::bytes(*done), format::bytes(total)),
        (unit, 0) => format!("{} {unit}", format::number(*done)),
        (unit, total) => {
            format!(
                "{} of {} {unit}",
                format::number(*done),
                format::number(total)
            )
        }
    }
}

/// `1.1 of 1.6 GiB, 71 % · 212 MiB/s · 4 s left`.
pub fn progress_words(progress: &(u64, u64, String), per_second: Option<u64>) -> String {
    let (done, total, unit) = progress;
    let mut words = vec![match total {
        // Unknown is not zero, and not all of it.
        0 => amount(progress),
        total => format!("{}, {} %", amount(progress), format::percent(*done, *total)),
    }];
    if let Some(rate) = per_second.filter(|_| unit == "bytes") {
        words.push(format!("{}/s", format::bytes(rate)));
        if let Some(left) = step_left_ms(&Some(progress.clone()), per_second) {
            words.push(format!("{} left", format::duration(left)));
        }
    }
    words.join(" · ")
}

/// Since when the server does not answer, how old what is shown is, and, when that lasts, what is known all the same.
pub fn lost(heard_ms: i64, now_ms: i64, retry_s: u32) -> String {
    /// From when on a person wonders what became of the job, in milliseconds.
    const LONG_MS: i64 = 30_000;
    let age = (now_ms - heard_ms).max(0);
    let mut said = format!(
        "No answer from the server since {} {}. What you see is {} old. Trying again in {retry_s} s.",
        format::clock(heard_ms),
        format::zone_name(heard_ms),
        format::duration(age as f64),
    );
    if age >= LONG_MS {
        said.push_str(
            " What became of the job is unknown. It does not need this page; if the server was stopped or crashed, the \
             job resumes after a restart and checks what is there before it changes anything.",
        );
    }
    said
}

#[cfg(test)]
mod tests {
    use requorum_shared::job::events::{Body, Event};
    use requorum_shared::job::fold::JobState;

    use super::*;
    use crate::components::status;

    fn plain(text: String) -> String {
        text.replace('\u{202f}', " ")
    }

    #[test]
    fn what_it_took_is_known_at_the_end() {
        let mut view = JobView {
            span_ms: Some((0, 7_000)),
            ..JobView::default()
        };
        assert_eq!(took(&view, 9_000), "9.0 s so far");
        view.state = JobState::Undone;
        assert_eq!(took(&view, 99_000), "took 7.0 s");
    }

    #[test]
    fn progress_says_amount_speed_and_time_left() {
        let bytes = (512 << 20, 1 << 30, "bytes".to_owned());
        assert_eq!(
            plain(progress_words(&bytes, Some(128 << 20))),
            "512 MiB of 1.00 GiB, 50 % · 128 MiB/s · 4.0 s left"
        );
        let members = (1, 3, "members booted".to_owned());
        assert_eq!(
            progress_words(&members, Some(1)),
            "1 of 3 members booted, 33 %"
        );
        assert_eq!(step_left_ms(&Some(members), Some(0)), None);
        let unknown = (512 << 20, 0, "bytes".to_owned());
        assert_eq!(
            plain(progress_words(&unknown, Some(128 << 20))),
            "512 MiB · 128 MiB/s"
        );
    }

    #[test]
    fn a_step_that_still_works_is_never_called_paused() {
        let mut view = JobView::new(2);
        let mut tell = |seq: u64, body: Body| {
            view.apply(&Event::new(seq, 0, body.into()));
            (plain(headline(&view, &["a", "b"])), status::of_view(&view))
        };
        tell(1, Body::StepStarted { step: 1 });
        let progress = Body::StepProgress {
            step: 1,
            done: 72 << 20,
            total: 471 << 20,
            unit: "bytes".into(),
            per_second: None,
            part: None,
        };
        let (running, _) = tell(0, progress);
        assert_eq!(running, "Running step 1 of 2");
        let (pausing, state) = tell(2, Body::Paused { by: "ak".into() });
        assert_eq!(pausing, "Pausing after step 1 of 2 (72.0 MiB of 471 MiB)");
        assert_eq!(state, ("warning", "pausing"));
        let outcome = requorum_shared::job::events::StepOutcome::Done {
            evidence: String::new(),
        };
        let (paused, state) = tell(3, Body::StepEnded { step: 1, outcome });
        assert_eq!(paused, "Paused before step 2 of 2. Nothing is running.");
        assert_eq!(state, ("warning", "paused"));
        let (back, state) = tell(4, Body::AbortRequested { by: "ak".into() });
        assert_eq!(
            (back.as_str(), state),
            ("Rolling back", ("busy", "rolling back"))
        );
    }

    #[test]
    fn a_lost_connection_says_how_old_everything_is() {
        let at = 15 * 3_600_000 + 10 * 60_000 + 54_000;
        assert_eq!(
            lost(at, at + 6_400, 2),
            "No answer from the server since 15:10:54 UTC. What you see is 6.4 s old. Trying again in 2 s."
        );
        assert!(lost(at, at + 30_000, 5).contains("resumes after a restart"));
    }
}
