//! The ledger as its readers see it: what is written down, what is not, and that it can be verified from outside.

use futures_util::StreamExt as _;
use http::StatusCode;
use requorum_server::grpc::v1::ledger_service_client::LedgerServiceClient;
use requorum_shared::api::v1::{
    ActOutcome, GetLedgerRequest, ListEntriesRequest, ProveConsistencyRequest, ProveEntryRequest,
    TailEntriesRequest,
};
use requorum_shared::job::fold::JobState;
use requorum_shared::ledger::checkpoint::{Checkpoint, VerifyingKey};
use requorum_shared::ledger::entry::{Draft, Entry, Outcome, Phase, act};
use requorum_shared::ledger::merkle::Hash;
use requorum_shared::ledger::tiles::{self, Tile};
use requorum_shared::ledger::verify::{self, Audit, Remembered, Verified};
use rustix::process::Signal;
use serde_json::json;
use tonic::Code;

use crate::support::harness::{
    Client, NAME, Options, PASSWORD, TestServer, error, fixture, http_client,
};
use crate::support::process::Process;
use crate::support::recovery::{Console, fold, request};

/// Reads and verifies the ledger over HTTP, as a browser or any client of transparency logs does.
pub(crate) async fn audit(
    client: &Client,
    remembered: Option<&Remembered>,
) -> (Verified, Vec<Entry>) {
    let key = text(client, "/ledger/key").await;
    let key = VerifyingKey::parse(&key).unwrap();
    let note = text(client, "/ledger/checkpoint").await;
    let mut audit = Audit::begin(&key, &note, remembered).unwrap();
    let mut entries = Vec::new();
    while let Some((bundle, leaves)) = audit.next() {
        let width = bundle.width;
        let bundle = tile(client, bundle).await;
        audit
            .feed(&bundle, Some(&tile(client, leaves).await))
            .unwrap();
        for entry in tiles::unpack(&bundle, width).unwrap() {
            entries.push(serde_json::from_slice(entry).unwrap());
        }
    }
    (audit.finish().unwrap(), entries)
}

async fn text(client: &Client, path: &str) -> String {
    let response = client.get(path).await;
    assert_eq!(response.status(), 200, "{path}");
    assert_eq!(
        response.headers()["content-type"],
        "text/plain; charset=utf-8"
    );
    response.text().await.unwrap()
}

async fn tile(client: &Client, tile: Tile) -> Vec<u8> {
    let response = client.get(&format!("/ledger/{}", tile.path())).await;
    assert_eq!(response.status(), 200, "{}", tile.path());
    assert_eq!(
        response.headers()["content-type"],
        "application/octet-stream"
    );
    response.bytes().await.unwrap().to_vec()
}

/// What a person would tell of it.
fn told(entries: &[Entry]) -> Vec<(&str, &str, Phase, Option<Outcome>)> {
    entries
        .iter()
        .map(|e| (e.who.as_str(), e.act.as_str(), e.phase, e.outcome))
        .collect()
}

