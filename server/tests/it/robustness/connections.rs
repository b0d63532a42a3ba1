//! Clients that are slow, silent, greedy or hostile, as bytes on a socket: each is let go, and the others do not
//! notice.

use std::time::{Duration, Instant};

use requorum_server::limits::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::harness::{Options, TestServer};

/// Long enough for a busy machine, and short enough to wait for.
const SHORT: Duration = Duration::from_millis(300);
/// Long enough for an answer that takes work.
const ANSWER: Duration = Duration::from_secs(3);
/// Nothing here takes as long.
const EVER: Duration = Duration::from_secs(30);

async fn impatient() -> TestServer {
    let limits = Limits {
        headers_within: SHORT,
        answer_begins_within: ANSWER,
        idle_for: SHORT,
        ..Limits::default()
    };
    TestServer::with(Options {
        limits,
        ..Options::default()
    })
    .await
}

async fn connect(server: &TestServer) -> TcpStream {
    TcpStream::connect(server.address).await.unwrap()
}

/// All that the server says until it hangs up.
async fn until_the_end(mut stream: TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    let read = tokio::time::timeout(EVER, stream.read_to_end(&mut said)).await;
    // A connection that is reset is over, too.
    let _ = read.expect("the server lets go");
    said
}

async fn said_to(server: &TestServer, bytes: &[u8]) -> String {
    let mut stream = connect(server).await;
    // It may hang up before it has heard everything.
    let _ = stream.write_all(bytes).await;
    String::from_utf8_lossy(&until_the_end(stream).await).into_owned()
}

async fn is_well(server: &TestServer) {
    assert_eq!(server.stranger().get("/healthz").await.status(), 200);
}

#[tokio::test]
async fn silence_keeps_no_place() {
    let server = impatient().await;
    for begun in [
        &b""[..],
        b"G",
        b"PRI * HTTP/2.0\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
    ] {
        let mut stream = connect(&server).await;
        stream.write_all(begun).await.unwrap();
        let since = Instant::now();
        until_the_end(stream).await;
        assert!(since.elapsed() >= SHORT / 2, "{begun:?} was given no time");
    }
    // HTTP/2 is spoken, and nothing is asked.
    let mut stream = connect(&server).await;
    stream
        .write_all(&[PREFACE, &frame(4, 0, 0, &[])].concat())
        .await
        .unwrap();
    let said = until_the_end(stream).await;
    assert!(frames(&said).iter().any(|frame| frame.kind == GOAWAY));
    is_well(&server).await;
}

#[tokio::test]
async fn headers_that_never_end_are_not_waited_for() {
    let server = impatient().await;
    let mut stream = connect(&server).await;
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        .await
        .unwrap();
    let begun = Instant::now();
    // A byte now and then does not buy more time.
    while stream.write_all(b"X").await.is_ok() {
        assert!(begun.elapsed() < EVER, "the server still listens");
        tokio::time::sleep(SHORT / 10).await;
    }
    is_well(&server).await;
}

#[tokio::test]
async fn a_body_that_never_ends_is_not_waited_for() {
    let server = impatient().await;
    let admin = server.admin().await;
    let cookie = admin.cookie.unwrap();
    let web = "application/grpc-web+proto";
    let slow = async |path: &'static str, kind: &str| {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\nContent-Type: {kind}\r\nContent-Length: 100\r\n\r\n",
            server.address
        );
        let said = said_to(&server, &[head.as_bytes(), &[0; 5]].concat()).await;
        assert!(said.starts_with("HTTP/1.1 503"), "{path}: {said}");
        assert!(said.contains(r#""code":"timeout""#), "{path}: {said}");
        assert!(said.contains("all of it did not arrive"), "{path}: {said}");
    };
    tokio::join!(
        slow("/api/login", "application/json"),
        slow("/requorum.v1.ConsoleService/About", web),
        slow("/requorum.v1.JobService/WatchJob", web),
    );
    is_well(&server).await;
}

