//! What is lost with a snapshot: its revision and its time at one end of an axis, the old cluster's at the other.

use leptos::prelude::*;

use crate::components::time::Time;
use crate::format;
use crate::times::Times;

const MINUTE_MS: i64 = 60_000;

/// What the end of the axis is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Until {
    /// The plan is being made.
    #[default]
    Now,
    /// The plan was sealed then: what was written later is not counted.
    Sealed,
}

/// What is known of the snapshot and of the old cluster after it. What is not known is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Loss {
    /// The snapshot's newest revision.
    pub revision: Option<i64>,
    /// The newest time that is in the snapshot, by the clock of its writer: it was taken then or later.
    pub written_ms: Option<i64>,
    /// When the file was uploaded: it was taken before.
    pub uploaded_ms: Option<i64>,
    /// The highest revision that the old cluster was seen to serve.
    pub seen: Option<i64>,
    /// Until when writes may have been accepted: now, or when the plan was sealed.
    pub until_ms: i64,
    /// Which of the two it is.
    pub until: Until,
}

impl Loss {
    /// The snapshot's time. One after the end of the axis is of a clock that was wrong.
    fn time(&self) -> Option<i64> {
        self.written_ms
            .filter(|ms| (1..=self.until_ms).contains(ms))
    }

    /// `Writes since 14:02 UTC (at most 41 minutes) are lost.`
    fn time_words(&self) -> String {
        match (self.time(), self.uploaded_ms) {
            (Some(ms), _) => format!(
                "Writes since {} (at most {}{}) are lost.",
                moment(ms, self.until_ms),
                span(self.until_ms - ms),
                match self.until {
                    Until::Now => "",
                    Until::Sealed => " until the plan was sealed",
                }
            ),
            (None, Some(ms)) => format!(
                "The time of this snapshot is unknown. It was uploaded at {}: writes after that are lost, and earlier \
                 ones may be.",
                moment(ms, self.until_ms)
            ),
            (None, None) => "The time of this snapshot is unknown.".to_owned(),
        }
    }

    /// `At least 144 113 revisions are lost.`
    fn revision_words(&self) -> String {
        let Some(revision) = self.revision else {
            return "The revision of this snapshot is unknown.".to_owned();
        };
        match self.seen.map(|seen| seen.saturating_sub(revision)) {
            None => {
                "How many revisions are lost is unknown: no later revision was observed.".to_owned()
            }
            Some(1) => "At least 1 revision is lost.".to_owned(),
            Some(lost @ 2..) => format!(
                "At least {} revisions are lost.",
                format::number(lost.unsigned_abs())
            ),
            Some(_) => "The highest revision observed is not beyond the snapshot.".to_owned(),
        }
    }

    /// What is written on the line between both ends.
    fn gap_words(&self) -> String {
        let revisions = self
            .revision
            .zip(self.seen)
            .map(|(revision, seen)| seen.saturating_sub(revision))
            .filter(|lost| *lost > 0)
            .map(|lost| {
                let lost = format::count(lost.unsigned_abs(), "revision", "revisions");
                format!("at least {lost}")
            });
        let time = self
            .time()
            .map(|ms| format!("at most {}", span(self.until_ms - ms)));
        match (revisions, time) {
            (Some(revisions), Some(time)) => format!("{revisions}, {time}"),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => "unknown".to_owned(),
        }
    }
}

/// `highest revision observed: 1 344 120`.
fn observed(seen: Option<i64>) -> String {
    let revision = seen.map_or_else(|| "unknown".to_owned(), format::signed);
    format!("highest revision observed: {revision}")
}

/// `14:02 UTC`, with its day where that is not the day of `beside`.
fn moment(ms: i64, beside: i64) -> String {
    match format::day(ms) == format::day(beside) {
        true => format::minute_zoned(ms),
        false => format!("{} {}", format::day(ms), format::minute_zoned(ms)),
    }
}

/// A length of time as a sentence has it, never told shorter than it is: `41 minutes`, `5 hours`, `3 days`.
fn span(ms: i64) -> String {
    let up = |unit: i64| (ms.max(0).unsigned_abs()).div_ceil(unit.unsigned_abs());
    match up(MINUTE_MS) {
        minutes @ 0..=119 => format::count(minutes.max(1), "minute", "minutes"),
        120..=2_880 => format::count(up(60 * MINUTE_MS), "hour", "hours"),
        _ => format::count(up(24 * 60 * MINUTE_MS), "day", "days"),
    }
}

