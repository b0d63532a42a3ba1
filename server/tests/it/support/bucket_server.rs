//! The console with its files in a bucket: the whole way, and a bucket that goes away in the middle of it.

use std::process::Stdio;

use requorum_shared::api::upload::{Upload, Uploads};
use requorum_shared::canonical::sha256_hex;
use requorum_shared::etcd::recovery::restore::{RestoreRequest, TargetVersion};
use requorum_shared::finding::Outcome;
use requorum_shared::job::fold::{JobState, JobView};
use serde_json::json;
use tonic::Code;

use crate::files::bucket::{Bucket, Fault, SECRET};
use crate::support::harness::{Client, Options, TestServer, code, error, fixture};
use crate::support::process::{self, Process};
use crate::support::recovery::{Console, request};

const FILE: &str = "3.6.14-mixed.db";
const ALWAYS: usize = usize::MAX;
const AWAY: Fault = Fault::Answer(503, "SlowDown");

fn options(bucket: &Bucket) -> Options {
    Options {
        objects: Some(bucket.place("console")),
        ..Options::default()
    }
}

/// For a version that is seldom here: the boot check has tests of its own.
fn order(snapshot: &str, path: &str) -> RestoreRequest {
    RestoreRequest {
        target_version: TargetVersion::V3_7,
        ..request(snapshot, path)
    }
}

fn assert_completed(view: &JobView) {
    assert_eq!(view.state, JobState::Completed, "{view:#?}");
    let failed = |checks: &[requorum_shared::finding::Check]| {
        checks.iter().any(|check| check.outcome == Outcome::Fail)
    };
    assert!(
        !view.checks.is_empty() && !failed(&view.checks),
        "{view:#?}"
    );
}

async fn download(client: &Client, id: &str) -> Vec<u8> {
    let response = client.get(&format!("/api/files/{id}/content")).await;
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap().to_vec()
}

#[tokio::test]
async fn upload_plan_restore_verify() {
    let bucket = Bucket::start().await;
    let server = TestServer::with(options(&bucket)).await;
    let console = Console::over(&server).await;
    let bytes = fixture(FILE);
    let snapshot = console.upload(FILE).await;
    assert_eq!(bucket.objects(), [bucket.object("console", &snapshot)]);
    for folder in ["objects", "uploads", "bucket/fetched"] {
        let here = std::fs::read_dir(server.data_dir().join(folder)).unwrap();
        assert_eq!(here.count(), 0, "{folder}");
    }
    let job = console.run(&order(&snapshot, "a")).await;
    assert_completed(&console.finished(&job.id).await);
    assert!(download(&console.http, &snapshot).await == bytes);
    let part = console
        .http
        .request("GET", &format!("/api/files/{snapshot}/content"))
        .header("range", "bytes=100-199")
        .send()
        .await
        .unwrap();
    assert_eq!(part.status(), 206);
    assert!(part.bytes().await.unwrap() == bytes[100..200]);

    // Once fetched, it is not fetched again, and a restart changes nothing.
    bucket.asked();
    let server = server.restart(options(&bucket)).await;
    let console = Console::signed_in(&server).await;
    let job = console.run(&order(&snapshot, "b")).await;
    assert_completed(&console.finished(&job.id).await);
    let whole = format!("bytes=0-{}", bytes.len() - 1);
    assert!(!bucket.asked().iter().any(|asked| asked.contains(&whole)));
    let members = |name: &str| {
        let at = server.data_dir().join("restores").join(name);
        std::fs::read(at.join("m1/member/snap/db")).unwrap()
    };
    assert!(members("a") == members("b"));
}

