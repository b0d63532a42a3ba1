//! Sign-ins that have come back from the identity provider.

use requorum_server::auth::oidc::store::SignInStore as _;

use super::{Store, stories};

async fn a_sign_in_is_taken_once(store: &Store) {
    let (db, other) = (&store.db, store.again().await);
    // The browser may come back to another server.
    let (here, there) = tokio::join!(
        db.take_sign_in("one", 1, 101),
        other.take_sign_in("one", 1, 101)
    );
    assert_ne!(here.unwrap(), there.unwrap());
    assert!(db.take_sign_in("two", 100, 200).await.unwrap());
    assert!(!db.take_sign_in("one", 100, 101).await.unwrap());
    // Forgotten once it would be void anyway.
    assert!(db.take_sign_in("three", 101, 201).await.unwrap());
    assert!(db.take_sign_in("one", 101, 201).await.unwrap());
}

stories!(a_sign_in_is_taken_once);
