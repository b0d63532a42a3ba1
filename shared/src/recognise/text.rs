//! Texts: error pages in place of the file, manifests, hexadecimal dumps, and binary files written as text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::inside::{self, Beginning};
use super::{Recognised, State, Within, quoted};
use crate::source::Source;

const AGAIN: &str = "Get the file itself, and look at what comes before you use it.";

pub(super) fn recognise(source: &dyn Source, head: &[u8], within: Within) -> Option<Recognised> {
    let text = as_text(head, source.size())?;
    let trimmed = text.trim_start();
    let lower = trimmed.to_ascii_lowercase();
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        let title = between(trimmed, "<title>", "</title>");
        return Some(page("html", "an HTML page", title));
    }
    if trimmed.starts_with("<?xml") || trimmed.starts_with("<Error>") {
        let code = between(trimmed, "<Code>", "</Code>");
        let message = between(trimmed, "<Message>", "</Message>");
        let said = match (code, message) {
            (Some(code), Some(message)) => Some(format!("{code}: {message}")),
            (code, message) => code.or(message).map(ToOwned::to_owned),
        };
        return Some(page("xml", "an XML document", said.as_deref()));
    }
    if let Some(found) = encoded(trimmed, source.size(), within) {
        return Some(found);
    }
    if is_hex_dump(trimmed) {
        return Some(
            Recognised::new("hex-dump", "a hexadecimal dump", State::Unknown)
                .inside(first_line(trimmed))
                .todo("Turn it back into bytes (xxd -r FILE > bytes), or get the file itself."),
        );
    }
    if trimmed.starts_with(['{', '[']) {
        return Some(
            Recognised::new("json", "a JSON document", State::Unknown)
                .inside(first_line(trimmed))
                .todo(AGAIN),
        );
    }
    Some(
        Recognised::new("text", "a text", State::Unknown)
            .inside(first_line(trimmed))
            .todo(AGAIN),
    )
}

/// The beginning of a file, when all of it is text. A character may be cut at the end.
fn as_text(head: &[u8], size: u64) -> Option<&str> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() && size > head.len() as u64 => {
            std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    let is_text = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{c}' | '\u{1b}');
    (!text.trim().is_empty() && text.chars().all(is_text)).then_some(text)
}

/// What a web server or a bucket sent in place of the file.
fn page(code: &str, label: &str, said: Option<&str>) -> Recognised {
    let inside = match said {
        Some(said) => format!(
            "A server sent it in place of the file; it says {}.",
            quoted(said.trim().as_bytes())
        ),
        None => "A server may have sent it in place of the file.".to_owned(),
    };
    Recognised::new(code, label, State::Unknown)
        .inside(inside)
        .todo("Check address, name and permissions of the download, and get the file again.")
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(from)?;
    rest.split_once(to).map(|(inner, _)| inner)
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    format!("It begins with {}.", quoted(line.trim().as_bytes()))
}

/// Base64 of something that is known.
fn encoded(text: &str, size: u64, within: Within) -> Option<Recognised> {
    const ENOUGH: usize = 64;
    let mut digits = String::new();
    for c in text.chars() {
        match c {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '+' | '/' | '=' => digits.push(c),
            '\n' | '\r' => {}
            _ => return None,
        }
    }
    if digits.len() < ENOUGH {
        return None;
    }
    let whole = digits.len() / 4 * 4;
    let bytes = STANDARD.decode(digits.get(..whole)?).ok()?;
    let found = inside::look(&Beginning {
        bytes: &bytes,
        size: None,
        name: "",
        within,
    });
    // A long word of letters is no base64.
    let label = match found {
        Some(found) => found.label,
        None if size > 1 << 16 => return None,
        None => return None,
    };
    Some(
        Recognised::new("base64", "a base64 text", State::Unknown)
            .inside(format!("Decoded, it begins as {label}."))
            .todo("Decode it (base64 -d FILE > decoded) and use what comes out."),
    )
}

/// `00000000: 0000 …` or `0000000 000000 …`: an offset of zeros, and then groups of digits.
fn is_hex_dump(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default();
    let Some((offset, rest)) = line.split_once([':', ' ']) else {
        return false;
    };
    let mut groups = rest.split_ascii_whitespace();
    offset.len() >= 6
        && offset.bytes().all(|byte| byte == b'0')
        && groups
            .next()
            .is_some_and(|group| group.len() >= 2 && group.bytes().all(|b| b.is_ascii_hexdigit()))
}
