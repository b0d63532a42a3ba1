//! Credentials: they go in and never come out, whatever is looked at.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use requorum_server::clock::SystemClock;
use requorum_server::db::{At, Database};
use requorum_server::grpc::v1::credential_service_client::CredentialServiceClient;
use requorum_server::secrets::Secrets;
use requorum_server::secrets::master_key::{KeyPlace, MasterKey};
use requorum_server::secrets::rotate::{recover, rotate};
use requorum_server::secrets::secret::Secret;
use requorum_server::secrets::store::SecretStore as _;
use requorum_shared::api::v1;
use tonic::{Code, Status};

use crate::support::harness::{Client, NAME, Native, Options, TestServer, code};
use crate::support::recovery::{Console, request};

async fn secrets(client: &Client) -> CredentialServiceClient<Native> {
    CredentialServiceClient::new(client.grpc().await)
}

async fn put(
    client: &Client,
    id: &str,
    name: &str,
    kind: &str,
    value: &[u8],
) -> Result<v1::Credential, Status> {
    let request = v1::PutCredentialRequest {
        id: id.into(),
        name: name.into(),
        kind: match kind {
            "password" => v1::CredentialKind::Password.into(),
            _ => 99,
        },
        value: value.to_vec(),
    };
    let answer = secrets(client).await.put_credential(request).await?;
    Ok(answer.into_inner().credential.unwrap())
}

#[tokio::test]
async fn they_are_put_in_replaced_and_removed() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let made = put(&admin, "", "prod-etcd root", "password", b"one")
        .await
        .unwrap();
    assert_eq!(
        (made.name.as_str(), made.changed_by.as_str()),
        ("prod-etcd root", NAME)
    );
    for (id, name, kind, value, expected) in [
        ("", "prod-etcd root", "password", &b"x"[..], "secret.exists"),
        ("", "", "password", b"x", "secret.name"),
        ("", "a\nb", "password", b"x", "secret.name"),
        ("", "other", "riddle", b"x", "secret.kind"),
        ("", "other", "password", b"", "secret.size"),
        ("", "other", "password", &[7; 48 * 1024 + 1], "secret.size"),
        ("nothing", "other", "password", b"x", "secret.missing"),
    ] {
        let refused = put(&admin, id, name, kind, value).await.unwrap_err();
        assert_eq!(code(&refused), expected, "{}", refused.message());
    }
    let again = put(&admin, &made.id, "prod-etcd root", "password", b"two")
        .await
        .unwrap();
    assert_eq!(
        (&again.id, again.created_at_ms),
        (&made.id, made.created_at_ms)
    );
    let store = &server.app().secrets;
    assert_eq!(store.reveal(&made.id).await.unwrap().expose(), b"two");

    let remove = v1::RemoveCredentialRequest { id: made.id };
    let mut client = secrets(&admin).await;
    client.remove_credential(remove.clone()).await.unwrap();
    let gone = client.remove_credential(remove).await.unwrap_err();
    assert_eq!(
        (gone.code(), code(&gone)),
        (Code::NotFound, "secret.missing")
    );
    let list = client
        .list_credentials(v1::ListCredentialsRequest::default())
        .await
        .unwrap();
    assert!(list.into_inner().credentials.is_empty());
}

#[tokio::test]
async fn what_needs_one_is_known_before_it_is_removed() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let admin = &console.http;
    let made = put(admin, "", "a", "password", b"one").await.unwrap();
    let other = put(admin, "", "b", "password", b"two").await.unwrap();
    let snapshot = console.upload("3.6.14-mixed.db").await;
    // A plan names a credential by its id, wherever it does.
    let mut wanted = request(&snapshot, "a");
    wanted.token = made.id.clone();
    let plan = console.seal(&wanted).await.unwrap();

    let mut client = secrets(admin).await;
    let mut uses = async |id: &str| {
        let asked = v1::GetCredentialUsesRequest { id: id.into() };
        let uses = client
            .get_credential_uses(asked)
            .await
            .unwrap()
            .into_inner();
        uses.plans
            .into_iter()
            .map(|plan| plan.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(uses(&made.id).await, std::slice::from_ref(&plan.id));
    assert!(uses(&other.id).await.is_empty());
    console.reject(&plan, "not needed").await.unwrap();
    assert!(uses(&made.id).await.is_empty());
}

#[tokio::test]
async fn the_list_names_the_key_and_shows_nothing_of_it() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let list = secrets(&admin)
        .await
        .list_credentials(v1::ListCredentialsRequest::default())
        .await
        .unwrap()
        .into_inner();
    let path = server.data_dir().join("master.key");
    let key = std::fs::read_to_string(&path).unwrap();
    assert_eq!(list.key_id, MasterKey::parse(&key).unwrap().id());
    assert_eq!(
        list.key_place,
        path.canonicalize().unwrap().display().to_string()
    );
    assert!(!format!("{list:?}").contains(key.trim()));
}

