//! Uploads: resumed, restarted, refused, cancelled, unpacked, and the same file twice.

mod packed;

use requorum_shared::api::upload::{Upload, Uploads};
use requorum_shared::api::v1::{FileOrigin, Trust};
use requorum_shared::canonical::sha256_hex;
use requorum_shared::ledger::entry::{Outcome, act};
use reqwest::{Response, StatusCode};
use serde_json::json;

use crate::ledger::entries::audit;
use crate::support::harness::{Client, Options, TestServer, error, fixture};
use crate::support::recovery::{Console, request};

async fn announce(client: &Client, name: &str, length: u64) -> Upload {
    let response = client
        .post("/api/uploads", &json!({"name": name, "length": length}))
        .await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let upload: Upload = response.json().await.unwrap();
    assert_eq!(location, format!("/api/uploads/{}", upload.id));
    upload
}

async fn send(client: &Client, id: &str, offset: u64, bytes: &[u8]) -> Response {
    client
        .request("PATCH", &format!("/api/uploads/{id}"))
        .header("upload-offset", offset)
        .body(bytes.to_vec())
        .send()
        .await
        .unwrap()
}

async fn offset(client: &Client, id: &str) -> u64 {
    let response = client
        .request("HEAD", &format!("/api/uploads/{id}"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    response.headers()["upload-offset"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap()
}

/// Names of all files below the data directory's uploads.
fn parts(server: &TestServer) -> usize {
    std::fs::read_dir(server.data_dir().join("uploads"))
        .unwrap()
        .count()
}

#[tokio::test]
async fn a_file_becomes_a_snapshot_with_its_verdict() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let bytes = fixture("3.5.33-mixed.db");
    let id = sha256_hex(&bytes);
    let upload = announce(
        &admin,
        "/home/ak/backup/3.5.33-mixed.db",
        bytes.len() as u64,
    )
    .await;
    assert_eq!(
        (upload.name.as_str(), upload.offset),
        ("3.5.33-mixed.db", 0)
    );

    let (first, second) = bytes.split_at(20_000);
    let response = send(&admin, &upload.id, 0, first).await;
    assert_eq!(response.headers()["upload-offset"], "20000");
    let listed: Uploads = admin.get("/api/uploads").await.json().await.unwrap();
    assert_eq!(listed.uploads.len(), 1);
    assert_eq!(
        (listed.uploads[0].offset, listed.uploads[0].length),
        (20_000, bytes.len() as u64)
    );

    let done: Upload = send(&admin, &upload.id, 20_000, second)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(done.snapshot.as_deref(), Some(id.as_str()));
    let listed: Uploads = admin.get("/api/uploads").await.json().await.unwrap();
    assert_eq!(listed.uploads, []);
    assert_eq!(parts(&server), 0);

    let (snapshot, inspection) = admin.snapshot(&id).await;
    assert_eq!(snapshot.name, "3.5.33-mixed.db");
    assert_eq!(snapshot.size, bytes.len() as u64);
    assert_eq!(inspection.file.sha256, id);
    assert_eq!(inspection.file.size, bytes.len() as u64);

    let response = admin.get(&format!("/api/files/{id}/content")).await;
    assert_eq!(
        response.headers()["content-length"],
        bytes.len().to_string()
    );
    assert!(
        response.headers()["content-disposition"]
            .to_str()
            .unwrap()
            .contains("3.5.33-mixed.db")
    );
    assert_eq!(response.bytes().await.unwrap(), bytes);
    let part = admin
        .request("GET", &format!("/api/files/{id}/content"))
        .header("range", "bytes=-32")
        .send()
        .await
        .unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.bytes().await.unwrap(), bytes[bytes.len() - 32..]);
}

#[tokio::test]
async fn an_upload_goes_on_after_a_restart() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let bytes = fixture("3.6.14-mixed.db");
    let upload = announce(&admin, "a.db", bytes.len() as u64).await;
    send(&admin, &upload.id, 0, &bytes[..33_333]).await;

    let server = server.restart(Options::default()).await;
    let admin = server.signed_in().await;
    let listed: Uploads = admin.get("/api/uploads").await.json().await.unwrap();
    assert_eq!(
        (listed.uploads[0].id.as_str(), listed.uploads[0].offset),
        (upload.id.as_str(), 33_333)
    );
    assert_eq!(offset(&admin, &upload.id).await, 33_333);
    let done: Upload = send(&admin, &upload.id, 33_333, &bytes[33_333..])
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(done.snapshot, Some(sha256_hex(&bytes)));
    // The scanner that began again has seen what the first one saw.
    let (_, inspection) = admin.snapshot(&sha256_hex(&bytes)).await;
    assert_eq!(inspection.file.sha256, sha256_hex(&bytes));
}

