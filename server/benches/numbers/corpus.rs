//! The snapshots that are measured: one real etcd is loaded, and saved at three sizes.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

/// Keys that one transaction puts for the first time; as many are overwritten in it.
const FRESH: u64 = 50;
/// Bytes of a value.
const VALUE: usize = 850;
/// Requests under way at a time.
const AT_ONCE: usize = 8;

/// After how many transactions each file is saved: 0.25, 1.4 and 4.4 GB, the last beyond 4 GiB.
const SIZES: [(&str, u64); 3] = [
    ("small-850.db", 2_140),
    ("medium-850.db", 12_000),
    ("large-850.db", 38_000),
];

/// The files.
pub(crate) struct Corpus {
    pub(crate) small: PathBuf,
    pub(crate) medium: PathBuf,
    pub(crate) large: PathBuf,
}

impl Corpus {
    /// Finds the files in `folder`, or makes them.
    pub(crate) fn make(folder: &Path, tools: &Path) -> Self {
        let [small, medium, large] = SIZES.map(|(name, _)| folder.join(name));
        if [&small, &medium, &large].iter().any(|file| !file.exists()) {
            load(folder, tools);
        }
        Self {
            small,
            medium,
            large,
        }
    }
}

fn load(folder: &Path, tools: &Path) {
    let start = Instant::now();
    eprintln!("making the snapshots, once: loading a real etcd");
    std::fs::create_dir_all(folder).unwrap();
    let etcd = Etcd::start(folder, tools);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut done = 0;
    for (name, until) in SIZES {
        runtime.block_on(put(&client, &etcd.url, done..until));
        done = until;
        // Under another name until it is whole.
        let part = folder.join(format!("{name}.part"));
        let _ = std::fs::remove_file(&part);
        let saved = Command::new(tools.join("etcdctl"))
            .args([
                "--endpoints",
                &etcd.url,
                "--command-timeout",
                "10m",
                "snapshot",
                "save",
            ])
            .arg(&part)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(saved.success(), "etcdctl snapshot save: {saved}");
        std::fs::rename(&part, folder.join(name)).unwrap();
        eprintln!("  {name} after {:.0} s", start.elapsed().as_secs_f64());
    }
}

/// Puts each transaction's fresh keys, and the keys of the one before again.
async fn put(client: &reqwest::Client, url: &str, transactions: std::ops::Range<u64>) {
    let next = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(transactions.start));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (client, url, next) = (client.clone(), format!("{url}/v3/kv/txn"), next.clone());
        let end = transactions.end;
        workers.spawn(async move {
            loop {
                let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                if number >= end {
                    break;
                }
                let answer = client
                    .post(&url)
                    .body(transaction(number))
                    .send()
                    .await
                    .unwrap();
                let good = answer.status().is_success();
                let said = answer.text().await.unwrap();
                assert!(good, "etcd: {said}");
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended.unwrap();
    }
}

fn transaction(number: u64) -> String {
    let fresh = number * FRESH..(number + 1) * FRESH;
    let again = number.saturating_sub(1) * FRESH..number * FRESH;
    let puts: Vec<_> = fresh
        .chain(again)
        .map(|key| {
            let name = STANDARD.encode(format!(
                "/registry/bench/namespace-{:03}/{key:010}",
                key % 500
            ));
            json!({ "requestPut": { "key": name, "value": STANDARD.encode(value(number, key)) } })
        })
        .collect();
    json!({ "success": puts }).to_string()
}

/// Bytes that no compression makes much of, and the same in each run.
fn value(transaction: u64, key: u64) -> Vec<u8> {
    let mut state = (transaction << 32 | key) ^ 0x9e37_79b9_7f4a_7c15;
    (0..VALUE.div_ceil(8))
        .flat_map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        })
        .take(VALUE)
        .collect()
}

/// A server with room for it; ended and its data removed when dropped.
struct Etcd {
    url: String,
    process: Child,
    data: PathBuf,
}

impl Etcd {
    fn start(folder: &Path, tools: &Path) -> Self {
        let data = folder.join("etcd-data");
        let _ = std::fs::remove_dir_all(&data);
        let [url, peer] = [(); 2].map(|()| {
            let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
            format!("http://{}", listener.local_addr().unwrap())
        });
        let log = File::create(folder.join("etcd.log")).unwrap();
        let process = Command::new(tools.join("etcd"))
            .arg("--data-dir")
            .arg(&data)
            .args([
                "--listen-client-urls",
                &url,
                "--advertise-client-urls",
                &url,
            ])
            .args([
                "--listen-peer-urls",
                &peer,
                "--initial-advertise-peer-urls",
                &peer,
            ])
            .args(["--initial-cluster", &format!("default={peer}")])
            .args(["--quota-backend-bytes", "16000000000", "--unsafe-no-fsync"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let etcd = Self { url, process, data };
        let deadline = Instant::now() + Duration::from_secs(30);
        let port = etcd.url.strip_prefix("http://").unwrap();
        while std::net::TcpStream::connect(port).is_err() {
            assert!(
                Instant::now() < deadline,
                "etcd does not start: see {}",
                folder.display()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        etcd
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.data);
    }
}
