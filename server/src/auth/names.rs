//! Names of accounts: what they may be made of, and when two are the same to a person who reads them. The ledger, the
//! approver and the next administrator go by names; ids are for programs.

use unicode_normalization::UnicodeNormalization as _;
use unicode_security::GeneralSecurityProfile as _;
use unicode_security::confusable_detection::skeleton;
use unicode_security::restriction_level::{RestrictionLevel, RestrictionLevelDetection as _};

use super::store::User;
use crate::error::{Result, bad_request};

/// The longest account name, in characters.
pub const MAX_NAME_CHARS: usize = 64;
/// What the ledger and lists call somebody who is no account.
const RESERVED: &[&str] = &[
    "command line",
    "console",
    "requorum",
    "system",
    "the command line",
    "the console",
];
/// How the ledger names whoever runs a command on the server's machine: `user id 1000`.
const COMMAND_LINE: &str = "user id ";

/// A name as it is kept: in the composed form that all keyboards' input comes down to, without blanks around it.
pub fn composed(name: &str) -> String {
    name.trim().nfkc().collect()
}

/// A name that a new account may have, as it is kept.
///
/// # Errors
/// When it is empty or too long, holds what cannot be seen or told apart, or is what the console calls others.
pub fn account_name(name: &str) -> Result<String> {
    let name = composed(name);
    match wrong(&name) {
        None => Ok(name),
        Some(what) => Err(bad_request("account.name", what)),
    }
}

/// What is wrong with a name in its composed form.
pub fn wrong(name: &str) -> Option<String> {
    let chars = name.chars().count();
    if chars == 0 || chars > MAX_NAME_CHARS {
        return Some(format!(
            "An account name has 1 to {MAX_NAME_CHARS} characters."
        ));
    }
    if let Some(c) = name.chars().find(|c| !is_allowed(*c)) {
        let which = match c {
            '(' | ')' => {
                format!("`{c}`: it marks names of tokens and of accounts at an identity provider")
            }
            c if c.is_ascii_graphic() => format!("`{c}`"),
            c => format!("the character U+{:04X}", u32::from(c)),
        };
        return Some(format!(
            "An account name has letters, digits, single blanks and . _ - + @ ' in it, and not {which}."
        ));
    }
    if name.contains("  ") {
        return Some(
            "An account name has no two blanks in a row: one looks like the other.".into(),
        );
    }
    if !name.chars().any(char::is_alphanumeric) {
        return Some("An account name has a letter or a digit in it.".into());
    }
    if is_mixed(name) {
        return Some(
            "An account name has letters of one script in it: some of these look like letters of another. Type it in \
             one alphabet."
                .into(),
        );
    }
    let key = key(name);
    let reserved = RESERVED.iter().any(|reserved| self::key(reserved) == key);
    if reserved || key.starts_with(&self::key(COMMAND_LINE)) {
        return Some(format!(
            "`{name}` is reserved for entries that have no account. Choose another name."
        ));
    }
    None
}

/// What is left of a name that was made elsewhere, without what an account's name may not have in it.
pub fn cleaned(name: &str) -> String {
    let allowed: String = composed(name).chars().filter(|c| is_allowed(*c)).collect();
    let words: Vec<_> = allowed.split(' ').filter(|word| !word.is_empty()).collect();
    let name = words.join(" ");
    if is_mixed(&name) || !name.chars().any(char::is_alphanumeric) {
        return "person".into();
    }
    name
}

fn is_allowed(c: char) -> bool {
    matches!(c, ' ' | '.' | '_' | '-' | '+' | '@' | '\'')
        || (c.is_alphanumeric() || is_mark(c)) && c.identifier_allowed()
}

/// A mark on the letter before it, where there is no letter that has it already.
fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

/// Whether it mixes alphabets of which one can pass for another: Latin with Cyrillic or Greek, but not with Japanese.
fn is_mixed(name: &str) -> bool {
    let letters: String = name
        .chars()
        .filter(|c| c.is_alphanumeric() || is_mark(*c))
        .collect();
    letters.as_str().detect_restriction_level() > RestrictionLevel::HighlyRestrictive
}

/// What two names have in common that a person cannot tell apart: letters' case, and letters that look alike.
pub fn key(name: &str) -> String {
    let folded: String = composed(name).to_lowercase();
    let seen: String = skeleton(&folded).collect();
    seen.to_lowercase()
}

/// The account whose name cannot be told from this one.
pub fn alike<'a>(name: &str, all: &'a [User]) -> Option<&'a User> {
    let key = key(name);
    all.iter().find(|user| self::key(&user.name) == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_people_are_names() {
        for good in [
            "Anna K.",
            "ada",
            "Zoë",
            "o'brien",
            "a.b-c_d+e@example.org",
            "Ян Новак",
            "李雷",
            "山田 太郎",
            "रमेश",
            "Ελένη",
            "user 7",
            "admin",
            "root",
        ] {
            assert_eq!(
                account_name(good).unwrap(),
                good.nfkc().collect::<String>(),
                "{good}"
            );
        }
        assert_eq!(
            account_name(" Zoe\u{308} ").unwrap(),
            "Zo\u{eb}",
            "composed"
        );
        assert_eq!(account_name("\u{ff41}da").unwrap(), "ada", "full width");
    }

    #[test]
    fn what_cannot_be_seen_or_told_apart_is_refused() {
        for bad in [
            "",
            "   ",
            "...",
            "al\u{200b}ice",
            "\u{202e}ecila",
            "a\nb",
            "a\u{7f}",
            "a\u{ad}b",
            "a\u{2028}b",
            "r\u{43e}\u{43e}t",
            "\u{430}nna",
            "a\u{3bf}b",
            "root (ci)",
            "a(b",
            "a/b",
            "a<b>",
            "a\\b",
            "a\"b",
            "a  b",
            "\u{1f600}",
            "a\u{fe0f}",
            "\u{e0041}a",
            "a\u{3164}b",
            "console",
            "Console",
            "CONSOLE ",
            "c\u{3bf}nsole",
            "the console",
            "user id 0",
            "User ID 1000",
            "the command line",
            "\u{441}\u{43e}nsole",
            "a\u{0}",
            "\u{feff}a",
        ] {
            assert!(account_name(bad).is_err(), "{bad:?}");
        }
        assert!(account_name(&"x".repeat(65)).is_err());
        assert!(account_name(&"x".repeat(64)).is_ok());
    }

    #[test]
    fn names_that_look_alike_are_the_same() {
        for (one, other) in [
            ("Anna", "aNNA"),
            ("ZOË", "zoe\u{308}"),
            ("\u{430}\u{441}\u{435}", "ace"),
            ("paypa1", "paypal"),
            ("\u{ff41}da", "ADA"),
        ] {
            assert_eq!(key(one), key(other), "{one} and {other}");
        }
        assert_ne!(key("Anna"), key("Hanna"));
        assert_ne!(key("ben 1"), key("ben 2"));
    }
}
