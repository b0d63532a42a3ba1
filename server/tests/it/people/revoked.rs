//! What lasts longer than a request ends with the right to it: streams, downloads and uploads of an account that is
//! disabled, of a session or token that has ended, of a role that was taken away.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use requorum_server::grpc::v1::job_service_client::JobServiceClient;
use requorum_server::grpc::v1::ledger_service_client::LedgerServiceClient;
use requorum_shared::api::login::Session;
use requorum_shared::api::upload::Upload;
use requorum_shared::api::v1;
use requorum_shared::job::events::Body as Said;
use requorum_shared::ledger::entry::{Outcome, act};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Code, Streaming};

use crate::ledger::entries::audit;
use crate::support::harness::{Client, Options, PASSWORD, TestServer, code, fixture};
use crate::support::recovery::{Console, request};

/// By then a right that was taken away has been missed.
const SOON: Duration = Duration::from_secs(30);
const ROLES: [&str; 1] = ["operator"];

/// A job that asks something and stays open until it is answered: its snapshot was damaged.
async fn asking_job(server: &TestServer, anna: &Console) -> String {
    let snapshot = anna.upload("3.5.33-mixed.db").await;
    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    anna.approve(&plan.id, &plan.hash).await.unwrap();
    let object = server
        .data_dir()
        .join(format!("objects/sha256/{}/{snapshot}", &snapshot[..2]));
    let mut bytes = std::fs::read(&object).unwrap();
    bytes[9_000] ^= 1;
    std::fs::write(&object, bytes).unwrap();
    let job = anna.start(&plan).await.unwrap();
    let asked =
        |event: &requorum_shared::job::events::Event| matches!(event.body, Said::Asked { .. });
    anna.watch_until(&job.id, 0, asked).await.unwrap();
    job.id
}

struct Open {
    job: Streaming<v1::WatchJobResponse>,
    ledger: Streaming<v1::TailEntriesResponse>,
}

impl Open {
    async fn by(client: &Client, job: &str) -> Self {
        let watch = v1::WatchJobRequest {
            id: job.into(),
            since: 0,
        };
        let mut open = Self {
            job: JobServiceClient::new(client.grpc().await)
                .watch_job(watch)
                .await
                .unwrap()
                .into_inner(),
            ledger: LedgerServiceClient::new(client.grpc().await)
                .tail_entries(v1::TailEntriesRequest { since: 0 })
                .await
                .unwrap()
                .into_inner(),
        };
        assert!(open.job.message().await.unwrap().is_some(), "it is live");
        assert!(open.ledger.message().await.unwrap().is_some(), "it is live");
        open
    }

    /// How both end.
    async fn ended(mut self, why: &str) -> [(Code, String); 2] {
        let job = async {
            loop {
                match self.job.message().await {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("{why}: the job's stream ended without a reason"),
                    Err(status) => return (status.code(), code(&status).to_owned()),
                }
            }
        };
        let ledger = async {
            loop {
                match self.ledger.message().await {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("{why}: the ledger's stream ended without a reason"),
                    Err(status) => return (status.code(), code(&status).to_owned()),
                }
            }
        };
        let both = timeout(SOON, async { tokio::join!(job, ledger) }).await;
        let (job, ledger) = both.unwrap_or_else(|_| panic!("{why}: a stream went on"));
        [job, ledger]
    }
}

async fn id_of(client: &Client) -> String {
    let session: Session = client.get("/api/session").await.json().await.unwrap();
    session.user_id
}

fn person(id: &str) -> v1::DisablePersonRequest {
    v1::DisablePersonRequest { id: id.into() }
}

