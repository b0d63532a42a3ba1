//! Times, sizes and counts as the readable parts write them. What they say is part of the rendering.

use crate::finding::{Check, Outcome};
use crate::job::fold::JobView;
use crate::job::text;
use crate::ledger::export::rfc3339;

/// `2026-11-21 14:02:11 UTC`.
pub(super) fn utc(at_ms: i64) -> String {
    let text = rfc3339(at_ms);
    let seconds = text.split_once('.').map_or(text.as_str(), |(s, _)| s);
    format!("{} UTC", seconds.replace('T', " "))
}

/// A time of RFC 3339 in the same form, as far as it is one in UTC.
pub(super) fn plain(text: &str) -> String {
    match text.strip_suffix('Z').and_then(|text| text.split_once('T')) {
        Some((date, time)) => format!("{date} {time} UTC"),
        None => text.to_owned(),
    }
}

/// `0.4 s`, `12 s`, `1 m 12 s`, `2 h 5 m`.
pub(super) fn took(ms: i64) -> String {
    let ms = ms.max(0);
    let s = ms / 1000;
    match ms {
        0..10_000 => format!("{s}.{} s", ms % 1000 / 100),
        10_000..60_000 => format!("{s} s"),
        60_000..3_600_000 => format!("{} m {} s", s / 60, s % 60),
        _ => format!("{} h {} m", s / 3600, s / 60 % 60),
    }
}

/// `1 entry`, `12 entries`.
pub(super) fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// `30 of 31 pass, 1 was not checked`.
pub(super) fn tally(checks: &[Check]) -> String {
    let of = |outcome| checks.iter().filter(|c| c.outcome == outcome).count();
    let (fail, unknown) = (of(Outcome::Fail), of(Outcome::NotChecked));
    let mut parts = vec![format!("{} of {} pass", of(Outcome::Pass), checks.len())];
    if fail > 0 {
        parts.insert(0, format!("{fail} FAILED"));
    }
    if unknown > 0 {
        let were = if unknown == 1 { "was" } else { "were" };
        parts.push(format!("{unknown} {were} not checked"));
    }
    parts.join(", ")
}

/// The sentence that the dossier opens with. `titles` are those of the plan's steps.
pub(super) fn sentence(view: &JobView, titles: &[&str]) -> String {
    if view.state.is_over() {
        return text::sentence(view, titles);
    }
    format!(
        "Interim: the job has not ended; it is {}.",
        text::state(view.state)
    )
}

/// Several things in one sentence, not too many of them.
pub(super) fn listed(things: &[String]) -> String {
    const SHOWN: usize = 6;
    let mut shown = things[..things.len().min(SHOWN)].join("; ");
    if things.len() > SHOWN {
        shown.push_str(&format!("; and {} more", things.len() - SHOWN));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_lengths_read_like_words() {
        assert_eq!(utc(1_795_000_000_123), "2026-11-18 11:06:40 UTC");
        assert_eq!(plain("2026-11-18T11:00:00Z"), "2026-11-18 11:00:00 UTC");
        assert_eq!(plain("Tuesday"), "Tuesday");
        for (ms, text) in [
            (0, "0.0 s"),
            (449, "0.4 s"),
            (9_999, "9.9 s"),
            (12_300, "12 s"),
            (72_000, "1 m 12 s"),
            (7_500_000, "2 h 5 m"),
        ] {
            assert_eq!(took(ms), text);
        }
        let check = |outcome| Check::new("x", outcome, "");
        let checks = [Outcome::Pass, Outcome::NotChecked, Outcome::Fail].map(check);
        assert_eq!(tally(&checks), "1 FAILED, 1 of 3 pass, 1 was not checked");
    }
}
