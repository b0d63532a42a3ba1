//! The command line as it is typed and where it is run: slips in flags, names from files on the terminal, and what
//! the system refuses.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::packing::zstd;
use crate::support::sparse;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata/etcd/3.6.14-mixed.db")
}

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../shared/testdata/cases/{name}"))
}

fn snapshot(folder: &Path, arguments: &[&OsStr]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_requorum"))
        .arg("snapshot")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    let [out, err] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8(bytes.clone()).unwrap());
    out + &err
}

fn entries(folder: &Path) -> Vec<OsString> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect()
}

/// A restore of the standard file that is refused in time as a slip, with these words, and leaves nothing.
#[track_caller]
fn slip(arguments: &[&str], words: &[&str]) {
    let folder = TempDir::new().unwrap();
    let file = fixture();
    let mut all = vec![OsStr::new("restore"), file.as_os_str()];
    all.extend(arguments.iter().map(OsStr::new));
    let started = Instant::now();
    let output = snapshot(folder.path(), &all);
    let said = text(&output);
    assert!(started.elapsed() < Duration::from_secs(2), "{arguments:?}");
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    for word in words {
        assert!(
            said.contains(word),
            "{arguments:?} says nothing of {word:?}: {said}"
        );
    }
    assert!(plain(said.as_bytes()), "{said}");
    assert_eq!(entries(folder.path()), [""; 0], "{arguments:?}");
}

/// Whether nothing in an output does anything but show itself.
fn plain(bytes: &[u8]) -> bool {
    let text = std::str::from_utf8(bytes).unwrap();
    text.chars()
        .all(|c| c == '\n' || !requorum_shared::escape::is_hidden(c))
}

#[test]
fn a_carriage_return_at_the_end_of_an_argument() {
    slip(&["--data-dir", "d\r"], &["carriage return", "d\\r"]);
    slip(&["--data-dir=d\r"], &["carriage return", "--data-dir"]);
    slip(&["--all-members", "d\r"], &["carriage return"]);
    slip(
        &["--initial-cluster", "default=http://localhost:2380\r"],
        &["carriage return"],
    );
    slip(&["--skip-hash-check\r"], &["carriage return"]);
}

#[test]
fn quotes_and_dashes_that_the_shell_did_not_take() {
    slip(
        &[
            "--initial-cluster",
            "a=\"https://10.0.0.1:2380\"",
            "--all-members",
            "d",
        ],
        &["Remove the quotes"],
    );
    slip(
        &[
            "--initial-cluster",
            "a='https://10.0.0.1:2380',b=http://10.0.0.2:2380",
            "--all-members",
            "d",
        ],
        &["emove the quotes"],
    );
    slip(
        &[
            "--initial-cluster",
            "“a=https://10.0.0.1:2380”",
            "--all-members",
            "d",
        ],
        &["Remove the quotes"],
    );
    slip(
        &[
            "--initial-cluster",
            "a=https://10.0.0.1:2380,b=http://db–2:2380",
            "--all-members",
            "d",
        ],
        &["typographic dash"],
    );
    slip(&["—data-dir", "d"], &["typographic dash", "--data-dir"]);
    slip(&["--data-dir", "\"d\""], &["Remove the quotes"]);
}

#[test]
fn members_are_separated_by_commas() {
    for between in [";", "; ", " "] {
        let cluster = format!("a=http://10.0.0.1:2380{between}b=http://10.0.0.2:2380");
        slip(
            &["--initial-cluster", &cluster, "--all-members", "d"],
            &["separate members with commas"],
        );
    }
}

#[test]
fn a_tilde_and_spaces_that_stayed() {
    slip(&["--data-dir=~/d"], &["the shell did not expand"]);
    slip(&["--all-members", "~etcd/d"], &["the shell did not expand"]);
    slip(&["--data-dir", "d "], &["space"]);
}

