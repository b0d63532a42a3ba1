//! The server is killed when an act has had its effect and its end is not in the ledger yet: the next start says that it
//! was done.

use std::path::{Path, PathBuf};

use requorum_shared::api::upload::{Upload, Uploads};
use requorum_shared::api::v1::{
    DisablePersonRequest, EndSessionsRequest, InvitePersonRequest, ListSessionsRequest,
    MakePasswordLinkRequest,
};
use requorum_shared::ledger::entry::{Outcome, Phase, act};
use serde_json::json;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;

use crate::ledger::entries::audit;
use crate::support::harness::{Client, NAME, PASSWORD, grants, http_client};
use crate::support::killed::console;
use crate::support::process::Process;

/// A server whose ledger takes no ends of acts once it is told to, until it is killed.
struct Stage {
    data: PathBuf,
    process: Process,
    anna: Client,
    database: SqlitePool,
}

impl Stage {
    async fn new(dir: &Path) -> Self {
        let data = dir.join("data");
        let process = Process::start(&data, true, &[]);
        let anna = console(&process).await.http;
        let options = SqliteConnectOptions::new().filename(data.join("requorum.db"));
        let database = SqlitePool::connect_with(options).await.unwrap();
        Self {
            data,
            process,
            anna,
            database,
        }
    }

    async fn sql(&self, sql: &'static str) {
        sqlx::query(sql).execute(&self.database).await.unwrap();
    }

    /// From here on an act has its effect, and its end is not written.
    async fn no_more_ends(&self) {
        self.sql(
            "CREATE TRIGGER no_ends BEFORE INSERT ON ledger_entries WHEN NEW.closes IS NOT NULL \
             BEGIN SELECT RAISE(ABORT, 'no ends'); END",
        )
        .await;
    }

    /// Kills the server, and looks at what the next one finds out about the last act of this name.
    async fn killed(self, name: &str, subject: &str) -> Self {
        let Self {
            data,
            process,
            database,
            ..
        } = self;
        process.kill();
        let drop = sqlx::query("DROP TRIGGER no_ends");
        drop.execute(&database).await.unwrap();
        let process = Process::start(&data, false, &[]);
        let anna = console(&process).await.http;

        let (verified, entries) = audit(&anna, None).await;
        assert_eq!((verified.open.len(), verified.unknown), (0, 0), "{name}");
        let opened = entries
            .iter()
            .rfind(|e| e.act == name && e.phase == Phase::Opened)
            .unwrap_or_else(|| panic!("{name} was not opened"));
        let end = entries
            .iter()
            .find(|e| e.closes == Some(opened.index))
            .unwrap();
        assert_eq!((end.who.as_str(), end.outcome), (NAME, Some(Outcome::Done)));
        assert_eq!(end.subject, subject);
        assert!(
            end.reason.contains("found at the next start"),
            "{}",
            end.reason
        );
        Self {
            data,
            process,
            anna,
            database,
        }
    }

    fn stranger(&self) -> Client {
        Client {
            base: self.process.base.clone(),
            http: http_client(),
            cookie: None,
            token: None,
        }
    }

    /// Another browser of Anna's.
    async fn second(&self) -> Client {
        let mut client = self.stranger();
        let response = client.login(NAME, PASSWORD).await;
        assert_eq!(response.status(), 200);
        client.keep_cookie(&response);
        client
    }

    /// The same browser, at the server that runs now.
    async fn is_out(&self, client: &Client) {
        let client = Client {
            base: self.process.base.clone(),
            ..client.clone()
        };
        assert_eq!(client.get("/api/session").await.status(), 401);
    }

    async fn is_good(&self, link: &str) {
        let body = json!({"token": link});
        let response = self.stranger().post("/api/join/link", &body).await;
        assert_eq!(response.status(), 200);
    }
}

#[tokio::test]
async fn an_invitation_and_a_new_link_are_found_done() {
    let dir = tempfile::tempdir().unwrap();
    let stage = Stage::new(dir.path()).await;
    stage.no_more_ends().await;
    let invite = InvitePersonRequest {
        name: "Ben".into(),
        grants: grants(&["viewer", "operator@prod"]),
    };
    let invited = stage.anna.people().await.invite_person(invite).await;
    let link = invited.unwrap().into_inner().link.unwrap();
    let stage = stage
        .killed(act::PEOPLE_INVITE, "Ben as viewer, operator@prod")
        .await;
    stage.is_good(&link.token).await;

    stage.no_more_ends().await;
    let id = link.person.unwrap().id;
    let request = MakePasswordLinkRequest { id };
    let made = stage.anna.people().await.make_password_link(request).await;
    let link = made.unwrap().into_inner().link.unwrap();
    let stage = stage.killed(act::PEOPLE_LINK, "Ben").await;
    stage.is_good(&link.token).await;
}

