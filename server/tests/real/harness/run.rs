//! Runs a command to its end.

use std::ffi::OsStr;
use std::fmt;
use std::process::{Command, Stdio};

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ran {
    /// The command, as a person would type it.
    pub(crate) command: String,
    /// Exit code; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it complained about.
    pub(crate) stderr: String,
}

impl Ran {
    /// What it printed, when it ended well; panics with all it said otherwise.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self}");
        self.stdout
    }

    /// What it printed as JSON, when it ended well.
    #[track_caller]
    pub(crate) fn json(self) -> serde_json::Value {
        let said = self.to_string();
        serde_json::from_str(&self.ok()).unwrap_or_else(|error| panic!("{error} in: {said}"))
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            command,
            code,
            stdout,
            stderr,
        } = self;
        write!(
            f,
            "{command}\nexit code {code:?}\nstdout: {stdout}\nstderr: {stderr}"
        )
    }
}

/// Runs `program` without standard input and without any `ETCD…` setting of the caller.
pub(crate) fn run<S: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = S>,
) -> Ran {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    clean_environment(&mut command);
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
    Ran {
        command: format!("{command:?}"),
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs our own command line.
pub(crate) fn requorum<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ran {
    run(env!("CARGO_BIN_EXE_requorum"), arguments)
}

/// Takes out what would change how etcd and its tools behave, and asks for the API that all versions share.
pub(super) fn clean_environment(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ETCD") {
            command.env_remove(name);
        }
    }
    command.env("ETCDCTL_API", "3");
}