#[test]
fn urls_that_are_not_peer_urls() {
    slip(
        &["--initial-cluster", "a=10.0.0.1:2380", "--all-members", "d"],
        &["the scheme is missing; write http://10.0.0.1:2380"],
    );
    slip(
        &[
            "--initial-cluster",
            "a=http:/10.0.0.1:2380",
            "--all-members",
            "d",
        ],
        &["two slashes"],
    );
    slip(
        &[
            "--initial-cluster",
            "a=http://10.0.0.1",
            "--all-members",
            "d",
        ],
        &["needs a port"],
    );
    slip(
        &[
            "--initial-cluster",
            "a=http://10.0.0.1\u{200b}:2380",
            "--all-members",
            "d",
        ],
        &["U+200B"],
    );
    slip(
        &[
            "--initial-cluster",
            "a\u{202e}=http://10.0.0.1:2380",
            "--all-members",
            "d",
        ],
        &["U+202E"],
    );
}

#[test]
fn the_own_url_is_another_members() {
    let cluster = "pve1=http://10.0.0.1:2380,pve2=http://10.0.0.2:2380";
    slip(
        &[
            "--name",
            "pve1",
            "--initial-cluster",
            cluster,
            "--initial-advertise-peer-urls",
            "http://10.0.0.2:2380",
            "--data-dir",
            "d",
        ],
        &["is the URL of pve2", "--name says pve1"],
    );
}

#[test]
fn the_client_port_and_names_without_an_address_are_warned_of() {
    let folder = TempDir::new().unwrap();
    let file = fixture();
    let started = Instant::now();
    let output = snapshot(
        folder.path(),
        &[
            OsStr::new("restore"),
            file.as_os_str(),
            OsStr::new("--initial-cluster"),
            OsStr::new("a=http://10.0.0.1:2379,b=http://no-such-host.invalid:2380"),
            OsStr::new("--all-members"),
            OsStr::new("d"),
        ],
    );
    let said = text(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains("port 2379, the default client port of etcd"),
        "{said}"
    );
    assert!(said.contains("no-such-host.invalid"), "{said}");
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn input_12_a_report_cannot_be_forged_by_a_name() {
    let file = case("12-forged-report.db");
    let folder = TempDir::new().unwrap();
    let output = snapshot(folder.path(), &[OsStr::new("check"), file.as_os_str()]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(plain(said.as_bytes()), "{said}");
    let begin = |word: &str| said.lines().filter(|line| line.starts_with(word)).count();
    assert_eq!((begin("Checksum"), begin("Bytes")), (1, 0), "{said}");
    assert!(
        !said
            .lines()
            .any(|line| line.contains("This snapshot is whole") && !line.contains("\\n")),
        "{said}"
    );
    assert!(
        said.contains("m1\\n\\nBytes") && said.contains("\\u{1b}[32m"),
        "{said}"
    );
    let output = snapshot(
        folder.path(),
        &[OsStr::new("check"), OsStr::new("--json"), file.as_os_str()],
    );
    assert!(plain(&output.stdout));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<_> = json["details"]["etcd"]["contents"]["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        names.iter().any(|name| name.contains("\n\nBytes")),
        "JSON keeps the value: {names:?}"
    );
}

/// What a name may hold to lead a reader astray.
const ASTRAY: [&str; 8] = [
    "\n",
    "\r",
    "\u{1b}[2J",
    "\u{7f}",
    "\u{9b}31m",
    "\u{202e}",
    "\u{200b}",
    "\u{2028}",
];

/// The file with every occurrence of `from` replaced by as many bytes.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(from.len()).position(|w| w == from) {
        bytes[at + found..at + found + from.len()].copy_from_slice(to);
        at += found + from.len();
    }
    bytes
}

