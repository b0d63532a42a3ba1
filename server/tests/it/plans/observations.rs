//! Observations: taken when a plan is sealed, approved or started, and by a task in between; dated, shown as they were
//! taken, and never by opening a page.

use std::path::PathBuf;
use std::time::Duration;

use requorum_server::ops::plans::look_at_open;
use requorum_shared::api::v1::{self, InputKind, PlanState, SourceOutcome};
use requorum_shared::canonical::sha256_hex;
use requorum_shared::job::events::{Body, Event};
use requorum_shared::job::fold::JobState;
use requorum_shared::ledger::entry::{Outcome, act};
use tonic::Code;

use crate::files::bucket::{Bucket, Fault};
use crate::ledger::entries::audit;
use crate::support::harness::{Options, TestServer, code, error};
use crate::support::recovery::{Console, fold, request};

/// What the task does, once.
async fn look(server: &TestServer) {
    look_at_open(server.app(), Duration::ZERO).await.unwrap();
}

fn occupy(server: &TestServer, path: &str) {
    let folder = server.data_dir().join("restores").join(path);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("x"), b"x").unwrap();
}

/// Entries that say that a plan was invalidated: by whom, how, and why.
async fn invalidated(console: &Console) -> Vec<(String, Option<Outcome>, String)> {
    let (_, entries) = audit(&console.http, None).await;
    let entries = entries
        .into_iter()
        .filter(|e| e.act == act::PLAN_INVALIDATE);
    entries.map(|e| (e.who, e.outcome, e.reason)).collect()
}

#[tokio::test]
async fn a_plan_rests_on_a_file_and_on_what_was_seen() {
    let (options, clock) = Options::with_clock();
    let server = TestServer::with(options).await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    let plan = console.seal(&request(&snapshot, "a")).await.unwrap();
    let read = console.plan(&plan.id).await;
    let inputs: Vec<_> = read.inputs.iter().map(|input| input.kind()).collect();
    assert_eq!(inputs, [InputKind::File, InputKind::Observation]);
    assert_eq!(read.inputs[0].id, snapshot);
    let seen = read.observation.unwrap();
    assert_eq!(seen.id, read.inputs[1].id);
    assert_eq!(seen.taken_at_ms, plan.sealed_at_ms);
    assert_eq!(seen.kind, "etcd.restore");
    let sources: Vec<_> = seen
        .sources
        .iter()
        .map(|source| (source.name.as_str(), source.outcome()))
        .collect();
    assert_eq!(
        sources,
        [
            ("file", SourceOutcome::Seen),
            ("target", SourceOutcome::Seen)
        ]
    );
    let found = console.plans_on(&seen.id).await;
    assert_eq!(found, std::slice::from_ref(&plan));

    // Opened later, it says when that was; the task looks again, and what the plan rests on stays.
    clock.advance_ms(90_000);
    let again = console.plan(&plan.id).await.observation.unwrap();
    assert_eq!(again, seen);
    look(&server).await;
    let newer = console.plan(&plan.id).await;
    let taken = newer.observation.unwrap();
    assert_eq!(taken.taken_at_ms, seen.taken_at_ms + 90_000);
    assert_eq!(newer.inputs, read.inputs);
    let store = &server.app().observations;
    assert!(store.observation(&seen.id).await.unwrap().is_some());
    // Of those that no plan rests on the newest is kept.
    clock.advance_ms(11 * 60_000);
    look(&server).await;
    assert!(store.observation(&taken.id).await.unwrap().is_none());
}

