//! `requorum inspect`: any file is answered with its kind first, by the same words; what is packed is read through.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}{}", self.out, self.err))
    }
}

/// Runs it in `folder`, where nothing may be left behind.
fn inspect(folder: &Path, arguments: &[&str]) -> Said {
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

fn testdata(path: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata");
    std::fs::read(folder.join(path)).unwrap()
}

fn with(files: &[(&str, &[u8])]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    for (at, block) in bytes.chunks(65_535).enumerate() {
        let last = (at + 1) * 65_535 >= bytes.len();
        out.push(u8::from(last));
        out.extend((block.len() as u16).to_le_bytes());
        out.extend((!(block.len() as u16)).to_le_bytes());
        out.extend(block);
    }
    out.extend(crc32(bytes).to_le_bytes());
    out.extend((bytes.len() as u32).to_le_bytes());
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = !0u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

/// A ZIP archive whose entries are stored.
fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        common.extend(crc32(content).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend((out.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(name.as_bytes());
        out.extend(*content);
    }
    let (start, count) = (out.len() as u32, (entries.len() as u16).to_le_bytes());
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count);
    out.extend(count);
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

/// A Zstandard frame of zeros: so many blocks of 128 KiB.
fn zstd_zeros(blocks: u32) -> Vec<u8> {
    let mut out = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0x50];
    for block in 1..=blocks {
        let header = (128 << 10) << 3 | 1 << 1 | u32::from(block == blocks);
        out.extend(&header.to_le_bytes()[..3]);
        out.push(0);
    }
    out
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
        ("a.db", "etcd-snapshot", 0, "This snapshot is whole."),
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
        assert_eq!(json["verdict"]["sentence"], "This snapshot is whole.");
        assert_eq!(json["unpacked_from"]["kind"], kind);
        assert_eq!(json["unpacked_from"]["name"], name);
        assert_eq!(json["unpacked_from"]["entry"], entry);
        assert_eq!(json["file"]["size"], sound.len());
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

#[test]
fn a_database_of_a_future_storage_version_is_named() {
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
    let folder = with(&[("future.db", &future)]);
    let said = inspect(folder.path(), &["future.db"]);
    assert!(
        said.out.contains("etcd-db") && said.out.contains("3.9.0"),
        "{}",
        said.out
    );
    assert!(said.out.contains("version"), "{}", said.out);
}
