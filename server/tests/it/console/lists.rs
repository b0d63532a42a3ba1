//! Lists with thousands of rows: in pages, by clients that take messages of 4 MiB, and nothing is left out or told
//! twice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use requorum_server::grpc::v1::console_service_client::ConsoleServiceClient;
use requorum_server::grpc::v1::file_service_client::FileServiceClient;
use requorum_server::grpc::v1::job_service_client::JobServiceClient;
use requorum_server::grpc::v1::plan_service_client::PlanServiceClient;
use requorum_server::grpc::v1::policy_service_client::PolicyServiceClient;
use requorum_server::limits::OPEN_PLANS_PER_PERSON;
use requorum_shared::api::v1::{self, InboxKind};
use sqlx::{AnyConnection, Connection as _, Executor as _};
use tonic::Code;

use crate::support::harness::{Client, Options, TestServer, code};
use crate::support::postgres::Postgres;
use crate::support::recovery::{Console, request};

/// Plans that are copied from one, of which every other can still be run, and jobs of the rest.
const PLANS: u64 = 2_000;
/// How many of those wait.
const OPEN: u64 = PLANS / 2;

/// Runs statements around the program.
async fn around(server: &TestServer, statements: &[String]) {
    sqlx::any::install_default_drivers();
    let url = server
        .database()
        .unwrap_or_else(|| format!("sqlite://{}/requorum.db", server.data_dir().display()));
    let mut connection = AnyConnection::connect(&url).await.unwrap();
    for sql in statements {
        let sql = sqlx::AssertSqlSafe(sql.as_str());
        connection
            .execute(sql)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
    }
    connection.close().await.unwrap();
    // A server does not hear of what others write to its SQLite file; what it counted is good for half a second.
    tokio::time::sleep(Duration::from_millis(600)).await;
}

/// Copies a plan and its job by the thousand: the even copies wait for approval, the others were run.
fn copies(plan: &str, job: &str, count: u64) -> Vec<String> {
    let numbers = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
    );
    vec![
        format!(
            "{numbers} INSERT INTO plans (id, hash, outcome, author_id, author, sealed_ms, expires_ms, state, \
             cluster, weight, number, file_names, headline_json, headline_number, target) SELECT 'plan' || i, 'hash' || i, outcome, \
             author_id, author, sealed_ms + i / 7, expires_ms, CASE WHEN i % 2 = 0 THEN 'sealed' ELSE 'used' END, \
             CASE WHEN i % 4 < 2 THEN 'prod' ELSE 'lab' END, weight, 1000 + i, 'copy-' || (i % 10) || '.db', \
             '[{{\"key\":\"revision\",\"label\":\"Revision\",\"value\":{{\"type\":\"revision\",\"value\":\"' \
             || (i % 50) || '\"}}}}]', i % 50, target FROM plans, n WHERE plans.id = '{plan}'"
        ),
        format!(
            "{numbers} INSERT INTO plan_documents (plan_id, plan_json) \
             SELECT plans.id, plan_json FROM n JOIN plans ON plans.id = 'plan' || i \
             JOIN plan_documents ON plan_id = '{plan}'"
        ),
        format!(
            "{numbers} INSERT INTO plan_inputs (plan_id, position, kind, id, sealed_ms, cluster) \
             SELECT plans.id, position, kind, plan_inputs.id, plans.sealed_ms, plans.cluster FROM n \
             JOIN plans ON plans.id = 'plan' || i JOIN plan_inputs ON plan_inputs.plan_id = '{plan}'"
        ),
        format!(
            "{numbers} INSERT INTO jobs (id, plan_id, started_by, created_ms, over, cluster, title, state, sentence, \
             updated_ms, ended_ms, steps_done, steps_total, digest_json, number, file_names) SELECT 'job' || i, 'plan' || i, started_by, \
             created_ms + i / 7, over, CASE WHEN i % 4 < 2 THEN 'prod' ELSE 'lab' END, title, state, sentence, \
             updated_ms, ended_ms, steps_done, steps_total, digest_json, 1000 + i, 'copy-' || (i % 10) || '.db' FROM jobs, n WHERE jobs.id = '{job}' AND i % 2 = 1"
        ),
    ]
}

