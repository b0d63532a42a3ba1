//! Where restores go: one job at a time for a target, and roots that belong to clusters.

use std::path::{Path, PathBuf};

use requorum_server::config::{RootClusters, RootConfig};
use requorum_server::grpc::v1::console_service_client::ConsoleServiceClient;
use requorum_shared::api::v1;
use requorum_shared::etcd::recovery::restore::{RestoreRequest, Target};
use requorum_shared::job::events::{Body, Event};
use requorum_shared::job::fold::JobState;
use tonic::Code;

use crate::support::harness::{Options, TestServer, code};
use crate::support::recovery::{Console, fold, request};

fn asks(event: &Event) -> bool {
    matches!(event.body, Body::Asked { .. })
}

pub(super) async fn approved(console: &Console, request: &RestoreRequest) -> v1::PlanSummary {
    let plan = console.seal(request).await.unwrap();
    console.approve(&plan.id, &plan.hash).await.unwrap();
    plan
}

/// A job of this plan that waits for an answer before it has done anything, and what makes it go on.
pub(super) async fn waiting(
    server: &TestServer,
    console: &Console,
    plan: &v1::PlanSummary,
    snapshot: &str,
) -> (v1::JobSummary, impl FnOnce()) {
    let object: PathBuf = server
        .data_dir()
        .join(format!("objects/sha256/{}/{snapshot}", &snapshot[..2]));
    let whole = std::fs::read(&object).unwrap();
    let mut damaged = whole.clone();
    damaged[5000] ^= 1;
    std::fs::write(&object, damaged).unwrap();
    let job = console.start(plan).await.unwrap();
    console.watch_until(&job.id, 0, asks).await.unwrap();
    (job, move || std::fs::write(object, whole).unwrap())
}

async fn answer(console: &Console, job: &str, choice: &str) {
    let view = fold(&console.watch_until(job, 0, asks).await.unwrap());
    let question = view.question.unwrap();
    console.answer(job, &question.id, choice).await.unwrap();
}

#[tokio::test]
async fn one_job_at_a_time_works_on_a_target() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.5.33-mixed.db").await;
    let first = approved(&console, &request(&snapshot, "prod/new")).await;
    let mut others = Vec::new();
    for path in ["prod/new", "prod/new/m1", "prod/new/deep/er", "prod"] {
        others.push((path, approved(&console, &request(&snapshot, path)).await));
    }
    let beside = approved(&console, &request(&snapshot, "prod/newer")).await;
    let (job, mend) = waiting(&server, &console, &first, &snapshot).await;
    for (path, plan) in &others {
        let refused = console.start(plan).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition, "{path}");
        assert_eq!(code(&refused), "job.target-taken", "{path}");
        let said = refused.message();
        for word in [job.id.as_str(), "prod/new", "Let that job end", "Anna K."] {
            assert!(said.contains(word), "{path}: {said}");
        }
        assert_eq!(
            console.plan(&plan.id).await.plan.unwrap().state(),
            v1::PlanState::Approved
        );
    }
    mend();
    let other = console.start(&beside).await.unwrap();
    assert_eq!(console.finished(&other.id).await.state, JobState::Completed);

    // Once the first is over the others may run, as far as it left them a place.
    answer(&console, &job.id, "retry").await;
    assert_eq!(
        fold(&console.watch(&job.id, 0).await.unwrap()).state,
        JobState::Completed
    );
    for (path, plan) in &others[..1] {
        let refused = console.start(plan).await.unwrap_err();
        assert_eq!(code(&refused), "plan.invalidated", "{path}: {refused:?}");
    }
    let (_, deep) = &others[2];
    let last = console.start(deep).await.unwrap();
    assert_eq!(console.finished(&last.id).await.state, JobState::Completed);
    for made in ["new/m1", "newer/m1", "new/deep/er/m1"] {
        let at = server.data_dir().join("restores/prod").join(made);
        assert!(at.join("member/snap/db").exists(), "{made}");
    }
    no_marks(&server.data_dir().join("restores"));
}

