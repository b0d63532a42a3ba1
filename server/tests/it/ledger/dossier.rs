//! Dossiers of real recoveries: taken over HTTP and by the command line, verified as anybody would.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use requorum_server::grpc::v1::approval_service_client::ApprovalServiceClient;
use requorum_shared::api::v1;
use requorum_shared::dossier::{
    self, Approvals, JobFacts, LedgerFacts, Sources, Verdict, name, zip,
};
use requorum_shared::finding::Outcome;
use requorum_shared::job::events::{Body, Event};
use requorum_shared::job::fold::JobState;
use requorum_shared::ledger::checkpoint::SigningKey;
use requorum_shared::ledger::entry::Entry;
use requorum_shared::ledger::entry::act;
use requorum_shared::ledger::merkle::Hash;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::support::harness::{NAME, Options, PASSWORD, TestServer, error, fixture};
use crate::support::recovery::{Console, request};

/// Takes the dossier of a job.
pub(crate) async fn take(console: &Console, job: &str) -> (String, Vec<u8>) {
    let response = console.http.get(&format!("/api/jobs/{job}/dossier")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/zip");
    let name = response.headers()["content-disposition"].to_str().unwrap();
    (name.to_owned(), response.bytes().await.unwrap().to_vec())
}

fn judge(server: &TestServer, bytes: &[u8]) -> Verdict {
    dossier::verify(bytes, Some(server.app().ledger.key()))
}

/// Every check passes.
#[track_caller]
fn whole(verdict: &Verdict) {
    let trouble: Vec<_> = verdict
        .checks
        .iter()
        .filter(|check| check.outcome != Outcome::Pass)
        .collect();
    assert!(trouble.is_empty(), "{trouble:#?}");
}

fn text(bytes: &[u8], part: &str) -> String {
    let archive = zip::read(bytes).unwrap();
    let (_, bytes) = archive.parts.iter().find(|(n, _)| *n == part).unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn requorum(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_requorum"))
        .arg("dossier")
        .args(arguments)
        .output()
        .unwrap()
}

fn path(dir: &Path, name: &str) -> String {
    dir.join(name).to_str().unwrap().to_owned()
}

/// Anna makes and runs a plan that Ben approves.
pub(crate) async fn recovery(server: &TestServer) -> (Console, String) {
    let anna = Console::over(server).await;
    let ben = server.person(&anna.http, "Ben", &["approver"]).await;
    let ben = Console::with(ben).await;
    let snapshot = anna.upload("3.6.14-mixed.db").await;
    let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
    ben.approve(&plan.id, &plan.hash).await.unwrap();
    let job = anna.start(&plan).await.unwrap();
    let view = anna.finished(&job.id).await;
    assert_eq!(view.state, JobState::Completed, "{view:#?}");
    (anna, job.id)
}

#[tokio::test]
async fn a_recovery_by_two_people_is_whole_wherever_it_is_verified() {
    let server = TestServer::start().await;
    let (anna, job) = recovery(&server).await;
    let (disposition, bytes) = take(&anna, &job).await;
    assert!(
        disposition.contains(&format!("dossier-{job}.zip")),
        "{disposition}"
    );
    let verdict = judge(&server, &bytes);
    whole(&verdict);
    assert_eq!(
        verdict.sentence,
        format!(
            "Dossier valid: {n} of {n} checks pass.",
            n = verdict.checks.len()
        )
    );
    let page = text(&bytes, name::PAGE);
    for part in [
        "Done. A new cluster of 3 members",
        NAME,
        "Ben",
        "etcdutl snapshot restore",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("<script") && !page.contains("INTERIM"));

    // Taken again: the same record of the same recovery, under a later checkpoint.
    let (_, again) = take(&anna, &job).await;
    whole(&judge(&server, &again));
    for part in [
        name::PLAN,
        name::JOURNAL,
        name::APPROVALS,
        name::ENTRIES,
        name::TIMINGS,
    ] {
        assert_eq!(text(&bytes, part), text(&again, part), "{part}");
    }
    let taken = requorum_server::ledger::store::Filter {
        act: act::JOB_DOSSIER.into(),
        job: job.clone(),
        limit: 10,
        ..Default::default()
    };
    let taken = server.app().ledger.list(&taken).await.unwrap();
    assert_eq!(taken.len(), 4, "each download is opened and closed");
    let entry: Entry = serde_json::from_slice(&taken[0].canonical).unwrap();
    assert_eq!(entry.who, NAME);

    // By the command line, beside the running server, twice.
    let dir = tempfile::tempdir().unwrap();
    let data_dir = path(&server.data_dir(), "");
    let [one, two] = ["one.zip", "two.zip"].map(|name| path(dir.path(), name));
    for out in [&one, &two] {
        let made = requorum(&["export", "--job", &job, "--data-dir", &data_dir, "-o", out]);
        assert!(made.status.success(), "{made:?}");
    }
    let exported = std::fs::read(&one).unwrap();
    assert_eq!(
        exported,
        std::fs::read(&two).unwrap(),
        "the same recovery at the same checkpoint is the same file"
    );
    whole(&judge(&server, &exported));
    let key = server.app().ledger.key().to_string();
    let good = requorum(&["verify", &one, "--key", &key]);
    let said = String::from_utf8(good.stdout).unwrap();
    assert_eq!(good.status.code(), Some(0), "{said}");
    assert!(
        said.starts_with("Dossier valid: 14 of 14 checks pass.\n"),
        "{said}"
    );
    let file = path(dir.path(), "key");
    std::fs::write(&file, format!("{key}\n")).unwrap();
    assert!(requorum(&["verify", &one, "--key", &file]).status.success());
    let without = requorum(&["verify", &one, "-w", "json"]);
    assert_eq!(without.status.code(), Some(0));
    let verdict: serde_json::Value = serde_json::from_slice(&without.stdout).unwrap();
    assert_eq!(
        (&verdict["whole"], &verdict["job"], &verdict["key"]),
        (&json!(true), &json!(job), &json!(key))
    );
    let last = verdict["checks"].as_array().unwrap().last().unwrap();
    assert_eq!(last["outcome"], "not-checked");
    assert!(
        last["evidence"].as_str().unwrap().contains("compare"),
        "{last}"
    );

    // A byte of it, another console's key, no such file, no such job, nothing at all.
    let mut bad = exported.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    std::fs::write(&two, bad).unwrap();
    let other = TestServer::start().await;
    let other_key = other.app().ledger.key().to_string();
    for (arguments, code, why) in [
        (vec!["verify", &two], 1, "Do not rely on this dossier"),
        (
            vec!["verify", &one, "--key", &other_key],
            1,
            "Do not rely on this dossier: 1 of 14 checks fails.",
        ),
        (vec!["verify", "/nonexistent"], 1, "/nonexistent"),
        (vec!["verify", &one, "--key", "x+y"], 1, "--key"),
        (vec!["verify"], 2, "FILE"),
        (
            vec![
                "export",
                "--job",
                "nothing",
                "--data-dir",
                &data_dir,
                "-o",
                &file,
            ],
            1,
            "there is no job nothing",
        ),
        (
            vec!["export", "--job", &job, "--data-dir", &data_dir, "-o", &one],
            1,
            "exists",
        ),
        (
            vec![
                "export",
                "--job",
                &job,
                "--data-dir",
                "/nonexistent",
                "-o",
                &file,
            ],
            1,
            "there is no console in",
        ),
    ] {
        let output = requorum(&arguments);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(why), "{arguments:?}: {said}");
    }
    let (status, body) = error(anna.http.get("/api/jobs/nothing/dossier").await).await;
    assert_eq!((status, body.code.as_str()), (404, "job.unknown"));
}

/// The sources that an archive was packed from, without the ledger's entries for which `leave_out` holds.
fn sources_without(bytes: &[u8], leave_out: impl Fn(&Entry) -> bool) -> Sources {
    let json = |part| serde_json::from_str::<serde_json::Value>(&text(bytes, part)).unwrap();
    let proofs = json(name::PROOFS);
    let proofs = proofs["proofs"].as_array().unwrap().iter().map(|proof| {
        let path = proof["path"].as_array().unwrap().iter();
        let hashes = path.map(|hash| Hash::from_base64(hash.as_str().unwrap()).unwrap());
        hashes.collect::<Vec<_>>()
    });
    let entries = text(bytes, name::ENTRIES);
    let entries = entries.lines().zip(proofs).filter_map(|(line, path)| {
        let entry: Entry = serde_json::from_str(line).unwrap();
        (!leave_out(&entry)).then(|| (entry.index, line.as_bytes().to_vec(), path))
    });
    let events = text(bytes, name::JOURNAL);
    let events = events
        .lines()
        .map(|line| serde_json::from_str::<Event>(line).unwrap());
    let approvals: Approvals = serde_json::from_value(json(name::APPROVALS)).unwrap();
    Sources {
        console: "requorum".to_owned(),
        job: JobFacts {
            id: json(name::MANIFEST)["job"].as_str().unwrap().to_owned(),
            plan_json: text(bytes, name::PLAN),
            events: events.collect(),
        },
        remark: approvals.remark,
        review: approvals.review,
        inspections_json: text(bytes, name::INSPECTIONS)
            .lines()
            .map(str::to_owned)
            .collect(),
        ledger: LedgerFacts {
            entries: entries.collect(),
            checkpoint: text(bytes, name::CHECKPOINT),
            left_out: 0,
        },
    }
}

#[tokio::test]
async fn an_approval_that_the_ledger_does_not_show_has_an_exit_code_of_its_own() {
    let server = TestServer::start().await;
    let (anna, job) = recovery(&server).await;
    let (_, bytes) = take(&anna, &job).await;
    let secret = std::fs::read_to_string(server.data_dir().join("ledger-key")).unwrap();
    let key = SigningKey::parse_secret_text(&secret).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let verify = |bytes: &[u8], more: &[&str]| {
        let file = path(dir.path(), "dossier.zip");
        std::fs::write(&file, bytes).unwrap();
        let output = requorum(&[&["verify", file.as_str()][..], more].concat());
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), said)
    };
    // All of it packed again is what it was, and allowed.
    let again = dossier::pack(&sources_without(&bytes, |_| false), &key).unwrap();
    assert_eq!(verify(&again, &[]).0, Some(0), "{}", verify(&again, &[]).1);
    // The ledger has that Ben's approval began, and not how it ended.
    let ended = |entry: &Entry| entry.act == act::PLAN_APPROVE && entry.closes.is_some();
    let open = dossier::pack(&sources_without(&bytes, ended), &key).unwrap();
    let known = key.verifying().to_string();
    let with_key = ["--key", known.as_str()];
    for more in [&with_key[..0], &with_key] {
        let (code, said) = verify(&open, more);
        assert_eq!(code, Some(3), "{said}");
        let sentence =
            "No check fails, but this dossier does not show that the plan was approved: ";
        assert!(said.starts_with(sentence), "{said}");
    }
    let (code, said) = verify(&open, &["-w", "json"]);
    assert_eq!(code, Some(3), "{said}");
    let verdict: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (&verdict["whole"], &verdict["approval"]),
        (&json!(true), &json!("not-checked"))
    );
}

