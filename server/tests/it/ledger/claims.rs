//! The ledger says what was, and not what somebody claimed.

use requorum_server::grpc::v1::credential_service_client::CredentialServiceClient;
use requorum_server::grpc::v1::job_service_client::JobServiceClient;
use requorum_shared::api::v1;
use requorum_shared::ledger::about::About;
use requorum_shared::ledger::entry::{Entry, Outcome, act};
use serde_json::json;
use tonic::Code;

use crate::ledger::entries::audit;
use crate::ledger::forged::viewer_tries;
use crate::support::harness::{NAME, Options, TestServer, code};
use crate::support::recovery::{Console, request};

fn of<'a>(entries: &'a [Entry], act: &str) -> Vec<&'a Entry> {
    entries.iter().filter(|entry| entry.act == act).collect()
}

#[tokio::test]
async fn a_plan_is_the_one_that_was_looked_up_and_the_claimed_hash_is_cut() {
    let server = TestServer::start().await;
    let anna = Console::over(&server).await;
    let (a, b) = (
        anna.upload_of("3.6.14-mixed.db", "a").await,
        anna.upload_of("3.5.33-mixed.db", "b").await,
    );
    let mine = anna.seal(&request(&a, "mine")).await.unwrap();
    let other = anna.seal(&request(&b, "other")).await.unwrap();
    let eve = server
        .person(&anna.http, "Eve", &["operator@a", "approver@a"])
        .await;
    let claims = [
        other.hash.clone(),
        "any text at all, ".repeat(100),
        "\u{202e}\u{200b}\n\u{1b}[31m“".into(),
    ];
    let mut jobs = JobServiceClient::new(eve.grpc().await);
    for hash in &claims {
        let start = v1::StartJobRequest {
            plan_id: mine.id.clone(),
            plan_hash: hash.clone(),
            accepted_warnings: Vec::new(),
        };
        let refused = jobs.start_job(start).await.unwrap_err();
        assert_eq!(code(&refused), "plan.other-hash");
        let eve = Console::with(eve.clone()).await;
        for refused in [
            eve.approve(&mine.id, hash).await.unwrap_err(),
            crate::plans::approvals::break_glass(
                &eve.http,
                &v1::PlanSummary {
                    hash: hash.clone(),
                    ..mine.clone()
                },
                "it has to be tonight",
            )
            .await
            .unwrap_err(),
        ] {
            assert_eq!(code(&refused), "plan.other-hash");
        }
    }
    let eves = async || {
        let (_, entries) = audit(&anna.http, None).await;
        let eves = entries
            .into_iter()
            .filter(|e| e.who == "Eve" && e.plan.is_some());
        eves.collect::<Vec<_>>()
    };
    let entries = eves().await;
    assert_eq!(entries.len(), 18, "each was begun, and refused");
    for entry in &entries {
        assert_eq!(entry.plan.as_deref(), Some(&*mine.hash));
        assert_eq!(entry.cluster.as_deref(), Some("a"));
        if entry.closes.is_none() {
            continue;
        }
        assert_eq!(entry.outcome, Some(Outcome::Refused));
        let reason = &entry.reason;
        assert!(
            reason.starts_with("plan.other-hash: the request named “"),
            "{reason}"
        );
        assert!(reason.chars().count() < 150, "{reason}");
        let plain = |c: char| c.is_ascii_graphic() || " “”…".contains(c);
        assert!(reason.chars().all(plain), "{reason}");
    }
    // Again and again, it is begun no more: the first few are entries, and the rest is counted.
    for _ in 0..200 {
        let start = v1::StartJobRequest {
            plan_id: mine.id.clone(),
            plan_hash: other.hash.clone(),
            accepted_warnings: Vec::new(),
        };
        let refused = jobs.start_job(start).await.unwrap_err();
        assert_eq!(code(&refused), "plan.other-hash");
    }
    assert!(eves().await.len() < 40, "{}", eves().await.len());
}

#[tokio::test]
async fn a_cluster_that_is_claimed_is_not_one_that_an_entry_is_about() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let eve = server.person(&admin, "Eve", &["operator@a"]).await;
    for (cluster, status) in [("b", 403), ("no such\u{7} name", 400)] {
        let upload = json!({"name": "a.db", "length": 1, "cluster": cluster});
        let refused = eve.post("/api/uploads", &upload).await;
        assert_eq!(refused.status(), status, "{cluster}");
    }
    let (_, entries) = audit(&admin, None).await;
    let eves: Vec<_> = entries
        .iter()
        .filter(|e| e.who == "Eve" && e.act == act::REQUEST)
        .collect();
    let [refused] = eves[..] else {
        panic!("{eves:?}")
    };
    assert_eq!(
        (refused.cluster.as_deref(), &*refused.reason),
        (None, "role.missing: for the cluster “b”")
    );
}

