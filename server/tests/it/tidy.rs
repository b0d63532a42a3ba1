//! The tree keeps its shape: who imports whom, a sentence at the top of each module, no `mod.rs`.

mod cycles;
mod of_systems;
mod paths;
mod rule;
mod rules;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use rule::Rule;
use rules::{RULES, SYSTEMS, SYSTEMS_OF_SERVER};

/// A Rust file: where it lies below the root, with `/`, and its text.
struct File {
    path: String,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// All Rust files of the workspace.
fn files() -> Vec<File> {
    let mut files = Vec::new();
    for part in ["app", "server", "shared"] {
        collect(&root().join(part), &mut files);
    }
    assert!(
        files.len() > 30,
        "only {} files found: the walk is broken",
        files.len()
    );
    files
}

fn collect(folder: &Path, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path
                .file_name()
                .is_some_and(|name| name != "target" && name != "node_modules")
            {
                collect(&path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let below = path.strip_prefix(root()).unwrap().to_str().unwrap();
            files.push(File {
                path: below.replace('\\', "/"),
                text: fs::read_to_string(&path).unwrap(),
            });
        }
    }
}

/// What a file does that a rule forbids, one line each.
fn broken(file: &File, rules: &[Rule]) -> Vec<String> {
    let Some(module) = paths::module_of(&file.path) else {
        return Vec::new();
    };
    let mut broken = Vec::new();
    for used in paths::used(&file.text, &module) {
        for rule in rules.iter().filter(|rule| rule.forbids(&module, &used)) {
            broken.push(format!(
                "{}: uses {}: {}",
                file.path,
                used.join("::"),
                rule.because
            ));
        }
    }
    broken.dedup();
    broken
}

#[test]
fn imports_follow_the_map() {
    let broken: Vec<_> = files()
        .iter()
        .flat_map(|file| broken(file, RULES))
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn modules_have_no_cycles() {
    let files = files();
    let cycles = cycles::cycles(files.iter().map(|f| (f.path.as_str(), f.text.as_str())));
    assert_eq!(cycles, [""; 0], "{}", cycles.join("\n"));
}

#[test]
fn every_rule_can_fail() {
    for rule in RULES {
        for to in rule.to {
            let (name, module) = rule.from.split_once("::").unwrap_or((rule.from, "some"));
            let path = format!("{name}/src/{}/x.rs", module.replace("::", "/"));
            let file = File {
                path,
                text: format!("//! X.\nuse {}::Thing;\n", spelled(to)),
            };
            assert_eq!(broken(&file, &[*rule]).len(), 1, "{} -> {to}", rule.from);
        }
    }
}

/// A system that comes later is shut out of the general rooms before it is there.
#[test]
fn general_rooms_import_no_system() {
    const ROOMS: [&str; 26] = [
        "shared::api",
        "shared::approval",
        "shared::bbolt",
        "shared::document",
        "shared::dossier",
        "shared::finding",
        "shared::handover",
        "shared::inspection",
        "shared::job",
        "shared::ledger",
        "shared::matrix",
        "shared::permission",
        "shared::plan",
        "shared::replan",
        "shared::unpack",
        "server::files",
        "server::jobs",
        "server::ops",
        "server::ops::files",
        "server::ops::console",
        "server::plans",
        "app::components",
        "app::worker",
        "app::open_files",
        "app::uploads",
        "app::activity",
    ];
    for room in ROOMS {
        let (name, module) = room.split_once("::").unwrap();
        for system in SYSTEMS {
            let file = File {
                path: format!("{name}/src/{}/x.rs", module.replace("::", "/")),
                text: format!("//! X.\nuse {}::Thing;\n", spelled(system)),
            };
            assert_ne!(broken(&file, RULES), [""; 0], "{room} -> {system}");
        }
    }
    for system in SYSTEMS_OF_SERVER {
        for room in ["app", "ops", "jobs", "files"] {
            let file = File {
                path: format!("server/src/{room}/x.rs"),
                text: format!("//! X.\nuse {}::Thing;\n", spelled(system)),
            };
            assert_ne!(broken(&file, RULES), [""; 0], "{room} -> {system}");
        }
    }
}

/// How another crate names a module of ours.
fn spelled(to: &str) -> String {
    let ours = ["shared", "server", "app"].contains(&to.split("::").next().unwrap());
    if ours {
        format!("requorum_{to}")
    } else {
        to.to_owned()
    }
}

#[test]
fn every_rule_speaks_of_modules_that_are_there() {
    let there: Vec<_> = files()
        .iter()
        .filter_map(|file| paths::module_of(&file.path))
        .collect();
    for rule in RULES.iter().filter(|rule| !rule.ahead) {
        let from: Vec<_> = rule.from.split("::").collect();
        assert!(
            there
                .iter()
                .any(|module| module.iter().zip(&from).all(|(a, b)| a == b)
                    && module.len() >= from.len()),
            "a rule speaks of {}, which is not there",
            rule.from
        );
    }
}

#[test]
fn every_module_starts_with_a_sentence() {
    let silent: Vec<_> = files()
        .into_iter()
        .filter(|file| !starts_with_docs(&file.text) && !file.path.ends_with("/tests.rs"))
        .map(|file| file.path)
        .collect();
    assert!(
        silent.is_empty(),
        "these do not start with //! and a sentence:\n{}",
        silent.join("\n")
    );
}

fn starts_with_docs(text: &str) -> bool {
    text.starts_with("//! ") && text.lines().next().is_some_and(|line| line.len() > 4)
        || text.starts_with("#![doc = include_str!")
}

#[test]
fn silence_is_noticed() {
    assert!(!starts_with_docs("use std::fmt;\n"));
    assert!(!starts_with_docs("// A comment.\n"));
    assert!(!starts_with_docs("//! \n"));
    assert!(starts_with_docs("//! What it is.\n"));
}

#[test]
fn modules_lie_beside_their_folders() {
    let old: Vec<_> = files()
        .into_iter()
        .map(|file| file.path)
        .filter(|path| path.ends_with("/mod.rs"))
        .collect();
    assert!(old.is_empty(), "name.rs beside name/ instead of: {old:?}");
}

#[test]
fn the_top_level_is_small() {
    const FOLDERS: [&str; 6] = ["app", "docs", "e2e", "server", "shared", "style"];
    for entry in fs::read_dir(root()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let known = name.starts_with('.') || name == "target" || FOLDERS.contains(&name.as_str());
        assert!(
            !entry.path().is_dir() || known,
            "{name} at the top level: part of which crate is it?"
        );
    }
}

/// Whether a path of `shared` leads to something public that is declared, or used on, in its module.
fn is_declared(path: &str, files: &[File]) -> bool {
    let Some((module, item)) = path.rsplit_once("::") else {
        return false;
    };
    let Some(module) = module.strip_prefix("requorum_shared::") else {
        return false;
    };
    let module = format!("shared/src/{}.rs", module.replace("::", "/"));
    let declares = |line: &str| {
        let mut words = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        match (words.next(), words.next()) {
            (Some("pub"), Some("use")) => words.any(|word| word == item),
            (Some("pub"), Some(_)) => words.next() == Some(item),
            _ => false,
        }
    };
    files
        .iter()
        .any(|file| file.path == module && file.text.lines().any(declares))
}

#[test]
fn what_the_protos_name_in_shared_is_there() {
    let files = files();
    let mut named = Vec::new();
    for proto in fs::read_dir(root().join("shared/proto/requorum/v1")).unwrap() {
        let text = fs::read_to_string(proto.unwrap().path()).unwrap();
        let words = text.split(|c: char| !(c.is_alphanumeric() || "_:".contains(c)));
        let paths = words.filter(|word| word.starts_with("requorum_shared::"));
        named.extend(paths.map(|path| path.trim_end_matches(':').to_owned()));
    }
    assert!(named.len() > 2, "{named:?}");
    named.retain(|path| !is_declared(path, &files));
    assert_eq!(named, [""; 0]);
    for absent in ["job::handover::Handover", "handover::Handovers", "Handover"] {
        let path = format!("requorum_shared::{absent}");
        assert!(!is_declared(&path, &files), "{path}");
    }
}

#[test]
fn texts_are_in_the_words_of_the_trade() {
    let mut found = Vec::new();
    for file in files() {
        let of_tests = file.path.contains("/tests") || file.path.contains("/benches");
        if !file.path.contains("/src/") || of_tests {
            continue;
        }
        let mut texts = words::literals(&file.text);
        // What clap shows as help.
        if file.path.starts_with("server/src/cli") {
            texts.extend(words::comments(&file.text, "///"));
        }
        for (line, text) in texts {
            if let Some((phrase, instead)) = words::banned(&text)
                && !words::KEPT.contains(&(file.path.as_str(), phrase))
            {
                found.push(format!(
                    "{}:{line}: “{phrase}” ({instead}): {text}",
                    file.path
                ));
            }
        }
    }
    for proto in fs::read_dir(root().join("shared/proto/requorum/v1")).unwrap() {
        let path = proto.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for (line, comment) in words::comments(&text, "//") {
            if let Some((phrase, instead)) = words::banned(&comment) {
                found.push(format!(
                    "{}:{line}: “{phrase}” ({instead}): {comment}",
                    path.display()
                ));
            }
        }
    }
    for manual in [
        "README.md",
        "CONTRIBUTING.md",
        "docs/adding-a-system.md",
        "app/README.md",
        "server/README.md",
        "shared/README.md",
    ] {
        let text = fs::read_to_string(root().join(manual)).unwrap();
        for (line, words) in text.lines().enumerate() {
            if let Some((phrase, instead)) = words::banned(words) {
                found.push(format!("{manual}:{}: “{phrase}” ({instead})", line + 1));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
