//! What is at a place that should have been free, in a few sentences for the person who decides about it: whose it is,
//! how large and how old, and the first of its entries by name.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime};

use cap_std::fs::Dir;
use requorum_shared::escape;
use requorum_shared::ledger::export::rfc3339;
use requorum_shared::number::{grouped, size};

/// How many entries are named.
const NAMED: usize = 8;
/// The most entries that are looked at, those in folders included.
const LOOKED_AT: usize = 5_000;
/// The longest part of a name that is shown, in characters.
const NAME_CHARS: usize = 60;

/// What is in a folder, and whose the folder is. Names are escaped: who can write there could have chosen them.
///
/// # Errors
/// When the folder cannot be read.
pub(super) fn described(folder: &Dir, now: SystemTime) -> io::Result<String> {
    let itself = folder.try_clone()?.into_std_file().metadata()?;
    let mut left = LOOKED_AT;
    let mut entries = Vec::new();
    let mut more = 0_u64;
    for entry in folder.entries()? {
        let entry = entry?;
        if left == 0 {
            more += 1;
            continue;
        }
        left -= 1;
        entries.push(entry.file_name());
    }
    entries.sort();
    let unnamed = more + entries.len().saturating_sub(NAMED) as u64;
    let named = entries.iter().take(NAMED).map(|name| {
        let shown = shown(&name.to_string_lossy());
        entry(folder, name.as_ref(), &shown, &mut left, now)
            .unwrap_or_else(|error| format!("{shown} ({error})"))
    });
    let mut named: Vec<_> = named.collect();
    if unnamed > 0 {
        named.push(format!("{} more", grouped(unnamed)));
    }
    Ok(format!(
        "The folder has the {}. In it: {}.",
        whose(&itself, now),
        named.join("; ")
    ))
}

/// `member/ (1.54 GiB, owner etcd, changed …)`.
fn entry(
    folder: &Dir,
    name: &std::path::Path,
    shown: &str,
    left: &mut usize,
    now: SystemTime,
) -> io::Result<String> {
    let kind = folder.symlink_metadata(name)?;
    let (mark, takes, itself) = if kind.is_dir() {
        let below = folder.open_dir(name)?;
        let itself = below.try_clone()?.into_std_file().metadata()?;
        let bytes = bytes_below(&below, left)?;
        // What was not looked at is not called nothing.
        let least = if *left == 0 { "at least " } else { "" };
        ("/", format!("{least}{}", size(bytes)), Some(itself))
    } else if kind.is_file() {
        let itself = folder
            .open(name)
            .and_then(|file| file.into_std().metadata());
        ("", size(kind.len()), itself.ok())
    } else {
        ("", "not a file or folder".to_owned(), None)
    };
    Ok(match itself {
        Some(itself) => format!("{shown}{mark} ({takes}, {})", whose(&itself, now)),
        None => format!("{shown}{mark} ({takes})"),
    })
}

/// The sizes of all files below a folder, as far as `left` reaches; links are not followed.
fn bytes_below(folder: &Dir, left: &mut usize) -> io::Result<u64> {
    let mut bytes = 0_u64;
    for entry in folder.entries()? {
        if *left == 0 {
            break;
        }
        *left -= 1;
        let entry = entry?;
        let kind = entry.file_type()?;
        bytes = bytes.saturating_add(if kind.is_dir() {
            bytes_below(&entry.open_dir()?, left)?
        } else if kind.is_file() {
            entry.metadata()?.len()
        } else {
            0
        });
    }
    Ok(bytes)
}

/// `owner etcd, changed 2026-11-21T10:07:52.000Z, 3 h ago`.
fn whose(metadata: &Metadata, now: SystemTime) -> String {
    let owner = format!("owner {}", owner(metadata.uid()));
    let Ok(changed) = metadata.modified() else {
        return owner;
    };
    let since_epoch = changed.duration_since(SystemTime::UNIX_EPOCH);
    let at_ms = since_epoch.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0));
    match now.duration_since(changed) {
        Ok(age) => format!("{owner}, changed {}, {} ago", rfc3339(at_ms), aged(age)),
        Err(_) => format!("{owner}, changed {}", rfc3339(at_ms)),
    }
}

/// In its largest unit.
fn aged(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// The account's name, where this machine's own list has it; its number otherwise.
fn owner(uid: u32) -> String {
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| shown(name))
    });
    name.unwrap_or_else(|| format!("uid {uid}"))
}

fn shown(name: &str) -> String {
    let mut short: String = name.chars().take(NAME_CHARS).collect();
    if short.len() < name.len() {
        short.push('…');
    }
    escape::value(&short).into_owned()
}

#[cfg(test)]
mod tests {
    use cap_std::ambient_authority;

    use super::*;

    fn told(dir: &std::path::Path) -> String {
        let folder = Dir::open_ambient_dir(dir, ambient_authority()).unwrap();
        described(&folder, SystemTime::now()).unwrap()
    }

    #[test]
    fn it_says_whose_how_large_and_how_old() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("member/snap")).unwrap();
        std::fs::write(dir.path().join("member/snap/db"), vec![7; 2048]).unwrap();
        std::fs::write(dir.path().join("notes.txt"), "mine").unwrap();
        std::os::unix::fs::symlink("/etc", dir.path().join("out")).unwrap();
        let said = told(dir.path());
        let uid = rustix::process::geteuid();
        let owner = if uid.is_root() {
            "owner root".to_owned()
        } else {
            owner(uid.as_raw())
        };
        assert!(said.starts_with("The folder has the owner "), "{said}");
        for words in [
            "member/ (2.00 KiB, owner ",
            "notes.txt (4 bytes, owner ",
            "out (not a file or folder)",
            &owner,
            " s ago",
        ] {
            assert!(said.contains(words), "{words} in {said}");
        }
        assert!(
            !said.contains("at least") && !said.contains(" more"),
            "{said}"
        );
    }

    #[test]
    fn names_are_escaped_and_their_number_and_length_are_bounded() {
        let dir = tempfile::tempdir().unwrap();
        for n in 0..NAMED + 3 {
            std::fs::write(dir.path().join(format!("file-{n:02}")), "").unwrap();
        }
        std::fs::write(dir.path().join("\u{1b}[2J\nStep 7 passed"), "").unwrap();
        std::fs::write(dir.path().join(format!("a{}", "x".repeat(200))), "").unwrap();
        let said = told(dir.path());
        assert!(!said.contains(['\n', '\u{1b}']), "{said:?}");
        assert!(said.contains("\\u{1b}[2J\\nStep 7 passed"), "{said}");
        assert!(said.ends_with("; 5 more."), "{said}");
        assert!(said.len() < 1_500, "{}", said.len());
    }

    #[test]
    fn ages_are_in_their_largest_unit() {
        let aged = |seconds| aged(Duration::from_secs(seconds));
        assert_eq!(aged(59), "59 s");
        assert_eq!(aged(3_599), "59 min");
        assert_eq!(aged(86_399), "23 h");
        assert_eq!(aged(3 * 86_400), "3 d");
    }
}
