//! Files that are no sound etcd snapshot, given to each command: named by what they are, with one advice, and refused.
//! A packed snapshot is read through by every one of them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use requorum_shared::etcd::needed::snapshot_needed;
use requorum_shared::kinds::recognise;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::packing::{gzip, zip, zstd, zstd_zeros};

/// A copy of an input, under its name.
struct Case {
    folder: TempDir,
    name: String,
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

fn input(name: &str) -> Vec<u8> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata/cases");
    std::fs::read(cases.join(name)).unwrap()
}

fn sound() -> Vec<u8> {
    let etcd = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata/etcd");
    std::fs::read(etcd.join("3.6.14-mixed.db")).unwrap()
}

impl Case {
    fn of(name: &str) -> Self {
        Self::with(name, &input(name))
    }

    fn with(name: &str, bytes: &[u8]) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join(name), bytes).unwrap();
        Self {
            folder,
            name: name.to_owned(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }

    fn run(&self, arguments: &[&str]) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_requorum"))
            .arg("snapshot")
            .args(arguments)
            .arg(self.path())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Said {
            code: output.status.code().expect("it was not killed"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Every command refuses it with exit code 1, says all of `facts` and nothing of `never`, and leaves nothing.
    #[track_caller]
    fn refused(&self, facts: &[&str], never: &[&str]) {
        self.refused_by(&RUNS, facts, never);
    }

    #[track_caller]
    fn refused_by(&self, runs: &[&[&str]], facts: &[&str], never: &[&str]) {
        for arguments in runs {
            let said = self.run(arguments);
            let all = said.all();
            assert_eq!(said.code, 1, "{arguments:?}: {all}");
            for fact in facts {
                assert!(
                    all.contains(fact),
                    "{arguments:?} says nothing of {fact:?}: {all}"
                );
            }
            for word in never {
                assert!(!all.contains(word), "{arguments:?} says {word:?}: {all}");
            }
            // The defaults of the cluster are advised about whatever the file is.
            if arguments[0] != "restore" {
                assert_eq!(
                    all.matches("another member").count(),
                    0,
                    "{arguments:?}: {all}"
                );
            }
            let left = std::fs::read_dir(self.folder.path()).unwrap().count();
            assert_eq!(left, 1, "{arguments:?} left something");
        }
        let json: Value = serde_json::from_str(&self.run(&["check", "--json"]).out).unwrap();
        assert!(json["recognised"]["code"].is_string());
        assert_eq!(json["verdict"]["sentence"], json["recognised"]["sentence"]);
        assert_eq!(json["details"]["etcd"]["status"], Value::Null);
    }

    /// The same where the words are whole sentences, which JSON has too.
    #[track_caller]
    fn refused_in_words(&self, facts: &[&str], never: &[&str]) {
        self.refused(facts, never);
        let check = self.run(&["check", "--json"]).out;
        let json: Value = serde_json::from_str(&check).unwrap();
        assert_eq!(json["verdict"]["sentence"], facts[0]);
        assert_eq!(json["verdict"]["advice"], facts[1]);
        // Only a database has what only etcd's have.
        assert_eq!(json["details"], "none");
    }
}

impl Case {
    /// Every command reads it through, succeeds, says all of `facts`, and leaves nothing but what it restored. What
    /// comes out of a restore has the HashKV of what is packed.
    #[track_caller]
    fn read_through(&self, facts: &[&str]) {
        let hash = self.run(&["hashkv"]).out;
        for arguments in RUNS {
            let said = self.run(arguments);
            let all = said.all();
            assert_eq!(said.code, 0, "{arguments:?}: {all}");
            if arguments[0] == "restore" {
                let database = self.folder.path().join("new/member/snap/db");
                let restored = Command::new(env!("CARGO_BIN_EXE_requorum"))
                    .args(["snapshot", "hashkv"])
                    .arg(database)
                    .output()
                    .unwrap();
                assert_eq!(String::from_utf8(restored.stdout).unwrap(), hash, "{all}");
                std::fs::remove_dir_all(self.folder.path().join("new")).unwrap();
            }
            let left = std::fs::read_dir(self.folder.path()).unwrap().count();
            assert_eq!(left, 1, "{arguments:?} left something");
            if arguments.contains(&"--json") {
                continue;
            }
            for fact in facts {
                assert!(
                    all.contains(fact),
                    "{arguments:?} says nothing of {fact:?}: {all}"
                );
            }
            for word in ["Unpack it", "magic is", "damaged"] {
                assert!(!all.contains(word), "{arguments:?} says {word:?}: {all}");
            }
        }
        let check = self.run(&["check"]).out;
        assert!(check.contains("it holds an etcd snapshot"), "{check}");
        // Standard output of these is for programs: what was unpacked is said beside it.
        for command in ["status", "hashkv"] {
            assert_eq!(self.run(&[command]).out.lines().count(), 1, "{command}");
        }
    }
}

/// Each command that takes a snapshot; the last two restore.
const RUNS: [&[&str]; 6] = [
    &["check"],
    &["check", "--json"],
    &["status"],
    &["hashkv"],
    &["restore", "--data-dir", "new"],
    &["restore", "--data-dir", "new", "--skip-hash-check"],
];

#[test]
fn input_01_a_zip_as_k3s_writes_it() {
    let case = Case::of("01-on-demand-node-a-1709887802");
    case.read_through(&[
        "on-demand-node-a-1709887802 is a ZIP archive and was read through",
        "73 760 bytes unpacked from its one entry, `on-demand-node-a-1709887802`",
    ]);
    let json: Value = serde_json::from_str(&case.run(&["check", "--json"]).out).unwrap();
    assert_eq!(json["unpacked_from"]["kind"], "zip");
    assert_eq!(
        json["unpacked_from"]["entry"],
        "on-demand-node-a-1709887802"
    );
    assert_eq!(json["file"]["size"], 73_760);
    assert_eq!(json["kind"], "etcd-snapshot");
    // What names it without reading it through, as an upload's first look does.
    let found = recognise(&input("01-on-demand-node-a-1709887802").as_slice(), "x").unwrap();
    let words = found.words();
    for fact in ["An etcd snapshot is in it", "73 760 bytes unpacked"] {
        assert!(words.contains(fact), "{words}");
    }
}

#[test]
fn input_02_a_gzip_that_was_cut_off() {
    Case::of("02-weekly.db").refused(
        &["gzip", "cut off", "Get it again"],
        &["skip-hash-check", "magic is", "damaged", "another member"],
    );
}

#[test]
fn input_03_a_segment_of_the_wal() {
    Case::of("03-0000000000000001-0000000000000000.wal").refused(
        &["write-ahead log", "member/snap/db"],
        &["skip-hash-check", "magic is", "damaged"],
    );
}

#[test]
fn input_04_the_raft_log_of_another_system() {
    let case = Case::of("04-raft.db");
    case.refused(
        &["Raft log", "Dkron, Consul, Nomad", "`conf`", "`logs`"],
        &["skip-hash-check", "HashKV", "continues from", "damaged"],
    );
}

#[test]
fn input_06_a_save_that_was_cut_off() {
    let case = Case::of("06-host-b-1699876800.part");
    for arguments in [
        &["check"][..],
        &["check", "--json"],
        &["status"],
        &["hashkv"],
        &["restore", "--data-dir", "new"],
        &["restore", "--data-dir", "new", "--skip-hash-check"],
    ] {
        let said = case.run(arguments);
        let all = said.all();
        assert_eq!(said.code, 1, "{arguments:?}: {all}");
        for fact in [
            "cut off while it was saved",
            "64 of 72 KiB",
            "declare 73 728 bytes, and the file has 65 536",
            ".part",
        ] {
            assert!(all.contains(fact), "{arguments:?}: {all}");
        }
        assert!(!all.contains("skip-hash-check"), "{arguments:?}: {all}");
        assert_eq!(std::fs::read_dir(case.folder.path()).unwrap().count(), 1);
    }
    // Under another name nothing says that it was a save; cut off it is all the same.
    let renamed = Case::with("host-b.db", &input("06-host-b-1699876800.part"));
    for arguments in [
        &["check"][..],
        &["restore", "--data-dir", "new", "--skip-hash-check"],
    ] {
        let said = renamed.run(arguments);
        let all = said.all();
        assert_eq!(said.code, 1, "{all}");
        assert!(all.contains("cut off"), "{arguments:?}: {all}");
        assert!(!all.contains("skip-hash-check"), "{arguments:?}: {all}");
    }
}

#[test]
fn input_07_line_ends_were_translated() {
    let facts = [
        "LF became CRLF in 486 places",
        "as binary",
        "none of it can be used",
    ];
    let never = ["skip-hash-check", "page tree is damaged", "cannot be read"];
    Case::of("07-textmode.db").refused(&facts, &never);
}

#[test]
fn line_ends_that_were_shortened_are_recognised_by_the_pages() {
    // A CRLF at the end of each page, and then without the CR.
    let mut bytes = sound();
    for page in 3..18 {
        bytes[page * 4096 + 4000..][..2].copy_from_slice(b"\r\n");
    }
    let short: Vec<u8> = bytes
        .iter()
        .enumerate()
        .filter(|(i, byte)| !(**byte == b'\r' && bytes.get(i + 1) == Some(&b'\n')))
        .map(|(_, byte)| *byte)
        .collect();
    let lost = bytes.len() - short.len();
    assert!(lost >= 15);
    let facts = [format!("CRLF became LF in about {lost} places")];
    Case::with("s.db", &short).refused(&[&facts[0], "as binary"], &["skip-hash-check"]);
}

#[test]
fn characters_that_were_converted_are_recognised() {
    let sound = sound();
    let replaced = String::from_utf8_lossy(&sound).into_owned().into_bytes();
    let latin: Vec<u8> = sound
        .iter()
        .map(|byte| char::from(*byte))
        .collect::<String>()
        .into_bytes();
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(
            String::from_utf8_lossy(&sound)
                .encode_utf16()
                .flat_map(u16::to_le_bytes),
        )
        .collect();
    for bytes in [replaced, latin, utf16] {
        Case::with("s.db", &bytes).refused(
            &["converted as if they were characters", "as binary"],
            &["skip-hash-check"],
        );
    }
}

#[test]
fn a_byte_order_mark_in_front_is_named_and_left_out() {
    let marked = [&[0xef, 0xbb, 0xbf], sound().as_slice()].concat();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("s.db");
    std::fs::write(&path, marked).unwrap();
    let run = |command: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_requorum"))
            .args(command)
            .current_dir(folder.path())
            .output()
            .unwrap()
    };
    let check = run(&["snapshot", "check", "s.db"]);
    let said = String::from_utf8(check.stdout).unwrap();
    assert_eq!(check.status.code(), Some(0), "{said}");
    let left_out = "3 bytes in front of the snapshot are not part of it";
    assert!(said.contains(left_out), "{said}");
    assert!(said.contains("[file.bytes-before]"), "{said}");
    let restore = run(&["snapshot", "restore", "s.db", "--data-dir", "d"]);
    assert_eq!(restore.status.code(), Some(0), "{restore:?}");
    assert!(folder.path().join("d/member/snap/db").is_file());
}

/// Packs with a program of the machine, where it has one.
fn packed(program: &str, arguments: &[&str], bytes: &[u8]) -> Option<Vec<u8>> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("snapshot.db");
    std::fs::write(&path, bytes).unwrap();
    let output = Command::new(program)
        .args(arguments)
        .arg("snapshot.db")
        .current_dir(folder.path())
        .output()
        .ok()?;
    output.status.success().then_some(output.stdout)
}