#[tokio::test]
async fn opening_a_plan_looks_at_nothing_and_changes_nothing() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    let viewer = server.person(&console.http, "Vera", &["viewer"]).await;
    let viewer = Console::with(viewer).await;
    let plan = console.seal(&request(&snapshot, "a")).await.unwrap();
    let before = viewer.plan(&plan.id).await;
    occupy(&server, "a");
    let size = server.app().ledger.status().size;
    for _ in 0..3 {
        assert_eq!(viewer.plan(&plan.id).await, before);
        assert_eq!(viewer.plans().await, std::slice::from_ref(&plan));
    }
    assert_eq!(viewer.plan(&plan.id).await, before);
    assert_eq!(server.app().ledger.status().size, size);
    assert_eq!(invalidated(&console).await, []);
    // Checking a request looks at files and folders: that is for those who may plan.
    let refused = viewer.check(&request(&snapshot, "a")).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn the_task_invalidates_what_does_not_hold_and_the_ledger_says_so() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    let plan = console.seal(&request(&snapshot, "a")).await.unwrap();
    let other = console.seal(&request(&snapshot, "b")).await.unwrap();
    look(&server).await;
    assert_eq!(invalidated(&console).await, []);
    occupy(&server, "a");
    look(&server).await;
    let read = console.plan(&plan.id).await;
    let summary = read.plan.unwrap();
    assert_eq!(summary.state(), PlanState::Invalidated);
    assert_eq!(
        (summary.decided_by.as_str(), summary.expires_at_ms),
        ("", 0)
    );
    assert!(!summary.reason.is_empty());
    assert!(
        !read.drift.is_empty(),
        "what invalidated it stays to be seen"
    );
    assert_eq!(read.observation, None);
    let other = console.plan(&other.id).await.plan.unwrap();
    assert_eq!(other.state(), PlanState::Sealed);

    let entries = invalidated(&console).await;
    let [opened, closed] = &entries[..] else {
        panic!("{entries:?}")
    };
    assert_eq!((opened.0.as_str(), opened.1), ("console", None));
    assert_eq!(closed.1, Some(Outcome::Done));
    assert!(closed.2.contains("target."), "{}", closed.2);
    let filter = v1::ListEntriesRequest {
        plan: plan.hash.clone(),
        act: act::PLAN_INVALIDATE.into(),
        acts_only: true,
        ..Default::default()
    };
    assert_eq!(console.entries(filter).await, 1);
    // That is for good, and written once.
    let _ = std::fs::remove_dir_all(server.data_dir().join("restores/a"));
    look(&server).await;
    assert_eq!(invalidated(&console).await.len(), 2);
    let refused = console.approve(&plan.id, &plan.hash).await.unwrap_err();
    assert_eq!(code(&refused), "plan.invalidated");
}

#[tokio::test]
async fn approving_and_starting_look_again() {
    let (options, clock) = Options::with_clock();
    let server = TestServer::with(options).await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    let plan = console.seal(&request(&snapshot, "a")).await.unwrap();
    let taken = async || {
        let read = console.plan(&plan.id).await;
        read.observation.unwrap().taken_at_ms
    };
    let sealed = taken().await;
    clock.advance_ms(1_000);
    console.approve(&plan.id, &plan.hash).await.unwrap();
    assert_eq!(taken().await, sealed + 1_000);
    clock.advance_ms(1_000);
    occupy(&server, "a");
    let refused = console.start(&plan).await.unwrap_err();
    assert_eq!(code(&refused), "plan.invalidated");
    assert_eq!(invalidated(&console).await.len(), 2);
}

/// Where the server keeps a file.
fn object(server: &TestServer, sha256: &str) -> PathBuf {
    let name = format!("objects/sha256/{}/{sha256}", &sha256[..2]);
    server.data_dir().join(name)
}

/// Each source of a plan's newest observation, and why it could not be looked at.
async fn sources(console: &Console, id: &str) -> Vec<(String, String)> {
    let seen = console.plan(id).await.observation.unwrap();
    let sources = seen.sources.into_iter();
    sources.map(|s| (s.name, s.detail)).collect()
}

#[tokio::test]
async fn a_store_that_cannot_be_asked_stops_a_plan_and_does_not_void_it() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    let plan = console.seal(&request(&snapshot, "a")).await.unwrap();
    let other = console.seal(&request(&snapshot, "b")).await.unwrap();
    // Where its folder should be is a file: every look into it fails.
    let folder = object(&server, &snapshot).parent().unwrap().to_owned();
    let aside = server.data_dir().join("aside");
    std::fs::rename(&folder, &aside).unwrap();
    std::fs::write(&folder, b"x").unwrap();

    look(&server).await;
    assert_eq!(invalidated(&console).await, []);
    let read = console.plan(&plan.id).await;
    assert_eq!(read.plan.unwrap().state(), PlanState::Sealed);
    assert_eq!(read.drift, []);
    let unseen = read.check.iter().find(|f| f.code == "source.unseen");
    assert!(unseen.is_some_and(|f| f.volatile), "{:?}", read.check);
    let of_file = &sources(&console, &plan.id).await[0];
    assert_eq!(of_file.0, "file");
    assert!(
        of_file.1.contains("looking for a stored file"),
        "{of_file:?}"
    );

    let sealing = console.seal(&request(&snapshot, "c")).await.unwrap_err();
    assert_eq!(code(&sealing), "plan.blocked");
    let approving = console.approve(&plan.id, &plan.hash).await.unwrap_err();
    assert_eq!(code(&approving), "plan.not-now");
    let said = approving.message();
    assert!(said.contains("The store could not be asked"), "{said}");
    // That a person does not want it depends on no disk.
    console.reject(&other, "Not needed.").await.unwrap();

    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&aside, &folder).unwrap();
    console.approve(&plan.id, &plan.hash).await.unwrap();
    std::fs::rename(&folder, &aside).unwrap();
    std::fs::write(&folder, b"x").unwrap();
    let starting = console.start(&plan).await.unwrap_err();
    assert_eq!(code(&starting), "plan.not-now");
    look(&server).await;
    let read = console.plan(&plan.id).await;
    assert_eq!(read.plan.unwrap().state(), PlanState::Approved);
    assert_eq!(invalidated(&console).await, []);
}

