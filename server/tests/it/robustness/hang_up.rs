//! Callers who hang up, at every moment there is: what was begun is done and the ledger says so, or it was never begun.

use std::collections::BTreeSet;
use std::time::Duration;

use prost::Message;
use requorum_server::grpc::v1::credential_service_client::CredentialServiceClient;
use requorum_server::grpc::v1::people_service_client::PeopleServiceClient;
use requorum_server::grpc::v1::policy_service_client::PolicyServiceClient;
use requorum_shared::api::upload::{Upload, Uploads};
use requorum_shared::api::v1;
use requorum_shared::canonical::sha256_hex;
use requorum_shared::ledger::entry::{Entry, Outcome, Phase, act};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::ledger::entries::audit;
use crate::plans::approvals::{approval, policy};
use crate::support::harness::{Client, TestServer, fixture};
use crate::support::recovery::{Console, asked, request};

/// Milliseconds after which the callers of one kind of act hang up, one after the other.
const AFTER_MS: [u64; 16] = [0, 0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 10, 12, 20];

/// A request as it goes over the wire.
struct Asked {
    method: &'static str,
    path: String,
    kind: &'static str,
    more: String,
    body: Vec<u8>,
}

fn typed(method: &str, message: &impl Message) -> Asked {
    let message = message.encode_to_vec();
    let mut body = vec![0];
    body.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    body.extend_from_slice(&message);
    Asked {
        method: "POST",
        path: format!("/requorum.v1.{method}"),
        kind: "application/grpc-web+proto",
        more: String::new(),
        body,
    }
}

/// Sends all of a request and resets the connection, without having read a byte.
async fn hang_up(server: &TestServer, client: &Client, asked: &Asked, after_ms: u64) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let head = format!(
        "{} {} HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\ncontent-type: {}\r\ncontent-length: {}\r\n{}\r\n",
        asked.method,
        asked.path,
        server.address,
        client.cookie.as_deref().unwrap(),
        asked.kind,
        asked.body.len(),
        asked.more,
    );
    let whole = [head.as_bytes(), &asked.body].concat();
    stream.write_all(&whole).await.unwrap();
    // How long the caller waits is what is tried out; nothing below relies on it.
    tokio::time::sleep(Duration::from_millis(after_ms)).await;
    stream.set_zero_linger().unwrap();
}

