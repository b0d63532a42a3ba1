//! One style sheet out of many: `@import` in its place, comments gone.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The text of `main` with every imported file in its place, wrapped in its layer.
///
/// Understood are `@import "file.css";` and `@import "file.css" layer(name);` with `url(…)` or without, paths
/// relative to the importing file. Anything else about an import, and a file that imports itself, is an error.
pub(crate) fn flatten(main: &Path) -> Result<String> {
    let mut flat = String::new();
    import(main, &mut Vec::new(), &mut flat)?;
    Ok(flat)
}

fn import(path: &Path, stack: &mut Vec<PathBuf>, flat: &mut String) -> Result<()> {
    let real = path
        .canonicalize()
        .with_context(|| format!("the style sheet {} cannot be read", path.display()))?;
    if stack.contains(&real) {
        bail!("the style sheet {} imports itself", path.display());
    }
    let text = fs::read_to_string(&real)
        .with_context(|| format!("the style sheet {} cannot be read", path.display()))?;
    let text = without_comments(&text);
    stack.push(real);
    let mut rest = text.as_str();
    while let Some((before, from)) = rest.split_once("@import") {
        flat.push_str(before);
        let (rule, after) = from
            .split_once(';')
            .with_context(|| format!("{}: an @import does not end", path.display()))?;
        let (file, layer) = parse_import(rule.trim())
            .with_context(|| format!("{}: @import {}", path.display(), rule.trim()))?;
        let target = path.with_file_name(file);
        match layer {
            Some(layer) => {
                flat.push_str(&format!("@layer {layer} {{\n"));
                import(&target, stack, flat)?;
                flat.push_str("}\n");
            }
            None => import(&target, stack, flat)?,
        }
        rest = after.trim_start_matches(['\r', '\n']);
    }
    flat.push_str(rest);
    stack.pop();
    Ok(())
}

/// File and layer of what stands between `@import` and its semicolon.
fn parse_import(rule: &str) -> Result<(&str, Option<&str>)> {
    let inner = rule.strip_prefix("url(");
    let quoted = inner.unwrap_or(rule).trim_start();
    let quote = quoted.chars().next().filter(|c| matches!(c, '"' | '\''));
    let quote = quote.context("the file must stand in quotes")?;
    let (file, rest) = quoted[1..]
        .split_once(quote)
        .context("the quote does not end")?;
    let rest = match inner {
        Some(_) => rest
            .trim_start()
            .strip_prefix(')')
            .context("url( does not end")?,
        None => rest,
    };
    let rest = rest.trim();
    if rest.is_empty() {
        return Ok((file, None));
    }
    let layer = rest
        .strip_prefix("layer(")
        .and_then(|rest| rest.strip_suffix(')'))
        .filter(|layer| !layer.contains(['(', ')', ' ']))
        .context("only layer(name) is understood after the file")?;
    Ok((file, Some(layer)))
}

/// `css` without its comments; what stands in quotes stays as it is.
fn without_comments(css: &str) -> String {
    let mut kept = String::with_capacity(css.len());
    let mut quote = None;
    let mut chars = css.chars().peekable();
    while let Some(c) = chars.next() {
        match quote {
            None if c == '/' && chars.peek() == Some(&'*') => {
                chars.next();
                let mut last = ' ';
                for c in chars.by_ref() {
                    if last == '*' && c == '/' {
                        break;
                    }
                    last = c;
                }
                continue;
            }
            None if matches!(c, '"' | '\'') => quote = Some(c),
            Some(open) if c == open => quote = None,
            Some(_) if c == '\\' => {
                kept.push(c);
                kept.extend(chars.next());
                continue;
            }
            _ => {}
        }
        kept.push(c);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(files: &[(&str, &str)]) -> Result<String> {
        let folder = tempfile::tempdir()?;
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap())?;
            fs::write(path, text)?;
        }
        flatten(&folder.path().join("main.css"))
    }

    #[test]
    fn imports_stand_in_their_place_and_layer() {
        let css = flat(&[
            ("main.css", "@layer base, parts;\n@import \"base.css\" layer(base);\n@import url('parts/all.css') layer(parts);\n"),
            ("base.css", "/* why */ a { content: \"/* stays */\" }\n"),
            ("parts/all.css", "@import './one.css';\nc {}\n"),
            ("parts/one.css", "b {}\n"),
        ])
        .unwrap();
        assert_eq!(
            css,
            "@layer base, parts;\n@layer base {\n a { content: \"/* stays */\" }\n}\n@layer parts {\nb {}\nc {}\n}\n"
        );
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for main in [
            "@import \"main.css\";",
            "@import \"gone.css\";",
            "@import \"other.css\" print;",
            "@import other.css;",
            "@import \"other.css\"",
        ] {
            let files = [("main.css", main), ("other.css", "a {}")];
            assert!(flat(&files).is_err(), "{main}");
        }
    }
}