/// The warning of a plan for two members.
fn even() -> v1::AcceptedWarning {
    v1::AcceptedWarning {
        code: "members.even".into(),
        subject: "--initial-cluster".into(),
    }
}

#[tokio::test]
async fn an_approval_that_accepts_a_warning_is_in_it_and_proven() {
    let server = TestServer::start().await;
    let anna = Console::over(&server).await;
    let ben = server.person(&anna.http, "Ben", &["approver"]).await;
    let ben = Console::with(ben).await;
    let snapshot = anna.upload("3.6.14-mixed.db").await;
    let mut wanted = request(&snapshot, "a");
    wanted.members.pop();
    let plan = anna.seal(&wanted).await.unwrap();
    ben.approve(&plan.id, &plan.hash).await.unwrap_err();
    ben.approve_accepting(&plan.id, &plan.hash, &[even()])
        .await
        .unwrap();
    let job = anna.start(&plan).await.unwrap();
    assert_eq!(anna.finished(&job.id).await.state, JobState::Completed);
    let (_, bytes) = take(&anna, &job.id).await;
    whole(&judge(&server, &bytes));
    let entries = text(&bytes, name::ENTRIES);
    let said = "accepting 1 warning: members.even (--initial-cluster)";
    assert!(entries.contains(said), "{entries}");
}

