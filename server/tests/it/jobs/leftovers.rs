//! What jobs left: listed, and removed only where it is as the job left it.

use std::fs::File;
use std::path::{Path, PathBuf};

use requorum_server::grpc::v1::console_service_client::ConsoleServiceClient;
use requorum_shared::api::v1;
use requorum_shared::dossier;
use requorum_shared::etcd::recovery::restore::{RestoreRequest, Target};
use requorum_shared::job::events::Body;
use requorum_shared::ledger::entry::{Outcome, act};
use sha2::{Digest as _, Sha256};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;
use tonic::Code;

use super::targets::waiting;
use crate::ledger::entries::audit;
use crate::support::harness::{Client, NAME, TestServer, code};
use crate::support::killed;
use crate::support::process::Process;
use crate::support::recovery::{Console, request};

/// Below the console's own root.
fn at(data_dir: &Path, path: &str) -> PathBuf {
    data_dir.join("restores").join(path)
}

async fn approved(console: &Console, request: &RestoreRequest) -> v1::PlanSummary {
    let plan = console.seal(request).await.unwrap();
    console.approve_all(&plan).await.unwrap();
    plan
}

/// How the acts of removing came out, in order.
async fn removals(client: &Client) -> Vec<(Option<Outcome>, String)> {
    let (_, entries) = audit(client, None).await;
    let closed = entries
        .into_iter()
        .filter(|entry| entry.act == act::JOB_REMOVE_LEFTOVERS && entry.closes.is_some());
    closed.map(|entry| (entry.outcome, entry.reason)).collect()
}

#[tokio::test]
async fn what_a_job_left_is_listed_and_removed_once() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload_of("3.5.33-three.db", "prod").await;
    let job = console.run(&request(&snapshot, "left/over")).await;
    console.finished(&job.id).await;
    let place = at(&server.data_dir(), "left/over");

    let left = console.leftovers(&job.id).await;
    assert!(left.recorded && left.missing.is_empty(), "{left:?}");
    assert_eq!(left.folders.len(), 1);
    assert_eq!(left.folders[0].path, place.display().to_string());
    assert!(left.folders[0].bytes > 3 * 16_384, "{left:?}");
    assert_eq!(
        (left.confirm.as_str(), left.removed_by.as_str()),
        ("prod", "")
    );
    assert!(left.looked);
    // Who may not remove it is told what the job wrote down, and makes no disk work.
    let viewer = server.person(&console.http, "Vi", &["viewer"]).await;
    let viewer = Console::with(viewer).await;
    let aside = place.with_extension("aside");
    std::fs::rename(&place, &aside).unwrap();
    let told = viewer.leftovers(&job.id).await;
    assert!(!told.looked && told.missing.is_empty(), "{told:?}");
    assert_eq!(told.folders[0].path, left.folders[0].path);
    let seen = console.leftovers(&job.id).await;
    assert_eq!((seen.folders.len(), seen.missing.len()), (0, 1));
    std::fs::rename(&aside, &place).unwrap();

    for typed in ["", "PROD", "prod #1"] {
        let refused = console.remove_leftovers(&job.id, typed).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{typed}");
        assert_eq!(code(&refused), "job.confirm");
    }
    assert!(place.join("m1/member/snap/db").exists());
    assert_eq!(removals(&console.http).await, []);

    console.remove_leftovers(&job.id, " prod ").await.unwrap();
    assert!(!place.exists());
    let left = console.leftovers(&job.id).await;
    assert_eq!((left.removed_by.as_str(), left.folders.len()), (NAME, 0));
    assert!(
        left.removed_at_ms > 0 && left.missing.is_empty(),
        "{left:?}"
    );
    let read = console.job(&job.id).await;
    let last = read.events.iter().rev().take(2);
    let last = last.map(|event| serde_json::from_str::<Body>(&event.body_json).unwrap());
    let (by, paths) = (NAME.to_owned(), vec![place.display().to_string()]);
    assert_eq!(
        last.collect::<Vec<_>>(),
        [
            Body::LeftoversRemoved {
                by: by.clone(),
                paths: paths.clone()
            },
            Body::RemovalBegun { by, paths },
        ]
    );
    requorum_server::ops::disks::measure(server.app()).await;
    let mut storage = ConsoleServiceClient::new(console.http.grpc().await);
    let storage = storage.get_storage(v1::GetStorageRequest {}).await.unwrap();
    assert_eq!(storage.into_inner().clusters[0].leftovers_bytes, 0);

    let again = console.remove_leftovers(&job.id, "prod").await.unwrap_err();
    assert_eq!(code(&again), "job.leftovers-removed");
    assert!(again.message().contains(NAME), "{again:?}");
    let outcomes: Vec<_> = removals(&console.http).await;
    assert_eq!(outcomes.len(), 2, "{outcomes:?}");
    assert_eq!(outcomes[0].0, Some(Outcome::Done));

    // The record of the recovery has it, and can still be verified.
    let archive = console
        .http
        .get(&format!("/api/jobs/{}/dossier", job.id))
        .await
        .bytes()
        .await
        .unwrap();
    let verdict = dossier::verify(&archive, None);
    assert!(verdict.whole, "{:#?}", verdict.checks);
    let text = serde_json::to_string(&verdict.document.unwrap()).unwrap();
    assert!(text.contains("Removed the restored members"), "{text}");
    server.stop().await;
}

