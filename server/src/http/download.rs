//! What downloads have in common: the place that they take, the file name as a header, and ranges.

use std::ops;

use axum::body::Body;
use http::HeaderValue;
use http_body_util::BodyExt as _;

use crate::shares::Share;

/// A body that keeps its place as long as it is on its way.
pub(super) fn in_place(body: Body, place: Share) -> Body {
    Body::new(body.map_err(move |error| {
        let _ = &place;
        error
    }))
}

/// A `Range` header, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Range {
    /// These bytes.
    Within(ops::Range<u64>),
    /// It lies behind the end.
    Outside,
    /// Several ranges, or nothing we know: the whole file is a right answer.
    Ignored,
}

/// Reads the header for a file of `size` bytes.
pub(super) fn parse_range(header: &HeaderValue, size: u64) -> Range {
    let parsed = header
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix("bytes="))
        .filter(|text| !text.contains(','))
        .and_then(|text| text.split_once('-'))
        .map(|(from, to)| (from.trim(), to.trim()));
    let Some((from, to)) = parsed else {
        return Range::Ignored;
    };
    // `parse` takes a sign, and ranges have none.
    if [from, to].iter().any(|end| end.starts_with('+')) {
        return Range::Ignored;
    }
    let range = match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), Ok(to)) if from <= to => from..to.saturating_add(1).min(size),
        (Ok(from), Err(_)) if to.is_empty() => from..size,
        (Err(_), Ok(last)) if from.is_empty() => size.saturating_sub(last)..size,
        _ => return Range::Ignored,
    };
    if range.start >= range.end {
        return Range::Outside;
    }
    Range::Within(range)
}

/// `attachment`, with a plain name for old clients and the true one, percent-encoded, for others.
pub(super) fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| match c {
            ' '..='~' if !matches!(c, '"' | '\\' | '%') => c,
            _ => '_',
        })
        .collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_clamped_ignored_or_refused() {
        for (header, size, expected) in [
            ("bytes=0-9", 100, Range::Within(0..10)),
            ("bytes=90-", 100, Range::Within(90..100)),
            ("bytes=90-1000", 100, Range::Within(90..100)),
            ("bytes=-10", 100, Range::Within(90..100)),
            ("bytes=-1000", 100, Range::Within(0..100)),
            ("bytes=100-", 100, Range::Outside),
            ("bytes=-0", 100, Range::Outside),
            ("bytes=0-", 0, Range::Outside),
            ("bytes=9-0", 100, Range::Ignored),
            ("bytes=0-1,5-6", 100, Range::Ignored),
            ("bytes=-", 100, Range::Ignored),
            ("bytes=+1-9", 100, Range::Ignored),
            ("bytes=1-+9", 100, Range::Ignored),
            ("lines=0-1", 100, Range::Ignored),
            ("bytes=0-18446744073709551615", 100, Range::Within(0..100)),
        ] {
            let header = HeaderValue::from_static(header);
            assert_eq!(parse_range(&header, size), expected, "{header:?}");
        }
    }

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(
            disposition("a\"b\\c é.db"),
            "attachment; filename=\"a_b_c _.db\"; filename*=UTF-8''a%22b%5Cc%20%C3%A9.db"
        );
    }
}
