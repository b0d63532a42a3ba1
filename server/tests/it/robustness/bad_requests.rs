//! What cannot be understood is told apart, in words and with the right status; nothing is done, and the server
//! goes on.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use prost::Message as _;
use requorum_server::http::bodies::MAX_OPEN_BYTES;
use requorum_server::http::extract::MAX_JSON_BYTES;
use requorum_server::http::guard::OPEN;
use requorum_server::router::http_routes;
use requorum_shared::api::methods::METHODS;
use requorum_shared::api::v1::AboutResponse;
use serde_json::json;
use tower::{Service as _, ServiceExt as _};

use crate::support::harness::{Client, NAME, PASSWORD, TestServer, error};

/// Every route that takes JSON.
const JSON: &[&str] = &[
    "/api/setup",
    "/api/login",
    "/api/join",
    "/api/join/link",
    "/api/password",
    "/api/uploads",
];

async fn post(client: &Client, path: &str, body: impl Into<reqwest::Body>) -> (u16, String) {
    let request = client
        .request("POST", path)
        .header("content-type", "application/json");
    let (status, body) = error(request.body(body).send().await.unwrap()).await;
    (status, body.code)
}

#[tokio::test]
async fn the_list_of_json_routes_is_whole() {
    let server = TestServer::start().await;
    server.admin().await;
    for (path, _) in http_routes() {
        // One of them ends the session.
        let admin = server.signed_in().await;
        let path = path.replace(['{', '}', '*'], "");
        let request = admin
            .request("POST", &path)
            .header("content-type", "application/json");
        let answer = request.body("{").send().await.unwrap();
        let code = match answer.status().as_u16() {
            400 => error(answer).await.1.code,
            _ => String::new(),
        };
        assert_eq!(code == "json", JSON.contains(&path.as_str()), "{path}");
    }
}

#[tokio::test]
async fn json_that_is_none_is_refused_everywhere() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let before = server.app().ledger.status().size;
    let deep = |open: &str| [br#"{"name": "#.to_vec(), open.repeat(1_000).into()].concat();
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("words", b"name=ada&password=x".to_vec()),
        ("cut off", br#"{"name": "ada", "passw"#.to_vec()),
        ("more behind it", br#"{"name": "ada"} {"name"#.to_vec()),
        ("another kind", b"[]".to_vec()),
        ("null", b"null".to_vec()),
        ("fields missing", b"{}".to_vec()),
        ("a list within a list", deep("[")),
        ("an object within an object", deep(r#"{"a":"#)),
        ("not UTF-8", b"{\"name\": \"\xff\xfe\"}".to_vec()),
        ("half a character", br#"{"name": "\ud800"}"#.to_vec()),
        (
            "the same field twice",
            br#"{"name": "a", "name": "b"}"#.to_vec(),
        ),
        ("a huge number", br#"{"name": 1e999}"#.to_vec()),
    ];
    for path in JSON {
        for (what, body) in &bodies {
            let answer = post(&admin, path, body.clone()).await;
            assert_eq!(answer, (400, "json".to_owned()), "{path}: {what}");
        }
    }
    for length in ["-1", "1.5", "18446744073709551616", "\"10\""] {
        let body = format!(r#"{{"name": "a.db", "length": {length}}}"#);
        let answer = post(&admin, "/api/uploads", body).await;
        assert_eq!(answer, (400, "json".to_owned()), "a length of {length}");
    }
    // Without the word for it, it is not taken for JSON: a form of another site could send it otherwise.
    for kind in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
    ] {
        let mut request = admin.request("POST", "/api/login");
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let body = json!({"name": NAME, "password": PASSWORD}).to_string();
        let (status, body) = error(request.body(body).send().await.unwrap()).await;
        assert_eq!((status, body.code.as_str()), (400, "json"), "{kind:?}");
        assert!(
            body.message.contains("application/json"),
            "{}",
            body.message
        );
    }
    assert_eq!(
        server.app().ledger.status().size,
        before,
        "nothing was done"
    );
    assert_eq!(admin.get("/api/session").await.status(), 200);
}

#[tokio::test]
async fn a_field_from_the_future_is_no_mistake() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let body = json!({"name": NAME, "password": PASSWORD, "remember": {"me": [true]}});
    assert_eq!(admin.post("/api/login", &body).await.status(), 200);
    // Field 100, which no message has.
    let unknown = frame(0, &[0xa2, 0x06, 0x01, b'x']);
    let answer = web(&admin, "/requorum.v1.ConsoleService/About", unknown).await;
    assert_eq!(answer.code, 0, "{answer:?}");
    assert_eq!(AboutResponse::decode(answer.message).unwrap().user, NAME);
}

#[tokio::test]
async fn a_long_body_is_refused_whether_or_not_it_is_announced() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let padded = |length: usize| {
        let short = json!({"name": "nobody", "password": "wrong"}).to_string();
        format!("{short}{}", " ".repeat(length - short.len()))
    };
    for path in JSON {
        let is_open = OPEN.iter().any(|(_, open)| open == path);
        let most = if is_open {
            MAX_OPEN_BYTES
        } else {
            MAX_JSON_BYTES
        };
        let long = padded(most + 1);
        let chunks = long
            .as_bytes()
            .chunks(4096)
            .map(|c| Ok::<_, std::io::Error>(c.to_vec()));
        let chunks: Vec<_> = chunks.collect();
        let stream = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
        for body in [long.into(), stream] {
            let answer = post(&admin, path, body).await;
            assert_eq!(answer, (413, "body.too-large".to_owned()), "{path}");
        }
    }
    let answer = post(&admin, "/api/login", padded(MAX_OPEN_BYTES)).await;
    assert_eq!(
        answer,
        (401, "login.failed".to_owned()),
        "just short enough"
    );
}

#[tokio::test]
async fn addresses_that_are_no_text_lead_nowhere() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    for (method, path, expected) in [
        ("GET", "/api/files/%ff%fe/content", (400, "path")),
        ("GET", "/api/uploads/%c3%28", (400, "path")),
        ("GET", "/api/jobs/1/artifacts/%80.tar", (400, "path")),
        ("GET", "/ledger/tile/%ff", (400, "path")),
        ("GET", "/ledger/entries/-1/1", (400, "path")),
        ("GET", "/ledger/entries/0/%00", (400, "path")),
        ("GET", "/api/uploads/%00", (404, "upload.unknown")),
        (
            "DELETE",
            "/api/uploads/..%2f..%2fetc",
            (404, "upload.unknown"),
        ),
    ] {
        let answer = admin.request(method, path).send().await.unwrap();
        let (status, body) = error(answer).await;
        assert_eq!((status, body.code.as_str()), expected, "{method} {path}");
    }
    let long = format!("/api/uploads/{}", "a".repeat(20_000));
    assert_eq!(error(admin.get(&long).await).await.0, 404);
}

#[tokio::test]
async fn offsets_that_are_no_numbers_are_refused() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    for offset in [
        "",
        "-1",
        "+0",
        "+1",
        "1e3",
        "0x10",
        "18446744073709551616",
        "1 1",
    ] {
        let request = admin
            .request("PATCH", "/api/uploads/1")
            .header("upload-offset", offset);
        let (status, body) = error(request.body("abc").send().await.unwrap()).await;
        assert_eq!((status, body.code.as_str()), (400, "header"), "{offset}");
    }
}

/// A gRPC frame that says its length.
fn frame(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flag], &length[..], message].concat()
}

