//! Processes at work on the database.

use std::time::Duration;

use requorum_server::servers::ServerStore as _;

use super::ledger::{append, batch, entry};
use super::{Store, stories};

const MINUTE: Duration = Duration::from_secs(60);

async fn who_is_silent_is_gone_once_it_is_looked_for(store: &Store) {
    let db = &store.db;
    for (index, id) in ["one", "two"].into_iter().enumerate() {
        db.beat(id).await.unwrap();
        let opened = batch(id, vec![entry(index as u64, "anna", None)]);
        append(db, &opened).await.unwrap();
    }
    assert!(db.gone(MINUTE).await.unwrap().is_empty());
    tokio::time::sleep(Duration::from_millis(60)).await;
    db.beat("two").await.unwrap();
    let moment = Duration::from_millis(50);
    assert_eq!(db.gone(moment).await.unwrap(), ["one"]);
    // As long as it left something open.
    assert_eq!(db.gone(MINUTE).await.unwrap(), ["one"]);
    let closed = batch("two", vec![entry(2, "anna", Some(0))]);
    append(db, &closed).await.unwrap();
    assert!(db.gone(MINUTE).await.unwrap().is_empty());
    // Whoever says goodbye and still has something open is not believed.
    db.leave("two").await.unwrap();
    assert!(db.gone(MINUTE).await.unwrap().is_empty());
    let closed = batch("two", vec![entry(3, "anna", Some(1))]);
    append(db, &closed).await.unwrap();
    db.leave("two").await.unwrap();
    let rows = store.run("DELETE FROM servers").await.unwrap();
    assert_eq!(rows, 0);
}

stories!(who_is_silent_is_gone_once_it_is_looked_for);