/// A console with one restore that was run, and copies of it; ids of the plan and of the job.
async fn crowded(server: &TestServer) -> (Console, String) {
    let console = Console::over(server).await;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    let job = console.run(&request(&snapshot, "one")).await;
    console.finished(&job.id).await;
    around(server, &copies(&job.plan_id, &job.id, PLANS)).await;
    (console, job.id)
}

/// All rows of a list, page after page.
macro_rules! pages {
    ($client:expr, $call:ident, $request:expr, $rows:ident) => {{
        let mut request = $request;
        let mut all = Vec::new();
        loop {
            let page = $client.$call(request.clone()).await.unwrap().into_inner();
            assert!(page.$rows.len() <= 200);
            all.extend(page.$rows);
            if page.next_page_token.is_empty() {
                break (all, page.total);
            }
            request.page_token = page.next_page_token;
        }
    }};
}

async fn plans(client: &Client) -> PlanServiceClient<crate::support::harness::Native> {
    PlanServiceClient::new(client.grpc().await)
}

async fn every_row_is_on_one_page(server: TestServer) {
    let (console, _) = crowded(&server).await;
    let mut client = plans(&console.http).await;
    let first = v1::ListPlansRequest {
        page_size: 150,
        ..Default::default()
    };
    let (all, total) = pages!(client, list_plans, first.clone(), plans);
    let ids: BTreeSet<_> = all.iter().map(|plan| plan.id.as_str()).collect();
    assert_eq!(
        (all.len() as u64, ids.len() as u64, total),
        (PLANS + 1, PLANS + 1, PLANS + 1)
    );
    assert!(
        all.is_sorted_by(|a, b| a.sealed_at_ms > b.sealed_at_ms
            || (a.sealed_at_ms == b.sealed_at_ms && a.id < b.id))
    );

    let narrowed = v1::ListPlansRequest {
        cluster: Some("lab".into()),
        states: vec![v1::PlanState::Sealed.into()],
        ..first
    };
    let (some, total) = pages!(client, list_plans, narrowed, plans);
    assert_eq!((some.len() as u64, total), (OPEN / 2, OPEN / 2));
    assert!(
        some.iter()
            .all(|plan| plan.cluster == "lab" && plan.state() == v1::PlanState::Sealed)
    );

    let page = client
        .list_plans(v1::ListPlansRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(page.plans.len(), 50);
    assert_eq!(page.clusters, ["", "lab", "prod"]);
    let counts: BTreeMap<_, _> = page
        .counts
        .iter()
        .map(|c| (c.state().as_str_name(), c.count))
        .collect();
    assert_eq!(
        counts,
        BTreeMap::from([("PLAN_STATE_SEALED", OPEN), ("PLAN_STATE_USED", OPEN + 1)])
    );

    let mut client = JobServiceClient::new(console.http.grpc().await);
    let (jobs, total) = pages!(client, list_jobs, v1::ListJobsRequest::default(), jobs);
    let ids: BTreeSet<_> = jobs.iter().map(|job| job.id.as_str()).collect();
    assert_eq!((ids.len() as u64, total), (OPEN + 1, OPEN + 1));
    let none = v1::ListJobsRequest {
        states: vec![v1::JobState::Waiting.into(), v1::JobState::Paused.into()],
        ..Default::default()
    };
    assert_eq!(pages!(client, list_jobs, none, jobs), (Vec::new(), 0));

    let snapshot = console.http.snapshots().await.files.remove(0);
    let seen = console.get_snapshot(&snapshot.id).await;
    assert_eq!((seen.plans.len(), seen.plans_total), (50, PLANS + 1));

    // What became of the author's plans: all of them, whenever they were sealed.
    let mut client = ConsoleServiceClient::new(console.http.grpc().await);
    let asked = v1::ListOutcomesRequest::default();
    let (told, total) = pages!(client, list_outcomes, asked, items);
    let ids: BTreeSet<_> = told.iter().map(|item| item.job_id.as_str()).collect();
    assert_eq!((told.len() as u64, total), (OPEN + 1, OPEN + 1));
    assert_eq!(ids.len(), told.len());
    assert!(told.is_sorted_by(|a, b| a.at_ms >= b.at_ms));
}

fn revision(plan: &v1::PlanSummary) -> i64 {
    plan.headline[0].value.parse().unwrap()
}

/// Every order shows every row once, and a search finds what a person would type.
async fn plans_and_jobs_are_found_and_put_in_order(server: TestServer) {
    let (console, job) = crowded(&server).await;
    let mut client = plans(&console.http).await;
    let orders = [
        "name", "file", "headline", "state", "author", "target", "sealed",
    ];
    for order in orders
        .iter()
        .flat_map(|by| [(*by).to_owned(), format!("-{by}")])
    {
        let asked = v1::ListPlansRequest {
            page_size: 190,
            order_by: order.clone(),
            ..Default::default()
        };
        let (all, total) = pages!(client, list_plans, asked, plans);
        let ids: BTreeSet<_> = all.iter().map(|plan| plan.id.as_str()).collect();
        assert_eq!((ids.len() as u64, total), (PLANS + 1, PLANS + 1), "{order}");
        assert_eq!(all.len(), ids.len(), "{order}");
        let up = !order.starts_with('-');
        let sorted = |a: &v1::PlanSummary, b: &v1::PlanSummary| match order.trim_start_matches('-')
        {
            "name" => (&a.cluster, a.number) <= (&b.cluster, b.number),
            "file" => a.file_names <= b.file_names,
            "headline" => revision(a) <= revision(b),
            "state" => a.state <= b.state || a.state() == v1::PlanState::Used,
            "sealed" => a.sealed_at_ms <= b.sealed_at_ms,
            _ => true,
        };
        let is_sorted = match up {
            true => all.is_sorted_by(sorted),
            false => all.is_sorted_by(|a, b| sorted(b, a)),
        };
        assert!(is_sorted, "{order}");
    }
    for (query, expected) in [
        ("#1007", 1),
        ("LAB #1006", 1),
        ("prod #1006", 0),
        ("copy-7.db", PLANS / 10),
        ("hash1999", 1),
        ("copy-7 prod", PLANS / 20),
        ("console/one", PLANS + 1),
        ("%", 0),
        ("nothing is called so", 0),
    ] {
        let asked = v1::ListPlansRequest {
            page_size: 60,
            query: query.into(),
            ..Default::default()
        };
        let (some, total) = pages!(client, list_plans, asked, plans);
        assert_eq!((some.len() as u64, total), (expected, expected), "{query}");
    }
    let narrowed = v1::ListPlansRequest {
        query: "copy-6".into(),
        states: vec![v1::PlanState::Sealed.into()],
        cluster: Some("lab".into()),
        order_by: "-name".into(),
        page_size: 7,
        ..Default::default()
    };
    let (some, total) = pages!(client, list_plans, narrowed, plans);
    assert_eq!((some.len() as u64, total), (PLANS / 20, PLANS / 20));
    assert!(some.is_sorted_by(|a, b| a.number > b.number));

    let mut client = JobServiceClient::new(console.http.grpc().await);
    for order in ["name", "-file", "state", "-by", "ended", "-started"] {
        let asked = v1::ListJobsRequest {
            page_size: 190,
            order_by: order.into(),
            ..Default::default()
        };
        let (all, total) = pages!(client, list_jobs, asked, jobs);
        let ids: BTreeSet<_> = all.iter().map(|job| job.id.as_str()).collect();
        assert_eq!((all.len() as u64, total), (OPEN + 1, OPEN + 1), "{order}");
        assert_eq!(all.len(), ids.len(), "{order}");
    }
    for (query, expected) in [
        (job.as_str(), 1),
        ("#1007", 1),
        ("#1006", 0),
        ("copy-7.db", PLANS / 10),
        ("plan1999", 1),
    ] {
        let asked = v1::ListJobsRequest {
            query: query.into(),
            ..Default::default()
        };
        let (some, total) = pages!(client, list_jobs, asked, jobs);
        assert_eq!((some.len() as u64, total), (expected, expected), "{query}");
    }
}

#[tokio::test]
async fn plans_and_jobs_are_found_and_put_in_order_on_sqlite() {
    plans_and_jobs_are_found_and_put_in_order(TestServer::start().await).await;
}

#[tokio::test]
async fn plans_and_jobs_are_found_and_put_in_order_on_postgres() {
    let options = Options {
        database: Some(Postgres::shared().database().await),
        ..Options::default()
    };
    plans_and_jobs_are_found_and_put_in_order(TestServer::with(options).await).await;
}

#[tokio::test]
async fn a_plan_has_a_number_and_a_name_and_its_job_has_the_same() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload_of("3.6.14-mixed.db", "prod-etcd").await;
    let first = console.seal(&request(&snapshot, "one")).await.unwrap();
    assert_eq!((first.number, first.name.as_str()), (1, "prod-etcd #1"));
    assert_eq!(first.file_names, ["3.6.14-mixed.db"]);
    assert_eq!(first.target, "console/one");
    let headline = first.headline.iter();
    let headline: Vec<_> = headline
        .map(|of| (of.key.as_str(), of.label.as_str(), of.value.as_str()))
        .collect();
    assert_eq!(
        headline,
        [("revision", "Revision", "339"), ("members", "Members", "3")]
    );
    // Of many at the same moment each gets a number of its own.
    let tries = (0..8).map(|n| {
        let request = request(&snapshot, &format!("more{n}"));
        let console = &console;
        async move { console.seal(&request).await.unwrap().number }
    });
    let numbers: BTreeSet<_> = futures_util::future::join_all(tries)
        .await
        .into_iter()
        .collect();
    assert_eq!(numbers, (2..=9).collect());
    console.approve(&first.id, &first.hash).await.unwrap();
    let job = console.start(&first).await.unwrap();
    assert_eq!((job.number, job.name.as_str()), (1, "prod-etcd #1"));
    console.finished(&job.id).await;
    let listed = console.jobs().await.remove(0);
    assert_eq!(
        (
            listed.name,
            listed.file_names,
            listed.headline,
            listed.target
        ),
        (
            first.name.clone(),
            first.file_names.clone(),
            first.headline.clone(),
            first.target.clone()
        )
    );
    let listed = console.plans().await;
    let again = listed.iter().find(|plan| plan.id == first.id).unwrap();
    assert_eq!((again.number, &again.headline), (1, &first.headline));
}

