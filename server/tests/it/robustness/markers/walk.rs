//! What people and programs do with a console, with its failures and refusals, and a secret in every place that takes
//! one.

use prost::Message as _;
use requorum_shared::api::methods::{Call as _, METHODS};
use requorum_shared::api::v1;
use serde_json::json;

use super::{SNAPSHOTS, Told};
use crate::support::harness::{Client, NAME, fixture};

/// Passwords, links and sessions: right ones, wrong ones, and ones in the wrong place.
pub(super) async fn people(told: &Told) -> (Client, Client) {
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
        grants: crate::support::harness::grants(&["approver", "operator"]),
    };
    let link = told.call(&admin, &invite).await.link.unwrap();
    told.plant("an invitation", &link.token);
    let short = json!({"token": link.token, "password": "short"});
    assert_eq!(told.post(&nobody, "/api/join", short).await, 400);
    let password = told.secret("an invited person's password");
    let body = json!({"token": link.token, "password": password});
    let ben = told
        .come_in("an invited person", "/api/join", body.clone())
        .await;
    told.requorum(&["user", "confirm", "Ben"], "", false);
    assert_eq!(
        told.post(&nobody, "/api/join", body).await,
        403,
        "it was used"
    );
    // Nobody follows this one, nor the next.
    let invite = v1::InvitePersonRequest {
        name: "Carl".into(),
        grants: crate::support::harness::grants(&["viewer"]),
    };
    let unused = told.call(&admin, &invite).await.link.unwrap();
    told.plant("an invitation that nobody used", &unused.token);
    let people = told.call(&admin, &v1::ListPeopleRequest::default()).await;
    let id = |name: &str| {
        people
            .people
            .iter()
            .find(|p| p.name == name)
            .unwrap()
            .id
            .clone()
    };
    let link = told
        .call(&admin, &v1::MakePasswordLinkRequest { id: id("Ben") })
        .await
        .link
        .unwrap();
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
    told.call(&admin, &v1::DisablePersonRequest { id: id("Carl") })
        .await;
    let forged = Client {
        cookie: Some(format!("requorum={}", told.secret("a made-up session"))),
        ..told.stranger()
    };
    assert_eq!(told.http(&forged, "GET", "/api/session", "").await.0, 401);
    (admin, ben)
}

/// One that is used, one that was revoked, and one that never was.
pub(super) async fn tokens(told: &Told, admin: &Client) -> Client {
    let create = v1::CreateTokenRequest {
        name: "backup".into(),
        grants: crate::support::harness::grants(&["viewer"]),
        days: 1,
    };
    let kept = told.call(admin, &create).await;
    let gone = told.call(admin, &create).await;
    let program = |secret: &str| Client {
        token: Some(secret.to_owned()),
        ..told.stranger()
    };
    told.plant("a token", &kept.secret);
    told.plant("a token that was revoked", &gone.secret);
    let id = gone.token.unwrap().id;
    told.call(admin, &v1::RevokeTokenRequest { id }).await;
    let made_up = format!("rq_{}", told.secret("a made-up token"));
    for (secret, status) in [(&kept.secret, 200), (&gone.secret, 401), (&made_up, 401)] {
        assert_eq!(
            told.http(&program(secret), "GET", "/api/session", "")
                .await
                .0,
            status
        );
    }
    let refused = v1::PutCredentialRequest {
        name: "not by programs".into(),
        kind: v1::CredentialKind::Password.into(),
        value: told.secret("a credential that a program sent").into_bytes(),
        ..v1::PutCredentialRequest::default()
    };
    told.refused(&program(&kept.secret), &refused).await;
    program(&kept.secret)
}

/// Credentials: kept, replaced, removed, and refused for every reason.
pub(super) async fn secrets(told: &Told, admin: &Client) {
    let put = |name: &str, kind: &str, value: String| v1::PutCredentialRequest {
        name: name.into(),
        kind: kind_of(kind),
        value: value.into_bytes(),
        ..v1::PutCredentialRequest::default()
    };
    for kind in ["password", "token", "private-key", "certificate", "other"] {
        let value = told.secret(&format!("a sealed credential ({kind})"));
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{value}\n-----END PRIVATE KEY-----\n");
        told.call(admin, &put(kind, kind, pem)).await;
    }
    let old = put(
        "prod-etcd",
        "password",
        told.secret("a replaced credential"),
    );
    let made = told.call(admin, &old).await.credential.unwrap();
    let new = v1::PutCredentialRequest {
        id: made.id,
        ..put(
            "prod-etcd",
            "password",
            told.secret("the credential that replaced it"),
        )
    };
    told.call(admin, &new).await;
    let gone = put("gone", "password", told.secret("a removed credential"));
    let gone = told.call(admin, &gone).await.credential.unwrap();
    let remove = v1::RemoveCredentialRequest { id: gone.id };
    told.call(admin, &remove).await;
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
        told.refused(admin, &refused).await;
    }
    let whole = put(
        "cut",
        "password",
        told.secret("a credential that was cut off"),
    )
    .encode_to_vec();
    for message in [&whole[..whole.len() - 1], &[&whole[..], &[0x07]].concat()] {
        let (status, _) = told
            .raw(admin, v1::PutCredentialRequest::METHOD.path, message)
            .await;
        assert_eq!(status, 3);
    }
}