#[tokio::test]
async fn what_never_was_on_the_medium_is_asked_for_again() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let bytes = fixture("3.4.23-mixed.db");
    let upload = announce(&admin, "a.db", bytes.len() as u64).await;
    send(&admin, &upload.id, 0, &bytes[..10_000]).await;
    let part = server
        .data_dir()
        .join("uploads")
        .join(format!("{}.part", upload.id));
    let data_dir = server.data_dir();
    let server = server
        .restart_after(Options::default(), || {
            // Bytes that a crash left behind the last sync.
            let mut torn = std::fs::read(&part).unwrap();
            torn.extend_from_slice(&[0xEE; 5_000]);
            std::fs::write(&part, torn).unwrap();
            // A part that nobody knows.
            std::fs::write(data_dir.join("uploads/unknown.part"), b"x").unwrap();
        })
        .await;
    assert_eq!(parts(&server), 1);
    let admin = server.signed_in().await;
    assert_eq!(offset(&admin, &upload.id).await, 10_000);
    let done: Upload = send(&admin, &upload.id, 10_000, &bytes[10_000..])
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(done.snapshot, Some(sha256_hex(&bytes)));
}

#[tokio::test]
async fn a_wrong_offset_is_told_the_right_one() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let upload = announce(&admin, "a.db", 1000).await;
    send(&admin, &upload.id, 0, &[1; 400]).await;
    for wrong in [0, 399, 401] {
        let response = send(&admin, &upload.id, wrong, &[1; 10]).await;
        assert_eq!(response.headers()["upload-offset"], "400");
        let (status, body) = error(response).await;
        assert_eq!(
            (status, body.code.as_str()),
            (409, "upload.offset-mismatch")
        );
    }
    let response = admin
        .request("PATCH", &format!("/api/uploads/{}", upload.id))
        .body(vec![1; 10])
        .send()
        .await
        .unwrap();
    assert_eq!(error(response).await.1.code, "upload.offset-missing");
    assert_eq!(offset(&admin, &upload.id).await, 400);
}

#[tokio::test]
async fn more_than_announced_is_refused() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let upload = announce(&admin, "a.db", 1000).await;
    let (status, body) = error(send(&admin, &upload.id, 0, &[1; 1001]).await).await;
    assert_eq!((status, body.code.as_str()), (413, "upload.too-long"));

    // Without a length in front, it shows only as the bytes arrive.
    let chunks = tokio_stream::iter((0..11).map(|_| Ok::<_, std::io::Error>(vec![1u8; 100])));
    let response = admin
        .request("PATCH", &format!("/api/uploads/{}", upload.id))
        .header("upload-offset", 0)
        .body(reqwest::Body::wrap_stream(chunks))
        .send()
        .await
        .unwrap();
    let (status, body) = error(response).await;
    assert_eq!((status, body.code.as_str()), (413, "upload.too-long"));
    assert_eq!(offset(&admin, &upload.id).await, 0);
    let done: Upload = admin
        .request("PATCH", &format!("/api/uploads/{}", upload.id))
        .header("upload-offset", 0)
        .header("upload-evidence", "keep")
        .body(vec![7; 1000])
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        done.snapshot,
        Some(sha256_hex(&[7; 1000])),
        "the honest file still fits"
    );
}

