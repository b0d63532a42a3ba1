//! `requorum snapshot restore` as a person types it: what it writes, what it refuses, and what it leaves behind.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

const THREE: &str = "m1=http://127.0.0.1:30001,m2=http://127.0.0.1:30003,m3=http://127.0.0.1:30005";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../shared/testdata/etcd/{name}.db"))
}

/// A folder to work in.
struct WorkDir(TempDir);

impl WorkDir {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_requorum"));
        command
            .args(["snapshot", "restore"])
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        command
    }

    fn restore(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// A restore of the standard file that succeeds.
    #[track_caller]
    fn restored(&self, arguments: &[&str]) -> String {
        let file = fixture("3.6.14-mixed");
        let all = [&[file.to_str().unwrap()], arguments].concat();
        let output = self.restore(&all);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(output.stdout.is_empty());
        said
    }

    /// A restore that fails with this exit code, says all of this, and leaves everything as it was.
    #[track_caller]
    fn refused(&self, arguments: &[&str], code: i32, words: &[&str]) {
        let before = self.tree();
        let output = self.restore(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        for word in words {
            assert!(
                said.contains(word),
                "{arguments:?} says nothing of {word:?}: {said}"
            );
        }
        assert_eq!(self.tree(), before, "{arguments:?}");
    }

    /// The same for the standard file.
    #[track_caller]
    fn flags_refused(&self, arguments: &[&str], code: i32, words: &[&str]) {
        let file = fixture("3.6.14-mixed");
        self.refused(
            &[&[file.to_str().unwrap()], arguments].concat(),
            code,
            words,
        );
    }

    fn tree(&self) -> BTreeSet<PathBuf> {
        fn walk(folder: &Path, into: &mut BTreeSet<PathBuf>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, into);
                }
                into.insert(path);
            }
        }
        let mut paths = BTreeSet::new();
        walk(self.0.path(), &mut paths);
        paths
    }
}

#[test]
fn the_defaults_are_etcdutls() {
    let place = WorkDir::new();
    place.restored(&["--target-version", "3.5"]);
    let member = place.path("default.etcd/member");
    let wal = std::fs::read(member.join("wal/0000000000000000-0000000000000000.wal")).unwrap();
    assert_eq!(wal.len(), 64_000_000);
    // Member and cluster id of `default=http://localhost:2380` under the token `etcd-cluster`.
    let metadata = "080110bb81c7fc051a1608cdd2918bd2b881cf8e0110b298eaf1948386fccd01";
    assert_eq!(hex::encode(&wal[24..56]), metadata);
    assert_eq!(std::fs::read_dir(member.join("snap")).unwrap().count(), 2);
}

#[test]
fn conformance_13_existing_directories() {
    // An empty one is taken from 3.5 on, and made by nobody else for 3.4.
    for (version, code) in [("3.4", 1), ("3.5", 0), ("3.6", 0), ("3.7", 0)] {
        let place = WorkDir::new();
        std::fs::create_dir(place.path("data")).unwrap();
        let flags = ["--data-dir", "data", "--target-version", version];
        if code == 0 {
            place.restored(&flags);
            assert!(place.path("data/member/snap/db").exists());
        } else {
            place.flags_refused(&flags, code, &["data already exists"]);
        }
    }
    // One that holds something never.
    let place = WorkDir::new();
    std::fs::create_dir(place.path("data")).unwrap();
    std::fs::write(place.path("data/mine"), "kept").unwrap();
    place.flags_refused(
        &["--data-dir", "data"],
        1,
        &["data is not empty", "Choose another place"],
    );
    // A second restore finds the first.
    let place = WorkDir::new();
    place.restored(&["--data-dir", "data"]);
    place.flags_refused(&["--data-dir", "data"], 1, &["already exists"]);
}

#[test]
fn conformance_13_wal_directories() {
    let place = WorkDir::new();
    std::fs::create_dir(place.path("wal")).unwrap();
    std::fs::write(place.path("wal/mine"), "kept").unwrap();
    let flags = ["--data-dir", "data", "--wal-dir", "wal"];
    place.flags_refused(&flags, 1, &["wal is not empty"]);
    std::fs::remove_file(place.path("wal/mine")).unwrap();
    // An empty one is used from inside: it may be a mount point.
    place.restored(&flags);
    assert_eq!(std::fs::read_dir(place.path("wal")).unwrap().count(), 1);
    place.flags_refused(&flags, 1, &["already exists"]);
    std::fs::remove_dir_all(place.path("data")).unwrap();
    std::fs::remove_dir_all(place.path("wal")).unwrap();
    place.restored(&flags);
    assert!(
        place
            .path("wal/0000000000000000-0000000000000000.wal")
            .exists()
    );
    assert!(!place.path("data/member/wal").exists());
    let inside = ["--data-dir", "other", "--wal-dir", "other/wal"];
    place.flags_refused(&inside, 2, &["lies inside the data directory"]);
}

