//! Points in time and lengths of it. Times are milliseconds since the Unix epoch, shown in the zone that the person
//! chose.

use std::cell::Cell;

/// Whose clock the page shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Zone {
    /// UTC, which everybody in an incident shares.
    #[default]
    Utc,
    /// The browser's time zone.
    Local,
}

thread_local! {
    static ZONE: Cell<Zone> = const { Cell::new(Zone::Utc) };
}

/// From now on times are shown in this zone. What is on the page already is drawn again by `crate::times`.
pub fn set_zone(zone: Zone) {
    ZONE.set(zone);
}

/// Minutes that the chosen zone is ahead of UTC at a moment: daylight saving time counts.
fn offset_minutes(ms: i64) -> i64 {
    match ZONE.get() {
        Zone::Utc => 0,
        Zone::Local => {
            let date = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(ms as f64));
            -(date.get_timezone_offset() as i64)
        }
    }
}

/// The moment as the chosen zone's clock shows it.
fn shown(ms: i64) -> i64 {
    ms + offset_minutes(ms) * 60_000
}

/// The moment at which the chosen zone's clock shows what UTC's shows at `ms`: for times that a person types.
pub fn from_zone(ms: i64) -> i64 {
    // Near a change of the clocks, the distance is that of the moment, and not of its figures.
    let near = ms - offset_minutes(ms) * 60_000;
    ms - offset_minutes(near) * 60_000
}

/// `2026-11-21 14:02:11` in the chosen zone, which the header names.
pub fn stamp(ms: i64) -> String {
    plain(shown(ms))
}

/// `2026-11-21 14:02:11 UTC+01:00` in the chosen zone.
pub fn full(ms: i64) -> String {
    format!("{} {}", stamp(ms), zone_name(ms))
}

/// `UTC`, or how far the chosen zone is from it at that moment: `UTC+01:00`.
pub fn zone_name(ms: i64) -> String {
    offset_name(offset_minutes(ms))
}

/// `2026-11-21` in the chosen zone.
pub fn day(ms: i64) -> String {
    stamp(ms)[..10].to_owned()
}

/// The time of day in the chosen zone: `14:02:11`.
pub fn clock(ms: i64) -> String {
    time_of_day(shown(ms))
}

/// The hour and minute in the chosen zone: `14:02`.
pub fn minute(ms: i64) -> String {
    clock(ms)[..5].to_owned()
}

/// The hour and minute with the zone, for sentences: `14:02 UTC`.
pub fn minute_zoned(ms: i64) -> String {
    format!("{} {}", minute(ms), zone_name(ms))
}

/// `2026-11-21 14:02:11 UTC`, whatever zone is chosen: for what is kept, and for the time in the other zone.
pub fn utc(ms: i64) -> String {
    format!("{} UTC", plain(ms))
}

fn plain(ms: i64) -> String {
    let (year, month, day) = civil(ms.div_euclid(86_400_000));
    format!("{year:04}-{month:02}-{day:02} {}", time_of_day(ms))
}