#[tokio::test]
async fn a_cancelled_upload_leaves_nothing() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let upload = announce(&admin, "a.db", 1000).await;
    send(&admin, &upload.id, 0, &[1; 400]).await;
    assert_eq!(parts(&server), 1);
    let path = format!("/api/uploads/{}", upload.id);
    let cancelled = admin.request("DELETE", &path).send().await.unwrap();
    assert_eq!(cancelled.status(), 204);
    assert_eq!(parts(&server), 0);
    let (status, body) = error(send(&admin, &upload.id, 400, &[1; 10]).await).await;
    assert_eq!((status, body.code.as_str()), (404, "upload.unknown"));
    let again = admin.request("DELETE", &path).send().await.unwrap();
    assert_eq!(again.status(), 404);
}

#[tokio::test]
async fn one_connection_at_a_time_and_cancelling_stops_it() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let upload = announce(&admin, "a.db", 1000).await;
    let (more, body) = tokio::sync::mpsc::channel::<Result<Vec<u8>, std::io::Error>>(4);
    let slow = {
        let admin = admin.clone();
        let id = upload.id.clone();
        tokio::spawn(async move {
            admin
                .request("PATCH", &format!("/api/uploads/{id}"))
                .header("upload-offset", 0)
                .body(reqwest::Body::wrap_stream(
                    tokio_stream::wrappers::ReceiverStream::new(body),
                ))
                .send()
                .await
        })
    };
    more.send(Ok(vec![1; 10])).await.unwrap();
    while parts(&server) == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let (status, body) = error(send(&admin, &upload.id, 0, &[]).await).await;
    assert_eq!((status, body.code.as_str()), (409, "upload.busy"));
    let path = format!("/api/uploads/{}", upload.id);
    assert_eq!(
        admin
            .request("DELETE", &path)
            .send()
            .await
            .unwrap()
            .status(),
        204
    );
    assert_eq!(parts(&server), 0);
    drop(more);
    if let Ok(response) = slow.await.unwrap() {
        assert_eq!(response.status(), 404);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_keeps_what_arrived() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let bytes = fixture("3.7.1-mixed.db");
    let upload = announce(&admin, "a.db", bytes.len() as u64).await;
    let first = bytes[..50_000].to_vec();
    let (more, chunks) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        more.send(Ok(first)).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        let cut = Err(std::io::Error::other("the cable was cut"));
        more.send(cut).await.unwrap();
    });
    let broken = admin
        .request("PATCH", &format!("/api/uploads/{}", upload.id))
        .header("upload-offset", 0)
        .body(reqwest::Body::wrap_stream(
            tokio_stream::wrappers::ReceiverStream::new(chunks),
        ))
        .send()
        .await;
    assert!(broken.is_err());
    let mut at = 0;
    for _ in 0..500 {
        at = offset(&admin, &upload.id).await;
        if at > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(at, 50_000);
    let rest = loop {
        let response = send(&admin, &upload.id, at, &bytes[50_000..]).await;
        if response.status() != 409 {
            break response;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    let done: Upload = rest.json().await.unwrap();
    assert_eq!(done.snapshot, Some(sha256_hex(&bytes)));
}

#[tokio::test]
async fn the_same_file_twice_is_one_snapshot() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let bytes = fixture("3.5.33-three.db");
    let one = announce(&admin, "one.db", bytes.len() as u64).await;
    let two = announce(&admin, "two.db", bytes.len() as u64).await;
    let (a, b) = tokio::join!(
        send(&admin, &one.id, 0, &bytes),
        send(&admin, &two.id, 0, &bytes)
    );
    let (a, b): (Upload, Upload) = (a.json().await.unwrap(), b.json().await.unwrap());
    assert_eq!(a.snapshot, b.snapshot);
    let snapshots = admin.snapshots().await;
    assert_eq!(snapshots.files.len(), 1);
    assert_eq!(snapshots.used_bytes, bytes.len() as u64);
    assert_eq!(parts(&server), 0);
}

#[tokio::test]
async fn claims_that_cannot_be_kept_are_refused_before_a_byte_is_sent() {
    let server = TestServer::with(Options {
        max_upload_bytes: u64::MAX >> 1,
        ..Options::default()
    })
    .await;
    let admin = server.admin().await;
    let claim = |name: &'static str, length: u64| {
        let admin = admin.clone();
        async move {
            error(
                admin
                    .post("/api/uploads", &json!({"name": name, "length": length}))
                    .await,
            )
            .await
        }
    };
    let (status, body) = claim("huge.db", 1 << 60).await;
    assert_eq!((status, body.code.as_str()), (507, "upload.no-room"));
    assert!(
        body.message.contains("huge.db has 1.00 EiB"),
        "{}",
        body.message
    );
    let (status, body) = claim("huge.db", u64::MAX).await;
    assert_eq!((status, body.code.as_str()), (413, "upload.too-large"));
    let (status, body) = claim("empty.db", 0).await;
    assert_eq!((status, body.code.as_str()), (400, "upload.empty"));
    for name in ["", "/", "a/..", "a\nb", "dir/"] {
        let (status, body) = claim(name, 10).await;
        assert_eq!(
            (status, body.code.as_str()),
            (400, "upload.name"),
            "{name:?}"
        );
    }
    assert_eq!(parts(&server), 0);
}

