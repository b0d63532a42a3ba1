//! `requorum inspect`: any file is answered with its kind first, by the same words; what is packed is read through.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::packing::{gzip, zip, zstd_zeros};

pub(super) struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}{}", self.out, self.err))
    }
}

/// Runs it in `folder`, where nothing may be left behind.
pub(super) fn inspect(folder: &Path, arguments: &[&str]) -> Said {
    let before = names(folder);
    let output = Command::new(env!("CARGO_BIN_EXE_requorum"))
        .current_dir(folder)
        .env("TMPDIR", folder)
        .arg("inspect")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(names(folder), before, "nothing is written that stays");
    Said {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn names(folder: &Path) -> Vec<PathBuf> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    names
}

pub(super) fn testdata(path: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata");
    std::fs::read(folder.join(path)).unwrap()
}

pub(super) fn with(files: &[(&str, &[u8])]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

#[test]
fn every_kind_comes_first_and_the_code_is_that_of_the_worst_file() {
    let folder = with(&[
        ("a.db", &testdata("etcd/3.6.14-mixed.db")),
        ("x.wal", &testdata("etcd/3.6.14-dead.wal")),
        ("x.snap", &testdata("etcd/3.6.14-dead.snap")),
        (
            "raft.db",
            &testdata("raft/divergent/newer-term/raft/raft.db"),
        ),
        (
            "peers.json",
            &testdata("raft/peers/accepted/three-servers.json"),
        ),
        ("notes.txt", b"remember the milk\n"),
    ]);
    for (name, kind, code, words) in [
        ("a.db", "etcd-snapshot", 0, "201 keys, 1 member, 74 kB"),
        ("x.wal", "etcd-wal", 0, "entries 1 to 103"),
        ("x.snap", "etcd-snap", 0, "index 78"),
        ("raft.db", "raft-db", 0, "entries 1 to 132"),
        ("peers.json", "peers-json", 0, "3 servers"),
        ("notes.txt", "text", 1, "This is a text"),
    ] {
        let said = inspect(folder.path(), &[name]);
        assert_eq!(said.code, code, "{name}: {}{}", said.out, said.err);
        let first = said.out.lines().next().unwrap();
        assert!(
            first.starts_with(name) && first.contains(&format!("({kind})")),
            "{first}"
        );
        assert!(said.out.contains(words), "{name}: {}", said.out);
        let json = inspect(folder.path(), &["--json", name]).json();
        assert_eq!(json["format"], "requorum.inspection/2", "{name}");
        assert_eq!(json["kind"], kind, "{name}");
    }
    let said = inspect(folder.path(), &["a.db", "notes.txt", "raft.db"]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("(etcd-snapshot)") && said.out.contains("(raft-db)"));
    assert_eq!(inspect(folder.path(), &["a.db", "x.wal"]).code, 0);
    assert_eq!(inspect(folder.path(), &["a.db", "missing"]).code, 1);
    assert_eq!(inspect(folder.path(), &["-"]).code, 2);
    assert_eq!(inspect(folder.path(), &[]).code, 2);
}

#[test]
fn what_is_packed_is_read_through() {
    let sound = testdata("etcd/3.6.14-mixed.db");
    let folder = with(&[
        ("snap.db.gz", &gzip(&sound)),
        ("etcd-snapshot.zip", &zip(&[("../../etc/snap", &sound)])),
    ]);
    for (name, kind, entry) in [
        ("snap.db.gz", "gzip", Value::Null),
        ("etcd-snapshot.zip", "zip", "../../etc/snap".into()),
    ] {
        let said = inspect(folder.path(), &["--json", name]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        let json = said.json();
        assert_eq!(json["kind"], "etcd-snapshot", "{name}");
        let sentence = json["verdict"]["sentence"].as_str().unwrap();
        assert!(sentence.starts_with("Snapshot OK"), "{sentence}");
        assert_eq!(json["unpacked_from"]["kind"], kind);
        assert_eq!(json["unpacked_from"]["name"], name);
        assert_eq!(json["unpacked_from"]["entry"], entry);
        assert_eq!(json["file"]["size"], sound.len());
    }
}

#[test]
fn the_state_beside_a_meta_json_is_compared_with_its_checksum() {
    let snapshot = "raft/ghost/raft/snapshots/3-132-1795244539948";
    let meta = testdata(&format!("{snapshot}/meta.json"));
    let state = testdata(&format!("{snapshot}/state.bin"));
    let mut changed = state.clone();
    changed[state.len() / 2] ^= 1;
    let longer = [state.as_slice(), b"x"].concat();
    for (state, code, words) in [
        (Some(&state), 0, "the CRC-64 of state.bin agrees"),
        (None, 0, "state.bin was not checked"),
        (Some(&changed), 1, "the CRC-64 of state.bin differs"),
        (Some(&longer), 1, "were written"),
        (Some(&Vec::new()), 1, "state.bin has 0 bytes"),
    ] {
        let mut files = vec![("meta.json", meta.as_slice())];
        files.extend(state.map(|state| ("state.bin", state.as_slice())));
        let folder = with(&files);
        let said = inspect(folder.path(), &["meta.json"]);
        assert_eq!(said.code, code, "{words}: {}{}", said.out, said.err);
        assert!(said.out.contains(words), "{words}: {}", said.out);
        let json = inspect(folder.path(), &["--json", "meta.json"]).json();
        assert_eq!(json["kind"], "raft-snapshot");
        let findings = json["report"].as_array().unwrap();
        let found = findings
            .iter()
            .any(|finding| finding["code"] == "raft-snapshot.state");
        assert_eq!(found, code == 1, "{words}: {findings:?}");
    }
}

#[test]
fn what_is_not_read_through_is_named() {
    let sound = testdata("etcd/3.6.14-mixed.db");
    let whole = zip(&[("snap", &sound)]);
    let folder = with(&[
        ("two.zip", &zip(&[("a", &sound), ("b", b"x")])),
        ("cut.zip", &whole[..whole.len() - 40]),
        ("cut.gz", &gzip(&sound)[..20_000]),
        ("bomb.zst", &zstd_zeros(32 << 10)),
    ]);
    for (name, kind, code) in [
        ("two.zip", "zip", "unpack.entries"),
        ("cut.zip", "zip", "unpack.no-directory"),
        ("cut.gz", "gzip", "unpack.cut-off"),
        ("bomb.zst", "zstd", "unpack.bomb"),
    ] {
        let said = inspect(folder.path(), &["--json", name]);
        assert_eq!(said.code, 1, "{name}: {}", said.out);
        let json = said.json();
        assert_eq!(json["kind"], kind, "{name}");
        let findings = json["report"].as_array().unwrap();
        assert!(
            findings.iter().any(|finding| finding["code"] == code),
            "{name}: {findings:?}"
        );
        assert!(
            inspect(folder.path(), &[name])
                .out
                .contains("not read through"),
            "{name}"
        );
    }
}

/// A database that a storage version of the future has written.
pub(super) fn of_the_future() -> Vec<u8> {
    let mut future = testdata("etcd/3.6.14-mixed.db");
    let version = b"storageVersion3.6.0";
    let places: Vec<usize> = (0..future.len() - version.len())
        .filter(|at| future[*at..].starts_with(version))
        .collect();
    assert!(!places.is_empty());
    for at in places {
        future[at + version.len() - 3] = b'9';
    }
    future.truncate(future.len() - 32);
    future
}

#[test]
fn a_database_of_a_future_storage_version_is_named() {
    let folder = with(&[("future.db", &of_the_future())]);
    let json = inspect(folder.path(), &["--json", "future.db"]).json();
    assert_eq!(json["kind"], "etcd-db");
    let findings = json["report"].as_array().unwrap();
    let codes: Vec<_> = findings.iter().map(|found| &found["code"]).collect();
    assert_eq!(codes, ["trailer.absent", "version.unknown"]);
    let what = findings[1]["what"].as_str().unwrap();
    assert!(what.contains("storageVersion is \"3.9.0\""), "{what}");
    let said = inspect(folder.path(), &["future.db"]);
    assert!(said.out.contains(what), "{}", said.out);
}
