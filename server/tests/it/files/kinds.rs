//! Every kind of file by its name, and files that are two kinds at once: the same on the command line and at an upload.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use requorum_shared::api::upload::Upload;
use requorum_shared::api::v1::{FileOrigin, Severity};
use requorum_shared::canonical::sha256_hex;
use requorum_shared::dossier;
use requorum_shared::etcd::recovery::restore::RestoreRequest;
use serde_json::{Value, json};

use super::any_file::{inspect, of_the_future, testdata, with};
use crate::ledger::dossier::{recovery, take};
use crate::support::harness::{Client, TestServer, code, error};
use crate::support::packing::{gzip, tar, zip, zstd};
use crate::support::recovery::{Console, request};

const PEERS: &str = "raft/peers/accepted/three-servers.json";
const RAFT_DB: &str = "raft/divergent/newer-term/raft/raft.db";

fn sound() -> Vec<u8> {
    testdata("etcd/3.6.14-mixed.db")
}

/// Has a dossier's manifest, and is none that verifies.
fn dossier_alone() -> Vec<u8> {
    let manifest = br#"{"format":"requorum.dossier/2"}"#;
    dossier::zip::write(&[(dossier::name::MANIFEST, manifest)])
}

/// `raft.db` of a program that is not known: its buckets have other names.
fn other_bbolt() -> Vec<u8> {
    let mut bytes = testdata(RAFT_DB);
    for at in 0..bytes.len() - 4 {
        if &bytes[at..at + 4] == b"logs" {
            bytes[at + 1] = b'a';
        }
    }
    bytes
}

/// A file of each kind that `inspect` has a name for.
fn every_kind() -> Vec<(&'static str, Vec<u8>)> {
    let sound = sound();
    let copy = sound[..sound.len() - 32].to_vec();
    let meta = "raft/ghost/raft/snapshots/3-132-1795244539948/meta.json";
    vec![
        ("etcd-snapshot", sound.clone()),
        ("etcd-db", copy),
        ("etcd-wal", testdata("etcd/3.6.14-dead.wal")),
        ("etcd-snap", testdata("etcd/3.6.14-dead.snap")),
        ("raft-db", testdata(RAFT_DB)),
        ("raft-snapshot", testdata(meta)),
        ("peers-json", testdata(PEERS)),
        ("bbolt", other_bbolt()),
        ("dossier", dossier_alone()),
        ("zip", zip(&[("a", &sound), ("b", b"x")])),
        ("gzip", gzip(&sound)[..20_000].to_vec()),
        ("zstd", zstd(&sound)[..20_000].to_vec()),
        ("xz", b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46".to_vec()),
        ("age", b"age-encryption.org/v1\n-> X25519 ".to_vec()),
        ("sqlite", b"SQLite format 3\0rest".to_vec()),
        ("tar", tar("a", b"x")),
        ("text", b"remember the milk\n".to_vec()),
        ("unknown", (0..5_000).map(|i| (i * 37 + 11) as u8).collect()),
    ]
}

/// Sends a file; the answer to its last byte.
async fn sent(client: &Client, name: &str, bytes: &[u8]) -> (String, reqwest::Response) {
    let body = json!({"name": name, "length": bytes.len()});
    let upload: Upload = client
        .post("/api/uploads", &body)
        .await
        .json()
        .await
        .unwrap();
    let path = format!("/api/uploads/{}", upload.id);
    let answer = client
        .request("PATCH", &path)
        .header("upload-offset", 0)
        .body(bytes.to_vec())
        .send()
        .await
        .unwrap();
    (path, answer)
}

/// Keeps a file that was refused; its id.
async fn kept(client: &Client, path: &str, length: usize) -> String {
    let kept: Upload = client
        .request("PATCH", path)
        .header("upload-offset", length)
        .header("upload-evidence", "keep")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    kept.snapshot.unwrap()
}

/// What the console says of a stored file, and its bytes.
async fn stored(client: &Client, id: &str) -> (Value, Vec<u8>) {
    let (file, inspection) = client.snapshot(id).await;
    assert_eq!(file.kind, inspection.kind.as_str());
    assert_eq!(file.sentence, inspection.verdict.sentence);
    let content = client.get(&format!("/api/files/{id}/content")).await;
    let bytes = content.bytes().await.unwrap().to_vec();
    (serde_json::to_value(inspection).unwrap(), bytes)
}

#[tokio::test]
async fn every_kind_has_its_name_on_the_command_line_and_at_an_upload() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    for (kind, bytes) in every_kind() {
        let folder = with(&[("a-file", &bytes)]);
        let said = inspect(folder.path(), &["--json", "a-file"]).json();
        assert_eq!(said["kind"], kind);
        let id = console.upload_bytes("a-file", bytes.clone()).await;
        let (stored, content) = stored(&console.http, &id).await;
        for same in ["kind", "label", "recognised", "verdict", "headline"] {
            assert_eq!(stored[same], said[same], "{kind}: {same}");
        }
        assert!(content == bytes, "{kind}");
    }
}