#[tokio::test]
async fn every_row_is_on_one_page_on_sqlite() {
    every_row_is_on_one_page(TestServer::start().await).await;
}

#[tokio::test]
async fn every_row_is_on_one_page_on_postgres() {
    let options = Options {
        database: Some(Postgres::shared().database().await),
        ..Options::default()
    };
    every_row_is_on_one_page(TestServer::with(options).await).await;
}

/// What the inbox counts is what it lists, for each person, whoever else may do what.
async fn an_inbox_is_counted_and_listed(server: TestServer) {
    let (console, _) = crowded(&server).await;
    let admin = &console.http;
    let approver = server.person(admin, "ann", &["approver@lab"]).await;
    let runner = server.person(admin, "rob", &["operator@prod"]).await;
    let viewer = server.person(admin, "vic", &["viewer"]).await;
    for (client, kind, expected) in [
        (&approver, InboxKind::Approve, OPEN / 2),
        (&runner, InboxKind::Run, 0),
        (&viewer, InboxKind::Run, 0),
    ] {
        let (waiting, total) = inbox(client).await;
        assert_eq!(
            (waiting.len() as u64, total),
            (expected, expected),
            "{kind:?}"
        );
        assert!(
            waiting
                .iter()
                .all(|one| one.kind() == kind && one.cluster == "lab")
        );
    }
    // One approval takes one plan out of that inbox, and puts it into the one of who may run it.
    let (waiting, _) = inbox(&approver).await;
    around(
        &server,
        &[
            "UPDATE plans SET cluster = 'prod' WHERE id = 'plan2'".into(),
            format!(
                "INSERT INTO plan_votes (plan_id, user_id, \"user\", plan_hash, at_ms) \
                 SELECT 'plan2', id, name, 'hash2', 1 FROM users WHERE name = '{}'",
                crate::support::harness::NAME
            ),
        ],
    )
    .await;
    let (_, total) = inbox(&approver).await;
    assert_eq!(
        total,
        waiting.len() as u64 - 1,
        "it is another cluster's now"
    );
    let rule = v1::Rule {
        approvers: 1,
        second: v1::SecondPerson::Never.into(),
    };
    let policy = v1::Policy {
        cluster: "prod".into(),
        undoable: Some(rule),
        destructive: Some(rule),
        ..Default::default()
    };
    let mut policies = PolicyServiceClient::new(admin.grpc().await);
    policies
        .set_policy(v1::SetPolicyRequest {
            policy: Some(policy),
        })
        .await
        .unwrap();
    let (waiting, total) = inbox(&runner).await;
    assert_eq!((waiting.len(), total), (1, 1));
    assert_eq!(
        (waiting[0].kind(), waiting[0].id.as_str()),
        (InboxKind::Run, "plan2")
    );
}