#[tokio::test]
async fn coming_in_and_failing_to_is_written_down() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let stranger = server.stranger();
    assert_eq!(stranger.login(NAME, "wrong password").await.status(), 401);
    let slip = "hunter2-in-the-name-field";
    assert_eq!(stranger.login(slip, "whatever it was").await.status(), 401);
    let second = server.signed_in().await;
    assert_eq!(second.post("/api/logout", &json!({})).await.status(), 204);

    let (verified, entries) = audit(&admin, None).await;
    assert_eq!(
        told(&entries),
        [
            (
                "console",
                act::LEDGER_BEGIN,
                Phase::Noted,
                Some(Outcome::Done)
            ),
            ("", act::SETUP, Phase::Opened, None),
            (NAME, act::SETUP, Phase::Closed, Some(Outcome::Done)),
            ("", act::LOGIN, Phase::Noted, Some(Outcome::Refused)),
            ("", act::LOGIN, Phase::Noted, Some(Outcome::Refused)),
            (NAME, act::LOGIN, Phase::Noted, Some(Outcome::Done)),
            (NAME, act::LOGOUT, Phase::Opened, None),
            (NAME, act::LOGOUT, Phase::Closed, Some(Outcome::Done)),
        ]
    );
    assert!(entries[1..].iter().all(|e| e.from == "127.0.0.1"));
    // Whose password it was not is said, and not that it was that person.
    assert_eq!(entries[3].reason, format!("login.failed: as “{NAME}”"));
    assert_eq!(entries[4].reason, "login.failed");
    assert_eq!(verified.open, [0; 0]);
    for entry in &entries {
        let text = entry.canonical_json();
        for secret in [PASSWORD, slip, "wrong password", server.setup_token()] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[tokio::test]
async fn an_upload_is_written_down_before_and_after() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let bytes = fixture("3.5.33-mixed.db");
    let upload = json!({"name": "a.db", "length": bytes.len()});
    let upload: serde_json::Value = admin
        .post("/api/uploads", &upload)
        .await
        .json()
        .await
        .unwrap();
    let path = format!("/api/uploads/{}", upload["id"].as_str().unwrap());
    let whole = admin
        .request("PATCH", &path)
        .header("upload-offset", 0)
        .body(bytes);
    let whole: serde_json::Value = whole.send().await.unwrap().json().await.unwrap();
    let snapshot = whole["snapshot"].as_str().unwrap();
    let file = admin.get(&format!("/api/files/{snapshot}/content")).await;
    assert_eq!(file.status(), 200);

    let (_, entries) = audit(&admin, None).await;
    let entries = &entries[3..];
    assert_eq!(
        told(entries),
        [
            (NAME, act::FILE_UPLOAD, Phase::Opened, None),
            (NAME, act::FILE_UPLOAD, Phase::Closed, Some(Outcome::Done)),
            (NAME, act::FILE_DOWNLOAD, Phase::Opened, None),
            (NAME, act::FILE_DOWNLOAD, Phase::Closed, Some(Outcome::Done)),
        ]
    );
    assert_eq!(entries[1].closes, Some(entries[0].index));
    assert_eq!(entries[1].subject, format!("file {snapshot}"));
}

