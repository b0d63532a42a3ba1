//! Removing files: what needs them keeps them, what mentions them stays, and their bytes go.

use requorum_server::files::removals::{Removal, Removing};
use requorum_server::files::store::Finished;
use requorum_server::grpc::v1::console_service_client::ConsoleServiceClient;
use requorum_server::grpc::v1::file_service_client::FileServiceClient;
use requorum_shared::api::v1;
use requorum_shared::ledger::entry::{Outcome, act};
use tonic::{Code, Status};

use crate::ledger::entries::audit;
use crate::support::harness::{Client, TestServer, code, error};
use crate::support::recovery::{Console, request};

async fn remove(client: &Client, id: &str) -> Result<v1::FileSummary, Status> {
    let mut files = FileServiceClient::new(client.grpc().await);
    let answer = files.remove_file(v1::RemoveFileRequest { id: id.into() });
    Ok(answer.await?.into_inner().file.unwrap())
}

async fn uses(client: &Client, id: &str) -> v1::GetFileUsesResponse {
    let mut files = FileServiceClient::new(client.grpc().await);
    let answer = files.get_file_uses(v1::GetFileUsesRequest { id: id.into() });
    answer.await.unwrap().into_inner()
}

/// Where the bytes of a file are.
fn object(server: &TestServer, id: &str) -> std::path::PathBuf {
    server
        .data_dir()
        .join(format!("objects/sha256/{}/{id}", &id[..2]))
}

/// How the acts of removing came out, in order.
async fn removals(client: &Client) -> Vec<(Option<Outcome>, String)> {
    let (_, entries) = audit(client, None).await;
    let closed = entries
        .into_iter()
        .filter(|entry| entry.act == act::FILE_REMOVE && entry.closes.is_some());
    closed.map(|entry| (entry.outcome, entry.reason)).collect()
}

#[tokio::test]
async fn a_file_that_nothing_needs_is_removed_and_what_mentions_it_stays() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let id = console.upload_of("3.6.14-mixed.db", "prod").await;
    let job = console.run(&request(&id, "one")).await;
    console.finished(&job.id).await;
    let dossier = |client: Client, job: String| async move {
        let answer = client.get(&format!("/api/jobs/{job}/dossier")).await;
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap()
    };
    assert!(object(&server, &id).exists());
    assert_eq!(uses(&console.http, &id).await.plans_total, 1);

    let removed = remove(&console.http, &id).await.unwrap();
    assert!(removed.removed_at_ms > 0);
    assert_eq!(removed.removed_by, crate::support::harness::NAME);
    assert!(!object(&server, &id).exists(), "its bytes are gone");
    let listed = console.http.snapshots().await;
    assert_eq!(
        (listed.files.len(), listed.used_bytes, listed.removed_count),
        (0, 0, 1)
    );
    let mut files = FileServiceClient::new(console.http.grpc().await);
    let only_removed = v1::ListFilesRequest {
        removed: true,
        ..Default::default()
    };
    let listed = files.list_files(only_removed).await.unwrap().into_inner();
    assert_eq!((listed.files.len(), listed.total), (1, 1));

    // What was found in it is there, and the job's dossier has it.
    let seen = console.get_snapshot(&id).await;
    assert!(!seen.inspection_json.is_empty());
    assert_eq!(seen.plans_total, 1);
    let packed = dossier(console.http.clone(), job.id.clone()).await;
    let has = |name: &[u8]| packed.windows(name.len()).any(|at| at == name);
    assert!(has(b"inspections.jsonl"));

    // Nothing is made of it any more.
    let (status, refused) =
        error(console.http.get(&format!("/api/files/{id}/content")).await).await;
    assert_eq!((status, refused.code.as_str()), (412, "file.removed"));
    let refused = console.seal(&request(&id, "two")).await.unwrap_err();
    assert_eq!(
        (refused.code(), code(&refused)),
        (Code::FailedPrecondition, "file.removed")
    );
    let refused = remove(&console.http, &id).await.unwrap_err();
    assert_eq!(code(&refused), "file.removed");
    let outcomes: Vec<_> = removals(&console.http)
        .await
        .into_iter()
        .map(|(outcome, _)| outcome)
        .collect();
    assert_eq!(outcomes, [Some(Outcome::Done), Some(Outcome::Failed)]);

    // The same content uploaded again is a file again, of whoever brings it now.
    let again = console.upload_of("3.6.14-mixed.db", "lab").await;
    assert_eq!(again, id);
    assert!(object(&server, &id).exists());
    let listed = console.http.snapshots().await;
    assert_eq!(
        (listed.files.len(), listed.files[0].cluster.as_str()),
        (1, "lab")
    );
    console.seal(&request(&id, "three")).await.unwrap();
}

