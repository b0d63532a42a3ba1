//! `requorum user` and `requorum token`: accounts without a browser, before, beside and after a server.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use requorum_shared::api::upload::{Upload, Uploads};
use requorum_shared::ledger::entry::{Outcome, act};
use serde_json::json;

use crate::ledger::entries::audit;
use crate::support::harness::{Client, NAME, Options, PASSWORD, TestServer};

fn requorum(data_dir: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_requorum"))
        .args(arguments)
        .arg("--data-dir")
        .arg(data_dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Standard output of a run that must go well.
fn good(data_dir: &Path, arguments: &[&str], input: &str) -> String {
    let output = requorum(data_dir, arguments, input);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// Standard error of a run that must fail.
fn bad(data_dir: &Path, arguments: &[&str], input: &str, exit: i32) -> String {
    let output = requorum(data_dir, arguments, input);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {error}");
    assert!(output.stdout.is_empty());
    error
}

#[tokio::test]
async fn accounts_come_and_go_beside_a_running_server() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let dir = server.data_dir();

    let said = good(
        &dir,
        &["user", "add", "Ben", "--role", "operator,approver@lab"],
        PASSWORD,
    );
    assert_eq!(said, "Ben was added with: operator, approver@lab\n");
    let mut ben = server.stranger();
    let response = ben.login("ben", PASSWORD).await;
    assert_eq!(response.status(), 200);
    ben.keep_cookie(&response);
    assert_eq!(ben.get("/api/uploads").await.status(), 200);

    let secret = good(
        &dir,
        &[
            "token", "create", "--user", "ben", "--name", "nightly", "--role", "operator",
        ],
        "",
    );
    let program = server.program(secret.trim_end());
    assert_eq!(program.get("/api/uploads").await.status(), 200);
    let list = good(&dir, &["token", "list"], "");
    let id = list.lines().nth(1).unwrap().split(' ').next().unwrap();
    assert!(
        list.contains("nightly") && !list.contains(secret.trim_end()),
        "{list}"
    );
    good(&dir, &["token", "revoke", id], "");
    assert_eq!(program.get("/api/uploads").await.status(), 401);

    good(&dir, &["user", "roles", "BEN", "--role", "viewer"], "");
    assert_eq!(ben.get("/api/uploads").await.status(), 403);
    good(
        &dir,
        &["user", "password", "Ben"],
        "another long password\n",
    );
    assert_eq!(ben.get("/api/session").await.status(), 401);
    assert_eq!(
        server
            .stranger()
            .login("Ben", "another long password")
            .await
            .status(),
        200
    );
    good(&dir, &["user", "disable", "Ben"], "");
    assert_eq!(
        server
            .stranger()
            .login("Ben", "another long password")
            .await
            .status(),
        401
    );
    let list = good(&dir, &["user", "list"], "");
    let lines: Vec<_> = list.lines().collect();
    assert!(
        lines[1].starts_with(NAME) && lines[1].contains("operator, approver, admin"),
        "{list}"
    );
    assert!(
        lines[2].starts_with("Ben") && lines[2].contains("disabled"),
        "{list}"
    );
    good(&dir, &["user", "enable", "Ben"], "");
    assert_eq!(
        server
            .stranger()
            .login("Ben", "another long password")
            .await
            .status(),
        200
    );
    assert_eq!(
        admin.get("/api/session").await.status(),
        200,
        "nobody else was disturbed"
    );
}

#[tokio::test]
async fn a_disabled_account_leaves_no_uploads() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let dir = server.data_dir();
    let ben = server.person(&admin, "Ben", &["operator"]).await;
    let announce = async |client: &Client, cluster: &str| -> Upload {
        let body = json!({"name": "a.db", "length": 100, "cluster": cluster});
        let response = client.post("/api/uploads", &body).await;
        response.json().await.unwrap()
    };
    for cluster in ["prod", ""] {
        let upload = announce(&ben, cluster).await;
        let sent = ben
            .request("PATCH", &format!("/api/uploads/{}", upload.id))
            .header("upload-offset", 0)
            .body(vec![1; 50]);
        assert_eq!(sent.send().await.unwrap().status(), 200);
    }
    let kept = announce(&admin, "").await;
    assert_eq!(
        good(&dir, &["user", "disable", "Ben"], ""),
        "Ben is disabled; sessions were ended, tokens revoked, and 2 unfinished uploads cancelled\n"
    );
    let left = admin.get("/api/people/uploads").await;
    let left: Uploads = left.json().await.unwrap();
    let left: Vec<_> = left.uploads.into_iter().map(|upload| upload.id).collect();
    assert_eq!(left, [kept.id]);
    let files = std::fs::read_dir(dir.join("uploads")).unwrap();
    assert_eq!(files.count(), 0);
    // What the server writes itself comes behind what the command wrote.
    let admin = server.signed_in().await;
    let (_, entries) = audit(&admin, None).await;
    // All of it is one act, which is over when they are gone.
    let of = |act: &str| -> Vec<u64> {
        let of = entries.iter().filter(|entry| entry.act == act);
        of.map(|entry| entry.index).collect()
    };
    let [begun, over] = of(act::PEOPLE_DISABLE)[..] else {
        panic!("{entries:?}");
    };
    let mut between = of(act::FILE_UPLOAD_CANCEL).into_iter();
    assert!(between.all(|index| (begun..over).contains(&index)));
    let mut cancelled: Vec<_> = entries
        .iter()
        .filter(|e| e.act == act::FILE_UPLOAD_CANCEL)
        .map(|e| (e.cluster.as_deref(), e.subject.as_str(), e.outcome))
        .collect();
    cancelled.sort_by_key(|(cluster, _, outcome)| (*cluster, outcome.is_some()));
    let of = |cluster, outcome| (cluster, "a.db, 100 bytes, begun by Ben", outcome);
    let (begun, done) = (None, Some(Outcome::Done));
    let prod = Some("prod");
    assert_eq!(
        cancelled,
        [
            of(None, begun),
            of(None, done),
            of(prod, begun),
            of(prod, done)
        ]
    );
}

#[tokio::test]
async fn a_locked_out_administrator_comes_back() {
    let server = TestServer::start().await;
    server.admin().await;
    let dir = server.data_dir();
    let server = server
        .restart_after(Options::default(), || {
            good(&dir, &["user", "password", NAME], "another long password\n");
        })
        .await;
    assert_eq!(server.stranger().login(NAME, PASSWORD).await.status(), 401);
    assert_eq!(
        server
            .stranger()
            .login(NAME, "another long password")
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn the_first_account_can_come_before_the_first_start() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let link = good(
        &data,
        &["user", "add", "Anna", "--role", "admin", "--invite"],
        "",
    );
    let token = link
        .trim_end()
        .split_once("/join#token=")
        .unwrap()
        .1
        .to_owned();
    let process = crate::support::process::Process::start(&data, false, &[]);
    let answer = reqwest::Client::new()
        .post(format!("{}/api/join", process.base))
        .json(&json!({"token": token, "password": PASSWORD}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    process.kill();
}

#[test]
fn what_cannot_be_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let nowhere = dir.path().join("nowhere");
    let error = bad(&nowhere, &["user", "list"], "", 1);
    assert!(error.contains("there is no console in"), "{error}");
    assert!(!nowhere.exists(), "looking makes nothing");

    let data = dir.path().join("data");
    good(&data, &["user", "add", "Anna", "--role", "admin"], PASSWORD);
    for (arguments, input, exit, what) in [
        (
            &["user", "add", "Anna"][..],
            PASSWORD,
            1,
            "An account named Anna",
        ),
        (&["user", "add", "Ben"], "short", 1, "fewer than 12"),
        (&["user", "add", "Ben"], "", 1, "no password came"),
        (
            &["user", "add", "Ben"],
            "first line here\nsecond\n",
            1,
            "the only line",
        ),
        (&["user", "add", ""], PASSWORD, 1, "1 to 64 characters"),
        (
            &["user", "add", " "],
            PASSWORD,
            2,
            "begins or ends with a space",
        ),
        (
            &["user", "add", "Ben", "--role", "root"],
            PASSWORD,
            2,
            "`root` is not a role",
        ),
        (
            &["user", "add", "Ben", "--password", PASSWORD],
            "",
            2,
            "--password",
        ),
        (
            &["user", "password", "Nobody"],
            PASSWORD,
            1,
            "No such account",
        ),
        (
            &["user", "disable", "Anna"],
            "",
            1,
            "the last administrator of the console",
        ),
        (
            &["user", "roles", "Anna", "--role", "viewer"],
            "",
            1,
            "the last administrator of the console",
        ),
        (
            &["token", "create", "--user", "Anna", "--name", "x"],
            "",
            1,
            "without a role",
        ),
        (
            &[
                "token", "create", "--user", "Anna", "--name", "x", "--role", "operator",
            ],
            "",
            1,
            "more than its owner",
        ),
        (
            &["token", "revoke", "nothing"],
            "",
            1,
            "No token with this id",
        ),
    ] {
        let error = bad(&data, arguments, input, exit);
        assert!(error.contains(what), "{arguments:?}: {error}");
    }
    assert_eq!(
        good(&data, &["user", "list"], "").lines().count(),
        2,
        "nothing was changed"
    );
}
