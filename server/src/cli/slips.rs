//! What a shell, an editor or a web page does to an argument on its way, named before anything looks at its meaning.

use std::ffi::OsStr;
use std::path::Path;

use requorum_shared::etcd::recovery::restore::typed;

/// What is wrong with the spelling of an argument, and what to do. Something that exists under exactly this name is
/// what was meant.
pub(super) fn look(argument: &OsStr) -> Option<String> {
    let text = argument.to_string_lossy();
    let (flag, value) = match text.split_once('=') {
        Some((flag, value)) if flag.starts_with("--") => (Some(flag), value),
        _ => (None, &*text),
    };
    if Path::new(value).is_file() || Path::new(argument).is_file() {
        return None;
    }
    let why = spelling(value)?;
    let subject = match flag {
        Some(flag) => format!("the value of {flag}, {value:?},"),
        None => format!("the argument {value:?}"),
    };
    Some(format!("{subject} {why}"))
}

fn spelling(value: &str) -> Option<String> {
    let first = value.chars().next()?;
    let last = value.chars().next_back()?;
    if value.trim_end_matches(['\n', ' ']).ends_with('\r') {
        return Some(
            "ends in a carriage return: the script or list that it comes from has Windows line ends. Convert it with \
             dos2unix, or remove the last character"
                .to_owned(),
        );
    }
    if typed::is_dash(first) {
        return Some(format!(
            "begins with {first}, a typographic dash, as word processors put in place of hyphens. Type --{} instead",
            value.trim_start_matches(|c: char| c == '-' || typed::is_dash(c))
        ));
    }
    if let Some(quote) = [first, last].into_iter().find(|&c| typed::is_quote(c)) {
        return Some(format!(
            "has the quotation mark {quote} in it, which the shell did not take as one. Remove the quotes, or type \
             plain ones around the whole argument"
        ));
    }
    if first.is_whitespace() || last.is_whitespace() {
        return Some("begins or ends with a space. Remove it".to_owned());
    }
    if first == '~' && value[1..].split('/').next().is_some_and(is_user_name) {
        return Some(
            "begins with ~, which the shell did not expand: it does so only at the beginning of a word and outside \
             of quotes. Write the folder in full, or use \"$HOME\""
                .to_owned(),
        );
    }
    None
}

fn is_user_name(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_named_by_what_they_are() {
        for (argument, what) in [
            ("d\r", "carriage return"),
            ("--data-dir=d\r", "value of --data-dir"),
            ("–data-dir", "Type --data-dir"),
            ("—data-dir", "Type --data-dir"),
            ("“snapshot.db”", "Remove the quotes"),
            ("a=\"https://10.0.0.1:2380\"", "Remove the quotes"),
            ("'d'", "Remove the quotes"),
            ("d ", "space"),
            ("\u{a0}d", "space"),
            ("~/d", "did not expand"),
            ("--wal-dir=~etcd/wal", "did not expand"),
        ] {
            let said = look(OsStr::new(argument)).unwrap_or_default();
            assert!(said.contains(what), "{argument:?}: {said}");
        }
        for fine in [
            "",
            "-",
            "--all-members",
            "a=http://10.0.0.1:2380,b=http://10.0.0.2:2380",
            "d/ä~",
            "it's",
            "--skip-hash-check=true",
        ] {
            assert_eq!(look(OsStr::new(fine)), None, "{fine:?}");
        }
    }

    #[test]
    fn a_file_that_is_there_is_what_was_meant() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("saved ");
        assert!(look(path.as_os_str()).is_some());
        std::fs::write(&path, b"x").unwrap();
        assert_eq!(look(path.as_os_str()), None);
    }
}