/// The ledger, once everything that was begun is over.
async fn settled(server: &TestServer, reader: &Client) -> Vec<Entry> {
    let mut before = None;
    loop {
        let acts = &server.app().acts;
        acts.close();
        acts.wait().await;
        acts.reopen();
        let (verified, entries) = audit(reader, None).await;
        if verified.open.is_empty() && before == Some(entries.len()) {
            assert_eq!(
                verified.unknown, 0,
                "nothing ends as unknown without a crash"
            );
            return entries;
        }
        before = Some(entries.len());
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}

/// What the ledger says was done, as the closing entries have it.
fn done<T: Ord>(entries: &[Entry], act: &str, what: impl Fn(&Entry) -> T) -> BTreeSet<T> {
    entries
        .iter()
        .filter(|e| e.act == act && e.phase == Phase::Closed && e.outcome == Some(Outcome::Done))
        .map(what)
        .collect()
}

fn plan(entry: &Entry) -> String {
    entry.plan.clone().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plans_are_sealed_approved_and_started_and_the_ledger_says_so_or_not_at_all() {
    let server = TestServer::start().await;
    let anna = Console::over(&server).await;
    let snapshot = anna.upload("3.6.14-mixed.db").await;
    let ben = server.person(&anna.http, "Ben", &["approver"]).await;

    let mut paths = BTreeSet::new();
    for (n, after) in AFTER_MS.into_iter().enumerate() {
        let path = format!("sealed-{n}");
        let request_json = asked(&request(&snapshot, &path));
        let seal = v1::SealPlanRequest {
            kind: "etcd.restore".into(),
            request_json,
        };
        hang_up(
            &server,
            &anna.http,
            &typed("PlanService/SealPlan", &seal),
            after,
        )
        .await;
        paths.insert(path);
    }
    let entries = settled(&server, &anna.http).await;
    let sealed: BTreeSet<_> = anna.plans().await.into_iter().map(|p| p.hash).collect();
    assert_eq!(done(&entries, act::PLAN_SEAL, plan), sealed);

    let mut plans = Vec::new();
    for (n, after) in AFTER_MS.into_iter().enumerate() {
        let plan = anna
            .seal(&request(&snapshot, &format!("a{n}")))
            .await
            .unwrap();
        let approve = v1::ApprovePlanRequest {
            id: plan.id.clone(),
            hash: plan.hash.clone(),
            accepted_warnings: Vec::new(),
        };
        hang_up(
            &server,
            &ben,
            &typed("PlanService/ApprovePlan", &approve),
            after,
        )
        .await;
        plans.push(plan);
    }
    let entries = settled(&server, &anna.http).await;
    let mut voted = BTreeSet::new();
    for plan in &plans {
        let votes = approval(&anna.http, plan).await.votes;
        assert!(votes.len() < 2);
        voted.extend(votes.into_iter().map(|vote| vote.plan_hash));
    }
    assert_eq!(done(&entries, act::PLAN_APPROVE, plan), voted);

    for (plan, after) in plans.iter().zip(AFTER_MS) {
        let _ = Console::with(ben.clone())
            .await
            .approve(&plan.id, &plan.hash)
            .await;
        let start = v1::StartJobRequest {
            plan_id: plan.id.clone(),
            plan_hash: plan.hash.clone(),
            accepted_warnings: Vec::new(),
        };
        hang_up(
            &server,
            &anna.http,
            &typed("JobService/StartJob", &start),
            after,
        )
        .await;
    }
    settled(&server, &anna.http).await;
    let jobs = anna.jobs().await;
    assert!(!jobs.is_empty(), "some callers waited long enough");
    for job in &jobs {
        // Nobody has to wait for a lease to run out until it begins.
        anna.watch(&job.id, 0).await.unwrap();
    }
    let entries = settled(&server, &anna.http).await;
    let started = done(&entries, act::JOB_START, |e| e.job.clone().unwrap());
    assert_eq!(started, jobs.into_iter().map(|job| job.id).collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_whose_last_byte_arrived_is_stored_and_its_hash_is_in_the_ledger() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let mut sent = BTreeSet::new();
    for (n, after) in AFTER_MS.into_iter().enumerate() {
        let mut bytes = fixture("3.6.14-mixed.db");
        let at = bytes.len() - 100 - n;
        bytes[at] ^= 0xff;
        let announce = json!({"name": format!("{n}.db"), "length": bytes.len()});
        let upload: Upload = admin
            .post("/api/uploads", &announce)
            .await
            .json()
            .await
            .unwrap();
        sent.insert(sha256_hex(&bytes));
        let asked = Asked {
            method: "PATCH",
            path: format!("/api/uploads/{}", upload.id),
            kind: "application/offset+octet-stream",
            more: "upload-offset: 0\r\n".into(),
            body: bytes,
        };
        hang_up(&server, &admin, &asked, after).await;
    }
    let entries = settled(&server, &admin).await;
    let stored: BTreeSet<_> = admin
        .snapshots()
        .await
        .files
        .into_iter()
        .map(|s| s.id)
        .collect();
    assert!(stored.is_subset(&sent) && !stored.is_empty());
    let told = done(&entries, act::FILE_UPLOAD, |e| e.subject.clone());
    assert_eq!(told, stored.iter().map(|id| format!("file {id}")).collect());

    // The same for removing them: what the ledger says is gone, and nothing else.
    for (id, after) in stored.iter().zip(AFTER_MS) {
        let remove = v1::RemoveFileRequest { id: id.clone() };
        let asked = typed("FileService/RemoveFile", &remove);
        hang_up(&server, &admin, &asked, after).await;
    }
    let entries = settled(&server, &admin).await;
    let left: BTreeSet<_> = admin
        .snapshots()
        .await
        .files
        .into_iter()
        .map(|s| s.id)
        .collect();
    let gone: BTreeSet<_> = stored.difference(&left).cloned().collect();
    assert!(!gone.is_empty(), "some callers waited long enough");
    let of = |e: &Entry| e.subject["file ".len()..][..64].to_owned();
    assert_eq!(done(&entries, act::FILE_REMOVE, of), gone);
    for id in &stored {
        let object = server
            .data_dir()
            .join(format!("objects/sha256/{}/{id}", &id[..2]));
        assert_eq!(object.exists(), left.contains(id));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_policies_tokens_and_credentials_are_as_the_ledger_says() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let mut disabled = Vec::new();
    for (n, after) in AFTER_MS.into_iter().enumerate() {
        let one = server
            .person(&admin, &format!("one {n}"), &["viewer", "operator"])
            .await;
        let announce = json!({"name": "left.db", "length": 100});
        let begun: Upload = one
            .post("/api/uploads", &announce)
            .await
            .json()
            .await
            .unwrap();
        let sent = one
            .request("PATCH", &format!("/api/uploads/{}", begun.id))
            .header("upload-offset", 0)
            .body(vec![7; 10]);
        assert_eq!(sent.send().await.unwrap().status(), 200);
        let token = v1::CreateTokenRequest {
            name: format!("token {n}"),
            grants: crate::support::harness::grants(&["viewer"]),
            days: 1,
        };
        one.people()
            .await
            .create_token(token.clone())
            .await
            .unwrap();
        let id: serde_json::Value = one.get("/api/session").await.json().await.unwrap();
        let person = v1::DisablePersonRequest {
            id: id["user_id"].as_str().unwrap().into(),
        };
        disabled.push((person.id.clone(), format!("one {n}")));
        let invite = v1::InvitePersonRequest {
            name: format!("new {n}"),
            grants: crate::support::harness::grants(&["viewer"]),
        };
        let set = v1::SetPolicyRequest {
            policy: Some(v1::Policy {
                cluster: format!("c{n}"),
                ..policy(2, "always", true)
            }),
        };
        let put = v1::PutCredentialRequest {
            name: format!("secret {n}"),
            kind: v1::CredentialKind::Password.into(),
            value: b"hush".to_vec(),
            ..v1::PutCredentialRequest::default()
        };
        for asked in [
            typed("PeopleService/InvitePerson", &invite),
            typed("PeopleService/CreateToken", &token),
            typed("PeopleService/DisablePerson", &person),
            typed("PolicyService/SetPolicy", &set),
            typed("CredentialService/PutCredential", &put),
        ] {
            hang_up(&server, &admin, &asked, after).await;
        }
    }
    let entries = settled(&server, &admin).await;

    let mut people = PeopleServiceClient::new(admin.grpc().await);
    let all = people
        .list_people(v1::ListPeopleRequest {
            page_size: 200,
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner()
        .people;
    let new = all
        .iter()
        .filter(|p| p.name.starts_with("new"))
        .map(|p| p.name.clone());
    let invited = done(&entries, act::PEOPLE_INVITE, |e| {
        e.subject.replace(" as viewer", "")
    });
    let invited: BTreeSet<_> = invited
        .into_iter()
        .filter(|name| name.starts_with("new"))
        .collect();
    assert_eq!(invited, new.collect());

    let shut: BTreeSet<_> = all
        .iter()
        .filter(|p| p.disabled_at_ms != 0)
        .map(|p| p.name.clone())
        .collect();
    assert_eq!(
        done(&entries, act::PEOPLE_DISABLE, |e| e.subject.clone()),
        shut
    );
    assert!(!shut.is_empty());
    // What they were sending ended in the same act.
    let left = admin.get("/api/people/uploads?page_size=200").await;
    let left: Uploads = left.json().await.unwrap();
    let left: BTreeSet<_> = left.uploads.into_iter().map(|one| one.owner).collect();
    let not_shut = disabled.iter().map(|(_, name)| name.clone());
    assert_eq!(left, not_shut.filter(|name| !shut.contains(name)).collect());
    let everybody = v1::ListTokensRequest {
        all_owners: true,
        page_size: 200,
        ..Default::default()
    };
    let tokens = people
        .list_tokens(everybody)
        .await
        .unwrap()
        .into_inner()
        .tokens;
    for (id, name) in disabled {
        let person = v1::ListSessionsRequest {
            person_id: id.clone(),
            ..Default::default()
        };
        let sessions = people
            .list_sessions(person)
            .await
            .unwrap()
            .into_inner()
            .sessions;
        let good = tokens
            .iter()
            .any(|t| t.owner_id == id && t.revoked_at_ms == 0);
        assert_eq!(
            (sessions.is_empty(), !good),
            (shut.contains(&name), shut.contains(&name))
        );
    }
    let mine = tokens
        .iter()
        .filter(|t| !t.owner.starts_with("one"))
        .map(|t| t.name.clone());
    let made = done(&entries, act::TOKEN_CREATE, |e| {
        (e.who.clone(), e.subject.clone())
    });
    let made = made.into_iter().filter(|(who, _)| !who.starts_with("one"));
    let made: BTreeSet<_> = made
        .map(|(_, subject)| subject.replace(" for 1 days as viewer", ""))
        .collect();
    assert_eq!(made, mine.collect());

    let mut policies = PolicyServiceClient::new(admin.grpc().await);
    let set = policies
        .list_policies(v1::ListPoliciesRequest::default())
        .await
        .unwrap()
        .into_inner()
        .policies;
    let set = set
        .into_iter()
        .map(|p| p.cluster)
        .filter(|cluster| !cluster.is_empty());
    assert_eq!(
        done(&entries, act::POLICY_SET, |e| e.cluster.clone().unwrap()),
        set.collect()
    );

    let mut secrets = CredentialServiceClient::new(admin.grpc().await);
    let kept = secrets
        .list_credentials(v1::ListCredentialsRequest::default())
        .await
        .unwrap()
        .into_inner()
        .credentials;
    let count = entries.iter().filter(|e| {
        e.act == act::SECRET_SET && e.phase == Phase::Closed && e.outcome == Some(Outcome::Done)
    });
    assert_eq!(count.count(), kept.len());
}