/// Runs a restore where `data` and `wal` are file systems of their own, made as `mke2fs` makes them.
#[test]
fn file_systems_with_lost_and_found_are_taken_for_empty() {
    let file = fixture("3.6.14-mixed");
    for (flags, found) in [
        ("--data-dir data", "data/member/snap/db"),
        (
            "--data-dir data --wal-dir wal",
            "wal/0000000000000000-0000000000000000.wal",
        ),
        ("--all-members data", "data/default/member/snap/db"),
    ] {
        let place = WorkDir::new();
        let script = format!(
            "mkdir data wal && mount -t tmpfs none data && mount -t tmpfs none wal || exit 77
             mkdir data/lost+found wal/lost+found
             \"$0\" snapshot restore \"$1\" {flags} || exit 1
             test -e {found} && test -d data/lost+found && test -d wal/lost+found"
        );
        let output = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
            .arg(env!("CARGO_BIN_EXE_requorum"))
            .arg(&file)
            .current_dir(place.0.path())
            .output();
        match output {
            Ok(output) if output.status.success() => {}
            Ok(output)
                if output.status.code() == Some(1) && output.stderr.starts_with(b"unshare:") =>
            {
                eprintln!("SKIPPED: no file system can be mounted here");
                return;
            }
            Ok(output) if output.status.code() == Some(77) => {
                eprintln!("SKIPPED: no file system can be mounted here");
                return;
            }
            other => panic!("{flags}: {other:?}"),
        }
    }
    // Elsewhere it is a folder like others.
    let place = WorkDir::new();
    std::fs::create_dir_all(place.path("data/lost+found")).unwrap();
    place.flags_refused(&["--data-dir", "data"], 1, &["data is not empty"]);
}

#[test]
fn a_limit_on_file_sizes_is_said_and_leaves_nothing() {
    let place = WorkDir::new();
    // In blocks of 512 bytes: the database fits, the WAL of 64 MB does not.
    let output = Command::new("sh")
        .args([
            "-c",
            "ulimit -f 20000; exec \"$0\" snapshot restore \"$1\" --data-dir data",
        ])
        .arg(env!("CARGO_BIN_EXE_requorum"))
        .arg(fixture("3.6.14-mixed"))
        .current_dir(place.0.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("ulimit -f"), "{said}");
    assert_eq!(place.tree(), BTreeSet::new());
}

#[test]
fn a_data_dir_that_is_a_link_is_followed() {
    let place = WorkDir::new();
    std::fs::create_dir(place.path("disk")).unwrap();
    std::os::unix::fs::symlink(place.path("disk"), place.path("data")).unwrap();
    place.restored(&["--data-dir", "data"]);
    assert!(place.path("disk/member/snap/db").exists());
}

#[test]
fn all_members_in_one_run() {
    let place = WorkDir::new();
    let flags = ["--initial-cluster", THREE, "--initial-cluster-token", "tok"];
    let all = [&flags[..], &["--all-members", "new"]].concat();
    let said = place.restored(&all);
    assert!(said.contains("cluster d9160580f13d8e91"), "{said}");
    let read =
        |member: &str| std::fs::read(place.path(&format!("new/{member}/member/snap/db"))).unwrap();
    assert_eq!(read("m1"), read("m2"));
    assert_eq!(read("m1"), read("m3"));
    // Each is what a run for that member alone writes.
    let own = [
        &flags[..],
        &[
            "--name",
            "m2",
            "--initial-advertise-peer-urls",
            "http://127.0.0.1:30003",
            "--data-dir",
            "alone",
        ],
    ]
    .concat();
    place.restored(&own);
    for file in [
        "snap/db",
        "snap/0000000000000001-0000000000000003.snap",
        "wal/0000000000000000-0000000000000000.wal",
    ] {
        let together = std::fs::read(place.path("new/m2/member").join(file)).unwrap();
        let alone = std::fs::read(place.path("alone/member").join(file)).unwrap();
        assert!(together == alone, "{file} differs");
    }
    place.flags_refused(&all, 1, &["new/m", "already exists"]);
    place.flags_refused(
        &["--all-members", "x", "--name", "m1"],
        2,
        &["cannot be used with"],
    );
}