#[tokio::test]
async fn the_typed_api_lists_proves_and_follows() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let mut client = LedgerServiceClient::new(admin.grpc().await);
    let ledger = client
        .get_ledger(GetLedgerRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(ledger.trouble, "");
    let key = VerifyingKey::parse(&ledger.key).unwrap();

    let list = ListEntriesRequest {
        acts_only: true,
        page_size: 1,
        ..ListEntriesRequest::default()
    };
    let list = client.list_entries(list).await.unwrap().into_inner();
    assert_eq!((list.entries.len(), list.size), (1, 3));
    assert!(!list.next_page_token.is_empty());
    let setup: Entry = serde_json::from_slice(&list.entries[0].canonical).unwrap();
    let end: Entry = serde_json::from_slice(list.entries[0].closing.as_ref().unwrap()).unwrap();
    assert_eq!(
        (setup.act.as_str(), end.outcome),
        (act::SETUP, Some(Outcome::Done))
    );

    let proof = client
        .prove_entry(ProveEntryRequest { index: 1 })
        .await
        .unwrap()
        .into_inner();
    let path: Vec<_> = proof
        .proof
        .iter()
        .map(|hash| Hash::from_slice(hash).unwrap())
        .collect();
    let entry = proof.entry.unwrap();
    verify::entry_is_in(&key, &proof.checkpoint, 1, &entry.canonical, &path).unwrap();
    let missing = client
        .prove_entry(ProveEntryRequest { index: 3 })
        .await
        .unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);

    let since = |since| TailEntriesRequest { since };
    let mut tail = client.tail_entries(since(1)).await.unwrap().into_inner();
    let piece = tail.next().await.unwrap().unwrap();
    assert_eq!(
        piece.entries.iter().map(|e| e.index).collect::<Vec<_>>(),
        [1, 2]
    );
    assert_eq!(piece.checkpoint, ledger.checkpoint);
    server.signed_in().await;
    let piece = tail.next().await.unwrap().unwrap();
    assert_eq!(
        piece.entries.iter().map(|e| e.index).collect::<Vec<_>>(),
        [3]
    );

    // From the checkpoint that the tail brought to the one before.
    let old = verify_open(&key, &ledger.checkpoint);
    let new = verify_open(&key, &piece.checkpoint);
    let request = ProveConsistencyRequest { old: old.size };
    let proof = client
        .prove_consistency(request)
        .await
        .unwrap()
        .into_inner();
    let path: Vec<_> = proof
        .proof
        .iter()
        .map(|hash| Hash::from_slice(hash).unwrap())
        .collect();
    verify::continues(&old, &new, &path).unwrap();

    // Somebody who has seen more is told that something is wrong.
    let truncated = client.tail_entries(since(5)).await.unwrap_err();
    assert_eq!(truncated.code(), Code::FailedPrecondition);
    assert!(
        truncated.message().contains("cut off"),
        "{}",
        truncated.message()
    );
    let truncated = client
        .prove_consistency(ProveConsistencyRequest { old: 5 })
        .await;
    assert_eq!(truncated.unwrap_err().code(), Code::FailedPrecondition);
    // Page after page, each entry once.
    let (mut token, mut seen) = (String::new(), Vec::new());
    loop {
        let page = ListEntriesRequest {
            page_size: 2,
            page_token: token,
            ..ListEntriesRequest::default()
        };
        let page = client.list_entries(page).await.unwrap().into_inner();
        seen.extend(page.entries.iter().map(|entry| entry.index));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let size = server.app().ledger.status().size;
    assert_eq!(seen, (0..size).rev().collect::<Vec<_>>());

    // The server stops at once although somebody follows.
    let before = std::time::Instant::now();
    server.stop().await;
    assert!(tail.next().await.is_none_or(|end| end.is_err()));
    assert!(
        before.elapsed().as_secs() < 5,
        "a viewer held the server up"
    );
}

