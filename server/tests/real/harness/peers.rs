//! Which versions of etcd are here.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::run::{Ran, run};

/// The minor versions that the tests know of; one that is not here is named in the summary.
const MINORS: [u32; 4] = [4, 5, 6, 7];

/// One version of etcd: its server and its tools.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// Major, minor, patch, as its server says.
    pub(crate) version: (u32, u32, u32),
    /// The server.
    pub(crate) etcd: PathBuf,
    /// The client.
    pub(crate) etcdctl: PathBuf,
    /// The tool that works on files; 3.4 has none, its `etcdctl` does that.
    pub(crate) etcdutl: Option<PathBuf>,
}

/// All versions that are here.
#[derive(Debug)]
pub(crate) struct Peers(BTreeMap<(u32, u32, u32), Peer>);

/// Looks once.
///
/// # Panics
/// When etcd 3.4 or 3.5.1 is missing: without them the tests would prove nothing.
pub(crate) fn peers() -> &'static Peers {
    static PEERS: OnceLock<Peers> = OnceLock::new();
    PEERS.get_or_init(|| {
        let peers = Peers::find();
        peers.write_summary();
        assert!(
            peers.newest(4).is_some(),
            "etcd 3.4 is not here: install Debian's etcd-server and etcd-client, or run `make setup`"
        );
        assert!(
            peers.0.contains_key(&(3, 5, 1)),
            "etcd 3.5.1 is not in the cache folder: run `make setup`"
        );
        peers
    })
}

impl Peers {
    fn find() -> Self {
        let mut folders = vec![
            PathBuf::from("/usr/bin"),
            cache_folder().join("etcd-v3.5.1"),
        ];
        if let Some(more) = std::env::var_os("REQUORUM_PEERS") {
            let more = PathBuf::from(more);
            let listed = std::fs::read_dir(&more)
                .unwrap_or_else(|error| panic!("REQUORUM_PEERS={}: {error}", more.display()));
            folders.extend(
                listed
                    .map(|entry| entry.unwrap().path())
                    .filter(|path| path.is_dir()),
            );
        }
        let found = folders.iter().filter_map(|folder| Peer::in_folder(folder));
        Self(found.map(|peer| (peer.version, peer)).collect())
    }

    /// Every version, oldest first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Peer> {
        self.0.values()
    }

    /// The newest patch of 3.`minor`.
    pub(crate) fn newest(&self, minor: u32) -> Option<&Peer> {
        self.0
            .values()
            .rfind(|peer| (peer.version.0, peer.version.1) == (3, minor))
    }

    /// The newest patch of 3.`minor`; says that the caller is skipped when there is none.
    pub(crate) fn newest_or_skip(&self, minor: u32, test: &str) -> Option<&Peer> {
        let found = self.newest(minor);
        if found.is_none() {
            say(&format!(
                "{test}: skipped for etcd 3.{minor}, which is not here (REQUORUM_PEERS)"
            ));
        }
        found
    }

    /// 3.5.1, which every machine has.
    pub(crate) fn v3_5_1(&self) -> &Peer {
        &self.0[&(3, 5, 1)]
    }

    /// Leaves one line for the end of `make test`: what was tested against, and what was not.
    fn write_summary(&self) {
        let mut line = String::from("etcd tested against:");
        for peer in self.all() {
            let _ = write!(line, " {}", peer.name());
        }
        let absent: Vec<_> = MINORS
            .into_iter()
            .filter(|minor| self.newest(*minor).is_none())
            .map(|minor| format!("3.{minor}"))
            .collect();
        match absent.as_slice() {
            [] => line.push_str("; none skipped"),
            absent => {
                let _ = write!(
                    line,
                    "; skipped, not here: {} (set REQUORUM_PEERS)",
                    absent.join(", ")
                );
            }
        }
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers.txt");
        std::fs::write(path, format!("{line}\n")).unwrap();
        say(&line);
    }
}

impl Peer {
    /// `None` when there is no etcd, or one that cannot say its version.
    fn in_folder(folder: &Path) -> Option<Self> {
        let etcd = folder.join("etcd");
        let etcdctl = folder.join("etcdctl");
        if !etcd.exists() || !etcdctl.exists() {
            return None;
        }
        let said = run(&etcd, ["--version"]).ok();
        let version = said
            .lines()
            .find_map(|line| line.strip_prefix("etcd Version: "))?;
        let mut numbers = version
            .split(['.', '-', '+'])
            .map(|number| number.parse().ok());
        Some(Self {
            version: (numbers.next()??, numbers.next()??, numbers.next()??),
            etcd,
            etcdctl,
            etcdutl: Some(folder.join("etcdutl")).filter(|path| path.exists()),
        })
    }

    /// `3.5.1`
    pub(crate) fn name(&self) -> String {
        let (major, minor, patch) = self.version;
        format!("{major}.{minor}.{patch}")
    }

    /// Whether it is 3.`minor` or newer.
    pub(crate) fn at_least(&self, minor: u32) -> bool {
        (self.version.0, self.version.1) >= (3, minor)
    }

    /// Runs the tool that works on files: `etcdutl`, or in 3.4 `etcdctl`.
    pub(crate) fn utl<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ran {
        run(self.etcdutl.as_ref().unwrap_or(&self.etcdctl), arguments)
    }

    /// Runs `etcdctl` against `endpoint`.
    pub(crate) fn ctl<S: AsRef<OsStr>>(
        &self,
        endpoint: &str,
        arguments: impl IntoIterator<Item = S>,
    ) -> Ran {
        let mut all = vec![OsString::from(format!("--endpoints={endpoint}"))];
        all.extend(
            arguments
                .into_iter()
                .map(|argument| argument.as_ref().to_owned()),
        );
        run(&self.etcdctl, all)
    }

    /// What `snapshot status FILE -w FORMAT` of this version prints.
    pub(crate) fn status(&self, file: &Path, format: &str) -> Ran {
        self.utl([
            OsStr::new("snapshot"),
            "status".as_ref(),
            file.as_ref(),
            "-w".as_ref(),
            format.as_ref(),
        ])
    }
}

/// Where `make` keeps what it installed.
fn cache_folder() -> PathBuf {
    let under = |name: &str, below: &str| Some(PathBuf::from(std::env::var_os(name)?).join(below));
    under("REQUORUM_CACHE", "")
        .or_else(|| under("XDG_CACHE_HOME", "requorum"))
        .or_else(|| under("HOME", ".cache/requorum"))
        .expect("none of REQUORUM_CACHE, XDG_CACHE_HOME and HOME is set")
}

/// Past the test runner, which would keep a passing test's words to itself.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