#[tokio::test]
async fn ended_sessions_and_a_sign_out_are_found_done() {
    let dir = tempfile::tempdir().unwrap();
    let stage = Stage::new(dir.path()).await;
    let end = |session: &str| EndSessionsRequest {
        person_id: String::new(),
        session_id: session.into(),
    };

    let other = stage.second().await;
    let mut people = stage.anna.people().await;
    let sessions = people.list_sessions(ListSessionsRequest::default()).await;
    let sessions = sessions.unwrap().into_inner().sessions;
    let session = sessions.iter().find(|session| !session.this).unwrap();
    stage.no_more_ends().await;
    people.end_sessions(end(&session.id)).await.unwrap();
    let about = format!("a session of {NAME}");
    let stage = stage.killed(act::SESSION_END, &about).await;
    stage.is_out(&other).await;

    let other = stage.second().await;
    stage.no_more_ends().await;
    let mut people = stage.anna.people().await;
    people.end_sessions(end("")).await.unwrap();
    let about = format!("all sessions of {NAME}");
    let stage = stage.killed(act::SESSION_END, &about).await;
    stage.is_out(&other).await;

    let leaves = stage.second().await;
    stage.no_more_ends().await;
    assert_eq!(leaves.post("/api/logout", &json!({})).await.status(), 204);
    let stage = stage.killed(act::LOGOUT, "the console").await;
    stage.is_out(&leaves).await;
}

#[tokio::test]
async fn what_was_decided_about_an_upload_is_found_done() {
    let dir = tempfile::tempdir().unwrap();
    let stage = Stage::new(dir.path()).await;
    let announce = async |stage: &Stage, evidence: bool| -> Upload {
        let body = json!({"name": "a.db", "length": 100, "evidence": evidence});
        let response = stage.anna.post("/api/uploads", &body).await;
        assert_eq!(response.status(), 201);
        response.json().await.unwrap()
    };
    let path = |upload: &Upload| format!("/api/uploads/{}", upload.id);
    let about = "a.db, 100 bytes";

    stage.no_more_ends().await;
    announce(&stage, true).await;
    let stage = stage.killed(act::FILE_UPLOAD_EVIDENCE, about).await;

    let later = announce(&stage, false).await;
    stage.no_more_ends().await;
    let chosen = stage
        .anna
        .request("PATCH", &path(&later))
        .header("upload-offset", 0)
        .header("upload-evidence", "keep")
        .body(vec![7; 10]);
    assert_eq!(chosen.send().await.unwrap().status(), 200);
    let stage = stage.killed(act::FILE_UPLOAD_EVIDENCE, about).await;

    stage.no_more_ends().await;
    let cancel = stage.anna.request("DELETE", &path(&later));
    assert_eq!(cancel.send().await.unwrap().status(), 204);
    let stage = stage.killed(act::FILE_UPLOAD_CANCEL, about).await;
    assert_eq!(stage.anna.get(&path(&later)).await.status(), 404);
}

#[tokio::test]
async fn what_a_disabled_person_was_sending_is_gone_after_a_kill_in_between() {
    let dir = tempfile::tempdir().unwrap();
    let stage = Stage::new(dir.path()).await;
    let mut ids = Vec::new();
    for name in ["Ben", "Cleo"] {
        let invite = InvitePersonRequest {
            name: name.into(),
            grants: grants(&["operator"]),
        };
        let invited = stage.anna.people().await.invite_person(invite).await;
        let link = invited.unwrap().into_inner().link.unwrap();
        ids.push(link.person.unwrap().id);
        let mut client = stage.stranger();
        let join = json!({"token": link.token, "password": PASSWORD});
        let joined = client.post("/api/join", &join).await;
        client.keep_cookie(&joined);
        let body = json!({"name": "a.db", "length": 100});
        let upload = client.post("/api/uploads", &body).await;
        let upload: Upload = upload.json().await.unwrap();
        let sent = client
            .request("PATCH", &format!("/api/uploads/{}", upload.id))
            .header("upload-offset", 0)
            .body(vec![7; 10]);
        assert_eq!(sent.send().await.unwrap().status(), 200);
    }
    let owners = async |stage: &Stage| -> Vec<String> {
        let left = stage.anna.get("/api/people/uploads").await;
        let left: Uploads = left.json().await.unwrap();
        left.uploads.into_iter().map(|one| one.owner).collect()
    };
    // It comes as far as the account, and no further.
    let disable = async |stage: &Stage, id: &str| {
        stage
            .sql(
                "CREATE TRIGGER stuck BEFORE DELETE ON uploads BEGIN SELECT RAISE(ABORT, 'stuck'); END",
            )
            .await;
        let disable = DisablePersonRequest { id: id.to_owned() };
        let disabled = stage.anna.people().await.disable_person(disable).await;
        disabled.unwrap();
        assert!(!owners(stage).await.is_empty());
    };
    disable(&stage, &ids[0]).await;
    let Stage {
        data,
        process,
        database,
        ..
    } = stage;
    process.kill();
    let drop = sqlx::query("DROP TRIGGER stuck");
    drop.execute(&database).await.unwrap();
    let process = Process::start(&data, false, &[]);
    let anna = console(&process).await.http;
    let stage = Stage {
        data,
        process,
        anna,
        database,
    };
    assert_eq!(owners(&stage).await, ["Cleo"]);
    let files = || {
        std::fs::read_dir(stage.data.join("uploads"))
            .unwrap()
            .count()
    };
    assert_eq!(files(), 1);

    // A server that goes on finds it too, before the next upload.
    disable(&stage, &ids[1]).await;
    stage.sql("DROP TRIGGER stuck").await;
    let body = json!({"name": "mine.db", "length": 100});
    assert_eq!(stage.anna.post("/api/uploads", &body).await.status(), 201);
    assert_eq!(owners(&stage).await, [NAME]);
    assert_eq!(files(), 0);
}
