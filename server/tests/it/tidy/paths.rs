//! Finds the paths that a Rust file uses, well enough for rules about modules: `use` with groups, paths in
//! code, `crate`, `self` and `super`; not what macros make.

/// The module that a source file is: `server/src/http/login.rs` is `server::http::login`. `None` for what is
/// no module of a crate (tests, build scripts), where the rules do not apply.
pub(super) fn module_of(path: &str) -> Option<Vec<String>> {
    let (name, below) = path.split_once("/src/")?;
    if name.contains('/') || below.starts_with("bin/") {
        return None;
    }
    let below = below.strip_suffix(".rs")?;
    if below == "tests" || below.ends_with("/tests") || below.contains("/tests/") {
        return None;
    }
    let mut module = vec![name.to_owned()];
    if !matches!(below, "lib" | "main") {
        module.extend(below.split('/').map(str::to_owned));
    }
    Some(module)
}

/// Every path in `text` that starts at a crate, resolved from `module`: `crate::db` in the server is
/// `server::db`. Unit tests at the end of the file are left out.
pub(super) fn used(text: &str, module: &[String]) -> Vec<Vec<String>> {
    let text = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or(text);
    let tokens = tokens(text);
    let mut used = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        // `Vec::<u8>::new` goes on; in `use ::std::fs` the path starts here.
        let after_colons = at > 1
            && tokens[at - 1] == "::"
            && (is_name(&tokens[at - 2]) || matches!(tokens[at - 2].as_str(), ">" | "]"));
        if is_name(&tokens[at]) && !after_colons {
            let mut paths = Vec::new();
            at = tree(&tokens, at, &[], &mut paths);
            used.extend(paths.into_iter().filter_map(|path| resolve(path, module)));
        } else {
            at += 1;
        }
    }
    used.retain(|path| path.len() > 1);
    used
}

/// Reads one path, with its group if it has one, and gives the index after it.
fn tree(
    tokens: &[String],
    mut at: usize,
    prefix: &[String],
    paths: &mut Vec<Vec<String>>,
) -> usize {
    let mut path = prefix.to_vec();
    while at < tokens.len() && is_name(&tokens[at]) {
        path.push(tokens[at].clone());
        at += 1;
        if tokens.get(at).is_none_or(|token| token != "::") {
            paths.push(path);
            return at;
        }
        at += 1;
    }
    if tokens.get(at).is_some_and(|token| token == "{") {
        at += 1;
        while at < tokens.len() && tokens[at] != "}" {
            if is_name(&tokens[at]) || tokens[at] == "{" {
                at = tree(tokens, at, &path, paths);
            } else {
                at += 1;
            }
            // `as other` renames, and is no path.
            if tokens.get(at).is_some_and(|token| token == "as") {
                at += 2;
            }
        }
        return at + 1;
    }
    paths.push(path);
    at
}

fn resolve(path: Vec<String>, module: &[String]) -> Option<Vec<String>> {
    let mut names = path.into_iter().peekable();
    let mut whole = match names.peek()?.as_str() {
        "crate" => vec![module[0].clone()],
        "requorum_shared" => vec!["shared".to_owned()],
        "requorum_server" => vec!["server".to_owned()],
        "requorum_app" => vec!["app".to_owned()],
        "self" => module.to_vec(),
        "super" => {
            let mut above = module.to_vec();
            while names.next_if(|name| name == "super").is_some() {
                above.pop();
            }
            above.extend(names);
            return Some(above);
        }
        _ => return Some(names.collect()),
    };
    names.next();
    whole.extend(names);
    Some(whole)
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_') && !matches!(token, "as" | "use")
}

/// Names, `::` and single signs; comments, strings and characters are gone.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = raw_string(rest) {
            length
        } else if c == '"' {
            string(rest)
        } else if c == '\'' {
            character(rest)
        } else if c.is_alphanumeric() || c == '_' {
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            tokens.push(rest[..end].to_owned());
            end
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !c.is_whitespace() {
                tokens.push(c.to_string());
            }
            c.len_utf8()
        };
        rest = &rest[skip..];
    }
    tokens
}

/// The length of `r"…"`, `r#"…"#`, `br#"…"#` at the start.
fn raw_string(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let body = after[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let start = rest.len() - body.len();
    Some(
        body.find(&close)
            .map_or(rest.len(), |end| start + end + close.len()),
    )
}

fn string(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a character literal, or 1 for the quote of a lifetime.
fn character(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => rest[2..]
            .find('\'')
            .map_or(rest.len(), |end| end + 3)
            .max(4),
        Some((at, c)) if rest[at + c.len_utf8()..].starts_with('\'') => at + c.len_utf8() + 1,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        let module = ["server", "http", "login"].map(str::to_owned);
        used(text, &module)
            .into_iter()
            .map(|path| path.join("::"))
            .collect()
    }

    #[test]
    fn groups_and_relative_paths_are_resolved() {
        assert_eq!(
            of(
                "use crate::{db, ops::{self as o, plans::Plan}};\nuse super::super::jobs::{Engine, feed as f};"
            ),
            [
                "server::db",
                "server::ops::self",
                "server::ops::plans::Plan",
                "server::jobs::Engine",
                "server::jobs::feed"
            ]
        );
        assert_eq!(
            of("pub(crate) use self::x::Y; use super::context;"),
            ["server::http::login::x::Y", "server::http::context"]
        );
        assert_eq!(of("use requorum_shared::etcd::*;"), ["shared::etcd"]);
        assert_eq!(of("use ::std::fs;"), ["std::fs"]);
    }

    #[test]
    fn paths_in_code_count_and_words_in_quotes_do_not() {
        assert_eq!(
            of(
                "fn f<'a>(x: &'a crate::db::Store) { let q = '\"'; std::fs::read(\"crate::hosts::x\"); } // crate::a::b"
            ),
            ["server::db::Store", "std::fs::read"]
        );
        assert_eq!(
            of("let x = r#\"crate::db::x \" \"#; /* crate::db */ b'\\''; crate::ops::run()"),
            ["server::ops::run"]
        );
    }

    #[test]
    fn tests_are_left_out() {
        assert!(of("fn f() {}\n#[cfg(test)]\nmod tests {\n use crate::db::x;\n}").is_empty());
        assert_eq!(module_of("server/src/jobs/tests.rs"), None);
        assert_eq!(module_of("server/tests/it/main.rs"), None);
        assert_eq!(module_of("shared/src/lib.rs").unwrap(), ["shared"]);
        assert_eq!(module_of("app/bundle/src/main.rs"), None);
    }
}
