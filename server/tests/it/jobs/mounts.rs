//! A folder that is mounted at two places is one target, whichever name a plan has for it.

use std::path::Path;
use std::process::Command;

use futures_util::future::join_all;
use requorum_server::config::{RootClusters, RootConfig};
use requorum_shared::job::fold::JobState;

use super::targets::{approved, into_root, waiting};
use crate::support::harness::{Options, TestServer, code};
use crate::support::recovery::{Console, fold};

/// Set for the second life of the test: the folder where it finds the mounts.
const MOUNTED: &str = "REQUORUM_TEST_MOUNTED";
/// The mounts, made in a namespace of their own, which ends with the process that sees them.
const MOUNTS: &str = "cd \"$0\" && mkdir -p disk a/one a/two && mount --bind disk a/one && mount --bind disk a/two \
                      || exit 77; exec \"$@\"";

#[test]
fn one_job_at_a_time_works_on_a_folder_that_is_mounted_twice() {
    if let Some(dir) = std::env::var_os(MOUNTED) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(refused_by_either_name(Path::new(&dir)));
        return runtime.block_on(one_of_many_starts(Path::new(&dir)));
    }
    let dir = tempfile::tempdir().unwrap();
    let test = concat!(
        module_path!(),
        "::one_job_at_a_time_works_on_a_folder_that_is_mounted_twice"
    );
    let ended = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-c", MOUNTS])
        .arg(dir.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test.split_once("::").unwrap().1, "--nocapture"])
        .env(MOUNTED, dir.path())
        .output();
    let said = match &ended {
        Ok(ended) => String::from_utf8_lossy(&ended.stdout).into_owned(),
        Err(_) => String::new(),
    };
    let line = match ended.as_ref().map(|ended| ended.status.code()) {
        Ok(Some(0)) => {
            assert!(said.contains("1 passed"), "{said}");
            "mounts: tested"
        }
        // No such command, no user namespaces, or no mounts in them.
        Err(_) | Ok(Some(1 | 77)) if !said.contains("running 1 test") => {
            "mounts: skipped, this machine lets no test mount a folder"
        }
        _ => panic!("{said}{}", String::from_utf8_lossy(&ended.unwrap().stderr)),
    };
    eprintln!("{line}");
    let summary = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mounts.txt");
    std::fs::write(summary, format!("{line}\n")).unwrap();
}

async fn server(dir: &Path) -> TestServer {
    let root = RootConfig {
        name: "a".into(),
        path: dir.join("a"),
        clusters: RootClusters::All,
    };
    TestServer::with(Options {
        restore_roots: vec![root],
        ..Options::default()
    })
    .await
}

async fn refused_by_either_name(dir: &Path) {
    let server = server(dir).await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.5.33-mixed.db").await;
    let plan = async |path| approved(&console, &into_root(&snapshot, "a", path)).await;
    let (first, same, below) = (
        plan("one/new").await,
        plan("two/new").await,
        plan("two/new/deep").await,
    );
    let other = plan("two/other").await;
    let (job, mend) = waiting(&server, &console, &first, &snapshot).await;
    for plan in [&same, &below] {
        let refused = console.start(plan).await.unwrap_err();
        assert_eq!(code(&refused), "job.target-taken");
        assert!(refused.message().contains(&job.id), "{refused:?}");
    }
    mend();
    let beside = console.start(&other).await.unwrap();
    assert_eq!(
        console.finished(&beside.id).await.state,
        JobState::Completed
    );
    console.abort(&job.id).await.unwrap();
    let events = console.watch(&job.id, 0).await.unwrap();
    assert_eq!(fold(&events).state, JobState::Undone);
    let last = console.start(&same).await.unwrap();
    assert_eq!(console.finished(&last.id).await.state, JobState::Completed);
    assert!(dir.join("disk/new/m1/member/snap/db").exists());
}

async fn one_of_many_starts(dir: &Path) {
    let server = server(dir).await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.5.33-mixed.db").await;
    let mut plans = Vec::new();
    for n in 0..6 {
        let path = ["one/raced", "two/raced"][n % 2];
        plans.push(approved(&console, &into_root(&snapshot, "a", path)).await);
    }
    let started = join_all(plans.iter().map(|plan| console.start(plan))).await;
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