#[test]
fn no_name_in_a_file_reaches_the_terminal_as_it_is() {
    let bytes = std::fs::read(fixture()).unwrap();
    let folder = TempDir::new().unwrap();
    // Whatever is a word in the file: names of members, users, roles and buckets, URLs, versions.
    let mut words: Vec<&[u8]> = bytes
        .split(|byte| !byte.is_ascii_alphanumeric() && !b"-_./:".contains(byte))
        .filter(|word| (4..64).contains(&word.len()) && word.iter().any(u8::is_ascii_alphabetic))
        .collect();
    words.sort_unstable();
    words.dedup();
    assert!(words.len() > 20);
    // One file for each way astray: every word but the buckets' begins with it.
    let buckets: [&[u8]; 10] = [
        b"alarm",
        b"auth",
        b"authRoles",
        b"authUsers",
        b"cluster",
        b"lease",
        b"members",
        b"members_removed",
        b"meta",
        b"name",
    ];
    for astray in ASTRAY {
        let mut all = bytes.clone();
        for word in words
            .iter()
            .filter(|word| !buckets.contains(word) && word.len() >= astray.len())
        {
            let mut to = word.to_vec();
            to[..astray.len()].copy_from_slice(astray.as_bytes());
            all = replaced(&all, word, &to);
        }
        let path = folder.path().join(format!("s{astray}Checksum   pass.db"));
        std::fs::write(&path, &all).unwrap();
        for command in ["check", "status", "hashkv", "restore"] {
            let output = snapshot(folder.path(), &[OsStr::new(command), path.as_os_str()]);
            let said = text(&output);
            assert!(plain(said.as_bytes()), "{command} {astray:?}: {said:?}");
            let lines = said.lines().filter(|line| line.starts_with("Checksum"));
            assert_eq!(
                lines.count(),
                usize::from(command == "check"),
                "{command} {astray:?}: {said}"
            );
            let _ = std::fs::remove_dir_all(folder.path().join("default.etcd"));
        }
        let json = snapshot(
            folder.path(),
            &[OsStr::new("check"), OsStr::new("--json"), path.as_os_str()],
        );
        assert!(plain(&json.stdout), "{astray:?}");
    }
}

#[test]
fn the_target_of_a_downgrade_cannot_forge_a_line() {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata/etcd/3.6.14-downgrading.db");
    let bytes = std::fs::read(file).unwrap();
    let image = &bytes[..bytes.len() - 32];
    let folder = TempDir::new().unwrap();
    // As long as `3.5.0`, in a JSON text: an escaped line feed, and what JSON allows as it is.
    for (target, shown) in [
        ("\\nChk", "\\nChk"),
        ("\u{202e}30", "\\u{202e}30"),
        ("\u{9b}31m", "\\u{9b}31m"),
        ("\u{7f}3.50", "\\u{7f}3.50"),
        ("\u{200b}.0", "\\u{200b}.0"),
    ] {
        let mut forged = replaced(image, b"\"3.5.0\"", format!("\"{target}\"").as_bytes());
        forged.extend(<sha2::Sha256 as sha2::Digest>::digest(&forged));
        let path = folder.path().join("s.db");
        std::fs::write(&path, &forged).unwrap();
        for (command, words) in [
            (&["snapshot", "check"][..], "A downgrade to "),
            (&["inspect"], "A downgrade to "),
            (
                &["snapshot", "restore", "--data-dir", "d"],
                "during a downgrade to ",
            ),
        ] {
            let output = Command::new(env!("CARGO_BIN_EXE_requorum"))
                .args(command)
                .arg(&path)
                .current_dir(folder.path())
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let said = text(&output);
            assert_eq!(output.status.code(), Some(0), "{command:?}: {said}");
            assert!(plain(said.as_bytes()), "{command:?}: {said:?}");
            assert!(
                said.contains(&format!("{words}{shown}")),
                "{command:?}: {said}"
            );
            assert!(!said.lines().any(|line| line.starts_with("Chk")), "{said}");
        }
        std::fs::remove_dir_all(folder.path().join("d")).unwrap();
    }
}