#[tokio::test]
async fn streams_end_with_the_account_the_session_the_token_and_the_role() {
    let server = TestServer::start().await;
    let anna = Console::over(&server).await;
    let job = asking_job(&server, &anna).await;
    let mut people = anna.http.people().await;
    let mut waits = Vec::new();
    for (name, expected) in [
        ("disabled", (Code::Unauthenticated, "login.required")),
        ("signed out", (Code::Unauthenticated, "login.required")),
        ("session ended", (Code::Unauthenticated, "login.required")),
        ("new password", (Code::Unauthenticated, "login.required")),
        ("joined again", (Code::Unauthenticated, "login.required")),
        ("token revoked", (Code::Unauthenticated, "token.invalid")),
        (
            "token's owner out",
            (Code::Unauthenticated, "token.invalid"),
        ),
        ("roles taken", (Code::PermissionDenied, "role.missing")),
        (
            "token's roles gone",
            (Code::PermissionDenied, "role.missing"),
        ),
    ] {
        let client = server.person(&anna.http, name, &ROLES).await;
        let id = id_of(&client).await;
        let mut watcher = client.clone();
        let mut token = String::new();
        if name.starts_with("token") {
            let create = v1::CreateTokenRequest {
                name: "watch".into(),
                grants: crate::support::harness::grants(&["viewer"]),
                days: 1,
            };
            // A viewer's token of an operator needs both.
            let grants = crate::support::harness::grants(&["viewer", "operator"]);
            let set = v1::SetGrantsRequest {
                id: id.clone(),
                grants,
            };
            people.set_grants(set).await.unwrap();
            let made = client.people().await.create_token(create).await.unwrap();
            let made = made.into_inner();
            token = made.token.unwrap().id;
            watcher = server.program(&made.secret);
        }
        let open = Open::by(&watcher, &job).await;
        match name {
            "disabled" | "token's owner out" => {
                people.disable_person(person(&id)).await.unwrap();
            }
            "signed out" => {
                let out = client.post("/api/logout", &json!({})).await;
                assert!(out.status().is_success());
            }
            "session ended" => {
                let end = v1::EndSessionsRequest {
                    person_id: id.clone(),
                    ..Default::default()
                };
                people.end_sessions(end).await.unwrap();
            }
            "new password" => {
                let mut other = server.stranger();
                let response = other.login(name, PASSWORD).await;
                other.keep_cookie(&response);
                let body = json!({"current": PASSWORD, "new": "quite another one of these"});
                let changed = other.post("/api/password", &body).await;
                assert!(changed.status().is_success());
            }
            "joined again" => {
                let request = v1::MakePasswordLinkRequest { id: id.clone() };
                let link = people.make_password_link(request).await.unwrap();
                let link = link.into_inner().link.unwrap();
                let body = json!({"token": link.token, "password": PASSWORD});
                let joined = server.stranger().post("/api/join", &body).await;
                assert!(joined.status().is_success());
            }
            "token revoked" => {
                let revoke = v1::RevokeTokenRequest { id: token };
                people.revoke_token(revoke).await.unwrap();
            }
            "roles taken" | "token's roles gone" => {
                let grants = Vec::new();
                let set = v1::SetGrantsRequest { id, grants };
                people.set_grants(set).await.unwrap();
            }
            other => unreachable!("{other}"),
        }
        let expected = (expected.0, expected.1.to_owned());
        waits.push(async move {
            assert_eq!(
                open.ended(name).await,
                [expected.clone(), expected],
                "{name}"
            );
        });
    }
    futures_util::future::join_all(waits).await;
    // Who still may follow goes on.
    let mut open = Open::by(&anna.http, &job).await;
    anna.abort(&job).await.unwrap();
    let end = async { while open.job.message().await.unwrap().is_some() {} };
    timeout(SOON, end).await.expect("the job is over");
}

#[tokio::test]
async fn a_stream_ends_when_the_session_does() {
    let (options, clock) = Options::with_clock();
    let server = TestServer::with(options).await;
    let anna = Console::over(&server).await;
    let job = asking_job(&server, &anna).await;
    let open = Open::by(&anna.http, &job).await;
    clock.advance_ms(12 * 60 * 60_000);
    let out = (Code::Unauthenticated, "login.required".to_owned());
    assert_eq!(open.ended("time").await, [out.clone(), out]);
}

