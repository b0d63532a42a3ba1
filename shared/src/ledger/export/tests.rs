//! What other programs read.

use super::super::entry::{Draft, Entry, Outcome, Place};
use super::*;

#[test]
fn moments_are_those_of_the_calendar() {
    for (at_ms, text) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_399_999, "2000-02-28T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (951_868_800_000, "2000-03-01T00:00:00.000Z"),
        (1_795_253_272_123, "2026-11-21T09:27:52.123Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        (4_107_456_000_000, "2100-02-28T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
    ] {
        assert_eq!(rfc3339(at_ms), text);
    }
    // A clock gone mad is printed, not a reason to stop.
    rfc3339(i64::MIN);
    rfc3339(i64::MAX);
}

#[test]
fn a_spreadsheet_never_runs_what_a_person_typed() {
    let draft = Draft {
        who: "=cmd|'/c calc'!A1".to_owned(),
        from: "10.0.0.7".to_owned(),
        act: "plan.reject".to_owned(),
        subject: "plan \"p,1\"".to_owned(),
        ..Draft::default()
    };
    let place = Place {
        index: 3,
        at_ms: 0,
        previous_ms: None,
    };
    let line = csv_line(&Entry::noted(place, &draft, Outcome::Refused, "-1+1"));
    assert_eq!(
        line,
        "3,1970-01-01T00:00:00.000Z,0,,noted,,\"'=cmd|'/c calc'!A1\",10.0.0.7,plan.reject,,\"plan \"\"p,1\"\"\",,,refused,'-1+1\r\n"
    );
    assert_eq!(
        line.matches(',').count() - 1,
        CSV_HEADER.matches(',').count(),
        "one comma is quoted"
    );
}