#[test]
fn no_argument_reaches_the_terminal_as_it_is() {
    let folder = TempDir::new().unwrap();
    let file = fixture();
    for astray in ASTRAY {
        let word = format!("x{astray}y");
        let word = OsStr::new(&word);
        let flag = format!("--x{astray}y");
        let runs: [Vec<&OsStr>; 8] = [
            vec![OsStr::new("check"), word],
            vec![OsStr::new("status"), word],
            vec![OsStr::new("restore"), word, OsStr::new("--data-dir"), word],
            vec![
                OsStr::new("restore"),
                file.as_os_str(),
                OsStr::new("--name"),
                word,
            ],
            vec![
                OsStr::new("restore"),
                file.as_os_str(),
                OsStr::new("--initial-cluster"),
                word,
            ],
            vec![
                OsStr::new("restore"),
                file.as_os_str(),
                OsStr::new("--target-version"),
                word,
            ],
            vec![OsStr::new("restore"), file.as_os_str(), OsStr::new(&flag)],
            vec![word],
        ];
        for arguments in runs {
            let output = snapshot(folder.path(), &arguments);
            let said = text(&output);
            assert_ne!(output.status.code(), Some(0), "{arguments:?}");
            assert!(plain(said.as_bytes()), "{arguments:?}: {said:?}");
        }
    }
    // Bytes that are no text at all.
    let output = snapshot(
        folder.path(),
        &[OsStr::new("check"), OsStr::from_bytes(b"\xff\x1b[2J")],
    );
    assert!(plain(text(&output).as_bytes()));
}

#[test]
fn what_is_no_regular_file_is_not_waited_for() {
    let folder = TempDir::new().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let socket = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let sub = folder.path().join("folder");
    std::fs::create_dir(&sub).unwrap();
    let before = entries(folder.path()).len();
    for (path, what) in [
        (pipe.as_path(), "is a pipe"),
        (&socket, "is a socket"),
        (Path::new("/dev/zero"), "is a device"),
        (&sub, "is a folder"),
    ] {
        for command in ["check", "status", "hashkv", "restore"] {
            let started = Instant::now();
            let output = snapshot(folder.path(), &[OsStr::new(command), path.as_os_str()]);
            let said = text(&output);
            assert_eq!(
                output.status.code(),
                Some(1),
                "{command} {}: {said}",
                path.display()
            );
            assert!(said.contains(what), "{command} {}: {said}", path.display());
            assert!(started.elapsed() < Duration::from_secs(2));
        }
    }
    assert_eq!(entries(folder.path()).len(), before);
}

/// Runs a command that takes a snapshot under a limit that a shell sets.
fn limited(limit: &str, folder: &Path, arguments: &str) -> Output {
    limited_any(limit, folder, &format!("snapshot {arguments}"))
}

