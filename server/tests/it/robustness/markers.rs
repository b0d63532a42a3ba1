//! Secrets are planted wherever the console takes one, a whole recovery is walked with its failures and refusals,
//! and then everything that the console wrote or said is searched for them: its log, its answers, its ledger and
//! what is exported of it, and every file of its data directory.

mod outside;
mod search;
mod walk;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use prost::Message;
use requorum_shared::api::methods::Call;
use requorum_shared::api::upload::Upload;
use requorum_shared::api::v1;
use requorum_shared::etcd::recovery::restore::TargetVersion;
use serde_json::json;

use self::outside::Outside;
use self::search::Markers;
use self::walk::{everything_is_read, people, recovery, secrets, snapshots, tokens};
use crate::support::harness::{Client, http_client};
use crate::support::process::{self, Process};
use crate::support::recovery::{asked, request};

/// Where the bytes of snapshots may be: they are what the console keeps and places.
const SNAPSHOTS: &[&str] = &[
    "objects/",
    "bucket/fetched/",
    "uploads/",
    "restores/",
    "downloads/",
    "scratch/",
];

/// A console whose every word is kept.
struct Told {
    dir: tempfile::TempDir,
    process: Option<Process>,
    base: String,
    markers: Mutex<Markers>,
    answers: Mutex<Vec<(String, Vec<u8>)>>,
    outside: Outside,
}

impl Told {
    fn start(outside: Outside) -> Self {
        let mut told = Self {
            outside,
            dir: tempfile::tempdir().unwrap(),
            process: None,
            base: String::new(),
            markers: Mutex::default(),
            answers: Mutex::default(),
        };
        told.start_again();
        told
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// Starts the real server, which logs all that it would ever log to an operator who looks for a fault.
    fn start_again(&mut self) {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log())
            .unwrap();
        let first_start = !self.data().join("requorum.db").exists();
        let mut command = process::command(&self.data(), &[]);
        command.env("REQUORUM_LOG", "debug").stderr(log);
        self.outside.name_to(&mut command);
        let process = Process::spawn(command, first_start);
        self.base = process.base.clone();
        self.process = Some(process);
    }

    /// As a power cut would end it.
    fn kill(&mut self) {
        self.process.take().unwrap().kill();
    }

    /// Remembers a secret that may be nowhere.
    fn plant(&self, what: &str, secret: impl AsRef<[u8]>) {
        self.markers.lock().unwrap().plant(what, secret);
    }

    /// Makes up a secret.
    fn secret(&self, what: &str) -> String {
        let secret = format!("marker-{}", requorum_server::random::id());
        self.plant(what, &secret);
        secret
    }

    fn heard(&self, place: String, bytes: &[u8]) {
        self.answers.lock().unwrap().push((place, bytes.to_vec()));
    }

    fn stranger(&self) -> Client {
        Client {
            base: self.base.clone(),
            http: http_client(),
            cookie: None,
            token: None,
        }
    }