/// What was answered.
#[derive(Debug)]
struct Answer {
    code: i32,
    name: String,
    text: String,
    message: Bytes,
}

impl Answer {
    fn of(headers: &http::HeaderMap, message: Bytes) -> Self {
        let status = tonic::Status::from_header_map(headers).expect("a gRPC status");
        let name = status.metadata().get("x-error-code");
        Self {
            code: status.code().into(),
            name: name.map_or(String::new(), |name| name.to_str().unwrap().to_owned()),
            text: status.message().to_owned(),
            message,
        }
    }
}

/// Sends bytes as a gRPC-Web request over HTTP/1.
async fn web(client: &Client, path: &str, body: Vec<u8>) -> Answer {
    web_as(client, "application/grpc-web+proto", path, body).await
}

async fn web_as(client: &Client, kind: &str, path: &str, body: Vec<u8>) -> Answer {
    let request = client.request("POST", path).header("content-type", kind);
    let response = request.body(body).send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    let headers = response.headers().clone();
    let body = response.bytes().await.unwrap();
    if headers.contains_key("grpc-status") {
        return Answer::of(&headers, Bytes::new());
    }
    let length = u32::from_be_bytes(body[1..5].try_into().unwrap()) as usize;
    let message = body.slice(5..5 + length);
    let trailers = String::from_utf8(body[10 + length..].to_vec()).unwrap();
    let trailers = trailers.lines().filter_map(|line| line.split_once(':'));
    let trailers = trailers
        .map(|(name, value)| (name.parse().unwrap(), value.trim().parse().unwrap()))
        .collect();
    Answer::of(&trailers, message)
}

/// Sends bytes as a native gRPC request over HTTP/2.
async fn native(client: &Client, path: &str, body: Vec<u8>) -> Answer {
    let mut channel = client.grpc().await;
    let request = http::Request::post(path)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(tonic::body::Body::new(
            http_body_util::Full::from(body).map_err(|never| match never {}),
        ))
        .unwrap();
    let response = channel.ready().await.unwrap().call(request).await.unwrap();
    let (parts, body) = response.into_parts();
    if parts.headers.contains_key("grpc-status") {
        return Answer::of(&parts.headers, Bytes::new());
    }
    let body = body.collect().await.unwrap();
    let trailers = body.trailers().expect("trailers").clone();
    Answer::of(&trailers, body.to_bytes().slice(5..))
}

