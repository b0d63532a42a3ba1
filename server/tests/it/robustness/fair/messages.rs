//! Requests that are large, many, or never whole.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use requorum_shared::etcd::recovery::restore::MemberRequest;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tonic::Code;

use super::{of_process, soon};
use crate::support::harness::{NAME, PASSWORD, TestServer, code};
use crate::support::killed;
use crate::support::process::Process;
use crate::support::recovery::{Console, asked, request};

/// As many members as are asked for, each wrong in several ways.
fn members(count: usize) -> Vec<MemberRequest> {
    let member = |n: usize| MemberRequest {
        name: format!("m {}", n / 2),
        peer_urls: vec![String::new()],
    };
    (0..count).map(member).collect()
}

#[tokio::test]
async fn requests_of_thousands_of_members_hold_nobody_up() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    let of = |count| {
        let mut request = request(&snapshot, "a");
        request.members = members(count);
        request
    };
    let begun = Instant::now();
    let (few, many) = (of(4_000), of(80_000));
    let work = async {
        let asked = tokio::join!(
            console.check(&few),
            console.check(&few),
            console.seal(&few),
            console.check(&many),
            console.check(&many),
            console.seal(&many),
        );
        for findings in [asked.0, asked.1] {
            let findings = findings.unwrap();
            let codes: Vec<_> = findings.iter().map(|f| f.code.as_str()).collect();
            assert_eq!(codes, ["members.too-many"]);
        }
        let sealed = asked.2.unwrap_err();
        assert_eq!(code(&sealed), "plan.blocked");
        for status in [
            asked.3.unwrap_err(),
            asked.4.unwrap_err(),
            asked.5.unwrap_err(),
        ] {
            assert_eq!(status.code(), Code::ResourceExhausted);
            assert_eq!(code(&status), "grpc.message-size");
        }
    };
    let mut worst = Duration::ZERO;
    let probes = async {
        loop {
            let asked = Instant::now();
            assert_eq!(server.stranger().get("/healthz").await.status(), 200);
            worst = worst.max(asked.elapsed());
        }
    };
    tokio::select! {
        () = soon("the requests", work) => {}
        () = probes => {}
    }
    assert!(worst < Duration::from_secs(2), "a probe waited {worst:?}");
    assert!(begun.elapsed() < super::SOON);
}

#[tokio::test]
async fn a_request_has_a_length() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    let json = asked(&request(&snapshot, "a"));
    let filled = |length: usize| format!("{json}{}", " ".repeat(length - json.len()));
    console.check_json(&filled(256 << 10)).await.unwrap();
    let status = console
        .check_json(&filled((256 << 10) + 1))
        .await
        .unwrap_err();
    assert_eq!(code(&status), "plan.request-size");
    assert!(status.message().contains("262 145 bytes"), "{status}");
}

/// Announces a message of this length on a connection and sends all of it but one byte.
async fn held(base: &str, cookie: &str, length: u32) -> TcpStream {
    let address = base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /requorum.v1.PlanService/CheckPlan HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\n\
         Content-Type: application/grpc-web+proto\r\nContent-Length: {}\r\n\r\n",
        length + 5
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&[0]).await.unwrap();
    stream.write_all(&length.to_be_bytes()).await.unwrap();
    // The server need not take what it does not read yet.
    let body = vec![b'x'; length as usize - 1];
    let _ = tokio::time::timeout(Duration::from_millis(20), stream.write_all(&body)).await;
    stream
}

#[tokio::test]
async fn messages_that_are_never_whole_take_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path(), true, &[]);
    let console = killed::console(&process).await;
    let cookie = console.http.cookie.clone().unwrap();
    let before = of_process(&process, "VmRSS");
    let mut open = Vec::new();
    for n in 0..150 {
        let length = if n % 2 == 0 { (4 << 20) - 1 } else { 256 << 10 };
        open.push(held(&process.base, &cookie, length).await);
    }
    let more = of_process(&process, "VmRSS").saturating_sub(before);
    assert!(more < 48 << 10, "{more} KiB more memory");
    // Those who say what they have to say are heard.
    let plans = soon("a short message", console.plans()).await;
    assert!(plans.is_empty());
    drop(open);
    process.stop();
}

/// Without an account, over HTTP/2, and as many at the same time as a connection allows: too long bodies and bodies that
/// are just short enough, of which none ever ends.
#[tokio::test]
async fn bodies_of_strangers_take_little_memory() {
    const CONNECTIONS: usize = 32;
    const STREAMS: usize = 64;
    /// What one network may send slowly at the same time.
    const PLACES: usize = 32;
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path(), true, &[]);
    let console = killed::console(&process).await;
    let before = of_process(&process, "VmRSS");
    let mut open = JoinSet::new();
    let (mut too_long, mut too_many) = (0, 0);
    for connection in 1..=CONNECTIONS {
        let client = reqwest::Client::builder().http2_prior_knowledge();
        let client = client.build().unwrap();
        for n in 0..STREAMS {
            let length = if n % 2 == 0 { 60 << 10 } else { (8 << 10) - 1 };
            let piece = Ok::<_, std::io::Error>(vec![b' '; length]);
            let body = stream::iter([piece]).chain(stream::pending());
            let request = client
                .post(format!("{}/api/login", process.base))
                .header("content-type", "application/json")
                .body(reqwest::Body::wrap_stream(body));
            open.spawn(async move { request.send().await.unwrap().status().as_u16() });
        }
        let answers = async {
            while too_long + too_many < connection * STREAMS - PLACES {
                match open.join_next().await.unwrap().unwrap() {
                    413 => too_long += 1,
                    503 => too_many += 1,
                    other => panic!("{other}"),
                }
            }
        };
        soon("all but a few, which are refused at once", answers).await;
    }
    // Which of the two is said of a long one depends on how much of it is in its first frame.
    assert!(too_long > 0 && too_many > 0, "{too_long} {too_many}");
    let more = of_process(&process, "VmRSS").saturating_sub(before);
    assert!(more < 32 << 10, "{more} KiB more memory");
    // From the same address: who says what they have to say is heard.
    let login = soon("a sign-in", console.http.login(NAME, PASSWORD)).await;
    assert_eq!(login.status(), 200);
    drop(open);
    process.stop();
}
