//! Packed files: what is in them is stored, under its own SHA-256, and it is said which hash is which.

use std::process::{Command, Stdio};
use std::time::Duration;

use requorum_server::grpc::v1::ledger_service_client::LedgerServiceClient;
use requorum_shared::api::upload::{Upload, Uploads};
use requorum_shared::api::v1::{FileOrigin, ListEntriesRequest, Trust};
use requorum_shared::canonical::sha256_hex;
use requorum_shared::ledger::entry::{Entry, act};
use serde_json::json;

use super::{announce, case, listed, offset, parts, send};
use crate::support::harness::{Client, Options, TestServer, error, fixture};
use crate::support::packing::{gzip, zip, zstd, zstd_zeros};
use crate::support::recovery::{Console, request};

async fn upload(client: &Client, name: &str, bytes: &[u8]) -> Upload {
    let upload = announce(client, name, bytes.len() as u64).await;
    let answer = send(client, &upload.id, 0, bytes).await;
    assert_eq!(answer.status(), 200, "{name}");
    answer.json().await.unwrap()
}

async fn cancel(client: &Client, id: &str) -> u16 {
    let path = format!("/api/uploads/{id}");
    let answer = client.request("DELETE", &path).send().await.unwrap();
    answer.status().as_u16()
}

/// Files in the folder of uploads, by their endings.
fn endings(server: &TestServer) -> Vec<String> {
    let entries = std::fs::read_dir(server.data_dir().join("uploads")).unwrap();
    let mut endings: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .map(|path| path.extension().unwrap().to_str().unwrap().to_owned())
        .collect();
    endings.sort();
    endings
}

#[tokio::test]
async fn what_is_in_it_is_stored_checked_and_restorable() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let admin = &console.http;
    let files = [
        ("3.5.33-mixed.db", "a.db.gz", "gzip", None),
        ("3.6.14-mixed.db", "b.db.ZST", "zstd", None),
        (
            "3.5.33-three.db",
            "c.db.zip",
            "zip",
            Some("../../etc/passwd"),
        ),
    ];
    for (of, name, kind, entry) in files {
        let content = fixture(of);
        let packed = match kind {
            "gzip" => gzip(&content),
            "zstd" => zstd(&content),
            _ => zip(&[("../../etc/passwd", &content)]),
        };
        let (sent, id) = (sha256_hex(&packed), sha256_hex(&content));
        // In two pieces: lengths and offsets are those of the packed file.
        let announced = announce(admin, name, packed.len() as u64).await;
        let (first, second) = packed.split_at(20_000);
        let partly = send(admin, &announced.id, 0, first).await;
        assert_eq!(partly.headers()["upload-offset"], "20000");
        let done: Upload = send(admin, &announced.id, 20_000, second)
            .await
            .json()
            .await
            .unwrap();
        assert_eq!(done.snapshot.as_deref(), Some(id.as_str()), "{name}");
        assert_eq!(
            (done.length, done.offset),
            (announced.length, announced.length)
        );
        let from = done.unpacked_from.unwrap();
        assert_eq!((from.kind.as_str(), from.name.as_str()), (kind, name));
        assert_eq!(
            (from.sha256.as_str(), from.size),
            (sent.as_str(), announced.length)
        );
        assert_eq!(from.entry.as_deref(), entry);

        let (file, inspection) = admin.snapshot(&id).await;
        assert_eq!(file.name, name[..4]);
        assert_eq!(file.size, content.len() as u64);
        assert_eq!(
            (file.origin(), file.trust()),
            (FileOrigin::Upload, Trust::Verified)
        );
        assert_eq!(inspection.file.sha256, id);
        assert_eq!(inspection.unpacked_from.as_ref(), Some(&from));
        let stored = admin.get(&format!("/api/files/{id}/content")).await;
        assert_eq!(stored.bytes().await.unwrap(), content);
        let folder = format!("from-{kind}");
        console.seal(&request(&id, &folder)).await.unwrap();
        let reason = format!("unpacked from {name} ({kind}), which has the SHA-256 {sent}");
        assert_eq!(ended(admin).await, (format!("file {id}"), reason));
    }
    assert_eq!(parts(&server), 0);
    assert_eq!(listed(admin).await.len(), 3);
    assert!(!server.data_dir().join("../../etc/passwd").exists());
}

/// Subject and reason of the newest upload, by the ledger.
async fn ended(client: &Client) -> (String, String) {
    let filter = ListEntriesRequest {
        act: act::FILE_UPLOAD.to_owned(),
        ..Default::default()
    };
    let mut ledger = LedgerServiceClient::new(client.grpc().await);
    let list = ledger.list_entries(filter).await.unwrap().into_inner();
    let entries = list.entries.iter();
    let newest = entries.max_by_key(|entry| entry.index).unwrap();
    let entry: Entry = serde_json::from_slice(&newest.canonical).unwrap();
    (entry.subject, entry.reason)
}

