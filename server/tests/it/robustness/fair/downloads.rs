//! Downloads that are begun and not read.

use std::time::Duration;

use requorum_server::limits::Limits;
use requorum_shared::etcd::recovery::restore::Target;
use requorum_shared::job::fold::JobState;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::{of_process, soon};
use crate::support::harness::{Client, Options, TestServer, error, fixture, http_client};
use crate::support::killed;
use crate::support::process::Process;
use crate::support::recovery::{Console, request};

/// A job whose members wait to be downloaded, 64 MB each.
async fn members(console: &Console) -> String {
    let snapshot = console.upload("3.5.33-three.db").await;
    let mut request = request(&snapshot, "");
    request.target = Target::Download;
    let job = console.run(&request).await;
    let view = console.finished(&job.id).await;
    assert_eq!(view.state, JobState::Completed, "{view:#?}");
    job.id
}

/// Asks for a file and reads no more than the first line of the answer.
async fn begun(base: &str, cookie: &str, path: &str) -> (TcpStream, String) {
    let address = base.strip_prefix("http://").unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(address.parse().unwrap()).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut line = [0; 12];
    stream.read_exact(&mut line).await.unwrap();
    (stream, String::from_utf8_lossy(&line).into_owned())
}

#[tokio::test]
async fn hundreds_of_unread_downloads_hold_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path(), true, &[]);
    let console = killed::console(&process).await;
    let job = members(&console).await;
    let cookie = console.http.cookie.clone().unwrap();
    let (threads, memory) = (
        of_process(&process, "Threads"),
        of_process(&process, "VmRSS"),
    );
    let path = format!("/api/jobs/{job}/artifacts/m1.tar");
    let mut unread = Vec::new();
    let mut given = 0;
    for _ in 0..560 {
        let (stream, line) = soon("a download", begun(&process.base, &cookie, &path)).await;
        match line.as_str() {
            "HTTP/1.1 200" => given += 1,
            other => assert_eq!(other, "HTTP/1.1 429"),
        }
        unread.push(stream);
    }
    assert_eq!(given, PLACES, "one account has its share");
    let more = of_process(&process, "Threads").saturating_sub(threads);
    assert!(more < 40, "{more} more threads");
    let more = of_process(&process, "VmRSS").saturating_sub(memory);
    assert!(more < 64 << 10, "{more} KiB more memory");

    // Everything else goes on.
    let stranger = Client {
        base: process.base.clone(),
        http: http_client(),
        cookie: None,
        token: None,
    };
    let mut other = stranger.clone();
    let login = other.login(
        crate::support::harness::NAME,
        crate::support::harness::PASSWORD,
    );
    let login = soon("a login", login).await;
    assert_eq!(login.status(), 200);
    other.keep_cookie(&login);
    let other = Console::with(other).await;
    let bytes = fixture("3.6.14-mixed.db");
    let upload = other.upload_bytes("b.db", bytes);
    let snapshot = soon("an upload", upload).await;
    let sealed = soon("a plan", other.seal(&request(&snapshot, "a"))).await;
    sealed.unwrap();
    drop(unread);
    process.stop();
}

async fn impatient() -> (TestServer, Console, String) {
    let limits = Limits {
        silent_for: Duration::from_millis(800),
        ..Limits::default()
    };
    let server = TestServer::with(Options {
        limits,
        ..Options::default()
    })
    .await;
    let console = Console::over(&server).await;
    let job = members(&console).await;
    (server, console, format!("/api/jobs/{job}/artifacts/m1.tar"))
}

/// Downloads that one account has at once.
const PLACES: usize = 8;

/// Waits until every place is free again: until then, what is read may still be sent.
async fn all_come_free(console: &Console, path: &str) {
    let cookie = console.http.cookie.clone().unwrap();
    soon("all places", async {
        let mut taken = Vec::new();
        while taken.len() < PLACES {
            let (stream, line) = begun(&console.http.base, &cookie, path).await;
            match line.as_str() {
                "HTTP/1.1 200" => taken.push(stream),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_download_that_is_not_read_is_let_go() {
    let (_server, console, path) = impatient().await;
    let cookie = console.http.cookie.clone().unwrap();
    let mut unread = Vec::new();
    for _ in 0..PLACES {
        let (stream, line) = begun(&console.http.base, &cookie, &path).await;
        assert_eq!(line, "HTTP/1.1 200");
        unread.push(stream);
    }
    let (status, body) = error(console.http.get(&path).await).await;
    assert_eq!((status, body.code.as_str()), (429, "download.too-many"));
    assert!(body.message.contains("8 downloads"), "{}", body.message);
    all_come_free(&console, &path).await;
    // The connections are gone too, with what was on its way.
    for mut stream in unread {
        let mut rest = Vec::new();
        let ended = soon("the end", stream.read_to_end(&mut rest)).await;
        assert!(ended.is_err() || rest.len() < 64 << 20, "all was sent");
    }
}

#[tokio::test]
async fn over_http_2_the_stream_is_given_up_and_the_connection_goes_on() {
    let (_server, console, path) = impatient().await;
    let http = reqwest::Client::builder()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    let client = Client {
        http,
        ..console.http.clone()
    };
    let mut unread = Vec::new();
    for _ in 0..PLACES {
        let response = client.get(&path).await;
        assert_eq!(
            (response.status().as_u16(), response.version()),
            (200, http::Version::HTTP_2)
        );
        unread.push(response);
    }
    assert_eq!(client.get(&path).await.status(), 429);
    // Not by this connection: its window is full of what is not read.
    all_come_free(&console, &path).await;
    for response in unread {
        let read = soon("the end", response.bytes()).await;
        assert!(read.is_err(), "all was sent");
    }
}

#[tokio::test]
async fn a_slow_reader_is_not_a_silent_one() {
    let (_server, console, path) = impatient().await;
    let cookie = console.http.cookie.clone().unwrap();
    let (mut stream, line) = begun(&console.http.base, &cookie, &path).await;
    assert_eq!(line, "HTTP/1.1 200");
    // Long after anybody silent would have been cut.
    let mut piece = vec![0; 64 << 10];
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        stream.read_exact(&mut piece).await.unwrap();
    }
    // And then all of it.
    let mut left = 1_u64 << 20;
    while left > 0 {
        let read = stream.read(&mut piece).await.unwrap();
        assert!(read > 0, "it was cut");
        left = left.saturating_sub(read as u64);
    }
}
