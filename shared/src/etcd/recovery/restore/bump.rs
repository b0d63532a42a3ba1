//! By how much to raise the revision: computed from what was seen served, not guessed (spec 4.8).

use serde::{Deserialize, Serialize};

use super::SeenRevision;

/// The bump that upstream recommends when it is unknown which revisions were served.
pub const WHEN_UNKNOWN: u64 = 1_000_000_000;

/// The smallest margin added to what was seen; a bump below it covers minutes.
pub const MIN_MARGIN: u64 = 10_000;

/// A bump, and what it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    /// The bump.
    pub bump: u64,
    /// What was seen minus the snapshot's revision: less than this, and revisions go back.
    pub floor: u64,
    /// What may have been written since it was seen, at the rate that was seen; absent when either is unknown.
    pub grown: Option<u64>,
    /// Added for what nobody saw: a fifth of the rest, at least 10 000, rounded up.
    pub margin: u64,
}

/// The bump from a snapshot that a server would start at `current_revision`.
pub fn suggest(current_revision: i64, seen: &SeenRevision) -> Suggestion {
    let floor = u64::try_from(seen.revision.saturating_sub(current_revision)).unwrap_or(0);
    // Divided last, so that a low rate over a short time does not vanish.
    let grown = seen
        .per_hour
        .zip(seen.unwatched_seconds)
        .map(|(rate, span)| {
            let grown = (u128::from(rate) * u128::from(span)).div_ceil(3600);
            u64::try_from(grown).unwrap_or(u64::MAX)
        });
    let sum = floor.saturating_add(grown.unwrap_or(0));
    let unrounded = sum.saturating_add((sum / 5).max(MIN_MARGIN));
    // Two leading digits are easier to recognise in a log than seven.
    let unit = 10u64.pow(unrounded.ilog10().saturating_sub(1));
    let bump = unrounded.div_ceil(unit).saturating_mul(unit);
    Suggestion {
        bump,
        floor,
        grown,
        margin: bump.saturating_sub(sum),
    }
}

/// The revision that the restored cluster starts at: `last_revision + bump`.
///
/// `None` when that leaves the range of revisions. The reference then goes on into negative ones.
pub fn raised(last_revision: i64, bump: u64) -> Option<i64> {
    last_revision.checked_add_unsigned(bump)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(revision: i64, unwatched_seconds: u64, per_hour: u64) -> SeenRevision {
        SeenRevision {
            revision,
            unwatched_seconds: Some(unwatched_seconds),
            per_hour: Some(per_hour),
        }
    }

    #[test]
    fn a_rate_that_is_unknown_is_not_zero() {
        for (unwatched_seconds, per_hour) in [(None, Some(12_000)), (Some(600), None)] {
            let seen = SeenRevision {
                revision: 400,
                unwatched_seconds,
                per_hour,
            };
            assert_eq!(suggest(500, &seen).grown, None);
            let json = serde_json::to_string(&seen).unwrap();
            assert_eq!(serde_json::from_str::<SeenRevision>(&json).unwrap(), seen);
        }
        assert_eq!(suggest(500, &seen(400, 0, 0)).grown, Some(0));
        let bare: SeenRevision = serde_json::from_str(r#"{"revision":"7"}"#).unwrap();
        assert_eq!((bare.unwatched_seconds, bare.per_hour), (None, None));
        assert_eq!(serde_json::to_string(&bare).unwrap(), r#"{"revision":"7"}"#);
        let stated = r#"{"revision":"7","unwatched_seconds":"0","per_hour":"x"}"#;
        assert!(serde_json::from_str::<SeenRevision>(stated).is_err());
    }

    #[test]
    fn floor_growth_and_margin_add_up() {
        let suggestion = suggest(1_200_007, &seen(1_344_120, 600, 12_000));
        assert_eq!(
            suggestion,
            Suggestion {
                bump: 180_000,
                floor: 144_113,
                grown: Some(2_000),
                margin: 33_887,
            }
        );
    }

    #[test]
    fn a_snapshot_newer_than_anything_seen_still_gets_a_margin() {
        let suggestion = suggest(500, &seen(400, 0, 0));
        assert_eq!((suggestion.floor, suggestion.bump), (0, MIN_MARGIN));
    }

    #[test]
    fn absurd_sightings_saturate() {
        assert_eq!(
            suggest(0, &seen(i64::MAX, u64::MAX, u64::MAX)).grown,
            Some(u64::MAX)
        );
        assert_eq!(
            suggest(i64::MIN, &seen(i64::MAX, 0, 0)).floor,
            i64::MAX as u64
        );
    }

    #[test]
    fn conformance_38_a_bump_never_leaves_the_range() {
        assert_eq!(raised(5, 10), Some(15));
        assert_eq!(raised(0, i64::MAX as u64), Some(i64::MAX));
        assert_eq!(raised(1, i64::MAX as u64), None);
        assert_eq!(raised(339, u64::MAX), None);
    }
}
