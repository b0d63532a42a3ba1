//! Pipes, devices, sockets and folders where a small file is named: each is refused in a sentence, and none is waited for.

use std::io::Read as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use requorum_shared::ledger::checkpoint::SigningKey;
use tempfile::TempDir;

use crate::robustness::tls::Authority;

/// How long a command may take that reads nothing.
const AT_ONCE: Duration = Duration::from_secs(2);
/// The same for a server, which opens its database before, on a busy machine.
const STARTING: Duration = Duration::from_secs(8);

/// What has a name, and what it is called.
struct Special {
    name: &'static str,
    what: &'static str,
    /// Where a pipe would do, because what is in it is read once.
    what_if_piped: &'static str,
}

const KINDS: [Special; 4] = [
    Special {
        name: "fifo",
        what: "it is a pipe, not a regular file",
        what_if_piped: "nothing writes to this pipe",
    },
    Special {
        name: "zero",
        what: "it is a device, not a regular file",
        what_if_piped: "it is a device, not a regular file",
    },
    Special {
        name: "socket",
        what: "it is a socket, not a regular file",
        what_if_piped: "it is a socket, not a regular file",
    },
    Special {
        name: "folder",
        what: "it is a folder, not a regular file",
        what_if_piped: "it is a folder, not a regular file",
    },
];

/// Makes one of these kinds under this path.
fn make(kind: &Special, path: &Path) {
    match kind.name {
        "fifo" => {
            let made = Command::new("mkfifo").arg(path).status().unwrap();
            assert!(made.success());
        }
        "zero" => std::os::unix::fs::symlink("/dev/zero", path).unwrap(),
        "socket" => drop(UnixListener::bind(path).unwrap()),
        _ => std::fs::create_dir(path).unwrap(),
    }
}

/// One of each kind.
fn one_of_each(folder: &Path) -> impl Iterator<Item = (&'static Special, PathBuf)> {
    KINDS.iter().map(move |kind| {
        let path = folder.join(kind.name);
        make(kind, &path);
        (kind, path)
    })
}

/// Runs it with these arguments; it must end in this time.
#[track_caller]
fn run(arguments: &[&str], within: Duration) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_requorum"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > within {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{arguments:?} was still waiting after {within:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    child.stdout.unwrap().read_to_end(&mut stdout).unwrap();
    child.stderr.unwrap().read_to_end(&mut stderr).unwrap();
    Output {
        status,
        stdout,
        stderr,
    }
}

/// It ends with one sentence, which says this and names the file.
#[track_caller]
fn refused(arguments: &[&str], within: Duration, what: &str, path: &Path) {
    let output = run(arguments, within);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    assert!(output.stdout.is_empty());
    assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
    let name = path.to_str().unwrap();
    assert!(
        said.contains(what) && said.contains(name),
        "{arguments:?}: {said}"
    );
}

fn key() -> String {
    let key = SigningKey::from_seed("requorum/ledger/test", [7; 32]).unwrap();
    key.verifying().to_string()
}

#[test]
fn keys_and_checkpoints_that_are_no_files() {
    let folder = TempDir::new().unwrap();
    let tiles = folder.path().join("tiles");
    std::fs::create_dir(&tiles).unwrap();
    let tiles = tiles.to_str().unwrap();
    let dossier = folder.path().join("dossier.zip");
    std::fs::write(&dossier, "no dossier").unwrap();
    let dossier = dossier.to_str().unwrap();
    let known = key();
    for (kind, path) in one_of_each(folder.path()) {
        let name = path.to_str().unwrap();
        let checkpoint = ["--key", known.as_str(), "--checkpoint", name];
        for arguments in [
            &["dossier", "verify", dossier, "--key", name][..],
            &["audit", "verify", "--tiles", tiles, "--key", name],
            &[&["audit", "verify", "--tiles", tiles][..], &checkpoint].concat(),
        ] {
            refused(arguments, AT_ONCE, kind.what_if_piped, &path);
        }
    }
}

#[test]
fn tiles_that_are_no_files() {
    let folder = TempDir::new().unwrap();
    let known = key();
    for kind in KINDS.iter().filter(|kind| kind.name != "folder") {
        for name in ["checkpoint", "key"] {
            let sub = folder.path().join(kind.name).join(name);
            std::fs::create_dir_all(&sub).unwrap();
            let path = sub.join(name);
            make(kind, &path);
            let mut arguments = vec!["audit", "verify", "--tiles", path.to_str().unwrap()];
            if name == "checkpoint" {
                arguments.extend(["--key", &known]);
            }
            refused(&arguments, AT_ONCE, kind.what, &path);
        }
    }
}

#[test]
fn a_server_whose_secrets_are_no_files() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (cert, _) = Authority::new().issue();
    let cert = write("cert.pem", &cert);
    let oidc = [
        "--oidc-issuer",
        "https://id.example",
        "--oidc-client-id",
        "console",
        "--oidc-client-secret-file",
    ];
    for (kind, path) in one_of_each(folder.path()) {
        let name = path.to_str().unwrap();
        let data = folder.path().join(format!("data of {}", kind.name));
        let data = data.to_str().unwrap();
        let serve = ["serve", "--listen", "127.0.0.1:0", "--data-dir", data];
        for (more, what) in [
            (&[&oidc[..], &[name]].concat()[..], kind.what_if_piped),
            (&["--tls-cert", name, "--tls-key", &cert], kind.what),
            (&["--tls-cert", &cert, "--tls-key", name], kind.what),
            (&["--ledger-key-file", name], kind.what),
            (&["--master-key-file", name], kind.what),
        ] {
            refused(&[&serve[..], more].concat(), STARTING, what, &path);
        }
        // Those that it looks for itself.
        for own in ["ledger-key", "master.key", "name"] {
            let data = folder.path().join(format!("{own} is {}", kind.name));
            std::fs::create_dir(&data).unwrap();
            let path = data.join(own);
            make(kind, &path);
            let data = data.to_str().unwrap();
            let arguments = ["serve", "--listen", "127.0.0.1:0", "--data-dir", data];
            let named = if own == "name" {
                Path::new(data)
            } else {
                &path
            };
            refused(&arguments, STARTING, kind.what, named);
        }
    }
}

#[test]
fn a_key_that_a_shell_pipes_in_is_taken() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("dossier.zip"), "no dossier").unwrap();
    let verify = |script: &str| {
        Command::new("bash")
            .args(["-c", script, env!("CARGO_BIN_EXE_requorum")])
            .env("KEY", key())
            .current_dir(folder.path())
            .output()
            .unwrap()
    };
    // Written before it is opened, and a while after.
    for script in [
        "exec \"$0\" dossier verify dossier.zip --key <(echo \"$KEY\")",
        "exec \"$0\" dossier verify dossier.zip --key <(sleep 1; echo \"$KEY\")",
    ] {
        let output = verify(script);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(
            said.contains("not a ZIP archive"),
            "{said} {:?}",
            output.stderr
        );
        assert!(output.stderr.is_empty());
    }
    let begun = Instant::now();
    let endless = verify("exec \"$0\" dossier verify dossier.zip --key <(yes)");
    let said = String::from_utf8(endless.stderr).unwrap();
    assert!(said.contains("it has more than 262 144 bytes"), "{said}");
    assert!(begun.elapsed() < AT_ONCE);
}
