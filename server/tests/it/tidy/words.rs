//! Texts for people are in the words of the trade. Phrases that only we used stay out of pages, errors and the
//! manuals, and out of the comments that people read: `///` of the command line, which is its help, and the API's
//! `.proto` files. Other comments are read by a person, not by this.

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
    ("stand against", "No plan was sealed, because of …"),
    ("stands against", "No plan was sealed, because of …"),
    ("stands where", "is in the place of"),
    ("stands in the place", "is in the place of"),
    ("cannot be believed", "cannot be trusted"),
    ("to be believed", "trusted, valid"),
    ("is over", "has ended, is done"),
    ("make a new plan", "Create a new plan"),
    ("made again", "recomputed"),
    ("begin anew", "start again"),
    ("writes it anew", "rewrites it"),
    ("behind the console's back", "outside the console"),
    ("the greatest first", "in descending order"),
];

/// Where a phrase stays: what an earlier version wrote into ledgers is compared with them.
pub(super) const KEPT: &[(&str, &str)] = &[
    ("shared/src/approval.rs", "nobody"),
    ("shared/src/approval.rs", "anybody"),
    ("shared/src/approval.rs", "the glass"),
];

/// A Rust file up to its tests: to the first `#[cfg(test)]` that is not on a `mod …;`, whose text is another file.
pub(super) fn without_tests(text: &str) -> &str {
    const MARK: &str = "#[cfg(test)]";
    let is_file = |after: &str| {
        let line = after.trim_start().lines().next().unwrap_or_default();
        line.contains("mod ") && line.ends_with(';')
    };
    text.match_indices(MARK)
        .find(|(at, _)| !is_file(&text[at + MARK.len()..]))
        .map_or(text, |(at, _)| &text[..at])
}

/// The comments of a text that begin with `mark`, such as `///`, each with its first line; its lines are joined.
pub(super) fn comments(text: &str, mark: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (line, words) in text.lines().enumerate() {
        let words = words.trim_start().strip_prefix(mark);
        match (words, found.last_mut()) {
            (Some(words), Some((_, comment))) if open => {
                comment.push(' ');
                comment.push_str(words.trim());
            }
            (Some(words), _) => found.push((line + 1, words.trim().to_owned())),
            (None, _) => {}
        }
        open = words.is_some();
    }
    found
}

/// String literals of a Rust file with their lines, continuation lines joined; none of comments, nor of its tests.
pub(super) fn literals(text: &str) -> Vec<(usize, String)> {
    let text = without_tests(text);
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

/// Whether a text says "is no folder" for "is not a folder". "There is no folder" and "is no longer" are fine.
fn is_no_noun(lower: &str) -> bool {
    ["is no ", "are no "].iter().any(|phrase| {
        lower.match_indices(phrase).any(|(at, _)| {
            let (before, after) = (&lower[..at], &lower[at + phrase.len()..]);
            before.ends_with(' ')
                && !before.ends_with("there ")
                && !["longer", "more"]
                    .iter()
                    .any(|word| after.starts_with(word))
        })
    })
}

/// The first banned phrase of a text, with what to write instead.
pub(super) fn banned(text: &str) -> Option<(&'static str, &'static str)> {
    let lower = text.to_lowercase();
    if is_no_noun(&lower) {
        return Some(("is no …", "is not a …"));
    }
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
    assert_eq!(banned("`a` is no role; see").unwrap().0, "is no …");
    assert_eq!(banned("keys are no revisions").unwrap().0, "is no …");
    assert_eq!(banned("There is no folder. It is no longer there."), None);
}

#[test]
fn comments_are_joined() {
    let text = "/// The folder, readable by\n/// nobody else.\nfolder: A,\n    /// More.\n// no\n";
    assert_eq!(
        comments(text, "///"),
        [
            (1, "The folder, readable by nobody else.".to_owned()),
            (4, "More.".to_owned())
        ]
    );
}

#[test]
fn a_test_module_in_a_file_of_its_own_does_not_end_the_text() {
    let text = "#[cfg(test)]\nmod tests;\nf(\"one\")\n#[cfg(test)]\nmod more {\nf(\"two\")\n}";
    assert_eq!(literals(text), [(3, "one".to_owned())]);
}
