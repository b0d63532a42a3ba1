//! A ledger that somebody with the server's files changed while no server ran. The next one starts, shows what is
//! there, says what is wrong, and does nothing more; and whoever has seen the ledger before sees what it hides.

use requorum_server::grpc::v1::ledger_service_client::LedgerServiceClient;
use requorum_shared::api::v1::{GetLedgerRequest, ProveConsistencyRequest, TailEntriesRequest};
use requorum_shared::ledger::checkpoint::VerifyingKey;
use requorum_shared::ledger::verify::{Audit, Remembered, Verified};
use serde_json::json;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;
use tonic::Code;

use crate::support::harness::{Client, Options, TestServer, error};

/// A console with some history, whose ledger somebody has verified; and that somebody's memory.
async fn console() -> (TestServer, Remembered) {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    for _ in 0..4 {
        server.signed_in().await;
    }
    let seen = audit(&admin, None).await.unwrap();
    assert_eq!(seen.checkpoint.size, 7);
    (server, seen.remember)
}

/// Changes the database as somebody who has the file does: no trigger stops them.
async fn tampered(server: TestServer, sql: &'static [&'static str]) -> TestServer {
    let database = server.data_dir().join("requorum.db");
    let change = move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let options = SqliteConnectOptions::new()
                .filename(database)
                .foreign_keys(false);
            let database = SqlitePool::connect_with(options).await.unwrap();
            let open = [
                "DROP TRIGGER ledger_entries_are_final",
                "DROP TRIGGER ledger_entries_stay",
            ];
            for sql in open.iter().chain(sql) {
                sqlx::query(*sql).execute(&database).await.unwrap();
            }
            database.close().await;
        });
    };
    let elsewhere = || std::thread::spawn(change).join().unwrap();
    server.restart_after(Options::default(), elsewhere).await
}

/// Verifies over HTTP, as a browser does.
async fn audit(client: &Client, remembered: Option<&Remembered>) -> Result<Verified, String> {
    let text = async |path: &str| client.get(path).await.text().await.unwrap();
    let key = VerifyingKey::parse(&text("/ledger/key").await).unwrap();
    let note = text("/ledger/checkpoint").await;
    let mut audit = Audit::begin(&key, &note, remembered).map_err(|e| e.to_string())?;
    while let Some((bundle, leaves)) = audit.next() {
        let [bundle, leaves] = [bundle, leaves].map(|tile| format!("/ledger/{}", tile.path()));
        let bundle = client.get(&bundle).await;
        if bundle.status() != 200 {
            return Err(error(bundle).await.1.code);
        }
        let leaves = client.get(&leaves).await.bytes().await.unwrap();
        let fed = audit.feed(&bundle.bytes().await.unwrap(), Some(&leaves));
        fed.map_err(|e| e.to_string())?;
    }
    audit.finish().map_err(|e| e.to_string())
}

async fn trouble(client: &Client) -> String {
    let mut client = LedgerServiceClient::new(client.grpc().await);
    let ledger = client.get_ledger(GetLedgerRequest {}).await.unwrap();
    ledger.into_inner().trouble
}

#[tokio::test]
async fn what_contradicts_itself_is_shown_and_nothing_is_done() {
    let cases: [(&[&str], &str); 7] = [
        (
            &["DELETE FROM ledger_entries WHERE idx >= 5"],
            "entries that its checkpoint counts are missing",
        ),
        (
            &["DELETE FROM ledger_entries"],
            "entries that its checkpoint counts are missing",
        ),
        (
            &["DELETE FROM ledger_entries WHERE idx = 3"],
            "entries that its checkpoint counts are missing",
        ),
        (
            &["UPDATE ledger_entries SET leaf = zeroblob(32) WHERE idx = 3"],
            "its entries do not add up to its newest signed checkpoint",
        ),
        (
            &[
                "UPDATE ledger_entries SET idx = -1 WHERE idx = 3",
                "UPDATE ledger_entries SET idx = 3 WHERE idx = 4",
                "UPDATE ledger_entries SET idx = 4 WHERE idx = -1",
            ],
            "its entries do not add up to its newest signed checkpoint",
        ),
        (
            &[
                "INSERT INTO ledger_entries SELECT 7, leaf, canonical, at_ms, closes, who, act, cluster, plan, job \
               FROM ledger_entries WHERE idx = 3",
            ],
            "it has entries that no checkpoint counts",
        ),
        (
            &["DELETE FROM ledger_checkpoints"],
            "it has entries and no checkpoint",
        ),
    ];
    for (sql, why) in cases {
        let (server, _) = console().await;
        let server = tampered(server, sql).await;
        // One can come in and look.
        let admin = server.signed_in().await;
        let said = trouble(&admin).await;
        assert_eq!(
            said,
            format!("the ledger is damaged, and nothing is added to it: {why}"),
            "{sql:?}"
        );
        let upload = json!({"name": "a.db", "length": 4});
        let upload = admin.post("/api/uploads", &upload).await;
        let upload: serde_json::Value = upload.json().await.unwrap();
        let path = format!("/api/uploads/{}", upload["id"].as_str().unwrap());
        let (status, body) = error(admin.request("DELETE", &path).send().await.unwrap()).await;
        assert_eq!((status, body.code.as_str()), (503, "ledger.unwritable"));
        assert_eq!(
            body.message,
            format!(
                "This was not done, because every act is recorded in the ledger first: {said}. See what \
                 `requorum audit verify` says of its data directory."
            )
        );
        assert_eq!(admin.get(&path).await.status(), 200, "it was not done");
    }
}