#[tokio::test]
async fn a_broken_glass_is_in_it_with_its_review() {
    let server = TestServer::start().await;
    let anna = Console::over(&server).await;
    let ben = server.person(&anna.http, "Ben", &["approver"]).await;
    let snapshot = anna.upload("3.5.33-three.db").await;
    let mut wanted = request(&snapshot, "");
    wanted.target = requorum_shared::etcd::recovery::restore::Target::Download;
    // Two members are a warning, which is accepted with the override.
    wanted.members.pop();
    let plan = anna.seal(&wanted).await.unwrap();
    let broken = v1::BreakGlassRequest {
        plan_id: plan.id.clone(),
        plan_hash: plan.hash.clone(),
        reason: "prod is down, and Ben is asleep".into(),
        accepted_warnings: vec![even()],
    };
    let mut approvals = ApprovalServiceClient::new(anna.http.grpc().await);
    let review = approvals.break_glass(broken).await.unwrap().into_inner();
    let job = anna.start(&plan).await.unwrap();
    anna.finished(&job.id).await;

    let (_, bytes) = take(&anna, &job.id).await;
    let verdict = judge(&server, &bytes);
    whole(&verdict);
    let document = verdict.document.unwrap();
    let (_, notice) = &document.notices[0];
    assert!(
        notice.contains("Ben is asleep") && notice.contains("still open"),
        "{notice}"
    );
    let page = text(&bytes, name::PAGE);
    assert!(
        page.contains("at the end of the job): restored members, with all keys and values"),
        "what is left to clean up"
    );

    let mut approvals = ApprovalServiceClient::new(ben.grpc().await);
    let close = v1::CloseReviewRequest {
        id: review.review.unwrap().id,
        note: "It was right to do so.".into(),
    };
    approvals.close_review(close).await.unwrap();
    let (_, bytes) = take(&anna, &job.id).await;
    let verdict = judge(&server, &bytes);
    whole(&verdict);
    let (_, notice) = &verdict.document.unwrap().notices[0];
    assert!(notice.contains("Ben closed the review"), "{notice}");
}