#[tokio::test]
async fn acts_are_listed_by_how_they_came_out() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let login = json!({"name": NAME, "password": "wrong password"});
    admin.post("/api/login", &login).await;
    let mut client = LedgerServiceClient::new(admin.grpc().await);
    let mut list = async |asked: ListEntriesRequest| {
        let answer = client.list_entries(asked).await;
        answer.map(tonic::Response::into_inner)
    };
    let all = ListEntriesRequest::default();
    let whole = list(all.clone()).await.unwrap();
    assert_eq!(whole.total, Some(whole.size));
    assert_eq!(whole.entries.len() as u64, whole.size);
    let before = ListEntriesRequest {
        before: Some(2),
        page_size: 1,
        ..all.clone()
    };
    let page = list(before.clone()).await.unwrap();
    assert_eq!((page.entries.len(), page.total), (1, Some(2)));
    // It counts what fits the request, on whichever page.
    let next = ListEntriesRequest {
        page_token: page.next_page_token,
        ..before
    };
    let page = list(next).await.unwrap();
    assert_eq!((page.entries[0].index, page.total), (0, Some(2)));
    let far = ListEntriesRequest {
        before: Some(1_000),
        ..all.clone()
    };
    assert_eq!(list(far).await.unwrap().total, Some(whole.size));
    // How many are left by a filter is not known, and not said to be none.
    let acts = ListEntriesRequest {
        acts_only: true,
        ..all.clone()
    };
    assert_eq!(list(acts.clone()).await.unwrap().total, None);

    let by = |outcome: i32| ListEntriesRequest {
        outcome: Some(outcome),
        ..all.clone()
    };
    let mut told = Vec::new();
    for outcome in [
        ActOutcome::Done,
        ActOutcome::Failed,
        ActOutcome::Refused,
        ActOutcome::Unknown,
        ActOutcome::Open,
    ] {
        let page = list(by(outcome.into())).await.unwrap();
        assert_eq!((page.total, page.size), (None, whole.size));
        let entries = page.entries.iter();
        let of = entries.map(|listed| {
            let entry: Entry = serde_json::from_slice(&listed.canonical).unwrap();
            (entry.act, listed.closing.is_some())
        });
        told.push((outcome, of.collect::<Vec<_>>()));
    }
    let of = |act: &str, closed| (act.to_owned(), closed);
    let done = vec![of(act::SETUP, true), of(act::LEDGER_BEGIN, false)];
    assert_eq!(
        told,
        [
            (ActOutcome::Done, done),
            (ActOutcome::Failed, vec![]),
            (ActOutcome::Refused, vec![of(act::LOGIN, false)]),
            (ActOutcome::Unknown, vec![]),
            (ActOutcome::Open, vec![]),
        ]
    );
    for unknown in [0, 99] {
        let refused = list(by(unknown)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
}

fn verify_open(key: &VerifyingKey, note: &str) -> Checkpoint {
    Checkpoint::open(note, key).unwrap()
}

#[tokio::test]
async fn tiles_that_are_not_there_are_not_found() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    for (path, code) in [
        ("/ledger/tile/0/000", "ledger.tile-missing"),
        ("/ledger/tile/0/000.p/4", "ledger.tile-missing"),
        ("/ledger/tile/0/001.p/1", "ledger.tile-missing"),
        ("/ledger/tile/1/000.p/1", "ledger.tile-missing"),
        ("/ledger/tile/63/000.p/1", "ledger.tile-missing"),
        ("/ledger/tile/64/000.p/1", "ledger.tile-path"),
        ("/ledger/tile/8/0/000", "ledger.tile-path"),
        ("/ledger/tile/entries/000.p/0", "ledger.tile-path"),
        ("/ledger/tile/entries/..%2f000", "ledger.tile-path"),
    ] {
        let (status, body) = error(admin.get(path).await).await;
        assert_eq!((status, body.code.as_str()), (404, code), "{path}");
    }
    // Each size had its own partial tile, and still has.
    for width in 1..=3 {
        let response = admin.get(&format!("/ledger/tile/0/000.p/{width}")).await;
        assert_eq!(response.bytes().await.unwrap().len(), 32 * width);
    }
}

/// Rows that are gone are said to be, and do not make others take their place.
#[tokio::test]
async fn a_bundle_of_lost_rows_is_not_found() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let database = server.data_dir().join("requorum.db");
    let database = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    let database = sqlx::SqlitePool::connect_with(database).await.unwrap();
    for sql in [
        "DROP TRIGGER ledger_entries_stay",
        "DELETE FROM ledger_entries WHERE idx = 0",
    ] {
        sqlx::query(sql).execute(&database).await.unwrap();
    }
    for path in ["/ledger/tile/entries/000.p/3", "/ledger/tile/0/000.p/3"] {
        let (status, body) = error(admin.get(path).await).await;
        assert_eq!((status, body.code.as_str()), (404, "ledger.tile-missing"));
        assert!(body.message.contains("rows of it are lost"));
    }
    let (status, body) = error(admin.get("/ledger/entries/0/1").await).await;
    assert_eq!(
        (status, body.code.as_str()),
        (404, "ledger.entries-missing")
    );
}

