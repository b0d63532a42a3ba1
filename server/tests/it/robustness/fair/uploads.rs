//! Uploads that are announced and not sent.

use requorum_shared::api::upload::{Upload, Uploads};
use requorum_shared::api::v1::DisablePersonRequest;
use serde_json::json;

use crate::support::harness::{Client, Options, TestServer, error, fixture};
use crate::support::recovery::Console;

const MINUTE_MS: i64 = 60_000;

fn huge(mut options: Options) -> Options {
    options.max_upload_bytes = u64::MAX >> 1;
    options
}

async fn announce(client: &Client, length: u64) -> reqwest::Response {
    let body = json!({"name": "a.db", "length": length});
    client.post("/api/uploads", &body).await
}

async fn announced(client: &Client, length: u64) -> Upload {
    let response = announce(client, length).await;
    assert_eq!(response.status(), 201);
    response.json().await.unwrap()
}

/// Most of what is free, so that it does not fit twice.
fn most(server: &TestServer) -> u64 {
    let stat = rustix::fs::statvfs(server.data_dir()).unwrap();
    stat.f_bavail * stat.f_frsize / 10 * 6
}

async fn all(admin: &Client) -> Vec<Upload> {
    let answer = admin.get("/api/people/uploads").await;
    let uploads: Uploads = answer.json().await.unwrap();
    uploads.uploads
}

async fn send(client: &Client, id: &str, bytes: &[u8]) -> u16 {
    let request = client.request("PATCH", &format!("/api/uploads/{id}"));
    let request = request.header("upload-offset", 0).body(bytes.to_vec());
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn what_is_announced_takes_no_room_from_others() {
    let server = TestServer::with(huge(Options::default())).await;
    let admin = server.admin().await;
    let other = server.person(&admin, "other", &["operator"]).await;
    let length = most(&server);
    announced(&other, length).await;
    let began = announced(&other, length).await;
    assert_eq!(send(&other, &began.id, &[1; 4096]).await, 200);
    // Another file as large as that fits still, as long as nobody has sent it.
    announced(&admin, length).await;
    let console = Console::with(admin).await;
    console.upload("3.6.14-mixed.db").await;
    // More than there is does not.
    let response = announce(&other, length * 2).await;
    let (status, body) = error(response).await;
    assert_eq!((status, body.code.as_str()), (507, "upload.no-room"));
}

#[tokio::test]
async fn the_limit_holds_for_announcements_at_the_same_time() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let asked = (0..90).map(|_| announce(&admin, 10));
    let answers = futures_util::future::join_all(asked).await;
    let of = |status: u16| answers.iter().filter(|a| a.status() == status).count();
    assert_eq!((of(201), of(429)), (50, 40));
}

#[tokio::test]
async fn an_upload_without_a_byte_is_forgotten_in_minutes() {
    let (options, clock) = Options::with_clock();
    let server = TestServer::with(options).await;
    let admin = server.admin().await;
    let bytes = fixture("3.6.14-mixed.db");
    let empty = announced(&admin, 10).await;
    let began = announced(&admin, bytes.len() as u64).await;
    assert_eq!(send(&admin, &began.id, &bytes[..5000]).await, 200);
    clock.advance_ms(10 * MINUTE_MS);
    server.app().uploads.forget_stale().await.unwrap();
    assert_eq!(all(&admin).await.len(), 2);
    clock.advance_ms(1);
    server.app().uploads.forget_stale().await.unwrap();
    let left: Vec<_> = all(&admin).await.into_iter().map(|u| u.id).collect();
    assert_eq!(left, std::slice::from_ref(&began.id));
    assert_eq!(send(&admin, &empty.id, b"abc").await, 404);
    // What has arrived is kept for a week.
    clock.advance_ms(6 * 24 * 60 * MINUTE_MS);
    let admin = server.signed_in().await;
    assert_eq!(all(&admin).await.len(), 1);
    clock.advance_ms(24 * 60 * MINUTE_MS);
    let admin = server.signed_in().await;
    // Asking for them removes none: the task does.
    assert_eq!(all(&admin).await.len(), 1);
    server.app().uploads.forget_stale().await.unwrap();
    assert_eq!(all(&admin).await, []);
    assert_eq!(
        std::fs::read_dir(server.data_dir().join("uploads"))
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test]
async fn administrators_see_and_cancel_what_others_left() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let other = server.person(&admin, "other", &["operator"]).await;
    let left = announced(&other, 100).await;
    assert_eq!(send(&other, &left.id, &[1; 50]).await, 200);
    let seen = all(&admin).await;
    assert_eq!(
        (seen.len(), seen[0].owner.as_str(), seen[0].offset),
        (1, "other", 50)
    );
    // Page after page, each once.
    let second = announced(&admin, 100).await;
    let (mut token, mut ids) = (String::new(), Vec::new());
    loop {
        let path = format!("/api/people/uploads?page_size=1&page_token={token}");
        let page: Uploads = admin.get(&path).await.json().await.unwrap();
        assert_eq!((page.uploads.len(), page.total), (1, 2));
        ids.extend(page.uploads.into_iter().map(|upload| upload.id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    ids.sort_unstable();
    let mut both = [left.id.clone(), second.id.clone()];
    both.sort_unstable();
    assert_eq!(ids, both);
    for (query, expected) in [("page_token=x", "page.token"), ("page_size=-1", "query")] {
        for list in ["/api/uploads", "/api/people/uploads"] {
            let (status, body) = error(admin.get(&format!("{list}?{query}")).await).await;
            assert_eq!(
                (status, body.code.as_str()),
                (400, expected),
                "{list}?{query}"
            );
        }
    }
    let path = format!("/api/uploads/{}", second.id);
    let cancelled = admin.request("DELETE", &path).send().await.unwrap();
    assert_eq!(cancelled.status(), 204);
    let path = format!("/api/people/uploads/{}", left.id);
    let cancel = |client: &Client| client.request("DELETE", &path).send();
    assert_eq!(cancel(&other).await.unwrap().status(), 403);
    assert_eq!(other.get("/api/people/uploads").await.status(), 403);
    assert_eq!(cancel(&admin).await.unwrap().status(), 204);
    assert_eq!(cancel(&admin).await.unwrap().status(), 404);
    assert_eq!(all(&admin).await, []);
    assert_eq!(send(&other, &left.id, &[1; 50]).await, 404);
    assert_eq!(
        std::fs::read_dir(server.data_dir().join("uploads"))
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test]
async fn a_disabled_account_leaves_no_uploads() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let other = server.person(&admin, "other", &["operator"]).await;
    let left = announced(&other, 100).await;
    assert_eq!(send(&other, &left.id, &[1; 50]).await, 200);
    announced(&admin, 10).await;
    let session = other.get("/api/session").await;
    let session: requorum_shared::api::login::Session = session.json().await.unwrap();
    let request = DisablePersonRequest {
        id: session.user_id,
    };
    admin.people().await.disable_person(request).await.unwrap();
    let left: Vec<_> = all(&admin).await.into_iter().map(|u| u.owner).collect();
    assert_eq!(left, [crate::support::harness::NAME]);
    assert_eq!(
        std::fs::read_dir(server.data_dir().join("uploads"))
            .unwrap()
            .count(),
        0
    );
}
