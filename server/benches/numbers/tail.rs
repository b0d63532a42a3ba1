//! The live ledger in front of 500 people: each entry reaches each of them, soon, and the server's memory is small.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use prost::Message as _;
use requorum_server::clock::{Clock as _, SystemClock};
use requorum_server::grpc::v1::ledger_service_client::LedgerServiceClient;
use requorum_shared::api::v1::{LedgerEntry, TailEntriesRequest, TailEntriesResponse};
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinSet;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;

use crate::calls::framed;
use crate::console::{Console, Cookie};
use crate::say::{at_most, heading, line};
use crate::times::Times;

const VIEWERS: usize = 500;
/// Acts, each of which is two entries, and what is waited before the next.
const ACTS: usize = 300;
const EVERY: Duration = Duration::from_millis(40);
/// Acts that are begun at the same time, in the end.
const BURST: usize = 50;
/// Addresses that the viewers come from, as people do: one address has a share of the connections, and a hundred more
/// are begun beside the viewers'.
const ADDRESSES: usize = 50;
/// All of it is over by then.
const WITHIN: Duration = Duration::from_secs(120);

pub(crate) async fn measure(console: &Console, admin: &str, people: &[String]) {
    heading(&format!(
        "the ledger live, {VIEWERS} viewers (half native gRPC, half gRPC-Web, a connection each)"
    ));
    let before = size(console, admin).await;
    let entries = 2 * (ACTS + BURST);
    let ready = Arc::new(AtomicUsize::new(0));
    let mut viewers = JoinSet::new();
    for n in 0..VIEWERS {
        let cookie = people[n % people.len()].clone();
        let viewer = Viewer::new(before, entries, ready.clone());
        if n % 2 == 0 {
            let connection = console.grpc_from(Some(address(n)), &cookie).await;
            viewers.spawn(native(LedgerServiceClient::new(connection), viewer));
        } else {
            viewers.spawn(web(console.base.clone(), address(n), cookie, viewer));
        }
    }
    let all = tokio::time::timeout(WITHIN, async {
        while ready.load(Ordering::Relaxed) < VIEWERS {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        act(console, admin).await;
        viewers.join_all().await
    });
    let all = all.await.expect("every entry reaches every viewer");
    let (mut steady, mut burst) = (Times::default(), Times::default());
    for viewer in all {
        steady.extend(viewer.steady);
        burst.extend(viewer.burst);
    }
    let rate = 2.0 / EVERY.as_secs_f64();
    line(
        &format!("{} entries, {rate:.0} a second", 2 * ACTS),
        &format!("{} deliveries", steady.len()),
        None,
    );
    line("  median and p99", &steady.said(), None);
    at_most(
        "  p99, from before it is written",
        steady.at(0.99),
        250.0,
        " ms",
    );
    line(
        &format!("{BURST} acts at once, median and p99"),
        &burst.said(),
        None,
    );
    at_most(
        "memory of the server, at most",
        console.mebibytes(),
        250.0,
        " MiB",
    );
}

/// Where a viewer comes from.
fn address(n: usize) -> IpAddr {
    // No more than `ADDRESSES`.
    [127, 0, 1, (1 + n % ADDRESSES) as u8].into()
}

/// Announces uploads, and cancels them: cancelling is an act of two entries.
async fn act(console: &Console, admin: &str) {
    // Each from a connection of its own, as from so many people.
    let http = reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0);
    let http = http.build().unwrap();
    let url = format!("{}/api/uploads", console.base);
    let mut paths = Vec::new();
    for n in 0..ACTS + BURST {
        // A person has a limited number of them; each is cancelled before the next is announced.
        let post = http.post(&url).header("cookie", admin);
        let body = json!({"name": format!("{n}.db"), "length": 10});
        let answer: serde_json::Value =
            post.json(&body).send().await.unwrap().json().await.unwrap();
        let path = format!("{url}/{}", answer["id"].as_str().expect("an upload"));
        if n < ACTS {
            cancel(&http, admin, &path).await;
            tokio::time::sleep(EVERY).await;
        } else {
            paths.push(path);
        }
    }
    let together = paths.iter().map(|path| cancel(&http, admin, path));
    futures_util::future::join_all(together).await;
}

async fn cancel(http: &reqwest::Client, admin: &str, path: &str) {
    let answer = http
        .delete(path)
        .header("cookie", admin)
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
}

async fn size(console: &Console, admin: &str) -> u64 {
    let list = requorum_shared::api::v1::ListEntriesRequest::default();
    let mut ledger = LedgerServiceClient::new(console.grpc(admin).await);
    ledger.list_entries(list).await.unwrap().into_inner().size
}

/// One person's page.
struct Viewer {
    since: u64,
    next: u64,
    entries: u64,
    ready: Arc<AtomicUsize>,
    steady: Times,
    burst: Times,
}

impl Viewer {
    fn new(since: u64, entries: usize, ready: Arc<AtomicUsize>) -> Self {
        Self {
            since,
            next: since,
            entries: entries as u64,
            ready,
            steady: Times::default(),
            burst: Times::default(),
        }
    }

    fn sees(&mut self, entries: &[LedgerEntry]) {
        /// All that is needed here.
        #[derive(Deserialize)]
        struct When {
            at_ms: i64,
        }
        let now = SystemClock.now_ms();
        for entry in entries {
            assert_eq!(entry.index, self.next, "each comes once and in order");
            self.next += 1;
            let When { at_ms } = serde_json::from_slice(&entry.canonical).unwrap();
            let late = Duration::from_millis(u64::try_from(now - at_ms).unwrap_or(0));
            if entry.index < self.since + 2 * ACTS as u64 {
                self.steady.push(late);
            } else {
                self.burst.push(late);
            }
        }
    }

    fn has_all(&self) -> bool {
        self.next == self.since + self.entries
    }
}

async fn native(
    mut client: LedgerServiceClient<InterceptedService<Channel, Cookie>>,
    mut viewer: Viewer,
) -> Viewer {
    let since = TailEntriesRequest {
        since: viewer.since,
    };
    let mut tail = client.tail_entries(since).await.unwrap().into_inner();
    viewer.ready.fetch_add(1, Ordering::Relaxed);
    while !viewer.has_all() {
        let piece = tail.message().await.unwrap().expect("the tail goes on");
        viewer.sees(&piece.entries);
    }
    viewer
}

async fn web(base: String, from: IpAddr, cookie: String, mut viewer: Viewer) -> Viewer {
    let since = TailEntriesRequest {
        since: viewer.since,
    };
    let client = reqwest::Client::builder().no_proxy().local_address(from);
    let client = client.build().unwrap();
    let request = client
        .post(format!("{base}/requorum.v1.LedgerService/TailEntries"))
        .header("cookie", cookie)
        .header("content-type", "application/grpc-web+proto")
        .body(framed(&since.encode_to_vec()));
    let mut answer = request.send().await.unwrap();
    viewer.ready.fetch_add(1, Ordering::Relaxed);
    let mut buffer = BytesMut::new();
    while !viewer.has_all() {
        let piece = answer.chunk().await.unwrap().expect("the tail goes on");
        buffer.extend_from_slice(&piece);
        while let Some(length) = buffer.get(1..5) {
            let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
            if buffer.len() < 5 + length {
                break;
            }
            buffer.advance(5);
            let message = buffer.split_to(length).freeze();
            viewer.sees(&TailEntriesResponse::decode(message).unwrap().entries);
        }
    }
    viewer
}