/// Whoever reads all of a ledger gets the same bytes, in fewer answers.
#[tokio::test]
async fn bundles_that_follow_each_other_are_one_answer() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    // Beyond what is given at once.
    let acts: u64 = (tiles::MAX_TOGETHER + tiles::WIDTH) / 2;
    let ledger = &server.app().ledger;
    let write = futures_util::stream::iter(0..acts).for_each_concurrent(500, async |n| {
        let draft = Draft {
            subject: format!("{n}"),
            ..Draft::default()
        };
        let opened = ledger.open(draft).await.unwrap();
        opened.close(Outcome::Done, "").await;
    });
    write.await;
    let size = ledger.status().size;
    let bytes = async |path: String| {
        let response = admin.get(&path).await;
        assert_eq!(response.status(), 200, "{path}");
        assert!(
            response.headers()["cache-control"] == "no-store" || path.contains("tile"),
            "what is there now counts"
        );
        response.bytes().await.unwrap()
    };
    let mut all = Vec::new();
    for index in 0..size.div_ceil(tiles::WIDTH) {
        let tile = Tile::entries(index, size).unwrap();
        let bundle = bytes(format!("/ledger/{}", tile.path())).await;
        let entries = tiles::unpack(&bundle, tile.width).unwrap();
        all.extend(entries.into_iter().map(<[u8]>::to_vec));
    }
    assert_eq!(all.len() as u64, size);
    // What is written meanwhile does not make an answer longer: it is of the checkpoint that somebody verifies.
    server.stranger().login("nobody", "x").await;
    let most = tiles::MAX_TOGETHER;
    for (start, count) in [
        (0, 1),
        (0, 256),
        (512, 768),
        (0, most),
        (most, size - most),
        (size - 1, 1),
    ] {
        let answer = bytes(format!("/ledger/entries/{start}/{count}")).await;
        let wanted = &all[start as usize..(start + count) as usize];
        let wanted = tiles::pack(wanted.iter().map(|entry| &entry[..]));
        assert_eq!(answer, wanted, "{start} {count}");
    }
    for (start, count) in [
        (0, 0),
        (0, most + 1),
        (0, u64::MAX),
        (size + 5, 1),
        (size - 1, 7),
        (u64::MAX, 1),
    ] {
        let path = format!("/ledger/entries/{start}/{count}");
        let answer = error(admin.get(&path).await).await;
        assert_eq!(answer.1.code, "ledger.entries-missing", "{path}");
    }
}

/// Order in the ledger is by index alone; that the clock went back is written into the entry that found it so.
#[tokio::test]
async fn a_clock_that_goes_back_is_written_down() {
    let (options, clock) = Options::with_clock();
    let server = TestServer::with(options).await;
    let admin = server.admin().await;
    clock.advance_ms(-90_000);
    server.stranger().login("nobody", "x").await;
    clock.advance_ms(1_000);
    server.stranger().login("nobody", "x").await;
    let (verified, entries) = audit(&admin, None).await;
    let back: Vec<_> = entries.iter().map(|e| e.clock_back_ms).collect();
    assert_eq!(back, [None, None, None, Some(90_000), None]);
    assert_eq!(verified.clock_back, 1);
}

#[tokio::test]
async fn what_was_verified_is_verified_again_after_a_restart() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let (first, _) = audit(&admin, None).await;
    let server = server.restart(Options::default()).await;
    let again = server.signed_in().await;
    let (second, _) = audit(&again, Some(&first.remember)).await;
    assert_eq!(second.checkpoint.size, first.checkpoint.size + 1);
    assert_eq!(second.remember.key, first.remember.key);
}

