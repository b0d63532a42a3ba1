//! Signing in, and the typed calls that the pages make, by 200 people at once over gRPC-Web.

use std::path::Path;
use std::time::{Duration, Instant};

use prost::Message as _;
use requorum_server::grpc::v1::plan_service_client::PlanServiceClient;
use requorum_shared::api::v1::{GetPlanRequest, SealPlanRequest};
use requorum_shared::etcd::recovery::restore::{
    CleanUp, MemberRequest, RestoreRequest, Target, TargetVersion,
};
use requorum_shared::recovery::Request;
use serde_json::json;
use tokio::task::JoinSet;

use crate::console::{Console, PASSWORD, name};
use crate::say::{at_most, heading, line};
use crate::times::Times;

/// People who are signed in at the same time.
pub(crate) const USERS: usize = 200;
/// How long calls are measured.
const FOR: Duration = Duration::from_secs(8);
/// What a person who clicks without pause waits between two calls.
const PAUSE: Duration = Duration::from_millis(200);
const GET_PLAN: &str = "PlanService/GetPlan";
/// What pages call, in turn.
const METHODS: [&str; 5] = [
    "ConsoleService/About",
    "FileService/ListFiles",
    "PlanService/ListPlans",
    GET_PLAN,
    "JobService/ListJobs",
];
/// Plans in the lists.
const PLANS: usize = 20;

/// Signing in first, which is argon2; then calls, with and without a pause between them.
pub(crate) async fn measure(console: &Console, admin: &str, people: &[String]) {
    sign_in(console).await;
    let (_, plan) = plans(console, admin).await;
    heading(&format!(
        "typed calls by {USERS} people at once (gRPC-Web, a connection and a session each)"
    ));
    for (manner, pause) in [
        ("a call each every 200 ms", PAUSE),
        ("as many as it takes, without pause", Duration::ZERO),
    ] {
        let (by_method, rate) = calls(console, people, &plan, pause).await;
        line(manner, &format!("{rate:.0} calls/s"), None);
        let mut all = Times::default();
        for (method, mut times) in METHODS.into_iter().zip(by_method) {
            line(&format!("  {method}"), &times.said(), None);
            all.extend(times);
        }
        line("  all, median and p99", &all.said(), None);
        // Without a pause the machine, which also plays the people, is full: that says how many calls it can take.
        if !pause.is_zero() {
            at_most("  all, p99", all.at(0.99), 50.0, " ms");
        }
    }
}

async fn sign_in(console: &Console) {
    heading("signing in (argon2id, two at a time)");
    let mut alone = Times::default();
    for n in 0..20 {
        let begun = Instant::now();
        console
            .come_in(
                "/api/login",
                &json!({"name": name(n), "password": PASSWORD}),
            )
            .await;
        alone.push(begun.elapsed());
    }
    line("one after the other", &alone.said(), None);
    let begun = Instant::now();
    let all = futures_util::future::join_all((0..USERS).map(|n| async move {
        let begun = Instant::now();
        console
            .come_in(
                "/api/login",
                &json!({"name": name(n), "password": PASSWORD}),
            )
            .await;
        begun.elapsed()
    }));
    let mut together = Times::default();
    together.extend(all.await);
    let took = begun.elapsed().as_secs_f64();
    line(
        &format!("{USERS} at once, all of them"),
        &format!("{took:.1} s"),
        None,
    );
    line("  median and p99", &together.said(), None);
}

/// A stored snapshot and plans for it; gives its id and that of one plan.
pub(crate) async fn plans(console: &Console, admin: &str) -> (String, String) {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata/etcd/3.6.14-mixed.db");
    let bytes = std::fs::read(file).unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = http
        .post(format!("{}/api/uploads", console.base))
        .header("cookie", admin);
    let body = json!({"name": "mixed.db", "length": bytes.len()});
    let upload: serde_json::Value = post.json(&body).send().await.unwrap().json().await.unwrap();
    let path = format!(
        "{}/api/uploads/{}",
        console.base,
        upload["id"].as_str().unwrap()
    );
    let patch = http
        .patch(path)
        .header("cookie", admin)
        .header("upload-offset", 0);
    let done: serde_json::Value = patch
        .body(bytes)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let mut plans = PlanServiceClient::new(console.grpc(admin).await);
    let mut last = String::new();
    for n in 0..PLANS {
        let request = RestoreRequest {
            snapshot: done["snapshot"].as_str().unwrap().to_owned(),
            members: (1..=3)
                .map(|m| MemberRequest {
                    name: format!("m{m}"),
                    peer_urls: vec![format!("http://10.0.0.{m}:2380")],
                })
                .collect(),
            token: "restored".to_owned(),
            bump_revision: 0,
            mark_compacted: false,
            skip_hash_check: false,
            accept_older_meta: false,
            target_version: TargetVersion::V3_6,
            clean_up: CleanUp::default(),
            target: Target::Folder {
                root: "console".to_owned(),
                path: format!("bench-{n}"),
            },
            last_seen: None,
        };
        let request_json = serde_json::to_string(&Request::EtcdRestore(request)).unwrap();
        let sealed = plans
            .seal_plan(SealPlanRequest {
                kind: "etcd.restore".into(),
                request_json,
            })
            .await
            .unwrap();
        last = sealed.into_inner().plan.unwrap().id;
    }
    (done["snapshot"].as_str().unwrap().to_owned(), last)
}

/// Calls until the time is over; gives how long each took, by method, and how many there were in a second.
async fn calls(
    console: &Console,
    people: &[String],
    plan: &str,
    pause: Duration,
) -> ([Times; METHODS.len()], f64) {
    let plan = GetPlanRequest {
        id: plan.to_owned(),
    }
    .encode_to_vec();
    let calls = METHODS.map(|method| {
        let message: &[u8] = if method == GET_PLAN { &plan } else { &[] };
        (
            format!("{}/requorum.v1.{method}", console.base),
            framed(message),
        )
    });
    let mut tasks = JoinSet::new();
    // Making them takes the processor from what is measured.
    let clients: Vec<_> = (0..USERS)
        .map(|_| reqwest::Client::builder().no_proxy().build().unwrap())
        .collect();
    let begun = Instant::now();
    for (n, (client, cookie)) in clients.into_iter().zip(people.iter().cloned()).enumerate() {
        let calls = calls.clone();
        tasks.spawn(async move {
            let mut waited = <[Times; METHODS.len()]>::default();
            // Not all in the same instant, as people are not.
            tokio::time::sleep(pause * n as u32 / USERS as u32).await;
            for (method, (url, body)) in calls.iter().enumerate().cycle().skip(n) {
                if begun.elapsed() >= FOR {
                    break;
                }
                let asked = Instant::now();
                let request = client
                    .post(url)
                    .header("cookie", &cookie)
                    .header("content-type", "application/grpc-web+proto")
                    .body(body.clone());
                let answer = request.send().await.unwrap().bytes().await.unwrap();
                waited[method].push(asked.elapsed());
                assert!(answer.ends_with(b"grpc-status:0\r\n"), "{url}");
                tokio::time::sleep(pause.saturating_sub(asked.elapsed())).await;
            }
            waited
        });
    }
    let mut waited = <[Times; METHODS.len()]>::default();
    while let Some(ended) = tasks.join_next().await {
        for (all, times) in waited.iter_mut().zip(ended.unwrap()) {
            all.extend(times);
        }
    }
    let count: usize = waited.iter().map(Times::len).sum();
    (waited, count as f64 / begun.elapsed().as_secs_f64())
}

/// One message, as gRPC frames it.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message].concat()
}