#[tokio::test]
async fn an_inbox_is_counted_and_listed_on_sqlite() {
    an_inbox_is_counted_and_listed(TestServer::start().await).await;
}

#[tokio::test]
async fn an_inbox_is_counted_and_listed_on_postgres() {
    let options = Options {
        database: Some(Postgres::shared().database().await),
        ..Options::default()
    };
    an_inbox_is_counted_and_listed(TestServer::with(options).await).await;
}

async fn inbox(client: &Client) -> (Vec<v1::InboxItem>, u64) {
    let mut client = ConsoleServiceClient::new(client.grpc().await);
    let request = v1::ListInboxRequest {
        page_size: 170,
        ..Default::default()
    };
    let (waiting, total) = pages!(client, list_inbox, request, items);
    let ids: BTreeSet<_> = waiting.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids.len(), waiting.len(), "nothing is told twice");
    (waiting, total)
}

#[tokio::test]
async fn the_parts_of_an_inbox_follow_each_other() {
    let server = TestServer::start().await;
    let (console, job) = crowded(&server).await;
    // Three jobs with a question, two whose verification failed, two broken glasses of somebody else.
    let review = |n: u8| {
        format!(
            "INSERT INTO reviews (id, plan_id, broken_by_id, broken_by, broken_ms, reason) \
             VALUES ('review{n}', 'plan{n}', 'x', 'x', {n}, 'night')"
        )
    };
    around(
        &server,
        &[
            "UPDATE jobs SET state = 'waiting' WHERE id IN ('job1', 'job3', 'job5')".into(),
            "UPDATE jobs SET failed_check = 'Keys: none' WHERE id IN ('job7', 'job9')".into(),
            review(1),
            review(3),
        ],
    )
    .await;
    let mut client = ConsoleServiceClient::new(console.http.grpc().await);
    let (mut token, mut kinds) = (String::new(), Vec::new());
    loop {
        let request = v1::ListInboxRequest {
            page_size: 2,
            page_token: token.clone(),
            ..Default::default()
        };
        let page = client.list_inbox(request).await.unwrap().into_inner();
        assert_eq!(page.total, 3 + OPEN + 2 + 2);
        assert_eq!(page.open_reviews, 2);
        kinds.extend(page.items.iter().map(|one| one.kind()));
        // The middle is the same over and over.
        if kinds.len() > 6 && kinds.len() < OPEN as usize {
            let (rest, _) = inbox(&console.http).await;
            let last = rest
                .iter()
                .rposition(|one| one.kind() == InboxKind::Approve)
                .unwrap();
            let kinds: Vec<_> = rest[last..].iter().map(|one| one.kind()).collect();
            assert_eq!(
                kinds,
                [
                    InboxKind::Approve,
                    InboxKind::Verification,
                    InboxKind::Verification,
                    InboxKind::Review,
                    InboxKind::Review
                ]
            );
            break;
        }
        token = page.next_page_token;
    }
    assert_eq!(
        kinds[..4],
        [
            InboxKind::Answer,
            InboxKind::Answer,
            InboxKind::Answer,
            InboxKind::Approve
        ]
    );
    assert!(!job.is_empty());
}