/// Runs any command under a limit that a shell sets.
fn limited_any(limit: &str, folder: &Path, arguments: &str) -> Output {
    let file = fixture();
    Command::new("bash")
        .arg("-c")
        .arg(format!("{limit} && exec \"$0\" {arguments}"))
        .arg(env!("CARGO_BIN_EXE_requorum"))
        .env("S", file)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// It ends with one sentence and exit code 1, and leaves nothing.
#[track_caller]
fn refused_by_the_system(limit: &str, arguments: &str, words: &[&str]) {
    let folder = TempDir::new().unwrap();
    let output = limited(limit, folder.path(), arguments);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{limit}: {said}");
    for word in words {
        assert!(
            said.contains(word),
            "{limit} says nothing of {word:?}: {said}"
        );
    }
    assert!(
        !said.contains("panicked") && !said.contains("backtrace"),
        "{limit}: {said}"
    );
    assert_eq!(entries(folder.path()), [""; 0], "{limit} left something");
}

#[test]
fn a_limit_on_file_sizes() {
    refused_by_the_system(
        "ulimit -f 50",
        "restore \"$S\" --data-dir d",
        &["ulimit -f"],
    );
    refused_by_the_system(
        "ulimit -f 100",
        "restore \"$S\" --initial-cluster a=http://10.0.0.1:1,b=http://10.0.0.2:1 --all-members d",
        &["ulimit -f"],
    );
}

#[test]
fn a_limit_on_open_files() {
    let mut refused = 0;
    for limit in 4..24 {
        let folder = TempDir::new().unwrap();
        let arguments = "restore \"$S\" --initial-cluster a=http://10.0.0.1:1,b=http://10.0.0.2:1,c=http://10.0.0.3:1 --all-members d";
        let output = limited(&format!("ulimit -n {limit}"), folder.path(), arguments);
        let said = text(&output);
        match output.status.code() {
            Some(0) => continue,
            // Too few for the loader.
            Some(127) => continue,
            code => assert_eq!(code, Some(1), "{limit}: {said}"),
        }
        refused += 1;
        assert!(said.contains("ulimit -n"), "{limit}: {said}");
        assert!(!said.contains("panicked"), "{limit}: {said}");
        assert_eq!(entries(folder.path()), [""; 0], "{limit} left something");
    }
    assert!(refused > 0);
}

#[test]
fn a_limit_on_address_space() {
    let mut refused = 0;
    // From what the program itself takes to more than enough, in KiB.
    for limit in (60_000..400_000).step_by(20_000) {
        let folder = TempDir::new().unwrap();
        let itself = limited(&format!("ulimit -v {limit}"), folder.path(), "--help");
        if itself.status.code().is_none() {
            // Killed before its first instruction.
            continue;
        }
        for arguments in [
            "check \"$S\"",
            "status \"$S\"",
            "restore \"$S\" --data-dir d",
        ] {
            let folder = TempDir::new().unwrap();
            let output = limited(&format!("ulimit -v {limit}"), folder.path(), arguments);
            let said = text(&output);
            match output.status.code() {
                Some(0) => continue,
                Some(127) => continue,
                code => assert_eq!(code, Some(1), "{limit} {arguments}: {said}"),
            }
            refused += 1;
            assert!(said.contains("ulimit -v"), "{limit} {arguments}: {said}");
            assert_eq!(
                entries(folder.path()),
                [""; 0],
                "{limit} {arguments} left something"
            );
        }
    }
    assert!(refused > 0);
}

/// A server that would listen, and is stopped after a moment where it does.
const SERVE: &str = "serve --data-dir d --listen 127.0.0.1:0";

/// The server says in one line that the system refuses it something, and has made nothing yet.
#[track_caller]
fn server_is_refused(limit: &str, output: &Output, folder: &Path, word: &str) {
    let said = text(output);
    assert_eq!(output.status.code(), Some(1), "{limit}: {said}");
    assert_eq!(said.lines().count(), 1, "{limit}: {said}");
    assert!(
        said.starts_with("requorum serve: ") && said.contains(word),
        "{limit}: {said}"
    );
    assert_eq!(entries(folder), [""; 0], "{limit} left something");
}

#[test]
fn a_server_under_a_limit_on_open_files() {
    for files in [8, 12, 16, 40] {
        let folder = TempDir::new().unwrap();
        let limit = format!("ulimit -n {files}");
        let output = limited_any(&limit, folder.path(), SERVE);
        server_is_refused(&limit, &output, folder.path(), "ulimit -n");
    }
}

#[test]
fn a_server_under_a_limit_on_address_space() {
    let mut refused = 0;
    // From what the program itself takes to less than its threads need, in KiB.
    for limit in [80_000, 120_000, 160_000, 240_000] {
        let folder = TempDir::new().unwrap();
        let limit = format!("ulimit -v {limit}");
        let itself = limited_any(&limit, folder.path(), "--help");
        if itself.status.code() != Some(0) {
            // Ended before its first instruction, or by the loader.
            continue;
        }
        refused += 1;
        let output = limited_any(&limit, folder.path(), SERVE);
        server_is_refused(&limit, &output, folder.path(), "ulimit -v");
    }
    assert!(refused > 0);
}

#[test]
fn a_limit_on_threads() {
    // A user of its own, so that what others run does not count; needs root.
    let folder = TempDir::new().unwrap();
    let binary = folder.path().join("requorum");
    // By another process: while this one has it open for writing, a test beside it may fork, and it cannot be run.
    let copied = Command::new("cp")
        .arg(env!("CARGO_BIN_EXE_requorum"))
        .arg(&binary)
        .status();
    assert!(copied.unwrap().success());
    std::fs::copy(fixture(), folder.path().join("s.db")).unwrap();
    let work = folder.path().join("work");
    std::fs::create_dir(&work).unwrap();
    let open = |path: &Path| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(path, mode).unwrap();
    };
    open(folder.path());
    open(&work);
    for (processes, arguments) in [
        (1, "restore ../s.db --data-dir d"),
        (2, "restore ../s.db --data-dir d"),
        (1, "check ../s.db"),
        (1, "status ../s.db"),
        (2, "check ../s.db"),
        (1, SERVE),
        (3, SERVE),
    ] {
        let command = match arguments {
            SERVE => SERVE.to_owned(),
            snapshot => format!("snapshot {snapshot}"),
        };
        let output = Command::new("setpriv")
            .args([
                "--reuid",
                "54321",
                "--regid",
                "54321",
                "--clear-groups",
                "bash",
                "-c",
            ])
            .arg(format!(
                "ulimit -u {processes} && exec ../requorum {command}"
            ))
            .current_dir(&work)
            .stdin(Stdio::null())
            .output();
        let output = match output {
            Ok(output) if !text(&output).contains("setpriv:") => output,
            _ => {
                eprintln!("SKIPPED: another user cannot be taken on here");
                return;
            }
        };
        let said = text(&output);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{processes} {arguments}: {said}"
        );
        assert!(
            said.contains("ulimit -u"),
            "{processes} {arguments}: {said}"
        );
        assert!(!said.contains("panicked"), "{said}");
        if arguments == SERVE {
            assert_eq!(said.lines().count(), 1, "{processes}: {said}");
        }
        assert_eq!(
            entries(&work),
            [""; 0],
            "{processes} {arguments} left something"
        );
    }
}