#[test]
fn packed_files_are_named_with_what_is_in_them() {
    let sound = sound();
    let raft = input("04-raft.db");
    let programs: [(&str, &[&str], &[&str]); 6] = [
        (
            "gzip",
            &["-c"],
            &["is a gzip file and was read through: 73 760 bytes unpacked"],
        ),
        ("bzip2", &["-c"], &["a bzip2 file"]),
        ("xz", &["-c"], &["an xz file", "It is complete"]),
        (
            "zstd",
            &["-c", "-q"],
            &["is a Zstandard file and was read through: 73 760 bytes unpacked"],
        ),
        ("lz4", &["-c", "-q"], &["an LZ4 file", "It is complete"]),
        (
            "tar",
            &["-c"],
            &[
                "a tar archive",
                "It is complete",
                "`snapshot.db` is an etcd snapshot",
            ],
        ),
    ];
    let mut ran = 0;
    for (program, arguments, facts) in programs {
        let Some(bytes) = packed(program, arguments, &sound) else {
            eprintln!("SKIPPED: {program} is not here");
            continue;
        };
        ran += 1;
        let case = Case::with("etcd-backup", &bytes);
        if ["gzip", "zstd"].contains(&program) {
            case.read_through(facts);
        } else {
            case.refused(facts, &["skip-hash-check"]);
        }
        let cut = &bytes[..bytes.len() / 2];
        if program != "bzip2" {
            Case::with("etcd-backup", cut)
                .refused(&["cut off", "Get it again"], &["skip-hash-check"]);
        }
    }
    assert!(ran >= 2, "gzip and tar are everywhere");
    let whole = packed("gzip", &["-c"], &sound).unwrap();
    let words = recognise(&whole.as_slice(), "x").unwrap().words();
    for fact in [
        "a gzip file",
        "complete: 73 760 bytes",
        "an etcd snapshot",
        "`snapshot.db`",
    ] {
        assert!(words.contains(fact), "{fact:?} is not in {words}");
    }
    let inner = packed("gzip", &["-c"], &raft).unwrap();
    let found = recognise(&inner.as_slice(), "x").unwrap();
    assert!(
        found.inside.contains("In it is the Raft log of a server"),
        "{}",
        found.words()
    );
    let twice = packed("gzip", &["-c"], &packed("tar", &["-c"], &sound).unwrap()).unwrap();
    let found = recognise(&twice.as_slice(), "x").unwrap();
    assert!(found.inside.contains("a tar archive"), "{}", found.words());
    assert!(
        found.inside.contains("`snapshot.db` is an etcd snapshot"),
        "{}",
        found.words()
    );
    let text = packed("base64", &[], &sound).unwrap();
    let found = recognise(&text.as_slice(), "x").unwrap();
    assert_eq!(found.code, "base64", "{}", found.words());
    assert!(found.inside.contains("etcd"), "{}", found.words());
}

