//! Boot checks with the real etcd servers that are here: PATH, and each version below `REQUORUM_PEERS`.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use requorum_shared::etcd::recovery::restore::{RestoreRequest, Target, TargetVersion};
use requorum_shared::finding::{Check, Outcome};
use requorum_shared::job::fold::JobState;

use crate::support::harness::{Options, TestServer};
use crate::support::recovery::{Console, request};

/// Folders with an etcd, and the minor that it is.
fn etcds() -> Vec<(PathBuf, TargetVersion)> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Some(peers) = std::env::var_os("REQUORUM_PEERS") {
        folders.extend(
            std::fs::read_dir(peers)
                .into_iter()
                .flatten()
                .flatten()
                .map(|e| e.path()),
        );
    }
    let mut found: Vec<(PathBuf, TargetVersion)> = folders
        .into_iter()
        .filter_map(|folder| Some((folder.clone(), minor(&folder)?)))
        .collect();
    found.sort_by_key(|(_, version)| *version);
    found.dedup_by_key(|(_, version)| *version);
    if found.is_empty() {
        eprintln!("SKIPPED: no etcd on PATH or below REQUORUM_PEERS; nothing was booted");
    }
    found
}

fn minor(folder: &Path) -> Option<TargetVersion> {
    let output = Command::new(folder.join("etcd"))
        .arg("--version")
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let version = text
        .lines()
        .find_map(|l| l.strip_prefix("etcd Version: "))?;
    version.rsplit_once('.')?.0.parse().ok()
}

async fn restore(folder: &Path, file: &str, change: impl Fn(&mut RestoreRequest)) -> Vec<Check> {
    let server = TestServer::with(Options {
        etcd_bin: vec![folder.into()],
        ..Options::default()
    })
    .await;
    let console = Console::over(&server).await;
    let snapshot = console.upload(file).await;
    let mut request = request(&snapshot, "a");
    change(&mut request);
    let job = console.run(&request).await;
    let view = console.finished(&job.id).await;
    assert_eq!(view.state, JobState::Completed, "{file}: {view:#?}");
    let scratch = server.data_dir().join("scratch");
    assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0);
    assert!(!runs_below(&scratch), "no etcd is left");
    server.stop().await;
    view.checks
}

/// Whether any process works below this folder.
pub(crate) fn runs_below(folder: &Path) -> bool {
    let folder = folder.display().to_string();
    std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        std::fs::read(entry.path().join("cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&folder))
    })
}

fn outcome(checks: &[Check], name: &str) -> Outcome {
    checks
        .iter()
        .find(|c| c.name == name)
        .unwrap_or_else(|| panic!("{name} is not among {checks:#?}"))
        .outcome
}

const ALL: [&str; 9] = [
    "Every member boots",
    "The members elect one leader",
    "Member list matches the plan",
    "HashKV is equal on all members",
    "HashKV equals the snapshot's",
    "Revision matches the plan",
    "Key count equals the snapshot's",
    "Placed files boot",
    "A key can be written and deleted",
];

#[tokio::test]
async fn three_members_boot_and_serve_what_the_snapshot_holds() {
    for (folder, version) in etcds() {
        let checks = restore(&folder, "3.4.23-mixed.db", |r| r.target_version = version).await;
        for name in ALL {
            assert_eq!(
                outcome(&checks, name),
                Outcome::Pass,
                "{version}: {name}: {checks:#?}"
            );
        }
    }
}

/// What another user of the machine would try while a boot check runs; how often there was a member to try it on.
fn look_around_as_another_user(scratch: &Path, over: &AtomicBool) -> usize {
    let mut looks = 0;
    while !over.load(Ordering::Relaxed) {
        for pid in pids_below(scratch) {
            let ports = ports_of(pid);
            assert!(ports.is_empty(), "etcd listens on the ports {ports:?}");
        }
        let bound = std::fs::read_dir(scratch)
            .unwrap()
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|e| e == "run"))
            .flat_map(|entry| std::fs::read_dir(entry.path()).into_iter().flatten())
            .flatten()
            .map(|entry| entry.path())
            .find(|path| {
                path.file_name()
                    .unwrap()
                    .as_encoded_bytes()
                    .starts_with(b"localhost:")
            });
        let Some(socket) = bound else {
            std::thread::yield_now();
            continue;
        };
        let mode = socket
            .parent()
            .unwrap()
            .metadata()
            .map(|m| m.mode() & 0o777);
        assert!(mode.is_err() || mode.unwrap() == 0o700);
        if rustix::process::geteuid().is_root() {
            // The folders above are opened to everyone first: the one with the sockets must be enough.
            let seen = Command::new("ls")
                .arg(&socket)
                .uid(65534)
                .gid(65534)
                .output();
            assert!(
                !seen.unwrap().status.success(),
                "{} was seen",
                socket.display()
            );
        }
        looks += 1;
    }
    looks
}

fn pids_below(folder: &Path) -> Vec<u32> {
    let folder = folder.display().to_string();
    let is_below = |pid: &u32| {
        std::fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&folder))
    };
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(is_below).collect()
}