#[tokio::test]
async fn a_download_is_listed_with_size_and_digest_until_it_is_removed() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.5.33-three.db").await;
    let mut wanted = request(&snapshot, "");
    wanted.target = Target::Download;
    let job = console.run(&wanted).await;
    console.finished(&job.id).await;
    let artifacts = console.job(&job.id).await.artifacts;
    assert_eq!(artifacts.len(), 3);
    let path = format!("/api/jobs/{}/artifacts/{}", job.id, artifacts[1].name);
    let bytes = console.http.get(&path).await.bytes().await.unwrap();
    assert_eq!(artifacts[1].size, bytes.len() as u64);
    assert_eq!(artifacts[1].sha256, hex::encode(Sha256::digest(&bytes)));

    let left = console.leftovers(&job.id).await;
    let place = server.data_dir().join("downloads").join(&job.id);
    assert_eq!(left.folders.len(), 1, "{left:?}");
    assert_eq!(left.folders[0].path, place.display().to_string());
    // A job of no cluster is called by its own name.
    assert_eq!(left.confirm, job.name);
    console.remove_leftovers(&job.id, &job.name).await.unwrap();
    assert!(!place.exists());
    assert_eq!(console.job(&job.id).await.artifacts, []);
    assert_eq!(console.http.get(&path).await.status(), 404);
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_as_the_job_left_it_stays() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload_of("3.5.33-three.db", "prod").await;
    let first = console.run(&request(&snapshot, "same")).await;
    let early = console.remove_leftovers(&first.id, "prod").await;
    console.finished(&first.id).await;
    if let Err(early) = early {
        assert_eq!(code(&early), "job.nothing-to-remove");
    }
    let place = at(&server.data_dir(), "same");
    assert!(place.exists());

    // A server was started from it.
    let log = place.join("m2/member/wal/0000000000000000-0000000000000000.wal");
    let whole = std::fs::read(&log).unwrap();
    let was = log.metadata().unwrap().modified().unwrap();
    let mut written = whole.clone();
    written[8] ^= 1;
    std::fs::write(&log, written).unwrap();
    let left = console.leftovers(&first.id).await;
    assert!(left.folders.is_empty() && !left.unfinished, "{left:?}");
    assert!(
        left.missing[0].difference.ends_with(".wal was changed"),
        "{left:?}"
    );
    let refused = console
        .remove_leftovers(&first.id, "prod")
        .await
        .unwrap_err();
    assert_eq!(code(&refused), "job.leftovers-changed");
    assert!(
        refused.message().contains("A server may have been started"),
        "{refused:?}"
    );
    assert!(place.join("m1/member/snap/db").exists());
    std::fs::write(&log, whole).unwrap();
    let times = std::fs::FileTimes::new().set_modified(was);
    File::open(&log).unwrap().set_times(times).unwrap();
    let left = console.leftovers(&first.id).await;
    assert_eq!(left.folders.len(), 1, "{left:?}");

    // The operator moved it away, and another job made the same there.
    let away = at(&server.data_dir(), "away");
    std::fs::rename(&place, &away).unwrap();
    let second = console.run(&request(&snapshot, "same")).await;
    console.finished(&second.id).await;
    let left = console.leftovers(&first.id).await;
    assert!(left.folders.is_empty(), "{left:?}");
    assert_eq!(left.missing[0].path, place.display().to_string());
    let refused = console
        .remove_leftovers(&first.id, "prod")
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(code(&refused), "job.leftovers-changed");
    assert!(
        refused.message().contains("the folder was replaced"),
        "{refused:?}"
    );
    for there in [&place, &away] {
        assert!(
            there.join("m3/member/snap/db").exists(),
            "{}",
            there.display()
        );
    }
    // Each removes its own.
    console.remove_leftovers(&second.id, "prod").await.unwrap();
    assert!(!place.exists() && away.exists());
    let refused = console
        .remove_leftovers(&first.id, "prod")
        .await
        .unwrap_err();
    assert_eq!(code(&refused), "job.leftovers-gone");
    std::fs::rename(&away, &place).unwrap();
    console.remove_leftovers(&first.id, "prod").await.unwrap();
    assert!(!place.exists());
    server.stop().await;
}

