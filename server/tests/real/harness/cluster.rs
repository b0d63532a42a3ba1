//! Clusters of real etcd on loopback.

use std::collections::BTreeSet;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::gateway::Client;
use super::peers::Peer;
use super::run::clean_environment;

/// How long a cluster may take until it answers; the machine may be busy.
const BOOT_DEADLINE: Duration = Duration::from_secs(60);

/// How a cluster is started.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// How many members: 1, 3, 5.
    pub(crate) members: usize,
    /// `--initial-cluster-token`
    pub(crate) token: String,
    /// Further arguments for every member: `--quota-backend-bytes=…`.
    pub(crate) arguments: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            members: 1,
            token: "requorum-tests".to_owned(),
            arguments: Vec::new(),
        }
    }
}

/// One member: where it listens and keeps its data, and its process while it runs.
#[derive(Debug)]
pub(crate) struct Member {
    /// `m1`, …
    pub(crate) name: String,
    /// `http://127.0.0.1:…`
    pub(crate) client_url: String,
    /// `http://127.0.0.1:…`
    pub(crate) peer_url: String,
    /// `--data-dir`
    pub(crate) data_dir: PathBuf,
    process: Option<Child>,
}

/// A server's HashKV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HashKv {
    pub(crate) hash: u32,
    /// -1 when never compacted.
    pub(crate) compact_revision: i64,
}

/// Members that run, or ran. Ended when dropped; their logs are kept when a test fails.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// Which etcd.
    pub(crate) peer: Peer,
    /// Its members, in the order of their names.
    pub(crate) members: Vec<Member>,
    settings: Settings,
    folder: Option<TempDir>,
}

impl Cluster {
    /// A new cluster of one member.
    pub(crate) fn single(peer: &Peer) -> Self {
        Self::start(peer, Settings::default())
    }

    /// A new cluster that answers.
    pub(crate) fn start(peer: &Peer, settings: Settings) -> Self {
        let mut cluster = Self::prepare(peer, settings);
        cluster.boot();
        cluster
    }

