//! `requorum snapshot status`, `check` and `hashkv` as processes: output, exit codes, and files left alone.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::FlockOperation;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

fn fixture(name: &str) -> PathBuf {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata/etcd");
    shared.join(format!("{name}.db"))
}

/// A copy of a fixture in a folder of its own.
fn copy(name: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("snapshot.db");
    std::fs::copy(fixture(name), &path).unwrap();
    (folder, path)
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

/// Runs `requorum snapshot …`; it must end by itself.
fn snapshot(arguments: &[&str], file: &Path) -> Said {
    let started = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_requorum"))
        .arg("snapshot")
        .args(arguments)
        .arg(file)
        .output()
        .unwrap();
    assert!(started.elapsed() < Duration::from_secs(30));
    Said {
        code: output.status.code().expect("it was not killed"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn conformance_03_status_prints_what_etcdutl_prints() {
    let file = fixture("3.6.14-mixed");
    let status = |arguments: &[&str]| {
        let said = snapshot(&[&["status"], arguments].concat(), &file);
        assert_eq!((said.code, said.err.as_str()), (0, ""));
        said.out
    };
    assert_eq!(status(&[]), "e8b0ae2d, 339, 201, 74 kB, 3.6.0\n");
    assert_eq!(
        status(&["--counting", "3.5"]),
        "e8b0ae2d, 339, 275, 74 kB\n"
    );
    assert_eq!(
        status(&["-w", "json"]),
        "{\"hash\":3903893037,\"revision\":339,\"totalKey\":201,\"totalSize\":73728,\"version\":\"3.6.0\"}\n"
    );
    assert_eq!(
        status(&["--write-out=fields", "--counting=3.5"]),
        "\"Hash\" : 3903893037\n\"Revision\" : 339\n\"Keys\" : 275\n\"Size\" : 73728\n"
    );
    assert_eq!(
        status(&["-w", "table"]),
        "+----------+----------+------------+------------+---------+\n\
         |   HASH   | REVISION | TOTAL KEYS | TOTAL SIZE | VERSION |\n\
         +----------+----------+------------+------------+---------+\n\
         | e8b0ae2d |      339 |        201 |      74 kB |   3.6.0 |\n\
         +----------+----------+------------+------------+---------+\n"
    );
}

#[test]
fn conformance_09_hashkv_prints_what_etcdutl_prints() {
    let file = fixture("3.6.14-mixed");
    let said = snapshot(&["hashkv", "-w", "json"], &file);
    assert_eq!(
        said.out,
        "{\"hash\":35341968,\"hashRevision\":339,\"compactRevision\":272}\n"
    );
    let said = snapshot(&["hashkv", "--rev", "305"], &file);
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, "1498207734, 305, 272\n")
    );
    let said = snapshot(&["hashkv", "--rev=271"], &file);
    assert_eq!(said.code, 1);
    assert!(
        said.err
            .contains("revision 271 has been compacted; the oldest is 272"),
        "{}",
        said.err
    );
    let said = snapshot(&["hashkv", "--rev=340"], &file);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("future revision"), "{}", said.err);
    let said = snapshot(&["hashkv", "--rev=-1"], &file);
    assert_eq!(said.code, 2);
    // etcdutl 3.6.14 crashes on leased keys.
    assert_eq!(snapshot(&["hashkv"], &fixture("3.6.14-lease")).code, 0);
}

#[test]
fn check_reports_three_parts_and_fails_when_one_does() {
    let said = snapshot(&["check"], &fixture("3.6.14-nospace"));
    assert_eq!(said.code, 0);
    assert!(said.out.starts_with("Snapshot OK"), "{}", said.out);
    for line in [
        "Checksum   pass",
        "Structure  pass",
        "Content    pass",
        "NOSPACE alarm",
        // As pages and the evidence of jobs write it.
        "HashKV 2777538118 (0xa58dde46) at revision 12",
    ] {
        assert!(said.out.contains(line), "{line} is not in {}", said.out);
    }
    let (_folder, path) = copy("3.6.14-mixed");
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let said = snapshot(&["check", "--json"], &path);
    assert_eq!(said.code, 1);
    let inspection: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(inspection["verdict"]["parts"][0]["outcome"], "fail");
    assert_eq!(inspection["verdict"]["parts"][1]["outcome"], "pass");
    assert_eq!(
        inspection["details"]["etcd"]["status"]["hash"],
        3_903_893_037_u32
    );
    // Status does not look at the trailer, and its help says so.
    assert_eq!(snapshot(&["status"], &path).code, 0);
    let help = snapshot(&["status", "--help"], Path::new("-"));
    assert!(
        help.out.contains("does not look at the SHA-256 trailer"),
        "{}",
        help.out
    );
}

#[test]
fn conformance_21_and_24_bad_files_are_named_and_end_with_1() {
    let (folder, path) = copy("3.6.14-mixed");
    let whole = std::fs::read(&path).unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let cases = [
        (folder.path().join("nothing"), "there is no such file"),
        (folder.path().to_owned(), "is a folder"),
        (write("empty", b""), "This file is empty"),
        (
            write("text", "words, ".repeat(2000).as_bytes()),
            "This is a text; an etcd snapshot is needed here",
        ),
        (write("short", &whole[..100]), "less than two pages"),
        (write("page", &whole[..4096]), "less than two pages"),
        (
            write("two", &whole[..8192]),
            "the last 16 of 18 pages are missing or cut",
        ),
        (
            write("cut", &whole[..40_000]),
            "the last 9 of 18 pages are missing or cut",
        ),
    ];
    for (path, text) in cases {
        for command in ["status", "check"] {
            let said = snapshot(&[command], &path);
            assert_eq!(said.code, 1, "{command} {}", path.display());
            let both = said.out + &said.err;
            assert!(both.contains(text), "{command} {}: {both}", path.display());
        }
        assert_eq!(snapshot(&["hashkv"], &path).code, 1, "{}", path.display());
    }
}

#[test]
fn a_pipe_is_not_waited_for() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("pipe");
    let made = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    let said = snapshot(&["status"], &path);
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("is a pipe, not a regular file"),
        "{}",
        said.err
    );
}