/// Runs a command on the file, calls `change` as soon as the command has it open, or so long after, and waits for its
/// end.
fn changed_under(
    folder: &Path,
    arguments: &[&str],
    file: &Path,
    after: Duration,
    change: impl FnOnce(),
) -> Output {
    let child = Command::new(env!("CARGO_BIN_EXE_requorum"))
        .args(arguments)
        .arg(file)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let fds = PathBuf::from(format!("/proc/{}/fd", child.id()));
    let opened = || {
        std::fs::read_dir(&fds).is_ok_and(|entries| {
            entries
                .flatten()
                .any(|entry| std::fs::read_link(entry.path()).is_ok_and(|to| to == file))
        })
    };
    let until = Instant::now() + Duration::from_secs(10);
    while !opened() && Instant::now() < until {
        std::thread::yield_now();
    }
    std::thread::sleep(after);
    change();
    child.wait_with_output().unwrap()
}

#[track_caller]
fn is_said_to_have_changed(output: &Output, command: &[&str]) {
    let said = text(output);
    assert_eq!(output.status.code(), Some(1), "{command:?}: {said}");
    assert!(
        said.contains("changed while it was read"),
        "{command:?}: {said}"
    );
    assert!(!said.contains("panicked"), "{command:?}: {said}");
}

#[test]
fn a_source_that_shrinks_or_grows() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("s.db");
    // Large enough to be caught in the middle: a sparse tail that nothing refers to.
    std::fs::copy(fixture(), &path).unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    let restore = &[
        "snapshot",
        "restore",
        "--data-dir",
        "d",
        "--skip-hash-check",
    ][..];
    // A restore notes what the file is only when it begins to copy it.
    let copying = Duration::from_secs(1);
    let at_once = Duration::ZERO;
    for (command, grow) in [
        (&["snapshot", "check"][..], false),
        (&["snapshot", "check"], true),
        (&["snapshot", "status"], false),
        (&["inspect"], false),
        (restore, false),
    ] {
        file.set_len(6 << 30).unwrap();
        let after = if command == restore { copying } else { at_once };
        let output = changed_under(folder.path(), command, &path, after, || {
            if grow {
                let mut file = std::fs::File::options().append(true).open(&path).unwrap();
                file.write_all(&[1; 4096]).unwrap();
            } else {
                file.set_len(80_000).unwrap();
            }
        });
        is_said_to_have_changed(&output, command);
        assert_eq!(
            entries(folder.path()),
            ["s.db"],
            "{command:?} left something"
        );
    }
}