#[tokio::test]
async fn a_damaged_file_is_kept_with_its_verdict() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let mut bytes = fixture("3.5.33-mixed.db");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    let upload = announce(&admin, "damaged.db", bytes.len() as u64).await;
    let done: Upload = send(&admin, &upload.id, 0, &bytes)
        .await
        .json()
        .await
        .unwrap();
    let (snapshot, inspection) = admin.snapshot(&done.snapshot.unwrap()).await;
    assert_eq!(snapshot.sentence, inspection.verdict.sentence);
    assert_eq!(snapshot.trust(), Trust::Damaged);
}

#[tokio::test]
async fn strangers_ids_and_made_up_ids_lead_nowhere() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    for path in [
        "/api/uploads/nope",
        "/api/files/nope/content",
        "/api/files/..%2f..%2frequorum.db/content",
    ] {
        assert_eq!(admin.get(path).await.status(), 404, "{path}");
    }
    let nobody = "0".repeat(64);
    assert_eq!(
        admin
            .get(&format!("/api/files/{nobody}/content"))
            .await
            .status(),
        404
    );
}

fn case(name: &str) -> Vec<u8> {
    let cases = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata/cases");
    std::fs::read(cases.join(name)).unwrap()
}

async fn listed(client: &Client) -> Vec<(String, FileOrigin, Trust)> {
    let list = client.snapshots().await;
    list.files
        .into_iter()
        .map(|file| (file.name.clone(), file.origin(), file.trust()))
        .collect()
}

#[tokio::test]
async fn what_no_recovery_uses_is_refused_in_the_words_of_the_check() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    for (name, word) in [
        ("02-weekly.db", "This is a gzip file that was cut off. "),
        (
            "03-0000000000000001-0000000000000000.wal",
            "write-ahead log",
        ),
        ("04-raft.db", "Raft log"),
    ] {
        let bytes = case(name);
        let upload = announce(&admin, name, bytes.len() as u64).await;
        let (status, said) = error(send(&admin, &upload.id, 0, &bytes).await).await;
        assert_eq!((status, said.code.as_str()), (400, "upload.foreign"));
        assert!(said.message.contains(word), "{}", said.message);
        assert!(said.message.contains("not stored"), "{}", said.message);
        let why = "No recovery uses such a file.";
        assert!(said.message.contains(why), "{}", said.message);
        for of_a_restore in ["etcd database", "etcdctl", "is needed here"] {
            let said = &said.message;
            assert!(!said.contains(of_a_restore), "{said}");
        }
        assert_eq!(listed(&admin).await, []);
        // It has not been forgotten either: asked again, it says the same.
        let (_, again) = error(send(&admin, &upload.id, bytes.len() as u64, b"").await).await;
        assert_eq!(again.message, said.message);
        let path = format!("/api/uploads/{}", upload.id);
        assert_eq!(
            admin
                .request("DELETE", &path)
                .send()
                .await
                .unwrap()
                .status(),
            204
        );
    }
    assert_eq!(parts(&server), 0);
}

