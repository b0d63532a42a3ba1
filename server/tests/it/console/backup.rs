//! `requorum backup` and `restore-state` by the real binary: a console copied while it works, put back elsewhere, and
//! as good as before.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use requorum_shared::canonical::sha256_hex;
use requorum_shared::etcd::recovery::restore::{RestoreRequest, TargetVersion};
use requorum_shared::job::events::{Body, StepOutcome};
use requorum_shared::job::fold::JobState;

use crate::files::bucket::Bucket;
use crate::support::harness::{Options, TestServer, fixture};
use crate::support::killed;
use crate::support::process::Process;
use crate::support::recovery::{Console, fold, request};

const FILE: &str = "3.6.14-mixed.db";

fn requorum(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_requorum"))
        .args(arguments)
        .output()
        .unwrap()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn back_up(data_dir: &Path, to: &Path, more: &[&str]) -> Output {
    let arguments = ["backup", "--data-dir", path(data_dir), "--to", path(to)];
    requorum(&[&arguments, more].concat())
}

fn put_back(from: &Path, data_dir: &Path) -> Output {
    requorum(&[
        "restore-state",
        "--from",
        path(from),
        "--data-dir",
        path(data_dir),
    ])
}

#[track_caller]
fn good(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), said.as_ref()), (Some(0), ""));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn bad(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// For a version that is seldom here: the boot check has tests of its own.
fn order(snapshot: &str, path: &str) -> RestoreRequest {
    RestoreRequest {
        target_version: TargetVersion::V3_7,
        ..request(snapshot, path)
    }
}

/// Runs something that blocks, beside the server of this test.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_that_works_is_copied_and_put_back() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let kept = console.upload(FILE).await;
    let job = console.run(&order(&kept, "a")).await;
    assert_eq!(console.finished(&job.id).await.state, JobState::Completed);

    // While it is copied, more arrives.
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("backup");
    let copying = {
        let (data_dir, to) = (server.data_dir(), to.clone());
        tokio::spawn(beside(move || back_up(&data_dir, &to, &[])))
    };
    for n in 0..20_u8 {
        console.upload_bytes("more.db", vec![n; 100_000]).await;
    }
    let said = good(&copying.await.unwrap());
    assert!(
        said.contains("ledger entries with the ledger key"),
        "{said}"
    );
    assert!(said.contains("master.key elsewhere"), "{said}");
    assert!(!to.join("master.key").exists());
    let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "nothing beside it: {names:?}");

    let new = Arc::new(tempfile::tempdir().unwrap());
    let data_dir = new.path().join("data");
    let said = good(&put_back(&to, &data_dir));
    assert!(said.contains("1 sessions were ended"), "{said}");
    let verified = good(&requorum(&[
        "audit",
        "verify",
        "--data-dir",
        path(&data_dir),
    ]));
    assert!(verified.contains("Ledger verified"), "{verified}");

    let restored = TestServer::in_dir(new, Options::default()).await;
    // The old session is worth nothing there; the password is.
    let mut old = console.http.clone();
    old.base = restored.url("");
    assert_eq!(old.get("/api/uploads").await.status(), 401);
    let again = Console::signed_in(&restored).await;
    let response = again.http.get(&format!("/api/files/{kept}/content")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(sha256_hex(&response.bytes().await.unwrap()), kept);
    // Every row has its file, however the copy fell into the middle of the uploads.
    for snapshot in again.http.snapshots().await.files {
        let response = again
            .http
            .get(&format!("/api/files/{}/content", snapshot.id))
            .await;
        assert_eq!(sha256_hex(&response.bytes().await.unwrap()), snapshot.id);
    }
    // What was restored before is not in a backup, and the job is not run again for it.
    let view = again.job(&job.id).await;
    assert_eq!(
        view.job.unwrap().state(),
        requorum_shared::api::v1::JobState::Completed
    );
    let job = again.run(&order(&kept, "a")).await;
    assert_eq!(again.finished(&job.id).await.state, JobState::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_half_done_in_a_backup_goes_on_by_looking() {
    let dir = tempfile::tempdir().unwrap();
    let (data, to, new) = (
        dir.path().join("data"),
        dir.path().join("backup"),
        dir.path().join("new"),
    );
    let process = Process::start(&data, true, &[]);
    let console = killed::console(&process).await;
    let snapshot = console.upload(FILE).await;
    let job = console.run(&order(&snapshot, "a")).await;
    let building =
        |e: &requorum_shared::job::events::Event| matches!(e.body, Body::StepStarted { step: 3 });
    console.watch_until(&job.id, 0, building).await.unwrap();
    process.kill();
    good(&back_up(&data, &to, &[]));
    good(&put_back(&to, &new));

    let process = Process::start(&new, false, &[]);
    let console = killed::console(&process).await;
    let events = console.watch(&job.id, 0).await.unwrap();
    let view = fold(&events);
    assert_eq!(view.state, JobState::Completed, "{view:#?}");
    // It began in the old console, and was done in this one.
    let ends: Vec<_> = events
        .iter()
        .filter(|e| matches!(e.body, Body::StepEnded { step: 3, .. }))
        .collect();
    assert!(
        matches!(
            ends[..],
            [e] if matches!(e.body, Body::StepEnded { outcome: StepOutcome::Done { .. }, .. })
        ),
        "{ends:#?}"
    );
    assert!(new.join("restores/a/m1/member/snap/db").exists());
    process.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_whole_or_not_there_and_so_is_what_is_put_back() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload(FILE).await;
    let data = server.data_dir();
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let file_of = |root: &Path| {
        root.join("objects/sha256")
            .join(&snapshot[..2])
            .join(&snapshot)
    };
    let alone = |name: &str| {
        let names = std::fs::read_dir(dir.path()).unwrap();
        let names: Vec<_> = names.map(|e| e.unwrap().file_name()).collect();
        assert!(names.iter().all(|found| found == name), "{names:?}");
    };

    std::fs::create_dir(at("backup")).unwrap();
    std::fs::write(at("backup").join("mine"), b"mine").unwrap();
    let said = bad(&back_up(&data, &at("backup"), &[]));
    assert!(said.contains("is not empty"), "{said}");
    assert_eq!(std::fs::read(at("backup").join("mine")).unwrap(), b"mine");
    std::fs::remove_dir_all(at("backup")).unwrap();
    let said = bad(&back_up(&data, &data.join("backup"), &[]));
    assert!(said.contains("inside of the data directory"), "{said}");
    let said = bad(&back_up(&at("nothing"), &at("backup"), &[]));
    assert!(said.contains("there is no console"), "{said}");

    // A stored file that is damaged or missing is not passed on in silence.
    let whole = fixture(FILE);
    let mut damaged = whole.clone();
    damaged[9_999] ^= 1;
    std::fs::write(file_of(&data), &damaged).unwrap();
    let said = bad(&back_up(&data, &at("backup"), &[]));
    assert!(said.contains("is damaged"), "{said}");
    std::fs::remove_file(file_of(&data)).unwrap();
    let said = bad(&back_up(&data, &at("backup"), &[]));
    assert!(said.contains("name it with --objects"), "{said}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    std::fs::write(file_of(&data), &whole).unwrap();
    let said = good(&back_up(&data, &at("backup"), &["--with-master-key"]));
    assert!(!said.contains("master key"), "{said}");
    assert!(at("backup").join("master.key").exists());

    let said = bad(&put_back(&at("nothing"), &at("new")));
    assert!(said.contains("is not a backup of a console"), "{said}");
    std::fs::write(file_of(&at("backup")), &damaged).unwrap();
    let said = bad(&put_back(&at("backup"), &at("new")));
    assert!(said.contains("is not what was backed up"), "{said}");
    alone("backup");
    std::fs::write(file_of(&at("backup")), &whole).unwrap();
    let said = bad(&put_back(&at("backup"), &data));
    assert!(said.contains("is not empty"), "{said}");
    good(&put_back(&at("backup"), &at("new")));
    assert!(at("new").join("master.key").exists());
    assert_eq!(std::fs::read(file_of(&at("new"))).unwrap(), whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_in_a_bucket_are_listed_and_stay_there() {
    let bucket = Bucket::start().await;
    let options = || Options {
        objects: Some(bucket.place("console")),
        ..Options::default()
    };
    let server = TestServer::with(options()).await;
    let console = Console::over(&server).await;
    let snapshot = console.upload(FILE).await;
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let (data, to) = (server.data_dir(), dir.path().join("backup"));
    let said = beside(move || back_up(&data, &to, &["--objects", "s3://recovery/console"])).await;
    let said = good(&said);
    assert!(said.contains("1 stored files in the bucket"), "{said}");
    let manifest = std::fs::read_to_string(dir.path().join("backup/backup.json")).unwrap();
    assert!(manifest.contains(&snapshot), "{manifest}");
    let (from, to) = (dir.path().join("backup"), dir.path().join("data"));
    let said = good(&beside(move || put_back(&from, &to)).await);
    assert!(said.contains("start the server with --objects"), "{said}");
    let restored = TestServer::in_dir(dir, options()).await;
    let again = Console::signed_in(&restored).await;
    let response = again
        .http
        .get(&format!("/api/files/{snapshot}/content"))
        .await;
    assert!(response.bytes().await.unwrap() == fixture(FILE));
}

/// Something in a backup's place of a file that is none of its own.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_back_comes_from_the_backup_and_nowhere_else() {
    use std::os::unix::fs::symlink;
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload(FILE).await;
    let data = server.data_dir();
    let dir = tempfile::tempdir().unwrap();
    let backup = dir.path().join("backup");
    let new = dir.path().join("new");
    let object = format!("objects/sha256/{}/{snapshot}", &snapshot[..2]);
    let fresh = || {
        let _ = std::fs::remove_dir_all(&backup);
        good(&back_up(&data, &backup, &[]));
    };
    fresh();
    // What a link leads to is the very file that belongs there: it is not followed all the same.
    let outside = dir.path().join("outside");
    for path in ["requorum.db", "ledger-key", "backup.json", &object] {
        fresh();
        let there = backup.join(path);
        std::fs::rename(&there, &outside).unwrap();
        symlink(&outside, &there).unwrap();
        let said = bad(&put_back(&backup, &new));
        assert!(
            said.contains("links in a backup are not followed"),
            "{path}: {said}"
        );
        assert!(!new.exists());
    }
    fresh();
    let folder = dir.path().join("folder");
    std::fs::rename(backup.join("objects"), &folder).unwrap();
    symlink(&folder, backup.join("objects")).unwrap();
    let said = bad(&put_back(&backup, &new));
    assert!(
        said.contains("links in a backup are not followed"),
        "{said}"
    );

    // A FIFO that nobody writes to, a device without an end, a socket, a folder.
    for path in ["requorum.db", "backup.json", &object] {
        for kind in ["fifo", "folder", "socket"] {
            fresh();
            let there = backup.join(path);
            std::fs::remove_file(&there).unwrap();
            match kind {
                "fifo" => assert!(
                    Command::new("mkfifo")
                        .arg(&there)
                        .status()
                        .unwrap()
                        .success()
                ),
                "folder" => std::fs::create_dir(&there).unwrap(),
                _ => drop(std::os::unix::net::UnixListener::bind(&there).unwrap()),
            }
            let said = bad(&put_back(&backup, &new));
            assert!(
                said.contains("opening") || said.contains("reading"),
                "{kind}: {said}"
            );
            assert!(!new.exists(), "{kind} {path}");
        }
    }

    // A manifest is not signed: what it says is held against what a backup can have in it.
    let manifest = backup.join("backup.json");
    let edit = |change: &dyn Fn(&mut serde_json::Value)| {
        fresh();
        let mut json: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&manifest).unwrap()).unwrap();
        change(&mut json);
        std::fs::write(&manifest, json.to_string()).unwrap();
        let said = bad(&put_back(&backup, &new));
        assert!(!new.exists(), "{said}");
        said
    };
    let file = |path: &str| serde_json::json!({"path": path, "size": 1, "sha256": "00"});
    for path in [
        "../outside",
        "/etc/passwd",
        "objects/../../outside",
        "restores/a",
        "objects/sha256/aa/x",
        "tls.key",
        "requorum.db-wal",
        "",
        ".",
        "objects",
    ] {
        let said = edit(&|json| json["files"].as_array_mut().unwrap().push(file(path)));
        assert!(said.contains("names"), "{path}: {said}");
    }
    let twice = edit(&|json| {
        let files = json["files"].as_array_mut().unwrap();
        files.push(files[0].clone());
    });
    assert!(twice.contains("twice"), "{twice}");
    // A stored file under another's hash.
    let other = edit(&|json| {
        for file in json["files"].as_array_mut().unwrap() {
            if file["path"] == object.as_str() {
                file["sha256"] = "0".repeat(64).into();
            }
        }
    });
    assert!(other.contains("does not belong in a backup"), "{other}");
    // More bytes than were backed up are not read to their end.
    fresh();
    let grown = std::fs::OpenOptions::new()
        .write(true)
        .open(backup.join(&object));
    grown.unwrap().set_len(1 << 40).unwrap();
    let said = bad(&put_back(&backup, &new));
    assert!(said.contains("at least"), "{said}");
    fresh();
    good(&put_back(&backup, &new));
}