#[tokio::test]
async fn an_observation_whose_source_lies_is_named_and_nothing_is_written() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    let plan = console.seal(&request(&snapshot, "a")).await.unwrap();
    let object = object(&server, &snapshot);
    let whole = std::fs::read(&object).unwrap();
    for (lie, code_of, detail) in [
        (Some(&whole[..4096]), "source.changed", "4 096 bytes"),
        (None, "source.missing", "not in the store"),
    ] {
        match lie {
            Some(bytes) => std::fs::write(&object, bytes).unwrap(),
            None => std::fs::remove_file(&object).unwrap(),
        }
        let findings = console.check(&request(&snapshot, "b")).await.unwrap();
        let named: Vec<_> = findings
            .iter()
            .filter(|f| f.severity() == v1::Severity::Blocking)
            .map(|f| f.code.as_str())
            .collect();
        assert_eq!(named, [code_of]);
        let refused = console.seal(&request(&snapshot, "b")).await.unwrap_err();
        assert_eq!(code(&refused), "plan.blocked");
        let said = refused.message();
        assert!(said.contains(detail) && said.len() < 1_000, "{said}");
    }
    assert_eq!(console.plans().await, std::slice::from_ref(&plan));
    assert!(!server.data_dir().join("restores/b").exists());
    // What was sealed before does not hold any more.
    look(&server).await;
    let read = console.plan(&plan.id).await;
    assert_eq!(read.plan.unwrap().state(), PlanState::Invalidated);
    assert_eq!(read.drift[0].code, "source.missing");
    assert!(!server.data_dir().join("restores/a").exists());
}

/// An observation asks the store for the length alone: the first step reads every byte before anything is written.
#[tokio::test]
async fn other_bytes_of_the_same_length_stop_the_job_before_it_writes() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    let object = object(&server, &snapshot);
    let whole = std::fs::read(&object).unwrap();
    let other = vec![b'x'; whole.len()];
    std::fs::write(&object, &other).unwrap();
    let plan = console.seal(&request(&snapshot, "a")).await.unwrap();
    console.approve(&plan.id, &plan.hash).await.unwrap();
    let job = console.start(&plan).await.unwrap();
    let asked = |event: &Event| matches!(event.body, Body::Asked { .. });
    let view = fold(&console.watch_until(&job.id, 0, asked).await.unwrap());
    let question = view.question.unwrap();
    for named in [&snapshot, &sha256_hex(&other)] {
        assert!(question.evidence.contains(named), "{}", question.evidence);
    }
    let restores = || std::fs::read_dir(server.data_dir().join("restores")).unwrap();
    assert_eq!(restores().count(), 0);
    console.abort(&job.id).await.unwrap();
    let view = fold(&console.watch(&job.id, 0).await.unwrap());
    assert_eq!(view.state, JobState::Undone, "{view:#?}");
    assert_eq!(restores().count(), 0);
    // Nor are these bytes given to anyone as the file.
    let content = format!("/api/files/{snapshot}/content");
    let read = console.http.get(&content).await.bytes().await;
    assert!(read.is_err(), "{} bytes", read.unwrap().len());
}

#[tokio::test]
async fn what_a_store_says_of_itself_is_bounded() {
    let bucket = Bucket::start().await;
    let options = Options {
        objects: Some(bucket.place("console")),
        ..Options::default()
    };
    let server = TestServer::with(options).await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    let plan = console.seal(&request(&snapshot, "a")).await.unwrap();
    bucket.fail("GET", "sha256", usize::MAX, Fault::Endless(500));
    look(&server).await;
    let of_file = &sources(&console, &plan.id).await[0];
    assert!(of_file.1.contains("(500 No)"), "{of_file:?}");
    assert!(of_file.1.len() < 1_000, "{of_file:?}");
    let findings = console.check(&request(&snapshot, "b")).await.unwrap();
    let unseen = findings.iter().find(|f| f.code == "source.unseen").unwrap();
    assert!(unseen.volatile && unseen.what.len() < 1_000, "{unseen:?}");
    for refused in [
        console.seal(&request(&snapshot, "b")).await.unwrap_err(),
        console.approve(&plan.id, &plan.hash).await.unwrap_err(),
    ] {
        assert!(refused.message().len() < 2_000, "{refused}");
    }
    assert_eq!(console.plans().await.len(), 1);
    assert!(!server.data_dir().join("restores/b").exists());
    let content = format!("/api/files/{snapshot}/content");
    let (status, said) = error(console.http.get(&content).await).await;
    assert_eq!((status, said.code.as_str()), (503, "objects.unavailable"));
    assert!(said.message.contains("(500 No)"), "{}", said.message);
    assert!(!said.message.contains("never"), "{}", said.message);
}
