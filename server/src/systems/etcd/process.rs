//! etcd processes of throw-away clusters: started on sockets of their own, ended by their own pid, and cleared up after a
//! crash of this server.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::sockets::Socket;

use crate::systems::Program;

/// Lines of a log that an error quotes.
const QUOTED_LINES: usize = 5;

/// One running member.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    log: PathBuf,
}

/// What to run.
pub(super) struct Member<'a> {
    /// Its name in the cluster.
    pub(super) name: &'a str,
    /// Its data directory.
    pub(super) data: &'a Path,
    /// Where it writes its log.
    pub(super) log: PathBuf,
    /// Where it listens.
    pub(super) socket: &'a Socket,
    /// Whether it drops the other members and goes on by itself (`--force-new-cluster`).
    pub(super) alone: bool,
}

impl Process {
    /// Starts it. Nothing of this server's environment reaches it.
    pub(super) fn start(binary: &Program, member: &Member<'_>) -> io::Result<Self> {
        let (peer, client) = (member.socket.peer_url(), member.socket.client_url());
        let log = File::create(&member.log)?;
        let child = Command::new(&binary.path)
            .env_clear()
            .args(member.alone.then_some("--force-new-cluster"))
            // Its URLs are names in this folder.
            .current_dir(&member.socket.working)
            .arg("--data-dir")
            .arg(member.data)
            .args(["--name", member.name])
            .args([
                "--listen-peer-urls",
                &peer,
                "--initial-advertise-peer-urls",
                &peer,
            ])
            .args([
                "--listen-client-urls",
                &client,
                "--advertise-client-urls",
                &client,
            ])
            // It would dial a socket by a name that its resolver does not take, and nothing here asks it.
            .arg("--enable-grpc-gateway=false")
            // Nothing is written but the members' own names and a key: a full quota must not stand in the way.
            .arg("--quota-backend-bytes=-1")
            .args(["--logger", "zap", "--log-level", "warn"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self {
            child,
            log: member.log.clone(),
        })
    }

    /// Whether it has ended by itself.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// The end of its log, for an error.
    pub(super) fn last_words(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = text.lines().rev().take(QUOTED_LINES).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Ends it and waits until it is gone.
    pub(super) async fn kill(mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::warn!("ending an etcd of a boot check: {error}");
        }
    }
}

/// Ends what an earlier process of this server left running, and removes what it left lying. Recognised by a
/// data directory below `scratch`, which nobody else uses: this server holds the lock above it.
pub(super) fn clear_up(scratch: &Path) -> io::Result<()> {
    let prefix = scratch.as_os_str().as_encoded_bytes();
    for entry in std::fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<i32>().ok())
            .and_then(Pid::from_raw)
        else {
            continue;
        };
        let Ok(command_line) = std::fs::read(entry.path().join("cmdline")) else {
            continue;
        };
        let mut arguments = command_line.split(|b| *b == 0);
        let ours = arguments.any(|a| a == b"--data-dir")
            && arguments.next().is_some_and(|data| {
                data.strip_prefix(prefix)
                    .is_some_and(|rest| rest.starts_with(b"/"))
            });
        if ours {
            tracing::info!(
                pid = pid.as_raw_nonzero().get(),
                "ending an etcd that an interrupted boot check left running"
            );
            let _ = kill_process(pid, Signal::KILL);
        }
    }
    for entry in std::fs::read_dir(scratch)? {
        std::fs::remove_dir_all(entry?.path())?;
    }
    Ok(())
}