#[tokio::test]
async fn rows_that_come_between_two_pages_hide_nothing() {
    let server = TestServer::start().await;
    let (console, _) = crowded(&server).await;
    let mut client = plans(&console.http).await;
    let mut request = v1::ListPlansRequest {
        page_size: 200,
        ..Default::default()
    };
    let first = client
        .list_plans(request.clone())
        .await
        .unwrap()
        .into_inner();
    request.page_token = first.next_page_token;
    let snapshot = console.http.snapshots().await.files.remove(0).id;
    let other = server.person(&console.http, "bob", &["operator"]).await;
    let newer = crate::support::recovery::request(&snapshot, "newer");
    let new = Console::with(other).await.seal(&newer).await.unwrap();
    let gone = first.plans.last().unwrap();
    around(
        &server,
        &[
            format!("DELETE FROM jobs WHERE plan_id = '{}'", gone.id),
            format!("DELETE FROM plan_inputs WHERE plan_id = '{}'", gone.id),
            format!("DELETE FROM plan_documents WHERE plan_id = '{}'", gone.id),
            format!("DELETE FROM plans WHERE id = '{}'", gone.id),
        ],
    )
    .await;
    let (rest, _) = pages!(client, list_plans, request, plans);
    let ids: BTreeSet<_> = first
        .plans
        .iter()
        .chain(&rest)
        .map(|plan| &plan.id)
        .collect();
    assert_eq!(ids.len() as u64, PLANS + 1, "each of before, once");
    assert!(!ids.contains(&new.id), "it is on the first page");
}