#[tokio::test]
async fn while_the_bucket_is_away_an_upload_stays_and_ends_later() {
    let bucket = Bucket::start().await;
    let server = TestServer::with(options(&bucket)).await;
    let admin = server.admin().await;
    let bytes = fixture(FILE);
    let body = json!({"name": FILE, "length": bytes.len()});
    let upload: Upload = admin
        .post("/api/uploads", &body)
        .await
        .json()
        .await
        .unwrap();
    let path = format!("/api/uploads/{}", upload.id);
    let send = async |client: &Client, offset: usize| {
        client
            .request("PATCH", &path)
            .header("upload-offset", offset)
            .body(bytes[offset..].to_vec())
            .send()
            .await
            .unwrap()
    };
    bucket.fail("PUT", "sha256", ALWAYS, AWAY);
    let response = send(&admin, 0).await;
    assert_eq!(response.headers()["retry-after"], "30");
    let (status, body) = error(response).await;
    assert_eq!((status, body.code.as_str()), (503, "objects.unavailable"));
    assert!(body.message.contains("503 SlowDown"), "{}", body.message);
    assert!(!body.message.contains(SECRET));
    assert_eq!(admin.snapshots().await.files, [], "nothing half visible");
    let unfinished: Uploads = admin.get("/api/uploads").await.json().await.unwrap();
    assert_eq!(unfinished.uploads[0].offset, bytes.len() as u64);

    // Nor does a restart lose it: the bucket answers its probe, and refuses the file.
    let server = server.restart(options(&bucket)).await;
    let admin = server.signed_in().await;
    assert_eq!(error(send(&admin, bytes.len()).await).await.0, 503);
    bucket.heal();
    // Not a byte is sent again.
    let done: Upload = send(&admin, bytes.len()).await.json().await.unwrap();
    assert_eq!(done.snapshot, Some(sha256_hex(&bytes)));
    assert!(download(&admin, &sha256_hex(&bytes)).await == bytes);
    let parts = std::fs::read_dir(server.data_dir().join("uploads")).unwrap();
    assert_eq!(parts.count(), 0);
}

#[tokio::test]
async fn an_upload_that_the_bucket_refused_ends_at_the_next_start() {
    let bucket = Bucket::start().await;
    let server = TestServer::with(options(&bucket)).await;
    let admin = server.admin().await;
    let bytes = fixture(FILE);
    let body = json!({"name": FILE, "length": bytes.len()});
    let upload: Upload = admin
        .post("/api/uploads", &body)
        .await
        .json()
        .await
        .unwrap();
    bucket.fail("PUT", "sha256", ALWAYS, Fault::Answer(403, "AccessDenied"));
    let response = admin
        .request("PATCH", &format!("/api/uploads/{}", upload.id))
        .header("upload-offset", 0)
        .body(bytes.clone())
        .send()
        .await
        .unwrap();
    let (status, body) = error(response).await;
    assert_eq!((status, body.code.as_str()), (503, "objects.closed"));
    let server = server
        .restart_after(options(&bucket), || bucket.heal())
        .await;
    let admin = server.signed_in().await;
    assert!(download(&admin, &sha256_hex(&bytes)).await == bytes);
}

