//! What becomes of a server that waits for its turn to write while another stands still with the lock in its hands.

use std::time::Duration;

use futures_util::future::join_all;
use requorum_server::auth::store::{SessionStore as _, UserStore as _};
use requorum_server::db::Database;
use requorum_server::ledger::store::LedgerStore as _;
use sqlx::{AnyConnection, Connection as _, Executor as _};
use tokio::time::{Instant, timeout};

use super::{Store, ledger};

/// More than a server has connections.
const MANY: usize = 24;

/// A connection of nobody who is known, with the write lock.
async fn hold(store: &Store) -> AnyConnection {
    let mut other = AnyConnection::connect(&store.url).await.unwrap();
    let lock = i64::from_be_bytes(*b"requorum");
    let sql = format!("BEGIN; SELECT pg_advisory_xact_lock({lock})");
    other.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
    other
}

/// Something that takes a turn.
async fn write(db: &Database) -> anyhow::Result<()> {
    db.touch_sessions(&[]).await
}

/// It can be written and read, over and over, on whichever connection.
async fn all_is_well(store: &Store) {
    for written in join_all((0..MANY).map(|_| write(&store.db))).await {
        written.unwrap();
    }
    for read in join_all((0..MANY).map(|_| store.db.users())).await {
        read.unwrap();
    }
}

#[tokio::test]
async fn whoever_waits_does_not_keep_others_from_reading() {
    let store = Store::postgres().await;
    let holds = hold(&store).await;
    let reads = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let asked = Instant::now();
        for _ in 0..MANY {
            store.db.users().await.unwrap();
        }
        assert!(asked.elapsed() < Duration::from_secs(2));
        holds.close().await.unwrap();
        Instant::now()
    };
    let writes = join_all((0..MANY).map(|_| async {
        write(&store.db).await.unwrap();
        Instant::now()
    }));
    let (written, free) = tokio::join!(writes, reads);
    assert!(written.into_iter().all(|at| at > free), "the lock was held");
}

#[tokio::test]
async fn whoever_is_cut_off_while_it_waits_leaves_nothing_behind() {
    let store = Store::postgres().await;
    let holds = hold(&store).await;
    for n in 0..MANY {
        let wait = Duration::from_millis(n as u64);
        timeout(wait, write(&store.db)).await.unwrap_err();
    }
    let asked = Instant::now();
    store.db.users().await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(1));
    holds.close().await.unwrap();
    let asked = Instant::now();
    all_is_well(&store).await;
    // Nobody held the lock without knowing it.
    assert!(asked.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn whoever_waited_in_vain_can_write_later() {
    let store = Store::postgres().await;
    let holds = hold(&store).await;
    let waited = timeout(Duration::from_secs(15), write(&store.db)).await;
    waited.unwrap().unwrap_err();
    holds.close().await.unwrap();
    all_is_well(&store).await;
}

#[tokio::test]
async fn a_server_that_stands_still_with_the_lock_loses_it() {
    let store = Store::postgres().await;
    let turn = store.db.turn().await.unwrap();
    let other = store.again().await;
    let asked = Instant::now();
    write(&other).await.unwrap();
    let waited = asked.elapsed();
    assert!(
        (3..9).contains(&waited.as_secs()),
        "others are not refused, and wait a little: {waited:?}"
    );
    // It comes too late.
    let late = ledger::batch("one", vec![ledger::entry(0, "anna", None)]);
    turn.append(&late).await.unwrap_err();
    all_is_well(&store).await;
}