#[tokio::test]
async fn while_a_job_works_there_and_by_who_may_not_nothing_is_removed() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload_of("3.5.33-mixed.db", "prod").await;
    let first = approved(&console, &request(&snapshot, "prod/new")).await;
    let inside = approved(&console, &request(&snapshot, "prod/new/deep/er")).await;
    let job = console.start(&first).await.unwrap();
    console.finished(&job.id).await;
    let place = at(&server.data_dir(), "prod/new");

    for grants in [
        &["viewer"][..],
        &["approver@lab", "viewer@prod"],
        &["operator@lab", "viewer@prod"],
    ] {
        let name = format!("P {}", grants.join(" ").replace('@', " at "));
        let person = server.person(&console.http, &name, grants).await;
        let person = Console::with(person).await;
        // Looking is allowed.
        assert_eq!(person.leftovers(&job.id).await.folders.len(), 1);
        let refused = person.remove_leftovers(&job.id, "prod").await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{grants:?}");
    }
    let (other, mend) = waiting(&server, &console, &inside, &snapshot).await;
    let refused = console.remove_leftovers(&job.id, "prod").await.unwrap_err();
    assert_eq!(code(&refused), "job.target-taken");
    assert!(refused.message().contains(&other.id), "{refused:?}");
    assert!(place.join("m1/member/snap/db").exists());
    console.abort(&other.id).await.unwrap();
    console.watch(&other.id, 0).await.unwrap();
    mend();
    console.remove_leftovers(&job.id, "prod").await.unwrap();
    assert!(!place.join("m1").exists());
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_is_killed_after_a_removal_finds_it_done() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let process = Process::start(&data, true, &[]);
    let console = killed::console(&process).await;
    let snapshot = console.upload_of("3.5.33-three.db", "prod").await;
    let job = console.run(&request(&snapshot, "killed")).await;
    console.finished(&job.id).await;
    let options = SqliteConnectOptions::new().filename(data.join("requorum.db"));
    let database = SqlitePool::connect_with(options).await.unwrap();
    let no_ends = "CREATE TRIGGER no_ends BEFORE INSERT ON ledger_entries WHEN NEW.closes IS NOT NULL \
                   BEGIN SELECT RAISE(ABORT, 'no ends'); END";
    sqlx::query(no_ends).execute(&database).await.unwrap();
    console.remove_leftovers(&job.id, "prod").await.unwrap();
    process.kill();
    let again = sqlx::query("DROP TRIGGER no_ends");
    again.execute(&database).await.unwrap();

    let process = Process::start(&data, false, &[]);
    let console = killed::console(&process).await;
    assert!(!at(&data, "killed").exists());
    assert_eq!(console.leftovers(&job.id).await.removed_by, NAME);
    let removals = removals(&console.http).await;
    assert_eq!(removals.len(), 1, "{removals:?}");
    assert_eq!(removals[0].0, Some(Outcome::Done));
    process.kill();
}