/// By `requorum user disable`, or by another server of the console: what it held here goes within a minute.
#[tokio::test]
async fn an_upload_that_was_ended_elsewhere_leaves_nothing() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let (ended, stays) = (
        announce(&admin, "a.db", 1000).await,
        announce(&admin, "b.db", 1000).await,
    );
    for upload in [&ended, &stays] {
        send(&admin, &upload.id, 0, &[1; 400]).await;
    }
    let app = server.app();
    app.store.remove_upload(&ended.id).await.unwrap();
    app.uploads.forget_removed().await.unwrap();
    assert_eq!(parts(&server), 1);
    let (status, body) = error(send(&admin, &ended.id, 400, &[1; 600]).await).await;
    assert_eq!((status, body.code.as_str()), (404, "upload.unknown"));
    assert_eq!(send(&admin, &stays.id, 400, &[1; 100]).await.status(), 200);
    assert_eq!(offset(&admin, &stays.id).await, 500);
}

#[tokio::test]
async fn it_is_kept_as_evidence_by_choice_and_nothing_is_restored_from_it() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    // By choice afterwards, without sending it again.
    let bytes = case("04-raft.db");
    let upload = announce(&admin, "raft.db", bytes.len() as u64).await;
    let (status, _) = error(send(&admin, &upload.id, 0, &bytes).await).await;
    assert_eq!(status, 400);
    let kept: Upload = admin
        .request("PATCH", &format!("/api/uploads/{}", upload.id))
        .header("upload-offset", bytes.len())
        .header("upload-evidence", "keep")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let id = kept.snapshot.unwrap();
    assert_eq!(id, sha256_hex(&bytes));
    // Of other kinds too it is said what they are worth.
    let as_evidence = |name: &str, trust| (name.to_owned(), FileOrigin::Evidence, trust);
    let raft_db = as_evidence("raft.db", Trust::Damaged);
    assert_eq!(listed(&admin).await, std::slice::from_ref(&raft_db));
    // By choice beforehand; a sound file is a snapshot all the same.
    for (name, bytes) in [
        ("s.wal", case("03-0000000000000001-0000000000000000.wal")),
        ("sound.db", fixture("3.5.33-mixed.db")),
    ] {
        let body = json!({"name": name, "length": bytes.len(), "evidence": true});
        let upload: Upload = admin
            .post("/api/uploads", &body)
            .await
            .json()
            .await
            .unwrap();
        assert_eq!(send(&admin, &upload.id, 0, &bytes).await.status(), 200);
    }
    let mut all = listed(&admin).await;
    all.sort();
    let sound = ("sound.db".to_owned(), FileOrigin::Upload, Trust::Verified);
    assert_eq!(all, [raft_db, as_evidence("s.wal", Trust::Verified), sound]);
    // Each choice is in the ledger, once.
    let (_, entries) = audit(&admin, None).await;
    let chosen = entries
        .iter()
        .filter(|entry| entry.act == act::FILE_UPLOAD_EVIDENCE && entry.closes.is_some());
    let chosen: Vec<_> = chosen
        .map(|entry| (entry.subject.split(',').next().unwrap(), entry.outcome))
        .collect();
    let done = Some(Outcome::Done);
    let names = ["raft.db", "s.wal", "sound.db"];
    assert_eq!(chosen, names.map(|name| (name, done)));
    let console = Console::with(admin).await;
    let refused = console.check(&request(&id, "new")).await.unwrap_err();
    assert!(refused.message().contains("kept as evidence"), "{refused}");
    assert!(console.seal(&request(&id, "new")).await.is_err());
}