#[tokio::test]
async fn the_key_is_for_the_server_alone_and_cannot_be_another() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    put(&admin, "", "a", "password", b"one").await.unwrap();
    let key = server.data_dir().join("master.key");
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let good = std::fs::read(&key).unwrap();
    let data = server.data_dir();
    let _kept = server.stop_and_keep().await;

    for (text, what) in [
        (None, "bring it back"),
        (Some("short"), "43 characters"),
        (
            Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            "bring that key back",
        ),
    ] {
        match text {
            None => std::fs::remove_file(&key).unwrap(),
            Some(text) => std::fs::write(&key, text).unwrap(),
        }
        let refused = requorum(&data, &["serve", "--listen", "127.0.0.1:0"], &[]);
        let error = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{error}");
        assert!(error.contains(what), "{error}");
    }
    std::fs::write(&key, good).unwrap();
    crate::support::process::Process::start(&data, false, &[]).kill();
}

fn requorum(data_dir: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_requorum"))
        .args(arguments)
        .arg("--data-dir")
        .arg(data_dir)
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

#[tokio::test]
async fn the_master_key_changes_beside_a_running_server() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let made = put(&admin, "", "a", "password", b"one").await.unwrap();
    let key = server.data_dir().join("master.key");
    let before = std::fs::read(&key).unwrap();
    let done = requorum(&server.data_dir(), &["secrets", "rotate"], &[]);
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(
        done.status.success(),
        "{:?}",
        String::from_utf8(done.stderr)
    );
    assert!(
        said.starts_with("1 credentials are sealed under the master key "),
        "{said}"
    );
    let after = std::fs::read(&key).unwrap();
    assert_ne!(before, after);
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let text = String::from_utf8(after).unwrap();
    assert!(!said.contains(text.trim()), "the key itself is not printed");

    let store = &server.app().secrets;
    assert_eq!(store.reveal(&made.id).await.unwrap().expose(), b"one");
    put(&admin, "", "b", "password", b"two").await.unwrap();
    let server = server.restart(Options::default()).await;
    let store = &server.app().secrets;
    assert_eq!(store.reveal(&made.id).await.unwrap().expose(), b"one");
    assert_eq!(store.list().await.unwrap().len(), 2);
}

#[tokio::test]
async fn the_master_key_may_come_from_the_environment() {
    let dir = tempfile::tempdir().unwrap();
    let db = Database::open(&At::File(dir.path().join("requorum.db")))
        .await
        .unwrap();
    // 32 bytes each.
    let (one, two) = ("A".repeat(43), format!("{}Q", "A".repeat(41)) + "A");
    let place = |text: &str| KeyPlace::Given(MasterKey::parse(text).unwrap());
    let open = |text: &str| {
        let store = Arc::new(db.clone());
        Secrets::open(store, Arc::new(SystemClock), place(text))
    };
    let store = open(&one).await.unwrap();
    let view = store
        .put("", "a", "token", &Secret::new(b"x".into()), "me")
        .await
        .unwrap();
    let without = requorum(
        dir.path(),
        &["secrets", "rotate"],
        &[("REQUORUM_MASTER_KEY", &one)],
    );
    let error = String::from_utf8(without.stderr).unwrap();
    assert!(error.contains("REQUORUM_NEW_MASTER_KEY"), "{error}");
    let environment = [
        ("REQUORUM_MASTER_KEY", one.as_str()),
        ("REQUORUM_NEW_MASTER_KEY", &two),
    ];
    let done = requorum(dir.path(), &["secrets", "rotate"], &environment);
    assert!(
        done.status.success(),
        "{:?}",
        String::from_utf8(done.stderr)
    );
    // The server that still runs with the old key seals nothing more with it.
    let late = store
        .put("", "b", "token", &Secret::new(b"x".into()), "me")
        .await;
    assert_eq!(late.unwrap_err().code, "secret.key-changes");
    assert!(open(&one).await.is_err());
    let store = open(&two).await.unwrap();
    assert_eq!(store.reveal(&view.id).await.unwrap().expose(), b"x");
}