#[tokio::test]
async fn what_a_plan_or_a_job_needs_is_kept() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let id = console.upload_of("3.6.14-mixed.db", "prod").await;
    let plan = console.seal(&request(&id, "one")).await.unwrap();
    let uses = uses(&console.http, &id).await;
    assert_eq!((uses.open_plans.len(), uses.running_jobs.len()), (1, 0));
    let refused = remove(&console.http, &id).await.unwrap_err();
    assert_eq!(
        (refused.code(), code(&refused)),
        (Code::FailedPrecondition, "file.needed")
    );
    assert!(
        refused.message().contains("plan prod #1"),
        "{}",
        refused.message()
    );
    assert!(object(&server, &id).exists());
    assert_eq!(removals(&console.http).await[0].0, Some(Outcome::Refused));
    console.reject(&plan, "not this one").await.unwrap();
    remove(&console.http, &id).await.unwrap();
}

#[tokio::test]
async fn only_an_operator_of_its_cluster_removes_a_file() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let id = console.upload_of("3.6.14-mixed.db", "prod").await;
    for (name, role) in [
        ("vic", "viewer"),
        ("ann", "approver"),
        ("lars", "operator@lab"),
    ] {
        let person = server.person(&console.http, name, &[role]).await;
        let refused = remove(&person, &id).await.unwrap_err();
        assert_eq!(
            (refused.code(), code(&refused)),
            (Code::PermissionDenied, "role.missing")
        );
    }
    let owner = server
        .person(&console.http, "pat", &["operator@prod"])
        .await;
    remove(&owner, &id).await.unwrap();
    let unknown = "0".repeat(64);
    assert_eq!(
        code(&remove(&owner, &unknown).await.unwrap_err()),
        "file.unknown"
    );
}

#[tokio::test]
async fn of_many_removals_at_once_one_removes_and_of_a_seal_beside_it_one_wins() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    for round in 0..4 {
        let id = console.upload("3.6.14-mixed.db").await;
        let (request, client) = (request(&id, &format!("round{round}")), console.http.clone());
        let seal = console.seal(&request);
        let all = futures_util::future::join_all((0..6).map(|_| remove(&client, &id)));
        let (sealed, removed) = tokio::join!(seal, all);
        let done = removed.iter().filter(|one| one.is_ok()).count();
        let codes: Vec<_> = removed
            .iter()
            .filter_map(|one| one.as_ref().err())
            .map(code)
            .collect();
        match sealed {
            Ok(plan) => {
                assert_eq!(done, 0, "a sealed plan keeps its file: {codes:?}");
                assert!(object(&server, &id).exists());
                console.reject(&plan, "next round").await.unwrap();
                remove(&console.http, &id).await.unwrap();
            }
            Err(refused) => {
                assert_eq!(code(&refused), "file.removed");
                assert_eq!(done, 1, "{codes:?}");
                assert!(
                    codes.iter().all(|code| *code == "file.removed"),
                    "{codes:?}"
                );
                assert!(!object(&server, &id).exists());
            }
        }
    }
}

#[tokio::test]
async fn the_same_content_is_not_stored_while_it_is_deleted_nor_deleted_while_it_is_stored() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let id = console.upload("3.6.14-mixed.db").await;
    let app = server.app();
    let removing = Removing {
        id: &id,
        cluster: "",
        by: "test",
        now_ms: app.clock.now_ms(),
    };
    assert_eq!(
        app.removals.remove_file(&removing).await.unwrap(),
        Removal::Done
    );
    // Begun and not ended, as by a server that is just deleting it.
    assert!(
        app.removals
            .begin_release(&id, app.clock.now_ms())
            .await
            .unwrap()
    );
    assert!(
        !app.removals
            .begin_release(&id, app.clock.now_ms())
            .await
            .unwrap(),
        "one deletes"
    );
    let finished = Finished {
        sha256: id.clone(),
        inspection_json: "{}".into(),
    };
    assert!(!app.store.upload_finished("any", &finished).await.unwrap());
    app.removals.end_release(&id, false).await.unwrap();

    // An upload of it that is about to be stored keeps the bytes.
    let upload = console
        .http
        .post(
            "/api/uploads",
            &serde_json::json!({"name": "b.db", "length": 10}),
        )
        .await
        .json::<requorum_shared::api::upload::Upload>()
        .await
        .unwrap();
    assert!(
        app.store
            .upload_finished(&upload.id, &finished)
            .await
            .unwrap()
    );
    assert!(
        !app.removals
            .begin_release(&id, app.clock.now_ms())
            .await
            .unwrap()
    );
    app.releases.release_all().await.unwrap();
    assert!(object(&server, &id).exists());
    app.store.remove_upload(&upload.id).await.unwrap();
    app.releases.release_all().await.unwrap();
    assert!(!object(&server, &id).exists());
    assert!(app.removals.to_release().await.unwrap().is_empty());
}