    /// Sends, and keeps the answer but for the cookie in it.
    async fn http(
        &self,
        client: &Client,
        method: &str,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> (u16, Vec<u8>, Option<String>) {
        let url = format!("{}{path}", self.base);
        let mut request = client.http.request(method.parse().unwrap(), url);
        if let Some(cookie) = &client.cookie {
            request = request.header("cookie", cookie);
        }
        if let Some(token) = &client.token {
            request = request.bearer_auth(token);
        }
        if method == "PATCH" {
            request = request.header("upload-offset", 0);
        } else {
            request = request.header("content-type", "application/json");
        }
        let response = request.body(body).send().await.unwrap();
        let status = response.status().as_u16();
        let mut headers = response.headers().clone();
        // The session; beside it comes the mark of a known browser, in any order.
        let cookie = headers
            .get_all("set-cookie")
            .iter()
            .map(|c| c.to_str().unwrap().split(';').next().unwrap().to_owned())
            .find(|c| c.starts_with("requorum=") || c.starts_with("__Host-requorum="));
        headers.remove("set-cookie");
        let body = response.bytes().await.unwrap().to_vec();
        let place = format!("the answer of {method} {path}");
        self.heard(place.clone(), format!("{headers:?}").as_bytes());
        self.heard(place, &body);
        (status, body, cookie)
    }

    async fn post(&self, client: &Client, path: &str, body: serde_json::Value) -> u16 {
        self.http(client, "POST", path, body.to_string()).await.0
    }

    /// Comes in by whatever way; the session is a secret.
    async fn come_in(&self, who: &str, path: &str, body: serde_json::Value) -> Client {
        let (status, _, cookie) = self
            .http(&self.stranger(), "POST", path, body.to_string())
            .await;
        assert_eq!(status, 200, "{path}");
        let cookie = cookie.unwrap();
        self.plant(
            &format!("the session of {who}"),
            cookie.split_once('=').unwrap().1,
        );
        Client {
            cookie: Some(cookie),
            ..self.stranger()
        }
    }

    /// Calls a method over gRPC-Web, and keeps the answer as it came. The status, and the last message.
    async fn raw(&self, client: &Client, path: &str, message: &[u8]) -> (i32, Vec<u8>) {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        let url = format!("{}{path}", self.base);
        let mut request = client
            .http
            .post(url)
            .header("content-type", "application/grpc-web+proto");
        if let Some(cookie) = &client.cookie {
            request = request.header("cookie", cookie);
        }
        if let Some(token) = &client.token {
            request = request.bearer_auth(token);
        }
        let response = request
            .body([&[0], &length[..], message].concat())
            .send()
            .await
            .unwrap();
        let headers = response.headers().clone();
        let body = response.bytes().await.unwrap_or_default();
        self.heard(
            format!("the answer of {path}"),
            format!("{headers:?}").as_bytes(),
        );
        if !path.ends_with("CreateToken")
            && !path.ends_with("Link")
            && !path.ends_with("InvitePerson")
        {
            self.heard(format!("the answer of {path}"), &body);
        }
        if let Some(status) = headers.get("grpc-status") {
            return (status.to_str().unwrap().parse().unwrap(), Vec::new());
        }
        let (mut status, mut last, mut rest) = (-1, Vec::new(), &body[..]);
        while rest.len() >= 5 {
            let length = u32::from_be_bytes(rest[1..5].try_into().unwrap()) as usize;
            let frame = &rest[5..5 + length];
            if rest[0] == 0 {
                last = frame.to_vec();
            } else {
                let text = String::from_utf8_lossy(frame).into_owned();
                let (_, number) = text.split_once("grpc-status:").unwrap();
                status = number.lines().next().unwrap().trim().parse().unwrap();
            }
            rest = &rest[5 + length..];
        }
        (status, last)
    }

    /// Calls a method that answers.
    async fn call<R: Call>(&self, client: &Client, request: &R) -> R::Response {
        let path = R::METHOD.path;
        let message = request.encode_to_vec();
        let (status, answer) = self.raw(client, path, &message).await;
        assert_eq!(status, 0, "{path}");
        R::Response::decode(&answer[..]).unwrap()
    }

    /// Calls a method that refuses.
    async fn refused<R: Call>(&self, client: &Client, request: &R) {
        let path = R::METHOD.path;
        let (status, _) = self.raw(client, path, &request.encode_to_vec()).await;
        assert!(status > 0, "{path} answered {status}");
    }

    /// Runs the command line on the same data, and keeps what it prints.
    fn requorum(&self, arguments: &[&str], input: &str, keep: bool) -> Vec<u8> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_requorum"))
            .args(arguments)
            .arg("--data-dir")
            .arg(self.data())
            .env("REQUORUM_LOG", "debug")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        let place = format!("what `requorum {}` prints", arguments.join(" "));
        self.heard(place.clone(), &output.stderr);
        if keep {
            self.heard(place, &output.stdout);
        }
        output.stdout
    }

    async fn upload(&self, client: &Client, bytes: Vec<u8>) -> String {
        let body = json!({"name": "a.db", "length": bytes.len()}).to_string();
        let (status, answer, _) = self.http(client, "POST", "/api/uploads", body).await;
        assert_eq!(status, 201);
        let upload: Upload = serde_json::from_slice(&answer).unwrap();
        let path = format!("/api/uploads/{}", upload.id);
        let (status, answer, _) = self.http(client, "PATCH", &path, bytes).await;
        assert_eq!(status, 200);
        serde_json::from_slice::<Upload>(&answer)
            .unwrap()
            .snapshot
            .unwrap()
    }

    async fn seal(&self, client: &Client, snapshot: &str, path: &str) -> v1::PlanSummary {
        let mut request = request(snapshot, path);
        request.target_version = TargetVersion::V3_5;
        let request_json = asked(&request);
        let kind = "etcd.restore".to_owned();
        let check = v1::CheckPlanRequest {
            kind: kind.clone(),
            request_json: request_json.clone(),
        };
        self.call(client, &check).await;
        let seal = v1::SealPlanRequest { kind, request_json };
        self.call(client, &seal).await.plan.unwrap()
    }