#[test]
fn conformance_37_mistakes_in_the_cluster() {
    let place = WorkDir::new();
    for (cluster, words) in [
        ("m1=http://a:1/", "a path, even a single slash"),
        ("m1=a:1", "the scheme is missing"),
        ("m1=http://a", "needs a port"),
        ("m1=http://a:1, m2=http://b:1", "contains white space"),
        ("m1=http://a:1,m2=http://a:1", "is also used by member m2"),
        ("m1", "peer URL is empty"),
        (
            "m1=http://a:1,..=http://b:1",
            "cannot be the name of a member's folder",
        ),
        ("m1=http://a:1,a/b=http://b:1", "contains '/'"),
    ] {
        let flags = ["--initial-cluster", cluster, "--all-members", "new"];
        place.flags_refused(&flags, 2, &[words]);
    }
    place.flags_refused(&["--name", "m9"], 2, &["couldn't find local name \"m9\""]);
    place.flags_refused(
        &["--initial-advertise-peer-urls", "http://127.0.0.1:2380"],
        2,
        &["--initial-cluster has http://localhost:2380 but missing from"],
    );
    place.flags_refused(
        &["--initial-advertise-peer-urls", "http://localhost:2380/"],
        2,
        &["a path"],
    );
}

#[test]
fn conformance_37_a_name_used_twice_is_said() {
    let place = WorkDir::new();
    let twice = "m1=http://127.0.0.1:1,m1=http://127.0.0.1:2";
    let flags = ["--initial-cluster", twice, "--all-members", "new"];
    let said = place.restored(&flags);
    assert!(
        said.contains("warning: member m1: It is named twice"),
        "{said}"
    );
}

#[test]
fn conformance_38_bumps() {
    let place = WorkDir::new();
    place.flags_refused(&["--bump-revision", "5"], 2, &["Add --mark-compacted"]);
    place.flags_refused(&["--mark-compacted"], 2, &["Add --bump-revision"]);
    place.flags_refused(
        &["--mark-compacted=true", "--bump-revision=0"],
        2,
        &["--bump-revision"],
    );
    for bump in ["18446744073709551615", "9223372036854775807"] {
        let flags = ["--bump-revision", bump, "--mark-compacted"];
        place.flags_refused(&flags, 1, &["exceeds the largest revision"]);
    }
    let said = place.restored(&["--bump-revision", "1000", "--mark-compacted=true"]);
    assert!(said.contains("revision 1 339"), "{said}");
}

#[test]
fn bad_files_are_named_and_leave_nothing() {
    let place = WorkDir::new();
    place.refused(&["missing.db"], 1, &["missing.db: there is no such file"]);
    std::fs::create_dir(place.path("folder")).unwrap();
    place.refused(&["folder"], 1, &["folder is a folder"]);
    let write = |name: &str, bytes: &[u8]| std::fs::write(place.path(name), bytes).unwrap();
    write("empty.db", b"");
    place.refused(&["empty.db"], 1, &["empty.db: This file is empty"]);
    write("text.db", &b"just a text\n".repeat(2000));
    place.refused(
        &["text.db"],
        1,
        &["text.db: This is a text; an etcd snapshot is needed here"],
    );

    let whole = std::fs::read(fixture("3.6.14-mixed")).unwrap();
    write("tiny.db", &whole[..100]);
    place.refused(&["tiny.db"], 1, &["tiny.db"]);
    write("cut.db", &whole[..40_000]);
    place.refused(&["cut.db"], 1, &["cut off"]);
    place.refused(&["cut.db", "--skip-hash-check"], 1, &["cut off"]);
    // No trailer: a copy, or a file that lost its end.
    write("copy.db", &whole[..whole.len() - 32]);
    place.refused(&["copy.db"], 1, &["no checksum", "--skip-hash-check"]);
    // A value that was changed: nothing but the trailer can tell.
    let mut flipped = whole.clone();
    let at = flipped
        .windows(9)
        .position(|bytes| bytes == b"value 192")
        .unwrap();
    flipped[at] = b'V';
    write("flipped.db", &flipped);
    place.refused(&["flipped.db"], 1, &["changed after it was saved"]);
    // A page that lost its identity: no flag makes that good.
    let mut broken = whole;
    for page in 2..18 {
        broken[page * 4096] ^= 0x55;
    }
    write("broken.db", &broken);
    place.refused(
        &["broken.db", "--skip-hash-check"],
        1,
        &["The page tree is damaged"],
    );

    let output = place.restore(&["copy.db", "--skip-hash-check=true"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("warning: --skip-hash-check: The file has no checksum"),
        "{said}"
    );
}

#[test]
fn conformance_40_targets_that_cannot_be_written() {
    let place = WorkDir::new();
    place.flags_refused(&["--data-dir", "/proc/requorum"], 1, &["/proc/requorum"]);
    place.flags_refused(
        &["--data-dir", "no/such/folder"],
        1,
        &["the folder above", "create it first"],
    );
    std::fs::write(place.path("file"), "mine").unwrap();
    place.flags_refused(&["--data-dir", "file"], 1, &["file is not a folder"]);
    if !rustix::process::geteuid().is_root() {
        let closed = place.path("closed");
        std::fs::create_dir(&closed).unwrap();
        std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o500)).unwrap();
        place.flags_refused(&["--data-dir", "closed/data"], 1, &["Permission denied"]);
    }
}