#[tokio::test]
async fn packed_by_others_programs_and_sent_plainly_it_is_one_file() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    // As k3s writes it, under a name that does not say so.
    let k3s = case("01-on-demand-node-a-1709887802");
    let first = upload(&admin, "on-demand-node-a-1709887802", &k3s).await;
    assert_eq!(first.unpacked_from.unwrap().sha256, sha256_hex(&k3s));
    let id = first.snapshot.unwrap();
    let content = admin.get(&format!("/api/files/{id}/content")).await;
    let content = content.bytes().await.unwrap();
    assert_eq!(sha256_hex(&content), id);
    let plain = upload(&admin, "plain.db", &content).await;
    assert_eq!(
        (plain.snapshot, plain.unpacked_from),
        (Some(id.clone()), None)
    );
    let zst = zstd(&content);
    let again = upload(&admin, "again.zst", &zst).await;
    assert_eq!(again.snapshot, Some(id));
    assert_eq!(again.unpacked_from.unwrap().sha256, sha256_hex(&zst));
    let name = "on-demand-node-a-1709887802".to_owned();
    let one = (name, FileOrigin::Upload, Trust::Verified);
    assert_eq!(listed(&admin).await, [one]);
    assert_eq!(parts(&server), 0);
}

#[tokio::test]
async fn a_damaged_snapshot_in_it_is_kept_with_its_verdict() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let mut content = fixture("3.5.33-mixed.db");
    let middle = content.len() / 2;
    content[middle] ^= 0x40;
    let done = upload(&admin, "a.db.gz", &gzip(&content)).await;
    assert_eq!(done.snapshot, Some(sha256_hex(&content)));
    let damaged = ("a.db".to_owned(), FileOrigin::Upload, Trust::Damaged);
    assert_eq!(listed(&admin).await, [damaged]);
}

/// Packs so many bytes of zeros.
fn gzip_bomb(bytes: u64) -> Vec<u8> {
    let mut zeros = Command::new("head")
        .args(["-c", &bytes.to_string(), "/dev/zero"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let packed = Command::new("gzip")
        .args(["-9", "-c"])
        .stdin(zeros.stdout.take().unwrap())
        .output()
        .unwrap();
    assert!(zeros.wait().unwrap().success() && packed.status.success());
    packed.stdout
}

#[tokio::test]
async fn what_cannot_be_unpacked_or_is_foreign_is_refused_or_kept_as_it_came() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let sound = fixture("3.6.14-mixed.db");
    let raft = case("04-raft.db");
    let zipped = zip(&[("snap", &sound)]);
    let files: [(&str, Vec<u8>, &[&str]); 8] = [
        (
            "two.zip",
            zip(&[("a", &sound), ("../b", b"x")]),
            &["2 entries", "It was not unpacked: it has 2 entries"],
        ),
        (
            "cut.zip",
            zipped[..zipped.len() - 40].to_vec(),
            &[
                "cut off",
                "its directory, which belongs at its end, is missing",
            ],
        ),
        (
            "cut.gz",
            gzip(&sound)[..20_000].to_vec(),
            &["a gzip file that was cut off", "it ends before"],
        ),
        (
            "bomb.gz",
            gzip_bomb(300 << 20),
            &["far more comes out", "compresses that well"],
        ),
        (
            "bomb.zst",
            zstd_zeros(32 << 10),
            &["far more comes out", "compresses that well"],
        ),
        (
            "raft.db.gz",
            gzip(&raft),
            &["Unpacked from gzip: ", "Raft log"],
        ),
        (
            "notes.zst",
            zstd(b"notes of the weekly meeting\n"),
            &["Unpacked from zstd: ", "a text"],
        ),
        (
            "twice.gz",
            gzip(&zipped),
            &["Unpacked from gzip: ", "a ZIP archive"],
        ),
    ];
    for (name, bytes, words) in files {
        let announced = announce(&admin, name, bytes.len() as u64).await;
        let answer = send(&admin, &announced.id, 0, &bytes).await;
        let (status, said) = error(answer).await;
        assert_eq!(
            (status, said.code.as_str()),
            (400, "upload.foreign"),
            "{name}"
        );
        for word in words {
            assert!(said.message.contains(word), "{name}: {}", said.message);
        }
        assert!(
            said.message.contains("not stored"),
            "{name}: {}",
            said.message
        );
        assert_eq!(endings(&server), ["part"], "{name}");
        // It has not been forgotten either: asked again, it says the same.
        let end = bytes.len() as u64;
        if name.starts_with("bomb") {
            // It takes a while, each time.
            assert_eq!(cancel(&admin, &announced.id).await, 204);
            assert_eq!(parts(&server), 0, "{name}");
            continue;
        }
        let (_, again) = error(send(&admin, &announced.id, end, b"").await).await;
        assert_eq!(again.message, said.message);
        let kept: Upload = admin
            .request("PATCH", &format!("/api/uploads/{}", announced.id))
            .header("upload-offset", end)
            .header("upload-evidence", "keep")
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        // As it came, to the byte.
        assert_eq!(kept.snapshot, Some(sha256_hex(&bytes)), "{name}");
        assert_eq!(kept.unpacked_from, None, "{name}");
        assert_eq!(parts(&server), 0, "{name}");
        let (file, inspection) = admin.snapshot(&sha256_hex(&bytes)).await;
        assert_eq!(
            (file.name.as_str(), file.origin()),
            (name, FileOrigin::Evidence)
        );
        let reason = inspection.report.findings.iter();
        let unpacks = ["raft.db.gz", "notes.zst", "twice.gz"].contains(&name);
        let told = reason.filter(|f| f.code.starts_with("unpack.")).count();
        assert_eq!(told, usize::from(!unpacks), "{name}");
    }
    // By choice beforehand: a snapshot in it is one all the same.
    let body = json!({"name": "s.gz", "length": gzip(&sound).len(), "evidence": true});
    let answer = admin.post("/api/uploads", &body).await;
    let announced: Upload = answer.json().await.unwrap();
    let answer = send(&admin, &announced.id, 0, &gzip(&sound)).await;
    let done: Upload = answer.json().await.unwrap();
    assert_eq!(done.snapshot, Some(sha256_hex(&sound)));
}

#[tokio::test]
async fn what_is_larger_than_the_server_takes_waits_until_it_takes_more() {
    let content = fixture("3.6.14-mixed.db");
    let packed = tightly(&content);
    assert!(packed.len() < content.len() / 2);
    let server = TestServer::with(Options {
        max_upload_bytes: content.len() as u64 - 1,
        ..Options::default()
    })
    .await;
    let admin = server.admin().await;
    let announced = announce(&admin, "a.db.gz", packed.len() as u64).await;
    let (status, said) = error(send(&admin, &announced.id, 0, &packed).await).await;
    assert_eq!((status, said.code.as_str()), (413, "upload.too-large"));
    assert!(
        said.message.contains("--max-upload-bytes"),
        "{}",
        said.message
    );
    assert_eq!(endings(&server), ["part"]);

    // A start does not unpack, however long that would take; what arrived is there, and the rest goes on.
    let folder = server.data_dir().join("uploads");
    let server = server
        .restart_after(Options::default(), || {
            std::fs::write(folder.join("unknown.content"), b"x").unwrap();
        })
        .await;
    assert_eq!(endings(&server), ["part"]);
    let admin = server.signed_in().await;
    assert_eq!(listed(&admin).await, []);
    let left: Uploads = admin.get("/api/uploads").await.json().await.unwrap();
    assert_eq!(left.uploads[0].id, announced.id);
    let end = packed.len() as u64;
    assert_eq!(offset(&admin, &announced.id).await, end);
    let done: Upload = send(&admin, &announced.id, end, b"")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(done.snapshot, Some(sha256_hex(&content)));
    assert_eq!(done.unpacked_from.unwrap().sha256, sha256_hex(&packed));
    assert_eq!(parts(&server), 0);
}

fn tightly(bytes: &[u8]) -> Vec<u8> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, bytes).unwrap();
    let packed = Command::new("gzip").arg("-c").arg(file.path()).output();
    packed.unwrap().stdout
}

