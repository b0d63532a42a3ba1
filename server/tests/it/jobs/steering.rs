//! Jobs over the API: a restore from end to end, downloads, steering, and a server that stops in between.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use requorum_shared::api::v1;
use requorum_shared::etcd::recovery::restore::Target;
use requorum_shared::finding::Outcome;
use requorum_shared::job::events::{Body, EPHEMERAL};
use requorum_shared::job::fold::JobState;
use tonic::Code;

use crate::support::harness::{Options, TestServer};
use crate::support::recovery::{Console, fold, request};

#[tokio::test]
async fn three_members_are_restored_to_a_folder() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    let request = request(&snapshot, "restored/prod");
    let plan = console.seal(&request).await.unwrap();
    console.approve(&plan.id, &plan.hash).await.unwrap();
    let job = console.start(&plan).await.unwrap();
    assert_eq!(
        (job.steps_total, job.plan_id.as_str()),
        (6, plan.id.as_str())
    );

    let events = console.watch(&job.id, 0).await.unwrap();
    let view = fold(&events);
    assert_eq!(view.state, JobState::Completed, "{view:#?}");
    assert!(matches!(events[0].body, Body::Started { .. }));
    assert!(matches!(events.last().unwrap().body, Body::Ended { .. }));
    let boots = view
        .checks
        .iter()
        .find(|c| c.name == "Every member boots")
        .unwrap();
    assert_ne!(boots.outcome, Outcome::Fail, "{boots:?}");
    let passed = view
        .checks
        .iter()
        .filter(|c| c.outcome == Outcome::Pass)
        .count();
    assert!(passed >= 9, "{:#?}", view.checks);

    let at = server.data_dir().join("restores/restored/prod");
    for member in ["m1", "m2", "m3"] {
        let member = at.join(member).join("member");
        assert_eq!(
            member.metadata().unwrap().permissions().mode() & 0o777,
            0o700
        );
        let db = member.join("snap/db").metadata().unwrap();
        assert_eq!(db.permissions().mode() & 0o777, 0o600);
        assert!(
            member
                .join("wal/0000000000000000-0000000000000000.wal")
                .exists()
        );
    }
    assert_eq!(names(&at), ["m1", "m2", "m3"]);
    assert_eq!(names(at.parent().unwrap()), ["prod"]);
    assert_eq!(
        names(&server.data_dir().join("scratch")),
        Vec::<String>::new()
    );

    // Whoever asks later sees the same, from wherever they ask on.
    let stored = console.job(&job.id).await;
    let summary = stored.job.unwrap();
    assert_eq!(
        (summary.state(), summary.steps_done),
        (v1::JobState::Completed, 6)
    );
    assert_eq!(stored.artifacts, []);
    let durable: Vec<_> = events
        .iter()
        .filter(|e| e.seq != EPHEMERAL)
        .cloned()
        .collect();
    assert_eq!(console.watch(&job.id, 0).await.unwrap(), durable);
    let tail = console.watch(&job.id, 5).await.unwrap();
    assert_eq!(tail, durable[5..]);
    assert_eq!(console.watch(&job.id, 10_000).await.unwrap(), []);

    let again = console.start(&plan).await.unwrap_err();
    assert_eq!(again.code(), Code::AlreadyExists);
    assert!(again.message().contains(&job.id), "{}", again.message());
    let read = console.plan(&plan.id).await.plan.unwrap();
    assert_eq!(
        (read.state(), read.job_id.as_str()),
        (v1::PlanState::Used, job.id.as_str())
    );
}

#[tokio::test]
async fn a_member_is_downloaded_as_a_tar() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.5.33-three.db").await;
    let mut request = request(&snapshot, "");
    request.target = Target::Download;
    let job = console.run(&request).await;
    let view = console.finished(&job.id).await;
    assert_eq!(view.state, JobState::Completed, "{view:#?}");
    let artifacts = console.job(&job.id).await.artifacts;
    let names: Vec<_> = artifacts.iter().map(|made| made.name.as_str()).collect();
    assert_eq!(names, ["m1.tar", "m2.tar", "m3.tar"]);

    let response = console
        .http
        .get(&format!("/api/jobs/{}/artifacts/m2.tar", job.id))
        .await;
    assert_eq!(response.status(), 200);
    let promised: u64 = response.headers()["content-length"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let bytes = response.bytes().await.unwrap();
    assert_eq!(bytes.len() as u64, promised);
    let out = tempfile::tempdir().unwrap();
    let mut archive = tar::Archive::new(&bytes[..]);
    archive.set_preserve_permissions(true);
    archive.unpack(out.path()).unwrap();
    let placed = server.data_dir().join("downloads").join(&job.id).join("m2");
    let unpacked = out.path().join("m2");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    walk(&placed, &placed, &mut ours);
    walk(&unpacked, &unpacked, &mut theirs);
    assert_eq!(ours.len(), 7, "{ours:?}");
    assert_eq!(ours, theirs);

    for missing in ["m4.tar", "m2", "..tar", "m2.tar.tar"] {
        let response = console
            .http
            .get(&format!("/api/jobs/{}/artifacts/{missing}", job.id))
            .await;
        assert_eq!(response.status(), 404, "{missing}");
    }
}

