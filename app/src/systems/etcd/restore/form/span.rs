//! A length of time as it is typed: minutes, or a number with its unit, as in `90s`, `15m` or `2h`.

use super::parse_number;

/// Its seconds.
pub(super) fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let (number, unit) = match text.char_indices().last()? {
        (at, 's') => (&text[..at], 1),
        (at, 'm') => (&text[..at], 60),
        (at, 'h') => (&text[..at], 3600),
        _ => (text, 60),
    };
    parse_number(number)?.checked_mul(unit)
}

/// So many seconds, as [`parse`] reads them back: in the largest unit that loses nothing.
pub(super) fn render(seconds: u64) -> String {
    match seconds {
        0 => "0m".to_owned(),
        s if s.is_multiple_of(3600) => format!("{}h", s / 3600),
        s if s.is_multiple_of(60) => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_with_and_without_a_unit() {
        for (text, seconds) in [
            ("15", Some(900)),
            (" 90s ", Some(90)),
            ("2h", Some(7200)),
            ("1 000 m", Some(60_000)),
            ("0", Some(0)),
            ("", None),
            ("h", None),
            ("1.5h", None),
            ("-3", None),
            ("5 days", None),
            ("18446744073709551615h", None),
        ] {
            assert_eq!(parse(text), seconds, "{text:?}");
        }
    }

    #[test]
    fn nothing_is_lost_on_the_way() {
        for seconds in [0, 1, 59, 60, 90, 3600, 5400, 7201, u64::MAX] {
            assert_eq!(parse(&render(seconds)), Some(seconds));
        }
    }
}
