//! Connections: their places, and the end of the server.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use requorum_server::grpc::v1::ledger_service_client::LedgerServiceClient;
use requorum_server::limits::Limits;
use requorum_shared::api::v1::{TailEntriesRequest, TailEntriesResponse};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tonic::Streaming;

use super::soon;
use crate::support::harness::{Client, Options, TestServer, http_client};

async fn with(limits: Limits) -> (TestServer, Client) {
    let server = TestServer::with(Options {
        limits,
        ..Options::default()
    })
    .await;
    let admin = server.admin().await;
    (server, admin)
}

/// A stream on a connection of its own, which somebody who signed in keeps open.
async fn tail(admin: &Client) -> Streaming<TailEntriesResponse> {
    let mut tail = LedgerServiceClient::new(admin.grpc().await)
        .tail_entries(TailEntriesRequest { since: 0 })
        .await
        .unwrap()
        .into_inner();
    tail.message().await.unwrap().unwrap();
    tail
}

async fn from(address: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    let address: IpAddr = address.parse().unwrap();
    socket.bind((address, 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

async fn is_well(mut stream: TcpStream) -> bool {
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut said = Vec::new();
    let _ = stream.write_all(request).await;
    let _ = stream.read_to_end(&mut said).await;
    said.starts_with(b"HTTP/1.1 200")
}

#[tokio::test]
async fn one_address_leaves_places_for_others() {
    let (server, admin) = with(Limits {
        connections: 12,
        connections_per_address: 8,
        newcomer_grace: Duration::from_millis(50),
        ..Limits::default()
    })
    .await;
    // All that one address can have, each at work for somebody who signed in.
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(soon("a stream", tail(&admin)).await);
    }
    let here = from("127.0.0.1", server.address).await;
    assert!(!soon("an answer", is_well(here)).await, "there is no ninth");
    let elsewhere = from("127.0.0.2", server.address).await;
    assert!(soon("another address", is_well(elsewhere)).await);
    // Silence and strangers do not change that.
    let mut silent = Vec::new();
    for n in 0..40 {
        silent.push(from(&format!("127.0.1.{}", 1 + n % 4), server.address).await);
    }
    let elsewhere = from("127.0.0.2", server.address).await;
    assert!(soon("another address", is_well(elsewhere)).await);
    open.pop();
    let again = async {
        while !is_well(from("127.0.0.1", server.address).await).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon("a place that came free", again).await;
}

/// What a browser behind a slow line does: it connects, agrees on TLS for a while, and only then asks.
async fn asks_late(address: &str, to: SocketAddr) -> bool {
    let stream = from(address, to).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    is_well(stream).await
}

#[tokio::test]
async fn many_that_come_at_once_do_not_push_each_other_out() {
    let (server, admin) = with(Limits {
        connections: 8,
        connections_per_address: 8,
        ..Limits::default()
    })
    .await;
    // People who signed in and read a page: their browsers connect again when they need to.
    let mut idle = Vec::new();
    for _ in 0..4 {
        let another = Client {
            http: http_client(),
            ..admin.clone()
        };
        assert_eq!(another.get("/api/session").await.status(), 200);
        idle.push(another);
    }
    let address = server.address;
    let comes = |n: usize| async move {
        tokio::time::sleep(Duration::from_millis(10 * n as u64)).await;
        asks_late(&format!("127.0.2.{n}"), address).await
    };
    // Three times as many as there are places: each is answered, some of them a little later.
    let answered = futures_util::future::join_all((1..=24).map(comes));
    let answered = soon("all of them", answered).await;
    assert_eq!(answered, [true; 24]);
    for another in idle {
        assert_eq!(another.get("/api/session").await.status(), 200);
    }
}

#[tokio::test]
async fn the_end_is_heard_while_all_places_are_taken() {
    let (server, admin) = with(Limits {
        connections: 6,
        connections_per_address: 6,
        ..Limits::default()
    })
    .await;
    let mut open = Vec::new();
    for _ in 0..6 {
        open.push(soon("a stream", tail(&admin)).await);
    }
    // Others wait for a place.
    let address = server.address;
    let _waiting: Vec<_> = [
        from("127.0.0.2", address).await,
        from("127.0.0.3", address).await,
    ]
    .into();
    soon("the end", server.stop()).await;
    for mut stream in open {
        // Streams end, one way or the other.
        while let Ok(Some(_)) = stream.message().await {}
    }
}

#[tokio::test]
async fn the_end_does_not_wait_for_those_who_do_not_read() {
    let (server, admin) = with(Limits::default()).await;
    let console = crate::support::recovery::Console::with(admin.clone()).await;
    let bytes = vec![7; 40 << 20];
    let snapshot = console.upload_bytes("large.db", bytes).await;
    let mut unread = Vec::new();
    for _ in 0..8 {
        let path = format!("/api/files/{snapshot}/content");
        let response = admin.get(&path).await;
        assert_eq!(response.status(), 200);
        unread.push(response);
    }
    let begun = std::time::Instant::now();
    server.stop().await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(8), "it took {took:?}");
}
