//! The ledger for other programs: JSON Lines, which is the entries themselves, and CSV for spreadsheets.

use super::entry::Entry;

#[cfg(test)]
mod tests;

/// The columns of the CSV form, in order.
pub const CSV_HEADER: &str = "index,time,at_ms,clock_back_ms,phase,closes,who,from,act,cluster,subject,job,plan,outcome,reason\r\n";

/// One entry as a line of CSV (RFC 4180), with its line end.
pub fn csv_line(entry: &Entry) -> String {
    let number = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
    let text = |t: &Option<String>| csv_field(t.as_deref().unwrap_or_default());
    let fields = [
        entry.index.to_string(),
        rfc3339(entry.at_ms),
        entry.at_ms.to_string(),
        number(entry.clock_back_ms),
        entry.phase.name().to_owned(),
        entry.closes.map(|n| n.to_string()).unwrap_or_default(),
        csv_field(&entry.who),
        csv_field(&entry.from),
        csv_field(&entry.act),
        text(&entry.cluster),
        csv_field(&entry.subject),
        text(&entry.job),
        text(&entry.plan),
        entry
            .outcome
            .map(|o| o.name())
            .unwrap_or_default()
            .to_owned(),
        csv_field(&entry.reason),
    ];
    let mut line = fields.join(",");
    line.push_str("\r\n");
    line
}

/// A field that a spreadsheet shows as text: quoted where needed, and never a formula. What begins like one gets an
/// apostrophe before it, the spreadsheet's own mark for text.
fn csv_field(text: &str) -> String {
    let guarded = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if guarded.contains([',', '"', '\n', '\r', ' ']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

/// A moment in UTC with milliseconds: `2026-11-21T10:07:52.000Z`.
pub fn rfc3339(at_ms: i64) -> String {
    let (days, ms) = (at_ms.div_euclid(86_400_000), at_ms.rem_euclid(86_400_000));
    let (year, month, day) = civil(days);
    let (hour, minute, second, ms) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar. Years are counted from March, so
/// that the leap day is a year's last: 400 of them are 146 097 days.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468; // from 0000-03-01
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153; // 0 is March
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let january = i64::from(month >= 10);
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + january, month, day_of_month)
}