#[tokio::test]
async fn long_rows_fit_into_the_messages_that_clients_take() {
    let server = TestServer::start().await;
    let (console, _) = crowded(&server).await;
    around(
        &server,
        &[format!(
            "UPDATE plans SET reason = '{}'",
            "é".repeat(20_000)
        )],
    )
    .await;
    let mut client = plans(&console.http).await;
    let request = v1::ListPlansRequest {
        page_size: u32::MAX,
        ..Default::default()
    };
    let (all, _) = pages!(client, list_plans, request, plans);
    assert_eq!(all.len() as u64, PLANS + 1);
}

#[tokio::test]
async fn what_a_list_cannot_understand_it_says() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let mut client = plans(&console.http).await;
    let asked = async |change: fn(&mut v1::ListPlansRequest)| {
        let mut request = v1::ListPlansRequest::default();
        change(&mut request);
        plans(&console.http).await.list_plans(request).await
    };
    for (refused, expected) in [
        (asked(|r| r.page_token = "x".into()).await, "page.token"),
        (
            asked(|r| r.page_token = "../".repeat(99)).await,
            "page.token",
        ),
        (asked(|r| r.states = vec![99]).await, "plan.state"),
        (asked(|r| r.order_by = "--name".into()).await, "plan.order"),
        (asked(|r| r.order_by = "hash".into()).await, "plan.order"),
        (asked(|r| r.query = "a ".repeat(9)).await, "plan.query"),
    ] {
        let refused = refused.unwrap_err();
        assert_eq!(
            (refused.code(), code(&refused)),
            (Code::InvalidArgument, expected)
        );
        assert!(!refused.message().contains('\u{1b}'));
    }
    let none = client
        .list_plans(v1::ListPlansRequest {
            cluster: Some("' OR 1 = 1 --".into()),
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!((none.plans.len(), none.total), (0, 0));
}

#[tokio::test]
async fn nobody_seals_without_end() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let snapshot = console.upload("3.6.14-mixed.db").await;
    let one = console.seal(&request(&snapshot, "a")).await.unwrap();
    let open = u64::from(OPEN_PLANS_PER_PERSON);
    around(&server, &copies(&one.id, "", 2 * (open - 2))).await;
    // One more fits; of many at the same moment one is sealed.
    let tries = (0..8).map(|n| {
        let request = request(&snapshot, &format!("b{n}"));
        let console = &console;
        async move { console.seal(&request).await }
    });
    let tries = futures_util::future::join_all(tries).await;
    let (sealed, refused): (Vec<_>, Vec<_>) = tries.into_iter().partition(Result::is_ok);
    assert_eq!((sealed.len(), refused.len()), (1, 7));
    for refused in refused {
        let refused = refused.unwrap_err();
        assert_eq!(
            (refused.code(), code(&refused)),
            (Code::ResourceExhausted, "plan.too-many")
        );
        assert!(
            refused.message().contains("200 plans"),
            "{}",
            refused.message()
        );
    }
    // Somebody else still can, and so can that person once one is decided.
    let other = server.person(&console.http, "bob", &["operator"]).await;
    let other = Console::with(other).await;
    other.seal(&request(&snapshot, "c")).await.unwrap();
    console.reject(&one, "not needed").await.unwrap();
    console.seal(&request(&snapshot, "d")).await.unwrap();
}