/// The axis, and the same in words.
#[component]
pub fn LossAxis(
    /// What is known.
    #[prop(into)]
    loss: Signal<Loss>,
) -> impl IntoView {
    let times = Times::expect();
    let words = move || {
        // Drawn again when another zone is chosen.
        times.zone();
        loss.with(|loss| (loss.time_words(), loss.revision_words()))
    };
    let known = move || loss.with(|loss| loss.time().is_some());
    let revision = |revision: Option<i64>| match revision {
        Some(revision) => format!("revision {}", format::signed(revision)),
        None => "revision unknown".to_owned(),
    };
    let until = move || match loss.with(|loss| loss.until) {
        Until::Now => "Now",
        Until::Sealed => "Plan sealed",
    };
    let taken = move || match loss.with(Loss::time) {
        Some(ms) => view! { <Time ms /> " or later" }.into_any(),
        None => "time unknown".into_any(),
    };
    view! {
        <figure class="loss">
            <figcaption>
                <strong>{move || words().0}</strong>
                " "
                {move || words().1}
            </figcaption>
            <div class="loss-track" class:unknown=move || !known() aria-hidden="true">
                <i class="loss-from"></i>
                <span class="loss-gap">{move || loss.with(Loss::gap_words)}</span>
                <i class="loss-to"></i>
            </div>
            <dl class="loss-ends">
                <div>
                    <dt>"Snapshot"</dt>
                    <dd>{move || loss.with(|loss| revision(loss.revision))}</dd>
                    <dd>{taken}</dd>
                </div>
                <div>
                    <dt>"Old cluster"</dt>
                    <dd>{move || loss.with(|loss| observed(loss.seen))}</dd>
                    <dd>{until} " " {move || view! { <Time ms=loss.with(|loss| loss.until_ms) /> }}</dd>
                </div>
            </dl>
        </figure>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21 14:02:11 UTC.
    const TAKEN: i64 = 1_795_269_731_000;

    fn loss() -> Loss {
        Loss {
            revision: Some(1_200_007),
            written_ms: Some(TAKEN),
            uploaded_ms: Some(TAKEN + 5 * MINUTE_MS),
            seen: None,
            until_ms: TAKEN + 41 * MINUTE_MS,
            until: Until::Now,
        }
    }

    fn plain(text: &str) -> String {
        text.replace('\u{202f}', " ")
    }

    #[test]
    fn a_known_time_says_how_much_is_lost() {
        let loss = loss();
        assert_eq!(
            loss.time_words(),
            "Writes since 14:02 UTC (at most 41 minutes) are lost."
        );
        assert_eq!(loss.gap_words(), "at most 41 minutes");
        let seen = Loss {
            seen: Some(1_344_120),
            ..loss
        };
        assert_eq!(
            plain(&seen.revision_words()),
            "At least 144 113 revisions are lost."
        );
        assert_eq!(
            plain(&seen.gap_words()),
            "at least 144 113 revisions, at most 41 minutes"
        );
        assert_eq!(
            plain(&observed(seen.seen)),
            "highest revision observed: 1 344 120"
        );
        assert_eq!(observed(None), "highest revision observed: unknown");
        let one = Loss {
            seen: Some(1_200_008),
            ..loss
        };
        assert_eq!(one.revision_words(), "At least 1 revision is lost.");
        // What is lost after a plan was sealed grows; the plan's page does not count it.
        let sealed = Loss {
            until: Until::Sealed,
            ..loss
        };
        assert_eq!(
            sealed.time_words(),
            "Writes since 14:02 UTC (at most 41 minutes until the plan was sealed) are lost."
        );
        let next_day = Loss {
            until_ms: TAKEN + 24 * 60 * MINUTE_MS,
            ..loss
        };
        assert_eq!(
            next_day.time_words(),
            "Writes since 2026-11-21 14:02 UTC (at most 24 hours) are lost."
        );
    }

    #[test]
    fn what_is_unknown_is_said_and_is_never_zero() {
        let unknown = Loss {
            written_ms: None,
            uploaded_ms: None,
            revision: None,
            ..loss()
        };
        assert_eq!(
            unknown.time_words(),
            "The time of this snapshot is unknown."
        );
        assert_eq!(
            unknown.revision_words(),
            "The revision of this snapshot is unknown."
        );
        assert_eq!(unknown.gap_words(), "unknown");
        assert!(
            loss()
                .revision_words()
                .starts_with("How many revisions are lost is unknown")
        );
        let uploaded = Loss {
            written_ms: None,
            ..loss()
        };
        assert_eq!(
            uploaded.time_words(),
            "The time of this snapshot is unknown. It was uploaded at 14:07 UTC: writes after that are lost, and \
             earlier ones may be."
        );
        // A clock that was ahead tells nothing.
        let ahead = Loss {
            written_ms: Some(TAKEN + 42 * MINUTE_MS),
            ..loss()
        };
        assert_eq!(ahead.time_words(), uploaded.time_words());
        // Nothing beyond it was observed: that is no proof that nothing was written.
        let same = Loss {
            seen: Some(1_200_007),
            written_ms: None,
            ..loss()
        };
        assert_eq!(
            same.revision_words(),
            "The highest revision observed is not beyond the snapshot."
        );
        assert_eq!(same.gap_words(), "unknown");
    }

    #[test]
    fn a_span_is_never_told_shorter_than_it_is() {
        for (ms, words) in [
            (0, "1 minute"),
            (MINUTE_MS, "1 minute"),
            (MINUTE_MS + 1, "2 minutes"),
            (119 * MINUTE_MS, "119 minutes"),
            (121 * MINUTE_MS, "3 hours"),
            (48 * 60 * MINUTE_MS, "48 hours"),
            (49 * 60 * MINUTE_MS, "3 days"),
        ] {
            assert_eq!(span(ms), words, "{ms}");
        }
    }
}