#[test]
fn arguments_that_make_no_sense_end_with_2() {
    let file = fixture("3.6.14-mixed");
    assert_eq!(snapshot(&["status", "-w", "protobuf"], &file).code, 2);
    assert_eq!(snapshot(&["status", "--counting", "3.3"], &file).code, 2);
    assert_eq!(snapshot(&["status", "another"], &file).code, 2);
    let said = snapshot(&["status"], Path::new("-"));
    assert_eq!(said.code, 2);
    assert!(said.err.contains("save it to a file first"), "{}", said.err);
}

#[test]
fn conformance_50_a_database_that_a_server_holds_is_named_and_never_waited_for() {
    let (_folder, path) = copy("3.6.14-mixed");
    let server = File::options().read(true).write(true).open(&path).unwrap();
    rustix::fs::flock(&server, FlockOperation::NonBlockingLockExclusive).unwrap();
    let started = Instant::now();
    for command in ["status", "check", "hashkv"] {
        let said = snapshot(&[command], &path);
        assert!(
            said.err.contains("in use by a running server"),
            "{}",
            said.err
        );
        assert_eq!(said.code, 0, "{command}");
    }
    let said = snapshot(&["check", "--json"], &path);
    assert!(said.out.contains("file.in-use"));
    assert!(started.elapsed() < Duration::from_secs(20));
    drop(server);
    assert_eq!(snapshot(&["status"], &path).err, "");
}

#[test]
fn nothing_is_ever_written_to_the_file() {
    for name in [
        "3.6.14-mixed",
        "3.6.14-lease",
        "3.5.33-bumped",
        "3.6.14-killed",
    ] {
        let (folder, path) = copy(name);
        let facts = || -> (Vec<u8>, SystemTime, usize) {
            let digest = Sha256::digest(std::fs::read(&path).unwrap()).to_vec();
            let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
            (
                digest,
                modified,
                std::fs::read_dir(folder.path()).unwrap().count(),
            )
        };
        let before = facts();
        for command in ["status", "check", "hashkv"] {
            assert_eq!(snapshot(&[command], &path).code, 0, "{command} {name}");
        }
        assert_eq!(facts(), before, "{name}");
    }
}

#[test]
fn conformance_34_entries_that_cannot_be_decoded_have_no_count_of_live_keys() {
    let (_folder, path) = copy("3.6.14-mixed");
    let mut bytes = std::fs::read(&path).unwrap();
    // The length of a value, inside a KeyValue.
    bytes[41_052] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let said = snapshot(&["status"], &path);
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(
        said.err
            .contains("1 entries of bucket key cannot be decoded"),
        "{}",
        said.err
    );
    let said = snapshot(&["status", "--counting=3.5"], &path);
    assert_eq!(said.code, 0);
}

#[test]
fn two_files_of_one_revision_that_really_differ_are_told_apart_by_their_hash_kv() {
    // One value changed and the file sealed again, as by a member that applied another write.
    let (_folder, path) = copy("3.6.14-mixed");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.truncate(bytes.len() - 32);
    let (old, new) = (b"second 198", b"second 298");
    let places: Vec<usize> = (0..bytes.len() - old.len())
        .filter(|at| bytes[*at..].starts_with(old))
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + new.len()].copy_from_slice(new);
    }
    bytes.extend(Sha256::digest(&bytes));
    std::fs::write(&path, &bytes).unwrap();
    let original = fixture("3.6.14-mixed");
    let seen = [&original, &path].map(|file| {
        let said = snapshot(&["check", "--json"], file);
        assert_eq!(said.code, 0, "{}", said.err);
        let hashed = snapshot(&["hashkv", "-w", "json"], file);
        let hashed: Value = serde_json::from_str(&hashed.out).unwrap();
        let inspection: Value = serde_json::from_str(&said.out).unwrap();
        let etcd = inspection["details"]["etcd"].clone();
        assert_eq!(etcd["hash_kv"]["hash"], hashed["hash"]);
        // What the page's ranking takes for one place in the history.
        let place = [
            etcd["contents"]["current_revision"].clone(),
            etcd["contents"]["compact_revision"].clone(),
            etcd["contents"]["consistent_index"].clone(),
            inspection["verdict"]["sentence"].clone(),
        ];
        (place, hashed["hash"].clone())
    });
    assert_eq!(seen[0].0, seen[1].0, "each is sound, at the same place");
    assert_eq!(seen[0].1, 35_341_968);
    assert_ne!(seen[0].1, seen[1].1);
}