#[tokio::test]
async fn an_entry_whose_text_was_changed_is_found_by_whoever_reads_it() {
    let (server, seen) = console().await;
    let server = tampered(
        server,
        &["UPDATE ledger_entries SET canonical = CAST(replace(CAST(canonical AS TEXT), 'Anna K.', 'Mallory') AS BLOB) WHERE idx = 4"],
    )
    .await;
    let admin = server.signed_in().await;
    for remembered in [None, Some(&seen)] {
        let found = audit(&admin, remembered).await.unwrap_err();
        assert_eq!(
            found,
            "Entry 4 was changed after it was written: its text no longer has the hash that the tree holds."
        );
    }
}

/// Cut back to an earlier checkpoint that the server itself signed: all of it adds up, and only memory tells.
const CUT_BACK: &[&str] = &[
    "DELETE FROM ledger_entries WHERE idx >= 4",
    "DELETE FROM ledger_checkpoints WHERE size > 4",
];

#[tokio::test]
async fn a_ledger_that_was_cut_back_is_found_by_whoever_has_seen_more() {
    let (server, seen) = console().await;
    let server = tampered(server, CUT_BACK).await;
    let admin = server.signed_in().await;
    assert_eq!(trouble(&admin).await, "", "it adds up");
    audit(&admin, None).await.unwrap();
    assert_eq!(
        audit(&admin, Some(&seen)).await.unwrap_err(),
        "The ledger was cut off: it had 7 entries when it was last seen, and now has 5."
    );
    let mut client = LedgerServiceClient::new(admin.grpc().await);
    let tail = client
        .tail_entries(TailEntriesRequest { since: 7 })
        .await
        .unwrap_err();
    let proof = client
        .prove_consistency(ProveConsistencyRequest { old: 7 })
        .await
        .unwrap_err();
    for refused in [tail, proof] {
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert_eq!(
            refused.message(),
            "This ledger has 5 entries and never had 7. If you have seen that many, it was cut off, or it is \
             another console's."
        );
    }
}

#[tokio::test]
async fn a_ledger_that_was_cut_back_and_went_on_is_a_fork() {
    let (server, seen) = console().await;
    let server = tampered(server, CUT_BACK).await;
    let mut admin = server.signed_in().await;
    for _ in 0..4 {
        admin = server.signed_in().await;
    }
    let found = audit(&admin, None).await.unwrap();
    assert_eq!(found.checkpoint.size, 9, "longer than it was");
    assert_eq!(
        audit(&admin, Some(&seen)).await.unwrap_err(),
        "The ledger was forked: its first 7 entries are signed and add up, and are not the 7 entries that were \
         signed and seen before."
    );
}

#[tokio::test]
async fn a_ledger_that_begins_again_is_found_by_whoever_has_seen_it() {
    let (server, seen) = console().await;
    let server = tampered(
        server,
        &[
            "DELETE FROM ledger_entries",
            "DELETE FROM ledger_checkpoints",
            "DELETE FROM ledger_nodes",
        ],
    )
    .await;
    let admin = server.signed_in().await;
    assert_eq!(
        audit(&admin, Some(&seen)).await.unwrap_err(),
        "The ledger was cut off: it had 7 entries when it was last seen, and now has 2."
    );
}

#[tokio::test]
async fn with_another_key_a_ledger_is_not_taken_up() {
    let (server, _) = console().await;
    let other = TestServer::start().await;
    let theirs = other.data_dir().join("ledger-key");
    let data = server.data_dir();
    let _kept = server.stop_and_keep().await;
    std::fs::copy(theirs, data.join("ledger-key")).unwrap();
    let before = std::fs::read(data.join("requorum.db")).unwrap();
    let refused = crate::support::process::command(&data, &[])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains("is signed with another key than the one in")
            && said.contains("it comes from another console"),
        "{said}"
    );
    let after = std::fs::read(data.join("requorum.db")).unwrap();
    assert!(before == after, "nothing is written into it");
}

#[tokio::test]
async fn without_its_key_a_ledger_is_not_taken_up() {
    let (server, _) = console().await;
    let data = server.data_dir();
    let _kept = server.stop_and_keep().await;
    std::fs::remove_file(data.join("ledger-key")).unwrap();
    let refused = crate::support::process::command(&data, &[])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains("ledger-key is missing: put it back from a backup"),
        "{said}"
    );
    assert!(!data.join("ledger-key").exists(), "no second key is made");
}