#[tokio::test]
async fn the_dossier_of_a_recovery_is_named_and_verified_wherever_it_comes_in() {
    let server = TestServer::start().await;
    let (anna, job) = recovery(&server).await;
    let (_, whole) = take(&anna, &job).await;
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    for (bytes, sentence) in [
        (&whole, "Dossier valid"),
        (&changed, "Do not rely on this dossier"),
    ] {
        let folder = with(&[("job.zip", bytes)]);
        let said = inspect(folder.path(), &["--json", "job.zip"]).json();
        assert_eq!(said["kind"], "dossier");
        let words = said["verdict"]["sentence"].as_str().unwrap();
        assert!(words.starts_with(sentence), "{words}");

        let (path, answer) = sent(&anna.http, "job.zip", bytes).await;
        let (status, refused) = error(answer).await;
        assert_eq!((status, refused.code.as_str()), (400, "upload.foreign"));
        let label = said["label"].as_str().unwrap();
        let named = format!("This is {label}. No recovery uses such a file.");
        assert!(refused.message.starts_with(&named), "{}", refused.message);

        let id = kept(&anna.http, &path, bytes.len()).await;
        assert_eq!(id, sha256_hex(bytes));
        let (file, _) = anna.http.snapshot(&id).await;
        assert_eq!(file.origin(), FileOrigin::Evidence);
        let (stored, content) = stored(&anna.http, &id).await;
        assert_eq!(stored, said);
        assert!(content == *bytes);
    }
}

/// A file that could be taken for two kinds: what it is, what it was unpacked from, and whether a recovery uses it.
struct Twofold {
    name: &'static str,
    bytes: Vec<u8>,
    kind: &'static str,
    packed: Option<&'static str>,
    used: bool,
}

impl Twofold {
    fn of(name: &'static str, bytes: Vec<u8>, kind: &'static str) -> Self {
        Self {
            name,
            bytes,
            kind,
            packed: None,
            used: false,
        }
    }
}

#[tokio::test]
async fn a_file_of_two_kinds_is_the_same_one_on_the_command_line_and_at_an_upload() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let archive = zip(&[("b", b"another file")]);
    let files = [
        Twofold {
            used: true,
            ..Twofold::of(
                "snapshot-and-archive.zip",
                [sound(), archive].concat(),
                "etcd-snapshot",
            )
        },
        Twofold {
            used: true,
            ..Twofold::of("peers.json", sound(), "etcd-snapshot")
        },
        Twofold {
            packed: Some("gzip"),
            ..Twofold::of("job.zip.gz", gzip(&dossier_alone()), "dossier")
        },
        Twofold::of("raft.db", testdata(PEERS), "peers-json"),
    ];
    for file in files {
        let Twofold {
            name, bytes, kind, ..
        } = &file;
        let folder = with(&[(*name, bytes)]);
        let said = inspect(folder.path(), &["--json", name]).json();
        assert_eq!(said["kind"], *kind, "{name}");
        let packed = said["unpacked_from"]["kind"].as_str();
        assert_eq!(packed, file.packed, "{name}");

        let (path, answer) = sent(&admin, name, bytes).await;
        if file.used {
            let done: Upload = answer.json().await.unwrap();
            let (stored, content) = stored(&admin, &done.snapshot.unwrap()).await;
            assert_eq!(stored, said, "{name}");
            assert!(content == *bytes, "{name}");
            continue;
        }
        let (status, refused) = error(answer).await;
        assert_eq!((status, refused.code.as_str()), (400, "upload.foreign"));
        let named = format!("This is {}.", said["label"].as_str().unwrap());
        let named = match file.packed {
            Some(packed) => format!("Unpacked from {packed}: {named}"),
            None => named,
        };
        assert!(refused.message.starts_with(&named), "{}", refused.message);
        let id = kept(&admin, &path, bytes.len()).await;
        let (stored, content) = stored(&admin, &id).await;
        // What is packed is kept as it came.
        let kind = file.packed.unwrap_or(kind);
        assert_eq!(stored["kind"], kind, "{name}");
        if file.packed.is_none() {
            assert_eq!(stored, said, "{name}");
        }
        assert!(content == *bytes, "{name}");
    }
    assert_eq!(admin.snapshots().await.files.len(), 4);
}

