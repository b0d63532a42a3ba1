//! The real binary, killed with SIGKILL in the middle of real restores: after a restart each ends as it would have.

use std::path::Path;

use requorum_server::clock::{Clock as _, SystemClock};
use requorum_shared::etcd::recovery::restore::{RestoreRequest, TargetVersion};
use requorum_shared::finding::Outcome;
use requorum_shared::job::events::{Body, EPHEMERAL, Event};
use requorum_shared::job::fold::JobState;
use serde_json::json;

use crate::support::harness::{Client, NAME, PASSWORD, http_client};
use crate::support::process::Process;
use crate::support::recovery::{Console, fold, request};

pub(crate) async fn console(process: &Process) -> Console {
    let mut client = Client {
        base: process.base.clone(),
        http: http_client(),
        cookie: None,
        token: None,
    };
    let response = match &process.setup_link {
        Some(link) => {
            let token = link.split_once("#token=").unwrap().1;
            let body = json!({"token": token, "name": NAME, "password": PASSWORD});
            client.post("/api/setup", &body).await
        }
        None => client.login(NAME, PASSWORD).await,
    };
    assert_eq!(response.status(), 200);
    client.keep_cookie(&response);
    Console::with(client).await
}

/// Runs the restore, kills the server once `enough` says so, starts it again and waits for the end. Gives the journal
/// and when the server was dead, in milliseconds since the Unix epoch; no time where the stream had come to its end before.
async fn kill_and_go_on(
    dir: &Path,
    first_start: bool,
    request: impl AsyncFn(&Console) -> RestoreRequest,
    enough: impl Fn(&Event) -> bool,
) -> (Vec<Event>, Option<i64>) {
    let process = Process::start(dir, first_start, &[]);
    let first = console(&process).await;
    let request = request(&first).await;
    let job = first.run(&request).await;
    // A stream that breaks off because the server is gone is what this is about.
    let seen = first
        .watch_until(&job.id, 0, &enough)
        .await
        .unwrap_or_default();
    let killed_in_time = seen
        .last()
        .is_some_and(|e| !matches!(e.body, Body::Ended { .. }));
    process.kill();
    let killed_ms = killed_in_time.then(|| SystemClock.now_ms());

    let process = Process::start(dir, false, &[]);
    let second = console(&process).await;
    let events = second.watch(&job.id, 0).await.unwrap();
    let view = fold(&events);
    assert_eq!(view.state, JobState::Completed, "{view:#?}");
    assert!(
        view.checks.iter().all(|c| c.outcome != Outcome::Fail),
        "{:#?}",
        view.checks
    );
    process.kill();
    (events, killed_ms)
}

#[tokio::test]
async fn killed_after_each_entry_of_the_journal_it_completes() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut kills = 0;
    for seq in 2.. {
        let make = async |console: &Console| {
            let snapshot = console.upload("3.6.14-mixed.db").await;
            // A version that is seldom here: the boot check has a test of its own.
            let mut request = request(&snapshot, &format!("killed-{seq}"));
            request.target_version = TargetVersion::V3_7;
            request
        };
        let (events, killed_ms) = kill_and_go_on(&data, seq == 2, make, |e| e.seq == seq).await;
        let at = data.join("restores").join(format!("killed-{seq}"));
        let mut members: Vec<_> = std::fs::read_dir(&at)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        members.sort();
        assert_eq!(members, ["m1", "m2", "m3"]);
        // Nothing lies beside it.
        let beside = std::fs::read_dir(data.join("restores")).unwrap().count();
        assert_eq!(beside as u64, seq - 1);
        let Some(killed_ms) = killed_ms else {
            break;
        };
        let restarts = events
            .iter()
            .filter(|e| matches!(&e.body, Body::Adopted { reason } if reason == "restart"))
            .count();
        // On a busy machine an entry is seen late: the job may be over before the signal reaches the server.
        let ended_ms = events.last().map_or(0, |e| e.at_ms);
        assert!(
            restarts == 1 || restarts == 0 && ended_ms <= killed_ms,
            "killed after {seq}, at {killed_ms}: {events:#?}"
        );
        kills += restarts;
    }
    assert!(kills >= 5, "{kills} of the signals came in time");
}

#[tokio::test]
async fn killed_while_copies_are_booted_no_etcd_is_left() {
    let has_etcd = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder| folder.join("etcd").exists());
    if !has_etcd {
        eprintln!("SKIPPED: no etcd on PATH");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let make = async |console: &Console| {
        let snapshot = console.upload("3.4.23-mixed.db").await;
        let mut request = request(&snapshot, "a");
        request.target_version = TargetVersion::V3_4;
        request
    };
    let booting = |e: &Event| {
        e.seq != EPHEMERAL
            && matches!(&e.body, Body::StepLog { step: 6, line, .. } if line.starts_with("Booting"))
    };
    let (events, killed) = kill_and_go_on(&data, true, make, booting).await;
    let said = events.iter().filter(|e| booting(e)).count();
    if said == 0 {
        eprintln!("SKIPPED: the etcd on PATH is not 3.4");
        return;
    }
    assert!(killed.is_some());
    assert_eq!(said, 2, "booted again after the restart");
    assert_eq!(std::fs::read_dir(data.join("scratch")).unwrap().count(), 0);
    assert!(!crate::jobs::boots::runs_below(&data.join("scratch")));
}