#[tokio::test]
async fn who_failed_to_sign_in_is_not_who_it_was() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    assert_eq!(admin.login(NAME, "wrong").await.status(), 401);
    assert_eq!(
        admin
            .login("the password in the wrong field", "x")
            .await
            .status(),
        401
    );
    let (_, entries) = audit(&admin, None).await;
    let failed: Vec<_> = of(&entries, act::LOGIN)
        .into_iter()
        .map(|e| (&*e.who, &*e.reason))
        .collect();
    assert_eq!(
        failed,
        [
            ("", &*format!("login.failed: as “{NAME}”")),
            ("", "login.failed")
        ]
    );
}

#[tokio::test]
async fn a_credential_that_goes_is_named_by_its_id() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let mut secrets = CredentialServiceClient::new(admin.grpc().await);
    let put = v1::PutCredentialRequest {
        name: "hunter2-in-the-wrong-field".into(),
        kind: v1::CredentialKind::Password.into(),
        value: b"prod".to_vec(),
        ..v1::PutCredentialRequest::default()
    };
    let put = secrets.put_credential(put).await.unwrap().into_inner();
    let id = put.credential.unwrap().id;
    secrets
        .remove_credential(v1::RemoveCredentialRequest { id: id.clone() })
        .await
        .unwrap();
    let (_, entries) = audit(&admin, None).await;
    let gone = of(&entries, act::SECRET_REMOVE);
    assert!(
        gone.iter().all(|e| e.subject == format!("credential {id}")),
        "{gone:?}"
    );
    let all = serde_json::to_string(&entries).unwrap();
    assert!(!all.contains("hunter2"), "no name that may be a value");
}

#[tokio::test]
async fn a_flood_of_refusals_is_a_few_entries_and_a_count() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let vi = server.person(&admin, "Vi", &["viewer"]).await;
    viewer_tries(&vi, 300).await;
    // What is done meanwhile is an entry of its own, each time.
    for n in 0..20 {
        server.person(&admin, &format!("p{n}"), &["viewer"]).await;
    }
    let (_, entries) = audit(&admin, None).await;
    let refused = |entries: &[Entry]| {
        let vis = entries
            .iter()
            .filter(|e| e.who == "Vi" && e.act == act::REQUEST);
        vis.map(|e| e.reason.clone()).collect::<Vec<_>>()
    };
    assert_eq!(refused(&entries), ["role.missing"; 5]);
    let joined = of(&entries, act::JOIN)
        .into_iter()
        .filter(|e| e.outcome == Some(Outcome::Done));
    assert_eq!(joined.count(), 21);
    // A server that stops does not keep it to itself.
    let server = server.restart(Options::default()).await;
    let admin = server.signed_in().await;
    let (verified, entries) = audit(&admin, None).await;
    assert_eq!(verified.unknown, 0);
    let counted = refused(&entries);
    assert_eq!(counted.len(), 6);
    assert_eq!(
        counted[5],
        "role.missing: 295 more within 60 s, counted and not listed one by one"
    );
    drop(vi);
}

#[tokio::test]
async fn nobody_makes_another_plans_dossier_impossible_or_large() {
    let server = TestServer::start().await;
    let anna = Console::over(&server).await;
    let snapshot = anna.upload("3.6.14-mixed.db").await;
    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    anna.approve(&plan.id, &plan.hash).await.unwrap();
    let job = anna.start(&plan).await.unwrap();
    anna.finished(&job.id).await;
    let take = async || {
        let answer = anna
            .http
            .get(&format!("/api/jobs/{}/dossier", job.id))
            .await;
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap()
    };
    let before = take().await;
    // Entries of before this was mended: another's plan with this one's hash; and many tries at this one.
    let ledger = &server.app().ledger;
    let draft = |plan_id: &str| requorum_shared::ledger::entry::Draft {
        who: "Eve".into(),
        act: act::JOB_START.into(),
        subject: format!("plan {plan_id}"),
        about: Some(About::plan(plan_id)),
        plan: Some(plan.hash.clone()),
        ..Default::default()
    };
    let notes =
        (0..12_000).map(|_| ledger.note(draft("another"), Outcome::Refused, "plan.other-hash"));
    futures_util::future::join_all(notes).await;
    let after = take().await;
    assert!(
        after.len() < before.len() + 20_000,
        "{} and {}",
        before.len(),
        after.len()
    );
    let notes = (0..12_000).map(|_| ledger.note(draft(&plan.id), Outcome::Refused, "plan.used"));
    futures_util::future::join_all(notes).await;
    let bytes = take().await;
    assert!(
        bytes.len() < before.len() + 200_000,
        "{} and {}",
        before.len(),
        bytes.len()
    );
    let key = requorum_shared::ledger::checkpoint::VerifyingKey::parse(&ledger.key().to_string())
        .unwrap();
    let verdict = requorum_shared::dossier::verify(&bytes, Some(&key));
    assert!(verdict.whole, "{verdict:#?}");
    let page = format!("{:?}", verdict.document);
    assert!(
        page.contains("11,900 more acts") || page.contains("11900 more acts"),
        "it says what is left out"
    );
    let refused = JobServiceClient::new(anna.http.grpc().await)
        .start_job(v1::StartJobRequest {
            plan_id: plan.id.clone(),
            plan_hash: plan.hash.clone(),
            accepted_warnings: Vec::new(),
        })
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::AlreadyExists);
}