    /// Names, ports and empty data folders for a cluster that [`Cluster::boot`] starts: what is restored into
    /// [`Member::data_dir`] before is what it serves.
    pub(crate) fn prepare(peer: &Peer, settings: Settings) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("requorum-etcd-")
            .tempdir()
            .unwrap();
        let members = (1..=settings.members)
            .map(|number| Member {
                name: format!("m{number}"),
                client_url: format!("http://127.0.0.1:{}", free_port()),
                peer_url: format!("http://127.0.0.1:{}", free_port()),
                data_dir: folder.path().join(format!("m{number}")),
                process: None,
            })
            .collect();
        Self {
            peer: peer.clone(),
            members,
            settings,
            folder: Some(folder),
        }
    }

    /// `--initial-cluster`: every member's name and peer URL.
    pub(crate) fn initial_cluster(&self) -> String {
        let members: Vec<_> = self
            .members
            .iter()
            .map(|member| format!("{}={}", member.name, member.peer_url))
            .collect();
        members.join(",")
    }

    /// Starts every member that does not run, and waits until all answer reads.
    pub(crate) fn boot(&mut self) {
        for index in 0..self.members.len() {
            self.boot_one(index, "new");
        }
        self.wait_until_ready();
    }

    /// Starts one member without waiting for it.
    pub(crate) fn boot_one(&mut self, index: usize, initial_cluster_state: &str) {
        let initial_cluster = self.initial_cluster();
        let log = self.log_path(&self.members[index].name);
        let member = &mut self.members[index];
        if member.process.is_some() {
            return;
        }
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut command = Command::new(&self.peer.etcd);
        command
            .args(["--name", &member.name])
            .arg("--data-dir")
            .arg(&member.data_dir)
            .args(["--listen-client-urls", &member.client_url])
            .args(["--advertise-client-urls", &member.client_url])
            .args(["--listen-peer-urls", &member.peer_url])
            .args(["--initial-advertise-peer-urls", &member.peer_url])
            .args(["--initial-cluster", &initial_cluster])
            .args(["--initial-cluster-token", &self.settings.token])
            .args(["--initial-cluster-state", initial_cluster_state])
            .args(["--logger", "zap", "--log-outputs", "stderr"])
            .args(&self.settings.arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        clean_environment(&mut command);
        let process = command.spawn();
        member.process = Some(process.unwrap_or_else(|error| panic!("{command:?}: {error}")));
    }

    /// Waits until every running member answers a linearizable read; panics with its log when one does not.
    pub(crate) fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + BOOT_DEADLINE;
        for index in 0..self.members.len() {
            loop {
                let member = &mut self.members[index];
                let Some(process) = &mut member.process else {
                    break;
                };
                let ended = process.try_wait().unwrap();
                if ended.is_none() && Client::new(&member.client_url).answers() {
                    break;
                }
                if ended.is_some() || Instant::now() > deadline {
                    let name = member.name.clone();
                    let log = self.log(&name);
                    let tail: Vec<_> = log.lines().rev().take(40).collect();
                    let tail: Vec<_> = tail.into_iter().rev().collect();
                    panic!(
                        "etcd {} {name} does not answer (ended: {ended:?}); its log ends:\n{}",
                        self.peer.name(),
                        tail.join("\n")
                    );
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }

    /// A client of the first member.
    pub(crate) fn client(&self) -> Client {
        self.client_of(0)
    }

    /// A client of one member.
    pub(crate) fn client_of(&self, index: usize) -> Client {
        Client::new(&self.members[index].client_url)
    }

    /// Has etcdctl save a snapshot of the first member.
    pub(crate) fn save(&self, file: &Path) {
        let file = file.to_str().expect("a path of UTF-8");
        self.peer
            .ctl(&self.members[0].client_url, ["snapshot", "save", file])
            .ok();
    }

    /// What a member says of its keys up to revision `at` (0: newest), by etcdctl: the gateway's path for it
    /// differs between versions. `user` is `name:password` where authentication is on.
    ///
    /// # Errors
    /// What etcdctl said when the server refused, as 3.4 does at the compact revision.
    pub(crate) fn hash_kv(
        &self,
        index: usize,
        at: i64,
        user: Option<&str>,
    ) -> Result<HashKv, String> {
        let at = format!("--rev={at}");
        let mut arguments = vec!["endpoint", "hashkv", "-w", "json", &at];
        if let Some(user) = user {
            arguments.extend(["--user", user]);
        }
        let ran = self.peer.ctl(&self.members[index].client_url, arguments);
        if ran.code != Some(0) {
            return Err(ran.stderr);
        }
        let answer = &ran.json()[0]["HashKV"];
        Ok(HashKv {
            hash: u32::try_from(answer["hash"].as_u64().unwrap()).unwrap(),
            compact_revision: answer["compact_revision"].as_i64().unwrap_or_default(),
        })
    }

    /// What a member logged so far.
    pub(crate) fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.log_path(name)).unwrap_or_default()
    }

    fn log_path(&self, name: &str) -> PathBuf {
        self.folder
            .as_ref()
            .expect("kept until dropped")
            .path()
            .join(format!("{name}.log"))
    }

    /// Ends every member as an operator would, and waits until it is over.
    pub(crate) fn stop(&mut self) {
        self.end(Signal::TERM);
    }

    /// Ends every member at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    fn end(&mut self, signal: Signal) {
        for member in &self.members {
            if let Some(process) = &member.process {
                // Fails when it ended by itself, which is what is wanted.
                let _ = kill_process(Pid::from_child(process), signal);
            }
        }
        for member in &mut self.members {
            if let Some(mut process) = member.process.take() {
                let deadline = Instant::now() + Duration::from_secs(10);
                while process.try_wait().unwrap().is_none() {
                    if Instant::now() > deadline {
                        let _ = process.kill();
                    }
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let kept = self.folder.take().map(TempDir::keep);
            eprintln!(
                "etcd {}: data and logs are kept in {kept:?}",
                self.peer.name()
            );
        }
    }
}

/// A port of 127.0.0.1 that nobody listens on, and that this run has not given out before.
///
/// It lies below those that Linux takes for outgoing connections: one of those would be in the way when a
/// member is started again.
pub(crate) fn free_port() -> u16 {
    const FIRST: u16 = 15_000;
    const COUNT: u16 = 17_000;
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut given = GIVEN.lock().unwrap();
    // Runs side by side start apart from each other.
    let apart = std::process::id().wrapping_mul(7919) % u32::from(COUNT);
    let start = u16::try_from(apart).unwrap();
    let port = (0..COUNT)
        .map(|n| FIRST + (start + n) % COUNT)
        .find(|port| !given.contains(port) && TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port");
    given.insert(port);
    port
}
