//! What pages list, where there is much of it: 10,000 plans, of which half can still be run, and 5,000 jobs.

use std::time::{Duration, Instant};

use prost::Message as _;
use requorum_shared::api::v1::{
    GetFileRequest, ListEntriesRequest, ListInboxResponse, ListPlansRequest,
};
use sqlx::{AnyConnection, Connection as _, Executor as _};
use tokio::task::JoinSet;

use crate::calls::{framed, plans};
use crate::console::{Console, name};
use crate::say::{at_most, heading, line};
use crate::times::Times;

const PLANS: usize = 10_000;
/// People, of whom each may do everything for all clusters, and each has sealed some of the plans.
const PEOPLE: usize = 50;
/// People who look at the same time.
struct Viewers {
    count: usize,
    /// What each waits before it opens everything again.
    pause: Duration,
    /// How often each opens what it looks at.
    times: usize,
    /// Whether each searches too.
    search: bool,
    /// The most that 99 of 100 calls may take, in milliseconds; none where it is only told.
    most_ms: Option<f64>,
}

/// A few in a hurry; a whole department with every list open, all as fresh as the page keeps the freshest of them, which
/// asks every 5 s; and the same department in a hurry.
const VIEWERS: [Viewers; 3] = [
    Viewers {
        count: 8,
        pause: Duration::from_millis(200),
        times: 25,
        search: true,
        most_ms: Some(50.0),
    },
    Viewers {
        count: PEOPLE,
        pause: Duration::from_secs(5),
        times: 8,
        search: false,
        most_ms: Some(50.0),
    },
    Viewers {
        count: PEOPLE,
        pause: Duration::from_secs(1),
        times: 15,
        search: false,
        most_ms: None,
    },
];
/// What the overview shows of the ledger.
const ACTS: &str = "LedgerService/ListEntries";
const GET_FILE: &str = "FileService/GetFile";
/// A search over all plans, which finds a part of them, in the order of their names.
const SEARCH: &str = "PlanService/ListPlans, searched";
/// What a page asks for when it is opened, in turn.
const METHODS: [&str; 8] = [
    "ConsoleService/ListInbox",
    "ConsoleService/ListOutcomes",
    ACTS,
    "PlanService/ListPlans",
    "JobService/ListJobs",
    "FileService/ListFiles",
    GET_FILE,
    SEARCH,
];

pub(crate) async fn measure(folder: &std::path::Path) {
    let (console, admin) = Console::start(folder).await;
    let people = console
        .people_who(&admin, PEOPLE, &["operator", "approver"])
        .await;
    let (snapshot, plan) = plans(&console, &admin).await;
    crowd(&console, &plan).await;
    heading(&format!(
        "lists of {PLANS} plans ({} open) and {} jobs (gRPC-Web, a connection and a session each)",
        PLANS / 2,
        PLANS / 2
    ));
    for viewers in &VIEWERS {
        let every = format!(
            "{} people open each, every {:?}",
            viewers.count, viewers.pause
        );
        line(&every, "", None);
        let by_method = look(&console, &people, viewers, &snapshot).await;
        for (method, mut times) in METHODS.into_iter().zip(by_method) {
            if method == SEARCH && !viewers.search {
                continue;
            }
            let (p99, said) = (times.at(0.99), times.said());
            line(&format!("  {method}"), &said, None);
            match viewers.most_ms {
                Some(most) => at_most("    p99", p99, most, " ms"),
                None => line("    p99", &format!("{p99:.2} ms"), None),
            }
        }
    }
    at_most(
        "  the server's peak memory",
        console.mebibytes(),
        250.0,
        " MiB",
    );
}