#[tokio::test]
async fn files_are_found_and_put_in_order_by_the_server() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let id = console.upload("3.6.14-mixed.db").await;
    let copies = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) \
        INSERT INTO files (id, name, size, uploaded_ms, uploaded_by, origin, cluster, kind, trust, headline_json, \
        headline_text, inspection_json) SELECT 'id' || i, CASE WHEN i % 2 = 0 THEN 'Prod-' ELSE 'test_' END || i, \
        size + i % 10, uploaded_ms + i, uploaded_by, CASE WHEN i % 3 = 0 THEN 'evidence' ELSE origin END, cluster, \
        CASE WHEN i % 3 = 0 THEN 'gzip' ELSE kind END, CASE WHEN i % 3 = 0 THEN 'unknown' ELSE trust END, \
        headline_json, headline_text, inspection_json FROM files, n";
    around(&server, &[copies.into()]).await;
    let mut client = FileServiceClient::new(console.http.grpc().await);
    let by_size = v1::ListFilesRequest {
        order_by: "-size".into(),
        page_size: 70,
        ..Default::default()
    };
    let (all, total) = pages!(client, list_files, by_size, files);
    let ids: BTreeSet<_> = all.iter().map(|s| s.id.as_str()).collect();
    assert_eq!((ids.len(), total), (301, 301));
    assert!(all.is_sorted_by(|a, b| a.size > b.size || (a.size == b.size && a.id < b.id)));
    let by_name = v1::ListFilesRequest {
        order_by: "name".into(),
        query: "PROD- 3.6".into(),
        page_size: 40,
        ..Default::default()
    };
    let (some, total) = pages!(client, list_files, by_name.clone(), files);
    assert_eq!((some.len(), total), (150, 150));
    assert!(some.is_sorted_by_key(|s| s.name.to_lowercase()));
    // What is a sign of the database's own is looked for as it is.
    let (none, _) = pages!(
        client,
        list_files,
        v1::ListFilesRequest {
            query: "pro_-".into(),
            ..Default::default()
        },
        files
    );
    assert_eq!(none.len(), 0);
    for (narrowed, expected) in [
        (
            v1::ListFilesRequest {
                kinds: vec!["gzip".into()],
                ..Default::default()
            },
            100,
        ),
        (
            v1::ListFilesRequest {
                trusts: vec![v1::Trust::Unknown.into()],
                ..Default::default()
            },
            100,
        ),
        (
            v1::ListFilesRequest {
                origins: vec![v1::FileOrigin::Upload.into()],
                ..Default::default()
            },
            201,
        ),
        (
            v1::ListFilesRequest {
                kinds: vec!["gzip".into()],
                origins: vec![v1::FileOrigin::Upload.into()],
                ..Default::default()
            },
            0,
        ),
    ] {
        let (some, total) = pages!(client, list_files, narrowed, files);
        assert_eq!((some.len(), total), (expected, expected as u64));
    }
    let other_order = client.list_files(by_name).await.unwrap().into_inner();
    let mixed = v1::ListFilesRequest {
        order_by: "-name".into(),
        page_token: other_order.next_page_token,
        ..Default::default()
    };
    let refused = client.list_files(mixed).await.unwrap_err();
    assert_eq!(code(&refused), "page.token");
    assert!(!id.is_empty());
}
