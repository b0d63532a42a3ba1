//! Several real servers on one PostgreSQL: whichever is asked, whichever dies, and when the database itself does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use requorum_server::clock::{Clock as _, SystemClock};
use requorum_shared::etcd::recovery::restore::{RestoreRequest, Target, TargetVersion};
use requorum_shared::job::events::{Body, EPHEMERAL, Event, StepOutcome};
use requorum_shared::job::fold::JobState;
use requorum_shared::ledger::entry::{Entry, Outcome, act};
use requorum_shared::ledger::verify::Verified;
use rustix::process::Signal;
use serde_json::json;
use tonic::Code;

use crate::files::bucket::Bucket;
use crate::ledger::entries::audit;
use crate::support::harness::{
    Client, NAME, Options, PASSWORD, TestServer, code, error, fixture, http_client,
};
use crate::support::postgres::{self, Postgres};
use crate::support::process::{Process, command};
use crate::support::recovery::{Console, fold, request};

/// Long enough for a slow machine's renewals, short enough to wait for.
const LEASE: &str = "3";

/// What the servers share: a database, a key, a folder of objects or a bucket, a root for restores.
struct Shared {
    dir: tempfile::TempDir,
    url: String,
    bucket: Option<Bucket>,
}

impl Shared {
    async fn on(cluster: &Postgres) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["objects", "root"] {
            std::fs::create_dir(dir.path().join(folder)).unwrap();
        }
        Self {
            url: cluster.database().await,
            dir,
            bucket: None,
        }
    }

    async fn with_bucket(cluster: &Postgres) -> Self {
        Self {
            bucket: Some(Bucket::start().await),
            ..Self::on(cluster).await
        }
    }

    /// A server's own data directory.
    fn data(&self, name: &str) -> PathBuf {
        let data = self.dir.path().join(name);
        if !data.exists() {
            std::fs::create_dir(&data).unwrap();
            if self.bucket.is_none() {
                std::os::unix::fs::symlink(self.dir.path().join("objects"), data.join("objects"))
                    .unwrap();
            }
        }
        data
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    fn server(&self, name: &str, first_start: bool, lease: &str) -> Process {
        let key = self.dir.path().join("ledger-key");
        let root = format!("shared={}", self.root().display());
        let arguments = [
            "--database-url",
            &self.url,
            "--ledger-key-file",
            key.to_str().unwrap(),
            "--restore-root",
            &root,
            "--lease-seconds",
            lease,
        ];
        let mut command = command(&self.data(name), &arguments);
        if let Some(bucket) = &self.bucket {
            let (environment, arguments) = bucket.named("console");
            command.envs(environment).args(arguments);
        }
        command.stderr(Stdio::null());
        Process::spawn(command, first_start)
    }
}

fn client(process: &Process) -> Client {
    Client {
        base: process.base.clone(),
        http: http_client(),
        cookie: None,
        token: None,
    }
}

/// The same person at another server.
fn at(process: &Process, client: &Client) -> Client {
    Client {
        base: process.base.clone(),
        ..client.clone()
    }
}

/// Makes the administrator with the link of `printed` at `asked`.
async fn set_up(printed: &Process, asked: &Process) -> Client {
    let mut client = client(asked);
    let link = printed.setup_link.as_deref().unwrap();
    let token = link.split_once("#token=").unwrap().1;
    let body = json!({"token": token, "name": NAME, "password": PASSWORD});
    let response = client.post("/api/setup", &body).await;
    assert_eq!(response.status(), 200);
    client.keep_cookie(&response);
    client
}

/// Three members at a path below the shared root, for a version that is seldom here: the boot check has tests of
/// its own.
fn restore(snapshot: &str, path: &str) -> RestoreRequest {
    RestoreRequest {
        target: Target::Folder {
            root: "shared".into(),
            path: path.into(),
        },
        last_seen: None,
        target_version: TargetVersion::V3_7,
        ..request(snapshot, path)
    }
}

