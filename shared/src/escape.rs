//! Text that a file, a server or a person supplied, made safe to show.
//!
//! A name may hold line feeds that forge a line of a report, escape sequences that recolour or erase the terminal,
//! and invisible characters that make one name look like another. [`value`] replaces each with a visible escape:
//! `\n`, `\r`, `\t`, else `\u{1b}`. Backslashes stay as they are, so that paths read as they were typed.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character does something else on a screen than showing itself: controls (C0, DEL, C1), line and
/// paragraph separators, marks and overrides of direction, and everything without a width of its own.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// A value on one line: every hidden character escaped, line feeds too.
pub fn value(text: &str) -> Cow<'_, str> {
    escape(text, |_| false)
}

/// A text of several lines: every hidden character escaped but the line feeds. The values in it must have been
/// escaped by [`value`] when it was put together, or a line feed in one would begin a line.
pub fn lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| c == '\n')
}

/// A JSON text that decodes to the same values, with every hidden character in its strings written as `\uXXXX`.
pub fn json(text: &str) -> Cow<'_, str> {
    // What is below 0x20 can only be white space between values: strings have it escaped already.
    let hidden = |c: char| c >= '\u{7f}' && is_hidden(c);
    if !text.chars().any(hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

fn escape(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    let bad = |c: char| is_hidden(c) && !keep(c);
    if !text.chars().any(bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if !bad(c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hidden_characters_become_visible_and_the_rest_stays() {
        for (text, shown) in [
            ("m1", "m1"),
            ("Zürich 数据 🦀", "Zürich 数据 🦀"),
            (r"C:\new", r"C:\new"),
            ("a\nBytes  pass", "a\\nBytes  pass"),
            ("\u{1b}[2J\r\t\0\u{7f}", "\\u{1b}[2J\\r\\t\\u{0}\\u{7f}"),
            ("\u{9b}1m", "\\u{9b}1m"),
            ("\u{202e}bd.1m\u{2066}", "\\u{202e}bd.1m\\u{2066}"),
            ("m\u{200b}1\u{feff}\u{ad}", "m\\u{200b}1\\u{feff}\\u{ad}"),
            ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"),
            ("\u{e0041}", "\\u{e0041}"),
        ] {
            assert_eq!(value(text), shown);
        }
        assert_eq!(lines("a\n\tb\u{85}\n"), "a\n\\tb\\u{85}\n");
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left(text in any::<String>()) {
            prop_assert!(!value(&text).chars().any(is_hidden));
            prop_assert!(!lines(&text).chars().any(|c| c != '\n' && is_hidden(c)));
        }

        #[test]
        fn json_says_the_same(text in any::<String>()) {
            let plain = serde_json::to_string_pretty(&[&text]).unwrap();
            let shown = json(&plain);
            prop_assert!(!shown.chars().any(|c| c != '\n' && is_hidden(c)));
            prop_assert_eq!(serde_json::from_str::<Vec<String>>(&shown).unwrap(), vec![text]);
        }
    }
}