#[tokio::test]
async fn a_connection_on_which_nothing_happens_is_let_go() {
    let server = impatient().await;
    let said = said_to(&server, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    is_well(&server).await;
}

#[tokio::test]
async fn what_is_under_way_keeps_its_connection() {
    let server = impatient().await;
    let admin = server.admin().await;
    let request = requorum_shared::api::v1::TailEntriesRequest { since: 0 };
    let mut tail = requorum_server::grpc::v1::ledger_service_client::LedgerServiceClient::new(
        admin.grpc().await,
    )
    .tail_entries(request)
    .await
    .unwrap()
    .into_inner();
    assert_eq!(tail.message().await.unwrap().unwrap().entries.len(), 3);
    tokio::time::sleep(3 * SHORT).await;
    server.signed_in().await;
    assert_eq!(tail.message().await.unwrap().unwrap().entries.len(), 1);
}

#[tokio::test]
async fn the_silent_do_not_lock_the_others_out() {
    // They could be silent for a long time.
    let limits = Limits {
        connections: 4,
        newcomer_grace: SHORT,
        ..Limits::default()
    };
    let server = TestServer::with(Options {
        limits,
        ..Options::default()
    })
    .await;
    let mut silent = Vec::new();
    for _ in 0..12 {
        silent.push(connect(&server).await);
    }
    is_well(&server).await;
    // The first of them had to go.
    for _ in 0..8 {
        until_the_end(silent.remove(0)).await;
    }
}

#[tokio::test]
async fn headers_have_a_length() {
    let server = TestServer::start().await;
    let get = |path: &str, headers: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n")
    };
    let long = format!("X-Long: {}\r\n", "x".repeat(70_000));
    let many = "X-Many: 1\r\n".repeat(150);
    let address = format!("/{}", "x".repeat(70_000));
    for (request, status) in [
        (get("/healthz", ""), "200"),
        (get("/healthz", &long), "431"),
        (get("/healthz", &many), "431"),
        (get(&address, ""), "431"),
        (get("/health z", ""), "400"),
        (get("/healthz", "X\0Y: 1\r\n"), "400"),
        (
            get("/healthz", "Content-Length: 5\r\nContent-Length: 6\r\n"),
            "400",
        ),
        (get("/healthz", "Content-Length: -5\r\n"), "400"),
        ("\x16\x03\x01\x02\0\x01\0\x01\r\n\r\n".to_owned(), "400"),
        // Whoever answers at any name can be made to answer at a stranger's.
        (
            get("/inspect", "").replace("localhost", "evil.example"),
            "403",
        ),
        (
            get("/api/session", "").replace("Host: localhost\r\n", ""),
            "403",
        ),
    ] {
        let said = said_to(&server, request.as_bytes()).await;
        let line = said.lines().next().unwrap_or_default();
        let request = &request[..request.len().min(80)];
        assert!(
            line.starts_with(&format!("HTTP/1.1 {status}")),
            "{request}: {line}"
        );
    }
    is_well(&server).await;
}

// HTTP/2, frame by frame.

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const INITIAL_WINDOW_SIZE: u16 = 4;
/// What a connection may send before anything is said about it.
const FIRST_WINDOW: u32 = (1 << 16) - 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const REFUSED_STREAM: u32 = 7;
const CANCEL: u32 = 8;
const ENHANCE_YOUR_CALM: u32 = 11;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head[..], payload].concat()
}

struct Frame {
    kind: u8,
    stream: u32,
    payload: Vec<u8>,
}

impl Frame {
    /// The error code of a RST_STREAM, or of a GOAWAY; the number of a WINDOW_UPDATE.
    fn error(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }
}

/// The whole frames in what was said.
fn frames(mut said: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while said.len() >= 9 {
        let length = u32::from_be_bytes([0, said[0], said[1], said[2]]) as usize;
        let Some(payload) = said.get(9..9 + length) else {
            break;
        };
        frames.push(Frame {
            kind: said[3],
            stream: u32::from_be_bytes(said[5..9].try_into().unwrap()),
            payload: payload.to_vec(),
        });
        said = &said[9 + length..];
    }
    frames
}

/// `GET /` or `POST /api/login` on this machine, in HPACK.
fn headers(post: bool) -> Vec<u8> {
    let literal = |index: u8, value: &str| {
        let length = u8::try_from(value.len()).unwrap();
        [&[0x40 | index, length], value.as_bytes()].concat()
    };
    let host = literal(1, "localhost");
    match post {
        false => [&[0x82, 0x86, 0x84], &host[..]].concat(),
        true => [
            &[0x83, 0x86][..],
            &literal(4, "/api/login"),
            &host,
            &literal(31, "application/json"),
        ]
        .concat(),
    }
}

/// A connection that has settled on HTTP/2.
async fn settled(server: &TestServer) -> TcpStream {
    let mut stream = connect(server).await;
    let hello = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    stream.write_all(&hello).await.unwrap();
    let mut said = Vec::new();
    while !frames(&said).iter().any(|f| f.kind == SETTINGS) {
        let mut piece = [0; 1024];
        let read = stream.read(&mut piece).await.unwrap();
        assert!(read > 0, "the server speaks HTTP/2");
        said.extend_from_slice(&piece[..read]);
    }
    stream.write_all(&frame(SETTINGS, 1, 0, &[])).await.unwrap();
    stream
}

/// Sends, and reads all the while, until the server hangs up.
async fn flood(server: &TestServer, bytes: Vec<u8>) -> Vec<Frame> {
    let (mut read, mut write) = settled(server).await.into_split();
    let sending = tokio::spawn(async move {
        let _ = write.write_all(&bytes).await;
        write
    });
    let mut said = Vec::new();
    let ended = tokio::time::timeout(EVER, read.read_to_end(&mut said)).await;
    let _ = ended.expect("the server lets go");
    sending.abort();
    frames(&said)
}

#[track_caller]
fn calmed_down(frames: &[Frame]) {
    let away = frames.iter().find(|f| f.kind == GOAWAY && f.error() != 0);
    let error = away.expect("the server says why").error();
    assert_eq!(error, ENHANCE_YOUR_CALM);
}

