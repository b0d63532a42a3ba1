//! Sign-ins that were begun at the identity provider.

use requorum_server::auth::oidc::store::{SignInStore as _, Started};

use super::{Store, stories};

fn started(address: &str, at_ms: i64) -> Started {
    Started {
        return_to: "/plans/7".into(),
        address: address.into(),
        started_ms: at_ms,
        expires_ms: at_ms + 100,
    }
}

async fn a_sign_in_is_taken_once_and_in_time(store: &Store) {
    let (db, other) = (&store.db, store.again().await);
    let one = started("a", 1);
    assert!(db.start_sign_in("one", &one, 9, 9).await.unwrap());
    assert!(db.start_sign_in("two", &one, 9, 9).await.unwrap());
    // The browser may come back to another server.
    let (here, there) = tokio::join!(db.take_sign_in("one", 100), other.take_sign_in("one", 100));
    let mut taken = [here.unwrap(), there.unwrap()];
    taken.sort_by_key(Option::is_none);
    assert_eq!(taken, [Some(one), None]);
    assert_eq!(db.take_sign_in("two", 101).await.unwrap(), None, "too late");
    assert_eq!(db.take_sign_in("three", 1).await.unwrap(), None);
}

async fn no_more_are_kept_than_may_be(store: &Store) {
    let db = &store.db;
    let start = async |id: &str, address, at_ms, per_address| {
        let started = started(address, at_ms);
        let kept = db.start_sign_in(id, &started, per_address, 3).await;
        kept.unwrap()
    };
    assert!(start("a1", "a", 1, 2).await);
    assert!(start("a2", "a", 2, 2).await);
    assert!(!start("a3", "a", 3, 2).await, "too many from there");
    assert!(start("b4", "b", 4, 2).await);
    assert!(start("b5", "b", 5, 2).await);
    for (id, there) in [("a1", false), ("a2", true), ("b4", true), ("b5", true)] {
        let taken = db.take_sign_in(id, 6).await.unwrap();
        assert_eq!(taken.is_some(), there, "{id}: the oldest makes room");
    }
    // What is void counts no more.
    assert!(start("a6", "a", 6, 1).await);
    assert!(!start("a7", "a", 7, 1).await);
    assert!(start("a8", "a", 106, 1).await);
}

stories!(
    a_sign_in_is_taken_once_and_in_time,
    no_more_are_kept_than_may_be,
);