/// The TCP ports on which a process listens.
fn ports_of(pid: u32) -> Vec<String> {
    let files = std::fs::read_dir(format!("/proc/{pid}/fd"));
    let sockets: Vec<String> = files
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|file| std::fs::read_link(file.path()).ok())
        .filter_map(|to| {
            let inode = to.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(inode.to_owned())
        })
        .collect();
    let mut ports = Vec::new();
    for table in ["tcp", "tcp6"] {
        let table = std::fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        for line in table.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let listens = fields.get(3) == Some(&"0A");
            if listens
                && fields
                    .get(9)
                    .is_some_and(|inode| sockets.iter().any(|s| s == inode))
            {
                ports.push(fields[1].to_owned());
            }
        }
    }
    ports
}

#[tokio::test]
async fn no_other_user_reaches_the_members_of_a_boot_check() {
    for (folder, version) in etcds() {
        let server = TestServer::with(Options {
            etcd_bin: vec![folder],
            ..Options::default()
        })
        .await;
        let console = Console::over(&server).await;
        let snapshot = console.upload("3.4.23-auth.db").await;
        let scratch = server.data_dir().join("scratch");
        for open in scratch.ancestors().take(3) {
            std::fs::set_permissions(open, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let over = Arc::new(AtomicBool::new(false));
        let stranger = {
            let (over, scratch) = (over.clone(), scratch.clone());
            std::thread::spawn(move || look_around_as_another_user(&scratch, &over))
        };
        let mut request = request(&snapshot, "a");
        request.target_version = version;
        let job = console.run(&request).await;
        let view = console.finished(&job.id).await;
        over.store(true, Ordering::Relaxed);
        let looks = stranger.join().unwrap();
        assert!(looks > 0, "{version}: there was nothing to look at");
        assert_eq!(view.state, JobState::Completed, "{version}: {view:#?}");
        assert_eq!(outcome(&view.checks, ALL[0]), Outcome::Pass);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_raised_revision_is_served() {
    for (folder, version) in etcds() {
        let checks = restore(&folder, "3.4.23-mixed.db", |r| {
            r.target_version = version;
            r.bump_revision = 1_000_000;
            r.mark_compacted = true;
        })
        .await;
        // Every check passes, and one that could not is not among them.
        for name in ALL.into_iter().filter(|name| *name != ALL[4]) {
            assert_eq!(
                outcome(&checks, name),
                Outcome::Pass,
                "{version}: {name}: {checks:#?}"
            );
        }
        assert!(
            checks.iter().all(|c| c.outcome == Outcome::Pass),
            "{checks:#?}"
        );
        assert!(checks.iter().all(|c| c.name != ALL[4]), "{checks:#?}");
        let equal = checks.iter().find(|c| c.name == ALL[3]).unwrap();
        assert!(equal.evidence.contains(" (0x"), "{equal:?}");
        let revision = checks.iter().find(|c| c.name == ALL[5]).unwrap();
        assert!(
            revision.evidence.contains("1 000 339"),
            "{}",
            revision.evidence
        );
    }
}

#[tokio::test]
async fn passwords_and_alarms_do_not_stand_in_the_way_of_looking() {
    for (index, (folder, version)) in etcds().into_iter().enumerate() {
        // What asks for passwords differs by version; the others are tried on one.
        let files = ["3.4.23-auth.db", "3.4.23-nospace.db", "3.4.23-lease.db"];
        for file in &files[..if index == 0 { 3 } else { 1 }] {
            let checks = restore(&folder, file, |r| {
                r.target_version = version;
                r.target = Target::Download;
                r.members.truncate(1);
            })
            .await;
            for name in ALL {
                assert_ne!(
                    outcome(&checks, name),
                    Outcome::Fail,
                    "{version}: {file}: {name}: {checks:#?}"
                );
            }
            assert_eq!(
                outcome(&checks, ALL[4]),
                Outcome::Pass,
                "{file}: {checks:#?}"
            );
            // An alarm that was kept refuses writes, and says so.
            let writes = checks.iter().find(|c| c.name == ALL[8]).unwrap();
            let (expected, word) = match file.contains("nospace") {
                true => (Outcome::NotChecked, "refuses writes"),
                false => (Outcome::Pass, "in the throw-away restore only"),
            };
            assert_eq!(writes.outcome, expected, "{version}: {writes:?}");
            assert!(writes.evidence.contains(word), "{version}: {writes:?}");
            let placed = checks.iter().find(|c| c.name == ALL[7]).unwrap();
            assert_eq!(
                placed.evidence.contains("asks for a password"),
                file.contains("auth"),
                "{version}: {placed:?}"
            );
        }
    }
}

#[tokio::test]
async fn without_that_etcd_nothing_is_called_checked() {
    let missing = TargetVersion::ALL.into_iter().find(|version| {
        !etcds().iter().any(|(_, have)| have == version) || *version == TargetVersion::V3_7
    });
    // PATH is searched as well: a version that is nowhere is asked for.
    let on_path = |version: TargetVersion| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| minor(&folder) == Some(version))
    };
    let Some(version) = missing.filter(|version| !on_path(*version)) else {
        eprintln!("SKIPPED: every etcd is here");
        return;
    };
    let checks = restore(Path::new("/nowhere"), "3.4.23-mixed.db", |r| {
        r.target_version = version
    })
    .await;
    for name in ALL {
        assert_eq!(outcome(&checks, name), Outcome::NotChecked);
    }
    let why = &checks.iter().find(|c| c.name == ALL[0]).unwrap().evidence;
    assert!(
        why.contains(&format!("no etcd {version}")) && why.contains("--etcd-bin"),
        "{why}"
    );
}