#[tokio::test]
async fn requests_taken_back_at_once_are_not_endless() {
    let server = TestServer::start().await;
    let requests = (0..20_000).flat_map(|n| {
        let stream = 2 * n + 1;
        let headers = frame(HEADERS, END_HEADERS | END_STREAM, stream, &headers(false));
        [headers, frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes())].concat()
    });
    calmed_down(&flood(&server, requests.collect()).await);
    is_well(&server).await;
}

#[tokio::test]
async fn headers_that_go_on_and_on_are_cut() {
    let server = TestServer::start().await;
    let endless = frame(CONTINUATION, 0, 1, &[0x40, 1, b'x', 1, b'y'].repeat(200)).repeat(2_000);
    let begun = frame(HEADERS, END_STREAM, 1, &headers(false));
    calmed_down(&flood(&server, [begun, endless].concat()).await);
    is_well(&server).await;
}

/// What a connection may send before it is read is said, and is not what a library happens to allow.
#[tokio::test]
async fn what_is_sent_ahead_has_a_limit() {
    let server = TestServer::start().await;
    let mut stream = connect(&server).await;
    let hello = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    stream.write_all(&hello).await.unwrap();
    let mut said = Vec::new();
    let (of_stream, of_connection) = loop {
        let mut piece = [0; 1024];
        let read = tokio::time::timeout(EVER, stream.read(&mut piece)).await;
        said.extend_from_slice(&piece[..read.expect("it says its limits").unwrap()]);
        let said = frames(&said);
        let settings = said.iter().filter(|f| f.kind == SETTINGS);
        let window = settings
            .flat_map(|f| f.payload.chunks(6))
            .find(|setting| setting[..2] == INITIAL_WINDOW_SIZE.to_be_bytes())
            .map(|setting| u32::from_be_bytes(setting[2..].try_into().unwrap()));
        let more = said
            .iter()
            .find(|f| f.kind == WINDOW_UPDATE && f.stream == 0)
            .map(Frame::error);
        if let (Some(window), Some(more)) = (window, more) {
            break (window, FIRST_WINDOW + more);
        }
    };
    let limits = Limits::default();
    assert_eq!(
        (of_stream, of_connection),
        (limits.window_bytes, limits.connection_window_bytes)
    );
}

#[tokio::test]
async fn requests_at_the_same_time_have_a_limit() {
    let server = impatient().await;
    let limit = Limits::default().streams;
    // Each waits for a body that does not come.
    let open = (0..limit + 20).flat_map(|n| frame(HEADERS, END_HEADERS, 2 * n + 1, &headers(true)));
    let mut stream = settled(&server).await;
    stream.write_all(&open.collect::<Vec<_>>()).await.unwrap();
    let said = frames(&until_the_end(stream).await);
    let refused: Vec<_> = said
        .iter()
        .filter(|f| f.kind == RST_STREAM && f.error() == REFUSED_STREAM)
        .map(|f| f.stream)
        .collect();
    let beyond: Vec<_> = (limit..limit + 20).map(|n| 2 * n + 1).collect();
    assert_eq!(refused, beyond);
    let answered = said.iter().filter(|f| f.kind == HEADERS).count();
    assert_eq!(
        answered, limit as usize,
        "the others were told that it took too long"
    );
    is_well(&server).await;
}

/// What strangers keep the server waiting with is little in all, and keeps no one from signing in.
#[tokio::test]
async fn strangers_who_wait_make_room_for_each_other() {
    // As many as wait from one network.
    const WAITING: u32 = 256;
    let server = TestServer::start().await;
    server.admin().await;
    let streams = Limits::default().streams;
    let mut waiting = Vec::new();
    for _ in 0..=WAITING / streams {
        let mut stream = settled(&server).await;
        // Each waits for a body that does not come.
        let open =
            (0..streams).flat_map(|n| frame(HEADERS, END_HEADERS, 2 * n + 1, &headers(true)));
        stream.write_all(&open.collect::<Vec<_>>()).await.unwrap();
        waiting.push(stream);
    }
    let mut said = vec![Vec::new(); waiting.len()];
    let mut answered = || {
        for (stream, said) in waiting.iter().zip(&mut said) {
            let mut piece = [0; 4096];
            while let Ok(read @ 1..) = stream.try_read(&mut piece) {
                said.extend_from_slice(&piece[..read]);
            }
        }
        let frames = said.iter().flat_map(|said| frames(said));
        frames.filter(|frame| frame.kind == HEADERS).count()
    };
    let begun = Instant::now();
    while answered() < streams as usize {
        assert!(begun.elapsed() < ANSWER, "they make room");
        tokio::time::sleep(SHORT / 10).await;
    }
    // A sign-in takes one more place, and the others wait on.
    server.signed_in().await;
    tokio::time::sleep(SHORT).await;
    assert_eq!(answered(), streams as usize + 1);
}