#[test]
fn what_survives_is_said_before_anything_is_placed() {
    let place = WorkDir::new();
    for (name, words) in [
        (
            "3.6.14-nospace",
            "warning: alarms: The restored cluster keeps an active alarm",
        ),
        (
            "3.6.14-auth",
            "warning: authentication: Authentication stays on",
        ),
        ("3.6.14-lease", "note: leases:"),
        ("3.6.14-downgrading", "warning: downgrade:"),
    ] {
        let file = fixture(name);
        let output = place.restore(&[file.to_str().unwrap(), "--data-dir", name]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains(words), "{name}: {said}");
    }
    let newer = fixture("3.7.1-mixed");
    let newer = newer.to_str().unwrap();
    place.refused(
        &[newer, "--data-dir", "x"],
        1,
        &["etcd 3.6 refuses to start"],
    );
    let output = place.restore(&[newer, "--data-dir", "x", "--lower-versions"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn usage_errors_exit_with_2() {
    let place = WorkDir::new();
    place.refused(&[], 2, &["FILE"]);
    place.refused(&["a.db", "b.db"], 2, &["b.db"]);
    place.refused(
        &["a.db", "--target-version", "3.3"],
        2,
        &["3.3 is not one of 3.4, 3.5, 3.6, 3.7"],
    );
}

/// A file that takes seconds to read: a database with a long tail of nothing.
fn slow_file(place: &WorkDir) -> PathBuf {
    let whole = std::fs::read(fixture("3.6.14-mixed")).unwrap();
    let path = place.path("slow.db");
    std::fs::write(&path, &whole[..whole.len() - 32]).unwrap();
    std::fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(64 << 30)
        .unwrap();
    path
}

/// Starts a restore of it and gives the process once it is writing.
fn start(place: &WorkDir) -> std::process::Child {
    let mut child = place
        .command(&["slow.db", "--skip-hash-check", "--data-dir", "data"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    let writing = || {
        place
            .tree()
            .iter()
            .any(|path| path.ends_with("member/snap/db"))
    };
    while !writing() {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before it began"
        );
        assert!(Instant::now() < deadline, "it did not begin");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

#[test]
fn an_interrupt_clears_everything_away() {
    for signal in [Signal::INT, Signal::TERM] {
        let place = WorkDir::new();
        slow_file(&place);
        let before = place.tree();
        let child = start(&place);
        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("nothing was left behind"), "{said}");
        assert_eq!(place.tree(), before);
    }
}

#[test]
fn conformance_39_after_a_kill_the_same_command_succeeds() {
    let place = WorkDir::new();
    let path = slow_file(&place);
    let mut child = start(&place);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!place.path("data").exists());
    // The file was cut to what it should be, as after a second download.
    let size = fixture("3.6.14-mixed").metadata().unwrap().len() - 32;
    std::fs::File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_len(size)
        .unwrap();
    let output = place.restore(&["slow.db", "--skip-hash-check", "--data-dir", "data"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let names: Vec<_> = std::fs::read_dir(place.0.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "slow.db")
        .collect();
    assert_eq!(names, ["data"]);
}
