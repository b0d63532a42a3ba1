//! The real binary as a process: what it prints, what it refuses, how it stops.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// A running `requorum serve`; killed when it is dropped.
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) base: String,
    pub(crate) setup_link: Option<String>,
}

impl Process {
    pub(crate) fn start(data_dir: &Path, first_start: bool, more: &[&str]) -> Self {
        let mut command = command(data_dir, more);
        command.stderr(Stdio::null());
        Self::spawn(command, first_start)
    }

    /// Starts it as the command says, and waits until it listens.
    pub(crate) fn spawn(mut command: Command, first_start: bool) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().expect("it prints where it listens").unwrap();
        let base = first
            .strip_prefix("listening on ")
            .expect(&first)
            .to_owned();
        let setup_link = first_start
            .then(|| lines.next().expect("it prints a link").unwrap())
            .and_then(|line| line.split_once(": ").map(|(_, link)| link.to_owned()));
        Self {
            child,
            base,
            setup_link,
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Ends it as an operator does, and waits until it is over.
    pub(crate) fn stop(mut self) {
        self.signal(Signal::TERM);
        assert!(self.child.wait().unwrap().success());
    }

    pub(crate) fn kill(mut self) {
        self.signal(Signal::KILL);
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn command(data_dir: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_requorum"));
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(data_dir)
        .args(more);
    command
}

#[tokio::test]
async fn it_prints_where_it_is_and_stops_when_told() {
    let dir = tempfile::tempdir().unwrap();
    for signal in [Signal::TERM, Signal::INT] {
        let mut process = Process::start(dir.path(), true, &[]);
        assert!(process.base.starts_with("http://127.0.0.1:"));
        let link = process.setup_link.clone().unwrap();
        assert!(
            link.starts_with(&format!("{}/setup#token=", process.base)),
            "{link}"
        );
        let health = reqwest::get(format!("{}/healthz", process.base))
            .await
            .unwrap();
        assert_eq!(health.status(), 200);
        process.signal(signal);
        let status = process.child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{signal:?}");
    }
}

#[test]
fn a_data_dir_in_use_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let first = Process::start(dir.path(), true, &[]);
    let second = command(dir.path(), &[]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let error = String::from_utf8(second.stderr).unwrap();
    assert!(error.contains("in use by another requorum"), "{error}");
    first.kill();
    // SIGKILL leaves no lock behind.
    Process::start(dir.path(), true, &[]).kill();
}

#[test]
fn what_is_not_safe_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (arguments, what) in [
        (vec!["--listen", "0.0.0.0:0"], "plain HTTP"),
        (vec!["--public-url", "http://console.example"], "plain HTTP"),
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_requorum"))
            .args(["serve", "--data-dir"])
            .arg(dir.path())
            .args(&arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut error = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut error)
            .unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(1), "{arguments:?}");
        assert!(error.contains(what), "{error}");
    }
    let usage = command(dir.path(), &["--restore-root", "no-path"])
        .output()
        .unwrap();
    assert_eq!(usage.status.code(), Some(2));
}

#[test]
fn an_unwritable_data_dir_is_said_to_be() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, b"not a folder").unwrap();
    let output = command(&file, &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("data directory") && error.contains("file"),
        "{error}"
    );
}

/// Everything below a folder that others than its owner may read, write or enter.
fn open_to_others(below: &Path, found: &mut Vec<std::path::PathBuf>) {
    use std::os::unix::fs::MetadataExt as _;
    for entry in std::fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        if metadata.mode() & 0o077 != 0 {
            found.push(path.clone());
        }
        if metadata.is_dir() {
            open_to_others(&path, found);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_keeps_is_its_owners_whatever_the_shell_has_set() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = command(&data, &[]);
    let mut shell = Command::new("sh");
    shell
        .args([
            "-c",
            "umask 0; ulimit -c unlimited 2>/dev/null; exec \"$0\" \"$@\"",
        ])
        .arg(server.get_program())
        .args(server.get_args())
        .stderr(Stdio::null());
    let process = Process::spawn(shell, true);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", process.child.id())).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    let console = crate::support::killed::console(&process).await;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    let job = console
        .run(&crate::support::recovery::request(&snapshot, "deep/er/a"))
        .await;
    console.finished(&job.id).await;
    process.stop();
    let backup = |out: &Path| {
        let script = "umask 0; exec \"$0\" backup --data-dir \"$1\" --to \"$2\"";
        Command::new("sh")
            .args(["-c", script])
            .args([Path::new(env!("CARGO_BIN_EXE_requorum")), &data, out])
            .output()
            .unwrap()
    };
    let output = backup(&dir.path().join("backup"));
    assert!(output.status.success(), "{output:?}");
    let mut found = Vec::new();
    for folder in ["data", "backup"] {
        open_to_others(&dir.path().join(folder), &mut found);
    }
    assert_eq!(found, Vec::<std::path::PathBuf>::new());
}