/// Where a change of keys can be cut short, and what must be readable afterwards.
#[tokio::test]
async fn a_change_of_keys_that_is_cut_short_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let db = Database::open(&At::File(dir.path().join("requorum.db")))
        .await
        .unwrap();
    let path = dir.path().join("master.key");
    let next = dir.path().join("master.key.next");
    let place = KeyPlace::File(path.clone());
    let open = || Secrets::open(Arc::new(db.clone()), Arc::new(SystemClock), place.clone());
    let store = open().await.unwrap();
    let view = store
        .put("", "a", "token", &Secret::new(b"x".into()), "me")
        .await
        .unwrap();
    let old = std::fs::read(&path).unwrap();

    // After the new key was written, before anything was sealed under it.
    std::fs::write(&next, "B".repeat(42) + "A").unwrap();
    let store = open().await.unwrap();
    assert_eq!(store.reveal(&view.id).await.unwrap().expose(), b"x");
    assert!(!next.exists());
    assert_eq!(std::fs::read(&path).unwrap(), old);

    // After everything was sealed under it, before it took the old one's name.
    rotate(&db, &place, None).await.unwrap();
    let new = std::fs::read(&path).unwrap();
    std::fs::write(&next, &new).unwrap();
    std::fs::write(&path, &old).unwrap();
    let running = store.reveal(&view.id).await.unwrap();
    assert_eq!(
        running.expose(),
        b"x",
        "a running server finds the key that waits"
    );
    let store = open().await.unwrap();
    assert_eq!(store.reveal(&view.id).await.unwrap().expose(), b"x");
    assert!(!next.exists());
    assert_eq!(std::fs::read(&path).unwrap(), new);

    // The same, and the change is asked for again.
    std::fs::write(&next, &new).unwrap();
    std::fs::write(&path, &old).unwrap();
    rotate(&db, &place, None).await.unwrap();
    assert_eq!(store.reveal(&view.id).await.unwrap().expose(), b"x");
    assert!(recover(&place, &db.key_ids().await.unwrap()).is_ok());
}

#[tokio::test]
async fn two_people_store_credentials_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let db = Database::open(&At::File(dir.path().join("requorum.db")))
        .await
        .unwrap();
    let place = KeyPlace::File(dir.path().join("master.key"));
    let store = Secrets::open(Arc::new(db), Arc::new(SystemClock), place)
        .await
        .unwrap();
    let (mine, yours) = (Secret::new(b"mine".into()), Secret::new(b"yours".into()));
    let (one, two) = tokio::join!(
        store.put("", "a", "token", &mine, "me"),
        store.put("", "b", "token", &yours, "you"),
    );
    // The master key is not being changed: neither is told so.
    one.unwrap();
    two.unwrap();
}

#[tokio::test]
async fn a_row_in_anothers_place_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    let db = Database::open(&At::File(dir.path().join("requorum.db")))
        .await
        .unwrap();
    let place = KeyPlace::File(dir.path().join("master.key"));
    let store = Secrets::open(Arc::new(db.clone()), Arc::new(SystemClock), place)
        .await
        .unwrap();
    let one = store
        .put("", "a", "token", &Secret::new(b"mine".into()), "me")
        .await
        .unwrap();
    let two = store
        .put("", "b", "token", &Secret::new(b"yours".into()), "me")
        .await
        .unwrap();
    let mut row = db.secret(&one.id).await.unwrap().unwrap();
    row.sealed = db.secret(&two.id).await.unwrap().unwrap().sealed;
    db.put_secret(&row).await.unwrap();
    let refused = store.reveal(&one.id).await.unwrap_err();
    assert_eq!(refused.code, "internal");
}