/// A database that takes no more entries: nothing is done, looking goes on, and it all goes on by itself.
#[tokio::test]
async fn nothing_is_done_that_cannot_be_written_down() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let database = server.data_dir().join("requorum.db");
    let database = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    let database = sqlx::SqlitePool::connect_with(database).await.unwrap();
    let run = async |sql: &'static str| sqlx::query(sql).execute(&database).await.unwrap();
    run("CREATE TRIGGER full BEFORE INSERT ON ledger_entries BEGIN SELECT RAISE(ABORT, 'disk is full'); END").await;

    let upload = json!({"name": "a.db", "length": 4});
    let upload: serde_json::Value = admin
        .post("/api/uploads", &upload)
        .await
        .json()
        .await
        .unwrap();
    let path = format!("/api/uploads/{}", upload["id"].as_str().unwrap());
    let refused = admin.request("DELETE", &path).send().await.unwrap();
    let (status, body) = error(refused).await;
    assert_eq!((status, body.code.as_str()), (503, "ledger.unwritable"));
    assert!(
        body.message.starts_with("This was not done"),
        "{}",
        body.message
    );
    assert!(body.message.contains("disk is full"), "{}", body.message);
    assert_eq!(admin.get(&path).await.status(), 200, "it is still there");
    // Signing in to see why is possible, and signing out.
    let leaves = server.signed_in().await;
    assert_eq!(leaves.post("/api/logout", &json!({})).await.status(), 204);
    assert_eq!(leaves.get("/api/session").await.status(), 401);
    let second = server.signed_in().await;
    let mut client = LedgerServiceClient::new(second.grpc().await);
    let ledger = client
        .get_ledger(GetLedgerRequest {})
        .await
        .unwrap()
        .into_inner();
    assert!(
        ledger.trouble.contains("disk is full"),
        "{}",
        ledger.trouble
    );

    run("DROP TRIGGER full").await;
    let done = admin.request("DELETE", &path).send().await.unwrap();
    assert_eq!(done.status(), StatusCode::NO_CONTENT);
    let (verified, _) = audit(&admin, None).await;
    assert_eq!(verified.open, [0; 0]);
    let ledger = client
        .get_ledger(GetLedgerRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(ledger.trouble, "");
}

/// The server is killed while the last bytes of an upload arrive. The next one says that it does not know how that
/// ended, once.
#[tokio::test]
async fn a_killed_server_leaves_an_unknown_outcome() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path(), true, &[]);
    let token = process
        .setup_link
        .as_deref()
        .unwrap()
        .split_once("#token=")
        .unwrap()
        .1
        .to_owned();
    let mut admin = Client {
        base: process.base.clone(),
        http: http_client(),
        cookie: None,
        token: None,
    };
    let setup = json!({"token": token, "name": NAME, "password": PASSWORD});
    let response = admin.post("/api/setup", &setup).await;
    admin.keep_cookie(&response);
    let upload = json!({"name": "a.db", "length": 1000});
    let upload: serde_json::Value = admin
        .post("/api/uploads", &upload)
        .await
        .json()
        .await
        .unwrap();
    let path = format!("/api/uploads/{}", upload["id"].as_str().unwrap());
    // A body that begins and never ends.
    let body = futures_util::stream::once(async { Ok::<_, std::io::Error>(vec![0; 10]) })
        .chain(futures_util::stream::pending());
    let request = admin.request("PATCH", &path).header("upload-offset", 0);
    let hanging = tokio::spawn(request.body(reqwest::Body::wrap_stream(body)).send());
    loop {
        let (verified, _) = audit(&admin, None).await;
        if verified.open == [3] {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let (seen, _) = audit(&admin, None).await;
    process.signal(Signal::KILL);
    process.kill();
    hanging.abort();

    for _ in 0..2 {
        let process = Process::start(dir.path(), false, &[]);
        admin.base.clone_from(&process.base);
        let (verified, entries) = audit(&admin, Some(&seen.remember)).await;
        assert_eq!((verified.open.len(), verified.unknown), (0, 1));
        assert_eq!(entries.len(), 5);
        let last = entries.last().unwrap();
        assert_eq!((last.phase, last.closes), (Phase::Unknown, Some(3)));
        assert_eq!(
            (last.who.as_str(), last.act.as_str()),
            (NAME, act::FILE_UPLOAD)
        );
        process.kill();
    }
}

/// A restore from the file to the finished job: every act and every step is in the ledger, and closed.
#[tokio::test]
async fn a_whole_restore_is_written_down() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    let request = request(&snapshot, "restored/prod");
    let rejected = console.seal(&request).await.unwrap();
    let reason = "wrong folder";
    console.reject(&rejected, reason).await.unwrap();
    let plan = console.seal(&request).await.unwrap();
    console
        .approve(&plan.id, &"0".repeat(64))
        .await
        .unwrap_err();
    console.approve(&plan.id, &plan.hash).await.unwrap();
    let job = console.start(&plan).await.unwrap();
    let view = fold(&console.watch(&job.id, 0).await.unwrap());
    assert_eq!(view.state, JobState::Completed);

    let client = server.signed_in().await;
    let (verified, entries) = audit(&client, None).await;
    assert_eq!(verified.open, [0; 0]);
    let ends: Vec<_> = entries
        .iter()
        .filter(|e| e.plan.is_some() && e.closes.is_some())
        .map(|e| (e.act.as_str(), e.outcome.unwrap(), e.reason.as_str()))
        .collect();
    let step = (act::JOB_STEP, Outcome::Done, "");
    let claimed = format!("plan.other-hash: the request named “{}”", "0".repeat(64));
    assert_eq!(
        ends,
        [
            (act::PLAN_SEAL, Outcome::Done, ""),
            (act::PLAN_REJECT, Outcome::Done, reason),
            (act::PLAN_SEAL, Outcome::Done, ""),
            (act::PLAN_APPROVE, Outcome::Refused, claimed.as_str()),
            (act::PLAN_APPROVE, Outcome::Done, ""),
            (act::JOB_START, Outcome::Done, ""),
            step,
            step,
            step,
            step,
            step,
            step,
        ]
    );
    let of_job = ListEntriesRequest {
        job: job.id.clone(),
        acts_only: true,
        ..ListEntriesRequest::default()
    };
    let mut ledger = LedgerServiceClient::new(client.grpc().await);
    let list = ledger.list_entries(of_job).await.unwrap().into_inner();
    let list: Vec<Entry> = list
        .entries
        .iter()
        .map(|e| serde_json::from_slice(&e.canonical).unwrap())
        .collect();
    assert_eq!(list.len(), 6);
    assert!(
        list[0].subject.starts_with("step 6 of 6: "),
        "{}",
        list[0].subject
    );
    for step in &list {
        assert_eq!((step.who.as_str(), step.from.as_str()), (NAME, "console"));
        assert_eq!(step.plan.as_deref(), Some(plan.hash.as_str()));
    }
}