#[test]
fn a_packed_snapshot_is_read_through_by_every_command() {
    let sound = sound();
    for (name, bytes, words) in [
        (
            "snap.db.gz",
            gzip(&sound),
            "snap.db.gz is a gzip file and was read through: 73 760 bytes unpacked",
        ),
        (
            "snap.db.zst",
            zstd(&sound),
            "snap.db.zst is a Zstandard file and was read through: 73 760 bytes unpacked",
        ),
        (
            "etcd-snapshot.zip",
            zip(&[("../../etc/snap", &sound)]),
            "etcd-snapshot.zip is a ZIP archive and was read through: 73 760 bytes unpacked from its one entry, \
             `../../etc/snap`",
        ),
    ] {
        let case = Case::with(name, &bytes);
        case.read_through(&[words]);
        let status = case.run(&["status"]);
        assert_eq!(status.out, "e8b0ae2d, 339, 201, 74 kB, 3.6.0\n", "{name}");
        let hash = case.run(&["hashkv"]);
        assert_eq!(hash.out, "35341968, 339, 272\n", "{name}");
    }
}

#[test]
fn what_is_wrong_with_a_packed_file_is_said_of_what_is_in_it() {
    // Of another system: named as if it had not been packed.
    let raft = Case::with("raft.db.gz", &gzip(&input("04-raft.db")));
    raft.refused(
        &["Raft log", "`conf`", "`logs`"],
        &["skip-hash-check", "continues from"],
    );
    // A byte of its checksum changed before it was packed.
    let mut changed = sound();
    *changed.last_mut().unwrap() ^= 1;
    let case = Case::with("snap.db.gz", &gzip(&changed));
    for arguments in [&["check"][..], &["restore", "--data-dir", "new"]] {
        let said = case.run(arguments);
        assert_eq!(said.code, 1, "{arguments:?}: {}", said.all());
        assert!(
            said.all().contains("checksum does not match"),
            "{}",
            said.all()
        );
        assert!(said.all().contains("was read through"), "{}", said.all());
    }
    // Of two entries none is chosen, and both that and what it is are said.
    let sound = sound();
    let two = Case::with("two.zip", &zip(&[("a", &sound), ("b", b"x")]));
    two.refused_by(&RUNS[..4], &["a ZIP archive", "2 entries"], &["magic is"]);
    for command in ["status", "hashkv"] {
        let said = two.run(&[command]).err;
        assert!(said.contains("2 entries, and one is read"), "{said}");
    }
}