/// An upload whose bytes the test gives one by one.
async fn upload(
    client: &Client,
    length: usize,
) -> (
    mpsc::UnboundedSender<Result<Bytes, std::io::Error>>,
    tokio::task::JoinHandle<reqwest::Response>,
    String,
) {
    let body = json!({"name": "a.db", "length": length});
    let made = client.post("/api/uploads", &body).await;
    assert_eq!(made.status(), 201);
    let made: Upload = made.json().await.unwrap();
    let (send, chunks) = mpsc::unbounded_channel();
    let body = reqwest::Body::wrap_stream(UnboundedReceiverStream::new(chunks));
    let patch = client
        .request("PATCH", &format!("/api/uploads/{}", made.id))
        .header("upload-offset", 0)
        .body(body);
    let answer = tokio::spawn(async move { patch.send().await.unwrap() });
    (send, answer, made.id)
}

#[tokio::test]
async fn an_upload_of_one_who_may_not_any_more_is_not_stored() {
    let server = TestServer::start().await;
    let anna = Console::over(&server).await;
    let bytes = fixture("3.6.14-mixed.db");
    let (first, last) = bytes.split_at(bytes.len() / 2);
    for (how, expected) in [("disabled", 401), ("signed out", 401), ("roles", 403)] {
        let client = server.person(&anna.http, how, &ROLES).await;
        let id = id_of(&client).await;
        let (send, answer, upload) = upload(&client, bytes.len()).await;
        send.send(Ok(Bytes::copy_from_slice(first))).unwrap();
        // Its first half has arrived: the server says so to its owner.
        let written = async {
            loop {
                let at = client.get(&format!("/api/uploads/{upload}")).await;
                let at: Upload = at.json().await.unwrap();
                if at.offset > 0 || at.length == 0 {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        // Small bodies are gathered before they are written: that the request is under way is enough.
        let _ = timeout(Duration::from_millis(300), written).await;
        let mut people = anna.http.people().await;
        match how {
            "disabled" => drop(people.disable_person(person(&id)).await.unwrap()),
            "signed out" => drop(client.post("/api/logout", &json!({})).await),
            _ => {
                let grants = crate::support::harness::grants(&["viewer"]);
                let set = v1::SetGrantsRequest { id, grants };
                people.set_grants(set).await.unwrap();
            }
        }
        // The rest comes at once: before anything is looked at by the clock.
        let _ = send.send(Ok(Bytes::copy_from_slice(last)));
        drop(send);
        let answer = timeout(SOON, answer).await.expect("an answer").unwrap();
        assert_eq!(answer.status(), expected, "{how}");
        assert!(anna.http.snapshots().await.files.is_empty(), "{how}");
    }
    let (_, entries) = audit(&anna.http, None).await;
    let uploads: Vec<_> = entries
        .iter()
        .filter(|entry| entry.act == act::FILE_UPLOAD && entry.outcome.is_some())
        .map(|entry| entry.outcome)
        .collect();
    assert_eq!(uploads, [Some(Outcome::Refused); 3]);
    // Nor does a start of the server finish it.
    let server = server.restart(Options::default()).await;
    let anna = server.signed_in().await;
    assert!(anna.snapshots().await.files.is_empty());
}

#[tokio::test]
async fn a_download_is_cut_off() {
    let server = TestServer::start().await;
    let anna = Console::over(&server).await;
    let whole = 96 << 20;
    let snapshot = anna.upload_bytes("large.db", vec![7; whole]).await;
    let ben = server.person(&anna.http, "Ben", &ROLES).await;
    let response = ben.get(&format!("/api/files/{snapshot}/content")).await;
    assert_eq!(response.status(), 200);
    let mut body = response.bytes_stream();
    let mut read = body.next().await.unwrap().unwrap().len();
    let id = id_of(&ben).await;
    let mut people = anna.http.people().await;
    people.disable_person(person(&id)).await.unwrap();
    // A slow reader, who would be at it for minutes.
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let cut = loop {
        tick.tick().await;
        match timeout(SOON, body.next()).await.expect("bytes or an end") {
            Some(Ok(bytes)) => read += bytes.len(),
            Some(Err(_)) => break true,
            None => break false,
        }
    };
    assert!(cut && read < whole, "{read} of {whole} bytes were read");
}