/// Copies a plan by the thousand, and gives half of the copies a job each with a journal.
async fn crowd(console: &Console, plan: &str) {
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}/requorum.db", console.data.display());
    let mut database = AnyConnection::connect(&url).await.unwrap();
    let numbers = |last: usize| {
        format!("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {last})")
    };
    let all = numbers(PLANS);
    let statements = [
        format!(
            "{all} INSERT INTO plans (id, hash, outcome, author_id, author, sealed_ms, expires_ms, state, \
             cluster, weight, number, file_names, headline_json, headline_number, target) \
             SELECT 'plan' || i, 'hash' || i, outcome, users.id, users.name, \
             sealed_ms + i, expires_ms, CASE WHEN i % 2 = 0 THEN 'sealed' ELSE 'used' END, \
             CASE WHEN i % 10 = 0 THEN '' ELSE 'cluster-' || (i % 10) END, weight, 1000 + i, file_names, headline_json, \
             headline_number, target || '-' || i FROM plans, n \
             JOIN users ON users.name = 'person ' || (i / 2 % {PEOPLE}) WHERE plans.id = '{plan}'"
        ),
        format!(
            "{all} INSERT INTO plan_documents (plan_id, plan_json) \
             SELECT 'plan' || i, plan_json FROM plan_documents, n WHERE plan_id = '{plan}'"
        ),
        format!(
            "{all} INSERT INTO plan_inputs (plan_id, position, kind, id, sealed_ms, cluster) \
             SELECT plans.id, position, kind, plan_inputs.id, plans.sealed_ms, plans.cluster FROM n \
             JOIN plans ON plans.id = 'plan' || i JOIN plan_inputs ON plan_inputs.plan_id = '{plan}'"
        ),
        format!(
            "{all} INSERT INTO plan_votes (plan_id, user_id, user, plan_hash, at_ms) \
             SELECT 'plan' || i, id, name, 'hash' || i, 1 FROM n JOIN users ON name = '{}' WHERE i % 6 = 0",
            name(1)
        ),
        format!(
            "{all} INSERT INTO jobs (id, plan_id, started_by, created_ms, over, cluster, title, state, sentence, \
             updated_ms, ended_ms, steps_done, steps_total, digest_json, number, file_names, headline_json, target) \
             SELECT 'job' || i, plans.id, author, \
             sealed_ms, 1, cluster, outcome, 'completed', 'Three members were placed in the folder.', sealed_ms, \
             sealed_ms, 9, 9, '-', number, file_names, headline_json, target FROM n JOIN plans ON plans.id = 'plan' || i WHERE i % 2 = 1"
        ),
        format!(
            "{all}, e (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM e WHERE seq < 25) \
             INSERT INTO job_events (job_id, seq, at_ms, body_json) SELECT 'job' || i, seq, 1, \
             '{{\"event\":\"step-log\",\"step\":1,\"line\":\"a line of a journal, as long as many are\"}}' \
             FROM n, e WHERE i % 2 = 1"
        ),
    ];
    for sql in statements {
        database.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
    }
    database.close().await.unwrap();
}

/// Everybody opens the page, again and again; gives how long each call took, by method.
async fn look(
    console: &Console,
    people: &[String],
    viewers: &Viewers,
    snapshot: &str,
) -> [Times; METHODS.len()] {
    let of_snapshot = GetFileRequest {
        id: snapshot.to_owned(),
    }
    .encode_to_vec();
    let searched = ListPlansRequest {
        query: "cluster-7 person".into(),
        order_by: "name".into(),
        ..ListPlansRequest::default()
    }
    .encode_to_vec();
    let acts = ListEntriesRequest {
        page_size: 6,
        acts_only: true,
        ..ListEntriesRequest::default()
    }
    .encode_to_vec();
    let calls = METHODS.map(|method| {
        let (method, message): (&str, &[u8]) = match method {
            ACTS => (method, acts.as_slice()),
            GET_FILE => (method, of_snapshot.as_slice()),
            SEARCH => ("PlanService/ListPlans", searched.as_slice()),
            method => (method, &[]),
        };
        (
            format!("{}/requorum.v1.{method}", console.base),
            framed(message),
        )
    });
    let &Viewers {
        count,
        pause,
        times,
        search,
        ..
    } = viewers;
    let mut tasks = JoinSet::new();
    for (n, cookie) in (0..).zip(&people[..count]) {
        // People do not come in step.
        let first = pause * n / u32::try_from(count).unwrap();
        let cookie = cookie.clone();
        let calls = calls.clone();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        tasks.spawn(async move {
            let mut waited = <[Times; METHODS.len()]>::default();
            tokio::time::sleep(first).await;
            for _ in 0..times {
                for (method, (url, body)) in calls.iter().enumerate() {
                    if METHODS[method] == SEARCH && !search {
                        continue;
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
                    if method == 0 {
                        let length = u32::from_be_bytes(answer[1..5].try_into().unwrap());
                        let message = &answer[5..5 + length as usize];
                        let inbox = ListInboxResponse::decode(message).unwrap();
                        assert!(inbox.total > PLANS as u64 / 4, "{} wait", inbox.total);
                    }
                }
                tokio::time::sleep(pause).await;
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
    waited
}