#[tokio::test]
async fn a_storage_version_of_the_future_is_named_at_an_upload_and_stops_a_plan() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let (_, answer) = sent(&console.http, "future.db", &of_the_future()).await;
    let done: Upload = answer.json().await.unwrap();
    let id = done.snapshot.unwrap();
    let (stored, _) = stored(&console.http, &id).await;
    let findings = stored["report"].as_array().unwrap();
    let codes: Vec<_> = findings.iter().map(|found| &found["code"]).collect();
    assert_eq!(codes, ["trailer.absent", "version.unknown"]);

    let asked = RestoreRequest {
        skip_hash_check: true,
        ..request(&id, "new")
    };
    let findings = console.check(&asked).await.unwrap();
    let blocking: Vec<_> = findings
        .iter()
        .filter(|found| found.severity() == Severity::Blocking)
        .map(|found| (found.code.as_str(), found.field.as_deref()))
        .collect();
    assert_eq!(blocking, [("version.unknown", Some("target_version"))]);
    let refused = console.seal(&asked).await.unwrap_err();
    assert_eq!(code(&refused), "plan.blocked");
    let said = refused.message();
    assert!(said.contains("storageVersion 3.9.0"), "{said}");
    assert!(!server.data_dir().join("restores/new").exists());
}

/// All that lies below a folder, with the length of each file.
fn tree(folder: &Path) -> BTreeSet<(PathBuf, u64)> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // What a server removes meanwhile is not there.
        let Ok(facts) = path.symlink_metadata() else {
            continue;
        };
        if facts.is_dir() {
            found.extend(tree(&path));
            found.insert((path, 0));
        } else {
            found.insert((path, facts.len()));
        }
    }
    found
}

/// What is in one listing and not in the other.
fn added(before: &BTreeSet<(PathBuf, u64)>, after: &BTreeSet<(PathBuf, u64)>) -> Vec<PathBuf> {
    after
        .difference(before)
        .map(|(path, _)| path.clone())
        .collect()
}

/// Names that lead out of `folder`, to beside it and to `absolute`.
fn names_that_lead_out(absolute: &Path) -> [String; 4] {
    [
        "../escaped".to_owned(),
        "../../../../escaped".to_owned(),
        "..\\..\\escaped".to_owned(),
        absolute.join("escaped").display().to_string(),
    ]
}

#[test]
fn the_commands_use_no_name_from_an_archive_as_a_path() {
    let around = tempfile::tempdir().unwrap();
    let folder = around.path().join("a/b/c/d/work");
    let elsewhere = around.path().join("elsewhere");
    for made in [&folder, &elsewhere] {
        std::fs::create_dir_all(made).unwrap();
    }
    for name in names_that_lead_out(&elsewhere) {
        std::fs::write(folder.join("a.zip"), zip(&[(&name, &sound())])).unwrap();
        let before = tree(around.path());
        let run = |arguments: &[&str]| {
            let output = Command::new(env!("CARGO_BIN_EXE_requorum"))
                .current_dir(&folder)
                .env("TMPDIR", &folder)
                .args(arguments)
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{arguments:?}: {said}");
            said
        };
        run(&["inspect", "a.zip"]);
        run(&["snapshot", "check", "a.zip"]);
        assert_eq!(tree(around.path()), before, "{name}");
        run(&["snapshot", "restore", "a.zip", "--data-dir", "new"]);
        let new = folder.join("new");
        for path in added(&before, &tree(around.path())) {
            assert!(path.starts_with(&new), "{name}: {}", path.display());
        }
        assert!(new.join("member/snap/db").is_file());
        std::fs::remove_dir_all(&new).unwrap();
        assert_eq!(tree(around.path()), before, "{name}");
    }
}

#[tokio::test]
async fn an_upload_uses_no_name_from_an_archive_as_a_path() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let data = server.data_dir();
    let around = data.parent().unwrap();
    // Only what is stored may come: the database of the console is written to all the time.
    let listing = || {
        let files = tree(around).into_iter();
        files.map(|(path, _)| path).collect::<BTreeSet<_>>()
    };
    for (name, of) in names_that_lead_out(around).iter().zip([
        "etcd/3.4.23-mixed.db",
        "etcd/3.5.33-mixed.db",
        "etcd/3.6.14-mixed.db",
        "etcd/3.7.1-mixed.db",
    ]) {
        let before = listing();
        let content = testdata(of);
        let id = sha256_hex(&content);
        let (_, answer) = sent(&admin, "../../a.zip", &zip(&[(name, &content)])).await;
        let done: Upload = answer.json().await.unwrap();
        assert_eq!(done.snapshot.as_deref(), Some(id.as_str()), "{name}");
        let entry = done.unpacked_from.unwrap().entry;
        assert_eq!(entry.as_deref(), Some(name.as_str()));
        let after = listing();
        let object = data.join("objects/sha256").join(&id[..2]).join(&id);
        for path in after.difference(&before) {
            assert!(object.starts_with(path), "{name}: {path:?}");
        }
        assert!(after.contains(&object));
        assert!(after.is_superset(&before), "{name}");
    }
}