#[tokio::test]
async fn of_two_folders_the_one_that_is_there_is_removed_and_the_other_stays_listed() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload_of("3.5.33-three.db", "prod").await;
    // Into a folder that is there: each member is a folder of the job by itself.
    let place = at(&server.data_dir(), "shared");
    std::fs::create_dir_all(&place).unwrap();
    let job = console.run(&request(&snapshot, "shared")).await;
    console.finished(&job.id).await;
    let away = at(&server.data_dir(), "away");
    std::fs::rename(place.join("m2"), &away).unwrap();
    console.remove_leftovers(&job.id, "prod").await.unwrap();
    assert!(place.exists() && away.join("member/snap/db").exists());
    assert!(!place.join("m1").exists() && !place.join("m3").exists());
    let left = console.leftovers(&job.id).await;
    assert_eq!((left.removed_by.as_str(), left.folders.len()), ("", 0));
    let missing: Vec<_> = left.missing.iter().map(|m| m.path.clone()).collect();
    assert_eq!(missing, [place.join("m2").display().to_string()]);

    // Once it is back it is removed as the others were, and then all of them are.
    std::fs::rename(&away, place.join("m2")).unwrap();
    assert_eq!(console.leftovers(&job.id).await.folders.len(), 1);
    console.remove_leftovers(&job.id, "prod").await.unwrap();
    assert!(!place.join("m2").exists());
    assert_eq!(console.leftovers(&job.id).await.removed_by, NAME);
    server.stop().await;
}

#[tokio::test]
async fn a_removal_whose_end_was_not_written_down_is_brought_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let process = Process::start(&data, true, &[]);
    let console = killed::console(&process).await;
    let snapshot = console.upload_of("3.5.33-three.db", "prod").await;
    let job = console.run(&request(&snapshot, "cut")).await;
    console.finished(&job.id).await;
    let options = SqliteConnectOptions::new().filename(data.join("requorum.db"));
    let database = SqlitePool::connect_with(options).await.unwrap();
    let no_end = "CREATE TRIGGER no_end BEFORE INSERT ON job_events WHEN NEW.body_json LIKE '%leftovers-removed%' \
                  BEGIN SELECT RAISE(ABORT, 'no end'); END";
    sqlx::query(no_end).execute(&database).await.unwrap();
    console.remove_leftovers(&job.id, "prod").await.unwrap_err();
    process.kill();
    assert!(!at(&data, "cut").exists());
    let again = sqlx::query("DROP TRIGGER no_end");
    again.execute(&database).await.unwrap();

    let process = Process::start(&data, false, &[]);
    let console = killed::console(&process).await;
    let left = console.leftovers(&job.id).await;
    assert!(left.unfinished && left.removed_by.is_empty(), "{left:?}");
    console.remove_leftovers(&job.id, "prod").await.unwrap();
    let left = console.leftovers(&job.id).await;
    assert_eq!((left.removed_by.as_str(), left.unfinished), (NAME, false));
    let outcomes: Vec<_> = removals(&console.http).await;
    let outcomes: Vec<_> = outcomes.into_iter().map(|(outcome, _)| outcome).collect();
    assert_eq!(outcomes, [Some(Outcome::Failed), Some(Outcome::Done)]);
    process.kill();
}
