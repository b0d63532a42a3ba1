//! Files, and uploads on their way to become one.

use requorum_server::auth::store::UserStore as _;
use requorum_server::files::store::{
    FileStore as _, Finished, Headline, LabelledValue, StoredFile, UploadRow,
};
use requorum_server::ledger::carrying_out;
use requorum_server::ledger::store::LedgerStore as _;
use requorum_shared::inspection::Trust;

use super::people::user;
use super::{Store, ledger, stories};

fn upload(id: &str, started_ms: i64) -> UploadRow {
    UploadRow {
        id: id.into(),
        name: "snapshot.db".into(),
        cluster: "prod".into(),
        // More than 32 bits, and more than a browser's numbers hold.
        length: (1 << 53) + 1,
        safe_bytes: 0,
        owner_id: "id of anna".into(),
        owner: "anna".into(),
        place: "here".into(),
        started_ms,
        evidence: false,
        touched_ms: started_ms,
        entry: None,
        finished: None,
    }
}

fn file(id: &str, name: &str, uploaded_ms: i64) -> StoredFile {
    StoredFile {
        id: id.into(),
        name: name.into(),
        size: (1 << 53) + 1,
        uploaded_ms,
        uploaded_by: "anna".into(),
        origin: "upload".into(),
        cluster: "prod".into(),
        kind: "etcd-snapshot".into(),
        trust: Trust::Verified,
        headline: Headline {
            sentence: "Whole.".into(),
            values: vec![LabelledValue {
                key: "revision".into(),
                label: "Revision".into(),
                one: String::new(),
                value: i64::MAX.to_string(),
            }],
        },
        removed_ms: 0,
        removed_by: String::new(),
    }
}

/// Stores a file as an upload does.
pub(super) async fn keep(store: &Store, id: &str, uploaded_ms: i64) {
    store
        .db
        .add_upload(&upload(id, uploaded_ms), 9)
        .await
        .unwrap();
    let finished = Finished {
        sha256: id.into(),
        inspection_json: format!(r#"{{"of":"{id}"}}"#),
    };
    store.db.upload_finished(id, &finished).await.unwrap();
    let file = file(id, "snapshot.db", uploaded_ms);
    store.db.upload_becomes(id, &file).await.unwrap();
}

async fn an_upload_becomes_a_file(store: &Store) {
    let db = &store.db;
    db.add_user(&user("anna")).await.unwrap();
    db.add_upload(&upload("u1", 1), 9).await.unwrap();
    db.add_upload(&upload("u2", 2), 9).await.unwrap();
    db.upload_is_at("u1", 1 << 40, 5).await.unwrap();
    let seen = db.upload("u1").await.unwrap().unwrap();
    assert_eq!((seen.safe_bytes, seen.touched_ms), (1 << 40, 5));
    assert_eq!(db.uploads().await.unwrap(), [upload("u2", 2), seen]);
    db.remove_upload("u2").await.unwrap();
    assert_eq!(db.upload("u2").await.unwrap(), None);

    let finished = Finished {
        sha256: "abc".into(),
        inspection_json: r#"{"a":1}"#.into(),
    };
    db.upload_finished("u1", &finished).await.unwrap();
    let seen = db.upload("u1").await.unwrap().unwrap();
    assert_eq!(seen.finished, Some(finished));
    db.upload_becomes("u1", &file("abc", "first", 7))
        .await
        .unwrap();
    assert!(db.uploads().await.unwrap().is_empty());
    let (kept, inspection) = db.file("abc").await.unwrap().unwrap();
    assert_eq!(kept, file("abc", "first", 7));
    assert_eq!(inspection, r#"{"a":1}"#);
    assert!(db.file("abd").await.unwrap().is_none());
}

async fn the_same_bytes_stay_what_they_were(store: &Store) {
    let db = &store.db;
    db.add_user(&user("anna")).await.unwrap();
    keep(store, "s1", 1).await;
    keep(store, "s2", 2).await;
    db.add_upload(&upload("u", 3), 9).await.unwrap();
    let finished = Finished {
        sha256: "s1".into(),
        inspection_json: "{}".into(),
    };
    db.upload_finished("u", &finished).await.unwrap();
    db.upload_becomes("u", &file("s1", "renamed", 9))
        .await
        .unwrap();
    let listed = db.files().await.unwrap();
    assert_eq!(
        listed,
        [file("s2", "snapshot.db", 2), file("s1", "snapshot.db", 1)]
    );
    assert!(db.uploads().await.unwrap().is_empty());
}

async fn a_cluster_is_named_by_whoever_saw_the_old_name(store: &Store) {
    let db = &store.db;
    db.add_user(&user("anna")).await.unwrap();
    keep(store, "s", 1).await;
    assert!(db.set_file_cluster("s", "prod", "lab").await.unwrap());
    assert!(!db.set_file_cluster("s", "prod", "shop").await.unwrap());
    assert!(!db.set_file_cluster("t", "", "lab").await.unwrap());
    let (kept, _) = db.file("s").await.unwrap().unwrap();
    assert_eq!(kept.cluster, "lab");
}

async fn what_is_done_with_an_upload_is_known_while_its_act_is_open(store: &Store) {
    let db = &store.db;
    db.add_user(&user("anna")).await.unwrap();
    let entries = (0..4).map(|index| ledger::entry(index, "anna", None));
    ledger::append(db, &ledger::batch("one", entries.collect()))
        .await
        .unwrap();
    let add = carrying_out(0, db.add_upload(&upload("u", 1), 1)).await;
    assert!(add.unwrap());
    // One too many is none.
    let add = carrying_out(1, db.add_upload(&upload("v", 1), 1)).await;
    assert!(!add.unwrap());
    carrying_out(2, db.upload_is_evidence("u")).await.unwrap();
    assert!(db.upload("u").await.unwrap().unwrap().evidence);
    carrying_out(3, db.remove_upload("u")).await.unwrap();
    let mut effects = db.effects().await.unwrap();
    effects.sort_by_key(|effect| effect.index);
    let indexes: Vec<_> = effects.iter().map(|effect| effect.index).collect();
    assert_eq!(indexes, [0, 2, 3]);
}

stories!(
    an_upload_becomes_a_file,
    the_same_bytes_stay_what_they_were,
    a_cluster_is_named_by_whoever_saw_the_old_name,
    what_is_done_with_an_upload_is_known_while_its_act_is_open,
);