#[tokio::test]
async fn a_target_that_is_taken_meanwhile_becomes_a_question() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.5.33-mixed.db").await;
    let plan = console.seal(&request(&snapshot, "a")).await.unwrap();
    console.approve(&plan.id, &plan.hash).await.unwrap();
    // Damage that only the first step can see: the facts are as they were.
    let object = server
        .data_dir()
        .join(format!("objects/sha256/{}/{snapshot}", &snapshot[..2]));
    let mut bytes = std::fs::read(&object).unwrap();
    bytes[5000] ^= 1;
    let whole = std::fs::read(&object).unwrap();
    std::fs::write(&object, &bytes).unwrap();
    let job = console.start(&plan).await.unwrap();
    let asked = |e: &requorum_shared::job::events::Event| matches!(e.body, Body::Asked { .. });
    let view = fold(&console.watch_until(&job.id, 0, asked).await.unwrap());
    assert_eq!(view.state, JobState::Waiting);
    let question = view.question.unwrap();
    assert!(
        question.evidence.contains("SHA-256"),
        "{}",
        question.evidence
    );
    let choices: Vec<_> = question.choices.iter().map(|c| c.id.as_str()).collect();
    // Nothing was changed yet: to stop and to keep what was done would be the same.
    assert_eq!(choices, ["retry", "undo"]);
    assert_eq!(question.choices[1].label, "Stop the job");
    let leave = console.answer(&job.id, &question.id, "leave").await;
    assert_eq!(leave.unwrap_err().code(), Code::InvalidArgument);
    assert!(question.choices.iter().all(|c| !c.consequence.is_empty()));

    let wrong = console
        .answer(&job.id, &question.id, "maybe")
        .await
        .unwrap_err();
    assert_eq!(wrong.code(), Code::InvalidArgument);
    let stale = console.answer(&job.id, "q99", "retry").await.unwrap_err();
    assert_eq!(stale.code(), Code::FailedPrecondition);
    let paused = console.pause(&job.id).await.unwrap_err();
    assert_eq!(paused.code(), Code::FailedPrecondition);

    // The question waits through a restart.
    let server = server.restart(Options::default()).await;
    let console = Console::signed_in(&server).await;
    let seen = console.job(&job.id).await.job.unwrap();
    assert_eq!(seen.state(), v1::JobState::Waiting);
    std::fs::write(&object, &whole).unwrap();
    console
        .answer(&job.id, &question.id, "retry")
        .await
        .unwrap();
    let view = fold(&console.watch(&job.id, 0).await.unwrap());
    assert_eq!(view.state, JobState::Completed, "{view:#?}");
}

#[tokio::test]
async fn undo_leaves_the_place_as_it_was() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.5.33-mixed.db").await;
    let object = server
        .data_dir()
        .join(format!("objects/sha256/{}/{snapshot}", &snapshot[..2]));
    let plan = console
        .seal(&request(&snapshot, "deep/er/a"))
        .await
        .unwrap();
    console.approve(&plan.id, &plan.hash).await.unwrap();
    let whole = std::fs::read(&object).unwrap();
    let mut damaged = whole.clone();
    damaged[5000] ^= 1;
    std::fs::write(&object, damaged).unwrap();
    let job = console.start(&plan).await.unwrap();
    let asked = |e: &requorum_shared::job::events::Event| matches!(e.body, Body::Asked { .. });
    console.watch_until(&job.id, 0, asked).await.unwrap();
    console.abort(&job.id).await.unwrap();
    let view = fold(&console.watch(&job.id, 0).await.unwrap());
    assert_eq!(view.state, JobState::Undone, "{view:#?}");
    std::fs::write(&object, whole).unwrap();
    assert_eq!(
        names(&server.data_dir().join("restores")),
        Vec::<String>::new()
    );
    let late = console.abort(&job.id).await.unwrap_err();
    assert_eq!(late.code(), Code::FailedPrecondition);
}

/// Path below `root`, mode and content of everything below `at`.
fn walk(root: &Path, at: &Path, out: &mut Vec<(String, u32, Vec<u8>)>) {
    let metadata = at.metadata().unwrap();
    let name = at.strip_prefix(root).unwrap().display().to_string();
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.is_dir() {
        out.push((name, mode, Vec::new()));
        for name in names(at) {
            walk(root, &at.join(name), out);
        }
    } else {
        out.push((name, mode, std::fs::read(at).unwrap()));
    }
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
