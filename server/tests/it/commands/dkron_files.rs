//! `requorum dkron inspect` and `peers` as processes: what they find, what they refuse, and files left alone.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, FlockOperation, Mode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../shared/testdata/raft/{name}"))
}

/// A data directory in a folder of its own, with the raft folder of a fixture in it.
fn copy(name: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    copy_all(&fixture(name).join("raft"), &folder.path().join("raft"));
    folder
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_all(&entry.path(), &target),
            false => drop(fs::write(&target, fs::read(entry.path()).unwrap())),
        }
    }
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

/// Runs `requorum dkron …`; it must end by itself.
fn dkron(arguments: &[&str], paths: &[&Path]) -> Said {
    let started = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_requorum"))
        .arg("dkron")
        .args(arguments)
        .args(paths)
        .output()
        .unwrap();
    assert!(started.elapsed() < Duration::from_secs(30));
    Said {
        code: output.status.code().expect("it was not killed"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn inspected(paths: &[&Path]) -> Value {
    let said = dkron(&["inspect", "--json"], paths);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    serde_json::from_str(&said.out).unwrap()
}

/// Names below a folder.
fn listed(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn conformance_52_two_servers_are_compared() {
    let [longer, newer] =
        ["longer-older-term", "newer-term"].map(|name| fixture("divergent").join(name));
    let said = inspected(&[&longer, &newer]);
    let [first, second] = [&said["servers"][0], &said["servers"][1]];
    assert_eq!(first["last"], json!({ "term": 2, "index": 169 }));
    assert_eq!(second["last"], json!({ "term": 3, "index": 132 }));
    assert_eq!(
        first["lastVote"],
        json!({ "term": 2, "candidate": "127.0.0.1:25811" })
    );
    assert_eq!(
        (&first["firstLog"], &first["lastLog"]),
        (&json!(1), &json!(169))
    );
    assert_eq!(first["jobs"].as_array().unwrap().len(), 48);
    let ranking = &said["ranking"];
    assert_eq!(ranking["servers"][0]["path"], json!(newer));
    assert_eq!(ranking["divergence"], 129);
    assert_eq!(ranking["servers"][1]["lost"]["first"], 130);
    assert_eq!(
        ranking["servers"][1]["onlyHere"].as_array().unwrap().len(),
        40
    );
    let text = dkron(&["inspect"], &[&longer, &newer]);
    for part in [
        "last entry 169 of term 2, 48 jobs",
        "All have the same history up to entry 129.",
        "has the newest term",
        "Entries 130 to 169 would be lost.",
        "unconfirmed-39",
    ] {
        assert!(text.out.contains(part), "{part}: {}", text.out);
    }
    assert_eq!(inspected(&[&longer])["ranking"], Value::Null);
}

#[test]
fn a_server_is_found_by_what_its_files_hold() {
    let data = copy("killed");
    let raft = data.path().join("raft");
    let jobs = |path: &Path| {
        inspected(&[path])["servers"][0]["jobs"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(jobs(data.path()), 10);
    assert_eq!(jobs(&raft), 10);
    assert_eq!(jobs(&raft.join("raft.db")), 10);
    let link = data.path().with_extension("link");
    symlink(data.path(), &link).unwrap();
    assert_eq!(jobs(&link), 10);
    fs::remove_file(&link).unwrap();
    fs::rename(raft.join("raft.db"), raft.join("copied")).unwrap();
    assert_eq!(jobs(data.path()), 10, "under another name");
    fs::copy(raft.join("copied"), raft.join("again")).unwrap();
    let said = dkron(&["inspect"], &[data.path()]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("more than one raft.db"), "{}", said.err);
}

#[test]
fn a_servers_own_folder_is_read_beside_copies_of_it() {
    let data = copy("killed");
    let raft = data.path().join("raft");
    copy_all(&raft, &data.path().join("raft.bak"));
    let snapshots = raft.join("snapshots");
    // What crashes in the middle of a snapshot leave.
    for n in 0..300 {
        fs::create_dir(snapshots.join(format!("3-{n}-1795244539948.tmp"))).unwrap();
    }
    let jobs = inspected(&[data.path()])["servers"][0]["jobs"].clone();
    assert_eq!(jobs.as_array().unwrap().len(), 10);
}

#[test]
fn conformance_19_and_22_what_holds_no_server_is_named_in_a_sentence() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("empty")).unwrap();
    fs::create_dir_all(at("fastlog/raft")).unwrap();
    fs::write(at("fastlog/raft/raft.db"), [0x5a; 70_000]).unwrap();
    fs::write(at("none"), b"").unwrap();
    fs::create_dir(at("piped")).unwrap();
    for pipe in [at("pipe"), at("piped/raft.db")] {
        rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR, 0).unwrap();
    }
    symlink(at("nothing"), at("dangling")).unwrap();
    let etcd =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata/etcd/3.6.14-mixed.db");
    for (path, words) in [
        (at("absent"), "there is no such file or folder"),
        (at("dangling"), "there is no such file or folder"),
        (at("empty"), "there is no raft.db in it"),
        (at("fastlog"), "Dkron Pro's FastLog"),
        (at("none"), "not a BoltDB database"),
        (at("pipe"), "is a pipe"),
        (at("piped"), "is a pipe"),
        (etcd, "without the buckets logs and conf"),
    ] {
        for command in ["inspect", "peers"] {
            let said = dkron(&[command], &[&path]);
            assert_eq!(
                (said.code, said.out.as_str()),
                (1, ""),
                "{}",
                path.display()
            );
            assert!(said.err.contains(words), "{words}: {}", said.err);
            assert_eq!(said.err.lines().count(), 1, "{}", said.err);
        }
    }
    // What can be read is still shown.
    let killed = fixture("killed");
    let said = dkron(&["inspect"], &[&at("absent"), &killed]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("10 jobs"), "{}", said.out);
}

#[test]
fn conformance_5_peers_is_printed_alone_with_its_hash_beside_it() {
    let servers = [fixture("stopped"), fixture("killed"), fixture("ghost")];
    let servers: Vec<&Path> = servers.iter().map(PathBuf::as_path).collect();
    let said = dkron(&["peers"], &servers);
    assert_eq!(said.code, 0, "{}", said.err);
    let sha256 = hex::encode(Sha256::digest(said.out.as_bytes()));
    assert!(
        said.err.contains(&format!("SHA-256 {sha256}")),
        "{}",
        said.err
    );
    assert!(
        said.err.contains("for node1 (127.0.0.1:25811), node2"),
        "{}",
        said.err
    );
    let list: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(
        list[2],
        json!({ "id": "node3", "address": "127.0.0.1:25813", "non_voter": false })
    );
    let alone = dkron(
        &[
            "peers",
            "--exclude",
            "node1",
            "--exclude=node2",
            "--address",
            "node3=10.0.0.3:6868",
        ],
        &[servers[1]],
    );
    let list: Value = serde_json::from_str(&alone.out).unwrap();
    assert_eq!(
        list,
        json!([{ "id": "node3", "address": "10.0.0.3:6868", "non_voter": false }])
    );
    let refused = dkron(&["peers", "--exclude=Node1"], &[servers[1]]);
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    assert!(
        refused.err.contains("BLOCKING [dkron.unknown-id]"),
        "{}",
        refused.err
    );
    for wrong in [
        &["peers", "--address=node1"][..],
        &["peers", "--address=node1=h:1", "--address=node1=h:2"],
        &["peers", "--exclude=node1", "--address=node1=h:1"],
        &["peers", "--exclude=node1", "--remaining=node1"],
    ] {
        assert_eq!(dkron(wrong, &[servers[1]]).code, 2, "{wrong:?}");
    }
    for command in ["peers", "inspect"] {
        let twice = dkron(&[command], &[servers[1], &servers[1].join("raft")]);
        assert_eq!((twice.code, twice.out.as_str()), (2, ""));
        assert!(twice.err.contains("the same server"), "{}", twice.err);
    }
}

#[test]
fn conformance_18_and_20_a_file_is_written_completely_and_replaces_none() {
    let data = copy("killed");
    let raft = data.path().join("raft");
    let target = raft.join("peers.json");
    let write = |target: &Path| {
        let output = format!("--output={}", target.display());
        dkron(
            &["peers", &output, "--exclude=node1", "--exclude=node2"],
            &[data.path()],
        )
    };
    let said = write(&target);
    assert_eq!((said.code, said.out.as_str()), (0, ""), "{}", said.err);
    let written = fs::read(&target).unwrap();
    assert!(
        said.err.contains(&hex::encode(Sha256::digest(&written))),
        "{}",
        said.err
    );
    assert_eq!(listed(&raft), ["peers.json", "raft.db", "snapshots"]);
    // It is there: said of it, and it stays.
    let again = write(&target);
    assert_eq!(again.code, 1);
    assert!(
        again.err.contains("exists, and is not replaced"),
        "{}",
        again.err
    );
    assert!(again.err.contains("[dkron.peers-json]"), "{}", again.err);
    fs::write(&target, b"[]").unwrap();
    assert_eq!(write(&raft.join("other")).code, 1, "the one there differs");
    assert_eq!(fs::read(&target).unwrap(), b"[]");
    fs::remove_file(&target).unwrap();
    symlink("nowhere", &target).unwrap();
    assert_eq!(write(&target).code, 1);
    assert_eq!(fs::read_link(&target).unwrap(), Path::new("nowhere"));
    fs::remove_file(&target).unwrap();
    // Where nothing can be written nothing is left.
    assert_eq!(write(&data.path().join("absent/peers.json")).code, 1);
    fs::write(raft.join("peers.json.part"), b"").unwrap();
    let said = write(&target);
    assert!(
        said.code == 1 && said.err.contains("peers.json.part"),
        "{}",
        said.err
    );
    assert_eq!(listed(&raft), ["peers.json.part", "raft.db", "snapshots"]);
    let full = Command::new(env!("CARGO_BIN_EXE_requorum"))
        .args(["dkron", "peers", "--exclude=node1", "--exclude=node2"])
        .arg(fixture("killed"))
        .stdout(File::options().write(true).open("/dev/full").unwrap())
        .output()
        .unwrap();
    assert_eq!(full.status.code(), Some(1), "what is cut off is no file");
}

#[test]
fn conformance_21_a_running_servers_files_are_read_as_such() {
    let data = copy("killed");
    let lock = File::open(data.path().join("raft/raft.db")).unwrap();
    rustix::fs::flock(&lock, FlockOperation::LockExclusive).unwrap();
    let said = dkron(&["inspect", "--json"], &[data.path()]);
    assert_eq!(said.code, 0, "{}", said.err);
    let seen: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(seen["servers"][0]["running"], true);
    assert_eq!(seen["servers"][0]["findings"][0]["code"], "dkron.running");
    let text = dkron(&["inspect"], &[data.path()]);
    assert!(
        text.out.contains("a Dkron server (running)"),
        "{}",
        text.out
    );
    let refused = dkron(&["peers"], &[data.path()]);
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    assert!(
        refused.err.contains("BLOCKING [dkron.running]"),
        "{}",
        refused.err
    );
}

#[test]
fn conformance_54_a_server_that_starts_is_not_kept_waiting() {
    let data = copy("killed");
    let path = data.path().join("raft/raft.db");
    let (started, mut longest, mut rounds) = (Instant::now(), Duration::ZERO, 0);
    while rounds < 5 || started.elapsed() < Duration::from_secs(1) {
        let mut reader = Command::new(env!("CARGO_BIN_EXE_requorum"))
            .args(["dkron", "inspect", "--json"])
            .arg(data.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        while reader.try_wait().unwrap().is_none() {
            let file = File::open(&path).unwrap();
            let waited = Instant::now();
            rustix::fs::flock(&file, FlockOperation::LockExclusive).unwrap();
            longest = longest.max(waited.elapsed());
        }
        rounds += 1;
    }
    assert!(longest < Duration::from_secs(1), "{longest:?}");
}

#[test]
fn conformance_39_names_from_files_stay_on_their_line() {
    let data = copy("killed");
    let path = data.path().join("raft/raft.db");
    let mut db = fs::read(&path).unwrap();
    // As long as the name that it replaces, in the log and wherever else it is.
    let (name, hostile) = (b"after-ingestion", "\u{1b}[2J\n<b>\u{202e}abcd");
    assert_eq!(name.len(), hostile.len());
    let mut found = 0;
    for at in 0..db.len() - name.len() {
        if db[at..].starts_with(name) {
            db[at..at + name.len()].copy_from_slice(hostile.as_bytes());
            found += 1;
        }
    }
    assert!(found > 0);
    fs::write(&path, db).unwrap();
    let text = dkron(&["inspect"], &[data.path()]);
    assert!(
        text.out.contains("  \\u{1b}[2J\\n<b>\\u{202e}abcd\n"),
        "{}",
        text.out
    );
    assert!(!text.out.contains(['\u{1b}', '\u{202e}']));
    let json = dkron(&["inspect", "--json"], &[data.path()]);
    assert!(!json.out.contains(['\u{1b}', '\u{202e}']));
    let seen: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(seen["servers"][0]["jobs"][0], hostile);
}