#[tokio::test]
async fn while_it_goes_on_it_is_interim_and_every_end_has_its_dossier() {
    for (choice, state, words) in [
        ("undo", JobState::Undone, "All changes were rolled back."),
        ("leave", JobState::Left, "Ended early, changes kept."),
    ] {
        // What can be kept has to be made first: then it is the boot check that fails, with an etcd that ends at once.
        let bin = tempfile::tempdir().unwrap();
        let mut options = Options::default();
        if choice == "leave" {
            fake_etcd(&bin.path().join("etcd"));
            options.etcd_bin = vec![bin.path().into()];
        }
        let server = TestServer::with(options).await;
        let anna = Console::over(&server).await;
        let snapshot = anna.upload("3.5.33-mixed.db").await;
        let plan = anna.seal(&request(&snapshot, "a")).await.unwrap();
        anna.approve(&plan.id, &plan.hash).await.unwrap();
        if choice == "undo" {
            let object = server
                .data_dir()
                .join(format!("objects/sha256/{}/{snapshot}", &snapshot[..2]));
            let mut bytes = std::fs::read(&object).unwrap();
            bytes[5000] ^= 1;
            std::fs::write(&object, bytes).unwrap();
        }
        let job = anna.start(&plan).await.unwrap();
        let asked = |e: &Event| matches!(e.body, Body::Asked { .. });
        anna.watch_until(&job.id, 0, asked).await.unwrap();

        let (disposition, bytes) = take(&anna, &job.id).await;
        assert!(disposition.contains("-interim.zip"), "{disposition}");
        let verdict = judge(&server, &bytes);
        whole(&verdict);
        assert!(verdict.interim && verdict.sentence.to_lowercase().contains("interim"));
        for part in [name::README, name::PAGE] {
            assert!(text(&bytes, part).contains("INTERIM"), "{part}");
        }

        anna.answer(&job.id, "q1", choice).await.unwrap();
        let view = crate::support::recovery::fold(&anna.watch(&job.id, 0).await.unwrap());
        assert_eq!(view.state, state);
        let (_, bytes) = take(&anna, &job.id).await;
        let verdict = judge(&server, &bytes);
        whole(&verdict);
        let document = verdict.document.unwrap();
        assert!(
            document.sentence.starts_with(words),
            "{}",
            document.sentence
        );
        assert!(!verdict.interim && !text(&bytes, name::README).contains("INTERIM"));
        if choice == "leave" {
            // What was kept can be removed like the result of a job that has completed.
            let left = anna.leftovers(&job.id).await;
            assert_eq!(left.folders.len(), 1, "{left:?}");
            anna.remove_leftovers(&job.id, &left.confirm).await.unwrap();
            let place = server.data_dir().join("restores/a");
            assert!(!place.exists());
            let (_, bytes) = take(&anna, &job.id).await;
            whole(&judge(&server, &bytes));
        }
    }
}

