//! How far a job is and how long it still takes, in words with units.

use requorum_shared::job::fold::JobView;

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

#[cfg(test)]
mod tests {
    use requorum_shared::job::fold::JobState;

    use super::*;

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
        let words = progress_words(&bytes, Some(128 << 20)).replace('\u{202f}', " ");
        assert_eq!(words, "512 MiB of 1.00 GiB, 50 % · 128 MiB/s · 4.0 s left");
        let members = (1, 3, "members".to_owned());
        assert_eq!(progress_words(&members, None), "1 of 3 members, 33 %");
        assert_eq!(step_left_ms(&Some(members), Some(0)), None);
    }
}