#[test]
fn a_source_that_shrinks_while_its_keys_are_hashed() {
    // What hashkv reads of a file is its keys: a large value takes it long enough to be caught in the middle.
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("s.db");
    sparse::with_large_values(&path, &fixture(), 1, 1 << 30);
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    let command = ["snapshot", "hashkv"];
    let output = changed_under(folder.path(), &command, &path, Duration::ZERO, || {
        file.set_len(80_000).unwrap();
    });
    is_said_to_have_changed(&output, &command);
}

#[test]
fn a_packed_source_that_shrinks_while_it_is_unpacked() {
    // Stored noise: as long to read as what comes out of it.
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("s.db.zst");
    let mut state = 7_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as u8
    })
    .take(64 << 20)
    .collect();
    let packed = zstd(&noise);
    for command in [
        &["snapshot", "check"][..],
        &["snapshot", "status"],
        &["snapshot", "hashkv"],
        &["snapshot", "restore", "--data-dir", "d"],
        &["inspect"],
    ] {
        std::fs::write(&path, &packed).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        let output = changed_under(folder.path(), command, &path, Duration::ZERO, || {
            file.set_len(80_000).unwrap();
        });
        is_said_to_have_changed(&output, command);
        assert_eq!(
            entries(folder.path()),
            ["s.db.zst"],
            "{command:?} left something"
        );
    }
}

#[test]
fn nothing_but_the_escaping_writer_writes_to_the_terminal() {
    fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, into);
            } else {
                into.push(path);
            }
        }
    }
    let mut files = Vec::new();
    let cli = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli");
    walk(&cli, &mut files);
    assert!(files.len() > 20);
    // An archive of bytes goes to standard output, if that is asked for.
    let excepted = ["terminal.rs", "audit/export.rs"];
    for file in files
        .iter()
        .filter(|file| !excepted.iter().any(|name| file.ends_with(name)))
    {
        let text = std::fs::read_to_string(file).unwrap();
        for word in ["println!", "eprint", "print!(", "stdout()", "stderr()."] {
            let lines = text
                .lines()
                .filter(|line| line.contains(word) && !line.contains("is_terminal"));
            assert_eq!(lines.count(), 0, "{} uses {word}", file.display());
        }
    }
}

/// A file system of its own, which needs root; `None`, and said so, without.
struct Mounted(TempDir);

impl Mounted {
    fn with(options: &str) -> Option<Self> {
        let dir = TempDir::new().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(dir.path())
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(dir)),
            _ => {
                eprintln!("SKIPPED: no file system can be mounted here");
                None
            }
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn destinations_that_are_full_read_only_or_elsewhere() {
    let file = fixture();
    let restore = |folder: &Path, more: &[&str]| {
        let mut arguments = vec![OsStr::new("restore"), file.as_os_str()];
        arguments.extend(more.iter().map(OsStr::new));
        snapshot(folder, &arguments)
    };
    let Some(full) = Mounted::with("size=64k") else {
        return;
    };
    for arguments in [
        &["--data-dir", "d"][..],
        &[
            "--all-members",
            "d",
            "--initial-cluster",
            "a=http://10.0.0.1:1,b=http://10.0.0.2:1",
        ],
    ] {
        let output = restore(full.0.path(), arguments);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("Free some space there"), "{said}");
        assert_eq!(
            entries(full.0.path()),
            [""; 0],
            "{arguments:?} left something"
        );
    }
    let Some(sealed) = Mounted::with("ro") else {
        return;
    };
    let output = restore(sealed.0.path(), &["--data-dir", "d"]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("Choose a place that can be written"),
        "{said}"
    );
    // Data on one file system, the log on another.
    let Some(other) = Mounted::with("size=8m") else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let wal = other.0.path().join("wal");
    let output = restore(
        folder.path(),
        &["--data-dir", "d", "--wal-dir", wal.to_str().unwrap()],
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(wal.join("0000000000000000-0000000000000000.wal").exists());
}