#[tokio::test]
async fn while_the_bucket_is_away_plans_stay_and_jobs_ask() {
    let bucket = Bucket::start().await;
    let server = TestServer::with(options(&bucket)).await;
    let console = Console::over(&server).await;
    let snapshot = console.upload(FILE).await;
    let plan = console.seal(&order(&snapshot, "a")).await.unwrap();

    // Not knowing whether the file is there is no reason to make a plan void.
    bucket.fail("GET", "sha256", ALWAYS, AWAY);
    let refused = console.approve(&plan.id, &plan.hash).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(code(&refused), "plan.not-now");
    assert!(refused.message().contains("503 SlowDown"), "{refused:?}");
    let response = console
        .http
        .get(&format!("/api/files/{snapshot}/content"))
        .await;
    assert_eq!(error(response).await.0, 503);
    bucket.heal();
    console.approve(&plan.id, &plan.hash).await.unwrap();

    // The file's first byte is there, and the file does not come.
    let whole = format!("bytes=0-{}", fixture(FILE).len() - 1);
    bucket.fail("GET", whole.clone(), ALWAYS, AWAY);
    let job = console.start(&plan).await.unwrap();
    let view = console.finished(&job.id).await;
    assert_eq!(view.state, JobState::Waiting);
    let question = view.question.unwrap();
    assert!(
        question.evidence.contains("503 SlowDown"),
        "{}",
        question.evidence
    );
    bucket.heal();
    console
        .answer(&job.id, &question.id, "retry")
        .await
        .unwrap();
    let events = console.watch(&job.id, 0).await.unwrap();
    assert_completed(&crate::support::recovery::fold(&events));

    // Going back needs no file.
    std::fs::remove_dir_all(server.data_dir().join("bucket/fetched")).unwrap();
    let server = server.restart(options(&bucket)).await;
    let console = Console::signed_in(&server).await;
    let plan = console.seal(&order(&snapshot, "b")).await.unwrap();
    console.approve(&plan.id, &plan.hash).await.unwrap();
    bucket.fail("GET", whole, ALWAYS, Fault::Flip);
    let job = console.start(&plan).await.unwrap();
    let view = console.finished(&job.id).await;
    let question = view.question.unwrap();
    assert!(
        question.evidence.contains("is damaged"),
        "{}",
        question.evidence
    );
    console.answer(&job.id, &question.id, "undo").await.unwrap();
    let events = console.watch(&job.id, 0).await.unwrap();
    assert_eq!(
        crate::support::recovery::fold(&events).state,
        JobState::Undone
    );
    assert!(!server.data_dir().join("restores/b").exists());
}

#[tokio::test]
async fn a_download_of_a_damaged_object_is_cut_before_its_end() {
    let bucket = Bucket::start().await;
    let server = TestServer::with(options(&bucket)).await;
    let console = Console::over(&server).await;
    let snapshot = console.upload(FILE).await;
    let path = bucket.object("console", &snapshot);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[1234] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let response = console
        .http
        .get(&format!("/api/files/{snapshot}/content"))
        .await;
    assert_eq!(response.status(), 200);
    assert!(
        response.bytes().await.is_err(),
        "whoever downloads sees that it is not whole"
    );
    std::fs::write(&path, &bytes[1..]).unwrap();
    let response = console
        .http
        .get(&format!("/api/files/{snapshot}/content"))
        .await;
    let (status, body) = error(response).await;
    assert_eq!((status, body.code.as_str()), (500, "objects.damaged"));
}

#[tokio::test]
async fn the_command_line_names_the_bucket_and_says_what_is_wrong_with_it() {
    let bucket = Bucket::start().await;
    let dir = tempfile::tempdir().unwrap();
    let (environment, arguments) = bucket.named("console/files");
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let command = |data: &str| {
        let mut command = process::command(&dir.path().join(data), &arguments);
        command.envs(environment.clone());
        command
    };
    bucket.fail("PUT", "probe", ALWAYS, Fault::Answer(404, "NoSuchBucket"));
    let refused = {
        let mut command = command("refused");
        command.stdout(Stdio::null());
        tokio::task::spawn_blocking(move || command.output().unwrap())
    };
    let refused = refused.await.unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains("the stored files are not available: writing console/files/probe/")
            && said.contains("no such bucket (404 NoSuchBucket)"),
        "{said}"
    );
    assert!(!said.contains(SECRET), "{said}");
    bucket.heal();
    let command = command("good");
    let process = tokio::task::spawn_blocking(move || Process::spawn(command, true));
    let process = process.await.unwrap();
    assert!(
        bucket
            .asked()
            .iter()
            .any(|asked| asked.contains("files/probe/"))
    );
    process.kill();

    let plain = process::command(
        dir.path(),
        &[
            "--objects",
            "s3://recovery",
            "--s3-endpoint",
            "http://10.0.0.1",
        ],
    )
    .output()
    .unwrap();
    assert_eq!(plain.status.code(), Some(1));
    let said = String::from_utf8(plain.stderr).unwrap();
    assert!(said.contains("--s3-allow-http"), "{said}");
}