    async fn start_job(&self, client: &Client, plan: &v1::PlanSummary) -> v1::JobSummary {
        let request = v1::StartJobRequest {
            plan_id: plan.id.clone(),
            plan_hash: plan.hash.clone(),
            accepted_warnings: Vec::new(),
        };
        self.call(client, &request).await.job.unwrap()
    }

    /// Follows a job to its end.
    async fn follow(&self, client: &Client, job: &str) {
        let request = v1::WatchJobRequest {
            id: job.to_owned(),
            since: 0,
        };
        let (status, _) = self
            .raw(
                client,
                v1::WatchJobRequest::METHOD.path,
                &request.encode_to_vec(),
            )
            .await;
        assert_eq!(status, 0);
    }

    /// All secrets that were found anywhere.
    fn found(&self) -> Vec<String> {
        let markers = self.markers.lock().unwrap();
        let log = std::fs::read(self.log()).unwrap();
        assert!(log.len() > 10_000, "the log is here");
        let mut found = markers.found_in("the log", &log);
        for (place, bytes) in self.answers.lock().unwrap().iter() {
            found.extend(markers.found_in(place, bytes));
        }
        found.extend(markers.found_below(&self.data()));
        found
    }
}

// Those outside have to answer while the server is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_anywhere_but_where_it_belongs() {
    let mut told = Told::start(Outside::start().await);
    let (admin, ben) = people(&told).await;
    outside::sign_in(&told).await;
    let tokens = tokens(&told, &admin).await;
    secrets(&told, &admin).await;
    let snapshot = snapshots(&told, &admin).await;
    recovery(&mut told, &admin, &ben, &snapshot).await;
    everything_is_read(&told, &admin, &tokens).await;
    command_line(&told);
    outside::database_urls(&told);
    keys(&told);

    assert!(told.markers.lock().unwrap().len() >= 50);
    // With the write-ahead log as it is, and once more when it is in the file.
    assert_eq!(told.found(), [""; 0]);
    told.process.take().unwrap().stop();
    assert_eq!(told.found(), [""; 0]);

    // What was searched would have shown it.
    let leak = told.secret("a password that is logged");
    let mut log = OpenOptions::new().append(true).open(told.log()).unwrap();
    writeln!(log, "DEBUG login {{ password: {leak:?} }}").unwrap();
    std::fs::write(told.data().join("copy"), &leak).unwrap();
    assert_eq!(told.found().len(), 2);
}

/// The same data from the command line, which reads and prints secrets of its own.
fn command_line(told: &Told) {
    let password = told.secret("a password for the command line");
    told.requorum(
        &["user", "add", "Dora", "--role", "viewer"],
        &format!("{password}\n"),
        true,
    );
    let password = told.secret("a password set by the command line");
    told.requorum(
        &["user", "password", "Dora"],
        &format!("{password}\n"),
        true,
    );
    let create = [
        "token", "create", "--user", "Dora", "--name", "cron", "--role", "viewer",
    ];
    let printed = String::from_utf8(told.requorum(&create, "", false)).unwrap();
    let secret = printed
        .split_whitespace()
        .find(|word| word.starts_with("rq_"));
    told.plant("a token made on the command line", secret.expect("a token"));
    for arguments in [
        &["user", "list"][..],
        &["token", "list"],
        &["audit", "verify"],
        &["audit", "export"],
        &["audit", "export", "--format", "csv"],
    ] {
        told.requorum(arguments, "", true);
    }
    let tiles = told.dir.path().join("tiles");
    let out = tiles.to_str().unwrap();
    told.requorum(
        &["audit", "export", "--format", "tiles", "--out", out],
        "",
        true,
    );
    let found = told.markers.lock().unwrap().found_below(&tiles);
    assert_eq!(found, [""; 0], "in the exported ledger");
    // The old master key opens nothing any more, and is gone.
    let old = std::fs::read_to_string(told.data().join("master.key")).unwrap();
    told.plant("the master key of before", old.trim());
    told.requorum(&["secrets", "rotate"], "", true);
}

/// The keys are in their own files and nowhere else.
fn keys(told: &Told) {
    let read = |name: &str| std::fs::read_to_string(told.data().join(name)).unwrap();
    let master = read("master.key");
    let ledger = read("ledger-key");
    let ledger = ledger.trim().splitn(5, '+').last().unwrap().to_owned();
    let mut markers = told.markers.lock().unwrap();
    markers.plant_in("the master key", master.trim(), &["master.key"]);
    markers.plant_in("the ledger's signing key", ledger, &["ledger-key"]);
    assert!(Path::new(&told.data()).join("lock").exists());
}