#[tokio::test]
async fn storage_says_what_takes_room_for_which_cluster() {
    let server = TestServer::start().await;
    let console = Console::over(&server).await;
    let id = console.upload_of("3.6.14-mixed.db", "prod").await;
    let job = console.run(&request(&id, "here")).await;
    console.finished(&job.id).await;
    let storage = async |client: &Client| {
        let mut console = ConsoleServiceClient::new(client.grpc().await);
        let answer = console.get_storage(v1::GetStorageRequest {}).await;
        answer.unwrap().into_inner()
    };
    let app = server.app();
    requorum_server::ops::disks::measure(app).await;
    let seen = storage(&console.http).await;
    assert!(seen.measured_at_ms > 0);
    assert_eq!(seen.clusters.len(), 1);
    let prod = &seen.clusters[0];
    assert_eq!(prod.cluster, "prod");
    assert_eq!(prod.files_bytes, console.http.snapshots().await.used_bytes);
    assert!(prod.leftovers_bytes > prod.files_bytes, "{prod:?}");
    assert!(seen.free_bytes > Some(0) && seen.size_bytes >= seen.free_bytes);
    // Whoever asks, no disk is looked at.
    let more = server.data_dir().join("restores/here/more");
    std::fs::write(more, vec![1; 100_000]).unwrap();
    assert_eq!(storage(&console.http).await.clusters, seen.clusters);
    requorum_server::ops::disks::measure(app).await;
    let then = &storage(&console.http).await.clusters[0];
    assert!(
        then.leftovers_bytes >= prod.leftovers_bytes + 100_000,
        "{then:?}"
    );
    let other = server
        .person(&console.http, "lars", &["operator@lab"])
        .await;
    assert!(storage(&other).await.clusters.is_empty());
}

#[tokio::test]
async fn authors_are_told_what_became_of_their_plans() {
    let server = TestServer::start().await;
    let admin = Console::over(&server).await;
    let author = server.person(&admin.http, "ida", &["operator"]).await;
    let author = Console::with(author).await;
    let id = author.upload_of("3.6.14-mixed.db", "prod").await;
    let outcomes = async |client: &Client| {
        let mut console = ConsoleServiceClient::new(client.grpc().await);
        let answer = console
            .list_outcomes(v1::ListOutcomesRequest::default())
            .await;
        answer.unwrap().into_inner().items
    };
    let wrong = author.seal(&request(&id, "wrong")).await.unwrap();
    assert!(outcomes(&author.http).await.is_empty());
    admin.reject(&wrong, "wrong token").await.unwrap();
    let told = outcomes(&author.http).await;
    assert_eq!(told.len(), 1);
    assert_eq!(
        (
            told[0].kind(),
            told[0].name.as_str(),
            told[0].by.as_str(),
            told[0].reason.as_str()
        ),
        (
            v1::OutcomeKind::Rejected,
            "prod #1",
            crate::support::harness::NAME,
            "wrong token"
        )
    );
    let right = author.seal(&request(&id, "right")).await.unwrap();
    admin.approve(&right.id, &right.hash).await.unwrap();
    assert_eq!(
        outcomes(&author.http).await[0].kind(),
        v1::OutcomeKind::Approved
    );
    let job = author.start(&right).await.unwrap();
    author.finished(&job.id).await;
    let told = outcomes(&author.http).await;
    assert_eq!(
        (told.len(), told[0].kind()),
        (2, v1::OutcomeKind::Completed)
    );
    assert_eq!(told[0].job_id, job.id);
    // Page after page, each once, the newest first.
    let (mut pages, mut token) = (Vec::new(), String::new());
    loop {
        let mut console = ConsoleServiceClient::new(author.http.grpc().await);
        let asked = v1::ListOutcomesRequest {
            page_size: 1,
            page_token: token,
        };
        let page = console.list_outcomes(asked).await.unwrap().into_inner();
        assert_eq!((page.items.len(), page.total), (1, 2));
        pages.extend(page.items);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(pages, told);
    // Nobody else's are told.
    assert!(outcomes(&admin.http).await.is_empty());
}