#[tokio::test]
async fn to_cancel_it_stops_the_unpacking_and_leaves_nothing() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    // As much as may come out of any file, so that it takes a while.
    let bytes = zstd_zeros(2_000);
    let announced = announce(&admin, "zeros.zst", bytes.len() as u64).await;
    let sent = {
        let (admin, id) = (admin.clone(), announced.id.clone());
        tokio::spawn(async move { send(&admin, &id, 0, &bytes).await })
    };
    while endings(&server) != ["content", "part"] {
        assert!(!sent.is_finished(), "it was not seen being unpacked");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(cancel(&admin, &announced.id).await, 204);
    assert_eq!(endings(&server), [""; 0]);
    let (status, said) = error(sent.await.unwrap()).await;
    assert_eq!((status, said.code.as_str()), (404, "upload.unknown"));
    assert_eq!(listed(&admin).await, []);
}

#[tokio::test]
async fn many_at_once_are_each_unpacked_in_their_turn() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let other = server.person(&admin, "other", &["operator"]).await;
    let names = ["3.4.23-mixed.db", "3.5.33-mixed.db", "3.6.14-mixed.db"];
    let all = names
        .iter()
        .flat_map(|name| [(&admin, name), (&other, name)]);
    let sent = all.map(|(client, name)| async move {
        let packed = zstd(&fixture(name));
        upload(client, &format!("{name}.zst"), &packed)
            .await
            .snapshot
    });
    let stored = futures_util::future::join_all(sent).await;
    let wanted = names.iter().flat_map(|name| {
        let id = Some(sha256_hex(&fixture(name)));
        [id.clone(), id]
    });
    assert_eq!(stored, wanted.collect::<Vec<_>>());
    assert_eq!(listed(&admin).await.len(), 3);
    assert_eq!(parts(&server), 0);
}
