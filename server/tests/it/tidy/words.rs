//! Texts for people are in the words of the trade. Phrases that only we used stay out of pages, errors and the
//! manuals; comments are read by a person, not by this.

/// A phrase that stays out, and what to write instead. Lower case; matched at the borders of words.
pub(super) const BANNED: &[(&str, &str)] = &[
    ("somebody", "a person, another person, or the role"),
    ("nobody", "no one, or say what is missing"),
    ("whoever", "the person who, or the role"),
    ("anybody", "any client, anyone"),
    ("by itself", "automatically"),
    ("by themselves", "automatically"),
    ("goes on", "continues, resumes, runs"),
    ("go on", "continue, resume"),
    ("can come in", "active"),
    ("speaks against", "no findings"),
    ("spoke against", "no findings"),
    ("stands here", "reason"),
    ("stands at", "exists at"),
    ("stand at", "exist at"),
    ("stands in", "can fill in"),
    ("nothing odd", "no issues found"),
    ("is whole", "verified, complete, intact"),
    ("look into it", "review"),
    ("looked into", "reviewed"),
    ("cannot be told", "unknown, cannot be determined"),
    ("could not be told", "unknown, could not be determined"),
    ("the glass", "break-glass, override"),
    ("broken glass", "break-glass, override"),
    ("taken back", "rolled back"),
    ("take back", "roll back"),
    ("see to", "check, manage"),
    ("put in nothing", "Cancel"),
    ("invite nobody", "Cancel"),
    ("leave it as it is", "End job, keep data"),
    ("good until", "expires, valid until"),
    ("half-way", "interrupted"),
];

/// String literals of a Rust file with their lines, continuation lines joined; none of comments, nor of what follows
/// the first `#[cfg(test)]`.
pub(super) fn literals(text: &str) -> Vec<(usize, String)> {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < bytes.len() {
        match bytes[at] {
            b'\n' => line += 1,
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at += text[at..].find('\n').unwrap_or(text.len() - at);
                continue;
            }
            // A character, not a lifetime: 'x' or '\…'.
            b'\'' if bytes.get(at + 1) == Some(&b'\\') => {
                at += 2 + text[at + 3..].find('\'').unwrap_or(0) + 1;
            }
            b'\'' if bytes.get(at + 2) == Some(&b'\'') => at += 2,
            b'r' if text[at..].starts_with("r#\"") => {
                let rest = &text[at + 3..];
                let end = rest.find("\"#").unwrap_or(rest.len());
                found.push((line, rest[..end].to_owned()));
                line += rest[..end].matches('\n').count();
                at += 3 + end + 1;
            }
            b'"' => {
                let begun = line;
                let mut literal = String::new();
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    if bytes[at] == b'\\' && bytes.get(at + 1) == Some(&b'\n') {
                        line += 1;
                        at += 2;
                        while bytes.get(at).is_some_and(|b| b" \t".contains(b)) {
                            at += 1;
                        }
                        continue;
                    }
                    let next = text[at..].chars().next().unwrap_or_default();
                    if next == '\n' {
                        line += 1;
                    }
                    literal.push(next);
                    at += next.len_utf8();
                    // Whatever is escaped ends no literal.
                    if next == '\\' && at < bytes.len() {
                        let escaped = text[at..].chars().next().unwrap_or_default();
                        literal.push(escaped);
                        at += escaped.len_utf8();
                    }
                }
                found.push((begun, literal));
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The first banned phrase of a text, with what to write instead.
pub(super) fn banned(text: &str) -> Option<(&'static str, &'static str)> {
    let lower = text.to_lowercase();
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    BANNED.iter().copied().find(|(phrase, _)| {
        lower.match_indices(phrase).any(|(at, _)| {
            let (before, after) = (&lower[..at], &lower[at + phrase.len()..]);
            !is_word(before.chars().next_back()) && !is_word(after.chars().next())
        })
    })
}

#[test]
fn literals_are_found() {
    let text = "// \"no\"\nlet a = \"one \\\n   line\"; let b = '\"'; let c = '\\''; let d: &'static str = r#\"raw \"x\"\"#;\nf(\"esc \\\" aped\")\n#[cfg(test)]\nlet e = \"test\";";
    let found = literals(text);
    let texts: Vec<_> = found
        .iter()
        .map(|(line, text)| (*line, text.as_str()))
        .collect();
    assert_eq!(
        texts,
        [(2, "one line"), (3, "raw \"x\""), (4, "esc \\\" aped")]
    );
}

#[test]
fn phrases_are_found() {
    assert_eq!(banned("Whoever comes").unwrap().0, "whoever");
    assert_eq!(banned("It goes on.").unwrap().0, "goes on");
    assert_eq!(banned("going once; the category; cargo one"), None);
    assert_eq!(banned("x_nobody_y"), None);
}