fn time_of_day(ms: i64) -> String {
    let s = ms.div_euclid(1000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

fn offset_name(minutes: i64) -> String {
    let sign = match minutes {
        0 => return "UTC".into(),
        1.. => '+',
        _ => '\u{2212}',
    };
    let minutes = minutes.abs();
    format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// How long ago `then` was: `4 min ago`, `just now`, `in 2 h`.
pub fn ago(then_ms: i64, now_ms: i64) -> String {
    let seconds = (now_ms - then_ms) / 1000;
    let span = seconds.abs();
    let (n, unit) = match span {
        0..45 => return "just now".into(),
        45..3600 => (span.max(60) / 60, "min"),
        3600..172_800 => (span / 3600, "h"),
        _ => (span / 86_400, "days"),
    };
    if seconds >= 0 {
        format!("{n} {unit} ago")
    } else {
        format!("in {n} {unit}")
    }
}

/// A length of time: `0.4 s`, `12 s`, `1 m 12 s`, `2 h 5 m`, `3 d 4 h`.
pub fn duration(ms: f64) -> String {
    let ms = ms.max(0.0);
    if ms < 50.0 {
        return "under 0.1 s".into();
    }
    if ms < 9_950.0 {
        return format!("{:.1} s", ms / 1000.0);
    }
    let s = (ms / 1000.0).round() as u64;
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} m {} s", s / 60, s % 60),
        3600..86_400 => format!("{} h {} m", s / 3600, s / 60 % 60),
        _ => format!("{} d {} h", s / 86_400, s / 3600 % 24),
    }
}

/// Reads `2026-11-21T14:02:11.5Z`, in UTC only: what the server writes into documents.
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    let text = text
        .strip_suffix('Z')
        .or_else(|| text.strip_suffix("+00:00"))?;
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let mut date = date.splitn(3, '-');
    let year: i64 = date.next()?.parse().ok()?;
    let month: i64 = date.next()?.parse().ok()?;
    let day: i64 = date.next()?.parse().ok()?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut time = time.splitn(3, ':');
    let hour: i64 = time.next()?.parse().ok()?;
    let minute: i64 = time.next()?.parse().ok()?;
    let second: i64 = time.next()?.parse().ok()?;
    let in_range = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second)
        && (0..=9999).contains(&year);
    if !in_range || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let millis: i64 = format!("{fraction:0<3}")[..3].parse().ok()?;
    let days = days_from_civil(year, month, day);
    Some((days * 86_400 + hour * 3600 + minute * 60 + second) * 1000 + millis)
}

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar. Years begin in
/// March here, so that the leap day is the last one.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_named_by_its_distance() {
        assert_eq!(offset_name(0), "UTC");
        assert_eq!(offset_name(60), "UTC+01:00");
        assert_eq!(offset_name(-210), "UTC\u{2212}03:30");
        assert_eq!(full(0), "1970-01-01 00:00:00 UTC");
        assert_eq!((day(0), minute(0)), ("1970-01-01".into(), "00:00".into()));
        assert_eq!(from_zone(1_795_269_731_000), 1_795_269_731_000);
    }

    #[test]
    fn known_days() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(951_782_400_000), "2000-02-29 00:00:00 UTC");
        assert_eq!(utc(1_795_269_731_000), "2026-11-21 14:02:11 UTC");
        assert_eq!(utc(-1), "1969-12-31 23:59:59 UTC");
    }

    #[test]
    fn every_day_of_two_centuries_goes_there_and_back() {
        for day in -40_000..40_000 {
            let (y, m, d) = civil(day);
            assert_eq!(days_from_civil(y, m, d), day);
        }
    }

    #[test]
    fn documents_times_are_read() {
        assert_eq!(
            parse_rfc3339("2026-11-21T14:02:11Z"),
            Some(1_795_269_731_000)
        );
        assert_eq!(
            parse_rfc3339("2026-11-21T14:02:11.25Z"),
            Some(1_795_269_731_250)
        );
        assert_eq!(
            parse_rfc3339("2026-11-21T14:02:11.123456789Z"),
            Some(1_795_269_731_123)
        );
        for bad in [
            "",
            "2026-11-21",
            "2026-13-21T14:02:11Z",
            "2026-11-21T14:02:11.é5Z",
            "x-y-zT1:2:3Z",
        ] {
            assert_eq!(parse_rfc3339(bad), None, "{bad}");
        }
    }

    #[test]
    fn lengths_of_time() {
        for (ms, text) in [
            (0.0, "under 0.1 s"),
            (420.0, "0.4 s"),
            (12_000.0, "12 s"),
            (72_000.0, "1 m 12 s"),
            (7_500_000.0, "2 h 5 m"),
            (273_600_000.0, "3 d 4 h"),
        ] {
            assert_eq!(duration(ms), text);
        }
    }

    #[test]
    fn how_long_ago() {
        let now = 1_000_000_000_000;
        assert_eq!(ago(now - 20_000, now), "just now");
        assert_eq!(ago(now - 50_000, now), "1 min ago");
        assert_eq!(ago(now - 250_000, now), "4 min ago");
        assert_eq!(ago(now + 7_300_000, now), "in 2 h");
        assert_eq!(ago(now - 86_400_000 * 3, now), "3 days ago");
    }
}