/// What no method takes, and how it is refused.
fn bad_messages() -> Vec<(&'static str, Vec<u8>, i32, &'static str)> {
    vec![
        ("no message at all", Vec::new(), 3, "grpc.message"),
        ("no tag", frame(0, &[0x00]), 3, "grpc.message"),
        ("no such wire type", frame(0, &[0x0f]), 3, "grpc.message"),
        (
            "half a number",
            frame(0, &[0xa0, 0x06, 0x80]),
            3,
            "grpc.message",
        ),
        (
            "longer than it is",
            frame(0, &[0xa2, 0x06, 0x7f, b'x']),
            3,
            "grpc.message",
        ),
        (
            "a length that wraps",
            frame(0, &[&[0xa2, 0x06][..], &[0xff; 9], &[0x01]].concat()),
            3,
            "grpc.message",
        ),
        (
            "groups within groups",
            frame(0, &[0xa3, 0x06].repeat(1000)),
            3,
            "grpc.message",
        ),
        (
            "cut off in the message",
            vec![0, 0, 0, 0, 100, 0x0a],
            3,
            "grpc.message",
        ),
        ("cut off in the length", vec![0, 0, 0], 3, "grpc.message"),
        ("compressed by nobody", frame(1, &[]), 3, "grpc.message"),
        ("an unknown flag", frame(9, &[]), 3, "grpc.message"),
        (
            "too long",
            [&[0][..], &(4 << 20 | 1_u32).to_be_bytes()].concat(),
            8,
            "grpc.message-size",
        ),
        (
            "as long as can be",
            vec![0, 0xff, 0xff, 0xff, 0xff],
            8,
            "grpc.message-size",
        ),
    ]
}

#[tokio::test]
async fn messages_that_are_none_are_refused_by_every_method() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let before = server.app().ledger.status().size;
    for path in METHODS.iter().map(|method| method.path) {
        for (what, body, code, name) in bad_messages() {
            let answer = web(&admin, path, body).await;
            let seen = (answer.code, answer.name.as_str());
            assert_eq!(seen, (code, name), "{path}, {what}: {answer:?}");
            assert!(answer.text.ends_with("Nothing was done."), "{answer:?}");
        }
    }
    for (what, body, code, name) in bad_messages() {
        let answer = native(&admin, "/requorum.v1.JobService/StartJob", body).await;
        assert_eq!(
            (answer.code, answer.name.as_str()),
            (code, name),
            "{what}: {answer:?}"
        );
    }
    assert_eq!(
        server.app().ledger.status().size,
        before,
        "nothing was done"
    );
    let good = native(&admin, "/requorum.v1.ConsoleService/About", frame(0, &[])).await;
    assert_eq!(AboutResponse::decode(good.message).unwrap().user, NAME);
}

#[tokio::test]
async fn text_that_is_none_is_refused() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    // Field 1, two bytes that no UTF-8 begins with.
    let text = frame(0, &[0x0a, 0x02, 0xff, 0xfe]);
    for path in [
        "/requorum.v1.FileService/GetFile",
        "/requorum.v1.PlanService/SealPlan",
        "/requorum.v1.CredentialService/PutCredential",
    ] {
        let answer = web(&admin, path, text.clone()).await;
        assert_eq!(
            (answer.code, answer.name.as_str()),
            (3, "grpc.message"),
            "{answer:?}"
        );
    }
    // What travels as text must be Base64.
    for (what, body) in [("no Base64", &b"!!!!"[..]), ("cut off", b"AAAAAAA")] {
        let kind = "application/grpc-web-text";
        let answer = web_as(
            &admin,
            kind,
            "/requorum.v1.ConsoleService/About",
            body.to_vec(),
        )
        .await;
        assert_eq!(
            (answer.code, answer.name.as_str()),
            (3, "grpc.message"),
            "{what}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_compression_that_nobody_speaks_is_refused() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    for path in [
        "/requorum.v1.ConsoleService/About",
        "/requorum.v1.JobService/WatchJob",
    ] {
        let request = admin
            .request("POST", path)
            .header("content-type", "application/grpc-web+proto")
            .header("grpc-encoding", "gzip");
        let response = request.body(frame(1, b"x")).send().await.unwrap();
        assert_eq!(response.headers()["grpc-status"], "12", "unimplemented");
    }
}

#[tokio::test]
async fn methods_that_do_not_exist_are_said_to_be() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let answer = web(&admin, "/requorum.v1.ConsoleService/Nothing", frame(0, &[])).await;
    assert_eq!(answer.code, 12, "{answer:?}");
}