#[tokio::test]
async fn a_target_is_free_again_when_its_job_was_taken_back() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.5.33-mixed.db").await;
    let first = approved(&console, &request(&snapshot, "a")).await;
    let second = approved(&console, &request(&snapshot, "a")).await;
    let (job, mend) = waiting(&server, &console, &first, &snapshot).await;
    assert_eq!(
        code(&console.start(&second).await.unwrap_err()),
        "job.target-taken"
    );
    console.abort(&job.id).await.unwrap();
    assert_eq!(
        fold(&console.watch(&job.id, 0).await.unwrap()).state,
        JobState::Undone
    );
    mend();
    let job = console.start(&second).await.unwrap();
    assert_eq!(console.finished(&job.id).await.state, JobState::Completed);
}

#[tokio::test]
async fn of_many_that_start_at_once_one_gets_the_target() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.5.33-mixed.db").await;
    let mut plans = Vec::new();
    for _ in 0..6 {
        plans.push(approved(&console, &request(&snapshot, "a")).await);
    }
    let started =
        futures_util::future::join_all(plans.iter().map(|plan| console.start(plan))).await;
    let (jobs, refused): (Vec<_>, Vec<_>) = started.into_iter().partition(Result::is_ok);
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    for refused in refused {
        let refused = refused.unwrap_err();
        assert!(
            ["job.target-taken", "plan.invalidated"].contains(&code(&refused)),
            "{refused:?}"
        );
    }
    let job = jobs.into_iter().next().unwrap().unwrap();
    assert_eq!(console.finished(&job.id).await.state, JobState::Completed);
}

#[tokio::test]
async fn a_question_about_a_target_says_what_is_there() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.5.33-mixed.db").await;
    let plan = approved(&console, &request(&snapshot, "taken")).await;
    let (job, mend) = waiting(&server, &console, &plan, &snapshot).await;
    let place = server.data_dir().join("restores/taken");
    std::fs::create_dir_all(place.join("member/snap")).unwrap();
    std::fs::write(place.join("member/snap/db"), vec![7; 4096]).unwrap();
    std::fs::write(place.join("of\nanother"), "mine").unwrap();
    mend();
    answer(&console, &job.id, "retry").await;
    // The first question comes again: only the second is about the target.
    let second =
        |event: &Event| matches!(&event.body, Body::Asked { question } if question.id == "q2");
    let view = fold(&console.watch_until(&job.id, 0, second).await.unwrap());
    let question = view.question.unwrap();
    assert_eq!(question.step, 2);
    let said = &question.evidence;
    for words in [
        "restores/taken already exists",
        "The folder has the owner ",
        "member/ (4.00 KiB, owner ",
        "of\\nanother (4 bytes, owner ",
        " ago",
    ] {
        assert!(said.contains(words), "{words} in {said}");
    }
    assert!(!said.contains('\n'), "{said:?}");
    let choices: Vec<_> = question.choices.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(choices, ["retry", "undo"]);
    // It is moved away, and the job continues.
    std::fs::rename(&place, server.data_dir().join("restores/moved")).unwrap();
    console
        .answer(&job.id, &question.id, "retry")
        .await
        .unwrap();
    let view = fold(&console.watch(&job.id, 0).await.unwrap());
    assert_eq!(view.state, JobState::Completed, "{view:#?}");
}

fn no_marks(below: &Path) {
    for entry in std::fs::read_dir(below).unwrap() {
        let entry = entry.unwrap();
        assert_ne!(entry.file_name(), ".requorum-owner", "{}", below.display());
        if entry.file_type().unwrap().is_dir() {
            no_marks(&entry.path());
        }
    }
}

/// A root of prod's with something in it, one of the lab's, and one for all.
fn roots(dir: &Path) -> Vec<RootConfig> {
    let root = |name: &str, clusters| {
        let path = dir.join(name);
        std::fs::create_dir(&path).unwrap();
        RootConfig {
            name: name.into(),
            path,
            clusters,
        }
    };
    let named = |name: &str| RootClusters::Named(vec![name.into()]);
    let roots = vec![
        root("prod-root", named("prod")),
        root("lab-root", named("lab")),
        root("nobodys-root", RootClusters::none()),
        root("all-root", RootClusters::All),
    ];
    for folder in ["prod-root/there/file", "prod-root/empty"] {
        std::fs::create_dir_all(dir.join(folder)).unwrap();
    }
    roots
}