fn kind_of(word: &str) -> i32 {
    let name = format!("CREDENTIAL_KIND_{}", word.to_uppercase().replace('-', "_"));
    v1::CredentialKind::from_str_name(&name).map_or(99, Into::into)
}

/// A snapshot with etcd's own accounts in it; gives its id.
pub(super) async fn snapshots(told: &Told, admin: &Client) -> String {
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
pub(super) async fn recovery(told: &mut Told, admin: &Client, ben: &Client, snapshot: &str) {
    let rejected = told.seal(admin, snapshot, "rejected").await;
    let reject = v1::RejectPlanRequest {
        id: rejected.id.clone(),
        hash: rejected.hash.clone(),
        reason: "not this one".into(),
    };
    told.call(ben, &reject).await;

    let plan = told.seal(admin, snapshot, "approved").await;
    let approve = |plan: &v1::PlanSummary| v1::ApprovePlanRequest {
        id: plan.id.clone(),
        hash: plan.hash.clone(),
        accepted_warnings: Vec::new(),
    };
    told.refused(admin, &approve(&plan)).await;
    let other = v1::ApprovePlanRequest {
        hash: rejected.hash.clone(),
        ..approve(&plan)
    };
    told.refused(ben, &other).await;
    let asked = v1::GetApprovalRequest {
        plan_id: plan.id.clone(),
    };
    let approval = told.call(ben, &asked).await.approval.unwrap();
    let read = v1::ApprovePlanRequest {
        accepted_warnings: approval.unaccepted_warnings,
        ..approve(&plan)
    };
    told.call(ben, &read).await;
    told.refused(ben, &approve(&plan)).await;
    let job = told.start_job(admin, &plan).await;
    told.follow(admin, &job.id).await;

    // Its target is taken meanwhile.
    let void = told.seal(admin, snapshot, "taken").await;
    std::fs::create_dir_all(told.data().join("restores/taken/m1")).unwrap();
    told.refused(ben, &approve(&void)).await;

    let glass = told.seal(admin, snapshot, "broken").await;
    let asked = v1::GetApprovalRequest {
        plan_id: glass.id.clone(),
    };
    let approval = told.call(admin, &asked).await.approval.unwrap();
    let break_glass = v1::BreakGlassRequest {
        plan_id: glass.id.clone(),
        plan_hash: glass.hash.clone(),
        reason: "nobody answers the phone, the store is down".into(),
        accepted_warnings: approval.unaccepted_warnings,
    };
    let review = told.call(admin, &break_glass).await;
    let job = told.start_job(admin, &glass).await;
    told.kill();
    told.start_again();
    told.follow(admin, &job.id).await;
    let close = v1::CloseReviewRequest {
        id: review.review.unwrap().id,
        note: "it was right: the store was down".into(),
    };
    // However that ends, it is answered.
    told.raw(
        ben,
        v1::CloseReviewRequest::METHOD.path,
        &close.encode_to_vec(),
    )
    .await;
}

/// All that can be looked at is looked at.
pub(super) async fn everything_is_read(told: &Told, admin: &Client, program: &Client) {
    for client in [admin, program] {
        for method in METHODS.iter().filter(|m| m.reads && !m.streams) {
            told.raw(client, method.path, &[]).await;
        }
    }
    let plans = told.call(admin, &v1::ListPlansRequest::default()).await;
    assert_eq!(plans.plans.len(), 4);
    for plan in plans.plans {
        let id = plan.id.clone();
        told.call(admin, &v1::GetPlanRequest { id }).await;
        let approval = v1::GetApprovalRequest { plan_id: plan.id };
        told.call(admin, &approval).await;
    }
    let jobs = told.call(admin, &v1::ListJobsRequest::default()).await;
    assert_eq!(jobs.jobs.len(), 2);
    for job in jobs.jobs {
        told.call(admin, &v1::GetJobRequest { id: job.id }).await;
    }
    let snapshots = told.call(admin, &v1::ListFilesRequest::default()).await;
    assert_eq!(snapshots.files.len(), 3);
    for snapshot in snapshots.files {
        let get = v1::GetFileRequest { id: snapshot.id };
        told.call(admin, &get).await;
    }
    let everybody = v1::ListTokensRequest {
        all_owners: true,
        ..Default::default()
    };
    told.call(admin, &everybody).await;
    let entries = v1::ListEntriesRequest {
        page_size: 200,
        ..v1::ListEntriesRequest::default()
    };
    let entries = told.call(admin, &entries).await;
    assert!(
        entries.next_page_token.is_empty() && entries.size > 40,
        "{}",
        entries.size
    );
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
