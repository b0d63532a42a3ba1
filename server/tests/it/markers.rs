//! Secrets are planted wherever the console takes one, a whole recovery is walked with its failures and refusals,
//! and then everything that the console wrote or said is searched for them: its log, its answers, its ledger and
//! what is exported of it, and every file of its data directory.

mod search;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use prost::Message;
use requorum_shared::api::upload::Upload;
use requorum_shared::api::v1;
use requorum_shared::etcd::restore::TargetVersion;
use serde_json::json;

use self::search::Markers;
use crate::harness::{Client, NAME, fixture, http_client};
use crate::process::{self, Process};
use crate::recovery::request;

/// Where the bytes of snapshots may be: they are what the console keeps and places.
const SNAPSHOTS: &[&str] = &[
    "objects/",
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
}

impl Told {
    fn start() -> Self {
        let mut told = Self {
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
        let cookie = headers.remove("set-cookie");
        let cookie = cookie.map(|c| c.to_str().unwrap().split(';').next().unwrap().to_owned());
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
    async fn raw(&self, client: &Client, method: &str, message: &[u8]) -> (i32, Vec<u8>) {
        let path = format!("/requorum.v1.{method}");
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
            format!("the answer of {method}"),
            format!("{headers:?}").as_bytes(),
        );
        if !method.ends_with("CreateToken")
            && !method.ends_with("Link")
            && !method.ends_with("InvitePerson")
        {
            self.heard(format!("the answer of {method}"), &body);
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
    async fn call<R: Message + Default>(
        &self,
        client: &Client,
        method: &str,
        message: &impl Message,
    ) -> R {
        let (status, answer) = self.raw(client, method, &message.encode_to_vec()).await;
        assert_eq!(status, 0, "{method}");
        R::decode(&answer[..]).unwrap()
    }

    /// Calls a method that refuses.
    async fn refused(&self, client: &Client, method: &str, message: &impl Message) {
        let (status, _) = self.raw(client, method, &message.encode_to_vec()).await;
        assert!(status > 0, "{method} answered {status}");
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
        let request_json = serde_json::to_string(&request).unwrap();
        let check = v1::CheckRestoreRequest {
            request_json: request_json.clone(),
        };
        let _: v1::CheckRestoreResponse =
            self.call(client, "PlanService/CheckRestore", &check).await;
        let sealed: v1::SealRestoreResponse = self
            .call(
                client,
                "PlanService/SealRestore",
                &v1::SealRestoreRequest { request_json },
            )
            .await;
        sealed.plan.unwrap()
    }

    async fn start_job(&self, client: &Client, plan: &v1::PlanSummary) -> v1::JobSummary {
        let request = v1::StartJobRequest {
            plan_id: plan.id.clone(),
            plan_hash: plan.hash.clone(),
        };
        self.call(client, "JobService/StartJob", &request).await
    }

    /// Follows a job to its end.
    async fn follow(&self, client: &Client, job: &str) {
        let request = v1::WatchJobRequest {
            id: job.to_owned(),
            since: 0,
        };
        let (status, _) = self
            .raw(client, "JobService/WatchJob", &request.encode_to_vec())
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

fn person(id: &str) -> v1::PersonRequest {
    v1::PersonRequest { id: id.to_owned() }
}

#[tokio::test]
async fn no_secret_is_anywhere_but_where_it_belongs() {
    let mut told = Told::start();
    let (admin, ben) = people(&told).await;
    let tokens = tokens(&told, &admin).await;
    secrets(&told, &admin).await;
    let snapshot = snapshots(&told, &admin).await;
    recovery(&mut told, &admin, &ben, &snapshot).await;
    everything_is_read(&told, &admin, &tokens).await;
    command_line(&told);
    database_urls(&told);
    keys(&told);

    assert!(told.markers.lock().unwrap().len() >= 40);
    // With the write-ahead log as it is, and once more when it is in the file.
    assert_eq!(told.found(), [""; 0]);
    told.process.take().unwrap().stop();
    assert_eq!(told.found(), [""; 0]);

    // What was searched would have shown it.
    let leak = told.secret("a password that is logged");
    let mut log = OpenOptions::new().append(true).open(told.log()).unwrap();
    writeln!(log, "DEBUG login {{ password: {leak:?} }}").unwrap();
    std::fs::write(told.data().join("objects/copy"), &leak).unwrap();
    assert_eq!(told.found().len(), 2);
}

/// Passwords, links and sessions: right ones, wrong ones, and ones in the wrong place.
async fn people(told: &Told) -> (Client, Client) {
    let link = told.process.as_ref().unwrap().setup_link.clone().unwrap();
    let token = link.split_once("#token=").unwrap().1.to_owned();
    told.plant("the first administrator's link", &token);
    let password = told.secret("the administrator's password");
    let nobody = told.stranger();
    let wrong = json!({"token": told.secret("a made-up link"), "name": NAME, "password": told.secret("a password for a made-up link")});
    assert_eq!(told.post(&nobody, "/api/setup", wrong).await, 403);
    let bad_name = json!({"token": token, "name": "\n", "password": told.secret("a password beside a bad name")});
    assert_eq!(told.post(&nobody, "/api/setup", bad_name).await, 400);
    let good = json!({"token": token, "name": NAME, "password": password});
    let admin = told
        .come_in("the administrator", "/api/setup", good.clone())
        .await;
    assert_eq!(
        told.post(&nobody, "/api/setup", good).await,
        403,
        "it was used"
    );

    for (name, password) in [
        (NAME.to_owned(), told.secret("a wrong password")),
        (told.secret("a password typed as a name"), "x".to_owned()),
    ] {
        let body = json!({"name": name, "password": password});
        assert_eq!(told.post(&nobody, "/api/login", body).await, 401);
    }
    let secret = told.secret("a password in bad JSON");
    for body in [
        format!(r#"{{"name": "a", "password": "{secret}"#),
        format!(r#"{{"name": "a", "password": ["{secret}"]}}"#),
        format!(r#"{{"name": "a", "password": "{secret}"}} "{secret}""#),
        format!(r#"name=a&password={secret}"#),
    ] {
        assert_eq!(told.http(&nobody, "POST", "/api/login", body).await.0, 400);
    }
    let long = json!({"name": "a", "password": told.secret("a long password").repeat(5_000)});
    assert_eq!(told.post(&nobody, "/api/login", long).await, 413);

    let invite = v1::InvitePersonRequest {
        name: "Ben".into(),
        grants: vec!["approver".into(), "operator".into()],
    };
    let link: v1::PasswordLink = told
        .call(&admin, "PeopleService/InvitePerson", &invite)
        .await;
    told.plant("an invitation", &link.token);
    let short = json!({"token": link.token, "password": "short"});
    assert_eq!(told.post(&nobody, "/api/join", short).await, 400);
    let password = told.secret("an invited person's password");
    let body = json!({"token": link.token, "password": password});
    let ben = told
        .come_in("an invited person", "/api/join", body.clone())
        .await;
    assert_eq!(
        told.post(&nobody, "/api/join", body).await,
        403,
        "it was used"
    );
    // Nobody follows this one, nor the next.
    let invite = v1::InvitePersonRequest {
        name: "Carl".into(),
        grants: vec!["viewer".into()],
    };
    let unused: v1::PasswordLink = told
        .call(&admin, "PeopleService/InvitePerson", &invite)
        .await;
    told.plant("an invitation that nobody used", &unused.token);
    let people: v1::ListPeopleResponse = told
        .call(
            &admin,
            "PeopleService/ListPeople",
            &v1::ListPeopleRequest {},
        )
        .await;
    let id = |name: &str| {
        people
            .people
            .iter()
            .find(|p| p.name == name)
            .unwrap()
            .id
            .clone()
    };
    let link: v1::PasswordLink = told
        .call(
            &admin,
            "PeopleService/MakePasswordLink",
            &person(&id("Ben")),
        )
        .await;
    told.plant("a link for a new password", &link.token);

    let new = told.secret("a changed password");
    let body = json!({"current": told.secret("not the current password"), "new": new});
    assert_eq!(told.post(&ben, "/api/password", body).await, 403);
    let body = json!({"current": password, "new": new});
    assert_eq!(told.post(&ben, "/api/password", body).await, 204);
    let again = told
        .come_in(
            "Ben, again",
            "/api/login",
            json!({"name": "Ben", "password": new}),
        )
        .await;
    assert_eq!(told.post(&again, "/api/logout", json!({})).await, 204);
    let _: v1::Person = told
        .call(&admin, "PeopleService/DisablePerson", &person(&id("Carl")))
        .await;
    let forged = Client {
        cookie: Some(format!("requorum={}", told.secret("a made-up session"))),
        ..told.stranger()
    };
    assert_eq!(told.http(&forged, "GET", "/api/session", "").await.0, 401);
    (admin, ben)
}

/// One that is used, one that was revoked, and one that never was.
async fn tokens(told: &Told, admin: &Client) -> Client {
    let create = v1::CreateTokenRequest {
        name: "backup".into(),
        grants: vec!["viewer".into()],
        days: 1,
    };
    let kept: v1::CreateTokenResponse =
        told.call(admin, "PeopleService/CreateToken", &create).await;
    let gone: v1::CreateTokenResponse =
        told.call(admin, "PeopleService/CreateToken", &create).await;
    let program = |secret: &str| Client {
        token: Some(secret.to_owned()),
        ..told.stranger()
    };
    told.plant("a token", &kept.secret);
    told.plant("a token that was revoked", &gone.secret);
    let id = gone.token.unwrap().id;
    let _: v1::Token = told
        .call(
            admin,
            "PeopleService/RevokeToken",
            &v1::RevokeTokenRequest { id },
        )
        .await;
    let made_up = format!("rq_{}", told.secret("a made-up token"));
    for (secret, status) in [(&kept.secret, 200), (&gone.secret, 401), (&made_up, 401)] {
        assert_eq!(
            told.http(&program(secret), "GET", "/api/session", "")
                .await
                .0,
            status
        );
    }
    let refused = v1::PutSecretRequest {
        name: "not by programs".into(),
        kind: "password".into(),
        value: told.secret("a credential that a program sent").into_bytes(),
        ..v1::PutSecretRequest::default()
    };
    told.refused(&program(&kept.secret), "SecretService/PutSecret", &refused)
        .await;
    program(&kept.secret)
}

/// Credentials: kept, replaced, removed, and refused for every reason.
async fn secrets(told: &Told, admin: &Client) {
    let put = |name: &str, kind: &str, value: String| v1::PutSecretRequest {
        name: name.into(),
        kind: kind.into(),
        value: value.into_bytes(),
        ..v1::PutSecretRequest::default()
    };
    for kind in ["password", "token", "private-key", "certificate", "other"] {
        let value = told.secret(&format!("a sealed credential ({kind})"));
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{value}\n-----END PRIVATE KEY-----\n");
        let _: v1::SecretInfo = told
            .call(admin, "SecretService/PutSecret", &put(kind, kind, pem))
            .await;
    }
    let old = put(
        "prod-etcd",
        "password",
        told.secret("a replaced credential"),
    );
    let made: v1::SecretInfo = told.call(admin, "SecretService/PutSecret", &old).await;
    let new = v1::PutSecretRequest {
        id: made.id,
        ..put(
            "prod-etcd",
            "password",
            told.secret("the credential that replaced it"),
        )
    };
    let _: v1::SecretInfo = told.call(admin, "SecretService/PutSecret", &new).await;
    let gone = put("gone", "password", told.secret("a removed credential"));
    let gone: v1::SecretInfo = told.call(admin, "SecretService/PutSecret", &gone).await;
    let remove = v1::RemoveSecretRequest { id: gone.id };
    let _: v1::RemoveSecretResponse = told
        .call(admin, "SecretService/RemoveSecret", &remove)
        .await;
    for refused in [
        put("a riddle", "riddle", told.secret("a credential of no kind")),
        put(
            "prod-etcd",
            "password",
            told.secret("a credential whose name is taken"),
        ),
        put("", "password", told.secret("a credential without a name")),
        put(
            "long",
            "password",
            told.secret("a long credential").repeat(3_000),
        ),
    ] {
        told.refused(admin, "SecretService/PutSecret", &refused)
            .await;
    }
    let whole = put(
        "cut",
        "password",
        told.secret("a credential that was cut off"),
    )
    .encode_to_vec();
    for message in [&whole[..whole.len() - 1], &[&whole[..], &[0x07]].concat()] {
        let (status, _) = told.raw(admin, "SecretService/PutSecret", message).await;
        assert_eq!(status, 3);
    }
}

/// A snapshot with etcd's own accounts in it; gives its id.
async fn snapshots(told: &Told, admin: &Client) -> String {
    let bytes = fixture("3.5.33-auth.db");
    for (what, value) in [
        (
            "a password hash in a snapshot",
            "$2a$10$El4ySKDZ3Y6UORfST8t5iurH.ShWn/tnZC46rHh.2DQuucNUEBSKS",
        ),
        (
            "another password hash in a snapshot",
            "$2a$10$2l/uy6pAL8B4Pz8WZMo2h.g1XFrsufwHictSmL4lrZE89ppQh0My6",
        ),
    ] {
        assert!(
            bytes.windows(value.len()).any(|w| w == value.as_bytes()),
            "{what}"
        );
        told.markers
            .lock()
            .unwrap()
            .plant_in(what, value, SNAPSHOTS);
    }
    let mixed = fixture("3.6.14-mixed.db");
    let value = b"value 199 xxxxxxxxxxxxxx";
    assert!(mixed.windows(value.len()).any(|w| w == value));
    told.markers
        .lock()
        .unwrap()
        .plant_in("a value in a snapshot", value, SNAPSHOTS);
    let damaged: Vec<_> = mixed
        .iter()
        .enumerate()
        .map(|(n, b)| if n == 50_000 { !b } else { *b })
        .collect();
    told.upload(admin, mixed).await;
    told.upload(admin, damaged).await;
    told.upload(admin, bytes).await
}

/// Plans that are rejected, approved, void, run without approval, and a server that is killed meanwhile.
async fn recovery(told: &mut Told, admin: &Client, ben: &Client, snapshot: &str) {
    let rejected = told.seal(admin, snapshot, "rejected").await;
    let reject = v1::RejectPlanRequest {
        id: rejected.id.clone(),
        hash: rejected.hash.clone(),
        reason: "not this one".into(),
    };
    let _: v1::PlanSummary = told.call(ben, "PlanService/RejectPlan", &reject).await;

    let plan = told.seal(admin, snapshot, "approved").await;
    let approve = |plan: &v1::PlanSummary| v1::ApprovePlanRequest {
        id: plan.id.clone(),
        hash: plan.hash.clone(),
    };
    told.refused(admin, "PlanService/ApprovePlan", &approve(&plan))
        .await;
    let other = v1::ApprovePlanRequest {
        hash: rejected.hash.clone(),
        ..approve(&plan)
    };
    told.refused(ben, "PlanService/ApprovePlan", &other).await;
    let _: v1::PlanSummary = told
        .call(ben, "PlanService/ApprovePlan", &approve(&plan))
        .await;
    told.refused(ben, "PlanService/ApprovePlan", &approve(&plan))
        .await;
    let job = told.start_job(admin, &plan).await;
    told.follow(admin, &job.id).await;

    // Its target is taken meanwhile.
    let void = told.seal(admin, snapshot, "taken").await;
    std::fs::create_dir_all(told.data().join("restores/taken/m1")).unwrap();
    told.refused(ben, "PlanService/ApprovePlan", &approve(&void))
        .await;

    let glass = told.seal(admin, snapshot, "broken").await;
    let break_glass = v1::BreakGlassRequest {
        plan_id: glass.id.clone(),
        plan_hash: glass.hash.clone(),
        reason: "nobody answers the phone, the store is down".into(),
    };
    let review: v1::Review = told
        .call(admin, "ApprovalService/BreakGlass", &break_glass)
        .await;
    let job = told.start_job(admin, &glass).await;
    told.kill();
    told.start_again();
    told.follow(admin, &job.id).await;
    let close = v1::CloseReviewRequest {
        id: review.id,
        note: "it was right: the store was down".into(),
    };
    // However that ends, it is answered.
    told.raw(ben, "ApprovalService/CloseReview", &close.encode_to_vec())
        .await;
}

/// All that can be looked at is looked at.
async fn everything_is_read(told: &Told, admin: &Client, program: &Client) {
    for client in [admin, program] {
        for method in crate::every_route::GRPC {
            let method = method.strip_prefix("/requorum.v1.").unwrap();
            let name = method.split('/').nth(1).unwrap();
            if name.starts_with("List") || name.starts_with("Get") || name == "About" {
                told.raw(client, method, &[]).await;
            }
        }
    }
    let plans: v1::ListPlansResponse = told
        .call(admin, "PlanService/ListPlans", &v1::ListPlansRequest {})
        .await;
    assert_eq!(plans.plans.len(), 4);
    for plan in plans.plans {
        let id = plan.id.clone();
        let _: v1::GetPlanResponse = told
            .call(admin, "PlanService/GetPlan", &v1::GetPlanRequest { id })
            .await;
        let approval = v1::GetApprovalRequest { plan_id: plan.id };
        let _: v1::Approval = told
            .call(admin, "ApprovalService/GetApproval", &approval)
            .await;
    }
    let jobs: v1::ListJobsResponse = told
        .call(admin, "JobService/ListJobs", &v1::ListJobsRequest {})
        .await;
    assert_eq!(jobs.jobs.len(), 2);
    for job in jobs.jobs {
        let _: v1::GetJobResponse = told
            .call(
                admin,
                "JobService/GetJob",
                &v1::GetJobRequest { id: job.id },
            )
            .await;
    }
    let snapshots: v1::ListSnapshotsResponse = told
        .call(
            admin,
            "SnapshotService/ListSnapshots",
            &v1::ListSnapshotsRequest {},
        )
        .await;
    assert_eq!(snapshots.snapshots.len(), 3);
    for snapshot in snapshots.snapshots {
        let get = v1::GetSnapshotRequest { id: snapshot.id };
        let _: v1::GetSnapshotResponse =
            told.call(admin, "SnapshotService/GetSnapshot", &get).await;
    }
    let everybody = v1::ListTokensRequest { everybody: true };
    let _: v1::ListTokensResponse = told
        .call(admin, "PeopleService/ListTokens", &everybody)
        .await;
    let entries = v1::ListEntriesRequest {
        limit: 1000,
        ..v1::ListEntriesRequest::default()
    };
    let entries: v1::ListEntriesResponse = told
        .call(admin, "LedgerService/ListEntries", &entries)
        .await;
    assert!(!entries.more && entries.size > 40, "{}", entries.size);
    for path in [
        "/api/session",
        "/api/uploads",
        "/ledger/checkpoint",
        "/ledger/key",
        "/healthz",
        "/readyz",
    ] {
        assert_eq!(told.http(admin, "GET", path, "").await.0, 200, "{path}");
    }
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

/// Addresses of databases that lead nowhere or are none, with a password in them.
fn database_urls(told: &Told) {
    let urls = [
        "postgres://requorum:PASSWORD@127.0.0.1:1/requorum",
        "postgres://requorum@127.0.0.1:1/requorum?password=PASSWORD",
        "postgres//requorum:PASSWORD@127.0.0.1/requorum",
        "mysql://requorum:PASSWORD@127.0.0.1/requorum",
        "postgres://requorum:PASSWORD@127.0.0.1",
        "postgres://requorum:PASSWORD @127.0.0.1/requorum",
    ];
    std::thread::scope(|scope| {
        for url in urls {
            let url = url.replace("PASSWORD", &told.secret(&format!("the password of {url}")));
            for command in [&["user", "list"][..], &["serve", "--listen", "127.0.0.1:0"]] {
                let url = url.clone();
                scope.spawn(move || {
                    let output = Command::new(env!("CARGO_BIN_EXE_requorum"))
                        .args(command)
                        .arg("--data-dir")
                        .arg(told.dir.path().join(command[0]))
                        .env("REQUORUM_DATABASE_URL", url)
                        .env("REQUORUM_LOG", "debug")
                        .output()
                        .unwrap();
                    assert!(!output.status.success(), "{output:?}");
                    assert_ne!(output.stderr, b"", "it says why");
                    for said in [&output.stdout, &output.stderr] {
                        told.heard(format!("what `requorum {}` prints", command[0]), said);
                    }
                });
            }
        }
    });
}

/// The keys are in their own files and nowhere else.
fn keys(told: &Told) {
    let read = |name: &str| std::fs::read_to_string(told.data().join(name)).unwrap();
    let master = read("master.key");
    let ledger = read("ledger-key");
    let ledger = ledger.trim().rsplit('+').next().unwrap().to_owned();
    let mut markers = told.markers.lock().unwrap();
    markers.plant_in("the master key", master.trim(), &["master.key"]);
    markers.plant_in("the ledger's signing key", ledger, &["ledger-key"]);
    assert!(Path::new(&told.data()).join("lock").exists());
}