#[test]
fn a_bomb_is_not_unpacked_by_any_command() {
    let case = Case::with("bomb.zst", &zstd_zeros(32 << 10));
    for arguments in RUNS {
        let started = std::time::Instant::now();
        let said = case.run(arguments);
        let all = said.all();
        assert_eq!(said.code, 1, "{arguments:?}: {all}");
        assert!(
            all.contains("no useful file compresses that well"),
            "{arguments:?}: {all}"
        );
        // The data keeps what the recogniser said; only the text is advice.
        let data = arguments.contains(&"--json");
        assert!(data || !all.contains("Unpack it"), "{arguments:?}: {all}");
        assert!(started.elapsed() < std::time::Duration::from_secs(60));
        assert_eq!(std::fs::read_dir(case.folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn a_bomb_is_looked_at_for_a_bounded_time() {
    let started = std::time::Instant::now();
    let zeros = vec![0; 300 << 20];
    let bomb = packed("gzip", &["-1", "-c"], &zeros).unwrap();
    let found = recognise(&bomb.as_slice(), "x").unwrap();
    assert_eq!(found.code, "gzip");
    let packing_too = std::time::Duration::from_secs(60);
    assert!(started.elapsed() < packing_too);
}

#[test]
fn what_is_foreign_is_named() {
    let cases: [(&[u8], &str, &str); 19] = [
        (b"", "empty", "empty"),
        (&[0; 70_000], "zeros", "nothing but zeros"),
        (b"SQLite format 3\0rest", "sqlite", "SQLite"),
        (b"\x7fELF\x02\x01\x01", "elf", "ELF"),
        (b"%PDF-1.7\n", "pdf", "PDF"),
        (b"age-encryption.org/v1\n-> X25519", "age", "age"),
        (b"Salted__12345678", "openssl-enc", "openssl enc"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n", "ansible-vault", "Ansible Vault"),
        (b"-----BEGIN PGP MESSAGE-----\n", "gpg", "GPG"),
        (b"\x8c\x0d\x04\x09\x03\x02", "gpg", "GPG"),
        (b"\x85\x02\x0c\x03\x12\x34", "gpg", "GPG"),
        (b"-----BEGIN CERTIFICATE-----\n", "pem", "PEM"),
        (b"<!DOCTYPE html><title>502 Bad Gateway</title>", "html", "`502 Bad Gateway`"),
        (
            b"<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>The key does not exist.</Message></Error>",
            "xml",
            "`NoSuchKey: The key does not exist.`",
        ),
        (b"{\"error\":\"not found\"}", "json", "JSON"),
        (b"Error: etcdserver: permission denied\n", "text", "permission denied"),
        (b"00000000: 0000 0000 0000 0000 0400 0000 0000 0000  ........", "hex-dump", "dump"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:", "git-lfs", "git lfs pull"),
        (b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "zip", "no entries"),
    ];
    for (bytes, code, word) in cases {
        let found = recognise(&bytes, "x").unwrap_or_else(|| panic!("{code} was not recognised"));
        assert_eq!(found.code, code, "{}", found.words());
        assert!(found.words().contains(word), "{}", found.words());
        assert!(!found.sentence.contains("etcd"), "{}", found.sentence);
        // The commands were asked for an etcd snapshot, and say so.
        let needed = snapshot_needed(found);
        let facts = [needed.sentence.as_str(), needed.todo.as_str()];
        Case::with("etcd.db", bytes).refused_in_words(&facts, &["skip-hash-check"]);
    }
}

#[test]
fn a_name_in_an_archive_cannot_forge_a_line() {
    let mut zip = input("01-on-demand-node-a-1709887802");
    let name = b"on-demand-node-a-1709887802";
    let forged = b"x\nChecksum   pass  \x1b[32m\xe2\x80\xae";
    let mut at = 0;
    while let Some(found) = zip[at..].windows(name.len()).position(|w| w == name) {
        zip[at + found..at + found + forged.len()].copy_from_slice(forged);
        at += found + name.len();
    }
    let said = Case::with("s.zip", &zip).run(&["check"]);
    let lines = said.out.lines().filter(|line| line.starts_with("Checksum"));
    assert_eq!(lines.count(), 1, "{}", said.out);
    assert!(said.out.contains("x\\nChecksum"), "{}", said.out);
    assert!(said.out.bytes().all(|byte| byte >= 0x20 || byte == b'\n'));
    assert!(!said.out.contains('\u{202e}'));
}