/// Waits until no act is open any more.
async fn all_closed(client: &Client) -> (Verified, Vec<Entry>) {
    for _ in 0..200 {
        let (verified, entries) = audit(client, None).await;
        if verified.open.is_empty() {
            return (verified, entries);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("acts stay open: {:#?}", audit(client, None).await);
}

/// Each step began once and ended once, done, in the journal.
fn each_step_once(events: &[Event]) {
    let mut steps: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
    for event in events {
        match &event.body {
            Body::StepStarted { step } => steps.entry(*step).or_default().0 += 1,
            Body::StepEnded { step, outcome } => {
                assert!(!matches!(outcome, StepOutcome::Failed { .. }), "{event:?}");
                steps.entry(*step).or_default().1 += 1;
            }
            _ => {}
        }
    }
    assert!(steps.values().all(|times| *times == (1, 1)), "{events:#?}");
    assert_eq!(fold(events).state, JobState::Completed);
}

/// Why servers took the job, each time.
fn reasons(events: &[Event]) -> Vec<&str> {
    let reasons = events.iter().filter_map(|event| match &event.body {
        Body::Adopted { reason } => Some(reason.as_str()),
        _ => None,
    });
    reasons.collect()
}

/// The members that lie below a folder, and nothing else lies beside it.
fn restored(root: &Path, path: &str) {
    let mut members: Vec<_> = std::fs::read_dir(root.join(path))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    members.sort();
    assert_eq!(members, ["m1", "m2", "m3"]);
}

async fn journal(console: &Console, job: &str) -> Vec<Event> {
    // A server that stands still may hold the write lock until the database ends its transaction.
    let patience = tokio::time::Instant::now() + Duration::from_secs(120);
    while tokio::time::Instant::now() < patience {
        // A stream ends with an error when the database goes away, or the server that is asked.
        if let Ok(mut events) = console.watch(job, 0).await
            && events.iter().any(|e| matches!(e.body, Body::Ended { .. }))
        {
            events.retain(|event| event.seq != EPHEMERAL);
            return events;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("the job does not end: {:#?}", console.job(job).await);
}

/// Kills the one server again and again while it carries out a job of a snapshot that the other took in.
async fn taken_over(shared: &Shared, kills: &[u64]) {
    let mut first = shared.server("a", true, LEASE);
    let second = shared.server("b", true, LEASE);
    // The link that one prints is good at the other, and so is the session that it opens.
    let anna = set_up(&first, &second).await;
    let viewer = Console::with(anna.clone()).await;
    let mut operator = Console::with(at(&first, &anna)).await;
    let snapshot = viewer.upload("3.6.14-mixed.db").await;
    let mut takeovers = 0;
    for &kill_after in kills {
        let path = format!("killed-{kill_after}");
        let job = operator.run(&restore(&snapshot, &path)).await;
        let seen = viewer
            .watch_until(&job.id, 0, |e| e.seq == kill_after)
            .await
            .unwrap();
        assert_eq!(
            seen.last().unwrap().seq,
            kill_after,
            "seen from the second server, as it happens"
        );
        first.kill();
        let events = journal(&viewer, &job.id).await;
        each_step_once(&events);
        restored(&shared.root(), &path);
        let reasons = reasons(&events);
        assert!(
            matches!(reasons[..], ["start"] | ["start", "takeover"]),
            "{reasons:?}"
        );
        takeovers += reasons.len() - 1;
        first = shared.server("a", false, LEASE);
        operator = Console::with(at(&first, &anna)).await;
    }
    // Towards its end a job may be over before the signal is there.
    assert!(takeovers + 1 >= kills.len(), "{takeovers} of {kills:?}");
    assert_eq!(
        std::fs::read_dir(shared.root()).unwrap().count(),
        kills.len()
    );

    let (_, entries) = all_closed(&viewer.http).await;
    let cut = entries
        .iter()
        .filter(|e| e.outcome == Some(Outcome::Unknown));
    let cut: Vec<_> = cut.collect();
    assert!(!cut.is_empty() && cut.len() <= takeovers + 1, "{cut:#?}");
    assert!(cut.iter().any(|e| e.act == act::JOB_STEP), "{cut:#?}");
    // Both show the same ledger.
    let (one, _) = audit(&viewer.http, None).await;
    let (two, _) = all_closed(&operator.http).await;
    assert_eq!(one.checkpoint, two.checkpoint);
}

#[tokio::test]
async fn one_job_at_a_time_works_on_a_target_whichever_server_has_it() {
    let shared = Shared::on(Postgres::shared()).await;
    let first = shared.server("a", true, LEASE);
    let second = shared.server("b", true, LEASE);
    let anna = set_up(&first, &first).await;
    let here = Console::with(anna.clone()).await;
    let there = Console::with(at(&second, &anna)).await;
    let snapshot = here.upload("3.6.14-mixed.db").await;
    let mut plans = Vec::new();
    for path in ["a", "a/m1", "a"] {
        let plan = here.seal(&restore(&snapshot, path)).await.unwrap();
        here.approve(&plan.id, &plan.hash).await.unwrap();
        plans.push(plan);
    }
    // It waits: the stored file is not what it was.
    let object = shared
        .dir
        .path()
        .join(format!("objects/sha256/{}/{snapshot}", &snapshot[..2]));
    let whole = std::fs::read(&object).unwrap();
    let mut damaged = whole.clone();
    damaged[5000] ^= 1;
    std::fs::write(&object, damaged).unwrap();
    let job = here.start(&plans[0]).await.unwrap();
    here.finished(&job.id).await;
    for plan in &plans[1..] {
        let refused = there.start(plan).await.unwrap_err();
        assert_eq!(code(&refused), "job.target-taken");
        assert!(refused.message().contains(&job.id), "{refused:?}");
    }
    there.abort(&job.id).await.unwrap();
    let events = there.watch(&job.id, 0).await.unwrap();
    assert_eq!(fold(&events).state, JobState::Undone);
    std::fs::write(&object, whole).unwrap();
    let job = there.start(&plans[2]).await.unwrap();
    each_step_once(&journal(&here, &job.id).await);
    restored(&shared.root(), "a");
    first.kill();
    second.kill();
}

#[tokio::test]
async fn another_server_takes_over_what_a_killed_one_was_doing() {
    let shared = Shared::on(Postgres::shared()).await;
    taken_over(&shared, &[2, 5, 9, 14]).await;
}

// The bucket has to answer while a server is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_server_takes_over_with_files_in_a_bucket() {
    let shared = Shared::with_bucket(Postgres::shared()).await;
    taken_over(&shared, &[2, 7]).await;
    for name in ["a", "b"] {
        let kept = shared.data(name).join("objects/sha256");
        assert!(!kept.exists(), "the file is in the bucket alone");
    }
    assert_eq!(shared.bucket.as_ref().unwrap().objects().len(), 1);
}

#[tokio::test]
async fn rows_that_were_dumped_are_a_console_again() {
    let cluster = Postgres::shared();
    let mut shared = Shared::on(cluster).await;
    let server = shared.server("a", true, LEASE);
    let anna = set_up(&server, &server).await;
    let console = Console::with(anna.clone()).await;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    let job = console.run(&restore(&snapshot, "before")).await;
    let events = journal(&console, &job.id).await;
    let (verified, _) = all_closed(&anna).await;
    let dump = cluster.dump(&shared.url);
    server.stop();

    shared.url = cluster.restored(&dump).await;
    let server = shared.server("a", false, LEASE);
    let anna = at(&server, &anna);
    let (after, _) = audit(&anna, Some(&verified.remember)).await;
    assert!(after.checkpoint.size >= verified.checkpoint.size);
    let console = Console::with(anna).await;
    assert_eq!(journal(&console, &job.id).await, events);
    // It goes on: rows get their numbers, rules their rows.
    let job = console.run(&restore(&snapshot, "after")).await;
    each_step_once(&journal(&console, &job.id).await);
}

#[tokio::test]
async fn a_server_that_stood_still_does_nothing_more_to_a_job_that_was_taken() {
    let shared = Shared::on(Postgres::shared()).await;
    let first = shared.server("a", true, LEASE);
    let second = shared.server("b", true, LEASE);
    let anna = set_up(&second, &first).await;
    let operator = Console::with(anna.clone()).await;
    let viewer = Console::with(at(&second, &anna)).await;
    let snapshot = operator.upload("3.6.14-mixed.db").await;
    let job = operator.run(&restore(&snapshot, "frozen")).await;
    viewer
        .watch_until(&job.id, 0, |e| e.seq == 5)
        .await
        .unwrap();
    first.signal(Signal::STOP);
    let events = journal(&viewer, &job.id).await;
    first.signal(Signal::CONT);
    each_step_once(&events);
    assert_eq!(reasons(&events), ["start", "takeover"]);
    // It goes on where it stood, and finds that the job is not its own any more.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(journal(&operator, &job.id).await, events);
    restored(&shared.root(), "frozen");
    all_closed(&operator.http).await;
    assert_eq!(operator.http.get("/readyz").await.status(), 200);
}

/// Kills the database in the middle of a job, asks for this and that, and starts it again after `gone_for`.
async fn without_a_database(lease: &str, gone_for: Duration) -> Vec<Event> {
    let cluster = Postgres::start();
    let shared = Shared::on(&cluster).await;
    let server = shared.server("a", true, lease);
    let anna = set_up(&server, &server).await;
    let console = Console::with(anna.clone()).await;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    let other = console.seal(&restore(&snapshot, "other")).await.unwrap();
    console.approve(&other.id, &other.hash).await.unwrap();
    let job = console.run(&restore(&snapshot, "gone")).await;
    let seen = console
        .watch_until(&job.id, 0, |e| e.seq == 5)
        .await
        .unwrap();
    assert_eq!(seen.last().unwrap().seq, 5);
    cluster.kill();
    let gone = tokio::time::Instant::now();

    assert_eq!(anna.get("/healthz").await.status(), 200);
    let (status, body) = error(anna.get("/api/session").await).await;
    assert_eq!((status, body.code.as_str()), (503, "database.unavailable"));
    assert!(body.message.contains("does not answer"), "{}", body.message);
    let refused = console.start(&other).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert_eq!(code(&refused), "database.unavailable");
    assert!(!refused.message().contains(postgres::PASSWORD));
    assert_eq!(anna.get("/readyz").await.status(), 503);
    tokio::time::sleep_until(gone + gone_for).await;
    let back_ms = SystemClock.now_ms();
    cluster.go();
    let events = journal(&console, &job.id).await;
    each_step_once(&events);
    assert!(
        events.last().unwrap().at_ms > back_ms,
        "it was over before: {events:#?}"
    );
    assert_eq!(
        events[..5],
        seen.into_iter().filter(|e| e.seq > 0).collect::<Vec<_>>()[..5]
    );
    restored(&shared.root(), "gone");
    // What was refused can be done now, once.
    console.start(&other).await.unwrap();
    let (verified, entries) = all_closed(&anna).await;
    assert_eq!(verified.checkpoint.size, entries.len() as u64);
    let after = console.start(&other).await.unwrap_err();
    assert_eq!(code(&after), "plan.used");
    events
}

#[tokio::test]
async fn a_job_waits_for_a_database_that_comes_back() {
    let events = without_a_database("60", Duration::from_secs(1)).await;
    assert_eq!(reasons(&events), ["start"], "nobody else could take it");
}

#[tokio::test]
async fn a_job_whose_claim_ran_out_without_a_database_is_taken_up_again() {
    let events = without_a_database("2", Duration::from_secs(6)).await;
    let reasons = reasons(&events);
    assert!(
        matches!(reasons[..], ["start"] | ["start", "takeover"]),
        "{reasons:?}"
    );
}

#[tokio::test]
async fn a_server_with_another_key_does_not_start() {
    let shared = Shared::on(Postgres::shared()).await;
    let first = shared.server("a", true, LEASE);
    let refused = |data: &Path| {
        let output = command(data, &["--database-url", &shared.url])
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let data = shared.data("b");
    let said = refused(&data);
    assert!(
        said.contains("the ledger's key") && said.contains("is missing"),
        "{said}"
    );
    // One that was alone before, and has a ledger of its own.
    Process::start(&data, true, &[]).kill();
    let said = refused(&data);
    assert!(
        said.contains("is signed with another key than the one in"),
        "{said}"
    );
    assert!(!said.contains(postgres::PASSWORD), "{said}");
    assert_eq!(client(&first).get("/readyz").await.status(), 200);
}

#[tokio::test]
async fn the_databases_password_is_shown_nowhere() {
    let shared = Shared::on(Postgres::shared()).await;
    let run = |arguments: &[&str], url: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_requorum"))
            .args(arguments)
            .arg("--data-dir")
            .arg(shared.data("a"))
            .env("REQUORUM_DATABASE_URL", url)
            .env("REQUORUM_LOG", "trace")
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(!said.contains(postgres::PASSWORD), "{arguments:?}: {said}");
        (output.status.success(), said)
    };
    let nowhere = format!(
        "postgres://requorum:{}@127.0.0.1:1/requorum",
        postgres::PASSWORD
    );
    let wrong = format!(
        "mysql://requorum:{}@127.0.0.1:1/requorum",
        postgres::PASSWORD
    );
    let (good, said) = run(
        &["user", "add", "anna", "--role", "admin", "--invite"],
        &shared.url,
    );
    assert!(good, "{said}");
    let (good, said) = run(&["user", "list"], &shared.url);
    assert!(good && said.contains("anna"), "{said}");
    let (good, said) = run(&["audit", "verify"], &shared.url);
    assert!(good && said.contains("Ledger verified"), "{said}");
    for url in [&nowhere, &wrong] {
        let (good, said) = run(&["user", "list"], url);
        assert!(!good);
        assert!(
            said.contains("PostgreSQL at 127.0.0.1:1") || said.contains("--database-url"),
            "{said}"
        );
        assert!(!run(&["serve"], url).0);
    }
    run(&["serve", "--help"], &shared.url);
}

/// Two servers in this process.
async fn two() -> (TestServer, TestServer, tempfile::TempDir) {
    let url = Postgres::shared().database().await;
    let keys = tempfile::tempdir().unwrap();
    let options = || Options {
        database: Some(url.clone()),
        ledger_key: Some(keys.path().join("ledger-key")),
        ..Options::default()
    };
    let one = TestServer::with(options()).await;
    let two = TestServer::with(options()).await;
    (one, two, keys)
}

#[tokio::test]
async fn an_upload_goes_on_where_its_bytes_are() {
    let (one, two, keys) = two().await;
    let here = one.admin().await;
    let there = Client {
        base: two.url(""),
        ..here.clone()
    };
    let bytes = fixture("3.5.33-mixed.db");
    let body = json!({"name": "a.db", "length": bytes.len()});
    let made: serde_json::Value = here.post("/api/uploads", &body).await.json().await.unwrap();
    let path = format!("/api/uploads/{}", made["id"].as_str().unwrap());
    let send = async |client: &Client, from: usize, to: usize| {
        let request = client.request("PATCH", &path).header("upload-offset", from);
        request.body(bytes[from..to].to_vec()).send().await.unwrap()
    };
    assert_eq!(send(&here, 0, 1000).await.status(), 200);
    let (status, refused) = error(send(&there, 1000, bytes.len()).await).await;
    assert_eq!((status, refused.code.as_str()), (409, "upload.elsewhere"));
    // A server that is started again leaves the uploads of others alone.
    let two = two.restart(Options {
        database: one.database(),
        ledger_key: Some(keys.path().join("ledger-key")),
        ..Options::default()
    });
    let two = two.await;
    assert_eq!(send(&here, 1000, bytes.len()).await.status(), 200);
    assert_eq!(here.snapshots().await.files.len(), 1);
    let there = Client {
        base: two.url(""),
        ..here
    };
    assert_eq!(there.snapshots().await.files.len(), 1);
}

#[tokio::test]
async fn who_guesses_passwords_waits_at_every_server() {
    let (one, two, _keys) = two().await;
    one.admin().await;
    let mut servers = [&one, &two].into_iter().cycle();
    for server in servers.by_ref().take(5) {
        let wrong = server.stranger().login(NAME, "wrong").await;
        assert_eq!(wrong.status(), 401);
    }
    for server in servers.take(2) {
        let (status, body) = error(server.stranger().login(NAME, PASSWORD).await).await;
        assert_eq!((status, body.code.as_str()), (429, "login.throttled"));
    }
    // The link of the other server was good until there was an administrator.
    let late = json!({"token": two.setup_token(), "name": "Bob", "password": PASSWORD});
    assert_ne!(two.stranger().post("/api/setup", &late).await.status(), 200);
}

#[tokio::test]
async fn a_whole_recovery_on_postgres() {
    let url = Postgres::shared().database().await;
    let server = TestServer::with(Options {
        database: Some(url),
        ..Options::default()
    })
    .await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.5.33-mixed.db").await;
    let job = console.run(&request(&snapshot, "here")).await;
    let view = console.finished(&job.id).await;
    assert_eq!(view.state, JobState::Completed, "{view:#?}");
    assert_eq!(console.plans().await.len(), 1);
    assert!(!server.data_dir().join("requorum.db").exists());
    restored(&server.data_dir().join("restores"), "here");
    let (verified, entries) = audit(&console.http, None).await;
    assert!(verified.open.is_empty());
    assert!(entries.iter().any(|e| e.act == act::JOB_STEP));
    // After a restart all of it is still there.
    let options = Options {
        database: server.database(),
        ..Options::default()
    };
    let server = server.restart(options).await;
    let console = Console::signed_in(&server).await;
    assert_eq!(
        console.job(&job.id).await.job.unwrap().state(),
        requorum_shared::api::v1::JobState::Completed
    );
}