/// An etcd of the version that restores are for, which ends as soon as it is started.
fn fake_etcd(path: &Path) {
    let script =
        "#!/bin/sh\n[ \"$1\" = --version ] && echo 'etcd Version: 3.6.99' && exit 0\nexit 3\n";
    std::fs::write(path, script).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
}

/// Planted wherever a secret can be, and looked for in all of the archive.
#[tokio::test]
async fn no_secret_is_in_it() {
    const VALUE: &[u8; 24] = b"MARKER-in-a-value-000001";
    const CREDENTIAL: &str = "MARKER-credential-000002";
    let mut snapshot = fixture("3.6.14-mixed.db");
    let old = b"value 199 xxxxxxxxxxxxxx";
    let places: Vec<_> = (0..snapshot.len() - old.len())
        .filter(|at| snapshot[*at..].starts_with(old))
        .collect();
    assert!(!places.is_empty());
    for at in places {
        snapshot[at..at + VALUE.len()].copy_from_slice(VALUE);
    }
    let end = snapshot.len() - 32;
    let trailer = Sha256::digest(&snapshot[..end]);
    snapshot[end..].copy_from_slice(&trailer);

    let server = TestServer::start().await;
    let anna = Console::over(&server).await;
    let put = v1::PutCredentialRequest {
        id: String::new(),
        name: "prod-etcd root".into(),
        kind: v1::CredentialKind::Password.into(),
        value: CREDENTIAL.into(),
    };
    use requorum_server::grpc::v1::credential_service_client::CredentialServiceClient;
    CredentialServiceClient::new(anna.http.grpc().await)
        .put_credential(put)
        .await
        .unwrap();
    let token = v1::CreateTokenRequest {
        name: "nightly".into(),
        grants: crate::support::harness::grants(&["operator"]),
        days: 1,
    };
    let token = anna.http.people().await.create_token(token).await.unwrap();
    let token = token.into_inner().secret;
    let program = Console::with(server.program(&token)).await;
    let id = anna.upload_bytes("marked.db", snapshot.clone()).await;
    let plan = anna.seal(&request(&id, "a")).await.unwrap();
    anna.approve(&plan.id, &plan.hash).await.unwrap();
    let job = program.start(&plan).await.unwrap();
    let view = anna.finished(&job.id).await;
    assert_eq!(view.state, JobState::Completed, "{view:#?}");

    let (_, bytes) = take(&program, &job.id).await;
    whole(&judge(&server, &bytes));
    // The archive stores its parts as they are: what is in one of them is found in it.
    let found = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    assert!(found(b"marked.db") && found(plan.hash.as_bytes()));
    let key = std::fs::read_to_string(server.data_dir().join("ledger-key")).unwrap();
    let master = std::fs::read_to_string(server.data_dir().join("master.key")).unwrap();
    let cookie = anna.http.cookie.clone().unwrap();
    let cookie = cookie.split_once('=').unwrap().1;
    for secret in [
        &VALUE[..],
        CREDENTIAL.as_bytes(),
        PASSWORD.as_bytes(),
        token.as_bytes(),
        cookie.as_bytes(),
        server.setup_token().as_bytes(),
        key.trim().as_bytes(),
        key.trim().splitn(5, '+').last().unwrap().as_bytes(),
        master.trim().as_bytes(),
        b"MARKER",
        b"second 198",
    ] {
        assert!(!found(secret), "{}", secret.escape_ascii());
    }
}
