//! General rooms are in general words. A name or a text there that says "member" or "etcd" is one that the next system
//! would have to change: what people call things comes from `recovery`, from `kinds` and from the systems. Which rooms
//! are general is what the rules of imports say. Comments may give examples.

use super::rule::{Rule, begins};
use super::rules::{KNOW_NO_SYSTEM, RULES};
use super::{File, files, paths, root, words};

/// Words of one system, in lower case, also in the plural. What begins with `etcd`, as its tools do, is one too.
const WORDS: &[&str] = &[
    "consul", "dkron", "k3s", "learner", "member", "nomad", "pd", "pegasus", "tikv",
];

/// What an example of a cluster's name is called.
const EXAMPLE: &str = "prod-etcd";

/// A module that may use some of these words after all.
struct Except {
    /// The module, and all below it.
    module: &'static str,
    /// The words; none for every word.
    words: &'static [&'static str],
    /// Why.
    because: &'static str,
}

const fn except(
    module: &'static str,
    words: &'static [&'static str],
    because: &'static str,
) -> Except {
    Except {
        module,
        words,
        because,
    }
}

/// All of them. Whoever makes one needless takes it out.
const EXCEPT: &[Except] = &[
    except("shared::system", &[], "it names the systems"),
    except(
        "shared::bbolt::scan::hints",
        &["etcdutl"],
        "the programs that open a database and change it",
    ),
    except(
        "shared::password",
        &["consul", "etcd", "nomad"],
        "what people take for a password",
    ),
    except("shared::unpack", &["member"], "gzip's word for its parts"),
    except("server::cli", &["dkron"], "the command of that system"),
    except(
        "server::cli::serve",
        &["etcd"],
        "--etcd-bin, the setting of that system",
    ),
    except(
        "server::config",
        &["etcd"],
        "the same, and an example of a root",
    ),
    except(
        "server::auth::oidc::config",
        &["etcd"],
        "an example of a group",
    ),
    except("server::ops::files", &["etcd"], "an example of a kind"),
    except(
        "server::cli::inspect_file",
        &["etcd", "etcdctl", "member"],
        "where the file lies that most people look for, and what saves one",
    ),
    except("server::cli::findings", &["etcdctl"], "what saves one"),
    except("server::cli::reading", &["etcdctl"], "what saves one"),
    except(
        "app::pages::help",
        &[],
        "the glossary, and what is checked, of each system",
    ),
    except(
        "app::pages::inspect",
        &[],
        "the kinds of files that can be read",
    ),
    except("app::pages::login", &["etcd"], "what can be recovered"),
];

/// Whether a word is one of a system's.
fn is_of_system(word: &str) -> bool {
    let one = word.strip_suffix('s').unwrap_or(word);
    word.starts_with("etcd") || WORDS.contains(&word) || WORDS.contains(&one)
}

/// The words of a name or a text, in lower case: `EtcdBinary` and `etcd_binary` have two.
fn words_of(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let (mut open, mut before) = (false, ' ');
    for c in text.chars() {
        let continues = open && (!c.is_uppercase() || before.is_uppercase());
        match c.is_alphanumeric() {
            true if continues => all.last_mut().unwrap().extend(c.to_lowercase()),
            true => all.push(c.to_lowercase().collect()),
            false => {}
        }
        (open, before) = (c.is_alphanumeric(), c);
    }
    all
}

/// The words of systems in a text, each with where it is.
fn in_text<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<(String, &'t str)> {
    let mut found = Vec::new();
    for text in texts {
        let words = words_of(&text.replace(EXAMPLE, ""));
        found.extend(
            words
                .into_iter()
                .filter(|w| is_of_system(w))
                .map(|w| (w, text)),
        );
    }
    found
}

/// The words of systems in a Rust file's names and texts, but for its tests.
fn in_rust(text: &str) -> Vec<(String, String)> {
    let (names, texts) = (
        paths::tokens(words::without_tests(text)),
        words::literals(text),
    );
    let names = names.iter().map(String::as_str);
    let texts = texts.iter().map(|(_, text)| text.as_str());
    let found = in_text(names.chain(texts)).into_iter();
    found.map(|(word, at)| (word, at.to_owned())).collect()
}