pub(super) fn into_root(snapshot: &str, root: &str, path: &str) -> RestoreRequest {
    RestoreRequest {
        target: Target::Folder {
            root: root.into(),
            path: path.into(),
        },
        last_seen: None,
        ..request(snapshot, path)
    }
}

#[tokio::test]
async fn a_root_is_for_its_clusters_and_of_others_nothing_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::with(Options {
        restore_roots: roots(dir.path()),
        ..Options::default()
    })
    .await;
    let anna = Console::over(&server).await;
    let prod = anna.upload_of("3.6.14-mixed.db", "prod").await;
    let lab = anna.upload_of("3.6.14-three.db", "lab").await;
    let nobodys = anna.upload_of("3.6.14-lease.db", "").await;
    let leo = server
        .person(&anna.http, "Leo", &["operator@lab", "viewer@prod"])
        .await;
    let leo = Console::with(leo).await;

    for (root, may) in [
        ("prod-root", [true, false, false]),
        ("lab-root", [false, true, false]),
        ("nobodys-root", [false, false, true]),
        ("all-root", [true, true, true]),
        ("console", [true, true, true]),
    ] {
        for (snapshot, may) in [&prod, &lab, &nobodys].into_iter().zip(may) {
            let sealed = anna.seal(&into_root(snapshot, root, "new")).await;
            match sealed {
                Ok(_) => assert!(may, "{root}"),
                Err(refused) => {
                    assert!(!may, "{root}: {refused:?}");
                    assert!(refused.message().contains("--restore-root"), "{refused:?}");
                }
            }
        }
    }

    // Whatever lies there, and whether there is such a root at all: the same is said.
    let mut said = Vec::new();
    for (root, path) in [
        ("prod-root", "there"),
        ("prod-root", "empty"),
        ("prod-root", "missing"),
        ("prod-root", "there/file"),
        ("no-such", "there"),
    ] {
        let findings = leo.check(&into_root(&lab, root, path)).await.unwrap();
        let text = serde_json::to_string(&format!("{findings:?}")).unwrap();
        assert!(!text.contains(&dir.path().display().to_string()), "{text}");
        said.push(text.replace(root, "ROOT").replace(path, "PATH"));
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{said:#?}");
    let kim = server.person(&anna.http, "Kim", &["operator@lab"]).await;
    let mut about = ConsoleServiceClient::new(kim.grpc().await);
    let about = about.about(v1::AboutRequest {}).await.unwrap().into_inner();
    let offered: Vec<_> = about.roots.iter().map(|root| root.name.as_str()).collect();
    assert_eq!(offered, ["console", "lab-root", "all-root"]);
    assert_eq!(about.roots[1].clusters, ["lab"]);
    assert!(!about.roots[1].all_clusters && about.roots[2].all_clusters);
    // Prod's own operators are told.
    let findings = anna
        .check(&into_root(&prod, "prod-root", "there"))
        .await
        .unwrap();
    assert!(
        findings.iter().any(|f| f.code == "target.exists"),
        "{findings:?}"
    );
}

#[tokio::test]
async fn a_plan_does_not_outlive_its_root() {
    let dir = tempfile::tempdir().unwrap();
    let mut all = roots(dir.path());
    let server = TestServer::with(Options {
        restore_roots: all.clone(),
        ..Options::default()
    })
    .await;
    let console = Console::over(&server).await;
    let snapshot = console.upload_of("3.6.14-mixed.db", "prod").await;
    let plan = console
        .seal(&into_root(&snapshot, "prod-root", "new"))
        .await
        .unwrap();
    all[0].clusters = RootClusters::none();
    let server = server
        .restart(Options {
            restore_roots: all,
            ..Options::default()
        })
        .await;
    let console = Console::signed_in(&server).await;
    let refused = console.approve(&plan.id, &plan.hash).await.unwrap_err();
    assert_eq!(code(&refused), "plan.invalidated");
}