/// The command line writes into the same ledger, beside a running server, and those who follow it see that.
#[tokio::test]
async fn what_the_command_line_does_is_written_down() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let mut client = LedgerServiceClient::new(admin.grpc().await);
    let since = TailEntriesRequest { since: 3 };
    let mut tail = client.tail_entries(since).await.unwrap().into_inner();

    let mut add = std::process::Command::new(env!("CARGO_BIN_EXE_requorum"))
        .args(["user", "add", "ben", "--role", "viewer", "--data-dir"])
        .arg(server.data_dir())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = add.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, b"a password from a pipe\n").unwrap();
    drop(stdin);
    assert!(add.wait().unwrap().success());

    let mut seen = Vec::new();
    while seen.len() < 2 {
        let piece = tail.next().await.unwrap().unwrap();
        seen.extend(
            piece
                .entries
                .iter()
                .map(|e| serde_json::from_slice::<Entry>(&e.canonical).unwrap()),
        );
    }
    assert_eq!(
        told(&seen)[..2],
        [
            (
                seen[0].who.as_str(),
                act::PEOPLE_INVITE,
                Phase::Opened,
                None
            ),
            (
                seen[0].who.as_str(),
                act::PEOPLE_INVITE,
                Phase::Closed,
                Some(Outcome::Done)
            ),
        ]
    );
    assert!(seen[0].who.starts_with("user id "));
    assert_eq!(
        (seen[0].from.as_str(), seen[0].subject.as_str()),
        ("command line", "ben as viewer")
    );
    let (verified, entries) = audit(&admin, None).await;
    assert_eq!(verified.open, [0; 0]);
    assert!(
        entries
            .iter()
            .all(|e| !e.canonical_json().contains("from a pipe"))
    );
}