impl Except {
    fn allows(&self, module: &[String], word: &str) -> bool {
        let one = word.strip_suffix('s').unwrap_or(word);
        let of_these =
            self.words.is_empty() || self.words.contains(&word) || self.words.contains(&one);
        of_these && begins(module, self.module)
    }
}

/// Whether a module is of no system.
fn is_general(module: &[String]) -> bool {
    // The roots of the crates declare the modules.
    let closed = |rule: &&Rule| rule.because == KNOW_NO_SYSTEM && rule.is_about(module);
    module.len() > 1 && RULES.iter().any(|rule| closed(&rule))
}

/// What a file says that the rule forbids, one line each.
fn broken(file: &File) -> Vec<String> {
    let Some(module) = paths::module_of(&file.path).filter(|module| is_general(module)) else {
        return Vec::new();
    };
    let mut found = in_rust(&file.text);
    found.retain(|(word, _)| !EXCEPT.iter().any(|except| except.allows(&module, word)));
    let said = found.into_iter();
    said.map(|(word, at)| format!("{}: “{word}” in {at}", file.path))
        .collect()
}

#[test]
fn general_rooms_have_no_words_of_systems() {
    let broken: Vec<_> = files().iter().flat_map(broken).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_api_has_no_names_of_systems() {
    let mut broken = Vec::new();
    for proto in std::fs::read_dir(root().join("shared/proto/requorum/v1")).unwrap() {
        let path = proto.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for (word, at) in in_rust(&text) {
            broken.push(format!("{}: “{word}” in {at}", path.display()));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_exception_is_needed() {
    let files = files();
    for except in EXCEPT {
        assert!(!except.because.is_empty());
        let needed = files.iter().any(|file| {
            paths::module_of(&file.path).is_some_and(|module| {
                begins(&module, except.module)
                    && in_rust(&file.text)
                        .iter()
                        .any(|(word, _)| except.allows(&module, word))
            })
        });
        assert!(needed, "{} has no such word any more", except.module);
    }
}

#[test]
fn a_word_of_a_system_in_a_general_room_is_found() {
    let of = |path: &str, text: &str| {
        broken(&File {
            path: path.to_owned(),
            text: format!("//! What a member is.\n{text}\n"),
        })
    };
    let general = "shared/src/job/x.rs";
    for bad in [
        "fn restored_members() {}",
        "struct RestoredMember;",
        "const ACT: &str = \"job.remove-members\";",
        "let etcd_binaries = 1;",
        "use v1::EtcdBinary;",
        "f(\"save it with etcdctl\");",
        "let is_learner = false;",
        "enum Of { Dkron }",
    ] {
        assert_eq!(of(general, bad).len(), 1, "{bad}");
        assert_eq!(of("server/src/jobs/x.rs", bad).len(), 1, "{bad}");
        assert_eq!(of("app/src/components/x.rs", bad).len(), 1, "{bad}");
    }
    for good in [
        "let remembered = updates;",
        "f(\"such as prod-etcd\");",
        "// a member of etcd",
        "#[cfg(test)]\nmod tests {\n let member = 1;\n}",
    ] {
        assert_eq!(of(general, good), [""; 0], "{good}");
    }
    // Where a system is at home, it may be named.
    for own in [
        "shared/src/etcd/x.rs",
        "shared/src/recovery.rs",
        "server/src/systems.rs",
        "server/src/systems/etcd/x.rs",
        "app/src/systems.rs",
    ] {
        assert_eq!(of(own, "fn restored_members() {}"), [""; 0], "{own}");
    }
    // Gzip has members, and no learners.
    let gzip = "shared/src/unpack/x.rs";
    assert_eq!(of(gzip, "struct Members;"), [""; 0]);
    assert_eq!(of(gzip, "struct Learners;").len(), 1);
}
